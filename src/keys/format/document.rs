//! A key inside a JSON document: exports of consoles (`private_key` and `private_key_id`,
//! `{"public": …, "private": …}`), Kubernetes secrets, responses of a vault. They do not agree on
//! names, so every private key in the document counts, wherever it stands. Names matter only for
//! its `kid` and its passphrase.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::content::{Content, Kind};
use super::found::{Entry, Found};
use super::structure::Structure;
use super::{binary, jwk, pem};
use crate::jose::json::escapes;
use crate::jose::{JoseError, KeyId, json};
use crate::keys::key_format::{Encoding, KeyFormat, Wrapping};
use crate::keys::{Certificate, KeyError};

const WHAT: &str = "a JSON document";

/// The maximum nesting of objects; no known document has more than four levels.
const MAX_DEPTH: usize = 8;

/// Member names for the `kid` of the key next to them.
const KEY_IDS: [&str; 9] = [
    "private_key_id",
    "privateKeyId",
    "privateKeyID",
    "kid",
    "keyId",
    "key_id",
    "keyID",
    "publicKeyID",
    "publicKeyId",
];
const PASSPHRASE: &str = "passphrase";

/// The members of an object, in their order and without duplicates.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(Name(name)) = entries.next_key()? {
                    members.push((name, entries.next_value()?));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Members<'a> {
    fn of(text: &'a str) -> Result<Self, KeyError> {
        let members: Self = serde_json::from_str(text).map_err(|error| json::syntax(WHAT, &error))?;
        let mut seen = HashSet::new();
        match members.0.iter().find(|(name, _)| !seen.insert(name.as_ref())) {
            Some((name, _)) => {
                let member = crate::jose::error::excerpt(name);
                Err(JoseError::DuplicateMember { what: WHAT, member }.into())
            }
            None => Ok(members),
        }
    }

    fn value(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| *value)
    }

    fn string(&self, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        string(self.value(name)?.get())
    }

    fn key_id(&self) -> Option<KeyId> {
        let names = KEY_IDS.iter().filter_map(|name| self.string(name));
        let mut texts = names.filter_map(|name| String::from_utf8(name.to_vec()).ok());
        texts.find(|name| !name.is_empty()).map(KeyId::from)
    }
}

/// Whether JSON is neither a JWK nor a JWK Set. Text that is not JSON is left to the reader of
/// those.
pub(super) fn is_document(text: &[u8]) -> Result<bool, KeyError> {
    if text.starts_with(b"[") {
        return Ok(true);
    }
    let members = std::str::from_utf8(text).ok().and_then(|text| Members::of(text).ok());
    Ok(members.is_some_and(|members| {
        let is_set = members.value("keys").is_some_and(|keys| keys.get().starts_with('['));
        let nests = |value: &RawValue| value.get().starts_with(['{', '[', '"']);
        members.value("kty").is_none() && !is_set && members.0.iter().any(|(_, value)| nests(value))
    }))
}

/// A value that may be a key or hold one, and what the document says about it.
struct Leaf<'p> {
    path: &'p str,
    key_id: Option<&'p KeyId>,
    passphrase: Option<&'p [u8]>,
}

/// Handles the values that a walk through a document finds.
trait Visit {
    fn jwk(&mut self, leaf: &Leaf<'_>, text: &str) -> Result<(), KeyError>;
    fn pem(&mut self, leaf: &Leaf<'_>, text: &[u8]) -> Result<(), KeyError>;
    fn der(&mut self, leaf: &Leaf<'_>, der: &[u8]) -> Result<(), KeyError>;
}

fn walk(leaf: &Leaf<'_>, text: &str, depth: usize, visitor: &mut impl Visit) -> Result<(), KeyError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Ok(());
    };
    let step = |name: &str| match leaf.path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    match text.as_bytes().first() {
        Some(b'{') => {
            let members = Members::of(text)?;
            if members.value("kty").is_some() {
                return visitor.jwk(leaf, text);
            }
            let key_id = members.key_id();
            let passphrase = members.string(PASSPHRASE);
            for (name, value) in &members.0 {
                let path = step(name);
                let passphrase = leaf.passphrase.or(passphrase.as_ref().map(|text| text.as_slice()));
                let leaf = Leaf { path: &path, key_id: key_id.as_ref(), passphrase };
                walk(&leaf, value.get(), depth, visitor)?;
            }
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> =
                serde_json::from_str(text).map_err(|error| json::syntax(WHAT, &error))?;
            for (place, element) in elements.into_iter().enumerate() {
                let path = step(&place.to_string());
                walk(&Leaf { path: &path, ..*leaf }, element.get(), depth, visitor)?;
            }
        }
        Some(b'"') => {
            let Some(value) = string(text) else {
                return Ok(());
            };
            let Ok(content) = Content::of(&value) else {
                return Ok(());
            };
            match content.kind {
                // JSON in a JSON string.
                Kind::Json => {
                    let text = std::str::from_utf8(&content.bytes).unwrap_or_default();
                    match walk(leaf, text, depth, visitor) {
                        // Text in braces is not always JSON.
                        Err(KeyError::Jose(JoseError::Json { .. })) => {}
                        other => other?,
                    }
                }
                Kind::Pem => visitor.pem(leaf, &content.bytes)?,
                Kind::Der => visitor.der(leaf, &content.bytes)?,
            }
        }
        _ => {}
    }
    Ok(())
}

/// The value of a JSON string with its quotes.
fn string(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    escapes::string(text.as_bytes().strip_prefix(b"\"")?.strip_suffix(b"\"")?)
}

/// Collects the private keys and the certificates of a document.
pub(super) fn collect(text: &[u8], passphrase: Option<&[u8]>, found: &mut Found) -> Result<(), KeyError> {
    struct Collecting<'f>(&'f mut Found);

    impl Collecting<'_> {
        /// Adds the entries of one value, named after its place in the document.
        fn add(&mut self, leaf: &Leaf<'_>, entries: Vec<Entry>) -> Result<(), KeyError> {
            let several = entries.len() > 1;
            entries.into_iter().try_for_each(|mut entry| {
                entry.alias.get_or_insert_with(|| leaf.path.to_owned());
                if !several && entry.key_id.is_none() {
                    entry.key_id = leaf.key_id.cloned();
                    if let Ok(loaded) = &mut entry.loaded {
                        loaded.key_id.clone_from(&entry.key_id);
                    }
                }
                self.0.push(entry)
            })
        }

        /// Reads one value, with the budget of the whole document.
        fn collect(
            &mut self,
            leaf: &Leaf<'_>,
            read: impl FnOnce(&mut Found) -> Result<(), KeyError>,
        ) -> Result<(), KeyError> {
            let mut here = Found { budget: self.0.budget, ..Found::default() };
            let done = read(&mut here);
            self.0.budget = here.budget;
            match done {
                Ok(()) => {
                    self.0.add_certificates(std::mem::take(&mut here.certificates))?;
                    if let Some(reason) = here.reason.take().filter(|_| here.entries.is_empty()) {
                        self.0.because(reason);
                    }
                }
                Err(error) => here.entries = vec![Entry::new(Err(error))],
            }
            self.add(leaf, here.entries)
        }
    }

    impl Visit for Collecting<'_> {
        fn jwk(&mut self, leaf: &Leaf<'_>, text: &str) -> Result<(), KeyError> {
            let entry = jwk::element(text, self.0);
            self.add(leaf, entry.into_iter().collect())
        }

        fn pem(&mut self, leaf: &Leaf<'_>, text: &[u8]) -> Result<(), KeyError> {
            self.collect(leaf, |here| pem::collect(text, leaf.passphrase, here))
        }

        fn der(&mut self, leaf: &Leaf<'_>, der: &[u8]) -> Result<(), KeyError> {
            // Base64 of something other than a key is not damage.
            let Ok(structure) = Structure::of(der) else {
                return Ok(());
            };
            if matches!(structure, Structure::Certificate)
                && let Ok(certificate) = Certificate::from_der(der)
            {
                self.0.add_certificates(vec![certificate])?;
            }
            self.collect(leaf, |here| match binary::collect(der, structure, None, leaf.passphrase, here) {
                Err(KeyError::Der { .. }) => Ok(()),
                other => other,
            })
        }
    }

    let text = std::str::from_utf8(text).map_err(|_| KeyError::UnknownFormat)?;
    walk(&Leaf { path: "", key_id: None, passphrase }, text, MAX_DEPTH, &mut Collecting(&mut *found))?;
    // As the strict reader does: if there is no key at all, the document was meant to be one.
    found.because(JoseError::MissingMember { what: "a JWK", member: "kty" }.into());
    Ok(())
}

/// The first private key of a document, or else the first public one.
pub(super) fn recognised(text: &[u8]) -> Result<Option<KeyFormat>, KeyError> {
    #[derive(Default)]
    struct Recognising {
        private: Option<KeyFormat>,
        public: Option<KeyFormat>,
    }

    impl Recognising {
        fn add(&mut self, format: KeyFormat) {
            let format = format.within(Wrapping::JsonDocument);
            if format.is_private() { &mut self.private } else { &mut self.public }.get_or_insert(format);
        }
    }

    impl Visit for Recognising {
        fn jwk(&mut self, _: &Leaf<'_>, text: &str) -> Result<(), KeyError> {
            // Rejecting an unreadable key is left to the loader, which does so only if that key is
            // the selected one.
            if let Ok(format) = jwk::recognise_key(text.as_bytes()) {
                self.add(format);
            }
            Ok(())
        }

        fn pem(&mut self, _: &Leaf<'_>, text: &[u8]) -> Result<(), KeyError> {
            if let Ok(structure) = pem::structure(text) {
                self.add(KeyFormat::of_structure(structure, Encoding::Pem));
            }
            Ok(())
        }

        fn der(&mut self, _: &Leaf<'_>, der: &[u8]) -> Result<(), KeyError> {
            if let Ok(structure) = Structure::of(der).and_then(Structure::recognised) {
                self.add(KeyFormat::of_structure(structure, Encoding::Der));
            }
            Ok(())
        }
    }

    let text = std::str::from_utf8(text).map_err(|_| KeyError::UnknownFormat)?;
    let mut formats = Recognising::default();
    walk(&Leaf { path: "", key_id: None, passphrase: None }, text, MAX_DEPTH, &mut formats)?;
    Ok(formats.private.or(formats.public))
}
