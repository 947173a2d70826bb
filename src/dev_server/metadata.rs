//! The metadata (RFC 8414 §2).

use serde_json::{Value, json};

use super::demands::Demands;
use super::signing_keys::SigningKeys;
use super::{id_token, paths, token};
use crate::oauth::{CodeVerifier, Endpoint};

/// The document (RFC 8414 §2, OpenID Connect Discovery §3).
pub(super) fn document(issuer: &str, demands: &Demands) -> Value {
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    let mut document = json!({
        "issuer": issuer,
        "jwks_uri": format!("{base}{}", paths::JWKS),
        "grant_types_supported": token::supported(),
        "authorization_endpoint": format!("{base}{}", paths::AUTHORIZE),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "code_challenge_methods_supported": [CodeVerifier::METHOD],
        "authorization_response_iss_parameter_supported": true,
        "userinfo_endpoint": format!("{base}{}", paths::USERINFO),
        "scopes_supported": [id_token::SCOPE, "offline_access"],
        "claims_supported": id_token::CLAIMS,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [SigningKeys::id_token_algorithm(demands.is_fapi2())],
        // If left out, `request_uri_parameter_supported` would default to true.
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "claims_parameter_supported": false,
    });
    if let Value::Object(members) = &mut document {
        if demands.is_fapi2() {
            // RFC 9126 §5.
            members.insert("require_pushed_authorization_requests".to_owned(), true.into());
        }
        for endpoint in Endpoint::ALL {
            members
                .insert(endpoint.metadata_name().to_owned(), format!("{base}{}", paths::of(endpoint)).into());
        }
        // The other endpoints have no such members: those of the token endpoint apply to them too
        // (RFC 9126 §5).
        for endpoint in [Endpoint::Token, Endpoint::Introspection, Endpoint::Revocation] {
            let name = endpoint.metadata_name();
            members.insert(format!("{name}_auth_methods_supported"), ["private_key_jwt"].as_slice().into());
            let algorithms = json!(demands.algorithms());
            members.insert(format!("{name}_auth_signing_alg_values_supported"), algorithms);
        }
    }
    document
}
