//! A bounded store, keyed by the hashes of secrets.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use time::OffsetDateTime;

/// Values, keyed by the hashes of their names, because most names are secrets. An entry stays until
/// it expires. A full store drops expired entries, and refuses new ones if there are none.
pub(super) struct Store<T> {
    capacity: usize,
    entries: HashMap<[u8; 32], Entry<T>>,
}

struct Entry<T> {
    value: T,
    end: OffsetDateTime,
}

/// The store is full.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl<T> Store<T> {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self { capacity, entries: HashMap::new() }
    }

    pub(super) fn insert(
        &mut self,
        name: &str,
        value: T,
        end: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<(), Full> {
        if self.entries.len() >= self.capacity {
            self.entries.retain(|_, entry| entry.end > now);
        }
        if self.entries.len() >= self.capacity {
            return Err(Full);
        }
        self.entries.insert(hash(name), Entry { value, end });
        Ok(())
    }

    pub(super) fn get(&self, name: &str, now: OffsetDateTime) -> Option<&T> {
        self.entries.get(&hash(name)).filter(|entry| entry.end > now).map(|entry| &entry.value)
    }

    pub(super) fn get_mut(&mut self, name: &str, now: OffsetDateTime) -> Option<&mut T> {
        let entry = self.entries.get_mut(&hash(name)).filter(|entry| entry.end > now);
        entry.map(|entry| &mut entry.value)
    }

    /// An expired entry that has not been dropped yet. It distinguishes an expired name from an
    /// unknown one.
    pub(super) fn ended(&self, name: &str, now: OffsetDateTime) -> Option<&T> {
        self.entries.get(&hash(name)).filter(|entry| entry.end <= now).map(|entry| &entry.value)
    }

    /// Expires an entry early.
    pub(super) fn end(&mut self, name: &str, now: OffsetDateTime) {
        if let Some(entry) = self.entries.get_mut(&hash(name)) {
            entry.end = entry.end.min(now);
        }
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.entries.values_mut().map(|entry| &mut entry.value)
    }
}

fn hash(name: &str) -> [u8; 32] {
    Sha256::digest(name.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(second)
    }

    #[test]
    fn an_entry_is_there_until_its_end() {
        let mut store = Store::with_capacity(2);
        store.insert("a", 1, at(10), at(0)).unwrap();
        assert_eq!(store.get("a", at(9)), Some(&1));
        assert_eq!(store.get_mut("a", at(9)), Some(&mut 1));
        assert_eq!(store.get("a", at(10)), None);
        assert_eq!(store.get_mut("a", at(10)), None);
        assert_eq!(store.get("b", at(0)), None);
        assert_eq!((store.ended("a", at(9)), store.ended("a", at(10))), (None, Some(&1)));
        store.end("a", at(5));
        assert_eq!((store.get("a", at(4)), store.get("a", at(5))), (Some(&1), None));
        // It never ends later than it did.
        store.end("a", at(7));
        store.end("b", at(7));
        assert_eq!((store.ended("a", at(5)), store.ended("b", at(9))), (Some(&1), None));
    }

    #[test]
    fn a_full_store_refuses_and_gives_up_only_what_has_ended() {
        let mut store = Store::with_capacity(2);
        store.insert("a", 1, at(10), at(0)).unwrap();
        store.insert("b", 2, at(20), at(0)).unwrap();
        assert_eq!(store.insert("c", 3, at(20), at(9)), Err(Full));
        assert_eq!(store.get("c", at(9)), None);
        store.insert("c", 3, at(20), at(10)).unwrap();
        assert_eq!(store.insert("d", 4, at(30), at(19)), Err(Full));
        assert_eq!((store.get("b", at(19)), store.get("c", at(19))), (Some(&2), Some(&3)));
        assert_eq!(store.values_mut().count(), 2);
    }
}
