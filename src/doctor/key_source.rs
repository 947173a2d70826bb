use std::path::Path;

use crate::jose::error::shown;
use crate::keys::{KeyError, KeyLoader, PrivateKey};

/// The key to examine, or why there is none. A key that cannot be loaded is a finding, not an
/// error.
#[derive(Clone, Debug)]
pub struct KeySource {
    pub(super) key: Result<PrivateKey, KeyError>,
    /// The file, safe to show.
    pub(super) file: Option<String>,
    /// The permission bits of the file, where the operating system has them.
    pub(super) mode: Option<u32>,
}

impl KeySource {
    /// Loads the key from a file, and reads the permissions of the file.
    #[must_use]
    pub fn file(path: impl AsRef<Path>, loader: &KeyLoader) -> Self {
        Self::from(loader.load_file(&path)).permissions_of(path)
    }

    /// Reads the permissions of the file that the key came from. If the file cannot be read, they
    /// are not examined.
    #[must_use]
    pub fn permissions_of(mut self, path: impl AsRef<Path>) -> Self {
        self.file = Some(shown(&path.as_ref().to_string_lossy(), 256));
        self.mode = mode(path.as_ref());
        self
    }
}

impl From<PrivateKey> for KeySource {
    fn from(key: PrivateKey) -> Self {
        Self::from(Ok(key))
    }
}

impl From<Result<PrivateKey, KeyError>> for KeySource {
    fn from(key: Result<PrivateKey, KeyError>) -> Self {
        Self { key, file: None, mode: None }
    }
}

#[cfg(unix)]
fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|file| file.mode() & 0o777)
}

#[cfg(not(unix))]
const fn mode(_: &Path) -> Option<u32> {
    None
}
