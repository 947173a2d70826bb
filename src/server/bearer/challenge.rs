//! Responses to rejected requests (RFC 6750 §3). Caches store none of the statuses by default (RFC
//! 9110 §15.1), so the responses say nothing about caching.

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};

use crate::oauth::Scope;

/// In seconds. A failed fetch is repeated after a second, then after two, four and so on.
const RETRY_AFTER_SECONDS: u32 = 5;

#[derive(Debug)]
pub(super) enum Refusal {
    /// The client may not know that a token is needed: no error code (§3.1).
    NoCredentials,
    InvalidRequest,
    InvalidToken,
    /// With all scopes that are needed, not only those that are missing.
    InsufficientScope(Scope),
    /// There are no keys to check the token with.
    Unavailable,
    /// The layers are in the wrong order, or a setting is empty: the server's own fault.
    Misconfigured,
}

/// The scheme that a token came with, which is also that of the challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Bearer,
    /// RFC 9449 §7.1.
    Dpop,
}

impl Scheme {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}

impl Refusal {
    const fn status(&self) -> StatusCode {
        match self {
            Self::NoCredentials | Self::InvalidToken => StatusCode::UNAUTHORIZED,
            Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::InsufficientScope(_) => StatusCode::FORBIDDEN,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Misconfigured => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The value of `WWW-Authenticate`.
    fn challenge(&self, scheme: Scheme, realm: Option<&str>) -> Option<String> {
        let (error, scope) = match self {
            Self::NoCredentials => (None, None),
            Self::InvalidRequest => (Some("invalid_request"), None),
            Self::InvalidToken => (Some("invalid_token"), None),
            Self::InsufficientScope(scope) => (Some("insufficient_scope"), Some(scope)),
            Self::Unavailable | Self::Misconfigured => return None,
        };
        // The parameter is optional, so a scope that cannot be written is left out.
        let scope = scope.filter(|scope| !scope.is_empty() && scope.check().is_ok()).map(Scope::to_string);
        let parameters = [("realm", realm), ("error", error), ("scope", scope.as_deref())];
        let parameters: Vec<String> = parameters
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", quoted(value?))))
            .collect();
        Some(format!("{} {}", scheme.as_str(), parameters.join(", ")))
    }

    pub(super) fn response<R: Default>(&self, scheme: Scheme, realm: Option<&str>) -> Response<R> {
        let mut response = Response::new(R::default());
        *response.status_mut() = self.status();
        // It is printable ASCII.
        if let Some(challenge) =
            self.challenge(scheme, realm).and_then(|text| HeaderValue::try_from(text).ok())
        {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        if matches!(self, Self::Unavailable) {
            response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS.into());
        }
        response
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
            let challenge = Refusal::InsufficientScope(Scope::from(scope));
            let challenge = challenge.challenge(Scheme::Bearer, None).unwrap();
            assert_eq!(challenge, r#"Bearer error="insufficient_scope""#, "{scope:?}");
        }
    }
}
