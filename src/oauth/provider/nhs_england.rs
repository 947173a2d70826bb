//! NHS England's API platform, by its source and documentation.

use std::time::Duration;

use super::known::Named;
use crate::jose::Algorithm::RS512;
use crate::oauth::{AcceptedAudience, Audience, Endpoint, Profile};

pub(super) const NHS_ENGLAND: Named = ("nhs-england", Profile::nhs_england);

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
