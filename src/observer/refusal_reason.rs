use std::fmt;

/// Why a request was refused, as one of a few words: for a metric or a table. The words do not
/// depend on what clients send, so their number is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalReason {
    /// No `Authorization` header, or another scheme.
    NoCredentials,
    /// More than one `Authorization` header, or no single token after the scheme.
    MalformedRequest,
    /// The token is not a well-formed JWT, or is too long.
    MalformedToken,
    /// The issuer is not one of the accepted ones, or is missing.
    Issuer,
    /// The audience is not one of the accepted ones, or is missing.
    Audience,
    /// The token expired.
    Expired,
    /// The token is not valid yet.
    NotYetValid,
    /// The token is of another type, such as an ID token.
    TokenType,
    /// The issuer has no such key.
    UnknownKey,
    /// The signature does not verify.
    Signature,
    /// The token is bound to a key that the request does not prove.
    Binding,
    /// Another claim is missing or is not what the verifier or the handler expects.
    Claims,
    /// The token lacks a scope.
    InsufficientScope,
    /// There are no keys, or they are too old.
    KeysUnavailable,
    /// The server's own fault: an empty setting, or layers in the wrong order.
    Misconfigured,
}

impl RefusalReason {
    /// All reasons.
    pub const ALL: &'static [Self] = &[
        Self::NoCredentials,
        Self::MalformedRequest,
        Self::MalformedToken,
        Self::Issuer,
        Self::Audience,
        Self::Expired,
        Self::NotYetValid,
        Self::TokenType,
        Self::UnknownKey,
        Self::Signature,
        Self::Binding,
        Self::Claims,
        Self::InsufficientScope,
        Self::KeysUnavailable,
        Self::Misconfigured,
    ];

    /// The reason as a word, such as `expired`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoCredentials => "no_credentials",
            Self::MalformedRequest => "malformed_request",
            Self::MalformedToken => "malformed_token",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::TokenType => "token_type",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Binding => "binding",
            Self::Claims => "claims",
            Self::InsufficientScope => "insufficient_scope",
            Self::KeysUnavailable => "keys_unavailable",
            Self::Misconfigured => "misconfigured",
        }
    }
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
