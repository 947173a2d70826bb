//! What a key file is, and what is in it.
//!
//! `load` looks at the content, never at a file name: a `-----BEGIN` anywhere means PEM, a brace first means JSON,
//! 0x30 first means DER. What is recognised and not read gets an error with its name and the command that
//! converts it.

pub(super) mod der_key;
pub(super) use der_key::oid;
pub(super) use recognise::{certificates, recognise};
mod encrypted;
mod foreign;
mod jwk;
mod pem;
mod recognise;
pub(super) mod spki;

use der::Decode;
use pkcs1::RsaPrivateKeyRef;

use super::material::{KeyMaterial, RsaScheme};
use super::{Certificate, KeyError};
use crate::jose::{Algorithm, Jwk, KeyId, KeyParameters};

/// A private key and what its file said about it.
pub(super) struct Loaded {
    pub(super) material: KeyMaterial,
    pub(super) algorithm: Option<Algorithm>,
    pub(super) key_id: Option<KeyId>,
    pub(super) certificates: Vec<Certificate>,
    /// Public keys that stand beside the private one and must be its own.
    pub(super) publics: Vec<KeyParameters>,
}

impl From<KeyMaterial> for Loaded {
    fn from(material: KeyMaterial) -> Self {
        Self { material, algorithm: None, key_id: None, certificates: Vec::new(), publics: Vec::new() }
    }
}

/// Finds out what the bytes are and takes the private key out of them.
pub(super) fn load(bytes: &[u8], passphrase: Option<&[u8]>) -> Result<Loaded, KeyError> {
    match Content::of(bytes)? {
        Content::Pem(text) => pem::load(text, passphrase),
        Content::Json(json) => jwk::load(json),
        Content::Der(der) => der_key::private(der, passphrase).map(Loaded::from),
    }
}

/// The public key of a PEM, DER or JSON document, and which RSA signatures its algorithm identifier allows.
pub(super) fn public_jwk(bytes: &[u8]) -> Result<(Jwk, RsaScheme), KeyError> {
    let (parameters, scheme) = match Content::of(bytes)? {
        Content::Pem(text) => pem::public(text)?,
        Content::Json(json) => return Ok((Jwk::from_json(json)?, RsaScheme::Any)),
        Content::Der(der) => public_der(der)?,
    };
    let jwk = Jwk::new(parameters);
    match scheme {
        RsaScheme::Pss(Some(algorithm)) => Ok((jwk.for_signatures(algorithm)?, scheme)),
        RsaScheme::Pss(None) | RsaScheme::Any => Ok((jwk, scheme)),
    }
}

/// RFC 8017 A.1.2.
pub(super) fn pkcs1(der: &[u8]) -> Result<RsaPrivateKeyRef<'_>, KeyError> {
    RsaPrivateKeyRef::from_der(der).map_err(|_| KeyError::Der { structure: "RSAPrivateKey (RFC 8017 A.1.2)" })
}

enum Content<'a> {
    Pem(&'a [u8]),
    Json(&'a [u8]),
    Der(&'a [u8]),
}

impl<'a> Content<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, KeyError> {
        const BOM: &[u8] = b"\xef\xbb\xbf";
        let text = bytes.strip_prefix(BOM).unwrap_or(bytes).trim_ascii();
        match text.first() {
            None => Err(KeyError::Empty),
            Some(b'{') => Ok(Self::Json(text)),
            // 0x30 is also the digit 0 at the start of a text. DER may hold any text inside and end in octets that
            // look like white space, but it starts with tags and lengths that are not text.
            Some(0x30) if bytes.first() == Some(&0x30) && !is_text(bytes.iter().take(8)) => {
                Ok(Self::Der(bytes))
            }
            _ if pem::is_pem(text) => Ok(Self::Pem(text)),
            _ => Err(foreign::of_bytes(text).unwrap_or(KeyError::UnknownFormat)),
        }
    }
}

fn is_text<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> bool {
    bytes.into_iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}

fn public_der(der: &[u8]) -> Result<(KeyParameters, RsaScheme), KeyError> {
    match der_key::Structure::of(der)? {
        der_key::Structure::PublicKey => spki::from_der(der),
        der_key::Structure::RsaPublicKey => Ok((spki::rsa(der)?, RsaScheme::Any)),
        der_key::Structure::Certificate => Certificate::from_der(der)?.key(),
        other => Err(KeyError::NotPublic { found: other.name().to_owned() }),
    }
}
