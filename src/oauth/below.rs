//! Decides which endpoints of a metadata document belong to the issuer. One host can serve many
//! issuers, so an endpoint at the same origin may belong to another issuer, and an assertion for it
//! would be accepted there (audience injection, CVE-2025-27370).

use url::Url;

/// Which endpoints may become an audience although the user did not name them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Territory {
    /// Endpoints below the issuer: the same origin, and a path that begins with the issuer's.
    #[default]
    BelowIssuer,
    /// Endpoints at the issuer's origin with the same first path segment, which names the tenant.
    SameTenant,
}

impl Territory {
    /// Whether an endpoint lies in the territory of an issuer. Both URLs were checked before and
    /// are passed verbatim, because a server compares an audience as text.
    pub(super) fn includes(self, issuer: &str, endpoint: &str) -> bool {
        let origin = |url: &str| Url::parse(url).ok().map(|url| url.origin()).filter(url::Origin::is_tuple);
        let own = match self {
            Self::BelowIssuer => path(issuer).strip_suffix('/').unwrap_or(path(issuer)),
            Self::SameTenant => match first_segment(path(issuer)) {
                Some(segment) => segment,
                None => return false,
            },
        };
        let rest = path(endpoint).strip_prefix(own);
        origin(issuer).is_some_and(|issuer| origin(endpoint) == Some(issuer))
            && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') && is_plain(rest))
    }
}

/// The path of a URL as written, without a query.
fn path(url: &str) -> &str {
    let rest = url.split_once("//").map_or("", |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    rest.find('/').and_then(|start| rest.get(start..)).unwrap_or_default()
}

/// The first segment of a path with its slash. `None` if it is empty or not plain.
fn first_segment(path: &str) -> Option<&str> {
    let (_, rest) = path.split_once('/')?;
    let len = rest.find('/').unwrap_or(rest.len());
    path.get(..=len).filter(|segment| segment.len() > 1 && is_plain(segment))
}

/// Whether every server interprets a path the same way: no `..` or `.` segment, nothing encoded
/// that could become one, and no parameters (`..;`), which some servers cut off first.
fn is_plain(path: &str) -> bool {
    !path.contains(['%', ';', '\\']) && path.split('/').all(|segment| !matches!(segment, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_below(issuer: &str, expected: bool, endpoints: &[&str]) {
        for endpoint in endpoints {
            assert_eq!(Territory::BelowIssuer.includes(issuer, endpoint), expected, "{issuer} {endpoint}");
        }
    }

    #[test]
    fn below_is_the_same_origin_and_a_path_that_begins_with_all_segments_of_the_issuer() {
        for issuer in ["https://as.example/t1", "https://as.example/t1/"] {
            assert_below(
                issuer,
                true,
                &[
                    "https://as.example/t1",
                    "https://as.example/t1/",
                    "https://as.example/t1/token",
                    "https://as.example/t1//token",
                    "https://as.example:443/t1/oauth2/token",
                    "https://AS.example/t1/token",
                    "https://as.example/t1/token?tenant=a",
                    "https://as.example/t1/token?next=/../../t2",
                ],
            );
            assert_below(
                issuer,
                false,
                &[
                    "https://as.example",
                    "https://as.example/",
                    "https://as.example/token",
                    "https://as.example/t2/token",
                    "https://as.example/t",
                    "https://as.example/t10/token",
                    "https://as.example/t1-other/token",
                    "https://as.example/T1/token",
                    "https://as.example//t1/token",
                    "https://as.example/x/t1/token",
                    "https://as.example?/t1/token",
                    "https://as.example:8443/t1/token",
                    "http://as.example/t1/token",
                    "https://as.example.evil/t1/token",
                    "https://evil.example/t1/token",
                    "https://sub.as.example/t1/token",
                ],
            );
        }
    }

    #[test]
    fn a_path_that_some_server_reads_as_another_is_not_below() {
        assert_below(
            "https://as.example/t1",
            false,
            &[
                "https://as.example/t1/../t2/token",
                "https://as.example/t1/./token",
                "https://as.example/t1/..",
                "https://as.example/t1/%2e%2e/t2/token",
                "https://as.example/t1/.%2E/t2/token",
                "https://as.example/t1/%252e%252e/t2/token",
                "https://as.example/t1/..%2ft2/token",
                "https://as.example/t1/%2e%2e%5ct2/token",
                "https://as.example/t1/..;/t2/token",
                "https://as.example/t1/..;a=b/t2/token",
                "https://as.example/t1;/token",
                "https://as.example/t1%2f..%2ft2/token",
                "https://as.example/%74%31/token",
                "https://as.example/t2/../t1/token",
            ],
        );
    }

    #[test]
    fn below_an_issuer_without_a_path_is_its_origin() {
        for issuer in ["https://as.example", "https://as.example/"] {
            assert_below(issuer, true, &["https://as.example/token", "https://as.example"]);
            assert_below(issuer, false, &["https://as.example/a/../token", "https://evil.example/token"]);
        }
        assert_below("http://127.0.0.1:8080", true, &["http://127.0.0.1:8080/token"]);
        assert_below("http://127.0.0.1:8080", false, &["http://127.0.0.1:8081/token"]);
        assert_below("urn:a", false, &["urn:a", "urn:a/token"]);
    }

    #[test]
    fn a_tenant_is_the_first_segment() {
        let includes = |issuer, endpoint| Territory::SameTenant.includes(issuer, endpoint);
        let issuer = "https://login.microsoftonline.com/t1/v2.0";
        assert!(includes(issuer, "https://login.microsoftonline.com/t1/oauth2/v2.0/token"));
        for endpoint in [
            "https://login.microsoftonline.com/t2/oauth2/v2.0/token",
            "https://login.microsoftonline.com/t10/oauth2/v2.0/token",
            "https://login.microsoftonline.com/common/oauth2/v2.0/token",
            "https://login.microsoftonline.com/t1/../t2/oauth2/v2.0/token",
            "https://login.microsoftonline.com/oauth2/v2.0/token",
            "https://sts.windows.net/t1/oauth2/v2.0/token",
        ] {
            assert!(!includes(issuer, endpoint), "{endpoint}");
        }
        for issuer in ["https://login.microsoftonline.com", "https://login.microsoftonline.com/"] {
            assert!(!includes(issuer, "https://login.microsoftonline.com/t1/oauth2/v2.0/token"));
        }
        // The issuer of `common` is a template, so no endpoint belongs to the tenant.
        let template = "https://login.microsoftonline.com/{tenantid}/v2.0";
        assert!(!includes(template, "https://login.microsoftonline.com/common/oauth2/v2.0/token"));
    }

    /// Issuer and token endpoint as vendors publish them.
    #[test]
    fn whose_token_endpoint_is_below_its_issuer() {
        for (issuer, endpoint, expected) in [
            ("https://auth.pingone.eu/E/as", "https://auth.pingone.eu/E/as/token", true),
            ("https://sso.example", "https://sso.example/as/token.oauth2", true),
            ("https://o.okta.com", "https://o.okta.com/oauth2/v1/token", true),
            ("https://o.okta.com/oauth2/default", "https://o.okta.com/oauth2/default/v1/token", true),
            ("https://t.eu.auth0.com/", "https://t.eu.auth0.com/oauth/token", true),
            (
                "https://kc.example/realms/r",
                "https://kc.example/realms/r/protocol/openid-connect/token",
                true,
            ),
            ("https://adfs.example/adfs", "https://adfs.example/adfs/oauth2/token/", true),
            (
                "https://t.verify.ibm.com/oidc/endpoint/default",
                "https://t.verify.ibm.com/oidc/endpoint/default/token",
                true,
            ),
            ("https://accounts.google.com", "https://oauth2.googleapis.com/token", false),
            (
                "https://cognito-idp.eu-west-1.amazonaws.com/P",
                "https://d.auth.eu-west-1.amazoncognito.com/oauth2/token",
                false,
            ),
            (
                "https://login.microsoftonline.com/T/v2.0",
                "https://login.microsoftonline.com/T/oauth2/v2.0/token",
                false,
            ),
        ] {
            assert_eq!(Territory::BelowIssuer.includes(issuer, endpoint), expected, "{issuer}");
        }
    }
}
