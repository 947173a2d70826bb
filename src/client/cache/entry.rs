//! A token that is kept fresh, and how to obtain the next one.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::grant::{Answer, Grant};
use super::lifetime::Lifetime;
use super::pauses::pause_after;
use crate::client::error::{Error, ErrorKind};
use crate::client::fresh::random;
use crate::client::sender::Sender;
use crate::keys::BoxFuture;
use crate::oauth::{AccessToken, TokenRequest, TokenResponse};
use crate::observer::{Event, Lookup};
use crate::transport::refreshing::{Decision, Failure, Pause, Phase, Refreshing, Source, distance};

/// Keeps a token for one set of request parameters
/// [fresh](crate::client::TokenClientBuilder#the-cache), for code that needs a token before every
/// request that it sends. Cloning is cheap, and the clones share one token.
///
/// ```no_run
/// # async fn example(client: private_key_jwt::TokenClient) -> Result<(), private_key_jwt::Error> {
/// let tokens = client.source("api:read");
/// loop {
///     let token = tokens.token().await?;
///     # let _ = token.secret();
///     # break;
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TokenSource(pub(in crate::client) Origin);

#[derive(Clone)]
pub(in crate::client) enum Origin {
    Client(Arc<Entry>),
    Fixed(AccessToken),
}

impl TokenSource {
    /// Returns a source that always returns this bearer token, without a client and a request: for
    /// tests of code that takes a `TokenSource`. The token cannot be [dropped](Self::invalidate).
    #[must_use]
    pub fn fixed(token: impl Into<String>) -> Self {
        Self(Origin::Fixed(AccessToken::fixed(token.into())))
    }

    /// Returns the token. If the cached token is fresh, this takes no lock and allocates nothing.
    /// If the caller stops waiting, the request continues for the others.
    ///
    /// # Errors
    ///
    /// As [`TokenClient::request`](crate::TokenClient::request), if no cached token is left. An
    /// error of [kind](ErrorKind) `GrantEnded` if the user has to log in again; `SingleUse` for a
    /// single-use grant; `Interrupted` if the request was cut off.
    pub async fn token(&self) -> Result<AccessToken, Error> {
        let entry = match &self.0 {
            Origin::Client(entry) => entry,
            Origin::Fixed(token) => return Ok(token.clone()),
        };
        match entry.fresh() {
            Some(token) => Ok(token),
            None => Ok(Refreshing::get(entry).await?.token.clone()),
        }
    }

    /// Drops a token that a resource server rejected with 401, as
    /// [`TokenClient::invalidate`](crate::TokenClient::invalidate), but for this source.
    pub fn invalidate(&self, token: &AccessToken) -> bool {
        self.entry().is_some_and(|entry| entry.invalidate(token))
    }

    /// Whether the source cannot obtain another token: the server rejected the refresh token, or
    /// there is none. The cached token is returned until it expires; then the user must log in
    /// again.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.entry().is_some_and(|entry| entry.state().grant.has_ended())
    }

    /// Returns the refresh token, if the source uses one. Store it safely when the program ends,
    /// and use it with [`TokenClient::refresh_token`](crate::TokenClient::refresh_token) when the
    /// program starts again. Two programs must not use the same refresh token.
    #[must_use]
    pub fn refresh_token(&self) -> Option<Zeroizing<String>> {
        self.entry()?.state().grant.refresh_token.clone()
    }

    const fn entry(&self) -> Option<&Arc<Entry>> {
        match &self.0 {
            Origin::Client(entry) => Some(entry),
            Origin::Fixed(_) => None,
        }
    }
}

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let server = self.entry().and_then(|entry| entry.sender.metadata.held());
        f.debug_struct("TokenSource").field("server", &server).finish_non_exhaustive()
    }
}

pub(in crate::client) struct Entry {
    sender: Arc<Sender>,
    /// In seconds, so that it is written once a second, however often the entry is used.
    last_used: AtomicI64,
    token: Refreshing<Arc<Self>>,
    state: Mutex<State>,
}

pub(in crate::client) struct Cached {
    token: AccessToken,
    lifetime: Lifetime,
}

struct State {
    grant: Grant,
    /// How many requests were rejected since the last success, while no token was valid.
    refusals: u32,
    invalidated: Option<OffsetDateTime>,
}

impl Entry {
    /// A resource server that rejects every token must not turn each call into a token request.
    const BETWEEN_INVALIDATIONS: Duration = Duration::from_secs(10);

    /// Repeats a request, or continues from a response.
    pub(in crate::client) fn new(
        request: Option<TokenRequest>,
        response: Option<TokenResponse>,
        sender: &Arc<Sender>,
    ) -> Arc<Self> {
        let now = sender.clock.now();
        let (token, refresh_token) = response.map(TokenResponse::into_tokens).unzip();
        let token = token.map(|token| Cached::new(token, sender, now));
        let grant = Grant { request, refresh_token: refresh_token.flatten(), refusal: None };
        Arc::new(Self {
            sender: Arc::clone(sender),
            last_used: AtomicI64::new(now.unix_timestamp()),
            token: Refreshing::new(token, Arc::clone(&sender.clock)),
            state: Mutex::new(State { grant, refusals: 0, invalidated: None }),
        })
    }

    /// The cached token, if it is fresh.
    pub(super) fn fresh(&self) -> Option<AccessToken> {
        let now = self.sender.clock.now();
        let second = now.unix_timestamp();
        if self.last_used() != second {
            self.last_used.store(second, Ordering::Relaxed);
        }
        let held = self.token.held();
        let Cached { token, lifetime } = held.as_deref()?;
        if lifetime.phase(now) != Phase::Fresh {
            return None;
        }
        self.report(Lookup::Hit, Some(lifetime), now);
        Some(token.clone())
    }

    /// Reports that a caller asked for a token.
    fn report(&self, lookup: Lookup, serving: Option<&Lifetime>, now: OffsetDateTime) {
        let log = &self.sender.log;
        let remaining = serving.filter(|_| log.is_observed()).map(|serving| serving.left(now));
        log.emit(&Event::TokenRequested { client: log.client(), lookup, remaining });
    }

    pub(super) fn last_used(&self) -> i64 {
        self.last_used.load(Ordering::Relaxed)
    }

    pub(super) fn invalidate(&self, token: &AccessToken) -> bool {
        let now = self.sender.clock.now();
        let dropped = self.token.drop_if(|held| {
            let mut state = self.state();
            let may = |before| distance(now, before) >= Self::BETWEEN_INVALIDATIONS;
            let drops = held.token.is_same_as(token) && state.invalidated.is_none_or(may);
            state.invalidated = if drops { Some(now) } else { state.invalidated };
            drops
        });
        if dropped {
            self.sender.log.emit(&Event::TokenDropped { client: self.sender.log.client() });
        }
        dropped
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cached {
    fn new(token: AccessToken, sender: &Sender, now: OffsetDateTime) -> Self {
        // Without a random number, use the smallest: the token is renewed as early as it may be.
        let random = random().unwrap_or_default();
        let lifetime = Lifetime::of(&sender.settings, now, token.expires_at(), random);
        Self { token, lifetime }
    }
}

impl Source for Arc<Entry> {
    type Value = Cached;
    type Answer = Answer;
    type Error = Error;

    fn refreshing(&self) -> &Refreshing<Self> {
        &self.token
    }

    /// A request ends by its deadline, and a renewal makes two requests at most.
    fn limit(&self) -> Duration {
        self.sender.settings.deadline.saturating_mul(2).saturating_add(Duration::from_secs(10))
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
        now: OffsetDateTime,
    ) -> Result<BoxFuture<'static, Answer>, Error> {
        let grant = self.state().grant.to_send()?;
        let serving = held.filter(|held| held.lifetime.phase(now) != Phase::Over);
        let left = serving.map(|held| held.lifetime.left(now));
        let sender = Arc::clone(&self.sender);
        Ok(Box::pin(async move { grant.next(&sender, left).await }))
    }

    fn read(&self, answer: Answer, late: bool, now: OffsetDateTime) -> Result<Cached, Error> {
        let mut state = self.state();
        let token = state.grant.answered(answer, late)?;
        if !late {
            state.refusals = 0;
        }
        Ok(Cached::new(token, &self.sender, now))
    }

    fn pause(&self, failure: &Failure<'_, Error>) -> Pause {
        let mut state = self.state();
        let is_of_client_alone = state.grant.is_of_client_alone();
        pause_after(failure, &mut state.refusals, is_of_client_alone, random().unwrap_or(u64::MAX))
    }

    fn lost() -> Error {
        ErrorKind::Interrupted.into()
    }

    fn decided(&self, decision: Decision) {
        let (now, held) = (self.sender.clock.now(), self.token.held());
        let lifetime = held.as_deref().map(|held| &held.lifetime);
        let (lookup, serving) = match decision {
            Decision::Serve if lifetime.is_some_and(|lifetime| lifetime.phase(now) == Phase::Fresh) => {
                (Lookup::Hit, lifetime)
            }
            Decision::Serve => (Lookup::Stale, lifetime),
            Decision::Fetch => (Lookup::Miss, None),
            Decision::Wait => (Lookup::Waited, None),
            Decision::Refuse => (Lookup::Refused, None),
        };
        self.report(lookup, serving, now);
    }

    fn failed(&self, error: &Error, pause: Duration, serves: bool) {
        // Without a token, the call has been reported as failed.
        if serves {
            let (client, failure) = (self.sender.log.client(), error.failure());
            self.sender.log.emit(&Event::RefreshFailed { client, pause, failure });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::TokenClient;
    use crate::keys::PrivateKey;
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

    fn client() -> TokenClient {
        let server = AuthorizationServer::from_token_endpoint("https://as.example/token").unwrap();
        let key = PrivateKey::from_file("testdata/keys/p256.pkcs8.pem").unwrap();
        TokenClient::builder(server, "client", key).http(Server).build().unwrap()
    }

    #[test]
    fn tokens_that_came_together_are_renewed_apart() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let body = br#"{"access_token":"t","token_type":"Bearer","expires_in":300}"#.to_vec();
        let token = TokenResponse::from_http(http::Response::new(body), now).unwrap().into_access_token();
        let client = client();
        let window = || Cached::new(token.clone(), &client.sender, now).lifetime.window();
        let windows: std::collections::HashSet<_> = (0..20).map(|_| window()).collect();
        assert!(windows.len() > 10, "{windows:?}");
    }

    #[tokio::test]
    async fn a_token_that_is_dropped_is_kept_nowhere() {
        let entry = Entry::new(Some(().into()), None, &client().sender);
        let source = TokenSource(Origin::Client(Arc::clone(&entry)));
        let token = source.token().await.unwrap();
        assert!(!token.is_alone());
        {
            // A fresh token can be read while a request begins or ends.
            let _begins = entry.state();
            assert!(entry.fresh().is_some());
        }
        assert!(source.invalidate(&token));
        assert!(token.is_alone());
    }
}
