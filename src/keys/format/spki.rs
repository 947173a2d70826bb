//! `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7) and `RSAPublicKey` (RFC 8017 A.1.1).

use der::Decode;
use der::asn1::ObjectIdentifier;
use pkcs1::RsaPublicKeyRef;
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::der_key::{named_curve, oid, pss_algorithm};
use super::foreign;
use crate::jose::{Curve, KeyParameters};
use crate::keys::material::RsaScheme;
use crate::keys::{KeyError, backend};

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
            ec(named_curve(curve.map_err(|_| foreign::explicit_curve())?)?, key)
        }
        oid::ED25519 => {
            let x = <[u8; 32]>::try_from(key).map_err(|_| STRUCTURE)?;
            Ok(KeyParameters::Ed25519 { x })
        }
        other => Err(KeyError::UnsupportedKey { found: oid::name(&other) }),
    }
}

/// SEC 1 §2.3.3, uncompressed or compressed (RFC 5480 §2.2).
pub(in crate::keys) fn ec(curve: Curve, point: &[u8]) -> Result<KeyParameters, KeyError> {
    const POINT: KeyError = KeyError::Der { structure: "EC point (SEC 1 §2.3.3)" };
    let len = curve.coordinate_len();
    match point.split_first() {
        Some((4, rest)) if rest.len() == 2 * len => {
            let (x, y) = rest.split_at_checked(len).ok_or(POINT)?;
            Ok(KeyParameters::Ec { curve, x: x.to_vec(), y: y.to_vec() })
        }
        Some((2 | 3, x)) if x.len() == len => backend::decompressed(curve, point),
        _ => Err(POINT),
    }
}

/// RFC 8017 A.1.1.
pub(in crate::keys) fn rsa(der: &[u8]) -> Result<KeyParameters, KeyError> {
    let key = RsaPublicKeyRef::from_der(der)
        .map_err(|_| KeyError::Der { structure: "RSAPublicKey (RFC 8017 A.1.1)" })?;
    Ok(KeyParameters::Rsa { n: key.modulus.as_bytes().to_vec(), e: key.public_exponent.as_bytes().to_vec() })
}
