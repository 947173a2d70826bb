//! Refused requests (RFC 6750 §3). Caches store none of the statuses by default (RFC 9110 §15.1),
//! so the responses say nothing about caching.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};

use super::super::RemoteJwksError;
use super::super::reason::reason_of;
use super::scheme::Scheme;
use crate::jose::secret_form::setting;
use crate::oauth::Scope;
use crate::observer::RefusalReason;

/// In seconds. A failed fetch is repeated after a second, then after two, four and so on.
const RETRY_AFTER_SECONDS: u32 = 5;

/// A request that [`BearerLayer`](super::BearerLayer) or [`RequireScope`](super::RequireScope)
/// refused: why, and how to answer it (RFC 6750 §3).
///
/// `Display` is for the server's own log. It names the failed check, with what was found and what
/// was expected, but it does not contain the token; `{:#}` adds the causes. Do not send it to the
/// client.
#[derive(Clone, Debug)]
pub struct BearerRefusal {
    fault: Fault,
    scheme: Scheme,
    realm: Option<Arc<str>>,
}

#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// The client may not know that a token is needed: no error code (§3.1).
    NoCredentials,
    MalformedRequest,
    /// The token was checked and rejected, or there are no keys to check it with.
    Token(RemoteJwksError),
    /// The verifier requires these scopes; the error names the first that is missing.
    VerifierScope(Scope, RemoteJwksError),
    /// The route requires all of these scopes.
    AllScopes(Scope),
    /// The route requires one of these scopes.
    AnyScope(Scope),
    EmptyScope,
    NotChecked,
}

impl BearerRefusal {
    pub(super) const fn new(fault: Fault, scheme: Scheme, realm: Option<Arc<str>>) -> Self {
        Self { fault, scheme, realm }
    }

    /// The reason, as one of a few words.
    #[must_use]
    pub fn reason(&self) -> RefusalReason {
        match &self.fault {
            Fault::NoCredentials => RefusalReason::NoCredentials,
            Fault::MalformedRequest => RefusalReason::MalformedRequest,
            Fault::Token(RemoteJwksError::Token(error)) => reason_of(error),
            Fault::Token(RemoteJwksError::Unavailable { .. } | RemoteJwksError::TooOld { .. }) => {
                RefusalReason::KeysUnavailable
            }
            Fault::VerifierScope(..) | Fault::AllScopes(_) | Fault::AnyScope(_) => {
                RefusalReason::InsufficientScope
            }
            Fault::EmptyScope | Fault::NotChecked => RefusalReason::Misconfigured,
        }
    }

    /// The status of the response: 400, 401, 403, 500 or 503.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self.reason() {
            RefusalReason::MalformedRequest => StatusCode::BAD_REQUEST,
            RefusalReason::InsufficientScope => StatusCode::FORBIDDEN,
            RefusalReason::KeysUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            RefusalReason::Misconfigured => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// The `error` of RFC 6750 §3.1: `invalid_request`, `invalid_token` or `insufficient_scope`.
    /// `None` for a request without a token, and if the server is at fault.
    #[must_use]
    pub fn error_code(&self) -> Option<&'static str> {
        match self.reason() {
            RefusalReason::MalformedRequest => Some("invalid_request"),
            RefusalReason::InsufficientScope => Some("insufficient_scope"),
            RefusalReason::NoCredentials | RefusalReason::KeysUnavailable | RefusalReason::Misconfigured => {
                None
            }
            _ => Some("invalid_token"),
        }
    }

    /// What is wrong, in words for the client. They say nothing about the token or the settings.
    #[must_use]
    pub fn detail(&self) -> &'static str {
        match self.reason() {
            RefusalReason::NoCredentials => "the request has no access token",
            RefusalReason::MalformedRequest => {
                "the request needs exactly one Authorization header, with one access token"
            }
            RefusalReason::InsufficientScope => "the access token does not have the required scope",
            RefusalReason::KeysUnavailable => "the access token cannot be checked now; try again later",
            RefusalReason::Misconfigured => "the server cannot check access tokens",
            _ => "the access token is not valid",
        }
    }

    /// The scopes that are required, not only those that are missing, if the token lacks one.
    #[must_use]
    pub const fn scope(&self) -> Option<&Scope> {
        match &self.fault {
            Fault::VerifierScope(scope, _) | Fault::AllScopes(scope) | Fault::AnyScope(scope) => Some(scope),
            _ => None,
        }
    }

    /// The error of the token or of the keys. `None` if the token was not checked, or if only a
    /// route refuses it.
    #[must_use]
    pub const fn error(&self) -> Option<&RemoteJwksError> {
        match &self.fault {
            Fault::Token(error) | Fault::VerifierScope(_, error) => Some(error),
            _ => None,
        }
    }

    /// The value of `WWW-Authenticate`, if the response has one.
    #[must_use]
    pub fn challenge(&self) -> Option<HeaderValue> {
        if matches!(self.reason(), RefusalReason::KeysUnavailable | RefusalReason::Misconfigured) {
            return None;
        }
        // The parameter is optional, so a scope that cannot be written is left out.
        let scope = self.scope().filter(|scope| !scope.is_empty() && scope.check().is_ok());
        let scope = scope.map(Scope::to_string);
        let parameters =
            [("realm", self.realm.as_deref()), ("error", self.error_code()), ("scope", scope.as_deref())];
        let parameters: Vec<String> = parameters
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", quoted(value?))))
            .collect();
        // It is printable ASCII.
        HeaderValue::try_from(format!("{} {}", self.scheme.as_str(), parameters.join(", "))).ok()
    }

    /// Gives a response the status of this refusal, unless it has one of an error, and the headers
    /// of that status, unless it has them.
    pub(super) fn complete<B>(&self, mut response: Response<B>) -> Response<B> {
        if !response.status().is_client_error() && !response.status().is_server_error() {
            *response.status_mut() = self.status();
        }
        if response.status() != self.status() {
            return response;
        }
        let headers = response.headers_mut();
        if let Some(challenge) = self.challenge() {
            headers.entry(WWW_AUTHENTICATE).or_insert(challenge);
        }
        if self.reason() == RefusalReason::KeysUnavailable {
            headers.entry(RETRY_AFTER).or_insert(RETRY_AFTER_SECONDS.into());
        }
        response
    }
}

impl fmt::Display for BearerRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            Fault::NoCredentials | Fault::MalformedRequest => f.write_str(self.detail()),
            Fault::Token(error) | Fault::VerifierScope(_, error) => error.fmt(f),
            Fault::AllScopes(scope) => {
                write!(f, "the token does not have all of the scopes `{}`", setting(scope.to_string()))
            }
            Fault::AnyScope(scope) => {
                write!(f, "the token has none of the scopes `{}`", setting(scope.to_string()))
            }
            Fault::EmptyScope => f.write_str("nothing is accepted: the scope of `RequireScope` is empty"),
            Fault::NotChecked => f.write_str("`RequireScope` is not inside of a `BearerLayer`"),
        }
    }
}

impl Error for BearerRefusal {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error().and_then(Error::source)
    }
}

/// RFC 9110 §5.6.4: a `quoted-string`; characters other than printable ASCII become `?`.
fn quoted(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for character in value.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            _ => quoted.push('?'),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9110_5_6_4_nothing_leaves_the_quotes() {
        assert_eq!(quoted("a b"), r#""a b""#);
        assert_eq!(quoted(r#"a", error="\"#), r#""a\", error=\"\\""#);
        assert_eq!(quoted("a\r\nSet-Cookie: b\u{e4}\u{7f}\t"), r#""a??Set-Cookie: b???""#);
    }

    #[test]
    fn rfc6750_3_a_scope_that_cannot_be_one_is_left_out() {
        for scope in ["a\"b", "a\\b", "a\r\nb", "\u{e4}", ""] {
            let refusal = BearerRefusal::new(Fault::AllScopes(Scope::from(scope)), Scheme::Bearer, None);
            let challenge = refusal.challenge().unwrap();
            assert_eq!(challenge, r#"Bearer error="insufficient_scope""#, "{scope:?}");
        }
    }
}
