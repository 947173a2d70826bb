//! A file as it was read last, and whether it must be read again.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::stamp::Stamp;
use crate::keys::{KeyLoader, PrivateKey};
use crate::rotation::directory::{Layout, Settings};
use crate::rotation::error::KeyFileError;
use crate::rotation::manifest::{Manifest, ManifestKey, PassphraseSource};

/// After this time, a file with the same status is the same file. Some file systems count in
/// seconds, and a file that was written twice within one looks the same.
const SETTLED: Duration = Duration::from_secs(2);

/// A key that was read.
pub(in crate::rotation) struct Loaded {
    pub(in crate::rotation) key: PrivateKey,
    /// When the file was written.
    pub(in crate::rotation) modified: OffsetDateTime,
    /// The last second of its own certificate.
    pub(in crate::rotation) not_after: Option<OffsetDateTime>,
}

impl Loaded {
    /// The key with the name and the algorithm that the manifest states.
    pub(in crate::rotation) fn key_of(&self, facts: &ManifestKey) -> Result<PrivateKey, KeyFileError> {
        let mut key = self.key.clone();
        if let Some(expected) = &facts.key_id {
            let is_stated = key.key_id().as_str() != key.thumbprint().to_string();
            if is_stated && key.key_id() != expected {
                let (expected, found) = (expected.clone(), key.key_id().clone());
                return Err(KeyFileError::OtherKeyId { expected, found });
            }
            key = key.with_key_id(expected.clone());
        }
        match facts.algorithm {
            Some(algorithm) => key.with_algorithm(algorithm).map_err(|source| KeyFileError::Key { source }),
            None => Ok(key),
        }
    }
}

/// A file as it was read last.
pub(super) struct Cached {
    /// `None`: it is read again, whatever its status.
    stamp: Option<Stamp>,
    /// The status of the file with its passphrase.
    passphrase: Option<Stamp>,
    source: Option<PassphraseSource>,
    digest: Option<[u8; 32]>,
    read_at: OffsetDateTime,
    is_settled: bool,
    pub(super) content: Content,
}

pub(super) enum Content {
    Key(Arc<Loaded>),
    Manifest(Arc<Layout>),
    /// The content cannot be used. The same content cannot later.
    Nothing(Arc<KeyFileError>),
    /// It could not be read. It may be possible later.
    Problem(Arc<KeyFileError>),
}

/// One look at a file.
pub(super) struct Look<'a> {
    pub(super) name: &'a str,
    pub(super) passphrase: Option<&'a PassphraseSource>,
    pub(super) settings: &'a Settings,
    pub(super) now: OffsetDateTime,
}

type Bytes = (Stamp, Zeroizing<Vec<u8>>);

impl Look<'_> {
    /// Reads a key file if it may have changed. Whether it has.
    pub(super) fn key(&self, before: Option<Cached>) -> (Cached, bool) {
        self.look(before, PrivateKey::MAX_FILE_LEN, |stamp, bytes| self.load(stamp, bytes))
    }

    /// Reads the manifest if it may have changed. Whether it has.
    pub(super) fn manifest(&self, before: Option<Cached>) -> (Cached, bool) {
        self.look(before, Manifest::MAX_LEN, |_, bytes| {
            let Ok(text) = std::str::from_utf8(bytes) else {
                return Content::Nothing(Arc::new(KeyFileError::NoText));
            };
            match Manifest::parse(text) {
                Ok(manifest) => Content::Manifest(Arc::new(Layout::of_manifest(&manifest))),
                Err(error) => Content::Nothing(Arc::new(error.into())),
            }
        })
    }

    fn look(
        &self,
        mut before: Option<Cached>,
        limit: usize,
        parse: impl FnOnce(&Stamp, &[u8]) -> Content,
    ) -> (Cached, bool) {
        let path = self.settings.folder.join(self.name);
        let stamp = match Stamp::of_path(&path) {
            Ok(stamp) => stamp,
            Err(error) => {
                let is_dangling = error.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_ok();
                let error = if is_dangling { KeyFileError::DanglingLink } else { missing_or(error) };
                return self.failed(before, error);
            }
        };
        let passphrase = self.passphrase_stamp();
        // Another passphrase may open it.
        let is_same_passphrase =
            |before: &Cached| before.passphrase == passphrase && before.source.as_ref() == self.passphrase;
        let is_unchanged = |before: &mut Cached| {
            before.is_settled && before.stamp == Some(stamp) && is_same_passphrase(before)
        };
        if let Some(before) = before.take_if(is_unchanged) {
            return (before, false);
        }
        let (stamp, bytes) = match bytes(&path, &stamp, limit) {
            Ok(read) => read,
            Err(error) => return self.failed(before, error),
        };
        let digest: [u8; 32] = Sha256::digest(&bytes[..]).into();
        if let Some(mut before) = before
            && before.digest == Some(digest)
            && is_same_passphrase(&before)
        {
            let is_changed =
                before.stamp.is_none_or(|before| before.world_readable() != stamp.world_readable());
            if before.stamp != Some(stamp) || self.now < before.read_at {
                (before.read_at, before.is_settled) = (self.now, false);
            } else {
                before.is_settled = self.now - before.read_at >= SETTLED;
            }
            before.stamp = Some(stamp);
            return (before, is_changed);
        }
        let content = parse(&stamp, &bytes);
        let is_lasting = !matches!(content, Content::Problem(_));
        let seen = Cached {
            stamp: is_lasting.then_some(stamp),
            passphrase,
            source: self.passphrase.cloned(),
            digest: is_lasting.then_some(digest),
            read_at: self.now,
            is_settled: false,
            content,
        };
        (seen, true)
    }

    /// The file could not be read.
    fn failed(&self, before: Option<Cached>, error: KeyFileError) -> (Cached, bool) {
        let is_same = before.is_some_and(|before| match &before.content {
            Content::Problem(known) => format!("{known:#}") == format!("{error:#}"),
            _ => false,
        });
        let seen = Cached {
            stamp: None,
            passphrase: None,
            source: None,
            digest: None,
            read_at: self.now,
            is_settled: false,
            content: Content::Problem(Arc::new(error)),
        };
        (seen, !is_same)
    }

    fn load(&self, stamp: &Stamp, bytes: &[u8]) -> Content {
        let loader = match self.loader() {
            Ok(loader) => loader,
            Err(error) => return Content::Problem(Arc::new(error)),
        };
        let key = match loader.load_bytes(bytes) {
            Ok(key) => key,
            Err(source) => return Content::Nothing(Arc::new(KeyFileError::Key { source })),
        };
        let fields = key.certificates().first().map(|certificate| certificate.fields()).transpose();
        match fields {
            Ok(fields) => {
                let not_after = fields.map(|fields| fields.not_after);
                Content::Key(Arc::new(Loaded { key, modified: stamp.modified(), not_after }))
            }
            Err(source) => Content::Nothing(Arc::new(KeyFileError::Key { source })),
        }
    }

    /// The loader with the passphrase that the manifest names, or else with that of the settings.
    fn loader(&self) -> Result<KeyLoader, KeyFileError> {
        let loader = KeyLoader::new();
        let unreadable = |from: String, error| KeyFileError::Passphrase { from, source: Arc::new(error) };
        match self.passphrase {
            None => Ok(match &self.settings.passphrase {
                Some(passphrase) => loader.passphrase(passphrase),
                None => loader,
            }),
            Some(PassphraseSource::Environment(name)) => match std::env::var_os(name) {
                Some(value) => Ok(loader.passphrase(Zeroizing::new(value.into_encoded_bytes()))),
                None => Err(unreadable(format!("env:{name}"), io::Error::other("the variable is not set"))),
            },
            Some(PassphraseSource::File(file)) => {
                let path = self.settings.folder.join(file);
                let from = || format!("file:{}", file.display());
                let read = Stamp::of_path(&path).map_err(|error| unreadable(from(), error))?;
                match bytes(&path, &read, MAX_PASSPHRASE_LEN) {
                    Ok((_, passphrase)) => Ok(loader.passphrase(passphrase)),
                    Err(KeyFileError::Unreadable { source }) => {
                        Err(KeyFileError::Passphrase { from: from(), source })
                    }
                    Err(error) => Err(unreadable(from(), io::Error::other(error.to_string()))),
                }
            }
        }
    }

    fn passphrase_stamp(&self) -> Option<Stamp> {
        match self.passphrase {
            Some(PassphraseSource::File(file)) => Stamp::of_path(&self.settings.folder.join(file)).ok(),
            _ => None,
        }
    }
}

impl Cached {
    #[cfg(test)]
    pub(super) const fn is_settled(&self) -> bool {
        self.is_settled
    }

    /// Why a key that could be read must not be used.
    pub(super) fn refusal(&self, settings: &Settings) -> Option<KeyFileError> {
        let mode = self.stamp.as_ref().and_then(Stamp::world_readable);
        mode.filter(|_| !settings.allows_world_readable).map(|mode| KeyFileError::WorldReadable { mode })
    }
}

/// The longest passphrase file.
const MAX_PASSPHRASE_LEN: usize = 64 * 1024;

/// Reads a file, in memory that is wiped, and checks that it did not change meanwhile.
fn bytes(path: &std::path::Path, known: &Stamp, limit: usize) -> Result<Bytes, KeyFileError> {
    // A pipe would wait for its writer.
    if !known.is_file {
        return Err(KeyFileError::NotAFile);
    }
    let mut file = File::open(path).map_err(missing_or)?;
    let stamp = |file: &File| file.metadata().map(|metadata| Stamp::of(&metadata)).map_err(unreadable);
    let before = stamp(&file)?;
    if !before.is_file {
        return Err(KeyFileError::NotAFile);
    }
    let len = usize::try_from(before.len()).unwrap_or(usize::MAX);
    if len > limit {
        return Err(KeyFileError::TooLarge { found: before.len(), limit });
    }
    // Allocate in full at once: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(len.saturating_add(64)));
    (&mut file).take(before.len().saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() != len || stamp(&file)? != before {
        return Err(KeyFileError::Changing);
    }
    Ok((before, bytes))
}

fn missing_or(error: io::Error) -> KeyFileError {
    if error.kind() == io::ErrorKind::NotFound { KeyFileError::Missing } else { unreadable(error) }
}

fn unreadable(error: io::Error) -> KeyFileError {
    KeyFileError::Unreadable { source: Arc::new(error) }
}
