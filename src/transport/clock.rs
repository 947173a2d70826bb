use std::time::Duration;

use time::OffsetDateTime;

use crate::keys::BoxFuture;

/// Tells the time, and waits. Tests provide their own clock, so that nothing sleeps.
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> OffsetDateTime;

    /// Waits for this long. Default: with the timer of the caller's tokio runtime.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, and in one that was built without a timer, as tokio does.
    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(pause))
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
