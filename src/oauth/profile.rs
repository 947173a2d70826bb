use std::fmt;
use std::time::Duration;

use super::below::Territory;
use super::{Audience, CLIENT_AUTHENTICATION_JWT, OAuthError};
use crate::jose::Algorithm;
use crate::jose::secret_form::Shown;

/// The rules of one kind of authorization server for client assertions.
///
/// The default is the strict reading of RFC 10070 and FAPI 2.0: the issuer as the only audience, a
/// lifetime of 60 s, `typ: client-authentication+jwt`, `kid`, no `nbf`, and `client_id` in the
/// form. A named profile differs where the documentation of its server does. To change single
/// settings, use [`ClientAssertionBuilder`](super::ClientAssertionBuilder).
#[derive(Clone, PartialEq, Eq)]
pub struct Profile {
    pub(super) name: &'static str,
    pub(super) audience: Option<Audience>,
    /// Which endpoints of the metadata may be the audience.
    pub(super) territory: Territory,
    pub(super) media_type: Option<String>,
    pub(super) lifetime: Duration,
    pub(super) longest_lifetime: Duration,
    pub(super) not_before: Option<Duration>,
    pub(super) sends_key_id: bool,
    pub(super) sends_client_id: bool,
    pub(super) algorithms: &'static [Algorithm],
}

impl Profile {
    /// The default lifetime of an assertion: 60 s.
    pub const LIFETIME: Duration = Duration::from_secs(60);

    /// PingOne, as documented: RS256 to RS512 and ES256 to ES512, a lifetime of at most one hour,
    /// the issuer as audience, and `typ: JWT`.
    ///
    /// The PingOne documentation is inconsistent about whether ES* is accepted everywhere. For a
    /// tenant that rejects it, use an RSA key.
    #[must_use]
    pub fn ping_one() -> Self {
        Self {
            name: "PingOne",
            audience: Some(Audience::Issuer),
            media_type: Some("JWT".to_owned()),
            longest_lifetime: Duration::from_secs(3600),
            algorithms: &[
                Algorithm::RS256,
                Algorithm::RS384,
                Algorithm::RS512,
                Algorithm::ES256,
                Algorithm::ES384,
                Algorithm::ES512,
            ],
            ..Self::default()
        }
    }

    /// Microsoft Entra ID, as documented: PS256 or RS256, a lifetime of at most ten minutes,
    /// `typ: JWT`, and the tenant's token endpoint as audience. Entra ID also requires the
    /// certificate's thumbprint: add it with [`x5t_s256`](super::ClientAssertionBuilder::x5t_s256).
    ///
    /// Its token endpoint (`…/TENANT/oauth2/v2.0/token`) does not lie below its issuer
    /// (`…/TENANT/v2.0`). With this profile, an endpoint in the metadata may be the audience if it
    /// is at the issuer's origin and its path begins with the same tenant. The price: if a server
    /// serves several issuers below one first path segment, one issuer can name another's endpoint.
    /// Entra ID does not.
    #[must_use]
    pub fn entra_id() -> Self {
        Self {
            name: "Microsoft Entra ID",
            audience: Some(Audience::TokenEndpoint),
            territory: Territory::SameTenant,
            media_type: Some("JWT".to_owned()),
            longest_lifetime: Duration::from_secs(600),
            algorithms: &[Algorithm::PS256, Algorithm::RS256],
            ..Self::default()
        }
    }

    /// The kind of server, for messages.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn check(&self, algorithm: Algorithm) -> Result<(), OAuthError> {
        if !self.algorithms.contains(&algorithm) {
            return Err(OAuthError::ProfileAlgorithm { profile: self.name, algorithm });
        }
        if self.lifetime < Duration::from_secs(1) || self.lifetime > self.longest_lifetime {
            return Err(OAuthError::Lifetime { found: self.lifetime, limit: self.longest_lifetime });
        }
        match &self.audience {
            Some(Audience::Exactly(audience)) if audience.trim().is_empty() => Err(OAuthError::EmptyAudience),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("name", &self.name)
            .field("audience", &self.audience)
            .field("media_type", &self.media_type.as_deref().map(Shown))
            .field("lifetime", &self.lifetime)
            .field("not_before", &self.not_before)
            .field("sends_key_id", &self.sends_key_id)
            .field("sends_client_id", &self.sends_client_id)
            .finish_non_exhaustive()
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            name: "the default profile",
            audience: None,
            territory: Territory::BelowIssuer,
            media_type: Some(CLIENT_AUTHENTICATION_JWT.to_owned()),
            lifetime: Self::LIFETIME,
            longest_lifetime: Duration::from_secs(24 * 3600),
            not_before: None,
            sends_key_id: true,
            sends_client_id: true,
            algorithms: &Algorithm::ALL,
        }
    }
}
