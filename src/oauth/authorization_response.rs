use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::text::{safe, safe_url};
use super::{AuthorizationServer, OAuthError};
use crate::jose::text::Text;
use crate::jose::urlencoded;

/// The response that arrives at the redirect URI after a login (RFC 6749 §4.1.2). It holds the
/// code, belongs to the client's own request, and comes from the server that the client asked.
///
/// ```
/// use private_key_jwt::{AuthorizationServer, TokenRequest};
/// use private_key_jwt::oauth::{AuthorizationResponse, CodeVerifier};
///
/// let server = AuthorizationServer::new("https://as.example", "https://as.example/token")?;
/// let verifier = CodeVerifier::from_random(&[7; 32]); // as kept since the authorization request, like the state
/// let query = "code=SplxlOBeZQQYbYS6WxSbIA&state=af0ifjsldkj&iss=https%3A%2F%2Fas.example";
/// let answer = AuthorizationResponse::from_query(query, &server, "af0ifjsldkj")?;
/// let request = TokenRequest::authorization_code(answer.code(), "https://app.example/cb", &verifier);
/// # let _ = request;
/// # Ok::<(), private_key_jwt::oauth::OAuthError>(())
/// ```
///
/// The code is wiped on drop, and `Debug` does not show it.
pub struct AuthorizationResponse {
    code: Zeroizing<String>,
}

impl AuthorizationResponse {
    /// Checks the query of the redirect: the text after the `?`, still encoded. `state` is the
    /// value from the request.
    ///
    /// # Errors
    ///
    /// [`OAuthError::AuthorizationState`] for a response to another request; a login in progress
    /// ignores it. Every other error ends the login: [`OAuthError::AuthorizationIssuer`] for a
    /// response from another server (RFC 9207 §2.4); [`OAuthError::AuthorizationRefused`] if the
    /// server says why there is no code; [`OAuthError::AuthorizationResponse`] for a duplicate
    /// parameter, for neither `code` nor `error`, and for a missing `iss` although the server's
    /// metadata promises one.
    pub fn from_query(query: &str, server: &AuthorizationServer, state: &str) -> Result<Self, OAuthError> {
        // Check the session first: a response for another session, or with two states, says nothing
        // about this one.
        let is_ours = |found: Text<'_>| bool::from(found.as_bytes().ct_eq(state.as_bytes()));
        let found_state = parameters(query, ["state"]).ok().and_then(|[state]| state);
        if !found_state.is_some_and(is_ours) {
            return Err(OAuthError::AuthorizationState);
        }
        let [code, iss, error, description] =
            parameters(query, ["code", "iss", "error", "error_description"])?;
        match (iss, server.issuer()) {
            (Some(found), Some(expected)) if *found != *expected => {
                let (expected, found) = (safe(expected), safe_url(&found));
                return Err(OAuthError::AuthorizationIssuer { expected, found });
            }
            (None, _) if server.promises_issuer() => {
                return Err(wrong("has no iss, which the server's metadata promises"));
            }
            _ => {}
        }
        match (code, error) {
            (Some(code), None) => Ok(Self { code: code.into_owned() }),
            (None, Some(error)) => Err(OAuthError::AuthorizationRefused {
                error: safe(&error),
                description: description.map(|description| safe(&description)),
            }),
            (Some(_), Some(_)) => Err(wrong("has a code and an error")),
            (None, None) => Err(wrong("has neither a code nor an error")),
        }
    }

    /// The code, for [`TokenRequest::authorization_code`](super::TokenRequest::authorization_code).
    /// It is a secret and can be used once.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }
}

impl std::fmt::Debug for AuthorizationResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuthorizationResponse([redacted])")
    }
}

const fn wrong(reason: &'static str) -> OAuthError {
    OAuthError::AuthorizationResponse { reason }
}

/// Reads these parameters from a query, each at most once (RFC 6749 §3.1). A parameter without a
/// value counts as absent.
fn parameters<'a, const N: usize>(
    query: &'a str,
    names: [&str; N],
) -> Result<[Option<Text<'a>>; N], OAuthError> {
    let mut values = [const { None }; N];
    for (name, value) in urlencoded::pairs(query.as_bytes()) {
        let place = names.iter().position(|known| **known == *name);
        if let Some(slot) = place.and_then(|place| values.get_mut(place))
            && slot.replace(value).is_some()
        {
            return Err(wrong("has a parameter twice"));
        }
    }
    Ok(values.map(|value: Option<Text<'_>>| value.filter(|value| !value.is_empty())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://as.example";

    fn server(more: &str) -> AuthorizationServer {
        let metadata =
            format!(r#"{{"issuer":"{ISSUER}","token_endpoint":"https://as.example/token"{more}}}"#);
        AuthorizationServer::from_metadata(ISSUER, metadata.as_bytes()).unwrap()
    }

    fn judge(query: &str) -> Result<AuthorizationResponse, OAuthError> {
        AuthorizationResponse::from_query(query, &server(""), "s 1")
    }

    fn reason(result: Result<AuthorizationResponse, OAuthError>) -> &'static str {
        match result {
            Err(OAuthError::AuthorizationResponse { reason }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rfc6749_4_1_2_a_code_of_this_session() {
        for query in ["code=a%2Bb&state=s+1", "state=s%201&x=y&x=z&code=a%2Bb", "code=a%2Bb&state=s+1&error="]
        {
            let answer = judge(query).unwrap();
            assert_eq!(answer.code(), "a+b", "{query}");
            assert_eq!(format!("{answer:?}"), "AuthorizationResponse([redacted])");
        }
        for query in
            ["", "code=a", "code=a&state=", "code=a&state=s+2", "error=x&state=s+2", "code=a&state=s+1+"]
        {
            assert!(matches!(judge(query), Err(OAuthError::AuthorizationState)), "{query}");
        }
        let empty = AuthorizationResponse::from_query("code=a&state=", &server(""), "");
        assert!(matches!(empty, Err(OAuthError::AuthorizationState)), "{empty:?}");
        // Two states belong to no session, regardless of any other duplicate.
        for query in ["state=s+1&state=s+1&code=a", "state=s+1&state=x&code=a&code=b"] {
            assert!(matches!(judge(query), Err(OAuthError::AuthorizationState)), "{query}");
        }
        assert_eq!(reason(judge("state=s+1&code=")), "has neither a code nor an error");
        assert_eq!(reason(judge("state=s+1&code=a&error=b")), "has a code and an error");
        for twice in ["state=s+1&code=a&code=a", "state=s+1&code=a&code=", "state=s+1&error=a&error=b&code=c"]
        {
            assert_eq!(reason(judge(twice)), "has a parameter twice", "{twice}");
        }
    }

    #[test]
    fn rfc6749_4_1_2_1_the_servers_reason_is_safe_to_show() {
        let refused =
            judge("state=s+1&error=access_denied&error_description=no%1B%5B2J+eyJhbGciOiJFUzI1NiJ9.x");
        let Err(OAuthError::AuthorizationRefused { error, description }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(
            (error.as_str(), description.as_deref()),
            ("access_denied", Some("no\\u{1b}[2J [masked]"))
        );
        let shown = OAuthError::AuthorizationRefused { error, description }.to_string();
        assert_eq!(shown, "the server rejected the login: access_denied: no\\u{1b}[2J [masked]");
        let refused = judge("state=s+1&error=server_error").unwrap_err();
        assert_eq!(refused.to_string(), "the server rejected the login: server_error");
    }

    #[test]
    fn rfc9207_2_4_an_answer_of_another_server_is_refused() {
        assert!(judge("code=a&state=s+1&iss=https%3A%2F%2Fas.example").is_ok());
        for query in
            ["code=a&state=s+1&iss=https://as.example/", "error=x&state=s+1&iss=https://evil.example"]
        {
            let refused = judge(query);
            assert!(
                matches!(&refused, Err(OAuthError::AuthorizationIssuer { expected, .. }) if expected == ISSUER),
                "{refused:?}"
            );
        }
        let promising = server(r#","authorization_response_iss_parameter_supported":true"#);
        let judge = |query| AuthorizationResponse::from_query(query, &promising, "s");
        assert_eq!(reason(judge("code=a&state=s")), "has no iss, which the server's metadata promises");
        assert_eq!(reason(judge("code=a&state=s&iss=")), "has no iss, which the server's metadata promises");
        assert!(judge("code=a&state=s&iss=https://as.example").is_ok());
        let not = server(r#","authorization_response_iss_parameter_supported":false"#);
        assert!(AuthorizationResponse::from_query("code=a&state=s", &not, "s").is_ok());
    }
}
