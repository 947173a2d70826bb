//! Registers the clients of a folder, one file each.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::clients::ClientKeys;
use super::error::DevServerError;
use super::server::DevServer;
use super::shown::shown;
use crate::keys::{KeyError, PrivateKey};

/// The outcome of [`DevServer::register_folder`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ClientFolder {
    /// The number of clients that were registered.
    pub registered: usize,
    /// Why files were not registered: [`DevServerError::ClientFile`], in the order of their names.
    pub refused: Vec<DevServerError>,
}

impl DevServer {
    /// Registers a client for each file of a folder. The name of the file without its last
    /// extension is the client id, and [`ClientKeys::from_bytes`] reads the keys: `my-client.json`
    /// with a JWK Set, `other.pem` with a certificate. Subfolders and hidden files are ignored.
    ///
    /// A file that cannot be registered does not affect the others: it is named in
    /// [`ClientFolder::refused`]. Every file is read now, on several threads. A later change of the
    /// folder has no effect.
    ///
    /// ```
    /// use private_key_jwt::dev_server::DevServer;
    ///
    /// let folder = tempfile::tempdir()?;
    /// std::fs::copy("testdata/keys/p256.cert.pem", folder.path().join("my-client.pem"))?;
    ///
    /// let dev = DevServer::new("http://127.0.0.1:8080")?;
    /// let clients = dev.register_folder(folder.path())?;
    /// assert_eq!((clients.registered, clients.refused.len()), (1, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DevServerError::ClientFolder`] if the folder cannot be read.
    pub fn register_folder(&self, folder: impl AsRef<Path>) -> Result<ClientFolder, DevServerError> {
        let folder = folder.as_ref();
        let unreadable = |error| DevServerError::ClientFolder {
            path: shown(&folder.to_string_lossy()),
            source: Arc::new(error),
        };
        let files = files(folder).map_err(unreadable)?;
        let mut outcome = ClientFolder::default();
        for (path, registered) in files.iter().zip(self.register_files(&files)) {
            match registered {
                Ok(()) => outcome.registered = outcome.registered.saturating_add(1),
                Err(error) => outcome.refused.push(of_file(path, error)),
            }
        }
        Ok(outcome)
    }

    /// The results have the order of the files.
    fn register_files(&self, files: &[PathBuf]) -> Vec<Result<(), DevServerError>> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = files.len().div_ceil(threads).max(1);
        let mut seen = BTreeSet::new();
        let is_first: Vec<bool> = files.iter().map(|path| seen.insert(path.file_stem())).collect();
        let work = |(files, is_first): (&[PathBuf], &[bool])| -> Vec<_> {
            let register = |(path, is_first): (&PathBuf, &bool)| self.register_file(path, *is_first);
            files.iter().zip(is_first).map(register).collect()
        };
        std::thread::scope(|scope| {
            let shares = files.chunks(share).zip(is_first.chunks(share));
            let threads: Vec<_> = shares.map(|share| scope.spawn(move || work(share))).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
        })
    }

    fn register_file(&self, path: &Path, is_first: bool) -> Result<(), DevServerError> {
        let Some(client_id) = path.file_stem().and_then(|stem| stem.to_str()) else {
            return Err(DevServerError::ClientId { reason: "not printable ASCII (RFC 6749 A.1)" });
        };
        if !is_first {
            return Err(DevServerError::ClientId { reason: "that of another file of the folder" });
        }
        let bytes = read(path).map_err(|source| DevServerError::ReadClientFile(Arc::new(source)))?;
        if bytes.len() > PrivateKey::MAX_FILE_LEN {
            return Err(KeyError::TooLarge { found: bytes.len(), limit: PrivateKey::MAX_FILE_LEN }.into());
        }
        self.register(client_id, ClientKeys::from_bytes(&bytes)?)
    }
}

/// The files of a folder, without hidden ones, in the order of their names.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        // A link counts as what it leads to: Kubernetes mounts links.
        let is_folder = || std::fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_dir());
        if !is_hidden && !is_folder() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// At most one byte more than a file may have.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    // A pipe would wait for its writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(PrivateKey::MAX_FILE_LEN as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn of_file(path: &Path, error: DevServerError) -> DevServerError {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    DevServerError::ClientFile { name: shown(&name), source: Box::new(error) }
}
