//! Detects the format of a file before anything in it is opened or checked.

use super::content::{Content, Kind};
use super::structure::Structure;
use super::{document, jwk, pem};
use crate::keys::key_format::{Encoding, KeyFormat};
use crate::keys::{Certificate, KeyError};

impl KeyFormat {
    /// Detects the format from the content of a file. Among several PEM blocks, the private key
    /// counts, or else the first public key or certificate.
    ///
    /// # Errors
    ///
    /// [`KeyError::Empty`], [`KeyError::UnknownFormat`], [`KeyError::Pem`], [`KeyError::Der`] and
    /// [`KeyError::Jose`] for content that is not a key file, [`KeyError::ForeignFormat`] and
    /// [`KeyError::UnsupportedKey`] for a format or key that is not supported,
    /// [`KeyError::NotPublic`] for other known content.
    pub fn of(bytes: &[u8]) -> Result<Self, KeyError> {
        let content = Content::of(bytes)?;
        let format = match content.kind {
            Kind::Json => {
                let format = match document::is_document(&content.bytes)? {
                    true => document::recognised(&content.bytes)?,
                    false => None,
                };
                format.map_or_else(|| jwk::recognise(&content.bytes), Ok)?
            }
            Kind::Pem => Self::of_structure(pem::structure(&content.bytes)?, Encoding::Pem),
            Kind::Der => Self::of_structure(Structure::of(&content.bytes)?.recognised()?, Encoding::Der),
        };
        Ok(content.wrapping.map_or(format, |wrapping| format.within(wrapping)))
    }
}

impl Certificate {
    /// Reads the certificates of a PEM or DER file, in its order. Keys and other blocks between
    /// them are skipped. If there are no certificates, the result is empty.
    ///
    /// # Errors
    ///
    /// [`KeyError::Certificate`] for a damaged certificate; [`KeyError::Empty`],
    /// [`KeyError::UnknownFormat`], [`KeyError::Pem`], [`KeyError::Der`] and
    /// [`KeyError::ForeignFormat`] for a file that cannot be read.
    pub fn all_from_bytes(bytes: &[u8]) -> Result<Vec<Self>, KeyError> {
        let content = Content::of(bytes)?;
        match content.kind {
            Kind::Pem => pem::certificates(&content.bytes),
            Kind::Der if matches!(Structure::of(&content.bytes)?, Structure::Certificate) => {
                Ok(vec![Self::from_der(content.bytes.to_vec())?])
            }
            Kind::Der | Kind::Json => Ok(Vec::new()),
        }
    }
}
