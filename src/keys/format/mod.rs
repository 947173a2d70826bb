//! Detects the format of a key file, and reads its contents.
//!
//! `load` looks at the content, never at a file name or a label: a `-----BEGIN` anywhere means PEM,
//! a brace first means JSON, 0x30 first means DER; base64 and quotes around any of them are removed
//! first. For a format that is recognised but not read, the error states its name and the command
//! that converts it.
//!
//! The path of a file: `content` removes the wrapping, `structure` identifies DER, and `binary`,
//! `pem`, `jwk` and `document` collect the parts of the file in `found`, with `der_key` and
//! `encrypted` for one key. None of them names a module that comes before it in this list.
//!
//! | read | by | encryption |
//! | --- | --- | --- |
//! | PKCS#8 (RFC 5208, RFC 5958), PKCS#1 (RFC 8017), SEC1 (RFC 5915), in PEM or DER | `der_key`, `binary`, `pem` | none |
//! | encrypted PKCS#8, in PEM or DER | `encrypted` | PBES2 with AES-CBC; with `pkcs12` also the PBE of PKCS#12 |
//! | private JWK (RFC 7517, RFC 8037), or a set with private keys for signatures, in JSON | `jwk` | none |
//! | PKCS#12 (RFC 7292), in DER, BER or PEM, by the feature `pkcs12` | `pkcs12` | as encrypted PKCS#8 |
//! | certificates next to a key, in PEM, PKCS#12 or JSON | `pem`, `pkcs12`, `document` | as the key |
//! | a JSON document that a console exports, with any of these in it | `document` | as the key |
//! | base64 of any of these, PEM with `\n` spelled out, a quoted text | `content`, `escapes` | as the key |

#[cfg(feature = "pkcs12")]
mod ber;
mod binary;
mod content;
mod costs;
pub(super) mod der_key;
mod document;
mod elements;
mod encrypted;
mod escapes;
mod foreign;
mod found;
mod jwk;
#[cfg(feature = "pkcs12")]
mod mac;
pub(super) mod oid;
#[cfg(feature = "pkcs12")]
mod pbe;
mod pem;
#[cfg(feature = "pkcs12")]
mod pkcs12;
mod recognise;
mod scheme;
pub(super) mod spki;
mod structure;

use content::{Content, Kind};
pub(super) use costs::Budget;
pub(super) use found::{Entry, Found, Loaded};
#[cfg(feature = "dev-server")]
use zeroize::Zeroizing;

use super::KeyError;
use super::material::RsaScheme;
use crate::jose::Jwk;
use structure::Structure;

/// Detects the format of the bytes and collects their private keys: at least one.
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
            let structure = Structure::of(&content.bytes)?;
            binary::collect(&content.bytes, structure, None, passphrase, found)
        }
    }
}

/// The JSON in a file, without its wrapping.
#[cfg(feature = "dev-server")]
pub(crate) fn json(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let content = Content::of(bytes).ok()?;
    (content.kind == Kind::Json).then(|| Zeroizing::new(content.bytes.to_vec()))
}

/// The public key of a PEM, DER or JSON document, and the RSA signatures that its algorithm
/// identifier allows.
pub(super) fn public_jwk(bytes: &[u8]) -> Result<(Jwk, RsaScheme), KeyError> {
    let content = Content::of(bytes)?;
    let (parameters, scheme) = match content.kind {
        Kind::Pem => pem::public(&content.bytes)?,
        Kind::Json => return Ok((Jwk::from_json(&content.bytes)?, RsaScheme::Any)),
        Kind::Der => binary::public(&content.bytes)?,
    };
    let jwk = Jwk::new(parameters);
    match scheme {
        RsaScheme::Pss(Some(algorithm)) => Ok((jwk.for_signatures(algorithm)?, scheme)),
        RsaScheme::Pss(None) | RsaScheme::Any => Ok((jwk, scheme)),
    }
}
