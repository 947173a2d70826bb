//! NHS England's API platform, by its source and documentation.

use std::time::Duration;

use super::known::Provider;
use crate::jose::Algorithm::RS512;
use crate::oauth::{AcceptedAudience, Audience, Endpoint, Hint, Profile};

pub(super) const NHS_ENGLAND: Provider = Provider {
    profile: Some(("nhs-england", Profile::nhs_england)),
    texts: &[
        ("Missing 'kid' header in client_assertion JWT", Hint::KeyId),
        ("Invalid 'kid' header in client_assertion JWT - no matching public key", Hint::KeyId),
        ("Invalid 'typ' header in client_assertion JWT", Hint::MediaType),
        ("Missing 'alg' header in client_assertion JWT", Hint::Algorithm),
        ("Invalid 'alg' header in client_assertion JWT", Hint::Algorithm),
        ("Missing 'exp' claim in client_assertion JWT", Hint::Malformed),
        ("Invalid 'exp' claim in client_assertion JWT - must be an integer", Hint::Malformed),
        ("Invalid 'exp' claim in client_assertion JWT - more than 5 minutes in future", Hint::Lifetime),
        ("Missing or non-matching 'iss'/'sub' claims in client_assertion JWT", Hint::Subject),
        ("Invalid 'iss'/'sub' claims in client_assertion JWT", Hint::UnknownClient),
        ("Missing 'jti' claim in client_assertion JWT", Hint::TokenIdMissing),
        ("Invalid 'jti' claim in client_assertion JWT", Hint::Malformed),
        ("Non-unique 'jti' claim in client_assertion JWT", Hint::TokenIdReused),
        ("Missing or invalid 'aud' claim in client_assertion JWT", Hint::Audience),
        ("Malformed JWT in client_assertion", Hint::Malformed),
        ("Missing client_assertion", Hint::Malformed),
        ("Missing or invalid client_assertion_type", Hint::AssertionType),
        ("Content-Type header must be application/x-www-form-urlencoded", Hint::Malformed),
        ("The developer app associated with the API key is not approved or revoked", Hint::UnknownClient),
        ("JWT signature verification failed", Hint::Signature),
        ("The JWKS endpoint, for your client_assertion can't be reached", Hint::KeySetUnreachable),
        ("You need to register a public key to use this authentication method", Hint::KeySet),
    ],
};

impl Profile {
    /// NHS England's API platform: the token endpoint as audience, RS512, `kid`, a lifetime of at
    /// most five minutes, and `typ: JWT`.
    ///
    /// Source: its source and documentation, 2026-11-21. Not confirmed: the smallest key; the
    /// documentation shows one of 4096 bits.
    #[must_use]
    pub fn nhs_england() -> Self {
        Self::new("NHS England")
            .audience(Audience::TokenEndpoint)
            .accept_audiences([AcceptedAudience::Endpoint(Endpoint::Token)])
            .algorithms([RS512])
            .longest_lifetime(Duration::from_secs(300))
            .media_type(Some("JWT"))
            .accept_media_types(&[Some("JWT")])
            .require_key_id()
            .require_token_id()
            .documented("NHS England's source and documentation", "2026-11-21")
            .noted("the public key is registered as a JWK Set")
            .unconfirmed("the smallest RSA key; nothing was tried")
    }
}
