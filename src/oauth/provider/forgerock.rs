//! PingAM, formerly ForgeRock AM, and OpenAM, by documentation, source, and tests with OpenAM 16.

use super::known::Named;
use crate::oauth::{AcceptedAudience, Audience, Profile};

pub(super) const FORGEROCK: Named = ("forgerock", Profile::forgerock);

impl Profile {
    /// PingAM, ForgeRock AM and OpenAM: the URL of the endpoint that is called as audience (the
    /// issuer is rejected), `kid`, and `typ: JWT`, the only type that they know besides none.
    ///
    /// ForgeRock Advanced Identity Cloud computes its own URL with `:443`. Set that one with
    /// [`Audience::Exactly`].
    ///
    /// Source: tests with OpenAM 16, its source, and ForgeRock's documentation, 2026-11-28. Not
    /// confirmed: PingAM and ForgeRock's products, which were not tried, and their algorithms.
    /// OpenAM accepted RS256 to RS512 and ES512.
    #[must_use]
    pub fn forgerock() -> Self {
        Self::new("ForgeRock")
            .audience(Audience::CalledEndpoint)
            .accept_audiences([AcceptedAudience::CalledEndpoint])
            .media_type(Some("JWT"))
            .accept_media_types(&[Some("JWT"), None])
            .require_key_id()
            .documented("tests with OpenAM 16, its source, and ForgeRock's documentation", "2026-11-28")
            .noted("Advanced Identity Cloud computes its own URL with :443; set it as audience")
            .unconfirmed("the algorithms; PingAM and ForgeRock's own products were not tried")
    }
}
