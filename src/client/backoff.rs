//! Pauses that grow from one failure to the next.

use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Backoff {
    /// The longest pause after the first failure.
    pub(super) first: Duration,
    /// The longest pause after any failure.
    pub(super) longest: Duration,
}

impl Backoff {
    /// The upper bound of the pause after this many failures in a row: twice the one before.
    fn bound(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }

    /// Anything from zero to the bound, so that clients that failed together do not come back
    /// together.
    pub(super) fn full_jitter(&self, failures: u32, random: u64) -> Duration {
        fraction(self.bound(failures), random)
    }

    /// At least half of the bound, for requests that must not be frequent.
    pub(super) fn half_jitter(&self, failures: u32, random: u64) -> Duration {
        let half = self.bound(failures) / 2;
        half + fraction(half, random)
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
    const BACKOFF: Backoff = Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(10) };

    #[test]
    fn pauses_double_up_to_the_longest_and_are_spread_over_all_of_it() {
        let bounds: Vec<u128> = (1..=7).map(|failures| BACKOFF.bound(failures).as_millis()).collect();
        assert_eq!(bounds, [500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
        assert_eq!(BACKOFF.bound(u32::MAX), Duration::from_secs(10));
        for (random, full, half) in [(0, 0, 2000), (u64::MAX / 2, 2000, 3000), (u64::MAX, 4000, 4000)] {
            assert_eq!(BACKOFF.full_jitter(4, random).as_millis(), full);
            assert_eq!(BACKOFF.half_jitter(4, random).as_millis(), half);
        }
        let longest = Backoff { first: Duration::MAX, longest: Duration::MAX };
        assert_eq!(longest.full_jitter(9, u64::MAX), Duration::from_nanos(u64::MAX));
    }
}
