use std::fmt;

use crate::jose::secret_form::all_shown;

/// Which audiences a client assertion may have. An assertion always has one audience: a string, or
/// an array of one, which is equivalent (RFC 7519 §4.1.3) except under [`Fapi2`](Self::Fapi2). Two
/// audiences are rejected even if each of them is accepted: an assertion with two may be meant for
/// another server as well (audience injection, CVE-2025-27370).
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AudiencePolicy {
    /// Only the issuer (RFC 10070 §4).
    #[default]
    Strict,
    /// Only the issuer, as a plain string. An array of one is rejected too (FAPI 2.0 Security
    /// Profile §5.3.2.1).
    Fapi2,
    /// The issuer, or one of these URLs, byte for byte: the token endpoint that older clients send
    /// (RFC 7523 §3), or the endpoint that is called. The price is the protection against audience
    /// injection, if a client can be talked into using one of these URLs as the endpoint of another
    /// server.
    Compatible(Vec<String>),
}

impl fmt::Debug for AudiencePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Strict => f.write_str("Strict"),
            Self::Fapi2 => f.write_str("Fapi2"),
            Self::Compatible(urls) => f.debug_tuple("Compatible").field(&all_shown(urls)).finish(),
        }
    }
}

impl AudiencePolicy {
    /// Creates [`AudiencePolicy::Compatible`] with these URLs.
    #[must_use]
    pub fn compatible(urls: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Compatible(urls.into_iter().map(Into::into).collect())
    }

    /// The audiences that are accepted in addition to the issuer.
    pub(super) fn others(&self) -> &[String] {
        match self {
            Self::Strict | Self::Fapi2 => &[],
            Self::Compatible(urls) => urls,
        }
    }
}
