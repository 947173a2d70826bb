use std::sync::Arc;
use std::time::Duration;

use super::registry::ClientRegistry;
use crate::observer::Observer;
#[cfg(doc)]
use crate::transport::PublicNetworkClient;
use crate::transport::{Clock, HttpClient, SystemClock};

/// Optional settings of [`ClientKeys`](super::ClientKeys).
#[must_use]
pub struct ClientKeysBuilder {
    pub(super) registry: Arc<dyn ClientRegistry>,
    pub(super) capacity: usize,
    pub(super) cool_down: Duration,
    pub(super) hard_limit: Duration,
    pub(super) http: Option<Arc<dyn HttpClient>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observer: Option<Arc<dyn Observer>>,
}

impl ClientKeysBuilder {
    /// The default of [`capacity`](Self::capacity).
    pub const CAPACITY: usize = 10_000;
    /// The shortest duration of a setting.
    const LEAST: Duration = Duration::from_secs(1);

    pub(super) fn new(registry: impl ClientRegistry + 'static) -> Self {
        Self {
            registry: Arc::new(registry),
            capacity: Self::CAPACITY,
            cool_down: Duration::from_secs(30),
            hard_limit: Duration::from_secs(3600),
            http: None,
            clock: Arc::new(SystemClock),
            observer: None,
        }
    }

    /// Sets how many clients' keys are held. Default: [10,000](Self::CAPACITY). Minimum: 1.
    /// Memory is used for the clients that are held, not for the capacity: with two keys, a client
    /// takes about 6 kB, or 8 kB with RSA.
    pub fn capacity(mut self, clients: usize) -> Self {
        self.capacity = clients.max(1);
        self
    }

    /// Sets the cool-down of each client, as
    /// [`RemoteJwksBuilder::cool_down`](crate::server::RemoteJwksBuilder::cool_down). Default:
    /// 30 s. Minimum: 1 s.
    pub fn cool_down(mut self, cool_down: Duration) -> Self {
        self.cool_down = cool_down.max(Self::LEAST);
        self
    }

    /// Sets how old the keys of a client may get while no newer ones can be fetched, as
    /// [`RemoteJwksBuilder::hard_limit`](crate::server::RemoteJwksBuilder::hard_limit). Default:
    /// one hour. Minimum: 1 s.
    pub fn hard_limit(mut self, hard_limit: Duration) -> Self {
        self.hard_limit = hard_limit.max(Self::LEAST);
        self
    }

    /// Fetches keys with this HTTP client. Default: a [`PublicNetworkClient`], which clients cannot
    /// point at your own network. Any other client must be as careful.
    pub fn http(mut self, http: impl HttpClient + 'static) -> Self {
        self.http = Some(Arc::new(http));
        self
    }

    /// Reports each [event](crate::observer#events) of the clients' keys, and each refused
    /// assertion, to this observer. Default: none.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Takes the time from this clock. Default: the operating system's clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}
