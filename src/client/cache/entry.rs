//! One entry: the token that is held, and the one request that is on its way for another.
//!
//! A request runs in a task of its own, so that any of its callers may go away. What it comes to is announced to all who
//! wait. A request that ends without a word, because it panicked or its runtime went away, leaves the entry as it was: who
//! waited tries once more.

use std::pin::pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::CacheSettings;
use super::grant::{Answer, Grant, Urgency};
use super::lifetime::{Lifetime, Phase};
use super::schedule::{self, Decision, Schedule};
use crate::client::fresh::random;
use crate::client::{Error, TokenClient, log};
use crate::oauth::{AccessToken, TokenRequest, TokenResponse};
use crate::transport::Deadline;
use crate::transport::task::{self, Announcement, Announcer};

pub(in crate::client) struct Entry {
    settings: CacheSettings,
    /// In seconds: it is written once in a second, however often the entry is used.
    last_used: AtomicI64,
    held: ArcSwapOption<Held>,
    /// Held for moments only, and not by who finds a fresh token.
    state: Mutex<State>,
}

struct Held {
    token: AccessToken,
    lifetime: Lifetime,
}

struct State {
    grant: Grant,
    schedule: Schedule,
    flight: Option<Flight>,
    /// Of the last request, when that failed.
    error: Option<Error>,
    invalidated: Option<OffsetDateTime>,
}

/// A request on its way.
#[derive(Clone)]
struct Flight {
    generation: u64,
    /// Whether no token served when it began.
    is_awaited: bool,
    outcome: Announcement<Outcome>,
}

type Outcome = Result<AccessToken, Error>;

/// What a caller does.
struct Turn<W> {
    /// What it gets in any case.
    token: Option<AccessToken>,
    /// What it waits for otherwise.
    flight: Option<Flight>,
    /// A request that begins.
    work: Option<W>,
}

impl Entry {
    /// Between two tokens that are dropped because a resource server refused them. One that refuses every token would
    /// make a token request of each call otherwise.
    pub(in crate::client) const BETWEEN_INVALIDATIONS: Duration = Duration::from_secs(10);

    pub(super) fn of(request: TokenRequest, settings: CacheSettings, now: OffsetDateTime) -> Self {
        Self::new(Grant::of(request), None, settings, now)
    }

    pub(super) fn from_response(
        response: TokenResponse,
        settings: CacheSettings,
        now: OffsetDateTime,
    ) -> Self {
        let (grant, token) = Grant::from_response(response);
        Self::new(grant, Some(Held::new(token, &settings, now)), settings, now)
    }

    fn new(grant: Grant, held: Option<Held>, settings: CacheSettings, now: OffsetDateTime) -> Self {
        let schedule = Schedule::default();
        Self {
            settings,
            last_used: AtomicI64::new(now.unix_timestamp()),
            held: ArcSwapOption::from_pointee(held),
            state: Mutex::new(State { grant, schedule, flight: None, error: None, invalidated: None }),
        }
    }

    /// The token that is held, if nothing is to be done about it.
    pub(in crate::client) fn fresh(&self, now: OffsetDateTime) -> Option<AccessToken> {
        let second = now.unix_timestamp();
        if self.last_used.load(Ordering::Relaxed) != second {
            self.last_used.store(second, Ordering::Relaxed);
        }
        let held = self.held.load();
        let held = held.as_ref()?;
        (held.lifetime.phase(now) == Phase::Fresh).then(|| held.token.clone())
    }

    pub(super) fn last_used(&self) -> i64 {
        self.last_used.load(Ordering::Relaxed)
    }

    /// The token that is held, or the next one.
    pub(in crate::client) async fn token(self: &Arc<Self>, client: &TokenClient) -> Outcome {
        let mut lost = 0;
        while lost < 2 {
            let Turn { token, flight, work } = self.turn(client)?;
            // Not under the lock: a runtime that is being shut down drops it there and then.
            if let Some(work) = work.and_then(task::detach) {
                work.await;
            }
            if let Some(token) = token {
                return Ok(token);
            }
            if let Some(flight) = flight {
                let is_awaited = flight.is_awaited;
                match self.outcome(flight, limit(client)).await {
                    // It was not made for those who have no token: the next one tries harder.
                    Some(Err(_)) if !is_awaited => {}
                    Some(outcome) => return outcome,
                    None => lost += 1,
                }
            }
        }
        Err(Error::Interrupted)
    }

    /// Decides what a caller does, and begins a request where it has to.
    fn turn(
        self: &Arc<Self>,
        client: &TokenClient,
    ) -> Result<Turn<impl Future<Output = ()> + Send + use<>>, Error> {
        let mut state = self.state();
        // In this order: a token that came after the time was read would seem to come from the future.
        let held = self.held.load_full();
        let now = client.clock().now();
        let phase = held.as_ref().map_or(Phase::Over, |held| held.lifetime.phase(now));
        let decision = state.schedule.decide(phase, limit(client), now);
        let held = held.filter(|_| phase != Phase::Over);
        let (token, lifetime) =
            (held.as_ref().map(|held| held.token.clone()), held.map(|held| held.lifetime));
        match (decision, &state.error, &state.flight) {
            (Decision::Serve, ..) => return Ok(Turn { token, flight: None, work: None }),
            (Decision::Refuse, Some(error), _) => return Err(error.clone()),
            (Decision::Wait, _, Some(flight)) => {
                return Ok(Turn { token, flight: Some(flight.clone()), work: None });
            }
            _ => {}
        }
        let steps = match state.grant.steps() {
            Ok(steps) => steps,
            // Nothing more will come, but this one serves.
            Err(_) if token.is_some() => return Ok(Turn { token, flight: None, work: None }),
            Err(error) => return Err(error),
        };
        let (announcer, outcome) = task::announcement();
        let generation = state.schedule.begin(now);
        let flight = Flight { generation, is_awaited: lifetime.is_none(), outcome };
        state.flight = Some(flight.clone());
        let window = lifetime.map(|lifetime| lifetime.window());
        let landing = Landing { entry: Arc::clone(self), generation, window, announcer: Some(announcer) };
        let urgency = lifetime.map_or(Urgency::Awaited, |lifetime| Urgency::Beside(lifetime.left(now)));
        let client = client.clone();
        let work = async move {
            let answer = steps.carry_out(&client, urgency).await;
            landing.land(answer, client.clock().now());
        };
        Ok(Turn { token, flight: Some(flight), work: Some(work) })
    }

    /// What a request comes to; `None` when it ends without a word, or is not heard of for too long.
    async fn outcome(&self, flight: Flight, limit: Duration) -> Option<Outcome> {
        let outcome = Deadline::after(limit).bound(pin!(flight.outcome.wait())).await;
        if outcome.is_none() {
            self.lost(flight.generation, None);
        }
        outcome.flatten()
    }

    /// `window` as for [`Schedule::failed`].
    fn landed(
        &self,
        generation: u64,
        answer: Answer,
        window: Option<Duration>,
        now: OffsetDateTime,
    ) -> Outcome {
        let mut state = self.state();
        state.forget(generation);
        if answer.is_token() && !state.schedule.succeeded(generation) {
            return answer.into_token();
        }
        let outcome = state.grant.answered(answer);
        match &outcome {
            Ok(token) => {
                self.held.store(Some(Arc::new(Held::new(token.clone(), &self.settings, now))));
                state.error = None;
            }
            Err(error) => {
                let random = random().unwrap_or(u64::MAX);
                let alone = state.grant.is_of_client_alone();
                let pause = state.schedule.failed(generation, error, alone, window, now, random);
                if let Some(pause) = pause {
                    state.error = Some(error.clone());
                    // A subscriber is not ours: it may ask this entry.
                    drop(state);
                    if window.is_some() {
                        log::not_renewed(error, pause);
                    }
                }
            }
        }
        outcome
    }

    /// `window` as for [`Schedule::failed`].
    fn lost(&self, generation: u64, window: Option<Duration>) {
        let mut state = self.state();
        state.forget(generation);
        state.schedule.lost(generation, window.unwrap_or_default());
    }

    /// Drops the token if it is this one.
    pub(in crate::client) fn invalidate(&self, token: &AccessToken, now: OffsetDateTime) -> bool {
        let mut state = self.state();
        let is_current = self.held.load().as_ref().is_some_and(|held| held.token.is_same_as(token));
        let may = state
            .invalidated
            .is_none_or(|before| schedule::distance(now, before) >= Self::BETWEEN_INVALIDATIONS);
        if !is_current || !may {
            return false;
        }
        state.invalidated = Some(now);
        self.held.store(None);
        drop(state);
        log::invalidated();
        true
    }

    pub(in crate::client) fn has_ended(&self) -> bool {
        self.state().grant.has_ended()
    }

    pub(in crate::client) fn refresh_token(&self) -> Option<Zeroizing<String>> {
        self.state().grant.refresh_token()
    }

    /// A panic elsewhere does not spoil it: no step leaves it half-changed.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A request is on its way no longer. Whoever waits for it has a share of its outcome; here the token in it would be
    /// kept for longer than it serves.
    fn forget(&mut self, generation: u64) {
        self.flight.take_if(|flight| flight.generation == generation);
    }
}

impl Held {
    fn new(token: AccessToken, settings: &CacheSettings, now: OffsetDateTime) -> Self {
        // No number is as good as the smallest: it is renewed as early as it may be.
        let lifetime = Lifetime::of(settings, now, token.expires_at(), random().unwrap_or_default());
        Self { token, lifetime }
    }
}

/// The end of a request, however it ends.
struct Landing {
    entry: Arc<Entry>,
    generation: u64,
    window: Option<Duration>,
    announcer: Option<Announcer<Outcome>>,
}

impl Landing {
    fn land(mut self, answer: Answer, now: OffsetDateTime) {
        let outcome = self.entry.landed(self.generation, answer, self.window, now);
        if let Some(announcer) = self.announcer.take() {
            announcer.announce(outcome);
        }
    }
}

impl Drop for Landing {
    /// Before a word was said.
    fn drop(&mut self) {
        if self.announcer.is_some() {
            self.entry.lost(self.generation, self.window);
        }
    }
}

/// After this time a request has gone with its runtime: one that still runs has ended by its deadline. There are two to a
/// renewal at most.
fn limit(client: &TokenClient) -> Duration {
    client.settings().deadline.saturating_mul(2).saturating_add(Duration::from_secs(10))
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::keys::{BoxFuture, PrivateKey};
    use crate::oauth::AuthorizationServer;
    use crate::transport::{HttpClient, TransportError};

    struct Server;

    impl HttpClient for Server {
        fn send(
            &self,
            _: http::Request<Vec<u8>>,
        ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>> {
            let body = br#"{"access_token":"t","token_type":"Bearer","expires_in":300}"#.to_vec();
            Box::pin(std::future::ready(Ok(http::Response::new(body))))
        }
    }

    #[test]
    fn tokens_that_came_together_are_renewed_apart() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let body = br#"{"access_token":"t","token_type":"Bearer","expires_in":300}"#.to_vec();
        let token = TokenResponse::from_http(http::Response::new(body), now).unwrap().into_access_token();
        let window = || Held::new(token.clone(), &CacheSettings::default(), now).lifetime.window();
        let windows: std::collections::HashSet<_> = (0..20).map(|_| window()).collect();
        assert!(windows.len() > 10, "{windows:?}");
    }

    #[test]
    fn a_token_that_is_dropped_is_kept_nowhere() {
        let server = AuthorizationServer::from_token_endpoint("https://as.example/token").unwrap();
        let key = PrivateKey::from_file("testdata/keys/p256.pkcs8.pem").unwrap();
        let client = TokenClient::builder(server, "client", key).http(Server).build().unwrap();
        let now = client.clock().now();
        let entry = Arc::new(Entry::of(().into(), CacheSettings::default(), now));
        let Poll::Ready(Ok(token)) = pin!(entry.token(&client)).poll(&mut Context::from_waker(Waker::noop()))
        else {
            panic!("no token");
        };
        assert!(!token.is_alone());
        {
            // What is fresh is read while a request begins or ends.
            let _begins = entry.state();
            assert!(entry.fresh(client.clock().now()).is_some());
        }
        assert!(entry.invalidate(&token, now));
        assert!(token.is_alone());
    }
}
