use crate::keys::Cause;
use crate::oauth::{OAuthError, Retry, safe_url, said};

/// Why there is no HTTP response, or no metadata in it.
///
/// An answer of the server, whatever its status, is not a transport error where tokens are
/// concerned.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// No connection, so that the server cannot have seen the request.
    #[error("cannot connect to {host}")]
    Connect {
        /// The host.
        host: String,
        /// What the HTTP client says.
        source: Cause,
    },
    /// A connection that cannot be trusted, or whose two ends do not agree: the TLS handshake
    /// failed, or the server refused it afterwards with an alert, as for a missing client
    /// certificate. The server cannot have seen the request. The source says what to do about it,
    /// where that is known.
    #[error("cannot connect to {host} by TLS")]
    Tls {
        /// The host.
        host: String,
        /// What the HTTP client says.
        source: Cause,
    },
    /// No complete answer in time.
    #[error("{host} did not answer in time")]
    Timeout {
        /// The host.
        host: String,
    },
    /// The connection broke before an answer came.
    #[error("the connection to {host} broke")]
    Broken {
        /// The host.
        host: String,
        /// What the HTTP client says.
        source: Cause,
    },
    /// An answer whose body does not come to its end.
    #[error("the answer of {host} broke off")]
    Incomplete {
        /// The host.
        host: String,
        /// What the HTTP client says.
        source: Cause,
    },
    /// An answer that is not HTTP.
    #[error("the answer of {host} is not HTTP")]
    Malformed {
        /// The host.
        host: String,
        /// What the HTTP client says.
        source: Cause,
    },
    /// A request that the HTTP client cannot send.
    #[error("the request cannot be sent")]
    Request(#[source] Cause),
    /// The HTTP client cannot be built, for instance for want of certificates to trust.
    #[error("the HTTP client cannot be built")]
    Build(#[source] Cause),
    /// A body longer than any honest one.
    #[error("{host} answered more than {limit} bytes")]
    BodyTooLarge {
        /// The host.
        host: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// A host that is not on the public internet, where only such may be asked
    /// ([`PublicNetworkClient`](super::PublicNetworkClient)).
    #[error("{host} is not on the public internet")]
    NotPublic {
        /// The host.
        host: String,
    },
    /// A document that the server does not hand out.
    #[error("{url} answered {answer}")]
    Status {
        /// The URL of the document.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The status, and what else the server says: the words of the body, the names of the
        /// request, where a redirect leads to. Safe to log.
        answer: String,
    },
    /// The document was there, and is not what it should be.
    #[error(transparent)]
    OAuth(#[from] OAuthError),
}

impl TransportError {
    /// An answer that is not the document at this URL.
    pub(crate) fn status(url: &str, response: &http::Response<Vec<u8>>) -> Self {
        Self::Status { url: safe_url(url), status: response.status().as_u16(), answer: said(response) }
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
