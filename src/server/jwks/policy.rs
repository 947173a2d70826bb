//! When to fetch, as functions of the settings and the time.
//!
//! Times come from a wall clock, which may be set. Distances count in both directions: a clock that
//! is set back ages a set. That can cost a fetch, but cannot keep a set forever.

use std::time::Duration;

use time::OffsetDateTime;

use crate::transport::freshness::Lifetimes;
use crate::transport::refreshing::{Failure, Pause, Phase, distance};

/// The settings of a [`RemoteJwks`](super::RemoteJwks).
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub(super) cool_down: Duration,
    /// How long the issuer is left alone after the first failure.
    pub(super) first_pause: Duration,
    pub(super) hard_limit: Duration,
    pub(super) lifetimes: Lifetimes,
}

impl Policy {
    /// A set is fetched anew this long before its lifetime ends, so that no caller waits.
    const AHEAD: Duration = Duration::from_secs(30);
    const LONGEST_FETCH: Duration = Duration::from_secs(10);

    /// The phase of a set with this lifetime.
    pub(super) fn phase(&self, fetched: OffsetDateTime, lifetime: Duration, now: OffsetDateTime) -> Phase {
        let age = distance(now, fetched);
        let lifetime = lifetime.min(self.hard_limit);
        if age < lifetime - Self::AHEAD.min(lifetime / 5) {
            Phase::Fresh
        } else if age < self.hard_limit {
            Phase::Ageing
        } else {
            Phase::Over
        }
    }

    /// The longest that a fetch may take, at most a cool-down: a token that waits for a fetch must
    /// find a key that was published one cool-down ago, however many forged ones arrive.
    pub(super) fn longest_fetch(&self) -> Duration {
        Self::LONGEST_FETCH.min(self.cool_down)
    }

    /// How long the issuer is left alone after a failure.
    pub(super) fn pause<E>(&self, failure: &Failure<'_, E>) -> Pause {
        let doublings = failure.failures.saturating_sub(1).min(16);
        let pause = self.first_pause.saturating_mul(2_u32.saturating_pow(doublings));
        let pause = failure.error.map_or(Duration::ZERO, |_| pause.min(self.cool_down));
        Pause { serving: pause, waiting: pause }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            cool_down: Duration::from_secs(30),
            first_pause: Duration::from_secs(1),
            hard_limit: Duration::from_secs(3600),
            lifetimes: Lifetimes {
                least: Duration::from_secs(60),
                most: Duration::from_secs(900),
                without_headers: Duration::from_secs(300),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_800_000_000 + seconds).unwrap()
    }

    fn phase(lifetime: u64, hard_limit: u64, now: i64) -> Phase {
        let policy = Policy { hard_limit: Duration::from_secs(hard_limit), ..Policy::default() };
        policy.phase(at(0), Duration::from_secs(lifetime), at(now))
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
        let pause = |error, failures| Policy::default().pause(&Failure { error, failures, window: None });
        for (failures, seconds) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (7, 30), (u32::MAX, 30)]
        {
            let expected = Duration::from_secs(seconds);
            assert_eq!(pause(Some(&()), failures), Pause { serving: expected, waiting: expected });
            assert_eq!(pause(None, failures), Pause::default());
        }
    }

    #[test]
    fn a_fetch_takes_no_longer_than_a_cool_down() {
        let policy = Policy::default();
        assert!(policy.longest_fetch() < policy.cool_down);
        let short = Policy { cool_down: Duration::from_secs(2), ..policy };
        assert_eq!(short.longest_fetch(), Duration::from_secs(2));
    }
}
