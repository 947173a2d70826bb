use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::format::{self, Loaded};
use super::material::{KeyMaterial, RsaScheme};
use super::{Certificate, KeyError, PublicKey, backend, certificate, policy};
use crate::jose::{Algorithm, Jwk, KeyId, KeyType, Signature, Thumbprint};

/// A private key that signs client assertions.
///
/// One entry point for a file and one for bytes; the format follows from the content. PKCS#8, PKCS#1, SEC1 and
/// encrypted PKCS#8 as PEM or DER, a private JWK, or a JWK Set with one private signing key; with the feature `pkcs12`
/// also PKCS#12 with one key, as DER, BER or PEM. Certificates beside a key in PEM stay in their order, behind its own; of
/// those in PKCS#12 the key's own and its issuers are taken, in that order. The algorithm follows from the key (RSA: `RS256`, P-256: `ES256`, P-384: `ES384`, P-521: `ES512`, Ed25519: `EdDSA`), `kid` is the
/// RFC 7638 thumbprint; both can be set.
///
/// The entry points are named for what they take, not for PEM: the format is found, not told.
///
/// Cloning is cheap, and the clones share one key. The key is wiped when the last of them is dropped; `Debug` shows
/// its name and algorithm only.
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
    /// The longest key file that is read, in bytes.
    pub const MAX_FILE_LEN: usize = 1 << 20;

    /// Reads a key that is not encrypted from a file.
    ///
    /// # Errors
    ///
    /// [`KeyError::File`] when the file cannot be read, and all of [`PrivateKey::from_bytes`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        Self::from_bytes(&read(path.as_ref())?)
    }

    /// Reads a key from a file, and opens it with the passphrase if it is encrypted.
    ///
    /// # Errors
    ///
    /// [`KeyError::File`] when the file cannot be read, and all of [`PrivateKey::from_encrypted_bytes`].
    pub fn from_encrypted_file(
        path: impl AsRef<Path>,
        passphrase: impl AsRef<[u8]>,
    ) -> Result<Self, KeyError> {
        Self::from_encrypted_bytes(&read(path.as_ref())?, passphrase)
    }

    /// Reads a key that is not encrypted: PEM, DER or JSON. A PKCS#12 file with an empty passphrase opens here too.
    ///
    /// # Errors
    ///
    /// Every [`KeyError`] of a key that cannot be read or may not be used; [`KeyError::PassphraseRequired`] for an
    /// encrypted one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        Self::load(bytes, None)
    }

    /// Reads a key, and opens it with the passphrase if it is encrypted: PBES2 (RFC 8018 §6.2) and, with the feature
    /// `pkcs12`, PKCS#12 (RFC 7292).
    ///
    /// The costs of the key derivation are bounded before deriving: PBKDF2 to 10 million iterations, scrypt to
    /// 256 MiB and a parallelization of 16. A PKCS#12 file has several derivations, of 10 million iterations in all.
    ///
    /// The passphrase is taken as it is, which is UTF-8 nearly everywhere; for the older encryption of PKCS#12 and its MAC
    /// it becomes UTF-16, and one that is not UTF-8 is taken for Latin-1.
    ///
    /// # Errors
    ///
    /// As [`PrivateKey::from_bytes`]; [`KeyError::WrongPassphrase`], [`KeyError::UnsupportedEncryption`],
    /// [`KeyError::UnsupportedPkcs12`] and [`KeyError::KeyDerivationCost`] for an encrypted key that is not opened. A
    /// damaged PKCS#12 file is a wrong passphrase to its MAC.
    pub fn from_encrypted_bytes(bytes: &[u8], passphrase: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        Self::load(bytes, Some(passphrase.as_ref()))
    }

    fn load(bytes: &[u8], passphrase: Option<&[u8]>) -> Result<Self, KeyError> {
        if bytes.len() > Self::MAX_FILE_LEN {
            return Err(KeyError::TooLarge { found: bytes.len(), limit: Self::MAX_FILE_LEN });
        }
        let Loaded { material, algorithm, key_id, certificates, ordered, publics } =
            format::load(bytes, passphrase)?;
        policy::check_private(&material)?;
        let signing = backend::SigningKey::new(&material)?;
        let parameters = signing.public_parameters()?;
        policy::check_public_part(&material, &parameters)?;
        let scheme = match material {
            KeyMaterial::Rsa { scheme, .. } => scheme,
            KeyMaterial::Ec { .. } | KeyMaterial::Ed25519 { .. } => RsaScheme::Any,
        };
        if publics.iter().any(|public| *public != parameters) {
            return Err(KeyError::Inconsistent { key_type: "PEM file's" });
        }
        let key_type = parameters.key_type();
        let algorithm = algorithm.unwrap_or_else(|| policy::default_algorithm(key_type, scheme));
        policy::check_algorithm(algorithm, key_type, scheme)?;
        let certificates = certificate::chain_for(&parameters, certificates, ordered)?;
        let jwk = Jwk::new(parameters);
        let key_id = key_id.unwrap_or_else(|| jwk.thumbprint().to_string().into());
        let jwk = jwk.with_key_id(key_id.clone()).for_signatures(algorithm)?.with_certificates(
            certificates.iter().map(|certificate| certificate.as_der().to_vec()).collect(),
        );
        Ok(Self { signing: Arc::new(signing), scheme, algorithm, jwk, key_id, certificates })
    }

    /// Signs with another algorithm than the one that follows from the key.
    ///
    /// # Errors
    ///
    /// [`KeyError::Jose`] with [`AlgorithmMismatch`](crate::jose::JoseError::AlgorithmMismatch) when it needs
    /// another type of key, [`KeyError::PssOnly`] when the key is restricted.
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Result<Self, KeyError> {
        policy::check_algorithm(algorithm, self.key_type(), self.scheme)?;
        self.jwk = self.jwk.for_signatures(algorithm)?;
        self.algorithm = algorithm;
        Ok(self)
    }

    /// Uses another name than the thumbprint.
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
        self.jwk.key_type()
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

    /// The public key as a JWK with `kid`, `alg`, `use` and, where the file had certificates, `x5c`.
    #[must_use]
    pub const fn public_jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// The public key.
    ///
    /// # Errors
    ///
    /// None for a key that was loaded here; the conversion is the one that foreign keys go through.
    pub fn public_key(&self) -> Result<PublicKey, KeyError> {
        PublicKey::new(self.jwk.clone(), self.scheme)
    }

    /// The certificates that were found with the key, the key's own first.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Signs the bytes of a JWS signing input (RFC 7515 §5.1).
    ///
    /// RSA private-key operations are blinded. RS* and EdDSA signatures are the same each time, PS* and ES* need
    /// not be.
    ///
    /// # Errors
    ///
    /// [`KeyError::Signing`] when the operation fails, also for want of random bytes.
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

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    use std::io::Read;
    let file = |source| KeyError::File { path: path.to_owned(), source: Arc::new(source) };
    let opened = std::fs::File::open(path).map_err(file)?;
    // Room for everything from the start: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(PrivateKey::MAX_FILE_LEN + 2));
    opened.take(PrivateKey::MAX_FILE_LEN as u64 + 1).read_to_end(&mut bytes).map_err(file)?;
    Ok(bytes)
}
