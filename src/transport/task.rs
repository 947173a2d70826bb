//! Tasks that outlive their callers, and results that many callers wait for.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::Clock;

/// Runs the work in its own task, on the runtime in which this is called, so that the caller may go
/// away. A runtime that is shutting down drops the work. Without a runtime, the work is returned.
pub(crate) fn detach<W: Future<Output = ()> + Send + 'static>(work: W) -> Option<W> {
    match Handle::try_current() {
        Ok(runtime) => {
            runtime.spawn(work);
            None
        }
        Err(_) => Some(work),
    }
}

/// The result of the work, if it arrives within the limit.
pub(crate) async fn within<T>(
    clock: &dyn Clock,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    let mut limit = clock.sleep(limit);
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => limit.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// The two ends of a result that is to come.
pub(crate) fn announcement<T: Clone>() -> (Announcer<T>, Announcement<T>) {
    let (sender, receiver) = watch::channel(None);
    (Announcer(sender), Announcement(receiver))
}

/// The end that announces the result. If it is dropped before that, there will be none.
pub(crate) struct Announcer<T>(watch::Sender<Option<T>>);

impl<T> Announcer<T> {
    pub(crate) fn announce(self, result: T) {
        self.0.send_replace(Some(result));
    }
}

/// The end that any number of callers wait at.
#[derive(Clone)]
pub(crate) struct Announcement<T>(watch::Receiver<Option<T>>);

impl<T: Clone> Announcement<T> {
    /// The result, or `None` if there will be none.
    pub(crate) async fn wait(mut self) -> Option<T> {
        self.0.wait_for(Option::is_some).await.ok().and_then(|result| result.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use time::OffsetDateTime;

    use super::*;
    use crate::keys::BoxFuture;

    /// Tells when it is dropped.
    struct Dropped(Option<Announcer<&'static str>>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            if let Some(announcer) = self.0.take() {
                announcer.announce("dropped");
            }
        }
    }

    #[tokio::test]
    async fn all_who_wait_get_the_result_also_those_who_come_late() {
        let (announcer, announcement) = announcement();
        let waiting: Vec<_> = (0..3).map(|_| tokio::spawn(announcement.clone().wait())).collect();
        announcer.announce(7);
        for waiting in waiting {
            assert_eq!(waiting.await.unwrap(), Some(7));
        }
        assert_eq!(announcement.wait().await, Some(7));
    }

    #[tokio::test]
    async fn nobody_waits_for_a_result_that_will_not_come() {
        let (announcer, announcement) = announcement::<u8>();
        let waiting = tokio::spawn(announcement.clone().wait());
        drop(announcer);
        assert_eq!(waiting.await.unwrap(), None);
        assert_eq!(announcement.wait().await, None);
    }

    #[tokio::test]
    async fn detached_work_goes_on_without_its_caller() {
        let (announcer, announcement) = announcement();
        let go_on = Arc::new(tokio::sync::Notify::new());
        let wait = Arc::clone(&go_on);
        let caller = async {
            detach(async move {
                wait.notified().await;
                announcer.announce(());
            });
            std::future::pending::<()>().await;
        };
        assert_eq!(within(&OffsetDateTime::now_utc, Duration::from_millis(1), caller).await, None);
        go_on.notify_one();
        assert_eq!(announcement.wait().await, Some(()));
    }

    #[test]
    fn without_a_runtime_the_work_is_handed_back() {
        let (announcer, announcement) = announcement();
        let dropped = Dropped(Some(announcer));
        let work = detach(async move {
            let _kept = dropped;
            std::future::pending::<()>().await;
        });
        drop(work.unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(announcement.wait()), Some("dropped"));
    }

    #[test]
    fn the_work_of_a_runtime_that_goes_away_is_dropped() {
        let (announcer, announcement) = announcement();
        let dropped = Dropped(Some(announcer));
        let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
        let first = runtime();
        first.block_on(async {
            detach(async move {
                let _kept = dropped;
                std::future::pending::<()>().await;
            });
        });
        drop(first);
        assert_eq!(runtime().block_on(announcement.wait()), Some("dropped"));
    }

    #[tokio::test]
    async fn the_limit_is_that_of_the_clock() {
        struct Over;
        impl Clock for Over {
            fn now(&self) -> OffsetDateTime {
                OffsetDateTime::UNIX_EPOCH
            }

            fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
                Box::pin(std::future::ready(()))
            }
        }
        assert_eq!(within(&Over, Duration::from_secs(10), std::future::pending::<()>()).await, None);
        assert_eq!(within(&Over, Duration::from_secs(10), std::future::ready(1)).await, Some(1));
    }
}
