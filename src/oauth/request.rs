use url::Url;

use super::form::{self, Parameters};
use super::text::safe;
use super::{
    AuthorizationServer, ClientAssertion, CodeVerifier, DeviceAuthorization, Endpoint, JwtGrant, OAuthError,
    Scope, TokenExchange,
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
/// `Debug` shows the names of parameters and not their values, which are wiped on drop: some are codes and tokens.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    grant_type: &'static str,
    scope: Scope,
    parameters: Parameters,
}

impl TokenRequest {
    /// The parameters that every token request sets itself.
    const RESERVED: [&str; 2] = ["grant_type", "scope"];

    fn of(grant_type: &'static str) -> Self {
        Self { grant_type, scope: Scope::default(), parameters: Parameters::default() }
    }

    /// A token for the client itself (RFC 6749 §4.4).
    #[must_use]
    pub fn client_credentials(scope: impl Into<Scope>) -> Self {
        Self::of("client_credentials").scope(scope)
    }

    /// A token for the user who has logged in (RFC 6749 §4.1.3). The redirect URI is the one of the authorization
    /// request, the verifier the one whose challenge was in it (RFC 7636 §4.5).
    #[must_use]
    pub fn authorization_code(
        code: impl Into<String>,
        redirect_uri: impl Into<String>,
        verifier: &CodeVerifier,
    ) -> Self {
        let mut request = Self::of("authorization_code");
        request.parameters.set("code", code);
        request.parameters.set("redirect_uri", redirect_uri);
        request.parameters.set("code_verifier", verifier.secret());
        request
    }

    /// A new token in place of one that has ended (RFC 6749 §6). Without a [scope](Self::scope), the same as before.
    #[must_use]
    pub fn refresh_token(refresh_token: impl Into<String>) -> Self {
        let mut request = Self::of("refresh_token");
        request.parameters.set("refresh_token", refresh_token);
        request
    }

    /// A token for the subject of a JWT that somebody trusted by the server has signed (RFC 7523 §2.1). It is not the
    /// assertion by which the client authenticates, and cannot take its place.
    #[must_use]
    pub fn jwt_bearer(grant: &JwtGrant) -> Self {
        let mut request = Self::of("urn:ietf:params:oauth:grant-type:jwt-bearer");
        request.parameters.set("assertion", grant.secret());
        request
    }

    /// A token in exchange for another (RFC 8693 §2.1).
    #[must_use]
    pub fn token_exchange(exchange: &TokenExchange) -> Self {
        let mut request = Self::of("urn:ietf:params:oauth:grant-type:token-exchange");
        for (name, value) in exchange.pairs() {
            request.parameters.set(name, value);
        }
        request
    }

    /// A token for the user who logs in on another device (RFC 8628 §3.4), asked for again until they have.
    #[must_use]
    pub fn device_code(authorization: &DeviceAuthorization) -> Self {
        let mut request = Self::of("urn:ietf:params:oauth:grant-type:device_code");
        request.parameters.set("device_code", authorization.device_code());
        request
    }

    /// The `grant_type` (RFC 6749 §4).
    #[must_use]
    pub const fn grant_type(&self) -> &'static str {
        self.grant_type
    }

    /// The scopes asked for, in place of others.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<Scope>) -> Self {
        self.scope = scope.into();
        self
    }

    /// The resource that the token is for (RFC 8707 §2). One to a request: RFC 8707 allows several, RFC 6749 §3.2 no
    /// parameter twice, and a token for one resource cannot be used by it at another.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Resource`] unless it is an absolute URI without a fragment; [`OAuthError::DuplicateParameter`]
    /// for a second one.
    pub fn resource(self, resource: impl Into<String>) -> Result<Self, OAuthError> {
        let resource = resource.into();
        if !is_resource(&resource) {
            return Err(OAuthError::Resource { resource: safe(&resource) });
        }
        self.parameter("resource", resource)
    }

    /// The name of the service that the token is for (RFC 8693 §2.1; several servers know it with other grants too).
    ///
    /// # Errors
    ///
    /// [`OAuthError::DuplicateParameter`] for a second one.
    pub fn audience(self, audience: impl Into<String>) -> Result<Self, OAuthError> {
        self.parameter("audience", audience)
    }

    /// Adds a parameter of an extension.
    ///
    /// # Errors
    ///
    /// [`OAuthError::ReservedParameter`] for a name that the request sets itself or that would be a second way of
    /// authentication (RFC 6749 §2.3); [`OAuthError::DuplicateParameter`] for one that is there already (§3.2).
    pub fn parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<Self, OAuthError> {
        self.parameters.add(&Self::RESERVED, name, value)?;
        Ok(self)
    }

    /// The HTTP request: a POST of a form to the token endpoint. The assertion is good for this one request.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Scope`] for a scope outside RFC 6749 §3.3; [`OAuthError::OtherEndpoint`] for an assertion that is
    /// for another endpoint; [`OAuthError::Endpoint`] for a token endpoint that is a URL and not an HTTP target.
    pub fn to_http(
        &self,
        server: &AuthorizationServer,
        assertion: &ClientAssertion,
    ) -> Result<http::Request<Vec<u8>>, OAuthError> {
        self.scope.check()?;
        let scope = Some(self.scope.as_str()).filter(|scope| !scope.is_empty());
        let pairs = [("grant_type", self.grant_type)]
            .into_iter()
            .chain(scope.map(|scope| ("scope", scope)))
            .chain(self.parameters.pairs());
        form::post(server, Endpoint::Token, pairs, assertion)
    }
}

/// RFC 8707 §2: an absolute URI without a fragment.
pub(crate) fn is_resource(resource: &str) -> bool {
    // RFC 3986 §2.2 and §2.3; `#` is left out.
    let of_uri = |byte: u8| byte.is_ascii_alphanumeric() || b"%-._~:/?[]@!$&'()*+,;=".contains(&byte);
    resource.bytes().all(of_uri) && Url::parse(resource).is_ok()
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
    fn rfc8707_2_a_resource_is_an_absolute_uri_without_a_fragment() {
        for resource in ["https://api.example/v1?a=b", "urn:example:api"] {
            assert!(TokenRequest::client_credentials(()).resource(resource).is_ok(), "{resource}");
        }
        // The parser of URLs passes over spaces and line ends, and writes other characters anew; this is sent as it is.
        let no_uris =
            [" urn:a", "urn:a\n", "urn:a b", "https://api.example/\t", "https://\u{e9}.example/", "urn:<a>"];
        for resource in ["/v1", "api", "https://api.example/#a", ""].into_iter().chain(no_uris) {
            let refused = TokenRequest::client_credentials(()).resource(resource);
            assert!(matches!(refused, Err(OAuthError::Resource { .. })), "{resource}");
        }
        let twice = TokenRequest::client_credentials(()).resource("urn:a").unwrap().resource("urn:b");
        assert!(matches!(twice, Err(OAuthError::DuplicateParameter { name }) if name == "resource"));
    }
}
