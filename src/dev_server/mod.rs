//! Floor 7: a small, strict authorization server and OpenID provider for quickstarts and tests.
//! **Not for production**: it grants every scope, forgets everything when it ends, lets anyone who
//! sees its pages decide for the user, and tells every caller which check failed.
//!
//! The server is a function from a request and a time to a response, [`DevServer::respond`]. Mount
//! it in any HTTP mock, or let [`DevServer::bind`] listen on a loopback port. Use
//! [`DevServer::builder`] to change its settings.
//!
//! # Endpoints
//!
//! The paths are PingOne's, below the issuer `ORIGIN/ENV_ID/as`:
//!
//! | path | endpoint |
//! | --- | --- |
//! | `/token` | the token endpoint (RFC 6749 §3.2) |
//! | `/par` | pushed authorization requests (RFC 9126) |
//! | `/introspect` | introspection (RFC 7662): access tokens for every client, refresh tokens only for their own |
//! | `/revoke` | revocation (RFC 7009): revoking a refresh token revokes all tokens of its login |
//! | `/device_authorization` | device authorization (RFC 8628), with the page at `/device` |
//! | `/authorize` | the authorization endpoint (RFC 6749 §3.1), a page or a redirect |
//! | `/userinfo` | the `sub` of an access token with the scope `openid` (OpenID Connect Core §5.3) |
//! | `/jwks` | the keys that tokens are signed with |
//! | `/.well-known/openid-configuration` | the metadata (OpenID Connect Discovery §4), also at the RFC 8414 §3.1 path |
//!
//! [`DevServer::authorization_server`] returns all of this without a request. An unknown query
//! parameter in an endpoint's URL is ignored (RFC 6749 §3.2). A parameter of the protocol is
//! refused there, because it belongs in the body. HEAD is answered wherever GET is.
//!
//! # Clients
//!
//! A client authenticates at each of the first five endpoints with `private_key_jwt`, and with no
//! other method. This crate's own [verifier](crate::verifier) checks the assertion. It accepts any
//! of the crate's algorithms, each assertion once, and a lifetime of at most
//! [`DevServer::LONGEST_LIFETIME`]. [`DevServerBuilder::longest_lifetime`],
//! [`DevServerBuilder::reusable_assertions`] and [`DevServerBuilder::accept_missing_jti`] allow
//! more. `EdDSA` and `Ed25519` name the same algorithm. Like PingOne, the server accepts three
//! audiences: the issuer, the token endpoint and the endpoint that is called; one per assertion.
//! Malformed requests are refused before the assertion is used up.
//!
//! # Refusals
//!
//! `error_description` names the check that failed, with what was found and what was expected. A
//! client that fails to authenticate gets 400 `invalid_client`. If it sends an `Authorization`
//! header, it gets 401 and a challenge of the same scheme (RFC 6749 §5.2, RFC 9110 §15.5.2).
//!
//! # Tokens
//!
//! Access tokens follow RFC 9068: `typ: at+jwt`, signed with RS256.
//! [`DevServerBuilder::token_algorithm`] and [`DevServerBuilder::token_media_type`] choose others,
//! for resource servers that require them. With every grant, `resource` and `audience` go into the
//! `aud` of the token. Tokens of a login carry the claim `grant_id`.
//!
//! A login with the scope `openid` also gets an ID token (OpenID Connect Core §2), signed with
//! RS256, from the authorization code, the device code and each refresh: `iss`, `sub`, `aud`,
//! `exp`, `iat`, `auth_time`, `at_hash` and, with a code, the `nonce` of the request.
//!
//! Keys are generated when they are first needed or, once the server listens, in the background.
//! RSA keys are slow to generate, so the servers of a process share one, under different `kid`s.
//!
//! # Grants
//!
//! - `client_credentials`.
//! - `authorization_code`: PKCE with S256 is required. The redirect URI is http or https on
//!   loopback, with any port and path. It is not registered, and must equal the one at `/token`
//!   byte for byte. A code lives for a minute. The first request that sends it uses it up, even if
//!   the request fails. If the code is sent again, its tokens are revoked. A pushed request is
//!   valid for a minute, or until the user has decided. `response_mode` is `query` or `form_post`,
//!   and the answer has `iss` (RFC 9207). The `scope` of a code exchange is ignored (RFC 6749
//!   §4.1.3). `prompt=none` fails with `login_required` if no user is logged in.
//! - `refresh_token`: each login gets one. It lives for a day, is used once, and is then replaced
//!   by the next. If it is sent again, all tokens of the login are revoked (RFC 9700 §4.14.2).
//!   Scopes and resources may be narrowed.
//! - `device_code`: the user has ten minutes. The device waits five seconds between polls, and five
//!   more after each `slow_down`.
//! - `jwt-bearer`: accepts JWTs of the issuers of [`DevServer::trust_issuer`]. The audience is the
//!   issuer or the token endpoint, the lifetime is at most a day, and a `jti`, if there is one, is
//!   accepted once.
//! - `token-exchange`: exchanges an access token of this server for another one, with `act` if
//!   there is an actor. The new token ends with the login that the first one came from.
//!
//! # Users
//!
//! A test decides for the user: [`DevServer::approve`] and [`DevServer::deny`] for a device,
//! [`DevServer::log_in_as`] for `/authorize`, which then redirects at once. Without a test, the
//! server shows pages with two buttons. `curl` can send their form as well:
//!
//! ```text
//! curl -d user_code=WDJB-MJHT -d decision=approve -d subject=user-1 ISSUER/device
//! curl -i -d client_id=client -d request_uri=urn:… -d decision=deny ISSUER/authorize
//! ```
//!
//! # Browsers
//!
//! A web page in the developer's browser must not be able to drive the server, so:
//!
//! - The `Host` of a request must be a loopback name with the server's port, or one of
//!   [`DevServerBuilder::allow_host`]. Any other gets 421.
//! - A POST from a page of another origin, recognised by its `Sec-Fetch-Site` or `Origin`, gets 403
//!   at every endpoint. An authorization request by POST (OpenID Connect Core §3.1.2.1) is answered
//!   like one by GET; the decision about it must come from the server's own page. Programs outside
//!   a browser send neither header.
//! - There is no CORS, because a page has no private key to authenticate with. No page of another
//!   origin can read an answer.
//! - The pages cannot be framed and load nothing, and the server sets no cookie. Every answer has
//!   `no-store`, `nosniff` and `Cross-Origin-Resource-Policy: same-origin`.
//!
//! The server keeps everything in memory, bounded: at most a thousand logins of each kind and a
//! hundred thousand tokens at a time. A full server answers 503 until entries expire, by the time
//! that the caller passes.

mod access_token;
mod answer;
mod authentication;
mod authority;
mod authorization_request;
mod authorize;
mod builder;
mod clients;
mod device;
mod device_authorization;
mod device_page;
mod error;
mod form;
mod grant;
mod id_token;
mod introspect;
mod listener;
mod metadata;
mod page;
mod par;
mod refresh_token;
mod revoke;
mod routes;
mod secret;
mod sender;
mod signing_keys;
mod state;
mod store;
mod token;
mod userinfo;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;

pub use answer::Exchange;
use answer::{Refused, chain};
use authority::Authorities;
pub use builder::DevServerBuilder;
pub use clients::ClientKeys;
use clients::Clients;
pub use error::DevServerError;
pub use listener::RunningDevServer;
use signing_keys::SigningKeys;
use state::State;

use crate::jose::JwkSet;
use crate::oauth::{AuthorizationServer, Endpoint};
use crate::transport::{HttpClient, get_json};
use crate::verifier::{ClientAssertionVerifier, InMemoryReplayStore};

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
    inner: Arc<Inner>,
}

struct Inner {
    issuer: String,
    jwks_uri: String,
    userinfo_endpoint: String,
    authorization_server: AuthorizationServer,
    keys: SigningKeys,
    /// The `typ` of access tokens.
    token_media_type: Option<String>,
    verifier: ClientAssertionVerifier,
    /// The used assertions. `None` if assertions may be reused.
    replay: Option<InMemoryReplayStore>,
    clients: Clients,
    /// The names that the server answers to.
    authorities: Authorities,
    state: Mutex<State>,
}

impl DevServer {
    /// The environment id in every path, as in PingOne's URLs.
    pub const ENVIRONMENT_ID: &str = "de7de7de-0000-4000-8000-000000000000";
    /// The `aud` of an access token when the request names no `resource` (RFC 9068 §3).
    pub const DEFAULT_AUDIENCE: &str = "https://api.example";
    /// Lifetime of access tokens (`expires_in`) and ID tokens.
    pub const TOKEN_LIFETIME: Duration = access_token::LIFETIME.unsigned_abs();
    /// Default maximum lifetime of a client assertion. [`DevServerBuilder::longest_lifetime`]
    /// allows more.
    pub const LONGEST_LIFETIME: Duration = Duration::from_secs(300);
    /// Default user, if neither a page nor a test names another one.
    pub const DEFAULT_SUBJECT: &str = "user-1";

    /// Creates a server for this origin, such as `http://127.0.0.1:8080`, with the default settings
    /// of [`DevServer::builder`]. The server does not listen: call [`DevServer::respond`], or use
    /// [`DevServer::bind`] for one that does.
    ///
    /// # Errors
    ///
    /// [`DevServerError::Origin`] if the origin is anything but a scheme, a loopback host and a
    /// port.
    pub fn new(origin: &str) -> Result<Self, DevServerError> {
        Self::builder().build(origin)
    }

    /// Returns a builder for a server with other settings.
    pub fn builder() -> DevServerBuilder {
        DevServerBuilder::new()
    }

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

    /// The public keys of the server's tokens, as published at [`DevServer::jwks_uri`]. Generates
    /// the keys if no request has needed them yet. Empty if the operating system has no random
    /// bytes to generate them from; every token request then fails with `server_error`.
    #[must_use]
    pub fn jwks(&self) -> JwkSet {
        self.inner.keys.jwks().unwrap_or_default()
    }

    /// Generates the keys in the background, so that neither the start nor the first token waits
    /// for them.
    fn make_keys_ahead(&self) {
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

    /// Answers a request. The response depends on the arguments and, apart from them, only on the
    /// registered clients, the used assertions and the random `jti` of a token.
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
        Exchange::new(request.method(), request.uri().path(), self.inner.answer(request, now))
    }

    /// As [`DevServer::handle`], but fetches a client's JWKS URL if that is needed.
    pub async fn handle_with(
        &self,
        request: &http::Request<Vec<u8>>,
        now: OffsetDateTime,
        http: &dyn HttpClient,
    ) -> Exchange {
        let exchange = self.handle(request, now);
        let Some(client_id) = exchange.wants_keys_of.as_deref() else {
            return exchange;
        };
        match self.refresh(client_id, http).await {
            Ok(()) => self.handle(request, now),
            Err(error) => {
                let description = format!("the JWKS URL of client `{client_id}`: {}", chain(&error));
                let refused = Refused::invalid_client(&description);
                Exchange::new(request.method(), request.uri().path(), Err(refused))
            }
        }
    }

    /// Fetches the keys of a client that is registered by URL. Does nothing for other clients.
    ///
    /// # Errors
    ///
    /// [`DevServerError::UnknownClient`] if the client is not registered;
    /// [`DevServerError::Transport`] if the URL returns no document; [`DevServerError::Jose`] if
    /// the document is not a JWK Set. The keys fetched before stay.
    pub async fn refresh(&self, client_id: &str, http: &dyn HttpClient) -> Result<(), DevServerError> {
        let clients = &self.inner.clients;
        if let Some(url) = clients.jwks_url(client_id)? {
            let document = get_json(http, &url).await?;
            clients.store(client_id, &url, JwkSet::from_json(&document)?);
        }
        Ok(())
    }
}

impl Inner {
    /// Ignores poisoning: no step leaves the state half-changed, even if code elsewhere panics.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn url(&self, endpoint: Endpoint) -> String {
        format!("{}{}", self.issuer, metadata::path(endpoint))
    }

    fn device_page(&self) -> String {
        format!("{}{}", self.issuer, metadata::DEVICE)
    }
}

impl std::fmt::Debug for DevServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DevServer").field("issuer", &self.issuer()).finish_non_exhaustive()
    }
}
