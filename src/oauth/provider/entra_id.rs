//! Microsoft Entra ID, by its documentation (2026-11) and reports of its users. Its texts begin
//! with `AADSTS` and a number.

use std::time::Duration;

use super::known::{Provider, TokenShape};
use crate::jose::Algorithm::{PS256, RS256};
use crate::oauth::below::Territory;
use crate::oauth::{Audience, Hint, Profile};

pub(super) const ENTRA_ID: Provider = Provider {
    profile: Some(("entra-id", Profile::entra_id)),
    texts: &[
        ("AADSTS700027:*the key was not found", Hint::Certificate),
        ("AADSTS700027:*the key used is expired", Hint::Certificate),
        ("AADSTS700027:*certificate used to sign the client assertion is expired", Hint::Certificate),
        (
            "AADSTS700027:*certificate with identifier used to sign the client assertion is not registered",
            Hint::Certificate,
        ),
        ("AADSTS700027:*signature value did not match", Hint::Signature),
        ("AADSTS700027", Hint::Signature),
        ("AADSTS50012:*client assertion audience claim does not match realm issuer", Hint::Audience),
        ("AADSTS50012:*client assertion contains an invalid signature", Hint::Certificate),
        ("AADSTS50012:*invalid client secret", Hint::AuthenticationMethod),
        ("AADSTS50012", Hint::Certificate),
        ("AADSTS700023:*audience claim does not match realm issuer", Hint::Audience),
        ("AADSTS700021", Hint::Subject),
        ("AADSTS700024", Hint::Expired),
        ("AADSTS5002723", Hint::Certificate),
        ("AADSTS5002738", Hint::Algorithm),
        ("AADSTS5002730", Hint::Algorithm),
        ("AADSTS50027", Hint::Malformed),
        ("AADSTS90014:*required field '*' is missing from the credential", Hint::Malformed),
        ("AADSTS50171", Hint::Audience),
        ("AADSTS392200", Hint::Certificate),
        ("AADSTS392204", Hint::Certificate),
        ("AADSTS500181", Hint::Certificate),
        ("AADSTS700030", Hint::Certificate),
        ("AADSTS700025", Hint::AuthenticationMethod),
        ("AADSTS7000218", Hint::AuthenticationMethod),
        ("AADSTS7000222", Hint::AuthenticationMethod),
        ("AADSTS7000215", Hint::AuthenticationMethod),
        ("AADSTS7000214", Hint::Certificate),
        ("AADSTS7000277", Hint::Certificate),
        ("AADSTS7000274", Hint::Certificate),
        ("AADSTS1000502", Hint::Certificate),
        ("AADSTS7000272", Hint::KeyId),
        ("AADSTS700016", Hint::UnknownClient),
        ("AADSTS700011", Hint::UnknownClient),
        ("AADSTS70001", Hint::UnknownClient),
        ("AADSTS900023", Hint::UnknownClient),
        ("AADSTS90002", Hint::UnknownClient),
        ("AADSTS1002012", Hint::Scope),
        ("AADSTS70011", Hint::Scope),
        ("AADSTS700022", Hint::Scope),
        ("AADSTS700023:*scope", Hint::Scope),
        ("AADSTS500011", Hint::Scope),
        ("AADSTS900144", Hint::Malformed),
        ("AADSTS9002313", Hint::Malformed),
        ("AADSTS700211", Hint::Subject),
        ("AADSTS700212", Hint::Audience),
        ("AADSTS700213", Hint::Subject),
        ("AADSTS70025", Hint::AuthenticationMethod),
        ("AADSTS70021", Hint::Subject),
        ("AADSTS90055", Hint::RateLimited),
        ("AADSTS50196", Hint::RateLimited),
    ],
};

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
