//! Ory Hydra and other servers made of fosite, by their source and tests with Hydra 2.3.

use super::known::{Named, TokenShape};
use crate::jose::Algorithm::{ES256, ES384, ES512, PS256, PS384, PS512, RS256, RS384, RS512};
use crate::oauth::{AcceptedAudience, Audience, Endpoint, Profile};

pub(super) const HYDRA: Named = ("hydra", Profile::hydra);

/// Those of the access token strategy `jwt`.
pub(crate) const HYDRA_TOKENS: TokenShape =
    TokenShape { permissions: &["scp", "scope"], ..TokenShape::new("hydra") };

impl Profile {
    /// Ory Hydra 2.3: the token endpoint as audience (the issuer is rejected), RS256 to RS512,
    /// PS256 to PS512, or ES256 to ES512, and `kid`. Its clock tolerance is zero.
    ///
    /// Source: tests with 2.3, and the source of fosite, 2026-11-28. Not confirmed: other servers
    /// made of fosite, and Ory Network.
    #[must_use]
    pub fn hydra() -> Self {
        Self::new("Ory Hydra")
            .audience(Audience::TokenEndpoint)
            .accept_audiences([AcceptedAudience::Endpoint(Endpoint::Token)])
            .algorithms([RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512])
            .require_key_id()
            .documented("tests with 2.3, and fosite's source", "2026-11-28")
            .noted("the clock tolerance is zero; the registered JWK needs use: sig")
            .unconfirmed("other servers made of fosite, and Ory Network")
    }
}
