//! login.gov, by its source. It writes the text where the code belongs.

use super::known::Provider;
use crate::jose::Algorithm::RS256;
use crate::oauth::audience::TrailingSlash;
use crate::oauth::{AcceptedAudience, Audience, Endpoint, Hint, Profile};

pub(super) const LOGIN_GOV: Provider = Provider {
    profile: Some(("login-gov", Profile::login_gov)),
    texts: &[
        ("Client assertion Invalid audience claim, expected", Hint::Audience),
        (
            "Client assertion Could not validate assertion against any registered public keys",
            Hint::Certificate,
        ),
        ("Client assertion Signature verification failed", Hint::Signature),
        ("Client assertion Invalid issuer. Expected", Hint::Subject),
        ("Client assertion Invalid subject. Expected", Hint::Subject),
        ("Client assertion Expected a different algorithm", Hint::Algorithm),
        ("Client assertion Not enough or too many segments", Hint::Malformed),
        ("Client assertion type is not included in the list", Hint::AssertionType),
        (
            "Client must authenticate via PKCE or private_key_jwt, missing either code_challenge or client_assertion",
            Hint::AuthenticationMethod,
        ),
    ],
};

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
