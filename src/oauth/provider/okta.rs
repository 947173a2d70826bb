//! Okta, by its documentation (2026-11).

use std::time::Duration;

use super::known::{Named, TokenShape};
use crate::jose::Algorithm::{ES256, ES384, ES512, RS256, RS384, RS512};
use crate::oauth::{AcceptedAudience, Audience, Profile};

pub(super) const OKTA: Named = ("okta", Profile::okta);

/// Those of a custom authorization server.
pub(crate) const OKTA_TOKENS: TokenShape =
    TokenShape { client_id: &["cid"], permissions: &["scp"], ..TokenShape::new("okta") };

impl Profile {
    /// Okta: the URL of the endpoint that is called as audience (the issuer is rejected), RS256 to
    /// RS512 or ES256 to ES512, and a lifetime of at most one hour. With several registered keys,
    /// it needs `kid`. A `jti` is accepted once.
    ///
    /// Source: Okta's documentation and reports of its users, 2026-11-21. Not confirmed: which
    /// `typ` it accepts.
    #[must_use]
    pub fn okta() -> Self {
        Self::new("Okta")
            .audience(Audience::CalledEndpoint)
            .accept_audiences([AcceptedAudience::CalledEndpoint])
            .algorithms([RS256, RS384, RS512, ES256, ES384, ES512])
            .longest_lifetime(Duration::from_secs(3600))
            .documented("Okta's documentation, and reports of its users", "2026-11-21")
            .noted("with several registered keys, kid is needed; a jti is accepted once")
            .unconfirmed("which typ is accepted; nothing was tried with an organization")
    }
}
