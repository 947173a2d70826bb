//! Zitadel, by its source and tests with zitadel/oidc 3.52.

use super::known::{Provider, TokenShape};
use super::spring::SPRING_TOKENS;
use crate::jose::Algorithm::{ES256, PS256, RS256};
use crate::oauth::{AcceptedAudience, Audience, Hint, Profile};

pub(super) const ZITADEL: Provider = Provider {
    profile: Some(("zitadel", Profile::zitadel)),
    texts: &[
        ("empty client assertion", Hint::Malformed),
        ("no active client not found", Hint::UnknownClient),
        ("client authentication must not use more than one method", Hint::AuthenticationMethod),
        ("client_id or client_assertion must be provided", Hint::Malformed),
        ("invalid client_assertion_type", Hint::AssertionType),
        ("error fetching keys: clientID not found", Hint::UnknownClient),
        ("error fetching keys: key not found", Hint::KeyId),
        ("error in cryptographic primitive", Hint::Signature),
        ("signature algorithm not supported", Hint::Algorithm),
        ("audience is not valid: Audience must contain", Hint::Audience),
        ("issuedAt of token is in the future", Hint::NotYetValid),
    ],
};

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
