//! What a key file is, and what is in it.
//!
//! `load` looks at the content, never at a file name: a `-----BEGIN` anywhere means PEM, a brace first means JSON,
//! 0x30 first means DER. What is recognised and not read gets an error with its name and the command that
//! converts it.
//!
//! | read | by | encryption |
//! | --- | --- | --- |
//! | PKCS#8 (RFC 5208, RFC 5958), PKCS#1 (RFC 8017), SEC1 (RFC 5915), in PEM or DER | `der_key`, `pem` | none |
//! | encrypted PKCS#8, in PEM or DER | `encrypted` | PBES2 with AES-CBC; with `pkcs12` also the PBE of PKCS#12 |
//! | private JWK (RFC 7517, RFC 8037), or a set with one for signatures, in JSON | `jwk` | none |
//! | PKCS#12 (RFC 7292), in DER, BER or PEM, by the feature `pkcs12` | `pkcs12` | as encrypted PKCS#8 |
//! | certificates beside a key, in PEM or PKCS#12 | `pem`, `pkcs12` | as the key |

#[cfg(feature = "pkcs12")]
mod ber;
mod costs;
pub(super) mod der_key;
pub(super) use der_key::oid;
pub(super) use recognise::{certificates, recognise};
mod encrypted;
mod foreign;
mod jwk;
#[cfg(feature = "pkcs12")]
mod mac;
#[cfg(feature = "pkcs12")]
mod pbe;
mod pem;
#[cfg(feature = "pkcs12")]
mod pkcs12;
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
    /// Whether the certificates are this key's, in an order that somebody chose. In PKCS#12 they are a set, of which this
    /// key's chain is a part.
    pub(super) ordered: bool,
    /// Public keys that stand beside the private one and must be its own.
    pub(super) publics: Vec<KeyParameters>,
}

impl From<KeyMaterial> for Loaded {
    fn from(material: KeyMaterial) -> Self {
        Self {
            material,
            algorithm: None,
            key_id: None,
            certificates: Vec::new(),
            ordered: true,
            publics: Vec::new(),
        }
    }
}

/// Finds out what the bytes are and takes the private key out of them.
pub(super) fn load(bytes: &[u8], passphrase: Option<&[u8]>) -> Result<Loaded, KeyError> {
    match Content::of(bytes)? {
        Content::Pem(text) => pem::load(text, passphrase),
        Content::Json(json) => jwk::load(json),
        Content::Der(der) => der_key::private(der, passphrase),
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

/// RFC 7292, or why it is not read.
#[cfg_attr(not(feature = "pkcs12"), expect(unused_variables, reason = "nothing is opened"))]
fn pkcs12(der: &[u8], passphrase: Option<&[u8]>) -> Result<Loaded, KeyError> {
    #[cfg(feature = "pkcs12")]
    return pkcs12::open(der, passphrase);
    #[cfg(not(feature = "pkcs12"))]
    Err(foreign::pkcs12())
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
