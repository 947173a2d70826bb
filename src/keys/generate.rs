use der::Encode;
use der::asn1::{AnyRef, OctetStringRef};
use getrandom::SysRng;
use pkcs8::spki::AlgorithmIdentifier;
use pkcs8::{LineEnding, PrivateKeyInfoRef, SecretDocument};
use sec1::EcPrivateKey;
use zeroize::Zeroizing;

use super::format::oid;
use super::material::{KeyMaterial, Seed};
use super::{KeyError, PrivateKey, backend, policy};
use crate::jose::{Algorithm, Curve, KeyParameters, KeyType};

/// A new private key that is not saved yet: write it out, then use it.
///
/// ```
/// use private_key_jwt::{Algorithm, PrivateKey};
///
/// let generated = PrivateKey::generate(Algorithm::ES256)?;
/// let pem = generated.to_encrypted_pem("correct horse")?; // write this to a file
/// let key = PrivateKey::from_encrypted_bytes(pem.as_bytes(), "correct horse")?;
/// assert_eq!(key.key_id(), generated.private_key()?.key_id());
/// # Ok::<(), private_key_jwt::keys::KeyError>(())
/// ```
pub struct GeneratedKey {
    pkcs8: SecretDocument,
    algorithm: Algorithm,
}

impl PrivateKey {
    /// The default length of a new RSA key, in bits.
    pub const DEFAULT_RSA_BITS: usize = 3072;

    /// The possible lengths of a new RSA key, in bits: those that every backend supports.
    pub const NEW_RSA_BITS: [usize; 4] = policy::NEW_RSA_BITS;

    /// Generates a key for this algorithm. RSA keys have [`PrivateKey::DEFAULT_RSA_BITS`].
    ///
    /// # Errors
    ///
    /// [`KeyError::Random`] if the operating system provides no random bytes.
    pub fn generate(algorithm: Algorithm) -> Result<GeneratedKey, KeyError> {
        Self::generate_rsa_bits(algorithm, Self::DEFAULT_RSA_BITS)
    }

    /// As [`PrivateKey::generate`], with a chosen length for RSA: one of
    /// [`PrivateKey::NEW_RSA_BITS`]. For other key types, the curve decides the length. Long keys
    /// take minutes.
    ///
    /// # Errors
    ///
    /// [`KeyError::NewRsaSize`] for another length, [`KeyError::Random`] if there are no random
    /// bytes.
    pub fn generate_rsa_bits(algorithm: Algorithm, bits: usize) -> Result<GeneratedKey, KeyError> {
        let material = match algorithm.key_type() {
            KeyType::Rsa => {
                policy::check_new_rsa(bits)?;
                backend::generate_rsa(bits)?
            }
            KeyType::Ec(curve) => ec(curve)?,
            KeyType::Ed25519 => {
                let mut seed = Zeroizing::new([0; 32]);
                getrandom::fill(seed.as_mut()).map_err(|_| KeyError::Random)?;
                let seed = Seed::new(seed.as_slice()).ok_or(KeyError::Random)?;
                KeyMaterial::Ed25519 { seed, public: None }
            }
        };
        Ok(GeneratedKey { pkcs8: pkcs8(&material)?, algorithm })
    }
}

impl GeneratedKey {
    /// The key, ready to sign with the algorithm it was generated for.
    ///
    /// # Errors
    ///
    /// None in practice: the key goes through the loader like any other.
    pub fn private_key(&self) -> Result<PrivateKey, KeyError> {
        PrivateKey::from_bytes(self.pkcs8.as_bytes())?.with_algorithm(self.algorithm)
    }

    /// The key as unencrypted PKCS#8 PEM.
    ///
    /// # Errors
    ///
    /// None in practice: it encodes to memory.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        self.pkcs8.to_pem("PRIVATE KEY", LineEnding::LF).map_err(|_| ENCODING)
    }

    /// The key as encrypted PKCS#8 PEM: PBES2 with scrypt (N = 2¹⁴, r = 8, p = 1) and AES-256-CBC.
    /// OpenSSL reads it too.
    ///
    /// # Errors
    ///
    /// [`KeyError::Random`] if there are no random bytes for the salt.
    pub fn to_encrypted_pem(&self, passphrase: impl AsRef<[u8]>) -> Result<Zeroizing<String>, KeyError> {
        let info = PrivateKeyInfoRef::try_from(self.pkcs8.as_bytes()).map_err(|_| ENCODING)?;
        let encrypted = info.encrypt_with_rng(&mut SysRng, passphrase).map_err(|_| KeyError::Random)?;
        encrypted.to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF).map_err(|_| ENCODING)
    }
}

impl std::fmt::Debug for GeneratedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GeneratedKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

const ENCODING: KeyError = KeyError::Der { structure: "PrivateKeyInfo (RFC 5958 §2)" };

/// Rejection sampling (FIPS 186-5 A.2.2): zero and values from the group order on are drawn again.
/// More than a hundred rejected draws in a row, on any curve, mean that the backend or the source
/// of randomness is broken.
fn ec(curve: Curve) -> Result<KeyMaterial, KeyError> {
    for _ in 0..128 {
        let mut scalar = Zeroizing::new(vec![0; curve.coordinate_len()]);
        getrandom::fill(&mut scalar).map_err(|_| KeyError::Random)?;
        if curve == Curve::P521
            && let Some(top) = scalar.first_mut()
        {
            // 521 bits in 66 octets: clear the seven excess bits, or hardly any draw would fit.
            *top &= 1;
        }
        let material = KeyMaterial::Ec { curve, scalar, point: None };
        if backend::SigningKey::new(&material).is_ok() {
            return Ok(material);
        }
    }
    Err(KeyError::Random)
}

/// RFC 5958 §2, with the structures of RFC 8017, RFC 5915 and RFC 8410 inside.
fn pkcs8(material: &KeyMaterial) -> Result<SecretDocument, KeyError> {
    let info = |oid, parameters, inner: &[u8]| {
        let inner = OctetStringRef::new(inner).map_err(|_| ENCODING)?;
        let info = PrivateKeyInfoRef::new(AlgorithmIdentifier { oid, parameters }, inner);
        SecretDocument::try_from(info).map_err(|_| ENCODING)
    };
    match material {
        KeyMaterial::Rsa { pkcs1, .. } => info(oid::RSA, Some(AnyRef::NULL), pkcs1),
        KeyMaterial::Ec { curve, scalar, .. } => {
            let point = match backend::SigningKey::new(material)?.public_parameters()? {
                KeyParameters::Ec { x, y, .. } => [&[4], x.as_slice(), &y].concat(),
                KeyParameters::Rsa { .. } | KeyParameters::Ed25519 { .. } => return Err(ENCODING),
            };
            let key = EcPrivateKey { private_key: scalar, parameters: None, public_key: Some(&point) };
            let key = Zeroizing::new(key.to_der().map_err(|_| ENCODING)?);
            let curve = match curve {
                Curve::P256 => oid::P256,
                Curve::P384 => oid::P384,
                Curve::P521 => oid::P521,
            };
            info(oid::EC, Some((&curve).into()), &key)
        }
        KeyMaterial::Ed25519 { seed, .. } => {
            let octets = OctetStringRef::new(seed.as_slice()).map_err(|_| ENCODING)?;
            let inner = Zeroizing::new(octets.to_der().map_err(|_| ENCODING)?);
            info(oid::ED25519, None, &inner)
        }
    }
}
