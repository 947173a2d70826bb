//! Zitadel, by its source and tests with zitadel/oidc 3.52.

use super::known::{Named, TokenShape};
use super::spring::SPRING_TOKENS;
use crate::jose::Algorithm::{ES256, PS256, RS256};
use crate::oauth::{AcceptedAudience, Audience, Profile};

pub(super) const ZITADEL: Named = ("zitadel", Profile::zitadel);

/// They look like those of Spring Authorization Server.
pub(crate) const ZITADEL_TOKENS: TokenShape = TokenShape { name: "zitadel", ..SPRING_TOKENS };

impl Profile {
    /// Zitadel: the issuer as audience (the token endpoint is rejected), RS256, PS256 or ES256, and
    /// `kid`. Its clock tolerance is 1 s, and `iat` is at most an hour old.
    ///
    /// Source: tests with zitadel/oidc 3.52, and its source, 2026-11-28. Not confirmed: Zitadel's
    /// newer login server, which was not tried.
    #[must_use]
    pub fn zitadel() -> Self {
        Self::new("Zitadel")
            .audience(Audience::Issuer)
            .accept_audiences([AcceptedAudience::Issuer])
            .algorithms([RS256, PS256, ES256])
            .require_key_id()
            .documented("tests with zitadel/oidc 3.52, and its source", "2026-11-28")
            .noted("the clock tolerance is 1 s")
            .unconfirmed("only the library was tried, not the product")
    }
}
