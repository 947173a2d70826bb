//! Files that are replaced between two steps of a read.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use time::OffsetDateTime;

use super::*;
use crate::jose::Algorithm;
use crate::keys::PrivateKey;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn key(&self, name: &str) -> String {
        let key = PrivateKey::generate(Algorithm::EdDSA).unwrap();
        self.write(name, &key.to_pem().unwrap());
        key.private_key().unwrap().key_id().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        #[cfg(unix)]
        fs::set_permissions(self.path(name), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }

    fn reader(&self) -> Reader {
        Reader::new(Arc::new(Settings::new(self.0.path().to_owned())))
    }
}

fn ids(reading: &Reading) -> Vec<String> {
    let key_id = |(name, read): (&String, &Result<Arc<Loaded>, Arc<KeyFileError>>)| match read {
        Ok(loaded) => format!("{name} {}", loaded.key.key_id()),
        Err(error) => format!("{name} {error}"),
    };
    reading.files.iter().map(key_id).collect()
}

#[test]
fn a_folder_that_changes_while_it_is_read_is_read_again() {
    let folder = Folder::new();
    let (a, b) = (folder.key("a.pem"), folder.key("b.pem"));
    let mut reader = folder.reader();
    let calls = Arc::new(AtomicUsize::new(0));
    let (path, count) = (folder.path(""), Arc::clone(&calls));
    // After the first file was listed, the second one is gone and there is another.
    reader.between = Some(Box::new(move |name| {
        if count.fetch_add(1, Ordering::Relaxed) == 0 {
            assert_eq!(name, "a.pem");
            fs::rename(path.join("b.pem"), path.join("c.pem")).unwrap();
        }
    }));
    let reading = reader.read(NOW).unwrap();
    assert_eq!(ids(&reading), [format!("a.pem {a}"), format!("c.pem {b}")]);
    assert_eq!(calls.load(Ordering::Relaxed), 4);
    assert!(reader.read(NOW).is_none());
}

#[test]
fn a_folder_that_never_rests_is_read_as_it_is() {
    let folder = Folder::new();
    let a = folder.key("a.pem");
    let mut reader = folder.reader();
    let path = folder.path("");
    let mut number = 0;
    reader.between = Some(Box::new(move |_| {
        number += 1;
        fs::write(path.join(format!(".{number}")), "").unwrap();
    }));
    assert_eq!(ids(&reader.read(NOW).unwrap()), [format!("a.pem {a}")]);
}

#[test]
fn a_file_is_read_again_only_if_its_status_changed_or_it_is_new() {
    let folder = Folder::new();
    folder.key("a.pem");
    let mut reader = folder.reader();
    let at = |seconds: i64| NOW + time::Duration::seconds(seconds);
    assert!(reader.read(at(0)).is_some());
    let settled = |reader: &Reader| reader.files["a.pem"].is_settled();
    // Until then, it might have been written again within one tick of the file system's clock.
    for (seconds, expected) in [(0, false), (1, false), (2, true), (9, true)] {
        assert!(reader.read(at(seconds)).is_none());
        assert_eq!(settled(&reader), expected, "{seconds}");
    }
    let b = folder.key("a.pem");
    assert_eq!(ids(&reader.read(at(10)).unwrap()), [format!("a.pem {b}")]);
    assert!(!settled(&reader));
    // A clock that is set back does not settle it early or never.
    for (seconds, expected) in [(-10, false), (-9, false), (-8, true)] {
        assert!(reader.read(at(seconds)).is_none());
        assert_eq!(settled(&reader), expected, "{seconds}");
    }
}

#[test]
fn what_is_no_key_is_left_out_until_it_was_one() {
    let folder = Folder::new();
    let certificate = fs::read_to_string("testdata/keys/p256.cert.pem").unwrap();
    folder.write("a.pem", &certificate);
    folder.write("a.pem~", "x");
    folder.write(".a.pem", "x");
    let mut reader = folder.reader();
    assert_eq!(ids(&reader.read(NOW).unwrap()), <[String; 0]>::default());
    let a = folder.key("a.pem");
    assert_eq!(ids(&reader.read(NOW).unwrap()), [format!("a.pem {a}")]);
    folder.write("a.pem", &certificate);
    for _ in 0..2 {
        reader.read(NOW);
        assert_eq!(ids(reader.last()), ["a.pem not a usable key"]);
    }
}
