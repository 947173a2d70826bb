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

/// Puts the certificate of this key first (RFC 7515 §4.1.6). The rest keeps its order, if it is in one; of a set, those
/// that issued it follow, and others are left out.
pub(super) fn chain_for(
    parameters: &KeyParameters,
    mut certificates: Vec<Certificate>,
    ordered: bool,
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
    if ordered {
        certificates.insert(0, leaf);
        return Ok(certificates);
    }
    let mut named = certificates.into_iter().map(Named::new).collect::<Result<Vec<_>, _>>()?;
    let mut last = Named::new(leaf)?;
    let mut chain = Vec::new();
    while last.subject != last.issuer
        && let Some(at) = named.iter().position(|other| other.subject == last.issuer)
    {
        chain.push(std::mem::replace(&mut last, named.swap_remove(at)).certificate);
    }
    chain.push(last.certificate);
    Ok(chain)
}

/// A certificate and its names. They are compared as octets: whoever issues a certificate copies its own name into it
/// (RFC 5280 §7.1 would allow more).
struct Named {
    certificate: Certificate,
    subject: Vec<u8>,
    issuer: Vec<u8>,
}

impl Named {
    fn new(certificate: Certificate) -> Result<Self, KeyError> {
        let parsed =
            CertificateInner::<Raw>::from_der(&certificate.der).map_err(|_| KeyError::Certificate)?;
        let names = parsed.tbs_certificate();
        let subject = names.subject().to_der().map_err(|_| KeyError::Certificate)?;
        let issuer = names.issuer().to_der().map_err(|_| KeyError::Certificate)?;
        Ok(Self { certificate, subject, issuer })
    }
}
