use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
#[cfg(feature = "dev-server-tls")]
use url::{Host, Url};
#[cfg(feature = "dev-server-tls")]
use zeroize::Zeroizing;

use super::access_token;
#[cfg(doc)]
use super::server::DevServer;
#[cfg(feature = "dev-server-tls")]
use super::tls::Tls;
use crate::jose::Algorithm;
use crate::jose::secret_form::Shown;
use crate::oauth::{Profile, safe_url};
use crate::transport::{Clock, SystemClock};

/// The settings of a [`DevServer`]: its tokens, its clock, what it accepts from clients, and how it
/// fails.
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
    pub(super) clock: Arc<dyn Clock>,
    pub(super) profile: Option<Profile>,
    pub(super) token_algorithm: Option<Algorithm>,
    pub(super) token_media_type: Option<String>,
    pub(super) token_lifetime: Duration,
    pub(super) jwks_cache_time: Option<Duration>,
    pub(super) longest_lifetime: Option<Duration>,
    pub(super) accepts_reuse: bool,
    pub(super) accepts_missing_jti: bool,
    pub(super) allowed_hosts: Vec<String>,
    pub(super) public_url: Option<String>,
    pub(super) failures: u32,
    pub(super) failure: StatusCode,
    pub(super) delay: Duration,
    #[cfg(feature = "dev-server-tls")]
    pub(super) tls: Option<Tls>,
}

impl std::fmt::Debug for DevServerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DevServerBuilder")
            .field("profile", &self.profile)
            .field("token_algorithm", &self.token_algorithm)
            .field("token_media_type", &self.token_media_type.as_deref().map(Shown))
            .field("token_lifetime", &self.token_lifetime)
            .field("jwks_cache_time", &self.jwks_cache_time)
            .field("longest_lifetime", &self.longest_lifetime)
            .field("accepts_reuse", &self.accepts_reuse)
            .field("accepts_missing_jti", &self.accepts_missing_jti)
            .field("allowed_hosts", &self.allowed_hosts.iter().map(|host| safe_url(host)).collect::<Vec<_>>())
            .field("public_url", &self.public_url.as_deref().map(safe_url))
            .field("failures", &self.failures)
            .field("failure", &self.failure)
            .field("delay", &self.delay)
            .finish_non_exhaustive()
    }
}

impl DevServerBuilder {
    pub(super) fn new() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            profile: None,
            token_algorithm: None,
            token_media_type: Some(access_token::MEDIA_TYPE.to_owned()),
            token_lifetime: access_token::LIFETIME.unsigned_abs(),
            jwks_cache_time: None,
            longest_lifetime: None,
            accepts_reuse: false,
            accepts_missing_jti: false,
            allowed_hosts: Vec::new(),
            public_url: None,
            failures: 0,
            failure: StatusCode::SERVICE_UNAVAILABLE,
            delay: Duration::ZERO,
            #[cfg(feature = "dev-server-tls")]
            tls: None,
        }
    }

    /// Takes the time from this clock, and waits with it. Default: the operating system's clock.
    /// [`DevServer::respond`] and [`DevServer::handle`] take the time as an argument instead.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Demands what the server of this profile demands of client assertions, and refuses in its
    /// words, so that a program can be tested against that provider. By default, the server has
    /// rules of its own.
    ///
    /// - Audience, algorithms, lifetime, `typ`, `kid`, `client_id` and certificate headers are
    ///   those that the [rules](Profile::rules) of the profile accept.
    /// - A [named profile](Profile::known) also sets the provider's clock tolerance, its demands on
    ///   `jti`, and its answers to refused clients: status, error code and text. Most providers say
    ///   less than this server does. The log and the inspector still name the check that failed.
    /// - [`Profile::fapi2`] applies the FAPI 2.0 Security Profile to the whole server: `aud` is the
    ///   issuer as a string and nothing else (§5.3.2.1), authorization requests must be pushed
    ///   (§5.3.2.2), refresh tokens are not rotated (§5.3.2.1), and tokens are signed with PS256.
    ///   Tokens are not bound to a key, and the server speaks http unless TLS is on.
    ///
    /// The server never accepts an assertion that [`ClientAssertionVerifier`] rejects, such as one
    /// with two audiences. [`longest_lifetime`](Self::longest_lifetime),
    /// [`reusable_assertions`](Self::reusable_assertions),
    /// [`accept_missing_jti`](Self::accept_missing_jti) and
    /// [`token_algorithm`](Self::token_algorithm) take precedence over the profile.
    ///
    /// ```
    /// use private_key_jwt::dev_server::DevServer;
    /// use private_key_jwt::{Algorithm, JwkSet, PrivateKey, Profile, TokenClient};
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    /// let dev = DevServer::builder().profile(Profile::okta()).build("http://127.0.0.1:8080")?;
    /// dev.register("client", JwkSet::from(key.public_jwk().clone()))?;
    ///
    /// // The client sends the issuer as audience, which Okta rejects.
    /// let server = dev.authorization_server().clone();
    /// let client = TokenClient::builder(server.clone(), "client", key.clone()).http(dev.clone()).build()?;
    /// let text = client.token("api:read").await.unwrap_err().to_string();
    /// assert!(text.contains("must be the endpoint invoked for the request"), "{text}");
    ///
    /// let builder = TokenClient::builder(server, "client", key).profile(Profile::okta());
    /// assert!(builder.http(dev).build()?.token("api:read").await.is_ok());
    /// # Ok(()) }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(example())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// [`ClientAssertionVerifier`]: crate::ClientAssertionVerifier
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = Some(profile);
        self
    }

    /// Sets the algorithm that access tokens are signed with. ID tokens are always signed with
    /// RS256, or with PS256 under [`Profile::fapi2`]. Default: the same, which every resource
    /// server supports (RFC 9068 §2.1, FAPI 2.0 §5.4.1).
    pub const fn token_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.token_algorithm = Some(algorithm);
        self
    }

    /// Sets the `typ` of access tokens; `None` omits it. Default: `at+jwt` (RFC 9068 §2.1). Change
    /// it for resource servers that accept nothing but `JWT`.
    pub fn token_media_type(mut self, media_type: Option<&str>) -> Self {
        self.token_media_type = media_type.map(str::to_owned);
        self
    }

    /// Sets the lifetime of access tokens (`expires_in`) and ID tokens, in whole seconds. Default:
    /// 1 h. A short one shows how a program refreshes its tokens. With zero, each token has expired
    /// when it arrives.
    pub const fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = lifetime;
        self
    }

    /// Sets how long JWK Sets are cached, in whole seconds: caches may keep the server's own for
    /// this long (`Cache-Control: max-age`), and the server keeps one from a client's JWKS URL for
    /// this long. By default, the server's own is sent with `no-store`, and a client's is kept
    /// until an assertion names a key that is not in it.
    pub const fn jwks_cache_time(mut self, time: Duration) -> Self {
        self.jwks_cache_time = Some(time);
        self
    }

    /// Answers the first `n` token requests with this status. [`DevServer::fail_next`] does the
    /// same at any time, and describes the answers.
    pub const fn fail_next(mut self, n: u32, status: StatusCode) -> Self {
        self.failures = n;
        self.failure = status;
        self
    }

    /// Sends every answer after this time. Default: at once. [`DevServer::set_delay`] changes it
    /// at any time.
    pub const fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Sets the origin in the issuer and in all endpoints, such as `https://auth.test` or
    /// `http://auth:8080`, if clients reach the server under another URL than it listens on: behind
    /// a proxy, or through a forwarder into a container. Requests whose `Host` is this origin's are
    /// answered, with the risk that [`DevServerBuilder::allow_host`] describes. Default: the origin
    /// that the server listens on.
    ///
    /// The metadata of an http origin is for clients that
    /// [allow it](crate::Discovery::danger_allow_unencrypted).
    pub fn public_url(mut self, origin: impl Into<String>) -> Self {
        self.public_url = Some(origin.into());
        self
    }

    /// Sets the longest lifetime of a client assertion. Default: [`DevServer::LONGEST_LIFETIME`].
    /// MSAL sends assertions of 600 s, Authlib and Zitadel of 3600 s.
    pub const fn longest_lifetime(mut self, lifetime: Duration) -> Self {
        self.longest_lifetime = Some(lifetime);
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
    /// [`ClientAssertionVerifier::accept_missing_jti`](crate::ClientAssertionVerifier::accept_missing_jti)
    /// states the cost. By default, they are refused: OpenID Connect Core §9 requires a `jti`.
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
}

#[cfg(feature = "dev-server-tls")]
impl DevServerBuilder {
    /// Serves https with a new self-signed certificate, for the loopback names, the [public
    /// URL](Self::public_url) and the [allowed hosts](Self::allow_host). It is valid for 30 days.
    /// Let clients trust [`RunningDevServer::certificate_pem`](super::RunningDevServer).
    ///
    /// Only a server that listens speaks TLS: this setting does not affect
    /// [`DevServerBuilder::build`].
    pub fn tls(mut self) -> Self {
        self.tls = Some(Tls::SelfSigned);
        self
    }

    /// Serves https with this certificate chain, the server's own certificate first, and its
    /// private key. Both are PEM.
    pub fn tls_with(mut self, certificates: impl Into<Vec<u8>>, key: impl Into<Zeroizing<Vec<u8>>>) -> Self {
        self.tls = Some(Tls::Given { certificates: certificates.into(), key: Arc::new(key.into()) });
        self
    }

    /// The names that clients may know the server by.
    pub(super) fn names(&self) -> Vec<String> {
        let public = self.public_url.as_deref().and_then(|url| Url::parse(url).ok());
        let allowed =
            self.allowed_hosts.iter().filter_map(|host| Url::parse(&format!("https://{host}/")).ok());
        let others = public.into_iter().chain(allowed).filter_map(|url| {
            Some(match url.host()? {
                Host::Domain(name) => name.to_owned(),
                Host::Ipv4(address) => address.to_string(),
                Host::Ipv6(address) => address.to_string(),
            })
        });
        ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into_iter().chain(others).collect()
    }
}
