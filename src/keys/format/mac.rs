//! What shows that a PKCS#12 passphrase is right and the file whole: `MacData` (RFC 7292 §4), with the key derivation of
//! PKCS#12 or with PBKDF2 (PBMAC1, RFC 9579).

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

use super::costs::{self, Costs};
use super::encrypted::{STRUCTURE, name, octets, sequence};
use super::pbe;
use crate::keys::KeyError;

const MAX_KEY_LEN: usize = 64;

pub(super) struct Mac<'a> {
    derivation: Derivation,
    hash: Hash,
    salt: &'a [u8],
    digest: &'a [u8],
    costs: Costs,
}

enum Derivation {
    Pkcs12 { rounds: i32 },
    Pbkdf2 { prf: Hash, rounds: u32, key_len: usize },
}

#[derive(Clone, Copy)]
enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl<'a> Mac<'a> {
    /// Reads `MacData`; what it costs is bounded.
    pub(super) fn new(data: AnyRef<'a>) -> Result<Self, KeyError> {
        let elements: Vec<AnyRef<'a>> = sequence(data)?;
        let [info, salt, count @ ..] = elements.as_slice() else {
            return Err(STRUCTURE);
        };
        let [algorithm, digest] = <[AnyRef<'a>; 2]>::try_from(sequence(*info)?).map_err(|_| STRUCTURE)?;
        let algorithm: AlgorithmIdentifierRef<'a> = algorithm.decode_as().map_err(|_| STRUCTURE)?;
        let digest = octets(digest)?;
        if name(&algorithm.oid) == "PBMAC1" {
            return Self::pbmac1(algorithm.parameters.ok_or(STRUCTURE)?, digest);
        }
        let hash = Hash::of(&algorithm.oid)?;
        let once = AnyRef::new(Tag::Integer, &[1]).map_err(|_| STRUCTURE)?;
        let count = count.first().copied().unwrap_or(once);
        let (rounds, costs) = pbe::rounds("PKCS#12's MAC iteration count", count)?;
        Ok(Self { derivation: Derivation::Pkcs12 { rounds }, hash, salt: octets(*salt)?, digest, costs })
    }

    /// RFC 9579 §4: salt and count are those of PBKDF2, and the length of the key must be there.
    fn pbmac1(parameters: AnyRef<'a>, digest: &'a [u8]) -> Result<Self, KeyError> {
        let [derivation, mac] =
            <[AlgorithmIdentifierRef<'a>; 2]>::try_from(sequence(parameters)?).map_err(|_| STRUCTURE)?;
        let hash = Hash::of(&mac.oid)?;
        if name(&derivation.oid) != "PBKDF2" {
            let scheme = format!("PBMAC1 with {}", name(&derivation.oid));
            return Err(KeyError::UnsupportedEncryption { scheme });
        }
        let parameters: Vec<AnyRef<'a>> = sequence(derivation.parameters.ok_or(STRUCTURE)?)?;
        let costs = costs::pbkdf2(&parameters)?;
        let [salt, _, key_len, prf @ ..] = parameters.as_slice() else {
            return Err(STRUCTURE);
        };
        let key_len = key_len.decode_as::<u16>().map_err(|_| STRUCTURE)?.into();
        if !(1..=MAX_KEY_LEN).contains(&key_len) {
            return Err(STRUCTURE);
        }
        let prf = match prf.first() {
            Some(prf) => {
                Hash::of(&prf.decode_as::<AlgorithmIdentifierRef<'_>>().map_err(|_| STRUCTURE)?.oid)?
            }
            None => Hash::Sha1,
        };
        let rounds = u32::try_from(costs.iterations).map_err(|_| STRUCTURE)?;
        let derivation = Derivation::Pbkdf2 { prf, rounds, key_len };
        Ok(Self { derivation, hash, salt: octets(*salt)?, digest, costs })
    }

    /// What verifying this costs.
    pub(super) const fn costs(&self) -> Costs {
        self.costs
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
        let key = match self.derivation {
            Derivation::Pkcs12 { rounds } => {
                let len = <D as Digest>::output_size();
                pbe::derive::<D>(passphrase, self.salt, Pkcs12KeyType::Mac, rounds, len)
            }
            Derivation::Pbkdf2 { prf, rounds, key_len } => {
                let mut key = Zeroizing::new(vec![0; key_len]);
                prf.pbkdf2(passphrase.unwrap_or_default(), self.salt, rounds, &mut key);
                key
            }
        };
        SimpleHmac::<D>::new_from_slice(&key)
            .is_ok_and(|mac| mac.chain_update(content).verify_slice(self.digest).is_ok())
    }
}

impl Hash {
    /// The hash itself, or an HMAC with it.
    fn of(oid: &ObjectIdentifier) -> Result<Self, KeyError> {
        match name(oid).as_str() {
            "SHA-1" | "HMAC-SHA-1" => Ok(Self::Sha1),
            "SHA-224" | "HMAC-SHA-224" => Ok(Self::Sha224),
            "SHA-256" | "HMAC-SHA-256" => Ok(Self::Sha256),
            "SHA-384" | "HMAC-SHA-384" => Ok(Self::Sha384),
            "SHA-512" | "HMAC-SHA-512" => Ok(Self::Sha512),
            other => Err(KeyError::UnsupportedEncryption { scheme: format!("a MAC with {other}") }),
        }
    }

    fn pbkdf2(self, passphrase: &[u8], salt: &[u8], rounds: u32, key: &mut [u8]) {
        use pbkdf2::pbkdf2_hmac;
        match self {
            Self::Sha1 => pbkdf2_hmac::<Sha1>(passphrase, salt, rounds, key),
            Self::Sha224 => pbkdf2_hmac::<Sha224>(passphrase, salt, rounds, key),
            Self::Sha256 => pbkdf2_hmac::<Sha256>(passphrase, salt, rounds, key),
            Self::Sha384 => pbkdf2_hmac::<Sha384>(passphrase, salt, rounds, key),
            Self::Sha512 => pbkdf2_hmac::<Sha512>(passphrase, salt, rounds, key),
        }
    }
}
