use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::event::Event;
use super::outcome::{Lookup, Outcome};

/// What a [`TokenClient`](crate::TokenClient) and its sources have done since it was built:
/// [`TokenClient::statistics`](crate::TokenClient::statistics). The numbers only grow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Callers that got a fresh cached token.
    pub hits: u64,
    /// Callers that got a cached token that is being refreshed, or about to be.
    pub stale: u64,
    /// Callers that waited for a request that another caller had started.
    pub waits: u64,
    /// Callers that started a request and waited for it.
    pub misses: u64,
    /// Callers that got the error of a request that had failed moments ago, or had nothing to send.
    pub refused: u64,
    /// Attempts that failed and were repeated after a pause.
    pub retries: u64,
    /// Assertions that were signed again with other times.
    pub time_corrections: u64,
    /// Assertions that were signed again with another key.
    pub key_corrections: u64,
    /// Requests in the background that brought no token.
    pub refresh_failures: u64,
    /// Assertions that were signed.
    pub signatures: u64,
    /// The time that these signatures took, with the wait for a thread.
    pub signing_time: Duration,
    calls: [u64; Outcome::ALL.len()],
}

impl Statistics {
    /// The number of calls that ended like this. A call is one request, with its corrections and
    /// retries, to the token endpoint or another one; a cached token is no call.
    #[must_use]
    pub fn calls(&self, outcome: Outcome) -> u64 {
        self.calls.get(outcome as usize).copied().unwrap_or_default()
    }
}

/// The counters behind [`Statistics`].
#[derive(Default)]
pub(crate) struct Counters {
    hits: Spread,
    stale: AtomicU64,
    waits: AtomicU64,
    misses: AtomicU64,
    refused: AtomicU64,
    retries: AtomicU64,
    time_corrections: AtomicU64,
    key_corrections: AtomicU64,
    refresh_failures: AtomicU64,
    signatures: AtomicU64,
    /// In nanoseconds: it overflows after centuries.
    signing_time: AtomicU64,
    calls: [AtomicU64; Outcome::ALL.len()],
}

impl Counters {
    pub(super) fn count(&self, event: &Event<'_>) {
        let counter = match *event {
            Event::TokenRequested { lookup: Lookup::Hit, .. } => return self.hits.add_one(),
            Event::TokenRequested { lookup: Lookup::Stale, .. } => &self.stale,
            Event::TokenRequested { lookup: Lookup::Waited, .. } => &self.waits,
            Event::TokenRequested { lookup: Lookup::Miss, .. } => &self.misses,
            Event::TokenRequested { lookup: Lookup::Refused, .. } => &self.refused,
            Event::AttemptFailed { .. } => &self.retries,
            Event::TimesCorrected { .. } => &self.time_corrections,
            Event::KeyCorrected { .. } => &self.key_corrections,
            Event::RefreshFailed { .. } => &self.refresh_failures,
            Event::AssertionSigned { duration, .. } => {
                let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
                self.signing_time.fetch_add(nanoseconds, Ordering::Relaxed);
                &self.signatures
            }
            Event::TokenObtained { .. } | Event::CallSucceeded { .. } => return self.count_call(Outcome::Ok),
            Event::CallFailed { failure, .. } => return self.count_call(failure.outcome),
            Event::CallNotSent { .. } => return self.count_call(Outcome::NotSent),
            _ => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn count_call(&self, outcome: Outcome) {
        if let Some(counter) = self.calls.get(outcome as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn statistics(&self) -> Statistics {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Statistics {
            hits: self.hits.sum(),
            stale: load(&self.stale),
            waits: load(&self.waits),
            misses: load(&self.misses),
            refused: load(&self.refused),
            retries: load(&self.retries),
            time_corrections: load(&self.time_corrections),
            key_corrections: load(&self.key_corrections),
            refresh_failures: load(&self.refresh_failures),
            signatures: load(&self.signatures),
            signing_time: Duration::from_nanos(load(&self.signing_time)),
            calls: std::array::from_fn(|outcome| self.calls.get(outcome).map_or(0, load)),
        }
    }
}

/// A counter for many threads. Each adds to a cache line that few others use, since every caller of
/// a cached token counts.
#[derive(Default)]
struct Spread([Line; Spread::LINES]);

#[derive(Default)]
#[repr(align(64))]
struct Line(AtomicU64);

impl Spread {
    const LINES: usize = 8;

    fn add_one(&self) {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local!(static LINE: usize = THREADS.fetch_add(1, Ordering::Relaxed) % Spread::LINES);
        // While a thread ends, it has no number.
        let line = LINE.try_with(|line| *line).unwrap_or_default();
        if let Some(line) = self.0.get(line) {
            line.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn sum(&self) -> u64 {
        self.0.iter().map(|line| line.0.load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_of_many_threads_loses_nothing() {
        let counter = Spread::default();
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| (0..1000).for_each(|_| counter.add_one()));
            }
        });
        assert_eq!(counter.sum(), 20_000);
    }
}
