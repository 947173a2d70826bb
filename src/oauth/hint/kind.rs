use std::fmt;

/// A kind of cause of a [`Refusal`](crate::oauth::Refusal). `Display` shows the general
/// [advice](CauseKind::advice); a [`Cause`](crate::oauth::Cause) may have one for the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CauseKind {
    /// The server does not accept the algorithm of the signature.
    Algorithm,
    /// The `client_assertion_type` is missing or wrong.
    AssertionType,
    /// The `aud` is not what the server expects.
    Audience,
    /// The client is registered for another method of authentication, or sent a second one.
    AuthenticationMethod,
    /// The certificate is not registered, not named in the header, expired or revoked.
    Certificate,
    /// The user or an administrator has not approved the client.
    Consent,
    /// The request needs a DPoP proof (RFC 9449 §4).
    DpopProof,
    /// The `exp` has passed on the server's clock.
    Expired,
    /// The code, the refresh token or the JWT of the grant is unknown, used or expired.
    Grant,
    /// The client may not use this grant type.
    GrantType,
    /// The server does not know the `kid`.
    KeyId,
    /// The registered JWK Set has no usable key.
    KeySet,
    /// The server cannot fetch the registered JWK Set.
    KeySetUnreachable,
    /// The `exp` is too far in the future.
    Lifetime,
    /// The server cannot read the assertion or the form, or misses a part.
    Malformed,
    /// The `typ` header is not what the server expects.
    MediaType,
    /// The `iat` or the `nbf` is in the future on the server's clock.
    NotYetValid,
    /// Too many requests.
    RateLimited,
    /// The client may not use this scope or resource.
    Scope,
    /// The server itself failed.
    ServerFault,
    /// The signature does not match the registered key.
    Signature,
    /// The `aud` is an array.
    SingleAudience,
    /// The `iss`, the `sub` and the `client_id` of the form differ.
    Subject,
    /// The `jti` is missing.
    TokenIdMissing,
    /// The `jti` was used before.
    TokenIdReused,
    /// The server does not know the client, or the client is disabled.
    UnknownClient,
    /// The server rejected the client and gave no reason.
    Unspecific,
}

impl CauseKind {
    /// What to do.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Algorithm => {
                "use a key of an algorithm that the server accepts and that is registered for the client"
            }
            Self::AssertionType => {
                "check that nothing changes the form: client_assertion_type must arrive once"
            }
            Self::Audience => {
                "set the audience that the server expects: its issuer, its token endpoint, or the called endpoint"
            }
            Self::AuthenticationMethod => {
                "register the client for private_key_jwt, and send no other client credentials"
            }
            Self::Certificate => {
                "register the key's certificate, send its thumbprint, and check that it has not expired"
            }
            Self::Consent => "have the user or an administrator approve the client",
            Self::DpopProof => "send a DPoP proof",
            Self::Expired => "compare this machine's clock with the server's",
            Self::Grant => "obtain a new grant: have the user log in again, or make a new JWT",
            Self::GrantType => "allow the grant type for this client",
            Self::KeyId => "register the public key under the kid that the assertion has",
            Self::KeySet => "register a JWK Set with the public key, its kid, its alg, and \"use\": \"sig\"",
            Self::KeySetUnreachable => "make the registered jwks_uri reachable for the server",
            Self::Lifetime => "shorten the lifetime of the assertion",
            Self::Malformed => "check that nothing changes the form, and that no required claim is missing",
            Self::MediaType => "set typ to JWT, or use the profile of the server",
            Self::NotYetValid => "compare this machine's clock with the server's, or set nbf further back",
            Self::RateLimited => "cache the token, and wait before the next request",
            Self::Scope => "request only scopes and resources that are granted to the client",
            Self::ServerFault => "ask the operator of the server",
            Self::Signature => "register the public key of this private key, and check that its kid names it",
            Self::SingleAudience => "send aud as one string",
            Self::Subject => "use the client id as iss, as sub, and in the form",
            Self::TokenIdMissing => "add a jti to the assertion",
            Self::TokenIdReused => "check whether something repeats requests: an assertion is valid once",
            Self::UnknownClient => "check the client id, the tenant, and that the client is enabled",
            Self::Unspecific => "check the client id, and that the server knows the public key",
        }
    }
}

impl fmt::Display for CauseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.advice())
    }
}
