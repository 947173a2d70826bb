//! What a manifest says about a key besides its times, and how a name of a file is judged.

use std::path::{Component, Path, PathBuf};

use crate::jose::{Algorithm, KeyId};

/// The name of the manifest.
pub(super) const FILE: &str = "keys.toml";
/// How the names of the files begin that an operation on the folder makes and removes.
const OWN_PREFIX: &str = ".pkjwt-";

/// What a manifest says about a key, besides its times.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManifestKey {
    /// The file, relative to the folder, or the URI of a key outside the process. It equals
    /// [`PlannedKey::file`](crate::rotation::PlannedKey::file).
    pub file: String,
    /// The name of the key. `None`: the one in the file, or else the RFC 7638 thumbprint.
    pub key_id: Option<KeyId>,
    /// The algorithm of the signatures. `None`: the one in the file, or else the usual one for the
    /// type of the key.
    pub algorithm: Option<Algorithm>,
    /// Where the passphrase of an encrypted key comes from.
    pub passphrase: Option<PassphraseSource>,
}

/// Where the passphrase of an encrypted key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PassphraseSource {
    /// The environment variable of this name: `env:NAME`.
    Environment(String),
    /// A file, with or without a line end after the passphrase: `file:PATH`. A relative path starts
    /// at the folder.
    File(PathBuf),
}

impl ManifestKey {
    /// A key about which the manifest says nothing.
    #[must_use]
    pub fn new(file: impl Into<String>) -> Self {
        Self { file: file.into(), key_id: None, algorithm: None, passphrase: None }
    }

    /// Whether the key is outside the process: whether `file` is a URI such as `pkcs11:…`.
    #[must_use]
    pub fn is_uri(&self) -> bool {
        is_uri(&self.file)
    }
}

impl PassphraseSource {
    /// Parses `env:NAME` or `file:PATH`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix("file:") {
            return (!path.is_empty()).then(|| Self::File(path.into()));
        }
        let name = text.strip_prefix("env:")?;
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let is_name = (1..=128).contains(&name.len()) && name.bytes().all(is_word);
        is_name.then(|| Self::Environment(name.to_owned()))
    }

    /// `env:NAME` or `file:PATH`.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Environment(name) => format!("env:{name}"),
            Self::File(path) => format!("file:{}", path.display()),
        }
    }
}

/// Whether a name is a URI (RFC 3986 §3.1). A scheme of one letter is a drive.
pub(super) fn is_uri(file: &str) -> bool {
    let is_of_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    file.split_once(':').is_some_and(|(scheme, _)| {
        scheme.len() > 1
            && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(is_of_scheme)
    })
}

/// Whether a path stays inside of the folder that it is relative to.
pub(super) fn is_inside(file: &str) -> bool {
    let path = Path::new(file);
    !file.is_empty() && path.components().all(|part| matches!(part, Component::Normal(_)))
}

/// Whether a file is the manifest, or one of those that an operation leaves.
pub(super) fn is_reserved(file: &str) -> bool {
    let path = Path::new(file);
    let own = |part: Component<'_>| part.as_os_str().as_encoded_bytes().starts_with(OWN_PREFIX.as_bytes());
    path == Path::new(FILE) || path.components().any(own)
}
