use http::StatusCode;
use time::OffsetDateTime;

use super::answer::{Answer, Success};
use super::form;
use super::parameters::Parameters;
use super::{AuthorizationServer, ClientAssertion, Endpoint, OAuthError};

/// A token to introspect (RFC 7662 §2.1) or to revoke (RFC 7009 §2.1), optionally with a hint of
/// its type. Both requests have the same parameters, so one type builds both.
///
/// ```
/// use private_key_jwt::{AuthorizationServer, ClientAssertion, PrivateKey, Algorithm};
/// use private_key_jwt::oauth::{Endpoint, HintedToken};
/// use time::OffsetDateTime;
///
/// let server = AuthorizationServer::new("https://as.example", "https://as.example/token")?
///     .with_endpoint(Endpoint::Revocation, "https://as.example/revoke")?;
/// let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
/// let assertion = ClientAssertion::builder("client", &server).sign(&key, OffsetDateTime::now_utc(), "jti")?;
///
/// let request = HintedToken::refresh_token("45ghiukldjahdnhzdauz").to_revocation(&server, &assertion)?;
/// assert!(request.body().starts_with(b"token=45ghiukldjahdnhzdauz&token_type_hint=refresh_token&"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The token is wiped on drop, and `Debug` does not show it.
#[derive(Clone, Debug, Hash)]
pub struct HintedToken(Parameters);

impl HintedToken {
    const HINT: &str = "token_type_hint";

    /// Wraps a token of either type.
    #[must_use]
    pub fn new(token: impl Into<String>) -> Self {
        let mut parameters = Parameters::default();
        parameters.set("token", token);
        Self(parameters)
    }

    /// Wraps an access token. The hint makes the server search among access tokens first.
    #[must_use]
    pub fn access_token(token: impl Into<String>) -> Self {
        Self::new(token).hint("access_token")
    }

    /// Wraps a refresh token. The hint makes the server search among refresh tokens first.
    #[must_use]
    pub fn refresh_token(token: impl Into<String>) -> Self {
        Self::new(token).hint("refresh_token")
    }

    fn hint(mut self, kind: &'static str) -> Self {
        self.0.set(Self::HINT, kind);
        self
    }

    /// Adds an extension parameter.
    ///
    /// # Errors
    ///
    /// [`OAuthError::ReservedParameter`], [`OAuthError::DuplicateParameter`] and
    /// [`OAuthError::Resource`] as [`TokenRequest::parameter`](super::TokenRequest::parameter).
    pub fn parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<Self, OAuthError> {
        self.0.add(&[Self::HINT], name, value)?;
        Ok(self)
    }

    /// Builds the introspection request: a POST of a form to the introspection endpoint.
    /// [`Introspection::from_http`](super::Introspection::from_http) reads its response. The
    /// assertion is valid for this one request only.
    ///
    /// # Errors
    ///
    /// [`OAuthError::NotKnown`] if the endpoint is unknown; [`OAuthError::OtherEndpoint`] if the
    /// assertion is for another endpoint; [`OAuthError::Endpoint`] if the endpoint is a URL but not
    /// an HTTP target.
    pub fn to_introspection(
        &self,
        server: &AuthorizationServer,
        assertion: &ClientAssertion,
    ) -> Result<http::Request<Vec<u8>>, OAuthError> {
        form::post(server, Endpoint::Introspection, self.0.pairs(), assertion)
    }

    /// Builds the revocation request: a POST of a form to the revocation endpoint.
    /// [`HintedToken::revoked`] judges its response. The assertion is valid for this one request
    /// only.
    ///
    /// # Errors
    ///
    /// As [`HintedToken::to_introspection`].
    pub fn to_revocation(
        &self,
        server: &AuthorizationServer,
        assertion: &ClientAssertion,
    ) -> Result<http::Request<Vec<u8>>, OAuthError> {
        form::post(server, Endpoint::Revocation, self.0.pairs(), assertion)
    }

    /// Judges the response of the revocation endpoint; `now` is when it arrived. A token that the
    /// server does not know counts as revoked, and the body of a success means nothing (RFC 7009
    /// §2.2).
    ///
    /// # Errors
    ///
    /// [`OAuthError::Refused`], such as `unsupported_token_type`; [`OAuthError::Unavailable`] if
    /// the token must be assumed to be still valid (§2.2.1); [`OAuthError::Redirect`].
    pub fn revoked(response: http::Response<Vec<u8>>, now: OffsetDateTime) -> Result<(), OAuthError> {
        Self::is_revoked(response.into(), now)
    }

    /// As [`HintedToken::revoked`], without showing the secrets of the request.
    pub(crate) fn is_revoked(answer: Answer<'_>, now: OffsetDateTime) -> Result<(), OAuthError> {
        Success::of("the revocation response", &[StatusCode::OK], answer, now).map(drop)
    }
}

/// Wraps a token of either type.
impl From<&str> for HintedToken {
    fn from(token: &str) -> Self {
        Self::new(token)
    }
}

/// Wraps a token of either type.
impl From<String> for HintedToken {
    fn from(token: String) -> Self {
        Self::new(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keycloak sends this for a token that it does not know.
    #[test]
    fn rfc7009_2_2_a_token_that_is_not_known_counts_as_revoked() {
        let judge = |status, body: &str| {
            let response = http::Response::builder().status(status).body(body.into()).unwrap();
            HintedToken::revoked(response, OffsetDateTime::UNIX_EPOCH)
        };
        for body in ["", r#"{"error":"invalid_token","error_description":"Invalid token"}"#, "<html>"] {
            assert!(judge(200, body).is_ok(), "{body}");
        }
        let refused = judge(400, r#"{"error":"unsupported_token_type"}"#);
        assert!(
            matches!(refused, Err(OAuthError::Refused(refusal)) if refusal.error() == Some("unsupported_token_type"))
        );
        assert!(matches!(judge(503, ""), Err(OAuthError::Unavailable(_))));
    }

    #[test]
    fn what_the_request_says_itself_is_not_said_by_its_user() {
        for reserved in ["token", "token_type_hint", "client_id", "client_assertion", "client_secret"] {
            for token in [HintedToken::new("t"), HintedToken::access_token("t")] {
                let refused = token.parameter(reserved, "x");
                assert!(matches!(refused, Err(OAuthError::ReservedParameter { name }) if name == reserved));
            }
        }
        let debug = format!("{:?}", HintedToken::refresh_token("secret"));
        assert_eq!(debug, r#"HintedToken(["token", "token_type_hint"])"#);
    }
}
