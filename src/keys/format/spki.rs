//! `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7).

use der::asn1::{Any, BitString, Null, ObjectIdentifier, UintRef};
use der::{Decode, Encode};
use pkcs1::RsaPublicKey;
use x509_cert::spki::{AlgorithmIdentifier, SubjectPublicKeyInfo, SubjectPublicKeyInfoRef};

use super::oid::{curve_oid, named_curve, pss_algorithm, pss_parameters};
use super::{foreign, oid};
use crate::jose::{Curve, KeyParameters};
use crate::keys::material::RsaScheme;
use crate::keys::{KeyError, backend, numbers};

const STRUCTURE: KeyError = KeyError::Der { structure: "SubjectPublicKeyInfo (RFC 5280 §4.1.2.7)" };

pub(super) fn from_der(der: &[u8]) -> Result<(KeyParameters, RsaScheme), KeyError> {
    let spki = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| STRUCTURE)?;
    Ok((parameters(&spki)?, scheme(&spki)?))
}

/// The signatures that the key's own algorithm identifier allows (RFC 4055 §1.2).
pub(in crate::keys) fn scheme(spki: &SubjectPublicKeyInfoRef<'_>) -> Result<RsaScheme, KeyError> {
    match spki.algorithm.oid {
        oid::RSA_PSS => Ok(RsaScheme::Pss(spki.algorithm.parameters.map(pss_algorithm).transpose()?)),
        _ => Ok(RsaScheme::Any),
    }
}

pub(in crate::keys) fn parameters(spki: &SubjectPublicKeyInfoRef<'_>) -> Result<KeyParameters, KeyError> {
    let key = spki.subject_public_key.as_bytes().ok_or(STRUCTURE)?;
    match spki.algorithm.oid {
        oid::RSA | oid::RSA_PSS => numbers::rsa_public(key),
        oid::EC => {
            let curve = spki.algorithm.parameters.ok_or(STRUCTURE)?.decode_as::<ObjectIdentifier>();
            ec(named_curve(curve.map_err(|_| foreign::explicit_curve())?)?, key)
        }
        oid::ED25519 => {
            let x = <[u8; 32]>::try_from(key).map_err(|_| STRUCTURE)?;
            Ok(KeyParameters::Ed25519 { x })
        }
        other => Err(KeyError::UnsupportedKey { found: oid::name(&other) }),
    }
}

/// Writes a key with the algorithm identifier that [`scheme`] reads.
pub(in crate::keys) fn to_der(key: &KeyParameters, scheme: RsaScheme) -> Result<Vec<u8>, KeyError> {
    let write = |key: &KeyParameters| -> der::Result<Vec<u8>> {
        let (oid, parameters, bytes) = match key {
            KeyParameters::Rsa { n, e } => {
                let (oid, parameters) = match scheme {
                    RsaScheme::Any => (oid::RSA, Some(Any::encode_from(&Null)?)),
                    RsaScheme::Pss(algorithm) => (
                        oid::RSA_PSS,
                        algorithm.and_then(pss_parameters).map(|it| Any::encode_from(&it)).transpose()?,
                    ),
                };
                let key = RsaPublicKey { modulus: UintRef::new(n)?, public_exponent: UintRef::new(e)? };
                (oid, parameters, key.to_der()?)
            }
            KeyParameters::Ec { curve, x, y } => {
                (oid::EC, Some(Any::encode_from(&curve_oid(*curve))?), [&[4], x.as_slice(), y].concat())
            }
            KeyParameters::Ed25519 { x } => (oid::ED25519, None, x.to_vec()),
        };
        let algorithm = AlgorithmIdentifier { oid, parameters };
        SubjectPublicKeyInfo { algorithm, subject_public_key: BitString::from_bytes(&bytes)? }.to_der()
    };
    write(key).map_err(|_| STRUCTURE)
}

/// SEC 1 §2.3.3, uncompressed or compressed (RFC 5480 §2.2).
fn ec(curve: Curve, point: &[u8]) -> Result<KeyParameters, KeyError> {
    match point.split_first() {
        Some((2 | 3, x)) if x.len() == curve.coordinate_len() => backend::decompressed(curve, point),
        _ => numbers::ec_public(curve, point),
    }
}
