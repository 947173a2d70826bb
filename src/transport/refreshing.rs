//! One value that is kept fresh by one fetch at a time.
//!
//! - While a value is fresh, callers read it without a lock.
//! - While it is ageing, callers still get it. One of them starts a fetch in the background.
//! - When no value serves, callers wait for the one fetch in flight, or start it. After a failure
//!   the server is left alone for a pause, and callers get the last error at once.
//! - A fetch runs in a task of its own, so that any of its callers may go away. Its outcome is
//!   announced to all who wait. When a fetch is lost with its runtime, its waiters try once more.
//!
//! [`Schedule`] decides, as a function of the state and the time, and [`Refreshing`] does it. The
//! policy is its [`Source`]'s: how a value is fetched, how long it serves, how long to pause after
//! which error.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwapOption, Guard};
use time::OffsetDateTime;

use super::task::{self, Announcement, Announcer};
use super::{Clock, Deadline};
use crate::keys::BoxFuture;

/// Where a value comes from, and the policy for it. A clone is a handle: it shares its
/// [`Refreshing`].
pub(crate) trait Source: Clone + Send + Sync + 'static {
    type Value: Send + Sync + 'static;
    /// What a fetch brings.
    type Answer: Send + 'static;
    type Error: Clone + Send + Sync + 'static;
    /// Whether a caller outside of a runtime carries out the fetch itself. Otherwise the fetch is
    /// lost.
    const RUNS_WITHOUT_RUNTIME: bool;
    /// Whether a panic is a failure like any other. Otherwise it is a loss, which says nothing
    /// about the server.
    const PANIC_IS_FAILURE: bool;

    fn refreshing(&self) -> &Refreshing<Self>;

    fn clock(&self) -> &dyn Clock;

    /// A fetch that is silent for this long counts as lost.
    fn limit(&self) -> Duration;

    fn phase(&self, value: &Self::Value, now: OffsetDateTime) -> Phase;

    /// How long a value serves while it is refreshed in the background.
    fn window(&self, value: &Self::Value) -> Duration;

    /// Prepares a fetch. `held` is the cached value, which may be over. A fetch is `awaited` when
    /// no value serves.
    ///
    /// # Errors
    ///
    /// When there is nothing to fetch with, now or later.
    fn fetch(
        &self,
        held: Option<Arc<Held<Self::Value>>>,
        awaited: bool,
        now: OffsetDateTime,
    ) -> Result<BoxFuture<'static, Self::Answer>, Self::Error>;

    /// Reads an answer, under the lock: answers are read one after another. A `late` one is older
    /// than the cached value and changes nothing.
    fn read(&self, answer: Self::Answer, late: bool, now: OffsetDateTime)
    -> Result<Self::Value, Self::Error>;

    /// How long to leave the server alone after this failure.
    fn pause(&self, failure: &Failure<'_, Self::Error>) -> Pause;

    /// The error of a fetch that was lost with its runtime, or panicked.
    fn lost() -> Self::Error;

    /// A refresh in the background failed.
    fn log(&self, error: &Self::Error, pause: Duration);
}

/// How old a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It serves.
    Fresh,
    /// It serves, and should be refreshed.
    Ageing,
    /// It no longer serves, or there is none.
    Over,
}

/// Which value a caller needs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Need {
    Any,
    /// One that was fetched after this generation. A fetch for it starts no sooner than `apart`
    /// after the start of the last.
    NewerThan {
        generation: u64,
        apart: Duration,
    },
}

/// A failed fetch.
pub(crate) struct Failure<'a, E> {
    /// `None` for a fetch that was lost with its runtime, or panicked. It says nothing about the
    /// server.
    pub(crate) error: Option<&'a E>,
    /// How many failed in a row, this one included.
    pub(crate) failures: u32,
    /// The [window](Source::window) of the value that served when the fetch started; `None` when
    /// none did.
    pub(crate) window: Option<Duration>,
}

/// How long no fetch starts after a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pause {
    /// While a value serves.
    pub(crate) serving: Duration,
    /// While none does.
    pub(crate) waiting: Duration,
}

#[derive(Debug)]
pub(crate) struct Held<V> {
    pub(crate) value: V,
    /// Of the fetch that brought it; 0 for a value that was there from the start.
    pub(crate) generation: u64,
}

/// The value, and the one fetch in flight for the next.
pub(crate) struct Refreshing<S: Source> {
    held: ArcSwapOption<Held<S::Value>>,
    /// Locked for moments only, and not by readers of a fresh value.
    state: Mutex<State<S>>,
}

struct State<S: Source> {
    schedule: Schedule,
    flight: Option<Flight<Outcome<S>>>,
    /// Of the last fetch, if it failed.
    error: Option<S::Error>,
}

type Outcome<S> = Result<Arc<Held<<S as Source>::Value>>, <S as Source>::Error>;

/// A fetch in flight.
#[derive(Clone)]
struct Flight<O> {
    generation: u64,
    awaited: bool,
    outcome: Announcement<O>,
}

/// What a caller does.
struct Turn<S: Source> {
    /// Returns this in any case.
    held: Option<Arc<Held<S::Value>>>,
    /// Waits for this otherwise.
    flight: Option<Flight<Outcome<S>>>,
    /// A fetch to start.
    work: Option<BoxFuture<'static, ()>>,
}

/// A fetch that ends at its limit says so itself, within this time.
const GRACE: Duration = Duration::from_secs(1);

impl<S: Source> Refreshing<S> {
    pub(crate) fn new(value: Option<S::Value>) -> Self {
        let state = State { schedule: Schedule::default(), flight: None, error: None };
        let held = ArcSwapOption::from_pointee(value.map(|value| Held { value, generation: 0 }));
        Self { held, state: Mutex::new(state) }
    }

    /// The cached value, fresh or not. Takes no lock and does not allocate.
    pub(crate) fn held(&self) -> Guard<Option<Arc<Held<S::Value>>>> {
        self.held.load()
    }

    /// The error of the last fetch, if it failed.
    pub(crate) fn error(&self) -> Option<S::Error> {
        self.state().error.clone()
    }

    /// Drops the cached value if the condition holds for it.
    pub(crate) fn drop_if(&self, condition: impl FnOnce(&S::Value) -> bool) -> bool {
        let _state = self.state();
        let drops = self.held.load().as_ref().is_some_and(|held| condition(&held.value));
        if drops {
            self.held.store(None);
        }
        drops
    }

    /// The cached value, or the next one.
    ///
    /// # Errors
    ///
    /// Why there is none; `None` when it is too early for a newer one, and the last fetch did not
    /// fail.
    pub(crate) async fn get(source: &S, need: Need) -> Result<Arc<Held<S::Value>>, Option<S::Error>> {
        let mut lost = 0;
        while lost < 2 {
            let Turn { held, flight, work } = Self::turn(source, need)?;
            // Not under the lock: a runtime that is shutting down drops it at once.
            match work.and_then(task::detach) {
                Some(work) if S::RUNS_WITHOUT_RUNTIME => work.await,
                _ => {}
            }
            if let Some(held) = held {
                return Ok(held);
            }
            if let Some(flight) = flight {
                let awaited = flight.awaited;
                match Self::outcome(source, flight).await {
                    // This fetch was not meant for callers without a value; the next one tries
                    // harder.
                    Some(Err(_)) if !awaited => {}
                    Some(outcome) => return outcome.map_err(Some),
                    None => lost += 1,
                }
            }
        }
        Err(Some(S::lost()))
    }

    /// Decides what a caller does, and prepares a fetch where one is due.
    fn turn(source: &S, need: Need) -> Result<Turn<S>, Option<S::Error>> {
        let this = source.refreshing();
        let mut state = this.state();
        // In this order: a value that came after the time was read would seem to come from the
        // future.
        let held = this.held.load_full();
        let now = source.clock().now();
        let phase = held.as_ref().map_or(Phase::Over, |held| source.phase(&held.value, now));
        let (phase, apart) = match need {
            Need::NewerThan { generation, apart }
                if held.as_ref().is_none_or(|held| held.generation <= generation) =>
            {
                (Phase::Over, apart)
            }
            _ => (phase, Duration::ZERO),
        };
        let serving = held.clone().filter(|_| phase != Phase::Over);
        match (state.schedule.decide(phase, source.limit(), apart, now), &state.flight) {
            (Decision::Serve, _) => return Ok(Turn { held: serving, flight: None, work: None }),
            (Decision::Refuse, _) => return Err(state.error.clone()),
            (Decision::Wait, Some(flight)) => {
                return Ok(Turn { held: None, flight: Some(flight.clone()), work: None });
            }
            _ => {}
        }
        let fetch = match source.fetch(held, serving.is_none(), now) {
            Ok(fetch) => fetch,
            // There will be no other value, but this one serves.
            Err(_) if serving.is_some() => return Ok(Turn { held: serving, flight: None, work: None }),
            Err(error) => return Err(Some(error)),
        };
        let (announcer, outcome) = task::announcement();
        let generation = state.schedule.begin(now);
        let flight = Flight { generation, awaited: serving.is_none(), outcome };
        state.flight = Some(flight.clone());
        let window = serving.as_ref().map(|held| source.window(&held.value));
        let end = End { source: source.clone(), generation, window, announcer: Some(announcer) };
        let work = Box::pin(async move { end.answered(fetch.await) });
        Ok(Turn { held: serving, flight: Some(flight), work: Some(work) })
    }

    /// The outcome of a fetch; `None` when it was lost, or is silent for too long.
    async fn outcome(source: &S, flight: Flight<Outcome<S>>) -> Option<Outcome<S>> {
        let mut limit = Deadline::after(source.limit().saturating_add(GRACE));
        let outcome = limit.bound(pin!(flight.outcome.wait())).await;
        if outcome.is_none() {
            Self::failed(source, flight.generation, None, None);
        }
        outcome.flatten()
    }

    /// A fetch ended without a value. Without an error it was lost.
    fn failed(source: &S, generation: u64, window: Option<Duration>, error: Option<&S::Error>) {
        let now = source.clock().now();
        let mut state = source.refreshing().state();
        state.forget(generation);
        let pause = |failures| source.pause(&Failure { error, failures, window });
        let pause = state.schedule.failed(generation, error.map(|_| now), pause);
        if let (Some(pause), Some(error)) = (pause, error) {
            state.error = Some(error.clone());
            // A subscriber is not ours: it may ask for this value.
            drop(state);
            if window.is_some() {
                source.log(error, pause.serving);
            }
        }
    }

    /// A panic elsewhere does not spoil it: no step leaves it half-changed.
    fn state(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Source> State<S> {
    /// A fetch is no longer in flight. Its waiters have a share of its outcome; a value in it would
    /// be kept here for longer than it serves.
    fn forget(&mut self, generation: u64) {
        self.flight.take_if(|flight| flight.generation == generation);
    }
}

/// The end of a fetch, however it ends.
struct End<S: Source> {
    source: S,
    generation: u64,
    window: Option<Duration>,
    announcer: Option<Announcer<Outcome<S>>>,
}

impl<S: Source> End<S> {
    fn answered(mut self, answer: S::Answer) {
        let outcome = self.read(answer).inspect_err(|error| self.failed(Some(error)));
        if let Some(announcer) = self.announcer.take() {
            announcer.announce(outcome);
        }
    }

    fn read(&self, answer: S::Answer) -> Outcome<S> {
        let now = self.source.clock().now();
        let refreshing = self.source.refreshing();
        let mut state = refreshing.state();
        let late = state.schedule.is_late(self.generation);
        let value = self.source.read(answer, late, now)?;
        state.forget(self.generation);
        state.schedule.succeeded(self.generation);
        let fetched = Arc::new(Held { value, generation: self.generation });
        if late {
            return Ok(refreshing.held.load_full().unwrap_or(fetched));
        }
        state.error = None;
        refreshing.held.store(Some(Arc::clone(&fetched)));
        Ok(fetched)
    }

    fn failed(&self, error: Option<&S::Error>) {
        Refreshing::failed(&self.source, self.generation, self.window, error);
    }
}

impl<S: Source> Drop for End<S> {
    /// The fetch was dropped before it ended.
    fn drop(&mut self) {
        let Some(announcer) = self.announcer.take() else { return };
        if S::PANIC_IS_FAILURE && std::thread::panicking() {
            let error = S::lost();
            self.failed(Some(&error));
            announcer.announce(Err(error));
        } else {
            self.failed(None);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    /// The cached value is used.
    Serve,
    /// The cached value is used, and a fetch starts in the background.
    ServeAndRefresh,
    /// A fetch is in flight; the caller waits for its outcome.
    Wait,
    /// A fetch starts; the caller waits for its outcome.
    RefreshAndWait,
    /// There is nothing to use, and the server is left alone.
    Refuse,
}

/// The fetches so far. Distances in time count in both directions, so that a clock that is set back
/// keeps no caller waiting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Schedule {
    /// The number of the last fetch.
    generation: u64,
    /// The number of the last that brought a value.
    succeeded: u64,
    /// When the last fetch started.
    began: Option<OffsetDateTime>,
    in_flight: bool,
    /// How many failed since the last success.
    failures: u32,
    /// After the last failure.
    pause: Option<(OffsetDateTime, Pause)>,
}

impl Schedule {
    /// What to do for a caller. A fetch that is silent for `limit` is lost. Without a value, no
    /// fetch starts before `apart` after the last.
    fn decide(&self, phase: Phase, limit: Duration, apart: Duration, now: OffsetDateTime) -> Decision {
        let began_within = |limit| self.began.is_some_and(|began| distance(now, began) < limit);
        let in_flight = self.in_flight && began_within(limit);
        let pauses = |of: fn(&Pause) -> Duration| {
            self.pause.as_ref().is_some_and(|(since, pause)| distance(now, *since) < of(pause))
        };
        match phase {
            Phase::Fresh => Decision::Serve,
            Phase::Ageing if in_flight || pauses(|pause| pause.serving) => Decision::Serve,
            Phase::Ageing => Decision::ServeAndRefresh,
            Phase::Over if in_flight => Decision::Wait,
            Phase::Over if pauses(|pause| pause.waiting) || began_within(apart) => Decision::Refuse,
            Phase::Over => Decision::RefreshAndWait,
        }
    }

    /// A fetch starts; returns its number.
    fn begin(&mut self, now: OffsetDateTime) -> u64 {
        self.generation += 1;
        (self.began, self.in_flight) = (Some(now), true);
        self.generation
    }

    /// Whether a fetch that started later has brought a value.
    fn is_late(&self, generation: u64) -> bool {
        generation < self.succeeded
    }

    fn succeeded(&mut self, generation: u64) {
        self.end(generation);
        if !self.is_late(generation) {
            (self.succeeded, self.failures, self.pause) = (generation, 0, None);
        }
    }

    /// A fetch failed `now`; without a time it was lost, and failed when it started. Returns the
    /// pause, unless it was not the last fetch, or was lost before: one that was given up says
    /// nothing any more.
    fn failed(
        &mut self,
        generation: u64,
        now: Option<OffsetDateTime>,
        pause: impl FnOnce(u32) -> Pause,
    ) -> Option<Pause> {
        let since = now.or(self.began.filter(|_| self.in_flight));
        let since = since.filter(|_| self.end(generation))?;
        self.failures = self.failures.saturating_add(1);
        let pause = pause(self.failures);
        self.pause = Some((since, pause));
        Some(pause)
    }

    /// Whether it is the last one that ends.
    fn end(&mut self, generation: u64) -> bool {
        let is_last = generation == self.generation;
        self.in_flight &= !is_last;
        is_last
    }
}

pub(crate) fn distance(a: OffsetDateTime, b: OffsetDateTime) -> Duration {
    (a - b).unsigned_abs()
}

#[cfg(test)]
mod tests;
