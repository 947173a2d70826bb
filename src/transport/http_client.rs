use std::time::Duration;

use super::TransportError;
use crate::keys::BoxFuture;

/// Sends one HTTP request. This crate's implementation is [`ReqwestClient`](super::ReqwestClient).
///
/// A request may carry a client assertion, so an implementation must
/// - send it once: no redirects followed, nothing sent again by itself;
/// - send it to the URL as it is, over TLS unless the host is loopback or the user has said that
///   plain http is safe;
/// - send its header fields as they are, and a `User-Agent`, without which some servers fail;
/// - bound the time and the length of the body.
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
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>>;

    /// Returns how long [`send`](HttpClient::send) takes at most, if it enforces that limit itself.
    /// A caller that has this much time left sets no timer of its own, so a request that takes
    /// longer than this value could outlive its deadline. Default: `None`. The limit is unknown
    /// then, and the caller sets a timer.
    fn timeout(&self) -> Option<Duration> {
        None
    }
}

impl<T: HttpClient + ?Sized> HttpClient for std::sync::Arc<T> {
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>> {
        (**self).send(request)
    }

    fn timeout(&self) -> Option<Duration> {
        (**self).timeout()
    }
}
