//! The contents of a key file.

use super::costs::Budget;
use crate::jose::{Algorithm, JoseError, JwkSet, KeyId, KeyParameters};
use crate::keys::material::KeyMaterial;
use crate::keys::{Certificate, KeyError};

/// A private key, and the statements of its file about it.
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
    /// The file's name for the key: a friendly name, or a place in a JSON document.
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

/// The contents of a key file.
#[derive(Default)]
pub(in crate::keys) struct Found {
    pub(in crate::keys) entries: Vec<Entry>,
    /// Certificates next to the keys: a set that contains the chain of a key.
    pub(in crate::keys) certificates: Vec<Certificate>,
    /// Public keys next to a private key, which must belong to it.
    pub(in crate::keys) publics: Vec<KeyParameters>,
    /// The `kid`s of public JWKs next to a private key: some consoles give the `kid` to only one
    /// half.
    pub(in crate::keys) key_ids: Vec<(KeyParameters, KeyId)>,
    /// For a file without a key: why it has none.
    pub(super) reason: Option<KeyError>,
    /// The remaining budget of the derivations: a file with many keys may cost no more than a file
    /// with the most expensive single key.
    pub(super) budget: Budget,
}

impl Found {
    /// More keys than any file needs, private or public.
    const MAX_ENTRIES: usize = JwkSet::MAX_KEYS;
    /// More than the list of authorities of an operating system.
    const MAX_CERTIFICATES: usize = 256;

    pub(super) fn because(&mut self, reason: KeyError) {
        self.reason.get_or_insert(reason);
    }

    /// Adds a public key. Reading it takes a while if it is compressed.
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

    /// Adds a key. A key of a type that has no signature here, or for another purpose, is skipped
    /// if there are others.
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
