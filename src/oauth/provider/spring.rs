//! Spring Authorization Server 7, by tests with it. It answers `invalid_client` without a text for
//! every cause.

use super::known::{Named, TokenShape};
use crate::jose::Algorithm::{ES256, ES384, ES512, PS256, PS384, PS512, RS256, RS384, RS512};
use crate::oauth::{AcceptedAudience, Audience, Endpoint, Profile};

pub(super) const SPRING: Named = ("spring", Profile::spring);

/// Its ID tokens always have `azp`.
pub(crate) const SPRING_TOKENS: TokenShape = TokenShape {
    has_client_id: false,
    of_other_tokens: &["at_hash", "c_hash", "nonce", "token_introspection", TokenShape::LOGOUT_EVENT, "azp"],
    ..TokenShape::new("spring")
};

impl Profile {
    /// Spring Authorization Server 7: the issuer as audience (it also accepts the token,
    /// introspection, revocation and pushed authorization request endpoints), RS256 to RS512, PS256
    /// to PS512, or ES256 to ES512. It requires `client_id` in the form, and does not check `jti`.
    ///
    /// Source: tests with version 7, and its source, 2026-11-28. Not confirmed: audiences other
    /// than the issuer, which were read but not tried.
    #[must_use]
    pub fn spring() -> Self {
        Self::new("Spring Authorization Server")
            .audience(Audience::Issuer)
            .accept_audiences([
                AcceptedAudience::Issuer,
                AcceptedAudience::Endpoint(Endpoint::Token),
                AcceptedAudience::Endpoint(Endpoint::Introspection),
                AcceptedAudience::Endpoint(Endpoint::Revocation),
                AcceptedAudience::Endpoint(Endpoint::PushedAuthorization),
            ])
            .algorithms([RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512])
            .require_client_id()
            .documented("tests with version 7, and its source", "2026-11-28")
            .noted("client_id is required in the form")
            .unconfirmed("audiences other than the issuer were not tried")
    }
}
