//! IBM Verify, by its documentation (2026-11).

use std::time::Duration;

use super::known::Named;
use crate::jose::Algorithm::{PS256, PS384, PS512, RS256, RS384, RS512};
use crate::oauth::{Audience, Profile};

pub(super) const IBM_VERIFY: Named = ("ibm-verify", Profile::ibm_verify);

impl Profile {
    /// IBM Verify: the issuer as audience, RS256 to RS512 or PS256 to PS512, `kid`, and `exp` at
    /// most 24 hours ahead.
    ///
    /// Source: IBM's documentation, 2026-11-21. Not confirmed: whether it accepts the token
    /// endpoint as audience, which the documentation's own example has.
    #[must_use]
    pub fn ibm_verify() -> Self {
        Self::new("IBM Verify")
            .audience(Audience::Issuer)
            .algorithms([RS256, RS384, RS512, PS256, PS384, PS512])
            .longest_lifetime(Duration::from_secs(24 * 3600))
            .require_key_id()
            .require_token_id()
            .documented("IBM's documentation", "2026-11-21")
            .noted("exp is at most 24 hours ahead")
            .unconfirmed("whether the token endpoint is accepted as audience, as in IBM's example")
    }
}
