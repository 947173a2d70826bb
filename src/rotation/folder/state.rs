//! How the state of a folder is read, and how it changes from one to the next without a moment in
//! between.

use std::any::Any;
use std::io;
use std::path::Path;

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::error::KeyFolderError;
use super::files::{Files, Kind};
use crate::jose::Algorithm;
use crate::keys::{KeyFormat, PrivateKey};
use crate::rotation::manifest::Manifest;
use crate::rotation::names;
use crate::rotation::plan::Plan;

const LOCK: &str = ".pkjwt-lock";
/// A new manifest.
const NEW_MANIFEST: &str = ".pkjwt-keys.toml";
/// A new key.
const NEW_KEY: &str = ".pkjwt-key";
/// The files that do not belong in the folder unless the manifest names them, one a line. It is
/// there while an operation is at work, and after one that was interrupted.
const JOURNAL: &str = ".pkjwt-journal";

/// What a folder says.
pub(super) struct State {
    pub(super) manifest: Manifest,
    /// Whether the manifest is a file. Otherwise the names of the keys say the same.
    pub(super) has_manifest: bool,
    /// The keys of the folder that the manifest does not name.
    pub(super) unlisted: Vec<String>,
}

/// A folder and the operations on its files.
#[derive(Clone, Copy)]
pub(super) struct Changes<'f> {
    pub(super) path: &'f Path,
    pub(super) files: &'f dyn Files,
}

type Result<T> = std::result::Result<T, KeyFolderError>;

impl Changes<'_> {
    /// Keeps other processes out.
    pub(super) fn lock(&self) -> Result<Box<dyn Any>> {
        let lock = self.done("lock", LOCK, self.files.lock(LOCK))?;
        lock.ok_or_else(|| KeyFolderError::Busy { path: self.path.to_owned() })
    }

    /// The names of the files that may be keys.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let names = self.done("list", "", self.files.names())?;
        Ok(names.into_iter().filter(|name| names::may_be_key(name.as_ref())).collect())
    }

    /// Removes what an interrupted operation left, and reads the state.
    pub(super) fn begin(&self) -> Result<State> {
        if self.done("read", Manifest::FILE, self.files.kind(Manifest::FILE))? == Kind::Other {
            return Err(KeyFolderError::NotRegular { path: self.path.join(Manifest::FILE) });
        }
        self.clean()?;
        self.state()
    }

    pub(super) fn state(&self) -> Result<State> {
        let manifest = self.manifest()?;
        let mut keys = Vec::new();
        for name in self.names()? {
            let is_listed = |manifest: &Manifest| manifest.keys().iter().any(|key| key.file == name);
            if !manifest.as_ref().is_some_and(is_listed) && self.is_key(&name, manifest.is_some())? {
                keys.push(name);
            }
        }
        match manifest {
            Some(manifest) => Ok(State { manifest, has_manifest: true, unlisted: keys }),
            None => {
                let manifest = Manifest::of(&names::plan(&keys)?)?;
                Ok(State { manifest, has_manifest: false, unlisted: Vec::new() })
            }
        }
    }

    /// Writes a manifest that says what the folder without one says.
    pub(super) fn adopt(&self, state: &State) -> Result<()> {
        if state.has_manifest {
            return Ok(());
        }
        let like = state.manifest.keys().first().map(|key| &*key.file);
        self.write(NEW_MANIFEST, state.manifest.to_string().as_bytes(), like)?;
        self.done("write", Manifest::FILE, self.files.publish(NEW_MANIFEST, Manifest::FILE))?;
        self.sync_folder()
    }

    /// Adds a key: first its file, then the manifest that names it.
    pub(super) fn add(&self, name: &str, pem: &[u8], like: Option<&str>, manifest: &Manifest) -> Result<()> {
        let added = self.write(JOURNAL, format!("{name}\n").as_bytes(), None).and_then(|()| {
            // A key outside the process has no file, and another file may be missing.
            let like = like.filter(|like| self.files.kind(like).is_ok_and(|kind| kind == Kind::File));
            self.write(NEW_KEY, pem, like)?;
            self.done("write", name, self.files.publish(NEW_KEY, name))?;
            self.commit(manifest)
        });
        // What cannot be removed now is removed by the next operation.
        let _ = self.clean();
        added
    }

    /// Takes keys out: first out of the manifest, then their files.
    pub(super) fn take(&self, names: &[String], manifest: &Manifest) -> Result<()> {
        let lines: String = names.iter().map(|name| format!("{name}\n")).collect();
        let taken = self.write(JOURNAL, lines.as_bytes(), None).and_then(|()| self.commit(manifest));
        let cleaned = self.clean();
        taken.and(cleaned)
    }

    /// Replaces the manifest.
    pub(super) fn replace(&self, manifest: &Manifest) -> Result<()> {
        let replaced = self.commit(manifest);
        let _ = self.clean();
        replaced
    }

    fn commit(&self, manifest: &Manifest) -> Result<()> {
        self.write(NEW_MANIFEST, manifest.to_string().as_bytes(), Some(Manifest::FILE))?;
        // The files that it names are there before it is.
        self.sync_folder()?;
        self.done("write", Manifest::FILE, self.files.replace(NEW_MANIFEST, Manifest::FILE))?;
        self.sync_folder()
    }

    /// A name for a new key that no file and no entry has.
    pub(super) fn free_name(
        &self,
        plan: &Plan,
        activate: OffsetDateTime,
        algorithm: Algorithm,
    ) -> Result<String> {
        let (date, time) = (activate.date(), activate.time());
        let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
        let (hour, minute, second) = time.as_hms();
        let stem = format!("{year:04}-{month:02}-{day:02}T{hour:02}-{minute:02}-{second:02}Z-{algorithm}");
        let mut name = format!("{stem}.pem");
        for count in 2.. {
            let is_named = plan.keys.iter().any(|key| key.file == name);
            if !is_named && self.done("read", &name, self.files.kind(&name))? == Kind::Nothing {
                break;
            }
            name = format!("{stem}-{count}.pem");
        }
        Ok(name)
    }

    fn manifest(&self) -> Result<Option<Manifest>> {
        let bytes = match self.files.read(Manifest::FILE, Manifest::MAX_LEN) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => self.done("read", Manifest::FILE, bytes)?,
        };
        Ok(Some(Manifest::from_bytes(&bytes)?))
    }

    /// Whether a file contains a private key. Where the names of the keys are the plan, a file that
    /// is neither a key nor a certificate may be a damaged key.
    fn is_key(&self, name: &str, has_manifest: bool) -> Result<bool> {
        let bytes: Zeroizing<Vec<u8>> = match self.files.read(name, PrivateKey::MAX_FILE_LEN) {
            // With a manifest, other files do not matter.
            Err(_) if has_manifest => return Ok(false),
            bytes => self.done("read", name, bytes)?,
        };
        match KeyFormat::of(&bytes) {
            Ok(format) => Ok(format.is_private()),
            Err(_) if has_manifest => Ok(false),
            Err(_) => Err(KeyFolderError::NotAKey { path: self.path.join(name) }),
        }
    }

    /// Removes what an operation leaves.
    fn clean(&self) -> Result<()> {
        for name in [NEW_KEY, NEW_MANIFEST] {
            self.remove(name)?;
        }
        if self.done("read", JOURNAL, self.files.kind(JOURNAL))? == Kind::Nothing {
            return Ok(());
        }
        // Without a manifest, it does not say what belongs here.
        if let Some(manifest) = self.manifest()? {
            let journal = self.done("read", JOURNAL, self.files.read(JOURNAL, Manifest::MAX_LEN))?;
            let journal = String::from_utf8_lossy(&journal);
            // The last line may be cut.
            for name in journal.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
                let is_listed = manifest.keys().iter().any(|key| key.file == name);
                if !is_listed && Manifest::is_name_of_key(name) {
                    self.remove(name)?;
                }
            }
            self.sync_folder()?;
        }
        self.remove(JOURNAL)
    }

    fn write(&self, name: &str, bytes: &[u8], like: Option<&str>) -> Result<()> {
        self.done("write", name, self.files.write_new(name, bytes, like))?;
        self.done("write", name, self.files.sync(name))
    }

    fn remove(&self, name: &str) -> Result<()> {
        match self.files.remove(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => self.done("remove", name, removed),
        }
    }

    fn sync_folder(&self) -> Result<()> {
        self.done("write", "", self.files.sync_folder())
    }

    pub(super) fn done<T>(&self, action: &'static str, name: &str, result: io::Result<T>) -> Result<T> {
        let path = if name.is_empty() { self.path.to_owned() } else { self.path.join(name) };
        result.map_err(|error| KeyFolderError::File { action, path, source: error.into() })
    }
}
