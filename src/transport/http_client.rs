use std::time::Duration;

use super::TransportError;
use crate::keys::BoxFuture;

/// Sends one HTTP request. This crate's own form is [`ReqwestClient`](super::ReqwestClient).
///
/// A request may carry a client assertion, so an implementation must
/// - send it once: no redirects followed, nothing sent again by itself;
/// - send it to the URL as it is, over TLS unless the host is loopback, or the user has said that
///   plain http is safe;
/// - send its header fields as they are, and a `User-Agent`, without which some servers fail;
/// - bound the time and the length of the body.
///
/// Every status is an answer, not an error.
pub trait HttpClient: Send + Sync {
    /// Sends a request and reads the whole response.
    ///
    /// # Errors
    ///
    /// [`TransportError::Connect`] and [`TransportError::Tls`] only when the server cannot have
    /// seen the request: after the former a code that is good once is sent again.
    /// [`TransportError::Broken`] only before the head of an answer. The other variants as they
    /// say.
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>>;

    /// How long [`send`](HttpClient::send) takes at most, where it keeps the time by itself. A
    /// caller who has that long to wait sets no timer of its own, so that more than the truth would
    /// let a request outlive its deadline. Unless told otherwise nothing is known of it, and the
    /// caller sets one.
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
