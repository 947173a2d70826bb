use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use time::OffsetDateTime;

use super::text::safe;
use crate::jose::json;

/// What a server said instead of a token: the status, the RFC 6749 §5.2 members where the body has them, and what
/// helps a support ticket.
///
/// Every text is safe to log: control characters are escaped, 512 characters at most, whatever looks like a token is
/// masked, and members that are known to hold one are `null`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: u16,
    error: Option<String>,
    description: Option<String>,
    uri: Option<String>,
    members: BTreeMap<String, String>,
    correlation: Vec<(String, String)>,
    retry_after: Option<Duration>,
}

impl Refusal {
    /// Header fields by which servers name a request.
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
    /// Members that belong into a success, or back to the client: they are passed over, at any depth.
    const SECRET: [&str; 12] = [
        "access_token",
        "refresh_token",
        "id_token",
        "client_assertion",
        "assertion",
        "client_secret",
        "token",
        "subject_token",
        "actor_token",
        "device_code",
        "code_verifier",
        "request_uri",
    ];
    /// The most unknown members that are kept.
    const MAX_MEMBERS: usize = 16;

    pub(super) fn from_http(response: &http::Response<Vec<u8>>, now: OffsetDateTime) -> Self {
        let mut members =
            json::object_without("an error response", response.body(), &Self::SECRET).unwrap_or_default();
        let mut text = |member: &str| match members.remove(member) {
            Some(serde_json::Value::String(text)) => Some(safe(&text)),
            _ => None,
        };
        let (error, description, uri) = (text("error"), text("error_description"), text("error_uri"));
        Self {
            status: response.status().as_u16(),
            error,
            description,
            uri,
            members: members
                .iter()
                .take(Self::MAX_MEMBERS)
                .map(|(name, value)| {
                    (
                        safe(name),
                        safe(value.as_str().map_or_else(|| value.to_string(), str::to_owned).as_str()),
                    )
                })
                .collect(),
            correlation: Self::correlation_of(response.headers()),
            retry_after: retry_after(response.headers(), now),
        }
    }

    /// The header fields by which a server names a request, safe to log.
    pub(crate) fn correlation_of(headers: &http::HeaderMap) -> Vec<(String, String)> {
        Self::CORRELATION
            .into_iter()
            .filter_map(|name| {
                let value = headers.get(name)?;
                Some((name.to_owned(), safe(&String::from_utf8_lossy(value.as_bytes()))))
            })
            .collect()
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Whether the body is one of RFC 6749 §5.2: the authorization server itself decided, and not something before it.
    #[must_use]
    pub const fn is_verdict(&self) -> bool {
        self.error.is_some()
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

    /// The other members of the body: strings as they are, anything else as JSON; 16 at most.
    #[must_use]
    pub const fn members(&self) -> &BTreeMap<String, String> {
        &self.members
    }

    /// The header fields by which the server names this request, for a support ticket.
    #[must_use]
    pub fn correlation_ids(&self) -> &[(String, String)] {
        &self.correlation
    }

    /// How long the server wants to be left alone (`Retry-After`); a year at most.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        // PingOne's platform has its own names for the two, where something else than its token endpoint answers.
        if let Some(error) = self.error.as_ref().or_else(|| self.members.get("code")) {
            write!(f, " {error}")?;
        }
        if let Some(description) = self.description.as_ref().or_else(|| self.members.get("message")) {
            write!(f, ": {description}")?;
        }
        for (name, value) in &self.correlation {
            write!(f, " [{name} {value}]")?;
        }
        Ok(())
    }
}

/// A year: a time that far ahead can be added to any clock.
const LONGEST_PAUSE: Duration = Duration::from_secs(365 * 24 * 3600);

/// RFC 9110 §10.2.3: seconds, or a date, which is one of the server's clock (§6.6.1): where that shows, it counts from there.
fn retry_after(headers: &http::HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let text = |name| Some(headers.get(name)?.to_str().ok()?.trim());
    let value = text(http::header::RETRY_AFTER)?;
    if value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty() {
        // More digits than fit are more than the limit, too.
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
        // Without a date that can be read, it is taken for ours.
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

    /// A 201 with a token in it is no token response, and its token no text for a log.
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
            "429 INVALID_DATA: The request could not be completed. [correlation-id c0]"
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
        for body in ["", "<html>", "[]", "{}", r#"{"error":{"code":1}}"#, r#"{"code":"ACCESS_FAILED"}"#] {
            assert!(!refusal(&[], body).is_verdict(), "{body}");
        }
    }
}
