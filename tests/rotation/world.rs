//! A folder of keys, a clock and the events of a directory.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use private_key_jwt::keys::{KeyState, Signer};
use private_key_jwt::observer::{Event, Observer};
use private_key_jwt::rotation::{KeyDirectory, KeyDirectoryBuilder, KeyDirectoryError, KeyStatus, Phase};
use private_key_jwt::transport::Clock;
use private_key_jwt::{Algorithm, PrivateKey};
use tempfile::TempDir;
use time::OffsetDateTime;

use crate::support::clock::TestClock;
use crate::support::now;

pub(crate) const PROPAGATION: i64 = 300;
/// The assertion lifetime and the propagation time, by default.
pub(crate) const VERIFIED: i64 = 900;
pub(crate) const DAY: i64 = 86_400;

/// A key as PEM, and its name.
#[derive(Clone)]
pub(crate) struct Pem {
    pub(crate) text: String,
    pub(crate) id: String,
}

pub(crate) fn pem() -> Pem {
    let key = PrivateKey::generate(Algorithm::ES256).unwrap();
    let id = key.private_key().unwrap().key_id().to_string();
    Pem { text: key.to_pem().unwrap().to_string(), id }
}

/// Events in words, in their order.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Vec<String>>>);

impl Events {
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Observer for Events {
    fn event(&self, event: &Event<'_>) {
        let words = match *event {
            Event::KeyPhaseChanged { file, previous, phase, .. } => {
                format!("{file}: {} to {phase}", previous.unwrap_or("new"))
            }
            Event::KeyFileProblemBegan { file, error, .. } => format!("{file} began: {error:#}"),
            Event::KeyFileProblemEnded { file, error, .. } => format!("{file} ended: {error:#}"),
            Event::CertificateExpiring { file, remaining, .. } => {
                format!("{file} expires in {} s", remaining.as_secs())
            }
            _ => panic!("{event:?}"),
        };
        assert!(!words.contains("PRIVATE"), "{words}");
        self.0.lock().unwrap().push(words);
    }
}

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) clock: TestClock,
    pub(crate) events: Events,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), clock: TestClock::new(), events: Events::default() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file that only its owner may read.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        write(&self.path(name), content.as_ref());
        self.written(name, 0);
    }

    /// Sets when a file was written, from now.
    pub(crate) fn written(&self, name: &str, seconds: i64) {
        let time = self.clock.now() + time::Duration::seconds(seconds);
        let file = fs::File::options().write(true).open(self.path(name)).unwrap();
        file.set_modified(time.into()).unwrap();
    }

    /// Writes another file and renames it over this one.
    pub(crate) fn rename_over(&self, name: &str, content: impl AsRef<[u8]>) {
        self.write(".new", content);
        fs::rename(self.path(".new"), self.path(name)).unwrap();
    }

    pub(crate) fn builder(&self) -> KeyDirectoryBuilder {
        KeyDirectory::builder(self.folder.path())
            .clock(self.clock.clone())
            .observer(self.events.clone())
            .without_watching()
    }

    pub(crate) async fn try_open(&self) -> Result<KeyDirectory, KeyDirectoryError> {
        self.builder().open().await
    }

    /// Opens the folder, and forgets the events.
    pub(crate) async fn open(&self) -> KeyDirectory {
        let keys = self.try_open().await.unwrap();
        self.events.take();
        keys
    }

    /// Lets time pass, and reads the folder.
    pub(crate) async fn pass(&self, keys: &KeyDirectory, seconds: i64) {
        self.clock.pass(seconds);
        keys.refresh().await;
    }
}

pub(crate) fn write(path: &Path, content: &[u8]) {
    fs::write(path, content).unwrap();
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

pub(crate) fn at(seconds: i64) -> OffsetDateTime {
    now() + time::Duration::seconds(seconds)
}

/// A time as RFC 3339.
pub(crate) fn utc(seconds: i64) -> String {
    let time = at(seconds);
    let ((year, month, day), (hour, minute, second)) = (time.to_calendar_date(), time.to_hms());
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", u8::from(month))
}

/// A time as the name of a file has it.
pub(crate) fn dated(seconds: i64) -> String {
    format!("{}.pem", utc(seconds).replace(':', "-"))
}

/// An entry of a manifest: its file, and each time with its name.
pub(crate) fn entry(file: &str, times: &[(&str, i64)]) -> String {
    let times: String = times.iter().map(|(name, seconds)| format!("{name} = {}\n", utc(*seconds))).collect();
    format!("[[key]]\nfile = \"{file}\"\n{times}")
}

/// The name of the key that signs.
pub(crate) fn active(keys: &KeyDirectory) -> String {
    signer(keys).public_jwk().key_id().unwrap().to_string()
}

pub(crate) fn signer(keys: &KeyDirectory) -> Arc<dyn Signer> {
    keys.ring().active().unwrap()
}

/// The phases of the keys, by their names.
pub(crate) fn phases(keys: &KeyDirectory) -> BTreeMap<String, Phase> {
    keys.status().keys.into_iter().map(|key| (key.key_id.unwrap().to_string(), key.phase)).collect()
}

pub(crate) fn key<'k>(keys: &'k [KeyStatus], id: &str) -> &'k KeyStatus {
    keys.iter().find(|key| key.key_id == Some(id.into())).unwrap()
}

/// The problems, as file and reason.
pub(crate) fn problems(keys: &KeyDirectory) -> Vec<String> {
    let problems = keys.status().problems;
    problems.iter().map(|problem| format!("{}: {:#}", problem.file, problem.reason)).collect()
}

/// The names of the keys in the JWKS, in its order.
pub(crate) fn published(keys: &KeyDirectory) -> Vec<String> {
    keys.ring().jwks().keys().iter().map(|key| key.key_id().unwrap().to_string()).collect()
}

/// What holds at any time: one key signs, and it is in the JWKS. The status says what the ring
/// does.
#[track_caller]
pub(crate) fn check(keys: &KeyDirectory) {
    let (listed, status) = (keys.ring().list(), keys.status());
    let signing = listed.iter().filter(|key| matches!(key.state, KeyState::Active(_))).count();
    assert_eq!(signing, 1, "{listed:?} {status:?}");
    let in_ring: Vec<_> =
        listed.iter().map(|key| (Some(key.key_id.clone()), key.state.to_string())).collect();
    let in_status = status.keys.iter().filter(|key| key.phase.is_published());
    assert_eq!(in_ring, in_status.map(|key| (key.key_id.clone(), key.phase.to_string())).collect::<Vec<_>>());
    assert!(published(keys).contains(&active(keys)));
    assert!(serde_json::to_string(&status).is_ok_and(|text| !text.contains("PRIVATE")));
}

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
