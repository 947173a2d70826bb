//! Keys that the server refuses, and until when it is not asked again. Without this a revoked key would turn every call
//! into a request, and use up a rate limit that others share.
//!
//! What counts is a failed client authentication ([`Subject::Client`](super::subject::Subject::Client)) and nothing else: after
//! any other refusal another request may well be answered, and the cache spares the server for that one. It is remembered for
//! one endpoint: a server may take at one what it refuses at another, for its audience.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use time::OffsetDateTime;

use super::backoff::Backoff;
use crate::keys::{Signer, after};
use crate::oauth::{Endpoint, Refusal};

/// The pauses between two requests with a key that is refused.
const PAUSES: Backoff = Backoff { first: Duration::from_secs(2), longest: Duration::from_secs(60) };

/// What is remembered, of the key that signs and of the one before it.
#[derive(Default)]
pub(super) struct RefusedKeys {
    memory: Mutex<Memory>,
    /// Mostly nothing is, and then calls need not meet at the lock.
    is_any: AtomicBool,
}

#[derive(Default)]
struct Memory {
    /// The key that signed when something was noted last. Another one, and all is forgotten.
    active: Option<Weak<dyn Signer>>,
    refused: Vec<Refused>,
}

struct Refused {
    key: Weak<dyn Signer>,
    endpoint: Endpoint,
    refusal: Box<Refusal>,
    /// How often in a row.
    times: u32,
    /// When it is asked again.
    until: OffsetDateTime,
}

/// The right to ask: how many refusals in a row had been noted when it was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Turn(u32);

/// A refusal that is remembered, and how long from now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remembered {
    pub(super) refusal: Box<Refusal>,
    pub(super) pause: Duration,
}

/// A key at an endpoint, and the key that signs at the moment.
#[derive(Clone, Copy)]
pub(super) struct KeyUse<'a> {
    pub(super) active: &'a Arc<dyn Signer>,
    pub(super) key: &'a Arc<dyn Signer>,
    pub(super) endpoint: Endpoint,
}

impl RefusedKeys {
    /// Whether no key is refused, as far as is known.
    pub(super) fn is_empty(&self) -> bool {
        !self.is_any.load(Ordering::Relaxed)
    }

    /// Whether a request with this key may be sent. When a pause is over, whoever asks first may, and the others as soon
    /// as that one was accepted; or another one after 2 s, since what became of the first may say nothing of the key.
    pub(super) fn turn(&self, key: KeyUse<'_>, now: OffsetDateTime) -> Result<Turn, Remembered> {
        let mut memory = self.memory(key);
        let Some(refused) = memory.of(key) else {
            return Ok(Turn(0));
        };
        let pause = Duration::try_from(refused.until - now).unwrap_or_default();
        // A clock that was set back must not make it longer.
        if pause.is_zero() || pause > PAUSES.longest {
            refused.until = after(now, PAUSES.first);
            return Ok(Turn(refused.times));
        }
        Err(Remembered { refusal: refused.refusal.clone(), pause })
    }

    /// Notes that the server refuses the key. Hands back the pause from now on, unless this refusal only says what
    /// another said that was on its way at the same time.
    pub(super) fn refused(
        &self,
        key: KeyUse<'_>,
        turn: Turn,
        refusal: &Refusal,
        now: OffsetDateTime,
        random: u64,
    ) -> Option<Duration> {
        let mut memory = self.memory(key);
        let times = turn.0.saturating_add(1);
        let pause = PAUSES.half_jitter(times, random);
        let (refusal, until) = (Box::new(refusal.clone()), after(now, pause));
        match memory.of(key) {
            Some(refused) if refused.times != turn.0 => return None,
            Some(refused) => {
                refused.refusal = refusal;
                (refused.times, refused.until) = (times, until);
            }
            None => {
                let KeyUse { key, endpoint, .. } = key;
                memory.refused.push(Refused { key: Arc::downgrade(key), endpoint, refusal, times, until });
                self.is_any.store(true, Ordering::Relaxed);
            }
        }
        Some(pause)
    }

    /// Notes that the server takes the key.
    pub(super) fn accepted(&self, key: KeyUse<'_>) {
        let mut memory = self.memory(key);
        memory.refused.retain(|refused| !refused.is_of(key));
        self.is_any.store(!memory.refused.is_empty(), Ordering::Relaxed);
    }

    /// The memory, emptied when another key has become active. A panic elsewhere does not spoil it: no step leaves it
    /// half-changed.
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

impl Memory {
    fn of(&mut self, key: KeyUse<'_>) -> Option<&mut Refused> {
        self.refused.iter_mut().find(|refused| refused.is_of(key))
    }
}

impl Refused {
    fn is_of(&self, key: KeyUse<'_>) -> bool {
        self.endpoint == key.endpoint && is(&self.key, key.key)
    }
}

/// Whether it is this very key: the address of one that is gone is not used again while something here refers to it.
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

    /// A memory of one key, which is the active one.
    struct One(RefusedKeys, Arc<dyn Signer>);

    impl One {
        fn key(&self) -> KeyUse<'_> {
            KeyUse { active: &self.1, key: &self.1, endpoint: TOKEN }
        }

        fn turn(&self, seconds: i64) -> Result<Turn, u64> {
            self.0.turn(self.key(), at(seconds)).map_err(|remembered| remembered.pause.as_secs())
        }

        /// With the longest pauses.
        fn refused(&self, turn: Turn, seconds: i64) -> Option<u64> {
            let pause = self.0.refused(self.key(), turn, &refusal(), at(seconds), u64::MAX);
            pause.map(|pause| pause.as_secs())
        }
    }

    #[test]
    fn a_key_that_is_refused_is_tried_again_ever_more_seldom() {
        let memory = One(RefusedKeys::default(), key());
        let mut now = 0;
        for (times, pause) in [(0, 2), (1, 4), (2, 8), (3, 16), (4, 32), (5, 60), (6, 60)] {
            let turn = memory.turn(now).unwrap();
            assert_eq!(turn, Turn(times));
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
        // All were on their way: they say one thing.
        assert_eq!(turns.map(|turn| memory.refused(turn, 0)), [Some(2), None, None]);
        let one = memory.turn(2).unwrap();
        assert_eq!([memory.turn(2), memory.turn(3)], [Err(2), Err(1)]);
        memory.0.accepted(memory.key());
        assert_eq!([memory.turn(3), memory.turn(3)], [Ok(Turn(0)); 2]);
        // Refused after all: it goes on from where it was.
        assert_eq!(memory.refused(one, 4), Some(4));
        memory.0.accepted(memory.key());
        // One that never came back does not block the next for ever.
        let turn = memory.turn(10).unwrap();
        assert_eq!(memory.refused(turn, 10), Some(2));
        let next = memory.turn(12).unwrap();
        assert_eq!(memory.turn(13), Err(1));
        assert!(memory.turn(14).is_ok());
        // However long the pause had become.
        assert_eq!(memory.refused(next, 14), Some(4));
        for now in [18, 20, 22] {
            assert_eq!(memory.turn(now), Ok(Turn(2)));
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
        let of = |active, key| KeyUse { active, key, endpoint: TOKEN };
        let memory = RefusedKeys::default();
        let may = |key| memory.turn(key, at(0)).is_ok();
        let turn = memory.turn(of(&old, &old), at(0)).unwrap();
        memory.refused(of(&old, &old), turn, &refusal(), at(0), 0).unwrap();
        let remembered = memory.turn(of(&old, &old), at(0)).unwrap_err();
        assert_eq!((*remembered.refusal, remembered.pause), (refusal(), Duration::from_secs(1)));
        assert!(may(KeyUse { endpoint: Endpoint::Introspection, ..of(&old, &old) }));
        // The key before is another one; the active one is the same.
        memory.accepted(of(&old, &new));
        assert!(may(of(&old, &new)) && !may(of(&old, &old)));
        // Another signs now, and then the first one again.
        assert!(may(of(&new, &new)) && may(of(&old, &old)));
        // Each key its own.
        memory.refused(of(&old, &new), Turn(0), &refusal(), at(0), 0).unwrap();
        assert!(!may(of(&old, &new)) && may(of(&old, &old)));
    }
}
