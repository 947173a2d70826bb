//! The FAPI 2.0 Security Profile, which banks follow.

use super::known::Named;
use crate::jose::Algorithm::{ES256, Ed25519, EdDSA, PS256};
use crate::oauth::audience::AudienceArray;
use crate::oauth::{AcceptedAudience, Audience, Profile};

pub(super) const FAPI: Named = ("fapi2", Profile::fapi2);

impl Profile {
    /// The FAPI 2.0 Security Profile: the issuer as audience, always as a string, and PS256, ES256
    /// or Ed25519 (§5.3.2.1, §5.4.1). RSA keys have at least 2048 bits. Servers accept an `iat` or
    /// `nbf` up to 10 s ahead of their clock, and reject one that is more than 60 s ahead.
    ///
    /// Source: the FAPI 2.0 Security Profile Final, 2026-11-21, and the OpenID Foundation's
    /// conformance suite. Not confirmed: the lifetime that a bank allows, and `kid` and `typ`,
    /// which the profile leaves open.
    #[must_use]
    pub fn fapi2() -> Self {
        Self::new("FAPI 2.0")
            .audience(Audience::Issuer)
            .accept_audiences([AcceptedAudience::Issuer])
            .algorithms([PS256, ES256, EdDSA, Ed25519])
            .audience_array(AudienceArray::Refused)
            .documented("FAPI 2.0 Security Profile Final", "2026-11-21")
            .noted("servers accept an iat up to 10 s ahead of their clock")
            .unconfirmed("the longest lifetime, kid and typ are left to each server")
    }
}
