//! Ory Hydra and other servers made of fosite, by their source and tests with Hydra 2.3.

use super::known::{Provider, TokenShape};
use crate::jose::Algorithm::{ES256, ES384, ES512, PS256, PS384, PS512, RS256, RS384, RS512};
use crate::oauth::{AcceptedAudience, Audience, Endpoint, Hint, Profile};

pub(super) const HYDRA: Provider = Provider {
    profile: Some(("hydra", Profile::hydra)),
    texts: &[
        ("Requested audience '*' has not been whitelisted by the OAuth 2.0 Client", Hint::Scope),
        (
            "The client_assertion request parameter must be set when using client_assertion_type of",
            Hint::Malformed,
        ),
        ("Unknown client_assertion_type '", Hint::AssertionType),
        (
            "Client credentials missing or malformed in both HTTP Authorization header and HTTP POST body",
            Hint::AuthenticationMethod,
        ),
        ("The retrieved JSON Web Key Set does not contain any key", Hint::KeySet),
        ("The JSON Web Token uses signing key with kid '*', which could not be found", Hint::KeyId),
        ("Unable to find RSA public key with use='sig' for kid", Hint::KeySet),
        ("Unable to find ECDSA public key with use='sig' for kid", Hint::KeySet),
        ("The claim 'sub' from the client_assertion JSON Web Token is undefined", Hint::Subject),
        ("The OAuth 2.0 Client has no JSON Web Keys set registered, but they are needed", Hint::KeySet),
        (
            "This requested OAuth 2.0 client does not support client authentication, however 'client_assertion' was provided",
            Hint::AuthenticationMethod,
        ),
        (
            "This requested OAuth 2.0 client only supports client authentication method '*', however",
            Hint::AuthenticationMethod,
        ),
        (
            "client authentication method '*', however that method is not supported by this server",
            Hint::AuthenticationMethod,
        ),
        (
            "This authorization server does not support client authentication method 'client_secret_jwt'",
            Hint::Algorithm,
        ),
        (
            "The 'client_assertion' uses signing algorithm '*' but the requested OAuth 2.0 Client enforces signing algorithm",
            Hint::Algorithm,
        ),
        ("The 'client_assertion' request parameter uses unsupported signing algorithm", Hint::Algorithm),
        ("Unable to verify the integrity of the 'client_assertion' value", Hint::Signature),
        (
            "Claim 'iss' from 'client_assertion' must match the 'client_id' of the OAuth 2.0 Client",
            Hint::Subject,
        ),
        (
            "Claim 'sub' from 'client_assertion' must match the 'client_id' of the OAuth 2.0 Client",
            Hint::Subject,
        ),
        ("Claim 'jti' from 'client_assertion' must be set but is not", Hint::TokenIdMissing),
        (
            "Claim 'audience' from 'client_assertion' must match the authorization server's token endpoint",
            Hint::Audience,
        ),
        ("The jti was already used", Hint::TokenIdReused),
        ("Unable to fetch JSON Web Keys from location", Hint::KeySetUnreachable),
        ("Expected successful status code in range of 200 - 399 from location", Hint::KeySetUnreachable),
        ("Unable to decode JSON Web Keys from location", Hint::KeySet),
        ("The error is unrecognizable", Hint::Expired),
        ("The POST body can not be empty", Hint::Malformed),
        ("Request parameter 'grant_type' is missing", Hint::Malformed),
        ("HTTP method is '*', expected 'POST'", Hint::Malformed),
        (
            "No public JWK was registered for issuer '*' and subject '*', and public key is required",
            Hint::KeyId,
        ),
        ("The JWT in 'assertion' request parameter expired", Hint::Expired),
        ("MUST contain an 'aud' (audience) claim containing a value", Hint::Audience),
        ("that is unreasonably far in the future", Hint::Lifetime),
        ("MUST contain an 'jti' (JWT ID) claim", Hint::TokenIdMissing),
        ("Unable to verify the integrity of the 'assertion' value", Hint::Signature),
        (
            "The required credentials were not found, used an unknown method, could not be parsed, were otherwise malformed, or were otherwise incorrect",
            Hint::Unspecific,
        ),
    ],
};

/// Those of the access token strategy `jwt`.
pub(crate) const HYDRA_TOKENS: TokenShape =
    TokenShape { permissions: &["scp", "scope"], ..TokenShape::new("hydra") };

impl Profile {
    /// Ory Hydra 2.3: the token endpoint as audience (the issuer is rejected), RS256 to RS512,
    /// PS256 to PS512, or ES256 to ES512, and `kid`. Its clock tolerance is zero.
    ///
    /// Source: tests with 2.3, and the source of fosite, 2026-11-28. Not confirmed: other servers
    /// made of fosite, and Ory Network.
    #[must_use]
    pub fn hydra() -> Self {
        Self::new("Ory Hydra")
            .audience(Audience::TokenEndpoint)
            .accept_audiences([AcceptedAudience::Endpoint(Endpoint::Token)])
            .algorithms([RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512])
            .require_key_id()
            .documented("tests with 2.3, and fosite's source", "2026-11-28")
            .noted("the clock tolerance is zero; the registered JWK needs use: sig")
            .unconfirmed("other servers made of fosite, and Ory Network")
    }
}
