//! Encrypted PKCS#8: PBES2 (RFC 8018 §6.2) with PBKDF2 or scrypt (RFC 7914 §7.1) and AES-CBC.
//!
//! What a derivation costs is the file's choice, so it is read and bounded before anything is derived.

use der::Decode;
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef, UintRef};
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::spki::AlgorithmIdentifierRef;

use super::der_key;
use crate::keys::KeyError;
use crate::keys::material::KeyMaterial;

const MAX_ITERATIONS: u64 = 10_000_000;
const MAX_SCRYPT_BYTES: u64 = 256 << 20;
const MAX_PARALLELIZATION: u64 = 16;

const STRUCTURE: KeyError = KeyError::Der { structure: "EncryptedPrivateKeyInfo (RFC 5958 §3)" };

/// Opens an encrypted key.
pub(super) fn open(der: &[u8], passphrase: Option<&[u8]>) -> Result<KeyMaterial, KeyError> {
    check(der)?;
    let passphrase = passphrase.ok_or(KeyError::PassphraseRequired)?;
    let info = EncryptedPrivateKeyInfoRef::from_der(der).map_err(|_| STRUCTURE)?;
    let opened = info.decrypt(passphrase).map_err(|_| KeyError::WrongPassphrase)?;
    match der_key::pkcs8(opened.as_bytes()) {
        // One wrong passphrase in 256 leaves valid padding around nonsense.
        Err(KeyError::Der { .. }) => Err(KeyError::WrongPassphrase),
        other => other,
    }
}

/// The scheme is one of those we read, and its derivation affordable.
fn check(der: &[u8]) -> Result<(), KeyError> {
    let elements = <Vec<AnyRef<'_>>>::from_der(der).map_err(|_| STRUCTURE)?;
    let [scheme, data] = elements.as_slice() else {
        return Err(STRUCTURE);
    };
    let data = data.decode_as::<&OctetStringRef>().map_err(|_| STRUCTURE)?;
    let scheme: AlgorithmIdentifierRef<'_> = scheme.decode_as().map_err(|_| STRUCTURE)?;
    let parameters = scheme.parameters.ok_or(STRUCTURE)?;
    if name(&scheme.oid) != "PBES2" {
        return Err(KeyError::UnsupportedEncryption { scheme: name(&scheme.oid) });
    }
    let [derivation, cipher] =
        <[AlgorithmIdentifierRef<'_>; 2]>::try_from(sequence(parameters)?).map_err(|_| STRUCTURE)?;
    match name(&cipher.oid).as_str() {
        "AES-128-CBC" | "AES-192-CBC" | "AES-256-CBC" => {}
        other => return Err(KeyError::UnsupportedEncryption { scheme: other.to_owned() }),
    }
    let parameters: Vec<AnyRef<'_>> = sequence(derivation.parameters.ok_or(STRUCTURE)?)?;
    match name(&derivation.oid).as_str() {
        "PBKDF2" => check_pbkdf2(&parameters)?,
        "scrypt" => check_scrypt(&parameters)?,
        other => return Err(KeyError::UnsupportedEncryption { scheme: other.to_owned() }),
    }
    // CBC makes whole blocks, or no passphrase can be right.
    if data.is_empty() || data.as_bytes().len() % 16 != 0 { Err(STRUCTURE) } else { Ok(()) }
}

/// RFC 8018 A.2.
fn check_pbkdf2(parameters: &[AnyRef<'_>]) -> Result<(), KeyError> {
    let [salt, iterations, rest @ ..] = parameters else {
        return Err(STRUCTURE);
    };
    let salt = salt.decode_as::<&OctetStringRef>().map_err(|_| KeyError::UnsupportedEncryption {
        scheme: "PBKDF2 with a salt from elsewhere".to_owned(),
    })?;
    check_salt("PBKDF2", salt)?;
    bounded("PBKDF2's iteration count", integer(iterations)?, 1..=MAX_ITERATIONS, "1 to 10000000")?;
    for prf in rest.iter().filter_map(|element| element.decode_as::<AlgorithmIdentifierRef<'_>>().ok()) {
        let prf = name(&prf.oid);
        if !prf.starts_with("HMAC-SHA-") {
            return Err(KeyError::UnsupportedEncryption { scheme: format!("PBKDF2 with {prf}") });
        }
    }
    Ok(())
}

/// RFC 7914 §7.1: N and r decide the memory (128·N·r bytes), p the repetitions.
fn check_scrypt(parameters: &[AnyRef<'_>]) -> Result<(), KeyError> {
    let [salt, cost, block_size, parallelization, ..] = parameters else {
        return Err(STRUCTURE);
    };
    check_salt("scrypt", salt.decode_as().map_err(|_| STRUCTURE)?)?;
    let (cost, block_size) = (integer(cost)?, integer(block_size)?);
    let bytes = cost.and_then(|n| n.checked_mul(block_size?)).and_then(|blocks| blocks.checked_mul(128));
    bounded("scrypt's memory in bytes (128·N·r)", bytes, 1..=MAX_SCRYPT_BYTES, "at most 268435456")?;
    let power_of_two = cost.filter(|n| *n > 1 && n.is_power_of_two());
    if power_of_two.is_none() {
        return Err(cost_error("scrypt's N", cost, "a power of two above 1"));
    }
    bounded("scrypt's p", integer(parallelization)?, 1..=MAX_PARALLELIZATION, "1 to 16")
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
) -> Result<(), KeyError> {
    if found.is_some_and(|value| range.contains(&value)) {
        Ok(())
    } else {
        Err(cost_error(parameter, found, allowed))
    }
}

fn cost_error(parameter: &'static str, found: Option<u64>, allowed: &'static str) -> KeyError {
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

fn sequence<'a, T: Decode<'a>>(element: AnyRef<'a>) -> Result<Vec<T>, KeyError>
where
    Vec<T>: der::DecodeValue<'a> + der::FixedTag,
{
    element.decode_as::<Vec<T>>().map_err(|_| STRUCTURE)
}

/// What an object identifier of an encryption is called.
fn name(oid: &ObjectIdentifier) -> String {
    let text = oid.to_string();
    match text.as_str() {
        "1.2.840.113549.1.5.13" => "PBES2",
        "1.2.840.113549.1.5.12" => "PBKDF2",
        "1.3.6.1.4.1.11591.4.11" => "scrypt",
        "2.16.840.1.101.3.4.1.2" => "AES-128-CBC",
        "2.16.840.1.101.3.4.1.22" => "AES-192-CBC",
        "2.16.840.1.101.3.4.1.42" => "AES-256-CBC",
        "2.16.840.1.101.3.4.1.6" => "AES-128-GCM",
        "2.16.840.1.101.3.4.1.46" => "AES-256-GCM",
        "1.3.14.3.2.7" => "DES-CBC",
        "1.2.840.113549.3.7" => "3DES-CBC",
        "1.2.840.113549.3.2" => "RC2-CBC",
        "1.2.840.113549.2.7" => "HMAC-SHA-1",
        "1.2.840.113549.2.8" => "HMAC-SHA-224",
        "1.2.840.113549.2.9" => "HMAC-SHA-256",
        "1.2.840.113549.2.10" => "HMAC-SHA-384",
        "1.2.840.113549.2.11" => "HMAC-SHA-512",
        "1.2.840.113549.1.5.1" => "PBES1 with MD2 and DES",
        "1.2.840.113549.1.5.3" => "PBES1 with MD5 and DES",
        "1.2.840.113549.1.5.6" => "PBES1 with MD5 and RC2",
        "1.2.840.113549.1.5.10" => "PBES1 with SHA-1 and DES",
        "1.2.840.113549.1.5.11" => "PBES1 with SHA-1 and RC2",
        "1.2.840.113549.1.12.1.1" => "PKCS#12 PBE with 128-bit RC4",
        "1.2.840.113549.1.12.1.3" => "PKCS#12 PBE with 3DES",
        "1.2.840.113549.1.12.1.5" => "PKCS#12 PBE with 128-bit RC2",
        "1.2.840.113549.1.12.1.6" => "PKCS#12 PBE with 40-bit RC2",
        _ => return text,
    }
    .to_owned()
}
