//! The work of key derivations. The file chooses it, so it is computed and limited before it
//! starts.
//!
//! One unit is a block of 64 bytes that a hash compresses or scrypt mixes. A block of SHA-384 and
//! SHA-512 has 128 bytes and counts twice. Iteration counts alone are misleading: a derivation runs
//! all of them for every piece of its output that is as long as the hash.

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef, UintRef};
use pkcs8::spki::AlgorithmIdentifierRef;

use super::elements::STRUCTURE;
use super::scheme;
use crate::keys::KeyError;

const MAX_ITERATIONS: u64 = 10_000_000;
const ITERATIONS: &str = "1 to 10000000";
const MAX_SCRYPT_BYTES: u64 = 256 << 20;
const MAX_BLOCK_SIZE: u64 = 1024;
const MAX_PARALLELIZATION: u64 = 16;

/// The cost so far of all derivations of one load: for every key in the file and every passphrase
/// that was tried.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::keys) struct Budget {
    spent: u64,
}

impl Budget {
    /// PBKDF2 with SHA-256 and ten million iterations, with a margin.
    const MAX_WORK: u64 = 21_000_000;

    /// Pays for work that is about to be done.
    pub(super) fn draw(&mut self, work: u64) -> Result<(), KeyError> {
        let spent = self.spent.saturating_add(work);
        bounded("the work in blocks of 64 bytes", Some(spent), 0..=Self::MAX_WORK, "at most 21000000")?;
        self.spent = spent;
        Ok(())
    }
}

/// The hashes of all derivations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// By the identifier of an HMAC.
    pub(super) const fn of_hmac(oid: &ObjectIdentifier) -> Option<Self> {
        match *oid {
            scheme::HMAC_SHA_1 => Some(Self::Sha1),
            scheme::HMAC_SHA_224 => Some(Self::Sha224),
            scheme::HMAC_SHA_256 => Some(Self::Sha256),
            scheme::HMAC_SHA_384 => Some(Self::Sha384),
            scheme::HMAC_SHA_512 => Some(Self::Sha512),
            _ => None,
        }
    }

    /// By the identifier of the hash itself.
    #[cfg(feature = "pkcs12")]
    pub(super) const fn of_digest(oid: &ObjectIdentifier) -> Option<Self> {
        match *oid {
            scheme::SHA_1 => Some(Self::Sha1),
            scheme::SHA_224 => Some(Self::Sha224),
            scheme::SHA_256 => Some(Self::Sha256),
            scheme::SHA_384 => Some(Self::Sha384),
            scheme::SHA_512 => Some(Self::Sha512),
            _ => None,
        }
    }

    pub(super) const fn output_len(self) -> u64 {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    const fn block_len(self) -> u64 {
        match self {
            Self::Sha1 | Self::Sha224 | Self::Sha256 => 64,
            Self::Sha384 | Self::Sha512 => 128,
        }
    }

    /// The work of one block.
    const fn unit(self) -> u64 {
        self.block_len() / 64
    }

    /// The work of a whole message, including its padding: a bit and the length (FIPS 180-4 §5.1).
    const fn message(self, len: u64) -> u64 {
        let padding = 1 + self.block_len() / 8;
        len.saturating_add(padding).div_ceil(self.block_len()).saturating_mul(self.unit())
    }

    /// The work of keying an HMAC (RFC 2104 §2): two blocks, plus the hash of the key if it is
    /// longer than a block.
    const fn hmac_key(self, len: u64) -> u64 {
        let shorter = if len > self.block_len() { self.message(len) } else { 0 };
        shorter.saturating_add(2 * self.unit())
    }

    /// The work of an HMAC that already has its key.
    pub(super) const fn hmac(self, len: u64) -> u64 {
        // The block of the key comes before the message and counts for the padding.
        let inner = self.message(len.saturating_add(self.block_len())).saturating_sub(self.unit());
        inner.saturating_add(self.unit())
    }
}

/// A key derivation, and the length of the derived key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Derivation {
    function: Function,
    salt_len: u64,
    key_len: u64,
}

#[derive(Clone, Copy, Debug)]
enum Function {
    Pbkdf2 {
        prf: Hash,
        iterations: u64,
    },
    Scrypt {
        cost: u64,
        block_size: u64,
        parallelization: u64,
    },
    #[cfg(feature = "pkcs12")]
    Pkcs12 {
        hash: Hash,
        iterations: u64,
    },
}

impl Derivation {
    /// RFC 8018 A.2. `key_len` is the key length of the cipher or of the MAC.
    pub(super) fn pbkdf2(parameters: &[AnyRef<'_>], key_len: u64) -> Result<Self, KeyError> {
        let [salt, count, rest @ ..] = parameters else {
            return Err(STRUCTURE);
        };
        let salt = salt.decode_as::<&OctetStringRef>().map_err(|_| KeyError::UnsupportedEncryption {
            scheme: "PBKDF2 with a salt from elsewhere".to_owned(),
        })?;
        check_salt("PBKDF2", salt)?;
        let iterations = iterations("PBKDF2's iteration count", count)?;
        let mut prf = Hash::Sha1;
        for named in rest.iter().filter_map(|element| element.decode_as::<AlgorithmIdentifierRef<'_>>().ok())
        {
            let unsupported = || format!("PBKDF2 with {}", scheme::name(&named.oid));
            prf = Hash::of_hmac(&named.oid)
                .ok_or_else(|| KeyError::UnsupportedEncryption { scheme: unsupported() })?;
        }
        Ok(Self { function: Function::Pbkdf2 { prf, iterations }, salt_len: len(salt), key_len })
    }

    /// RFC 7914 §7.1: N and r determine the memory (128·N·r bytes), p the repetitions.
    pub(super) fn scrypt(parameters: &[AnyRef<'_>], key_len: u64) -> Result<Self, KeyError> {
        let [salt, cost, block_size, parallelization, ..] = parameters else {
            return Err(STRUCTURE);
        };
        let salt = salt.decode_as().map_err(|_| STRUCTURE)?;
        check_salt("scrypt", salt)?;
        let (cost, block_size) = (integer(cost)?, integer(block_size)?);
        let bytes = cost.and_then(|n| n.checked_mul(block_size?)).and_then(|blocks| blocks.checked_mul(128));
        bounded("scrypt's memory in bytes (128·N·r)", bytes, 1..=MAX_SCRYPT_BYTES, "at most 268435456")?;
        let Some(cost) = cost.filter(|n| *n > 1 && n.is_power_of_two()) else {
            return Err(error("scrypt's N", cost, "a power of two above 1"));
        };
        let block_size = bounded("scrypt's r", block_size, 1..=MAX_BLOCK_SIZE, "1 to 1024")?;
        let parallelization =
            bounded("scrypt's p", integer(parallelization)?, 1..=MAX_PARALLELIZATION, "1 to 16")?;
        let function = Function::Scrypt { cost, block_size, parallelization };
        Ok(Self { function, salt_len: len(salt), key_len })
    }

    /// RFC 7292 Appendix B.2.
    #[cfg(feature = "pkcs12")]
    pub(super) const fn pkcs12(hash: Hash, salt: &[u8], iterations: u64, key_len: u64) -> Self {
        Self { function: Function::Pkcs12 { hash, iterations }, salt_len: salt.len() as u64, key_len }
    }

    /// The iterations of one piece of the key.
    #[cfg(feature = "pkcs12")]
    pub(super) const fn iterations(&self) -> u64 {
        match self.function {
            Function::Pbkdf2 { iterations, .. } | Function::Pkcs12 { iterations, .. } => iterations,
            Function::Scrypt { .. } => 1,
        }
    }

    /// The work of deriving the whole key. The length of the passphrase is in bytes, in the
    /// encoding that is hashed.
    pub(super) fn work(&self, passphrase_len: u64) -> u64 {
        match self.function {
            Function::Pbkdf2 { prf, iterations } => {
                pbkdf2(prf, passphrase_len, self.salt_len, iterations, self.key_len)
            }
            Function::Scrypt { cost, block_size, parallelization } => {
                // RFC 7914 §6: PBKDF2 makes the blocks, each is mixed 2·N times, and PBKDF2 derives
                // the key from them.
                let blocks = 2 * block_size * parallelization;
                pbkdf2(Hash::Sha256, passphrase_len, self.salt_len, 1, 64 * blocks)
                    .saturating_add(blocks.saturating_mul(2 * cost))
                    .saturating_add(pbkdf2(Hash::Sha256, passphrase_len, 64 * blocks, 1, self.key_len))
            }
            #[cfg(feature = "pkcs12")]
            Function::Pkcs12 { hash, iterations } => {
                let whole = |len: u64| len.div_ceil(hash.block_len()).saturating_mul(hash.block_len());
                let first = whole(passphrase_len).saturating_add(whole(self.salt_len));
                let first = hash.message(first.saturating_add(hash.block_len()));
                let others = iterations.saturating_sub(1).saturating_mul(hash.message(hash.output_len()));
                self.key_len.div_ceil(hash.output_len()).saturating_mul(first.saturating_add(others))
            }
        }
    }
}

/// RFC 8018 §5.2.
fn pbkdf2(prf: Hash, passphrase_len: u64, salt_len: u64, iterations: u64, key_len: u64) -> u64 {
    let first = prf.hmac(salt_len.saturating_add(4));
    let others = iterations.saturating_sub(1).saturating_mul(prf.hmac(prf.output_len()));
    let pieces = key_len.div_ceil(prf.output_len());
    prf.hmac_key(passphrase_len).saturating_add(pieces.saturating_mul(first.saturating_add(others)))
}

/// An iteration count, with its name for errors.
pub(super) fn iterations(parameter: &'static str, count: &AnyRef<'_>) -> Result<u64, KeyError> {
    bounded(parameter, integer(count)?, 1..=MAX_ITERATIONS, ITERATIONS)
}

/// `pkcs5` stores salts in 32 bytes; some programs (Bouncy Castle with HMAC-SHA-512) write longer
/// ones.
fn check_salt(derivation: &str, salt: &OctetStringRef) -> Result<(), KeyError> {
    if salt.as_bytes().len() <= 32 {
        return Ok(());
    }
    Err(KeyError::UnsupportedEncryption { scheme: format!("{derivation} and a salt of more than 32 bytes") })
}

fn len(octets: &OctetStringRef) -> u64 {
    octets.as_bytes().len() as u64
}

fn bounded(
    parameter: &'static str,
    found: Option<u64>,
    range: std::ops::RangeInclusive<u64>,
    allowed: &'static str,
) -> Result<u64, KeyError> {
    found.filter(|value| range.contains(value)).ok_or_else(|| error(parameter, found, allowed))
}

fn error(parameter: &'static str, found: Option<u64>, allowed: &'static str) -> KeyError {
    let found = found.map_or_else(|| "more than 2^64".to_owned(), |value| value.to_string());
    KeyError::KeyDerivationCost { parameter, found, allowed }
}

/// A non-negative integer; `None` if it does not fit 64 bits.
fn integer(element: &AnyRef<'_>) -> Result<Option<u64>, KeyError> {
    let digits = element.decode_as::<UintRef<'_>>().map_err(|_| STRUCTURE)?;
    let digits = digits.as_bytes();
    if digits.len() > 8 {
        return Ok(None);
    }
    Ok(Some(digits.iter().fold(0, |value, digit| value << 8 | u64::from(*digit))))
}

#[cfg(test)]
#[cfg(feature = "pkcs12")]
mod tests;
