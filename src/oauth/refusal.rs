use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use serde_json::Value;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::ClockMismatch;
use super::error_body::ErrorBody;
use super::text::Masking;
use crate::jose::json;

/// What a server said instead of a token: the status, the RFC 6749 §5.2 members if the body has
/// them, the server's own words if it uses another format, and data for a support ticket.
///
/// The words are found in RFC 9457 problem details, in the documents of the usual platforms and
/// gateways, in a form, in a page or XML, and in plain text, even if control characters or Latin-1
/// make the body invalid. [`Display`](fmt::Display) shows the status, the code and the message,
/// then the names of the request. If the body has no words, it shows the `WWW-Authenticate` field.
///
/// Every text is safe to log. Invisible characters are escaped, and each text has at most 512
/// characters. Members that are known to hold a token are `null`. Anything that looks like a token
/// or a key is masked, however it is escaped. With a `TokenClient`, every eight consecutive
/// characters of the secrets of its request are masked as well, also in base64 or hexadecimal
/// digits. (Lowercase letters alone are masked only from sixteen on: they may be words.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: u16,
    error: Option<String>,
    description: Option<String>,
    uri: Option<String>,
    /// Replaces a missing `error` and `error_description`.
    code: Option<String>,
    message: Option<String>,
    members: BTreeMap<String, String>,
    www_authenticate: Option<String>,
    correlation: Vec<(String, String)>,
    retry_after: Option<Duration>,
    clock: Option<Box<ClockMismatch>>,
}

impl Refusal {
    /// Header fields in which servers name a request.
    const CORRELATION: [&str; 9] = [
        "correlation-id",
        "x-correlation-id",
        "request-id",
        "x-request-id",
        "x-ms-request-id",
        "x-okta-request-id",
        "x-auth0-requestid",
        "x-amzn-requestid",
        "traceparent",
    ];
    /// The maximum number of unknown members that are kept.
    const MAX_MEMBERS: usize = 16;

    pub(super) fn from_http(response: &http::Response<impl AsRef<[u8]>>, now: OffsetDateTime) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers());
        let body = ErrorBody::read(status, headers, response.body().as_ref());
        Self::from_body(status, headers, body, now, &Masking::of(response.extensions()))
    }

    pub(super) fn from_body(
        status: u16,
        headers: &http::HeaderMap,
        body: ErrorBody,
        now: OffsetDateTime,
        masking: &Masking,
    ) -> Self {
        let ErrorBody { error, description, uri, members, words, .. } = body;
        let safe = |text: &str| masking.safe(text);
        let shown = |text: Option<Zeroizing<String>>| text.map(|text| safe(&text));
        let text = |value: &Value| value.as_str().map_or_else(|| safe(&json::to_text(value)), safe);
        let challenges = headers.get_all(http::header::WWW_AUTHENTICATE).into_iter();
        let challenges: Vec<_> = challenges.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        let challenges = Zeroizing::new(challenges.join(", "));
        Self {
            status,
            error: shown(error),
            description: shown(description),
            uri: shown(uri),
            code: shown(words.code),
            message: shown(words.message),
            members: members
                .0
                .iter()
                .take(Self::MAX_MEMBERS)
                .map(|(name, value)| (safe(name), text(value)))
                .collect(),
            www_authenticate: shown(Some(challenges).filter(|challenges| !challenges.is_empty())),
            correlation: Self::correlation_in(headers, masking),
            retry_after: retry_after(headers, now),
            clock: None,
        }
    }

    /// The header fields in which a server names a request, safe to log.
    #[cfg(feature = "client")]
    pub(crate) fn correlation_of(response: &http::Response<Vec<u8>>) -> Vec<(String, String)> {
        Self::correlation_in(response.headers(), &Masking::of(response.extensions()))
    }

    fn correlation_in(headers: &http::HeaderMap, masking: &Masking) -> Vec<(String, String)> {
        let shown = |name| Some((String::from(name), masking.safe_value(headers.get(name)?)));
        Self::CORRELATION.into_iter().filter_map(shown).collect()
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Whether the body follows RFC 6749 §5.2: the authorization server itself decided, not
    /// something in front of it. Some frameworks write the status's own name in place of the code,
    /// such as `Forbidden`; that is not a verdict.
    #[must_use]
    pub fn is_verdict(&self) -> bool {
        let name = StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
        self.error().is_some_and(|error| Some(error) != name)
    }

    /// The `error` code, such as `invalid_client`.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// The `error_description`.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// The `error_uri`.
    #[must_use]
    pub fn uri(&self) -> Option<&str> {
        self.uri.as_deref()
    }

    /// The short name of the error: the `error` code, or what the body has in its place, such as a
    /// `code`, an `errorCode` or a problem's `title`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.error().or(self.code.as_deref())
    }

    /// The server's description of the error: the `error_description`, or what the body has in its
    /// place, such as a `message`, a problem's `detail` or the text of a page.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        let description = self.description().filter(|text| !text.is_empty());
        // A text in place of the code is not repeated.
        let message = self.message.as_deref().filter(|message| Some(*message) != self.error());
        description.or(message)
    }

    /// The server's words, wherever they are in the body.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        // Some servers write a sentence where the code belongs.
        let sentence = self.error().filter(|error| error.contains(' '));
        self.message().into_iter().chain(sentence).chain(self.members.values().map(String::as_str))
    }

    /// The `WWW-Authenticate` field (RFC 9110 §11.6.1): what the server would accept, and sometimes
    /// why it rejected this request.
    #[must_use]
    pub fn www_authenticate(&self) -> Option<&str> {
        self.www_authenticate.as_deref()
    }

    /// The other members of the body, at most 16: strings as they are, anything else as JSON.
    #[must_use]
    pub const fn members(&self) -> &BTreeMap<String, String> {
        &self.members
    }

    /// The header fields in which the server names this request, for a support ticket.
    #[must_use]
    pub fn correlation_ids(&self) -> &[(String, String)] {
        &self.correlation
    }

    /// How long the server asks clients to wait (`Retry-After`), at most a year.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The times of the assertion, if they may be the reason: the text mentions time, or the `Date`
    /// differs from this machine's time, and the client could not correct it.
    #[must_use]
    pub fn clock(&self) -> Option<&ClockMismatch> {
        self.clock.as_deref()
    }

    #[cfg(feature = "client")]
    pub(crate) fn set_clock(&mut self, clock: ClockMismatch) {
        self.clock = Some(Box::new(clock));
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if let Some(code) = self.code().filter(|code| !code.is_empty()) {
            write!(f, " {code}")?;
        }
        if let Some(message) = self.message() {
            write!(f, ": {message}")?;
        } else if self.code().is_none()
            && let Some(challenge) = self.www_authenticate()
        {
            write!(f, " [www-authenticate {challenge}]")?;
        }
        for (name, value) in &self.correlation {
            write!(f, " [{name} {value}]")?;
        }
        if let Some(clock) = &self.clock {
            write!(f, "; {clock}")?;
        }
        Ok(())
    }
}

/// A year, which can be added to any clock without overflow.
const LONGEST_PAUSE: Duration = Duration::from_secs(365 * 24 * 3600);

/// RFC 9110 §10.2.3: seconds, or a date on the server's clock (§6.6.1). If the response shows that
/// clock, the pause counts from its time.
fn retry_after(headers: &http::HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let text = |name| Some(headers.get(name)?.to_str().ok()?.trim());
    let value = text(http::header::RETRY_AFTER)?;
    if value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty() {
        // More digits than fit exceed the limit, too.
        return Some(value.parse().map_or(LONGEST_PAUSE, Duration::from_secs).min(LONGEST_PAUSE));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let since = text(http::header::DATE).and_then(|date| httpdate::parse_http_date(date).ok());
    let pause = until.duration_since(since.unwrap_or(SystemTime::from(now)));
    Some(pause.unwrap_or_default().min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(headers: &[(&str, &str)], body: &str) -> Refusal {
        let mut response = http::Response::builder().status(429);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let now = OffsetDateTime::from_unix_timestamp(784_111_777).unwrap(); // Sun, 06 Nov 1994 08:49:37 GMT
        Refusal::from_http(&response.body(body.as_bytes().to_vec()).unwrap(), now)
    }

    #[test]
    fn rfc9110_10_2_3_retry_after_is_seconds_or_a_date() {
        let after = |value| refusal(&[("retry-after", value)], "").retry_after();
        assert_eq!(after("120"), Some(Duration::from_secs(120)));
        assert_eq!(after("Sun, 06 Nov 1994 08:50:37 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(after("Sun, 06 Nov 1994 08:48:37 GMT"), Some(Duration::ZERO));
        assert_eq!(after("soon"), None);
        assert_eq!(after("-1"), None);
        assert_eq!(after("+1"), None);
        assert_eq!(after(""), None);
        for huge in ["18446744073709551615", "99999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            assert_eq!(after(huge), Some(LONGEST_PAUSE), "{huge}");
        }
    }

    #[test]
    fn rfc9110_6_6_1_a_date_to_come_back_at_is_one_of_the_servers_clock() {
        let after = |date| {
            let headers = [("retry-after", "Sun, 06 Nov 1994 08:59:37 GMT"), ("date", date)];
            refusal(&headers, "").retry_after()
        };
        assert_eq!(after("Sun, 06 Nov 1994 08:59:30 GMT"), Some(Duration::from_secs(7)));
        assert_eq!(after("Sun, 06 Nov 1994 09:00:00 GMT"), Some(Duration::ZERO));
        // Without a readable `Date`, the time counts as ours.
        assert_eq!(after("now"), Some(Duration::from_secs(600)));
    }

    #[test]
    fn unknown_members_and_correlation_ids_are_kept() {
        let refusal = refusal(
            &[("x-request-id", "r\u{1}1")].map(|(name, _)| (name, "r1")),
            r#"{"error":"invalid_client","error_description":"no\u001b[2J","error_codes":[700027],"trace_id":"t"}"#,
        );
        assert_eq!(refusal.to_string(), "429 invalid_client: no\\u{1b}[2J [x-request-id r1]");
        assert_eq!(refusal.members()["error_codes"], "[700027]");
        assert_eq!(refusal.members()["trace_id"], "t");
        assert!(refusal.is_verdict());
    }

    /// A 201 with a token is not a token response, and its token must not end up in a log.
    #[test]
    fn a_token_in_an_answer_that_is_none_is_not_kept() {
        let refusal = refusal(
            &[],
            r#"{"access_token":"short","details":[{"client_assertion":"a.b.c","code":7}],"token_type":"Bearer"}"#,
        );
        assert_eq!(refusal.members()["access_token"], "null");
        assert_eq!(refusal.members()["details"], r#"[{"client_assertion":null,"code":7}]"#);
        assert_eq!(refusal.members()["token_type"], "Bearer");
    }

    #[test]
    fn a_refusal_of_ping_one_in_the_words_of_its_platform() {
        let refusal = refusal(
            &[("correlation-id", "c0")],
            r#"{"id":"8f8d6f1e","code":"INVALID_DATA","message":"The request could not be completed.",
                "details":[{"code":"INVALID_VALUE","target":"client_assertion","message":"must be a JWT"}]}"#,
        );
        assert!(!refusal.is_verdict());
        assert_eq!((refusal.error(), refusal.description()), (None, None));
        assert_eq!(
            refusal.to_string(),
            "429 INVALID_DATA: The request could not be completed. (client_assertion: must be a JWT) [correlation-id c0]"
        );
        assert_eq!(refusal.members()["id"], "8f8d6f1e");
        assert_eq!(
            refusal.members()["details"],
            r#"[{"code":"INVALID_VALUE","message":"must be a JWT","target":"client_assertion"}]"#
        );
    }

    #[test]
    fn a_refusal_of_entra_with_its_codes_for_a_support_ticket() {
        let refusal = refusal(
            &[("x-ms-request-id", "m0")],
            r#"{"error":"invalid_client","error_description":"AADSTS700027: no key for the assertion.\r\nTrace ID: t0",
                "error_codes":[700027],"timestamp":"2026-11-24 08:00:00Z","trace_id":"t0","correlation_id":"c0",
                "error_uri":"https://login.microsoftonline.com/error?code=700027"}"#,
        );
        assert!(refusal.is_verdict());
        assert_eq!(refusal.error(), Some("invalid_client"));
        assert_eq!(
            refusal.to_string(),
            "429 invalid_client: AADSTS700027: no key for the assertion.\\u{d}\\u{a}Trace ID: t0 [x-ms-request-id m0]"
        );
        assert_eq!(refusal.uri(), Some("https://login.microsoftonline.com/error?code=700027"));
        let members: Vec<(&str, &str)> =
            refusal.members().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            members,
            [
                ("correlation_id", "c0"),
                ("error_codes", "[700027]"),
                ("timestamp", "2026-11-24 08:00:00Z"),
                ("trace_id", "t0")
            ]
        );
    }

    #[test]
    fn what_a_request_held_is_not_kept_when_it_comes_back() {
        let refusal = refusal(
            &[],
            r#"{"device_code":"short","x":{"code_verifier":"v","subject_token":"s","token":"t","actor_token":"a"}}"#,
        );
        assert_eq!(refusal.members()["device_code"], "null");
        assert_eq!(
            refusal.members()["x"],
            r#"{"actor_token":null,"code_verifier":null,"subject_token":null,"token":null}"#
        );
    }

    #[test]
    fn a_body_that_is_no_rfc6749_error_is_no_verdict() {
        for body in [
            "",
            "<html>",
            "[]",
            "{}",
            r#"{"error":{"code":1}}"#,
            r#"{"code":"ACCESS_FAILED"}"#,
            r#"{"error":"a","error":"a"}"#,
            r#"{"error":"invalid_client","#,
            r#"[{"error":7}]"#,
            "invalid_client",
            r#"{"status":429,"error":"Too Many Requests"}"#,
        ] {
            assert!(!refusal(&[], body).is_verdict(), "{body}");
        }
    }

    fn of_bytes(content_type: &str, body: &[u8]) -> Refusal {
        let response = http::Response::builder().status(400).header("content-type", content_type);
        Refusal::from_http(&response.body(body.to_vec()).unwrap(), OffsetDateTime::UNIX_EPOCH)
    }

    #[test]
    fn the_servers_own_words_come_through_whatever_they_are_written_in() {
        let json = "application/json";
        for (content_type, body, expected) in [
            (json, &b"{\"error\":\"invalid_client\",\"error_description\":\"one\ntwo\t\"}"[..], {
                "400 invalid_client: one\\u{a}two\\u{9}"
            }),
            (json, b"{\"error\":\"invalid_client\",\"error_description\":\"cl\xe9 inconnue\"}", {
                "400 invalid_client: cl\u{e9} inconnue"
            }),
            (
                json,
                "{\"error\":\"e\",\"error_description\":\"\u{e9}\u{20ac}\"}".as_bytes(),
                "400 e: \u{e9}\u{20ac}",
            ),
            (json, b"\xef\xbb\xbf{\"error\":\"e\"}", "400 e"),
            (json, br#"{"error":"e","error_description":""}"#, "400 e"),
            (json, br#"{"error":"e","error_description":["one","two"]}"#, "400 e: one (two)"),
            (json, br#"{"error":"No such client","error_code":"invalid_client"}"#, "400 No such client"),
            (json, br#"{"error":"e","error":"f","error_description":"d"}"#, "400 f: d"),
            (json, br#"{"error":"e","x":1,"x":2}"#, "400 e"),
            (json, br#"{"error":"e","error_description":"the half of"#, "400 e"),
            (json, br#"{"error":{"code":"AccessDenied","message":"The audience is wrong"}}"#, {
                "400 AccessDenied: The audience is wrong"
            }),
            (
                "application/problem+json",
                br#"{"type":"about:blank","title":"No","status":400,"detail":"why"}"#,
                { "400 No: why" },
            ),
            ("text/plain", b"Invalid client assertion: audience mismatch", {
                "400: Invalid client assertion: audience mismatch"
            }),
            ("text/plain", b"  \"a\" is\r\n\tnot known ", "400: \"a\" is not known"),
            ("text/plain", b"[invalid_client] no such client", "400: [invalid_client] no such client"),
            ("text/html", b"<title>Blocked</title><p>by policy 7", "400: Blocked: by policy 7"),
            (
                "application/x-www-form-urlencoded",
                b"error=invalid_client&error_description=no+such+client",
                "400 invalid_client: no such client",
            ),
            ("text/plain", b"error=invalid_client", "400 invalid_client"),
            ("text/plain", b"\0\x01\x02binary", "400"),
            ("application/gzip", b"\x1f\x8b\x08\0\0\0", "400"),
            (json, b"   ", "400"),
        ] {
            assert_eq!(of_bytes(content_type, body).to_string(), expected, "{}", body.escape_ascii());
        }
    }

    #[test]
    fn nothing_of_a_document_is_lost() {
        let members = |body: &str| {
            let members: Vec<String> = of_bytes("", body.as_bytes())
                .members()
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            members.join(" ")
        };
        assert_eq!(members(r#"{"error":{"code":1},"error_description":["d"],"error_uri":7}"#), {
            r#"error={"code":1} error_description=["d"] error_uri=7"#
        });
        assert_eq!(members("{\"error\":\"e\",\"trace\":\"a\nb\"}"), "trace=a\\u{a}b");
        assert_eq!(members(r#"{"error":"e","x":1,"x":2}"#), "x=2");
        assert_eq!(members(r#"[{"errorCode":"c","id":"i"},{"id":"j"}]"#), "errorCode=c id=i");
        assert_eq!(members("error=e&trace=t&access_token=secret"), "access_token=null trace=t");
    }

    #[test]
    fn what_came_back_of_the_request_is_not_shown() {
        let jwt = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJl";
        for body in [
            format!("grant_type=refresh_token&refresh_token=secret-1&client_assertion={jwt}"),
            format!("cannot parse grant_type=x&code=1;refresh_token=secret-1, token=secret-2 and {jwt}"),
            format!("<p>client_assertion={jwt}&amp;refresh_token=secret-1<p>token='secret-2'"),
            format!(r#"{{"message":"bad {jwt}","refresh_token":"secret-1","token":{{"x":"secret-2"}}"#),
            format!(r#"{{"message":"bad {jwt}","x":[{{"refresh_token":"secret-1"}}]}}"#),
            format!("error=e&refresh_token=secret-1&error_description={jwt}"),
        ] {
            let shown = format!("{0} {0:?}", of_bytes("", body.as_bytes()));
            assert!(
                !shown.contains("secret-") && !shown.contains("eyJ") && !shown.contains("c2ln"),
                "{shown}"
            );
        }
    }

    #[test]
    fn rfc9110_11_6_1_the_challenge_is_kept_and_shown_where_the_body_says_nothing() {
        let challenge = ("www-authenticate", r#"Basic realm="as""#);
        let second = ("www-authenticate", "Bearer error=\"invalid_token\"");
        let bare = refusal(&[challenge, second], "");
        let both = r#"Basic realm="as", Bearer error="invalid_token""#;
        assert_eq!(bare.www_authenticate(), Some(both));
        assert_eq!(bare.to_string(), format!("429 [www-authenticate {both}]"));
        let said = refusal(&[challenge], r#"{"error":"invalid_client"}"#);
        assert_eq!(said.www_authenticate(), Some(challenge.1));
        assert_eq!(said.to_string(), "429 invalid_client");
        assert_eq!(refusal(&[], "").www_authenticate(), None);
    }

    #[test]
    fn a_coding_that_nobody_asked_for_is_named() {
        let coded = refusal(&[("content-encoding", "GZIP")], "\u{1f}\u{8b}\u{8}\0");
        assert_eq!(coded.to_string(), "429: the body is encoded as gzip, which the client does not read");
        // The HTTP client decoded the body, but kept the header field.
        let undone = refusal(&[("content-encoding", "gzip")], r#"{"error":"invalid_client"}"#);
        assert_eq!(undone.to_string(), "429 invalid_client");
        assert_eq!(refusal(&[("content-encoding", "identity")], "no").to_string(), "429: no");
    }
}
