//! PingAM, formerly ForgeRock AM, and OpenAM, by documentation, source, and tests with OpenAM 16.

use super::known::Provider;
use crate::oauth::{Audience, Hint, Profile};

pub(super) const FORGEROCK: Provider = Provider {
    profile: Some(("forgerock", Profile::forgerock)),
    texts: &[
        ("JWT is not valid", Hint::Signature),
        ("Audience validation failed", Hint::Audience),
        ("JWT 'iss' and 'sub' claims must be equal to the client_id", Hint::Subject),
        ("Invalid authentication method for accessing this endpoint", Hint::AuthenticationMethod),
        ("Unknown/invalid scope", Hint::Scope),
        ("No enum constant *JwtType", Hint::MediaType),
    ],
};

impl Profile {
    /// PingAM, ForgeRock AM and OpenAM: the URL of the endpoint that is called as audience (the
    /// issuer is rejected), and `typ: JWT`, the only type that they know.
    ///
    /// ForgeRock Advanced Identity Cloud computes its own URL with `:443`. Set that one with
    /// [`Audience::Exactly`].
    #[must_use]
    pub fn forgerock() -> Self {
        Self::new("ForgeRock").audience(Audience::CalledEndpoint).media_type(Some("JWT"))
    }
}
