//! What is known about the keys of a folder, for a health page and for an operator.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use super::error::KeyFileError;
use super::plan::Phase;
use crate::jose::{Algorithm, KeyId, jwk, moment};

/// What a [`KeyDirectory`](super::KeyDirectory) knows: `status` returns it. It serializes without
/// secrets, with times as RFC 3339.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct KeyDirectoryStatus {
    /// The folder.
    pub folder: String,
    /// Where the plan comes from.
    pub source: PlanSource,
    /// Whether the operating system reports changes. Otherwise, only polling finds them.
    pub is_watched: bool,
    /// When the folder was read last.
    #[serde(serialize_with = "moment::rfc3339")]
    pub read_at: OffsetDateTime,
    /// The keys, in the order of the JWKS.
    pub keys: Vec<KeyStatus>,
    /// What is wrong now, in the order of the files.
    pub problems: Vec<FileProblem>,
}

/// Where the plan of a key directory comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PlanSource {
    /// The manifest `keys.toml`.
    Manifest,
    /// The times in the names of the files.
    Names,
    /// There is one key, which signs.
    SingleKey,
}

impl PlanSource {
    /// The word for it: `manifest`, `names` or `single_key`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Names => "names",
            Self::SingleKey => "single_key",
        }
    }
}

impl fmt::Display for PlanSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A key of a folder, in a [`KeyDirectoryStatus`] or a [`FolderStatus`](super::FolderStatus). Its
/// name and its algorithm serialize as `kid` and `alg`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KeyStatus {
    /// The file, or the URI of a key outside the process. A former key that was replaced in place
    /// has the name of its successor.
    pub file: String,
    /// The name of the key: its `kid`, or its RFC 7638 thumbprint if it has none. `None` only in a
    /// [`FolderStatus`](super::FolderStatus): the manifest has none, and the file cannot be opened.
    #[serde(rename = "kid", serialize_with = "jwk::key_id_text")]
    pub key_id: Option<KeyId>,
    /// The algorithm of the signatures. `None`: as for the name.
    #[serde(rename = "alg")]
    pub algorithm: Option<Algorithm>,
    /// The phase of the key.
    pub phase: Phase,
    /// When that phase began. `None`: it was so from the beginning, or the key is only planned.
    #[serde(serialize_with = "moment::rfc3339")]
    pub since: Option<OffsetDateTime>,
    /// What happens to the key next.
    pub next: Option<NextMove>,
    /// The last second of the certificate that came with the key.
    #[serde(serialize_with = "moment::rfc3339")]
    pub not_after: Option<OffsetDateTime>,
    /// What is wrong with the file, with its causes. A [`KeyDirectoryStatus`] also has it in
    /// `problems`, with when it began. A key that is gone or revoked needs no file.
    pub problem: Option<String>,
}

/// The next move of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NextMove {
    /// The phase that begins.
    pub phase: Phase,
    /// When it begins.
    #[serde(serialize_with = "moment::rfc3339")]
    pub at: OffsetDateTime,
}

/// A file that cannot be used, and why. Keys in use are not affected.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct FileProblem {
    /// The file, `.` for the folder itself.
    pub file: String,
    /// What is wrong. It serializes as its text, with its causes.
    #[serde(serialize_with = "with_causes")]
    pub reason: Arc<KeyFileError>,
    /// When the problem was seen first.
    #[serde(serialize_with = "moment::rfc3339")]
    pub since: OffsetDateTime,
}

fn with_causes<S: Serializer>(error: &Arc<KeyFileError>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{error:#}"))
}
