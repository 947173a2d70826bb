//! When the issuer is asked: the policy of a [`RemoteJwks`](super::RemoteJwks), as functions of the
//! settings and the time.
//!
//! - A set is *fresh* for its lifetime less a margin, then *ageing*: still used, while a fetch runs
//!   in the background. From the hard limit on it is *over* and checks nothing any more.
//! - A token that no key fits may be signed with a newer one. A fetch for such a token starts no
//!   sooner than one cool-down after the start of the last fetch of any kind. A key that is
//!   published one cool-down before it signs is therefore found, however many forged tokens arrive
//!   in between: a fetch that started less than a cool-down ago has the key already.
//! - After a failure, the issuer is left alone for a pause that doubles, from a second to the
//!   cool-down.
//!
//! Times come from a wall clock, which may be set. Distances count in both directions: a clock that
//! is set back by an hour ages a set as much as an hour does. That can cost a fetch, but cannot
//! keep a set forever.

use std::time::Duration;

use time::OffsetDateTime;

use crate::transport::refreshing::{Failure, Pause, Phase, distance};

/// The settings of a [`RemoteJwks`](super::RemoteJwks).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) cool_down: Duration,
    pub(super) hard_limit: Duration,
}

impl Rules {
    /// A set is fetched anew this long before its lifetime ends, so that no caller waits for the
    /// fetch.
    const AHEAD: Duration = Duration::from_secs(30);
    const LONGEST_FETCH: Duration = Duration::from_secs(10);
    const FIRST_PAUSE: Duration = Duration::from_secs(1);

    /// The longest that a fetch may take. Never more than a cool-down: a token that waits for a
    /// fetch in flight must find a key that was published one cool-down ago.
    pub(super) fn longest_fetch(&self) -> Duration {
        Self::LONGEST_FETCH.min(self.cool_down)
    }

    /// How long the issuer is left alone after a failure. A lost fetch says nothing about the
    /// issuer.
    pub(super) fn pause<E>(&self, failure: &Failure<'_, E>) -> Pause {
        if failure.error.is_none() {
            return Pause::default();
        }
        let doublings = failure.failures.saturating_sub(1).min(16);
        let pause = (Self::FIRST_PAUSE * 2_u32.saturating_pow(doublings)).min(self.cool_down);
        Pause { serving: pause, waiting: pause }
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
    /// When it was requested.
    pub(super) fetched: OffsetDateTime,
    /// How long it is fresh.
    pub(super) lifetime: Duration,
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
            Phase::Over
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { cool_down: Duration::from_secs(30), hard_limit: Duration::from_secs(3600) };

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_800_000_000 + seconds).unwrap()
    }

    fn phase(lifetime: u64, hard_limit: u64, now: i64) -> Phase {
        let rules = Rules { hard_limit: Duration::from_secs(hard_limit), ..RULES };
        Age { fetched: at(0), lifetime: Duration::from_secs(lifetime) }.phase(&rules, at(now))
    }

    #[test]
    fn a_set_is_fresh_then_ageing_then_over_whichever_way_the_clock_goes() {
        for (now, expected) in [
            (0, Phase::Fresh),
            (269, Phase::Fresh),
            (270, Phase::Ageing),
            (3599, Phase::Ageing),
            (3600, Phase::Over),
            (1_000_000, Phase::Over),
        ] {
            assert_eq!([phase(300, 3600, now), phase(300, 3600, -now)], [expected; 2], "{now}");
        }
    }

    #[test]
    fn a_short_life_has_a_short_margin_and_no_life_is_longer_than_the_hard_limit() {
        assert_eq!([phase(10, 3600, 7), phase(10, 3600, 8)], [Phase::Fresh, Phase::Ageing]);
        assert_eq!([phase(900, 200, 169), phase(900, 200, 170)], [Phase::Fresh, Phase::Ageing]);
        assert_eq!([phase(900, 200, 199), phase(900, 200, 200)], [Phase::Ageing, Phase::Over]);
        assert_eq!(phase(0, 3600, 0), Phase::Ageing);
        assert_eq!(phase(900, 0, 0), Phase::Over);
    }

    #[test]
    fn after_failures_there_are_pauses_that_double_up_to_the_cool_down() {
        let pause = |error, failures| RULES.pause(&Failure { error, failures, window: None });
        for (failures, seconds) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (7, 30), (u32::MAX, 30)]
        {
            let expected = Duration::from_secs(seconds);
            assert_eq!(pause(Some(&()), failures), Pause { serving: expected, waiting: expected });
            assert_eq!(pause(None, failures), Pause::default());
        }
    }

    #[test]
    fn a_fetch_takes_no_longer_than_a_cool_down() {
        assert!(RULES.longest_fetch() < RULES.cool_down);
        let short = Rules { cool_down: Duration::from_secs(2), ..RULES };
        assert_eq!(short.longest_fetch(), Duration::from_secs(2));
    }
}
