//! What is found in a file.

use super::costs::Budget;
use crate::jose::{Algorithm, JoseError, JwkSet, KeyId, KeyParameters};
use crate::keys::material::KeyMaterial;
use crate::keys::{Certificate, KeyError};

/// A private key and what its file said about it.
pub(in crate::keys) struct Loaded {
    pub(in crate::keys) material: KeyMaterial,
    pub(in crate::keys) algorithm: Option<Algorithm>,
    pub(in crate::keys) key_id: Option<KeyId>,
    pub(in crate::keys) certificates: Vec<Certificate>,
}

impl From<KeyMaterial> for Loaded {
    fn from(material: KeyMaterial) -> Self {
        Self { material, algorithm: None, key_id: None, certificates: Vec::new() }
    }
}

/// A private key of a file, or why it cannot be used.
pub(in crate::keys) struct Entry {
    /// What the file calls it: a friendly name, or a place in a JSON document.
    pub(in crate::keys) alias: Option<String>,
    pub(in crate::keys) key_id: Option<KeyId>,
    pub(in crate::keys) loaded: Result<Loaded, KeyError>,
}

impl Entry {
    pub(super) fn new(loaded: Result<Loaded, KeyError>) -> Self {
        let key_id = loaded.as_ref().ok().and_then(|loaded| loaded.key_id.clone());
        Self { alias: None, key_id, loaded }
    }
}

/// What a file holds.
#[derive(Default)]
pub(in crate::keys) struct Found {
    pub(in crate::keys) entries: Vec<Entry>,
    /// Certificates beside the keys: a set that contains the chain of a key.
    pub(in crate::keys) certificates: Vec<Certificate>,
    /// Public keys beside a private one, which must be its own.
    pub(in crate::keys) publics: Vec<KeyParameters>,
    /// The names that public JWKs beside a private one have: some consoles give the `kid` to one
    /// half only.
    pub(in crate::keys) key_ids: Vec<(KeyParameters, KeyId)>,
    /// Why there is no key, for a file without one.
    pub(super) reason: Option<KeyError>,
    /// What the derivations may still cost: a file with many costs no more than one with the most
    /// expensive one.
    pub(super) budget: Budget,
}

impl Found {
    /// More keys than a file needs, private or public.
    const MAX_ENTRIES: usize = JwkSet::MAX_KEYS;
    /// More than the list of authorities of an operating system has.
    const MAX_CERTIFICATES: usize = 256;

    pub(super) fn because(&mut self, reason: KeyError) {
        self.reason.get_or_insert(reason);
    }

    /// Adds a public key, which takes a while to read where it is compressed.
    pub(super) fn add_public(
        &mut self,
        read: impl FnOnce() -> Result<KeyParameters, KeyError>,
    ) -> Result<(), KeyError> {
        if self.publics.len() == Self::MAX_ENTRIES {
            let found = Self::MAX_ENTRIES + 1;
            return Err(JoseError::TooManyKeys { found, limit: Self::MAX_ENTRIES }.into());
        }
        self.publics.push(read()?);
        Ok(())
    }

    pub(super) fn add_certificates(&mut self, certificates: Vec<Certificate>) -> Result<(), KeyError> {
        let found = self.certificates.len() + certificates.len();
        if found > Self::MAX_CERTIFICATES {
            return Err(KeyError::TooManyCertificates { found, limit: Self::MAX_CERTIFICATES });
        }
        self.certificates.extend(certificates);
        Ok(())
    }

    /// Adds a key; one of a type that no signature here has, or for another purpose, is passed over
    /// beside others.
    pub(super) fn push(&mut self, entry: Entry) -> Result<(), KeyError> {
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
