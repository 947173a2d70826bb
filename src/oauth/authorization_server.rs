use std::collections::BTreeMap;

use super::OAuthError;
#[cfg(feature = "client")]
use super::ServerTime;
use super::endpoint::{Endpoint, Location, PlainHttp};
#[cfg(feature = "client")]
use super::server_time::ReadAt;
use super::text::safe_url;

/// An authorization server: its issuer and its endpoints (RFC 8414 §2). URLs are kept verbatim.
///
/// ```
/// use private_key_jwt::AuthorizationServer;
///
/// let server = AuthorizationServer::new("https://as.example", "https://as.example/token")?;
/// assert_eq!(server.issuer(), Some("https://as.example"));
/// # Ok::<(), private_key_jwt::oauth::OAuthError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationServer {
    pub(super) issuer: Option<String>,
    pub(super) token_endpoint: Location,
    /// All endpoints but the token endpoint, which every server has.
    pub(super) other_endpoints: BTreeMap<Endpoint, Result<Location, Unusable>>,
    pub(super) authorization_endpoint: Option<Result<String, Unusable>>,
    pub(super) jwks_uri: Option<String>,
    pub(super) authentication_methods: Option<Vec<String>>,
    pub(super) signing_algorithms: BTreeMap<Endpoint, Vec<String>>,
    /// Whether its authorization responses have an `iss` (RFC 9207 §3).
    pub(super) promises_issuer: bool,
    /// The server's clock as the response with the metadata showed it.
    #[cfg(feature = "client")]
    pub(super) server_time: ReadAt,
    pub(super) plain_http: PlainHttp,
    pub(super) accepts_created: bool,
    /// Whether only the issuer is known, because nothing has been discovered yet.
    pub(super) is_undiscovered: bool,
}

impl std::fmt::Debug for AuthorizationServer {
    /// A URL may contain a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let authorization_endpoint =
            self.authorization_endpoint.as_ref().map(|found| found.as_deref().map(safe_url));
        f.debug_struct("AuthorizationServer")
            .field("issuer", &self.issuer.as_deref().map(safe_url))
            .field("token_endpoint", &self.token_endpoint)
            .field("other_endpoints", &self.other_endpoints)
            .field("authorization_endpoint", &authorization_endpoint)
            .field("jwks_uri", &self.jwks_uri.as_deref().map(safe_url))
            .finish_non_exhaustive()
    }
}

/// An optional endpoint in the metadata that cannot be used. Calling it returns the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unusable {
    /// The value in the metadata, safe to show.
    pub(super) found: String,
    pub(super) reason: &'static str,
}

impl Unusable {
    fn error(&self, endpoint: &'static str) -> OAuthError {
        OAuthError::Endpoint { endpoint, url: self.found.clone(), reason: self.reason }
    }
}

impl AuthorizationServer {
    /// Creates a server from its issuer and its token endpoint.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Issuer`] and [`OAuthError::Endpoint`] for a URL that is neither https nor http
    /// on loopback, or has credentials, a fragment or (the issuer) a query.
    pub fn new(issuer: impl Into<String>, token_endpoint: impl Into<String>) -> Result<Self, OAuthError> {
        Self::checked(PlainHttp::Loopback, Some(issuer.into()), token_endpoint.into())
    }

    /// Creates a server from its token endpoint alone. The token endpoint is then also the
    /// audience.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Endpoint`] as [`AuthorizationServer::new`].
    pub fn from_token_endpoint(token_endpoint: impl Into<String>) -> Result<Self, OAuthError> {
        Self::checked(PlainHttp::Loopback, None, token_endpoint.into())
    }

    /// As [`AuthorizationServer::new`], but allows plain http to any host.
    ///
    /// **Without TLS, everyone on the network path can read the access tokens and use them, spend
    /// an assertion first, and answer in the server's place.** Use it only where another layer
    /// encrypts and authenticates the connection, such as the sidecars of a service mesh. It also
    /// applies to endpoints that are added later.
    ///
    /// The built-in HTTP client of `TokenClient` follows this setting. Your own HTTP client needs
    /// `ReqwestClient::danger_allow_unencrypted`. To discover such a server, use
    /// [`Discovery::danger_allow_unencrypted`](super::Discovery::danger_allow_unencrypted).
    ///
    /// ```
    /// use private_key_jwt::AuthorizationServer;
    ///
    /// let issuer = "http://keycloak.auth.svc:8080/realms/a";
    /// assert!(AuthorizationServer::new(issuer, format!("{issuer}/token")).is_err());
    /// let server = AuthorizationServer::danger_unencrypted(issuer, format!("{issuer}/token"))?;
    /// # let _ = server;
    /// # Ok::<(), private_key_jwt::oauth::OAuthError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`AuthorizationServer::new`], except for plain http.
    pub fn danger_unencrypted(
        issuer: impl Into<String>,
        token_endpoint: impl Into<String>,
    ) -> Result<Self, OAuthError> {
        Self::checked(PlainHttp::Anywhere, Some(issuer.into()), token_endpoint.into())
    }

    /// As [`AuthorizationServer::from_token_endpoint`], but allows plain http to any host.
    /// [`AuthorizationServer::danger_unencrypted`] describes the risk.
    ///
    /// # Errors
    ///
    /// As [`AuthorizationServer::from_token_endpoint`], except for plain http.
    pub fn danger_unencrypted_token_endpoint(token_endpoint: impl Into<String>) -> Result<Self, OAuthError> {
        Self::checked(PlainHttp::Anywhere, None, token_endpoint.into())
    }

    fn checked(
        plain_http: PlainHttp,
        issuer: Option<String>,
        token_endpoint: String,
    ) -> Result<Self, OAuthError> {
        if let Some(issuer) = &issuer {
            plain_http.check_issuer(issuer)?;
        }
        plain_http.check_endpoint("token_endpoint", &token_endpoint)?;
        Ok(Self { plain_http, ..Self::at(issuer, token_endpoint) })
    }

    /// Creates a stand-in for a server that will be discovered. It is never called.
    #[cfg(feature = "client")]
    pub(crate) fn undiscovered(issuer: String) -> Self {
        Self { is_undiscovered: true, ..Self::of_audience(issuer) }
    }

    /// Creates a stand-in for a server known only by its audience. It is never called.
    pub(super) fn of_audience(audience: String) -> Self {
        Self::at(Some(audience.clone()), audience)
    }

    pub(super) fn at(issuer: Option<String>, token_endpoint: String) -> Self {
        Self {
            issuer,
            token_endpoint: Location::new(token_endpoint),
            other_endpoints: BTreeMap::new(),
            authorization_endpoint: None,
            jwks_uri: None,
            authentication_methods: None,
            signing_algorithms: BTreeMap::new(),
            promises_issuer: false,
            plain_http: PlainHttp::Loopback,
            accepts_created: false,
            is_undiscovered: false,
            #[cfg(feature = "client")]
            server_time: ReadAt::default(),
        }
    }

    /// Adds the URL of the server's own keys (`jwks_uri`).
    ///
    /// # Errors
    ///
    /// [`OAuthError::Endpoint`] as [`AuthorizationServer::new`].
    pub fn with_jwks_uri(mut self, jwks_uri: impl Into<String>) -> Result<Self, OAuthError> {
        let jwks_uri = jwks_uri.into();
        self.plain_http.check_endpoint("jwks_uri", &jwks_uri)?;
        self.jwks_uri = Some(jwks_uri);
        Ok(self)
    }

    /// Adds an endpoint, or replaces a known one.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Endpoint`] as [`AuthorizationServer::new`].
    pub fn with_endpoint(mut self, endpoint: Endpoint, url: impl Into<String>) -> Result<Self, OAuthError> {
        let url = url.into();
        self.plain_http.check_endpoint(endpoint.metadata_name(), &url)?;
        let location = Location::new(url);
        match endpoint {
            Endpoint::Token => self.token_endpoint = location,
            other => {
                self.other_endpoints.insert(other, Ok(location));
            }
        }
        Ok(self)
    }

    /// Adds the URL where users log in (`authorization_endpoint`, RFC 6749 §3.1).
    ///
    /// # Errors
    ///
    /// [`OAuthError::Endpoint`] as [`AuthorizationServer::new`].
    pub fn with_authorization_endpoint(mut self, url: impl Into<String>) -> Result<Self, OAuthError> {
        let url = url.into();
        self.plain_http.check_endpoint("authorization_endpoint", &url)?;
        self.authorization_endpoint = Some(Ok(url));
        Ok(self)
    }

    /// Accepts 201 where the specifications say 200: some gateways answer every POST with 201. It
    /// applies to every request of `TokenClient`. By default, such a response is
    /// [`OAuthError::Unavailable`].
    ///
    /// The price: a 201 from something other than the endpoint, such as a proxy that stored the
    /// form, can no longer be detected by its status, only by its body.
    #[must_use]
    pub const fn accept_created(mut self) -> Self {
        self.accepts_created = true;
        self
    }

    /// Turns a 201 into a 200 if the user allowed it.
    #[cfg(feature = "client")]
    pub(crate) fn normalize(&self, response: &mut http::Response<Vec<u8>>) {
        if self.accepts_created && response.status() == http::StatusCode::CREATED {
            *response.status_mut() = http::StatusCode::OK;
        }
    }

    /// Where plain http is allowed.
    #[cfg(feature = "client")]
    pub(crate) const fn plain_http(&self) -> PlainHttp {
        self.plain_http
    }

    /// The issuer identifier, if it is known.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The token endpoint.
    #[must_use]
    pub fn token_endpoint(&self) -> &str {
        self.token_endpoint.url()
    }

    /// The URL of an endpoint.
    ///
    /// # Errors
    ///
    /// [`OAuthError::NotKnown`] if neither the metadata nor the user names the endpoint;
    /// [`OAuthError::Endpoint`] if the metadata names one that cannot be used.
    pub fn endpoint(&self, endpoint: Endpoint) -> Result<&str, OAuthError> {
        self.location(endpoint).map(Location::url)
    }

    /// An endpoint as the target of a request.
    pub(super) fn target(&self, endpoint: Endpoint) -> Result<http::Uri, OAuthError> {
        self.location(endpoint)?.target(endpoint)
    }

    pub(super) fn location(&self, endpoint: Endpoint) -> Result<&Location, OAuthError> {
        match endpoint {
            Endpoint::Token => Ok(&self.token_endpoint),
            other => {
                let member = other.metadata_name();
                let location = self.other_endpoints.get(&other).ok_or(OAuthError::NotKnown { member })?;
                location.as_ref().map_err(|unusable| unusable.error(member))
            }
        }
    }

    /// The URL where users log in (`authorization_endpoint`).
    ///
    /// # Errors
    ///
    /// As [`AuthorizationServer::endpoint`].
    pub fn authorization_endpoint(&self) -> Result<&str, OAuthError> {
        let member = "authorization_endpoint";
        match &self.authorization_endpoint {
            None => Err(OAuthError::NotKnown { member }),
            Some(Ok(url)) => Ok(url),
            Some(Err(unusable)) => Err(unusable.error(member)),
        }
    }

    /// `authorization_response_iss_parameter_supported` (RFC 9207 §3).
    pub(super) const fn promises_issuer(&self) -> bool {
        self.promises_issuer
    }

    /// The URL where the server publishes its own keys (`jwks_uri`).
    ///
    /// # Errors
    ///
    /// [`OAuthError::NotKnown`] if neither the metadata nor the user names it.
    pub fn jwks_uri(&self) -> Result<&str, OAuthError> {
        self.jwks_uri.as_deref().ok_or(OAuthError::NotKnown { member: "jwks_uri" })
    }

    /// Records the server's clock as the response with the metadata showed it.
    #[cfg(feature = "client")]
    pub(crate) fn at_server_time(self, server_time: Option<ServerTime>) -> Self {
        Self { server_time: ReadAt(server_time), ..self }
    }

    /// The server's clock as the response with the metadata showed it.
    #[cfg(feature = "client")]
    pub(crate) const fn server_time(&self) -> Option<ServerTime> {
        self.server_time.0
    }

    /// `token_endpoint_auth_methods_supported`, if the metadata has it. Real servers omit
    /// `private_key_jwt` where it works and list it where it does not, so it decides nothing.
    #[must_use]
    pub fn authentication_methods(&self) -> Option<&[String]> {
        self.authentication_methods.as_deref()
    }

    /// `token_endpoint_auth_signing_alg_values_supported`, if the metadata has it. For another
    /// endpoint, see [`signing_algorithms_at`](Self::signing_algorithms_at).
    #[must_use]
    pub fn signing_algorithms(&self) -> Option<&[String]> {
        self.signing_algorithms.get(&Endpoint::Token).map(Vec::as_slice)
    }
}
