use std::time::Duration;

use http::StatusCode;
use serde_json::Value;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::answer::{Answer, Document, Success};
use super::text::safe;
use super::{AccessToken, OAuthError, Scope, TokenKind};
use crate::jose::json::WipedValue;
use crate::jose::text::Text;
use crate::jose::{JoseError, Wiped};

/// A successful response of the token endpoint (RFC 6749 §5.1).
///
/// ```
/// use private_key_jwt::TokenResponse;
/// use time::OffsetDateTime;
///
/// let body = br#"{"access_token":"secret","token_type":"Bearer","expires_in":300}"#.to_vec();
/// let now = OffsetDateTime::UNIX_EPOCH;
/// let response = TokenResponse::from_http(http::Response::new(body), now)?;
/// assert_eq!(response.access_token().bearer(), Some("secret"));
/// assert_eq!(response.access_token().expires_at(), Some(now + time::Duration::seconds(300)));
/// # Ok::<(), private_key_jwt::oauth::OAuthError>(())
/// ```
pub struct TokenResponse {
    access_token: AccessToken,
    expires_in: Option<Duration>,
    refresh_token: Option<Zeroizing<String>>,
    id_token: Option<Zeroizing<String>>,
    scope: Option<Scope>,
    issued_token_type: Option<TokenKind>,
    /// Any of them may be a secret.
    members: WipedValue,
}

impl TokenResponse {
    /// Judges an HTTP response. `expires_in` counts from `now`: when the response arrived or, to be
    /// on the safe side, when the request was sent.
    ///
    /// # Errors
    ///
    /// [`OAuthError::Refused`] for 400, 401 and 403, regardless of the body, and for a 200 with an
    /// error and no token; [`OAuthError::Redirect`] for a 3xx; [`OAuthError::Unavailable`] for
    /// every other status but 200; [`OAuthError::ContentEncoding`] for a 200 that is compressed;
    /// [`OAuthError::Response`] for a 200 that is not a token response: the body is not JSON, a
    /// member appears twice, `access_token` or `token_type` is missing, or the token is not
    /// printable ASCII. A `null` counts as absent, and so does an empty token.
    ///
    /// Members that are only informative do not invalidate the token. An `expires_in` may be a
    /// string of digits, and a `scope` an array of strings. Any other unreadable value of these, or
    /// of `refresh_token`, `id_token` and `issued_token_type`, counts as absent. `token_type`
    /// decides how the token is used, so it is required (RFC 6749 §5.1, §7.1).
    pub fn from_http(response: http::Response<Vec<u8>>, now: OffsetDateTime) -> Result<Self, OAuthError> {
        Self::from_answer(response.into(), now)
    }

    /// As [`TokenResponse::from_http`], without showing the secrets of the request.
    pub(crate) fn from_answer(answer: Answer<'_>, now: OffsetDateTime) -> Result<Self, OAuthError> {
        let success = Success::of("the token response", &[StatusCode::OK], answer, now)?;
        success.read(|document| Self::read(document, now))
    }

    fn read(mut document: Document<'_>, now: OffsetDateTime) -> Result<Self, JoseError> {
        let secret = Wiped::new(document.required("access_token", Document::filled)?.into_plain());
        // RFC 6749 A.12. A line end or an escape sequence in the token would end up in a header or
        // on a terminal. The least and the largest byte are found many bytes at a time.
        let (least, most) =
            secret.bytes().fold((u8::MAX, 0), |(least, most), byte| (least.min(byte), most.max(byte)));
        if least < 0x20 || most > 0x7e {
            return Err(document.invalid("access_token", "printable ASCII (RFC 6749 A.12)"));
        }
        let token_type = document.required("token_type", Document::text)?.to_string();
        // An unreadable value that is only informative counts as absent.
        let expires_in = document.seconds("expires_in").ok().flatten();
        let expires_at = expires_in.map(|seconds| now.saturating_add(seconds));
        let mut secret_text = |member| document.filled(member).ok().flatten().map(Text::into_owned);
        Ok(Self {
            access_token: AccessToken::new(secret, token_type, expires_at),
            expires_in: expires_in.map(time::Duration::unsigned_abs),
            refresh_token: secret_text("refresh_token"),
            id_token: secret_text("id_token"),
            scope: document.scope("scope").ok().flatten(),
            issued_token_type: document
                .text("issued_token_type")
                .ok()
                .flatten()
                .map(|kind| TokenKind::from(&*kind)),
            members: document.into_others(),
        })
    }

    /// The token.
    #[must_use]
    pub const fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    /// Returns the token and drops the rest.
    #[must_use]
    pub fn into_access_token(self) -> AccessToken {
        self.access_token
    }

    /// The token, and the refresh token if there is one.
    #[cfg(feature = "client")]
    pub(crate) fn into_tokens(self) -> (AccessToken, Option<Zeroizing<String>>) {
        (self.access_token, self.refresh_token)
    }

    /// The lifetime of the token (`expires_in`, RFC 6749 §5.1), if it is present and readable.
    /// Fractions are cut off, and the maximum is a century.
    #[must_use]
    pub const fn expires_in(&self) -> Option<Duration> {
        self.expires_in
    }

    /// The refresh token (RFC 6749 §1.5), if there is one.
    #[must_use]
    pub fn refresh_token(&self) -> Option<&str> {
        self.refresh_token.as_deref().map(String::as_str)
    }

    /// The ID token (OpenID Connect Core §3.1.3.3), as received and **not verified**.
    #[must_use]
    pub fn id_token(&self) -> Option<&str> {
        self.id_token.as_deref().map(String::as_str)
    }

    /// The granted scopes, if the server sent them. If it did not, they are the requested scopes
    /// (RFC 6749 §5.1).
    #[must_use]
    pub const fn scope(&self) -> Option<&Scope> {
        self.scope.as_ref()
    }

    /// The kind of token that a token exchange issued (RFC 8693 §2.2.1). If it is not an access
    /// token, its [type](AccessToken::token_type) is `N_A`, too.
    #[must_use]
    pub const fn issued_token_type(&self) -> Option<&TokenKind> {
        self.issued_token_type.as_ref()
    }

    /// A member that this crate does not interpret. It may be a secret.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.members.0.get(name)
    }

    /// All members that this crate does not interpret. Each may be a secret.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.members.0.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
    }
}

impl std::fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let members: Vec<String> = self.members().map(|(name, _)| safe(name)).collect();
        f.debug_struct("TokenResponse")
            .field("access_token", &self.access_token)
            .field("refresh_token", &self.refresh_token.as_ref().map(|_| "[redacted]"))
            .field("id_token", &self.id_token.as_ref().map(|_| "[redacted]"))
            .field("scope", &self.scope.as_ref().map(|scope| safe(&scope.to_string())))
            .field("issued_token_type", &self.issued_token_type)
            .field("members", &members)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some servers send an empty string for a member without a value. As a refresh token, it would
    /// replace the current one.
    #[test]
    fn rfc6749_a_17_an_empty_token_is_no_token() {
        let body = br#"{"access_token":"t","token_type":"Bearer","refresh_token":"","id_token":""}"#.to_vec();
        let response =
            TokenResponse::from_http(http::Response::new(body), OffsetDateTime::UNIX_EPOCH).unwrap();
        assert_eq!((response.refresh_token(), response.id_token()), (None, None));
    }

    fn read(members: &str) -> TokenResponse {
        let body = format!(r#"{{"access_token":"t","token_type":"Bearer",{members}}}"#).into_bytes();
        TokenResponse::from_http(http::Response::new(body), OffsetDateTime::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn an_expires_in_of_another_type_is_read_or_not_stated() {
        for (value, seconds) in [
            ("3599", Some(3599)),
            (r#""3599""#, Some(3599)),
            (r#"" 3599 ""#, Some(3599)),
            (r#""0""#, Some(0)),
            ("3599.9", Some(3599)),
            ("1e3", Some(1000)),
            (r#""18446744073709551616""#, Some(100 * 365 * 24 * 3600)),
            ("1e300", Some(100 * 365 * 24 * 3600)),
            ("-1", None),
            ("-0.5", None),
            ("null", None),
            ("true", None),
            ("[3599]", None),
            (r#"{"seconds":3599}"#, None),
            (r#""an hour""#, None),
            (r#""-1""#, None),
            (r#""+1""#, None),
            (r#""1e3""#, None),
            (r#""""#, None),
            ("\"\u{0661}\"", None),
        ] {
            let response = read(&format!(r#""expires_in":{value}"#));
            assert_eq!(response.expires_in(), seconds.map(Duration::from_secs), "{value}");
            let expires_at = seconds.map(|seconds| OffsetDateTime::UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(response.access_token().expires_at(), expires_at, "{value}");
        }
    }

    #[test]
    fn what_only_decorates_is_read_or_takes_nothing_else_away() {
        for (value, scope) in [
            (r#""a  b""#, Some("a b")),
            (r#"["a","b"]"#, Some("a b")),
            (r#"["a b","c"]"#, Some("a b c")),
            ("[]", Some("")),
            (r#""""#, Some("")),
            ("null", None),
            ("7", None),
            ("{}", None),
            (r#"["a",7]"#, None),
        ] {
            let response = read(&format!(r#""scope":{value}"#));
            assert_eq!(response.scope().map(ToString::to_string).as_deref(), scope, "{value}");
        }
        for value in ["null", "7", "false", "{}", "[]", r#""""#] {
            let response = read(&format!(r#""refresh_token":{value},"id_token":{value}"#));
            assert_eq!((response.refresh_token(), response.id_token()), (None, None), "{value}");
        }
        for value in ["null", "7", r#"["urn:x"]"#] {
            assert_eq!(read(&format!(r#""issued_token_type":{value}"#)).issued_token_type(), None, "{value}");
        }
    }

    #[test]
    fn rfc6749_7_1_a_token_of_no_known_type_is_no_token() {
        for token_type in ["null", "7", "[]", "{}"] {
            let body = format!(r#"{{"access_token":"t","token_type":{token_type}}}"#).into_bytes();
            let refused = TokenResponse::from_http(http::Response::new(body), OffsetDateTime::UNIX_EPOCH);
            let Err(OAuthError::Response { reason, .. }) = refused else { panic!("{token_type}") };
            assert!(
                matches!(
                    reason,
                    JoseError::MissingMember { member: "token_type", .. }
                        | JoseError::InvalidMember { member: "token_type", .. }
                ),
                "{reason:?}"
            );
        }
    }

    fn judge(body: &str) -> OAuthError {
        let response = http::Response::builder().header("x-request-id", "r").body(body.into()).unwrap();
        TokenResponse::from_http(response, OffsetDateTime::UNIX_EPOCH).unwrap_err()
    }

    #[test]
    fn a_200_with_an_error_and_no_token_is_the_refusal() {
        for (body, expected) in [
            (r#"{"error":"invalid_client","error_description":"The key is not registered."}"#, {
                "200 invalid_client: The key is not registered."
            }),
            (r#"{"error":"e","access_token":null}"#, "200 e"),
            (r#"{"error":"e","access_token":""}"#, "200 e"),
            (r#"{"error":{"code":"c","message":"m"}}"#, "200 c: m"),
            (r#"{"errorCode":"E1","errorSummary":"s"}"#, "200 E1: s"),
            (r#"{"errors":[{"message":"m"}]}"#, "200: m"),
            (r#"{"errcode":40013,"errmsg":"m"}"#, "200 40013: m"),
            (r#"{"errorMessages":["m"]}"#, "200: m"),
            (r#"{"error_code":"c","message":"m"}"#, "200 c: m"),
            (r#"{"success":false,"message":"m"}"#, "200: m"),
            ("{\"error\":\"e\",\"error_description\":\"a\nb\"}", "200 e: a\\u{a}b"),
            ("error=e&error_description=a+b", "200 e: a b"),
        ] {
            let error = judge(body);
            assert_eq!(error.to_string(), format!("refused: {expected} [x-request-id r]"), "{body}");
            assert_eq!(error.retry(), crate::oauth::Retry::Never);
        }
        let problem =
            http::Response::builder().header("content-type", "Application/problem+json; charset=utf-8");
        let problem = problem.body(br#"{"title":"No","status":401,"detail":"why"}"#.to_vec()).unwrap();
        let error = TokenResponse::from_http(problem, OffsetDateTime::UNIX_EPOCH).unwrap_err();
        assert_eq!(error.to_string(), "refused: 200 No: why");
        // A token is present, or nothing says that the body is an error.
        assert!(read(r#""error":"e""#).members().next().is_some());
        for body in [
            r#"{"error":"e","access_token":"t"}"#,
            r#"{"error":"e","access_token":"t","access_token":"u","token_type":"Bearer"}"#,
            r#"{"error":"","error_description":"d"}"#,
            r#"{"error":null,"errors":[]}"#,
            r#"{"message":"no error"}"#,
            r#"{"errcode":0,"errmsg":"ok"}"#,
            r#"{"success":true,"message":"m"}"#,
            r#"{"error":"e""#,
            "<html><title>error</title>",
            "error",
        ] {
            assert!(matches!(judge(body), OAuthError::Response { .. }), "{body}");
        }
    }

    #[test]
    fn a_compressed_answer_says_so() {
        let response = |coding: &str, body: &[u8]| {
            let response = http::Response::builder().header("content-encoding", coding).body(body.to_vec());
            TokenResponse::from_http(response.unwrap(), OffsetDateTime::UNIX_EPOCH)
        };
        let error = response("gzip", b"\x1f\x8b\x08\0\0").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the token response is encoded as gzip, which the client does not read"
        );
        // The HTTP client decoded the body, but kept the header field.
        assert!(response("gzip", br#"{"access_token":"t","token_type":"Bearer"}"#).is_ok());
        assert!(matches!(response("identity", b"\x1f\x8b"), Err(OAuthError::Response { .. })));
    }
}
