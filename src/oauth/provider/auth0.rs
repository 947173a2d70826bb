//! Auth0, by its documentation (2026-11). Its rejections of assertions are not documented.

use std::time::Duration;

use super::known::{Named, TokenShape};
use crate::jose::Algorithm::{PS256, RS256, RS384};
use crate::oauth::audience::TrailingSlash;
use crate::oauth::{AcceptedAudience, Audience, JwksUri, OAuthError, Profile};

pub(super) const AUTH0: Named = ("auth0", Profile::auth0);

/// Which claim has the client id depends on the profile of the API.
pub(crate) const AUTH0_TOKENS: TokenShape =
    TokenShape { client_id: &["azp", "client_id"], ..TokenShape::new("auth0") };

impl Profile {
    /// Auth0: the issuer as audience (the tenant's URL or custom domain, with its slash), RS256,
    /// RS384 or PS256, and a lifetime of at most five minutes. The algorithm must be the one of the
    /// registered credential.
    ///
    /// Source: Auth0's documentation, 2026-11-21. Not confirmed: the wording of its rejections, and
    /// the algorithms that other settings of a tenant may add.
    #[must_use]
    pub fn auth0() -> Self {
        Self::new("Auth0")
            .audience(Audience::Issuer)
            .accept_audiences([AcceptedAudience::Issuer])
            .trailing_slash(TrailingSlash::EndsIssuer)
            .algorithms([RS256, RS384, PS256])
            .longest_lifetime(Duration::from_secs(300))
            .require_token_id()
            .documented("Auth0's documentation", "2026-11-21")
            .noted("the algorithm must be the one of the registered credential")
            .unconfirmed("nothing was tried with a tenant")
    }
}

impl JwksUri {
    /// The keys of an Auth0 tenant: `/.well-known/jwks.json` below its URL, which is its issuer
    /// (`https://TENANT.REGION.auth0.com/`) or a custom domain.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Endpoint`] as [`JwksUri::ping_federate`].
    pub fn auth0(tenant_url: &str) -> Result<Self, OAuthError> {
        Self::below(tenant_url, "/.well-known/jwks.json")
    }
}
