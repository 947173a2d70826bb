use std::error::Error;
use std::io::ErrorKind;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HeaderValue};
use tokio::runtime::Handle;

use super::door::Clients;
use super::http_client::Response;
use super::{HttpClient, TransportError, door, shared_clients, tls_advice};
use crate::jose::Wiped;
use crate::oauth::{self, PlainHttp};

/// An [`HttpClient`] over reqwest, with the rules that a request with an assertion needs: no
/// redirects, no automatic retries, 10 s to connect, 20 s in total, a body of at most 1 MiB, no
/// proxy to loopback, `localhost` pinned to loopback. Requests carry `Accept-Encoding: identity`,
/// and [a `User-Agent`](Self::USER_AGENT) that you can replace with `user_agent`. Outside of a
/// tokio runtime, they fail with [`TransportError::Request`].
///
/// Settings of your own do not override these rules. That is why the client takes a function that
/// configures a [`reqwest::ClientBuilder`] and not a ready `Client`: it configures two clients, one
/// of them for loopback and without a proxy, and sets its rules last.
///
/// ```
/// use private_key_jwt::transport::ReqwestClient;
///
/// let http = ReqwestClient::build(|builder| builder.user_agent("my-service/1.0"))?;
/// # Ok::<(), private_key_jwt::transport::TransportError>(())
/// ```
///
/// Clones share the connections. In one tokio runtime, all clients without settings of their own
/// ([`new`](Self::new)) share theirs, too: 500 token clients cost little more than one.
#[derive(Clone)]
pub struct ReqwestClient {
    /// `None` for those of the runtime.
    clients: Option<Clients>,
    timeout: Duration,
    plain_http: PlainHttp,
    last: LastTarget,
}

/// The target of the last request, checked and parsed: the next request mostly goes to the same
/// one. Without it, a token request takes 4 % more instructions (AMD EPYC, `benches/README.md`),
/// and its target of 0.95 of bare reqwest is out of reach.
#[derive(Default)]
struct LastTarget(RwLock<Option<(http::Uri, reqwest::Url)>>);

impl ReqwestClient {
    /// How long connecting may take: 10 s.
    pub const CONNECT_TIMEOUT: Duration = door::CONNECT_TIMEOUT;
    /// The default limit on the total time of a request: 20 s.
    pub const TIMEOUT: Duration = door::TIMEOUT;
    /// The longest body that is read, in bytes.
    pub const MAX_BODY_LEN: usize = 1 << 20;
    /// The default `User-Agent` of requests: the crate's name and version. Some servers reject
    /// requests without one.
    pub const USER_AGENT: &str = door::USER_AGENT;

    /// Creates a client with reqwest's own settings, which shares its connections with all others
    /// of this kind in the same tokio runtime.
    ///
    /// # Errors
    ///
    /// [`TransportError::Build`] when TLS cannot be set up.
    pub fn new() -> Result<Self, TransportError> {
        shared_clients::prepare()?;
        Ok(Self::with(None))
    }

    /// Creates a client with settings and connections of its own: certificates, proxies, a user
    /// agent.
    ///
    /// # Errors
    ///
    /// [`TransportError::Build`] if reqwest rejects them.
    pub fn build(
        configure: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
    ) -> Result<Self, TransportError> {
        Ok(Self::with(Some(Clients::build(configure)?)))
    }

    /// A client for a server that plain http may go to.
    pub(crate) fn with_plain_http(plain_http: PlainHttp) -> Result<Self, TransportError> {
        Ok(Self { plain_http, ..Self::new()? })
    }

    /// The user's own HTTP client, or else one that plain http may be sent with to these hosts.
    pub(crate) fn or_default(
        own: Option<Arc<dyn HttpClient>>,
        plain_http: PlainHttp,
    ) -> Result<Arc<dyn HttpClient>, TransportError> {
        own.map_or_else(|| Ok(Arc::new(Self::with_plain_http(plain_http)?) as _), Ok)
    }

    /// One client for every host; to it, loopback is a host like any other.
    pub(super) fn of(builder: reqwest::ClientBuilder) -> Result<Self, TransportError> {
        let client = door::client(builder)?;
        Ok(Self::with(Some(Clients { loopback: client.clone(), remote: client })))
    }

    fn with(clients: Option<Clients>) -> Self {
        let (timeout, plain_http, last) = (Self::TIMEOUT, PlainHttp::Loopback, LastTarget::default());
        Self { clients, timeout, plain_http, last }
    }

    /// Limits the total time of a request, from connecting to the last byte. Default: 20 s. With
    /// zero, every request fails with [`TransportError::Timeout`]. [`Duration::MAX`] means no
    /// limit.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Lets plain http go to any host, at the price that
    /// [`AuthorizationServer::danger_unencrypted`](crate::AuthorizationServer::danger_unencrypted)
    /// names. By default, it goes to loopback only.
    #[must_use]
    pub const fn danger_allow_unencrypted(mut self) -> Self {
        self.plain_http = PlainHttp::Anywhere;
        self
    }

    /// Sends the request and returns the future of its response.
    fn start(
        &self,
        request: http::Request<Wiped<Vec<u8>>>,
    ) -> Result<impl Future<Output = reqwest::Result<reqwest::Response>> + use<>, TransportError> {
        let url = self.url(request.uri())?;
        let runtime = Handle::try_current().map_err(|error| TransportError::Request(error.into()))?;
        // Timers are coarse, so a response could arrive before a timer of zero fires.
        if self.timeout.is_zero() {
            return Err(TransportError::Timeout { host: host(&url) });
        }
        let is_loopback = oauth::is_loopback(&url);
        let choose = |all: &Clients| if is_loopback { &all.loopback } else { &all.remote }.clone();
        let client = match &self.clients {
            Some(own) => choose(own),
            None => shared_clients::of(&runtime, choose)?,
        };
        let (parts, body) = request.into_parts();
        let mut request = reqwest::Request::new(parts.method, url);
        *request.version_mut() = parts.version;
        *request.headers_mut() = parts.headers;
        // Without it, the server may use any coding (RFC 9110 §12.5.3), and none is decoded here.
        let codings = request.headers_mut().entry(ACCEPT_ENCODING);
        codings.or_insert(HeaderValue::from_static("identity"));
        *request.body_mut() = Some(Bytes::from_owner(body).into());
        // The clients have the default limit. One of the request takes three allocations.
        if self.timeout != Self::TIMEOUT {
            *request.timeout_mut() = Some(self.timeout);
        }
        Ok(client.execute(request))
    }

    /// The target as a URL that an assertion may go to.
    fn url(&self, target: &http::Uri) -> Result<reqwest::Url, TransportError> {
        // If the entry is locked, do without it: nothing waits for it.
        if let Some((last, url)) = self.last.0.try_read().ok().as_deref().and_then(Option::as_ref)
            && last == target
        {
            return Ok(url.clone());
        }
        let url = self.plain_http.check_endpoint("URL", &target.to_string())?;
        if let Ok(mut last) = self.last.0.try_write() {
            *last = Some((target.clone(), url.clone()));
        }
        Ok(url)
    }
}

/// Reads a response to its end, or up to the limit.
async fn receive(mut response: reqwest::Response) -> Result<http::Response<Vec<u8>>, TransportError> {
    let limit = ReqwestClient::MAX_BODY_LEN;
    let too_large = |response: &reqwest::Response| {
        Err(TransportError::BodyTooLarge { host: host(response.url()), limit })
    };
    let announced = usize::try_from(response.content_length().unwrap_or_default()).unwrap_or(usize::MAX);
    if announced > limit {
        return too_large(&response);
    }
    // The body contains a token, so a buffer that is not returned is wiped. A server that announces
    // a long body has not sent it yet, so the capacity is capped.
    let mut body = Wiped::new(Vec::with_capacity(announced.min(16 * 1024)));
    while let Some(chunk) = response.chunk().await.map_err(cut)? {
        if body.len() + chunk.len() > limit {
            return too_large(&response);
        }
        body.push(&chunk);
    }
    // Without the rest of reqwest's response, which a conversion moves several times.
    let mut answer = http::Response::new(std::mem::take(&mut *body));
    (*answer.status_mut(), *answer.version_mut()) = (response.status(), response.version());
    *answer.headers_mut() = std::mem::take(response.headers_mut());
    Ok(answer)
}

impl Clone for LastTarget {
    /// Nothing: a clone of a client is mostly made for another server.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl std::fmt::Debug for ReqwestClient {
    /// Without the last target, whose query may be secret, and without the clients of reqwest,
    /// which show the default headers and proxies that the user has set.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReqwestClient")
            .field("timeout", &self.timeout)
            .field("plain_http", &self.plain_http)
            .finish_non_exhaustive()
    }
}

impl HttpClient for ReqwestClient {
    fn send(&self, request: http::Request<Vec<u8>>) -> Response<'_> {
        // Wiped wherever it is dropped: unsent, by reqwest, or with this future.
        let request = request.map(Wiped::new);
        Box::pin(async move {
            let response = self.start(request)?.await.map_err(failure)?;
            receive(response).await
        })
    }
}

/// reqwest's errors quote the URL; the host is enough.
fn host(url: &reqwest::Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// Why there is no response head.
fn failure(error: reqwest::Error) -> TransportError {
    let host = error.url().map(host).unwrap_or_default();
    // Under TLS 1.3, a server rejects the client's certificate after the client's side of the
    // handshake.
    let over_tls = error.is_connect() || error.url().is_some_and(|url| url.scheme() == "https");
    let error = error.without_url();
    if over_tls && is_tls(&error) {
        TransportError::Tls { host, source: tls_advice::advised(error) }
    } else if error.is_connect() {
        // This includes a connection that could not be made in time: nothing was sent.
        TransportError::Connect { host, source: error.into() }
    } else if error.is_timeout() {
        TransportError::Timeout { host }
    } else if error.is_builder() {
        TransportError::Request(error.into())
    } else if causes(&error).filter_map(<dyn Error>::downcast_ref).any(hyper::Error::is_parse) {
        TransportError::Malformed { host, source: error.into() }
    } else {
        TransportError::Broken { host, source: error.into() }
    }
}

/// Why a body broke off.
fn cut(error: reqwest::Error) -> TransportError {
    let host = error.url().map(host).unwrap_or_default();
    if error.is_timeout() {
        TransportError::Timeout { host }
    } else {
        TransportError::Incomplete { host, source: error.without_url().into() }
    }
}

/// Whether the handshake failed because of what was said in it, and not because the connection
/// broke meanwhile.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    let kinds: Vec<ErrorKind> =
        causes(error).filter_map(|cause| cause.downcast_ref().map(std::io::Error::kind)).collect();
    // With native-tls, there is an I/O error only if that was the reason; rustls reports its errors
    // as invalid data.
    #[cfg(feature = "native-tls")]
    if kinds.is_empty() {
        return causes(error).any(|cause| cause.is::<native_tls::Error>());
    }
    #[cfg(feature = "native-tls")]
    if tls_advice::is_certificate_alert(error) {
        return true;
    }
    kinds.contains(&ErrorKind::InvalidData)
}

/// An error and its causes.
pub(super) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // The source of an I/O error that wraps another is the source of the wrapped one.
        match error.downcast_ref().and_then(std::io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        }
    })
}
