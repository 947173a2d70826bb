use std::sync::Arc;
use std::time::Duration;

use super::cache::{Cache, CacheSettings};
use super::call::Call;
use super::clock::{Offset, ServerClock, Shown, Source};
use super::refused_keys::RefusedKeys;
use super::settings::Settings;
use super::signing::{self, WhichKey};
use super::{Error, fresh_jti, log};
use crate::keys::{KeyRing, Signer};
use crate::oauth::{
    AccessToken, Audience, AuthorizationServer, ClientAssertion, ClientAssertionBuilder, Endpoint, Profile,
    Scope, TokenRequest, TokenResponse,
};
use crate::transport::{Clock, HttpClient, ReqwestClient, SystemClock};

/// Gets tokens for one client from one authorization server. Cloning is cheap; the clones share
/// everything.
///
/// ```no_run
/// use private_key_jwt::{AuthorizationServer, PrivateKey, TokenClient};
///
/// # async fn example() -> Result<(), private_key_jwt::Error> {
/// let key = PrivateKey::from_file("client.pem")?;
/// let server = AuthorizationServer::discover("https://auth.pingone.com/ENV_ID/as").await?;
/// let client = TokenClient::new(server, "CLIENT_ID", key)?;
/// let token = client.token("api:read").await?;
/// # let _ = token.secret();
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TokenClient {
    inner: Arc<Inner>,
}

struct Inner {
    assertion: ClientAssertionBuilder,
    keys: KeyRing,
    http: Arc<dyn HttpClient>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    server_clock: ServerClock,
    refused_keys: RefusedKeys,
    cache: Cache,
}

impl TokenClient {
    /// Returns a client with the defaults: the issuer as audience, assertions of 60 s, reqwest, the
    /// system's clock.
    ///
    /// # Errors
    ///
    /// As [`TokenClientBuilder::build`].
    pub fn new(
        server: AuthorizationServer,
        client_id: impl Into<String>,
        keys: impl Into<KeyRing>,
    ) -> Result<Self, Error> {
        Self::builder(server, client_id, keys).build()
    }

    /// Returns a builder for a client with optional settings.
    pub fn builder(
        server: AuthorizationServer,
        client_id: impl Into<String>,
        keys: impl Into<KeyRing>,
    ) -> TokenClientBuilder {
        TokenClientBuilder {
            assertion: ClientAssertion::builder(client_id, &server),
            keys: keys.into(),
            http: None,
            clock: Arc::new(SystemClock),
            settings: Settings::default(),
            cache: CacheSettings::default(),
        }
    }

    /// Returns a token for the client itself (`client_credentials`, RFC 6749 §4.4) with these
    /// scopes.
    ///
    /// The token is cached and renewed before it expires: see [the
    /// cache](TokenClientBuilder#the-cache). A [source](TokenClient::source) does the same for
    /// other requests, and costs less per call.
    ///
    /// # Errors
    ///
    /// As [`TokenSource::token`](super::TokenSource::token).
    pub async fn token(&self, scope: impl Into<Scope>) -> Result<AccessToken, Error> {
        let scope = scope.into();
        match self.inner.cache.fresh(&scope, self.clock()) {
            Some(token) => Ok(token),
            None => self.source(scope).token().await,
        }
    }

    /// Sends a request with a fresh assertion to the token endpoint, and returns the whole
    /// response.
    ///
    /// The client retries transient failures and corrects a rejected request at most once, each
    /// time with a new assertion. By default, the whole call takes at most
    /// [30 s](TokenClientBuilder::DEADLINE). For the rules, see
    /// [`TokenClientBuilder`](TokenClientBuilder#when-a-request-fails).
    ///
    /// # Errors
    ///
    /// An error of [kind](super::ErrorKind) `Key` if the key cannot sign; `Transport` if no
    /// response arrived; `OAuth` if the server rejected the request, if its response is not a token
    /// response, or if the request could not be made; `Remembered` if nothing was sent because the
    /// server rejected the key moments ago.
    pub async fn request(&self, request: &TokenRequest) -> Result<TokenResponse, Error> {
        self.call(Call::token(self.refused_keys(), request), request).await
    }

    /// As [`TokenClient::request`], but without retries, and waits for the response no longer than
    /// `limit`.
    pub(super) async fn request_once(
        &self,
        request: &TokenRequest,
        limit: Duration,
    ) -> Result<TokenResponse, Error> {
        self.call(Call::token(self.refused_keys(), request).once_within(limit), request).await
    }

    async fn call(&self, call: Call, request: &TokenRequest) -> Result<TokenResponse, Error> {
        let send = |assertion: &_| request.to_http(self.server(), assertion);
        self.send(call, send, TokenResponse::from_http).await
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    pub(super) fn http(&self) -> &dyn HttpClient {
        &*self.inner.http
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(super) fn server_clock(&self) -> &ServerClock {
        &self.inner.server_clock
    }

    pub(super) fn cache(&self) -> &Cache {
        &self.inner.cache
    }

    pub(super) fn refused_keys(&self) -> &RefusedKeys {
        &self.inner.refused_keys
    }

    /// The known difference between the server's clock and ours.
    pub(super) fn time_offset(&self) -> Offset {
        if self.settings().corrects_time { self.server_clock().offset() } else { Offset::NONE }
    }

    /// Whether the assertions have an `nbf`.
    pub(super) fn sends_not_before(&self) -> bool {
        self.inner.assertion.has_not_before()
    }

    /// Signs a fresh assertion with the active key, for a request that other code sends. Never use
    /// an assertion twice. Its times follow the server's clock if that is known to
    /// [differ](TokenClientBuilder::without_time_correction).
    ///
    /// RSA signatures by a key of this process are computed on the blocking pool of the tokio
    /// runtime, so that the executor's threads stay free. The whole process computes at most three
    /// times as many of them at a time as it has cores. A blocking task must therefore not block on
    /// this call: if such tasks fill the pool, none of them ends. Elliptic-curve signatures take
    /// microseconds and are computed in place.
    ///
    /// # Errors
    ///
    /// An error of [kind](super::ErrorKind) `Key` if no key is active, the key cannot sign, or
    /// there is no running tokio runtime for an RSA signature; `OAuth` if the parts do not fit
    /// together.
    pub async fn assertion(&self) -> Result<ClientAssertion, Error> {
        self.assertion_for(Endpoint::Token).await
    }

    /// As [`TokenClient::assertion`], for a request to this endpoint. The endpoint matters with
    /// [`Audience::CalledEndpoint`].
    ///
    /// # Errors
    ///
    /// As [`TokenClient::assertion`].
    pub async fn assertion_for(&self, endpoint: Endpoint) -> Result<ClientAssertion, Error> {
        Ok(self.sign(endpoint, WhichKey::Active, self.time_offset().by).await?.0)
    }

    /// Signs a fresh assertion with this key, dated at our time plus `offset`, and returns it with
    /// the key.
    pub(super) async fn sign(
        &self,
        endpoint: Endpoint,
        which: WhichKey,
        offset: time::Duration,
    ) -> Result<(ClientAssertion, Arc<dyn Signer>), Error> {
        let Inner { assertion, keys, clock, .. } = &*self.inner;
        let jti = fresh_jti()?;
        let previous = || keys.previous(clock.now());
        let choose = || match (which == WhichKey::Previous).then(previous).flatten() {
            Some(previous) => Ok(previous),
            None => keys.active(),
        };
        let now = || clock.now().saturating_add(offset);
        signing::assertion(choose, |signer| assertion.prepare_for(endpoint, signer, now(), &jti)).await
    }

    /// The key ring that signs. Publish, activate and retire keys on it while the client is in use.
    #[must_use]
    pub fn keys(&self) -> &KeyRing {
        &self.inner.keys
    }

    /// The authorization server.
    #[must_use]
    pub fn server(&self) -> &AuthorizationServer {
        self.inner.assertion.server()
    }
}

impl std::fmt::Debug for TokenClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenClient")
            .field("server", self.server())
            .field("keys", &self.inner.keys)
            .finish_non_exhaustive()
    }
}

/// Optional settings of a [`TokenClient`].
#[must_use]
pub struct TokenClientBuilder {
    assertion: ClientAssertionBuilder,
    keys: KeyRing,
    http: Option<Arc<dyn HttpClient>>,
    clock: Arc<dyn Clock>,
    pub(super) settings: Settings,
    pub(super) cache: CacheSettings,
}

impl TokenClientBuilder {
    /// Follows the rules of this kind of server. Replaces the assertion settings made before this
    /// call.
    pub fn profile(self, profile: Profile) -> Self {
        self.assertion(|assertion| assertion.profile(profile))
    }

    /// Sets the audience of the assertions. Default: the issuer.
    pub fn audience(self, audience: Audience) -> Self {
        self.assertion(|assertion| assertion.audience(audience))
    }

    /// Sets the lifetime of an assertion, in whole seconds. Default: 60 s.
    pub fn assertion_lifetime(self, lifetime: Duration) -> Self {
        self.assertion(|assertion| assertion.lifetime(lifetime))
    }

    /// Changes any other setting of the assertions.
    ///
    /// ```
    /// # use private_key_jwt::{Algorithm, AuthorizationServer, PrivateKey, TokenClient};
    /// # let server = AuthorizationServer::from_token_endpoint("https://as.example/token")?;
    /// # let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    /// let client = TokenClient::builder(server, "client", key)
    ///     .assertion(|assertion| assertion.media_type(Some("JWT")).without_key_id())
    ///     .build()?;
    /// # Ok::<(), private_key_jwt::Error>(())
    /// ```
    pub fn assertion(
        mut self,
        change: impl FnOnce(ClientAssertionBuilder) -> ClientAssertionBuilder,
    ) -> Self {
        self.assertion = change(self.assertion);
        self
    }

    /// As [`TokenClientBuilder::assertion`], for a change that can fail, such as
    /// [`claim`](ClientAssertionBuilder::claim).
    ///
    /// ```
    /// # use private_key_jwt::{Algorithm, AuthorizationServer, PrivateKey, TokenClient};
    /// # let server = AuthorizationServer::from_token_endpoint("https://as.example/token")?;
    /// # let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    /// let client = TokenClient::builder(server, "client", key)
    ///     .try_assertion(|assertion| assertion.claim("tenant", "t1"))?
    ///     .build()?;
    /// # Ok::<(), private_key_jwt::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The error that `change` returns.
    pub fn try_assertion<E>(
        mut self,
        change: impl FnOnce(ClientAssertionBuilder) -> Result<ClientAssertionBuilder, E>,
    ) -> Result<Self, E> {
        self.assertion = change(self.assertion)?;
        Ok(self)
    }

    /// Sends requests with this HTTP client. Default: a [`ReqwestClient`].
    pub fn http(mut self, http: impl HttpClient + 'static) -> Self {
        self.http = Some(Arc::new(http));
        self
    }

    /// Takes the time from this clock. Default: the operating system's clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Builds the client. Checks everything that needs no server: the client id, and that an
    /// assertion can be made with the key and the settings.
    ///
    /// # Errors
    ///
    /// An error of [kind](super::ErrorKind) `OAuth` or `Key` if the parts do not fit together;
    /// `Setting` for a back-off of zero; `Transport` if the HTTP client cannot be built.
    pub fn build(self) -> Result<TokenClient, Error> {
        self.settings.check()?;
        let signer = self.keys.active()?;
        self.assertion.prepare(signer.as_ref(), self.clock.now(), "a trial that is never signed")?;
        let http = match self.http {
            Some(http) => http,
            None => Arc::new(ReqwestClient::with_plain_http(self.assertion.server().plain_http())?),
        };
        let Self { assertion, keys, clock, settings, cache, .. } = self;
        let server_clock = ServerClock::new(discovered(assertion.server(), &*clock));
        if settings.corrects_time && server_clock.offset() != Offset::NONE {
            log::offset_assumed(server_clock.offset());
        }
        let refused_keys = RefusedKeys::default();
        let cache = Cache::new(cache);
        let inner = Inner { assertion, keys, http, clock, settings, server_clock, refused_keys, cache };
        Ok(TokenClient { inner: Arc::new(inner) })
    }
}

/// What discovery showed of the server's clock. Discovery reads the system's clock; the client may
/// use another one.
fn discovered(server: &AuthorizationServer, clock: &dyn Clock) -> Shown {
    /// Clocks get adjusted, so an old observation shows nothing.
    const LONGEST: time::Duration = time::Duration::minutes(10);
    let system = SystemClock.now();
    let since = |received| system - received;
    let is_recent = |since: time::Duration| !since.is_negative() && since <= LONGEST;
    let time = server.server_time().filter(|time| is_recent(since(time.received())));
    time.map_or(Shown::NOTHING, |time| {
        Shown::by(time.by_clock_behind(system - clock.now()), Source::Discovery)
    })
}
