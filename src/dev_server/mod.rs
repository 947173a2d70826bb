//! Floor 7: a small, strict authorization server and OpenID provider for quickstarts and tests.
//! **Not for production**: it grants every scope, forgets everything when it ends, lets anyone who
//! sees its pages decide for the user, and tells every caller which check failed.
//!
//! The server is a function from a request and a time to a response, [`DevServer::respond`]. Mount
//! it in any HTTP mock, or let [`DevServer::bind`] listen on a loopback port.
//! [`DevServer::builder`] has its settings.
//!
//! # Endpoints
//!
//! The paths are PingOne's, below the issuer `ORIGIN/ENV_ID/as`:
//!
//! | path | endpoint |
//! | --- | --- |
//! | `/token` | the token endpoint (RFC 6749 §3.2) |
//! | `/par` | pushed authorization requests (RFC 9126) |
//! | `/introspect` | introspection (RFC 7662): access tokens for every client, refresh tokens for their own |
//! | `/revoke` | revocation (RFC 7009): a refresh token takes all tokens of its login along |
//! | `/device_authorization` | device authorization (RFC 8628), with the page at `/device` |
//! | `/authorize` | the authorization endpoint (RFC 6749 §3.1), a page or a redirect |
//! | `/userinfo` | the `sub` of an access token with the scope `openid` (OpenID Connect Core §5.3) |
//! | `/jwks` | the keys that tokens are signed with |
//! | `/.well-known/openid-configuration` | the metadata (OpenID Connect Discovery §4), also at the RFC 8414 §3.1 path |
//!
//! [`DevServer::authorization_server`] returns all of it without a request. An unknown query
//! parameter in an endpoint's URL is ignored (RFC 6749 §3.2); a parameter of the protocol is
//! refused there, since it belongs into the body. HEAD is answered wherever GET is.
//!
//! # Clients
//!
//! A client authenticates at each of the first five endpoints by `private_key_jwt` and by nothing
//! else, checked by this crate's own [verifier](crate::verifier): any of the crate's algorithms,
//! each assertion once, a life of at most [`DevServer::LONGEST_LIFETIME`].
//! [`DevServerBuilder::longest_lifetime`], [`DevServerBuilder::reusable_assertions`] and
//! [`DevServerBuilder::accept_missing_jti`] allow more.
//! `EdDSA` and `Ed25519` name one algorithm. Like PingOne the server accepts three audiences, the
//! issuer, the token endpoint and the endpoint that is called; one per assertion. Malformed
//! requests are refused before the assertion is used up.
//!
//! # Refusals
//!
//! `error_description` names the check that failed, with what was found and what was expected. A
//! client that fails to authenticate gets 400 `invalid_client`; with an `Authorization` header it
//! gets 401 and a challenge of the same scheme (RFC 6749 §5.2, RFC 9110 §15.5.2).
//!
//! # Tokens
//!
//! Access tokens follow RFC 9068: `typ: at+jwt`, signed with RS256.
//! [`DevServerBuilder::token_algorithm`] and [`DevServerBuilder::token_media_type`] choose others,
//! for resource servers that want them. `resource` and `audience` go into the `aud` of the token
//! with each grant. Tokens of a login have a claim `grant_id`.
//!
//! A login with the scope `openid` also gets an ID token (OpenID Connect Core §2), signed with
//! RS256, from the authorization code, the device code and each refresh: `iss`, `sub`, `aud`,
//! `exp`, `iat`, `auth_time`, `at_hash` and, with a code, the `nonce` of the request.
//!
//! Keys are made when they are first needed, and in the background once the server listens. The
//! servers of a process share the RSA key, which is slow to make, under different names (`kid`).
//!
//! # Grants
//!
//! - `client_credentials`.
//! - `authorization_code`: PKCE with S256 is required. A redirect URI is http or https on loopback,
//!   any port and path; it is not registered, and compared byte for byte with the one at `/token`.
//!   A code lives for a minute and is used up by the first request that brings it, also in vain;
//!   when it comes again, the tokens that it gave are revoked. A pushed request waits for a minute,
//!   until the user has decided; `response_mode` is `query` or `form_post`, and the answer has
//!   `iss` (RFC 9207). The `scope` of a code exchange is ignored (RFC 6749 §4.1.3). `prompt=none`
//!   without a user who is logged in ends with `login_required`.
//! - `refresh_token`: there is one with each login. It lives for a day and is used once, the next
//!   takes its place; when it comes again, all tokens of the login are revoked (RFC 9700 §4.14.2).
//!   Scopes and resources may be narrowed.
//! - `device_code`: ten minutes for the user, five seconds between two questions, and five more
//!   with each `slow_down`.
//! - `jwt-bearer`: for the issuers of [`DevServer::trust_issuer`]; the audience is the issuer or
//!   the token endpoint, a life is a day at most, and a `jti`, where there is one, is accepted
//!   once.
//! - `token-exchange`: an access token of this server for another one, with `act` where there is an
//!   actor. It ends with the login that the first one came from.
//!
//! # Users
//!
//! A test decides in the user's place: [`DevServer::approve`] and [`DevServer::deny`] for a device,
//! [`DevServer::log_in_as`] for `/authorize`, which then redirects at once. Without a test there
//! are pages with two buttons, and a form that `curl` can send as well:
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
//! - The `Host` of a request is a loopback name with the server's port, or one of
//!   [`DevServerBuilder::allow_host`]. Any other gets 421.
//! - A POST that a page of another origin makes a browser send, by its `Sec-Fetch-Site` or
//!   `Origin`, gets 403 at every endpoint. An authorization request by POST (OpenID Connect Core
//!   §3.1.2.1) is answered as one by GET is; the decision about it comes from the server's own
//!   page. Programs outside a browser send neither header.
//! - There is no CORS, since a page has no private key to authenticate with: no page of another
//!   origin reads an answer.
//! - The pages stand in no frame and load nothing, and no cookie is set. Every answer has
//!   `no-store`, `nosniff` and `Cross-Origin-Resource-Policy: same-origin`.
//!
//! The server remembers everything in memory, bounded: a thousand logins of each kind at a time, a
//! hundred thousand tokens. A full server answers 503 until some have ended, by the time that it is
//! given.

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
    /// The assertions that were used, unless they may be reused.
    replay: Option<InMemoryReplayStore>,
    clients: Clients,
    /// The names that the server answers to.
    authorities: Authorities,
    state: Mutex<State>,
}

impl DevServer {
    /// The environment in every path, as PingOne has one.
    pub const ENVIRONMENT_ID: &str = "de7de7de-0000-4000-8000-000000000000";
    /// The `aud` of an access token when the request names no `resource` (RFC 9068 §3).
    pub const DEFAULT_AUDIENCE: &str = "https://api.example";
    /// How long an access token lives (`expires_in`), and an ID token.
    pub const TOKEN_LIFETIME: Duration = access_token::LIFETIME.unsigned_abs();
    /// The longest life of a client assertion, unless [`DevServerBuilder::longest_lifetime`] allows
    /// more.
    pub const LONGEST_LIFETIME: Duration = Duration::from_secs(300);
    /// The user, unless a page or a test says another one.
    pub const DEFAULT_SUBJECT: &str = "user-1";

    /// A server that is reached at this origin, such as `http://127.0.0.1:8080`, with the settings
    /// that [`DevServer::builder`] starts with. It does not listen; see [`DevServer::respond`], and
    /// [`DevServer::bind`] for one that does.
    ///
    /// # Errors
    ///
    /// [`DevServerError::Origin`] for anything but a scheme, a loopback host and a port.
    pub fn new(origin: &str) -> Result<Self, DevServerError> {
        Self::builder().build(origin)
    }

    /// The settings of a new server.
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

    /// Where an access token with the scope `openid` is answered with its `sub` (OpenID Connect
    /// Core §5.3).
    #[must_use]
    pub fn userinfo_endpoint(&self) -> &str {
        &self.inner.userinfo_endpoint
    }

    /// The server as [discovery](AuthorizationServer::discover) finds it, without asking: with all
    /// of its endpoints.
    #[must_use]
    pub fn authorization_server(&self) -> &AuthorizationServer {
        &self.inner.authorization_server
    }

    /// Where the server publishes the keys of its tokens.
    #[must_use]
    pub fn jwks_uri(&self) -> &str {
        &self.inner.jwks_uri
    }

    /// The public keys of its tokens, as [`DevServer::jwks_uri`] has them. Makes them if no request
    /// needed them yet. Empty if the operating system has no random bytes to make them of; every
    /// token request then fails with `server_error`.
    #[must_use]
    pub fn jwks(&self) -> JwkSet {
        self.inner.keys.jwks().unwrap_or_default()
    }

    /// Makes the keys in the background, so that neither the start nor the first token waits for
    /// them.
    fn make_keys_ahead(&self) {
        let server = self.clone();
        std::thread::spawn(move || server.jwks());
    }

    /// Registers a client. One of the same id is replaced.
    ///
    /// # Errors
    ///
    /// [`DevServerError::ClientId`]; [`DevServerError::NoUsableKey`] and [`DevServerError::Key`]
    /// for keys that can check no signature; [`DevServerError::OAuth`] for a JWKS URL that is
    /// neither https nor http on loopback.
    pub fn register(&self, client_id: &str, keys: impl Into<ClientKeys>) -> Result<(), DevServerError> {
        self.inner.clients.register(client_id, keys.into())
    }

    /// Answers a request. Nothing but the clients, the used assertions and the random `jti` of a
    /// token comes from elsewhere than the arguments.
    ///
    /// A client that is registered by URL needs [`DevServer::refresh`] first, since this does no
    /// I/O.
    #[must_use]
    pub fn respond(&self, request: &http::Request<Vec<u8>>, now: OffsetDateTime) -> http::Response<Vec<u8>> {
        self.handle(request, now).response
    }

    /// As [`DevServer::respond`], with a line for the log.
    #[must_use]
    pub fn handle(&self, request: &http::Request<Vec<u8>>, now: OffsetDateTime) -> Exchange {
        Exchange::new(request.method(), request.uri().path(), self.inner.answer(request, now))
    }

    /// As [`DevServer::handle`], asking a client's JWKS URL where that is needed.
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

    /// Asks a client's JWKS URL for its keys. For a client that is registered otherwise there is
    /// nothing to do.
    ///
    /// # Errors
    ///
    /// [`DevServerError::UnknownClient`]; [`DevServerError::Transport`] when there is no document;
    /// [`DevServerError::Jose`] when it is not a JWK Set. The keys fetched before stay.
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
    /// No step leaves it half-changed, so a panic elsewhere does not spoil it.
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
