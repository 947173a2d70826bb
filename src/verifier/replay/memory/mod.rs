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

/// A [`ReplayStore`] in the memory of one process. Bounded and exact: nothing is forgotten before
/// its time, and a full store refuses.
///
/// # Capacity and shares
///
/// An assertion is remembered until its `exp` and
/// [`MAX_LEEWAY`](crate::verifier::ClientAssertionVerifier::MAX_LEEWAY), so one of 60 s takes its
/// place for 120 s. A place takes less than 100 bytes, and only when it is first needed.
///
/// No client can lock out the others: **it may hold as many entries as are still free**. One alone
/// gets half of the capacity, and the next half of what is left. As entries end, `n` clients that
/// take all they can come to 1/(n+1) each, and as much is free for another. So the capacity is to
/// be twice what the busiest client needs, or more: one that authenticates 100 times a second with
/// assertions of 60 s holds 12,000 entries, and needs a capacity of 24,000. Where anybody can
/// register clients, [`share_of_free`](Self::share_of_free) makes it harder for many of them
/// together.
///
/// # Clocks
///
/// When the clock steps back, what the store may have forgotten already is refused as expired. A
/// clock that was far ahead for a moment costs no more than that: assertions that end after the
/// last forgotten one are accepted.
///
/// # Cost
///
/// What is over is cleared away a few entries at a time by those who add new ones. The entries are
/// in 64 parts with a lock each, so that a part that grows keeps nobody waiting for long.
pub struct InMemoryReplayStore {
    capacity: usize,
    /// The part of what is free that a client may hold: one `share`th.
    share: usize,
    /// How many entries there are, in all parts.
    held: AtomicUsize,
    parts: Box<[Part; Self::PARTS]>,
    random: RandomState,
}

/// Entries by their key, and how many of them a client has, by the client. Whoever locks a part's
/// clients may hold the lock of a part's entries, and never the other way round.
struct Part {
    entries: Mutex<Entries>,
    clients: Mutex<HashTable<Client>>,
}

struct Client {
    /// Its hash under `random`, which nobody else can compute: 64 bits are enough.
    id: u64,
    held: u32,
}

impl InMemoryReplayStore {
    /// The capacity of [`InMemoryReplayStore::default`], in assertions.
    pub const DEFAULT_CAPACITY: usize = 1_000_000;

    const PARTS: usize = 64;
    /// How many entries that are over an insertion clears away: more than it adds, so that none
    /// stay behind.
    const CLEARED_ALONG: usize = 8;
    /// How many it clears away at most, when there seems to be no room.
    const CLEARED_FOR_ROOM: usize = 1024;
    /// How many of these under one lock.
    const CLEARED_AT_A_TIME: usize = 64;

    /// A store of this many assertions that have not expired; 2³²−2 at most.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        // Whoever knows how keys are spread can choose `jti`s that end up in one place, at some
        // millions of hashes each; SipHash with a key of this store's own leaves nothing to choose.
        // No result depends on that key.
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

    /// Lets a client hold no more than one `n`th of what is free, instead of as much as is free.
    /// One alone then gets 1/(n+1) of the capacity, and it takes many more clients to use it up: of
    /// a million places, 20 clients one after the other leave none with 1, and 7 % with 7; it takes
    /// 93 of them to leave none.
    #[must_use]
    pub fn share_of_free(mut self, n: NonZeroU32) -> Self {
        self.share = n.get() as usize;
        self
    }

    /// As [`ReplayStore::spend`], for callers that do not await: this store never waits.
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
                // As long as there is more to clear away, nobody knows who holds too much. To let
                // each of these calls add one entry where it cleared away a thousand changes
                // nothing.
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

    /// Clears away entries that are over, so many at most; returns how many.
    fn clear(&self, entries: &mut Entries, now: i64, limit: usize) -> usize {
        let cleared = std::iter::from_fn(|| entries.forget_one(now)).take(limit);
        cleared.map(|client| self.give_place_back(client)).count()
    }

    /// Clears away entries of all parts; says whether none is left that is over.
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

    /// The part of a hash, by bits that the tables do not use.
    fn part(&self, hash: u64) -> &Part {
        let [first, ..] = &*self.parts;
        self.parts.get((hash >> 40) as usize % Self::PARTS).unwrap_or(first)
    }
}

/// No step leaves what is locked half-changed, so a panic elsewhere does not spoil it.
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
