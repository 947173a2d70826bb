//! What a file is, before anything in it is opened or judged.

use super::content::{Content, Kind};
use super::der_key::Structure;
use super::{document, foreign, jwk, pem};
use crate::keys::key_format::{Encoding, KeyFormat, KeyStructure};
use crate::keys::{Certificate, KeyError};

/// The structure and the encoding of a key file.
pub(in crate::keys) fn recognise(bytes: &[u8]) -> Result<KeyFormat, KeyError> {
    of_content(&Content::of(bytes)?)
}

pub(super) fn of_content(content: &Content<'_>) -> Result<KeyFormat, KeyError> {
    let (structure, encoding) = match content.kind {
        Kind::Json => {
            let format = match document::is_document(&content.bytes)? {
                true => document::recognised(&content.bytes)?,
                false => None,
            };
            let format = format.map_or_else(|| jwk::recognise(&content.bytes), Ok)?;
            return Ok(content.wrapping.map_or(format, |wrapping| format.within(wrapping)));
        }
        Kind::Pem => (pem::structure(&content.bytes)?, Encoding::Pem),
        Kind::Der => (of_der(&content.bytes)?, Encoding::Der),
    };
    let format = KeyFormat::new(structure, encoding, structure.is_of_private_keys());
    Ok(content.wrapping.map_or(format, |wrapping| format.within(wrapping)))
}

/// The certificates of a PEM or DER file.
pub(in crate::keys) fn certificates(bytes: &[u8]) -> Result<Vec<Certificate>, KeyError> {
    let content = Content::of(bytes)?;
    match content.kind {
        Kind::Pem => pem::certificates(&content.bytes),
        Kind::Der if matches!(Structure::of(&content.bytes)?, Structure::Certificate) => {
            Ok(vec![Certificate::from_der(content.bytes.to_vec())?])
        }
        Kind::Der | Kind::Json => Ok(Vec::new()),
    }
}

pub(super) fn of_der(der: &[u8]) -> Result<KeyStructure, KeyError> {
    match Structure::of(der)? {
        Structure::Pkcs8 => Ok(KeyStructure::Pkcs8),
        Structure::RsaPrivateKey => Ok(KeyStructure::Pkcs1),
        Structure::EcPrivateKey => Ok(KeyStructure::Sec1),
        Structure::EncryptedPrivateKey => Ok(KeyStructure::EncryptedPkcs8),
        Structure::Certificate => Ok(KeyStructure::Certificate),
        Structure::PublicKey => Ok(KeyStructure::SubjectPublicKeyInfo),
        Structure::RsaPublicKey => Ok(KeyStructure::Pkcs1PublicKey),
        Structure::Pkcs12 => Ok(KeyStructure::Pkcs12),
        Structure::Pkcs7 => Err(foreign::pkcs7()),
        Structure::DsaPrivateKey => Err(KeyError::UnsupportedKey { found: "DSA".to_owned() }),
        other @ Structure::CertificateRequest => Err(KeyError::NotPublic { found: other.name().to_owned() }),
    }
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
