use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

/// The end of the total time that something may take. It is the executor's time, which cannot be
/// set, and not that of a [`Clock`](super::Clock).
pub(crate) struct Deadline {
    end: Option<Instant>,
}

impl Deadline {
    /// This much time from now on. [`Duration::MAX`] means no limit, and needs no timer.
    pub(crate) fn after(limit: Duration) -> Self {
        Self { end: Instant::now().checked_add(limit) }
    }

    pub(crate) fn left(&self) -> Duration {
        self.end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()))
    }

    /// Pauses. The pause counts for at least its intended length, so that one that a test skips
    /// counts, too.
    pub(crate) async fn pause(&mut self, pause: Duration, sleep: impl Future<Output = ()>) {
        let start = Instant::now();
        sleep.await;
        let skipped = pause.saturating_sub(start.elapsed());
        self.end = self.end.map(|end| end.checked_sub(skipped).unwrap_or(start));
    }

    /// Waits for the work, but no longer than there is time. Returns `None` if the time runs out;
    /// the work is dropped then.
    ///
    /// The work stays where it is: passed by value, it would be copied and take up space twice in
    /// the caller's future.
    pub(crate) async fn bound<T>(&self, mut work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        let Some(end) = self.end else { return Some(work.await) };
        // Work that is ready at once, such as an elliptic-curve signature, needs no timer.
        match poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
            Poll::Ready(done) => Some(done),
            Poll::Pending => tokio::time::timeout_at(end, work).await.ok(),
        }
    }

    /// As [`Deadline::bound`], for work that may have a limit of its own. If there is enough time
    /// left for that, the work needs no second timer.
    pub(crate) async fn bound_limited<T>(
        &self,
        limit: Option<Duration>,
        work: Pin<&mut impl Future<Output = T>>,
    ) -> Option<T> {
        match limit {
            Some(limit) if limit <= self.left() => Some(work.await),
            _ => self.bound(work).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    #[tokio::test]
    async fn work_is_dropped_when_the_time_is_over_and_pauses_count() {
        let mut deadline = Deadline::after(Duration::from_secs(3));
        assert_eq!(deadline.bound(pin!(ready(7))).await, Some(7));
        assert!(deadline.left() > Duration::from_secs(2));
        deadline.pause(Duration::from_millis(2900), ready(())).await;
        assert!(deadline.left() <= Duration::from_millis(100));
        deadline.pause(Duration::from_millis(1), tokio::time::sleep(Duration::from_millis(20))).await;
        assert!(deadline.left() <= Duration::from_millis(80));
        assert_eq!(deadline.bound(pin!(pending::<()>())).await, None);
        assert_eq!(deadline.left(), Duration::ZERO);
        assert_eq!(deadline.bound(pin!(pending::<()>())).await, None);
        // Work that is ready already needs no time.
        assert_eq!(deadline.bound(pin!(ready(7))).await, Some(7));
    }

    #[test]
    fn work_that_ends_in_time_by_itself_needs_no_timer() {
        // A timer outside of a runtime panics.
        let poll = |limit: u64| {
            let deadline = Deadline::after(Duration::from_secs(30));
            let limit = Some(Duration::from_secs(limit));
            let work = pin!(pending::<()>());
            pin!(deadline.bound_limited(limit, work)).poll(&mut Context::from_waker(Waker::noop()))
        };
        assert_eq!(poll(20), Poll::Pending);
        assert!(std::panic::catch_unwind(|| poll(40)).is_err());
    }

    #[test]
    fn without_a_bound_or_a_runtime_there_is_no_timer() {
        let poll = |deadline: &Deadline| {
            pin!(deadline.bound(pin!(ready(7)))).poll(&mut Context::from_waker(Waker::noop()))
        };
        assert_eq!(poll(&Deadline::after(Duration::from_secs(1))), Poll::Ready(Some(7)));
        let none = Deadline::after(Duration::MAX);
        assert_eq!(none.left(), Duration::MAX);
        // A runtime without a timer.
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(none.bound(pin!(ready(7)))), Some(7));
    }
}
