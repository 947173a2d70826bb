//! Why a command ends early: an exit status, one line for stderr, and one for each likely cause.

use std::error::Error;
use std::fmt::Display;

use private_key_jwt::client::ErrorKind;
use private_key_jwt::keys::Causes;
use private_key_jwt::oauth::{OAuthError, Retry};
use private_key_jwt::transport::TransportError;

use crate::{causes, output};

/// Why a command failed.
pub(crate) struct Failure {
    status: u8,
    line: String,
    /// What may have caused it, the most likely first.
    causes: Vec<String>,
}

impl Failure {
    /// Refused or failed: exit status 1.
    pub(crate) fn refused(what: impl Display, why: impl Display) -> Self {
        Self { status: 1, line: format!("{what}: {why}"), causes: Vec::new() }
    }

    /// Wrong usage: exit status 2.
    pub(crate) fn usage(what: impl Display, why: impl Display) -> Self {
        Self { status: 2, line: format!("{what}: {why}"), causes: Vec::new() }
    }

    /// Ended by Ctrl-C: the exit status that shells use for it.
    pub(crate) fn interrupted() -> Self {
        Self { status: 130, line: "interrupted".to_owned(), causes: Vec::new() }
    }

    /// An error with its whole source chain, and what was being done when it happened.
    pub(crate) fn caused(what: impl Display, error: &(dyn Error + 'static)) -> Self {
        let mut why = Causes::of(error).to_string();
        if let Some(client) = error.downcast_ref::<private_key_jwt::Error>()
            && let Retry::After(pause) = client.retry()
        {
            why.push_str(&format!("; the server asks to wait {} s", pause.as_secs()));
        }
        match oauth_error(error) {
            Some(
                OAuthError::NoCertificate { .. }
                | OAuthError::ProfileRequires { member: "x5t#S256" | "x5t" | "x5c", .. },
            ) => why.push_str("; append the certificate to the key file"),
            Some(OAuthError::ProfileAlgorithm { .. }) => {
                why.push_str("; use another key, or --alg with an RSA key");
            }
            _ => {}
        }
        if let Some(OAuthError::Unavailable(answer)) = oauth_error(error)
            && answer.status() == 201
        {
            why.push_str("; if it always answers with 201, use --accept-created");
        }
        let failure = if is_usage(error) { Self::usage(what, why) } else { Self::refused(what, why) };
        let client =
            error.downcast_ref::<private_key_jwt::Error>().filter(|client| client.refusal().is_some());
        Self { causes: client.map(causes::lines).unwrap_or_default(), ..failure }
    }

    /// Adds a hint about what to do.
    pub(crate) fn hint(mut self, hint: impl Display) -> Self {
        self.line.push_str(&format!("; {hint}"));
        self
    }

    /// The exit status.
    pub(crate) const fn status(&self) -> u8 {
        self.status
    }

    /// One line without control characters: some of the text comes from a server.
    pub(crate) fn line(&self) -> String {
        format!("pkjwt: {}", output::printable(&self.line))
    }

    /// A line for each likely cause.
    pub(crate) fn causes(&self) -> impl Iterator<Item = String> {
        self.causes.iter().map(|cause| format!("  {}", output::printable(cause)))
    }
}

/// Adds to an error what was being done when it happened.
pub(crate) trait Context<T> {
    /// Makes the error a [`Failure`] with its whole source chain in it.
    fn context(self, what: impl Display) -> Result<T, Failure>;
}

impl<T, E: Error + 'static> Context<T> for Result<T, E> {
    fn context(self, what: impl Display) -> Result<T, Failure> {
        self.map_err(|error| Failure::caused(what, &error))
    }
}

/// Whether an error means a wrong argument, and not a refusal by a key or a server.
fn is_usage(error: &(dyn Error + 'static)) -> bool {
    matches!(
        oauth_error(error),
        Some(
            OAuthError::ClientId { .. }
                | OAuthError::EmptyAudience
                | OAuthError::EmptyParameter { .. }
                | OAuthError::Lifetime { .. }
                | OAuthError::ProfileAudience { .. }
                | OAuthError::ProfileMediaType { .. }
                | OAuthError::ProfileRequires { member: "kid" | "client_id", .. }
                | OAuthError::ReservedClaim { .. }
                | OAuthError::ReservedParameter { .. }
                | OAuthError::DuplicateParameter { .. }
                | OAuthError::Resource { .. }
                | OAuthError::Scope
        )
    )
}

/// The protocol error inside a client error.
fn oauth_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a OAuthError> {
    let client = error.downcast_ref().map(private_key_jwt::Error::kind);
    if let Some(ErrorKind::OAuth(error)) = client {
        Some(error)
    } else if let Some(TransportError::OAuth(error)) = error.downcast_ref() {
        Some(error)
    } else {
        error.downcast_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer\u{1b}[2J")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("inner\nline")]
    struct Inner;

    #[test]
    fn a_failure_is_one_line_with_its_sources_and_without_terminal_escapes() {
        let failure = Err::<(), _>(Outer(Inner)).context("what").err().map(|failure| failure.line());
        assert_eq!(failure.as_deref(), Some("pkjwt: what: outer\\u{1b}[2J: inner\\u{a}line"));
    }

    #[test]
    fn a_wrong_argument_is_wrong_usage_wherever_it_is_found() {
        let status =
            |error: private_key_jwt::Error| Err::<(), _>(error).context("x").err().map(|e| e.status());
        assert_eq!(status(OAuthError::EmptyAudience.into()), Some(2));
        assert_eq!(status(OAuthError::Time.into()), Some(1));
    }
}
