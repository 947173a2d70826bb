use der::{Decode, Encode};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::KeyError;
use super::format::spki;
use super::material::RsaScheme;
use crate::jose::KeyParameters;

/// An X.509 certificate that came with a key. It is carried, compared and hashed; nothing here validates it.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
}

impl Certificate {
    /// Takes a certificate as DER (RFC 5280 §4.1).
    ///
    /// # Errors
    ///
    /// [`KeyError::Certificate`] when it is not one.
    pub fn from_der(der: impl Into<Vec<u8>>) -> Result<Self, KeyError> {
        let der = der.into();
        CertificateInner::<Raw>::from_der(&der).map_err(|_| KeyError::Certificate)?;
        Ok(Self { der })
    }

    /// The certificate as DER.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// The SHA-256 hash of the DER (`x5t#S256`, RFC 7515 §4.1.8).
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    /// The SHA-1 hash of the DER (`x5t`, RFC 7515 §4.1.7). It names a certificate and protects nothing.
    #[must_use]
    pub fn sha1(&self) -> [u8; 20] {
        Sha1::digest(&self.der).into()
    }

    /// The public key that the certificate is for, and which RSA signatures it may be used with.
    ///
    /// # Errors
    ///
    /// [`KeyError::UnsupportedKey`] for a key that this crate does not use, [`KeyError::Der`] for a damaged one.
    pub(super) fn key(&self) -> Result<(KeyParameters, RsaScheme), KeyError> {
        let certificate = CertificateInner::<Raw>::from_der(&self.der).map_err(|_| KeyError::Certificate)?;
        let spki = certificate
            .tbs_certificate()
            .subject_public_key_info()
            .to_der()
            .map_err(|_| KeyError::Certificate)?;
        let spki = SubjectPublicKeyInfoRef::from_der(&spki).map_err(|_| KeyError::Certificate)?;
        Ok((spki::parameters(&spki)?, spki::scheme(&spki)?))
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({} bytes)", self.der.len())
    }
}

/// Puts the certificate of this key first and keeps the rest in its order (RFC 7515 §4.1.6).
pub(super) fn chain_for(
    parameters: &KeyParameters,
    mut certificates: Vec<Certificate>,
) -> Result<Vec<Certificate>, KeyError> {
    if certificates.is_empty() {
        return Ok(certificates);
    }
    // A certificate of the chain may be for a key that this crate cannot use; it is then not this key's.
    let leaf = certificates
        .iter()
        .position(|certificate| certificate.key().is_ok_and(|(found, _)| found == *parameters))
        .ok_or(KeyError::CertificateMismatch)?;
    let leaf = certificates.remove(leaf);
    certificates.insert(0, leaf);
    Ok(certificates)
}
