//! One entry: a token that is kept fresh, and the grant that the next one is obtained by.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::CacheSettings;
use super::grant::{Answer, Grant, Urgency};
use super::lifetime::Lifetime;
use super::pauses::Pauses;
use crate::client::fresh::random;
use crate::client::{Error, ErrorKind, TokenClient, log};
use crate::keys::BoxFuture;
use crate::oauth::{AccessToken, TokenRequest, TokenResponse};
use crate::transport::Clock;
use crate::transport::refreshing::{Failure, Pause, Phase, Refreshing, Source, distance};

pub(in crate::client) struct Entry {
    settings: CacheSettings,
    /// In seconds, so that it is written once a second, however often the entry is used.
    last_used: AtomicI64,
    token: Refreshing<Requests>,
    state: Mutex<State>,
}

struct Cached {
    token: AccessToken,
    lifetime: Lifetime,
}

struct State {
    grant: Grant,
    pauses: Pauses,
    invalidated: Option<OffsetDateTime>,
}

impl Entry {
    /// The least time between two tokens that are dropped because a resource server rejected them.
    /// Otherwise a resource server that rejects every token would turn each call into a token
    /// request.
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
        Self::new(grant, Some(Cached::new(token, &settings, now)), settings, now)
    }

    fn new(grant: Grant, token: Option<Cached>, settings: CacheSettings, now: OffsetDateTime) -> Self {
        Self {
            settings,
            last_used: AtomicI64::new(now.unix_timestamp()),
            token: Refreshing::new(token),
            state: Mutex::new(State { grant, pauses: Pauses::default(), invalidated: None }),
        }
    }

    /// The cached token, if it is fresh.
    pub(in crate::client) fn fresh(&self, now: OffsetDateTime) -> Option<AccessToken> {
        let second = now.unix_timestamp();
        if self.last_used.load(Ordering::Relaxed) != second {
            self.last_used.store(second, Ordering::Relaxed);
        }
        let held = self.token.held();
        let Cached { token, lifetime } = held.as_deref()?;
        (lifetime.phase(now) == Phase::Fresh).then(|| token.clone())
    }

    pub(super) fn last_used(&self) -> i64 {
        self.last_used.load(Ordering::Relaxed)
    }

    /// The cached token, or the next one.
    pub(in crate::client) async fn token(
        self: &Arc<Self>,
        client: &TokenClient,
    ) -> Result<AccessToken, Error> {
        let requests = Requests { entry: Arc::clone(self), client: client.clone() };
        Ok(Refreshing::get(&requests).await?.token.clone())
    }

    /// Drops the token if it is this one.
    pub(in crate::client) fn invalidate(&self, token: &AccessToken, now: OffsetDateTime) -> bool {
        let dropped = self.token.drop_if(|held| {
            let mut state = self.state();
            let may = |before| distance(now, before) >= Self::BETWEEN_INVALIDATIONS;
            let drops = held.token.is_same_as(token) && state.invalidated.is_none_or(may);
            if drops {
                state.invalidated = Some(now);
            }
            drops
        });
        if dropped {
            log::invalidated();
        }
        dropped
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

impl Cached {
    fn new(token: AccessToken, settings: &CacheSettings, now: OffsetDateTime) -> Self {
        // Without a random number, use the smallest: the token is renewed as early as it may be.
        let lifetime = Lifetime::of(settings, now, token.expires_at(), random().unwrap_or_default());
        Self { token, lifetime }
    }
}

/// The requests for the tokens of an entry.
#[derive(Clone)]
struct Requests {
    entry: Arc<Entry>,
    client: TokenClient,
}

impl Source for Requests {
    type Value = Cached;
    type Answer = Answer;
    type Error = Error;

    fn refreshing(&self) -> &Refreshing<Self> {
        &self.entry.token
    }

    fn clock(&self) -> &dyn Clock {
        self.client.clock()
    }

    /// A request ends by its deadline, and a renewal makes two requests at most.
    fn limit(&self) -> Duration {
        self.client.settings().deadline.saturating_mul(2).saturating_add(Duration::from_secs(10))
    }

    fn phase(&self, cached: &Cached, now: OffsetDateTime) -> Phase {
        cached.lifetime.phase(now)
    }

    fn window(&self, cached: &Cached) -> Duration {
        cached.lifetime.window()
    }

    fn fetch(
        &self,
        held: Option<Arc<Cached>>,
        awaited: bool,
        now: OffsetDateTime,
    ) -> Result<BoxFuture<'static, Answer>, Error> {
        let steps = self.entry.state().grant.steps()?;
        let urgency = match held.filter(|_| !awaited) {
            Some(held) => Urgency::Beside(held.lifetime.left(now)),
            None => Urgency::Awaited,
        };
        let client = self.client.clone();
        Ok(Box::pin(async move { steps.carry_out(&client, urgency).await }))
    }

    fn read(&self, answer: Answer, late: bool, now: OffsetDateTime) -> Result<Cached, Error> {
        let mut state = self.entry.state();
        let token = state.grant.answered(answer, late)?;
        if !late {
            state.pauses = Pauses::default();
        }
        Ok(Cached::new(token, &self.entry.settings, now))
    }

    fn pause(&self, failure: &Failure<'_, Error>) -> Pause {
        let mut state = self.entry.state();
        let is_of_client_alone = state.grant.is_of_client_alone();
        state.pauses.after(failure, is_of_client_alone, random().unwrap_or(u64::MAX))
    }

    fn lost() -> Error {
        ErrorKind::Interrupted.into()
    }

    fn log(&self, error: &Error, pause: Duration) {
        log::not_renewed(error, pause);
    }
}

#[cfg(test)]
mod tests {
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
        let window = || Cached::new(token.clone(), &CacheSettings::default(), now).lifetime.window();
        let windows: std::collections::HashSet<_> = (0..20).map(|_| window()).collect();
        assert!(windows.len() > 10, "{windows:?}");
    }

    #[tokio::test]
    async fn a_token_that_is_dropped_is_kept_nowhere() {
        let server = AuthorizationServer::from_token_endpoint("https://as.example/token").unwrap();
        let key = PrivateKey::from_file("testdata/keys/p256.pkcs8.pem").unwrap();
        let client = TokenClient::builder(server, "client", key).http(Server).build().unwrap();
        let now = client.clock().now();
        let entry = Arc::new(Entry::of(().into(), CacheSettings::default(), now));
        let token = entry.token(&client).await.unwrap();
        assert!(!token.is_alone());
        {
            // A fresh token can be read while a request begins or ends.
            let _begins = entry.state();
            assert!(entry.fresh(client.clock().now()).is_some());
        }
        assert!(entry.invalidate(&token, now));
        assert!(token.is_alone());
    }
}
