//! The numbers of keys, in the encodings that all file formats and both backends share.

use der::Decode;
use pkcs1::{RsaPrivateKeyRef, RsaPublicKeyRef};
use zeroize::Zeroizing;

use super::KeyError;
use crate::jose::{Curve, KeyParameters};

/// RFC 8017 A.1.2.
pub(super) fn rsa_private(der: &[u8]) -> Result<RsaPrivateKeyRef<'_>, KeyError> {
    RsaPrivateKeyRef::from_der(der).map_err(|_| KeyError::Der { structure: "RSAPrivateKey (RFC 8017 A.1.2)" })
}

/// RFC 8017 A.1.1.
pub(super) fn rsa_public(der: &[u8]) -> Result<KeyParameters, KeyError> {
    let key = RsaPublicKeyRef::from_der(der)
        .map_err(|_| KeyError::Der { structure: "RSAPublicKey (RFC 8017 A.1.1)" })?;
    Ok(KeyParameters::Rsa { n: key.modulus.as_bytes().to_vec(), e: key.public_exponent.as_bytes().to_vec() })
}

/// SEC 1 §2.3.3, uncompressed.
pub(super) fn ec_public(curve: Curve, point: &[u8]) -> Result<KeyParameters, KeyError> {
    let coordinates = point.strip_prefix(&[4]).and_then(|rest| rest.split_at_checked(curve.coordinate_len()));
    match coordinates {
        Some((x, y)) if x.len() == y.len() => Ok(KeyParameters::Ec { curve, x: x.to_vec(), y: y.to_vec() }),
        _ => Err(KeyError::Der { structure: "EC point (SEC 1 §2.3.3)" }),
    }
}

/// Pads or trims a number to a curve's length: leading zeros may be missing, or there may be too
/// many. `None` if the number is too long or empty.
pub(super) fn fitted(number: &[u8], len: usize) -> Option<Zeroizing<Vec<u8>>> {
    let zeros = number.iter().take_while(|digit| **digit == 0).count();
    let digits = number.get(zeros..)?;
    let missing = len.checked_sub(digits.len()).filter(|_| !number.is_empty())?;
    let mut fitted = Zeroizing::new(Vec::with_capacity(len));
    fitted.resize(missing, 0);
    fitted.extend_from_slice(digits);
    Some(fitted)
}

/// The length in bits of a big-endian integer.
pub(super) fn bit_len(digits: &[u8]) -> usize {
    digits
        .iter()
        .position(|digit| *digit != 0)
        .and_then(|first| digits.get(first..))
        .and_then(|rest| rest.first().map(|top| rest.len() * 8 - top.leading_zeros() as usize))
        .unwrap_or(0)
}
