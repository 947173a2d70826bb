use std::path::PathBuf;
use std::sync::Arc;

use time::OffsetDateTime;

use super::{KeyEntry, RsaWeakness, SignerError, key_entry};
use crate::jose::{Algorithm, JoseError, KeyId, SecretForm};

/// What can be wrong with a key, a key file or a ring of keys.
///
/// No variant carries key material or a passphrase.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key file cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: Arc<std::io::Error>,
    },
    /// A key, or another secret, in the place of the path of a key file. It is not shown.
    #[error(
        "{found} was given where a path is expected: pass a key to PrivateKey::from_bytes, or write it to a file"
    )]
    KeyAsPath {
        /// What the text looks like.
        found: SecretForm,
    },
    /// An environment variable that is empty or not set.
    #[error("the environment variable {name} is empty or not set")]
    EnvironmentVariable {
        /// Its name.
        name: String,
    },
    /// An environment variable whose value is no key that can be used.
    #[error("cannot use the key in the environment variable {name}")]
    Environment {
        /// Its name.
        name: String,
        /// What is wrong with the value.
        source: Arc<Self>,
    },
    /// A key file longer than any key.
    #[error("a key file has at most {limit} bytes, found {found}")]
    TooLarge {
        /// The length in bytes.
        found: usize,
        /// [`PrivateKey::MAX_FILE_LEN`](super::PrivateKey::MAX_FILE_LEN).
        limit: usize,
    },
    /// Nothing but white space.
    #[error("the key file is empty")]
    Empty,
    /// Not PEM, not DER of a key, not JSON.
    #[error("not a key: neither PEM, DER nor a JWK")]
    UnknownFormat,
    /// What looks like the name of a file in the place of its content, as in an environment
    /// variable. It is not shown.
    #[error("not a key, but perhaps the name of a file: pass what is in the file, or load the file itself")]
    FileName,
    /// A format of keys that this crate does not read.
    #[error("{format} is not read here; convert it with: {convert}")]
    ForeignFormat {
        /// The name of the format.
        format: &'static str,
        /// A command that converts it.
        convert: &'static str,
    },
    /// A public key, a certificate or something else where a private key is due.
    #[error("a private key is needed, found {found}")]
    NotPrivate {
        /// What was found instead.
        found: String,
    },
    /// A private key or something else where a public key is due.
    #[error("a public key is needed, found {found}")]
    NotPublic {
        /// What was found instead.
        found: String,
    },
    /// More than one private key where one is due.
    #[error("one private key is needed, found {}: {}; name one by alias, kid or thumbprint", found.len(), key_entry::list(found))]
    SeveralKeys {
        /// The keys, in the order of the file.
        found: Vec<KeyEntry>,
    },
    /// A key that was asked for by name and is not in the file.
    #[error("no key is called `{}`, found {}: {}", name, found.len(), key_entry::list(found))]
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
    /// DER that is not the structure it should be.
    #[error("damaged {structure}")]
    Der {
        /// The structure, and where it is defined.
        structure: &'static str,
    },
    /// A JWK or JWK Set that cannot be read, or an algorithm that does not fit the key.
    #[error(transparent)]
    Jose(#[from] JoseError),
    /// A JWK with a private value of the wrong length.
    #[error("a private JWK has a member `{member}` of the wrong length")]
    JwkMember {
        /// The member.
        member: &'static str,
    },
    /// An encrypted key, and no passphrase.
    #[error("the key is encrypted and there is no passphrase")]
    PassphraseRequired,
    /// An encrypted key that the passphrase does not open.
    #[error("the passphrase does not open the key")]
    WrongPassphrase,
    /// An encryption of private keys that is not read here.
    #[error(
        "keys encrypted with {scheme} are not read here; convert with: openssl pkcs8 -topk8 -v2 aes-256-cbc -provider legacy -provider default -in KEY -out key.pem"
    )]
    UnsupportedEncryption {
        /// The name or object identifier of the scheme.
        scheme: String,
    },
    /// A PKCS#12 file (feature `pkcs12`) with an encryption or a MAC that is not read here.
    #[error(
        "a PKCS#12 file with {scheme} is not read here; convert it with: openssl pkcs12 -legacy -in KEY -nodes -out key.pem"
    )]
    UnsupportedPkcs12 {
        /// The name or object identifier of the scheme.
        scheme: String,
    },
    /// A key derivation that would cost more than any honest file asks for; refused before
    /// deriving.
    #[error("{parameter} of the key derivation is {found}, allowed is {allowed}")]
    KeyDerivationCost {
        /// Which parameter.
        parameter: &'static str,
        /// Its value.
        found: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A type of key or a curve that RFC 7518 has no signature for.
    #[error("a key of this type cannot be used: {found}")]
    UnsupportedKey {
        /// The type or curve.
        found: String,
    },
    /// An RSA modulus outside 2048 to 8192 bits (RFC 7518 §3.3).
    #[error("an RSA key has 2048 to 8192 bits, found {bits}")]
    RsaSize {
        /// The length of the modulus in bits.
        bits: usize,
    },
    /// A new RSA key of a length that not every backend makes.
    #[error("a new RSA key has 2048, 3072, 4096 or 8192 bits, not {bits}")]
    NewRsaSize {
        /// The length asked for, in bits.
        bits: usize,
    },
    /// An RSA public exponent that is even or outside 3 to 2³³−1.
    #[error("an RSA public exponent is odd and between 3 and 2^33-1")]
    RsaExponent,
    /// An RSA key with more than two primes.
    #[error("an RSA key has two primes, found more")]
    RsaPrimes,
    /// An RSA key without its CRT members (`p`, `q`, `dp`, `dq`, `qi`).
    #[error("an RSA private key needs its CRT members, `{member}` is missing")]
    RsaCrtMissing {
        /// The first that is missing.
        member: &'static str,
    },
    /// An RSA key of `n`, `e` and `d` alone (RFC 7518 §6.3.2, and zeros in RFC 8017 A.1.2) whose
    /// primes are not recovered.
    #[error("an RSA key without its primes: {reason}")]
    RsaPrimesUnknown {
        /// Why not, and what to do.
        reason: &'static str,
    },
    /// An RSA key with one prime that is much shorter than the other, and so easier to find.
    #[error("the primes of the RSA key have {} and {} bits, each must have at least {least}", bits[0], bits[1])]
    RsaPrimeLengths {
        /// The lengths in bits.
        bits: [usize; 2],
        /// A third of the length of the modulus.
        least: usize,
    },
    /// An RSA key that can be factored (NIST SP 800-89 §5.3.3, FIPS 186-5 A.1).
    #[error("the RSA key can be factored: {weakness}; make a new key")]
    WeakRsa {
        /// What is wrong with it.
        weakness: RsaWeakness,
    },
    /// A key file or a JWK Set whose RSA keys cost too much to check, taken together.
    #[error(
        "checking the RSA keys together costs as much as {found} keys of 2048 bits, allowed are {limit}; use fewer or shorter keys"
    )]
    RsaCheckCost {
        /// What the keys so far and this one cost, in keys of 2048 bits: one of 8192 bits counts
        /// as 64.
        found: u64,
        /// The most that is allowed for one file or set.
        limit: u64,
    },
    /// Numbers that are not a key, or a public part that is not the private part's.
    #[error("the parts of the {key_type} key do not belong together")]
    Inconsistent {
        /// The type of key.
        key_type: &'static str,
    },
    /// A key that may only make RSASSA-PSS signatures (RFC 4055 §1.2), perhaps with one hash.
    #[error("an id-RSASSA-PSS key is restricted to {}, {algorithm} is not allowed", allowed.map_or("PS256, PS384 and PS512", Algorithm::as_str))]
    PssOnly {
        /// The algorithm asked for.
        algorithm: Algorithm,
        /// The one that the key allows, where its parameters name one.
        allowed: Option<Algorithm>,
    },
    /// A signature of another algorithm than the one that the JWK is for (`alg`, RFC 7517 §4.4, RFC
    /// 8725 §3.1).
    #[error("the JWK is for {expected}, not for {found}")]
    OtherAlgorithm {
        /// The JWK's `alg`.
        expected: String,
        /// The algorithm asked for.
        found: Algorithm,
    },
    /// A JWK that is not for signatures (`use`, `key_ops`).
    #[error("the JWK is not for signatures (`use`, `key_ops`)")]
    NotForSignatures,
    /// A certificate that cannot be read.
    #[error("damaged certificate")]
    Certificate,
    /// More certificates in a key file than any key needs.
    #[error("a key file has at most {limit} certificates, found {found} or more")]
    TooManyCertificates {
        /// How many there are at least.
        found: usize,
        /// The most that are read.
        limit: usize,
    },
    /// Certificates beside a key (in PEM, in PKCS#12), none of them for that key; or an `x5c` whose
    /// first is for another key (RFC 7517 §4.7).
    #[error("the certificate is for another key")]
    CertificateMismatch,
    /// A signature that is not this key's over these bytes.
    #[error("the signature does not verify")]
    BadSignature,
    /// The signature could not be made.
    #[error("the key could not sign")]
    Signing,
    /// The operating system has no random bytes.
    #[error("no random bytes from the operating system")]
    Random,
    /// A signer outside this process failed; [`SignerError::may_pass`] tells whether to try again.
    #[error("the signer failed")]
    Signer(#[source] SignerError),
    /// A key that is not in the ring.
    #[error("no key `{key_id}` in the ring")]
    NotInRing {
        /// Its name.
        key_id: KeyId,
    },
    /// A second key of one name.
    #[error("a key `{key_id}` is already in the ring")]
    DuplicateKeyId {
        /// Its name.
        key_id: KeyId,
    },
    /// A step of a rotation before its time.
    #[error("key `{key_id}` is not ready before {ready}")]
    TooEarly {
        /// Its name.
        key_id: KeyId,
        /// When the step becomes possible.
        ready: OffsetDateTime,
    },
    /// The key that signs cannot be retired; activate another one first.
    #[error("key `{key_id}` is the active one")]
    StillActive {
        /// Its name.
        key_id: KeyId,
    },
    /// The ring has no key that signs.
    #[error("no key in the ring is active")]
    NoActiveKey,
}
