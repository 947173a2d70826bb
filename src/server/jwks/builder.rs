use std::sync::Arc;
use std::time::Duration;

use super::policy::Policy;
use crate::oauth::PlainHttp;
#[cfg(doc)]
use crate::transport::ReqwestClient;
use crate::transport::{Clock, HttpClient};

/// Optional settings of a [`RemoteJwks`](super::RemoteJwks).
#[must_use]
pub struct RemoteJwksBuilder {
    pub(super) url: String,
    pub(super) plain_http: PlainHttp,
    pub(super) http: Option<Arc<dyn HttpClient>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) policy: Policy,
}

impl RemoteJwksBuilder {
    /// Shorter durations would disable a rule, so they are raised to this.
    const LEAST: Duration = Duration::from_secs(1);

    /// Lets plain http go to any host. Default: loopback only. **The price is every check that
    /// these keys are for:** anyone on the network path can put a key of their own into the set,
    /// and then forge tokens. Use it only where the network itself protects the connection, such as
    /// a service mesh. An HTTP client of your own needs its consent, too:
    /// [`ReqwestClient::danger_allow_unencrypted`].
    pub const fn danger_allow_unencrypted(mut self) -> Self {
        self.plain_http = PlainHttp::Anywhere;
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
        self.policy.least = least.max(Self::LEAST);
        self.policy.most = most.max(Self::LEAST);
        self
    }

    /// Sets how long keys are fresh if the issuer does not say, within the
    /// [bounds](Self::freshness_bounds). Default: 300 s.
    pub const fn freshness_without_headers(mut self, freshness: Duration) -> Self {
        self.policy.without_headers = freshness;
        self
    }
}
