//! JWK Set URLs of servers that document where they publish their keys.

use std::fmt;

use super::endpoint::check_endpoint;
use super::text::safe_url;
use super::{AuthorizationServer, OAuthError};

/// The URL of a JWK Set (`jwks_uri`, RFC 8414 §2), derived from what is known about a kind of
/// server. The given part is kept verbatim.
///
/// ```
/// use private_key_jwt::oauth::{JwksUri, PingAccess};
///
/// let tenant = JwksUri::auth0("https://tenant.eu.auth0.com/")?;
/// assert_eq!(tenant.as_str(), "https://tenant.eu.auth0.com/.well-known/jwks.json");
/// let application = PingAccess::new("https://app.example").context_root("/myApp");
/// assert_eq!(application.auth_token_jwks_uri()?.as_str(), "https://app.example/myApp/pa/authtoken/JWKS");
/// # Ok::<(), private_key_jwt::oauth::OAuthError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct JwksUri(String);

impl fmt::Debug for JwksUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JwksUri").field(&safe_url(&self.0)).finish()
    }
}

impl JwksUri {
    /// The URL that the server's metadata or its user names.
    pub(super) fn of_server(server: &AuthorizationServer) -> Result<Self, OAuthError> {
        Ok(Self(server.jwks_uri()?.to_owned()))
    }

    /// Appends a path to a base URL, without doubling its last slash.
    pub(super) fn below(base_url: &str, path: &str) -> Result<Self, OAuthError> {
        let url = format!("{}{path}", base_url.strip_suffix('/').unwrap_or(base_url));
        // Check each part separately: a secret in one place looks like a path when joined with the
        // other.
        let wrong = |reason| {
            let url = [base_url, path].map(safe_url).concat();
            OAuthError::Endpoint { endpoint: "jwks_uri", url, reason }
        };
        check_endpoint("jwks_uri", &url).map_err(|error| match error {
            OAuthError::Endpoint { reason, .. } => wrong(reason),
            other => other,
        })?;
        if base_url.contains('?') {
            return Err(wrong("is made of a URL with a query"));
        }
        Ok(Self(url))
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JwksUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<JwksUri> for String {
    fn from(uri: JwksUri) -> Self {
        uri.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::Region;

    fn reason(result: Result<JwksUri, OAuthError>) -> &'static str {
        match result {
            Err(OAuthError::Endpoint { endpoint: "jwks_uri", reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_urls_are_those_of_the_documentation() {
        let url = |uri: Result<JwksUri, OAuthError>| String::from(uri.unwrap());
        assert_eq!(url(JwksUri::ping_one(Region::Europe, "e-1")), "https://auth.pingone.eu/e-1/as/jwks");
        assert_eq!(url(JwksUri::ping_federate("https://pf.example:9031")), "https://pf.example:9031/pf/JWKS");
        assert_eq!(url(JwksUri::ping_federate("https://example/a//")), "https://example/a//pf/JWKS");
        for tenant in ["https://t.eu.auth0.com", "https://t.eu.auth0.com/"] {
            assert_eq!(url(JwksUri::auth0(tenant)), "https://t.eu.auth0.com/.well-known/jwks.json");
        }
    }

    #[test]
    fn a_base_url_is_https_and_has_no_more_than_a_path() {
        assert_eq!(reason(JwksUri::auth0("tenant.eu.auth0.com")), "is not a URL");
        assert_eq!(
            reason(JwksUri::ping_federate("http://pf.example")),
            "is plain http, which is for loopback only"
        );
        assert_eq!(
            reason(JwksUri::ping_federate("https://pf.example/?a=b")),
            "is made of a URL with a query"
        );
        assert_eq!(reason(JwksUri::ping_federate("https://pf.example/#a")), "has a fragment");
        assert_eq!(reason(JwksUri::auth0("https://a@pf.example")), "has credentials");
    }
}
