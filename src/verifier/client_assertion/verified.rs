use serde_json::{Map, Value};

use super::super::claims::CLAIMS_SET;
use crate::jose::{Algorithm, json};

/// The identity of an assertion among those of its client.
pub(in crate::verifier) enum AssertionIdentity {
    Jti(String),
    /// SHA-256 of the signing input, for an assertion without `jti`.
    SigningInput([u8; 32]),
}

/// An assertion with a valid signature and valid claims. It may still be a copy:
/// [`ReplayStore::spend`](crate::verifier::ReplayStore) is the last step.
#[must_use = "an assertion that is not spent can be replayed"]
pub struct VerifiedAssertion {
    pub(super) client_id: String,
    pub(super) algorithm: Algorithm,
    pub(super) identity: AssertionIdentity,
    pub(super) forget_after: i64,
    pub(super) payload: Vec<u8>,
}

impl VerifiedAssertion {
    /// The client whose key signed the assertion.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The algorithm of the signature.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The `jti`. It is absent only if
    /// [`accept_missing_jti`](super::ClientAssertionVerifier::accept_missing_jti) is set.
    #[must_use]
    pub fn jti(&self) -> Option<&str> {
        match &self.identity {
            AssertionIdentity::Jti(jti) => Some(jti),
            AssertionIdentity::SigningInput(_) => None,
        }
    }

    /// All claims. Each call parses them again, because the claims that a server always needs were
    /// already checked.
    #[must_use]
    pub fn claims(&self) -> Map<String, Value> {
        // The payload was parsed before, so this cannot fail.
        json::object(CLAIMS_SET, &self.payload).unwrap_or_default()
    }

    /// The identity of the assertion among the client's assertions.
    pub(in crate::verifier) const fn identity(&self) -> &AssertionIdentity {
        &self.identity
    }

    /// The second since 1970 from which no verifier accepts the assertion (`exp` plus the maximum
    /// leeway).
    pub(in crate::verifier) const fn forget_after(&self) -> i64 {
        self.forget_after
    }

    pub(in crate::verifier) fn into_client_id(self) -> String {
        self.client_id
    }
}

impl std::fmt::Debug for VerifiedAssertion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifiedAssertion").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}
