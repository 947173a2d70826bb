//! PKCS#12 (RFC 7292) in password mode: private keys with their names, and the certificates next to
//! them.
//!
//! This is behind the cargo feature `pkcs12`. Even the MAC of a modern file needs the key
//! derivation of RFC 7292 Appendix B. Its only maintained implementation is the crate `pkcs12`, a
//! pre-release that pins another one (`cms`), and that pin may clash with a program's own. So this
//! crate and the old ciphers (3DES, RC2) are opt-in.
//!
//! Only the derivation and the ciphers come from crates. `pkcs12` also reads the structures, and
//! `p12-keystore` whole files, but both copy the keys into memory that is not wiped. `p12-keystore`
//! also limits only the cost of each derivation instead of the total, supports fewer ciphers, and
//! brings a second parser for certificates.

use std::borrow::Cow;

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Encode, Tag, TagNumber, Tagged};
use zeroize::Zeroizing;

use super::elements::{STRUCTURE, STRUCTURE_NAME, octets, sequence};
use super::encrypted::Encrypted;
use super::found::{Entry, Found, Loaded};
use super::mac::Mac;
use super::{ber, der_key};
use crate::keys::material::KeyMaterial;
use crate::keys::{Certificate, KeyError};

/// Nested bags (RFC 7292 §4.2.6). No known program writes even one level.
const MAX_DEPTH: usize = 4;

mod oid {
    use der::asn1::ObjectIdentifier;

    const fn oid(text: &str) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(text)
    }

    pub(super) const DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.1");
    pub(super) const SIGNED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.2");
    pub(super) const ENVELOPED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.3");
    pub(super) const ENCRYPTED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.6");
    pub(super) const KEY_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.1");
    pub(super) const SHROUDED_KEY_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.2");
    pub(super) const CERTIFICATE_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.3");
    pub(super) const SAFE_CONTENTS_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.6");
    pub(super) const FRIENDLY_NAME: ObjectIdentifier = oid("1.2.840.113549.1.9.20");
    pub(super) const X509: ObjectIdentifier = oid("1.2.840.113549.1.9.22.1");
}

/// Opens a file.
pub(super) fn collect(file: &[u8], passphrase: Option<&[u8]>, found: &mut Found) -> Result<(), KeyError> {
    open_any(file, passphrase, found).map_err(named)
}

/// With no passphrase or an empty one, both forms (no passphrase and the empty string) are tried:
/// programs do not agree on which of them stands for no protection.
fn open_any(file: &[u8], passphrase: Option<&[u8]>, found: &mut Found) -> Result<(), KeyError> {
    let file = ber::to_der(file).ok_or(STRUCTURE)?;
    let (content, mac) = pfx(&file)?;
    let safes = ber::to_der(content).ok_or(STRUCTURE)?;
    let archive = Archive::new(&safes, content, mac)?;
    let candidates = match passphrase {
        None | Some([]) => &[Some(&[][..]), None][..],
        Some(_) => &[passphrase],
    };
    // The visible part of the work is limited before any of it is done.
    let mut all = found.budget;
    candidates.iter().try_for_each(|candidate| all.draw(archive.work(*candidate)?))?;
    for candidate in candidates {
        found.budget.draw(archive.work(*candidate)?)?;
        match archive.open(*candidate, found) {
            Err(KeyError::WrongPassphrase) => {}
            other => return other,
        }
    }
    Err(if passphrase.is_none() { KeyError::PassphraseRequired } else { KeyError::WrongPassphrase })
}

/// The content that the MAC covers, and the MAC (RFC 7292 §4).
fn pfx(der: &[u8]) -> Result<(&[u8], Option<Mac<'_>>), KeyError> {
    let elements = elements(der)?;
    let ([version, safe] | [version, safe, _]) = elements.as_slice() else {
        return Err(STRUCTURE);
    };
    if version.decode_as::<u8>() != Ok(3) {
        return Err(STRUCTURE);
    }
    let (kind, content) = content_info(*safe)?;
    match kind {
        oid::DATA => {}
        oid::SIGNED_DATA => return Err(unsupported("public-key integrity (SignedData)")),
        _ => return Err(STRUCTURE),
    }
    let mac = elements.get(2).copied().map(Mac::new).transpose()?;
    Ok((octets(content)?, mac))
}

/// The parts of a file: the open ones and the encrypted ones.
struct Archive<'a> {
    /// The content that the MAC covers.
    content: &'a [u8],
    mac: Option<Mac<'a>>,
    open: Bags,
    encrypted: Vec<Encrypted<'a>>,
}

impl<'a> Archive<'a> {
    /// RFC 7292 §4.1.
    fn new(safes: &'a [u8], content: &'a [u8], mac: Option<Mac<'a>>) -> Result<Self, KeyError> {
        let (mut open, mut encrypted) = (Bags::default(), Vec::new());
        for safe in elements(safes)? {
            match content_info(safe)? {
                (oid::DATA, content) => open.read(octets(content)?)?,
                (oid::ENCRYPTED_DATA, content) => encrypted.extend(encrypted_data(content)?),
                (oid::ENVELOPED_DATA, _) => {
                    return Err(unsupported("public-key encryption (EnvelopedData)"));
                }
                _ => return Err(STRUCTURE),
            }
        }
        Ok(Self { content, mac, open, encrypted })
    }

    /// The work of opening all visible parts.
    fn work(&self, passphrase: Option<&[u8]>) -> Result<u64, KeyError> {
        let mac = self.mac.as_ref().map_or(0, |mac| mac.work(passphrase, self.content.len()));
        let parts = self.encrypted.iter().map(|part| part.work(passphrase));
        let keys = self.open.work(passphrase, 0)?;
        Ok(parts.fold(mac.saturating_add(keys), u64::saturating_add))
    }

    fn open(&self, passphrase: Option<&[u8]>, found: &mut Found) -> Result<(), KeyError> {
        if self.mac.as_ref().is_some_and(|mac| !mac.verify(passphrase, self.content)) {
            return Err(KeyError::WrongPassphrase);
        }
        let mut bags = self.open.clone();
        for part in &self.encrypted {
            match bags.read(&part.decrypt(passphrase)?) {
                // Only a MAC tells a damaged file from a wrong passphrase.
                Err(_) if self.mac.is_none() => return Err(KeyError::WrongPassphrase),
                other => other?,
            }
        }
        // The work for keys inside encrypted parts is added.
        found.budget.draw(bags.work(passphrase, self.open.keys.len())?)?;
        let several = bags.keys.len() > 1;
        let mut entries = Vec::new();
        for key in &bags.keys {
            match key.material(passphrase) {
                Err(error) if !several => return Err(error),
                material => entries.push(Entry {
                    alias: key.alias.clone(),
                    ..Entry::new(material.map(Loaded::from).map_err(named))
                }),
            }
        }
        found.add_certificates(bags.certificates)?;
        if entries.is_empty() {
            found.because(KeyError::NotPrivate { found: "a PKCS#12 file without a private key".to_owned() });
        }
        entries.into_iter().try_for_each(|entry| found.push(entry))
    }
}

/// The contents of bags (RFC 7292 §4.2).
#[derive(Clone, Default)]
struct Bags {
    keys: Vec<Key>,
    certificates: Vec<Certificate>,
}

#[derive(Clone)]
struct Key {
    /// `friendlyName` (RFC 2985 §5.5.1).
    alias: Option<String>,
    is_shrouded: bool,
    /// PKCS#8, or encrypted PKCS#8 if it is shrouded.
    der: Zeroizing<Vec<u8>>,
}

impl Bags {
    /// Adds the contents of `SafeContents`.
    fn read(&mut self, contents: &[u8]) -> Result<(), KeyError> {
        let der = ber::to_der(contents).ok_or(STRUCTURE)?;
        self.add(elements(&der)?, MAX_DEPTH)
    }

    fn add(&mut self, bags: Vec<AnyRef<'_>>, depth: usize) -> Result<(), KeyError> {
        for bag in bags {
            let bag: Vec<AnyRef<'_>> = sequence(bag)?;
            let [id, value, attributes @ ..] = bag.as_slice() else {
                return Err(STRUCTURE);
            };
            let value = explicit(*value)?;
            match id.decode_as::<ObjectIdentifier>().map_err(|_| STRUCTURE)? {
                id @ (oid::KEY_BAG | oid::SHROUDED_KEY_BAG) => self.keys.push(Key {
                    alias: attributes.first().copied().and_then(friendly_name),
                    is_shrouded: id == oid::SHROUDED_KEY_BAG,
                    der: whole(value)?,
                }),
                oid::CERTIFICATE_BAG => self.certificates.extend(certificate(value)?),
                oid::SAFE_CONTENTS_BAG => {
                    self.add(sequence(value)?, depth.checked_sub(1).ok_or(STRUCTURE)?)?;
                }
                // Revocation lists and secrets do not concern the key.
                _ => {}
            }
        }
        Ok(())
    }

    /// The work of opening the keys from this index on. A key that cannot be read here costs
    /// nothing.
    fn work(&self, passphrase: Option<&[u8]>, first: usize) -> Result<u64, KeyError> {
        let several = self.keys.len() > 1;
        self.keys.iter().skip(first).filter(|key| key.is_shrouded).try_fold(0, |work: u64, key| {
            match Encrypted::from_der(&key.der) {
                Ok(encrypted) => Ok(work.saturating_add(encrypted.work(passphrase))),
                Err(error @ KeyError::KeyDerivationCost { .. }) => Err(error),
                Err(_) if several => Ok(work),
                Err(error) => Err(error),
            }
        })
    }
}

impl Key {
    fn material(&self, passphrase: Option<&[u8]>) -> Result<KeyMaterial, KeyError> {
        if self.is_shrouded {
            Encrypted::from_der(&self.der)?.private_key(passphrase)
        } else {
            der_key::pkcs8(&self.der)
        }
    }
}

/// RFC 2985 §5.5.1, among the attributes of a bag (RFC 7292 §4.2): a BMPString, which is UTF-16 in
/// practice. A name is a convenience, so an unreadable one is ignored.
fn friendly_name(attributes: AnyRef<'_>) -> Option<String> {
    let attributes = AnyRef::new(Tag::Sequence, attributes.value()).ok()?;
    let attributes: Vec<AnyRef<'_>> = sequence(attributes).ok()?;
    let value = attributes.into_iter().find_map(|attribute| {
        let attribute: Vec<AnyRef<'_>> = sequence(attribute).ok()?;
        let [kind, values] = attribute.as_slice() else {
            return None;
        };
        let is_name = kind.decode_as::<ObjectIdentifier>() == Ok(oid::FRIENDLY_NAME);
        is_name.then(|| AnyRef::from_der(values.value()).ok()).flatten()
    })?;
    let units =
        value.value().chunks_exact(2).filter_map(|pair| Some(u16::from_be_bytes(pair.try_into().ok()?)));
    let name = String::from_utf16(&units.collect::<Vec<u16>>()).ok()?;
    Some(name).filter(|name| value.tag() == Tag::BmpString && !name.is_empty())
}

/// RFC 7292 §4.2.3. Only X.509 is supported.
fn certificate(bag: AnyRef<'_>) -> Result<Option<Certificate>, KeyError> {
    let bag: Vec<AnyRef<'_>> = sequence(bag)?;
    let [kind, value] = bag.as_slice() else {
        return Err(STRUCTURE);
    };
    if kind.decode_as::<ObjectIdentifier>() != Ok(oid::X509) {
        return Ok(None);
    }
    Certificate::from_der(octets(explicit(*value)?)?).map(Some)
}

/// RFC 5652 §3, `ContentInfo`.
fn content_info(element: AnyRef<'_>) -> Result<(ObjectIdentifier, AnyRef<'_>), KeyError> {
    let elements: Vec<AnyRef<'_>> = sequence(element)?;
    let [kind, content] = elements.as_slice() else {
        return Err(STRUCTURE);
    };
    Ok((kind.decode_as().map_err(|_| STRUCTURE)?, explicit(*content)?))
}

/// RFC 5652 §8, `EncryptedData`; `None` if there is no content.
fn encrypted_data(element: AnyRef<'_>) -> Result<Option<Encrypted<'_>>, KeyError> {
    let elements: Vec<AnyRef<'_>> = sequence(element)?;
    let [_, info, ..] = elements.as_slice() else {
        return Err(STRUCTURE);
    };
    let info: Vec<AnyRef<'_>> = sequence(*info)?;
    let [_, identifier, data @ ..] = info.as_slice() else {
        return Err(STRUCTURE);
    };
    let Some(data) = data.first() else {
        return Ok(None);
    };
    let data = match data.tag() {
        Tag::ContextSpecific { constructed: false, number: TagNumber(0) } => Cow::Borrowed(data.value()),
        // In pieces, as BER allows. The type of this tag was not known before, so the pieces are
        // not joined yet.
        Tag::ContextSpecific { constructed: true, number: TagNumber(0) } => {
            let mut joined = Vec::with_capacity(data.value().len());
            for piece in pieces(data.value())? {
                joined.extend_from_slice(octets(piece)?);
            }
            Cow::Owned(joined)
        }
        _ => return Err(STRUCTURE),
    };
    Encrypted::new(identifier.decode_as().map_err(|_| STRUCTURE)?, data).map(Some)
}

fn elements(der: &[u8]) -> Result<Vec<AnyRef<'_>>, KeyError> {
    Vec::from_der(der).map_err(|_| STRUCTURE)
}

/// Consecutive elements without a SEQUENCE around them.
fn pieces(der: &[u8]) -> Result<Vec<AnyRef<'_>>, KeyError> {
    AnyRef::new(Tag::Sequence, der).map_err(|_| STRUCTURE).and_then(sequence)
}

/// The content of `[0] EXPLICIT`.
fn explicit(element: AnyRef<'_>) -> Result<AnyRef<'_>, KeyError> {
    match element.tag() {
        Tag::ContextSpecific { constructed: true, number: TagNumber(0) } => {
            AnyRef::from_der(element.value()).map_err(|_| STRUCTURE)
        }
        _ => Err(STRUCTURE),
    }
}

/// An element, including its tag and length.
fn whole(element: AnyRef<'_>) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    element.to_der().map(Zeroizing::new).map_err(|_| STRUCTURE)
}

fn unsupported(scheme: &str) -> KeyError {
    KeyError::UnsupportedPkcs12 { scheme: scheme.to_owned() }
}

/// Converts an error of a part into one of the file.
fn named(error: KeyError) -> KeyError {
    match error {
        KeyError::UnsupportedEncryption { scheme } => {
            let cipher = scheme.strip_prefix("PKCS#12 PBE with ").map(str::to_owned);
            KeyError::UnsupportedPkcs12 { scheme: cipher.unwrap_or(scheme) }
        }
        KeyError::Der { structure: STRUCTURE_NAME } => KeyError::Der { structure: "PFX (RFC 7292 §4)" },
        other => other,
    }
}
