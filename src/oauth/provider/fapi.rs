//! The FAPI 2.0 Security Profile, which banks follow.

use super::known::Provider;
use crate::jose::Algorithm::{ES256, Ed25519, EdDSA, PS256};
use crate::oauth::{Audience, Profile};

pub(super) const FAPI: Provider = Provider { profile: Some(("fapi2", Profile::fapi2)), texts: &[] };

impl Profile {
    /// The FAPI 2.0 Security Profile: the issuer as audience, and PS256, ES256 or Ed25519.
    #[must_use]
    pub fn fapi2() -> Self {
        Self::new("FAPI 2.0").audience(Audience::Issuer).algorithms([PS256, ES256, EdDSA, Ed25519])
    }
}
