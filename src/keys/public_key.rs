use super::{Certificate, KeyError, backend, format, policy};
use crate::jose::{JoseError, Jwk, KeyParameters, KeyType, Signature};

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
pub struct PublicKey {
    verifying: backend::VerifyingKey,
    jwk: Jwk,
}

impl PublicKey {
    /// Takes the key of a JWK. A certificate in its `x5c` must be for the same key (RFC 7517 §4.7).
    ///
    /// # Errors
    ///
    /// [`KeyError::RsaSize`] and [`KeyError::RsaExponent`] for a key outside the policy,
    /// [`KeyError::Inconsistent`] for a point that is not on its curve, [`KeyError::Certificate`] and
    /// [`KeyError::CertificateMismatch`] for an `x5c` that is not this key's.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        let parameters = jwk.parameters();
        policy::check_public(parameters)?;
        if let Some(first) = jwk.certificates().first()
            && Certificate::from_der(first.clone())?.key_parameters()? != *parameters
        {
            return Err(KeyError::CertificateMismatch);
        }
        Ok(Self { verifying: backend::VerifyingKey::new(parameters)?, jwk: jwk.clone() })
    }

    /// Reads a public key or a certificate: PEM (`PUBLIC KEY`, `RSA PUBLIC KEY`, `CERTIFICATE`), DER, or a JWK.
    ///
    /// A certificate stands for the key in it; its dates and its issuer are not looked at.
    ///
    /// # Errors
    ///
    /// [`KeyError::Pem`], [`KeyError::Der`], [`KeyError::Certificate`] or [`KeyError::Jose`] for a damaged file,
    /// [`KeyError::NotPublic`] when there is no public key in it, [`KeyError::UnknownFormat`] when it is nothing that
    /// is known, and the errors of [`PublicKey::from_jwk`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        Self::from_jwk(&format::public_jwk(bytes)?)
    }

    /// The key as a JWK.
    #[must_use]
    pub const fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// The type of the key.
    #[must_use]
    pub const fn key_type(&self) -> KeyType {
        self.jwk.key_type()
    }

    /// The length of an RSA modulus in bits, or of the curve's field.
    #[must_use]
    pub fn bits(&self) -> usize {
        match self.jwk.parameters() {
            KeyParameters::Rsa { n, .. } => policy::bit_len(n),
            KeyParameters::Ec { curve: crate::jose::Curve::P256, .. } => 256,
            KeyParameters::Ec { curve: crate::jose::Curve::P384, .. } => 384,
            KeyParameters::Ec { curve: crate::jose::Curve::P521, .. } => 521,
            KeyParameters::Ed25519 { .. } => 255,
        }
    }

    /// Checks a signature over the bytes of a JWS signing input.
    ///
    /// # Errors
    ///
    /// [`KeyError::Jose`] with [`AlgorithmMismatch`](JoseError::AlgorithmMismatch) when the signature's algorithm
    /// needs another type of key (RFC 8725 §3.1), [`KeyError::BadSignature`] when it does not verify.
    pub fn verify(&self, signing_input: &[u8], signature: &Signature) -> Result<(), KeyError> {
        let algorithm = signature.algorithm();
        if algorithm.key_type() != self.key_type() {
            return Err(JoseError::AlgorithmMismatch { algorithm, key_type: self.key_type() }.into());
        }
        if self.verifying.verify(algorithm, signing_input, signature.as_bytes()) {
            Ok(())
        } else {
            Err(KeyError::BadSignature)
        }
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublicKey").field("jwk", &self.jwk).finish_non_exhaustive()
    }
}
