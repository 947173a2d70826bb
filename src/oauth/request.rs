use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};

use super::{AuthorizationServer, ClientAssertion, OAuthError, Scope};

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
/// `Debug` shows the names of added parameters and not their values: some are tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenRequest {
    grant_type: &'static str,
    scope: Scope,
    parameters: Vec<(String, String)>,
}

impl TokenRequest {
    /// The parameters that the request sets itself, and those of other ways to authenticate: one method per request
    /// (RFC 6749 §2.3).
    const RESERVED: [&str; 6] =
        ["grant_type", "scope", "client_id", "client_secret", "client_assertion", "client_assertion_type"];

    /// A token for the client itself (RFC 6749 §4.4).
    #[must_use]
    pub fn client_credentials(scope: impl Into<Scope>) -> Self {
        Self { grant_type: "client_credentials", scope: scope.into(), parameters: Vec::new() }
    }

    /// Adds a parameter of an extension, such as `resource` or `audience`.
    ///
    /// # Errors
    ///
    /// [`OAuthError::ReservedParameter`] for a name that the request sets itself or that would be a second way of
    /// authentication; [`OAuthError::DuplicateParameter`] for one that is there already (RFC 6749 §3.2).
    pub fn parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<Self, OAuthError> {
        let name = name.into();
        if Self::RESERVED.contains(&name.as_str()) {
            return Err(OAuthError::ReservedParameter { name });
        }
        if self.parameters.iter().any(|(there, _)| *there == name) {
            return Err(OAuthError::DuplicateParameter { name });
        }
        self.parameters.push((name, value.into()));
        Ok(self)
    }

    /// The HTTP request: a POST of a form to the token endpoint. The assertion is good for this one request.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Scope`] for a scope outside RFC 6749 §3.3; [`OAuthError::Endpoint`] for a token endpoint that
    /// is a URL and not an HTTP target.
    pub fn to_http(
        &self,
        server: &AuthorizationServer,
        assertion: &ClientAssertion,
    ) -> Result<http::Request<Vec<u8>>, OAuthError> {
        self.scope.check()?;
        // Room from the start, as if every byte had to be escaped: a buffer that grows leaves pieces of the assertion
        // behind.
        let room: usize = self.pairs().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
        let mut form = String::with_capacity(room + assertion.form_room());
        form_urlencoded::Serializer::new(&mut form).extend_pairs(self.pairs());
        assertion.push_form(&mut form);
        let mut request = http::Request::new(form.into_bytes());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = server.token_target().cloned().ok_or_else(|| OAuthError::Endpoint {
            endpoint: "token_endpoint",
            url: super::text::safe(server.token_endpoint()),
            reason: "is not an HTTP target",
        })?;
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(CONTENT_TYPE, form_type);
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        Ok(request)
    }

    /// The parameters but for the assertion's.
    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let scope = Some(self.scope.as_str()).filter(|scope| !scope.is_empty());
        let parameters = self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        [("grant_type", self.grant_type)]
            .into_iter()
            .chain(scope.map(|scope| ("scope", scope)))
            .chain(parameters)
    }
}

impl std::fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.parameters.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("TokenRequest")
            .field("grant_type", &self.grant_type)
            .field("scope", &self.scope)
            .field("parameters", &names)
            .finish()
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
    fn rfc6749_2_3_no_second_way_to_authenticate_and_rfc6749_3_2_no_parameter_twice() {
        let request = TokenRequest::client_credentials(());
        for reserved in TokenRequest::RESERVED {
            let result = request.clone().parameter(reserved, "x");
            assert!(matches!(result, Err(OAuthError::ReservedParameter { name }) if name == reserved));
        }
        let request = request.parameter("resource", "urn:a").unwrap();
        assert!(matches!(
            request.parameter("resource", "urn:b"),
            Err(OAuthError::DuplicateParameter { name }) if name == "resource"
        ));
    }
}
