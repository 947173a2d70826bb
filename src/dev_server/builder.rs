use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::authority::Authorities;
use super::clients::Clients;
use super::error::DevServerError;
use super::inner::Inner;
use super::server::DevServer;
use super::signing_keys::SigningKeys;
use super::{access_token, metadata, paths};
use crate::jose::Algorithm;
use crate::jose::secret_form::Shown;
use crate::oauth::{AuthorizationServer, check_endpoint, is_loopback, safe_url};
use crate::verifier::{AudiencePolicy, ClientAssertionVerifier, InMemoryReplayStore};

/// The settings of a [`DevServer`]: its access tokens, and how long an assertion may live.
///
/// ```
/// use std::time::Duration;
///
/// use private_key_jwt::Algorithm;
/// use private_key_jwt::dev_server::DevServer;
///
/// let dev = DevServer::builder()
///     .token_algorithm(Algorithm::ES256)
///     .token_media_type(Some("JWT"))
///     .longest_lifetime(Duration::from_secs(3600))
///     .build("http://127.0.0.1:8080")?;
/// # let _ = dev;
/// # Ok::<(), private_key_jwt::dev_server::DevServerError>(())
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until `build` or `bind`"]
pub struct DevServerBuilder {
    token_algorithm: Algorithm,
    token_media_type: Option<String>,
    longest_lifetime: Duration,
    accepts_reuse: bool,
    accepts_missing_jti: bool,
    allowed_hosts: Vec<String>,
}

impl std::fmt::Debug for DevServerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DevServerBuilder")
            .field("token_algorithm", &self.token_algorithm)
            .field("token_media_type", &self.token_media_type.as_deref().map(Shown))
            .field("longest_lifetime", &self.longest_lifetime)
            .field("accepts_reuse", &self.accepts_reuse)
            .field("accepts_missing_jti", &self.accepts_missing_jti)
            .field("allowed_hosts", &self.allowed_hosts.iter().map(|host| safe_url(host)).collect::<Vec<_>>())
            .finish()
    }
}

impl DevServerBuilder {
    pub(super) fn new() -> Self {
        Self {
            token_algorithm: Algorithm::RS256,
            token_media_type: Some(access_token::MEDIA_TYPE.to_owned()),
            longest_lifetime: DevServer::LONGEST_LIFETIME,
            accepts_reuse: false,
            accepts_missing_jti: false,
            allowed_hosts: Vec::new(),
        }
    }

    /// Sets the algorithm that access tokens are signed with. ID tokens are always signed with
    /// RS256. Default: RS256, which every resource server supports (RFC 9068 §2.1).
    pub const fn token_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.token_algorithm = algorithm;
        self
    }

    /// Sets the `typ` of access tokens; `None` omits it. Default: `at+jwt` (RFC 9068 §2.1). Change
    /// it for resource servers that accept nothing but `JWT`.
    pub fn token_media_type(mut self, media_type: Option<&str>) -> Self {
        self.token_media_type = media_type.map(str::to_owned);
        self
    }

    /// Sets the maximum lifetime of a client assertion. Default: [`DevServer::LONGEST_LIFETIME`].
    /// MSAL sends assertions of 600 s, Authlib and zitadel of 3600 s.
    pub const fn longest_lifetime(mut self, lifetime: Duration) -> Self {
        self.longest_lifetime = lifetime;
        self
    }

    /// Accepts an assertion any number of times until it expires. MSAL sends the same one with
    /// every request for ten minutes. By default, each assertion is accepted once, as RFC 7523 §3
    /// allows. This turns off the only check that finds a client that forgets to make a new `jti`.
    pub const fn reusable_assertions(mut self) -> Self {
        self.accepts_reuse = true;
        self
    }

    /// Accepts assertions without `jti`, which kafka-clients sends by default.
    /// [`ClientAssertionVerifier::accept_missing_jti`] states the cost. By default, they are
    /// refused: OpenID Connect Core §9 requires a `jti`.
    pub const fn accept_missing_jti(mut self) -> Self {
        self.accepts_missing_jti = true;
        self
    }

    /// Also answers requests whose `Host` is this name or address, with its port (`auth.test:8080`)
    /// or with any port (`auth.test`). Use it for clients that reach the server under another name,
    /// such as `host.docker.internal` or a service of a compose file behind a forwarder. May be
    /// called several times. Default: only loopback names with the server's port.
    ///
    /// This gives up the protection against DNS rebinding for this name: a site that controls what
    /// the name resolves to can make its pages, in your browser, call the server and read its
    /// answers. Allow only names that your own machine or network defines.
    pub fn allow_host(mut self, host: impl Into<String>) -> Self {
        self.allowed_hosts.push(host.into());
        self
    }

    /// Builds a server for this origin, such as `http://127.0.0.1:8080`. The server does not
    /// listen: mount [`DevServer::respond`] in any HTTP mock.
    ///
    /// # Errors
    ///
    /// [`DevServerError::Origin`] if the origin is anything but a scheme, a loopback host and a
    /// port; [`DevServerError::AllowedHost`] if an [allowed host](Self::allow_host) is not a host.
    pub fn build(&self, origin: &str) -> Result<DevServer, DevServerError> {
        let wrong = |reason| DevServerError::Origin { origin: safe_url(origin), reason };
        let url = check_endpoint("origin", origin)
            .map_err(|_| wrong("is not an origin of this machine, such as http://127.0.0.1:8080"))?;
        if !is_loopback(&url) {
            return Err(wrong("is not loopback; the dev server is not for production"));
        }
        if url.path() != "/" || url.query().is_some() || origin.ends_with('/') {
            return Err(wrong("has more than a scheme, a host and a port"));
        }
        let authorities = Authorities::new(url, &self.allowed_hosts)?;
        let issuer = format!("{origin}{}", paths::path_of_issuer());
        let document = metadata::document(&issuer).to_string();
        let authorization_server = AuthorizationServer::from_metadata(&issuer, document.as_bytes())?;
        let mut verifier = ClientAssertionVerifier::new(&issuer)
            .audience_policy(AudiencePolicy::compatible([authorization_server.token_endpoint()]))
            .longest_lifetime(self.longest_lifetime);
        if self.accepts_missing_jti {
            verifier = verifier.accept_missing_jti();
        }
        Ok(DevServer {
            inner: Arc::new(Inner {
                jwks_uri: format!("{issuer}{}", paths::JWKS),
                userinfo_endpoint: format!("{issuer}{}", paths::USERINFO),
                verifier,
                replay: (!self.accepts_reuse).then(InMemoryReplayStore::default),
                clients: Clients::default(),
                authorities,
                state: Mutex::default(),
                keys: SigningKeys::new(self.token_algorithm),
                token_media_type: self.token_media_type.clone(),
                authorization_server,
                issuer,
            }),
        })
    }
}

impl DevServer {
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
}
