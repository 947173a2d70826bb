use std::time::Duration;

use time::OffsetDateTime;
use tokio::runtime::Handle;

use super::task;
use crate::keys::BoxFuture;

/// Where the time comes from, and who waits. Tests bring their own, so that nothing sleeps.
pub trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> OffsetDateTime;

    /// Waits for so long. Unless it is written anew, with the timer of the tokio runtime that it is
    /// called in, and outside of one on a thread of its own.
    ///
    /// # Panics
    ///
    /// In a runtime of tokio that was built without a timer, as tokio does.
    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            match Handle::try_current() {
                Ok(_) => tokio::time::sleep(pause).await,
                Err(_) => sleep_on_a_thread(pause).await,
            }
        })
    }
}

/// Without a thread there is no pause.
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
