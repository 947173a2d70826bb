//! login.gov, by its source. It writes the text where the code belongs.

use super::known::Named;
use crate::jose::Algorithm::RS256;
use crate::oauth::audience::TrailingSlash;
use crate::oauth::{AcceptedAudience, Audience, Endpoint, Profile};

pub(super) const LOGIN_GOV: Named = ("login-gov", Profile::login_gov);

impl Profile {
    /// login.gov: the token endpoint as audience, and RS256.
    ///
    /// Source: its source, 2026-11-21. It ignores a slash at the end of the audience. Not
    /// confirmed: the longest lifetime.
    #[must_use]
    pub fn login_gov() -> Self {
        Self::new("login.gov")
            .audience(Audience::TokenEndpoint)
            .accept_audiences([AcceptedAudience::Endpoint(Endpoint::Token)])
            .trailing_slash(TrailingSlash::Ignored)
            .algorithms([RS256])
            .documented("login.gov's source", "2026-11-21")
            .noted("the client is registered with a certificate")
            .unconfirmed("the longest lifetime; nothing was tried")
    }
}
