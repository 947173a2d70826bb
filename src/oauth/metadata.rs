//! Reading an authorization server's metadata (RFC 8414 §3.2, OpenID Connect Discovery 1.0 §4.2).

use serde_json::Value;
use url::Url;

use super::authorization_server::Unusable;
use super::endpoint::{Endpoint, Location, PlainHttp};
use super::text::{safe, safe_url};
use super::{AuthorizationServer, OAuthError, signing_algorithms};
use crate::jose::JoseError;
use crate::jose::json::{self, Json, Members, Rules};

const WHAT: &str = "the document";
const METHODS: &str = "token_endpoint_auth_methods_supported";
const PROMISES_ISSUER: &str = "authorization_response_iss_parameter_supported";

/// What a document must contain to be accepted, and where its endpoints may be.
pub(super) struct Expected<'a> {
    /// The accepted issuers, byte for byte. The first is the requested one.
    pub(super) issuers: &'a [&'a str],
    /// The location of the document. Below https, no plain http is allowed.
    pub(super) place: Url,
    pub(super) plain_http: PlainHttp,
}

impl AuthorizationServer {
    /// Reads a metadata document (RFC 8414 §3.2, OpenID Connect Discovery 1.0 §4.2).
    ///
    /// An optional endpoint that cannot be used is omitted. The method that returns it reports the
    /// reason. `token_endpoint` and `jwks_uri` must be valid. A member that this crate reads must
    /// appear only once. Other members decide nothing, so they may be repeated, as some servers do.
    ///
    /// # Errors
    ///
    /// [`OAuthError::IssuerMismatch`] unless its issuer equals the requested one, byte for byte
    /// (§3.3); [`OAuthError::Metadata`] if it cannot be read or has no token endpoint;
    /// [`OAuthError::Endpoint`] for a token endpoint or `jwks_uri` that must not be used, including
    /// plain http below an https issuer.
    pub fn from_metadata(issuer: &str, json: &[u8]) -> Result<Self, OAuthError> {
        let plain_http = PlainHttp::Loopback;
        let place = plain_http.check_issuer(issuer)?;
        read(&Expected { issuers: &[issuer], place, plain_http }, json)
    }
}

/// Reads a document and checks it against these expectations.
pub(super) fn read(expected: &Expected<'_>, json: &[u8]) -> Result<AuthorizationServer, OAuthError> {
    let names = Endpoint::ALL.map(Endpoint::metadata_name);
    let read = ["issuer", "authorization_endpoint", "jwks_uri", METHODS, PROMISES_ISSUER];
    let algorithms = signing_algorithms::MEMBERS.map(|(_, name)| name);
    let read: Vec<&str> = names.into_iter().chain(read).chain(algorithms).collect();
    let rules = Rules { unique: Some(&read), ..Rules::default() };
    let mut members = json::read_by(rules, WHAT, json).map_err(OAuthError::Metadata)?;
    let missing = |member| OAuthError::Metadata(JoseError::MissingMember { what: WHAT, member });
    let issuer = string(&members, "issuer")?.ok_or_else(|| missing("issuer"))?;
    if !expected.issuers.contains(&issuer.as_str()) {
        let asked = expected.issuers.first().copied().unwrap_or_default();
        return Err(OAuthError::IssuerMismatch { expected: safe(asked), found: safe_url(&issuer) });
    }
    let needed = |member| match string(&members, member)? {
        Some(url) => expected.check(member, &url).map(|()| Some(url)),
        None => Ok(None),
    };
    let token_endpoint = needed("token_endpoint")?.ok_or_else(|| missing("token_endpoint"))?;
    let jwks_uri = needed("jwks_uri")?;
    let others = Endpoint::ALL.into_iter().filter(|endpoint| *endpoint != Endpoint::Token);
    let other_endpoints = others
        .filter_map(|endpoint| {
            let url = expected.optional(&mut members, endpoint.metadata_name())?;
            Some((endpoint, url.map(Location::of_metadata)))
        })
        .collect();
    Ok(AuthorizationServer {
        other_endpoints,
        authorization_endpoint: expected.optional(&mut members, "authorization_endpoint"),
        jwks_uri,
        authentication_methods: strings(members.get(METHODS)),
        signing_algorithms: signing_algorithms::MEMBERS
            .into_iter()
            .filter_map(|(endpoint, name)| Some((endpoint, strings(members.get(name))?)))
            .collect(),
        promises_issuer: matches!(members.get(PROMISES_ISSUER), Some(Json::Bool(true))),
        plain_http: expected.plain_http,
        token_endpoint: Location::of_metadata(token_endpoint),
        ..AuthorizationServer::at(Some(issuer), String::new())
    })
}

impl Expected<'_> {
    fn check(&self, endpoint: &'static str, url: &str) -> Result<(), OAuthError> {
        let parsed = self.plain_http.check_endpoint(endpoint, url)?;
        let is_downgrade = self.place.scheme() == "https" && parsed.scheme() != "https";
        if is_downgrade && self.plain_http == PlainHttp::Loopback {
            let reason = "is plain http below an https issuer";
            return Err(OAuthError::Endpoint { endpoint, url: safe(url), reason });
        }
        Ok(())
    }

    /// An optional endpoint.
    fn optional(&self, members: &mut Members<'_>, name: &'static str) -> Option<Result<String, Unusable>> {
        let unusable = |found: &str, reason| Err(Unusable { found: safe_url(found), reason });
        Some(match members.take(name)? {
            // Members without a value must be omitted (§3.2), but some servers write them as null.
            Json::Null => return None,
            Json::Text(url) if url.is_empty() => unusable("\"\"", "is empty"),
            Json::Text(url) => match self.check(name, &url) {
                Ok(()) => Ok(url.to_string()),
                Err(OAuthError::Endpoint { reason, .. }) => unusable(&url, reason),
                Err(_) => unusable(&url, "cannot be used"),
            },
            other => unusable(&Value::from(other).to_string(), "is not a string"),
        })
    }
}

fn string(members: &Members<'_>, member: &'static str) -> Result<Option<String>, OAuthError> {
    Ok(members.text(WHAT, member).map_err(OAuthError::Metadata)?.map(str::to_owned))
}

fn strings(value: Option<&Json<'_>>) -> Option<Vec<String>> {
    let elements = value?.elements()?;
    Some(elements.iter().filter_map(|element| element.text().map(str::to_owned)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://as.example/t";

    fn metadata(members: &str) -> Result<AuthorizationServer, OAuthError> {
        AuthorizationServer::from_metadata(ISSUER, format!(r#"{{"issuer":"{ISSUER}",{members}}}"#).as_bytes())
    }

    #[test]
    fn rfc8414_3_3_the_issuer_must_be_the_one_asked_for_byte_for_byte() {
        for found in
            ["https://as.example/t/", "https://AS.example/t", "https://as.example:443/t", "https://evil/t"]
        {
            let json = format!(r#"{{"issuer":"{found}","token_endpoint":"https://as.example/token"}}"#);
            assert!(matches!(
                AuthorizationServer::from_metadata(ISSUER, json.as_bytes()),
                Err(OAuthError::IssuerMismatch { expected, found: other }) if expected == ISSUER && other == found
            ));
        }
    }

    #[test]
    fn an_https_issuer_has_no_http_endpoints_not_even_on_loopback() {
        assert!(matches!(
            metadata(r#""token_endpoint":"http://127.0.0.1/token""#),
            Err(OAuthError::Endpoint {
                endpoint: "token_endpoint",
                reason: "is plain http below an https issuer",
                ..
            })
        ));
        assert!(matches!(
            metadata(r#""token_endpoint":"https://as.example/token","jwks_uri":"http://localhost/jwks""#),
            Err(OAuthError::Endpoint { endpoint: "jwks_uri", .. })
        ));
        assert!(matches!(
            metadata(r#""token_endpoint":"http://as.example/token""#),
            Err(OAuthError::Endpoint { reason: "is plain http, which is for loopback only", .. })
        ));
    }

    #[test]
    fn a_null_is_as_good_as_nothing() {
        let server = metadata(r#""token_endpoint":"https://as.example/token","jwks_uri":null"#).unwrap();
        assert!(matches!(server.jwks_uri(), Err(OAuthError::NotKnown { member: "jwks_uri" })));
        assert!(matches!(
            metadata(r#""token_endpoint":null"#),
            Err(OAuthError::Metadata(JoseError::MissingMember { member: "token_endpoint", .. }))
        ));
    }

    #[test]
    fn metadata_needs_a_token_endpoint() {
        assert!(matches!(
            metadata(r#""token_endpoint":7"#),
            Err(OAuthError::Metadata(JoseError::InvalidMember { member: "token_endpoint", .. }))
        ));
        assert!(matches!(
            metadata(r#""jwks_uri":"https://as.example/jwks""#),
            Err(OAuthError::Metadata(JoseError::MissingMember { member: "token_endpoint", .. }))
        ));
        assert!(matches!(
            AuthorizationServer::from_metadata(ISSUER, b"<html>"),
            Err(OAuthError::Metadata(JoseError::Json { .. }))
        ));
    }

    #[test]
    fn an_optional_endpoint_that_cannot_be_used_takes_nothing_else_away() {
        let token = r#""token_endpoint":"https://as.example/token""#;
        for (value, found, expected) in [
            (r#""""#, r#""""#, "is empty"),
            ("7", "7", "is not a string"),
            (r#"["https://as.example/x"]"#, r#"["https://as.example/x"]"#, "is not a string"),
            (r#""/revoke""#, "/revoke", "is not a URL"),
            (r#""http://as.example/x""#, "http://as.example/x", "is plain http, which is for loopback only"),
            (r#""http://[::1]/x""#, "http://[::1]/x", "is plain http below an https issuer"),
            (r#""https://u:p@as.example/x""#, "https://[masked]@as.example/x", "has credentials"),
        ] {
            for name in Endpoint::ALL[1..].iter().map(|endpoint| endpoint.metadata_name()) {
                let server = metadata(&format!(r#"{token},"{name}":{value}"#)).unwrap();
                let endpoint = Endpoint::ALL.into_iter().find(|endpoint| endpoint.metadata_name() == name);
                let refused = server.endpoint(endpoint.unwrap()).unwrap_err();
                assert_eq!(refused.to_string(), format!("the {name} {found} {expected}"));
                // The user may know better.
                let named = server.with_endpoint(endpoint.unwrap(), "https://as.example/y").unwrap();
                assert_eq!(named.endpoint(endpoint.unwrap()).unwrap(), "https://as.example/y");
            }
            let server = metadata(&format!(r#"{token},"authorization_endpoint":{value}"#)).unwrap();
            let refused = server.authorization_endpoint().unwrap_err();
            assert_eq!(refused.to_string(), format!("the authorization_endpoint {found} {expected}"));
            for needed in ["token_endpoint", "jwks_uri"] {
                let members = match needed {
                    "jwks_uri" => format!(r#"{token},"jwks_uri":{value}"#),
                    _ => format!(r#""token_endpoint":{value}"#),
                };
                let refused = metadata(&members);
                assert!(
                    matches!(
                        &refused,
                        Err(OAuthError::Endpoint { endpoint: member, .. }
                            | OAuthError::Metadata(JoseError::InvalidMember { member, .. })) if *member == needed
                    ),
                    "{members}: {refused:?}"
                );
            }
        }
    }

    /// A member that is not read decides nothing. A member that is read must mean the same to every
    /// reader.
    #[test]
    fn a_member_that_is_read_is_there_once_and_others_may_be_repeated() {
        let token = r#""token_endpoint":"https://as.example/token""#;
        let unread = r#""claims_supported":["a"],"claims_supported":["b"],"x":{"y":1,"y":2}"#;
        assert!(metadata(&format!("{token},{unread}")).is_ok());
        for (name, value) in [
            ("issuer", r#""https://as.example/t""#),
            ("token_endpoint", r#""https://as.example/token""#),
            ("revocation_endpoint", r#""https://as.example/r""#),
            ("authorization_endpoint", r#""https://as.example/a""#),
            ("jwks_uri", r#""https://as.example/jwks""#),
            (METHODS, "[]"),
            (signing_algorithms::MEMBERS[0].1, "[]"),
            (signing_algorithms::MEMBERS[1].1, "[]"),
            (signing_algorithms::MEMBERS[2].1, "[]"),
            (PROMISES_ISSUER, "true"),
        ] {
            let refused = metadata(&format!(r#"{token},"{name}":{value},"{name}":{value}"#));
            let Err(OAuthError::Metadata(JoseError::DuplicateMember { member, .. })) = refused else {
                panic!("{name}: {refused:?}");
            };
            assert_eq!(member, name);
        }
    }
}
