//! The manifest of a key folder, `keys.toml`: the plan of its keys, and what the files do not say.

mod duration;
mod error;
mod key;
mod reader;
mod writer;

use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;

pub use error::ManifestError;
pub use key::{ManifestKey, PassphraseSource};

use super::plan::{Plan, PlannedKey};
use crate::jose::printable::printable;
use crate::keys::KeyRing;

/// The manifest of a key folder: the [`Plan`] of its keys, and what the key files do not say.
///
/// It is a TOML file named [`Manifest::FILE`]. Every member is optional, except `file`. It contains
/// no secrets.
///
/// ```toml
/// propagation = "10m"              # how long servers keep a copy of the JWKS; default: 5m
/// overlap = "24h"                  # how long a former key stays published; this is the default
/// lifetime = "10m"                 # the longest lifetime of an assertion; this is the default
///
/// [[key]]
/// file = "2026-12.pem"             # inside the folder, or the URI of a key outside the process
/// kid = "2026-12"                  # default: the kid in the file, or the RFC 7638 thumbprint
/// alg = "ES256"                    # default: the one in the file, or the usual one of its type
/// publish = 2026-12-01T00:00:00Z   # default: it always was published
/// activate = 2026-12-01T00:10:00Z  # default: it signs only if no other key may
/// retire = 2026-12-09T00:00:00Z    # default: `overlap` after its last signature
/// revoked = 2026-12-03T09:00:00Z   # since when the key is compromised
/// forced = true                    # it signs at `activate`, even if servers may not know it yet
/// passphrase = "env:NAME"          # or "file:PATH", relative to the folder
/// ```
///
/// A duration is a whole number of seconds (`90s`), minutes (`10m`), hours (`24h`) or days (`7d`).
/// A time has an offset. [`PlannedKey`] says what the times mean.
///
/// ```
/// use private_key_jwt::rotation::{Manifest, Phase};
/// use time::{Duration, OffsetDateTime};
///
/// let manifest = Manifest::parse(
///     r#"
///     [[key]]
///     file = "first.pem"
///
///     [[key]]
///     file = "second.pem"
///     publish = 2026-12-01T00:00:00Z
///     activate = 2026-12-01T00:10:00Z
///     "#,
/// )?;
/// let activate = manifest.plan().keys[1].activate.unwrap();
/// assert_eq!(manifest.plan().phases(activate), [Phase::Retiring, Phase::Active]);
/// assert_eq!(manifest.keys()[1].file, "second.pem");
///
/// let error = Manifest::parse("[[key]]\nfile = \"../key.pem\"\n").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "keys.toml line 2: `file` is \"../key.pem\", not a path inside the folder; name a file of the folder"
/// );
/// # Ok::<(), private_key_jwt::rotation::ManifestError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    text: String,
    plan: Plan,
    keys: Vec<ManifestKey>,
}

impl Manifest {
    /// The name of the file: `keys.toml`.
    pub const FILE: &'static str = key::FILE;
    /// The maximum length of a manifest, in bytes: 256 KiB.
    pub const MAX_LEN: usize = reader::MAX_LEN;
    /// The maximum number of keys: 1,000.
    pub const MAX_KEYS: usize = reader::MAX_KEYS;

    /// Parses a manifest.
    ///
    /// # Errors
    ///
    /// [`ManifestError`] with the line: for text that is not TOML or too long, for an unknown
    /// member, a value of the wrong type, a file outside of the folder, a time without an offset,
    /// a `retire` before `publish` or `activate`, a PIN in a URI, equal files, equal key ids, and
    /// for more than [`Manifest::MAX_KEYS`] keys.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let mut plan = Plan::new(Vec::new());
        let keys = reader::read(text, &mut plan)?;
        Ok(Self { text: text.to_owned(), plan, keys })
    }

    /// The plan, whose keys are in the order of [`Manifest::keys`].
    #[must_use]
    pub fn plan(&self) -> Plan {
        self.plan.clone()
    }

    /// What the manifest says about each key, besides its times.
    #[must_use]
    pub fn keys(&self) -> &[ManifestKey] {
        &self.keys
    }

    /// Parses a duration as a manifest has it, such as `10m`.
    #[must_use]
    pub fn duration(text: &str) -> Option<Duration> {
        duration::parse(text)
    }

    /// Parses the content of a file.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, ManifestError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::parse(text),
            Err(error) => {
                let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let line = 1 + memchr::memchr_iter(b'\n', before).count();
                Err(ManifestError::new(line, "not UTF-8; save the file as UTF-8"))
            }
        }
    }

    /// Whether a manifest may name this file of the folder.
    pub(super) fn is_name_of_key(name: &str) -> bool {
        key::is_inside(name) && !key::is_reserved(name) && !key::is_uri(name)
    }

    /// A manifest that says what a plan says, and nothing else about its keys.
    pub(super) fn of(plan: &Plan) -> Result<Self, ManifestError> {
        let head = format!(
            "# The keys of this folder, in their order. `pkjwt rotate` keeps this file up to date.\n\
             propagation = \"{}\"  # how long servers keep a copy of the JWKS\n\
             overlap = \"{}\"  # how long a former key stays published\n\
             lifetime = \"{}\"  # the longest lifetime of an assertion\n",
            duration::text(plan.propagation),
            duration::text(plan.overlap),
            duration::text(plan.lifetime),
        );
        plan.keys.iter().try_fold(Self::parse(&head)?, |manifest, key| {
            if !Self::is_name_of_key(&key.file) {
                let why =
                    format!("`{}` reads as a URI, not as a file; rename the file", printable(&key.file, 64));
                return Err(ManifestError::new(1, why));
            }
            manifest.with_key(key, &ManifestKey::new(&*key.file))
        })
    }

    /// The manifest with one more key.
    pub(super) fn with_key(&self, key: &PlannedKey, facts: &ManifestKey) -> Result<Self, ManifestError> {
        Self::parse(&writer::with_key(&self.text, key, facts)?)
    }

    /// The manifest with another `retire` of a key.
    pub(super) fn with_retire(&self, index: usize, at: OffsetDateTime) -> Result<Self, ManifestError> {
        Self::parse(&writer::with_time(&self.text, index, "retire", at)?)
    }

    /// The manifest with a revoked key.
    pub(super) fn with_revoked(&self, index: usize, at: OffsetDateTime) -> Result<Self, ManifestError> {
        Self::parse(&writer::with_time(&self.text, index, "revoked", at)?)
    }

    /// The manifest without the keys at these indices.
    pub(super) fn without(&self, indices: &[usize]) -> Result<Self, ManifestError> {
        Self::parse(&writer::without(&self.text, indices)?)
    }
}

impl fmt::Display for Manifest {
    /// The text of the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Default for Manifest {
    /// A manifest without keys and with the default times, as an empty file.
    fn default() -> Self {
        Self { text: String::new(), plan: Plan::new(Vec::new()), keys: Vec::new() }
    }
}

// The documentation names the default.
const _: () = assert!(KeyRing::PROPAGATION.as_secs() == 300 && Plan::LIFETIME.as_secs() == 600);

#[cfg(test)]
mod tests;
