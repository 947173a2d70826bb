use std::collections::BTreeMap;

use serde_json::Value;

use super::endpoint::{Endpoint, Location, check_endpoint, check_issuer};
use super::text::{safe, safe_url};
use super::{Audience, OAuthError};
use crate::jose::JoseError;
use crate::jose::json;

/// An authorization server: who it is and where its endpoints are (RFC 8414 §2). URLs are kept verbatim.
///
/// ```
/// use private_key_jwt::AuthorizationServer;
///
/// let server = AuthorizationServer::new("https://as.example", "https://as.example/token")?;
/// assert_eq!(server.issuer(), Some("https://as.example"));
/// # Ok::<(), private_key_jwt::oauth::OAuthError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationServer {
    issuer: Option<String>,
    token_endpoint: Location,
    /// All but the token endpoint, which every server has.
    other_endpoints: BTreeMap<Endpoint, Location>,
    authorization_endpoint: Option<String>,
    jwks_uri: Option<String>,
    authentication_methods: Option<Vec<String>>,
    signing_algorithms: Option<Vec<String>>,
    /// Whether its authorization responses have an `iss` (RFC 9207 §3).
    promises_issuer: bool,
    /// Whether the endpoints come from a document of the server and not from the user.
    discovered: bool,
}

impl AuthorizationServer {
    const WHAT: &str = "the document";

    /// A server whose issuer and token endpoint are known.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Issuer`] and [`OAuthError::Endpoint`] for a URL that is neither https nor http on loopback, or
    /// has credentials, a fragment or (the issuer) a query.
    pub fn new(issuer: impl Into<String>, token_endpoint: impl Into<String>) -> Result<Self, OAuthError> {
        let issuer = issuer.into();
        check_issuer(&issuer)?;
        Ok(Self { issuer: Some(issuer), ..Self::from_token_endpoint(token_endpoint)? })
    }

    /// A server of which only the token endpoint is known; it is then the audience too.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Endpoint`] as [`AuthorizationServer::new`].
    pub fn from_token_endpoint(token_endpoint: impl Into<String>) -> Result<Self, OAuthError> {
        let token_endpoint = token_endpoint.into();
        check_endpoint("token_endpoint", &token_endpoint)?;
        Ok(Self::at(None, token_endpoint))
    }

    /// A stand-in for a server of which only the audience is known, and which is never called.
    pub(super) fn of_audience(audience: String) -> Self {
        Self::at(Some(audience.clone()), audience)
    }

    fn at(issuer: Option<String>, token_endpoint: String) -> Self {
        Self {
            issuer,
            token_endpoint: Location::new(token_endpoint),
            other_endpoints: BTreeMap::new(),
            authorization_endpoint: None,
            jwks_uri: None,
            authentication_methods: None,
            signing_algorithms: None,
            promises_issuer: false,
            discovered: false,
        }
    }

    /// Reads a metadata document (RFC 8414 §3.2, OpenID Connect Discovery 1.0 §4.2).
    ///
    /// # Errors
    ///
    /// [`OAuthError::IssuerMismatch`] unless its issuer equals the one asked for, byte for byte (§3.3);
    /// [`OAuthError::Metadata`] when it cannot be read or has no token endpoint; [`OAuthError::Endpoint`] for an
    /// endpoint that may not be used, among them plain http below an https issuer.
    pub fn from_metadata(issuer: &str, json: &[u8]) -> Result<Self, OAuthError> {
        let issuer_url = check_issuer(issuer)?;
        let mut members = json::object(Self::WHAT, json).map_err(OAuthError::Metadata)?;
        // What a server has no value for is to be omitted (§3.2); some write it as null.
        members.retain(|_, value| !value.is_null());
        let string = |member| json::string(Self::WHAT, &members, member).map_err(OAuthError::Metadata);
        let missing = JoseError::MissingMember { what: Self::WHAT, member: "issuer" };
        let found = string("issuer")?.ok_or(OAuthError::Metadata(missing))?;
        if found != issuer {
            return Err(OAuthError::IssuerMismatch { expected: safe(issuer), found: safe_url(&found) });
        }
        let url = |endpoint| {
            let Some(url) = string(endpoint)? else { return Ok(None) };
            let parsed = check_endpoint(endpoint, &url)?;
            if issuer_url.scheme() == "https" && parsed.scheme() != "https" {
                let reason = "is plain http below an https issuer";
                return Err(OAuthError::Endpoint { endpoint, url: safe(&url), reason });
            }
            Ok(Some(url))
        };
        let mut other_endpoints = BTreeMap::new();
        for endpoint in Endpoint::ALL {
            if let Some(url) = url(endpoint.metadata_name())? {
                other_endpoints.insert(endpoint, Location::new(url));
            }
        }
        let missing = JoseError::MissingMember { what: Self::WHAT, member: "token_endpoint" };
        let token_endpoint = other_endpoints.remove(&Endpoint::Token).ok_or(OAuthError::Metadata(missing))?;
        Ok(Self {
            token_endpoint,
            other_endpoints,
            authorization_endpoint: url("authorization_endpoint")?,
            jwks_uri: url("jwks_uri")?,
            authentication_methods: strings(members.get("token_endpoint_auth_methods_supported")),
            signing_algorithms: strings(members.get("token_endpoint_auth_signing_alg_values_supported")),
            promises_issuer: members.get("authorization_response_iss_parameter_supported")
                == Some(&Value::Bool(true)),
            issuer: Some(found),
            discovered: true,
        })
    }

    /// Where the metadata of an issuer may be, in the order of trying: the OpenID path behind the issuer (Discovery
    /// 1.0 §4), then the RFC 8414 §3.1 path in front of the issuer's own path.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Issuer`] as [`AuthorizationServer::new`].
    pub fn metadata_urls(issuer: &str) -> Result<[String; 2], OAuthError> {
        check_issuer(issuer)?;
        let appended = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let (scheme, rest) = issuer.split_once("://").unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = path.trim_end_matches('/');
        Ok([appended, format!("{scheme}://{authority}/.well-known/oauth-authorization-server{path}")])
    }

    /// Adds where the server publishes its own keys.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Endpoint`] as [`AuthorizationServer::new`].
    pub fn with_jwks_uri(mut self, jwks_uri: impl Into<String>) -> Result<Self, OAuthError> {
        let jwks_uri = jwks_uri.into();
        check_endpoint("jwks_uri", &jwks_uri)?;
        self.jwks_uri = Some(jwks_uri);
        Ok(self)
    }

    /// Adds an endpoint that is not known yet, or takes the place of one that is.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Endpoint`] as [`AuthorizationServer::new`].
    pub fn with_endpoint(mut self, endpoint: Endpoint, url: impl Into<String>) -> Result<Self, OAuthError> {
        let url = url.into();
        check_endpoint(endpoint.metadata_name(), &url)?;
        let location = Location::new(url);
        match endpoint {
            Endpoint::Token => self.token_endpoint = location,
            other => {
                self.other_endpoints.insert(other, location);
            }
        }
        Ok(self)
    }

    /// Adds where users log in (`authorization_endpoint`, RFC 6749 §3.1).
    ///
    /// # Errors
    ///
    /// [`OAuthError::Endpoint`] as [`AuthorizationServer::new`].
    pub fn with_authorization_endpoint(mut self, url: impl Into<String>) -> Result<Self, OAuthError> {
        let url = url.into();
        check_endpoint("authorization_endpoint", &url)?;
        self.authorization_endpoint = Some(url);
        Ok(self)
    }

    /// The issuer identifier, where it is known.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The token endpoint.
    #[must_use]
    pub fn token_endpoint(&self) -> &str {
        self.token_endpoint.url()
    }

    /// One of the endpoints.
    ///
    /// # Errors
    ///
    /// [`OAuthError::NotKnown`] when neither the metadata nor the user says.
    pub fn endpoint(&self, endpoint: Endpoint) -> Result<&str, OAuthError> {
        self.location(endpoint).map(Location::url)
    }

    /// An endpoint as the target of a request.
    pub(super) fn target(&self, endpoint: Endpoint) -> Result<http::Uri, OAuthError> {
        self.location(endpoint)?.target(endpoint)
    }

    fn location(&self, endpoint: Endpoint) -> Result<&Location, OAuthError> {
        match endpoint {
            Endpoint::Token => Ok(&self.token_endpoint),
            other => {
                let not_known = OAuthError::NotKnown { member: other.metadata_name() };
                self.other_endpoints.get(&other).ok_or(not_known)
            }
        }
    }

    /// Where users log in (`authorization_endpoint`).
    ///
    /// # Errors
    ///
    /// [`OAuthError::NotKnown`] when neither the metadata nor the user says.
    pub fn authorization_endpoint(&self) -> Result<&str, OAuthError> {
        let not_known = OAuthError::NotKnown { member: "authorization_endpoint" };
        self.authorization_endpoint.as_deref().ok_or(not_known)
    }

    /// `authorization_response_iss_parameter_supported` (RFC 9207 §3).
    pub(super) const fn promises_issuer(&self) -> bool {
        self.promises_issuer
    }

    /// Where the server publishes its own keys (`jwks_uri`).
    ///
    /// # Errors
    ///
    /// [`OAuthError::NotKnown`] when neither the metadata nor the user says.
    pub fn jwks_uri(&self) -> Result<&str, OAuthError> {
        self.jwks_uri.as_deref().ok_or(OAuthError::NotKnown { member: "jwks_uri" })
    }

    /// `token_endpoint_auth_methods_supported`, where the metadata has it. Servers in the field omit
    /// `private_key_jwt` where it works and list it where it does not, so nothing is decided by it.
    #[must_use]
    pub fn authentication_methods(&self) -> Option<&[String]> {
        self.authentication_methods.as_deref()
    }

    /// `token_endpoint_auth_signing_alg_values_supported`, where the metadata has it.
    #[must_use]
    pub fn signing_algorithms(&self) -> Option<&[String]> {
        self.signing_algorithms.as_deref()
    }

    /// The string that an audience stands for at this server, when this endpoint is called.
    pub(super) fn audience<'a>(
        &'a self,
        audience: Option<&'a Audience>,
        called: Endpoint,
    ) -> Result<&'a str, OAuthError> {
        match (audience, &self.issuer) {
            (Some(Audience::Exactly(url)), _) => Ok(url),
            (Some(Audience::Issuer) | None, Some(issuer)) => Ok(issuer),
            (Some(Audience::Issuer), None) => Err(OAuthError::NotKnown { member: "issuer" }),
            (Some(Audience::TokenEndpoint), _) | (None, None) => {
                self.endpoint_audience(self.token_endpoint.url())
            }
            (Some(Audience::CalledEndpoint), _) => self.endpoint_audience(self.endpoint(called)?),
        }
    }

    /// An endpoint that a document names is believed as an audience only at the issuer's own origin.
    fn endpoint_audience<'a>(&self, endpoint: &'a str) -> Result<&'a str, OAuthError> {
        if let Some(issuer) = self.issuer.as_deref().filter(|_| self.discovered) {
            let same_origin =
                check_endpoint("endpoint", endpoint)?.origin() == check_issuer(issuer)?.origin();
            if !same_origin {
                return Err(OAuthError::ForeignAudience { endpoint: safe(endpoint), issuer: safe(issuer) });
            }
        }
        Ok(endpoint)
    }
}

fn strings(value: Option<&Value>) -> Option<Vec<String>> {
    let elements = value?.as_array()?;
    Some(elements.iter().filter_map(|element| element.as_str().map(str::to_owned)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://as.example/t";

    fn metadata(members: &str) -> Result<AuthorizationServer, OAuthError> {
        AuthorizationServer::from_metadata(ISSUER, format!(r#"{{"issuer":"{ISSUER}",{members}}}"#).as_bytes())
    }

    #[test]
    fn rfc8414_3_3_the_issuer_must_be_the_one_asked_for_byte_for_byte() {
        for found in
            ["https://as.example/t/", "https://AS.example/t", "https://as.example:443/t", "https://evil/t"]
        {
            let json = format!(r#"{{"issuer":"{found}","token_endpoint":"https://as.example/token"}}"#);
            assert!(matches!(
                AuthorizationServer::from_metadata(ISSUER, json.as_bytes()),
                Err(OAuthError::IssuerMismatch { expected, found: other }) if expected == ISSUER && other == found
            ));
        }
    }

    #[test]
    fn an_https_issuer_has_no_http_endpoints_not_even_on_loopback() {
        assert!(matches!(
            metadata(r#""token_endpoint":"http://127.0.0.1/token""#),
            Err(OAuthError::Endpoint {
                endpoint: "token_endpoint",
                reason: "is plain http below an https issuer",
                ..
            })
        ));
        assert!(matches!(
            metadata(r#""token_endpoint":"https://as.example/token","jwks_uri":"http://localhost/jwks""#),
            Err(OAuthError::Endpoint { endpoint: "jwks_uri", .. })
        ));
        assert!(matches!(
            metadata(r#""token_endpoint":"http://as.example/token""#),
            Err(OAuthError::Endpoint { reason: "is plain http, which is for loopback only", .. })
        ));
    }

    #[test]
    fn a_null_is_as_good_as_nothing() {
        let server = metadata(r#""token_endpoint":"https://as.example/token","jwks_uri":null"#).unwrap();
        assert!(matches!(server.jwks_uri(), Err(OAuthError::NotKnown { member: "jwks_uri" })));
        assert!(matches!(
            metadata(r#""token_endpoint":null"#),
            Err(OAuthError::Metadata(JoseError::MissingMember { member: "token_endpoint", .. }))
        ));
    }

    #[test]
    fn metadata_needs_a_token_endpoint() {
        assert!(matches!(
            metadata(r#""token_endpoint":7"#),
            Err(OAuthError::Metadata(JoseError::InvalidMember { member: "token_endpoint", .. }))
        ));
        assert!(matches!(
            metadata(r#""jwks_uri":"https://as.example/jwks""#),
            Err(OAuthError::Metadata(JoseError::MissingMember { member: "token_endpoint", .. }))
        ));
        assert!(matches!(
            AuthorizationServer::from_metadata(ISSUER, b"<html>"),
            Err(OAuthError::Metadata(JoseError::Json { .. }))
        ));
    }

    #[test]
    fn discovery_paths_are_appended_and_inserted() {
        let urls = |issuer| AuthorizationServer::metadata_urls(issuer).unwrap();
        assert_eq!(
            urls("https://as.example/a/b"),
            [
                "https://as.example/a/b/.well-known/openid-configuration",
                "https://as.example/.well-known/oauth-authorization-server/a/b"
            ]
        );
        for issuer in ["https://as.example", "https://as.example/"] {
            assert_eq!(
                urls(issuer),
                [
                    "https://as.example/.well-known/openid-configuration",
                    "https://as.example/.well-known/oauth-authorization-server"
                ]
            );
        }
        assert_eq!(
            urls("https://as.example//a/")[0],
            "https://as.example//a/.well-known/openid-configuration"
        );
    }

    #[test]
    fn an_endpoint_of_another_origin_becomes_an_audience_only_when_the_user_names_it() {
        let server = metadata(r#""token_endpoint":"https://evil.example/token""#).unwrap();
        for audience in [Audience::TokenEndpoint, Audience::CalledEndpoint] {
            assert!(matches!(
                server.audience(Some(&audience), Endpoint::Token),
                Err(OAuthError::ForeignAudience { .. })
            ));
        }
        assert_eq!(server.audience(None, Endpoint::Token).unwrap(), ISSUER);
        let named = Audience::Exactly("https://evil.example/token".to_owned());
        assert_eq!(server.audience(Some(&named), Endpoint::Token).unwrap(), "https://evil.example/token");
        let by_hand = AuthorizationServer::new(ISSUER, "https://login.example//token").unwrap();
        assert_eq!(
            by_hand.audience(Some(&Audience::TokenEndpoint), Endpoint::Token).unwrap(),
            "https://login.example//token"
        );
    }

    #[test]
    fn each_endpoint_is_its_own_audience_where_the_called_one_is_wanted() {
        let names = Endpoint::ALL.map(Endpoint::metadata_name);
        let members = names.map(|name| format!(r#""{name}":"https://as.example/{name}""#)).join(",");
        let server = metadata(&members).unwrap();
        for (endpoint, name) in Endpoint::ALL.into_iter().zip(names) {
            let url = format!("https://as.example/{name}");
            assert_eq!(server.endpoint(endpoint).unwrap(), url);
            assert_eq!(server.audience(Some(&Audience::CalledEndpoint), endpoint).unwrap(), url);
            assert_eq!(server.audience(Some(&Audience::Issuer), endpoint).unwrap(), ISSUER);
            assert_eq!(server.audience(None, endpoint).unwrap(), ISSUER);
            let token_endpoint = server.audience(Some(&Audience::TokenEndpoint), endpoint).unwrap();
            assert_eq!(token_endpoint, "https://as.example/token_endpoint");
        }
        let server = AuthorizationServer::from_token_endpoint("https://as.example/token").unwrap();
        for endpoint in &Endpoint::ALL[1..] {
            let member = endpoint.metadata_name();
            assert!(
                matches!(server.endpoint(*endpoint), Err(OAuthError::NotKnown { member: found }) if found == member)
            );
            let other = server.clone().with_endpoint(*endpoint, "https://as.example/other").unwrap();
            assert_eq!(other.endpoint(*endpoint).unwrap(), "https://as.example/other");
        }
        let refused = server.with_endpoint(Endpoint::Revocation, "http://as.example/revoke");
        assert!(matches!(refused, Err(OAuthError::Endpoint { endpoint: "revocation_endpoint", .. })));
    }

    #[test]
    fn with_only_a_token_endpoint_that_is_the_audience() {
        let server = AuthorizationServer::from_token_endpoint("https://as.example/token").unwrap();
        assert_eq!(server.audience(None, Endpoint::Token).unwrap(), "https://as.example/token");
        assert!(matches!(
            server.audience(Some(&Audience::Issuer), Endpoint::Token),
            Err(OAuthError::NotKnown { member: "issuer" })
        ));
        assert!(matches!(server.jwks_uri(), Err(OAuthError::NotKnown { member: "jwks_uri" })));
    }
}
