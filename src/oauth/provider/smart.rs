//! SMART Backend Services (HL7), by its specification and the source of two servers.

use std::time::Duration;

use super::known::Provider;
use crate::jose::Algorithm::{ES384, RS384};
use crate::oauth::{AcceptedAudience, Audience, Endpoint, Hint, Profile};

pub(super) const SMART: Provider = Provider {
    profile: Some(("smart-backend-services", Profile::smart_backend_services)),
    texts: &[
        ("Missing 'scope' parameter", Hint::Scope),
        ("Missing 'client_assertion_type' parameter", Hint::AssertionType),
        ("Invalid 'client_assertion_type' parameter. Must be", Hint::AssertionType),
        ("Missing 'client_assertion' parameter", Hint::Malformed),
        ("Missing token 'jti' claim", Hint::TokenIdMissing),
        ("Missing token 'iss' claim", Hint::Malformed),
        ("Missing token 'sub' claim", Hint::Malformed),
        ("Missing token 'aud' claim", Hint::Malformed),
        ("Missing token 'exp' claim", Hint::Malformed),
        ("Invalid token 'typ' header. Must be 'JWT'", Hint::MediaType),
        ("Missing token 'kid' header", Hint::KeyId),
        ("Missing token 'alg' header", Hint::Algorithm),
        ("The token sub does not match the token iss claim", Hint::Subject),
        ("Invalid token 'aud' value", Hint::Audience),
        ("Failed to fetch JWKS from", Hint::KeySetUnreachable),
        ("JWKS does not have a \"keys\" property", Hint::KeySet),
        ("None of the keys found in the JWKS have alg equal to", Hint::KeySet),
        ("None of the keys found in the JWKS have kid equal to", Hint::KeyId),
        ("No usable public keys found in the JWKS", Hint::KeySet),
        ("Multiple usable public keys found in the JWKS", Hint::KeySet),
        ("Invalid token. invalid signature", Hint::Signature),
        ("Invalid 'client_id' (as sub claim of the assertion JWT)", Hint::UnknownClient),
        ("Could not decode the \"client_assertion\" parameter", Hint::Malformed),
        ("Invalid jku header of the assertion token", Hint::KeySet),
        ("Only system scopes are allowed", Hint::Scope),
        ("No scope(s) could be granted", Hint::Scope),
        ("Invalid token 'aud' value. Must be", Hint::Audience),
        ("The given iss '*' does not match the registered", Hint::Subject),
        ("is different than the one used at registration time", Hint::KeySet),
        ("No public keys found in the JWKS with \"kid\" equal to", Hint::KeyId),
        ("Unable to verify the token with any of the public keys found in the JWKS", Hint::Signature),
        ("The remote jwks object has no keys array", Hint::KeySet),
        ("Requesting the remote JWKS returned an error", Hint::KeySetUnreachable),
        ("Missing client_assertion_type parameter", Hint::AssertionType),
        ("Invalid client_assertion_type parameter. Must be", Hint::AssertionType),
        ("Invalid registration token", Hint::Malformed),
        ("Invalid request content-type header", Hint::Malformed),
        ("No access could be granted for scopes", Hint::Scope),
    ],
};

impl Profile {
    /// SMART Backend Services (HL7), such as Epic: the token endpoint as audience, RS384 or ES384,
    /// `kid`, `typ: JWT`, and a lifetime of at most five minutes.
    ///
    /// The JWK in the client's JWK Set must name the algorithm (`alg`), as the ones of this crate
    /// do. The optional header `jku` is not sent: the server knows the URL from the registration.
    ///
    /// Source: SMART App Launch 2.2 ("Client Authentication: Asymmetric") and the source of two
    /// servers, 2026-11-21. Not confirmed: Epic itself, whose documentation asks for RS384.
    #[must_use]
    pub fn smart_backend_services() -> Self {
        Self::new("SMART Backend Services")
            .audience(Audience::TokenEndpoint)
            .accept_audiences([AcceptedAudience::Endpoint(Endpoint::Token)])
            .algorithms([RS384, ES384])
            .longest_lifetime(Duration::from_secs(300))
            .media_type(Some("JWT"))
            .accept_media_types(&[Some("JWT")])
            .require_key_id()
            .require_token_id()
            .documented("SMART App Launch 2.2, and the source of two servers", "2026-11-21")
            .noted("the JWK in the client's JWK Set must have alg")
            .unconfirmed("servers of vendors were not tried")
    }
}
