//! The AT Protocol, by its specification.

use super::known::Provider;
use crate::jose::Algorithm::ES256;
use crate::oauth::{Audience, Profile};

pub(super) const AT_PROTOCOL: Provider =
    Provider { profile: Some(("at-protocol", Profile::at_protocol)), texts: &[] };

impl Profile {
    /// The authorization servers of the AT Protocol (Bluesky): the issuer as audience, and ES256.
    #[must_use]
    pub fn at_protocol() -> Self {
        Self::new("AT Protocol").audience(Audience::Issuer).algorithms([ES256])
    }
}
