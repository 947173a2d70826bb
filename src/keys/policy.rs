//! Which keys may be used. One policy above the backends, so that enabling one changes nothing.

use pkcs1::RsaPrivateKeyRef;

use super::KeyError;
use super::material::RsaScheme;
use crate::jose::{Algorithm, JoseError, KeyParameters, KeyType};

const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
const RSA_EXPONENT: std::ops::RangeInclusive<u64> = 3..=(1 << 33) - 1;

/// RSA sizes and exponents, and the length of coordinates (RFC 7518 §6.2.1.2).
pub(super) fn check_public(parameters: &KeyParameters) -> Result<(), KeyError> {
    match parameters {
        KeyParameters::Rsa { n, e } => check_rsa_public(n, e),
        KeyParameters::Ec { curve, x, y } => {
            if [x, y].into_iter().all(|coordinate| coordinate.len() == curve.coordinate_len()) {
                Ok(())
            } else {
                Err(KeyError::Inconsistent { key_type: "EC" })
            }
        }
        KeyParameters::Ed25519 { .. } => Ok(()),
    }
}

fn check_rsa_public(n: &[u8], e: &[u8]) -> Result<(), KeyError> {
    let bits = bit_len(n);
    if !RSA_BITS.contains(&bits) {
        return Err(KeyError::RsaSize { bits });
    }
    let exponent =
        e.iter().try_fold(0_u64, |value, digit| (value < 1 << 56).then(|| value << 8 | u64::from(*digit)));
    match exponent {
        Some(exponent) if exponent % 2 == 1 && RSA_EXPONENT.contains(&exponent) => Ok(()),
        _ => Err(KeyError::RsaExponent),
    }
}

/// Two primes, all CRT members, and the public part within bounds.
pub(super) fn check_rsa_private(key: &RsaPrivateKeyRef<'_>) -> Result<(), KeyError> {
    if key.other_prime_infos.is_some() {
        return Err(KeyError::RsaPrimes);
    }
    check_rsa_public(key.modulus.as_bytes(), key.public_exponent.as_bytes())?;
    let members = [
        ("p", &key.prime1),
        ("q", &key.prime2),
        ("dp", &key.exponent1),
        ("dq", &key.exponent2),
        ("qi", &key.coefficient),
    ];
    if let Some((member, _)) = members.iter().find(|(_, value)| bit_len(value.as_bytes()) == 0) {
        return Err(KeyError::RsaCrtMissing { member });
    }
    // A backend multiplies these before it judges them, and primes of megabits overflow the stack of `crypto-bigint`.
    let limit = key.modulus.as_bytes().len();
    let mut numbers = members.iter().map(|(_, value)| *value).chain([&key.private_exponent]);
    if numbers.any(|value| value.as_bytes().len() > limit) {
        return Err(KeyError::Inconsistent { key_type: "RSA" });
    }
    Ok(())
}

/// The algorithm that follows from the key when none is named.
pub(super) const fn default_algorithm(key_type: KeyType, scheme: RsaScheme) -> Algorithm {
    match (key_type, scheme) {
        (KeyType::Rsa, RsaScheme::Any) => Algorithm::RS256,
        (KeyType::Rsa, RsaScheme::Pss(Some(algorithm))) => algorithm,
        (KeyType::Rsa, RsaScheme::Pss(None)) => Algorithm::PS256,
        (KeyType::Ec(crate::jose::Curve::P256), _) => Algorithm::ES256,
        (KeyType::Ec(crate::jose::Curve::P384), _) => Algorithm::ES384,
        (KeyType::Ec(crate::jose::Curve::P521), _) => Algorithm::ES512,
        (KeyType::Ed25519, _) => Algorithm::EdDSA,
    }
}

/// Whether the key may make such signatures (RFC 8725 §3.1, RFC 4055 §1.2).
pub(super) fn check_algorithm(
    algorithm: Algorithm,
    key_type: KeyType,
    scheme: RsaScheme,
) -> Result<(), KeyError> {
    if algorithm.key_type() != key_type {
        return Err(JoseError::AlgorithmMismatch { algorithm, key_type }.into());
    }
    match scheme {
        RsaScheme::Pss(allowed) if !algorithm.is_pss() || allowed.is_some_and(|only| only != algorithm) => {
            Err(KeyError::PssOnly { algorithm, allowed })
        }
        RsaScheme::Pss(_) | RsaScheme::Any => Ok(()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn rsa(bits: usize, e: &[u8]) -> Result<(), KeyError> {
        let mut n = vec![0; bits.div_ceil(8)];
        n[0] = 1 << ((bits - 1) % 8);
        check_public(&KeyParameters::Rsa { n, e: e.to_vec() })
    }

    #[test]
    fn rfc7518_3_3_rsa_has_2048_bits_or_more() {
        for bits in [2048, 2049, 3072, 8192] {
            assert!(rsa(bits, &[1, 0, 1]).is_ok(), "{bits}");
        }
        for wrong in [1, 1024, 2047, 8193, 16384] {
            assert!(
                matches!(rsa(wrong, &[1, 0, 1]), Err(KeyError::RsaSize { bits }) if bits == wrong),
                "{wrong}"
            );
        }
    }

    #[test]
    fn rsa_exponents_are_odd_and_bounded() {
        for e in [&[3][..], &[17], &[1, 0, 1], &[1, 0xff, 0xff, 0xff, 0xff], &[0, 0, 3]] {
            assert!(rsa(2048, e).is_ok(), "{e:?}");
        }
        for e in [&[][..], &[0], &[1], &[2], &[4], &[2, 0, 0, 0, 1], &[1; 9], &[0xff; 1000]] {
            assert!(matches!(rsa(2048, e), Err(KeyError::RsaExponent)), "{e:?}");
        }
    }
}
