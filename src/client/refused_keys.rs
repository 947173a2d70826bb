//! Keys that the server rejects, and until when they are not used again. Without this, a revoked
//! key would turn every call into a request and use up a rate limit that other clients share.
//!
//! Only a failed client authentication ([`Subject::Client`](super::subject::Subject::Client))
//! counts. It counts against the key for every request only if the request cannot be the reason: it
//! carried nothing but scopes and no other request was accepted lately, or the same request was
//! accepted with another key. Otherwise only the same request waits, so that one caller's code,
//! token or parameter delays no other caller. The memory is per endpoint, because a server may
//! accept at one endpoint what it rejects at another.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use time::OffsetDateTime;

use super::backoff::Backoff;
use super::contents::Contents;
use crate::keys::{Signer, after};
use crate::oauth::{Endpoint, Refusal};

/// The pauses between two requests with a rejected key.
const PAUSES: Backoff = Backoff { first: Duration::from_secs(2), longest: Duration::from_secs(60) };
/// How long an accepted request is evidence for its key, in seconds.
const ACCEPTED: i64 = 10 * 60;
/// The most rejections of single requests that are kept. Bounded, because outsiders choose what
/// requests carry.
const MOST_REQUESTS: usize = 256;

/// What is remembered of the key that signs and of the previous one.
#[derive(Default)]
pub(super) struct RefusedKeys {
    memory: Mutex<Memory>,
    /// Usually nothing is remembered, and then calls need not contend for the lock.
    is_any: AtomicBool,
    accepted: [Accepted; Endpoint::ALL.len()],
    hasher: RandomState,
}

/// The key that the server accepted last at an endpoint, and when, in seconds since 1970. The key
/// is known by its address. If another one is ever at the same address, only its own requests wait
/// at first.
#[derive(Default)]
struct Accepted {
    key: AtomicUsize,
    at: AtomicI64,
}

#[derive(Default)]
struct Memory {
    /// The key that signed when something was noted last. When another key signs, everything is
    /// forgotten.
    active: Option<Weak<dyn Signer>>,
    refused: Vec<Refused>,
}

struct Refused {
    key: Weak<dyn Signer>,
    endpoint: Endpoint,
    /// The hash of the one request that waits; `None` if all wait.
    contents: Option<u64>,
    refusal: Box<Refusal>,
    /// How many rejections in a row.
    times: u32,
    /// When the key may be tried again.
    until: OffsetDateTime,
}

/// The right to send a request: how many rejections in a row of the key and of this request had
/// been noted when it was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Turn {
    of_key: u32,
    of_request: u32,
}

/// A remembered rejection, and for how long from now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remembered {
    pub(super) refusal: Box<Refusal>,
    pub(super) pause: Duration,
}

/// What was noted about a rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) pause: Duration,
    /// Whether every request with the key waits, or only the rejected one.
    pub(super) is_of_key: bool,
}

/// A key for a request at an endpoint, and the key that signs at the moment.
#[derive(Clone, Copy)]
pub(super) struct KeyUse<'a> {
    pub(super) active: &'a Arc<dyn Signer>,
    pub(super) key: &'a Arc<dyn Signer>,
    pub(super) endpoint: Endpoint,
    pub(super) contents: Contents,
}

impl RefusedKeys {
    /// Whether no key is known to be rejected.
    pub(super) fn is_empty(&self) -> bool {
        !self.is_any.load(Ordering::Relaxed)
    }

    /// What identifies a request here.
    pub(super) fn contents(&self, request: &impl Hash, is_of_client_alone: bool) -> Contents {
        Contents { hash: self.hasher.hash_one(request), is_of_client_alone }
    }

    /// Whether a request with this key may be sent. When a pause is over, the first caller may send
    /// one, and the others as soon as that one was accepted. After 2 s, another caller may, because
    /// the outcome of the first request may say nothing about the key.
    pub(super) fn turn(&self, key: KeyUse<'_>, now: OffsetDateTime) -> Result<Turn, Remembered> {
        let mut memory = self.memory(key);
        // This comes first, so that a request that waits does not take the turn of the others.
        let contents = Some(key.contents.hash);
        let of_request = memory.of(key, contents).map_or(Ok(0), |refused| refused.turn(now))?;
        let of_key = memory.of(key, None).map_or(Ok(0), |refused| refused.turn(now))?;
        Ok(Turn { of_key, of_request })
    }

    /// Notes that the server rejects the key, for every request or, if the request may be the
    /// reason, for this one. Returns the pause from now on, or `None` if another rejection that was
    /// in flight at the same time has already been noted.
    pub(super) fn refused(
        &self,
        key: KeyUse<'_>,
        turn: Turn,
        refusal: &Refusal,
        now: OffsetDateTime,
        random: u64,
    ) -> Option<Noted> {
        let is_of_key = key.contents.is_of_client_alone && !self.was_accepted(key, now);
        let (contents, times) =
            if is_of_key { (None, turn.of_key) } else { (Some(key.contents.hash), turn.of_request) };
        let pause = self.note(key, contents, times, refusal, now, random)?;
        Some(Noted { pause, is_of_key })
    }

    /// Notes that the key is the reason for a rejection: the same request was accepted with another
    /// key.
    pub(super) fn is_to_blame(
        &self,
        key: KeyUse<'_>,
        turn: Turn,
        refusal: &Refusal,
        now: OffsetDateTime,
        random: u64,
    ) -> Option<Duration> {
        self.note(key, None, turn.of_key, refusal, now, random)
    }

    /// `before` is how many rejections in a row were noted when the request was sent.
    fn note(
        &self,
        key: KeyUse<'_>,
        contents: Option<u64>,
        before: u32,
        refusal: &Refusal,
        now: OffsetDateTime,
        random: u64,
    ) -> Option<Duration> {
        let mut memory = self.memory(key);
        let times = before.saturating_add(1);
        let pause = PAUSES.half_jitter(times, random);
        let (refusal, until) = (Box::new(refusal.clone()), after(now, pause));
        match memory.of(key, contents) {
            Some(refused) if refused.times != before => return None,
            Some(refused) => {
                refused.refusal = refusal;
                (refused.times, refused.until) = (times, until);
            }
            None => {
                memory.make_room();
                let KeyUse { key, endpoint, .. } = key;
                let key = Arc::downgrade(key);
                memory.refused.push(Refused { key, endpoint, contents, refusal, times, until });
                self.is_any.store(true, Ordering::Relaxed);
            }
        }
        Some(pause)
    }

    /// Notes that the server accepts the key.
    pub(super) fn accepted(&self, key: KeyUse<'_>, now: OffsetDateTime) {
        if let Some(accepted) = self.accepted.get(place(key.endpoint)) {
            accepted.note(key.key, now.unix_timestamp());
        }
        if self.is_empty() {
            return;
        }
        let mut memory = self.memory(key);
        memory.refused.retain(|refused| !refused.is_of(key));
        self.is_any.store(!memory.refused.is_empty(), Ordering::Relaxed);
    }

    /// Whether the server accepted a request with this key lately.
    fn was_accepted(&self, key: KeyUse<'_>, now: OffsetDateTime) -> bool {
        let accepted = self.accepted.get(place(key.endpoint));
        accepted.is_some_and(|accepted| accepted.speaks_for(key.key, now.unix_timestamp()))
    }

    /// The memory, emptied when another key has become active. A panic elsewhere does not spoil it:
    /// no step leaves it half-changed.
    fn memory(&self, key: KeyUse<'_>) -> MutexGuard<'_, Memory> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if !memory.active.as_ref().is_some_and(|known| is(known, key.active)) {
            memory.active = Some(Arc::downgrade(key.active));
            memory.refused.clear();
            self.is_any.store(false, Ordering::Relaxed);
        }
        memory
    }
}

impl Accepted {
    /// Written once a second, however many requests are accepted.
    fn note(&self, key: &Arc<dyn Signer>, now: i64) {
        if self.at.load(Ordering::Relaxed) != now {
            self.at.store(now, Ordering::Relaxed);
        }
        if self.key.load(Ordering::Relaxed) != address(key) {
            self.key.store(address(key), Ordering::Relaxed);
        }
    }

    fn speaks_for(&self, key: &Arc<dyn Signer>, now: i64) -> bool {
        // A clock that was set back must not prolong it.
        let age = now.checked_sub(self.at.load(Ordering::Relaxed));
        self.key.load(Ordering::Relaxed) == address(key)
            && age.is_some_and(|age| (0..ACCEPTED).contains(&age))
    }
}

impl Memory {
    fn of(&mut self, key: KeyUse<'_>, contents: Option<u64>) -> Option<&mut Refused> {
        self.refused.iter_mut().find(|refused| refused.is_of(key) && refused.contents == contents)
    }

    /// If there are too many, drops the rejection of a single request that ends first.
    fn make_room(&mut self) {
        let single = self.refused.iter().enumerate().filter(|(_, refused)| refused.contents.is_some());
        if single.clone().count() >= MOST_REQUESTS
            && let Some((first, _)) = single.min_by_key(|(_, refused)| refused.until)
        {
            self.refused.swap_remove(first);
        }
    }
}

impl Refused {
    fn is_of(&self, key: KeyUse<'_>) -> bool {
        self.endpoint == key.endpoint && is(&self.key, key.key)
    }

    /// How many times it was rejected, if it may be sent again.
    fn turn(&mut self, now: OffsetDateTime) -> Result<u32, Remembered> {
        let pause = Duration::try_from(self.until - now).unwrap_or_default();
        // A clock that was set back must not prolong it.
        if pause.is_zero() || pause > PAUSES.longest {
            self.until = after(now, PAUSES.first);
            return Ok(self.times);
        }
        Err(Remembered { refusal: self.refusal.clone(), pause })
    }
}

fn place(endpoint: Endpoint) -> usize {
    Endpoint::ALL.iter().position(|other| *other == endpoint).unwrap_or_default()
}

fn address(key: &Arc<dyn Signer>) -> usize {
    Arc::as_ptr(key).addr()
}

/// Whether it is this very key. The address of a dropped key is not reused while something here
/// refers to it.
fn is(known: &Weak<dyn Signer>, key: &Arc<dyn Signer>) -> bool {
    std::ptr::addr_eq(known.as_ptr(), Arc::as_ptr(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::Algorithm;
    use crate::keys::PrivateKey;
    use crate::oauth::{OAuthError, TokenResponse};

    const TOKEN: Endpoint = Endpoint::Token;
    const SCOPES: Contents = Contents { hash: 1, is_of_client_alone: true };
    const CODE: Contents = Contents { hash: 2, is_of_client_alone: false };
    const OTHER: Contents = Contents { hash: 3, is_of_client_alone: false };

    fn key() -> Arc<dyn Signer> {
        Arc::new(PrivateKey::generate(Algorithm::EdDSA).unwrap().private_key().unwrap())
    }

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(seconds)
    }

    fn refusal() -> Refusal {
        let body = br#"{"error":"invalid_client"}"#.to_vec();
        let response = http::Response::builder().status(401).body(body).unwrap();
        match TokenResponse::from_http(response, at(0)) {
            Err(OAuthError::Refused(refusal)) => *refusal,
            other => panic!("{other:?}"),
        }
    }

    fn of_key(times: u32) -> Turn {
        Turn { of_key: times, of_request: 0 }
    }

    /// A memory of one key, which is the active one.
    struct One(RefusedKeys, Arc<dyn Signer>);

    impl One {
        fn key(&self) -> KeyUse<'_> {
            KeyUse { active: &self.1, key: &self.1, endpoint: TOKEN, contents: SCOPES }
        }

        fn turn(&self, seconds: i64) -> Result<Turn, u64> {
            self.0.turn(self.key(), at(seconds)).map_err(|remembered| remembered.pause.as_secs())
        }

        /// With the longest pauses.
        fn refused(&self, turn: Turn, seconds: i64) -> Option<u64> {
            let noted = self.0.refused(self.key(), turn, &refusal(), at(seconds), u64::MAX)?;
            assert!(noted.is_of_key);
            Some(noted.pause.as_secs())
        }
    }

    #[test]
    fn a_key_that_is_refused_is_tried_again_ever_more_seldom() {
        let memory = One(RefusedKeys::default(), key());
        let mut now = 0;
        for (times, pause) in [(0, 2), (1, 4), (2, 8), (3, 16), (4, 32), (5, 60), (6, 60)] {
            let turn = memory.turn(now).unwrap();
            assert_eq!(turn, of_key(times));
            assert_eq!(memory.refused(turn, now), Some(pause));
            let pause = i64::try_from(pause).unwrap();
            assert_eq!(memory.turn(now), Err(pause.unsigned_abs()));
            assert_eq!(memory.turn(now + pause - 1), Err(1));
            now += pause;
        }
    }

    #[test]
    fn one_of_many_asks_when_the_pause_is_over_and_all_when_it_was_accepted() {
        let memory = One(RefusedKeys::default(), key());
        let turns = [(); 3].map(|()| memory.turn(0).unwrap());
        // All were in flight, so they count once.
        assert_eq!(turns.map(|turn| memory.refused(turn, 0)), [Some(2), None, None]);
        let one = memory.turn(2).unwrap();
        assert_eq!([memory.turn(2), memory.turn(3)], [Err(2), Err(1)]);
        memory.0.accepted(memory.key(), at(-1000));
        assert_eq!([memory.turn(3), memory.turn(3)], [Ok(of_key(0)); 2]);
        // Rejected after all: the pauses continue from where they were.
        assert_eq!(memory.refused(one, 4), Some(4));
        memory.0.accepted(memory.key(), at(-1000));
        // A request that never ends does not block the next one forever.
        let turn = memory.turn(10).unwrap();
        assert_eq!(memory.refused(turn, 10), Some(2));
        let next = memory.turn(12).unwrap();
        assert_eq!(memory.turn(13), Err(1));
        assert!(memory.turn(14).is_ok());
        // This holds however long the pause has become.
        assert_eq!(memory.refused(next, 14), Some(4));
        for now in [18, 20, 22] {
            assert_eq!(memory.turn(now), Ok(of_key(2)));
            assert_eq!(memory.turn(now), Err(2));
        }
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nobody_waiting() {
        let memory = One(RefusedKeys::default(), key());
        let turn = memory.turn(5000).unwrap();
        memory.refused(turn, 5000).unwrap();
        assert!(memory.turn(0).is_ok());
    }

    #[test]
    fn a_key_change_clears_it_and_an_endpoint_and_a_key_have_their_own() {
        let (old, new) = (key(), key());
        let of = |active, key| KeyUse { active, key, endpoint: TOKEN, contents: SCOPES };
        let memory = RefusedKeys::default();
        let may = |key| memory.turn(key, at(0)).is_ok();
        let turn = memory.turn(of(&old, &old), at(0)).unwrap();
        memory.refused(of(&old, &old), turn, &refusal(), at(0), 0).unwrap();
        let remembered = memory.turn(of(&old, &old), at(0)).unwrap_err();
        assert_eq!((*remembered.refusal, remembered.pause), (refusal(), Duration::from_secs(1)));
        assert!(may(KeyUse { endpoint: Endpoint::Introspection, ..of(&old, &old) }));
        // The previous key is another one; the active one is the same.
        memory.accepted(of(&old, &new), at(0));
        assert!(may(of(&old, &new)) && !may(of(&old, &old)));
        // Another key signs now, and then the first one again.
        assert!(may(of(&new, &new)) && may(of(&old, &old)));
        // Each key has its own memory.
        memory.refused(of(&old, &new), of_key(0), &refusal(), at(0), 0).unwrap();
        assert!(!may(of(&old, &new)) && may(of(&old, &old)));
    }
    #[test]
    fn a_request_that_carries_something_from_outside_waits_alone() {
        let key = key();
        let memory = RefusedKeys::default();
        let of = |contents| KeyUse { active: &key, key: &key, endpoint: TOKEN, contents };
        let turn = memory.turn(of(CODE), at(0)).unwrap();
        let noted = memory.refused(of(CODE), turn, &refusal(), at(0), u64::MAX);
        assert_eq!(noted, Some(Noted { pause: Duration::from_secs(2), is_of_key: false }));
        let may = |contents, now| memory.turn(of(contents), at(now)).is_ok();
        assert!(!may(CODE, 0) && may(OTHER, 0) && may(SCOPES, 0));
        // The key itself is rejected. The request waits for its own pause, too, and takes no other
        // request's turn.
        let turn = memory.turn(of(SCOPES), at(0)).unwrap();
        let noted = memory.refused(of(SCOPES), turn, &refusal(), at(0), 0);
        assert_eq!(noted, Some(Noted { pause: Duration::from_secs(1), is_of_key: true }));
        assert!(!may(OTHER, 0) && !may(CODE, 1));
        assert!(may(OTHER, 1) && !may(SCOPES, 1));
    }

    #[test]
    fn a_key_that_was_accepted_lately_is_not_refused_for_one_scope() {
        let (one, other) = (key(), key());
        let memory = RefusedKeys::default();
        let of = |key| KeyUse { active: &one, key, endpoint: TOKEN, contents: SCOPES };
        let is_of_key = |key, now| {
            memory.accepted(KeyUse { endpoint: Endpoint::Introspection, ..of(key) }, at(now));
            let noted = memory.refused(of(key), Turn::default(), &refusal(), at(now), 0).unwrap();
            memory.memory(of(key)).refused.clear();
            noted.is_of_key
        };
        assert!(is_of_key(&one, 0));
        memory.accepted(of(&one), at(100));
        for (key, now, expected) in [
            (&one, 100, false),
            (&one, 699, false),
            (&one, 700, true),
            // Of another key, and by a clock that was set back.
            (&other, 100, true),
            (&one, 99, true),
        ] {
            assert_eq!(is_of_key(key, now), expected, "{now}");
        }
    }

    #[test]
    fn what_outsiders_choose_is_bounded_and_displaces_no_key() {
        let key = key();
        let memory = RefusedKeys::default();
        let of = |contents| KeyUse { active: &key, key: &key, endpoint: TOKEN, contents };
        memory.refused(of(SCOPES), Turn::default(), &refusal(), at(0), 0).unwrap();
        for hash in 10..10_000 {
            let contents = Contents { hash, ..CODE };
            memory.refused(of(contents), Turn::default(), &refusal(), at(0), 0).unwrap();
        }
        assert_eq!(memory.memory(of(CODE)).refused.len(), 1 + MOST_REQUESTS);
        assert!(memory.turn(of(SCOPES), at(0)).is_err());
    }
}
