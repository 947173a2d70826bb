use std::fmt;

use super::Endpoint;
use crate::jose::secret_form::Shown;

/// The audience of a client assertion (`aud`, RFC 7523 §3). It is always one string.
///
/// The issuer is the safe choice and the only one of RFC 10070. An attacker who makes the client
/// trust a wrong endpoint can obtain an assertion for an endpoint's URL (CVE-2025-27370). The
/// issuer is what the user configured. Arrays are not supported: if several servers accept an
/// assertion, each of them can replay it at the others.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Audience {
    /// The issuer, exactly as the server published it. Default if an issuer is known.
    Issuer,
    /// The token endpoint, at every endpoint (RFC 7523 §3 as first published; some servers accept
    /// nothing else). If it comes from metadata, it must lie below the issuer, and the assertion is
    /// sent only to its origin.
    TokenEndpoint,
    /// The URL of the endpoint that is called (Okta). If it comes from metadata, it must lie below
    /// the issuer.
    CalledEndpoint,
    /// This URL, regardless of the metadata: for a server whose endpoints do not lie below its
    /// issuer. The assertion may be sent to every endpoint of the server.
    Exactly(String),
}

impl fmt::Debug for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issuer => f.write_str("Issuer"),
            Self::TokenEndpoint => f.write_str("TokenEndpoint"),
            Self::CalledEndpoint => f.write_str("CalledEndpoint"),
            Self::Exactly(audience) => f.debug_tuple("Exactly").field(&Shown(audience)).finish(),
        }
    }
}

/// An audience that a server accepts, for [`Profile::accept_audiences`](super::Profile).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcceptedAudience {
    /// The issuer.
    Issuer,
    /// The URL of this endpoint, at every endpoint.
    Endpoint(Endpoint),
    /// The URL of the endpoint that is called.
    CalledEndpoint,
}

impl AcceptedAudience {
    /// How messages name it.
    const fn name(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::CalledEndpoint => "called endpoint",
            Self::Endpoint(Endpoint::Token) => "token endpoint",
            Self::Endpoint(Endpoint::PushedAuthorization) => "pushed authorization request endpoint",
            Self::Endpoint(Endpoint::Introspection) => "introspection endpoint",
            Self::Endpoint(Endpoint::Revocation) => "revocation endpoint",
            Self::Endpoint(Endpoint::DeviceAuthorization) => "device authorization endpoint",
        }
    }
}

impl fmt::Display for AcceptedAudience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a server treats an array as audience, which only foreign assertions have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum AudienceArray {
    /// It accepts one, or the profile does not know.
    #[default]
    Accepted,
    /// It accepts one with a single value.
    OneValue,
    /// It accepts none.
    Refused,
}

/// How a server treats a slash at the end of an audience.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum TrailingSlash {
    /// It compares the audience as text.
    #[default]
    Significant,
    /// Its issuer ends with a slash.
    EndsIssuer,
    /// It ignores the slash.
    Ignored,
}
