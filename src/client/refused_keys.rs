//! Keys that the server rejects, and until when they are not used again. Without this, a revoked
//! key would turn every call into a request and use up a rate limit that other clients share.
//!
//! A rejection counts against the key for every request only if the request cannot be the reason.
//! Otherwise only the same request waits, so that one caller's code, token or parameter delays no
//! other caller. The memory is per endpoint, because a server may accept at one endpoint what it
//! rejects at another.

use std::sync::{Arc, Weak};
use std::time::Duration;

use time::OffsetDateTime;

use super::backoff::Backoff;
use crate::keys::{Signer, after};
use crate::oauth::{Endpoint, Refusal};

/// The pauses between two requests with a rejected key.
const PAUSES: Backoff = Backoff { first: Duration::from_secs(2), longest: Duration::from_secs(60) };
/// How long an accepted request is evidence for its key.
const ACCEPTED: time::Duration = time::Duration::minutes(10);
/// The most rejections of single requests that are kept. Outsiders choose what requests carry.
const MOST_REQUESTS: usize = 256;

#[derive(Default)]
pub(super) struct RefusedKeys {
    /// The keys that are known, so that their addresses are not reused. The first is the one that
    /// signed last: when another key signs, everything is forgotten.
    keys: Vec<Weak<dyn Signer>>,
    /// When requests were accepted last.
    accepted: Vec<(Place, OffsetDateTime)>,
    refused: Vec<Refused>,
}

/// The address of a key, and an endpoint.
type Place = (usize, Endpoint);

struct Refused {
    /// What waits: the request with this hash, or all.
    of: (Place, Option<u64>),
    refusal: Box<Refusal>,
    /// How many rejections in a row.
    times: u32,
    /// When the key may be tried again.
    until: OffsetDateTime,
}

/// The right to send a request: how many rejections in a row had been noted before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Turn {
    of_key: u32,
    of_request: u32,
}

/// A key for a request at an endpoint.
#[derive(Clone, Copy)]
pub(super) struct KeyUse<'a> {
    pub(super) key: &'a Arc<dyn Signer>,
    /// The key that is active now.
    pub(super) active: &'a Arc<dyn Signer>,
    pub(super) endpoint: Endpoint,
    /// The hash of everything in the request except the assertion.
    pub(super) contents: u64,
    /// Whether the request carries nothing but scopes.
    pub(super) is_of_client_alone: bool,
}

/// The remembered rejection, and how long the request still waits. It does not name the key: that
/// is code of the user, which must not run while the memory is locked.
pub(super) type Paused = (Box<Refusal>, Duration);

impl RefusedKeys {
    pub(super) const fn is_empty(&self) -> bool {
        self.refused.is_empty()
    }

    /// Whether a request with this key may be sent. When a pause is over, the first caller may send
    /// one, and the others as soon as that one was accepted, or another one after 2 s.
    pub(super) fn turn(&mut self, key: KeyUse<'_>, now: OffsetDateTime) -> Result<Turn, Paused> {
        if let Some((refusal, pause)) = self.paused(key, now) {
            return Err((Box::new(refusal.clone()), pause));
        }
        let place = self.place(key);
        let mut turn = |contents| {
            let refused = self.refused.iter_mut().find(|refused| refused.of == (place, contents));
            refused.map_or(0, |refused| {
                refused.until = after(now, PAUSES.first);
                refused.times
            })
        };
        Ok(Turn { of_key: turn(None), of_request: turn(Some(key.contents)) })
    }

    /// The rejection for which a request with this key may not be sent now. Takes no turn.
    pub(super) fn paused(&mut self, key: KeyUse<'_>, now: OffsetDateTime) -> Option<(&Refusal, Duration)> {
        let place = self.place(key);
        let paused = |contents| {
            let refused = self.refused.iter().find(|refused| refused.of == (place, contents))?;
            let pause = Duration::try_from(refused.until - now).unwrap_or_default();
            // A clock that was set back must not prolong it.
            (!pause.is_zero() && pause <= PAUSES.longest).then_some((&*refused.refusal, pause))
        };
        paused(Some(key.contents)).or_else(|| paused(None))
    }

    /// How the server rejected this key for every request at this endpoint, and when the key may be
    /// tried again.
    pub(super) fn of_key(
        &self,
        key: &Arc<dyn Signer>,
        endpoint: Endpoint,
    ) -> Option<(&Refusal, OffsetDateTime)> {
        let of = ((Arc::as_ptr(key).addr(), endpoint), None);
        let refused = self.refused.iter().find(|refused| refused.of == of)?;
        Some((&refused.refusal, refused.until))
    }

    /// Whether the key must be the reason if the server rejects this request: it carries nothing
    /// but scopes, and no other request was accepted lately.
    pub(super) fn is_reason(&mut self, key: KeyUse<'_>, now: OffsetDateTime) -> bool {
        let place = self.place(key);
        let is_recent = |since| (time::Duration::ZERO..ACCEPTED).contains(&(now - since));
        key.is_of_client_alone && !self.accepted.iter().any(|(of, since)| *of == place && is_recent(*since))
    }

    /// Notes that the server rejects every request with the key, or this one. Returns how long they
    /// wait, or `None` if a request that was in flight at the same time has been noted already.
    pub(super) fn note(
        &mut self,
        key: KeyUse<'_>,
        is_of_key: bool,
        turn: Turn,
        refusal: &Refusal,
        now: OffsetDateTime,
        random: u64,
    ) -> Option<Duration> {
        let place = self.place(key);
        let (contents, before) =
            if is_of_key { (None, turn.of_key) } else { (Some(key.contents), turn.of_request) };
        let of = (place, contents);
        if self.refused.iter().any(|refused| refused.of == of && refused.times != before) {
            return None;
        }
        self.refused.retain(|refused| refused.of != of);
        if is_of_key {
            self.accepted.retain(|(of, _)| *of != place);
        } else {
            self.make_room();
        }
        let times = before.saturating_add(1);
        let pause = PAUSES.half_jitter(times, random);
        let (refusal, until) = (Box::new(refusal.clone()), after(now, pause));
        self.refused.push(Refused { of, refusal, times, until });
        Some(pause)
    }

    /// Drops the rejection of a single request that ends first, if there is no room for another.
    fn make_room(&mut self) {
        let singles = self.refused.iter().enumerate().filter(|(_, refused)| refused.of.1.is_some());
        if singles.clone().count() >= MOST_REQUESTS
            && let Some((first, _)) = singles.min_by_key(|(_, refused)| refused.until)
        {
            self.refused.swap_remove(first);
        }
    }

    pub(super) fn accepted(&mut self, key: KeyUse<'_>, now: OffsetDateTime) {
        let place = self.place(key);
        self.refused.retain(|refused| refused.of.0 != place);
        self.accepted.retain(|(of, _)| *of != place);
        self.accepted.push((place, now));
    }

    /// Where this key is used, after everything was forgotten if another key is active now.
    fn place(&mut self, KeyUse { key, active, endpoint, .. }: KeyUse<'_>) -> Place {
        let is = |known: &Weak<_>, key| std::ptr::addr_eq(known.as_ptr(), Arc::as_ptr(key));
        if !self.keys.first().is_some_and(|known| is(known, active)) {
            *self = Self { keys: vec![Arc::downgrade(active)], ..Self::default() };
        }
        if !self.keys.iter().any(|known| is(known, key)) {
            self.keys.push(Arc::downgrade(key));
        }
        (Arc::as_ptr(key).addr(), endpoint)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::jose::Algorithm;
    use crate::keys::PrivateKey;
    use crate::oauth::{OAuthError, TokenResponse};

    const TOKEN: Endpoint = Endpoint::Token;
    /// Hashes of requests. Only the first carries nothing but scopes.
    const SCOPES: u64 = 1;
    const CODE: u64 = 2;
    const OTHER: u64 = 3;

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

    /// A memory that is shared, as the client shares it.
    #[derive(Default)]
    struct Shared(RefCell<RefusedKeys>);

    impl Shared {
        fn turn(&self, key: KeyUse<'_>, now: OffsetDateTime) -> Result<Turn, Paused> {
            self.0.borrow_mut().turn(key, now)
        }

        fn refused(&self, key: KeyUse<'_>, turn: Turn, now: OffsetDateTime, random: u64) -> Option<Noted> {
            let mut memory = self.0.borrow_mut();
            let is_of_key = memory.is_reason(key, now);
            let pause = memory.note(key, is_of_key, turn, &refusal(), now, random)?;
            Some(Noted { pause, is_of_key })
        }

        fn accepted(&self, key: KeyUse<'_>, now: OffsetDateTime) {
            self.0.borrow_mut().accepted(key, now);
        }

        fn singles(&self) -> usize {
            self.0.borrow().refused.len()
        }

        fn clear(&self) {
            self.0.borrow_mut().refused.clear();
        }
    }

    #[derive(Debug, PartialEq)]
    struct Noted {
        pause: Duration,
        is_of_key: bool,
    }

    fn used(key: &Arc<dyn Signer>, contents: u64) -> KeyUse<'_> {
        KeyUse { key, active: key, endpoint: TOKEN, contents, is_of_client_alone: contents == SCOPES }
    }

    /// A memory of one key, which is the active one.
    struct One(Shared, Arc<dyn Signer>);

    impl One {
        fn new() -> Self {
            Self(Shared::default(), key())
        }

        fn key(&self) -> KeyUse<'_> {
            used(&self.1, SCOPES)
        }

        fn turn(&self, seconds: i64) -> Result<Turn, u64> {
            self.0.turn(self.key(), at(seconds)).map_err(|(_, pause)| pause.as_secs())
        }

        /// With the longest pauses.
        fn refused(&self, turn: Turn, seconds: i64) -> Option<u64> {
            let noted = self.0.refused(self.key(), turn, at(seconds), u64::MAX)?;
            assert!(noted.is_of_key);
            Some(noted.pause.as_secs())
        }
    }

    #[test]
    fn a_key_that_is_refused_is_tried_again_ever_more_seldom() {
        let memory = One::new();
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
        let memory = One::new();
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
    fn a_clock_that_is_set_back_prolongs_no_pause() {
        let memory = One::new();
        let turn = memory.turn(5000).unwrap();
        memory.refused(turn, 5000).unwrap();
        assert!(memory.turn(0).is_ok());
    }

    #[test]
    fn a_key_change_clears_it_and_an_endpoint_and_a_key_have_their_own() {
        let (old, new) = (key(), key());
        let memory = Shared::default();
        let of = |active, key| KeyUse { active, ..used(key, SCOPES) };
        let may = |active, key| memory.turn(of(active, key), at(0)).is_ok();
        let turn = memory.turn(used(&old, SCOPES), at(0)).unwrap();
        memory.refused(used(&old, SCOPES), turn, at(0), 0).unwrap();
        let remembered = memory.turn(used(&old, SCOPES), at(0)).unwrap_err();
        assert_eq!(remembered, (Box::new(refusal()), Duration::from_secs(1)));
        let elsewhere = KeyUse { endpoint: Endpoint::Introspection, ..used(&old, SCOPES) };
        assert!(memory.turn(elsewhere, at(0)).is_ok());
        // The previous key is another one; the active one is the same.
        memory.accepted(of(&old, &new), at(0));
        assert!(may(&old, &new) && !may(&old, &old));
        // Another key signs now, and then the first one again.
        assert!(may(&new, &new) && may(&old, &old));
        // Each key has its own memory.
        memory.refused(of(&old, &new), of_key(0), at(0), 0).unwrap();
        assert!(!may(&old, &new) && may(&old, &old));
    }

    #[test]
    fn the_first_rejection_after_a_rotation_is_kept() {
        let (old, new) = (key(), key());
        let memory = Shared::default();
        let (of_old, of_new) = (used(&old, SCOPES), used(&new, SCOPES));
        let turn = memory.turn(of_old, at(0)).unwrap();
        memory.refused(of_old, turn, at(0), 0).unwrap();
        memory.accepted(of_old, at(1));
        assert!(memory.0.borrow().is_empty());
        // Nothing is remembered, so the next call takes no turn.
        memory.refused(of_new, Turn::default(), at(2), 0).unwrap();
        assert!(memory.turn(of_new, at(2)).is_err());
    }

    #[test]
    fn a_request_that_carries_something_from_outside_waits_alone() {
        let key = key();
        let memory = Shared::default();
        let of = |contents| used(&key, contents);
        let turn = memory.turn(of(CODE), at(0)).unwrap();
        let noted = memory.refused(of(CODE), turn, at(0), u64::MAX);
        assert_eq!(noted, Some(Noted { pause: Duration::from_secs(2), is_of_key: false }));
        let may = |contents, now| memory.turn(of(contents), at(now)).is_ok();
        assert!(!may(CODE, 0) && may(OTHER, 0) && may(SCOPES, 0));
        // The key itself is rejected. The request waits for its own pause, too, and takes no other
        // request's turn.
        let turn = memory.turn(of(SCOPES), at(0)).unwrap();
        let noted = memory.refused(of(SCOPES), turn, at(0), 0);
        assert_eq!(noted, Some(Noted { pause: Duration::from_secs(1), is_of_key: true }));
        assert!(!may(OTHER, 0) && !may(CODE, 1));
        assert!(may(OTHER, 1) && !may(SCOPES, 1));
    }

    #[test]
    fn a_key_that_was_accepted_lately_is_not_refused_for_one_scope() {
        let (one, other) = (key(), key());
        let memory = Shared::default();
        let of = |key| KeyUse { active: &one, ..used(key, SCOPES) };
        let is_of_key = |key, now| {
            memory.accepted(KeyUse { endpoint: Endpoint::Introspection, ..of(key) }, at(now));
            let noted = memory.refused(of(key), Turn::default(), at(now), 0).unwrap();
            memory.clear();
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
        let memory = Shared::default();
        let of = |contents| used(&key, contents);
        memory.refused(of(SCOPES), Turn::default(), at(0), 0).unwrap();
        let previous = self::key();
        for hash in 10..1_000 {
            for endpoint in [TOKEN, Endpoint::Introspection] {
                for key in [&key, &previous] {
                    let single = KeyUse { key, endpoint, ..of(hash) };
                    memory.refused(single, Turn::default(), at(0), 0).unwrap();
                }
            }
        }
        assert_eq!(memory.singles(), 1 + MOST_REQUESTS);
        assert!(memory.turn(of(SCOPES), at(0)).is_err());
    }
}
