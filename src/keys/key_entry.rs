use std::fmt;

use crate::jose::error::shown;
use crate::jose::{KeyId, Thumbprint};

/// A private key in a file that has several, described by the file: see
/// [`KeyLoader::entry`](super::KeyLoader::entry).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyEntry {
    /// The friendly name in PKCS#12 and in OpenSSL's conversions of it, or the place in a JSON
    /// document: `data.tls.key`.
    pub alias: Option<String>,
    /// The `kid` that the file states.
    pub key_id: Option<KeyId>,
    /// The RFC 7638 thumbprint; `None` for a key that was not decrypted.
    pub thumbprint: Option<Thumbprint>,
    /// Why the key cannot be used; `None` if it can.
    pub problem: Option<String>,
}

impl KeyEntry {
    /// Whether a name is the alias, the `kid` or the thumbprint.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.alias.as_deref() == Some(name)
            || self.key_id.as_ref().is_some_and(|key_id| key_id.as_str() == name)
            || self.thumbprint.is_some_and(|thumbprint| thumbprint.to_string() == name)
    }

    /// Java stores aliases in lower case and accepts them in any case.
    pub(super) fn is_called_in_any_case(&self, name: &str) -> bool {
        self.alias.as_deref().is_some_and(|alias| alias.eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for KeyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.alias.as_deref().map(|alias| format!("alias `{}`", shown(alias, 128))));
        parts.extend(self.key_id.as_ref().map(|key_id| format!("kid `{key_id}`")));
        parts.extend(self.thumbprint.map(|thumbprint| format!("thumbprint {thumbprint}")));
        parts.extend(self.problem.as_deref().map(|problem| format!("unusable: {problem}")));
        if parts.is_empty() { f.write_str("a key without a name") } else { f.write_str(&parts.join(", ")) }
    }
}

/// The keys in an error message: all keys of a usual file, the first ones of a long file.
pub(super) fn list(entries: &[KeyEntry]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<String> =
        (1..).zip(entries.iter().take(SHOWN)).map(|(place, entry)| format!("({place}) {entry}")).collect();
    let more = entries.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join("; "))
}
