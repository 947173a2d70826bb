use std::sync::Arc;
use std::time::Duration;

use crate::jose::JoseError;
use crate::keys::caused;
use crate::oauth::Retry;
use crate::transport::TransportError;
use crate::verifier::VerifierError;

/// Why a token or an assertion is not accepted. [`Token`](Self::Token) is the sender's fault (401,
/// or 403 for a missing scope). With the other variants, keys are not available (503).
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteJwksError {
    /// The token or assertion was checked and rejected.
    #[error(transparent)]
    Token(#[from] VerifierError),
    /// There are no keys, or none with its `kid`, and newer ones cannot be fetched. The token or
    /// assertion may be valid.
    #[error(fmt = unavailable)]
    Unavailable {
        /// The URL of the JWK Set, or the issuer if the URL is not known.
        url: String,
        /// How the last attempt to fetch them failed.
        source: Arc<JwksFetchError>,
    },
    /// The cached keys were fetched too long ago to be trusted, and newer ones cannot be fetched.
    #[error(fmt = too_old)]
    TooOld {
        /// The URL of the JWK Set.
        url: String,
        /// How long ago they were fetched.
        age: Duration,
        /// [`RemoteJwksBuilder::hard_limit`](super::RemoteJwksBuilder::hard_limit).
        limit: Duration,
        /// How the last attempt to fetch newer ones failed.
        source: Arc<JwksFetchError>,
    },
}

impl RemoteJwksError {
    /// Whether it makes sense to present the same token again.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        if matches!(self, Self::Token(_)) { Retry::Never } else { Retry::BackOff }
    }
}

/// Why a JWK Set could not be fetched. All callers that waited for the fetch share this error.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JwksFetchError {
    /// There was no response, its status was not 200 (no redirect is followed), or it was too long.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The issuer that names the URL could not be discovered.
    #[error(fmt = discovery)]
    Discovery {
        /// The issuer, safe to log.
        issuer: String,
        /// Why.
        source: TransportError,
    },
    /// The response is not a JWK Set, or has more keys than any issuer needs.
    #[error(fmt = document)]
    Document {
        /// The URL.
        url: String,
        /// What is wrong with it.
        source: JoseError,
    },
    /// The fetch did not finish: there is no tokio runtime any more, or the HTTP client panicked.
    #[error("the fetch did not finish: no tokio runtime, or the HTTP client panicked")]
    Lost,
}

caused! {
    unavailable(url: &str) by source: &JwksFetchError => "the keys at {url} are not available";
    too_old(url: &str, age: &Duration, limit: &Duration) by source: &JwksFetchError =>
        "the keys at {url} are {} s old, at most {} s are trusted", age.as_secs(), limit.as_secs();
    discovery(issuer: &str) by source: &TransportError => "cannot discover {issuer}";
    document(url: &str) by source: &JoseError => "{url} did not return a usable JWK Set";
}
