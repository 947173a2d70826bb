//! A clock that the test sets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use private_key_jwt::keys::BoxFuture;
use private_key_jwt::transport::{Clock, SystemClock};
use time::OffsetDateTime;

/// Starts at [`now`](super::now). Clones are the same clock.
#[derive(Clone)]
pub struct TestClock {
    time: Arc<Mutex<OffsetDateTime>>,
    pauses: Arc<Mutex<Vec<Duration>>>,
    pausing: Pausing,
}

#[derive(Clone)]
enum Pausing {
    /// A pause takes its time, and does not move the clock.
    Real,
    /// A pause ends at once, after this call with the number of pauses before it.
    Skipped { moves: bool, on_pause: Arc<dyn Fn(usize) + Send + Sync> },
}

impl TestClock {
    /// Moves only when the test moves it.
    pub fn new() -> Self {
        Self::with(Pausing::Real)
    }

    /// Skips pauses, and moves on by each.
    pub fn skipping() -> Self {
        Self::calling(|_| {})
    }

    /// Like [`TestClock::skipping`]. Calls this as each pause begins, with the number of pauses
    /// before it.
    pub fn calling(on_pause: impl Fn(usize) + Send + Sync + 'static) -> Self {
        Self::with(Pausing::Skipped { moves: true, on_pause: Arc::new(on_pause) })
    }

    /// Like [`TestClock::calling`], but pauses do not move the clock.
    pub fn standing(on_pause: impl Fn(usize) + Send + Sync + 'static) -> Self {
        Self::with(Pausing::Skipped { moves: false, on_pause: Arc::new(on_pause) })
    }

    fn with(pausing: Pausing) -> Self {
        Self { time: Arc::new(Mutex::new(super::now())), pauses: Arc::default(), pausing }
    }

    /// Starts at this time instead.
    #[must_use]
    pub fn at(self, time: OffsetDateTime) -> Self {
        *self.time.lock().unwrap() = time;
        self
    }

    /// The length of each pause so far.
    pub fn pauses(&self) -> Vec<Duration> {
        self.pauses.lock().unwrap().clone()
    }

    /// The current time in seconds since 1970.
    pub fn seconds(&self) -> i64 {
        self.now().unix_timestamp()
    }

    /// Moves the clock, backwards if this is negative.
    pub fn move_by(&self, time: time::Duration) {
        *self.time.lock().unwrap() += time;
    }

    /// Moves the clock by whole seconds.
    pub fn pass(&self, seconds: i64) {
        self.move_by(time::Duration::seconds(seconds));
    }

    /// Sets the clock to this many seconds after [`now`](super::now), or before it.
    #[allow(clippy::cast_possible_truncation)]
    pub fn set(&self, seconds: f64) {
        *self.time.lock().unwrap() = super::now() + time::Duration::milliseconds((seconds * 1000.0) as i64);
    }
}

impl Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        *self.time.lock().unwrap()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        match &self.pausing {
            Pausing::Real => SystemClock.sleep(pause),
            Pausing::Skipped { moves, on_pause } => {
                on_pause(self.pauses().len());
                self.pauses.lock().unwrap().push(pause);
                if *moves {
                    self.move_by(pause.try_into().unwrap());
                }
                Box::pin(std::future::ready(()))
            }
        }
    }
}
