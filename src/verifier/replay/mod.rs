//! Single use of assertions (`jti`, RFC 7523 §3).

mod entries;
mod memory;

use sha2::{Digest, Sha256};
use time::OffsetDateTime;

pub use memory::InMemoryReplayStore;

use super::client_assertion::AssertionIdentity;
use super::{VerifiedAssertion, VerifierError};
use crate::keys::BoxFuture;

/// Remembers which assertions were used (`jti`, RFC 7523 §3), so that a copy is rejected.
///
/// An implementation stores [`ReplayEntry`] values, atomically, until each expires. The trait
/// provides the rest. [`InMemoryReplayStore`] is an implementation for a single process.
pub trait ReplayStore: Send + Sync {
    /// Stores an entry unless it is present, and returns whether it was new. If the store cannot
    /// tell, it returns an error.
    ///
    /// # Errors
    ///
    /// [`VerifierError::ReplayStoreFull`], [`VerifierError::ReplayShareFull`],
    /// [`VerifierError::ReplayStore`], or [`VerifierError::Expired`] for an entry that the store
    /// may already have forgotten.
    fn insert(&self, entry: ReplayEntry, now: OffsetDateTime) -> BoxFuture<'_, Result<bool, VerifierError>>;

    /// The last step of client authentication: uses up the assertion and returns the client id.
    ///
    /// The assertion may be used up even if this returns an error. The client makes a new one for
    /// its next attempt.
    ///
    /// # Errors
    ///
    /// [`VerifierError::Replayed`] or [`VerifierError::ReplayedWithoutJti`] if the assertion was
    /// used before, and the errors of [`ReplayStore::insert`].
    fn spend(
        &self,
        assertion: VerifiedAssertion,
        now: OffsetDateTime,
    ) -> BoxFuture<'_, Result<String, VerifierError>> {
        Box::pin(async move {
            let is_new = self.insert(ReplayEntry::of(&assertion), now).await?;
            spent(assertion, is_new)
        })
    }
}

/// Returns the client of an assertion whose entry is new.
fn spent(assertion: VerifiedAssertion, is_new: bool) -> Result<String, VerifierError> {
    match assertion.identity() {
        _ if is_new => Ok(assertion.into_client_id()),
        AssertionIdentity::Jti(_) => Err(VerifierError::Replayed),
        AssertionIdentity::SigningInput(_) => Err(VerifierError::ReplayedWithoutJti),
    }
}

/// The data that a [`ReplayStore`] keeps of an assertion. None of it can be turned back into a
/// `jti` or a client id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplayEntry {
    /// SHA-256 of the length-prefixed `iss` and `jti`: two clients may use the same `jti`. Without
    /// a `jti`, the SHA-256 of the signing input takes its place.
    pub key: [u8; 32],
    /// SHA-256 of the length-prefixed `iss`, for stores that give each client a share.
    pub client: [u8; 32],
    /// The second since 1970 from which no verifier accepts the assertion, regardless of its
    /// leeway.
    pub forget_after: i64,
}

impl ReplayEntry {
    /// Creates the entry of an assertion with this `iss` and `jti`. [`ReplayStore::spend`] creates
    /// its own; this method is for testing a store without signing assertions.
    #[must_use]
    pub fn new(client_id: &str, jti: &str, forget_after: i64) -> Self {
        Self::hashed(client_id, jti.as_bytes(), forget_after)
    }

    /// A `jti` that equals the hash of another assertion belongs to the same client, so the client
    /// harms only itself.
    fn hashed(client_id: &str, identity: &[u8], forget_after: i64) -> Self {
        fn update(hash: &mut Sha256, part: &[u8]) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut hash = Sha256::new();
        update(&mut hash, client_id.as_bytes());
        let client = hash.clone().finalize().into();
        update(&mut hash, identity);
        Self { key: hash.finalize().into(), client, forget_after }
    }

    fn of(assertion: &VerifiedAssertion) -> Self {
        let identity = match assertion.identity() {
            AssertionIdentity::Jti(jti) => jti.as_bytes(),
            AssertionIdentity::SigningInput(hash) => hash,
        };
        Self::hashed(assertion.client_id(), identity, assertion.forget_after())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_iss_and_jti_each_with_its_length() {
        let hash = |text: &[u8]| <[u8; 32]>::from(Sha256::digest(text));
        let entry = ReplayEntry::new("ab", "c", 7);
        assert_eq!(entry.key, hash(b"\0\0\0\0\0\0\0\x02ab\0\0\0\0\0\0\0\x01c"));
        assert_eq!(entry.client, hash(b"\0\0\0\0\0\0\0\x02ab"));
        assert_eq!(entry.forget_after, 7);
        assert_ne!(entry.key, ReplayEntry::new("a", "bc", 7).key);
        assert_ne!(entry.client, ReplayEntry::new("a", "bc", 7).client);
    }
}
