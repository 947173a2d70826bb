use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};

use super::{BoundTo, VerifierError};
use crate::jose::json::ObjectWriter;
use crate::keys::{Causes, KeyError};
use crate::oauth::{OAuthError, Scope};

/// What a server responds to a rejected request: a status, an `error` code and a description in the
/// format of RFC 6749 §5.2, and the challenge in `WWW-Authenticate` where the status needs one.
///
/// [`VerifierError::token_endpoint_response`] and [`VerifierError::protected_resource_response`]
/// make it. `?` converts the errors of this crate into the response of a token endpoint.
///
/// The description is for the client. It contains no secret, no setting of the server and no cause
/// inside the server. [`Display`](fmt::Display) is for the server's own log, and says the reason.
///
/// ```
/// use private_key_jwt::verifier::VerifierError;
///
/// let response = VerifierError::Replayed.token_endpoint_response().to_http();
/// assert_eq!(response.status(), 400);
/// assert_eq!(
///     response.into_body(),
///     br#"{"error":"invalid_client","error_description":"the `jti` of the assertion was used before; every assertion needs a new one"}"#
/// );
/// ```
#[derive(Clone, Debug)]
pub struct ErrorResponse {
    status: StatusCode,
    error: &'static str,
    description: Option<String>,
    challenge: Option<Challenge>,
    retry_after: Option<Duration>,
    /// The reason, for the log.
    reason: String,
}

/// The challenge of RFC 6750 §3, without what the response has anyway.
#[derive(Clone, Debug)]
struct Challenge {
    scheme: Cow<'static, str>,
    realm: Option<String>,
    scope: Option<Scope>,
    /// RFC 6750 §3 has `error` among the parameters. Other schemes do not.
    has_error: bool,
}

impl ErrorResponse {
    /// How long a client should wait if the fault is the server's: 5 s.
    pub const RETRY_AFTER: Duration = Duration::from_secs(5);

    /// Creates a response for a reason of the server's own, such as `unsupported_grant_type`. In
    /// the description, characters that RFC 6749 §5.2 does not allow are replaced.
    ///
    /// ```
    /// use http::StatusCode;
    /// use private_key_jwt::verifier::ErrorResponse;
    ///
    /// let refused = ErrorResponse::new(StatusCode::BAD_REQUEST, "invalid_scope", "at most one scope");
    /// assert_eq!(refused.to_string(), "400 invalid_scope: at most one scope");
    /// ```
    #[must_use]
    pub fn new(status: StatusCode, error: &'static str, description: &str) -> Self {
        Self {
            status,
            error,
            description: Some(describable(description)),
            challenge: None,
            retry_after: None,
            reason: description.to_owned(),
        }
    }

    /// Omits the description from the response. The reason stays in [`Display`](fmt::Display).
    #[must_use]
    pub fn without_description(mut self) -> Self {
        self.description = None;
        self
    }

    /// Names the protection space in the challenge (RFC 9110 §11.5), if there is a challenge.
    #[must_use]
    pub fn with_realm(mut self, realm: &str) -> Self {
        if let Some(challenge) = &mut self.challenge {
            challenge.realm = Some(describable(realm));
        }
        self
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The `error` code, such as `invalid_client`.
    #[must_use]
    pub const fn error(&self) -> &'static str {
        self.error
    }

    /// The `error_description`, in the characters that RFC 6749 §5.2 allows.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// The value of `Retry-After`, if the same request may succeed later.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The value of `WWW-Authenticate`, if the response has a challenge.
    #[must_use]
    pub fn www_authenticate(&self) -> Option<String> {
        let Challenge { scheme, realm, scope, has_error } = self.challenge.as_ref()?;
        let scope = scope.as_ref().filter(|scope| !scope.is_empty() && scope.check().is_ok());
        let scope = scope.map(Scope::to_string);
        let of_error = |value| has_error.then_some(value);
        let parameters = [
            ("realm", realm.as_deref()),
            ("error", of_error(self.error())),
            ("error_description", self.description().and_then(of_error)),
            ("scope", scope.as_deref()),
        ];
        // No value has a quote or a backslash in it, so none needs an escape.
        let parameters =
            parameters.into_iter().filter_map(|(name, value)| Some(format!("{name}=\"{}\"", value?)));
        Some(format!("{scheme} {}", parameters.collect::<Vec<_>>().join(", ")))
    }

    /// Returns the whole response. No cache stores it.
    #[must_use]
    pub fn to_http(&self) -> Response<Vec<u8>> {
        let mut json = ObjectWriter::with_capacity(256);
        json.text("error", self.error);
        if let Some(description) = &self.description {
            json.text("error_description", description);
        }
        let mut response = Response::new(json.finish().to_vec());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let fields = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];
        for (name, value) in fields {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Some(challenge) = self.www_authenticate().and_then(|text| HeaderValue::try_from(text).ok()) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(pause) = self.retry_after {
            headers.insert(RETRY_AFTER, pause.as_secs().into());
        }
        response
    }

    /// The server cannot say at the moment: 503.
    pub(crate) fn unavailable(description: &str, reason: &dyn Error) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let response = Self::new(status, "temporarily_unavailable", description).because(reason);
        Self { retry_after: Some(Self::RETRY_AFTER), ..response }
    }

    fn server_error(reason: &dyn Error) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "the server failed").because(reason)
    }

    /// Adds the reason, for the log only.
    pub(crate) fn because(self, reason: &dyn Error) -> Self {
        Self { reason: Causes::of(reason).to_string(), ..self }
    }
}

impl VerifierError {
    /// Returns what a token endpoint responds to a request whose client assertion is rejected (RFC
    /// 6749 §5.2, RFC 7523 §3.2):
    ///
    /// | error | status and code |
    /// | --- | --- |
    /// | the request is malformed, or uses two authentication methods | 400 `invalid_request` |
    /// | the `Authorization` header has another method | 401 `invalid_client`, with a challenge of its scheme |
    /// | the replay store cannot say whether the assertion is new | 503 `temporarily_unavailable` |
    /// | [`EmptySetting`](Self::EmptySetting) | 500 `server_error` |
    /// | anything else | 400 `invalid_client` |
    ///
    /// The status of `invalid_client` is 400, because 401 needs a challenge (RFC 9110 §15.5.2), and
    /// there is no authentication scheme for an assertion in a form.
    #[must_use]
    pub fn token_endpoint_response(&self) -> ErrorResponse {
        let bad_request = |error: &'static str, description: &str| {
            ErrorResponse::new(StatusCode::BAD_REQUEST, error, description).because(self)
        };
        match self {
            Self::EmptySetting { .. } => ErrorResponse::server_error(self),
            Self::ReplayStoreFull | Self::ReplayShareFull { .. } | Self::ReplayStore(_) => {
                ErrorResponse::unavailable("the assertion cannot be accepted at the moment", self)
            }
            Self::AuthorizationHeader { scheme, has_assertion: false } => {
                let scheme = scheme.clone().map_or(Cow::Borrowed("Basic"), Cow::Owned);
                let realm = Some("private_key_jwt is the only method".to_owned());
                let challenge = Challenge { scheme, realm, scope: None, has_error: false };
                let status = StatusCode::UNAUTHORIZED;
                let response = ErrorResponse::new(status, "invalid_client", &self.to_string()).because(self);
                ErrorResponse { challenge: Some(challenge), ..response }
            }
            Self::FormTooLarge { .. }
            | Self::DuplicateParameter { .. }
            | Self::TwoMethods
            | Self::AuthorizationHeader { .. }
            | Self::ContentType { .. }
            | Self::MissingParameter { name: "client_assertion_type" } => {
                bad_request("invalid_request", &self.to_string())
            }
            _ if self.is_about_access_tokens() => bad_request("invalid_client", "the token is not accepted"),
            _ => bad_request("invalid_client", &self.to_string()),
        }
    }

    /// Returns what a protected resource responds to a request whose access token is rejected (RFC
    /// 6750 §3.1): 403 `insufficient_scope` for a missing scope, 500 `server_error` for
    /// [`EmptySetting`](Self::EmptySetting), otherwise 401 `invalid_token`. The challenge has the
    /// scheme `DPoP` if the token is bound to a DPoP key (RFC 9449 §7.1), otherwise `Bearer`.
    ///
    /// The description does not repeat the token's claims or the verifier's settings.
    #[must_use]
    pub fn protected_resource_response(&self) -> ErrorResponse {
        const UNPROVEN: &str = "the access token is bound to a key, and the request does not prove that key";
        let (status, error) = (StatusCode::UNAUTHORIZED, "invalid_token");
        let (status, error, description) = match self {
            Self::EmptySetting { .. } => return ErrorResponse::server_error(self),
            Self::MissingScope { .. } => {
                (StatusCode::FORBIDDEN, "insufficient_scope", "the access token lacks a required scope")
            }
            Self::Expired { .. } => (status, error, "the access token expired"),
            Self::NotYetValid { .. } => (status, error, "the access token is not valid yet"),
            Self::Unproven { .. } | Self::OtherKeyProven { .. } => (status, error, UNPROVEN),
            Self::NotBound => (status, error, "the access token is not bound to the proven key"),
            _ => (status, error, "the access token is not accepted"),
        };
        let scope = match self {
            Self::MissingScope { scope } => Some(Scope::from(scope)),
            _ => None,
        };
        let challenge = Challenge { scheme: self.scheme().into(), realm: None, scope, has_error: true };
        let response = ErrorResponse::new(status, error, description).because(self);
        ErrorResponse { challenge: Some(challenge), ..response }
    }

    /// The scheme of the challenge.
    const fn scheme(&self) -> &'static str {
        match self {
            Self::NotBound
            | Self::Unproven { to: BoundTo::DpopKey }
            | Self::OtherKeyProven { to: BoundTo::DpopKey, .. } => "DPoP",
            _ => "Bearer",
        }
    }

    /// Whether the text of the error names settings of an `AccessTokenVerifier`.
    const fn is_about_access_tokens(&self) -> bool {
        matches!(
            self,
            Self::Issuer { .. }
                | Self::AccessTokenType { .. }
                | Self::NotRfc9068 { .. }
                | Self::NotAnAccessToken { .. }
                | Self::MissingAudience { .. }
                | Self::UnexpectedAudience { .. }
                | Self::Unproven { .. }
                | Self::UnknownConfirmation { .. }
                | Self::TokenLifetime { .. }
        )
    }
}

impl From<VerifierError> for ErrorResponse {
    /// [`VerifierError::token_endpoint_response`].
    fn from(error: VerifierError) -> Self {
        error.token_endpoint_response()
    }
}

impl From<OAuthError> for ErrorResponse {
    /// The response of a token endpoint that cannot issue a token: 400 `invalid_scope` for
    /// [`OAuthError::Scope`], 400 `invalid_target` for [`OAuthError::Resource`] and
    /// [`OAuthError::EmptyAudience`] (RFC 8707 §2), otherwise 500 `server_error`.
    fn from(error: OAuthError) -> Self {
        let code = match error {
            OAuthError::Scope => "invalid_scope",
            OAuthError::Resource { .. } | OAuthError::EmptyAudience => "invalid_target",
            _ => return Self::server_error(&error),
        };
        Self::new(StatusCode::BAD_REQUEST, code, &error.to_string())
    }
}

impl From<KeyError> for ErrorResponse {
    /// The response of a token endpoint whose own key fails: 500 `server_error`.
    fn from(error: KeyError) -> Self {
        Self::server_error(&error)
    }
}

impl fmt::Display for ErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status.as_u16(), self.error, self.reason)
    }
}

impl Error for ErrorResponse {}

/// Restricts text to the characters of `error_description`: %x20-21 / %x23-5B / %x5D-7E (RFC 6749
/// §5.2).
pub(crate) fn describable(text: &str) -> String {
    let mut described = String::with_capacity(text.len());
    for character in text.chars().take(2048) {
        match character {
            '"' => described.push('\''),
            '\\' => described.push('/'),
            '…' => described.push_str("..."),
            '§' => described.push_str("section "),
            ' '..='~' => described.push(character),
            _ => described.push('?'),
        }
    }
    described
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6749_5_2_a_description_has_no_quote_no_backslash_and_nothing_but_ascii() {
        assert_eq!(describable("`kid` \"a\\b\" §3 …\u{1b}\n"), "`kid` 'a/b' section 3 ...??");
        let every: String = (0..=0x2fff).filter_map(char::from_u32).collect();
        for start in (0..0x2f00).step_by(256) {
            let piece: String = every.chars().skip(start).take(256).collect();
            assert!(
                describable(&piece)
                    .bytes()
                    .all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e))
            );
        }
    }
}
