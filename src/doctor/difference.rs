//! How two URLs differ that must be equal byte for byte: an issuer, or an audience.

use url::Url;

/// How a URL differs from the expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// Only by slashes at the end.
    TrailingSlash,
    /// Only in capital letters.
    Case,
    /// Only by http and https.
    Scheme,
    /// Only in the port, or by a default port that one of them writes.
    Port,
    /// In the path: another tenant, realm or environment at the same origin.
    Path,
    /// In the host.
    Host,
    /// The found text is a template, such as `https://as.example/{tenantid}`.
    Template,
    /// One of them is not a URL.
    Other,
}

impl Difference {
    /// How the two differ. `None` if they are equal.
    pub(super) fn of(expected: &str, found: &str) -> Option<Self> {
        if expected == found {
            return None;
        }
        if expected.trim_end_matches('/') == found.trim_end_matches('/') {
            return Some(Self::TrailingSlash);
        }
        if expected.eq_ignore_ascii_case(found) {
            return Some(Self::Case);
        }
        if found.contains('{') {
            return Some(Self::Template);
        }
        let (Ok(one), Ok(other)) = (Url::parse(expected), Url::parse(found)) else {
            return Some(Self::Other);
        };
        let rest = |url: &Url| {
            let path = url.path().trim_end_matches('/').to_owned();
            (path, url.query().map(str::to_owned))
        };
        Some(match (one.host_str() == other.host_str(), rest(&one) == rest(&other)) {
            (false, _) => Self::Host,
            (true, false) => Self::Path,
            (true, true) if one.scheme() != other.scheme() => Self::Scheme,
            (true, true) => Self::Port,
        })
    }

    /// The difference in words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::TrailingSlash => "they differ only by a slash at the end",
            Self::Case => "they differ only in capital letters",
            Self::Scheme => "they differ by http and https",
            Self::Port => "they differ in the port",
            Self::Path => "they are at one host, but of different tenants, realms or paths",
            Self::Host => "they are of different hosts",
            Self::Template => "the second is a template for all tenants",
            Self::Other => "one of them is not a URL",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_differ_in_one_of_a_few_ways() {
        const EXPECTED: &str = "https://as.example/t1";
        for (found, difference) in [
            (EXPECTED, None),
            ("https://as.example/t1/", Some(Difference::TrailingSlash)),
            ("https://AS.example/t1", Some(Difference::Case)),
            ("http://as.example/t1", Some(Difference::Scheme)),
            ("https://as.example:443/t1", Some(Difference::Port)),
            ("https://as.example:8443/t1", Some(Difference::Port)),
            ("https://as.example/t2", Some(Difference::Path)),
            ("https://as.example", Some(Difference::Path)),
            ("https://evil.example/t1", Some(Difference::Host)),
            ("https://as.example/{tenantid}", Some(Difference::Template)),
            ("client", Some(Difference::Other)),
            ("", Some(Difference::Other)),
        ] {
            assert_eq!(Difference::of(EXPECTED, found), difference, "{found}");
        }
    }
}
