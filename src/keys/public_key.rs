use std::sync::Arc;

use super::health::Allowance;
use super::material::RsaScheme;
use super::{Certificate, KeyCheck, KeyError, backend, format, health, key_check, numbers, policy};
use crate::jose::error::excerpt;
use crate::jose::{Algorithm, Jwk, KeyParameters, KeyType, Signature};

/// A public key that checks signatures.
///
/// ```
/// use private_key_jwt::{Algorithm, PrivateKey, PublicKey};
///
/// let key = PrivateKey::generate(Algorithm::EdDSA)?.private_key()?;
/// let public = PublicKey::from_jwk(key.public_jwk())?;
/// public.verify(b"signed", &key.sign(b"signed")?)?;
/// assert!(public.verify(b"forged", &key.sign(b"signed")?).is_err());
/// # Ok::<(), private_key_jwt::keys::KeyError>(())
/// ```
///
/// Clones share the parsed key. Two keys are equal if their JWKs and their restrictions are equal.
#[derive(Clone)]
pub struct PublicKey {
    verifying: Arc<backend::VerifyingKey>,
    jwk: Jwk,
    scheme: RsaScheme,
}

impl PublicKey {
    /// Uses the key of a JWK. A certificate in its `x5c` must be for the same key (RFC 7517 §4.7).
    ///
    /// # Errors
    ///
    /// [`KeyError::RsaSize`] and [`KeyError::RsaExponent`] for a key outside the policy,
    /// [`KeyError::WeakRsa`] for a key that can be factored, [`KeyError::Inconsistent`] for an even
    /// modulus and for a point that is not on its curve or has small order,
    /// [`KeyError::Certificate`] and [`KeyError::CertificateMismatch`] for an `x5c` that does not
    /// belong to this key, [`KeyError::NotForSignatures`] if `use` or `key_ops` rule out
    /// verification.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        Self::new(jwk.clone(), RsaScheme::Any)
    }

    pub(super) fn new(jwk: Jwk, scheme: RsaScheme) -> Result<Self, KeyError> {
        Self::within(&Allowance::default(), jwk, scheme)
    }

    /// One of several keys. Their checks together cost no more than the allowance.
    pub(super) fn within(allowance: &Allowance, jwk: Jwk, mut scheme: RsaScheme) -> Result<Self, KeyError> {
        let parameters = jwk.parameters();
        policy::check_public(parameters)?;
        if let Some(first) = jwk.certificates().first() {
            let (found, restriction) = Certificate::from_der(first.clone())?.key()?;
            if found != *parameters {
                return Err(KeyError::CertificateMismatch);
            }
            if scheme == RsaScheme::Any {
                scheme = restriction;
            }
        }
        if !jwk.may_sign_or_verify("verify") {
            return Err(KeyError::NotForSignatures);
        }
        if let KeyParameters::Rsa { n, .. } = parameters {
            health::check_public(n, allowance)?;
        }
        Ok(Self { verifying: Arc::new(backend::VerifyingKey::new(parameters)?), jwk, scheme })
    }

    /// Reads a public key or a certificate: PEM (`PUBLIC KEY`, `RSA PUBLIC KEY`, `CERTIFICATE`),
    /// DER, or a JWK.
    ///
    /// A certificate stands for its key; its dates and its issuer are not checked.
    ///
    /// # Errors
    ///
    /// [`KeyError::Pem`], [`KeyError::Der`], [`KeyError::Certificate`] or [`KeyError::Jose`] for a
    /// damaged file, [`KeyError::NotPublic`] if the file has no public key,
    /// [`KeyError::UnknownFormat`] if the format is unknown, and the errors of
    /// [`PublicKey::from_jwk`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let (jwk, scheme) = format::public_jwk(bytes)?;
        Self::new(jwk, scheme)
    }

    /// The key as DER (`SubjectPublicKeyInfo`, RFC 5280 §4.1.2.7), which consoles and OpenSSL read.
    /// A key that is restricted to RSASSA-PSS keeps its restriction (RFC 4055 §1.2).
    ///
    /// # Errors
    ///
    /// None in practice: it encodes to memory.
    pub fn to_der(&self) -> Result<Vec<u8>, KeyError> {
        format::spki::to_der(self.jwk.parameters(), self.scheme)
    }

    /// The key as a JWK.
    #[must_use]
    pub const fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// The type of the key.
    #[must_use]
    pub const fn key_type(&self) -> KeyType {
        self.jwk.parameters().key_type()
    }

    /// The length in bits of the RSA modulus or of the curve's field.
    #[must_use]
    pub fn bits(&self) -> usize {
        match self.jwk.parameters() {
            KeyParameters::Rsa { n, .. } => numbers::bit_len(n),
            KeyParameters::Ec { curve: crate::jose::Curve::P256, .. } => 256,
            KeyParameters::Ec { curve: crate::jose::Curve::P384, .. } => 384,
            KeyParameters::Ec { curve: crate::jose::Curve::P521, .. } => 521,
            KeyParameters::Ed25519 { .. } => 255,
        }
    }

    /// The algorithms that the key may verify: those of its type, except those that its `alg` or
    /// its algorithm identifier rules out.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        Algorithm::ALL.into_iter().filter(|algorithm| self.check_algorithm(*algorithm).is_ok())
    }

    /// The checks that the key has passed.
    #[must_use]
    pub const fn checks(&self) -> &'static [KeyCheck] {
        key_check::of_public(self.key_type())
    }

    /// Checks a signature over the bytes of a JWS signing input.
    ///
    /// # Errors
    ///
    /// [`KeyError::Jose`] with [`AlgorithmMismatch`](crate::jose::JoseError::AlgorithmMismatch) if
    /// the signature's algorithm needs another type of key (RFC 8725 §3.1), [`KeyError::PssOnly`]
    /// if the key is restricted (RFC 4055 §1.2), [`KeyError::OtherAlgorithm`] if the JWK's `alg` is
    /// another, [`KeyError::BadSignature`] if the signature does not verify.
    pub fn verify(&self, signing_input: &[u8], signature: &Signature) -> Result<(), KeyError> {
        let algorithm = signature.algorithm();
        self.check_algorithm(algorithm)?;
        let bytes = signature.as_bytes();
        if policy::check_signature(algorithm, bytes) && self.verifying.verify(algorithm, signing_input, bytes)
        {
            Ok(())
        } else {
            Err(KeyError::BadSignature)
        }
    }

    /// Whether the key, its identifier and its JWK's `alg` all allow this algorithm.
    pub(super) fn check_algorithm(&self, algorithm: Algorithm) -> Result<(), KeyError> {
        policy::check_algorithm(algorithm, self.key_type(), self.scheme)?;
        match self.jwk.algorithm() {
            Some(bound) if !algorithm.is_named(bound) => {
                Err(KeyError::OtherAlgorithm { expected: excerpt(bound), found: algorithm })
            }
            _ => Ok(()),
        }
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        (&self.jwk, self.scheme) == (&other.jwk, other.scheme)
    }
}

impl Eq for PublicKey {}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublicKey").field("jwk", &self.jwk).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_allows_the_algorithms_of_its_type_less_what_it_rules_out() {
        let algorithms = |bytes: &[u8]| {
            let algorithms: Vec<_> = PublicKey::from_bytes(bytes).unwrap().algorithms().collect();
            algorithms.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        let read = |file: &str| std::fs::read(format!("testdata/keys/{file}")).unwrap();
        assert_eq!(algorithms(&read("rsa2048.pub.pem")), "RS256 RS384 RS512 PS256 PS384 PS512");
        // RFC 4055 §1.2
        assert_eq!(algorithms(&read("rsa2048-pss.pub.pem")), "PS256 PS384 PS512");
        assert_eq!(algorithms(&read("p384.cert.pem")), "ES384");
        assert_eq!(algorithms(&read("ed25519.pub.pem")), "EdDSA Ed25519");
        // RFC 7517 §4.4
        let jwk = PublicKey::from_bytes(&read("ed25519.pub.pem")).unwrap().jwk().clone();
        let bound = jwk.for_signatures(Algorithm::Ed25519).unwrap().to_json();
        assert_eq!(algorithms(bound.as_bytes()), "EdDSA Ed25519");
        assert_eq!(algorithms(bound.replace("Ed25519\",\"crv", "RS256\",\"crv").as_bytes()), "");
    }
}
