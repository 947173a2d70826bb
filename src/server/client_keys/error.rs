use http::StatusCode;

use crate::keys::{Cause, caused};
use crate::oauth::Retry;
use crate::server::jwks::RemoteJwksError;
use crate::transport::TransportError;
use crate::verifier::{ErrorResponse, VerifierError};

/// Why a client assertion is not accepted. [`Verifier`](Self::Verifier),
/// [`UnknownClient`](Self::UnknownClient) and [`JwksUri`](Self::JwksUri) are verdicts on the
/// client. With the other variants, the assertion may be valid, and the client may try again.
///
/// [`token_endpoint_response`](Self::token_endpoint_response) is what the server responds.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientKeysError {
    /// The assertion was checked and rejected.
    #[error(transparent)]
    Verifier(#[from] VerifierError),
    /// The registry has no such client.
    #[error("the client `{client_id}` is not registered")]
    UnknownClient {
        /// The claimed client id, made printable and cut to 64 characters.
        client_id: String,
    },
    /// The client registered a `jwks_uri` that cannot be called.
    #[error(fmt = jwks_uri)]
    JwksUri {
        /// The client id.
        client_id: String,
        /// What is wrong with it.
        source: TransportError,
    },
    /// There are no keys to check with, or they are too old, and newer ones cannot be fetched.
    #[error(transparent)]
    Keys(RemoteJwksError),
    /// The client changed its `jwks_uri` less than a cool-down ago, and again.
    #[error("the jwks_uri of client `{client_id}` changed twice within a cool-down")]
    ChangedTwice {
        /// The client id.
        client_id: String,
    },
    /// So many clients were active within the last cool-down that none can leave.
    #[error(
        "the keys of {capacity} clients were in use moments ago; `ClientKeysBuilder::capacity` makes room for more"
    )]
    Full {
        /// [`ClientKeysBuilder::capacity`](super::ClientKeysBuilder::capacity).
        capacity: usize,
    },
    /// The registry failed.
    #[error(fmt = registry)]
    Registry(#[source] Cause),
}

impl ClientKeysError {
    /// Returns what a token endpoint responds: [`VerifierError::token_endpoint_response`], 400
    /// `invalid_client` for the other verdicts on the client, and 503 `temporarily_unavailable` for
    /// the rest.
    #[must_use]
    pub fn token_endpoint_response(&self) -> ErrorResponse {
        let invalid_client = |description| {
            ErrorResponse::new(StatusCode::BAD_REQUEST, "invalid_client", description).because(self)
        };
        match self {
            Self::Verifier(error) | Self::Keys(RemoteJwksError::Token(error)) => {
                error.token_endpoint_response()
            }
            Self::UnknownClient { .. } => invalid_client("the client is not registered"),
            Self::JwksUri { .. } => invalid_client("the jwks_uri of the client cannot be used"),
            Self::Keys(_) | Self::ChangedTwice { .. } => {
                ErrorResponse::unavailable("the keys of the client are not available at the moment", self)
            }
            Self::Full { .. } | Self::Registry(_) => {
                ErrorResponse::unavailable("the client cannot be authenticated at the moment", self)
            }
        }
    }

    /// Whether it makes sense to present the same assertion again.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Verifier(_)
            | Self::UnknownClient { .. }
            | Self::JwksUri { .. }
            | Self::Keys(RemoteJwksError::Token(_)) => Retry::Never,
            _ => Retry::BackOff,
        }
    }
}

impl From<RemoteJwksError> for ClientKeysError {
    fn from(error: RemoteJwksError) -> Self {
        match error {
            RemoteJwksError::Token(error) => Self::Verifier(error),
            unavailable => Self::Keys(unavailable),
        }
    }
}

impl From<ClientKeysError> for ErrorResponse {
    /// [`ClientKeysError::token_endpoint_response`].
    fn from(error: ClientKeysError) -> Self {
        error.token_endpoint_response()
    }
}

impl From<RemoteJwksError> for ErrorResponse {
    /// As [`ClientKeysError::token_endpoint_response`], for the keys of one client.
    fn from(error: RemoteJwksError) -> Self {
        ClientKeysError::from(error).into()
    }
}

caused! {
    jwks_uri(client_id: &str) by source: &TransportError =>
        "the jwks_uri of client `{client_id}` cannot be used";
    registry() by source: &Cause => "the client registry failed";
}
