//! Object identifiers of keys, and of the data next to them.

use der::asn1::{AnyRef, ObjectIdentifier};
use pkcs1::{RsaPssParams, TrailerField};
use x509_cert::spki::AlgorithmIdentifier;

use crate::jose::{Algorithm, Curve};
use crate::keys::KeyError;

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

pub(in crate::keys) const RSA: ObjectIdentifier = oid("1.2.840.113549.1.1.1");
pub(in crate::keys) const RSA_PSS: ObjectIdentifier = oid("1.2.840.113549.1.1.10");
pub(in crate::keys) const EC: ObjectIdentifier = oid("1.2.840.10045.2.1");
pub(in crate::keys) const ED25519: ObjectIdentifier = oid("1.3.101.112");
pub(in crate::keys) const P256: ObjectIdentifier = oid("1.2.840.10045.3.1.7");
pub(in crate::keys) const P384: ObjectIdentifier = oid("1.3.132.0.34");
pub(in crate::keys) const P521: ObjectIdentifier = oid("1.3.132.0.35");
pub(in crate::keys) const MGF1: ObjectIdentifier = oid("1.2.840.113549.1.1.8");
pub(in crate::keys) const SHA256: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.1");
pub(in crate::keys) const SHA384: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.2");
pub(in crate::keys) const SHA512: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.3");

/// Names for the common ones; all others are shown as numbers.
pub(in crate::keys) fn name(oid: &ObjectIdentifier) -> String {
    let text = oid.to_string();
    match text.as_str() {
        "1.2.840.10040.4.1" => "DSA".to_owned(),
        "1.2.840.113549.1.3.1" => "Diffie-Hellman".to_owned(),
        "1.2.840.10045.3.1.1" => "EC P-192".to_owned(),
        "1.3.132.0.33" => "EC P-224".to_owned(),
        "1.3.132.0.10" => "EC secp256k1".to_owned(),
        "1.3.132.0.28" => "EC secp128r1".to_owned(),
        "1.3.36.3.3.2.8.1.1.7" => "EC brainpoolP256r1".to_owned(),
        "1.3.36.3.3.2.8.1.1.11" => "EC brainpoolP384r1".to_owned(),
        "1.3.36.3.3.2.8.1.1.13" => "EC brainpoolP512r1".to_owned(),
        "1.3.101.110" => "X25519".to_owned(),
        "1.3.101.111" => "X448".to_owned(),
        "1.3.101.113" => "Ed448".to_owned(),
        _ => text,
    }
}

pub(super) fn named_curve(curve: ObjectIdentifier) -> Result<Curve, KeyError> {
    match curve {
        P256 => Ok(Curve::P256),
        P384 => Ok(Curve::P384),
        P521 => Ok(Curve::P521),
        other => Err(KeyError::UnsupportedKey { found: name(&other) }),
    }
}

pub(super) const fn curve_oid(curve: Curve) -> ObjectIdentifier {
    match curve {
        Curve::P256 => P256,
        Curve::P384 => P384,
        Curve::P521 => P521,
    }
}

/// The parameters of a PS* algorithm (RFC 7518 §3.5).
pub(super) fn pss_parameters(algorithm: Algorithm) -> Option<RsaPssParams<AnyRef<'static>>> {
    let (hash, salt_len) = match algorithm {
        Algorithm::PS256 => (SHA256, 32),
        Algorithm::PS384 => (SHA384, 48),
        Algorithm::PS512 => (SHA512, 64),
        _ => return None,
    };
    let hash = AlgorithmIdentifier { oid: hash, parameters: Some(AnyRef::NULL) };
    let mask_gen = AlgorithmIdentifier { oid: MGF1, parameters: Some(hash) };
    Some(RsaPssParams { hash, mask_gen, salt_len, trailer_field: TrailerField::default() })
}

/// RFC 4055 §3.1: parameters bind the key to one hash. Only those that RFC 7518 §3.5 can express
/// are usable: the same hash in MGF1, and a salt no longer than it.
pub(super) fn pss_algorithm(parameters: AnyRef<'_>) -> Result<Algorithm, KeyError> {
    let unusable = || KeyError::UnsupportedKey {
        found: "RSASSA-PSS with parameters that no PS* algorithm has".to_owned(),
    };
    let parameters: RsaPssParams<der::Any> = parameters
        .decode_as()
        .map_err(|_| KeyError::Der { structure: "RSASSA-PSS-params (RFC 4055 §3.1)" })?;
    let (algorithm, hash_len) = match parameters.hash.oid {
        SHA256 => (Algorithm::PS256, 32),
        SHA384 => (Algorithm::PS384, 48),
        SHA512 => (Algorithm::PS512, 64),
        _ => return Err(unusable()),
    };
    let mask = parameters.mask_gen;
    let same_hash = mask.oid == MGF1 && mask.parameters.is_some_and(|hash| hash.oid == parameters.hash.oid);
    if same_hash && parameters.salt_len <= hash_len { Ok(algorithm) } else { Err(unusable()) }
}
