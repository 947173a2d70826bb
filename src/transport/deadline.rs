use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

/// What is left of the total time that something may take. It is the executor's time, which cannot
/// be set, and not that of a [`Clock`](super::Clock).
pub(crate) struct Deadline {
    left: Duration,
}

impl Deadline {
    /// This much time from now on. [`Duration::MAX`] means no limit, and needs no timer.
    pub(crate) const fn after(left: Duration) -> Self {
        Self { left }
    }

    pub(crate) const fn left(&self) -> Duration {
        self.left
    }

    /// Pauses. The pause counts for at least its intended length, so that one that a test skips
    /// counts, too.
    pub(crate) async fn pause(&mut self, pause: Duration, sleep: impl Future<Output = ()>) {
        let start = Instant::now();
        sleep.await;
        self.spend(pause.max(start.elapsed()));
    }

    fn spend(&mut self, time: Duration) {
        if self.left != Duration::MAX {
            self.left = self.left.saturating_sub(time);
        }
    }

    /// Waits for the work, but no longer than there is time. Returns `None` if the time runs out;
    /// the work is dropped then.
    ///
    /// The work stays where it is: passed by value, it would be copied and take up space twice in
    /// the caller's future.
    pub(crate) async fn bound<T>(&mut self, work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        self.bound_for(None, work).await
    }

    /// As [`Deadline::bound`], for work that ends by itself within `longest`. If at least that much
    /// time is left, it needs no second timer: with many requests in flight, each timer has a
    /// noticeable cost.
    pub(crate) async fn bound_for<T>(
        &mut self,
        longest: Option<Duration>,
        mut work: Pin<&mut impl Future<Output = T>>,
    ) -> Option<T> {
        if self.left == Duration::MAX {
            return Some(work.await);
        }
        let start = Instant::now();
        let done = match longest {
            Some(longest) if longest <= self.left => Some(work.await),
            // Work that is ready at once, such as an elliptic-curve signature, needs no timer
            // either.
            _ => match poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
                Poll::Ready(done) => Some(done),
                Poll::Pending => tokio::time::timeout(self.left, work).await.ok(),
            },
        };
        self.spend(if done.is_some() { start.elapsed() } else { self.left });
        done
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
    fn work_that_keeps_the_time_itself_needs_no_timer_where_there_is_enough() {
        // Without a timer: one that is asked for panics.
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut deadline = Deadline::after(Duration::from_secs(3));
        let second = Some(Duration::from_secs(1));
        assert_eq!(runtime.block_on(deadline.bound_for(second, pin!(ready(7)))), Some(7));
        assert!(deadline.left() < Duration::from_secs(3));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut deadline = Deadline::after(Duration::from_millis(1));
        assert_eq!(runtime.block_on(deadline.bound_for(second, pin!(pending::<()>()))), None);
    }

    #[test]
    fn without_a_bound_or_a_runtime_there_is_no_timer() {
        let poll = |deadline: &mut Deadline| {
            pin!(deadline.bound(pin!(ready(7)))).poll(&mut Context::from_waker(Waker::noop()))
        };
        assert_eq!(poll(&mut Deadline::after(Duration::from_secs(1))), Poll::Ready(Some(7)));
        let mut none = Deadline::after(Duration::MAX);
        none.spend(Duration::MAX);
        assert_eq!(none.left(), Duration::MAX);
        // A runtime without a timer.
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(none.bound(pin!(ready(7)))), Some(7));
    }
}
