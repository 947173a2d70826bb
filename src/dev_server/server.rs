use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use http::header::DATE;
use http::{HeaderValue, StatusCode};
use httpdate::fmt_http_date;
use time::OffsetDateTime;

use super::answer::Exchange;
use super::clients::ClientKeys;
use super::demands::Demands;
use super::error::DevServerError;
use super::fault::FaultKind;
use super::inner::Inner;
use super::refused::Refused;
use super::shown::chain;
use super::{grant, inspector, page, paths, routes};
use crate::jose::JwkSet;
use crate::keys::PublicKeySet;
use crate::oauth::AuthorizationServer;
use crate::transport::{HttpClient, get_json};

/// A development authorization server. Cloning is cheap; the clones share clients, keys and used
/// assertions.
///
/// ```
/// use private_key_jwt::dev_server::DevServer;
/// use private_key_jwt::{Algorithm, AuthorizationServer, JwkSet, PrivateKey, TokenClient};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
/// let dev = DevServer::bind("127.0.0.1:0".parse()?).await?; // any free port
/// dev.register("client", JwkSet::from(key.public_jwk().clone()))?;
///
/// let server = AuthorizationServer::discover(dev.issuer()).await?;
/// let token = TokenClient::new(server, "client", key)?.token("api:read").await?;
/// assert!(token.is_bearer());
/// # Ok(()) }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(example())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct DevServer {
    pub(super) inner: Arc<Inner>,
}

impl DevServer {
    /// The environment id in every path, as in PingOne's URLs.
    pub const ENVIRONMENT_ID: &str = paths::ENVIRONMENT_ID;
    /// The `aud` of an access token when the request names no `resource` (RFC 9068 §3).
    pub const DEFAULT_AUDIENCE: &str = grant::DEFAULT_AUDIENCE;
    /// Default longest lifetime of a client assertion. The
    /// [builder](super::DevServerBuilder::longest_lifetime) allows more.
    pub const LONGEST_LIFETIME: Duration = Demands::LONGEST_LIFETIME;
    /// Default user, if neither a page nor a test names another one.
    pub const DEFAULT_SUBJECT: &str = page::DEFAULT_SUBJECT;

    /// The issuer identifier: the origin, the environment and `/as`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.inner.issuer
    }

    /// The token endpoint.
    #[must_use]
    pub fn token_endpoint(&self) -> &str {
        self.inner.authorization_server.token_endpoint()
    }

    /// The userinfo endpoint: returns the `sub` of an access token with the scope `openid` (OpenID
    /// Connect Core §5.3).
    #[must_use]
    pub fn userinfo_endpoint(&self) -> &str {
        &self.inner.userinfo_endpoint
    }

    /// The server with all of its endpoints, as [discovery](AuthorizationServer::discover) finds
    /// it, but without a request.
    #[must_use]
    pub fn authorization_server(&self) -> &AuthorizationServer {
        &self.inner.authorization_server
    }

    /// The URL where the server publishes the keys of its tokens.
    #[must_use]
    pub fn jwks_uri(&self) -> &str {
        &self.inner.jwks_uri
    }

    /// The URL of the inspector: a page that shows the last requests as they arrive, with every
    /// check of their assertions and the answer, and judges an assertion that is pasted into it.
    #[must_use]
    pub fn inspector(&self) -> &str {
        &self.inner.inspector
    }

    /// The public keys of the server's tokens, as published at [`DevServer::jwks_uri`]. Generates
    /// the keys if no request has needed them yet. Empty if the operating system has no random
    /// bytes to generate them from; every token request then fails with `server_error`.
    #[must_use]
    pub fn jwks(&self) -> JwkSet {
        self.inner.keys.jwks().unwrap_or_default()
    }

    /// Generates the keys in the background, so that neither the start nor the first token waits
    /// for them.
    pub(super) fn make_keys_ahead(&self) {
        let server = self.clone();
        std::thread::spawn(move || server.jwks());
    }

    /// Registers a client. A client with the same id is replaced.
    ///
    /// # Errors
    ///
    /// [`DevServerError::ClientId`] if the client id is not valid; [`DevServerError::NoUsableKey`]
    /// and [`DevServerError::Key`] for keys that cannot check a signature;
    /// [`DevServerError::OAuth`] if the JWKS URL is neither https nor http on loopback.
    pub fn register(&self, client_id: &str, keys: impl Into<ClientKeys>) -> Result<(), DevServerError> {
        self.inner.clients.register(client_id, keys.into())
    }

    /// Trusts JWTs of this issuer to vouch for a subject (RFC 7523 §2.1). The `iss` must equal
    /// `issuer` byte for byte, and `keys` verify the signature. An issuer of the same name is
    /// replaced. An empty name is ignored: it trusts no issuer.
    ///
    /// ```
    /// use private_key_jwt::client::fresh_jti;
    /// use private_key_jwt::dev_server::DevServer;
    /// use private_key_jwt::oauth::JwtGrant;
    /// use private_key_jwt::{Algorithm, JwkSet, PrivateKey, TokenClient};
    /// use time::OffsetDateTime;
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    /// # let issuers_key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    /// let dev = DevServer::bind("127.0.0.1:0".parse()?).await?;
    /// dev.register("client", JwkSet::from(key.public_jwk().clone()))?;
    /// dev.trust_issuer("https://sts.example", JwkSet::from(issuers_key.public_jwk().clone()));
    ///
    /// let client = TokenClient::new(dev.authorization_server().clone(), "client", key)?;
    /// let grant = JwtGrant::builder("https://sts.example", "user-1", dev.authorization_server())?
    ///     .sign(&issuers_key, OffsetDateTime::now_utc(), fresh_jti()?)?;
    /// let tokens = client.jwt_bearer(&grant, "api:read").await?;
    /// # let _ = tokens;
    /// # Ok(()) }
    /// # tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(example())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn trust_issuer(&self, issuer: impl Into<String>, keys: impl Into<PublicKeySet>) {
        let (issuer, keys) = (issuer.into(), Arc::new(keys.into()));
        if !issuer.trim().is_empty() {
            self.inner.state().issuers.insert(issuer, keys);
        }
    }

    /// Answers the next `n` token requests with this status, before the client is authenticated:
    /// 401 with the error `invalid_client`, 429 and 503 with `temporarily_unavailable`, any other
    /// 4xx with `invalid_request`, the rest with `server_error`. Replaces an earlier order; zero
    /// cancels it.
    ///
    /// ```
    /// # use http::StatusCode;
    /// # use private_key_jwt::dev_server::DevServer;
    /// let dev = DevServer::new("http://127.0.0.1:8080")?;
    /// dev.fail_next(2, StatusCode::SERVICE_UNAVAILABLE); // the third token request is answered
    /// # Ok::<(), private_key_jwt::dev_server::DevServerError>(())
    /// ```
    pub fn fail_next(&self, n: u32, status: StatusCode) {
        self.inner.faults.fail_next(n, status);
    }

    /// Sends every answer this long after its request was handled, by the clock of the
    /// [builder](super::DevServerBuilder::clock). Applies to requests that arrive from now on. Does
    /// not apply to [`DevServer::respond`] and its like, which return at once.
    pub fn set_delay(&self, delay: Duration) {
        self.inner.faults.set_delay(delay);
    }

    /// Waits until an answer is due.
    pub(super) async fn pause(&self) {
        let delay = self.inner.faults.delay();
        if !delay.is_zero() {
            self.inner.clock.sleep(delay).await;
        }
    }

    /// Adds the time of the clock to an answer (RFC 9110 §6.6.1), so that clients see how it
    /// differs from theirs.
    pub(super) fn date(&self, response: &mut http::Response<Vec<u8>>) {
        /// The end of the year 9999, where the format ends.
        const END: u64 = 253_402_300_800;
        let seconds = u64::try_from(self.now().unix_timestamp()).ok().filter(|seconds| *seconds < END);
        let date = seconds.map(|seconds| fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds)));
        if let Some(Ok(date)) = date.map(HeaderValue::try_from) {
            response.headers_mut().insert(DATE, date);
        }
    }

    /// The time of the clock.
    pub(super) fn now(&self) -> OffsetDateTime {
        self.inner.clock.now()
    }

    /// Answers a request. Apart from random values, such as the `jti` of a token, the response
    /// depends only on the arguments and on what the server has stored.
    ///
    /// This does no I/O, so call [`DevServer::refresh`] first for a client that is registered by
    /// URL.
    #[must_use]
    pub fn respond(&self, request: &http::Request<Vec<u8>>, now: OffsetDateTime) -> http::Response<Vec<u8>> {
        self.handle(request, now).response
    }

    /// As [`DevServer::respond`], but also returns a line for the log.
    #[must_use]
    pub fn handle(&self, request: &http::Request<Vec<u8>>, now: OffsetDateTime) -> Exchange {
        self.recorded(request, self.exchange(request, now), now)
    }

    /// Answers a request, and leaves it to the caller to record it.
    fn exchange(&self, request: &http::Request<Vec<u8>>, now: OffsetDateTime) -> Exchange {
        Exchange::new(request.method(), request.uri().path(), routes::answer(&self.inner, request, now))
    }

    /// Shows an exchange in the inspector.
    pub(super) fn recorded(
        &self,
        request: &http::Request<Vec<u8>>,
        exchange: Exchange,
        now: OffsetDateTime,
    ) -> Exchange {
        inspector::record(&self.inner, request, &exchange, now);
        exchange
    }

    /// As [`DevServer::handle`], but fetches a client's JWKS URL if that is needed.
    pub async fn handle_with(
        &self,
        request: &http::Request<Vec<u8>>,
        now: OffsetDateTime,
        http: &dyn HttpClient,
    ) -> Exchange {
        let exchange = self.exchange(request, now);
        let Some(client_id) = exchange.wants_keys_of.as_deref() else {
            return self.recorded(request, exchange, now);
        };
        let exchange = match self.refresh_at(client_id, http, now).await {
            Ok(()) => self.exchange(request, now),
            Err(error) => {
                let description = format!("the JWKS URL of client `{client_id}`: {}", chain(&error));
                let refused = Refused::invalid_client(&description)
                    .with_fault(FaultKind::KeySet)
                    .answered_by(&self.inner.demands);
                Exchange::new(request.method(), request.uri().path(), Err(refused))
            }
        };
        self.recorded(request, exchange, now)
    }

    /// Fetches the keys of a client that is registered by URL. Does nothing for other clients.
    ///
    /// # Errors
    ///
    /// [`DevServerError::UnknownClient`] if the client is not registered;
    /// [`DevServerError::Transport`] if the URL returns no document; [`DevServerError::Jose`] if
    /// the document is not a JWK Set. The keys fetched before stay.
    pub async fn refresh(&self, client_id: &str, http: &dyn HttpClient) -> Result<(), DevServerError> {
        self.refresh_at(client_id, http, self.now()).await
    }

    async fn refresh_at(
        &self,
        client_id: &str,
        http: &dyn HttpClient,
        now: OffsetDateTime,
    ) -> Result<(), DevServerError> {
        let clients = &self.inner.clients;
        if let Some(url) = clients.jwks_url(client_id)? {
            let document = get_json(http, &url).await?.into_body();
            clients.store(client_id, &url, JwkSet::from_json(&document)?, now);
        }
        Ok(())
    }
}

impl std::fmt::Debug for DevServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DevServer").field("issuer", &self.issuer()).finish_non_exhaustive()
    }
}
