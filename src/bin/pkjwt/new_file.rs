//! Files that a command creates: never half a file, and never another file in the place of a device
//! or a link.

use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::error::{Context, Failure};
use crate::source;

/// Who may read a new file.
#[derive(Clone, Copy)]
pub(crate) enum Readers {
    /// Its owner.
    Owner,
    /// Everyone.
    All,
}

/// Checks that a file may be written, before it is.
///
/// A rename replaces any file of that name. For a device such as `/dev/stdout`, a pipe or a link,
/// that is never intended.
pub(crate) fn check(path: &Path, replace: bool) -> Result<(), Failure> {
    match path.symlink_metadata() {
        Ok(found) if !found.is_file() => Err(Failure::refused(
            source::name(path),
            "exists and is not a regular file, so it is not replaced",
        )),
        Ok(_) if !replace => Err(exists(path)),
        _ => Ok(()),
    }
}

/// Writes a new file in the same directory, then renames it at once. There is never half a file, or
/// one that others can read before it is complete.
pub(crate) fn write(path: &Path, bytes: &[u8], readers: Readers, replace: bool) -> Result<(), Failure> {
    let name = source::name(path);
    let mut file = temporary(path, readers).context(&name)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).context(&name)?;
    let persisted = if replace { file.persist(path) } else { file.persist_noclobber(path) };
    match persisted {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(exists(path)),
        Err(error) => Err(error.error).context(&name),
    }
}

fn temporary(path: &Path, readers: Readers) -> io::Result<NamedTempFile> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = match readers {
            Readers::Owner => 0o600,
            Readers::All => 0o644,
        };
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = readers;
    builder.prefix(".pkjwt-").tempfile_in(directory)
}

fn exists(path: &Path) -> Failure {
    Failure::refused(source::name(path), "the file exists; --force replaces it")
}
