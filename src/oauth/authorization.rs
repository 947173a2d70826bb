use http::StatusCode;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::answer::{Answer, Document, Success};
use super::form;
use super::parameters::{RESOURCE, ScopedParameters};
use super::{AuthorizationServer, ClientAssertion, CodeVerifier, Endpoint, OAuthError, Scope};
use crate::jose::JoseError;

/// A request for a user to log in (RFC 6749 §4.1.1, with PKCE by RFC 7636 §4.3). It is either
/// pushed to the server (RFC 9126), or it is the URL to which the browser is sent.
///
/// [`AuthorizationResponse`](super::AuthorizationResponse) checks the response that arrives at the
/// redirect URI.
///
/// ```
/// use private_key_jwt::AuthorizationServer;
/// use private_key_jwt::oauth::{AuthorizationRequest, CodeVerifier};
///
/// let server = AuthorizationServer::new("https://as.example", "https://as.example/token")?
///     .with_authorization_endpoint("https://as.example/authorize")?;
/// let verifier = CodeVerifier::from_random(&[7; 32]); // 32 random bytes, kept until the code arrives
/// let request = AuthorizationRequest::new("https://app.example/cb", &verifier).scope("openid").state("af0ifjsldkj");
/// let url = request.to_url(&server, "client")?;
/// assert!(url.starts_with("https://as.example/authorize?response_type=code&client_id=client&scope=openid&"));
/// # Ok::<(), private_key_jwt::oauth::OAuthError>(())
/// ```
///
/// `Debug` shows the names of the parameters, not their values.
#[derive(Clone, Debug, Hash)]
pub struct AuthorizationRequest(ScopedParameters);

impl AuthorizationRequest {
    /// The parameters that the request sets itself, now or later, and those that refer to a request
    /// stored elsewhere.
    const RESERVED: [&str; 4] = ["response_type", "state", "request", "request_uri"];

    /// Creates a request for a code, which the server sends to this redirect URI.
    #[must_use]
    pub fn new(redirect_uri: impl Into<String>, verifier: &CodeVerifier) -> Self {
        let mut request = ScopedParameters::default();
        request.parameters.set("redirect_uri", redirect_uri);
        request.parameters.set("code_challenge", verifier.challenge());
        request.parameters.set("code_challenge_method", CodeVerifier::METHOD);
        Self(request)
    }

    /// Sets the requested scopes. Replaces earlier ones.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<Scope>) -> Self {
        self.0.scope = scope.into();
        self
    }

    /// Sets the value that the server returns with the code. Replaces an earlier one. Use random
    /// bytes and keep them in the user's session: `state` binds the response to that session (RFC
    /// 6749 §10.12).
    #[must_use]
    pub fn state(mut self, state: impl Into<String>) -> Self {
        self.0.parameters.set("state", state);
        self
    }

    /// Adds a resource that the token is for (RFC 8707 §2). Call it once per resource.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Resource`] unless it is an absolute URI without a fragment.
    pub fn resource(mut self, resource: impl Into<String>) -> Result<Self, OAuthError> {
        self.0.parameters.add_resource(resource)?;
        Ok(self)
    }

    /// Adds an extension parameter, such as `nonce` or `login_hint`.
    ///
    /// # Errors
    ///
    /// [`OAuthError::EmptyParameter`] for an empty `nonce`; [`OAuthError::ReservedParameter`],
    /// [`OAuthError::DuplicateParameter`] and [`OAuthError::Resource`] as
    /// [`TokenRequest::parameter`](super::TokenRequest::parameter).
    pub fn parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<Self, OAuthError> {
        self.0.add(&Self::RESERVED, &[RESOURCE], name, value)?;
        Ok(self)
    }

    /// Builds the HTTP request that pushes it: a POST of a form to the pushed authorization request
    /// endpoint (RFC 9126 §2.1). The assertion is valid for this one request only.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Scope`] for a scope outside RFC 6749 §3.3; [`OAuthError::EmptyParameter`] for
    /// an empty redirect URI or state; [`OAuthError::NotKnown`] if the endpoint is unknown;
    /// [`OAuthError::OtherEndpoint`] if the assertion is for another endpoint;
    /// [`OAuthError::Endpoint`] if the endpoint is a URL but not an HTTP target.
    pub fn to_http(
        &self,
        server: &AuthorizationServer,
        assertion: &ClientAssertion,
    ) -> Result<http::Request<Vec<u8>>, OAuthError> {
        // Here `client_id` is a parameter of the authorization request. It is sent even if the
        // assertion omits its own.
        let client_id = (!assertion.sends_client_id()).then(|| assertion.client_id());
        form::post(server, Endpoint::PushedAuthorization, self.pairs(client_id)?, assertion)
    }

    /// Builds the URL to which the user's browser is sent if the request is not pushed.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Scope`] for a scope outside RFC 6749 §3.3; [`OAuthError::EmptyParameter`] for
    /// an empty redirect URI or state; [`OAuthError::NotKnown`] if the authorization endpoint is
    /// unknown.
    pub fn to_url(&self, server: &AuthorizationServer, client_id: &str) -> Result<String, OAuthError> {
        Ok(with_query(server.authorization_endpoint()?, self.pairs(Some(client_id))?))
    }

    fn pairs<'a>(
        &'a self,
        client_id: Option<&'a str>,
    ) -> Result<impl Iterator<Item = (&'a str, &'a str)> + Clone, OAuthError> {
        let pairs = self.0.pairs()?;
        self.0.parameters.check_filled()?;
        Ok([("response_type", "code")]
            .into_iter()
            .chain(client_id.map(|client_id| ("client_id", client_id)))
            .chain(pairs))
    }
}

/// A reference to a request that the server stores (RFC 9126 §2.2). It can be used once and expires
/// soon.
///
/// The request URI is wiped on drop, and `Debug` does not show it.
pub struct PushedAuthorization {
    request_uri: Zeroizing<String>,
    expires_at: OffsetDateTime,
}

impl PushedAuthorization {
    /// Judges an HTTP response; `now` is when it arrived.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Refused`] for 400, 401 and 403, regardless of the body;
    /// [`OAuthError::Redirect`] for a 3xx; [`OAuthError::Unavailable`] for every other status
    /// except 201 and 200 (some servers send 200 instead of 201); [`OAuthError::Response`] for a
    /// success that is not a pushed authorization response.
    pub fn from_http(response: http::Response<Vec<u8>>, now: OffsetDateTime) -> Result<Self, OAuthError> {
        Self::from_answer(response.into(), now)
    }

    /// As [`PushedAuthorization::from_http`], without showing the secrets of the request.
    pub(crate) fn from_answer(answer: Answer<'_>, now: OffsetDateTime) -> Result<Self, OAuthError> {
        let successes = [StatusCode::CREATED, StatusCode::OK];
        let success = Success::of("the pushed authorization response", &successes, answer, now)?;
        success.read(|document| Self::read(document, now))
    }

    fn read(mut document: Document<'_>, now: OffsetDateTime) -> Result<Self, JoseError> {
        Ok(Self {
            request_uri: document.required("request_uri", Document::filled)?.into_owned(),
            expires_at: now.saturating_add(document.required("expires_in", Document::seconds)?),
        })
    }

    /// The request URI (`request_uri`).
    #[must_use]
    pub fn request_uri(&self) -> &str {
        &self.request_uri
    }

    /// When the request URI expires.
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }

    /// Builds the URL to which the user's browser is sent (RFC 9126 §4).
    ///
    /// # Errors
    ///
    /// [`OAuthError::NotKnown`] if the authorization endpoint is unknown.
    pub fn to_url(&self, server: &AuthorizationServer, client_id: &str) -> Result<String, OAuthError> {
        let pairs = [("client_id", client_id), ("request_uri", self.request_uri())];
        Ok(with_query(server.authorization_endpoint()?, pairs.into_iter()))
    }
}

impl std::fmt::Debug for PushedAuthorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushedAuthorization")
            .field("expires_at", &self.expires_at)
            .field("request_uri", &"[redacted]")
            .finish()
    }
}

/// Appends the pairs to the endpoint's query. An existing query of the endpoint is kept (RFC 6749
/// §3.1).
pub(crate) fn with_query<'a>(endpoint: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let separator = match endpoint.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{endpoint}{separator}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn server(authorization_endpoint: &str) -> AuthorizationServer {
        AuthorizationServer::new("https://as.example", "https://as.example/token")
            .and_then(|server| server.with_authorization_endpoint(authorization_endpoint))
            .unwrap()
    }

    fn read(status: u16, body: &str) -> Result<PushedAuthorization, OAuthError> {
        let response = http::Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap();
        PushedAuthorization::from_http(response, NOW)
    }

    #[test]
    fn rfc7636_4_3_the_url_has_the_challenge_and_keeps_the_endpoints_own_query() {
        let verifier = CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        let request = AuthorizationRequest::new("https://app.example/cb?a=b", &verifier)
            .scope("openid email")
            .state("s&t")
            .parameter("nonce", "n")
            .and_then(|request| request.resource("urn:a"))
            .and_then(|request| request.resource("urn:b"))
            .unwrap();
        let query = "response_type=code&client_id=c+1&scope=openid+email&redirect_uri=https%3A%2F%2Fapp.example%2Fcb\
            %3Fa%3Db&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&state=s%26t\
            &nonce=n&resource=urn%3Aa&resource=urn%3Ab";
        for (endpoint, start) in [
            ("https://as.example/authorize", "https://as.example/authorize?"),
            ("https://as.example/authorize?p=1", "https://as.example/authorize?p=1&"),
            ("https://as.example/authorize?", "https://as.example/authorize?"),
            ("https://as.example/authorize?p=1&", "https://as.example/authorize?p=1&"),
        ] {
            assert_eq!(request.to_url(&server(endpoint), "c 1").unwrap(), format!("{start}{query}"));
        }
        let unknown = AuthorizationServer::from_token_endpoint("https://as.example/token").unwrap();
        let refused = request.to_url(&unknown, "c");
        assert!(matches!(refused, Err(OAuthError::NotKnown { member: "authorization_endpoint" })));
        let refused = request.scope("a\"").to_url(&server("https://as.example/"), "c");
        assert!(matches!(refused, Err(OAuthError::Scope)));
    }

    #[test]
    fn rfc6749_3_1_what_binds_the_answer_is_not_empty() {
        let verifier = CodeVerifier::from_random(&[0; 32]);
        let server = server("https://as.example/authorize");
        for blank in ["", " ", "\t"] {
            let good = AuthorizationRequest::new("https://app.example/", &verifier).state("s");
            assert!(good.to_url(&server, "c").is_ok());
            for (request, empty) in [
                (good.clone().state(blank), "state"),
                (AuthorizationRequest::new(blank, &verifier).state("s"), "redirect_uri"),
            ] {
                let refused = request.to_url(&server, "c");
                assert!(matches!(refused, Err(OAuthError::EmptyParameter { name }) if name == empty));
            }
            for empty in ["nonce", "audience"] {
                let refused = good.clone().parameter(empty, blank);
                assert!(matches!(refused, Err(OAuthError::EmptyParameter { name }) if name == empty));
            }
            // Parameters that decide nothing may be empty.
            assert!(good.parameter("login_hint", blank).is_ok());
        }
    }

    #[test]
    fn rfc9126_2_1_no_request_uri_and_nothing_that_the_request_sets() {
        let request = AuthorizationRequest::new("https://app.example/", &CodeVerifier::from_random(&[0; 32]));
        for reserved in [
            "request_uri",
            "request",
            "response_type",
            "scope",
            "state",
            "redirect_uri",
            "code_challenge",
            "code_challenge_method",
            "client_id",
            "client_assertion",
        ] {
            let refused = request.clone().parameter(reserved, "x");
            assert!(matches!(refused, Err(OAuthError::ReservedParameter { name }) if name == reserved));
        }
    }

    #[test]
    fn rfc9126_2_2_the_name_of_the_request() {
        let body = r#"{"request_uri":"urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c","expires_in":60}"#;
        for status in [201, 200] {
            let pushed = read(status, body).unwrap();
            assert_eq!(pushed.expires_at().unix_timestamp(), 60);
            assert_eq!(
                pushed.to_url(&server("https://as.example/authorize"), "c").unwrap(),
                "https://as.example/authorize?client_id=c&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3A\
                 6esc_11ACC5bwc014ltc14eY22c"
            );
            assert!(!format!("{pushed:?}").contains("6esc"));
        }
        for body in
            [r#"{"expires_in":60}"#, r#"{"request_uri":"","expires_in":60}"#, r#"{"request_uri":"u"}"#]
        {
            let refused = read(201, body);
            assert!(
                matches!(refused, Err(OAuthError::Response { reason: JoseError::MissingMember { .. }, .. })),
                "{body}"
            );
        }
        assert!(matches!(read(204, ""), Err(OAuthError::Unavailable(_))));
        assert!(matches!(read(302, ""), Err(OAuthError::Redirect { .. })));
        assert!(matches!(read(400, r#"{"error":"invalid_request"}"#), Err(OAuthError::Refused(_))));
    }
}
