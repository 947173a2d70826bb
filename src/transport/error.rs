use crate::keys::{Cause, caused};
use crate::oauth::{OAuthError, Retry, safe_url, said};

/// Why there is no HTTP response, or no metadata in it.
///
/// Where tokens are concerned, a response is not a transport error, whatever its status.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// There was no connection, so the server cannot have seen the request.
    #[error(fmt = connect)]
    Connect {
        /// The host.
        host: String,
        /// The error of the HTTP client.
        source: Cause,
    },
    /// The TLS handshake failed, or the server rejected it afterwards, for example for a missing
    /// client certificate. It cannot have seen the request. The source says what to do, if known.
    #[error(fmt = tls)]
    Tls {
        /// The host.
        host: String,
        /// The error of the HTTP client.
        source: Cause,
    },
    /// No complete response arrived in time.
    #[error("{host} did not answer in time")]
    Timeout {
        /// The host.
        host: String,
    },
    /// The connection broke before a response arrived.
    #[error(fmt = broken)]
    Broken {
        /// The host.
        host: String,
        /// The error of the HTTP client.
        source: Cause,
    },
    /// The response broke off before the end of its body.
    #[error(fmt = incomplete)]
    Incomplete {
        /// The host.
        host: String,
        /// The error of the HTTP client.
        source: Cause,
    },
    /// The response is not HTTP.
    #[error(fmt = malformed)]
    Malformed {
        /// The host.
        host: String,
        /// The error of the HTTP client.
        source: Cause,
    },
    /// The HTTP client cannot send the request.
    #[error(fmt = request)]
    Request(#[source] Cause),
    /// The HTTP client cannot be built, for instance because there are no certificates to trust.
    #[error(fmt = build)]
    Build(#[source] Cause),
    /// The body is longer than any honest one.
    #[error("the response from {host} is longer than {limit} bytes")]
    BodyTooLarge {
        /// The host.
        host: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// A [`PublicNetworkClient`](super::PublicNetworkClient) does not reach this host.
    #[error("{host} is not on the public internet")]
    NotPublic {
        /// The host.
        host: String,
    },
    /// The server did not return the document.
    #[error("{url} answered {answer}")]
    Status {
        /// The URL of the document.
        url: String,
        /// The HTTP status.
        status: u16,
        /// Status, text of the body, correlation ids, target of a redirect. Safe to log.
        answer: String,
    },
    /// The server returned the document, but the document is invalid.
    #[error(transparent)]
    OAuth(#[from] OAuthError),
}

impl TransportError {
    /// The error for a response that is not the document at this URL.
    pub(crate) fn status(url: &str, response: &http::Response<Vec<u8>>) -> Self {
        Self::Status { url: safe_url(url), status: response.status().as_u16(), answer: said(response) }
    }

    /// The error if no complete response from this URL arrived in time.
    pub(crate) fn timeout(url: &str) -> Self {
        Self::Timeout { host: host(url) }
    }

    /// The error for a body from this URL that is longer than the limit in bytes.
    pub(crate) fn body_too_large(url: &str, limit: usize) -> Self {
        Self::BodyTooLarge { host: host(url), limit }
    }

    /// Whether it makes sense to try again, with a new assertion.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Connect { .. } | Self::Timeout { .. } | Self::Broken { .. } | Self::Incomplete { .. } => {
                Retry::BackOff
            }
            Self::Status { status: 408 | 425 | 429 | 500.., .. } => Retry::BackOff,
            Self::OAuth(error) => error.retry(),
            _ => Retry::Never,
        }
    }
}

/// The host of a URL, or nothing if the text is not a URL.
fn host(url: &str) -> String {
    let url = url.parse::<http::Uri>().ok();
    url.as_ref().and_then(http::Uri::host).unwrap_or_default().to_owned()
}

caused! {
    connect(host: &str) by source: &Cause => "cannot connect to {host}";
    tls(host: &str) by source: &Cause => "cannot connect to {host} over TLS";
    broken(host: &str) by source: &Cause => "the connection to {host} broke";
    incomplete(host: &str) by source: &Cause => "the response from {host} broke off";
    malformed(host: &str) by source: &Cause => "the response from {host} is not HTTP";
    request() by source: &Cause => "the request cannot be sent";
    build() by source: &Cause => "the HTTP client cannot be built";
}
