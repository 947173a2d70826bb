//! When the issuer is asked: a function of what is held, what was asked before, and the time.
//!
//! - A set is *fresh* for its lifetime less a margin, then *ageing*: still used, while a fetch goes on beside. From the
//!   hard limit on it is *too old* and checks nothing any more.
//! - A token that no key fits may have a newer one: a fetch for such a token begins no sooner than one cool-down after the
//!   beginning of the last fetch of any kind. Whoever publishes a key one cool-down before it signs is therefore understood,
//!   whatever forged tokens arrive in between: a fetch that began less than a cool-down ago has the key already.
//! - After a failure nothing is asked for a pause that doubles, from a second to the cool-down.
//!
//! Times are of a wall clock, which may be set. Distances count in both directions: a clock that is set back by an hour
//! makes a set as old as an hour does. That can cost a fetch, and cannot keep a set for ever.

use std::time::Duration;

use time::OffsetDateTime;

/// What a [`RemoteJwks`](super::RemoteJwks) is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) cool_down: Duration,
    pub(super) hard_limit: Duration,
}

impl Rules {
    /// So long before its end a set is fetched anew, so that nobody waits for that.
    const AHEAD: Duration = Duration::from_secs(30);
    const LONGEST_FETCH: Duration = Duration::from_secs(10);
    const FIRST_PAUSE: Duration = Duration::from_secs(1);

    /// The longest that a fetch may take. Never more than a cool-down: a token that waits for a fetch which is going on
    /// already is to find a key that was published one cool-down ago.
    pub(super) fn longest_fetch(&self) -> Duration {
        Self::LONGEST_FETCH.min(self.cool_down)
    }

    /// How long nothing is asked after so many failures.
    fn pause(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        (Self::FIRST_PAUSE * 2_u32.saturating_pow(doublings)).min(self.cool_down)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self { cool_down: Duration::from_secs(30), hard_limit: Duration::from_secs(3600) }
    }
}

/// How old a set is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Age {
    /// When it was asked for.
    pub(super) fetched: OffsetDateTime,
    /// How long it is fresh.
    pub(super) lifetime: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Fresh,
    Ageing,
    TooOld,
}

impl Age {
    pub(super) fn phase(&self, rules: &Rules, now: OffsetDateTime) -> Phase {
        let age = distance(now, self.fetched);
        let lifetime = self.lifetime.min(rules.hard_limit);
        let margin = Rules::AHEAD.min(lifetime / 5);
        if age < lifetime - margin {
            Phase::Fresh
        } else if age < rules.hard_limit {
            Phase::Ageing
        } else {
            Phase::TooOld
        }
    }
}

/// What keys are needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// A token that nobody has tried yet.
    Keys,
    /// A token that the newest set does not fit.
    NewerKeys,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// What is held is used.
    Serve,
    /// What is held is used, and a fetch begins beside.
    ServeAndFetch,
    /// A fetch is going on; its outcome is waited for.
    Wait,
    /// A fetch begins; its outcome is waited for.
    FetchAndWait,
    /// There is nothing to use, or nothing newer, and the issuer is left alone.
    Refuse,
}

/// What was asked before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attempts {
    /// The number of the last fetch.
    generation: u64,
    /// When it began.
    began: Option<OffsetDateTime>,
    in_flight: bool,
    /// How many failed since the last success.
    failures: u32,
    failed: Option<OffsetDateTime>,
}

impl Attempts {
    /// What to do with a token, given the age of what is held.
    pub(super) fn decide(
        &self,
        rules: &Rules,
        held: Option<Age>,
        need: Need,
        now: OffsetDateTime,
    ) -> Decision {
        let (in_flight, pausing) = (self.is_in_flight(rules, now), self.is_pausing(rules, now));
        match (need, held.map(|age| age.phase(rules, now))) {
            (Need::Keys, Some(Phase::Fresh)) => Decision::Serve,
            (Need::Keys, Some(Phase::Ageing)) if in_flight || pausing => Decision::Serve,
            (Need::Keys, Some(Phase::Ageing)) => Decision::ServeAndFetch,
            _ if in_flight => Decision::Wait,
            _ if pausing => Decision::Refuse,
            (Need::NewerKeys, _) if self.is_cooling_down(rules, now) => Decision::Refuse,
            _ => Decision::FetchAndWait,
        }
    }

    /// A fetch begins; this is its number.
    pub(super) fn begin(&mut self, now: OffsetDateTime) -> u64 {
        self.generation += 1;
        self.began = Some(now);
        self.in_flight = true;
        self.generation
    }

    pub(super) fn succeeded(&mut self, generation: u64) {
        if self.end(generation) {
            self.failures = 0;
            self.failed = None;
        }
    }

    /// Says whether it counts.
    pub(super) fn failed(&mut self, generation: u64, now: OffsetDateTime) -> bool {
        let counts = self.end(generation);
        if counts {
            self.failures = self.failures.saturating_add(1);
            self.failed = Some(now);
        }
        counts
    }

    /// A fetch whose runtime went away. It says nothing about the issuer.
    pub(super) fn lost(&mut self, generation: u64) {
        self.end(generation);
    }

    /// Whether the last fetch failed.
    pub(super) const fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// Whether it is the last one that ends. One that was given up says nothing any more.
    fn end(&mut self, generation: u64) -> bool {
        let is_last = generation == self.generation;
        self.in_flight &= !is_last;
        is_last
    }

    /// A fetch that is never heard of again counts for one cool-down, which is more than any may take.
    fn is_in_flight(&self, rules: &Rules, now: OffsetDateTime) -> bool {
        self.in_flight && self.is_cooling_down(rules, now)
    }

    fn is_cooling_down(&self, rules: &Rules, now: OffsetDateTime) -> bool {
        self.began.is_some_and(|began| distance(now, began) < rules.cool_down)
    }

    fn is_pausing(&self, rules: &Rules, now: OffsetDateTime) -> bool {
        self.failed.is_some_and(|failed| distance(now, failed) < rules.pause(self.failures))
    }
}

fn distance(a: OffsetDateTime, b: OffsetDateTime) -> Duration {
    (a - b).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { cool_down: Duration::from_secs(30), hard_limit: Duration::from_secs(3600) };

    /// So many seconds after a time that does not matter.
    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_800_000_000 + seconds).unwrap()
    }

    fn held(fetched: i64) -> Option<Age> {
        Some(Age { fetched: at(fetched), lifetime: Duration::from_secs(300) })
    }

    /// After one fetch at second 0 that succeeded.
    fn settled() -> Attempts {
        let mut attempts = Attempts::default();
        let generation = attempts.begin(at(0));
        attempts.succeeded(generation);
        attempts
    }

    fn decide(attempts: &Attempts, held: Option<Age>, need: Need, now: i64) -> Decision {
        attempts.decide(&RULES, held, need, at(now))
    }

    #[test]
    fn the_first_token_waits_for_the_first_fetch_and_the_next_ones_for_the_same() {
        let mut attempts = Attempts::default();
        for need in [Need::Keys, Need::NewerKeys] {
            assert_eq!(decide(&attempts, None, need, 0), Decision::FetchAndWait);
        }
        attempts.begin(at(0));
        for need in [Need::Keys, Need::NewerKeys] {
            assert_eq!(decide(&attempts, None, need, 9), Decision::Wait);
        }
    }

    #[test]
    fn a_set_is_fresh_then_ageing_then_too_old() {
        let attempts = settled();
        for (now, expected) in [
            (0, Decision::Serve),
            (269, Decision::Serve),
            (270, Decision::ServeAndFetch),
            (3599, Decision::ServeAndFetch),
            (3600, Decision::FetchAndWait),
            (1_000_000, Decision::FetchAndWait),
        ] {
            assert_eq!(decide(&attempts, held(0), Need::Keys, now), expected, "{now}");
        }
    }

    #[test]
    fn a_short_life_has_a_short_margin_and_no_life_is_longer_than_the_hard_limit() {
        let phase = |lifetime: u64, hard_limit: u64, now: i64| {
            let rules = Rules { hard_limit: Duration::from_secs(hard_limit), ..RULES };
            Age { fetched: at(0), lifetime: Duration::from_secs(lifetime) }.phase(&rules, at(now))
        };
        assert_eq!([phase(10, 3600, 7), phase(10, 3600, 8)], [Phase::Fresh, Phase::Ageing]);
        assert_eq!([phase(900, 200, 169), phase(900, 200, 170)], [Phase::Fresh, Phase::Ageing]);
        assert_eq!([phase(900, 200, 199), phase(900, 200, 200)], [Phase::Ageing, Phase::TooOld]);
        assert_eq!(phase(0, 3600, 0), Phase::Ageing);
        assert_eq!(phase(900, 0, 0), Phase::TooOld);
    }

    #[test]
    fn one_fetch_at_a_time() {
        let mut attempts = settled();
        attempts.begin(at(280));
        assert_eq!(decide(&attempts, held(0), Need::Keys, 281), Decision::Serve);
        assert_eq!(decide(&attempts, held(0), Need::NewerKeys, 281), Decision::Wait);
    }

    #[test]
    fn newer_keys_are_asked_for_once_in_a_cool_down_whatever_the_last_fetch_was_for() {
        let mut attempts = settled();
        assert_eq!(decide(&attempts, held(0), Need::NewerKeys, 29), Decision::Refuse);
        assert_eq!(decide(&attempts, held(0), Need::NewerKeys, 30), Decision::FetchAndWait);
        let generation = attempts.begin(at(30));
        attempts.succeeded(generation);
        assert_eq!(decide(&attempts, held(30), Need::NewerKeys, 59), Decision::Refuse);
        assert_eq!(decide(&attempts, held(30), Need::NewerKeys, 60), Decision::FetchAndWait);
        // And one that failed counts too.
        let generation = attempts.begin(at(60));
        attempts.failed(generation, at(61));
        assert_eq!(decide(&attempts, held(30), Need::NewerKeys, 89), Decision::Refuse);
        assert_eq!(decide(&attempts, held(30), Need::NewerKeys, 90), Decision::FetchAndWait);
    }

    #[test]
    fn after_failures_there_are_pauses_that_double_up_to_the_cool_down() {
        let mut attempts = settled();
        let mut now = 300;
        for pause in [1, 2, 4, 8, 16, 30, 30, 30] {
            assert!(!attempts.is_pausing(&RULES, at(now)));
            let generation = attempts.begin(at(now));
            now += 5;
            attempts.failed(generation, at(now));
            assert!(attempts.is_failing());
            // What is held is used meanwhile; where there is nothing to use, nobody waits.
            assert_eq!(decide(&attempts, held(0), Need::Keys, now + pause - 1), Decision::Serve);
            assert_eq!(decide(&attempts, held(0), Need::Keys, now + pause), Decision::ServeAndFetch);
            assert_eq!(decide(&attempts, None, Need::Keys, now + pause - 1), Decision::Refuse);
            assert_eq!(decide(&attempts, None, Need::Keys, now + pause), Decision::FetchAndWait);
            assert_eq!(decide(&attempts, held(-9999), Need::Keys, now + pause - 1), Decision::Refuse);
            assert_eq!(decide(&attempts, held(-9999), Need::Keys, now + pause), Decision::FetchAndWait);
            now += pause;
        }
        assert_eq!(RULES.pause(u32::MAX), RULES.cool_down);
        let generation = attempts.begin(at(now));
        attempts.succeeded(generation);
        assert!(!attempts.is_failing() && !attempts.is_pausing(&RULES, at(now)));
    }

    #[test]
    fn a_fetch_that_is_never_heard_of_again_blocks_nothing() {
        let mut attempts = settled();
        let lost = attempts.begin(at(300));
        assert_eq!(decide(&attempts, None, Need::Keys, 329), Decision::Wait);
        assert_eq!(decide(&attempts, None, Need::Keys, 330), Decision::FetchAndWait);
        let next = attempts.begin(at(330));
        // What it says at last does not end the next one.
        assert!(!attempts.failed(lost, at(331)));
        assert!(!attempts.is_failing());
        assert_eq!(decide(&attempts, None, Need::Keys, 331), Decision::Wait);
        attempts.lost(next);
        assert_eq!(decide(&attempts, None, Need::Keys, 331), Decision::FetchAndWait);
        assert!(RULES.longest_fetch() < RULES.cool_down);
        let short = Rules { cool_down: Duration::from_secs(2), ..RULES };
        assert_eq!(short.longest_fetch(), Duration::from_secs(2));
    }

    #[test]
    fn a_clock_that_is_set_back_is_as_good_as_one_that_is_set_forward() {
        let attempts = settled();
        for (now, expected) in [
            (-1, Decision::Serve),
            (-269, Decision::Serve),
            (-270, Decision::ServeAndFetch),
            (-3600, Decision::FetchAndWait),
        ] {
            assert_eq!(decide(&attempts, held(0), Need::Keys, now), expected, "{now}");
        }
        assert_eq!(decide(&attempts, held(0), Need::NewerKeys, -29), Decision::Refuse);
        assert_eq!(decide(&attempts, held(0), Need::NewerKeys, -30), Decision::FetchAndWait);
        let mut failing = attempts;
        let generation = failing.begin(at(0));
        failing.failed(generation, at(0));
        assert_eq!(decide(&failing, None, Need::Keys, -1), Decision::FetchAndWait);
    }
}
