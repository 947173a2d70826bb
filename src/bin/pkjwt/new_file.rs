//! Files and directories that a command creates: never half a file, never another file in the place
//! of a device or a link, and none with a name that looks like a secret.

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::path::Path;

use private_key_jwt::jose::SecretForm;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

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
    check_name(path)?;
    match path.symlink_metadata() {
        Ok(found) if !found.is_file() => Err(Failure::refused(
            source::name(path),
            "exists and is not a regular file, so it is not replaced",
        )),
        Ok(_) if !replace => Err(exists(path)),
        _ => Ok(()),
    }
}

/// Writes a file that passed [`check`], or one in a [`private_directory`]: first a new file in the
/// same directory, which is then renamed. There is never half a file, or one that others can read
/// before it is complete.
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

/// Creates a directory that only its owner can enter, unless it exists, and those above it.
pub(crate) fn private_directory(path: &Path) -> Result<(), Failure> {
    check_name(path)?;
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).context(source::name(parent))?;
    }
    match builder.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created.context(source::name(path)),
    }
}

/// Refuses a secret in the place of a path, before a file or a directory gets its name. The part
/// of the path that exists is no secret, so only the rest is checked.
pub(crate) fn check_name(path: &Path) -> Result<(), Failure> {
    let is_here = |folder: &Path| matches!(folder.as_os_str().as_encoded_bytes(), b"" | b".");
    let existing = path.ancestors().find(|folder| !is_here(folder) && folder.symlink_metadata().is_ok());
    let rest = existing.and_then(|folder| path.strip_prefix(folder).ok());
    let text = Zeroizing::new(match rest {
        Some(rest) => format!("./{}", rest.to_string_lossy()),
        None => path.to_string_lossy().into_owned(),
    });
    let in_part = || text.split(['/', '\\']).find_map(SecretForm::of);
    let Some(form) = SecretForm::suspect(&text).or_else(in_part) else { return Ok(()) };
    let advice = if form == SecretForm::Opaque { "; write ./NAME if it is a name" } else { "" };
    Err(Failure::usage("the path", format!("looks like {form}, so nothing is created{advice}")))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_looks_like_a_secret_is_refused_unless_it_is_a_path() {
        let refused = |path: &str| check_name(Path::new(path)).err().map(|failure| failure.line());
        let looks_like = |form: &str| Some(format!("pkjwt: the path: looks like {form}"));
        for (path, form) in [
            (
                "cAnArY-7f3a9c51-sEcReT",
                "a possible secret, so nothing is created; write ./NAME if it is a name",
            ),
            ("correct horse", "a possible secret, so nothing is created; write ./NAME if it is a name"),
            ("redis://user:cAnArY@cache.example/0", "text with a password, so nothing is created"),
            ("eyJhbGciOiJub25lIn0.e30.", "a JWT, so nothing is created"),
            ("no-such-folder/eyJhbGciOiJub25lIn0.e30.", "a JWT, so nothing is created"),
        ] {
            assert_eq!(refused(path), looks_like(form), "{path}");
        }
        let existing = std::env::temp_dir().join("cAnArY-7f3a9c51-sEcReT");
        for path in
            ["new.pem", "cache/pkjwt", "./cAnArY-7f3a9c51-sEcReT", "/", "..", &existing.to_string_lossy()]
        {
            assert_eq!(refused(path), None, "{path}");
        }
    }
}
