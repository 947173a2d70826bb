use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::refusal::BearerRefusal;
use crate::observer::{Event, Observer, RefusalReason, emit};
use crate::transport::Clock;

/// In seconds: the shortest time between two lines about one reason.
const INTERVAL: i64 = 60;

/// Counts refusals by reason, and logs each reason at most once a minute. Its size does not depend
/// on the requests.
pub(super) struct RefusalLog {
    counters: [Counter; RefusalReason::ALL.len()],
}

#[derive(Default)]
struct Counter {
    total: AtomicU64,
    /// `total` when the last line was written.
    logged: AtomicU64,
    /// When the next line may be written, in seconds since 1970.
    next: AtomicI64,
}

impl RefusalLog {
    pub(super) fn new() -> Self {
        Self { counters: std::array::from_fn(|_| Counter::default()) }
    }

    pub(super) fn count(&self, reason: RefusalReason) -> u64 {
        self.counter(reason).map_or(0, |counter| counter.total.load(Ordering::Relaxed))
    }

    /// Counts the refusal, and logs it if a line about its reason is due.
    pub(super) fn record(
        &self,
        refusal: &BearerRefusal,
        clock: &Arc<dyn Clock>,
        observer: Option<&Arc<dyn Observer>>,
    ) {
        let reason = refusal.reason();
        let Some(counter) = self.counter(reason) else {
            return;
        };
        let total = counter.total.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let is_due = counter.may_log(clock.now().unix_timestamp());
        let count = is_due.then(|| total.saturating_sub(counter.logged.swap(total, Ordering::Relaxed)));
        emit(&Event::RequestRefused { reason, count, error: refusal }, observer, None);
    }

    fn counter(&self, reason: RefusalReason) -> Option<&Counter> {
        self.counters.get(reason as usize)
    }
}

impl Counter {
    /// Whether this thread writes the next line. A clock that was set back does not silence the log
    /// for longer than the interval.
    fn may_log(&self, now: i64) -> bool {
        let next = self.next.load(Ordering::Relaxed);
        let is_due = now >= next || next.saturating_sub(now) > INTERVAL;
        let then = now.saturating_add(INTERVAL);
        is_due && self.next.compare_exchange(next, then, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}
