//! Signatures by the RustCrypto crates.

use der::asn1::UintRef;
use getrandom::SysRng;
use pkcs1::RsaPrivateKeyRef;
use rand_core::UnwrapErr;
use rsa::BoxedUint;
use rsa::traits::{PrivateKeyParts, PublicKeyParts, SignatureScheme};
use rsa::{Pkcs1v15Sign, Pss, RsaPrivateKey, RsaPublicKey};
use sha2::digest::const_oid::AssociatedOid;
use sha2::{Digest, Sha256, Sha384, Sha512};
use signature::{Signer, Verifier};
use zeroize::Zeroizing;

use crate::jose::{Algorithm, Curve, KeyParameters, KeyType};
use crate::keys::material::KeyMaterial;
use crate::keys::{KeyError, format};

/// A private key that is ready to sign.
pub(in crate::keys) enum SigningKey {
    Rsa(Box<RsaPrivateKey>),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

impl SigningKey {
    /// Takes parsed material; the public part, where there is one, must be the private part's.
    pub(in crate::keys) fn new(material: &KeyMaterial) -> Result<Self, KeyError> {
        match material {
            KeyMaterial::Rsa { pkcs1, .. } => rsa_private(&format::pkcs1(pkcs1)?),
            KeyMaterial::Ec { curve, scalar, point } => {
                let inconsistent = |_| KeyError::Inconsistent { key_type: "EC" };
                let key = match curve {
                    Curve::P256 => {
                        Self::P256(p256::ecdsa::SigningKey::from_slice(scalar).map_err(inconsistent)?)
                    }
                    Curve::P384 => {
                        Self::P384(p384::ecdsa::SigningKey::from_slice(scalar).map_err(inconsistent)?)
                    }
                    Curve::P521 => {
                        Self::P521(p521::ecdsa::SigningKey::from_slice(scalar).map_err(inconsistent)?)
                    }
                };
                let belongs =
                    |point: &Vec<u8>| [false, true].map(|compress| key.point(compress)).contains(point);
                if point.as_ref().is_none_or(belongs) {
                    Ok(key)
                } else {
                    Err(KeyError::Inconsistent { key_type: "EC" })
                }
            }
            KeyMaterial::Ed25519 { seed, public } => {
                let key = ed25519_dalek::SigningKey::from_bytes(seed);
                if public.as_ref().is_none_or(|public| key.verifying_key().as_bytes() == public.as_slice()) {
                    Ok(Self::Ed25519(Box::new(key)))
                } else {
                    Err(KeyError::Inconsistent { key_type: "Ed25519" })
                }
            }
        }
    }

    /// The public point of an EC key (SEC 1 §2.3.3), empty for other keys.
    fn point(&self, compress: bool) -> Vec<u8> {
        match self {
            Self::P256(key) => key.verifying_key().to_sec1_point(compress).as_bytes().to_vec(),
            Self::P384(key) => key.verifying_key().to_sec1_point(compress).as_bytes().to_vec(),
            Self::P521(key) => {
                p521::ecdsa::VerifyingKey::from(key).to_sec1_point(compress).as_bytes().to_vec()
            }
            Self::Rsa(_) | Self::Ed25519(_) => Vec::new(),
        }
    }

    pub(in crate::keys) fn public_parameters(&self) -> KeyParameters {
        let ec = |curve: Curve| {
            let point = self.point(false);
            let coordinates = point.get(1..).unwrap_or_default();
            let (x, y) = coordinates.split_at_checked(curve.coordinate_len()).unwrap_or_default();
            KeyParameters::Ec { curve, x: x.to_vec(), y: y.to_vec() }
        };
        match self {
            Self::Rsa(key) => KeyParameters::Rsa { n: key.n_bytes().into_vec(), e: key.e_bytes().into_vec() },
            Self::P256(_) => ec(Curve::P256),
            Self::P384(_) => ec(Curve::P384),
            Self::P521(_) => ec(Curve::P521),
            Self::Ed25519(key) => KeyParameters::Ed25519 { x: key.verifying_key().to_bytes() },
        }
    }

    /// The bytes of a JWS signature. RSA is blinded with the system's randomness.
    pub(in crate::keys) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        match (self, algorithm) {
            (Self::Rsa(key), Algorithm::RS256) => {
                rsa_sign(key, pkcs1v15::<Sha256>(), &Sha256::digest(message))
            }
            (Self::Rsa(key), Algorithm::RS384) => {
                rsa_sign(key, pkcs1v15::<Sha384>(), &Sha384::digest(message))
            }
            (Self::Rsa(key), Algorithm::RS512) => {
                rsa_sign(key, pkcs1v15::<Sha512>(), &Sha512::digest(message))
            }
            (Self::Rsa(key), Algorithm::PS256) => {
                rsa_sign(key, Pss::<Sha256>::new(), &Sha256::digest(message))
            }
            (Self::Rsa(key), Algorithm::PS384) => {
                rsa_sign(key, Pss::<Sha384>::new(), &Sha384::digest(message))
            }
            (Self::Rsa(key), Algorithm::PS512) => {
                rsa_sign(key, Pss::<Sha512>::new(), &Sha512::digest(message))
            }
            (Self::P256(key), Algorithm::ES256) => {
                let signature: Result<p256::ecdsa::Signature, _> = key.try_sign(message);
                signature.map(|signature| signature.to_bytes().to_vec()).map_err(|_| KeyError::Signing)
            }
            (Self::P384(key), Algorithm::ES384) => {
                let signature: Result<p384::ecdsa::Signature, _> = key.try_sign(message);
                signature.map(|signature| signature.to_bytes().to_vec()).map_err(|_| KeyError::Signing)
            }
            (Self::P521(key), Algorithm::ES512) => {
                let signature: Result<p521::ecdsa::Signature, _> = key.try_sign(message);
                signature.map(|signature| signature.to_bytes().to_vec()).map_err(|_| KeyError::Signing)
            }
            (Self::Ed25519(key), Algorithm::EdDSA | Algorithm::Ed25519) => key
                .try_sign(message)
                .map(|signature| signature.to_bytes().to_vec())
                .map_err(|_| KeyError::Signing),
            _ => Err(KeyError::Signing),
        }
    }
}

/// A public key that is ready to verify.
pub(in crate::keys) enum VerifyingKey {
    Rsa(Box<RsaPublicKey>),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl VerifyingKey {
    /// Takes parameters that the policy has passed.
    pub(in crate::keys) fn new(parameters: &KeyParameters) -> Result<Self, KeyError> {
        match parameters {
            KeyParameters::Rsa { n, e } => {
                RsaPublicKey::new(BoxedUint::from_be_slice_vartime(n), BoxedUint::from_be_slice_vartime(e))
                    .map(|key| Self::Rsa(Box::new(key)))
                    .map_err(|_| KeyError::Inconsistent { key_type: "RSA" })
            }
            KeyParameters::Ec { curve, x, y } => {
                let inconsistent = |_| KeyError::Inconsistent { key_type: "EC" };
                let point = [&[4], x.as_slice(), y].concat();
                Ok(match curve {
                    Curve::P256 => {
                        Self::P256(p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).map_err(inconsistent)?)
                    }
                    Curve::P384 => {
                        Self::P384(p384::ecdsa::VerifyingKey::from_sec1_bytes(&point).map_err(inconsistent)?)
                    }
                    Curve::P521 => {
                        Self::P521(p521::ecdsa::VerifyingKey::from_sec1_bytes(&point).map_err(inconsistent)?)
                    }
                })
            }
            KeyParameters::Ed25519 { x } => ed25519_dalek::VerifyingKey::from_bytes(x)
                .ok()
                .filter(|key| !key.is_weak())
                .map(Self::Ed25519)
                .ok_or(KeyError::Inconsistent { key_type: "Ed25519" }),
        }
    }

    pub(in crate::keys) fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match (self, algorithm) {
            (Self::Rsa(key), Algorithm::RS256) => {
                rsa_verify(key, pkcs1v15::<Sha256>(), &Sha256::digest(message), signature)
            }
            (Self::Rsa(key), Algorithm::RS384) => {
                rsa_verify(key, pkcs1v15::<Sha384>(), &Sha384::digest(message), signature)
            }
            (Self::Rsa(key), Algorithm::RS512) => {
                rsa_verify(key, pkcs1v15::<Sha512>(), &Sha512::digest(message), signature)
            }
            (Self::Rsa(key), Algorithm::PS256) => {
                rsa_verify(key, Pss::<Sha256>::new(), &Sha256::digest(message), signature)
            }
            (Self::Rsa(key), Algorithm::PS384) => {
                rsa_verify(key, Pss::<Sha384>::new(), &Sha384::digest(message), signature)
            }
            (Self::Rsa(key), Algorithm::PS512) => {
                rsa_verify(key, Pss::<Sha512>::new(), &Sha512::digest(message), signature)
            }
            (Self::P256(key), Algorithm::ES256) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            (Self::P384(key), Algorithm::ES384) => p384::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            (Self::P521(key), Algorithm::ES512) => p521::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            (Self::Ed25519(key), Algorithm::EdDSA | Algorithm::Ed25519) => {
                ed25519_dalek::Signature::from_slice(signature)
                    .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
            }
            _ => false,
        }
    }
}

fn pkcs1v15<D: Digest + AssociatedOid>() -> Pkcs1v15Sign {
    Pkcs1v15Sign::new::<D>()
}

fn rsa_sign(key: &RsaPrivateKey, scheme: impl SignatureScheme, digest: &[u8]) -> Result<Vec<u8>, KeyError> {
    scheme.sign(Some(&mut SysRng), key, digest).map_err(|_| KeyError::Signing)
}

fn rsa_verify(key: &RsaPublicKey, scheme: impl SignatureScheme, digest: &[u8], signature: &[u8]) -> bool {
    key.verify(scheme, digest, signature).is_ok()
}

/// The crate checks n, d and the primes; the CRT members of the file are compared with what it computes from them.
fn rsa_private(key: &RsaPrivateKeyRef<'_>) -> Result<SigningKey, KeyError> {
    let inconsistent = || KeyError::Inconsistent { key_type: "RSA" };
    let integer = |value: &UintRef<'_>| BoxedUint::from_be_slice_vartime(value.as_bytes());
    let rsa = RsaPrivateKey::from_components(
        integer(&key.modulus),
        integer(&key.public_exponent),
        integer(&key.private_exponent),
        vec![integer(&key.prime1), integer(&key.prime2)],
    )
    .map_err(|_| inconsistent())?;
    let coefficient = rsa.crt_coefficient().map(Zeroizing::new);
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

/// A new key.
pub(in crate::keys) fn generate(key_type: KeyType, rsa_bits: usize) -> Result<KeyMaterial, KeyError> {
    match key_type {
        KeyType::Rsa => {
            // The crate's prime search takes an infallible source; probe the system's once before.
            getrandom::fill(&mut [0; 8]).map_err(|_| KeyError::Random)?;
            let key = RsaPrivateKey::new(&mut UnwrapErr(SysRng), rsa_bits).map_err(|_| KeyError::Random)?;
            rsa_material(&key)
        }
        KeyType::Ec(curve) => loop {
            let mut scalar = Zeroizing::new(vec![0; curve.coordinate_len()]);
            getrandom::fill(&mut scalar).map_err(|_| KeyError::Random)?;
            if curve == Curve::P521
                && let Some(top) = scalar.first_mut()
            {
                // 521 bits in 66 octets: clear the seven that are too many, or hardly a draw would fit.
                *top &= 1;
            }
            let material = KeyMaterial::Ec { curve, scalar, point: None };
            // Rejection sampling (FIPS 186-5 A.2.2): zero and values from the group order on are drawn again.
            if SigningKey::new(&material).is_ok() {
                return Ok(material);
            }
        },
        KeyType::Ed25519 => {
            let mut seed = Zeroizing::new([0; 32]);
            getrandom::fill(seed.as_mut()).map_err(|_| KeyError::Random)?;
            Ok(KeyMaterial::Ed25519 { seed, public: None })
        }
    }
}

fn rsa_material(key: &RsaPrivateKey) -> Result<KeyMaterial, KeyError> {
    let failed = || KeyError::Inconsistent { key_type: "RSA" };
    let digits = |value: &BoxedUint| Zeroizing::new(value.to_be_bytes_trimmed_vartime().into_vec());
    let [p, q] = key.primes() else {
        return Err(KeyError::RsaPrimes);
    };
    let coefficient = Zeroizing::new(key.crt_coefficient().ok_or_else(failed)?);
    let members = [
        Zeroizing::new(key.n_bytes().into_vec()),
        Zeroizing::new(key.e_bytes().into_vec()),
        digits(key.d()),
        digits(p),
        digits(q),
        digits(key.dp().ok_or_else(failed)?),
        digits(key.dq().ok_or_else(failed)?),
        digits(&coefficient),
    ];
    KeyMaterial::rsa(members.each_ref().map(|digits| digits.as_slice()))
}
