//! IBM Verify, by its documentation (2026-11).

use super::known::Provider;
use crate::jose::Algorithm::{PS256, PS384, PS512, RS256, RS384, RS512};
use crate::oauth::{Audience, Hint, Profile};

pub(super) const IBM_VERIFY: Provider = Provider {
    profile: Some(("ibm-verify", Profile::ibm_verify)),
    texts: &[
        ("CSIAQ0155E", Hint::Unspecific),
        ("The requested OAuth 2.0 Client could not be authenticated", Hint::Unspecific),
    ],
};

impl Profile {
    /// IBM Verify, as documented: the issuer as audience, RS256 to RS512 and PS256 to PS512, a
    /// lifetime of at most 24 hours.
    #[must_use]
    pub fn ibm_verify() -> Self {
        Self::new("IBM Verify")
            .audience(Audience::Issuer)
            .algorithms([RS256, RS384, RS512, PS256, PS384, PS512])
    }
}
