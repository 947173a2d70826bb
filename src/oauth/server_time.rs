//! The server's clock as shown by a response: its `Date`, or the `iat` of a JWT that the server has
//! just issued.

use http::HeaderMap;
use http::header::{AGE, DATE};
use time::{Duration, OffsetDateTime};

use super::TokenResponse;
use crate::jose::json::{self, Json};
use crate::jose::{base64url, jws};

/// A time on the server's clock, and the two times on our clock between which it was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerTime {
    server: OffsetDateTime,
    sent: OffsetDateTime,
    received: OffsetDateTime,
}

/// The server's clock, stored with the description of the server. The description is the same
/// regardless of when it was read, so all values are equal.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReadAt(pub(crate) Option<ServerTime>);

impl PartialEq for ReadAt {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for ReadAt {}

impl ServerTime {
    /// Reads the `Date` of a response (RFC 9110 §6.6.1) to a request with these times of sending
    /// and receiving. A cached response is as old as its `Age` (RFC 9111 §5.1). If the age is
    /// unreadable, the result is `None`.
    pub(crate) fn of_answer(
        headers: &HeaderMap,
        sent: OffsetDateTime,
        received: OffsetDateTime,
    ) -> Option<Self> {
        let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
        let mut server = OffsetDateTime::from(date);
        if let Some(age) = headers.get(AGE) {
            let age = age.to_str().ok()?.trim().parse::<u32>().ok()?;
            server = server.saturating_add(Duration::seconds(age.into()));
        }
        Some(Self { server, sent, received })
    }

    /// Reads the time of a response that contains a JWT. Its `iat` is not verified, so this is only
    /// a hint.
    pub(crate) fn of_tokens(
        response: &TokenResponse,
        sent: OffsetDateTime,
        received: OffsetDateTime,
    ) -> Option<Self> {
        let server = issued_at(response)?;
        Some(Self { server, sent, received })
    }

    /// The minimum and maximum by which the server's clock was ahead of ours: the server read its
    /// clock at some moment between the request and the response.
    pub(crate) fn ahead(self) -> (Duration, Duration) {
        // If the clock was set back in between, the second time is the earlier one.
        (self.server - self.received.max(self.sent), self.server - self.sent.min(self.received))
    }

    /// Converts our times to a clock that is behind by this difference.
    pub(crate) fn by_clock_behind(self, difference: Duration) -> Self {
        let Self { server, sent, received } = self;
        let by_other = |time: OffsetDateTime| time.saturating_sub(difference);
        Self { server, sent: by_other(sent), received: by_other(received) }
    }

    /// When the response arrived, by our clock.
    pub(crate) const fn received(self) -> OffsetDateTime {
        self.received
    }
}

/// The server's time when it responded, according to a JWT in the response. If a token's `exp`
/// minus `expires_in` differs from its `iat`, the token was backdated or cached, so it is ignored.
fn issued_at(response: &TokenResponse) -> Option<OffsetDateTime> {
    const SLACK: f64 = 2.0;
    let lives = response.expires_in().map(|lives| lives.as_secs_f64());
    let of_access_token = times(response.access_token().secret()).filter(|(iat, exp)| match (exp, lives) {
        (Some(exp), Some(lives)) => (exp - lives - iat).abs() <= SLACK,
        _ => true,
    });
    let (iat, _) = of_access_token.or_else(|| times(response.id_token()?))?;
    OffsetDateTime::UNIX_EPOCH.checked_add(Duration::checked_seconds_f64(iat.floor())?)
}

/// The `iat` and `exp` of a JWT, in seconds since 1970. `None` for any other token.
fn times(token: &str) -> Option<(f64, Option<f64>)> {
    let [_, payload, _] = jws::parts(token).ok()?;
    let payload = base64url::decode_secret("the token", payload).ok()?;
    let claims = json::read("the token", &payload).ok()?;
    let number = |claim| claims.get(claim).and_then(Json::number)?.as_f64();
    Some((number("iat")?, number("exp")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn ahead(headers: &[(&str, &str)], seconds: i64) -> Option<(i64, i64)> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        let time = ServerTime::of_answer(&map, SENT, SENT + Duration::seconds(seconds))?;
        let (least, most) = time.ahead();
        Some((least.whole_seconds(), most.whole_seconds()))
    }

    #[test]
    fn rfc9110_6_6_1_a_date_is_of_some_moment_of_the_request() {
        let minute = ("date", "Thu, 01 Jan 1970 00:01:00 GMT");
        assert_eq!(ahead(&[minute], 0), Some((60, 60)));
        assert_eq!(ahead(&[minute], 100), Some((-40, 60)));
        // The clock was set back between the two.
        assert_eq!(ahead(&[minute], -100), Some((60, 160)));
        for date in ["", "yesterday", "0", "Thu, 01 Jan 1970 25:01:00 GMT"] {
            assert_eq!(ahead(&[("date", date)], 0), None, "{date}");
        }
        assert_eq!(ahead(&[], 0), None);
    }

    #[test]
    fn rfc9111_5_1_a_cached_answer_is_as_old_as_its_age() {
        let aged = |age| ahead(&[("date", "Thu, 01 Jan 1970 00:01:00 GMT"), ("age", age)], 0);
        assert_eq!(aged("0"), Some((60, 60)));
        assert_eq!(aged("30"), Some((90, 90)));
        assert_eq!(aged(" 4294967295"), Some((4_294_967_355, 4_294_967_355)));
        for age in ["", "-1", "old", "1.5", "4294967296"] {
            assert_eq!(aged(age), None, "{age}");
        }
    }

    /// A response with these claims in its access token and in its ID token.
    fn shown(access: &str, id: Option<&str>, expires_in: Option<u32>) -> Option<i64> {
        let jwt = |claims: &str| format!("eyJhbGciOiJFUzI1NiJ9.{}.c2ln", base64url::encode(claims));
        let mut body = serde_json::json!({"access_token": access, "token_type": "Bearer"});
        if access.starts_with('{') {
            body["access_token"] = jwt(access).into();
        }
        if let Some(id) = id {
            body["id_token"] = jwt(id).into();
        }
        if let Some(expires_in) = expires_in {
            body["expires_in"] = expires_in.into();
        }
        let response = http::Response::new(body.to_string().into_bytes());
        let response = TokenResponse::from_http(response, SENT).unwrap();
        let time = ServerTime::of_tokens(&response, SENT, SENT)?;
        assert_eq!(time.ahead().0, time.ahead().1);
        Some(time.ahead().0.whole_seconds())
    }

    #[test]
    fn a_token_that_was_just_issued_shows_the_servers_time() {
        assert_eq!(shown(r#"{"iat":90,"exp":390}"#, None, Some(300)), Some(90));
        assert_eq!(shown(r#"{"iat":90.7,"exp":390}"#, None, Some(299)), Some(90));
        assert_eq!(shown(r#"{"iat":90}"#, None, Some(300)), Some(90));
        assert_eq!(shown(r#"{"iat":90,"exp":390}"#, None, None), Some(90));
        assert_eq!(shown("opaque", Some(r#"{"iat":91,"exp":95}"#), Some(300)), Some(91));
    }

    #[test]
    fn a_token_of_before_and_one_that_is_no_jwt_show_nothing() {
        // The access token is cached or backdated; the ID token is new.
        assert_eq!(shown(r#"{"iat":90,"exp":390}"#, None, Some(100)), None);
        assert_eq!(shown(r#"{"iat":90,"exp":990}"#, Some(r#"{"iat":92}"#), Some(600)), Some(92));
        for token in
            ["opaque", "a.b", "a.b.c", "a.b.c.d.e", r#"{"iat":"90"}"#, r#"{"exp":1}"#, r#"{"iat":1e300}"#]
        {
            assert_eq!(shown(token, None, None), None, "{token}");
        }
        assert_eq!(shown(r#"{"iat":90,"iat":90}"#, None, None), None);
    }
}
