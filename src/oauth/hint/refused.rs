//! The causes of a refusal or of another error, with what the client knew.

use super::cause::{Cause, Certainty};
use super::context::Context;
use super::explain::causes;
use super::kind::CauseKind;
use crate::oauth::{OAuthError, Refusal};

impl Refusal {
    /// The likely causes, the most likely first, each with what to change. Empty if nothing is
    /// known about them.
    ///
    /// The server's own words decide: the codes for machines of some servers, and the known texts
    /// of common servers and libraries. A refusal of a `TokenClient` also knows which server it
    /// was, and what was sent; use [`explain`](super::explain) to add that to any other.
    ///
    /// ```
    /// use private_key_jwt::oauth::{CauseKind, OAuthError, TokenResponse};
    /// use time::OffsetDateTime;
    ///
    /// let body = r#"{"error":"invalid_client","error_description":"Invalid token audience"}"#;
    /// let response = http::Response::builder().status(400).body(body.into())?;
    /// let Err(OAuthError::Refused(refusal)) = TokenResponse::from_http(response, OffsetDateTime::UNIX_EPOCH) else {
    ///     panic!()
    /// };
    /// assert_eq!(refusal.hint()[0].kind(), CauseKind::Audience);
    /// # Ok::<(), http::Error>(())
    /// ```
    #[must_use]
    pub fn hint(&self) -> Vec<Cause> {
        match self.context() {
            Some(context) => causes(self, context),
            None => causes(self, &Context::default()),
        }
    }
}

impl OAuthError {
    /// The likely causes, the most likely first, each with what to change. Empty if nothing is
    /// known about them, or if the error itself says what to do.
    #[must_use]
    pub fn hint(&self) -> Vec<Cause> {
        match self {
            Self::Refused(refusal) | Self::Unavailable(refusal) => refusal.hint(),
            Self::NoCertificate { .. } => {
                vec![Cause::new(
                    CauseKind::Certificate,
                    Certainty::Certain,
                    "append the certificate to the key file",
                )]
            }
            _ => Vec::new(),
        }
    }
}
