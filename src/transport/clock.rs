use std::time::Duration;

use time::OffsetDateTime;

use crate::keys::BoxFuture;

/// Where the time comes from, and who waits. Tests bring their own, so that nothing sleeps.
pub trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> OffsetDateTime;

    /// Waits for so long. Unless it is written anew, with the timer of the tokio runtime that it is called in.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, and in one without a timer. The crate's own HTTP client needs both, too.
    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move { tokio::time::sleep(pause).await })
    }
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

impl<F: Fn() -> OffsetDateTime + Send + Sync> Clock for F {
    fn now(&self) -> OffsetDateTime {
        self()
    }
}
