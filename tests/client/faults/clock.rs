//! A clock that nobody waits for.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use private_key_jwt::keys::BoxFuture;
use private_key_jwt::transport::Clock;
use time::OffsetDateTime;

use crate::support::now;

/// It notes the pauses, and goes on by them.
#[derive(Clone)]
pub(crate) struct Skips {
    time: Arc<Mutex<OffsetDateTime>>,
    pauses: Arc<Mutex<Vec<Duration>>>,
    on_pause: Arc<dyn Fn(usize) + Send + Sync>,
}

impl Skips {
    pub(crate) fn new() -> Self {
        Self::calling(|_| {})
    }

    /// As each pause begins, it is told how many there were before.
    pub(crate) fn calling(on_pause: impl Fn(usize) + Send + Sync + 'static) -> Self {
        Self { time: Arc::new(Mutex::new(now())), pauses: Arc::default(), on_pause: Arc::new(on_pause) }
    }

    pub(crate) fn pauses(&self) -> Vec<Duration> {
        self.pauses.lock().unwrap().clone()
    }

    /// Time passes, or the clock is set.
    pub(crate) fn move_by(&self, time: time::Duration) {
        *self.time.lock().unwrap() += time;
    }
}

impl Clock for Skips {
    fn now(&self) -> OffsetDateTime {
        *self.time.lock().unwrap()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        (self.on_pause)(self.pauses().len());
        self.pauses.lock().unwrap().push(pause);
        self.move_by(pause.try_into().unwrap());
        Box::pin(std::future::ready(()))
    }
}
