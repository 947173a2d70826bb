//! The paths of the endpoints, which are PingOne's.

use crate::oauth::Endpoint;

/// The environment id in every path.
pub(super) const ENVIRONMENT_ID: &str = "de7de7de-0000-4000-8000-000000000000";
/// The keys that tokens are signed with.
pub(super) const JWKS: &str = "/jwks";
/// The userinfo endpoint (OpenID Connect Core §5.3).
pub(super) const USERINFO: &str = "/userinfo";
/// The metadata: appended to the issuer (OpenID Connect Discovery §4), or inserted before its path
/// (RFC 8414 §3.1, §5).
pub(super) const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";
pub(super) const OAUTH_AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";
/// The authorization endpoint (RFC 6749 §3.1).
pub(super) const AUTHORIZE: &str = "/authorize";
/// The verification page (RFC 8628 §3.3).
pub(super) const DEVICE: &str = "/device";

/// The inspector's page, the requests that it shows, and its judge of assertions. They are not
/// below the issuer.
pub(super) const INSPECTOR: &str = "/";
pub(super) const INSPECTOR_REQUESTS: &str = "/inspector/requests";
pub(super) const INSPECTOR_JUDGE: &str = "/inspector/judge";

/// The issuer's path: after the origin, and before the path of every endpoint.
pub(super) fn path_of_issuer() -> String {
    format!("/{ENVIRONMENT_ID}/as")
}

/// The path of an endpoint, relative to the issuer.
pub(super) const fn of(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Token => "/token",
        Endpoint::PushedAuthorization => "/par",
        Endpoint::Introspection => "/introspect",
        Endpoint::Revocation => "/revoke",
        Endpoint::DeviceAuthorization => "/device_authorization",
    }
}
