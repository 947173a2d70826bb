//! Signatures by AWS-LC. By default, AWS-LC blinds RSA and wipes every key that it frees.

use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, ParsedPublicKey, RsaKeyPair};
use aws_lc_rs::signature::{EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm};
use aws_lc_rs::signature::{RsaParameters, RsaSignatureEncoding};
use der::Encode;
use der::asn1::UintRef;
use sec1::EcPrivateKey;
use zeroize::Zeroizing;

use crate::jose::{Algorithm, Curve, KeyParameters, KeyType};
use crate::keys::material::KeyMaterial;
use crate::keys::{KeyError, format, numbers};

/// How an RSA key signs and verifies. The PSS salt is exactly as long as the hash (RFC 7518 §3.5).
static RSA: [(Algorithm, &RsaSignatureEncoding, &RsaParameters); 6] = [
    (Algorithm::RS256, &signature::RSA_PKCS1_SHA256, &signature::RSA_PKCS1_2048_8192_SHA256),
    (Algorithm::RS384, &signature::RSA_PKCS1_SHA384, &signature::RSA_PKCS1_2048_8192_SHA384),
    (Algorithm::RS512, &signature::RSA_PKCS1_SHA512, &signature::RSA_PKCS1_2048_8192_SHA512),
    (Algorithm::PS256, &signature::RSA_PSS_SHA256, &signature::RSA_PSS_2048_8192_SHA256),
    (Algorithm::PS384, &signature::RSA_PSS_SHA384, &signature::RSA_PSS_2048_8192_SHA384),
    (Algorithm::PS512, &signature::RSA_PSS_SHA512, &signature::RSA_PSS_2048_8192_SHA512),
];

/// The same for a curve; signatures are r and s side by side (RFC 7518 §3.4).
fn ecdsa(curve: Curve) -> (&'static EcdsaSigningAlgorithm, &'static EcdsaVerificationAlgorithm) {
    match curve {
        Curve::P256 => (&signature::ECDSA_P256_SHA256_FIXED_SIGNING, &signature::ECDSA_P256_SHA256_FIXED),
        Curve::P384 => (&signature::ECDSA_P384_SHA384_FIXED_SIGNING, &signature::ECDSA_P384_SHA384_FIXED),
        Curve::P521 => (&signature::ECDSA_P521_SHA512_FIXED_SIGNING, &signature::ECDSA_P521_SHA512_FIXED),
    }
}

fn inconsistent<E>(key_type: &'static str) -> impl Fn(E) -> KeyError {
    move |_| KeyError::Inconsistent { key_type }
}

/// A private key that is ready to sign.
pub(in crate::keys) enum SigningKey {
    Rsa(RsaKeyPair),
    Ec(Curve, EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// Creates a key from parsed material that the policy has accepted.
    pub(in crate::keys) fn new(material: &KeyMaterial) -> Result<Self, KeyError> {
        match material {
            KeyMaterial::Rsa { pkcs1, .. } => {
                RsaKeyPair::from_der(pkcs1).map(Self::Rsa).map_err(inconsistent("RSA"))
            }
            KeyMaterial::Ec { curve, scalar, point } => {
                // Pass an `ECPrivateKey` (RFC 5915 §3): AWS-LC reads it with one multiplication if
                // it has a point, and computes the point otherwise.
                // `from_private_key_and_public_key` needs two multiplications, and the point.
                let key =
                    EcPrivateKey { private_key: scalar, parameters: None, public_key: point.as_deref() };
                let len = key.encoded_len().and_then(usize::try_from).map_err(inconsistent("EC"))?;
                let mut der = Zeroizing::new(vec![0; len]);
                key.encode_to_slice(&mut der).map_err(inconsistent("EC"))?;
                let key =
                    EcdsaKeyPair::from_private_key_der(ecdsa(*curve).0, &der).map_err(inconsistent("EC"))?;
                Ok(Self::Ec(*curve, key))
            }
            KeyMaterial::Ed25519 { seed, .. } => Ed25519KeyPair::from_seed_unchecked(seed.as_slice())
                .map(Self::Ed25519)
                .map_err(inconsistent("Ed25519")),
        }
    }

    pub(in crate::keys) fn public_parameters(&self) -> Result<KeyParameters, KeyError> {
        match self {
            Self::Rsa(key) => numbers::rsa_public(key.public_key().as_ref()),
            Self::Ec(curve, key) => numbers::ec_public(*curve, key.public_key().as_ref()),
            Self::Ed25519(key) => {
                let x = key.public_key().as_ref().try_into().map_err(inconsistent("Ed25519"))?;
                Ok(KeyParameters::Ed25519 { x })
            }
        }
    }

    /// The bytes of a JWS signature.
    pub(in crate::keys) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        // The functions take a source of randomness but ignore it: AWS-LC has its own.
        let random = SystemRandom::new();
        let signature = match (self, algorithm.key_type()) {
            (Self::Rsa(key), KeyType::Rsa) => {
                let (_, encoding, _) =
                    RSA.iter().find(|(name, ..)| *name == algorithm).ok_or(KeyError::Signing)?;
                let mut signature = vec![0; key.public_modulus_len()];
                return match key.sign(*encoding, &random, message, &mut signature) {
                    Ok(()) => Ok(signature),
                    Err(_) => Err(KeyError::Signing),
                };
            }
            (Self::Ec(own, key), KeyType::Ec(curve)) if *own == curve => key.sign(&random, message),
            (Self::Ed25519(key), KeyType::Ed25519) => key.try_sign(message),
            _ => return Err(KeyError::Signing),
        };
        signature.map(|signature| signature.as_ref().to_vec()).map_err(|_| KeyError::Signing)
    }
}

/// A public key that is ready to verify.
pub(in crate::keys) enum VerifyingKey {
    /// AWS-LC binds a parsed key to one algorithm. There is one key for each of [`RSA`], parsed
    /// when it is first needed.
    Rsa {
        pkcs1: Vec<u8>,
        parsed: Box<[OnceLock<Option<ParsedPublicKey>>; RSA.len()]>,
    },
    Ec(Curve, ParsedPublicKey),
    Ed25519(ParsedPublicKey),
}

impl VerifyingKey {
    /// Creates a key from parameters that the policy has accepted.
    pub(in crate::keys) fn new(parameters: &KeyParameters) -> Result<Self, KeyError> {
        match parameters {
            KeyParameters::Rsa { n, e } => {
                let modulus = UintRef::new(n).map_err(inconsistent("RSA"))?;
                let public_exponent = UintRef::new(e).map_err(inconsistent("RSA"))?;
                let pkcs1 =
                    pkcs1::RsaPublicKey { modulus, public_exponent }.to_der().map_err(inconsistent("RSA"))?;
                let key = Self::Rsa { pkcs1, parsed: Box::default() };
                // Reject a key now if AWS-LC does not accept it.
                key.parsed(Algorithm::RS256).ok_or(()).map_err(inconsistent("RSA"))?;
                Ok(key)
            }
            KeyParameters::Ec { curve, x, y } => {
                let point = [&[4], x.as_slice(), y].concat();
                ParsedPublicKey::new(ecdsa(*curve).1, point)
                    .map(|key| Self::Ec(*curve, key))
                    .map_err(inconsistent("EC"))
            }
            KeyParameters::Ed25519 { x } => ParsedPublicKey::new(&signature::ED25519, x)
                .map(Self::Ed25519)
                .map_err(inconsistent("Ed25519")),
        }
    }

    /// The key for this algorithm, if it has that type.
    fn parsed(&self, algorithm: Algorithm) -> Option<&ParsedPublicKey> {
        match (self, algorithm.key_type()) {
            (Self::Rsa { pkcs1, parsed }, KeyType::Rsa) => {
                let mut slots = RSA.iter().zip(parsed.iter());
                let ((.., parameters), slot) = slots.find(|((name, ..), _)| *name == algorithm)?;
                slot.get_or_init(|| ParsedPublicKey::new(*parameters, pkcs1).ok()).as_ref()
            }
            (Self::Ec(own, key), KeyType::Ec(curve)) if *own == curve => Some(key),
            (Self::Ed25519(key), KeyType::Ed25519) => Some(key),
            _ => None,
        }
    }

    pub(in crate::keys) fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        self.parsed(algorithm).is_some_and(|key| key.verify_sig(message, signature).is_ok())
    }
}

/// Both coordinates of a compressed point (SEC 1 §2.3.3).
pub(in crate::keys) fn decompressed(curve: Curve, point: &[u8]) -> Result<KeyParameters, KeyError> {
    let key = ParsedPublicKey::new(ecdsa(curve).1, point).map_err(inconsistent("EC"))?;
    let der: PublicKeyX509Der<'_> = key.as_der().map_err(inconsistent("EC"))?;
    // A `SubjectPublicKeyInfo` ends with the point, which AWS-LC writes uncompressed.
    let len = 1 + 2 * curve.coordinate_len();
    let point = der.as_ref().len().checked_sub(len).and_then(|start| der.as_ref().get(start..));
    numbers::ec_public(
        curve,
        point.filter(|point| point.first() == Some(&4)).ok_or(()).map_err(inconsistent("EC"))?,
    )
}

/// Generates an RSA key of a length that the policy has accepted.
pub(in crate::keys) fn generate_rsa(bits: usize) -> Result<KeyMaterial, KeyError> {
    let size = match bits {
        2048 => KeySize::Rsa2048,
        3072 => KeySize::Rsa3072,
        4096 => KeySize::Rsa4096,
        8192 => KeySize::Rsa8192,
        _ => return Err(KeyError::NewRsaSize { bits }),
    };
    let key = RsaKeyPair::generate(size).map_err(|_| KeyError::Random)?;
    // Wiped on drop.
    let pkcs8: Pkcs8V1Der<'_> = key.as_der().map_err(inconsistent("RSA"))?;
    format::der_key::pkcs8(pkcs8.as_ref())
}
