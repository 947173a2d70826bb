//! What a key file is, and what is in it.
//!
//! `load` looks at the content, never at a file name or a label: a `-----BEGIN` anywhere means PEM,
//! a brace first means JSON, 0x30 first means DER; base64 and quotes around any of them come off
//! first. What is recognised and not read gets an error with its name and the command that converts
//! it.
//!
//! | read | by | encryption |
//! | --- | --- | --- |
//! | PKCS#8 (RFC 5208, RFC 5958), PKCS#1 (RFC 8017), SEC1 (RFC 5915), in PEM or DER | `der_key`, `pem` | none |
//! | encrypted PKCS#8, in PEM or DER | `encrypted` | PBES2 with AES-CBC; with `pkcs12` also the PBE of PKCS#12 |
//! | private JWK (RFC 7517, RFC 8037), or a set with private keys for signatures, in JSON | `jwk` | none |
//! | PKCS#12 (RFC 7292), in DER, BER or PEM, by the feature `pkcs12` | `pkcs12` | as encrypted PKCS#8 |
//! | certificates beside a key, in PEM, PKCS#12 or JSON | `pem`, `pkcs12`, `document` | as the key |
//! | a JSON document that a console hands out, with any of these in it | `document` | as the key |
//! | base64 of any of these, PEM with `\n` spelled out, a quoted text | `content`, `escapes` | as the key |

#[cfg(feature = "pkcs12")]
mod ber;
mod content;
mod costs;
pub(super) mod der_key;
mod document;
pub(super) use der_key::oid;
pub(super) use recognise::{certificates, recognise};
mod encrypted;
mod escapes;
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

use content::{Content, Kind};
pub(super) use costs::Budget;
use der::Decode;
use der_key::Structure;
use pkcs1::RsaPrivateKeyRef;
use zeroize::Zeroizing;

use super::material::{KeyMaterial, RsaScheme};
use super::{Certificate, KeyError};
use crate::jose::{Algorithm, JoseError, Jwk, JwkSet, KeyId, KeyParameters};

/// A private key and what its file said about it.
pub(super) struct Loaded {
    pub(super) material: KeyMaterial,
    pub(super) algorithm: Option<Algorithm>,
    pub(super) key_id: Option<KeyId>,
    pub(super) certificates: Vec<Certificate>,
}

impl From<KeyMaterial> for Loaded {
    fn from(material: KeyMaterial) -> Self {
        Self { material, algorithm: None, key_id: None, certificates: Vec::new() }
    }
}

/// A private key of a file, or why it cannot be used.
pub(super) struct Entry {
    /// What the file calls it: a friendly name, or a place in a JSON document.
    pub(super) alias: Option<String>,
    pub(super) key_id: Option<KeyId>,
    pub(super) loaded: Result<Loaded, KeyError>,
}

impl Entry {
    fn new(loaded: Result<Loaded, KeyError>) -> Self {
        let key_id = loaded.as_ref().ok().and_then(|loaded| loaded.key_id.clone());
        Self { alias: None, key_id, loaded }
    }
}

/// What a file holds.
#[derive(Default)]
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    /// Certificates beside the keys: a set that contains the chain of a key.
    pub(super) certificates: Vec<Certificate>,
    /// Public keys beside a private one, which must be its own.
    pub(super) publics: Vec<KeyParameters>,
    /// The names that public JWKs beside a private one have: some consoles give the `kid` to one
    /// half only.
    pub(super) key_ids: Vec<(KeyParameters, KeyId)>,
    /// Why there is no key, for a file without one.
    reason: Option<KeyError>,
    /// What the derivations may still cost: a file with many costs no more than one with the most
    /// expensive one.
    budget: Budget,
}

impl Found {
    /// More keys than a file needs, private or public.
    const MAX_ENTRIES: usize = JwkSet::MAX_KEYS;
    /// More than the list of authorities of an operating system has.
    const MAX_CERTIFICATES: usize = 256;

    fn because(&mut self, reason: KeyError) {
        self.reason.get_or_insert(reason);
    }

    /// Adds a public key, which takes a while to read where it is compressed.
    fn add_public(&mut self, read: impl FnOnce() -> Result<KeyParameters, KeyError>) -> Result<(), KeyError> {
        if self.publics.len() == Self::MAX_ENTRIES {
            let found = Self::MAX_ENTRIES + 1;
            return Err(JoseError::TooManyKeys { found, limit: Self::MAX_ENTRIES }.into());
        }
        self.publics.push(read()?);
        Ok(())
    }

    fn add_certificates(&mut self, certificates: Vec<Certificate>) -> Result<(), KeyError> {
        let found = self.certificates.len() + certificates.len();
        if found > Self::MAX_CERTIFICATES {
            return Err(KeyError::TooManyCertificates { found, limit: Self::MAX_CERTIFICATES });
        }
        self.certificates.extend(certificates);
        Ok(())
    }

    /// Adds a key; one of a type that no signature here has, or for another purpose, is passed over
    /// beside others.
    fn push(&mut self, entry: Entry) -> Result<(), KeyError> {
        match entry.loaded {
            Err(
                skipped @ (KeyError::NotPrivate { .. }
                | KeyError::NotForSignatures
                | KeyError::UnsupportedKey { .. }
                | KeyError::Jose(
                    JoseError::UnsupportedKey { .. } | JoseError::UnsupportedAlgorithm { .. },
                )),
            ) => self.because(skipped),
            _ if self.entries.len() == Self::MAX_ENTRIES => {
                let found = Self::MAX_ENTRIES + 1;
                return Err(JoseError::TooManyKeys { found, limit: Self::MAX_ENTRIES }.into());
            }
            _ => self.entries.push(entry),
        }
        Ok(())
    }
}

/// Finds out what the bytes are and takes the private keys out of them: one at least.
pub(super) fn load(bytes: &[u8], passphrase: Option<&[u8]>, budget: &mut Budget) -> Result<Found, KeyError> {
    let content = Content::of(bytes)?;
    let mut found = Found { budget: *budget, ..Found::default() };
    let collected = collect(&content, passphrase, &mut found);
    *budget = found.budget;
    collected?;
    match found.reason.take() {
        Some(reason) if found.entries.is_empty() => Err(reason),
        None if found.entries.is_empty() => Err(KeyError::Empty),
        _ => Ok(found),
    }
}

fn collect(content: &Content<'_>, passphrase: Option<&[u8]>, found: &mut Found) -> Result<(), KeyError> {
    match content.kind {
        Kind::Pem => pem::collect(&content.bytes, passphrase, found),
        Kind::Json if document::is_document(&content.bytes)? => {
            document::collect(&content.bytes, passphrase, found)
        }
        Kind::Json => jwk::collect(&content.bytes, found),
        Kind::Der => {
            let structure = der_key::Structure::of(&content.bytes)?;
            der_key::collect(&content.bytes, structure, None, passphrase, found)
        }
    }
}

/// The JSON that a file holds, without what is wrapped around it.
#[cfg(feature = "dev-server")]
pub(crate) fn json(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let content = Content::of(bytes).ok()?;
    (content.kind == Kind::Json).then(|| Zeroizing::new(content.bytes.to_vec()))
}

/// The public key of a PEM, DER or JSON document, and which RSA signatures its algorithm identifier allows.
pub(super) fn public_jwk(bytes: &[u8]) -> Result<(Jwk, RsaScheme), KeyError> {
    let content = Content::of(bytes)?;
    let (parameters, scheme) = match content.kind {
        Kind::Pem => pem::public(&content.bytes)?,
        Kind::Json => return Ok((Jwk::from_json(&content.bytes)?, RsaScheme::Any)),
        Kind::Der => public_der(&content.bytes)?,
    };
    let jwk = Jwk::new(parameters);
    match scheme {
        RsaScheme::Pss(Some(algorithm)) => Ok((jwk.for_signatures(algorithm)?, scheme)),
        RsaScheme::Pss(None) | RsaScheme::Any => Ok((jwk, scheme)),
    }
}

/// RFC 7292, or why it is not read.
#[cfg_attr(not(feature = "pkcs12"), expect(unused_variables, reason = "nothing is opened"))]
fn pkcs12(der: &[u8], passphrase: Option<&[u8]>, found: &mut Found) -> Result<(), KeyError> {
    #[cfg(feature = "pkcs12")]
    return pkcs12::collect(der, passphrase, found);
    #[cfg(not(feature = "pkcs12"))]
    Err(foreign::pkcs12())
}

/// RFC 8017 A.1.2.
pub(super) fn pkcs1(der: &[u8]) -> Result<RsaPrivateKeyRef<'_>, KeyError> {
    RsaPrivateKeyRef::from_der(der).map_err(|_| KeyError::Der { structure: "RSAPrivateKey (RFC 8017 A.1.2)" })
}

fn public_der(der: &[u8]) -> Result<(KeyParameters, RsaScheme), KeyError> {
    match der_key::Structure::of(der)? {
        Structure::PublicKey => spki::from_der(der),
        Structure::RsaPublicKey => Ok((spki::rsa(der)?, RsaScheme::Any)),
        Structure::Certificate => Certificate::from_der(der)?.key(),
        other => Err(KeyError::NotPublic { found: other.name().to_owned() }),
    }
}

/// A number of a curve's length, from octets that lack its leading zeros or have too many of them.
/// `None` for one that is too long, and for nothing.
fn fitted(number: &[u8], len: usize) -> Option<Zeroizing<Vec<u8>>> {
    let zeros = number.iter().take_while(|digit| **digit == 0).count();
    let digits = number.get(zeros..)?;
    let missing = len.checked_sub(digits.len()).filter(|_| !number.is_empty())?;
    let mut fitted = Zeroizing::new(Vec::with_capacity(len));
    fitted.resize(missing, 0);
    fitted.extend_from_slice(digits);
    Some(fitted)
}
