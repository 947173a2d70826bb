//! PEM as people have it (RFC 7468, and what is around).
//!
//! The blocks are found and their white space is removed here, the base64 is decoded by `base64ct`. Found here, because
//! `pem-rfc7468` takes one block with regular lines and nothing behind it, while key files come with CRLF, indentation,
//! blank lines, bag attributes and certificates; and the lenient crates copy the key into buffers that they do not wipe.

use base64ct::{Base64, Encoding};
use der::Decode;
use der::asn1::ObjectIdentifier;
use zeroize::Zeroizing;

use super::{Loaded, der_key, encrypted, foreign, recognise, spki};
use crate::jose::KeyParameters;
use crate::keys::key_format::KeyStructure;
use crate::keys::material::RsaScheme;
use crate::keys::{Certificate, KeyError};

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

pub(super) fn is_pem(text: &[u8]) -> bool {
    find(text, BEGIN).is_some()
}

pub(super) fn load(text: &[u8], passphrase: Option<&[u8]>) -> Result<Loaded, KeyError> {
    let mut keys = Vec::new();
    let mut curve = None;
    let mut certificates = Vec::new();
    let mut publics = Vec::new();
    let (mut foreign, mut other) = (None, None);
    for block in (Blocks { rest: text }) {
        let block = block?;
        match block.label {
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" | "PKCS12" => {
                keys.push(block)
            }
            "DSA PRIVATE KEY" => return Err(KeyError::UnsupportedKey { found: "DSA".to_owned() }),
            "EC PARAMETERS" => curve = Some(block),
            "CERTIFICATE" | "X509 CERTIFICATE" => {
                certificates.push(Certificate::from_der(block.decode()?.to_vec())?)
            }
            "PUBLIC KEY" => publics.push(spki::from_der(&block.decode()?)?.0),
            label => match foreign::of_label(label) {
                Some(error) => foreign = Some(error),
                None => other = Some(not_private(label)),
            },
        }
    }
    let key = match keys.as_slice() {
        [key] => key,
        [] => {
            return Err(if let Some(error) = foreign {
                error
            } else if !publics.is_empty() {
                not_private("PUBLIC KEY")
            } else if !certificates.is_empty() {
                not_private("CERTIFICATE")
            } else {
                other.unwrap_or_else(|| not_private("EC PARAMETERS"))
            });
        }
        several => return Err(KeyError::SeveralKeys { found: several.len() }),
    };
    let loaded = private(key, curve.as_ref(), passphrase)?;
    Ok(Loaded { certificates: [loaded.certificates, certificates].concat(), publics, ..loaded })
}

/// The first public key or certificate.
pub(super) fn public(text: &[u8]) -> Result<(KeyParameters, RsaScheme), KeyError> {
    let mut found = None;
    for block in (Blocks { rest: text }) {
        let block = block?;
        match block.label {
            "PUBLIC KEY" => return spki::from_der(&block.decode()?),
            "RSA PUBLIC KEY" => return Ok((spki::rsa(&block.decode()?)?, RsaScheme::Any)),
            "CERTIFICATE" | "X509 CERTIFICATE" => {
                return Certificate::from_der(block.decode()?.to_vec())?.key();
            }
            label => {
                found.get_or_insert(label);
            }
        }
    }
    Err(not_public(found.unwrap_or_default()))
}

/// The private key's structure, or else that of the first public key or certificate: what stands behind that does not
/// matter to it, not even damage.
pub(super) fn structure(text: &[u8]) -> Result<KeyStructure, KeyError> {
    let (mut public, mut other) = (None, None);
    for block in (Blocks { rest: text }) {
        let label = match block {
            Ok(block) => block.label,
            Err(error) => return public.ok_or(error),
        };
        match recognise::of_label(label) {
            Some(structure) if structure.is_of_private_keys() => return Ok(structure),
            Some(structure) => {
                public.get_or_insert(structure);
            }
            None => {
                other.get_or_insert_with(|| match label {
                    "DSA PRIVATE KEY" => KeyError::UnsupportedKey { found: "DSA".to_owned() },
                    label => foreign::of_label(label).unwrap_or_else(|| not_public(label)),
                });
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
        if recognise::of_label(block.label) == Some(KeyStructure::Certificate) {
            certificates.push(Certificate::from_der(block.decode()?.to_vec())?);
        }
    }
    Ok(certificates)
}

fn private(
    key: &Block<'_>,
    curve: Option<&Block<'_>>,
    passphrase: Option<&[u8]>,
) -> Result<Loaded, KeyError> {
    let der = key.decode()?;
    let material = match key.label {
        "PKCS12" => return super::pkcs12(&der, passphrase),
        "RSA PRIVATE KEY" => der_key::rsa(&der),
        "EC PRIVATE KEY" => {
            let curve = curve.map(|block| {
                let parameters = block.decode()?;
                ObjectIdentifier::from_der(&parameters).map_err(|_| der_key::explicit_parameters())
            });
            der_key::ec(&der, curve.transpose()?)
        }
        "ENCRYPTED PRIVATE KEY" => encrypted::open(&der, passphrase),
        _ => der_key::pkcs8(&der),
    };
    material.map(Loaded::from)
}

fn not_private(label: &str) -> KeyError {
    KeyError::NotPrivate { found: crate::jose::json::printable(label, 64) }
}

fn not_public(label: &str) -> KeyError {
    KeyError::NotPublic { found: crate::jose::json::printable(label, 64) }
}

/// One block: its label, and the text between the boundaries.
struct Block<'a> {
    label: &'a str,
    body: &'a [u8],
}

impl Block<'_> {
    fn decode(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let has = |mark| find(self.body, mark).is_some();
        if has(b"DEK-Info:") || has(b"Proc-Type:") {
            return Err(foreign::dek_info());
        }
        // As in an environment variable or a JSON string that nobody has unescaped.
        if has(b"\\n") {
            return Err(KeyError::Pem { reason: "its line ends are written as \\n, they must be real ones" });
        }
        // One buffer, large enough from the start: one that grows leaves copies behind.
        let mut der = Zeroizing::new(Vec::with_capacity(self.body.len()));
        for piece in self.body.split(u8::is_ascii_whitespace) {
            der.extend_from_slice(piece);
        }
        let len = Base64::decode_in_place(&mut der).map(<[u8]>::len).unwrap_or_default();
        if len == 0 {
            return Err(KeyError::Pem { reason: "its body is not complete base64" });
        }
        der.truncate(len);
        Ok(der)
    }
}

struct Blocks<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Result<Block<'a>, KeyError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (_, rest) = split(self.rest, BEGIN)?;
        let block = block(rest);
        self.rest = match &block {
            Ok((_, rest)) => rest,
            Err(_) => &[],
        };
        Some(block.map(|(block, _)| block))
    }
}

/// A block, from behind its `-----BEGIN `, and what follows it.
fn block(text: &[u8]) -> Result<(Block<'_>, &[u8]), KeyError> {
    let damaged = |reason| KeyError::Pem { reason };
    let truncated = || damaged("a BEGIN line without its END line");
    let (label, rest) = split(text, DASHES).ok_or_else(truncated)?;
    let label = std::str::from_utf8(label)
        .ok()
        .filter(|label| label.len() <= 64 && !label.contains(['\n', '\r']))
        .ok_or_else(|| damaged("a BEGIN line that does not end"))?;
    let (body, rest) = split(rest, END).ok_or_else(truncated)?;
    let (end, rest) = split(rest, DASHES).ok_or_else(truncated)?;
    if end != label.as_bytes() {
        return Err(damaged("the labels of BEGIN and END differ"));
    }
    if find(body, BEGIN).is_some() {
        return Err(truncated());
    }
    Ok((Block { label, body }, rest))
}

/// By its first byte: for a text as short as a key, a searcher takes longer to build than to run.
fn find(text: &[u8], mark: &[u8]) -> Option<usize> {
    let first = *mark.first()?;
    memchr::memchr_iter(first, text).find(|at| text.get(*at..).is_some_and(|rest| rest.starts_with(mark)))
}

fn split<'a>(text: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (before, rest) = text.split_at_checked(find(text, mark)?)?;
    Some((before, rest.get(mark.len()..)?))
}
