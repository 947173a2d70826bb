//! The metadata (RFC 8414 §2) and the paths of the endpoints. The paths are PingOne's.

use serde_json::{Value, json};

use super::DevServer;
use super::id_token;
use super::signing_keys::SigningKeys;
use super::token::GRANT_TYPES;
use crate::jose::Algorithm;
use crate::oauth::{CodeVerifier, Endpoint};

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

/// The issuer's path: after the origin, and before the path of every endpoint.
pub(super) fn path_of_issuer() -> String {
    format!("/{}/as", DevServer::ENVIRONMENT_ID)
}

/// The path of an endpoint, relative to the issuer.
pub(super) const fn path(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Token => "/token",
        Endpoint::PushedAuthorization => "/par",
        Endpoint::Introspection => "/introspect",
        Endpoint::Revocation => "/revoke",
        Endpoint::DeviceAuthorization => "/device_authorization",
    }
}

/// The document (RFC 8414 §2, OpenID Connect Discovery §3).
pub(super) fn document(issuer: &str) -> Value {
    let mut document = json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}{JWKS}"),
        "grant_types_supported": GRANT_TYPES,
        "authorization_endpoint": format!("{issuer}{AUTHORIZE}"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "code_challenge_methods_supported": [CodeVerifier::METHOD],
        "authorization_response_iss_parameter_supported": true,
        "userinfo_endpoint": format!("{issuer}{USERINFO}"),
        "scopes_supported": [id_token::SCOPE, "offline_access"],
        "claims_supported": id_token::CLAIMS,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [SigningKeys::ID_TOKEN_ALGORITHM],
        // If left out, `request_uri_parameter_supported` would default to true.
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "claims_parameter_supported": false,
    });
    if let Value::Object(members) = &mut document {
        for endpoint in Endpoint::ALL {
            members.insert(endpoint.metadata_name().to_owned(), format!("{issuer}{}", path(endpoint)).into());
        }
        // The other endpoints have no such members: those of the token endpoint apply to them too
        // (RFC 9126 §5).
        for endpoint in [Endpoint::Token, Endpoint::Introspection, Endpoint::Revocation] {
            let name = endpoint.metadata_name();
            members.insert(format!("{name}_auth_methods_supported"), ["private_key_jwt"].as_slice().into());
            let algorithms = json!(Algorithm::ALL);
            members.insert(format!("{name}_auth_signing_alg_values_supported"), algorithms);
        }
    }
    document
}
