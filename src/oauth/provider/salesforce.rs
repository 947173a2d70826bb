//! Salesforce, by its documentation and reports of its users. The texts are those of JWT grants.

use super::known::Named;
use crate::jose::Algorithm::RS256;
use crate::oauth::{Audience, Profile};

pub(super) const SALESFORCE: Named = ("salesforce", Profile::salesforce);

impl Profile {
    /// Salesforce: RS256, the token endpoint as audience, and the key of the certificate that is
    /// uploaded to the app. No `kid` is needed, because an app has one certificate.
    ///
    /// The JWT bearer flow (RFC 7523 §2.1) is another exchange, whose JWT has a user as `sub` and
    /// the login host as `aud`. Use [`JwtGrant`](crate::oauth::JwtGrant) for it.
    ///
    /// Source: Salesforce Help ("OAuth 2.0 JWT Bearer Flow", "OAuth 2.0 Web Server Flow"),
    /// 2026-11-29. Not confirmed: the audience of a *client assertion*, for which the help refers
    /// to OpenID Connect Core §9 and thus to the token endpoint; and the longest lifetime. If
    /// Salesforce rejects the assertion, try the login host:
    /// `Audience::Exactly("https://login.salesforce.com")`.
    #[must_use]
    pub fn salesforce() -> Self {
        Self::new("Salesforce")
            .audience(Audience::TokenEndpoint)
            .algorithms([RS256])
            .documented("Salesforce Help, and OpenID Connect Core §9", "2026-11-29")
            .noted("a JWT bearer grant has the login host as audience, not the token endpoint")
            .unconfirmed("the audience of a client assertion, and the longest lifetime")
    }
}
