//! The keys that the server has accepted, and the key that a call falls back to.
//!
//! A server may have a copy of the JWKS from before the last rotations, so that the key before the
//! active one is as new to it as the active one. A key that the server accepted is in its copy, and
//! stays in every later one for as long as the ring publishes it. Keys are registered for a client,
//! not for an endpoint, so a key that was accepted at one endpoint is known at all of them.

use std::sync::{Arc, Weak};

use time::OffsetDateTime;

use crate::jose::KeyId;
use crate::keys::{Signer, SigningKeys};

/// The most keys that are remembered: more than rotate within a server's cache time.
const MOST_KEYS: usize = 8;

/// The last one first. Survives a change of the active key.
#[derive(Default)]
pub(super) struct AcceptedKeys(Vec<AcceptedKey>);

struct AcceptedKey {
    /// Keeps the address of the key from being reused.
    key: Weak<dyn Signer>,
    key_id: KeyId,
    at: OffsetDateTime,
}

impl AcceptedKeys {
    /// Notes that a known key was accepted. Returns `false` for another one, to be
    /// [added](Self::add).
    pub(super) fn again(&mut self, key: &Arc<dyn Signer>, now: OffsetDateTime) -> bool {
        let Some(place) = self.place(key) else { return false };
        if let Some(last) = self.0.get_mut(..=place) {
            last.rotate_right(1);
        }
        if let Some(last) = self.0.first_mut() {
            last.at = now;
        }
        true
    }

    /// Notes that a key of this name was accepted.
    pub(super) fn add(&mut self, key: &Arc<dyn Signer>, key_id: KeyId, now: OffsetDateTime) {
        if !self.again(key, now) {
            self.0.truncate(MOST_KEYS - 1);
            self.0.insert(0, AcceptedKey { key: Arc::downgrade(key), key_id, at: now });
        }
    }

    /// The name of the key that was accepted last, and when.
    pub(super) fn last(&self) -> Option<(&KeyId, OffsetDateTime)> {
        self.0.first().map(|last| (&last.key_id, last.at))
    }

    /// How many keys were accepted after this one.
    fn place(&self, key: &Arc<dyn Signer>) -> Option<usize> {
        self.0.iter().position(|known| std::ptr::addr_eq(known.key.as_ptr(), Arc::as_ptr(key)))
    }
}

/// The key that a call falls back to, the first of these that may be used:
///
/// 1. The retiring key that the server accepted last.
/// 2. The retiring key that has been published the longest, which is in every copy of the JWKS.
/// 3. The active key, if the call began with another one: the server may have read the JWKS since.
/// 4. The retiring key that signed last, for a server that was given fewer keys by hand.
///
/// A retiring key only while the active one is new, or as long as the server has accepted a
/// retiring key but never the active one: it has not read the JWKS for longer than assumed.
pub(super) fn fallback<'a>(
    keys: &'a SigningKeys,
    accepted: &AcceptedKeys,
    mut may_be_used: impl FnMut(&Arc<dyn Signer>) -> bool,
) -> Option<&'a Arc<dyn Signer>> {
    let retiring = keys.retiring.iter();
    let last_accepted = retiring
        .clone()
        .filter_map(|(key, _)| Some((accepted.place(key)?, key)))
        .min_by_key(|(place, _)| *place)
        .map(|(_, key)| key);
    let is_unread = last_accepted.is_some() && accepted.place(&keys.active).is_none();
    let oldest = keys.retiring.first().map(|(key, _)| key);
    let last_signed = retiring.max_by_key(|(_, until)| *until).map(|(key, _)| key);
    let retiring = |key: Option<&'a _>| key.filter(|_| keys.is_new || is_unread);
    let candidates = [retiring(last_accepted), retiring(oldest), Some(&keys.active), retiring(last_signed)];
    candidates.into_iter().flatten().find(|key| may_be_used(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::Algorithm;
    use crate::keys::PrivateKey;

    fn key() -> Arc<dyn Signer> {
        Arc::new(PrivateKey::generate(Algorithm::EdDSA).unwrap().private_key().unwrap())
    }

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(seconds)
    }

    fn noted(memory: &mut AcceptedKeys, key: &Arc<dyn Signer>, seconds: i64) {
        if !memory.again(key, at(seconds)) {
            memory.add(key, KeyId::from(format!("k{seconds}")), at(seconds));
        }
    }

    /// Four keys of a ring, in the order of publication. The last one is active.
    struct Ring([Arc<dyn Signer>; 4]);

    impl Ring {
        fn new() -> Self {
            Self([(); 4].map(|()| key()))
        }

        /// Without the keys of these numbers.
        fn without(&self, gone: &[usize], is_new: bool) -> SigningKeys {
            let retiring = self.0[..3].iter().zip([10, 30, 20]).enumerate();
            let retiring = retiring.filter(|(number, _)| !gone.contains(number));
            let retiring = retiring.map(|(_, (key, until))| (Arc::clone(key), at(until))).collect();
            SigningKeys { active: Arc::clone(&self.0[3]), is_new, retiring }
        }

        /// The numbers of all candidates, in order.
        fn candidates(&self, keys: &SigningKeys, accepted: &AcceptedKeys) -> Vec<usize> {
            let mut found: Vec<usize> = Vec::new();
            let number = |key: &Arc<dyn Signer>| self.0.iter().position(|known| Arc::ptr_eq(known, key));
            while let Some(next) =
                fallback(keys, accepted, |key| !found.contains(&number(key).unwrap())).and_then(number)
            {
                found.push(next);
            }
            found
        }
    }

    #[test]
    fn the_key_that_was_accepted_last_is_first_then_the_oldest_then_the_active_one() {
        let ring = Ring::new();
        let mut accepted = AcceptedKeys::default();
        let all = ring.without(&[], true);
        // Nothing was accepted: the process has just started.
        assert_eq!(ring.candidates(&all, &accepted), [0, 3, 1]);
        for (number, expected) in [(0, &[0, 3, 1][..]), (2, &[2, 0, 3, 1]), (1, &[1, 0, 3])] {
            noted(&mut accepted, &ring.0[number], 100);
            assert_eq!(ring.candidates(&all, &accepted), expected, "{number}");
        }
        // The active key was accepted by another node of the server.
        noted(&mut accepted, &ring.0[3], 101);
        assert_eq!(ring.candidates(&all, &accepted), [1, 0, 3]);
        // A key that was revoked or removed is no candidate; the one accepted before it is.
        assert_eq!(ring.candidates(&ring.without(&[1], true), &accepted), [2, 0, 3]);
        assert_eq!(ring.candidates(&ring.without(&[0, 1, 2], true), &accepted), [3]);
    }

    #[test]
    fn an_old_active_key_is_stood_in_for_only_if_the_server_accepted_another_but_never_this_one() {
        let ring = Ring::new();
        let mut accepted = AcceptedKeys::default();
        let old = |gone: &[usize]| ring.without(gone, false);
        assert_eq!(ring.candidates(&old(&[]), &accepted), [3]);
        noted(&mut accepted, &ring.0[2], 100);
        assert_eq!(ring.candidates(&old(&[]), &accepted), [2, 0, 3, 1]);
        // Of the keys that it accepted, none is left.
        assert_eq!(ring.candidates(&old(&[2]), &accepted), [3]);
        noted(&mut accepted, &ring.0[3], 101);
        assert_eq!(ring.candidates(&old(&[]), &accepted), [3]);
        // However often the other one is accepted afterwards.
        noted(&mut accepted, &ring.0[2], 102);
        assert_eq!(ring.candidates(&old(&[]), &accepted), [3]);
    }

    #[test]
    fn the_last_accepted_key_and_its_time_are_known_whether_or_not_it_is_still_there() {
        let (one, other) = (key(), key());
        let mut accepted = AcceptedKeys::default();
        assert_eq!(accepted.last(), None);
        noted(&mut accepted, &one, 1);
        noted(&mut accepted, &other, 2);
        assert_eq!(accepted.last(), Some((&"k2".into(), at(2))));
        noted(&mut accepted, &one, 3);
        assert_eq!(accepted.last(), Some((&"k1".into(), at(3))));
        // Two calls may find at the same time that a key is not known yet.
        accepted.add(&one, "again".into(), at(4));
        assert_eq!(accepted.last(), Some((&"k1".into(), at(4))));
        drop(one);
        assert_eq!(accepted.last(), Some((&"k1".into(), at(4))));
    }

    #[test]
    fn as_many_keys_are_remembered_as_may_matter() {
        let keys = [(); MOST_KEYS + 2].map(|()| key());
        let mut accepted = AcceptedKeys::default();
        for (number, key) in (0..).zip(&keys) {
            noted(&mut accepted, key, number);
        }
        let places: Vec<Option<usize>> = keys.iter().map(|key| accepted.place(key)).collect();
        let expected: Vec<Option<usize>> =
            [None, None].into_iter().chain((0..MOST_KEYS).rev().map(Some)).collect();
        assert_eq!(places, expected);
        // One of them again moves no other one out.
        noted(&mut accepted, &keys[2], 100);
        assert_eq!((accepted.place(&keys[2]), accepted.place(&keys[3])), (Some(0), Some(MOST_KEYS - 1)));
    }
}
