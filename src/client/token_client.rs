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
    /// A client with the defaults: the issuer as audience, assertions of 60 s, reqwest, the
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

    /// A client with everything that is optional.
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

    /// A token for the client itself (`client_credentials`, RFC 6749 §4.4) with these scopes.
    ///
    /// The token is kept, and asked for again before it ends: [the
    /// cache](TokenClientBuilder#the-cache). A [source](TokenClient::source) does the same for
    /// other requests, and for less at each call.
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

    /// Sends a request to the token endpoint, with a fresh assertion, and hands on the whole
    /// response.
    ///
    /// What may pass is tried again, and what the server refuses is corrected once at most, each
    /// time with another assertion and within [30 s](TokenClientBuilder::DEADLINE) in all: see
    /// [`TokenClientBuilder`](TokenClientBuilder#when-a-request-fails).
    ///
    /// # Errors
    ///
    /// Of the [kind](super::ErrorKind) `Key` if the key cannot sign; `Transport` if no answer came;
    /// `OAuth` if the server refused or answered something else than a token, and if the request
    /// could not be made; `Remembered` if nothing was sent because the server rejected the key
    /// moments ago.
    pub async fn request(&self, request: &TokenRequest) -> Result<TokenResponse, Error> {
        self.call(Call::token(self.refused_keys(), request), request).await
    }

    /// As [`TokenClient::request`], but what may pass is not tried again, and the answer is waited
    /// for no longer than this.
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

    /// What is known of the difference between the server's clock and ours.
    pub(super) fn time_offset(&self) -> Offset {
        if self.settings().corrects_time { self.server_clock().offset() } else { Offset::NONE }
    }

    /// Whether the assertions have an `nbf`.
    pub(super) fn sends_not_before(&self) -> bool {
        self.inner.assertion.has_not_before()
    }

    /// A fresh assertion by the active key, for a request that something else sends. Never use one
    /// twice. It is made with the time of the server, where that is known to be
    /// [another](TokenClientBuilder::without_time_correction).
    ///
    /// In a runtime of tokio, an RSA signature by a key of this process is made on the blocking
    /// pool, so that the executor's threads stay free; no more of them at a time than three times
    /// the cores, for the whole process. A blocking task must therefore not block on this call:
    /// where such tasks fill the pool, none of them ends. Signatures with a curve take microseconds
    /// and are made on the spot.
    ///
    /// # Errors
    ///
    /// Of the [kind](super::ErrorKind) `Key` if no key is active, it cannot sign, or the runtime is
    /// being shut down; `OAuth` if the parts do not fit.
    pub async fn assertion(&self) -> Result<ClientAssertion, Error> {
        self.assertion_for(Endpoint::Token).await
    }

    /// As [`TokenClient::assertion`], for a request to this endpoint. It makes a difference with
    /// [`Audience::CalledEndpoint`].
    ///
    /// # Errors
    ///
    /// As [`TokenClient::assertion`].
    pub async fn assertion_for(&self, endpoint: Endpoint) -> Result<ClientAssertion, Error> {
        Ok(self.sign(endpoint, WhichKey::Active, self.time_offset().by).await?.0)
    }

    /// A fresh assertion by this key, made at so much after our time, and the key.
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

    /// The ring that signs: publish, activate and retire keys on it while the client is in use.
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

/// What is optional about a [`TokenClient`].
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
    /// Follows the rules of a kind of server. It replaces the assertion's settings made before it.
    pub fn profile(self, profile: Profile) -> Self {
        self.assertion(|assertion| assertion.profile(profile))
    }

    /// Whom the assertions are for; the issuer unless said otherwise.
    pub fn audience(self, audience: Audience) -> Self {
        self.assertion(|assertion| assertion.audience(audience))
    }

    /// How long an assertion lives, in whole seconds; 60 s unless said otherwise.
    pub fn assertion_lifetime(self, lifetime: Duration) -> Self {
        self.assertion(|assertion| assertion.lifetime(lifetime))
    }

    /// Everything else about the assertions.
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
    /// The error of the change.
    pub fn try_assertion<E>(
        mut self,
        change: impl FnOnce(ClientAssertionBuilder) -> Result<ClientAssertionBuilder, E>,
    ) -> Result<Self, E> {
        self.assertion = change(self.assertion)?;
        Ok(self)
    }

    /// Sends requests with this; a [`ReqwestClient`] unless said otherwise.
    pub fn http(mut self, http: impl HttpClient + 'static) -> Self {
        self.http = Some(Arc::new(http));
        self
    }

    /// Takes the time from this; the operating system unless said otherwise.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The client. What can be checked without a server is checked here: the client id, and that an
    /// assertion can be made with the key and the settings.
    ///
    /// # Errors
    ///
    /// Of the [kind](super::ErrorKind) `OAuth` or `Key` for parts that do not fit; `Setting` for a
    /// back-off of zero; `Transport` if the HTTP client cannot be built.
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

/// What discovery showed of the server's clock. It was timed by the system's clock; the client may
/// have another.
fn discovered(server: &AuthorizationServer, clock: &dyn Clock) -> Shown {
    /// Clocks are set, so what was seen long ago shows nothing.
    const LONGEST: time::Duration = time::Duration::minutes(10);
    let system = SystemClock.now();
    let since = |received| system - received;
    let is_recent = |since: time::Duration| !since.is_negative() && since <= LONGEST;
    let time = server.server_time().filter(|time| is_recent(since(time.received())));
    time.map_or(Shown::NOTHING, |time| {
        Shown::by(time.by_clock_behind(system - clock.now()), Source::Discovery)
    })
}
