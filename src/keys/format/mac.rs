//! Shows that a PKCS#12 passphrase is right and the file intact: `MacData` (RFC 7292 §4), with the
//! key derivation of PKCS#12 or with PBKDF2 (PBMAC1, RFC 9579).

use der::Tag;
use der::asn1::{AnyRef, ObjectIdentifier};
use hmac::{KeyInit, Mac as _, SimpleHmac};
use pkcs8::spki::AlgorithmIdentifierRef;
use pkcs12::kdf::Pkcs12KeyType;
use sha1::Sha1;
use sha2::digest::block_api::BlockSizeUser;
use sha2::digest::{Digest, FixedOutputReset};
use sha2::{Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::costs::{Derivation, Hash};
use super::elements::{STRUCTURE, octets, sequence};
use super::{pbe, scheme};
use crate::keys::KeyError;

const MAX_KEY_LEN: usize = 64;

pub(super) struct Mac<'a> {
    function: Function,
    hash: Hash,
    salt: &'a [u8],
    digest: &'a [u8],
}

enum Function {
    Pkcs12 { rounds: i32 },
    Pbkdf2 { derivation: Derivation, prf: Hash, rounds: u32, key_len: usize },
}

impl<'a> Mac<'a> {
    /// Reads `MacData`.
    pub(super) fn new(data: AnyRef<'a>) -> Result<Self, KeyError> {
        let elements: Vec<AnyRef<'a>> = sequence(data)?;
        let [info, salt, count @ ..] = elements.as_slice() else {
            return Err(STRUCTURE);
        };
        let [algorithm, digest] = <[AnyRef<'a>; 2]>::try_from(sequence(*info)?).map_err(|_| STRUCTURE)?;
        let algorithm: AlgorithmIdentifierRef<'a> = algorithm.decode_as().map_err(|_| STRUCTURE)?;
        let digest = octets(digest)?;
        if algorithm.oid == scheme::PBMAC1 {
            return Self::pbmac1(algorithm.parameters.ok_or(STRUCTURE)?, digest);
        }
        let hash = hash(&algorithm.oid)?;
        let once = AnyRef::new(Tag::Integer, &[1]).map_err(|_| STRUCTURE)?;
        let count = count.first().copied().unwrap_or(once);
        let rounds = pbe::rounds("PKCS#12's MAC iteration count", count)?;
        Ok(Self { function: Function::Pkcs12 { rounds }, hash, salt: octets(*salt)?, digest })
    }

    /// RFC 9579 §4: salt and count are those of PBKDF2, and the key length is required.
    fn pbmac1(parameters: AnyRef<'a>, digest: &'a [u8]) -> Result<Self, KeyError> {
        let [derivation, mac] =
            <[AlgorithmIdentifierRef<'a>; 2]>::try_from(sequence(parameters)?).map_err(|_| STRUCTURE)?;
        let hash = hash(&mac.oid)?;
        if derivation.oid != scheme::PBKDF2 {
            let scheme = format!("PBMAC1 with {}", scheme::name(&derivation.oid));
            return Err(KeyError::UnsupportedEncryption { scheme });
        }
        let parameters: Vec<AnyRef<'a>> = sequence(derivation.parameters.ok_or(STRUCTURE)?)?;
        let [salt, _, key_len, prf @ ..] = parameters.as_slice() else {
            return Err(STRUCTURE);
        };
        let key_len: usize = key_len.decode_as::<u16>().map_err(|_| STRUCTURE)?.into();
        let derivation = Derivation::pbkdf2(&parameters, key_len as u64)?;
        if !(1..=MAX_KEY_LEN).contains(&key_len) {
            return Err(STRUCTURE);
        }
        let prf = match prf.first() {
            Some(prf) => {
                self::hash(&prf.decode_as::<AlgorithmIdentifierRef<'_>>().map_err(|_| STRUCTURE)?.oid)?
            }
            None => Hash::Sha1,
        };
        let rounds = u32::try_from(derivation.iterations()).map_err(|_| STRUCTURE)?;
        let function = Function::Pbkdf2 { derivation, prf, rounds, key_len };
        Ok(Self { function, hash, salt: octets(*salt)?, digest })
    }

    /// The work of [`verify`](Self::verify): deriving the key, and the MAC over `content_len`
    /// bytes.
    pub(super) fn work(&self, passphrase: Option<&[u8]>, content_len: usize) -> u64 {
        let derivation = match &self.function {
            Function::Pkcs12 { rounds } => {
                pbe::work(self.hash, passphrase, self.salt, *rounds, self.hash.output_len())
            }
            Function::Pbkdf2 { derivation, .. } => {
                derivation.work(passphrase.unwrap_or_default().len() as u64)
            }
        };
        derivation.saturating_add(self.hash.hmac(content_len as u64))
    }

    /// Whether this is the MAC of the content under the passphrase.
    pub(super) fn verify(&self, passphrase: Option<&[u8]>, content: &[u8]) -> bool {
        match self.hash {
            Hash::Sha1 => self.verify_with::<Sha1>(passphrase, content),
            Hash::Sha224 => self.verify_with::<Sha224>(passphrase, content),
            Hash::Sha256 => self.verify_with::<Sha256>(passphrase, content),
            Hash::Sha384 => self.verify_with::<Sha384>(passphrase, content),
            Hash::Sha512 => self.verify_with::<Sha512>(passphrase, content),
        }
    }

    fn verify_with<D>(&self, passphrase: Option<&[u8]>, content: &[u8]) -> bool
    where
        D: Digest + FixedOutputReset + BlockSizeUser,
    {
        let key = match self.function {
            Function::Pkcs12 { rounds } => {
                let len = <D as Digest>::output_size();
                pbe::derive::<D>(passphrase, self.salt, Pkcs12KeyType::Mac, rounds, len)
            }
            Function::Pbkdf2 { prf, rounds, key_len, .. } => {
                let mut key = Zeroizing::new(vec![0; key_len]);
                pbkdf2(prf, passphrase.unwrap_or_default(), self.salt, rounds, &mut key);
                key
            }
        };
        SimpleHmac::<D>::new_from_slice(&key)
            .is_ok_and(|mac| mac.chain_update(content).verify_slice(self.digest).is_ok())
    }
}

fn hash(oid: &ObjectIdentifier) -> Result<Hash, KeyError> {
    let unsupported = || format!("a MAC with {}", scheme::name(oid));
    Hash::of_digest(oid)
        .or_else(|| Hash::of_hmac(oid))
        .ok_or_else(|| KeyError::UnsupportedEncryption { scheme: unsupported() })
}

fn pbkdf2(prf: Hash, passphrase: &[u8], salt: &[u8], rounds: u32, key: &mut [u8]) {
    use pbkdf2::pbkdf2_hmac;
    match prf {
        Hash::Sha1 => pbkdf2_hmac::<Sha1>(passphrase, salt, rounds, key),
        Hash::Sha224 => pbkdf2_hmac::<Sha224>(passphrase, salt, rounds, key),
        Hash::Sha256 => pbkdf2_hmac::<Sha256>(passphrase, salt, rounds, key),
        Hash::Sha384 => pbkdf2_hmac::<Sha384>(passphrase, salt, rounds, key),
        Hash::Sha512 => pbkdf2_hmac::<Sha512>(passphrase, salt, rounds, key),
    }
}
