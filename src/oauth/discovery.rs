use super::endpoint::PlainHttp;
use super::metadata::{self, Expected};
use super::text::safe_url;
use super::{AuthorizationServer, OAuthError};

/// The well-known paths of OpenID Connect Discovery 1.0 (§4) and of RFC 8414 (§3.1).
const OPENID: &str = "/.well-known/openid-configuration";
const RFC8414: &str = "/.well-known/oauth-authorization-server";

/// How a server's metadata is found and checked. Use it if `AuthorizationServer::discover` is too
/// strict.
///
/// ```no_run
/// use private_key_jwt::oauth::Discovery;
///
/// # async fn example() -> Result<(), private_key_jwt::Error> {
/// // Entra ID publishes one document for all tenants, whose issuer is a template.
/// let server = Discovery::new("https://login.microsoftonline.com/common/v2.0")
///     .expect_issuer("https://login.microsoftonline.com/{tenantid}/v2.0")
///     .discover()
///     .await?;
/// # let _ = server;
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Discovery {
    place: String,
    issuer: Option<String>,
    plain_http: PlainHttp,
}

impl std::fmt::Debug for Discovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Discovery")
            .field("place", &safe_url(&self.place))
            .field("issuer", &self.issuer.as_deref().map(safe_url))
            .field("plain_http", &self.plain_http)
            .finish()
    }
}

/// What the user passed.
enum Place<'a> {
    /// An issuer. The document's issuer must be exactly this one.
    Issuer(&'a str),
    /// A document, and the issuer to which its URL belongs. The URL does not show whether that
    /// issuer ends in a slash.
    Document { url: &'a str, issuer: String },
}

impl Discovery {
    /// Looks for the metadata of this issuer, or reads the document at this URL. A document URL
    /// ends in `/.well-known/openid-configuration` or contains
    /// `/.well-known/oauth-authorization-server`, with or without a query. The document's issuer
    /// must be this issuer. For a document URL, it must be the issuer to which the URL belongs,
    /// with or without a slash at the end.
    #[must_use]
    pub fn new(issuer_or_url: impl Into<String>) -> Self {
        Self { place: issuer_or_url.into(), issuer: None, plain_http: PlainHttp::Loopback }
    }

    /// Expects this issuer in the document, byte for byte, instead of the issuer whose URL is
    /// requested. Some servers publish a different issuer by design: Azure AD B2C and Entra ID's
    /// `common` and `organizations`, Okta behind a custom domain, a server behind a proxy.
    ///
    /// **The price is RFC 8414 §3.3's protection against mix-up:** the party that controls the URL
    /// can name endpoints in the other issuer's name, and receives assertions whose audience that
    /// issuer accepts. Use it only with a URL that you trust as much as the issuer itself.
    #[must_use]
    pub fn expect_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Allows plain http to any host, for the document and for the endpoints in it.
    /// [`AuthorizationServer::danger_unencrypted`] describes the risk.
    #[must_use]
    pub fn danger_allow_unencrypted(mut self) -> Self {
        self.plain_http = PlainHttp::Anywhere;
        self
    }

    /// The URLs where the document may be, in the order in which they are tried.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Issuer`] for a URL that is neither https nor http on loopback, or has
    /// credentials, a fragment or (an issuer) a query.
    pub fn urls(&self) -> Result<Vec<String>, OAuthError> {
        let place = Place::of(&self.place);
        self.plain_http.check_issuer(place.issuer())?;
        match place {
            Place::Issuer(issuer) => Ok(well_known(issuer).into()),
            Place::Document { url, issuer } => {
                let asked = url.split('?').next().unwrap_or_default();
                self.plain_http.check_issuer(asked)?;
                // A query names one of several documents, so the document has no other location.
                let others = well_known(&issuer).into_iter().filter(|other| other != url && asked == url);
                Ok([url.to_owned()].into_iter().chain(others).collect())
            }
        }
    }

    /// Reads a document.
    ///
    /// # Errors
    ///
    /// As [`AuthorizationServer::from_metadata`]; [`OAuthError::Issuer`] for an empty [expected
    /// issuer](Self::expect_issuer).
    pub fn read(&self, json: &[u8]) -> Result<AuthorizationServer, OAuthError> {
        let place = Place::of(&self.place);
        let (url, plain_http) = (self.plain_http.check_issuer(place.issuer())?, self.plain_http);
        let expect = |issuers: &[&str]| metadata::read(&Expected { issuers, place: url, plain_http }, json);
        match (&self.issuer, &place) {
            (Some(issuer), _) if issuer.trim().is_empty() => {
                Err(OAuthError::Issuer { issuer: "\"\"".to_owned(), reason: "is empty" })
            }
            (Some(issuer), _) => expect(&[issuer]),
            (None, Place::Issuer(issuer)) => expect(&[issuer]),
            (None, Place::Document { issuer, .. }) => expect(&[issuer, &format!("{issuer}/")]),
        }
    }

    /// The issuer that the document must name. For the URL of a document, the document's own may
    /// have a slash at the end.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.issuer.clone().unwrap_or_else(|| Place::of(&self.place).issuer().to_owned())
    }

    /// The URL of the issuer, or of the document.
    #[cfg(feature = "client")]
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Where plain http is allowed.
    #[cfg(feature = "client")]
    pub(crate) const fn plain_http(&self) -> PlainHttp {
        self.plain_http
    }
}

impl<T: Into<String>> From<T> for Discovery {
    /// As [`Discovery::new`].
    fn from(issuer_or_url: T) -> Self {
        Self::new(issuer_or_url)
    }
}

impl<'a> Place<'a> {
    fn of(place: &'a str) -> Self {
        let path = place.split('?').next().unwrap_or_default();
        if let Some(issuer) = [OPENID, RFC8414].into_iter().find_map(|end| path.strip_suffix(end)) {
            return Self::Document { url: place, issuer: issuer.to_owned() };
        }
        let (origin, rest) = split(path);
        let inserted = [OPENID, RFC8414].into_iter().find_map(|start| rest.strip_prefix(start));
        match inserted.filter(|rest| rest.starts_with('/')) {
            Some(rest) => {
                Self::Document { url: place, issuer: format!("{origin}{}", rest.trim_end_matches('/')) }
            }
            None => Self::Issuer(place),
        }
    }

    fn issuer(&self) -> &str {
        match self {
            Self::Issuer(issuer) => issuer,
            Self::Document { issuer, .. } => issuer,
        }
    }
}

impl AuthorizationServer {
    /// The URLs where the metadata of an issuer may be, in the order in which they are tried: the
    /// OpenID path after the issuer (Discovery 1.0 §4), then the RFC 8414 §3.1 path before the
    /// issuer's own path.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Issuer`] as [`AuthorizationServer::new`].
    pub fn metadata_urls(issuer: &str) -> Result<[String; 2], OAuthError> {
        PlainHttp::Loopback.check_issuer(issuer)?;
        Ok(well_known(issuer))
    }
}

fn well_known(issuer: &str) -> [String; 2] {
    let (origin, path) = split(issuer);
    let appended = format!("{}{OPENID}", issuer.trim_end_matches('/'));
    [appended, format!("{origin}{RFC8414}{}", path.trim_end_matches('/'))]
}

/// Splits a URL into the scheme with the authority, and the path.
fn split(url: &str) -> (&str, &str) {
    let start = url.find("://").map_or(0, |at| at + 3);
    let rest = url.get(start..).unwrap_or_default();
    url.split_at_checked(start + rest.find('/').unwrap_or(rest.len())).unwrap_or((url, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discovery_paths_are_appended_and_inserted() {
        let urls = |issuer| AuthorizationServer::metadata_urls(issuer).unwrap();
        assert_eq!(
            urls("https://as.example/a/b"),
            [
                "https://as.example/a/b/.well-known/openid-configuration",
                "https://as.example/.well-known/oauth-authorization-server/a/b"
            ]
        );
        for issuer in ["https://as.example", "https://as.example/"] {
            assert_eq!(
                urls(issuer),
                [
                    "https://as.example/.well-known/openid-configuration",
                    "https://as.example/.well-known/oauth-authorization-server"
                ]
            );
        }
        assert_eq!(
            urls("https://as.example//a/")[0],
            "https://as.example//a/.well-known/openid-configuration"
        );
    }

    fn document(issuer: &str) -> Vec<u8> {
        format!(r#"{{"issuer":"{issuer}","token_endpoint":"https://as.example/token"}}"#).into_bytes()
    }

    #[test]
    fn a_document_url_stands_for_its_issuer() {
        let (openid, inserted) = (
            "https://as.example/a/.well-known/openid-configuration",
            "https://as.example/.well-known/oauth-authorization-server/a",
        );
        let appended = "https://as.example/a/.well-known/oauth-authorization-server";
        for (url, urls) in [
            (openid, vec![openid, inserted]),
            (inserted, vec![inserted, openid]),
            (appended, vec![appended, openid, inserted]),
            (
                "https://as.example/.well-known/openid-configuration/a",
                vec!["https://as.example/.well-known/openid-configuration/a", openid, inserted],
            ),
        ] {
            let discovery = Discovery::new(url);
            assert_eq!(discovery.urls().unwrap(), urls);
            for issuer in ["https://as.example/a", "https://as.example/a/"] {
                assert_eq!(discovery.read(&document(issuer)).unwrap().issuer(), Some(issuer));
            }
            for other in ["https://as.example", "https://as.example/a//", "https://evil.example/a", url] {
                let refused = discovery.read(&document(other)).unwrap_err();
                assert_eq!(
                    refused.to_string(),
                    format!("the metadata names the issuer {other}, not https://as.example/a")
                );
            }
        }
        for url in [
            "https://as.example/.well-known/openid-configuration",
            "https://as.example/.well-known/oauth-authorization-server",
        ] {
            let discovery = Discovery::new(url);
            assert_eq!(discovery.urls().unwrap().len(), 2);
            assert_eq!(discovery.urls().unwrap()[0], url);
            for issuer in ["https://as.example", "https://as.example/"] {
                assert!(discovery.read(&document(issuer)).is_ok(), "{issuer}");
            }
        }
    }

    #[test]
    fn a_query_names_one_document_of_several() {
        let url = "https://t.b2clogin.com/t/v2.0/.well-known/openid-configuration?p=B2C_1_login";
        assert_eq!(Discovery::new(url).urls().unwrap(), [url]);
        let issuer = "https://t.b2clogin.com/5b6d0a8e-2c55-4a3e-8f6c-1f2d3e4a5b6c/v2.0/";
        assert!(matches!(
            Discovery::new(url).read(&document(issuer)),
            Err(OAuthError::IssuerMismatch { .. })
        ));
        let named = Discovery::new(url).expect_issuer(issuer);
        assert_eq!(named.read(&document(issuer)).unwrap().issuer(), Some(issuer));
        // An issuer has no query.
        let refused = Discovery::new("https://as.example/?a=b").urls();
        assert!(matches!(refused, Err(OAuthError::Issuer { reason: "has a query", .. })));
    }

    #[test]
    fn an_issuer_that_is_named_is_the_only_one() {
        let named =
            Discovery::new("https://as.example/common").expect_issuer("https://as.example/{tenantid}");
        assert!(named.read(&document("https://as.example/{tenantid}")).is_ok());
        for other in ["https://as.example/common", "https://as.example/", "https://as.example/{tenantid}/"] {
            assert!(matches!(
                named.read(&document(other)),
                Err(OAuthError::IssuerMismatch { expected, found })
                    if expected == "https://as.example/{tenantid}" && found == other
            ));
        }
    }

    #[test]
    fn an_issuer_that_is_empty_is_not_any_issuer() {
        for blank in ["", " "] {
            let named = Discovery::new("https://as.example/common").expect_issuer(blank);
            let refused = named.read(&document(blank));
            assert!(matches!(refused, Err(OAuthError::Issuer { reason: "is empty", .. })));
        }
    }

    #[test]
    fn plain_http_is_for_loopback_unless_the_user_says_otherwise() {
        let issuer = "http://as.mesh.svc/t";
        let document = br#"{"issuer":"http://as.mesh.svc/t","token_endpoint":"http://as.mesh.svc/token",
            "revocation_endpoint":"http://other.svc/revoke","jwks_uri":"http://as.mesh.svc/jwks"}"#;
        let strict = Discovery::new(issuer);
        for refused in [strict.urls().map(drop), strict.read(document).map(drop)] {
            assert!(matches!(
                refused,
                Err(OAuthError::Issuer { reason: "is plain http, which is for loopback only", .. })
            ));
        }
        let open = strict.danger_allow_unencrypted();
        assert_eq!(open.urls().unwrap()[0], "http://as.mesh.svc/t/.well-known/openid-configuration");
        let server = open.read(document).unwrap();
        assert_eq!(server.endpoint(super::super::Endpoint::Revocation).unwrap(), "http://other.svc/revoke");
        assert_eq!(server.jwks_uri().unwrap(), "http://as.mesh.svc/jwks");
        // The setting also applies to what the user adds later, and an https server may have its
        // endpoints inside the mesh.
        assert!(server.with_jwks_uri("http://keys.svc/jwks").is_ok());
        let outside = Discovery::new("https://as.example").danger_allow_unencrypted();
        let document = br#"{"issuer":"https://as.example","token_endpoint":"http://as.mesh.svc/token"}"#;
        assert_eq!(outside.read(document).unwrap().token_endpoint(), "http://as.mesh.svc/token");
    }
}
