use std::fmt;

use crate::jose::secret_form::Shown;

/// Whom a client assertion is for (`aud`, RFC 7523 §3). Always one string.
///
/// The issuer is the safe choice and the only one of RFC 10070: an assertion for an endpoint's URL
/// can be had by whoever makes the client believe in a wrong endpoint (CVE-2025-27370), while the
/// issuer is what the user configured. An array cannot be expressed: an assertion that several
/// servers accept can be replayed by each of them at the others.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Audience {
    /// The issuer, exactly as the server published it. The default where an issuer is known.
    Issuer,
    /// The token endpoint, at every endpoint (RFC 7523 §3 as first published; some servers take
    /// nothing else). If it is taken from metadata it must lie below the issuer, and the assertion
    /// goes to its origin only.
    TokenEndpoint,
    /// The URL of the endpoint that is called (Okta). If it is taken from metadata it must lie
    /// below the issuer.
    CalledEndpoint,
    /// This URL, whatever the metadata says: for a server whose endpoints do not lie below its
    /// issuer. The assertion goes to every endpoint of the server.
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
