use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

use super::entries::Entries;
use super::{ReplayEntry, ReplayStore};
use crate::keys::BoxFuture;
use crate::verifier::{VerifiedAssertion, VerifierError};

/// A [`ReplayStore`] in the memory of one process. It is bounded and exact: it forgets nothing
/// before its time, and rejects new assertions when it is full.
///
/// # Capacity and shares
///
/// An assertion is remembered until its `exp` plus
/// [`MAX_LEEWAY`](crate::verifier::ClientAssertionVerifier::MAX_LEEWAY), so an assertion of 60 s
/// takes up its place for 120 s. A place takes less than 100 bytes, allocated when it is needed.
///
/// No client can lock out the others: **it may hold as many entries as are still free**. A single
/// client gets at most half of the capacity, and the next one half of the rest. As entries expire,
/// `n` clients that take all they can converge to 1/(n+1) each, and the same amount stays free for
/// another client. So the capacity should be at least twice what the busiest client needs. For
/// example, a client that authenticates 100 times a second with assertions of 60 s holds 12,000
/// entries, and needs a capacity of 24,000. If anyone can register clients,
/// [`share_of_free`](Self::share_of_free) makes it harder for many clients together to fill the
/// store.
///
/// # Clocks
///
/// If the clock steps back, entries that the store may already have forgotten are rejected as
/// expired. The same holds for a clock that was far ahead for a moment: assertions that end after
/// the last forgotten one are still accepted.
///
/// # Cost
///
/// Each insertion removes a few expired entries, so that no insertion has to remove many. All
/// callers share one lock, which each holds for a few microseconds.
pub struct InMemoryReplayStore {
    capacity: usize,
    /// The share of the free places that a client may hold: one `share`th.
    share: usize,
    entries: Mutex<Entries>,
}

impl InMemoryReplayStore {
    /// Expired entries are removed only from a larger store. In a smaller one, a clock that jumps
    /// ahead and back has no effect.
    const KEPT: usize = 1024;
    /// How many expired entries an insertion removes. It is more than the insertion adds, so that
    /// none stay behind.
    const REMOVED_ALONG: usize = 8;
    /// How many more it removes if there seems to be no room.
    const REMOVED_FOR_ROOM: usize = 256;

    /// Creates a store for this many unexpired assertions, at most 2³²−1.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        // A client's entries are counted in 32 bits.
        Self { capacity: capacity.min(u32::MAX as usize), share: 1, entries: Mutex::new(Entries::new()) }
    }

    /// Lets a client hold at most one `n`th of the free places, instead of as many as are free. A
    /// single client then gets 1/(n+1) of the capacity, and many more clients are needed to use it
    /// up. Example with a million places: after 20 clients, one after the other, no place is free
    /// with `n` = 1, but 7 % are free with `n` = 7. With `n` = 7, it takes 93 clients to use up all
    /// places.
    #[must_use]
    pub fn share_of_free(mut self, n: NonZeroU32) -> Self {
        self.share = n.get() as usize;
        self
    }

    /// As [`ReplayStore::spend`], for callers that do not await. This store never waits.
    ///
    /// # Errors
    ///
    /// [`VerifierError::Replayed`], [`VerifierError::ReplayedWithoutJti`],
    /// [`VerifierError::ReplayStoreFull`], [`VerifierError::ReplayShareFull`],
    /// [`VerifierError::Expired`].
    pub fn spend_now(
        &self,
        assertion: VerifiedAssertion,
        now: OffsetDateTime,
    ) -> Result<String, VerifierError> {
        let is_new = self.insert_now(ReplayEntry::of(&assertion), now)?;
        super::spent(assertion, is_new)
    }

    /// As [`ReplayStore::insert`], for callers that do not await.
    ///
    /// # Errors
    ///
    /// [`VerifierError::ReplayStoreFull`], [`VerifierError::ReplayShareFull`],
    /// [`VerifierError::Expired`].
    pub fn insert_now(&self, entry: ReplayEntry, now: OffsetDateTime) -> Result<bool, VerifierError> {
        let second = now.unix_timestamp();
        let mut entries = self.entries();
        if entries.len() > Self::KEPT {
            entries.remove_expired(second, Self::REMOVED_ALONG);
        }
        let now = entries.not_before_removed(second);
        if entry.forget_after <= now {
            return Err(VerifierError::Expired { expired: entry.forget_after, now });
        }
        if entries.holds(&entry, now) {
            return Ok(false);
        }
        if self.check_room(&entries, &entry).is_err() {
            let removed = entries.remove_expired(second, Self::REMOVED_FOR_ROOM);
            match self.check_room(&entries, &entry) {
                // Until all expired entries are removed, it is unknown which client holds too much.
                // Ignoring the share is harmless: one entry is added, and hundreds were removed.
                Err(VerifierError::ReplayShareFull { .. }) if removed == Self::REMOVED_FOR_ROOM => {}
                result => result?,
            }
        }
        entries.add(&entry);
        Ok(true)
    }

    fn check_room(&self, entries: &Entries, entry: &ReplayEntry) -> Result<(), VerifierError> {
        let free = self.capacity.saturating_sub(entries.len());
        let held = entries.len_of_client(entry);
        if free == 0 {
            Err(VerifierError::ReplayStoreFull)
        } else if held.saturating_mul(self.share) >= free {
            Err(VerifierError::ReplayShareFull { held, free })
        } else {
            Ok(())
        }
    }

    /// No step leaves the entries half-changed, so a panic elsewhere does not corrupt them.
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A store for a million unexpired assertions.
impl Default for InMemoryReplayStore {
    fn default() -> Self {
        Self::with_capacity(1_000_000)
    }
}

impl ReplayStore for InMemoryReplayStore {
    fn insert(&self, entry: ReplayEntry, now: OffsetDateTime) -> BoxFuture<'_, Result<bool, VerifierError>> {
        Box::pin(std::future::ready(self.insert_now(entry, now)))
    }
}

impl std::fmt::Debug for InMemoryReplayStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InMemoryReplayStore")
            .field("capacity", &self.capacity)
            .field("held", &self.entries().len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
