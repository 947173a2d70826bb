use std::time::Duration;

use time::OffsetDateTime;
use tokio::runtime::Handle;

use super::task;
use crate::keys::BoxFuture;

/// Tells the time, and waits. Tests provide their own clock, so that nothing sleeps.
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> OffsetDateTime;

    /// Waits for this long. By default, it uses the timer of the tokio runtime in which it is
    /// called, and outside of a runtime a thread of its own.
    ///
    /// # Panics
    ///
    /// In a tokio runtime that was built without a timer, as tokio does.
    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            match Handle::try_current() {
                Ok(_) => tokio::time::sleep(pause).await,
                Err(_) => sleep_on_a_thread(pause).await,
            }
        })
    }
}

/// If no thread can be started, there is no pause.
async fn sleep_on_a_thread(pause: Duration) {
    let (announcer, announcement) = task::announcement();
    let sleep = move || {
        std::thread::sleep(pause);
        announcer.announce(());
    };
    if std::thread::Builder::new().name("pause".to_owned()).spawn(sleep).is_ok() {
        announcement.wait().await;
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
