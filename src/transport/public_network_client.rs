use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Host;

use super::http_client::Response;
use super::public_address::is_public;
use super::reqwest_client::causes;
use super::{HttpClient, ReqwestClient, TransportError, door};
use crate::oauth::{OAuthError, check_endpoint, safe_url};

/// An [`HttpClient`] for a URL that an outsider chose, such as the `jwks_uri` that a client
/// registered. It reaches only https hosts on the public internet: not this machine, not the
/// private networks around it, not the metadata service of a cloud. It checks the very addresses
/// that it connects to, so a name that resolves to a public address first and to a private one
/// later gets nowhere. Otherwise it is a [`ReqwestClient`]. Clones share connections and settings.
///
/// It uses no proxy, because a proxy would resolve the names. If a proxy is the only way out, use a
/// [`ReqwestClient`] with that proxy. The proxy must then reject addresses that are not public.
///
/// ```
/// use private_key_jwt::transport::{PublicNetworkClient, TransportError};
/// use std::net::IpAddr;
///
/// let http = PublicNetworkClient::new()?;
/// assert!(matches!(http.check("https://10.20.0.7/jwks"), Err(TransportError::NotPublic { .. })));
///
/// // Also the partners' network, 10.20.0.0/16.
/// let http = PublicNetworkClient::builder()
///     .also_reach(|address| matches!(address, IpAddr::V4(address) if address.octets()[..2] == [10, 20]))
///     .build()?;
/// assert!(http.check("https://10.20.0.7/jwks").is_ok());
/// # Ok::<(), TransportError>(())
/// ```
#[derive(Clone)]
pub struct PublicNetworkClient {
    http: ReqwestClient,
    reach: Reach,
}

impl PublicNetworkClient {
    /// Creates a client with the operating system's resolver.
    ///
    /// # Errors
    ///
    /// [`TransportError::Build`] when TLS cannot be set up.
    pub fn new() -> Result<Self, TransportError> {
        Self::builder().build()
    }

    /// Returns a builder for a client with optional settings.
    pub fn builder() -> PublicNetworkClientBuilder {
        PublicNetworkClientBuilder {
            reqwest: door::builder(),
            resolver: PublicResolver { resolver: None, reach: Arc::new(is_public) },
            timeout: ReqwestClient::TIMEOUT,
        }
    }

    /// Checks whether the URL itself is allowed: https, and a host that is a name or a public
    /// address. Use it to reject a registration early. Every request is checked anyway.
    ///
    /// # Errors
    ///
    /// [`TransportError::OAuth`] if it is not an https URL, [`TransportError::NotPublic`] if its
    /// host is an address that is not public.
    pub fn check(&self, url: &str) -> Result<(), TransportError> {
        let parsed = check_endpoint("URL", url)?;
        if parsed.scheme() != "https" {
            let (endpoint, reason) = ("URL", "is not https");
            return Err(OAuthError::Endpoint { endpoint, url: safe_url(url), reason }.into());
        }
        let address = match parsed.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            // Checked when it is resolved.
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        let not_public = || TransportError::NotPublic { host: address.to_string() };
        (self.reach)(address).then_some(()).ok_or_else(not_public)
    }
}

impl std::fmt::Debug for PublicNetworkClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublicNetworkClient").field("http", &self.http).finish_non_exhaustive()
    }
}

impl HttpClient for PublicNetworkClient {
    fn send(&self, request: http::Request<Vec<u8>>) -> Response<'_> {
        Box::pin(async move {
            self.check(&request.uri().to_string())?;
            self.http.send(request).await.map_err(not_public)
        })
    }
}

/// Optional settings of a [`PublicNetworkClient`].
#[must_use]
pub struct PublicNetworkClientBuilder {
    reqwest: reqwest::ClientBuilder,
    resolver: PublicResolver,
    timeout: Duration,
}

impl PublicNetworkClientBuilder {
    /// Changes settings of reqwest, such as certificates. Proxies and a resolver set here have no
    /// effect. An address pinned here (`resolve`) is reached even if it is not public.
    pub fn reqwest(
        mut self,
        configure: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
    ) -> Self {
        self.reqwest = configure(self.reqwest);
        self
    }

    /// Resolves names with this resolver, and filters its results. Default: the operating system's.
    pub fn resolver(mut self, resolver: impl Resolve + 'static) -> Self {
        self.resolver.resolver = Some(Arc::new(resolver));
        self
    }

    /// Also reaches these addresses. Anyone who may choose a URL can then probe them. Allow exactly
    /// the networks that your clients are in.
    pub fn also_reach(mut self, addresses: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        self.resolver.reach = Arc::new(move |address| is_public(address) || addresses(address));
        self
    }

    /// Limits the total time of a request. Default: [20 s](ReqwestClient::TIMEOUT). With zero,
    /// every request fails with [`TransportError::Timeout`].
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    ///
    /// [`TransportError::Build`] if reqwest rejects the settings.
    pub fn build(self) -> Result<PublicNetworkClient, TransportError> {
        let reach = Arc::clone(&self.resolver.reach);
        let builder = self.reqwest.no_proxy().https_only(true).dns_resolver(self.resolver);
        Ok(PublicNetworkClient { http: ReqwestClient::of(builder)?.with_timeout(self.timeout), reach })
    }
}

/// Whether an address is reached.
type Reach = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// A resolver that leaves out addresses that must not be reached.
#[derive(Clone)]
struct PublicResolver {
    /// `None` for the operating system's.
    resolver: Option<Arc<dyn Resolve>>,
    reach: Reach,
}

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { resolver, reach } = self.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let mut found: Vec<_> = match resolver {
                Some(resolver) => resolver.resolve(name).await?.collect(),
                None => tokio::net::lookup_host((&*host, 0)).await?.collect(),
            };
            found.retain(|address| reach(address.ip()));
            if found.is_empty() {
                return Err(TransportError::NotPublic { host }.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The error of [`PublicResolver`], if it is deep inside an error of reqwest.
fn not_public(error: TransportError) -> TransportError {
    let found = causes(&error).skip(1).find_map(<dyn Error>::downcast_ref::<TransportError>).cloned();
    found.unwrap_or(error)
}
