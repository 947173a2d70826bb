use std::fmt;

use sha2::{Digest, Sha256};

use super::json::ObjectWriter;
use super::{KeyParameters, base64url};

/// The SHA-256 thumbprint of a public key in whatever form (RFC 7638 §3, RFC 8037 §2).
///
/// `Display` writes it as base64url, which is also the default `kid`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// Hashes the required members in lexicographic order, without white space (RFC 7638 §3.3).
    pub(super) fn of(parameters: &KeyParameters) -> Self {
        let mut json = ObjectWriter::with_capacity(512);
        for (name, value) in parameters.members() {
            json.text(name, &value);
        }
        Self(Sha256::digest(json.finish()).into())
    }

    /// The 32 bytes of the hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Thumbprint {
    /// A thumbprint from its hash, for example one that was computed elsewhere.
    fn from(hash: [u8; 32]) -> Self {
        Self(hash)
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}
