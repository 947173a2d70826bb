//! Passphrases in PKCS#12 (RFC 7292 Appendix B): the key derivation, and the encryption with 3DES
//! or RC2.
//!
//! All of it is weak by today's standards. It is read for existing files and never written. The
//! derivation comes from the crate `pkcs12`, the ciphers from `des` and `rc2`.

use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, KeyInit, KeyIvInit};
use der::asn1::{AnyRef, ObjectIdentifier};
use pkcs12::kdf::{self, Pkcs12KeyType};
use sha1::Sha1;
use sha2::digest::block_api::BlockSizeUser;
use sha2::digest::{Digest, FixedOutputReset};
use zeroize::Zeroizing;

use super::costs::{self, Derivation, Hash};
use super::elements::{STRUCTURE, octets, sequence};
use super::scheme;
use crate::keys::KeyError;

/// RFC 7292 Appendix C, `pkcs-12PbeParams`, with the cipher.
pub(super) struct Scheme {
    cipher: Cipher,
    salt: Vec<u8>,
    rounds: i32,
}

#[derive(Clone, Copy)]
enum Cipher {
    TripleDes,
    TwoKeyTripleDes,
    Rc2 { key_len: usize },
}

/// The ciphers all have blocks of this length in bytes.
const IV_LEN: usize = 8;

impl Cipher {
    const fn key_len(self) -> usize {
        match self {
            Self::TripleDes => 24,
            Self::TwoKeyTripleDes => 16,
            Self::Rc2 { key_len } => key_len,
        }
    }
}

impl Scheme {
    pub(super) fn new(scheme: &ObjectIdentifier, parameters: AnyRef<'_>) -> Result<Self, KeyError> {
        let cipher = match *scheme {
            scheme::PBE_3DES => Cipher::TripleDes,
            scheme::PBE_TWO_KEY_3DES => Cipher::TwoKeyTripleDes,
            scheme::PBE_128_BIT_RC2 => Cipher::Rc2 { key_len: 16 },
            scheme::PBE_40_BIT_RC2 => Cipher::Rc2 { key_len: 5 },
            other => return Err(scheme::unsupported(&other)),
        };
        let [salt, count] = <[AnyRef<'_>; 2]>::try_from(sequence(parameters)?).map_err(|_| STRUCTURE)?;
        let salt = octets(salt)?.to_vec();
        Ok(Self { cipher, salt, rounds: rounds("PKCS#12's PBE iteration count", count)? })
    }

    /// The work of deriving key and IV, each with a derivation of its own.
    pub(super) fn work(&self, passphrase: Option<&[u8]>) -> u64 {
        [self.cipher.key_len(), IV_LEN].into_iter().fold(0, |work, len| {
            work.saturating_add(self::work(Hash::Sha1, passphrase, &self.salt, self.rounds, len as u64))
        })
    }

    /// Decrypts in place and returns the length of the plaintext.
    pub(super) fn decrypt(&self, passphrase: Option<&[u8]>, buffer: &mut [u8]) -> Result<usize, KeyError> {
        match self.cipher {
            Cipher::TripleDes => self.cbc::<des::TdesEde3>(passphrase, buffer),
            Cipher::TwoKeyTripleDes => self.cbc::<des::TdesEde2>(passphrase, buffer),
            // RC2 takes the effective key length from the length of the key.
            Cipher::Rc2 { .. } => self.cbc::<rc2::Rc2>(passphrase, buffer),
        }
    }

    fn cbc<C: BlockCipherDecrypt + KeyInit>(
        &self,
        passphrase: Option<&[u8]>,
        buffer: &mut [u8],
    ) -> Result<usize, KeyError> {
        let derive = |purpose, len| derive::<Sha1>(passphrase, &self.salt, purpose, self.rounds, len);
        let key = derive(Pkcs12KeyType::EncryptionKey, self.cipher.key_len());
        let iv = derive(Pkcs12KeyType::Iv, IV_LEN);
        cbc::Decryptor::<C>::new_from_slices(&key, &iv)
            .ok()
            .and_then(|cipher| cipher.decrypt_padded::<Pkcs7>(buffer).ok())
            .map(<[u8]>::len)
            .ok_or(KeyError::WrongPassphrase)
    }
}

/// RFC 7292 Appendix B.2. `None` means no passphrase at all, which differs from an empty one there.
pub(super) fn derive<D: Digest + FixedOutputReset + BlockSizeUser>(
    passphrase: Option<&[u8]>,
    salt: &[u8],
    purpose: Pkcs12KeyType,
    rounds: i32,
    len: usize,
) -> Zeroizing<Vec<u8>> {
    let passphrase = passphrase.map(bmp_string).unwrap_or_default();
    Zeroizing::new(kdf::derive_key::<D>(&passphrase, salt, purpose, rounds, len))
}

/// The work of [`derive`].
pub(super) fn work(hash: Hash, passphrase: Option<&[u8]>, salt: &[u8], rounds: i32, len: u64) -> u64 {
    // At most that of `bmp_string`, and exactly that if the passphrase is ASCII.
    let passphrase_len = passphrase.map_or(0, |passphrase| 2 * passphrase.len() as u64 + 2);
    Derivation::pkcs12(hash, salt, rounds.unsigned_abs().into(), len).work(passphrase_len)
}

/// A count of at most ten million, in the type that the derivation takes.
pub(super) fn rounds(parameter: &'static str, count: AnyRef<'_>) -> Result<i32, KeyError> {
    i32::try_from(costs::iterations(parameter, &count)?).map_err(|_| STRUCTURE)
}

/// RFC 7292 Appendix B.1, as UTF-16 beyond U+FFFF. A passphrase that is not UTF-8 is converted byte
/// by byte, as OpenSSL does it.
fn bmp_string(passphrase: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut string = Zeroizing::new(Vec::with_capacity(2 * passphrase.len() + 2));
    match std::str::from_utf8(passphrase) {
        Ok(text) => text.encode_utf16().for_each(|unit| string.extend(unit.to_be_bytes())),
        Err(_) => passphrase.iter().for_each(|byte| string.extend([0, *byte])),
    }
    string.extend([0, 0]);
    string
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc7292_b_1_a_passphrase_is_big_endian_and_ends_in_a_null() {
        for (passphrase, expected) in [
            (&b""[..], &[0, 0][..]),
            (b"Be", &[0, 0x42, 0, 0x65, 0, 0]),
            ("\u{e9}\u{20ac}".as_bytes(), &[0, 0xe9, 0x20, 0xac, 0, 0]),
            ("\u{1f511}".as_bytes(), &[0xd8, 0x3d, 0xdd, 0x11, 0, 0]),
            (b"\xe9a", &[0, 0xe9, 0, 0x61, 0, 0]),
        ] {
            let string = bmp_string(passphrase);
            assert_eq!(*string, expected);
            assert_eq!(string.capacity(), 2 * passphrase.len() + 2, "it never grows");
        }
    }

    #[test]
    fn no_passphrase_is_not_an_empty_one() {
        let derive = |passphrase| derive::<Sha1>(passphrase, b"saltsalt", Pkcs12KeyType::Mac, 1, 20);
        assert_ne!(derive(None), derive(Some(b"")));
    }
}
