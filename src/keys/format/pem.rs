//! PEM as it occurs in practice (RFC 7468, and variants).
//!
//! This module finds the blocks, `escapes` removes their white space, and `base64ct` decodes the
//! base64. The search is done here because `pem-rfc7468` accepts one block with regular lines and
//! nothing after it, while key files come with CRLF, indentation, blank lines, bag attributes and
//! certificates. The lenient crates copy the key into buffers that they do not wipe.

use base64ct::{Base64, Encoding};
use der::Decode;
use der::asn1::ObjectIdentifier;
use zeroize::Zeroizing;

use super::found::{Entry, Found, Loaded};
use super::structure::{self, Structure};
use super::{binary, der_key, elements, escapes, foreign, spki};
use crate::jose::KeyParameters;
use crate::keys::key_format::KeyStructure;
use crate::keys::material::RsaScheme;
use crate::keys::{Certificate, KeyError, numbers};

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// A label whose content may be encrypted as in RFC 1421. It is unusable either way.
const DSA: &str = "DSA PRIVATE KEY";

pub(super) fn is_pem(text: &[u8]) -> bool {
    find(text, BEGIN).is_some()
}

/// The contents of the blocks of a text. The content decides the type. The label matters only if
/// the content is ambiguous, and to name a damaged structure.
pub(super) fn collect(text: &[u8], passphrase: Option<&[u8]>, found: &mut Found) -> Result<(), KeyError> {
    let mut curve = None;
    let (mut unusable, mut foreign) = (None, None);
    let (mut public, mut certificate, mut other) = (None, None, None);
    for block in (Blocks { rest: text }) {
        let block = block?;
        if let Some(error) = foreign::of_label(block.label) {
            foreign = Some(error);
            continue;
        }
        if block.label == "EC PARAMETERS" {
            curve = Some(block);
            continue;
        }
        let expected = structure::of_label(block.label);
        let is_private = expected.is_some_and(KeyStructure::is_of_private_keys);
        // Certificates and public keys that come with a key must be intact.
        let is_strict =
            matches!(expected, Some(KeyStructure::Certificate | KeyStructure::SubjectPublicKeyInfo));
        let der = match block.decode() {
            Ok(der) => der,
            Err(_) if block.label == DSA => {
                unusable = Some(unsupported_dsa());
                continue;
            }
            Err(error) if is_private => {
                found.push(block.entry(Err(error)))?;
                continue;
            }
            Err(error) if is_strict => return Err(error),
            Err(_) => {
                other = Some(not_private(block.label));
                continue;
            }
        };
        match Structure::of(&der) {
            Ok(Structure::PublicKey) => {
                found.add_public(|| Ok(spki::from_der(&der)?.0))?;
                public = Some(not_private(Structure::PublicKey.name()));
            }
            Ok(Structure::RsaPublicKey) => {
                found.add_public(|| numbers::rsa_public(&der))?;
                public = Some(not_private(Structure::RsaPublicKey.name()));
            }
            // A revocation list has the same outer structure.
            Ok(Structure::Certificate) => match Certificate::from_der(der.to_vec()) {
                Ok(found_here) => {
                    found.add_certificates(vec![found_here])?;
                    certificate = Some(not_private(Structure::Certificate.name()));
                }
                Err(error) if is_strict => return Err(error),
                Err(_) => other = Some(not_private(block.label)),
            },
            Ok(Structure::CertificateRequest) => other = Some(not_private(block.label)),
            Ok(Structure::Pkcs7) => foreign = Some(foreign::pkcs7()),
            Ok(structure) => {
                let curve = match (&structure, curve.take()) {
                    (Structure::EcPrivateKey, Some(block)) => block.curve().map(Some),
                    _ => Ok(None),
                };
                let mut here = Found { budget: found.budget, ..Found::default() };
                let done =
                    curve.and_then(|curve| binary::collect(&der, structure, curve, passphrase, &mut here));
                found.budget = here.budget;
                if let Err(error) = done {
                    here.entries = vec![Entry::new(Err(error))];
                }
                for entry in here.entries {
                    found.push(Entry { alias: entry.alias.or_else(|| block.alias()), ..entry })?;
                }
                found.add_certificates(here.certificates)?;
                unusable = here.reason.or(unusable);
            }
            Err(error) if is_private => found.push(block.entry(Err(damaged(expected, &der, error))))?,
            Err(_) if expected == Some(KeyStructure::Certificate) => return Err(KeyError::Certificate),
            Err(error) if is_strict => return Err(spki::from_der(&der).err().unwrap_or(error)),
            Err(_) => other = Some(not_private(block.label)),
        }
    }
    let without = || KeyError::NotPrivate { found: "EC PARAMETERS".to_owned() };
    found.because(unusable.or(foreign).or(public).or(certificate).or(other).unwrap_or_else(without));
    Ok(())
}

/// Why DER that is not a key does not match its label.
fn damaged(expected: Option<KeyStructure>, der: &[u8], otherwise: KeyError) -> KeyError {
    let structure = match expected {
        Some(KeyStructure::Pkcs1) => der_key::rsa(der).err(),
        Some(KeyStructure::Sec1) => der_key::ec(der, None).err(),
        Some(KeyStructure::EncryptedPkcs8) => Some(elements::STRUCTURE),
        Some(KeyStructure::Pkcs8) => der_key::pkcs8(der).err(),
        _ => None,
    };
    structure.unwrap_or(otherwise)
}

/// The first public key or certificate.
pub(super) fn public(text: &[u8]) -> Result<(KeyParameters, RsaScheme), KeyError> {
    let mut found = None;
    for block in (Blocks { rest: text }) {
        let block = block?;
        let expected = structure::of_label(block.label);
        let is_public = expected.is_some_and(|structure| !structure.is_of_private_keys());
        let der = match block.decode() {
            Ok(der) => der,
            Err(error) if is_public => return Err(error),
            Err(_) => {
                found.get_or_insert_with(|| not_public(block.label));
                continue;
            }
        };
        match Structure::of(&der) {
            Ok(Structure::PublicKey) => return spki::from_der(&der),
            Ok(Structure::RsaPublicKey) => return Ok((numbers::rsa_public(&der)?, RsaScheme::Any)),
            Ok(Structure::Certificate) => match Certificate::from_der(der.to_vec()) {
                Ok(certificate) => return certificate.key(),
                Err(error) if is_public => return Err(error),
                Err(_) => {}
            },
            Ok(structure) => {
                found.get_or_insert_with(|| not_public(structure.name()));
            }
            Err(_) if expected == Some(KeyStructure::Certificate) => return Err(KeyError::Certificate),
            Err(_) if expected == Some(KeyStructure::Pkcs1PublicKey) => {
                return Ok((numbers::rsa_public(&der)?, RsaScheme::Any));
            }
            Err(_) if is_public => return spki::from_der(&der),
            Err(_) => {}
        }
        found.get_or_insert_with(|| not_public(block.label));
    }
    Err(found.unwrap_or_else(|| not_public("")))
}

/// The structure of the private key, or else of the first public key or certificate. For the
/// latter, later blocks do not matter, not even damaged ones.
pub(super) fn structure(text: &[u8]) -> Result<KeyStructure, KeyError> {
    let (mut public, mut other) = (None, None);
    for block in (Blocks { rest: text }) {
        let block = match block {
            Ok(block) => block,
            Err(error) => return public.ok_or(error),
        };
        match block.structure() {
            Ok(structure) if structure.is_of_private_keys() => return Ok(structure),
            Ok(structure) => {
                public.get_or_insert(structure);
            }
            Err(error) => {
                other.get_or_insert(error);
            }
        }
    }
    public.ok_or_else(|| other.unwrap_or_else(|| not_public("")))
}

/// All certificates, in the order of the text.
pub(super) fn certificates(text: &[u8]) -> Result<Vec<Certificate>, KeyError> {
    let mut certificates = Vec::new();
    for block in (Blocks { rest: text }) {
        let block = block?;
        let is_labelled = structure::of_label(block.label) == Some(KeyStructure::Certificate);
        match block.decode() {
            Ok(der) if is_labelled || matches!(Structure::of(&der), Ok(Structure::Certificate)) => {
                match Certificate::from_der(der.to_vec()) {
                    Ok(certificate) => certificates.push(certificate),
                    Err(error) if is_labelled => return Err(error),
                    Err(_) => {}
                }
            }
            Err(error) if is_labelled => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(certificates)
}

fn unsupported_dsa() -> KeyError {
    KeyError::UnsupportedKey { found: "DSA".to_owned() }
}

fn not_private(label: &str) -> KeyError {
    KeyError::NotPrivate { found: crate::jose::printable::printable(label, 64) }
}

fn not_public(label: &str) -> KeyError {
    KeyError::NotPublic { found: crate::jose::printable::printable(label, 64) }
}

/// One block: its label, the text between the boundaries, and the text before it.
struct Block<'a> {
    label: &'a str,
    body: &'a [u8],
    before: &'a [u8],
}

impl Block<'_> {
    fn decode(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let has = |mark| find(self.body, mark).is_some();
        if has(b"DEK-Info:") || has(b"Proc-Type:") {
            return Err(foreign::dek_info());
        }
        let mut der = escapes::base64_digits(self.body);
        let len = Base64::decode_in_place(&mut der).map(<[u8]>::len).unwrap_or_default();
        if len == 0 {
            return Err(KeyError::Pem { reason: "its body is invalid or incomplete base64" });
        }
        der.truncate(len);
        Ok(der)
    }

    /// By the content, or by the label if the content is damaged or ambiguous.
    fn structure(&self) -> Result<KeyStructure, KeyError> {
        if let Some(error) = foreign::of_label(self.label) {
            return Err(error);
        }
        let expected = structure::of_label(self.label);
        let found =
            self.decode().ok().and_then(|der| Structure::of(&der).and_then(Structure::recognised).ok());
        match found {
            Some(KeyStructure::Certificate) if expected.is_none() => Err(not_public(self.label)),
            Some(structure) => Ok(structure),
            None if self.label == DSA => Err(unsupported_dsa()),
            None => expected.ok_or_else(|| not_public(self.label)),
        }
    }

    /// The contents of an `EC PARAMETERS` block (RFC 5480 §2.1.1).
    fn curve(&self) -> Result<ObjectIdentifier, KeyError> {
        ObjectIdentifier::from_der(&self.decode()?).map_err(|_| foreign::explicit_curve())
    }

    fn entry(&self, loaded: Result<Loaded, KeyError>) -> Entry {
        Entry { alias: self.alias(), ..Entry::new(loaded) }
    }

    /// The friendly name that OpenSSL writes before a block from a PKCS#12 file.
    fn alias(&self) -> Option<String> {
        const NAME: &str = "friendlyName:";
        let text = std::str::from_utf8(self.before).ok()?;
        let name = text.lines().rev().find_map(|line| line.trim().strip_prefix(NAME))?.trim();
        (!name.is_empty()).then(|| name.to_owned())
    }
}

struct Blocks<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Result<Block<'a>, KeyError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (before, rest) = split(self.rest, BEGIN)?;
        let block = block(before, rest);
        self.rest = match &block {
            Ok((_, rest)) => rest,
            Err(_) => &[],
        };
        Some(block.map(|(block, _)| block))
    }
}

/// Reads a block that starts after its `-----BEGIN `, and returns it with the text after it.
fn block<'a>(before: &'a [u8], text: &'a [u8]) -> Result<(Block<'a>, &'a [u8]), KeyError> {
    let damaged = |reason| KeyError::Pem { reason };
    let truncated = || damaged("a BEGIN line without its END line");
    let (label, rest) = split(text, DASHES).ok_or_else(truncated)?;
    let label = std::str::from_utf8(label)
        .ok()
        .filter(|label| label.len() <= 64 && !label.contains(['\n', '\r']))
        .ok_or_else(|| damaged("a BEGIN line without its closing dashes"))?;
    let (body, rest) = split(rest, END).ok_or_else(truncated)?;
    let (end, rest) = split(rest, DASHES).ok_or_else(truncated)?;
    if end != label.as_bytes() {
        return Err(damaged("the labels of BEGIN and END differ"));
    }
    if find(body, BEGIN).is_some() {
        return Err(truncated());
    }
    Ok((Block { label, body, before }, rest))
}

/// Searches by the first byte: for a text as short as a key, building a searcher takes longer than
/// running it.
fn find(text: &[u8], mark: &[u8]) -> Option<usize> {
    let first = *mark.first()?;
    memchr::memchr_iter(first, text).find(|at| text.get(*at..).is_some_and(|rest| rest.starts_with(mark)))
}

fn split<'a>(text: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (before, rest) = text.split_at_checked(find(text, mark)?)?;
    Some((before, rest.get(mark.len()..)?))
}
