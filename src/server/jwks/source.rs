//! The set that is held, and the one fetch that may be going on for a newer one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use arc_swap::ArcSwapOption;
use time::OffsetDateTime;

use super::document::{Asked, Document, request};
use super::freshness::Bounds;
use super::schedule::{Attempts, Decision, Need, Phase, Rules};
use super::{JwksFetchError, RemoteJwksError};
use crate::oauth::safe_url;
use crate::transport::task::{self, Announcement, Announcer};
use crate::transport::{Clock, HttpClient, TransportError};

/// Where a set comes from, and what is to be kept to.
pub(super) struct Source {
    pub(super) url: String,
    pub(super) target: http::Uri,
    pub(super) http: Arc<dyn HttpClient>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) rules: Rules,
    pub(super) bounds: Bounds,
}

/// A source and what was had from it.
pub(super) struct Shared {
    pub(super) source: Source,
    /// Read with every token; never waited for.
    pub(super) held: ArcSwapOption<Document>,
    state: Mutex<State>,
}

/// Changed when a fetch begins and when one ends.
#[derive(Default)]
struct State {
    attempts: Attempts,
    outcome: Option<Announcement<Outcome>>,
    last_failure: Option<Arc<JwksFetchError>>,
}

/// What all who wait for one fetch get.
type Outcome = Result<Arc<Document>, Arc<JwksFetchError>>;

/// Why there is no set, or none that is newer.
pub(super) enum NoKeys {
    /// It is too early to ask again, and the last time nothing was wrong.
    CoolingDown,
    Failed(Arc<JwksFetchError>),
}

impl Shared {
    pub(super) fn new(source: Source) -> Self {
        Self { source, held: ArcSwapOption::empty(), state: Mutex::default() }
    }

    /// What is held, if it may be used. Where it ages, a fetch begins beside; nobody waits.
    pub(super) fn ready(
        self: &Arc<Self>,
        now: OffsetDateTime,
    ) -> Option<arc_swap::Guard<Option<Arc<Document>>>> {
        let held = self.held.load();
        match held.as_ref()?.age.phase(&self.source.rules, now) {
            Phase::Fresh => Some(held),
            Phase::Ageing => {
                self.refresh(now);
                Some(held)
            }
            Phase::TooOld => None,
        }
    }

    /// Begins a fetch that nobody waits for, where one is due.
    fn refresh(self: &Arc<Self>, now: OffsetDateTime) {
        // Who finds the state taken is late: another one sees to it.
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        // Anew: it may have been replaced meanwhile.
        let age = self.held.load().as_ref().map(|held| held.age);
        if state.attempts.decide(&self.source.rules, age, Need::Keys, now) == Decision::ServeAndFetch {
            let fetch = self.begin(&mut state, now);
            drop(state);
            drop(task::detach(fetch.run()));
        }
    }

    /// The set to try a token with; or, when it was tried with the set of this generation, a newer one. Waits for at most one
    /// fetch that comes to an end.
    pub(super) async fn keys(self: &Arc<Self>, tried: Option<u64>) -> Result<Arc<Document>, NoKeys> {
        // A fetch is lost with the runtime that it was begun on; from another runtime it can be begun again.
        for _ in 0..2 {
            match self.ask(tried)? {
                Asking::Known(held) => return Ok(held),
                Asking::Waiting(announcement) => {
                    if let Some(outcome) = announcement.wait().await {
                        return outcome.map_err(NoKeys::Failed);
                    }
                }
            }
        }
        Err(NoKeys::Failed(Arc::new(JwksFetchError::Lost)))
    }

    fn ask(self: &Arc<Self>, tried: Option<u64>) -> Result<Asking, NoKeys> {
        let mut state = self.state();
        let now = self.source.clock.now();
        let held = self.held.load_full();
        let need = match (&held, tried) {
            (_, None) => Need::Keys,
            // Somebody else has fetched it meanwhile.
            (Some(held), Some(tried)) if held.generation > tried => Need::Keys,
            _ => Need::NewerKeys,
        };
        let age = held.as_ref().map(|held| held.age);
        let decision = state.attempts.decide(&self.source.rules, age, need, now);
        match (decision, held, &state.outcome) {
            (Decision::Serve | Decision::ServeAndFetch, Some(held), _) => Ok(Asking::Known(held)),
            (Decision::Wait, _, Some(outcome)) => Ok(Asking::Waiting(outcome.clone())),
            (Decision::Refuse, ..) => Err(match &state.last_failure {
                Some(failure) => NoKeys::Failed(Arc::clone(failure)),
                None => NoKeys::CoolingDown,
            }),
            _ => {
                let fetch = self.begin(&mut state, now);
                let outcome = state.outcome.clone();
                drop(state);
                drop(task::detach(fetch.run()));
                outcome.map(Asking::Waiting).ok_or(NoKeys::CoolingDown)
            }
        }
    }

    /// A fetch that is registered and not yet running: it must not be started under the lock, which its end takes.
    fn begin(self: &Arc<Self>, state: &mut State, now: OffsetDateTime) -> Fetch {
        let (announcer, announcement) = task::announcement();
        state.outcome = Some(announcement);
        Fetch {
            generation: state.attempts.begin(now),
            began: now,
            held: self.held.load_full(),
            announcer: Some(announcer),
            shared: Arc::clone(self),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the last fetch failed, unless it succeeded.
    pub(super) fn last_failure(&self) -> Option<Arc<JwksFetchError>> {
        self.state().last_failure.clone()
    }

    /// The error of a token for which there are no keys.
    pub(super) fn unavailable(&self, source: Arc<JwksFetchError>) -> RemoteJwksError {
        let Source { url, rules, clock, .. } = &self.source;
        let (url, limit, now) = (safe_url(url), rules.hard_limit, clock.now());
        match self.held.load().as_ref().map(|held| held.age) {
            Some(age) if age.phase(rules, now) == Phase::TooOld => {
                let age = (now - age.fetched).unsigned_abs();
                RemoteJwksError::TooOld { url, age, limit, source }
            }
            _ => RemoteJwksError::Unavailable { url, source },
        }
    }
}

enum Asking {
    Known(Arc<Document>),
    Waiting(Announcement<Outcome>),
}

/// One fetch. However it ends, also by being dropped, the next one may begin and whoever waits is told.
struct Fetch {
    shared: Arc<Shared>,
    generation: u64,
    began: OffsetDateTime,
    /// What was held when it began.
    held: Option<Arc<Document>>,
    announcer: Option<Announcer<Outcome>>,
}

impl Fetch {
    async fn run(self) {
        let Source { url, target, http, clock, rules, bounds } = &self.shared.source;
        let held = self.held.as_deref();
        let answer = http.send(request(target, held));
        let outcome = match task::within(&**clock, rules.longest_fetch(), answer).await {
            None => Err(TransportError::Timeout { host: super::host(url) }.into()),
            Some(Err(error)) => Err(error.into()),
            Some(Ok(answer)) => {
                let (began, generation) = (self.began, self.generation);
                Asked { url, held, began, generation, bounds }.read(answer, clock.now())
            }
        };
        self.end(outcome);
    }

    fn end(mut self, outcome: Result<Document, JwksFetchError>) {
        let Shared { source, held, .. } = &*self.shared;
        let mut state = self.shared.state();
        let outcome = match outcome {
            Ok(fetched) => {
                state.attempts.succeeded(self.generation);
                if !state.attempts.is_failing() {
                    state.last_failure = None;
                }
                let newer = held.load_full().filter(|held| held.generation > self.generation);
                // A slow old answer takes the place of nothing newer.
                Ok(newer.unwrap_or_else(|| {
                    let fetched = Arc::new(fetched);
                    held.store(Some(Arc::clone(&fetched)));
                    fetched
                }))
            }
            Err(error) => Err(state.fail(self.generation, source.clock.now(), error)),
        };
        drop(state);
        if let Some(announcer) = self.announcer.take() {
            announcer.announce(outcome);
        }
    }
}

impl State {
    fn fail(&mut self, generation: u64, now: OffsetDateTime, error: JwksFetchError) -> Arc<JwksFetchError> {
        let error = Arc::new(error);
        if self.attempts.failed(generation, now) {
            self.last_failure = Some(Arc::clone(&error));
        }
        error
    }
}

impl Drop for Fetch {
    /// Not ended: its runtime went away, or the HTTP client panicked. Only the latter would do so again.
    fn drop(&mut self) {
        let Some(announcer) = self.announcer.take() else { return };
        let mut state = self.shared.state();
        if std::thread::panicking() {
            let error = state.fail(self.generation, self.shared.source.clock.now(), JwksFetchError::Lost);
            drop(state);
            announcer.announce(Err(error));
        } else {
            state.attempts.lost(self.generation);
        }
    }
}
