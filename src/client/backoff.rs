//! Whether a request is sent again, and after which pause: functions of what happened, the time
//! that is left, and a random number.

use std::time::Duration;

use super::retry::Advice;
use crate::oauth::{Repetition, Retry};

/// Pauses that grow from one failure to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Backoff {
    /// The longest pause after the first failure.
    pub(super) first: Duration,
    /// The longest pause after any failure.
    pub(super) longest: Duration,
}

impl Backoff {
    /// The upper bound of the pause after this many failures in a row: twice the one before.
    pub(super) fn bound(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }

    /// Anything from zero to the bound, so that clients that failed together do not come back
    /// together.
    fn full_jitter(&self, failures: u32, random: u64) -> Duration {
        fraction(self.bound(failures), random)
    }

    /// At least half of the bound, for requests that must not be frequent.
    pub(super) fn half_jitter(&self, failures: u32, random: u64) -> Duration {
        let half = self.bound(failures) / 2;
        half + fraction(half, random)
    }
}

/// How often, and for how long, a request is tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retries {
    pub(super) backoff: Backoff,
    /// The longest `Retry-After` that is waited for.
    pub(super) longest_wait: Duration,
}

impl Retries {
    /// The pause before another attempt. `None` if there should be no other attempt: the failure is
    /// not of that kind, the server asks for a longer wait than the client accepts, or the time
    /// would be over.
    pub(super) fn pause(
        &self,
        advice: Advice,
        repetition: Repetition,
        failures: u32,
        left: Duration,
        random: u64,
    ) -> Option<Duration> {
        if !advice.repeats(repetition) {
            return None;
        }
        let jitter = self.backoff.full_jitter(failures, random);
        let pause = match advice.retry {
            Retry::Never => return None,
            Retry::After(wait) if wait > self.longest_wait => return None,
            // Without jitter, all clients that are told the same time would come back at once. Some
            // time must be left for the attempt.
            Retry::After(wait) => wait.saturating_add(jitter.min(left.saturating_sub(wait) / 2)),
            Retry::BackOff => jitter,
        };
        Some(pause).filter(|pause| *pause < left)
    }
}

/// A part of a time: none of it for 0, all of it for the largest number.
pub(super) fn fraction(of: Duration, random: u64) -> Duration {
    let nanoseconds = u64::try_from(of.as_nanos()).unwrap_or(u64::MAX);
    let part = (u128::from(nanoseconds) * (u128::from(random) + 1)) >> 64;
    Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::OAuthError;
    use crate::transport::TransportError;

    const RETRIES: Retries = Retries {
        backoff: Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(10) },
        longest_wait: Duration::from_secs(10),
    };
    use Repetition::Freely;

    fn answer(status: u16, retry_after: Option<&str>) -> OAuthError {
        let mut response = http::Response::builder().status(status);
        if let Some(value) = retry_after {
            response = response.header("retry-after", value);
        }
        let response = response.body(Vec::new()).unwrap();
        let now = time::OffsetDateTime::UNIX_EPOCH;
        crate::oauth::TokenResponse::from_http(response, now).unwrap_err()
    }

    fn connect() -> TransportError {
        TransportError::Connect { host: "h".to_owned(), source: "x".into() }
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_are_spread_over_all_of_it() {
        let bounds: Vec<u128> = (1..=7).map(|failures| RETRIES.backoff.bound(failures).as_millis()).collect();
        assert_eq!(bounds, [500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
        assert_eq!(RETRIES.backoff.bound(u32::MAX), Duration::from_secs(10));
        for (random, full, half) in [(0, 0, 2000), (u64::MAX / 2, 2000, 3000), (u64::MAX, 4000, 4000)] {
            assert_eq!(RETRIES.backoff.full_jitter(4, random).as_millis(), full);
            assert_eq!(RETRIES.backoff.half_jitter(4, random).as_millis(), half);
        }
        let longest = Backoff { first: Duration::MAX, longest: Duration::MAX };
        assert_eq!(longest.full_jitter(9, u64::MAX), Duration::from_nanos(u64::MAX));
    }

    #[test]
    fn retry_after_is_obeyed_up_to_the_cap_and_never_past_the_deadline() {
        let pause = |retry_after, left, random| {
            RETRIES.pause(
                Advice::of_answer(&answer(503, Some(retry_after))),
                Freely,
                1,
                Duration::from_secs(left),
                random,
            )
        };
        assert_eq!(pause("7", 30, 0), Some(Duration::from_secs(7)));
        assert_eq!(pause("7", 30, u64::MAX), Some(Duration::from_millis(7500)));
        assert_eq!(pause("10", 30, 0), Some(Duration::from_secs(10)));
        assert_eq!(pause("11", 30, 0), None);
        assert_eq!(pause("7", 7, 0), None);
        assert_eq!(pause("7", 8, 0), Some(Duration::from_secs(7)));
        assert_eq!(pause("7", 8, u64::MAX), Some(Duration::from_millis(7500)));
        let late = RETRIES.pause(
            Advice::of_answer(&answer(503, Some("7"))),
            Freely,
            5,
            Duration::from_secs(8),
            u64::MAX,
        );
        assert_eq!(late, Some(Duration::from_millis(7500)));
        assert_eq!(pause("Thu, 01 Jan 1970 00:00:05 GMT", 30, 0), Some(Duration::from_secs(5)));
        assert_eq!(pause("Thu, 01 Jan 1970 00:01:00 GMT", 90, 0), None);
        // A value that is not a pause counts as none.
        assert_eq!(pause("soon", 30, 0), Some(Duration::ZERO));
        assert_eq!(RETRIES.pause(Advice::of_no_answer(&connect()), Freely, 1, Duration::ZERO, 0), None);
    }
}
