//! Which keys and signatures may be used. There is one policy above the backends, so that the
//! choice of a backend changes nothing: if only one of the libraries rejects something, this module
//! rejects it for both.

use std::sync::LazyLock;

use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::CompressedEdwardsY;
use pkcs1::RsaPrivateKeyRef;

use super::health::Allowance;
use super::material::{KeyMaterial, RsaScheme};
use super::numbers::bit_len;
use super::{KeyError, health, numbers};
use crate::jose::{Algorithm, JoseError, KeyParameters, KeyType};

const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
const RSA_EXPONENT: std::ops::RangeInclusive<u64> = 3..=(1 << 33) - 1;

/// RSA sizes and exponents, the length of coordinates (RFC 7518 §6.2.1.2), and Ed25519 points.
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
        KeyParameters::Ed25519 { x } => check_ed25519_public(x),
    }
}

/// RFC 8032 §5.1.3: the only encoding of a point that is on the curve and does not have small
/// order. Under a key of small order, a signature would be valid for many messages. AWS-LC checks
/// none of this when it accepts a key.
fn check_ed25519_public(x: &[u8; 32]) -> Result<(), KeyError> {
    let encoded = CompressedEdwardsY(*x);
    match encoded.decompress() {
        Some(point) if !point.is_small_order() && point.compress() == encoded => Ok(()),
        _ => Err(KeyError::Inconsistent { key_type: "Ed25519" }),
    }
}

fn check_rsa_public(n: &[u8], e: &[u8]) -> Result<(), KeyError> {
    let bits = bit_len(n);
    if !RSA_BITS.contains(&bits) {
        return Err(KeyError::RsaSize { bits });
    }
    let exponent =
        e.iter().try_fold(0_u64, |value, digit| (value < 1 << 56).then(|| value << 8 | u64::from(*digit)));
    if !exponent.is_some_and(|exponent| exponent % 2 == 1 && RSA_EXPONENT.contains(&exponent)) {
        return Err(KeyError::RsaExponent);
    }
    // Primes are odd, so their product is; Montgomery's reduction needs that too.
    if n.last().is_some_and(|digit| digit % 2 == 1) {
        Ok(())
    } else {
        Err(KeyError::Inconsistent { key_type: "RSA" })
    }
}

/// The checks on the numbers of a private key before a backend computes with them.
pub(super) fn check_private(material: &KeyMaterial) -> Result<(), KeyError> {
    match material {
        KeyMaterial::Rsa { pkcs1, .. } => check_rsa_private(&numbers::rsa_private(pkcs1)?),
        // The loader accepts only lengths of the curve.
        KeyMaterial::Ec { .. } | KeyMaterial::Ed25519 { .. } => Ok(()),
    }
}

/// Two primes and all CRT members, or none of them; every number is within its bounds.
fn check_rsa_private(key: &RsaPrivateKeyRef<'_>) -> Result<(), KeyError> {
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
    // RFC 8017 §3.2: d is less than n.
    let n = key.modulus.as_bytes();
    let d = key.private_exponent.as_bytes();
    let below_n = (d.len(), d) < (n.len(), n);
    if lacks_primes(key) {
        let is_key = below_n && bit_len(d) > 0;
        return if is_key { Ok(()) } else { Err(KeyError::Inconsistent { key_type: "RSA" }) };
    }
    if let Some((member, _)) = members.iter().find(|(_, value)| bit_len(value.as_bytes()) == 0) {
        return Err(KeyError::RsaCrtMissing { member });
    }
    // A backend multiplies these before it checks them, and primes of megabits overflow the stack
    // of `crypto-bigint`.
    let bounded = members.iter().all(|(_, value)| value.as_bytes().len() <= n.len());
    let [n_bits, p_bits, q_bits] = [n, key.prime1.as_bytes(), key.prime2.as_bytes()].map(bit_len);
    let is_product = [n_bits, n_bits + 1].contains(&(p_bits + q_bits));
    if !(bounded && below_n && is_product) {
        return Err(KeyError::Inconsistent { key_type: "RSA" });
    }
    // The shorter prime is easier to find. From a third of the modulus on, finding it takes as long
    // as factoring the modulus.
    let least = n_bits.div_ceil(3);
    if p_bits.min(q_bits) < least {
        return Err(KeyError::RsaPrimeLengths { bits: [p_bits, q_bits], least });
    }
    Ok(())
}

/// Whether there is budget for computing with a private key, after others of its file: that takes
/// as long as a test of its modulus.
pub(super) fn check_cost(material: &KeyMaterial, allowance: &Allowance) -> Result<(), KeyError> {
    match material {
        KeyMaterial::Rsa { pkcs1, .. } => {
            allowance.draw(bit_len(numbers::rsa_private(pkcs1)?.modulus.as_bytes()))
        }
        KeyMaterial::Ec { .. } | KeyMaterial::Ed25519 { .. } => Ok(()),
    }
}

/// The remaining checks on a private key whose numbers the backend has found to be consistent.
pub(super) fn check_strength(material: &KeyMaterial) -> Result<(), KeyError> {
    match material {
        KeyMaterial::Rsa { pkcs1, .. } => health::check_private(&numbers::rsa_private(pkcs1)?),
        KeyMaterial::Ec { .. } | KeyMaterial::Ed25519 { .. } => Ok(()),
    }
}

/// Why a backend rejects a private key, if the reason has a name.
pub(super) fn named(material: &KeyMaterial, error: KeyError) -> KeyError {
    match material {
        KeyMaterial::Rsa { pkcs1, .. } => {
            numbers::rsa_private(pkcs1).ok().and_then(|key| health::fault(&key)).unwrap_or(error)
        }
        KeyMaterial::Ec { .. } | KeyMaterial::Ed25519 { .. } => error,
    }
}

/// The modulus of a key without primes.
pub(super) fn modulus_alone(material: &KeyMaterial) -> Option<Vec<u8>> {
    let KeyMaterial::Rsa { pkcs1, .. } = material else {
        return None;
    };
    let key = numbers::rsa_private(pkcs1).ok()?;
    lacks_primes(&key).then(|| key.modulus.as_bytes().to_vec())
}

/// Whether a key is n, e and d alone. RFC 8017 A.1.2 can only express that with zeros, which Java
/// writes.
pub(super) fn lacks_primes(key: &RsaPrivateKeyRef<'_>) -> bool {
    let members = [&key.prime1, &key.prime2, &key.exponent1, &key.exponent2, &key.coefficient];
    members.into_iter().all(|value| bit_len(value.as_bytes()) == 0)
}

/// A public part next to the private one must belong to it: a point in either form of SEC 1 §2.3.3,
/// or the public key of RFC 8032. `own` is computed by the backend. The numbers of an RSA key
/// contain both parts.
pub(super) fn check_public_part(material: &KeyMaterial, own: &KeyParameters) -> Result<(), KeyError> {
    let (key_type, belongs) = match (material, own) {
        (KeyMaterial::Ec { point: Some(point), .. }, KeyParameters::Ec { x, y, .. }) => {
            let belongs = match point.split_first() {
                Some((4, coordinates)) => coordinates.strip_prefix(x.as_slice()) == Some(y.as_slice()),
                Some((sign @ (2 | 3), first)) => first == x && y.last().is_some_and(|y| y % 2 == sign % 2),
                _ => false,
            };
            ("EC", belongs)
        }
        (KeyMaterial::Ed25519 { public: Some(public), .. }, KeyParameters::Ed25519 { x }) => {
            ("Ed25519", public == x)
        }
        _ => return Ok(()),
    };
    if belongs { Ok(()) } else { Err(KeyError::Inconsistent { key_type }) }
}

/// The lengths of new RSA keys that every backend supports.
pub(super) const NEW_RSA_BITS: [usize; 4] = [2048, 3072, 4096, 8192];

pub(super) fn check_new_rsa(bits: usize) -> Result<(), KeyError> {
    if NEW_RSA_BITS.contains(&bits) { Ok(()) } else { Err(KeyError::NewRsaSize { bits }) }
}

/// Whether a signature may be verified. An Ed25519 signature whose R has small order says nothing
/// about the message. The backends compare R with a canonical encoding, so only those eight could
/// pass.
pub(super) fn check_signature(algorithm: Algorithm, signature: &[u8]) -> bool {
    static SMALL_ORDER: LazyLock<[CompressedEdwardsY; 8]> =
        LazyLock::new(|| EIGHT_TORSION.each_ref().map(curve25519_dalek::EdwardsPoint::compress));
    algorithm.key_type() != KeyType::Ed25519
        || !SMALL_ORDER.iter().any(|point| signature.starts_with(point.as_bytes()))
}

/// The default algorithm for the key.
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

/// Whether the key may make signatures with this algorithm (RFC 8725 §3.1, RFC 4055 §1.2).
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

#[cfg(test)]
mod tests {
    use super::*;

    fn rsa(bits: usize, e: &[u8]) -> Result<(), KeyError> {
        let mut n = vec![0; bits.div_ceil(8)];
        n[0] = 1 << ((bits - 1) % 8);
        *n.last_mut().unwrap() |= 1;
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
    fn a_modulus_is_odd() {
        let key = KeyParameters::Rsa { n: vec![0xfe; 256], e: vec![1, 0, 1] };
        assert!(matches!(check_public(&key), Err(KeyError::Inconsistent { key_type: "RSA" })));
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
