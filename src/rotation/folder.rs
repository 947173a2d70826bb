//! The operations on a key folder: the next key, a compromised key, and keys that are gone.

mod error;
mod files;
mod state;
mod status;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use time::OffsetDateTime;

pub use error::KeyFolderError;
pub use status::FolderStatus;

use super::directory::Settings;
use super::edit::{self, Timing};
use super::manifest::{Manifest, ManifestKey};
use super::plan::Phase;
use super::read;
use crate::jose::{Algorithm, KeyId};
use crate::keys::PrivateKey;
use files::{Disk, Files};
use state::Changes;

/// A folder of keys that an operator changes: the next key, a compromised key, keys that are gone.
///
/// Running processes read the same folder, and carry out what its [`Manifest`] says. Every
/// operation is atomic: after a crash at any moment, the folder is as it was before or as it is
/// afterwards, and the next operation removes what is left of the interrupted one. Two operations
/// at once exclude each other.
///
/// The first operation on a folder without a manifest writes one that says what was so far implied:
/// a lone key signs, and keys whose names begin with a time sign from then on.
///
/// The functions read and write files, and block meanwhile.
///
/// ```
/// use private_key_jwt::Algorithm;
/// use private_key_jwt::rotation::{KeyFolder, Phase, RotateOptions};
/// use time::{Duration, OffsetDateTime};
///
/// # let place = std::env::temp_dir().join(format!("pkjwt-folder-{}", std::process::id()));
/// # std::fs::create_dir_all(&place)?;
/// let folder = KeyFolder::open(&place)?;
/// let start = OffsetDateTime::UNIX_EPOCH;
/// let first = folder.rotate(&RotateOptions::new(Algorithm::ES256), start)?;
/// assert_eq!(first.signs, Some(start)); // there is no other key
///
/// let later = start + Duration::days(90);
/// let second = folder.rotate(&RotateOptions::new(Algorithm::ES256), later)?;
/// assert_eq!(second.signs, Some(later + Duration::minutes(10))); // servers learn about it first
/// let phases: Vec<Phase> = folder.status(later)?.keys.iter().map(|key| key.phase).collect();
/// assert_eq!(phases, [Phase::Active, Phase::Published]);
/// # std::fs::remove_dir_all(&place)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct KeyFolder {
    path: PathBuf,
    files: Box<dyn Files>,
}

/// Options of [`KeyFolder::rotate`].
#[derive(Clone, Debug)]
pub struct RotateOptions {
    algorithm: Algorithm,
    timing: Timing,
}

impl RotateOptions {
    /// A key for this algorithm.
    #[must_use]
    pub const fn new(algorithm: Algorithm) -> Self {
        let timing = Timing { activate_in: None, overlap: None, is_forced: false };
        Self { algorithm, timing }
    }

    /// How long the key is only published before it signs. Default: twice the propagation time of
    /// the folder, which leaves time until every process has seen the key. The first key of a
    /// folder signs at once.
    #[must_use]
    pub const fn activate_in(mut self, time: Duration) -> Self {
        self.timing.activate_in = Some(time);
        self
    }

    /// How long the key before it stays published after its last signature. Default: the overlap of
    /// the folder.
    #[must_use]
    pub const fn overlap(mut self, time: Duration) -> Self {
        self.timing.overlap = Some(time);
        self
    }

    /// Lets the key sign before the propagation time is over. Requests can fail until servers have
    /// read the JWKS again.
    #[must_use]
    pub const fn forced(mut self) -> Self {
        self.timing.is_forced = true;
        self
    }
}

/// A new key: the result of [`KeyFolder::rotate`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotated {
    /// The name of the key.
    pub key_id: KeyId,
    /// The file of the key, in the folder.
    pub file: String,
    /// When the key signs. `None`: never, because another key replaces it before.
    pub signs: Option<OffsetDateTime>,
    /// The key that signs until then.
    pub before: Option<KeyName>,
    /// When the key before it leaves the JWKS.
    pub before_leaves: Option<OffsetDateTime>,
}

/// A key of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyName {
    /// The file of the key, or its URI.
    pub file: String,
    /// The name of the key. `None`: the manifest has none, and the file cannot be opened.
    pub key_id: Option<KeyId>,
}

/// The result of [`KeyFolder::revoke`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revoked {
    /// The file of the key, or its URI.
    pub file: String,
    /// Since when the key is revoked. Earlier than now if it already was.
    pub since: OffsetDateTime,
    /// What it costs.
    pub cost: RevocationCost,
}

/// What it costs to revoke a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationCost {
    /// Nothing: another key signs, as before. Servers reject what this key signed before.
    None,
    /// Another key, which servers know, signs at once.
    Replaced(KeyName),
    /// Another key signs at once. Servers that do not know it yet reject its signatures.
    Unknown(KeyName),
    /// No key signs until the next rotation.
    NoKey,
}

/// The result of [`KeyFolder::prune`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pruned {
    /// The files that are no longer in the folder, or the URIs that are no longer in the manifest.
    pub removed: Vec<String>,
    /// Keys that have left and still have to stay: without them, the plan of the others would
    /// change.
    pub kept: Vec<String>,
}

impl KeyFolder {
    /// Opens a folder.
    ///
    /// # Errors
    ///
    /// [`KeyFolderError::NoFolder`] if it does not exist or is a file; [`KeyFolderError::File`] if
    /// it cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, KeyFolderError> {
        let path = path.as_ref().to_owned();
        let folder = Self { files: Box::new(Disk(path.clone())), path };
        let names = folder.files.names();
        let is_missing = |error: &io::Error| {
            matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        };
        if names.as_ref().is_err_and(is_missing) {
            return Err(KeyFolderError::NoFolder { path: folder.path });
        }
        folder.changes().done("list", "", names)?;
        Ok(folder)
    }

    /// Makes the next key: a new file, and its entry in the manifest. The file is PKCS#8 PEM with
    /// mode 0600, and readable by the group if the key that signs now is. Its name begins with the
    /// time when it is to sign.
    ///
    /// # Errors
    ///
    /// [`KeyFolderError::TooSoon`] if the key would sign before servers know it and is not forced;
    /// [`KeyFolderError::Busy`]; [`KeyFolderError::Manifest`], [`KeyFolderError::Names`] and
    /// [`KeyFolderError::NotAKey`] for a folder that has no plan; [`KeyFolderError::Key`] and
    /// [`KeyFolderError::File`].
    pub fn rotate(&self, options: &RotateOptions, now: OffsetDateTime) -> Result<Rotated, KeyFolderError> {
        let changes = self.changes();
        let lock = changes.lock()?;
        let state = changes.begin()?;
        let plan = state.manifest.plan();
        let rotation = edit::rotate(&plan, options.timing, now).map_err(
            |edit::TooSoon { activate_in, propagation }| KeyFolderError::TooSoon { activate_in, propagation },
        )?;
        let mut key = rotation.key;
        key.file = changes.free_name(&plan, key.activate.unwrap_or(now), options.algorithm)?;

        let generated = PrivateKey::generate(options.algorithm).map_err(KeyFolderError::Key)?;
        let private = generated.private_key().map_err(KeyFolderError::Key)?;
        let facts = ManifestKey {
            key_id: Some(private.key_id().clone()),
            algorithm: Some(options.algorithm),
            ..ManifestKey::new(&*key.file)
        };
        let mut manifest = state.manifest.with_key(&key, &facts)?;
        if let Some((index, at)) = rotation.retire {
            manifest = manifest.with_retire(index, at)?;
        }
        let phases = plan.phases(now);
        let signer = position_of_active(&phases).and_then(|index| plan.keys.get(index));
        let pem = generated.to_pem().map_err(KeyFolderError::Key)?;
        changes.adopt(&state)?;
        changes.add(&key.file, pem.as_bytes(), signer.map(|key| &*key.file), &manifest)?;
        drop(lock);

        let after_it = manifest.plan();
        let moves = after_it.moves();
        let index = plan.keys.len();
        let first = |of: usize, phase| moves.iter().find(|step| (step.key, step.phase) == (of, phase));
        let signs = first(index, Phase::Active).and_then(|step| step.at);
        let until = signs.and_then(|signs| signs.checked_sub(time::Duration::NANOSECOND));
        let before = until.and_then(|until| position_of_active(&after_it.phases_after(&moves, until)));
        let before = before.filter(|index| phases.get(*index) != Some(&Phase::Revoked));
        let before_leaves = before.and_then(|index| first(index, Phase::Gone)).and_then(|step| step.at);
        let before = before.map(|index| self.name(&state.manifest, index, now));
        Ok(Rotated { key_id: private.key_id().clone(), file: key.file, signs, before, before_leaves })
    }

    /// Revokes a compromised key: it leaves the JWKS at once, and never signs again. A key that is
    /// already revoked stays so.
    ///
    /// # Errors
    ///
    /// [`KeyFolderError::NoSuchKey`] with the names of the keys; otherwise as
    /// [`KeyFolder::rotate`].
    pub fn revoke(&self, key_id: &KeyId, now: OffsetDateTime) -> Result<Revoked, KeyFolderError> {
        let changes = self.changes();
        let lock = changes.lock()?;
        let state = changes.begin()?;
        let plan = state.manifest.plan();
        let names: Vec<KeyName> =
            (0..plan.keys.len()).map(|index| self.name(&state.manifest, index, now)).collect();
        let Some(index) = names.iter().position(|name| name.key_id.as_ref() == Some(key_id)) else {
            let unknown = names.iter().filter(|name| name.key_id.is_none()).map(|name| name.file.clone());
            return Err(KeyFolderError::NoSuchKey {
                key_id: key_id.clone(),
                unknown: unknown.collect(),
                keys: names.into_iter().filter_map(|name| name.key_id).collect(),
            });
        };
        let file = names.get(index).map(|name| name.file.clone()).unwrap_or_default();
        let Some(revocation) = edit::revoke(&plan, index, now) else {
            let since = plan.keys.get(index).and_then(|key| key.revoke).unwrap_or(now);
            let is_signing = position_of_active(&plan.phases(now)).is_some();
            let cost = if is_signing { RevocationCost::None } else { RevocationCost::NoKey };
            return Ok(Revoked { file, since, cost });
        };
        let manifest = state.manifest.with_revoked(index, revocation.at)?;
        changes.adopt(&state)?;
        changes.replace(&manifest)?;
        drop(lock);
        let signer =
            revocation.signer.and_then(|(index, is_known)| Some((names.get(index)?.clone(), is_known)));
        let cost = match (revocation.was_active, signer) {
            (_, None) => RevocationCost::NoKey,
            (false, _) => RevocationCost::None,
            (true, Some((name, true))) => RevocationCost::Replaced(name),
            (true, Some((name, false))) => RevocationCost::Unknown(name),
        };
        Ok(Revoked { file, since: revocation.at, cost })
    }

    /// Removes the keys that are gone or revoked from the manifest and from the folder. Other
    /// files stay.
    ///
    /// # Errors
    ///
    /// As [`KeyFolder::rotate`]. If a file cannot be removed, the next operation tries again.
    pub fn prune(&self, now: OffsetDateTime) -> Result<Pruned, KeyFolderError> {
        let changes = self.changes();
        let _lock = changes.lock()?;
        let state = changes.begin()?;
        let plan = state.manifest.plan();
        let indices = edit::prune(&plan, now);
        let files = |is_removed: bool| {
            let phases = plan.phases(now).into_iter().enumerate();
            let of = phases.filter(|(index, phase)| {
                matches!(phase, Phase::Gone | Phase::Revoked) && indices.contains(index) == is_removed
            });
            of.filter_map(|(index, _)| plan.keys.get(index)).map(|key| key.file.clone()).collect::<Vec<_>>()
        };
        let pruned = Pruned { removed: files(true), kept: files(false) };
        if !indices.is_empty() {
            changes.adopt(&state)?;
            let are_files = |file: &String| !ManifestKey::new(&**file).is_uri();
            let gone: Vec<String> = pruned.removed.iter().filter(|file| are_files(file)).cloned().collect();
            changes.take(&gone, &state.manifest.without(&indices)?)?;
        }
        Ok(pruned)
    }

    /// The keys, their phases and their next moves. It changes nothing.
    ///
    /// # Errors
    ///
    /// [`KeyFolderError::Manifest`], [`KeyFolderError::Names`], [`KeyFolderError::NotAKey`] and
    /// [`KeyFolderError::File`]. A key that cannot be opened is no error: see
    /// [`KeyStatus::problem`](super::KeyStatus::problem).
    pub fn status(&self, now: OffsetDateTime) -> Result<FolderStatus, KeyFolderError> {
        let state = self.changes().state()?;
        Ok(status::of(&self.settings(), &state, now))
    }

    fn changes(&self) -> Changes<'_> {
        Changes { path: &self.path, files: &*self.files }
    }

    /// The settings of a directory that reads this folder.
    fn settings(&self) -> Settings {
        Settings::new(self.path.clone())
    }

    /// The name of a key: that in the manifest, or else that in the file.
    fn name(&self, manifest: &Manifest, index: usize, now: OffsetDateTime) -> KeyName {
        let Some(facts) = manifest.keys().get(index) else {
            return KeyName { file: String::new(), key_id: None };
        };
        let in_file = || Some(read::open(&self.settings(), facts, now).loaded?.key.key_id().clone());
        KeyName { file: facts.file.clone(), key_id: facts.key_id.clone().or_else(in_file) }
    }
}

impl fmt::Debug for KeyFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFolder").field("path", &self.path).finish_non_exhaustive()
    }
}

fn position_of_active(phases: &[Phase]) -> Option<usize> {
    phases.iter().position(|phase| *phase == Phase::Active)
}

#[cfg(test)]
mod tests;
