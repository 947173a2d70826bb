//! One value kept fresh, with at most one fetch in flight.
//!
//! What a caller gets depends on the [phase](Phase) of the cached value:
//!
//! - *Fresh*: the value, without a lock.
//! - *Ageing*: the value. The first such caller starts a fetch in the background.
//! - *Over*, or no value: the outcome of the fetch in flight, which the first such caller starts.
//!   After a failure, no fetch starts for a pause, and callers get the last error at once.
//!
//! A fetch runs in its own task, so its callers may go away. If it panics or loses its runtime, its
//! waiters start another, once. Outside of a runtime, a call fails unless a value serves.
//!
//! A [`Source`] is the policy. [`State::decide`] is a function of the state and the time.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwapOption, Guard};
use futures_util::future::Either;
use time::OffsetDateTime;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::{Clock, Deadline};
use crate::keys::BoxFuture;

/// Where a value comes from, and the policy for it. A clone shares its [`Refreshing`].
pub(crate) trait Source: Clone + Send + Sync + 'static {
    type Value: Send + Sync + 'static;
    /// What a fetch brings.
    type Answer: Send + 'static;
    type Error: Clone + Send + Sync + 'static;

    fn refreshing(&self) -> &Refreshing<Self>;

    /// A fetch that takes this long is lost. Fetches for a newer value start this far apart.
    fn limit(&self) -> Duration;

    fn phase(&self, value: &Self::Value, now: OffsetDateTime) -> Phase;

    /// How long a value serves while it is ageing, if a [pause](Source::pause) depends on it.
    fn window(&self, _: &Self::Value) -> Duration {
        Duration::ZERO
    }

    /// Prepares a fetch, if there is something to fetch with. `held` is cached, and may be over.
    fn fetch(
        &self,
        held: Option<Arc<Self::Value>>,
        now: OffsetDateTime,
    ) -> Result<BoxFuture<'static, Self::Answer>, Self::Error>;

    /// Reads an answer, under the lock. A `late` one is older than the cached value.
    fn read(&self, answer: Self::Answer, late: bool, now: OffsetDateTime)
    -> Result<Self::Value, Self::Error>;

    /// How long no fetch starts after this failure.
    fn pause(&self, failure: &Failure<'_, Self::Error>) -> Pause;

    /// The error for callers whose fetch was lost.
    fn lost() -> Self::Error;

    /// A call of [`Refreshing::get`] or [`Refreshing::newer`] did not find a fresh value, and this
    /// was decided. Called without the lock, once for each call.
    fn decided(&self, _: Decision) {}

    /// A fetch failed, and no other starts for this pause. `serves`: whether there was a usable
    /// value when it started. Called without the lock.
    fn failed(&self, error: &Self::Error, pause: Duration, serves: bool);
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

/// A failed fetch.
pub(crate) struct Failure<'a, E> {
    /// `None` for a lost fetch, which says nothing about the server.
    pub(crate) error: Option<&'a E>,
    /// How many failed in a row, this one included.
    pub(crate) failures: u32,
    /// The [window](Source::window) of the value that served when the fetch started, if any.
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

/// The value, and the fetch in flight for the next one.
pub(crate) struct Refreshing<S: Source> {
    held: ArcSwapOption<S::Value>,
    clock: Arc<dyn Clock>,
    /// Locked for moments only, and not by readers of a fresh value.
    state: Mutex<State<S>>,
}

/// The fetches so far. A clock that is set back keeps no caller waiting: see [`distance`].
struct State<S: Source> {
    /// The number of the last fetch.
    generation: u64,
    /// The number of the last that brought a value.
    succeeded: u64,
    /// When the last fetch started.
    began: Option<OffsetDateTime>,
    /// The last fetch, until it ends.
    flight: Option<Flight<S>>,
    /// How many failed since the last success.
    failures: u32,
    /// After the last failure.
    pause: Option<(OffsetDateTime, Pause)>,
    /// Of the last fetch, if it failed.
    error: Option<S::Error>,
}

type Outcome<S> = Result<Arc<<S as Source>::Value>, <S as Source>::Error>;
type Turn<S> = Either<Arc<<S as Source>::Value>, (Decision, Flight<S>)>;
type Announcer<S> = watch::Sender<Option<Outcome<S>>>;

/// A fetch in flight.
#[derive(Clone)]
struct Flight<S: Source> {
    generation: u64,
    /// As in [`Failure`].
    window: Option<Duration>,
    /// Closed without an outcome if the fetch is lost.
    outcome: watch::Receiver<Option<Outcome<S>>>,
}

/// What happens to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The cached value is used.
    Serve,
    /// A fetch starts, in the background if the cached value serves.
    Fetch,
    /// The caller waits for the fetch in flight.
    Wait,
    /// There is nothing to use, and the server is left alone.
    Refuse,
}

/// A fetch that ends at its limit announces its outcome within this time.
const GRACE: Duration = Duration::from_secs(1);

impl<S: Source> Refreshing<S> {
    pub(crate) fn new(value: Option<S::Value>, clock: Arc<dyn Clock>) -> Self {
        Self { held: ArcSwapOption::from_pointee(value), clock, state: Mutex::new(State::new()) }
    }

    /// The cached value, fresh or not. Takes no lock and does not allocate.
    pub(crate) fn held(&self) -> Guard<Option<Arc<S::Value>>> {
        self.held.load()
    }

    /// The error of the last fetch, if it failed.
    pub(crate) fn error(&self) -> Option<S::Error> {
        self.state().error.clone()
    }

    /// Drops the cached value if the condition holds for it.
    pub(crate) fn drop_if(&self, condition: impl FnOnce(&S::Value) -> bool) -> bool {
        let _state = self.state();
        let drops = self.held.load().as_ref().is_some_and(|held| condition(held));
        if drops {
            self.held.store(None);
        }
        drops
    }

    /// The cached value, or the next one.
    pub(crate) async fn get(source: &S) -> Outcome<S> {
        let this = source.refreshing();
        let (held, now) = (this.held.load_full(), this.clock.now());
        match held.filter(|held| source.phase(held, now) == Phase::Fresh) {
            Some(held) => Ok(held),
            None => Self::next(source, None).await.map_err(|error| error.unwrap_or_else(S::lost)),
        }
    }

    /// A newer value than this one. The error is `None` when it is only too early to fetch one.
    pub(crate) async fn newer(source: &S, than: &Arc<S::Value>) -> Result<Arc<S::Value>, Option<S::Error>> {
        Self::next(source, Some(than)).await
    }

    async fn next(source: &S, tried: Option<&Arc<S::Value>>) -> Result<Arc<S::Value>, Option<S::Error>> {
        let (mut lost, mut is_told) = (0, false);
        while lost < 2 {
            let turn = Self::turn(source, tried);
            if !std::mem::replace(&mut is_told, true) {
                source.decided(match &turn {
                    Ok(Either::Left(_)) => Decision::Serve,
                    Ok(Either::Right((decision, _))) => *decision,
                    Err(_) => Decision::Refuse,
                });
            }
            let flight = match turn? {
                Either::Left(held) => return Ok(held),
                Either::Right((_, flight)) => flight,
            };
            let mut outcome = flight.outcome.clone();
            let outcome = pin!(async move { outcome.wait_for(Option::is_some).await.ok()?.clone() });
            let limit = Deadline::after(source.limit().saturating_add(GRACE));
            match limit.bound(outcome).await.flatten() {
                // It refreshed a value that still served. Callers without one start another.
                Some(Err(_)) if flight.window.is_some() => {}
                Some(outcome) => return outcome.map_err(Some),
                None => {
                    source.refreshing().state().failed(source, &flight, None);
                    lost += 1;
                }
            }
        }
        Err(Some(S::lost()))
    }

    /// The value to use, or the fetch to wait for, which starts if it is due.
    fn turn(source: &S, tried: Option<&Arc<S::Value>>) -> Result<Turn<S>, Option<S::Error>> {
        let runtime = Handle::try_current().map_err(|_| S::lost());
        let this = source.refreshing();
        let mut state = this.state();
        if let Some(flight) = state.flight.clone()
            && flight.outcome.has_changed().is_err()
        {
            state.failed(source, &flight, None);
        }
        // Read before the time: a value stored in between would seem to come from the future.
        let (held, now) = (this.held.load_full(), this.clock.now());
        let needs_newer =
            tried.is_some_and(|tried| held.as_ref().is_none_or(|held| Arc::ptr_eq(held, tried)));
        let phase = match &held {
            Some(held) if !needs_newer => source.phase(held, now),
            _ => Phase::Over,
        };
        let serving = held.clone().filter(|_| phase != Phase::Over);
        let decision = state.decide(phase, needs_newer, source.limit(), now);
        match (decision, &serving, &state.flight) {
            (Decision::Serve, Some(held), _) => return Ok(Either::Left(Arc::clone(held))),
            (Decision::Wait, _, Some(flight)) => {
                return runtime.map(|_| Either::Right((decision, flight.clone()))).map_err(Some);
            }
            (Decision::Refuse, ..) => return Err(state.error.clone()),
            _ => {}
        }
        let (runtime, fetch) = match runtime.and_then(|runtime| Ok((runtime, source.fetch(held, now)?))) {
            Ok(fetch) => fetch,
            Err(error) => return serving.map(Either::Left).ok_or(Some(error)),
        };
        let window = serving.as_ref().map(|held| source.window(held));
        let (announcer, flight) = state.begin(window, now);
        drop(state);
        let (source, own) = (source.clone(), flight.clone());
        let work = async move { announcer.send_replace(Some(Self::ended(&source, &own, fetch.await))) };
        // Not under the lock: a runtime that is shutting down drops the task at once.
        runtime.spawn(work);
        Ok(serving.map_or(Either::Right((decision, flight)), Either::Left))
    }

    /// The outcome of a fetch that has a response.
    fn ended(source: &S, flight: &Flight<S>, answer: S::Answer) -> Outcome<S> {
        let this = source.refreshing();
        let now = this.clock.now();
        let mut state = this.state();
        let late = state.is_late(flight.generation);
        match source.read(answer, late, now).map(Arc::new) {
            Ok(value) => {
                state.succeeded(flight.generation);
                if late {
                    return Ok(this.held.load_full().unwrap_or(value));
                }
                this.held.store(Some(Arc::clone(&value)));
                Ok(value)
            }
            Err(error) => {
                let pause = state.failed(source, flight, Some((&error, now)));
                // Release the lock: subscribers and observers are foreign code and may ask for this
                // value.
                drop(state);
                if let Some(Pause { serving, waiting }) = pause {
                    let serves = flight.window.is_some();
                    source.failed(&error, if serves { serving } else { waiting }, serves);
                }
                Err(error)
            }
        }
    }

    /// A panic elsewhere does not spoil it: no step leaves it half-changed.
    fn state(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Source> State<S> {
    const fn new() -> Self {
        let (generation, succeeded, failures) = (0, 0, 0);
        Self { generation, succeeded, began: None, flight: None, failures, pause: None, error: None }
    }

    /// What to do for a caller who needs a value, or a newer one: see [`Source::limit`].
    fn decide(&self, phase: Phase, needs_newer: bool, limit: Duration, now: OffsetDateTime) -> Decision {
        let began_lately = self.began.is_some_and(|began| distance(now, began) < limit);
        let in_flight = self.flight.is_some() && began_lately;
        let pauses = |of: fn(&Pause) -> Duration| {
            self.pause.as_ref().is_some_and(|(since, pause)| distance(now, *since) < of(pause))
        };
        match phase {
            Phase::Fresh => Decision::Serve,
            Phase::Ageing if in_flight || pauses(|pause| pause.serving) => Decision::Serve,
            Phase::Over if in_flight => Decision::Wait,
            Phase::Over if pauses(|pause| pause.waiting) || needs_newer && began_lately => Decision::Refuse,
            Phase::Ageing | Phase::Over => Decision::Fetch,
        }
    }

    fn begin(&mut self, window: Option<Duration>, now: OffsetDateTime) -> (Announcer<S>, Flight<S>) {
        let (announcer, outcome) = watch::channel(None);
        self.generation += 1;
        let flight = Flight { generation: self.generation, window, outcome };
        (self.began, self.flight) = (Some(now), Some(flight.clone()));
        (announcer, flight)
    }

    /// Whether a fetch that started later has brought a value.
    fn is_late(&self, generation: u64) -> bool {
        generation < self.succeeded
    }

    fn succeeded(&mut self, generation: u64) {
        self.flight.take_if(|flight| flight.generation == generation);
        if !self.is_late(generation) {
            (self.succeeded, self.failures, self.pause, self.error) = (generation, 0, None, None);
        }
    }

    /// A fetch failed `now`; without an error it was lost, and failed when it started. Returns the
    /// pause, unless a later fetch has started, or this one was lost before.
    fn failed(
        &mut self,
        source: &S,
        flight: &Flight<S>,
        error: Option<(&S::Error, OffsetDateTime)>,
    ) -> Option<Pause> {
        let (error, now) = error.unzip();
        let since = now.or(self.began.filter(|_| self.flight.is_some()))?;
        if flight.generation != self.generation {
            return None;
        }
        self.flight = None;
        self.failures = self.failures.saturating_add(1);
        let pause = source.pause(&Failure { error, failures: self.failures, window: flight.window });
        self.pause = Some((since, pause));
        self.error = error.cloned().or(self.error.take());
        Some(pause)
    }
}

/// In either direction.
pub(crate) fn distance(a: OffsetDateTime, b: OffsetDateTime) -> Duration {
    (a - b).unsigned_abs()
}

#[cfg(test)]
mod tests;
