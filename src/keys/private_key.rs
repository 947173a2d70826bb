use std::sync::Arc;

use super::certificate::Named;
use super::format::{Found, Loaded};
use super::health::{self, Allowance};
use super::material::{KeyMaterial, RsaScheme};
use super::{
    Certificate, KeyCheck, KeyError, PublicKey, backend, certificate, key_check, key_source, policy,
};
use crate::jose::{Algorithm, Jwk, KeyId, KeyType, Signature, Thumbprint};

/// A private key that signs client assertions.
///
/// There is one entry point for a file, one for bytes and one for an environment variable. The
/// content decides the format, never a name or a label: PKCS#8, PKCS#1, SEC1 and encrypted PKCS#8
/// as PEM or DER, a private JWK, or a JWK Set with one private signing key; with the feature
/// `pkcs12` also PKCS#12 with one key, as DER, BER or PEM. Any of these may be wrapped: in base64,
/// in quotes, with `\n` spelled out, or in the JSON document of a console, whose key id then
/// becomes the `kid`. [`KeyLoader`](super::KeyLoader) chooses among several keys.
///
/// If the file has certificates as well, the key keeps its own and those of its issuers, in that
/// order. By default, the type of the key determines the algorithm (RSA: `RS256`, P-256: `ES256`,
/// P-384: `ES384`, P-521: `ES512`, Ed25519: `EdDSA`), and the `kid` is the RFC 7638 thumbprint. The
/// file may state others, and both can be set.
///
/// The entry points are named for their input, not for PEM, because the format is detected.
///
/// Cloning is cheap, and clones share one key. The key is wiped when the last clone is dropped.
/// `Debug` shows only its name and algorithm.
///
/// ```
/// use private_key_jwt::{Algorithm, PrivateKey};
///
/// let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
/// assert_eq!(key.algorithm(), Algorithm::ES256);
/// assert_eq!(key.key_id().as_str(), key.thumbprint().to_string());
/// assert!(key.with_algorithm(Algorithm::RS256).is_err()); // refused at once, not at the first signature
/// # Ok::<(), private_key_jwt::keys::KeyError>(())
/// ```
#[derive(Clone)]
pub struct PrivateKey {
    signing: Arc<backend::SigningKey>,
    scheme: RsaScheme,
    algorithm: Algorithm,
    jwk: Jwk,
    key_id: KeyId,
    certificates: Vec<Certificate>,
}

impl PrivateKey {
    /// The maximum length of a key file, in bytes.
    pub const MAX_FILE_LEN: usize = key_source::MAX_LEN;

    /// Checks what the loader found in a file. If the file has several keys, not every one needs a
    /// certificate or a public key.
    pub(super) fn new(
        loaded: Loaded,
        beside: &Found,
        certificates_beside: &[Named],
        is_only: bool,
        allowance: &Allowance,
    ) -> Result<Self, KeyError> {
        let Loaded { material, algorithm, key_id, certificates } = loaded;
        policy::check_private(&material)?;
        policy::check_cost(&material, allowance)?;
        let alone = policy::modulus_alone(&material);
        let material = backend::with_primes(material).map_err(|error| match alone {
            Some(n) => health::check_public(&n, allowance).err().unwrap_or(error),
            None => error,
        })?;
        let signing = backend::SigningKey::new(&material).map_err(|error| policy::named(&material, error))?;
        let parameters = signing.public_parameters()?;
        policy::check_public_part(&material, &parameters)?;
        policy::check_strength(&material)?;
        let scheme = match material {
            KeyMaterial::Rsa { scheme, .. } => scheme,
            KeyMaterial::Ec { .. } | KeyMaterial::Ed25519 { .. } => RsaScheme::Any,
        };
        if is_only && beside.publics.iter().any(|public| *public != parameters) {
            return Err(KeyError::Inconsistent { key_type: "PEM file's" });
        }
        let key_type = parameters.key_type();
        let algorithm = algorithm.unwrap_or_else(|| policy::default_algorithm(key_type, scheme));
        policy::check_algorithm(algorithm, key_type, scheme)?;
        let own = certificate::named(certificates)?;
        let all: Vec<&Named> = own.iter().chain(certificates_beside).collect();
        let certificates = match certificate::chain_for(&parameters, &all) {
            Err(KeyError::CertificateMismatch) if !is_only && own.is_empty() => Vec::new(),
            chain => chain?,
        };
        let mut names = beside.key_ids.iter();
        let of_public = || names.find(|(public, _)| *public == parameters).map(|(_, name)| name.clone());
        let key_id = key_id.or_else(of_public);
        let jwk = Jwk::new(parameters);
        let key_id = key_id.unwrap_or_else(|| jwk.thumbprint().to_string().into());
        let jwk = jwk.with_key_id(key_id.clone()).for_signatures(algorithm)?.with_certificates(
            certificates.iter().map(|certificate| certificate.as_der().to_vec()).collect(),
        );
        Ok(Self { signing: Arc::new(signing), scheme, algorithm, jwk, key_id, certificates })
    }

    /// Whether another key has the same name and does the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (&self.jwk, self.scheme) == (&other.jwk, other.scheme)
    }

    /// Sets the algorithm of the signatures. Default: the one that follows from the key.
    ///
    /// # Errors
    ///
    /// [`KeyError::Jose`] with [`AlgorithmMismatch`](crate::jose::JoseError::AlgorithmMismatch) if
    /// the algorithm needs another type of key, [`KeyError::PssOnly`] if the key is restricted.
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Result<Self, KeyError> {
        policy::check_algorithm(algorithm, self.key_type(), self.scheme)?;
        self.jwk = self.jwk.for_signatures(algorithm)?;
        self.algorithm = algorithm;
        Ok(self)
    }

    /// Sets the name of the key (`kid`), in place of the thumbprint.
    #[must_use]
    pub fn with_key_id(mut self, key_id: impl Into<KeyId>) -> Self {
        self.key_id = key_id.into();
        self.jwk = self.jwk.with_key_id(self.key_id.clone());
        self
    }

    /// The algorithm of the signatures.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The type of the key.
    #[must_use]
    pub const fn key_type(&self) -> KeyType {
        self.jwk.parameters().key_type()
    }

    /// The name of the key (`kid`).
    #[must_use]
    pub const fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// The RFC 7638 thumbprint of the public key.
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        self.jwk.thumbprint()
    }

    /// The public key as a JWK with `kid`, `alg`, `use` and, if the file had certificates, `x5c`.
    #[must_use]
    pub const fn public_jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// The public key.
    ///
    /// # Errors
    ///
    /// [`KeyError::WeakRsa`] for an RSA key whose modulus fails a check that the loader skips
    /// because it takes milliseconds. Such keys are only made on purpose.
    pub fn public_key(&self) -> Result<PublicKey, KeyError> {
        PublicKey::new(self.jwk.clone(), self.scheme)
    }

    /// The checks that the key has passed.
    #[must_use]
    pub const fn checks(&self) -> &'static [KeyCheck] {
        key_check::of_private(self.key_type())
    }

    /// The certificates that came with the key, the key's own first.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Signs the bytes of a JWS signing input (RFC 7515 §5.1).
    ///
    /// RSA private-key operations are blinded. RS* and EdDSA signatures of the same input are
    /// identical; PS* and ES* signatures may differ.
    ///
    /// # Errors
    ///
    /// [`KeyError::Signing`] if the operation fails, including for lack of random bytes.
    pub fn sign(&self, signing_input: &[u8]) -> Result<Signature, KeyError> {
        let bytes = self.signing.sign(self.algorithm, signing_input)?;
        Ok(Signature::from_raw(self.algorithm, bytes)?)
    }
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrivateKey")
            .field("key_id", &self.key_id)
            .field("algorithm", &self.algorithm)
            .field("private", &"[redacted]")
            .finish_non_exhaustive()
    }
}
