//! Floor 7: a small, strict authorization server for quickstarts and for your own tests. **Not for production**: it
//! grants every scope, forgets everything when it ends, lets whoever sees its pages decide for the user, and tells whoever
//! asks which check failed.
//!
//! The server is a function from a request and a time to a response, [`DevServer::respond`]. Mount it in any HTTP
//! mock, or let [`DevServer::bind`] listen on a loopback port.
//!
//! # Where everything is
//!
//! The paths are PingOne's, below the issuer `ORIGIN/ENV_ID/as`:
//!
//! | path | what is there |
//! | --- | --- |
//! | `/token` | the token endpoint (RFC 6749 §3.2) |
//! | `/par` | pushed authorization requests (RFC 9126) |
//! | `/introspect` | introspection (RFC 7662): access tokens for every client, refresh tokens for their own |
//! | `/revoke` | revocation (RFC 7009): with a refresh token end all tokens of its login |
//! | `/device_authorization` | device authorization (RFC 8628), with the page at `/device` |
//! | `/authorize` | the authorization endpoint (RFC 6749 §3.1), a page or a redirect |
//! | `/jwks` | the key that access tokens are signed with (RFC 9068) |
//! | `/.well-known/openid-configuration` | the metadata, at the RFC 8414 path too |
//!
//! [`DevServer::authorization_server`] hands all of it out without a request.
//!
//! # Clients
//!
//! A client authenticates at each of the first five by `private_key_jwt` and by nothing else, checked by this crate's own
//! [verifier](crate::verifier): any of the crate's algorithms, an assertion used once, a life of at most five minutes.
//! Like PingOne it accepts three audiences, the issuer, the token endpoint and the endpoint that is called; still one per
//! assertion. What is malformed is refused before the assertion is used up.
//!
//! # Grants
//!
//! - `client_credentials`.
//! - `authorization_code`: PKCE with S256 is required. A redirect URI is http or https on loopback, any port and path; it
//!   is not registered, and compared byte for byte with the one at `/token`. A code lives for a minute and is used up by
//!   whoever comes with it, also in vain; when it comes again, the tokens that it gave are revoked. A pushed request
//!   waits for a minute, until the user has decided; `response_mode` is `query`, and the answer has `iss` (RFC 9207).
//! - `refresh_token`: there is one with each login. It lives for a day and is used once, the next takes its place; when
//!   it comes again, all tokens of the login are revoked (RFC 9700 §4.14.2). Scopes and resources may be narrowed.
//! - `device_code`: ten minutes for the user, five seconds between two questions, and five more with each `slow_down`.
//! - `jwt-bearer`: for the issuers of [`DevServer::trust_issuer`]; the audience is the issuer or the token endpoint, a life
//!   is a day at most, and a `jti`, where there is one, is good once.
//! - `token-exchange`: an access token of this server for another one, with `act` where there is an actor. It ends with
//!   the login that the first one came from.
//!
//! `resource` and `audience` go into the `aud` of the token with each grant. Tokens of a login have a claim `grant_id`.
//!
//! # Users
//!
//! A test decides in the user's place: [`DevServer::approve`] and [`DevServer::deny`] for a device,
//! [`DevServer::log_in_as`] for `/authorize`, which then redirects at once. Without a test there are pages with two
//! buttons, and a form that `curl` can send as well:
//!
//! ```text
//! curl -d user_code=WDJB-MJHT -d decision=approve -d subject=user-1 ISSUER/device
//! curl -i -d client_id=client -d request_uri=urn:… -d decision=deny ISSUER/authorize
//! ```
//!
//! What is remembered is in memory and bounded: a thousand logins of each kind at a time, a hundred thousand tokens. A
//! server that is full answers 503 until some have ended, by the time that it is given.

mod access_token;
mod answer;
mod authentication;
mod authorization_request;
mod authorize;
mod clients;
mod device;
mod device_authorization;
mod device_page;
mod error;
mod form;
mod grant;
mod introspect;
mod listener;
mod metadata;
mod page;
mod par;
mod refresh_token;
mod revoke;
mod secret;
mod state;
mod store;
mod token;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;
use time::OffsetDateTime;

pub use answer::Exchange;
use answer::{Answer, Refused, chain};
use authentication::ClientRequest;
pub use clients::ClientKeys;
use clients::Clients;
pub use error::DevServerError;
pub use listener::RunningDevServer;
use state::State;

use crate::jose::error::excerpt;
use crate::jose::{Algorithm, JwkSet};
use crate::keys::{PrivateKey, PublicKeySet};
use crate::oauth::{AuthorizationServer, Endpoint, check_endpoint, is_loopback};
use crate::transport::{HttpClient, get_json};
use crate::verifier::{AudiencePolicy, ClientAssertionVerifier, InMemoryReplayStore};

/// A development authorization server. Cloning is cheap; the clones share clients, keys and used assertions.
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
    authorization_server: AuthorizationServer,
    key: PrivateKey,
    public_keys: PublicKeySet,
    verifier: ClientAssertionVerifier,
    replay: InMemoryReplayStore,
    clients: Clients,
    state: Mutex<State>,
}

impl DevServer {
    /// The environment in every path, as PingOne has one.
    pub const ENVIRONMENT_ID: &str = "de7de7de-0000-4000-8000-000000000000";
    /// The `aud` of a token when the request names no `resource` (RFC 9068 §3).
    pub const DEFAULT_AUDIENCE: &str = "https://api.example";
    /// How long a token lives: `expires_in`.
    pub const TOKEN_LIFETIME: Duration = access_token::LIFETIME.unsigned_abs();
    /// The user, unless a page or a test says another one.
    pub const DEFAULT_SUBJECT: &str = "user-1";

    /// A server that is reached at this origin, such as `http://127.0.0.1:8080`, with a new ES256 key for its tokens.
    /// It listens nowhere; see [`DevServer::respond`], and [`DevServer::bind`] for one that does.
    ///
    /// # Errors
    ///
    /// [`DevServerError::Origin`] for anything but a scheme, a loopback host and a port; [`DevServerError::Key`] when
    /// no key can be made.
    pub fn new(origin: &str) -> Result<Self, DevServerError> {
        let wrong = |reason| DevServerError::Origin { origin: excerpt(origin), reason };
        let url = check_endpoint("origin", origin)
            .map_err(|_| wrong("is not an origin of this machine, such as http://127.0.0.1:8080"))?;
        if !is_loopback(&url) {
            return Err(wrong("is not loopback; the dev server is not for production"));
        }
        if url.path() != "/" || url.query().is_some() || origin.ends_with('/') {
            return Err(wrong("has more than a scheme, a host and a port"));
        }
        let issuer = format!("{origin}{}", metadata::path_of_issuer());
        let document = metadata::document(&issuer).to_string();
        let authorization_server = AuthorizationServer::from_metadata(&issuer, document.as_bytes())?;
        let token_endpoint = authorization_server.token_endpoint();
        let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
        Ok(Self {
            inner: Arc::new(Inner {
                jwks_uri: format!("{issuer}{}", metadata::JWKS),
                verifier: ClientAssertionVerifier::new(&issuer)
                    .audience_policy(AudiencePolicy::compatible([token_endpoint])),
                replay: InMemoryReplayStore::default(),
                clients: Clients::default(),
                state: Mutex::default(),
                public_keys: key.public_key()?.into(),
                authorization_server,
                key,
                issuer,
            }),
        })
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

    /// The server as [discovery](AuthorizationServer::discover) finds it, without asking: with all of its endpoints.
    #[must_use]
    pub fn authorization_server(&self) -> &AuthorizationServer {
        &self.inner.authorization_server
    }

    /// Where the server publishes the key of its tokens.
    #[must_use]
    pub fn jwks_uri(&self) -> &str {
        &self.inner.jwks_uri
    }

    /// The public key of its tokens, as it stands behind [`DevServer::jwks_uri`].
    #[must_use]
    pub fn jwks(&self) -> JwkSet {
        self.inner.key.public_jwk().clone().into()
    }

    /// Registers a client. One of the same id is replaced.
    ///
    /// # Errors
    ///
    /// [`DevServerError::ClientId`]; [`DevServerError::NoUsableKey`] and [`DevServerError::Key`] for keys that can
    /// check no signature; [`DevServerError::OAuth`] for a JWKS URL that is neither https nor http on loopback.
    pub fn register(&self, client_id: &str, keys: impl Into<ClientKeys>) -> Result<(), DevServerError> {
        self.inner.clients.register(client_id, keys.into())
    }

    /// Answers a request. Nothing but the clients, the used assertions and the random `jti` of a token comes from
    /// elsewhere than the arguments.
    ///
    /// A client that is registered by URL needs [`DevServer::refresh`] first, since this does no I/O.
    #[must_use]
    pub fn respond(&self, request: &http::Request<Vec<u8>>, now: OffsetDateTime) -> http::Response<Vec<u8>> {
        self.handle(request, now).response
    }

    /// As [`DevServer::respond`], with a line for the log.
    #[must_use]
    pub fn handle(&self, request: &http::Request<Vec<u8>>, now: OffsetDateTime) -> Exchange {
        Exchange::new(request.method(), request.uri().path(), self.answer(request, now))
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
                let refused = Refused::invalid_client(&format!("the client's JWKS URL: {}", chain(&error)));
                Exchange::new(request.method(), request.uri().path(), Err(refused))
            }
        }
    }

    /// Asks a client's JWKS URL for its keys. For a client that is registered otherwise there is nothing to do.
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

    fn answer(&self, request: &http::Request<Vec<u8>>, now: OffsetDateTime) -> Result<Answer, Refused> {
        const RFC8414: &str = "/.well-known/oauth-authorization-server";
        let (path, issuer) = (request.uri().path(), metadata::path_of_issuer());
        let path_behind = path.strip_prefix(&issuer);
        let server = &*self.inner;
        if let Some(endpoint) = Endpoint::ALL.into_iter().find(|it| path_behind == Some(metadata::path(*it)))
        {
            let request = ClientRequest::of(server, endpoint, request, now)?;
            return match endpoint {
                Endpoint::Token => token::answer(&request),
                Endpoint::PushedAuthorization => par::answer(&request),
                Endpoint::Introspection => introspect::answer(&request),
                Endpoint::Revocation => revoke::answer(&request),
                Endpoint::DeviceAuthorization => device_authorization::answer(&request),
            };
        }
        let document = match path_behind {
            Some(metadata::AUTHORIZE) => return authorize::answer(server, request, now),
            Some(metadata::DEVICE) => return device_page::answer(server, request, now),
            Some(metadata::JWKS) => json!(self.jwks()),
            Some("/.well-known/openid-configuration") => metadata::document(self.issuer()),
            _ if path.strip_prefix(RFC8414) == Some(&issuer) => metadata::document(self.issuer()),
            _ => return Err(Refused::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here")),
        };
        if request.method() != Method::GET {
            return Err(Refused::method_not_allowed("GET"));
        }
        Ok(Answer::json(document, String::new()))
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
