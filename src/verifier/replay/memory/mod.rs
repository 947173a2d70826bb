use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hashbrown::HashTable;
use time::OffsetDateTime;

use super::entries::{Entries, Key};
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
/// takes up its place for 120 s. A place takes less than 100 bytes, allocated when it is first
/// needed.
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
/// Each insertion clears away a few expired entries. The entries are in 64 parts with a lock each,
/// so that other callers do not wait long while a part grows.
pub struct InMemoryReplayStore {
    capacity: usize,
    /// The share of the free places that a client may hold: one `share`th.
    share: usize,
    /// The number of entries in all parts.
    held: AtomicUsize,
    parts: Box<[Part; Self::PARTS]>,
    random: RandomState,
}

/// Entries by their key, and the number of entries of each client. A thread that locks a part's
/// clients may already hold the lock of a part's entries, but never the other way round.
struct Part {
    entries: Mutex<Entries>,
    clients: Mutex<HashTable<Client>>,
}

struct Client {
    /// The client's hash under `random`, which no one else can compute: 64 bits are enough.
    id: u64,
    held: u32,
}

impl InMemoryReplayStore {
    /// The capacity of [`InMemoryReplayStore::default`], in assertions.
    pub const DEFAULT_CAPACITY: usize = 1_000_000;

    const PARTS: usize = 64;
    /// How many expired entries an insertion clears away. It is more than the insertion adds, so
    /// that none stay behind.
    const CLEARED_ALONG: usize = 8;
    /// The maximum that an insertion clears away when the store seems to be full.
    const CLEARED_FOR_ROOM: usize = 1024;
    /// How many of these it clears away under one lock.
    const CLEARED_AT_A_TIME: usize = 64;

    /// Creates a store for this many unexpired assertions, at most 2³²−2.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        // An attacker who knows how keys are spread can choose `jti`s that end up in one place, at
        // the cost of some millions of hashes each. SipHash with the store's own key leaves nothing
        // to choose. No result depends on that key.
        let random = RandomState::new();
        let part = |_| Part { entries: Mutex::new(Entries::new(random.clone())), clients: Mutex::default() };
        Self {
            capacity: capacity.min(u32::MAX as usize - 1),
            share: 1,
            held: AtomicUsize::new(0),
            parts: Box::new(std::array::from_fn(part)),
            random,
        }
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
        let now = now.unix_timestamp();
        match self.insert_into_room(&entry, now, true) {
            Err(VerifierError::ReplayStoreFull | VerifierError::ReplayShareFull { .. }) => {
                // Until everything expired is cleared away, it is unknown which client holds too
                // much. In that case the entry is added regardless of the client's share: one entry
                // per thousand cleared ones does no harm.
                let all_cleared = self.clear_for_room(now);
                self.insert_into_room(&entry, now, all_cleared)
            }
            result => result,
        }
    }

    fn insert_into_room(
        &self,
        entry: &ReplayEntry,
        now: i64,
        in_shares: bool,
    ) -> Result<bool, VerifierError> {
        let mut key = Key::default();
        key.iter_mut().zip(entry.key).for_each(|(short, long)| *short = long);
        let hash = self.random.hash_one(key);
        let mut entries = lock(&self.part(hash).entries);
        self.clear(&mut entries, now, Self::CLEARED_ALONG);
        let now = entries.not_before_forgotten(now);
        if entry.forget_after <= now {
            return Err(VerifierError::Expired { expired: entry.forget_after, now });
        }
        if entries.holds(hash, &key, now) {
            return Ok(false);
        }
        let client = self.random.hash_one(entry.client);
        self.take_place(client, in_shares)?;
        entries.add(hash, key, client, entry.forget_after);
        Ok(true)
    }

    /// Counts an entry of a client, if there is room for it.
    fn take_place(&self, client: u64, in_shares: bool) -> Result<(), VerifierError> {
        let mut clients = lock(&self.part(client).clients);
        let mut of_client = clients.find_mut(client, |other| other.id == client);
        let held = of_client.as_ref().map_or(0, |client| client.held);
        let more = |all: usize| {
            let free = self.capacity.saturating_sub(all);
            let has_share = (held as usize).saturating_mul(self.share) < free;
            (free > 0 && (has_share || !in_shares)).then_some(all + 1)
        };
        self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).map_err(|all| {
            match self.capacity.saturating_sub(all) {
                0 => VerifierError::ReplayStoreFull,
                free => VerifierError::ReplayShareFull { held: held as usize, free },
            }
        })?;
        match &mut of_client {
            Some(client) => client.held += 1,
            None => {
                clients.insert_unique(client, Client { id: client, held: 1 }, |client| client.id);
            }
        }
        Ok(())
    }

    fn give_place_back(&self, client: u64) {
        let mut clients = lock(&self.part(client).clients);
        if let Ok(mut found) = clients.find_entry(client, |other| other.id == client) {
            match found.get().held {
                ..=1 => drop(found.remove()),
                held => found.get_mut().held = held - 1,
            }
        }
        self.held.fetch_sub(1, Ordering::Relaxed);
    }

    /// Clears away at most `limit` expired entries and returns how many.
    fn clear(&self, entries: &mut Entries, now: i64, limit: usize) -> usize {
        let cleared = std::iter::from_fn(|| entries.forget_one(now)).take(limit);
        cleared.map(|client| self.give_place_back(client)).count()
    }

    /// Clears away expired entries in all parts. Returns whether none is left.
    fn clear_for_room(&self, now: i64) -> bool {
        let mut left = Self::CLEARED_FOR_ROOM;
        for part in &*self.parts {
            loop {
                let cleared = self.clear(&mut lock(&part.entries), now, Self::CLEARED_AT_A_TIME.min(left));
                left -= cleared;
                if left == 0 {
                    return false;
                }
                if cleared < Self::CLEARED_AT_A_TIME {
                    break;
                }
            }
        }
        true
    }

    /// The part for a hash. It depends on bits that the tables do not use.
    fn part(&self, hash: u64) -> &Part {
        let [first, ..] = &*self.parts;
        self.parts.get((hash >> 40) as usize % Self::PARTS).unwrap_or(first)
    }
}

/// No step leaves the locked data half-changed, so a panic elsewhere does not corrupt it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for InMemoryReplayStore {
    fn default() -> Self {
        Self::with_capacity(Self::DEFAULT_CAPACITY)
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
            .field("held", &self.held.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
