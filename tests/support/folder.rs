//! A folder of keys, as its operator changes it and as processes see it.

use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use private_key_jwt::rotation::{KeyFolder, Manifest, RotateOptions};
use private_key_jwt::{Algorithm, KeyId};
use tempfile::TempDir;
use time::OffsetDateTime;

use super::mount;

/// When a new key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timing {
    /// At once, before servers have read it.
    Forced,
    /// By default.
    Usual,
    /// As soon as the folder allows.
    Early,
}

impl Timing {
    pub const ALL: [Self; 3] = [Self::Forced, Self::Usual, Self::Early];

    const fn options(self, propagation: Duration) -> RotateOptions {
        let options = RotateOptions::new(Algorithm::ES256);
        match self {
            Self::Forced => options.activate_in(Duration::ZERO).forced(),
            Self::Usual => options,
            Self::Early => options.activate_in(propagation),
        }
    }
}

pub struct Folder {
    propagation: Duration,
    /// The folder of the operator.
    keys: TempDir,
    /// The same files as a mounted secret.
    mounted: Option<TempDir>,
}

impl Folder {
    /// A folder with its first key, and with this propagation time and lifetime of assertions.
    pub fn new(propagation: Duration, lifetime: Duration) -> Self {
        let folder = Self { propagation, keys: tempfile::tempdir().unwrap(), mounted: None };
        let [propagation, lifetime] = [propagation, lifetime].map(|time| time.as_secs());
        let times = format!(
            "propagation = \"{propagation}s\"\noverlap = \"{lifetime}s\"\nlifetime = \"{lifetime}s\"\n"
        );
        fs::write(folder.keys.path().join(Manifest::FILE), times).unwrap();
        folder.rotate_now(Timing::Usual);
        folder
    }

    /// Lets processes see the folder as Kubernetes mounts a secret.
    pub fn mounted(self) -> Self {
        let folder = Self { mounted: Some(tempfile::tempdir().unwrap()), ..self };
        folder.swap();
        folder
    }

    /// The folder that processes follow.
    pub fn path(&self) -> &Path {
        self.mounted.as_ref().unwrap_or(&self.keys).path()
    }

    /// Adds the next key, and removes those that are gone. Returns the name of the new one. Needs
    /// a runtime with several threads.
    pub fn rotate(&self, timing: Timing) -> KeyId {
        // Writes files until they are durable.
        tokio::task::block_in_place(|| {
            let key_id = self.rotate_now(timing);
            self.swap();
            key_id
        })
    }

    /// The number of keys that processes see.
    pub fn keys(&self) -> usize {
        KeyFolder::open(self.path()).unwrap().status(OffsetDateTime::now_utc()).unwrap().keys.len()
    }

    fn rotate_now(&self, timing: Timing) -> KeyId {
        let folder = KeyFolder::open(self.keys.path()).unwrap();
        let rotated = folder.rotate(&timing.options(self.propagation), OffsetDateTime::now_utc()).unwrap();
        folder.prune(OffsetDateTime::now_utc()).unwrap();
        rotated.key_id
    }

    fn swap(&self) {
        let Some(mounted) = &self.mounted else { return };
        let files = fs::read_dir(self.keys.path()).unwrap().map(|entry| entry.unwrap().path());
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let files: Vec<(String, Vec<u8>)> = files
            .filter(|path| !name(path).starts_with('.'))
            .map(|path| (name(&path), fs::read(path).unwrap()))
            .collect();
        let files: Vec<(&str, &[u8])> =
            files.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
        let moment = format!("..{}", OffsetDateTime::now_utc().unix_timestamp_nanos());
        mount::swap(mounted.path(), &moment, &files, |path, content| {
            write(&mounted.path().join(path), content)
        });
    }
}

fn write(path: &Path, content: &[u8]) {
    use std::io::Write;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o440).open(path).unwrap();
    file.write_all(content).unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o7777, 0o440);
}
