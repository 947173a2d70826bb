use std::fmt;

use url::Url;

use super::endpoint::{PlainHttp, check_endpoint};
use super::text::safe_url;
use super::{OAuthError, Scope};
use crate::jose::JoseError;
use crate::jose::json::{self, Json, Members, Rules};

const WHAT: &str = "the document";
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
const RESOURCE: &str = "resource";
const SERVERS: &str = "authorization_servers";
const SCOPES: &str = "scopes_supported";

/// A protected resource, such as an API or an MCP server: its identifier, and the authorization
/// servers that issue its access tokens (RFC 9728 §2).
///
/// The resource names the servers itself, so a malicious resource can name any server, even one
/// inside your network. It gains no credentials: an assertion is valid only at the server that it
/// was made for, and an access token only at [the resource](super::TokenRequest::resource) that it
/// was requested for. Nevertheless, if your client is registered at one server, use the resource
/// only if its list contains that server.
///
/// ```
/// use private_key_jwt::oauth::ProtectedResource;
///
/// let json = br#"{"resource":"https://api.example/mcp","authorization_servers":["https://as.example"]}"#;
/// let resource = ProtectedResource::from_metadata("https://api.example/mcp", json)?;
/// assert_eq!(resource.authorization_servers(), ["https://as.example"]);
/// # Ok::<(), private_key_jwt::oauth::OAuthError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ProtectedResource {
    identifier: String,
    authorization_servers: Vec<String>,
    scopes_supported: Scope,
}

impl fmt::Debug for ProtectedResource {
    /// A URL may contain a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers: Vec<_> = self.authorization_servers.iter().map(|issuer| safe_url(issuer)).collect();
        f.debug_struct("ProtectedResource")
            .field("identifier", &safe_url(&self.identifier))
            .field("authorization_servers", &servers)
            .field("scopes_supported", &self.scopes_supported)
            .finish()
    }
}

impl ProtectedResource {
    /// The URL of the metadata of a resource: its identifier with
    /// `/.well-known/oauth-protected-resource` between host and path (RFC 9728 §3.1).
    ///
    /// # Errors
    ///
    /// [`OAuthError::Endpoint`] for a URL that is neither https nor http on loopback, or has
    /// credentials or a fragment.
    pub fn metadata_url(resource: &str) -> Result<String, OAuthError> {
        check_endpoint(RESOURCE, resource)?;
        let start = resource.find("://").map_or(0, |at| at + 3);
        let rest = resource.get(start..).unwrap_or_default();
        let host = rest.find(['/', '?']).unwrap_or(rest.len());
        let (origin, path) = resource.split_at_checked(start + host).unwrap_or((resource, ""));
        // A slash that ends the host is no path.
        let path =
            path.strip_prefix('/').filter(|rest| rest.is_empty() || rest.starts_with('?')).unwrap_or(path);
        Ok(format!("{origin}{WELL_KNOWN}{path}"))
    }

    /// Reads a metadata document (RFC 9728 §3.2). Authorization servers whose issuer cannot be used
    /// are omitted, unless there is no other.
    ///
    /// # Errors
    ///
    /// [`OAuthError::ResourceMismatch`] unless its `resource` equals the requested one, byte for
    /// byte (§3.3); [`OAuthError::ResourceMetadata`] if it cannot be read or has no `resource`;
    /// [`OAuthError::Issuer`] if no authorization server can be used: an issuer is https, or http
    /// on loopback if the resource is, without credentials, a fragment or a query;
    /// [`OAuthError::Endpoint`] as [`ProtectedResource::metadata_url`].
    pub fn from_metadata(resource: &str, json: &[u8]) -> Result<Self, OAuthError> {
        let url = check_endpoint(RESOURCE, resource)?;
        let rules = Rules { unique: Some(&[RESOURCE, SERVERS, SCOPES]), ..Rules::default() };
        let members = json::read_by(rules, WHAT, json).map_err(OAuthError::ResourceMetadata)?;
        let found = members.text(WHAT, RESOURCE).map_err(OAuthError::ResourceMetadata)?;
        let missing = || JoseError::MissingMember { what: WHAT, member: RESOURCE };
        let found = found.ok_or_else(|| OAuthError::ResourceMetadata(missing()))?;
        if found != resource {
            let (expected, found) = (safe_url(resource), safe_url(found));
            return Err(OAuthError::ResourceMismatch { expected, found });
        }
        let issuers = strings(&members, SERVERS)?;
        Ok(Self {
            authorization_servers: usable(&url, issuers)?,
            scopes_supported: strings(&members, SCOPES).unwrap_or_default().into(),
            identifier: resource.to_owned(),
        })
    }

    /// The identifier. Use it as the `resource` of token requests (RFC 8707).
    #[must_use]
    pub fn identifier(&self) -> &str {
        &self.identifier
    }

    /// The issuers of its access tokens, in the order of the document. Empty if the document names
    /// none.
    #[must_use]
    pub fn authorization_servers(&self) -> &[String] {
        &self.authorization_servers
    }

    /// The scopes that its access tokens can have. Empty if the document names none.
    #[must_use]
    pub const fn scopes_supported(&self) -> &Scope {
        &self.scopes_supported
    }
}

fn strings(members: &Members<'_>, member: &'static str) -> Result<Vec<String>, OAuthError> {
    match members.get(member) {
        None | Some(Json::Null) => Ok(Vec::new()),
        Some(value) => value.texts().ok_or_else(|| {
            let expected = "an array of strings";
            OAuthError::ResourceMetadata(JoseError::InvalidMember { what: WHAT, member, expected })
        }),
    }
}

/// The issuers that a client may use for this resource. The error is that of the first one.
fn usable(resource: &Url, issuers: Vec<String>) -> Result<Vec<String>, OAuthError> {
    let check = |issuer: &str| {
        let is_downgrade = PlainHttp::Loopback.check_issuer(issuer)?.scheme() != resource.scheme()
            && resource.scheme() == "https";
        let reason = "is plain http, but the resource is https";
        if is_downgrade { Err(OAuthError::Issuer { issuer: safe_url(issuer), reason }) } else { Ok(()) }
    };
    let mut refused = None;
    let mut kept = issuers;
    kept.retain(|issuer| match check(issuer) {
        Ok(()) => true,
        Err(error) => {
            refused.get_or_insert(error);
            false
        }
    });
    refused.filter(|_| kept.is_empty()).map_or(Ok(kept), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESOURCE: &str = "https://api.example/mcp";

    fn read(members: &str) -> Result<ProtectedResource, OAuthError> {
        ProtectedResource::from_metadata(RESOURCE, format!("{{{members}}}").as_bytes())
    }

    #[test]
    fn rfc9728_3_1_the_well_known_path_comes_before_the_own_path() {
        for (resource, expected) in [
            ("https://api.example", "https://api.example/.well-known/oauth-protected-resource"),
            ("https://api.example/", "https://api.example/.well-known/oauth-protected-resource"),
            (
                "https://api.example:8443/a/b",
                "https://api.example:8443/.well-known/oauth-protected-resource/a/b",
            ),
            ("https://api.example/a/", "https://api.example/.well-known/oauth-protected-resource/a/"),
            ("https://api.example//a", "https://api.example/.well-known/oauth-protected-resource//a"),
            ("https://api.example?k=v", "https://api.example/.well-known/oauth-protected-resource?k=v"),
            ("https://api.example/?k=/v", "https://api.example/.well-known/oauth-protected-resource?k=/v"),
            ("http://[::1]:1/a?b", "http://[::1]:1/.well-known/oauth-protected-resource/a?b"),
        ] {
            assert_eq!(ProtectedResource::metadata_url(resource).unwrap(), expected);
        }
        for (resource, expected) in [
            ("api.example", "is not a URL"),
            ("http://api.example", "is plain http, which is for loopback only"),
            ("https://api.example#a", "has a fragment"),
            ("https://a:b@api.example", "has credentials"),
        ] {
            let refused = ProtectedResource::metadata_url(resource).unwrap_err();
            let by_document = ProtectedResource::from_metadata(resource, b"{}").unwrap_err();
            for error in [refused, by_document] {
                assert!(
                    matches!(&error, OAuthError::Endpoint { endpoint: "resource", reason, .. } if *reason == expected),
                    "{resource}: {error}"
                );
            }
        }
    }

    #[test]
    fn rfc9728_3_3_the_resource_must_be_the_one_asked_for_byte_for_byte() {
        for found in
            ["https://api.example/mcp/", "https://API.example/mcp", "https://api.example", "https://evil/mcp"]
        {
            let error =
                read(&format!(r#""resource":"{found}","authorization_servers":["https://as"]"#)).unwrap_err();
            assert_eq!(error.to_string(), format!("the metadata names the resource {found}, not {RESOURCE}"));
        }
        assert!(matches!(
            read(r#""authorization_servers":["https://as.example"]"#),
            Err(OAuthError::ResourceMetadata(JoseError::MissingMember { member: "resource", .. }))
        ));
        assert!(matches!(
            read(r#""resource":7"#),
            Err(OAuthError::ResourceMetadata(JoseError::InvalidMember { member: "resource", .. }))
        ));
        assert!(matches!(
            ProtectedResource::from_metadata(RESOURCE, b"<html>"),
            Err(OAuthError::ResourceMetadata(JoseError::Json { .. }))
        ));
    }

    #[test]
    fn the_members_that_decide_are_there_once_and_others_are_not_read() {
        for member in ["resource", "authorization_servers", "scopes_supported"] {
            let value = if member == "resource" { r#""https://api.example/mcp""# } else { "[]" };
            let error = read(&format!(r#""resource":"{RESOURCE}","{member}":{value},"{member}":{value}"#));
            let Err(OAuthError::ResourceMetadata(JoseError::DuplicateMember { member: found, .. })) = error
            else {
                panic!("{member}: {error:?}");
            };
            assert_eq!(found, member);
        }
        let unread = r#""x":1,"x":2,"bearer_methods_supported":7,"jwks_uri":"/x""#;
        let resource = read(&format!(r#""resource":"{RESOURCE}",{unread}"#)).unwrap();
        assert_eq!(resource.identifier(), RESOURCE);
        assert!(resource.authorization_servers().is_empty() && resource.scopes_supported().is_empty());
    }

    #[test]
    fn servers_that_cannot_be_used_are_left_out_unless_there_is_no_other() {
        let servers = |list: &str| {
            let read = read(&format!(r#""resource":"{RESOURCE}","authorization_servers":{list}"#));
            read.map(|resource| resource.authorization_servers().to_vec())
        };
        let good = "https://as.example/t/";
        for (bad, expected) in [
            ("http://as.example", "is plain http, which is for loopback only"),
            ("http://127.0.0.1:8080", "is plain http, but the resource is https"),
            ("https://as.example?a=b", "has a query"),
            ("as", "is not a URL"),
        ] {
            assert_eq!(servers(&format!(r#"["{bad}","{good}"]"#)).unwrap(), [good]);
            let error = servers(&format!(r#"["{bad}","ftp://x"]"#)).unwrap_err();
            assert!(matches!(&error, OAuthError::Issuer { reason, .. } if *reason == expected), "{error}");
        }
        assert_eq!(
            servers(r#"["https://b.example","https://a.example"]"#).unwrap(),
            ["https://b.example", "https://a.example"]
        );
        for absent in ["[]", "null"] {
            assert!(servers(absent).unwrap().is_empty());
        }
        for wrong in [r#""https://as.example""#, "[7]", "{}"] {
            let error = servers(wrong).unwrap_err();
            assert!(
                matches!(
                    error,
                    OAuthError::ResourceMetadata(JoseError::InvalidMember {
                        member: "authorization_servers",
                        ..
                    })
                ),
                "{wrong}"
            );
        }
        let local = r#"{"resource":"http://127.0.0.1:1/mcp","authorization_servers":["http://localhost:2"]}"#;
        let local = ProtectedResource::from_metadata("http://127.0.0.1:1/mcp", local.as_bytes()).unwrap();
        assert_eq!(local.authorization_servers(), ["http://localhost:2"]);
    }

    #[test]
    fn scopes_that_cannot_be_read_take_nothing_else_away() {
        for (scopes, expected) in
            [(r#"["a","b"]"#, "a b"), ("[]", ""), ("null", ""), ("7", ""), (r#"["a",7]"#, "")]
        {
            let members = format!(r#""resource":"{RESOURCE}","scopes_supported":{scopes}"#);
            assert_eq!(*read(&members).unwrap().scopes_supported(), expected.into(), "{scopes}");
        }
    }
}
