use std::fmt;
use std::str::FromStr;

use super::printable::printable;
use super::secret_form::{SecretForm, instead};
use super::{Algorithm, KeyType};

/// What can be wrong with a JWS, a JWK or a JWK Set.
///
/// No variant carries a token, a signature or a private value. Text from the input is made
/// printable and truncated (to 64 characters, a `kid` to 128).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoseError {
    /// Text that is not base64url without padding (RFC 7515 §2).
    #[error("{what} is not base64url without padding")]
    Base64Url {
        /// The part that was parsed.
        what: &'static str,
    },
    /// Text that is not base64 as `x5c` requires it (RFC 7515 §4.1.6).
    #[error("an element of x5c is not base64 of DER")]
    X5c,
    /// Text that is not JSON, or is nested too deeply.
    #[error("{what} is not JSON (line {line}, column {column})")]
    Json {
        /// The part that was parsed.
        what: &'static str,
        /// The line of the first error, from 1.
        line: usize,
        /// The column of the first error, from 1.
        column: usize,
    },
    /// JSON that is not an object.
    #[error("{what} is not a JSON object")]
    NotAnObject {
        /// The part that was parsed.
        what: &'static str,
    },
    /// An object with a duplicate member (RFC 7515 §4, RFC 7519 §4).
    #[error("{what} has the member `{member}` more than once")]
    DuplicateMember {
        /// The part that was parsed.
        what: &'static str,
        /// The duplicate name.
        member: String,
    },
    /// A member, at any depth, with a name that makes the JSON parser misread the object.
    #[error("{what} has the member `{member}`, a name reserved by the JSON parser")]
    ReservedMember {
        /// The part that was parsed.
        what: &'static str,
        /// The name.
        member: String,
    },
    /// A required member is missing.
    #[error("{what} has no member `{member}`")]
    MissingMember {
        /// The part that was parsed.
        what: &'static str,
        /// The missing name.
        member: &'static str,
    },
    /// A member of the wrong JSON type, length or value.
    #[error("{what} has a member `{member}` that is not {expected}")]
    InvalidMember {
        /// The part that was parsed.
        what: &'static str,
        /// The name of the member.
        member: &'static str,
        /// The value that the specification requires.
        expected: &'static str,
    },
    /// A token that is not three parts separated by two dots (RFC 7515 §7.1).
    #[error("a compact JWS has three parts, found {found}")]
    PartCount {
        /// The number of parts.
        found: usize,
    },
    /// An `alg` that this crate does not know, such as `none`.
    #[error("unsupported algorithm `{found}`")]
    UnsupportedAlgorithm {
        /// The name in the header.
        found: String,
    },
    /// A header that requires an extension (`crit`, RFC 7515 §4.1.11).
    #[error("the header requires an extension (`crit`) that is not supported")]
    CriticalHeader,
    /// A key of a type or on a curve that this crate does not use (RFC 7517 §5).
    #[error("unsupported key type: {found}")]
    UnsupportedKey {
        /// `kty` and, if present, `crv`.
        found: String,
    },
    /// A private member in a public JWK.
    #[error("a public JWK has the private member `{member}`")]
    PrivateMember {
        /// The name of the member; its value is not kept.
        member: &'static str,
    },
    /// More keys in a set than any issuer needs.
    #[error("a JWK Set has {found} keys, at most {limit} are read")]
    TooManyKeys {
        /// The number of keys.
        found: usize,
        /// [`JwkSet::MAX_KEYS`](super::JwkSet::MAX_KEYS).
        limit: usize,
    },
    /// No key of the set fits the header. A newer set may have one, so fetch the set again.
    #[error("no key in the set fits {algorithm}{}: {reason}", kid_text(.kid.as_deref()))]
    NoMatchingKey {
        /// The requested `kid`.
        kid: Option<String>,
        /// The requested algorithm.
        algorithm: Algorithm,
        /// Why no key fits, and what the set has.
        reason: Box<KeyMismatch>,
    },
    /// More than one key of the set fits, so none can be chosen. Repetitions of one key count once.
    #[error("{found} keys in the set fit {algorithm}{}", kid_text(.kid.as_deref()))]
    AmbiguousKey {
        /// The requested `kid`.
        kid: Option<String>,
        /// The requested algorithm.
        algorithm: Algorithm,
        /// The number of keys that fit.
        found: usize,
    },
    /// A signature whose length does not fit the algorithm (RFC 7518 §3.3–3.5, RFC 8032 §5.1.6).
    #[error("a signature of {found} bytes cannot be {algorithm}")]
    SignatureLength {
        /// The algorithm.
        algorithm: Algorithm,
        /// The length in bytes.
        found: usize,
    },
    /// A DER signature that is not an `ECDSA-Sig-Value`, or an algorithm without such a form.
    #[error("not a DER-encoded {algorithm} signature")]
    SignatureDer {
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// An algorithm that the key cannot be used with (RFC 8725 §3.1).
    #[error("{algorithm} needs a key of type {}, found {key_type}", algorithm.key_type())]
    AlgorithmMismatch {
        /// The requested algorithm.
        algorithm: Algorithm,
        /// The key's type.
        key_type: KeyType,
    },
}

fn kid_text(kid: Option<&str>) -> String {
    kid.map_or_else(|| " (the header has no `kid`)".to_owned(), |kid| format!(" and `kid` \"{kid}\""))
}

/// At most 64 characters of hostile text for an error message, made printable.
pub(crate) fn excerpt(text: &str) -> String {
    shown(text, 64)
}

/// Hostile text for an error message: printable and truncated to `limit` characters. A key, a token
/// or the like in the wrong place is only named by its form.
pub(crate) fn shown(text: &str, limit: usize) -> String {
    SecretForm::of(text).map_or_else(|| printable(text, limit), instead)
}

/// Hostile text for an error that shows it next to the expected text: in full up to `limit`
/// characters, otherwise the piece where it differs from the most similar expected text.
pub(crate) fn unlike<'a>(found: &str, expected: impl IntoIterator<Item = &'a str>, limit: usize) -> String {
    const BEFORE: usize = 16;
    let common = |other: &str| found.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let differs = expected.into_iter().map(common).max().unwrap_or(0);
    let is_whole = found.chars().count() <= limit || differs + BEFORE < limit;
    // A parameter in the wrong place may be an assertion.
    if is_whole || SecretForm::of(found).is_some() {
        return shown(found, limit);
    }
    let piece: String = found.chars().skip(differs.saturating_sub(BEFORE)).collect();
    format!("…{}", printable(&piece, limit))
}

/// Why no key of a set fits a header, and what the set has: see [`JoseError::NoMatchingKey`].
///
/// Text from the set is made printable and truncated; a list has at most eight entries.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyMismatch {
    /// The set has no keys at all.
    EmptySet,
    /// No key has the header's `kid`.
    UnknownKeyId {
        /// The `kid`s in the set, in its order.
        known: Vec<String>,
        /// The number of other keys in the set: without a `kid`, or too many to list.
        others: usize,
        /// The number of keys that were skipped when the set was parsed.
        skipped: usize,
    },
    /// The header has a `kid`, but no key of the set does.
    NoKeyIds {
        /// The number of keys in the set.
        keys: usize,
    },
    /// The document has a key with this `kid`, but it was skipped when the set was parsed.
    Skipped {
        /// Its place in the `keys` array, from 0.
        index: usize,
        /// Why it was skipped.
        reason: JoseError,
    },
    /// The only candidate is of another type, or on another curve.
    OtherKeyType {
        /// Its type.
        found: KeyType,
        /// The type that the algorithm needs.
        needed: KeyType,
    },
    /// The only candidate is for another algorithm (`alg`, RFC 7517 §4.4).
    OtherAlgorithm {
        /// Its `alg`.
        found: Algorithm,
    },
    /// The only candidate is not for signatures that this crate checks.
    NotForSignatures {
        /// The member that says so: `use`, `key_ops` or `alg`.
        member: &'static str,
        /// Its value.
        found: String,
    },
    /// There are several candidates, and each fails for its own reason.
    NoneFits {
        /// The candidates and what is wrong with each, in the order of the set.
        keys: Vec<String>,
        /// The number of further candidates.
        others: usize,
    },
    /// Several keys fit, but none has the header's certificate (`x5t#S256`, `x5t`).
    UnknownThumbprint {
        /// The thumbprint in the header.
        found: String,
        /// The thumbprints of the same kind in the set, in its order.
        known: Vec<String>,
    },
}

impl KeyMismatch {
    /// The maximum number of entries in a list.
    pub(crate) const MOST_LISTED: usize = 8;

    /// The statement about one of several keys.
    pub(crate) fn predicate(&self) -> String {
        match self {
            Self::Skipped { reason, .. } => format!("was skipped: {reason}"),
            Self::OtherKeyType { found, needed } => format!("is of type {found}, not {needed}"),
            Self::OtherAlgorithm { found } => format!("is for {found} (`alg`)"),
            Self::NotForSignatures { member, found } => {
                format!("does not verify signatures (its `{member}` is {found})")
            }
            other => other.to_string(),
        }
    }
}

impl fmt::Display for KeyMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptySet => f.write_str("the set has no keys"),
            Self::UnknownKeyId { known, others, skipped } => {
                let names = (!known.is_empty()).then(|| quoted(known));
                let rest = if known.is_empty() { "without `kid`" } else { "more" };
                let others = (*others > 0).then(|| format!("{others} {rest}"));
                let skipped = (*skipped > 0).then(|| format!("{skipped} skipped"));
                let keys: Vec<String> = names.into_iter().chain(others).chain(skipped).collect();
                write!(f, "no key has that `kid`; the set has {}", keys.join(", "))
            }
            Self::NoKeyIds { keys: 1 } => f.write_str("the only key of the set has no `kid`"),
            Self::NoKeyIds { keys } => write!(f, "none of the {keys} keys of the set has a `kid`"),
            Self::Skipped { index, .. } => write!(f, "key {} of the set {}", index + 1, self.predicate()),
            Self::OtherKeyType { .. } | Self::OtherAlgorithm { .. } | Self::NotForSignatures { .. } => {
                write!(f, "the key {}", self.predicate())
            }
            Self::NoneFits { keys, others: 0 } => f.write_str(&keys.join("; ")),
            Self::NoneFits { keys, others } => write!(f, "{}; {others} more", keys.join("; ")),
            Self::UnknownThumbprint { found, known } => {
                write!(f, "no key has the certificate \"{found}\"; the set has {}", quoted(known))
            }
        }
    }
}

fn quoted(names: &[String]) -> String {
    format!("\"{}\"", names.join("\", \""))
}

impl FromStr for Algorithm {
    type Err = JoseError;

    /// Reads a registered name; it is case-sensitive (RFC 7515 §4.1.1).
    fn from_str(name: &str) -> Result<Self, JoseError> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
            .ok_or_else(|| JoseError::UnsupportedAlgorithm { found: excerpt(name) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_never_cut_off() {
        let url = format!("https://as.example/{}", "a".repeat(100));
        assert_eq!(unlike(&format!("{url}/"), [url.as_str()], 256), format!("{url}/"));
        assert_eq!(unlike(&format!("{url}/"), [url.as_str()], 64), format!("…{}/", "a".repeat(16)));
        assert_eq!(
            unlike(&format!("{url}/"), ["https://other.example", &url], 64),
            format!("…{}/", "a".repeat(16))
        );
        // The first 64 characters show it.
        assert_eq!(
            unlike(&url, ["https://other.example"], 64),
            format!("https://as.example/{}…", "a".repeat(45))
        );
        // The whole of the expected text, and no more.
        assert_eq!(unlike(&url, [format!("{url}/").as_str()], 64), format!("…{}", "a".repeat(16)));
        assert_eq!(unlike("a\nb", [], 64), "a\\u{a}b");
        assert_eq!(unlike("eyJhbGciOiJub25lIn0.e30.", ["urn:x"], 64), "[a JWT]");
    }
}
