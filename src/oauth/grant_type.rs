use std::fmt;

/// A grant type (RFC 6749 §1.3). Each extension grant needs a variant of its own, because this file
/// states for each grant whether its requests may be repeated and whether its tokens are cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GrantType {
    /// An authorization code (RFC 6749 §4.1).
    AuthorizationCode,
    /// The client itself (RFC 6749 §4.4).
    ClientCredentials,
    /// A device code (RFC 8628 §3.4).
    DeviceCode,
    /// A JWT as the grant (RFC 7523 §2.1).
    JwtBearer,
    /// A refresh token (RFC 6749 §6).
    RefreshToken,
    /// A token exchange (RFC 8693 §2.1).
    TokenExchange,
}

impl GrantType {
    /// Every grant type. Add a new one here too.
    #[cfg(feature = "dev-server")]
    pub(crate) const ALL: [Self; 6] = [
        Self::ClientCredentials,
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::DeviceCode,
        Self::JwtBearer,
        Self::TokenExchange,
    ];

    /// The value of the parameter `grant_type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
            Self::RefreshToken => "refresh_token",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
        }
    }
}

impl fmt::Display for GrantType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When a failed request may be sent again within the same call.
#[cfg(feature = "client")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repetition {
    /// Always: a second request does no harm.
    Freely,
    /// Only if the server cannot have received the first: the grant is single-use.
    Unreceived,
    /// Never: the caller asks again at its own pace.
    Never,
}

/// The decisions that each new grant type must make.
#[cfg(feature = "client")]
impl GrantType {
    pub(crate) const fn repetition(self) -> Repetition {
        match self {
            Self::ClientCredentials | Self::JwtBearer | Self::TokenExchange => Repetition::Freely,
            // A second use of a code may revoke all tokens issued for the first (RFC 6749 §4.1.2).
            // So may a second use of a rotated refresh token (RFC 9700 §4.14.2).
            Self::AuthorizationCode | Self::RefreshToken => Repetition::Unreceived,
            // The caller sets the pace of polling (RFC 8628 §3.5).
            Self::DeviceCode => Repetition::Never,
        }
    }

    /// Whether the same request may be sent again for another token, so that its tokens are cached.
    pub(crate) const fn is_cacheable(self) -> bool {
        match self {
            Self::ClientCredentials | Self::JwtBearer | Self::TokenExchange => true,
            // A code is single-use (RFC 6749 §4.1.2, RFC 8628 §3.5), and a refresh token may be
            // (RFC 6749 §6).
            Self::AuthorizationCode | Self::RefreshToken | Self::DeviceCode => false,
        }
    }
}

#[cfg(all(test, feature = "client"))]
mod tests {
    use super::*;
    use GrantType::{
        AuthorizationCode, ClientCredentials, DeviceCode, JwtBearer, RefreshToken, TokenExchange,
    };

    #[test]
    fn rfc6749_4_1_2_and_rfc9700_4_14_2_a_single_use_grant_is_sent_once() {
        for grant_type in [AuthorizationCode, RefreshToken] {
            assert_eq!(grant_type.repetition(), Repetition::Unreceived, "{grant_type}");
            assert!(!grant_type.is_cacheable(), "{grant_type}");
        }
        assert_eq!((DeviceCode.repetition(), DeviceCode.is_cacheable()), (Repetition::Never, false));
        for grant_type in [ClientCredentials, JwtBearer, TokenExchange] {
            assert_eq!(grant_type.repetition(), Repetition::Freely, "{grant_type}");
            assert!(grant_type.is_cacheable(), "{grant_type}");
        }
    }
}
