use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, io};

use tempfile::TempDir;
use zeroize::Zeroizing;

use super::*;
use crate::rotation::edit;
use files::Kind;

mod faults;
mod operations;

const START: i64 = 1_796_083_200;

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(START + seconds).unwrap()
}

fn options() -> RotateOptions {
    RotateOptions::new(Algorithm::EdDSA)
}

fn folder(place: &TempDir) -> KeyFolder {
    KeyFolder::open(place.path()).unwrap()
}

/// A key file as it may have been there before the folder had a manifest.
fn put_key(place: &TempDir, name: &str) -> KeyId {
    let generated = PrivateKey::generate(Algorithm::EdDSA).unwrap();
    fs::write(place.path().join(name), generated.to_pem().unwrap().as_bytes()).unwrap();
    set_mode(place, name, 0o600);
    generated.private_key().unwrap().key_id().clone()
}

fn set_mode(place: &TempDir, name: &str, mode: u32) {
    #[cfg(unix)]
    fs::set_permissions(place.path().join(name), std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    #[cfg(not(unix))]
    let _ = (place, name, mode);
}

/// The names of all files, also the hidden ones.
fn names(place: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(place.path()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn manifest(place: &TempDir) -> String {
    fs::read_to_string(place.path().join(Manifest::FILE)).unwrap()
}

/// `file phase` of each key.
fn phases(folder: &KeyFolder, now: OffsetDateTime) -> Vec<String> {
    let status = folder.status(now).unwrap();
    status.keys.iter().map(|key| format!("{} {}", key.file, key.phase)).collect()
}

/// Shows an error as an operator reads it.
fn text(error: &KeyFolderError) -> String {
    format!("{error:#}")
}
