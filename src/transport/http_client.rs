use super::TransportError;
use crate::keys::BoxFuture;

/// The future response to a request. The documentation shows it spelled out.
pub(crate) type Response<'a> = BoxFuture<'a, Result<http::Response<Vec<u8>>, TransportError>>;

/// Sends one HTTP request. This crate's implementation is [`ReqwestClient`](super::ReqwestClient).
///
/// A request may carry a client assertion, so an implementation must
/// - send it once: follow no redirects, and retry nothing by itself;
/// - send it to the unchanged URL, over TLS unless the host is loopback or the user allowed plain
///   http;
/// - send its header fields unchanged, and a `User-Agent`, without which some servers fail;
/// - limit the total time and the length of the body.
///
/// Every status is a response, not an error.
pub trait HttpClient: Send + Sync {
    /// Sends a request and reads the whole response.
    ///
    /// # Errors
    ///
    /// [`TransportError::Connect`] and [`TransportError::Tls`] only if the server cannot have seen
    /// the request: after the former, a single-use code is sent again. [`TransportError::Broken`]
    /// only before the head of a response. The other variants as documented.
    fn send(&self, request: http::Request<Vec<u8>>) -> Response<'_>;
}

impl<T: HttpClient + ?Sized> HttpClient for std::sync::Arc<T> {
    fn send(&self, request: http::Request<Vec<u8>>) -> Response<'_> {
        (**self).send(request)
    }
}
