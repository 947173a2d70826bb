use std::fmt;
use std::time::Duration;

use crate::jose::KeyId;
use crate::keys::KeyError;
use crate::oauth::{OAuthError, Refusal, Retry};
use crate::transport::TransportError;

/// Why there is no token. The floors below have their own errors; this one holds any of them, so that a function
/// that loads a key, discovers a server and gets a token can return it with `?`. It can be cloned: all who waited for one
/// request get its error.
///
/// What went wrong after several attempts is inside [`Error::Attempts`]; [`Error::last`] looks through it, and
/// [`Error::refusal`] finds what the server said wherever it is.
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
    /// A request that is good once, as the request of a [`TokenSource`](super::TokenSource): it would be sent again for the
    /// next token. Send it with [`TokenClient::request`](super::TokenClient::request), and make a source of the response.
    #[error("a grant of the type {grant_type} is good once, and no source of tokens")]
    SingleUse {
        /// The `grant_type`.
        grant_type: &'static str,
    },
    /// A [`TokenSource`](super::TokenSource) has no way to another token: the server refused the refresh token, or there is
    /// none. The user has to log in again.
    #[error("the grant has ended{}", refusal.as_ref().map(|refusal| format!(", refused: {refusal}")).unwrap_or_default())]
    GrantEnded {
        /// What the server said of the refresh token.
        refusal: Option<Box<Refusal>>,
    },
    /// A token of a type that needs more than a `Bearer` header (RFC 6749 §7.1).
    #[error("the token is of the type {token_type}, and no bearer token")]
    NotBearer {
        /// The `token_type`, safe to log.
        token_type: String,
    },
    /// A setting of [`TokenClientBuilder`](super::TokenClientBuilder) that would switch a protection off by chance.
    #[error("the {setting} is {reason}")]
    Setting {
        /// The method of the builder.
        setting: &'static str,
        /// What is wrong with it, and what to do.
        reason: &'static str,
    },
    /// A request that was waited for, whoever began it, ended without an answer: it panicked, or its runtime was shut down.
    #[error("the token request was cut off")]
    Interrupted,
    /// Any of these, after more than one attempt.
    #[error(transparent)]
    Attempts(Box<Attempts>),
    /// Nothing was sent: the server rejected the key, or this request with it, a short while ago and is left alone for a time
    /// that grows. Another key is tried at once.
    #[error("nothing was sent, the server refused the key `{key_id}` before: {refusal}")]
    Remembered {
        /// The name of the key.
        key_id: KeyId,
        /// What the server said.
        refusal: Box<Refusal>,
        /// How long it is left alone.
        pause: Duration,
    },
}

impl Error {
    /// Whether it makes sense to call again, and when.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Key(KeyError::Signer(_)) => Retry::BackOff,
            Self::Key(_)
            | Self::SingleUse { .. }
            | Self::GrantEnded { .. }
            | Self::NotBearer { .. }
            | Self::Setting { .. } => Retry::Never,
            Self::Interrupted => Retry::BackOff,
            Self::OAuth(error) => error.retry(),
            Self::Transport(error) => error.retry(),
            Self::Attempts(attempts) => attempts.last.retry(),
            Self::Remembered { pause, .. } => Retry::After(*pause),
        }
    }

    /// How many attempts there were, also such as ended before a request was sent: one, unless there was another; none
    /// where there was nothing to attempt, as for a refusal that is remembered.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        match self {
            Self::Attempts(attempts) => attempts.count,
            Self::Remembered { .. }
            | Self::SingleUse { .. }
            | Self::GrantEnded { .. }
            | Self::Setting { .. } => 0,
            _ => 1,
        }
    }

    /// Why the last attempt failed: the error itself, unless there were several.
    #[must_use]
    pub fn last(&self) -> &Self {
        match self {
            Self::Attempts(attempts) => &attempts.last,
            error => error,
        }
    }

    /// As [`Error::last`], by value.
    #[must_use]
    pub fn into_last(self) -> Self {
        match self {
            Self::Attempts(attempts) => attempts.last,
            error => error,
        }
    }

    /// What the server said when it refused: in a 400, 401 or 403 of this call or, remembered, of one before.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self.last() {
            Self::OAuth(OAuthError::Refused(refusal))
            | Self::Remembered { refusal, .. }
            | Self::GrantEnded { refusal: Some(refusal) } => Some(refusal),
            _ => None,
        }
    }

    /// The same error, of the last of so many attempts.
    pub(super) fn after(self, count: u32) -> Self {
        if count > 1 { Self::Attempts(Box::new(Attempts { last: self, count })) } else { self }
    }
}

/// Why the last of several attempts failed, and how many there were.
#[derive(Clone, Debug)]
pub struct Attempts {
    last: Error,
    count: u32,
}

impl Attempts {
    /// Why the last one failed.
    #[must_use]
    pub const fn last(&self) -> &Error {
        &self.last
    }

    /// How many there were, the first one counted: two or more.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }
}

impl fmt::Display for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (after {} attempts)", self.last, self.count)
    }
}

impl std::error::Error for Attempts {
    /// That of the last error, which is already in the text.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.last.source()
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn several_attempts_are_counted_and_their_error_is_said_once() {
        let broken = || Error::from(TransportError::Broken { host: "h".to_owned(), source: "reset".into() });
        assert_eq!((broken().after(1).attempts(), broken().after(1).to_string()), (1, broken().to_string()));
        let error = broken().after(3);
        assert_eq!(error.to_string(), "the connection to h broke (after 3 attempts)");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("reset"));
        assert_eq!((error.attempts(), error.retry()), (3, Retry::BackOff));
        assert!(matches!(error.last(), Error::Transport(TransportError::Broken { .. })));
        assert!(matches!(error.into_last(), Error::Transport(TransportError::Broken { .. })));
    }

    #[test]
    fn a_refusal_is_found_wherever_it_is() {
        let response = || http::Response::builder().status(401).body(Vec::new()).unwrap();
        let refused = || {
            let now = time::OffsetDateTime::UNIX_EPOCH;
            Error::from(crate::oauth::TokenResponse::from_http(response(), now).unwrap_err())
        };
        let refusal = Box::new(refused().refusal().unwrap().clone());
        let remembered = Error::Remembered { key_id: "k".into(), refusal, pause: Duration::from_secs(3) };
        assert_eq!(remembered.to_string(), "nothing was sent, the server refused the key `k` before: 401");
        assert_eq!((remembered.attempts(), remembered.retry()), (0, Retry::After(Duration::from_secs(3))));
        for error in [refused(), refused().after(2), remembered] {
            assert_eq!(error.refusal().map(Refusal::status), Some(401));
        }
        assert!(Error::from(KeyError::Signing).refusal().is_none());
    }
}
