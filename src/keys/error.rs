use std::path::{Path, PathBuf};
use std::sync::Arc;

use time::OffsetDateTime;

use super::{KeyEntry, RsaWeakness, SignerError, caused, key_entry};
use crate::jose::moment::Moment;
use crate::jose::{Algorithm, JoseError, KeyId, SecretForm};

/// What can be wrong with a key, a key file or a ring of keys.
///
/// No variant carries key material or a passphrase.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key file cannot be read.
    #[error(fmt = file)]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: Arc<std::io::Error>,
    },
    /// A key file whose content cannot be used.
    #[error("cannot use {}: {reason}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with its content.
        reason: Arc<Self>,
    },
    /// A key or another secret was given in place of the path of a key file. It is not shown.
    #[error(
        "expected the path of a key file, found {found}: pass a key to PrivateKey::from_bytes, or write it to a file"
    )]
    KeyAsPath {
        /// What the text looks like.
        found: SecretForm,
    },
    /// An environment variable that is empty or not set.
    #[error("environment variable {name} is empty or not set")]
    EnvironmentVariable {
        /// Its name.
        name: String,
    },
    /// An environment variable whose value is not a usable key.
    #[error(fmt = environment)]
    Environment {
        /// Its name.
        name: String,
        /// What is wrong with the value.
        source: Arc<Self>,
    },
    /// A key file longer than any key.
    #[error("the key file is too large: read {found} bytes, the limit is {limit}")]
    TooLarge {
        /// The length in bytes.
        found: usize,
        /// [`PrivateKey::MAX_FILE_LEN`](super::PrivateKey::MAX_FILE_LEN).
        limit: usize,
    },
    /// Only white space.
    #[error("the key file is empty")]
    Empty,
    /// Neither PEM, nor DER of a key, nor JSON.
    #[error("not a key: neither PEM, DER nor a JWK")]
    UnknownFormat,
    /// Text that looks like a file name in place of the file's content, for example in an
    /// environment variable. It is not shown.
    #[error("not a key, but perhaps a file name: pass the content of the file, or load the file by its path")]
    FileName,
    /// A key format that this crate does not read.
    #[error("{format} is not supported; convert it with: {convert}")]
    ForeignFormat {
        /// The name of the format.
        format: &'static str,
        /// A command that converts it.
        convert: &'static str,
    },
    /// A public key, a certificate or something else where a private key is expected.
    #[error("expected a private key, found {found}")]
    NotPrivate {
        /// What was found instead.
        found: String,
    },
    /// A private key or something else where a public key is expected.
    #[error("expected a public key, found {found}")]
    NotPublic {
        /// What was found instead.
        found: String,
    },
    /// More than one private key where one is expected.
    #[error("expected one private key, found {}: {}; select one by alias, kid or thumbprint", found.len(), key_entry::list(found))]
    SeveralKeys {
        /// The keys, in the order of the file.
        found: Vec<KeyEntry>,
    },
    /// The key requested by name is not in the file.
    #[error("no key is named `{}`, found {}: {}", name, found.len(), key_entry::list(found))]
    NoSuchEntry {
        /// The name: an alias, a `kid` or a thumbprint.
        name: String,
        /// The keys, in the order of the file.
        found: Vec<KeyEntry>,
    },
    /// PEM that cannot be read (RFC 7468).
    #[error("damaged PEM: {reason}")]
    Pem {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// DER without the expected structure.
    #[error("damaged {structure}")]
    Der {
        /// The structure, and where it is defined.
        structure: &'static str,
    },
    /// A JWK or JWK Set that cannot be read, or an algorithm that does not fit the key.
    #[error(transparent)]
    Jose(#[from] JoseError),
    /// A JWK with a private value of the wrong length.
    #[error("member `{member}` of the private JWK has the wrong length")]
    JwkMember {
        /// The member.
        member: &'static str,
    },
    /// The key is encrypted and no passphrase was given.
    #[error("the key is encrypted: a passphrase is required")]
    PassphraseRequired,
    /// The passphrase does not open the encrypted key.
    #[error("the passphrase does not decrypt the key")]
    WrongPassphrase,
    /// An encryption of private keys that this crate does not read.
    #[error(
        "keys encrypted with {scheme} are not supported; convert the key with: openssl pkcs8 -topk8 -v2 aes-256-cbc -provider legacy -provider default -in KEY -out key.pem"
    )]
    UnsupportedEncryption {
        /// The name or object identifier of the scheme.
        scheme: String,
    },
    /// A PKCS#12 file (feature `pkcs12`) with an encryption or a MAC that this crate does not read.
    #[error(
        "a PKCS#12 file with {scheme} is not supported; convert it with: openssl pkcs12 -legacy -in KEY -nodes -out key.pem"
    )]
    UnsupportedPkcs12 {
        /// The name or object identifier of the scheme.
        scheme: String,
    },
    /// A key derivation that costs more than any honest file needs; it is rejected before it
    /// starts.
    #[error("key derivation out of bounds: {parameter} is {found}, allowed: {allowed}")]
    KeyDerivationCost {
        /// Which parameter.
        parameter: &'static str,
        /// Its value.
        found: String,
        /// The allowed value.
        allowed: &'static str,
    },
    /// A key type or curve for which RFC 7518 has no signature.
    #[error("unsupported key type: {found}")]
    UnsupportedKey {
        /// The type or curve.
        found: String,
    },
    /// An RSA modulus outside 2048 to 8192 bits (RFC 7518 §3.3).
    #[error("the RSA key has {bits} bits, allowed: 2048 to 8192")]
    RsaSize {
        /// The length of the modulus in bits.
        bits: usize,
    },
    /// A length for a new RSA key that not every backend supports.
    #[error("cannot generate an RSA key of {bits} bits: choose 2048, 3072, 4096 or 8192")]
    NewRsaSize {
        /// The requested length in bits.
        bits: usize,
    },
    /// An RSA public exponent that is even or outside 3 to 2³³−1.
    #[error("the RSA public exponent must be odd and between 3 and 2^33-1")]
    RsaExponent,
    /// An RSA key with more than two primes.
    #[error("the RSA key has more than two primes")]
    RsaPrimes,
    /// An RSA key without its CRT members (`p`, `q`, `dp`, `dq`, `qi`).
    #[error("the RSA private key has no `{member}`: it needs all CRT members (p, q, dp, dq, qi)")]
    RsaCrtMissing {
        /// The first missing member.
        member: &'static str,
    },
    /// An RSA key that consists only of `n`, `e` and `d` (RFC 7518 §6.3.2, and zeros in RFC 8017
    /// A.1.2) and whose primes cannot be recovered.
    #[error("the RSA key has no primes: {reason}")]
    RsaPrimesUnknown {
        /// Why not, and what to do.
        reason: &'static str,
    },
    /// An RSA key in which one prime is much shorter than the other and so easier to find.
    #[error("the primes of the RSA key have {} and {} bits, each must have at least {least}", bits[0], bits[1])]
    RsaPrimeLengths {
        /// The lengths in bits.
        bits: [usize; 2],
        /// A third of the length of the modulus.
        least: usize,
    },
    /// An RSA key that can be factored (NIST SP 800-89 §5.3.3, FIPS 186-5 A.1).
    #[error("the RSA key can be factored: {weakness}; generate a new key")]
    WeakRsa {
        /// What is wrong with it.
        weakness: RsaWeakness,
    },
    /// The RSA keys of a key file or a JWK Set cost too much to check, taken together.
    #[error(
        "checking all RSA keys would cost as much as {found} keys of 2048 bits, the limit is {limit}; use fewer or shorter keys"
    )]
    RsaCheckCost {
        /// The cost of the keys so far and this one, in keys of 2048 bits: a key of 8192 bits
        /// counts as 64.
        found: u64,
        /// The maximum for one file or set.
        limit: u64,
    },
    /// Numbers that do not form a key, or a public part that does not match the private part.
    #[error("the parts of the {key_type} key do not match")]
    Inconsistent {
        /// The type of key.
        key_type: &'static str,
    },
    /// A key that may only make RSASSA-PSS signatures (RFC 4055 §1.2), perhaps with one hash.
    #[error("the id-RSASSA-PSS key is restricted to {}, so {algorithm} is not allowed", allowed.map_or("PS256, PS384 and PS512", Algorithm::as_str))]
    PssOnly {
        /// The requested algorithm.
        algorithm: Algorithm,
        /// The only algorithm that the key allows, if its parameters name one.
        allowed: Option<Algorithm>,
    },
    /// A signature with another algorithm than the JWK's (`alg`, RFC 7517 §4.4, RFC 8725 §3.1).
    #[error("the JWK is for {expected}, not {found}")]
    OtherAlgorithm {
        /// The JWK's `alg`.
        expected: String,
        /// The requested algorithm.
        found: Algorithm,
    },
    /// A JWK that is not for signatures (`use`, `key_ops`).
    #[error("the JWK is not for signatures (`use`, `key_ops`)")]
    NotForSignatures,
    /// A certificate that cannot be read.
    #[error("damaged certificate")]
    Certificate,
    /// More certificates in a key file than any key needs.
    #[error("the key file has {found} or more certificates, the limit is {limit}")]
    TooManyCertificates {
        /// A lower bound for the number of certificates in the file.
        found: usize,
        /// The maximum that is read.
        limit: usize,
    },
    /// The certificates next to a key (in PEM, in PKCS#12) are all for other keys, or the first
    /// certificate of an `x5c` is for another key (RFC 7517 §4.7).
    #[error("the certificate is for another key")]
    CertificateMismatch,
    /// The signature was not made by this key over these bytes.
    #[error("the signature does not verify")]
    BadSignature,
    /// The signature could not be made.
    #[error("the key could not sign")]
    Signing,
    /// The operating system provides no random bytes.
    #[error("the operating system provides no random bytes")]
    Random,
    /// A signer outside this process failed. [`SignerError::may_pass`] tells whether to try again.
    #[error(fmt = signer)]
    Signer(#[source] SignerError),
    /// The ring has no such key.
    #[error("no key `{key_id}` in the ring")]
    NotInRing {
        /// Its name.
        key_id: KeyId,
    },
    /// The ring already has a key with this name.
    #[error("key `{key_id}` is already in the ring")]
    DuplicateKeyId {
        /// Its name.
        key_id: KeyId,
    },
    /// A rotation step was requested too early.
    #[error("key `{key_id}` is not ready before {}", Moment { at: (*ready).into(), now: (*now).into() })]
    TooEarly {
        /// Its name.
        key_id: KeyId,
        /// When the step becomes possible.
        ready: OffsetDateTime,
        /// The time of the attempt.
        now: OffsetDateTime,
    },
    /// The key signs, so it cannot be retired. Activate another key first.
    #[error("key `{key_id}` still signs: activate another key first")]
    StillActive {
        /// Its name.
        key_id: KeyId,
    },
    /// No key of the ring signs.
    #[error("no key in the ring is active")]
    NoActiveKey,
}

caused! {
    file(path: &Path) by source: &std::io::Error => "cannot read {}", path.display();
    environment(name: &str) by source: &KeyError => "cannot use the key in the environment variable {name}";
    signer() by source: &SignerError => "the signer failed";
}

impl KeyError {
    /// What is wrong with the key itself, wherever it was loaded from: the error inside of
    /// [`InFile`](Self::InFile) or [`Environment`](Self::Environment), or else this one.
    #[must_use]
    pub fn reason(&self) -> &Self {
        match self {
            Self::InFile { reason, .. } | Self::Environment { source: reason, .. } => reason.reason(),
            other => other,
        }
    }
}
