//! Keycloak, by the source of version 26 and tests with it.

use super::known::{Named, TokenShape};
use crate::jose::Algorithm::{ES256, ES384, ES512, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
use crate::oauth::audience::AudienceArray;
use crate::oauth::{AcceptedAudience, Audience, Endpoint, Profile};

pub(super) const KEYCLOAK: Named = ("keycloak", Profile::keycloak);

/// The claim `typ` tells each kind of token.
pub(crate) const KEYCLOAK_TOKENS: TokenShape = TokenShape {
    client_id: &["azp", "client_id"],
    has_client_id: false,
    of_other_tokens: &[],
    one_of: Some(("typ", &["Bearer", "DPoP"])),
    ..TokenShape::new("keycloak")
};

impl Profile {
    /// Keycloak 26: the realm's issuer as audience (it also accepts the token, introspection and
    /// pushed authorization request endpoints), RS256 to RS512, PS256 to PS512, ES256 to ES512, and
    /// EdDSA under that name. By default, it accepts an assertion for 60 s after `iat`, even if
    /// `exp` is later. It ignores `typ`.
    ///
    /// **If the client is registered by certificate, call
    /// [`without_key_id`](Self::without_key_id).** Keycloak then knows the key under a `kid` of its
    /// own, and rejects any other ("Unable to load public key").
    ///
    /// Source: the source of version 26, and tests with 26.7.3, 2026-11-28. Not confirmed: older
    /// versions, which accepted several audiences until 26.2.
    #[must_use]
    pub fn keycloak() -> Self {
        Self::new("Keycloak")
            .audience(Audience::Issuer)
            .accept_audiences([
                AcceptedAudience::Issuer,
                AcceptedAudience::Endpoint(Endpoint::Token),
                AcceptedAudience::Endpoint(Endpoint::Introspection),
                AcceptedAudience::Endpoint(Endpoint::PushedAuthorization),
            ])
            .algorithms([RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA])
            .require_token_id()
            .audience_array(AudienceArray::OneValue)
            .documented("Keycloak's source, and tests with 26.7.3", "2026-11-28")
            .noted("for a client that is registered by certificate, omit kid; a clock may be 15 s ahead")
            .unconfirmed("versions before 26")
    }
}
