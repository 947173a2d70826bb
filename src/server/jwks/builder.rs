use std::sync::Arc;
use std::time::Duration;

use super::RemoteJwks;
use super::freshness::Bounds;
use super::rules::Rules;
use super::source::Source;
use crate::oauth::{OAuthError, PlainHttp, safe_url};
use crate::transport::refreshing::Refreshing;
use crate::transport::{Clock, HttpClient, ReqwestClient, SystemClock, TransportError};

/// What is optional about a [`RemoteJwks`].
#[must_use]
pub struct RemoteJwksBuilder {
    url: String,
    plain_http: PlainHttp,
    http: Option<Arc<dyn HttpClient>>,
    clock: Arc<dyn Clock>,
    rules: Rules,
    bounds: Bounds,
}

impl RemoteJwksBuilder {
    /// The least that a duration is set to: below it, a rule would be no rule.
    const LEAST: Duration = Duration::from_secs(1);

    pub(super) fn new(url: String) -> Self {
        let (rules, bounds) = (Rules::default(), Bounds::default());
        Self { url, plain_http: PlainHttp::Loopback, http: None, clock: Arc::new(SystemClock), rules, bounds }
    }

    /// Lets plain http go to any host. **The price is every check that these keys are for:** anyone
    /// on the network path can put a key of their own into the set, and from then on forges tokens
    /// that are accepted. By default, plain http goes to loopback only. Use it only where the
    /// network itself protects the connection, such as a service mesh. An HTTP client of your own
    /// needs its consent, too: [`ReqwestClient::danger_allow_unencrypted`].
    pub const fn danger_allow_unencrypted(mut self) -> Self {
        self.plain_http = PlainHttp::Anywhere;
        self
    }

    /// Sends requests with this; a [`ReqwestClient`] unless said otherwise. Clones of one share its
    /// connections.
    pub fn http(mut self, http: impl HttpClient + 'static) -> Self {
        self.http = Some(Arc::new(http));
        self
    }

    /// Takes the time from this; the operating system unless said otherwise.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How long after a fetch the next one may begin for the sake of a token that no key fits; 30 s
    /// unless said otherwise, 1 s at least. An issuer has to publish a key for so long before it
    /// signs with it, caches between it and this process added. A fetch is given up after so long,
    /// and after 10 s at most.
    pub fn cool_down(mut self, cool_down: Duration) -> Self {
        self.rules.cool_down = cool_down.max(Self::LEAST);
        self
    }

    /// How long after they were fetched keys are used when no newer ones can be had; one hour
    /// unless said otherwise, 1 s at least. From then on everything is refused until the issuer
    /// answers again.
    pub fn hard_limit(mut self, hard_limit: Duration) -> Self {
        self.rules.hard_limit = hard_limit.max(Self::LEAST);
        self
    }

    /// How long keys are fresh, whatever their issuer says (`Cache-Control`, `Expires`): 60 s at
    /// least and 15 min at most unless said otherwise; never less than 1 s, and where the two
    /// cross, the most counts. A key that the issuer takes away is believed for up to the most.
    pub fn freshness_bounds(mut self, least: Duration, most: Duration) -> Self {
        self.bounds.least = least.max(Self::LEAST);
        self.bounds.most = most.max(Self::LEAST);
        self
    }

    /// How long keys are fresh when their issuer does not say, within the bounds; 300 s unless said
    /// otherwise.
    pub const fn freshness_without_headers(mut self, freshness: Duration) -> Self {
        self.bounds.without_headers = freshness;
        self
    }

    /// The set. Nothing is fetched yet.
    ///
    /// # Errors
    ///
    /// [`TransportError::OAuth`] for a URL that is neither https nor http on loopback (unless that
    /// is [allowed](Self::danger_allow_unencrypted)), or has credentials or a fragment;
    /// [`TransportError::Build`] when the HTTP client cannot be built.
    pub fn build(self) -> Result<RemoteJwks, TransportError> {
        self.plain_http.check_endpoint("jwks_uri", &self.url)?;
        let target = self.url.parse().map_err(|_| OAuthError::Endpoint {
            endpoint: "jwks_uri",
            url: safe_url(&self.url),
            reason: "is not an HTTP target",
        })?;
        let http = match self.http {
            Some(http) => http,
            None => Arc::new(ReqwestClient::with_plain_http(self.plain_http)?),
        };
        let Self { url, clock, rules, bounds, .. } = self;
        Ok(RemoteJwks::of(Source { url, target, http, clock, rules, bounds, set: Refreshing::new(None) }))
    }
}
