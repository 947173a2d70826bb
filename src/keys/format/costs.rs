//! What a key derivation costs. The file chooses it, so it is read and bounded before anything is derived.

use der::asn1::{AnyRef, OctetStringRef, UintRef};
use pkcs8::spki::AlgorithmIdentifierRef;

use super::encrypted::{STRUCTURE, name};
use crate::keys::KeyError;

const MAX_ITERATIONS: u64 = 10_000_000;
const ITERATIONS: &str = "1 to 10000000";
const MAX_SCRYPT_BYTES: u64 = 256 << 20;
const MAX_PARALLELIZATION: u64 = 16;

/// What one or several derivations cost.
#[derive(Clone, Copy, Default)]
pub(super) struct Costs {
    pub(super) iterations: u64,
    /// 128·N·r·p.
    scrypt: u64,
}

impl Costs {
    /// Both together. A file with many derivations may cost no more than one with the most expensive one.
    pub(super) fn and(self, other: Self) -> Result<Self, KeyError> {
        let iterations = self.iterations.saturating_add(other.iterations);
        let scrypt = self.scrypt.saturating_add(other.scrypt);
        bounded("the sum of all iteration counts", Some(iterations), 0..=MAX_ITERATIONS, ITERATIONS)?;
        let most = MAX_SCRYPT_BYTES * MAX_PARALLELIZATION;
        bounded("the sum of scrypt's 128·N·r·p", Some(scrypt), 0..=most, "at most 4294967296")?;
        Ok(Self { iterations, scrypt })
    }
}

/// An iteration count under its own name.
pub(super) fn iterations(parameter: &'static str, count: &AnyRef<'_>) -> Result<Costs, KeyError> {
    let iterations = bounded(parameter, integer(count)?, 1..=MAX_ITERATIONS, ITERATIONS)?;
    Ok(Costs { iterations, scrypt: 0 })
}

/// RFC 8018 A.2.
pub(super) fn pbkdf2(parameters: &[AnyRef<'_>]) -> Result<Costs, KeyError> {
    let [salt, count, rest @ ..] = parameters else {
        return Err(STRUCTURE);
    };
    let salt = salt.decode_as::<&OctetStringRef>().map_err(|_| KeyError::UnsupportedEncryption {
        scheme: "PBKDF2 with a salt from elsewhere".to_owned(),
    })?;
    check_salt("PBKDF2", salt)?;
    let costs = iterations("PBKDF2's iteration count", count)?;
    for prf in rest.iter().filter_map(|element| element.decode_as::<AlgorithmIdentifierRef<'_>>().ok()) {
        let prf = name(&prf.oid);
        if !prf.starts_with("HMAC-SHA-") {
            return Err(KeyError::UnsupportedEncryption { scheme: format!("PBKDF2 with {prf}") });
        }
    }
    Ok(costs)
}

/// RFC 7914 §7.1: N and r decide the memory (128·N·r bytes), p the repetitions.
pub(super) fn scrypt(parameters: &[AnyRef<'_>]) -> Result<Costs, KeyError> {
    let [salt, cost, block_size, parallelization, ..] = parameters else {
        return Err(STRUCTURE);
    };
    check_salt("scrypt", salt.decode_as().map_err(|_| STRUCTURE)?)?;
    let (cost, block_size) = (integer(cost)?, integer(block_size)?);
    let bytes = cost.and_then(|n| n.checked_mul(block_size?)).and_then(|blocks| blocks.checked_mul(128));
    let bytes =
        bounded("scrypt's memory in bytes (128·N·r)", bytes, 1..=MAX_SCRYPT_BYTES, "at most 268435456")?;
    let power_of_two = cost.filter(|n| *n > 1 && n.is_power_of_two());
    if power_of_two.is_none() {
        return Err(error("scrypt's N", cost, "a power of two above 1"));
    }
    let repetitions = bounded("scrypt's p", integer(parallelization)?, 1..=MAX_PARALLELIZATION, "1 to 16")?;
    Ok(Costs { iterations: 0, scrypt: bytes * repetitions })
}

/// `pkcs5` keeps salts in 32 bytes; others (Bouncy Castle with HMAC-SHA-512) write longer ones.
fn check_salt(derivation: &str, salt: &OctetStringRef) -> Result<(), KeyError> {
    if salt.as_bytes().len() <= 32 {
        return Ok(());
    }
    Err(KeyError::UnsupportedEncryption { scheme: format!("{derivation} and a salt of more than 32 bytes") })
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

/// A non-negative integer, `None` when it does not fit 64 bits.
fn integer(element: &AnyRef<'_>) -> Result<Option<u64>, KeyError> {
    let digits = element.decode_as::<UintRef<'_>>().map_err(|_| STRUCTURE)?;
    let digits = digits.as_bytes();
    if digits.len() > 8 {
        return Ok(None);
    }
    Ok(Some(digits.iter().fold(0, |value, digit| value << 8 | u64::from(*digit))))
}
