//! Spring Authorization Server 7, by tests with it. It answers `invalid_client` without a text for
//! every cause.

use super::known::Provider;
use crate::jose::Algorithm::{ES256, ES384, ES512, PS256, PS384, PS512, RS256, RS384, RS512};
use crate::oauth::{Audience, Profile};

pub(super) const SPRING: Provider = Provider { profile: Some(("spring", Profile::spring)), texts: &[] };

impl Profile {
    /// Spring Authorization Server 7: the issuer as audience, RS256 to RS512, PS256 to PS512, and
    /// ES256 to ES512. It requires `client_id` in the form.
    #[must_use]
    pub fn spring() -> Self {
        Self::new("Spring Authorization Server")
            .audience(Audience::Issuer)
            .algorithms([RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512])
    }
}
