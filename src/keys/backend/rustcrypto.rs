//! Signatures by the RustCrypto crates.

use der::asn1::UintRef;
use getrandom::SysRng;
use pkcs1::RsaPrivateKeyRef;
use rand_core::UnwrapErr;
use rsa::traits::{PrivateKeyParts, PublicKeyParts, SignatureScheme};
use rsa::{BoxedUint, Pkcs1v15Sign, Pss};
use sha2::digest::FixedOutputReset;
use sha2::digest::const_oid::AssociatedOid;
use sha2::{Digest, Sha256, Sha384, Sha512};
use signature::{Signer, Verifier};
use zeroize::Zeroizing;

use crate::jose::{Algorithm, Curve, KeyParameters};
use crate::keys::material::KeyMaterial;
use crate::keys::numbers::bit_len;
use crate::keys::{KeyError, numbers};

/// A private key that is ready to sign. Each kind has a heap block of its own size, which it wipes.
/// In a larger block, the bytes behind the key would keep old stack contents, such as a copy of a
/// key.
pub(in crate::keys) enum SigningKey {
    Rsa(Box<rsa::PrivateKey>),
    P256(Box<p256::ecdsa::SigningKey>),
    P384(Box<p384::ecdsa::SigningKey>),
    P521(Box<p521::ecdsa::SigningKey>),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

impl SigningKey {
    /// Takes parsed material that the policy has passed.
    pub(in crate::keys) fn new(material: &KeyMaterial) -> Result<Self, KeyError> {
        let inconsistent = |_| KeyError::Inconsistent { key_type: "EC" };
        match material {
            KeyMaterial::Rsa { pkcs1, .. } => rsa_private(&numbers::rsa_private(pkcs1)?),
            KeyMaterial::Ec { curve: Curve::P256, scalar, .. } => p256::ecdsa::SigningKey::from_slice(scalar)
                .map(Box::new)
                .map(Self::P256)
                .map_err(inconsistent),
            KeyMaterial::Ec { curve: Curve::P384, scalar, .. } => p384::ecdsa::SigningKey::from_slice(scalar)
                .map(Box::new)
                .map(Self::P384)
                .map_err(inconsistent),
            KeyMaterial::Ec { curve: Curve::P521, scalar, .. } => p521::ecdsa::SigningKey::from_slice(scalar)
                .map(Box::new)
                .map(Self::P521)
                .map_err(inconsistent),
            KeyMaterial::Ed25519 { seed, .. } => {
                Ok(Self::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(seed))))
            }
        }
    }

    pub(in crate::keys) fn public_parameters(&self) -> Result<KeyParameters, KeyError> {
        match self {
            Self::Rsa(key) => {
                Ok(KeyParameters::Rsa { n: key.n_bytes().into_vec(), e: key.e_bytes().into_vec() })
            }
            Self::P256(key) => {
                numbers::ec_public(Curve::P256, key.verifying_key().to_sec1_point(false).as_bytes())
            }
            Self::P384(key) => {
                numbers::ec_public(Curve::P384, key.verifying_key().to_sec1_point(false).as_bytes())
            }
            Self::P521(key) => {
                let key = p521::ecdsa::VerifyingKey::from(&**key);
                numbers::ec_public(Curve::P521, key.to_sec1_point(false).as_bytes())
            }
            Self::Ed25519(key) => Ok(KeyParameters::Ed25519 { x: key.verifying_key().to_bytes() }),
        }
    }

    /// The bytes of a JWS signature. RSA is blinded with the system's randomness.
    pub(in crate::keys) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        use Algorithm::{ES256, ES384, ES512, Ed25519, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        match (self, algorithm) {
            (Self::Rsa(key), RS256 | PS256) => rsa_sign::<Sha256>(key, algorithm, message),
            (Self::Rsa(key), RS384 | PS384) => rsa_sign::<Sha384>(key, algorithm, message),
            (Self::Rsa(key), RS512 | PS512) => rsa_sign::<Sha512>(key, algorithm, message),
            (Self::P256(key), ES256) => {
                key.try_sign(message).map(|signature: p256::ecdsa::Signature| signature.to_bytes().to_vec())
            }
            (Self::P384(key), ES384) => {
                key.try_sign(message).map(|signature: p384::ecdsa::Signature| signature.to_bytes().to_vec())
            }
            (Self::P521(key), ES512) => {
                key.try_sign(message).map(|signature: p521::ecdsa::Signature| signature.to_bytes().to_vec())
            }
            (Self::Ed25519(key), EdDSA | Ed25519) => {
                key.try_sign(message).map(|signature| signature.to_bytes().to_vec())
            }
            _ => Err(signature::Error::new()),
        }
        .map_err(|_| KeyError::Signing)
    }
}

/// A public key that is ready to verify.
pub(in crate::keys) enum VerifyingKey {
    Rsa(Box<rsa::PublicKey>),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl VerifyingKey {
    /// Creates a key from parameters that the policy has accepted.
    pub(in crate::keys) fn new(parameters: &KeyParameters) -> Result<Self, KeyError> {
        match parameters {
            KeyParameters::Rsa { n, e } => {
                rsa::PublicKey::new(BoxedUint::from_be_slice_vartime(n), BoxedUint::from_be_slice_vartime(e))
                    .map(|key| Self::Rsa(Box::new(key)))
                    .map_err(|_| KeyError::Inconsistent { key_type: "RSA" })
            }
            KeyParameters::Ec { curve, x, y } => {
                let point = [&[4], x.as_slice(), y].concat();
                match curve {
                    Curve::P256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).map(Self::P256),
                    Curve::P384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(&point).map(Self::P384),
                    Curve::P521 => p521::ecdsa::VerifyingKey::from_sec1_bytes(&point).map(Self::P521),
                }
                .map_err(|_| KeyError::Inconsistent { key_type: "EC" })
            }
            KeyParameters::Ed25519 { x } => ed25519_dalek::VerifyingKey::from_bytes(x)
                .map(Self::Ed25519)
                .map_err(|_| KeyError::Inconsistent { key_type: "Ed25519" }),
        }
    }

    pub(in crate::keys) fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        use Algorithm::{ES256, ES384, ES512, Ed25519, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        match (self, algorithm) {
            (Self::Rsa(key), RS256 | PS256) => rsa_verify::<Sha256>(key, algorithm, message, signature),
            (Self::Rsa(key), RS384 | PS384) => rsa_verify::<Sha384>(key, algorithm, message, signature),
            (Self::Rsa(key), RS512 | PS512) => rsa_verify::<Sha512>(key, algorithm, message, signature),
            (Self::P256(key), ES256) => p256::ecdsa::Signature::from_slice(signature)
                .and_then(|signature| key.verify(message, &signature))
                .is_ok(),
            (Self::P384(key), ES384) => p384::ecdsa::Signature::from_slice(signature)
                .and_then(|signature| key.verify(message, &signature))
                .is_ok(),
            (Self::P521(key), ES512) => p521::ecdsa::Signature::from_slice(signature)
                .and_then(|signature| key.verify(message, &signature))
                .is_ok(),
            // The policy has rejected the points of small order that `verify_strict` guards
            // against.
            (Self::Ed25519(key), EdDSA | Ed25519) => ed25519_dalek::Signature::from_slice(signature)
                .and_then(|signature| key.verify(message, &signature))
                .is_ok(),
            _ => false,
        }
    }
}

/// Both coordinates of a compressed point (SEC 1 §2.3.3).
pub(in crate::keys) fn decompressed(curve: Curve, point: &[u8]) -> Result<KeyParameters, KeyError> {
    let point = match curve {
        Curve::P256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(point)
            .map(|key| key.to_sec1_point(false).as_bytes().to_vec()),
        Curve::P384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(point)
            .map(|key| key.to_sec1_point(false).as_bytes().to_vec()),
        Curve::P521 => p521::ecdsa::VerifyingKey::from_sec1_bytes(point)
            .map(|key| key.to_sec1_point(false).as_bytes().to_vec()),
    };
    numbers::ec_public(curve, &point.map_err(|_| KeyError::Inconsistent { key_type: "EC" })?)
}

fn rsa_sign<D: Digest + AssociatedOid + FixedOutputReset>(
    key: &rsa::PrivateKey,
    algorithm: Algorithm,
    message: &[u8],
) -> Result<Vec<u8>, signature::Error> {
    let digest = D::digest(message);
    if algorithm.is_pss() {
        Pss::<D>::new().sign(Some(&mut SysRng), key, &digest)
    } else {
        Pkcs1v15Sign::new::<D>().sign(Some(&mut SysRng), key, &digest)
    }
    .map_err(|_| signature::Error::new())
}

fn rsa_verify<D: Digest + AssociatedOid + FixedOutputReset>(
    key: &rsa::PublicKey,
    algorithm: Algorithm,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let digest = D::digest(message);
    if algorithm.is_pss() {
        key.verify(Pss::<D>::new(), &digest, signature)
    } else {
        key.verify(Pkcs1v15Sign::new::<D>(), &digest, signature)
    }
    .is_ok()
}

/// The crate checks n, d and the primes. The CRT members of the file are compared with the crate's
/// own computation.
fn rsa_private(key: &RsaPrivateKeyRef<'_>) -> Result<SigningKey, KeyError> {
    let inconsistent = || KeyError::Inconsistent { key_type: "RSA" };
    let integer = |value: &UintRef<'_>| BoxedUint::from_be_slice_vartime(value.as_bytes());
    let [n, e, d] = [&key.modulus, &key.public_exponent, &key.private_exponent].map(integer);
    let primes = vec![integer(&key.prime1), integer(&key.prime2)];
    // The wide form is slow, and its timing reveals that the primes differ in length. So it is used
    // only for primes that do.
    let half = bit_len(key.modulus.as_bytes()).div_ceil(2);
    let is_wide = [&key.prime1, &key.prime2].iter().any(|prime| bit_len(prime.as_bytes()) > half);
    let rsa = if is_wide {
        rsa::PrivateKey::from_components_with_wide_primes(n, e, d, primes)
    } else {
        rsa::PrivateKey::from_components(n, e, d, primes)
    }
    .map_err(|_| inconsistent())?;
    // Use the computed value: `crt_coefficient` inverts again, which takes half as long as all the
    // rest.
    let coefficient = rsa.qinv().map(|inverse| Zeroizing::new(inverse.retrieve()));
    let computed = [rsa.dp(), rsa.dq(), coefficient.as_deref()];
    let given = [&key.exponent1, &key.exponent2, &key.coefficient];
    let belong = computed.into_iter().zip(given).all(|(computed, given)| {
        computed.is_some_and(|computed| {
            let digits = Zeroizing::new(computed.to_be_bytes());
            equal_integers(&digits, given.as_bytes())
        })
    });
    if belong { Ok(SigningKey::Rsa(Box::new(rsa))) } else { Err(inconsistent()) }
}

/// Two big-endian integers, compared in constant time after the shorter one is padded.
fn equal_integers(padded: &[u8], digits: &[u8]) -> bool {
    use subtle::ConstantTimeEq;
    let Some(zeros) = padded.len().checked_sub(digits.len()) else {
        return false;
    };
    let mut same = Zeroizing::new(vec![0; zeros]);
    same.reserve_exact(digits.len());
    same.extend_from_slice(digits);
    padded.ct_eq(&same).into()
}

/// Generates an RSA key of a length that the policy has accepted.
pub(in crate::keys) fn generate_rsa(bits: usize) -> Result<KeyMaterial, KeyError> {
    // The crate's prime search needs an infallible source: probe the system's source once before
    // it.
    getrandom::fill(&mut [0; 8]).map_err(|_| KeyError::Random)?;
    let key = rsa::PrivateKey::new(&mut UnwrapErr(SysRng), bits).map_err(|_| KeyError::Random)?;
    super::primes::material(&key)
}
