use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::{VerifiedAssertion, VerifierError};
use crate::keys::BoxFuture;

/// Remembers which assertions were used (`jti`, RFC 7523 §3), so that a copy is refused.
///
/// An implementation stores [`ReplayEntry`] values, atomically, until each is over; the rest is given.
pub trait ReplayStore: Send + Sync {
    /// Stores an entry unless it is there; says whether it was new. When it cannot tell, it fails.
    ///
    /// # Errors
    ///
    /// [`VerifierError::ReplayStoreFull`], [`VerifierError::ReplayStore`], or [`VerifierError::Expired`] for an entry
    /// that the store would have forgotten already.
    fn insert(&self, entry: ReplayEntry, now: OffsetDateTime) -> BoxFuture<'_, Result<bool, VerifierError>>;

    /// The last step of client authentication: uses the assertion up, and yields the client id.
    ///
    /// # Errors
    ///
    /// [`VerifierError::Replayed`] when it was used before, and those of [`ReplayStore::insert`].
    fn spend(
        &self,
        assertion: VerifiedAssertion,
        now: OffsetDateTime,
    ) -> BoxFuture<'_, Result<String, VerifierError>> {
        Box::pin(async move {
            let fresh = self.insert(ReplayEntry::of(&assertion), now).await?;
            if fresh { Ok(assertion.into_client_id()) } else { Err(VerifierError::Replayed) }
        })
    }
}

/// What a [`ReplayStore`] keeps of an assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplayEntry {
    /// SHA-256 of the length-prefixed `iss` and `jti`: two clients may use the same `jti`.
    pub key: [u8; 32],
    /// The second since 1970 from which no verifier accepts the assertion, whatever its leeway.
    pub forget_after: i64,
}

impl ReplayEntry {
    fn of(assertion: &VerifiedAssertion) -> Self {
        let mut hash = Sha256::new();
        for part in [assertion.client_id(), assertion.jti()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self { key: hash.finalize().into(), forget_after: assertion.forget_after() }
    }
}

/// A [`ReplayStore`] in the memory of one process. Bounded and exact: nothing is forgotten before its time, and a full
/// store refuses.
///
/// When the clock steps back, what the store may have forgotten already is refused as expired. A clock that was far
/// ahead for a moment costs no more than that: assertions that end after the last forgotten one are accepted.
#[derive(Debug)]
pub struct InMemoryReplayStore {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    seen: HashSet<[u8; 32]>,
    by_end: BinaryHeap<Reverse<(i64, [u8; 32])>>,
    /// The latest end of an entry that was forgotten.
    forgotten: i64,
}

impl InMemoryReplayStore {
    /// The capacity of [`InMemoryReplayStore::default`], in assertions.
    pub const DEFAULT_CAPACITY: usize = 100_000;

    /// A store of this many assertions that have not expired.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { capacity, state: Mutex::default() }
    }

    /// As [`ReplayStore::spend`], for callers that do not await: this store never waits.
    ///
    /// # Errors
    ///
    /// [`VerifierError::Replayed`], [`VerifierError::ReplayStoreFull`], [`VerifierError::Expired`].
    pub fn spend_now(
        &self,
        assertion: VerifiedAssertion,
        now: OffsetDateTime,
    ) -> Result<String, VerifierError> {
        let fresh = self.insert_now(ReplayEntry::of(&assertion), now.unix_timestamp())?;
        if fresh { Ok(assertion.into_client_id()) } else { Err(VerifierError::Replayed) }
    }

    fn insert_now(&self, entry: ReplayEntry, now: i64) -> Result<bool, VerifierError> {
        // No step leaves the state half-changed, so a panic elsewhere does not spoil it.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        while let Some(Reverse((end, key))) = state.by_end.peek().copied()
            && end <= now
        {
            state.by_end.pop();
            state.seen.remove(&key);
            state.forgotten = state.forgotten.max(end);
        }
        let now = now.max(state.forgotten);
        if entry.forget_after <= now {
            return Err(VerifierError::Expired { expired: entry.forget_after, now });
        }
        if state.seen.contains(&entry.key) {
            return Ok(false);
        }
        if state.seen.len() >= self.capacity {
            return Err(VerifierError::ReplayStoreFull);
        }
        state.seen.insert(entry.key);
        state.by_end.push(Reverse((entry.forget_after, entry.key)));
        Ok(true)
    }
}

impl Default for InMemoryReplayStore {
    fn default() -> Self {
        Self::with_capacity(Self::DEFAULT_CAPACITY)
    }
}

impl ReplayStore for InMemoryReplayStore {
    fn insert(&self, entry: ReplayEntry, now: OffsetDateTime) -> BoxFuture<'_, Result<bool, VerifierError>> {
        Box::pin(std::future::ready(self.insert_now(entry, now.unix_timestamp())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: u8, forget_after: i64) -> ReplayEntry {
        ReplayEntry { key: [key; 32], forget_after }
    }

    #[test]
    fn an_entry_is_spent_once_and_forgotten_at_its_end() {
        let store = InMemoryReplayStore::default();
        assert!(store.insert_now(entry(1, 100), 50).unwrap());
        assert!(!store.insert_now(entry(1, 100), 99).unwrap());
        assert!(store.insert_now(entry(2, 200), 100).unwrap());
        assert_eq!(store.state.lock().unwrap().seen.len(), 1);
        assert_eq!(store.state.lock().unwrap().by_end.len(), 1);
    }

    #[test]
    fn a_full_store_refuses_and_evicts_nothing() {
        let store = InMemoryReplayStore::with_capacity(2);
        assert!(store.insert_now(entry(1, 100), 0).unwrap());
        assert!(store.insert_now(entry(2, 50), 0).unwrap());
        assert!(matches!(store.insert_now(entry(3, 100), 0), Err(VerifierError::ReplayStoreFull)));
        assert!(!store.insert_now(entry(1, 100), 0).unwrap());
        assert!(store.insert_now(entry(3, 100), 50).unwrap());
    }

    #[test]
    fn a_clock_that_steps_back_opens_no_hole() {
        let store = InMemoryReplayStore::default();
        assert!(store.insert_now(entry(1, 100), 50).unwrap());
        assert!(store.insert_now(entry(2, 300), 200).unwrap()); // entry 1 is forgotten
        assert!(matches!(
            store.insert_now(entry(1, 100), 60),
            Err(VerifierError::Expired { expired: 100, now: 100 })
        ));
        assert!(!store.insert_now(entry(2, 300), 60).unwrap());
    }

    #[test]
    fn a_clock_that_was_far_ahead_for_a_moment_locks_nobody_out() {
        let store = InMemoryReplayStore::default();
        assert!(store.insert_now(entry(1, 100), 50).unwrap());
        let far_ahead = store.insert_now(entry(2, 110), 4_000_000_000);
        assert!(matches!(far_ahead, Err(VerifierError::Expired { expired: 110, now: 4_000_000_000 })));
        assert!(store.insert_now(entry(3, 120), 60).unwrap());
        assert!(!store.insert_now(entry(3, 120), 61).unwrap());
        assert!(store.insert_now(entry(1, 100), 61).is_err());
    }
}
