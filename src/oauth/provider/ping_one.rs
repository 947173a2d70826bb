//! PingOne, by its documentation (2026-11). It has one text for every bad credential.

use std::time::Duration;

use super::known::{Named, TokenShape};
use crate::jose::Algorithm::{ES256, ES384, ES512, RS256, RS384, RS512};
use crate::oauth::text::safe_url;
use crate::oauth::{AcceptedAudience, Audience, AuthorizationServer, Endpoint, JwksUri, OAuthError, Profile};

pub(super) const PING_ONE: Named = ("ping-one", Profile::ping_one);

/// Its ID tokens have no `client_id`.
pub(crate) const PING_ONE_TOKENS: TokenShape = TokenShape::new("ping-one");

impl Profile {
    /// PingOne: the issuer as audience (it also accepts the token endpoint and the endpoint that is
    /// called), RS256 to RS512 or ES256 to ES512, `exp` at most one hour ahead, and `typ: JWT`.
    /// Neither `iat` nor `jti` is checked; an `nbf` in the future is rejected.
    ///
    /// Source: PingOne's documentation, 2026-11-21. Not confirmed: ES256 to ES512, which one page
    /// lists and another does not. For a tenant that rejects them, use an RSA key.
    #[must_use]
    pub fn ping_one() -> Self {
        Self::new("PingOne")
            .audience(Audience::Issuer)
            .accept_audiences([
                AcceptedAudience::Issuer,
                AcceptedAudience::Endpoint(Endpoint::Token),
                AcceptedAudience::CalledEndpoint,
            ])
            .algorithms([RS256, RS384, RS512, ES256, ES384, ES512])
            .longest_lifetime(Duration::from_secs(3600))
            .media_type(Some("JWT"))
            .documented("PingOne's documentation", "2026-11-21")
            .noted("if a tenant rejects ES256 to ES512, use an RSA key")
            .unconfirmed("ES256 to ES512, about which the documentation contradicts itself")
    }
}

/// The geographies of PingOne, each with its own domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Region {
    /// `auth.pingone.com`
    NorthAmerica,
    /// `auth.pingone.ca`
    Canada,
    /// `auth.pingone.eu`
    Europe,
    /// `auth.pingone.asia`
    AsiaPacific,
    /// `auth.pingone.com.au`
    Australia,
    /// `auth.pingone.sg`
    Singapore,
}

impl Region {
    const fn domain(self) -> &'static str {
        match self {
            Self::NorthAmerica => "auth.pingone.com",
            Self::Canada => "auth.pingone.ca",
            Self::Europe => "auth.pingone.eu",
            Self::AsiaPacific => "auth.pingone.asia",
            Self::Australia => "auth.pingone.com.au",
            Self::Singapore => "auth.pingone.sg",
        }
    }
}

impl AuthorizationServer {
    /// The PingOne endpoints of an environment, built without a request to PingOne. For a custom
    /// domain, discover its issuer.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Issuer`] if the environment id is not a single path segment.
    pub fn ping_one(region: Region, environment_id: &str) -> Result<Self, OAuthError> {
        let issuer = format!("https://{}/{environment_id}/as", region.domain());
        if environment_id.is_empty()
            || !environment_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        {
            let issuer = format!("https://{}/{}/as", region.domain(), safe_url(environment_id));
            return Err(OAuthError::Issuer { issuer, reason: "is not made of a PingOne environment id" });
        }
        let url = |path| format!("{issuer}/{path}");
        Self::new(&issuer, url("token"))?
            .with_jwks_uri(url("jwks"))?
            .with_authorization_endpoint(url("authorize"))?
            .with_endpoint(Endpoint::PushedAuthorization, url("par"))?
            .with_endpoint(Endpoint::Introspection, url("introspect"))?
            .with_endpoint(Endpoint::Revocation, url("revoke"))?
            .with_endpoint(Endpoint::DeviceAuthorization, url("device_authorization"))
    }
}

impl JwksUri {
    /// The keys of a PingOne environment: `…/as/jwks`. For a custom domain, discover its issuer.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Issuer`] if the environment id is not a single path segment.
    pub fn ping_one(region: Region, environment_id: &str) -> Result<Self, OAuthError> {
        Self::of_server(&AuthorizationServer::ping_one(region, environment_id)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_urls_are_those_of_the_documentation() {
        let server =
            AuthorizationServer::ping_one(Region::Europe, "0b9b5f8e-2c55-4a3e-8f6c-1f2d3e4a5b6c").unwrap();
        let issuer = "https://auth.pingone.eu/0b9b5f8e-2c55-4a3e-8f6c-1f2d3e4a5b6c/as";
        assert_eq!(server.issuer(), Some(issuer));
        assert_eq!(server.token_endpoint(), format!("{issuer}/token"));
        assert_eq!(server.jwks_uri().unwrap(), format!("{issuer}/jwks"));
    }

    #[test]
    fn an_environment_id_is_one_path_segment() {
        for id in ["", "a/b", "..", "a?b", "a b"] {
            assert!(matches!(
                AuthorizationServer::ping_one(Region::Canada, id),
                Err(OAuthError::Issuer { reason: "is not made of a PingOne environment id", .. })
            ));
        }
    }
}
