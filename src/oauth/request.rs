use super::form;
use super::parameters::{RESOURCE, ScopedParameters};
use super::{
    AuthorizationServer, ClientAssertion, CodeVerifier, DeviceAuthorization, Endpoint, GrantType, JwtGrant,
    OAuthError, Scope, TokenExchange,
};

/// A request to the token endpoint (RFC 6749 §3.2), before it is sent.
///
/// ```
/// use private_key_jwt::{Algorithm, AuthorizationServer, ClientAssertion, PrivateKey, TokenRequest};
/// use time::OffsetDateTime;
///
/// let server = AuthorizationServer::new("https://as.example", "https://as.example/token")?;
/// let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
/// let assertion = ClientAssertion::builder("client", &server).sign(&key, OffsetDateTime::now_utc(), "jti")?;
///
/// let request = TokenRequest::client_credentials("api:read").to_http(&server, &assertion)?;
/// assert_eq!(request.uri(), "https://as.example/token");
/// assert!(request.body().starts_with(b"grant_type=client_credentials&scope=api%3Aread&client_assertion_type="));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// `Debug` shows the names of the parameters, not their values. The values are wiped on drop: some
/// are codes and tokens.
#[derive(Clone, Debug, Hash)]
pub struct TokenRequest {
    pub(super) grant_type: GrantType,
    pub(super) access: ScopedParameters,
}

impl TokenRequest {
    fn of(grant_type: GrantType) -> Self {
        Self { grant_type, access: ScopedParameters::default() }
    }

    /// Requests a token for the client itself (RFC 6749 §4.4).
    #[must_use]
    pub fn client_credentials(scope: impl Into<Scope>) -> Self {
        Self::of(GrantType::ClientCredentials).scope(scope)
    }

    /// Requests a token for the user who has logged in (RFC 6749 §4.1.3). The redirect URI is that
    /// of the authorization request. The verifier is the one whose challenge that request contained
    /// (RFC 7636 §4.5).
    #[must_use]
    pub fn authorization_code(
        code: impl Into<String>,
        redirect_uri: impl Into<String>,
        verifier: &CodeVerifier,
    ) -> Self {
        let mut request = Self::of(GrantType::AuthorizationCode);
        request.access.parameters.set("code", code);
        request.access.parameters.set("redirect_uri", redirect_uri);
        request.access.parameters.set("code_verifier", verifier.secret());
        request
    }

    /// Requests a new token in place of an expired one (RFC 6749 §6). Without a
    /// [scope](Self::scope), the new token has the same scopes as before.
    #[must_use]
    pub fn refresh_token(refresh_token: impl Into<String>) -> Self {
        let mut request = Self::of(GrantType::RefreshToken);
        request.access.parameters.set("refresh_token", refresh_token);
        request
    }

    /// Requests a token for the subject of a JWT that a party trusted by the server has signed (RFC
    /// 7523 §2.1). This JWT is not the assertion with which the client authenticates, and cannot
    /// replace it.
    #[must_use]
    pub fn jwt_bearer(grant: &JwtGrant) -> Self {
        let mut request = Self::of(GrantType::JwtBearer);
        request.access.parameters.set("assertion", grant.secret());
        request
    }

    /// Requests a token in exchange for another (RFC 8693 §2.1).
    #[must_use]
    pub fn token_exchange(exchange: &TokenExchange) -> Self {
        let mut request = Self::of(GrantType::TokenExchange);
        for (name, value) in exchange.pairs() {
            request.access.parameters.set(name, value);
        }
        request
    }

    /// Requests a token for the user who logs in on another device (RFC 8628 §3.4). The request is
    /// repeated until they have logged in.
    #[must_use]
    pub fn device_code(authorization: &DeviceAuthorization) -> Self {
        let mut request = Self::of(GrantType::DeviceCode);
        request.access.parameters.set("device_code", authorization.device_code());
        request
    }

    /// The grant type.
    #[must_use]
    pub const fn grant_type(&self) -> GrantType {
        self.grant_type
    }

    /// Sets the requested scopes. Replaces earlier ones.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<Scope>) -> Self {
        self.access.scope = scope.into();
        self
    }

    /// Adds a resource that the token is for (RFC 8707 §2). Call it once per resource. With a token
    /// for several resources, each of them can use the token at the others.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Resource`] unless it is an absolute URI without a fragment.
    pub fn resource(mut self, resource: impl Into<String>) -> Result<Self, OAuthError> {
        self.access.parameters.add_resource(resource)?;
        Ok(self)
    }

    /// Adds the name of the service that the token is for (RFC 8693 §2.1; several servers accept it
    /// with other grants too). A token exchange may name several.
    ///
    /// # Errors
    ///
    /// [`OAuthError::EmptyParameter`] for an empty audience, which would request a token for
    /// anyone; [`OAuthError::DuplicateParameter`] for a second audience, except in a token
    /// exchange.
    pub fn audience(self, audience: impl Into<String>) -> Result<Self, OAuthError> {
        self.parameter("audience", audience)
    }

    /// Adds an extension parameter.
    ///
    /// # Errors
    ///
    /// [`OAuthError::ReservedParameter`] for a name that the request sets itself or that would be a
    /// second way of authentication (RFC 6749 §2.3); [`OAuthError::DuplicateParameter`] for a name
    /// that is already present (§3.2), except `resource` (RFC 8707 §2) and, in a token exchange,
    /// `audience` (RFC 8693 §2.1); [`OAuthError::Resource`] for an invalid `resource`, as in
    /// [`TokenRequest::resource`].
    pub fn parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<Self, OAuthError> {
        let repeatable: &[&str] = match self.grant_type {
            GrantType::TokenExchange => &[RESOURCE, "audience"],
            _ => &[RESOURCE],
        };
        self.access.add(&["grant_type"], repeatable, name, value)?;
        Ok(self)
    }

    /// Builds the HTTP request: a POST of a form to the token endpoint. The assertion is valid for
    /// this one request only.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Scope`] for a scope outside RFC 6749 §3.3; [`OAuthError::OtherEndpoint`] if
    /// the assertion is for another endpoint; [`OAuthError::Endpoint`] if the token endpoint is a
    /// URL but not an HTTP target.
    pub fn to_http(
        &self,
        server: &AuthorizationServer,
        assertion: &ClientAssertion,
    ) -> Result<http::Request<Vec<u8>>, OAuthError> {
        let grant_type = [("grant_type", self.grant_type.as_str())];
        let pairs = grant_type.into_iter().chain(self.access.pairs()?);
        form::post(server, Endpoint::Token, pairs, assertion)
    }
}

/// Scopes alone are a request for a token for the client itself.
impl<S: Into<Scope>> From<S> for TokenRequest {
    fn from(scope: S) -> Self {
        Self::client_credentials(scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_value_of_a_parameter() {
        let request = TokenRequest::client_credentials("a").parameter("subject_token", "secret").unwrap();
        let debug = format!("{request:?}");
        assert!(debug.contains("subject_token") && !debug.contains("secret"), "{debug}");
    }

    #[test]
    fn an_empty_audience_is_not_everyone() {
        for blank in ["", " "] {
            let refused = TokenRequest::client_credentials("a").audience(blank);
            assert!(matches!(refused, Err(OAuthError::EmptyParameter { name: "audience" })));
        }
    }

    #[test]
    fn a_url_that_is_no_target_is_refused() {
        let server = AuthorizationServer::from_token_endpoint("https://as.example/`").unwrap();
        let key = crate::keys::PrivateKey::from_file("testdata/keys/p256.pkcs8.pem").unwrap();
        let now = time::OffsetDateTime::UNIX_EPOCH;
        let assertion = ClientAssertion::builder("client", &server).sign(&key, now, "j1").unwrap();
        assert!(matches!(
            TokenRequest::client_credentials(()).to_http(&server, &assertion),
            Err(OAuthError::Endpoint { endpoint: "token_endpoint", reason: "is not an HTTP target", .. })
        ));
    }

    #[test]
    fn what_the_request_sets_is_not_set_by_its_user() {
        let verifier = CodeVerifier::from_random(&[7; 32]);
        let request = TokenRequest::authorization_code("c", "https://app.example/cb", &verifier);
        for reserved in [
            "grant_type",
            "scope",
            "code",
            "redirect_uri",
            "code_verifier",
            "client_assertion",
            "client_secret",
        ] {
            let result = request.clone().parameter(reserved, "x");
            assert!(matches!(result, Err(OAuthError::ReservedParameter { name }) if name == reserved));
        }
        let refresh = TokenRequest::refresh_token("r").parameter("refresh_token", "s");
        assert!(matches!(refresh, Err(OAuthError::ReservedParameter { name }) if name == "refresh_token"));
    }

    #[test]
    fn rfc8693_2_1_an_exchange_may_name_several_audiences_and_no_other_grant_may() {
        let exchange = TokenExchange::new("t", super::super::TokenKind::Jwt);
        let request = TokenRequest::token_exchange(&exchange).audience("a").unwrap().audience("b").unwrap();
        let pairs: Vec<_> = request.access.parameters.pairs().skip(2).collect();
        assert_eq!(pairs, [("audience", "a"), ("audience", "b")]);
        let twice = TokenRequest::refresh_token("r").audience("a").unwrap().audience("b");
        assert!(matches!(twice, Err(OAuthError::DuplicateParameter { name }) if name == "audience"));
    }

    #[test]
    fn rfc8707_2_a_resource_is_an_absolute_uri_without_a_fragment() {
        for resource in ["https://api.example/v1?a=b", "urn:example:api"] {
            assert!(TokenRequest::client_credentials(()).resource(resource).is_ok(), "{resource}");
        }
        // The URL parser skips spaces and line ends, and rewrites other characters. The value is
        // sent verbatim.
        let no_uris =
            [" urn:a", "urn:a\n", "urn:a b", "https://api.example/\t", "https://\u{e9}.example/", "urn:<a>"];
        for resource in ["/v1", "api", "https://api.example/#a", ""].into_iter().chain(no_uris) {
            let refused = TokenRequest::client_credentials(()).resource(resource);
            assert!(matches!(refused, Err(OAuthError::Resource { .. })), "{resource}");
            let refused = TokenRequest::client_credentials(()).parameter("resource", resource);
            assert!(matches!(refused, Err(OAuthError::Resource { .. })), "{resource}");
        }
    }
}
