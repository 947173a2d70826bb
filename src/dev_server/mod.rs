//! Floor 7: a small, strict authorization server for quickstarts and for your own tests. **Not for production**: it
//! grants every scope, forgets everything when it ends, and tells whoever asks which check failed.
//!
//! Its paths are PingOne's: `/ENV_ID/as/token`, `/ENV_ID/as/jwks` and `/ENV_ID/as/.well-known/openid-configuration`
//! (and the RFC 8414 path too). It knows one grant, `client_credentials`, and one way of client authentication,
//! `private_key_jwt`, checked by this crate's own [verifier](crate::verifier): any of the crate's algorithms, an
//! assertion used once, a life of at most five minutes. Like PingOne it accepts two audiences, the issuer and the
//! token endpoint; still one per assertion.
//!
//! The server is a function from a request and a time to a response, [`DevServer::respond`]. Mount it in any HTTP
//! mock, or let [`DevServer::bind`] listen on a loopback port.

mod answer;
mod clients;
mod error;
mod listener;
mod token;

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use time::OffsetDateTime;

pub use answer::Exchange;
use answer::{Refused, Success, chain};
pub use clients::ClientKeys;
use clients::Clients;
pub use error::DevServerError;
pub use listener::RunningDevServer;

use crate::jose::error::excerpt;
use crate::jose::{Algorithm, JwkSet};
use crate::keys::PrivateKey;
use crate::oauth::{check_endpoint, is_loopback};
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
    token_endpoint: String,
    jwks_uri: String,
    key: PrivateKey,
    verifier: ClientAssertionVerifier,
    replay: InMemoryReplayStore,
    clients: Clients,
}

impl DevServer {
    /// The environment in every path, as PingOne has one.
    pub const ENVIRONMENT_ID: &str = "de7de7de-0000-4000-8000-000000000000";
    /// The `aud` of a token when the request names no `resource` (RFC 9068 §3).
    pub const DEFAULT_AUDIENCE: &str = "https://api.example";
    /// How long a token lives: `expires_in`.
    pub const TOKEN_LIFETIME: Duration = Duration::from_secs(3600);

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
        let issuer = format!("{origin}{}", path_of_issuer());
        let token_endpoint = format!("{issuer}/token");
        Ok(Self {
            inner: Arc::new(Inner {
                jwks_uri: format!("{issuer}/jwks"),
                key: PrivateKey::generate(Algorithm::ES256)?.private_key()?,
                verifier: ClientAssertionVerifier::new(&issuer)
                    .audience_policy(AudiencePolicy::compatible([&token_endpoint])),
                replay: InMemoryReplayStore::default(),
                clients: Clients::default(),
                token_endpoint,
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
        &self.inner.token_endpoint
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

    fn answer(&self, request: &http::Request<Vec<u8>>, now: OffsetDateTime) -> Result<Success, Refused> {
        const RFC8414: &str = "/.well-known/oauth-authorization-server";
        let (path, issuer) = (request.uri().path(), path_of_issuer());
        let document = match path.strip_prefix(&issuer) {
            Some("/token") => return token::answer(&self.inner, request, now),
            Some("/jwks") => json!(self.jwks()),
            Some("/.well-known/openid-configuration") => self.metadata(),
            _ if path.strip_prefix(RFC8414) == Some(&issuer) => self.metadata(),
            _ => return Err(Refused::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here")),
        };
        if request.method() != Method::GET {
            return Err(Refused::method_not_allowed("GET"));
        }
        Ok(Success { body: document, note: String::new() })
    }

    /// RFC 8414 §2.
    fn metadata(&self) -> Value {
        json!({
            "issuer": self.issuer(),
            "token_endpoint": self.token_endpoint(),
            "jwks_uri": self.jwks_uri(),
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": Algorithm::ALL,
        })
    }
}

impl std::fmt::Debug for DevServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DevServer").field("issuer", &self.issuer()).finish_non_exhaustive()
    }
}

fn path_of_issuer() -> String {
    format!("/{}/as", DevServer::ENVIRONMENT_ID)
}
