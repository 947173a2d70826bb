//! Why an operation on a key folder failed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::jose::KeyId;
use crate::keys::{Cause, KeyError, caused};
use crate::rotation::manifest::ManifestError;
use crate::rotation::names::NamesError;

/// Why an operation on a [`KeyFolder`](super::KeyFolder) failed. The folder is as it was before, or
/// as it is after the operation.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFolderError {
    /// There is no folder of this name.
    #[error("no folder {}; check the name, or make the folder with mode 0700", path.display())]
    NoFolder {
        /// The name.
        path: PathBuf,
    },
    /// A file cannot be read, written or removed.
    #[error(fmt = file)]
    File {
        /// What was tried: `read`, `write`, `remove`, `lock` or `list`.
        action: &'static str,
        /// The file or the folder.
        path: PathBuf,
        /// The error of the operating system.
        source: Cause,
    },
    /// The manifest is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// There is no manifest, and the names of the keys say too little.
    #[error(transparent)]
    Names(#[from] NamesError),
    /// There is no manifest, and a file is neither a key nor a certificate. It may be a damaged
    /// key.
    #[error(
        "{} is neither a key nor a certificate; repair it, move it out of the folder, or write a keys.toml that \
         names the keys",
        path.display()
    )]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// The key cannot be generated.
    #[error(fmt = key)]
    Key(#[source] KeyError),
    /// Another process changes the folder.
    #[error("another process is changing {}; try again", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// The manifest is a symbolic link or no file. Replacing it would cut the link.
    #[error("{} is not a regular file; change the keys where that file is", path.display())]
    NotRegular {
        /// The manifest.
        path: PathBuf,
    },
    /// The new key would sign before servers know it.
    #[error(
        "the key would sign after {} s, before the propagation time of {} s; wait for that time, or force it",
        activate_in.as_secs(), propagation.as_secs()
    )]
    TooSoon {
        /// How long the key would only be published.
        activate_in: Duration,
        /// How long servers may keep a copy of the JWKS.
        propagation: Duration,
    },
    /// There is no key of this name.
    #[error("no key `{key_id}`; {}", known(.keys, .unknown))]
    NoSuchKey {
        /// The name.
        key_id: KeyId,
        /// The names of the keys of the folder.
        keys: Vec<KeyId>,
        /// Files whose names of keys are unknown, because they cannot be opened.
        unknown: Vec<String>,
    },
}

caused! {
    file(action: &str, path: &Path) by source: &Cause => "cannot {action} {}", path.display();
    key() by source: &KeyError => "cannot generate a key";
}

fn known(keys: &[KeyId], unknown: &[String]) -> String {
    const MOST: usize = 16;
    let listed = |names: Vec<String>| match names.len().checked_sub(MOST) {
        None | Some(0) => names.join(", "),
        Some(more) => {
            format!("{} and {more} more", names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", "))
        }
    };
    let names = listed(keys.iter().map(ToString::to_string).collect());
    let known = if keys.is_empty() {
        "the folder has no keys that can be read".to_owned()
    } else {
        format!("the folder has {names}")
    };
    if unknown.is_empty() { known } else { format!("{known}; cannot open {}", listed(unknown.to_vec())) }
}
