//! `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7) and `RSAPublicKey` (RFC 8017 A.1.1).

use der::Decode;
use der::asn1::ObjectIdentifier;
use pkcs1::RsaPublicKeyRef;
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::der_key::{explicit_parameters, named_curve, oid, pss_algorithm};
use crate::jose::{Curve, KeyParameters};
use crate::keys::KeyError;
use crate::keys::material::RsaScheme;

const STRUCTURE: KeyError = KeyError::Der { structure: "SubjectPublicKeyInfo (RFC 5280 §4.1.2.7)" };

pub(super) fn from_der(der: &[u8]) -> Result<(KeyParameters, RsaScheme), KeyError> {
    let spki = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| STRUCTURE)?;
    Ok((parameters(&spki)?, scheme(&spki)?))
}

/// Which signatures the key's own algorithm identifier allows (RFC 4055 §1.2).
pub(in crate::keys) fn scheme(spki: &SubjectPublicKeyInfoRef<'_>) -> Result<RsaScheme, KeyError> {
    match spki.algorithm.oid {
        oid::RSA_PSS => Ok(RsaScheme::Pss(spki.algorithm.parameters.map(pss_algorithm).transpose()?)),
        _ => Ok(RsaScheme::Any),
    }
}

pub(in crate::keys) fn parameters(spki: &SubjectPublicKeyInfoRef<'_>) -> Result<KeyParameters, KeyError> {
    let key = spki.subject_public_key.as_bytes().ok_or(STRUCTURE)?;
    match spki.algorithm.oid {
        oid::RSA | oid::RSA_PSS => rsa(key),
        oid::EC => {
            let curve = spki.algorithm.parameters.ok_or(STRUCTURE)?.decode_as::<ObjectIdentifier>();
            ec(named_curve(curve.map_err(|_| explicit_parameters())?)?, key)
        }
        oid::ED25519 => {
            let x = <[u8; 32]>::try_from(key).map_err(|_| STRUCTURE)?;
            Ok(KeyParameters::Ed25519 { x })
        }
        other => Err(KeyError::UnsupportedKey { found: oid::name(&other) }),
    }
}

/// SEC 1 §2.3.3, uncompressed.
pub(in crate::keys) fn ec(curve: Curve, point: &[u8]) -> Result<KeyParameters, KeyError> {
    let coordinates = point.strip_prefix(&[4]).filter(|rest| rest.len() == 2 * curve.coordinate_len());
    match coordinates.and_then(|rest| rest.split_at_checked(curve.coordinate_len())) {
        Some((x, y)) => Ok(KeyParameters::Ec { curve, x: x.to_vec(), y: y.to_vec() }),
        None => Err(KeyError::Der { structure: "EC point: not in uncompressed form (SEC 1 §2.3.3)" }),
    }
}

/// RFC 8017 A.1.1.
pub(in crate::keys) fn rsa(der: &[u8]) -> Result<KeyParameters, KeyError> {
    let key = RsaPublicKeyRef::from_der(der)
        .map_err(|_| KeyError::Der { structure: "RSAPublicKey (RFC 8017 A.1.1)" })?;
    Ok(KeyParameters::Rsa { n: key.modulus.as_bytes().to_vec(), e: key.public_exponent.as_bytes().to_vec() })
}
