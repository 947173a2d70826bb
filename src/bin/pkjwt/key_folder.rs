//! A folder of keys, for the commands that publish them.

use std::path::{Path, PathBuf};

use private_key_jwt::keys::KeyFormat;
use private_key_jwt::rotation::Plan;
use private_key_jwt::{KeyRing, PrivateKey};
use time::OffsetDateTime;

use crate::error::{Context, Failure};
use crate::key::{self, KeyOptions};
use crate::{output, source};

/// The name of the file that says when each key is published and signs.
const MANIFEST: &str = "keys.toml";

/// The keys of a folder.
pub(crate) struct KeyFolder {
    /// The keys that are published now.
    pub(crate) keys: KeyRing,
    /// When each of them is published, signs and leaves. `None` if nothing in the folder says so.
    pub(crate) plan: Option<Plan>,
}

/// Reads a folder: every private key in it, in the order of their names. Hidden files, folders, and
/// files that hold only public keys are ignored.
pub(crate) fn read(folder: &Path, options: &KeyOptions, now: OffsetDateTime) -> Result<KeyFolder, Failure> {
    let mut keys: Option<KeyRing> = None;
    for path in files(folder)? {
        let name = source::name(&path);
        if path.file_name().is_some_and(|name| name == MANIFEST) {
            return Err(Failure::refused(name, "a folder with a manifest cannot be read yet"));
        }
        let bytes = source::read(&path, PrivateKey::MAX_FILE_LEN)?;
        if KeyFormat::of(&bytes).is_ok_and(|format| !format.is_private()) {
            continue;
        }
        let key = key::open(&name, &bytes, options)?;
        match &keys {
            None => keys = Some(KeyRing::from(key)),
            Some(keys) => drop(keys.publish(key, now).context(name)?),
        }
    }
    match keys {
        Some(keys) => Ok(KeyFolder { keys, plan: None }),
        None => Err(Failure::refused(source::name(folder), "no private key in this folder").hint(format!(
            "make one with `pkjwt keygen --alg ES256 --out {}`",
            output::quoted(&format!("{}/key.pem", source::name(folder)))
        ))),
    }
}

/// The files of a folder that are not hidden, in the order of their names.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let name = || source::name(folder);
    let entries = std::fs::read_dir(folder).context(name())?;
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.context(name())?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !is_hidden && entry.path().is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}
