use std::fmt;

use super::{Algorithm, JoseError, KeyType};

/// Why no key of a set fits the header of a JWS, with what the set has instead. Part of
/// [`JoseError::NoMatchingKey`].
///
/// Text from the set is made printable and cut; a list has at most eight entries.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyMismatch {
    /// The set has no keys at all.
    EmptySet,
    /// No key has the header's `kid`.
    UnknownKeyId {
        /// The `kid`s that the set has, in its order.
        known: Vec<String>,
        /// How many keys the set has beyond those: without a `kid`, or too many to name.
        others: usize,
        /// How many more keys were skipped when the set was read.
        skipped: usize,
    },
    /// The header has a `kid` and no key of the set has one.
    NoKeyIds {
        /// How many keys the set has.
        keys: usize,
    },
    /// The key of this `kid` is in the document and was skipped when the set was read.
    Skipped {
        /// Its place in the `keys` array, from 0.
        index: usize,
        /// Why it was skipped.
        reason: JoseError,
    },
    /// The only key in question is of another type, or on another curve.
    OtherKeyType {
        /// Its type.
        found: KeyType,
        /// The type that the algorithm needs.
        needed: KeyType,
    },
    /// The only key in question is for another algorithm (`alg`, RFC 7517 §4.4).
    OtherAlgorithm {
        /// Its `alg`.
        found: Algorithm,
    },
    /// The only key in question is not for signatures that this crate checks.
    NotForSignatures {
        /// The member that says so: `use`, `key_ops` or `alg`.
        member: &'static str,
        /// Its value.
        found: String,
    },
    /// Several keys are in question, each with a reason of its own.
    NoneFits {
        /// The keys and what is wrong with each, in the order of the set.
        keys: Vec<String>,
        /// How many more there are.
        others: usize,
    },
    /// Several keys fit, and none has the certificate that the header names (`x5t#S256`, `x5t`, RFC
    /// 7515 §4.1.7).
    UnknownThumbprint {
        /// The thumbprint in the header.
        found: String,
        /// The thumbprints of the same kind that the set has, in its order.
        known: Vec<String>,
    },
}

impl KeyMismatch {
    /// The most entries in a list.
    pub(crate) const MOST_LISTED: usize = 8;

    /// What is to be said of the one key that this is about, or the whole message.
    pub(crate) fn predicate(&self) -> String {
        match self {
            Self::Skipped { reason, .. } => format!("was skipped: {reason}"),
            Self::OtherKeyType { found, needed } => format!("is of type {found}, not {needed}"),
            Self::OtherAlgorithm { found } => format!("is for {found} (`alg`)"),
            Self::NotForSignatures { member, found } => {
                format!("does not check signatures here (its `{member}` is {found})")
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
