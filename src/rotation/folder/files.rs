//! The files of a key folder: the few operations whose order makes a change safe against a crash.

use std::any::Any;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::PathBuf;

use zeroize::Zeroizing;

/// What an operation does with the files of a folder. Tests make each call fail.
pub(super) trait Files: Send + Sync {
    /// Keeps other processes from changing the folder until the value is dropped. `None`: another
    /// process is changing it. A new file for the lock belongs to the owner of the folder.
    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Any>>>;

    /// The names of all files, also through links, in order. What cannot be examined may be a file.
    /// A name that is not UTF-8 is left out.
    fn names(&self) -> io::Result<Vec<String>>;

    /// What has this name.
    fn kind(&self, name: &str) -> io::Result<Kind>;

    /// At most `limit` bytes of a file, and one more if it is longer.
    fn read(&self, name: &str, limit: usize) -> io::Result<Zeroizing<Vec<u8>>>;

    /// Writes a new file that only its owner can read, and the group that can read the file `like`.
    /// Without `like`, it belongs to the owner of the folder.
    fn write_new(&self, name: &str, bytes: &[u8], like: Option<&str>) -> io::Result<()>;

    /// Makes the content of a file durable.
    fn sync(&self, name: &str) -> io::Result<()>;

    /// Renames a file to a name that is free.
    fn publish(&self, from: &str, to: &str) -> io::Result<()>;

    /// Renames a file, and replaces the one of that name.
    fn replace(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes the names durable.
    fn sync_folder(&self) -> io::Result<()>;
}

/// What has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Nothing,
    File,
    Other,
}

/// A locked file.
pub(super) struct Lock(pub(super) File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a program that is being started still has a copy of it.
        let _ = self.0.unlock();
    }
}

/// A folder on a disk.
pub(super) struct Disk(pub(super) PathBuf);

impl Files for Disk {
    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Any>>> {
        let path = self.0.join(name);
        let mut new = OpenOptions::new();
        new.write(true).create_new(true);
        only_for_owner(&mut new);
        let file = match new.open(&path) {
            Ok(file) => {
                give(&file, &fs::metadata(&self.0)?)?;
                file
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                OpenOptions::new().write(true).open(path)?
            }
            Err(error) => return Err(error),
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(Lock(file)))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            let is_other = fs::metadata(entry.path()).is_ok_and(|found| !found.is_file());
            names.extend(entry.file_name().into_string().ok().filter(|_| !is_other));
        }
        names.sort_unstable();
        Ok(names)
    }

    fn kind(&self, name: &str) -> io::Result<Kind> {
        match fs::symlink_metadata(self.0.join(name)) {
            Ok(found) if found.is_file() => Ok(Kind::File),
            Ok(_) => Ok(Kind::Other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Kind::Nothing),
            Err(error) => Err(error),
        }
    }

    fn read(&self, name: &str, limit: usize) -> io::Result<Zeroizing<Vec<u8>>> {
        let path = self.0.join(name);
        // A pipe would wait for its writer.
        if !fs::metadata(&path)?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        // Allocate in full at once: a buffer that grows leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 2));
        File::open(path)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn write_new(&self, name: &str, bytes: &[u8], like: Option<&str>) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        only_for_owner(&mut options);
        let mut file = options.open(self.0.join(name))?;
        file.write_all(bytes)?;
        give(&file, &fs::metadata(self.0.join(like.unwrap_or(".")))?)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        OpenOptions::new().write(true).open(self.0.join(name))?.sync_all()
    }

    fn publish(&self, from: &str, to: &str) -> io::Result<()> {
        let (from_path, to_path) = (self.0.join(from), self.0.join(to));
        match fs::hard_link(&from_path, &to_path) {
            Ok(()) => fs::remove_file(from_path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            // Some file systems have no links.
            Err(_) if self.kind(to)? == Kind::Nothing => fs::rename(from_path, to_path),
            Err(_) => Err(io::ErrorKind::AlreadyExists.into()),
        }
    }

    fn replace(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        // Only Unix opens folders like files.
        if cfg!(unix) { File::open(&self.0)?.sync_all() } else { Ok(()) }
    }
}

fn only_for_owner(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

/// Gives a new file to the owner of another file or folder, and to the group that reads that file,
/// so that a service can read what its operator writes as root.
#[cfg(unix)]
fn give(file: &File, like: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let own = file.metadata()?;
    let is_read_by_group = like.is_file() && like.mode() & 0o040 != 0;
    if own.uid() != like.uid() || is_read_by_group && own.gid() != like.gid() {
        fchown(file, Some(like.uid()), Some(like.gid()))?;
    }
    if is_read_by_group { file.set_permissions(fs::Permissions::from_mode(0o640)) } else { Ok(()) }
}

#[cfg(not(unix))]
fn give(_: &File, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}
