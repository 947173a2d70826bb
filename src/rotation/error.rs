//! Why a file of a key folder cannot be used, and why a folder has no key that signs.

use std::sync::Arc;

use time::OffsetDateTime;

use super::manifest::ManifestError;
use super::names::NamesError;
use crate::jose::moment::Utc;
use crate::jose::{Algorithm, KeyId};
use crate::keys::{KeyError, caused};

/// Why a folder of keys cannot be opened.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyDirectoryError {
    /// No key of the folder can sign.
    #[error(fmt = no_signing_key)]
    NoSigningKey {
        /// The folder.
        folder: String,
        /// The first file with a problem, `.` for the folder itself.
        file: String,
        /// What is wrong with that file.
        source: Arc<KeyFileError>,
    },
    /// A signer may not be used: one that was passed to
    /// [`KeyDirectoryBuilder::signer`](super::KeyDirectoryBuilder::signer).
    #[error(fmt = signer)]
    Signer {
        /// The URI of the signer.
        uri: String,
        /// What is wrong with it.
        source: KeyError,
    },
    /// The runtime ended before the folder was read.
    #[error("cannot read the folder {folder}: the tokio runtime is shutting down")]
    Shutdown {
        /// The folder.
        folder: String,
    },
}

/// Why a file of a key folder, or the folder itself, cannot be used. Keys that are in use stay in
/// use.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The operating system cannot read it.
    #[error(fmt = unreadable)]
    Unreadable {
        /// The error of the operating system.
        source: Arc<std::io::Error>,
    },
    /// A link whose target does not exist.
    #[error("the link leads nowhere; restore its target")]
    DanglingLink,
    /// A folder, a pipe or a device.
    #[error("not a regular file; replace it with a key file")]
    NotAFile,
    /// It is longer than any file of its kind.
    #[error("the file is too large: it has {found} bytes, the limit is {limit}; replace it")]
    TooLarge {
        /// Its length in bytes.
        found: u64,
        /// The most bytes that are read.
        limit: usize,
    },
    /// It changed during the read. It is read again at the next look.
    #[error("the file changed while it was read; write a new file and rename it")]
    Changing,
    /// Every user of the machine may read it.
    #[error(
        "every user may read the file (mode {mode:04o}); run `chmod o-r` on it, or call allow_world_readable"
    )]
    WorldReadable {
        /// Its permissions.
        mode: u32,
    },
    /// Its content is not a usable key.
    #[error(fmt = key)]
    Key {
        /// What is wrong with it.
        source: KeyError,
    },
    /// The passphrase of the key cannot be read.
    #[error(fmt = passphrase)]
    Passphrase {
        /// The environment variable or file, as the manifest names it.
        from: String,
        /// Why not.
        source: Arc<std::io::Error>,
    },
    /// The manifest states another `kid` than the key.
    #[error("the manifest states kid `{expected}`, the key has `{found}`; correct the manifest or the file")]
    OtherKeyId {
        /// The `kid` of the manifest.
        expected: KeyId,
        /// The `kid` of the key.
        found: KeyId,
    },
    /// The manifest states another algorithm than a key outside the process.
    #[error("the manifest states {expected}, the key signs with {found}; correct the manifest")]
    OtherAlgorithm {
        /// The algorithm of the manifest.
        expected: Algorithm,
        /// The algorithm of the key.
        found: Algorithm,
    },
    /// Another key has the same `kid`. Servers could not tell them apart.
    #[error("kid `{key_id}` is already the name of another key, in {file}; give this key another kid")]
    KeyIdTaken {
        /// The `kid`.
        key_id: KeyId,
        /// The file of the other key.
        file: String,
    },
    /// The certificate of the key is past its end.
    #[error("the certificate expired at {}; renew it", Utc::from(*not_after))]
    Expired {
        /// The last second of the certificate.
        not_after: OffsetDateTime,
    },
    /// The manifest names a file that does not exist.
    #[error("the manifest names the file, and it does not exist; add the file, or remove its entry")]
    Missing,
    /// The manifest names a key outside the process that was not passed to
    /// [`KeyDirectoryBuilder::signer`](super::KeyDirectoryBuilder::signer).
    #[error("the manifest names this URI, and no signer was passed for it; call KeyDirectoryBuilder::signer")]
    NoSigner,
    /// The manifest cannot be used. The last one that could stays in force.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The manifest is no text.
    #[error("the manifest is not UTF-8; write it as text")]
    NoText,
    /// The manifest is gone. The last one stays in force.
    #[error("the manifest is gone; put it back, or open the folder again to do without one")]
    ManifestGone,
    /// The names of several keys say nothing about when each signs.
    #[error(transparent)]
    Names(#[from] NamesError),
    /// The folder has no key.
    #[error("the folder has no key; add a key file")]
    NoKeys,
    /// More files than any folder of keys has. The others are not read.
    #[error("the folder has more than {limit} files; move other files out of it")]
    TooManyFiles {
        /// The most files that are read.
        limit: usize,
    },
    /// Every key is revoked, or cannot be used.
    #[error("no key may sign; add a key")]
    NoneSigns,
    /// By the plan, no key may sign yet, and this one does because there is no other.
    #[error("no key of the plan may sign yet, so this one does; compare the clock with the plan")]
    TooEarly,
}

/// The problem of an expired certificate.
pub(super) fn expired(not_after: Option<OffsetDateTime>, now: OffsetDateTime) -> Option<KeyFileError> {
    // Its last second belongs to it (RFC 5280 §4.1.2.5).
    let not_after = not_after.filter(|end| end.unix_timestamp() < now.unix_timestamp())?;
    Some(KeyFileError::Expired { not_after })
}

/// The file, unless the reason says where it is.
fn place(file: &str, reason: &KeyFileError) -> String {
    if file == "." || matches!(reason, KeyFileError::Manifest(_)) {
        return String::new();
    }
    format!(": {file}")
}

caused! {
    no_signing_key(folder: &str, file: &str) by source: &KeyFileError => "no key in {folder} can sign{}", place(file, source);
    signer(uri: &str) by source: &KeyError => "cannot use the signer for {uri}";
    unreadable() by source: &std::io::Error => "cannot read the file";
    key() by source: &KeyError => "not a usable key";
    passphrase(from: &str) by source: &std::io::Error => "cannot read the passphrase from {from}";
}
