//! Singpass, by its documentation.

use std::time::Duration;

use super::known::Named;
use crate::jose::Algorithm::{ES256, ES384, ES512};
use crate::oauth::{AcceptedAudience, Audience, Profile};

pub(super) const SINGPASS: Named = ("singpass", Profile::singpass);

impl Profile {
    /// Singpass: the issuer as audience, ES256, ES384 or ES512, `typ: JWT`, and an `exp` at most
    /// two minutes after `iat`. Without `kid`, it tries every signing key of the client.
    ///
    /// Source: Singpass's developer documentation ("Generation of client assertion", FAPI 2.0
    /// authentication API), 2026-11-29. Not confirmed: nothing was tried with Singpass. Corppass is
    /// another server, which allows ten minutes.
    #[must_use]
    pub fn singpass() -> Self {
        Self::new("Singpass")
            .audience(Audience::Issuer)
            .accept_audiences([AcceptedAudience::Issuer])
            .algorithms([ES256, ES384, ES512])
            .longest_lifetime(Duration::from_secs(120))
            .media_type(Some("JWT"))
            .accept_media_types(&[Some("JWT")])
            .require_token_id()
            .documented("Singpass's developer documentation", "2026-11-29")
            .noted("Corppass is another server, and allows ten minutes")
            .unconfirmed("nothing was tried with Singpass")
    }
}
