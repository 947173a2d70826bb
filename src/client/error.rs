use crate::keys::KeyError;
use crate::oauth::{OAuthError, Retry};
use crate::transport::TransportError;

/// Why there is no token. The floors below have their own errors; this one holds any of them, so that a function
/// that loads a key, discovers a server and gets a token can return it with `?`. It can be cloned: all who waited for one
/// request get its error.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The key, the ring or the signer.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The assertion, or what the server said.
    #[error(transparent)]
    OAuth(#[from] OAuthError),
    /// No answer from the server.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl Error {
    /// Whether it makes sense to call again, and when.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Key(KeyError::Signer(_)) => Retry::BackOff,
            Self::Key(_) => Retry::Never,
            Self::OAuth(error) => error.retry(),
            Self::Transport(error) => error.retry(),
        }
    }
}
