//! What a file is, before anything in it is opened or judged.

use super::der_key::Structure;
use super::{Content, foreign, jwk, pem};
use crate::keys::key_format::{Encoding, KeyFormat, KeyStructure};
use crate::keys::{Certificate, KeyError};

/// The structure and the encoding of a key file.
pub(in crate::keys) fn recognise(bytes: &[u8]) -> Result<KeyFormat, KeyError> {
    let (structure, encoding) = match Content::of(bytes)? {
        Content::Json(json) => return jwk::recognise(json),
        Content::Pem(text) => (pem::structure(text)?, Encoding::Pem),
        Content::Der(der) => (of_der(der)?, Encoding::Der),
    };
    Ok(KeyFormat::new(structure, encoding, structure.is_of_private_keys()))
}

/// The certificates of a PEM or DER file.
pub(in crate::keys) fn certificates(bytes: &[u8]) -> Result<Vec<Certificate>, KeyError> {
    match Content::of(bytes)? {
        Content::Pem(text) => pem::certificates(text),
        Content::Der(der) if matches!(Structure::of(der)?, Structure::Certificate) => {
            Ok(vec![Certificate::from_der(der)?])
        }
        Content::Der(_) | Content::Json(_) => Ok(Vec::new()),
    }
}

fn of_der(der: &[u8]) -> Result<KeyStructure, KeyError> {
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
