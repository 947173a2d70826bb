//! One part of the entries of an [`InMemoryReplayStore`](super::InMemoryReplayStore). Entries are
//! found by their key and forgotten in the order in which they end, a bounded number at a time.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

/// The first bytes of the key of a [`ReplayEntry`](super::ReplayEntry). If two entries agree in
/// them, the second is rejected; no replay gets through. To provoke this against another client, an
/// attacker must find a second preimage of 128 bits.
pub(super) type Key = [u8; 16];

/// Marks the end of a list.
const NONE: u32 = u32::MAX;

pub(super) struct Entries {
    /// Indices into `nodes`, by key.
    index: HashTable<u32>,
    nodes: Vec<Node>,
    /// The first free index; each free node links to the next.
    free: u32,
    /// The first of the entries that end in a given second; each links to the next.
    ends: BTreeMap<i64, u32>,
    /// The latest end of a forgotten entry. If the clock has stepped back, an entry that ends no
    /// later may be a forgotten one.
    forgotten: i64,
    random: RandomState,
}

struct Node {
    key: Key,
    client: u64,
    end: i64,
    next: u32,
}

impl Entries {
    pub(super) fn new(random: RandomState) -> Self {
        Self {
            index: HashTable::new(),
            nodes: Vec::new(),
            free: NONE,
            ends: BTreeMap::new(),
            forgotten: i64::MIN,
            random,
        }
    }

    /// The effective time: no earlier than the end of any forgotten entry.
    pub(super) fn not_before_forgotten(&self, now: i64) -> i64 {
        now.max(self.forgotten)
    }

    /// Forgets the expired entry that ended first, and returns its client.
    pub(super) fn forget_one(&mut self, now: i64) -> Option<u64> {
        let mut first = self.ends.first_entry().filter(|first| *first.key() <= now)?;
        let (end, place) = (*first.key(), *first.get());
        let node = self.nodes.get_mut(place as usize)?;
        let (key, client, next) = (node.key, node.client, node.next);
        node.next = std::mem::replace(&mut self.free, place);
        if next == NONE {
            first.remove();
        } else {
            *first.get_mut() = next;
        }
        self.forgotten = self.forgotten.max(end);
        // If the key was used again since, it has another index.
        if let Ok(found) = self.index.find_entry(self.random.hash_one(key), |other| *other == place) {
            found.remove();
        }
        Some(client)
    }

    /// Whether a key was used and its entry has not expired. After an entry has expired, its key
    /// may be used again.
    pub(super) fn holds(&mut self, hash: u64, key: &Key, now: i64) -> bool {
        let nodes = &self.nodes;
        let node = |place: &u32| nodes.get(*place as usize);
        let Ok(found) = self.index.find_entry(hash, |place| node(place).is_some_and(|node| node.key == *key))
        else {
            return false;
        };
        match node(found.get()) {
            Some(node) if node.end > now => true,
            over => {
                self.forgotten = over.map_or(self.forgotten, |node| self.forgotten.max(node.end));
                found.remove();
                false
            }
        }
    }

    /// Adds an entry whose key is not present. The caller ensures that there are fewer than
    /// `u32::MAX` entries.
    pub(super) fn add(&mut self, hash: u64, key: Key, client: u64, end: i64) {
        let chain = self.ends.entry(end).or_insert(NONE);
        let node = Node { key, client, end, next: *chain };
        let place = match self.nodes.get_mut(self.free as usize) {
            Some(free) => {
                let place = std::mem::replace(&mut self.free, free.next);
                *free = node;
                place
            }
            None => {
                let len = self.nodes.len();
                if len == self.nodes.capacity() {
                    // Doubling would leave half of the capacity empty.
                    self.nodes.reserve_exact((len / 8).max(4));
                }
                self.nodes.push(node);
                u32::try_from(len).unwrap_or(NONE)
            }
        };
        *chain = place;
        let (nodes, random) = (&self.nodes, &self.random);
        let hash_of = |place: &u32| nodes.get(*place as usize).map_or(0, |node| random.hash_one(node.key));
        self.index.insert_unique(hash, place, hash_of);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: u64 = 7;

    fn entries() -> Entries {
        Entries::new(RandomState::new())
    }

    fn add(entries: &mut Entries, key: u8, end: i64) {
        let hash = entries.random.hash_one([key; 16]);
        entries.add(hash, [key; 16], CLIENT, end);
    }

    fn holds(entries: &mut Entries, key: u8, now: i64) -> bool {
        let hash = entries.random.hash_one([key; 16]);
        entries.holds(hash, &[key; 16], now)
    }

    fn forget(entries: &mut Entries, now: i64) -> usize {
        std::iter::from_fn(|| entries.forget_one(now)).count()
    }

    #[test]
    fn what_is_over_is_forgotten_in_the_order_of_its_ends() {
        let mut entries = entries();
        for (key, end) in [(1, 100), (2, 50), (3, 100), (4, 75)] {
            add(&mut entries, key, end);
        }
        assert_eq!((entries.forget_one(49), entries.forgotten), (None, i64::MIN));
        assert_eq!((entries.forget_one(100), entries.forgotten), (Some(CLIENT), 50));
        assert_eq!((entries.forget_one(100), entries.forgotten), (Some(CLIENT), 75));
        assert_eq!([1, 2, 3, 4].map(|key| holds(&mut entries, key, 60)), [true, false, true, false]);
        assert_eq!(entries.not_before_forgotten(60), 75);
        assert_eq!(entries.not_before_forgotten(80), 80);
        assert_eq!(forget(&mut entries, 100), 2);
        assert_eq!((entries.index.len(), entries.ends.len()), (0, 0));
    }

    #[test]
    fn places_are_used_again() {
        let mut entries = entries();
        for round in 0..100 {
            for key in 0..10 {
                add(&mut entries, key, round);
            }
            assert_eq!(forget(&mut entries, round), 10);
        }
        assert_eq!(entries.nodes.len(), 10);
    }

    #[test]
    fn a_key_is_used_again_when_its_entry_is_over_though_not_yet_forgotten() {
        let mut entries = entries();
        add(&mut entries, 1, 100);
        assert!(holds(&mut entries, 1, 99));
        assert!(!holds(&mut entries, 1, 100));
        // From here on, a clock that steps back makes no difference.
        assert_eq!(entries.not_before_forgotten(50), 100);
        add(&mut entries, 1, 200);
        assert!(holds(&mut entries, 1, 150));
        // The first one is forgotten, the second one stays.
        assert_eq!(forget(&mut entries, 150), 1);
        assert!(holds(&mut entries, 1, 150));
        assert_eq!(entries.index.len(), 1);
        assert_eq!(forget(&mut entries, 200), 1);
        assert_eq!(entries.index.len(), 0);
    }

    #[test]
    fn room_grows_by_an_eighth() {
        let mut entries = entries();
        for number in 0..10_000_u32 {
            let mut key = [0; 16];
            key[..4].copy_from_slice(&number.to_be_bytes());
            let hash = entries.random.hash_one(key);
            assert!(!entries.holds(hash, &key, 0));
            entries.add(hash, key, CLIENT, i64::from(number % 100) + 1);
            assert!(entries.holds(hash, &key, 0));
            assert!(entries.nodes.capacity() <= entries.nodes.len() / 8 * 9 + 9);
        }
        assert_eq!(size_of::<Node>(), 40);
    }
}
