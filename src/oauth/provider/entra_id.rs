//! Microsoft Entra ID, by its documentation (2026-11) and reports of its users. Its texts begin
//! with `AADSTS` and a number.

use std::time::Duration;

use super::known::{Named, TokenShape};
use crate::jose::Algorithm::{PS256, RS256};
use crate::oauth::below::Territory;
use crate::oauth::{Audience, Profile};

pub(super) const ENTRA_ID: Named = ("entra-id", Profile::entra_id);

/// Those of either version.
pub(crate) const ENTRA_ID_TOKENS: TokenShape = TokenShape {
    client_id: &["azp", "appid"],
    permissions: &["scp", "roles"],
    one_of: Some(("ver", &["1.0", "2.0"])),
    ..TokenShape::new("entra-id")
};

/// Those of version 1.0.
pub(crate) const ENTRA_ID_V1_TOKENS: TokenShape = TokenShape {
    name: "entra-id-v1",
    client_id: &["appid"],
    one_of: Some(("ver", &["1.0"])),
    ..ENTRA_ID_TOKENS
};

/// Those of version 2.0.
pub(crate) const ENTRA_ID_V2_TOKENS: TokenShape = TokenShape {
    name: "entra-id-v2",
    client_id: &["azp"],
    one_of: Some(("ver", &["2.0"])),
    ..ENTRA_ID_TOKENS
};

impl Profile {
    /// Microsoft Entra ID: PS256 or RS256, a lifetime of at most ten minutes, `typ: JWT`, the
    /// tenant's token endpoint as audience, and the thumbprint of the key's certificate
    /// (`x5t#S256`). A key without its certificate is refused. Assertions of another issuer, for a
    /// federated credential, are not made with this profile.
    ///
    /// Source: Microsoft's documentation and reports of its users, 2026-11-21. Not confirmed:
    /// whether the issuer is accepted as audience, and why some tenants reject PS256 (error
    /// `5002730`; use RS256). The documentation advises five to ten minutes, and says that Entra ID
    /// itself has no limit. It also lists `nbf`, which Microsoft's own libraries do not always
    /// send.
    ///
    /// Its token endpoint (`…/TENANT/oauth2/v2.0/token`) does not lie below its issuer
    /// (`…/TENANT/v2.0`). With this profile, an endpoint in the metadata may be the audience if it
    /// is at the issuer's origin and its path begins with the same tenant. The price: if a server
    /// serves several issuers below one first path segment, one issuer can name another's endpoint.
    /// Entra ID does not.
    #[must_use]
    pub fn entra_id() -> Self {
        Self::new("Microsoft Entra ID")
            .audience(Audience::TokenEndpoint)
            .within(Territory::SameTenant)
            .algorithms([PS256, RS256])
            .longest_lifetime(Duration::from_secs(600))
            .media_type(Some("JWT"))
            .x5t_s256()
            .require_certificate()
            .documented("Microsoft's documentation, and reports of its users", "2026-11-21")
            .noted("if a tenant rejects PS256 (5002730), use RS256; the lifetime is Microsoft's advice")
            .unconfirmed("whether the issuer is accepted as audience; why some tenants reject PS256")
    }
}
