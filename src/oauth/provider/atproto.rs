//! The AT Protocol, by its specification.

use super::known::Named;
use crate::jose::Algorithm::ES256;
use crate::oauth::{AcceptedAudience, Audience, Profile};

pub(super) const ATPROTO: Named = ("atproto", Profile::atproto);

impl Profile {
    /// The authorization servers of the AT Protocol (Bluesky): the issuer as audience, ES256, and a
    /// `kid` of the client's metadata.
    ///
    /// Source: the AT Protocol's OAuth specification and the source of its reference server,
    /// 2026-11-29. Not confirmed: the longest lifetime. The servers also require DPoP and pushed
    /// authorization requests, which are not a matter of the assertion.
    #[must_use]
    pub fn atproto() -> Self {
        Self::new("AT Protocol")
            .audience(Audience::Issuer)
            .accept_audiences([AcceptedAudience::Issuer])
            .algorithms([ES256])
            .require_key_id()
            .require_token_id()
            .documented("the AT Protocol's OAuth specification", "2026-11-29")
            .noted("kid is that of the key in the client's metadata; the server also requires DPoP")
            .unconfirmed("the longest lifetime; nothing was tried with a server")
    }
}
