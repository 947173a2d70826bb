use super::TransportError;
use crate::keys::BoxFuture;

/// Sends one HTTP request. This crate's own form is [`ReqwestClient`](super::ReqwestClient).
///
/// A request may carry a client assertion, so an implementation must
/// - send it once: no redirects followed, nothing sent again by itself;
/// - send it to the URL as it is, over TLS unless the host is loopback;
/// - bound the time and the length of the body.
///
/// Every status is an answer, not an error.
pub trait HttpClient: Send + Sync {
    /// Sends a request and reads the whole response.
    ///
    /// # Errors
    ///
    /// [`TransportError::Connect`] and [`TransportError::Tls`] only when the server cannot have seen the request: after
    /// the former a code that is good once is sent again. [`TransportError::Broken`] only before the head of an answer.
    /// The other variants as they say.
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>>;
}

impl<T: HttpClient + ?Sized> HttpClient for std::sync::Arc<T> {
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>> {
        (**self).send(request)
    }
}
