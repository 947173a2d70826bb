//! The entries of an [`InMemoryReplayStore`](super::InMemoryReplayStore).
//!
//! They are in B-trees. Hash tables are faster, but a table that grows moves all of its entries at
//! once, while every caller waits. Clients influence the keys; no choice makes a B-tree slow.

use std::collections::{BTreeMap, btree_map};
use std::hash::{BuildHasher, RandomState};

use super::ReplayEntry;

/// The first bytes of the key of a [`ReplayEntry`]. If two entries agree in them, the second is
/// rejected; no replay gets through. To provoke this against another client, an attacker must find
/// a second preimage of 128 bits.
type Key = [u8; 16];

/// A client, hashed with the random key of the store. Two clients with the same hash would share
/// their places. The first 64 bits of the SHA-256 could be made to agree on purpose, and 128 bits
/// would bring an entry above 100 bytes. Without the key, 64 bits agree only by chance.
type Client = u64;

/// Packed, because the padding would be 4 bytes per entry.
#[derive(Clone, Copy)]
#[repr(C, packed)]
struct Held {
    client: Client,
    end: i64,
    /// Where the key is among those of its `end`, so that it is removed without a search: a client
    /// can make any number of entries end in the same second.
    place: u32,
}

/// Invariant: each key in `held` is in `ends` exactly once, at the `end` and `place` of its entry,
/// and `ends` has no other keys. Only `add` and `remove` change them.
pub(super) struct Entries {
    held: BTreeMap<Key, Held>,
    /// The keys of the entries that end in each second.
    ends: BTreeMap<i64, Vec<Key>>,
    /// How many entries each client has.
    clients: BTreeMap<Client, u32>,
    client_hash: RandomState,
    /// The latest end of a removed entry. If the clock has stepped back, an entry that ends no
    /// later may be a removed one.
    removed_until: i64,
}

impl Entries {
    pub(super) fn new() -> Self {
        Self {
            held: BTreeMap::new(),
            ends: BTreeMap::new(),
            clients: BTreeMap::new(),
            client_hash: RandomState::new(),
            removed_until: i64::MIN,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// How many entries the client of this entry has.
    pub(super) fn len_of_client(&self, entry: &ReplayEntry) -> usize {
        self.clients.get(&self.client_of(entry)).map_or(0, |count| *count as usize)
    }

    fn client_of(&self, entry: &ReplayEntry) -> Client {
        self.client_hash.hash_one(entry.client)
    }

    /// The effective time: no earlier than the end of any removed entry.
    pub(super) fn not_before_removed(&self, now: i64) -> i64 {
        now.max(self.removed_until)
    }

    /// Whether the entry is present and has not expired.
    pub(super) fn holds(&self, entry: &ReplayEntry, now: i64) -> bool {
        self.held.get(&first_of(&entry.key)).is_some_and(|held| held.end > now)
    }

    /// Adds an entry. If there is one with the same key, it must have expired, and is replaced.
    pub(super) fn add(&mut self, entry: &ReplayEntry) {
        let (key, client, end) = (first_of(&entry.key), self.client_of(entry), entry.forget_after);
        self.remove(key);
        let keys = self.ends.entry(end).or_default();
        if keys.len() == keys.capacity() {
            // Doubling would leave up to 16 bytes per entry unused.
            keys.reserve_exact(roomy(keys.len()) - keys.len());
        }
        // The store holds at most 2³²−1 entries.
        let place = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        keys.push(key);
        self.held.insert(key, Held { client, end, place });
        *self.clients.entry(client).or_default() += 1;
    }

    /// Removes at most this many expired entries, the oldest first. Returns how many it removed:
    /// if fewer, none is left.
    pub(super) fn remove_expired(&mut self, now: i64, limit: usize) -> usize {
        for removed in 0..limit {
            let first = self.ends.first_key_value().filter(|(end, _)| **end <= now);
            let Some(key) = first.and_then(|(_, keys)| keys.last().copied()) else {
                return removed;
            };
            self.remove(key);
        }
        limit
    }

    fn remove(&mut self, key: Key) {
        let Some(Held { client, end, place }) = self.held.remove(&key) else {
            return;
        };
        self.removed_until = self.removed_until.max(end);
        if let btree_map::Entry::Occupied(mut second) = self.ends.entry(end) {
            let (keys, index) = (second.get_mut(), place as usize);
            if index < keys.len() {
                keys.swap_remove(index);
            }
            // The last key takes the place of the removed one.
            if let Some(moved) = keys.get(index).and_then(|moved| self.held.get_mut(moved)) {
                moved.place = place;
            }
            if keys.is_empty() {
                second.remove();
            } else if keys.len() < keys.capacity() / 2 {
                // Otherwise one remaining entry would keep the memory of all those removed.
                keys.shrink_to(roomy(keys.len()));
            }
        }
        match self.clients.get_mut(&client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.clients.remove(&client)),
        }
    }

    #[cfg(test)]
    pub(super) fn assert_consistent(&self) {
        let mut clients = BTreeMap::new();
        let mut listed = 0;
        for (end, keys) in &self.ends {
            assert!(!keys.is_empty() && keys.capacity() <= 2 * keys.len() + 4);
            for (place, key) in keys.iter().enumerate() {
                let held = self.held[key];
                assert_eq!(({ held.end }, held.place as usize), (*end, place));
                *clients.entry(held.client).or_default() += 1;
            }
            listed += keys.len();
        }
        assert_eq!(listed, self.held.len());
        assert_eq!(clients, self.clients);
    }
}

/// The capacity of a list of this many keys, with room for a few more.
const fn roomy(len: usize) -> usize {
    len + len / 4 + 4
}

fn first_of(hash: &[u8; 32]) -> Key {
    hash.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: u8, end: i64) -> ReplayEntry {
        ReplayEntry { key: [key; 32], client: [7; 32], forget_after: end }
    }

    fn holds(entries: &Entries, key: u8, now: i64) -> bool {
        entries.holds(&entry(key, 0), now)
    }

    #[test]
    fn expired_entries_are_removed_oldest_first() {
        let mut entries = Entries::new();
        for (key, end) in [(1, 100), (2, 50), (3, 100), (4, 75)] {
            entries.add(&entry(key, end));
        }
        assert_eq!(entries.remove_expired(49, 1), 0);
        assert_eq!((entries.len(), entries.removed_until), (4, i64::MIN));
        assert_eq!(entries.remove_expired(100, 1), 1);
        assert_eq!((entries.len(), entries.removed_until), (3, 50));
        assert_eq!(entries.remove_expired(100, 1), 1);
        assert_eq!((entries.len(), entries.removed_until), (2, 75));
        assert_eq!([1, 2, 3, 4].map(|key| holds(&entries, key, 60)), [true, false, true, false]);
        assert_eq!(entries.not_before_removed(60), 75);
        assert_eq!(entries.not_before_removed(80), 80);
        assert_eq!(entries.remove_expired(100, 3), 2);
        assert_eq!((entries.len(), entries.ends.len(), entries.clients.len()), (0, 0, 0));
    }

    #[test]
    fn a_key_is_used_again_when_its_entry_has_expired_but_is_not_yet_removed() {
        let mut entries = Entries::new();
        entries.add(&entry(1, 100));
        assert!(holds(&entries, 1, 99));
        assert!(!holds(&entries, 1, 100));
        entries.add(&entry(1, 200));
        // From here on, a clock that steps back makes no difference.
        assert_eq!(entries.not_before_removed(50), 100);
        assert!(holds(&entries, 1, 150));
        // The first one is gone, the second one stays.
        entries.assert_consistent();
        assert_eq!(entries.remove_expired(150, 8), 0);
        assert!(holds(&entries, 1, 150));
        assert_eq!((entries.len(), entries.len_of_client(&entry(1, 0))), (1, 1));
        assert_eq!(entries.remove_expired(200, 8), 1);
        assert_eq!((entries.len(), entries.ends.len()), (0, 0));
    }

    #[test]
    fn a_replaced_key_leaves_its_second_and_the_memory() {
        let mut entries = Entries::new();
        for key in 0..=255 {
            entries.add(&entry(key, 100));
        }
        // Neither from the front nor from the back.
        for step in 0..255_u8 {
            entries.add(&entry(step.wrapping_mul(77), 200 + i64::from(step % 3)));
            entries.assert_consistent();
        }
        assert_eq!((entries.len(), entries.ends[&100].len()), (256, 1));
        assert_eq!(entries.remove_expired(200, 1000), 86);
        entries.assert_consistent();
    }

    #[test]
    fn clients_that_agree_in_their_first_bytes_do_not_share_their_places() {
        let mut entries = Entries::new();
        entries.add(&entry(1, 100));
        let mut other = entry(2, 100);
        other.client[8..].fill(8);
        assert_eq!(entries.len_of_client(&other), 0);
        entries.add(&other);
        assert_eq!((entries.len_of_client(&other), entries.len_of_client(&entry(1, 0))), (1, 1));
    }

    #[test]
    fn each_store_hashes_clients_in_its_own_way() {
        let [one, two] = [Entries::new(), Entries::new()].map(|store| store.client_of(&entry(1, 0)));
        assert_ne!(one, two);
    }

    #[test]
    fn two_entries_differ_in_their_first_bytes() {
        let mut entries = Entries::new();
        entries.add(&entry(1, 100));
        let mut same = entry(1, 100);
        same.key[16..].fill(2);
        assert!(entries.holds(&same, 0));
        same.key[15] = 2;
        assert!(!entries.holds(&same, 0));
    }
}
