//! Auth0, by its documentation (2026-11). Its rejections of assertions are not documented.

use std::time::Duration;

use super::known::Provider;
use crate::jose::Algorithm::{PS256, RS256, RS384};
use crate::oauth::{Audience, JwksUri, OAuthError, Profile};

pub(super) const AUTH0: Provider = Provider { profile: Some(("auth0", Profile::auth0)), texts: &[] };

impl Profile {
    /// Auth0, as documented: the issuer as audience (the tenant's URL with its slash), RS256, RS384
    /// and PS256, a lifetime of at most five minutes. The algorithm must be the one of the
    /// registered credential.
    #[must_use]
    pub fn auth0() -> Self {
        Self::new("Auth0")
            .audience(Audience::Issuer)
            .algorithms([RS256, RS384, PS256])
            .longest_lifetime(Duration::from_secs(300))
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
