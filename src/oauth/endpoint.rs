//! Where an assertion may be sent. The parser of the HTTP client checks each URL, which is then
//! kept verbatim.

use url::{Host, Url};

use super::OAuthError;
use super::text::{safe, safe_url};

/// The endpoints at which a client authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `token_endpoint` (RFC 6749 §3.2).
    Token,
    /// `pushed_authorization_request_endpoint` (RFC 9126 §2).
    PushedAuthorization,
    /// `introspection_endpoint` (RFC 7662 §2).
    Introspection,
    /// `revocation_endpoint` (RFC 7009 §2).
    Revocation,
    /// `device_authorization_endpoint` (RFC 8628 §3.1).
    DeviceAuthorization,
}

impl Endpoint {
    /// All endpoints.
    pub const ALL: [Self; 5] = [
        Self::Token,
        Self::PushedAuthorization,
        Self::Introspection,
        Self::Revocation,
        Self::DeviceAuthorization,
    ];

    /// The endpoint's name in the server's metadata (RFC 8414 §2).
    #[must_use]
    pub const fn metadata_name(self) -> &'static str {
        match self {
            Self::Token => "token_endpoint",
            Self::PushedAuthorization => "pushed_authorization_request_endpoint",
            Self::Introspection => "introspection_endpoint",
            Self::Revocation => "revocation_endpoint",
            Self::DeviceAuthorization => "device_authorization_endpoint",
        }
    }
}

/// The location of an endpoint: its URL verbatim, and the same URL as the target of a request.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Location {
    url: String,
    target: Option<http::Uri>,
    /// Whether the endpoint comes from a metadata document, not from the user.
    is_of_metadata: bool,
}

impl std::fmt::Debug for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        safe_url(&self.url).fmt(f)
    }
}

impl Location {
    /// Creates a location from a URL that was checked before, or that is never called.
    pub(super) fn new(url: String) -> Self {
        Self { target: url.parse().ok(), url, is_of_metadata: false }
    }

    /// Creates a location from a checked URL in a metadata document.
    pub(super) fn of_metadata(url: String) -> Self {
        Self { is_of_metadata: true, ..Self::new(url) }
    }

    pub(super) const fn is_of_metadata(&self) -> bool {
        self.is_of_metadata
    }

    /// Whether both have the same origin.
    pub(super) fn has_origin_of(&self, other: &Self) -> bool {
        let origin = |location: &Self| Url::parse(&location.url).ok().map(|url| url.origin());
        self.url == other.url || origin(self).is_some_and(|own| Some(own) == origin(other))
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn target(&self, endpoint: Endpoint) -> Result<http::Uri, OAuthError> {
        self.target.clone().ok_or_else(|| OAuthError::Endpoint {
            endpoint: endpoint.metadata_name(),
            url: safe(&self.url),
            reason: "is not an HTTP target",
        })
    }
}

/// Whether a request to this URL stays on this machine: 127.0.0.0/8, `[::1]`, or `localhost`, which
/// the HTTP client pins to those.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Where plain http is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PlainHttp {
    /// Only to this machine.
    #[default]
    Loopback,
    /// To any host: the user declared that the network itself is trusted.
    Anywhere,
}

/// Checks an endpoint: https, or http on loopback; without a fragment (RFC 6749 §3.2) and without
/// credentials.
pub(crate) fn check_endpoint(endpoint: &'static str, url: &str) -> Result<Url, OAuthError> {
    PlainHttp::Loopback.check_endpoint(endpoint, url)
}

impl PlainHttp {
    /// As the function of this name, with this rule for plain http.
    pub(crate) fn check_endpoint(self, endpoint: &'static str, url: &str) -> Result<Url, OAuthError> {
        parse(url, self).map_err(|reason| OAuthError::Endpoint { endpoint, url: safe_url(url), reason })
    }

    /// Checks an issuer identifier: as an endpoint, and without a query (RFC 8414 §2).
    pub(super) fn check_issuer(self, issuer: &str) -> Result<Url, OAuthError> {
        let wrong = |reason| OAuthError::Issuer { issuer: safe_url(issuer), reason };
        let url = parse(issuer, self).map_err(wrong)?;
        if url.query().is_some() {
            return Err(wrong("has a query"));
        }
        Ok(url)
    }
}

fn parse(text: &str, plain_http: PlainHttp) -> Result<Url, &'static str> {
    // The parser drops tabs and line ends and converts backslashes. A URL that is kept verbatim
    // must not need that.
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return Err("has characters that do not belong into a URL");
    }
    let url = Url::parse(text).map_err(|_| "is not a URL")?;
    // The parser reads `https:host` and `https:///host` as `https://host`; other parsers do not.
    let rest = text.split_once("://").map(|(_, rest)| rest);
    if url.has_host() && rest.is_none_or(|rest| rest.starts_with('/')) {
        return Err("is not a URL");
    }
    if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
        return Err("has credentials");
    }
    if text.contains('#') {
        return Err("has a fragment");
    }
    // The parser reads 127.1, 0x7f000001 and %6cocalhost as this machine; other parsers look them
    // up as names.
    if url.host_str().is_some_and(|host| !is_written(host, authority(text))) {
        return Err("has a host that is not written as itself");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if plain_http == PlainHttp::Anywhere || is_loopback(&url) => Ok(url),
        "http" => Err("is plain http, which is for loopback only"),
        _ => Err("is not https"),
    }
}

/// Whether the authority is this host, ignoring case, with or without a port. IPv6 addresses have
/// many spellings, and only addresses are in brackets.
fn is_written(host: &str, authority: &str) -> bool {
    let (name, port) = authority.split_at_checked(host.len()).unwrap_or_default();
    authority.starts_with('[')
        || name.eq_ignore_ascii_case(host) && (port.is_empty() || port.starts_with(':'))
}

/// The text between `//` and the path.
fn authority(text: &str) -> &str {
    let rest = text.split_once("//").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(url: &str) -> &'static str {
        match check_endpoint("token_endpoint", url) {
            Err(OAuthError::Endpoint { reason, .. }) => reason,
            other => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        for url in [
            "http://127.0.0.1/t",
            "http://127.1.2.3:80/t",
            "http://[::1]:1/t",
            "http://localhost:8080/t",
            "https://as.example/t",
        ] {
            assert!(check_endpoint("token_endpoint", url).is_ok(), "{url}");
        }
        for url in [
            "http://as.example/t",
            "http://127.0.0.1.evil/",
            "http://localhost.evil/",
            "http://evil.localhost/",
            "http://0.0.0.0/",
            "http://128.0.0.1/",
            "http://[::ffff:127.0.0.1]/",
        ] {
            assert_eq!(reason(url), "is plain http, which is for loopback only", "{url}");
        }
    }

    #[test]
    fn plain_http_to_any_host_takes_nothing_else_along() {
        let check = |url| PlainHttp::Anywhere.check_endpoint("token_endpoint", url);
        for url in ["http://keycloak.auth.svc:8080/t", "http://10.0.0.7/t", "https://as.example/t"] {
            assert!(check(url).is_ok(), "{url}");
            assert!(PlainHttp::Anywhere.check_issuer(url).is_ok(), "{url}");
        }
        for (url, found) in [
            ("http://a:b@as.example/", "has credentials"),
            ("http://as.example/#a", "has a fragment"),
            ("ftp://as.example/", "is not https"),
            ("http://as.example/\t", "has characters that do not belong into a URL"),
        ] {
            assert!(
                matches!(check(url), Err(OAuthError::Endpoint { reason, .. }) if reason == found),
                "{url}"
            );
        }
    }

    #[test]
    fn credentials_fragments_and_odd_characters_are_refused() {
        for url in [
            "http://127.0.0.1@evil/",
            "http://127.0.0.1:80@evil/",
            "https://@as.example/",
            "https://a:b@as.example/t",
        ] {
            assert_eq!(reason(url), "has credentials", "{url}");
        }
        assert_eq!(reason("https://as.example/t#"), "has a fragment");
        for url in [
            "https://as.example/\tt",
            " https://as.example",
            "http://127.0.0.1\\@evil/",
            "https://ä.example/",
        ] {
            assert_eq!(reason(url), "has characters that do not belong into a URL", "{url:?}");
        }
        for url in ["ftp://as.example/", "javascript:alert(1)", "file:///etc/passwd"] {
            assert_eq!(reason(url), "is not https", "{url}");
        }
        for url in [
            "token",
            "https:as.example/t",
            "https:/as.example/t",
            "https:///as.example/t",
            "http:127.0.0.1//x",
        ] {
            assert_eq!(reason(url), "is not a URL", "{url}");
        }
    }

    #[test]
    fn a_host_means_the_same_to_every_parser() {
        for url in [
            "http://127.1/",
            "http://127.0.0.1./",
            "http://0x7f.0.0.1/",
            "http://2130706433/",
            "http://0177.0.0.1:8080/",
            "http://%6cocalhost/",
            "https://as%2eexample/",
        ] {
            assert_eq!(reason(url), "has a host that is not written as itself", "{url}");
        }
        for url in
            ["https://AS.Example:8443?a=b", "http://LOCALHOST:1", "http://[0:0::1]:80/", "https://a.b:443"]
        {
            assert!(check_endpoint("token_endpoint", url).is_ok(), "{url}");
        }
    }

    #[test]
    fn rfc8414_2_an_issuer_has_no_query_and_no_fragment() {
        let check_issuer = |issuer| PlainHttp::Loopback.check_issuer(issuer);
        let reason = |issuer| match check_issuer(issuer) {
            Err(OAuthError::Issuer { reason, .. }) => reason,
            other => panic!("{other:?}"),
        };
        assert!(check_issuer("https://as.example/tenant/").is_ok());
        assert_eq!(reason("https://as.example/?a=b"), "has a query");
        assert_eq!(reason("https://as.example/?"), "has a query");
        assert_eq!(reason("https://as.example/#a"), "has a fragment");
        assert_eq!(reason("http://as.example"), "is plain http, which is for loopback only");
    }
}
