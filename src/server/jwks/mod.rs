//! Keys that another party publishes and changes.
//!
//! `policy` decides when to fetch, `source` makes requests and reads responses, and
//! `transport::refreshing` keeps the set fresh.

mod error;
mod policy;
mod source;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use time::OffsetDateTime;

pub use error::{JwksFetchError, RemoteJwksError};

use self::policy::Policy;
use self::source::{Document, Place, Source};
use crate::jose::{Algorithm, JoseError};
use crate::keys::{KeyError, PublicKeySet};
use crate::oauth::{Discovery, PlainHttp};
use crate::observer::Observer;
use crate::transport::refreshing::Refreshing;
use crate::transport::{
    Clock, HttpClient, MetadataSource, PublicNetworkClient, ReqwestClient, SystemClock, TransportError,
};
use crate::verifier::{
    AccessTokenClaims, AccessTokenVerifier, UnverifiedAssertion, VerifiedAssertion, VerifierError,
};

/// Keeps the keys at one URL fresh: a JWK Set that its issuer may change at any time. Cloning is
/// cheap; the clones share the keys and the fetches. Create one for each URL and keep it. Two sets
/// are never merged: the keys of one issuer say nothing about the tokens of another.
///
/// ```no_run
/// use private_key_jwt::server::{RemoteJwks, RemoteJwksError};
/// use private_key_jwt::verifier::{AccessTokenVerifier, VerifierError};
///
/// # async fn example(bearer: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let jwks = RemoteJwks::discover("https://as.example")?; // or RemoteJwks::new(url)
/// let verifier = AccessTokenVerifier::new("https://as.example", "https://api.example");
/// match jwks.verify(&verifier, bearer).await {
///     Ok(claims) => println!("{:?}", claims.subject()),
///     Err(RemoteJwksError::Token(VerifierError::MissingScope { .. })) => println!("403"),
///     Err(RemoteJwksError::Token(refused)) => println!("401, and for the log: {refused}"),
///     Err(unavailable) => println!("503, and for the log: {unavailable}"),
/// }
/// # Ok(()) }
/// ```
///
/// # What is trusted
///
/// The TLS connection to the URL, and nothing else. A certificate in `x5c` must be for its key (RFC
/// 7517 §4.7); its issuer and dates are not checked. No redirects; plain http to loopback only.
///
/// # When keys are fetched
///
/// - With the first token, or when you call [`RemoteJwks::keys`]. Call it when your server starts.
/// - Shortly before the keys are no longer fresh: the next token starts a fetch in the background.
///   A token signed with a cached key never waits for a fetch, so after a quiet hour the first
///   tokens may be checked with keys as old as the hard limit.
/// - When a token may have been signed with a newer key: its `kid` is not in the set, or no key of
///   the set fits its `alg`, or the signature does not verify. The token is then checked once more.
///   All callers together cause one such fetch per cool-down; meanwhile, such tokens are rejected
///   at once. Other tokens, such as malformed ones, cause no fetch.
///
/// One fetch runs at a time, in its own task, and all callers that wait get its outcome. While the
/// issuer fails, cached keys are used up to the hard limit, and the next fetch starts after 1 s, 2
/// s, 4 s … up to the cool-down; at a URL that a [client
/// registered](RemoteJwks::client_registered), after one cool-down. Without a tokio runtime, tokens
/// that need a fetch are rejected.
///
/// # Which key
///
/// [`PublicKeySet::key_for`] chooses the one key with the name, type and algorithm of the token.
#[derive(Clone)]
pub struct RemoteJwks {
    source: Arc<Source>,
}

impl RemoteJwks {
    /// Uses the keys at this URL, with the defaults. Nothing is fetched yet. Some servers' URLs:
    /// [`JwksUri`](crate::oauth::JwksUri) and [`PingAccess`](crate::oauth::PingAccess).
    ///
    /// # Errors
    ///
    /// As [`RemoteJwksBuilder::build`].
    pub fn new(url: impl Into<String>) -> Result<Self, TransportError> {
        Self::builder(url).build()
    }

    /// Uses the keys of an issuer, at the `jwks_uri` of its metadata (RFC 8414 §2). Nothing is
    /// fetched yet: the metadata is discovered with the keys, and [kept
    /// fresh](MetadataSource::Discovered). So a server can start before its identity provider.
    ///
    /// # Errors
    ///
    /// As [`RemoteJwksBuilder::build`].
    pub fn discover(issuer: impl Into<Discovery>) -> Result<Self, TransportError> {
        Self::builder_of(issuer.into()).build()
    }

    /// Uses the keys at a URL that an outsider chose, such as the `jwks_uri` that a client
    /// registered: https only, and only a host on the public internet, as [`PublicNetworkClient`]
    /// defines it. For many clients, create one such HTTP client and pass clones of it to
    /// [`RemoteJwksBuilder::http`].
    ///
    /// # Errors
    ///
    /// As [`PublicNetworkClient::check`] and [`RemoteJwksBuilder::build`].
    pub fn client_registered(url: impl Into<String>) -> Result<Self, TransportError> {
        let (url, http) = (url.into(), PublicNetworkClient::new()?);
        http.check(&url)?;
        let builder = RemoteJwksBuilder { is_of_client: true, ..Self::builder(url) };
        builder.http(http).build()
    }

    /// Returns a builder for the keys at this URL, with optional settings.
    pub fn builder(url: impl Into<String>) -> RemoteJwksBuilder {
        RemoteJwksBuilder::new(At::Url(url.into(), PlainHttp::Loopback))
    }

    /// Returns a builder for the keys of a server: an
    /// [`AuthorizationServer`](crate::AuthorizationServer) that names its `jwks_uri`, or a
    /// [`Discovery`] for [`discover`](Self::discover) with settings.
    pub fn builder_of(server: impl Into<MetadataSource>) -> RemoteJwksBuilder {
        RemoteJwksBuilder::new(At::Server(server.into()))
    }

    /// Checks an access token (RFC 9068 §4) with these keys, at the time of the clock.
    ///
    /// # Errors
    ///
    /// [`RemoteJwksError::Token`] if the token is not accepted; the errors of [`RemoteJwks::keys`].
    pub async fn verify(
        &self,
        verifier: &AccessTokenVerifier,
        token: &str,
    ) -> Result<AccessTokenClaims, RemoteJwksError> {
        self.verify_with(|keys, now| verifier.verify(keys, token, now)).await
    }

    /// Checks a client assertion (RFC 7523 §3) with these keys, as [`UnverifiedAssertion::verify`].
    ///
    /// # Errors
    ///
    /// As [`RemoteJwks::verify`], with the error of [`UnverifiedAssertion::verify`].
    pub async fn verify_assertion(
        &self,
        assertion: UnverifiedAssertion<'_>,
        registered: impl Into<Option<Algorithm>>,
    ) -> Result<VerifiedAssertion, RemoteJwksError> {
        let registered = registered.into();
        self.verify_with(|keys, _| assertion.check_signature(keys, registered)).await?;
        Ok(assertion.check_claims(self.now())?)
    }

    /// Checks something else with these keys, such as an ID token, or an access token with its
    /// sender's [proof](AccessTokenVerifier::verify_with_proof). Runs the check a second time,
    /// with newer keys, if no key fits ([`JoseError::NoMatchingKey`]) or the signature does not
    /// verify ([`KeyError::BadSignature`]), and if newer keys can be fetched.
    ///
    /// # Errors
    ///
    /// As [`RemoteJwks::verify`], with the error of the check.
    pub async fn verify_with<T>(
        &self,
        check: impl Fn(&PublicKeySet, OffsetDateTime) -> Result<T, VerifierError>,
    ) -> Result<T, RemoteJwksError> {
        let tried = self.document().await?;
        let error = match check(&tried.keys, self.now()) {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        // The token may be valid, and signed with a key that is newer than the set.
        let no_key_fits = matches!(error, VerifierError::Jose(JoseError::NoMatchingKey { .. }));
        if !no_key_fits && !matches!(error, VerifierError::Key(KeyError::BadSignature)) {
            return Err(error.into());
        }
        match Refreshing::newer(&self.source, &tried).await {
            Ok(newer) if !Arc::ptr_eq(&newer.keys, &tried.keys) => Ok(check(&newer.keys, self.now())?),
            // There may be a key of this name that could not be fetched.
            Err(Some(failure)) if no_key_fits => Err(self.source.unavailable(failure)),
            _ => Err(error.into()),
        }
    }

    /// Returns the cached keys. Fetches them if there are none, or if they are too old.
    ///
    /// # Errors
    ///
    /// [`RemoteJwksError::Unavailable`] and [`RemoteJwksError::TooOld`].
    pub async fn keys(&self) -> Result<Arc<PublicKeySet>, RemoteJwksError> {
        Ok(Arc::clone(&self.document().await?.keys))
    }

    /// The URL of the set, verbatim, unless it has yet to be discovered.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        self.source.url()
    }

    /// Returns when the cached keys were fetched, or confirmed to be unchanged; for a health check.
    #[must_use]
    pub fn fetched_at(&self) -> Option<OffsetDateTime> {
        self.source.set.held().as_ref().map(|held| held.fetched)
    }

    /// Returns why the last fetch failed, or `None` if it did not fail; for a health check. A
    /// failure does not affect tokens before the hard limit.
    #[must_use]
    pub fn last_failure(&self) -> Option<Arc<JwksFetchError>> {
        self.source.set.error()
    }

    async fn document(&self) -> Result<Arc<Document>, RemoteJwksError> {
        Refreshing::get(&self.source).await.map_err(|failure| self.source.unavailable(failure))
    }

    fn now(&self) -> OffsetDateTime {
        self.source.clock.now()
    }
}

/// Optional settings of a [`RemoteJwks`].
#[must_use]
pub struct RemoteJwksBuilder {
    at: At,
    http: Option<Arc<dyn HttpClient>>,
    clock: Arc<dyn Clock>,
    policy: Policy,
    pub(in crate::server) observer: Option<Arc<dyn Observer>>,
    pub(in crate::server) is_of_client: bool,
}

enum At {
    Url(String, PlainHttp),
    Server(MetadataSource),
}

impl RemoteJwksBuilder {
    fn new(at: At) -> Self {
        let clock = Arc::new(SystemClock);
        let (policy, observer, is_of_client) = (Policy::default(), None, false);
        Self { at, http: None, clock, policy, observer, is_of_client }
    }

    /// Shorter durations would disable a rule, so they are raised to this.
    const LEAST: Duration = Duration::from_secs(1);

    /// Lets plain http go to any host. Default: loopback only. **The price is every check that
    /// these keys are for:** anyone on the network path can put a key of their own into the set,
    /// and then forge tokens. Use it only where the network itself protects the connection, such as
    /// a service mesh. An HTTP client of your own needs its consent, too:
    /// [`ReqwestClient::danger_allow_unencrypted`]. For an
    /// [`AuthorizationServer`](crate::AuthorizationServer), its own setting applies.
    pub fn danger_allow_unencrypted(mut self) -> Self {
        self.at = match self.at {
            At::Url(url, _) => At::Url(url, PlainHttp::Anywhere),
            At::Server(MetadataSource::Discovered(discovery)) => {
                At::Server(discovery.danger_allow_unencrypted().into())
            }
            known @ At::Server(_) => known,
        };
        self
    }

    /// Sends requests with this client. Default: a [`ReqwestClient`]. Clones share connections.
    pub fn http(mut self, http: impl HttpClient + 'static) -> Self {
        self.http = Some(Arc::new(http));
        self
    }

    /// Takes the time from this clock. Default: the operating system's clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the shortest time between fetches for unknown keys. Default: 30 s. Minimum: 1 s.
    ///
    /// An issuer must publish a key at least this long, plus the time that caches add, before it
    /// signs with it. A fetch is given up after this time, and after 10 s at most.
    pub fn cool_down(mut self, cool_down: Duration) -> Self {
        self.policy.cool_down = cool_down.max(Self::LEAST);
        self
    }

    /// Sets how old the cached keys may get while no newer ones can be fetched. Default: one hour.
    /// Minimum: 1 s. With older keys, everything is rejected until the issuer responds again.
    pub fn hard_limit(mut self, hard_limit: Duration) -> Self {
        self.policy.hard_limit = hard_limit.max(Self::LEAST);
        self
    }

    /// Sets the shortest and the longest time that keys are fresh, regardless of what the issuer
    /// says (`Cache-Control`, `Expires`). Default: at least 60 s and at most 15 min. Both are at
    /// least 1 s, and if `least` is larger than `most`, `most` applies. A key that the issuer
    /// removes is trusted for up to `most`.
    pub fn freshness_bounds(mut self, least: Duration, most: Duration) -> Self {
        self.policy.lifetimes.least = least.max(Self::LEAST);
        self.policy.lifetimes.most = most.max(Self::LEAST);
        self
    }

    /// Sets how long keys are fresh if the issuer does not say, within the
    /// [bounds](Self::freshness_bounds). Default: 300 s.
    pub const fn freshness_without_headers(mut self, freshness: Duration) -> Self {
        self.policy.lifetimes.without_headers = freshness;
        self
    }

    /// Reports each [event](crate::observer#events) of the set to this observer. Default: none; log
    /// lines need none.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Builds the set. Nothing is fetched yet.
    ///
    /// # Errors
    ///
    /// [`TransportError::OAuth`] for a URL or an issuer that is neither https nor http on loopback
    /// (unless that is [allowed](Self::danger_allow_unencrypted)), or has credentials or a
    /// fragment;
    /// [`TransportError::Build`] if the HTTP client cannot be built.
    pub fn build(self) -> Result<RemoteJwks, TransportError> {
        let Self { at, http, clock, mut policy, observer, is_of_client } = self;
        if is_of_client {
            policy.first_pause = policy.cool_down;
        }
        let (place, http) = match at {
            At::Url(url, plain_http) => {
                plain_http.check_endpoint("jwks_uri", &url)?;
                (Place::url(url)?, ReqwestClient::or_default(http, plain_http)?)
            }
            At::Server(server) => {
                server.check()?;
                let http = ReqwestClient::or_default(http, server.plain_http())?;
                (Place::Server(server.open(&http, &clock, observer.as_ref())), http)
            }
        };
        let (set, is_stale) = (Refreshing::new(None, Arc::clone(&clock)), AtomicBool::new(false));
        let source = Source { place, http, clock, policy, observer, is_of_client, is_stale, set };
        Ok(RemoteJwks { source: Arc::new(source) })
    }
}

impl std::fmt::Debug for RemoteJwks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteJwks")
            .field("url", &self.source.name())
            .field("fetched_at", &self.fetched_at())
            .finish_non_exhaustive()
    }
}
