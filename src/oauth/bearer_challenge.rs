use std::fmt;

use http::header::WWW_AUTHENTICATE;

use super::endpoint::check_endpoint;
use super::text::{safe, safe_url};
use super::{OAuthError, ProtectedResource, Scope};

/// The `Bearer` challenge of a protected resource: what its access tokens need, and where its
/// metadata is (RFC 6750 §3, RFC 9728 §5.1). Default: a challenge without parameters.
///
/// ```
/// use private_key_jwt::oauth::BearerChallenge;
///
/// let value = r#"Bearer scope="mcp:read", resource_metadata="https://api.example/meta""#;
/// let response = http::Response::builder().status(401).header("WWW-Authenticate", value).body(())?;
/// let challenge = BearerChallenge::from_headers(response.headers()).unwrap_or_default();
/// assert_eq!(challenge.scope(), "mcp:read".into());
/// assert_eq!(challenge.metadata_url("https://api.example/mcp")?, "https://api.example/meta");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct BearerChallenge {
    error: Option<String>,
    resource_metadata: Option<String>,
    scope: Option<String>,
}

impl fmt::Debug for BearerChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerChallenge")
            .field("error", &self.error.as_deref().map(safe))
            .field("resource_metadata", &self.resource_metadata.as_deref().map(safe_url))
            .field("scope", &self.scope.as_deref().map(safe))
            .finish()
    }
}

impl BearerChallenge {
    /// Reads the first `Bearer` challenge of a response. `None` if there is none, if one of its
    /// parameters occurs twice, or if the challenges before it cannot be read.
    #[must_use]
    pub fn from_headers(headers: &http::HeaderMap) -> Option<Self> {
        let values = headers.get_all(WWW_AUTHENTICATE).into_iter().filter_map(|value| value.to_str().ok());
        let challenge =
            values.flat_map(Challenges).find(|found| found.scheme.eq_ignore_ascii_case("Bearer"))?;
        let mut read = Self::default();
        for (name, value) in challenge.parameters {
            let place = match &*name.to_ascii_lowercase() {
                "error" => &mut read.error,
                "resource_metadata" => &mut read.resource_metadata,
                "scope" => &mut read.scope,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return None;
            }
        }
        Some(read)
    }

    /// The `error` code, such as `invalid_token` or `insufficient_scope`, exactly as the resource
    /// sent it.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// The scopes that the request needs. Empty if the challenge names none.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.scope.as_deref().unwrap_or_default().into()
    }

    /// The URL of the metadata of the resource that sent this challenge (RFC 9728 §5): its
    /// `resource_metadata`, or otherwise the [well-known URL](ProtectedResource::metadata_url).
    ///
    /// # Errors
    ///
    /// [`OAuthError::Endpoint`] for a URL that is neither https nor http on loopback, has
    /// credentials or a fragment, or, for the metadata, has another origin than the resource: a
    /// resource must not direct its clients to hosts inside their network.
    pub fn metadata_url(&self, resource: &str) -> Result<String, OAuthError> {
        let well_known = ProtectedResource::metadata_url(resource)?;
        let Some(url) = &self.resource_metadata else { return Ok(well_known) };
        let origin = check_endpoint("resource", resource)?.origin();
        if check_endpoint("resource_metadata", url)?.origin() != origin {
            let reason = "has another origin than the resource";
            return Err(OAuthError::Endpoint { endpoint: "resource_metadata", url: safe_url(url), reason });
        }
        Ok(url.clone())
    }
}

/// The challenges of a header field, up to a part that cannot be read (RFC 9110 §11.6.1).
struct Challenges<'a>(&'a str);

struct Challenge<'a> {
    scheme: &'a str,
    parameters: Vec<(&'a str, String)>,
}

impl<'a> Iterator for Challenges<'a> {
    type Item = Challenge<'a>;

    fn next(&mut self) -> Option<Challenge<'a>> {
        let (scheme, rest) = token(separated(self.0))?;
        self.0 = rest;
        self.skip_token68();
        let mut parameters = Vec::new();
        while let Some((name, rest)) = token(separated(self.0)) {
            let Some(value) = rest.trim_start_matches(BLANK).strip_prefix('=') else { break };
            let Some((value, rest)) = value_of(value.trim_start_matches(BLANK)) else {
                self.0 = "";
                return None;
            };
            parameters.push((name, value));
            self.0 = rest;
        }
        Some(Challenge { scheme, parameters })
    }
}

const BLANK: [char; 2] = [' ', '\t'];

impl Challenges<'_> {
    /// Steps over the one value that a scheme may have in place of parameters.
    fn skip_token68(&mut self) {
        let start = self.0.trim_start_matches(BLANK);
        let is_of_token68 = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
        let rest = start.trim_start_matches(is_of_token68).trim_start_matches('=');
        let is_whole =
            rest.trim_start_matches(BLANK).is_empty() || rest.trim_start_matches(BLANK).starts_with(',');
        if start.len() > rest.len() && is_whole {
            self.0 = rest;
        }
    }
}

/// The text after blanks and commas.
fn separated(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', ','])
}

/// A token (RFC 9110 §5.6.2) and the text after it.
fn token(text: &str) -> Option<(&str, &str)> {
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let end = text.find(|c| !is_of_token(c)).unwrap_or(text.len());
    text.split_at_checked(end).filter(|(token, _)| !token.is_empty())
}

/// A token or a quoted string (RFC 9110 §5.6.4), decoded, and the text after it.
fn value_of(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        return token(text).map(|(token, rest)| (token.to_owned(), rest));
    };
    let (mut value, mut characters) = (String::new(), quoted.chars());
    loop {
        match characters.next()? {
            '"' => return Some((value, characters.as_str())),
            '\\' => value.push(characters.next()?),
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Option<BearerChallenge> {
        let mut headers = http::HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, value.parse().unwrap());
        }
        BearerChallenge::from_headers(&headers)
    }

    /// `resource_metadata`, `scope` and `error`.
    type Parts<'a> = [Option<&'a str>; 3];

    #[test]
    fn rfc9110_11_6_1_the_bearer_challenge_is_found_among_others() {
        let bearer: Parts<'_> = [Some("https://a.example/m"), Some("a b"), Some("invalid_token")];
        for (values, expected) in [
            (
                &[r#"Bearer error="invalid_token", scope="a b", resource_metadata="https://a.example/m""#][..],
                bearer,
            ),
            (
                &[r#"bearer RESOURCE_METADATA = "https://a.example/m" ,,Scope="a b",error=invalid_token"#],
                bearer,
            ),
            (
                &[
                    r#"Basic realm="a, Bearer scope=\"x\"", Negotiate YWJj==, Bearer error=invalid_token"#,
                    r#"Bearer scope="second""#,
                ],
                [None, None, Some("invalid_token")],
            ),
            (&["Basic", "Bearer"], [None; 3]),
            (&["Bearer, Basic realm=\"x\", scope=\"y\""], [None; 3]),
            (&["Bearer scope=\"a\\\"b\\\\c\""], [None, Some("a\"b\\c"), None]),
            (&["Bearer scope=\"\""], [None, Some(""), None]),
            (&["Bearer realm=\"x\" scope=y"], [None, Some("y"), None]),
            // The value ends in what only this one form may end in.
            (&["Bearer scope="], [None; 3]),
        ] {
            let found = read(values).unwrap_or_else(|| panic!("{values:?}"));
            let parts = [&found.resource_metadata, &found.scope, &found.error].map(Option::as_deref);
            assert_eq!(parts, expected, "{values:?}");
        }
    }

    #[test]
    fn a_challenge_that_cannot_be_read_is_none() {
        for value in [
            "",
            "Basic realm=\"x\"",
            "Bearer scope=\"open",
            "Bearer scope=\"a\\",
            "Basic realm=@, Bearer",
            "=, Bearer",
            "Bearer scope=a, scope=b",
            "Bearer resource_metadata=\"https://a.example\", Resource_Metadata=\"https://b.example\"",
        ] {
            assert_eq!(read(&[value]), None, "{value}");
        }
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn rfc9728_5_1_the_metadata_is_at_the_origin_of_the_resource() {
        let challenge = |url: &str| read(&[&format!("Bearer resource_metadata=\"{url}\"")]).unwrap();
        let resource = "https://api.example/mcp";
        let url = |url: &str| challenge(url).metadata_url(resource);
        assert_eq!(url("https://api.example/meta?a=b").unwrap(), "https://api.example/meta?a=b");
        assert_eq!(url("https://API.example:443/meta").unwrap(), "https://API.example:443/meta");
        assert_eq!(
            BearerChallenge::default().metadata_url(resource).unwrap(),
            "https://api.example/.well-known/oauth-protected-resource/mcp"
        );
        for (other, expected) in [
            ("https://evil.example/meta", "has another origin than the resource"),
            ("https://api.example:8443/meta", "has another origin than the resource"),
            ("http://127.0.0.1/meta", "has another origin than the resource"),
            ("http://api.example/meta", "is plain http, which is for loopback only"),
            ("/meta", "is not a URL"),
            ("https://api.example/#meta", "has a fragment"),
            ("https://a:b@api.example/meta", "has credentials"),
        ] {
            let error = url(other).unwrap_err();
            assert!(
                matches!(&error, OAuthError::Endpoint { endpoint: "resource_metadata", reason, .. }
                    if *reason == expected),
                "{other}: {error}"
            );
            assert!(!error.to_string().contains("a:b"), "{error}");
        }
        let error = BearerChallenge::default().metadata_url("http://api.example").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the resource http://api.example is plain http, which is for loopback only"
        );
    }
}
