//! PingFederate, by its documentation and a report of its users (2026-11).

use super::known::{Named, TokenShape};
use crate::jose::Algorithm::{ES256, ES384, ES512, PS256, PS384, PS512, RS256, RS384, RS512};
use crate::oauth::{JwksUri, OAuthError, Profile};

pub(super) const PING_FEDERATE: Named = ("ping-federate", Profile::ping_federate);

/// The names of the claims are settings of the access token manager.
pub(crate) const PING_FEDERATE_TOKENS: TokenShape = TokenShape::new("ping-federate");

impl Profile {
    /// PingFederate: RS256 to RS512, PS256 to PS512 and ES256 to ES512. Its documentation names no
    /// audience, so this is the default one. Version 13.1 was reported to reject an assertion
    /// without `typ: client-authentication+jwt`, which is the default as well.
    ///
    /// Source: Ping Identity's documentation and one report of its users, 2026-11-21. Not
    /// confirmed: the audience, the longest lifetime, and the `typ` that other versions accept.
    #[must_use]
    pub fn ping_federate() -> Self {
        Self::new("PingFederate")
            .algorithms([RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512])
            .documented("Ping Identity's documentation, and a report of its users", "2026-11-21")
            .noted("version 13.1 rejects an assertion without typ: client-authentication+jwt")
            .unconfirmed("the audience, the longest lifetime, and typ before version 13.1")
    }
}

impl JwksUri {
    /// The keys of a PingFederate server: `/pf/JWKS` below its base URL, such as
    /// `https://pf.example:9031`.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Endpoint`] if the base URL is neither https nor http on loopback, or has more
    /// than a path.
    pub fn ping_federate(base_url: &str) -> Result<Self, OAuthError> {
        Self::below(base_url, "/pf/JWKS")
    }
}
