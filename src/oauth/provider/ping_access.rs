//! PingAccess's URLs (its documentation, 2026-11).

use crate::oauth::text::safe_url;
use crate::oauth::{JwksUri, OAuthError};

/// Where a PingAccess engine publishes keys: two sets for two kinds of JWT, at two URLs.
///
/// Both are below the reserved root, which is `/pa` by default. If "use context root as reserved
/// resource base path" is on, the reserved root is below the context root of the application.
///
/// ```
/// use private_key_jwt::oauth::PingAccess;
///
/// let engine = PingAccess::new("https://app.example");
/// assert_eq!(engine.auth_token_jwks_uri()?.as_str(), "https://app.example/pa/authtoken/JWKS");
/// assert_eq!(engine.oidc_jwks_uri()?.as_str(), "https://app.example/pa/oidc/JWKS");
/// # Ok::<(), private_key_jwt::oauth::OAuthError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PingAccess {
    base_url: String,
    context_root: String,
    reserved_root: String,
}

impl std::fmt::Debug for PingAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PingAccess")
            .field("base_url", &safe_url(&self.base_url))
            .field("context_root", &safe_url(&self.context_root))
            .field("reserved_root", &safe_url(&self.reserved_root))
            .finish()
    }
}

impl PingAccess {
    /// Creates the URLs of an engine with this base URL, such as `https://app.example`.
    #[must_use]
    pub fn new(base_url: impl Into<String>) -> Self {
        Self { base_url: base_url.into(), context_root: String::new(), reserved_root: "/pa".to_owned() }
    }

    /// Sets the context root of the application, such as `/myApp`, if it is the base path of
    /// reserved resources.
    #[must_use]
    pub fn context_root(mut self, root: &str) -> Self {
        self.context_root = rooted(root);
        self
    }

    /// Sets the reserved root. Default: `/pa`.
    #[must_use]
    pub fn reserved_root(mut self, root: &str) -> Self {
        self.reserved_root = rooted(root);
        self
    }

    /// The keys of the JWTs that backends receive (JWT identity mappings).
    ///
    /// # Errors
    ///
    /// [`OAuthError::Endpoint`] if the parts do not form a URL that is https, or http on loopback.
    pub fn auth_token_jwks_uri(&self) -> Result<JwksUri, OAuthError> {
        self.jwks_uri("authtoken")
    }

    /// The keys of the assertions with which PingAccess authenticates itself to its token provider.
    ///
    /// # Errors
    ///
    /// As [`PingAccess::auth_token_jwks_uri`].
    pub fn oidc_jwks_uri(&self) -> Result<JwksUri, OAuthError> {
        self.jwks_uri("oidc")
    }

    fn jwks_uri(&self, resource: &str) -> Result<JwksUri, OAuthError> {
        let Self { base_url, context_root, reserved_root } = self;
        if context_root.contains('?') || reserved_root.contains('?') {
            let url = [base_url, context_root, reserved_root].map(|part| safe_url(part)).concat();
            return Err(OAuthError::Endpoint {
                endpoint: "jwks_uri",
                url,
                reason: "has a root with a query",
            });
        }
        JwksUri::below(base_url, &format!("{context_root}{reserved_root}/{resource}/JWKS"))
    }
}

/// The path with one leading and no trailing slash. Empty for the root.
fn rooted(path: &str) -> String {
    match path.trim_matches('/') {
        "" => String::new(),
        path => format!("/{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sets_below_the_context_root_and_the_reserved_root() {
        let both = |access: PingAccess| {
            [access.auth_token_jwks_uri(), access.oidc_jwks_uri()].map(|uri| String::from(uri.unwrap()))
        };
        let base = PingAccess::new("https://app.example:3000/");
        assert_eq!(
            both(base.clone()),
            ["https://app.example:3000/pa/authtoken/JWKS", "https://app.example:3000/pa/oidc/JWKS"]
        );
        for root in ["myApp", "/myApp", "/myApp/"] {
            assert_eq!(
                both(base.clone().context_root(root)),
                [
                    "https://app.example:3000/myApp/pa/authtoken/JWKS",
                    "https://app.example:3000/myApp/pa/oidc/JWKS"
                ]
            );
        }
        let moved = base.context_root("/a/b").reserved_root("/agent");
        assert_eq!(both(moved)[0], "https://app.example:3000/a/b/agent/authtoken/JWKS");
        let at_the_root = PingAccess::new("https://app.example").context_root("/").reserved_root("/");
        assert_eq!(both(at_the_root)[1], "https://app.example/oidc/JWKS");
    }

    #[test]
    fn parts_that_make_no_url_are_refused() {
        let base = PingAccess::new("https://app.example");
        for (access, expected) in [
            (PingAccess::new("app.example"), "is not a URL"),
            (PingAccess::new("http://app.example"), "is plain http, which is for loopback only"),
            (base.clone().context_root("a b"), "has characters that do not belong into a URL"),
            (base.clone().context_root("a?b"), "has a root with a query"),
            (base.reserved_root("a#b"), "has a fragment"),
        ] {
            let refused = access.auth_token_jwks_uri();
            assert!(
                matches!(refused, Err(OAuthError::Endpoint { endpoint: "jwks_uri", reason, .. }) if reason == expected),
                "{refused:?}"
            );
        }
    }
}
