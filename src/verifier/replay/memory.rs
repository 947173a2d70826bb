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

/// A [`ReplayStore`] in the memory of one process. Bounded and exact: nothing is forgotten before its time, and a full
/// store refuses.
///
/// # Capacity and shares
///
/// An assertion is remembered until its `exp` and [`MAX_LEEWAY`](crate::verifier::ClientAssertionVerifier::MAX_LEEWAY), so
/// one of 60 s takes its place for 120 s. A place takes less than 100 bytes, and only when it is first needed.
///
/// No client can lock out the others: **it may hold as many entries as are still free**. One alone gets half of the
/// capacity, and the next half of what is left. As entries end, `n` clients that take all they can come to 1/(n+1) each,
/// and as much is free for another. So the capacity is to be twice what the busiest client needs, or more: one that
/// authenticates 100 times a second with assertions of 60 s holds 12,000 entries, and needs a capacity of 24,000. Where
/// anybody can register clients, [`share_of_free`](Self::share_of_free) makes it harder for many of them together.
///
/// # Clocks
///
/// When the clock steps back, what the store may have forgotten already is refused as expired. A clock that was far
/// ahead for a moment costs no more than that: assertions that end after the last forgotten one are accepted.
///
/// # Cost
///
/// What is over is cleared away a few entries at a time by those who add new ones. The entries are in 64 parts with a lock
/// each, so that a part that grows keeps nobody waiting for long.
pub struct InMemoryReplayStore {
    capacity: usize,
    /// The part of what is free that a client may hold: one `share`th.
    share: usize,
    /// How many entries there are, in all parts.
    held: AtomicUsize,
    parts: Box<[Part; Self::PARTS]>,
    random: RandomState,
}

/// Entries by their key, and how many of them a client has, by the client. Whoever locks a part's clients may hold the
/// lock of a part's entries, and never the other way round.
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
    /// How many entries that are over an insertion clears away: more than it adds, so that none stay behind.
    const CLEARED_ALONG: usize = 8;
    /// How many it clears away at most, when there seems to be no room.
    const CLEARED_FOR_ROOM: usize = 1024;
    /// How many of these under one lock.
    const CLEARED_AT_A_TIME: usize = 64;

    /// A store of this many assertions that have not expired; 2³²−2 at most.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        // Whoever knows how keys are spread can choose `jti`s that end up in one place, at some millions of hashes each;
        // SipHash with a key of this store's own leaves nothing to choose. No result depends on that key.
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

    /// Lets a client hold no more than one `n`th of what is free, instead of as much as is free. One alone then gets
    /// 1/(n+1) of the capacity, and it takes many more clients to use it up: of a million places, 20 clients one after the
    /// other leave none with 1, and 7 % with 7; it takes 93 of them to leave none.
    #[must_use]
    pub fn share_of_free(mut self, n: NonZeroU32) -> Self {
        self.share = n.get() as usize;
        self
    }

    /// As [`ReplayStore::spend`], for callers that do not await: this store never waits.
    ///
    /// # Errors
    ///
    /// [`VerifierError::Replayed`], [`VerifierError::ReplayStoreFull`], [`VerifierError::ReplayShareFull`],
    /// [`VerifierError::Expired`].
    pub fn spend_now(
        &self,
        assertion: VerifiedAssertion,
        now: OffsetDateTime,
    ) -> Result<String, VerifierError> {
        let fresh = self.insert_now(ReplayEntry::of(&assertion), now)?;
        if fresh { Ok(assertion.into_client_id()) } else { Err(VerifierError::Replayed) }
    }

    /// As [`ReplayStore::insert`], for callers that do not await.
    ///
    /// # Errors
    ///
    /// [`VerifierError::ReplayStoreFull`], [`VerifierError::ReplayShareFull`], [`VerifierError::Expired`].
    pub fn insert_now(&self, entry: ReplayEntry, now: OffsetDateTime) -> Result<bool, VerifierError> {
        let now = now.unix_timestamp();
        match self.insert_into_room(&entry, now, true) {
            Err(VerifierError::ReplayStoreFull | VerifierError::ReplayShareFull { .. }) => {
                // As long as there is more to clear away, nobody knows who holds too much. To let each of these calls add
                // one entry where it cleared away a thousand changes nothing.
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
mod tests {
    use super::*;

    fn entry(client: &str, jti: u32, forget_after: i64) -> ReplayEntry {
        ReplayEntry::new(client, &jti.to_string(), forget_after)
    }

    fn at(second: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(second).unwrap()
    }

    fn insert(
        store: &InMemoryReplayStore,
        (client, jti, end): (&str, u32, i64),
        now: i64,
    ) -> Result<bool, VerifierError> {
        store.insert_now(entry(client, jti, end), at(now))
    }

    #[test]
    fn an_entry_is_spent_once_and_forgotten_at_its_end() {
        let store = InMemoryReplayStore::default();
        assert!(insert(&store, ("a", 1, 100), 50).unwrap());
        assert!(!insert(&store, ("a", 1, 100), 99).unwrap());
        assert!(insert(&store, ("a", 2, 200), 100).unwrap());
        assert!(store.clear_for_room(100));
        assert_eq!(store.held.load(Ordering::Relaxed), 1);
        // The same name may be used again, and is used once again.
        assert!(insert(&store, ("a", 1, 300), 100).unwrap());
        assert!(!insert(&store, ("a", 1, 300), 100).unwrap());
    }

    #[test]
    fn a_full_store_refuses_and_evicts_nothing() {
        let store = InMemoryReplayStore::with_capacity(2);
        assert!(insert(&store, ("a", 1, 100), 0).unwrap());
        assert!(insert(&store, ("b", 2, 50), 0).unwrap());
        assert!(matches!(insert(&store, ("c", 3, 100), 0), Err(VerifierError::ReplayStoreFull)));
        assert!(matches!(insert(&store, ("a", 3, 100), 0), Err(VerifierError::ReplayStoreFull)));
        assert!(!insert(&store, ("a", 1, 100), 0).unwrap());
        assert!(!insert(&store, ("b", 2, 50), 49).unwrap());
        assert!(insert(&store, ("c", 3, 100), 50).unwrap());
        assert!(!insert(&store, ("a", 1, 100), 99).unwrap());
        let none = InMemoryReplayStore::with_capacity(0);
        assert!(matches!(insert(&none, ("a", 1, 100), 0), Err(VerifierError::ReplayStoreFull)));
    }

    #[test]
    fn a_client_may_hold_as_many_as_are_free() {
        let store = InMemoryReplayStore::with_capacity(100);
        // All that a client gets, at one time.
        let fill = |client: &str, now: i64| {
            let mut held = 0;
            loop {
                match insert(&store, (client, held, now + 100), now) {
                    Ok(true) => held += 1,
                    refused => return (held, refused),
                }
            }
        };
        assert!(matches!(fill("a", 0), (50, Err(VerifierError::ReplayShareFull { held: 50, free: 50 }))));
        assert!(matches!(fill("b", 0), (25, Err(VerifierError::ReplayShareFull { held: 25, free: 25 }))));
        assert!(matches!(fill("c", 0), (13, Err(VerifierError::ReplayShareFull { held: 13, free: 12 }))));
        // What they hold stays remembered.
        assert!(!insert(&store, ("a", 49, 100), 99).unwrap());
        // When all of it is over, the first has its half again.
        assert_eq!(fill("a", 100).0, 50);
    }

    #[test]
    fn a_smaller_share_leaves_more_to_the_others() {
        let taken = |share: u32, clients: u32| {
            let share = NonZeroU32::new(share).unwrap();
            let store = InMemoryReplayStore::with_capacity(10_000).share_of_free(share);
            for client in 0..clients {
                let client = client.to_string();
                (0..).take_while(|jti| insert(&store, (&client, *jti, 100), 0).is_ok()).for_each(drop);
            }
            store.held.load(Ordering::Relaxed)
        };
        assert_eq!((taken(1, 1), taken(1, 2), taken(1, 14)), (5000, 7500, 10_000));
        assert_eq!((taken(7, 1), taken(7, 2), taken(7, 14)), (1250, 2344, 8460));
        assert_eq!(taken(u32::MAX, 5), 5);
    }

    #[test]
    fn a_client_that_took_its_half_shrinks_to_its_share_of_many() {
        let store = InMemoryReplayStore::with_capacity(1000);
        let mut refused = [0; 4];
        // Four clients that never rest: 100 attempts a second each, for entries of 10 s.
        for second in 0..100 {
            for number in 0..100 {
                for (client, refused) in refused.iter_mut().enumerate() {
                    let jti = u32::try_from(second * 100 + number).unwrap();
                    let result = insert(&store, (&client.to_string(), jti, second + 10), second);
                    if second < 50 {
                        continue; // until they have found their shares
                    }
                    match result {
                        Ok(fresh) => assert!(fresh),
                        Err(VerifierError::ReplayShareFull { .. }) => *refused += 1,
                        Err(other) => panic!("{other:?}"),
                    }
                }
            }
        }
        // 5000 attempts of each; with 200 places for 10 s each, 1000 of them can succeed.
        for refused in refused {
            assert!((3900..=4100).contains(&refused), "{refused}");
        }
    }

    #[test]
    fn a_clock_that_steps_back_opens_no_hole() {
        let store = InMemoryReplayStore::default();
        assert!(insert(&store, ("a", 1, 100), 50).unwrap());
        assert!(insert(&store, ("a", 2, 300), 200).unwrap());
        assert!(store.clear_for_room(200)); // entry 1 is forgotten
        assert!(matches!(
            insert(&store, ("a", 1, 100), 60),
            Err(VerifierError::Expired { expired: 100, now: 100 })
        ));
        assert!(!insert(&store, ("a", 2, 300), 60).unwrap());
    }

    #[test]
    fn a_clock_that_jumps_about_opens_no_hole() {
        let store = InMemoryReplayStore::with_capacity(10_000);
        let mut state = 1_u64;
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        let mut spent = std::collections::HashSet::new();
        let mut again = 0;
        for _ in 0..200_000 {
            let (jti, now) = (random(3000), i64::try_from(random(1000)).unwrap());
            // What is signed does not change: an assertion has one end.
            let end = i64::try_from(jti * 7 % 1100).unwrap();
            let jti = u32::try_from(jti).unwrap();
            match insert(&store, (["a", "b", "c"][jti as usize % 3], jti, end), now) {
                Ok(true) => assert!(spent.insert(jti), "{jti} twice"),
                Ok(false) => {
                    assert!(spent.contains(&jti), "{jti} was new");
                    again += 1;
                }
                Err(VerifierError::Expired { expired, now: judged }) => {
                    assert!(expired == end && judged >= now && expired <= judged);
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!(spent.len() > 300 && again > 300, "{} and {again}", spent.len());
    }

    #[test]
    fn a_clock_that_was_far_ahead_for_a_moment_locks_nobody_out() {
        let store = InMemoryReplayStore::default();
        assert!(insert(&store, ("a", 1, 100), 50).unwrap());
        let far_ahead = insert(&store, ("a", 2, 110), 4_000_000_000);
        assert!(matches!(far_ahead, Err(VerifierError::Expired { expired: 110, now: 4_000_000_000 })));
        assert!(store.clear_for_room(4_000_000_000));
        assert!(insert(&store, ("a", 3, 120), 60).unwrap());
        assert!(!insert(&store, ("a", 3, 120), 61).unwrap());
        assert!(insert(&store, ("a", 1, 100), 61).is_err());
    }

    #[test]
    fn nobody_pays_for_all_that_is_over() {
        let store = InMemoryReplayStore::with_capacity(10_000);
        for number in 0..2500 {
            for client in ["a", "b", "c", "d"] {
                let in_shares = store.insert_into_room(&entry(client, number, 100), 0, false);
                assert!(in_shares.unwrap());
            }
        }
        assert!(matches!(insert(&store, ("e", 1, 100), 0), Err(VerifierError::ReplayStoreFull)));
        // All of it is over. Whoever comes gets in, and clears away no more than so much.
        let held = || store.held.load(Ordering::Relaxed);
        for client in ["a", "b", "e"] {
            let before = held();
            assert!(insert(&store, (client, 3000, 200), 100).unwrap());
            let cleared = before + 1 - held();
            let most = InMemoryReplayStore::CLEARED_FOR_ROOM + 2 * InMemoryReplayStore::CLEARED_ALONG;
            assert!((1..=most).contains(&cleared), "{cleared}");
        }
        for number in 0..3000 {
            insert(&store, ("e", 4000 + number, 200), 100).unwrap();
        }
        assert!(store.clear_for_room(100));
        assert_eq!(held(), 3 + 3000);
    }

    #[test]
    fn counts_are_given_up_with_the_entries() {
        let store = InMemoryReplayStore::with_capacity(1000);
        for number in 0..400 {
            insert(&store, (&(number % 7).to_string(), number, 10), 0).unwrap();
        }
        assert!(store.clear_for_room(10));
        assert_eq!(store.held.load(Ordering::Relaxed), 0);
        assert!(store.parts.iter().all(|part| lock(&part.clients).is_empty()));
    }

    #[test]
    fn threads_spend_an_entry_once() {
        let store = InMemoryReplayStore::with_capacity(100_000);
        let wins = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for number in 0..5000 {
                        // A second of a hundred entries, which live for ten.
                        let now = i64::from(number / 100);
                        let won = insert(&store, ("a", number, now + 10), now).is_ok_and(|fresh| fresh);
                        wins.fetch_add(usize::from(won), Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(wins.load(Ordering::Relaxed), 5000);
        while !store.clear_for_room(i64::MAX) {}
        assert_eq!(store.held.load(Ordering::Relaxed), 0);
    }
}
