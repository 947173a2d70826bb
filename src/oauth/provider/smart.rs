//! SMART Backend Services (HL7), by its specification and the source of two servers.

use std::time::Duration;

use super::known::Named;
use crate::jose::Algorithm::{ES384, RS384};
use crate::oauth::{AcceptedAudience, Audience, Endpoint, Profile};

pub(super) const SMART: Named = ("smart-backend-services", Profile::smart_backend_services);

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
