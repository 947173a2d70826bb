//! The structure of DER, and the structure that the label of a PEM block promises.

use der::asn1::AnyRef;
use der::{Decode, Tag, Tagged};

use super::foreign;
use crate::keys::KeyError;
use crate::keys::key_format::KeyStructure;

/// The type of a DER document, by the tags of its first elements.
#[derive(Clone, Copy)]
pub(super) enum Structure {
    Pkcs8,
    RsaPrivateKey,
    EcPrivateKey,
    EncryptedPrivateKey,
    Certificate,
    CertificateRequest,
    PublicKey,
    RsaPublicKey,
    Pkcs7,
    Pkcs12,
    DsaPrivateKey,
}

impl Structure {
    pub(super) fn of(der: &[u8]) -> Result<Self, KeyError> {
        if is_pkcs12(der) {
            return Ok(Self::Pkcs12);
        }
        let unknown = || KeyError::Der { structure: "DER: not a key" };
        let elements = <Vec<AnyRef<'_>>>::from_der(der).map_err(|_| unknown())?;
        let tags: Vec<Tag> = elements.iter().take(3).map(Tagged::tag).collect();
        match (tags.as_slice(), elements.as_slice()) {
            ([Tag::Integer, Tag::Sequence, ..], _) => Ok(Self::Pkcs8),
            ([Tag::Integer, Tag::OctetString, ..], _) => Ok(Self::EcPrivateKey),
            ([Tag::Integer, Tag::Integer], _) => Ok(Self::RsaPublicKey),
            ([Tag::Integer, Tag::Integer, Tag::Integer], all) if all.len() == 6 => Ok(Self::DsaPrivateKey),
            ([Tag::Integer, Tag::Integer, Tag::Integer], _) => Ok(Self::RsaPrivateKey),
            ([Tag::Sequence, Tag::OctetString], _) => Ok(Self::EncryptedPrivateKey),
            ([Tag::Sequence, Tag::BitString], _) => Ok(Self::PublicKey),
            ([Tag::Sequence, Tag::Sequence, Tag::BitString], [first, ..]) => {
                // A request starts with its version 0, a certificate with [0] or with its serial
                // number.
                let request = first.value().starts_with(&[2, 1, 0, 0x30]);
                Ok(if request { Self::CertificateRequest } else { Self::Certificate })
            }
            ([Tag::ObjectIdentifier, Tag::ContextSpecific { .. }], _) => Ok(Self::Pkcs7),
            _ => Err(unknown()),
        }
    }

    /// The PEM label, if there is one.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Pkcs8 => "PRIVATE KEY",
            Self::RsaPrivateKey => "RSA PRIVATE KEY",
            Self::EcPrivateKey => "EC PRIVATE KEY",
            Self::DsaPrivateKey => "DSA PRIVATE KEY",
            Self::EncryptedPrivateKey => "ENCRYPTED PRIVATE KEY",
            Self::Certificate => "CERTIFICATE",
            Self::CertificateRequest => "CERTIFICATE REQUEST",
            Self::PublicKey => "PUBLIC KEY",
            Self::RsaPublicKey => "RSA PUBLIC KEY",
            Self::Pkcs7 => "PKCS7",
            Self::Pkcs12 => "PKCS12",
        }
    }

    /// The public name of the structure.
    pub(super) fn recognised(self) -> Result<KeyStructure, KeyError> {
        match self {
            Self::Pkcs8 => Ok(KeyStructure::Pkcs8),
            Self::RsaPrivateKey => Ok(KeyStructure::Pkcs1),
            Self::EcPrivateKey => Ok(KeyStructure::Sec1),
            Self::EncryptedPrivateKey => Ok(KeyStructure::EncryptedPkcs8),
            Self::Certificate => Ok(KeyStructure::Certificate),
            Self::PublicKey => Ok(KeyStructure::SubjectPublicKeyInfo),
            Self::RsaPublicKey => Ok(KeyStructure::Pkcs1PublicKey),
            Self::Pkcs12 => Ok(KeyStructure::Pkcs12),
            Self::Pkcs7 => Err(foreign::pkcs7()),
            Self::DsaPrivateKey => Err(KeyError::UnsupportedKey { found: "DSA".to_owned() }),
            other @ Self::CertificateRequest => Err(KeyError::NotPublic { found: other.name().to_owned() }),
        }
    }
}

/// A SEQUENCE that starts with version 3 and another SEQUENCE (RFC 7292 §4). Parsed by hand,
/// because some programs write it in BER, which allows indefinite lengths.
fn is_pkcs12(bytes: &[u8]) -> bool {
    let &[0x30, first, ref rest @ ..] = bytes else {
        return false;
    };
    let digits = if first < 0x80 { 0 } else { usize::from(first & 0x7f) };
    rest.get(digits..).is_some_and(|content| content.starts_with(&[2, 1, 3, 0x30]))
}

/// By the label of a PEM block.
pub(super) fn of_label(label: &str) -> Option<KeyStructure> {
    match label {
        "PRIVATE KEY" => Some(KeyStructure::Pkcs8),
        "ENCRYPTED PRIVATE KEY" => Some(KeyStructure::EncryptedPkcs8),
        "RSA PRIVATE KEY" => Some(KeyStructure::Pkcs1),
        "EC PRIVATE KEY" => Some(KeyStructure::Sec1),
        "PKCS12" => Some(KeyStructure::Pkcs12),
        "PUBLIC KEY" => Some(KeyStructure::SubjectPublicKeyInfo),
        "RSA PUBLIC KEY" => Some(KeyStructure::Pkcs1PublicKey),
        "CERTIFICATE" | "X509 CERTIFICATE" => Some(KeyStructure::Certificate),
        _ => None,
    }
}
