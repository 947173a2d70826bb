//! What the operating system says about a file, to know whether it changed.

use std::fs::Metadata;
use std::io;
use std::path::Path;

use time::OffsetDateTime;

/// What changes when a file is written, replaced, or gets other permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rotation) struct Stamp {
    /// The file system and the number of the file in it.
    identity: [u64; 2],
    len: u64,
    mode: u32,
    /// When the content and when the status changed last, in nanoseconds.
    changed: [i128; 2],
    pub(super) is_file: bool,
    is_folder: bool,
}

impl Stamp {
    /// Follows links: Kubernetes mounts links.
    pub(in crate::rotation) fn of_path(path: &Path) -> io::Result<Self> {
        std::fs::metadata(path).map(|metadata| Self::of(&metadata))
    }

    pub(super) fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok().map(OffsetDateTime::from);
        let modified = modified.map_or(0, OffsetDateTime::unix_timestamp_nanos);
        let (is_file, is_folder, len) = (metadata.is_file(), metadata.is_dir(), metadata.len());
        let (identity, mode, status) = of_system(metadata);
        Self { identity, len, mode, changed: [modified, status], is_file, is_folder }
    }

    /// Whether two stamps are of the same file or folder, whatever is in it.
    pub(in crate::rotation) fn is_same_place(&self, other: &Self) -> bool {
        self.identity == other.identity && self.is_folder == other.is_folder
    }

    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// The permissions, if every user may read the file.
    pub(super) const fn world_readable(&self) -> Option<u32> {
        if self.mode & 0o004 == 0 { None } else { Some(self.mode) }
    }

    /// When the content was written.
    pub(super) fn modified(&self) -> OffsetDateTime {
        let [modified, _] = self.changed;
        OffsetDateTime::from_unix_timestamp_nanos(modified).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

/// The identity, the permissions, and when the status changed.
#[cfg(unix)]
fn of_system(metadata: &Metadata) -> ([u64; 2], u32, i128) {
    use std::os::unix::fs::MetadataExt;
    let status = i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
    ([metadata.dev(), metadata.ino()], metadata.mode() & 0o7777, status)
}

/// Elsewhere, the file's own times must do, and permissions are not the file's.
#[cfg(not(unix))]
fn of_system(metadata: &Metadata) -> ([u64; 2], u32, i128) {
    let created = metadata.created().ok().map(OffsetDateTime::from);
    ([0; 2], 0, created.map_or(0, OffsetDateTime::unix_timestamp_nanos))
}
