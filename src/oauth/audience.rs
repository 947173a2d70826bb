/// Whom a client assertion is for (`aud`, RFC 7523 §3). Always one string.
///
/// The issuer is the safe choice and the only one of RFC 10070: an assertion for an endpoint's URL
/// can be had by whoever makes the client believe in a wrong endpoint (CVE-2025-27370), while the issuer is what the
/// user configured. An array cannot be expressed: an assertion that several servers accept can be replayed by each of
/// them at the others.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Audience {
    /// The issuer, exactly as the server published it. The default where an issuer is known.
    Issuer,
    /// The token endpoint, at every endpoint (RFC 7523 §3 as first published; some servers take nothing else).
    TokenEndpoint,
    /// The URL of the endpoint that is called (Okta).
    CalledEndpoint,
    /// This URL, whatever the metadata says.
    Exactly(String),
}
