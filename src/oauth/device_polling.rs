use std::time::Duration;

use time::OffsetDateTime;

use super::{DeviceAuthorization, OAuthError, Retry};

/// When to poll for the token again (RFC 8628 §3.5). It depends only on what the server said and on
/// the time. The caller does the waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DevicePolling {
    interval: Duration,
    /// The minimum pause before the next poll only (`Retry-After`).
    at_least: Duration,
    expires_at: OffsetDateTime,
}

impl DevicePolling {
    const SLOWER_BY: Duration = Duration::from_secs(5);

    /// Creates the state before the first poll.
    #[must_use]
    pub const fn new(authorization: &DeviceAuthorization) -> Self {
        let (interval, expires_at) = (authorization.interval(), authorization.expires_at());
        Self { interval, at_least: Duration::ZERO, expires_at }
    }

    /// How long to wait before the next poll.
    ///
    /// # Errors
    ///
    /// [`OAuthError::DeviceCodeExpired`] if the codes will have expired by then.
    pub fn pause(&self, now: OffsetDateTime) -> Result<Duration, OAuthError> {
        let pause = self.interval.max(self.at_least);
        let next = time::Duration::try_from(pause).map(|pause| now.saturating_add(pause));
        match next {
            Ok(next) if next < self.expires_at => Ok(pause),
            _ => Err(OAuthError::DeviceCodeExpired),
        }
    }

    /// Processes a response without a token. Polling continues after `authorization_pending`, slows
    /// down by 5 s after `slow_down`, and ends with any other `error`, regardless of the status. If
    /// there is no `error` and the server was unavailable, polling slows down, or waits once for as
    /// long as the server says.
    ///
    /// # Errors
    ///
    /// [`OAuthError::DeviceCodeExpired`] for `expired_token`; every other error, such as
    /// `access_denied` or `server_error`, unchanged.
    pub fn after(self, answer: OAuthError) -> Result<Self, OAuthError> {
        if let OAuthError::Refused(refusal) | OAuthError::Unavailable(refusal) = &answer
            && let Some(error) = refusal.error().filter(|_| refusal.is_verdict())
        {
            return match error {
                "authorization_pending" => Ok(self.with(self.interval)),
                "slow_down" => Ok(self.slower(refusal.retry_after())),
                "expired_token" => Err(OAuthError::DeviceCodeExpired),
                _ => Err(answer),
            };
        }
        match answer.retry() {
            Retry::Never => Err(answer),
            Retry::BackOff => Ok(self.after_no_answer()),
            Retry::After(pause) => Ok(Self { at_least: pause, ..self }),
        }
    }

    /// Whether polling ends with this response, by the rules of [`after`](Self::after).
    #[cfg(feature = "client")]
    pub(crate) fn ends(answer: &OAuthError) -> bool {
        let any = Self {
            interval: Duration::ZERO,
            at_least: Duration::ZERO,
            expires_at: OffsetDateTime::UNIX_EPOCH,
        };
        any.after(answer.clone()).is_err()
    }

    fn slower(self, at_least: Option<Duration>) -> Self {
        let slower = self.with(self.interval.saturating_add(Self::SLOWER_BY));
        Self { at_least: at_least.unwrap_or_default(), ..slower }
    }

    /// Processes a missing response: doubles the interval (RFC 8628 §3.5).
    #[must_use]
    pub const fn after_no_answer(self) -> Self {
        self.with(self.interval.saturating_mul(2))
    }

    const fn with(self, interval: Duration) -> Self {
        Self { interval, at_least: Duration::ZERO, expires_at: self.expires_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::answer::failure;
    use crate::oauth::text::Masking;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    /// The state before the first poll, with codes that expire after a minute.
    fn polling(more: &str) -> DevicePolling {
        let body = format!(
            r#"{{"device_code":"d","user_code":"u","verification_uri":"https://as.example/","expires_in":60{more}}}"#
        );
        let codes = DeviceAuthorization::from_http(http::Response::new(body.into_bytes()), NOW);
        DevicePolling::new(&codes.unwrap())
    }

    fn refused(error: &str) -> OAuthError {
        let body = format!(r#"{{"error":"{error}"}}"#).into_bytes();
        failure(&http::Response::builder().status(400).body(body).unwrap(), NOW, &Masking::default())
    }

    #[test]
    fn rfc8628_3_5_pending_goes_on_slow_down_goes_slower_and_the_rest_ends_it() {
        let seconds = Duration::from_secs;
        let polling = polling("");
        assert_eq!(polling.pause(NOW).unwrap(), seconds(5));
        let pending = polling.after(refused("authorization_pending")).unwrap();
        assert_eq!(pending, polling);
        let slower = pending.after(refused("slow_down")).unwrap().after(refused("slow_down")).unwrap();
        assert_eq!(slower.pause(NOW).unwrap(), seconds(15));
        assert_eq!(slower.after_no_answer().pause(NOW).unwrap(), seconds(30));
        let busy = http::Response::builder().status(503).body(Vec::new()).unwrap();
        assert_eq!(
            polling.after(failure(&busy, NOW, &Masking::default())).unwrap().pause(NOW).unwrap(),
            seconds(10)
        );
        assert!(matches!(polling.after(refused("expired_token")), Err(OAuthError::DeviceCodeExpired)));
        for error in ["access_denied", "invalid_client", "invalid_grant"] {
            let Err(OAuthError::Refused(refusal)) = polling.after(refused(error)) else { panic!("{error}") };
            assert_eq!(refusal.error(), Some(error));
        }
    }

    fn answer(status: u16, body: &str) -> OAuthError {
        let response = http::Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap();
        failure(&response, NOW, &Masking::default())
    }

    #[test]
    fn rfc8628_3_5_any_other_error_ends_it_whatever_its_status() {
        let seconds = Duration::from_secs;
        let polling = polling("");
        for (status, error) in
            [(500, "server_error"), (503, "temporarily_unavailable"), (429, "access_denied"), (404, "e")]
        {
            let refused = polling.after(answer(status, &format!(r#"{{"error":"{error}"}}"#))).unwrap_err();
            assert_eq!(refused.to_string(), format!("the server answered {status} {error}"));
        }
        // The two codes count with any status.
        let pending = polling.after(answer(429, r#"{"error":"authorization_pending"}"#)).unwrap();
        assert_eq!(pending, polling);
        let slower = polling.after(answer(429, r#"{"error":"slow_down"}"#)).unwrap();
        assert_eq!(slower.pause(NOW).unwrap(), seconds(10));
        let ended = polling.after(answer(500, r#"{"error":"expired_token"}"#));
        assert!(matches!(ended, Err(OAuthError::DeviceCodeExpired)));
        // No code: the server was unavailable.
        for (status, body) in [
            (500, ""),
            (502, "<title>Bad Gateway</title>"),
            (503, r#"{"message":"busy"}"#),
            (503, r#"{"status":503,"error":"Service Unavailable","path":"/token"}"#),
            (500, r#"{"error":"Internal Server Error"}"#),
            (408, ""),
            (425, ""),
            (429, r#"{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit"}"#),
        ] {
            let later = polling.after(answer(status, body)).unwrap();
            assert_eq!(later.pause(NOW).unwrap(), seconds(10), "{status} {body}");
        }
        for (status, body) in [(404, ""), (400, r#"{"errorCode":"E1"}"#), (401, ""), (403, "<html>")] {
            assert!(polling.after(answer(status, body)).is_err(), "{status} {body}");
        }
    }

    /// Some servers answer every poll with 200, even with an error.
    #[test]
    fn a_200_with_an_error_is_an_answer_like_any_other() {
        let answer = |error: &str| {
            let body = format!(r#"{{"error":"{error}","error_description":"d","interval":10}}"#).into_bytes();
            crate::oauth::TokenResponse::from_http(http::Response::new(body), NOW).unwrap_err()
        };
        let polling = polling("");
        assert_eq!(polling.after(answer("authorization_pending")).unwrap(), polling);
        let slower = polling.after(answer("slow_down")).unwrap();
        assert_eq!(slower.pause(NOW).unwrap(), Duration::from_secs(10));
        let refused = polling.after(answer("incorrect_device_code")).unwrap_err();
        assert_eq!(refused.to_string(), "refused: 200 incorrect_device_code: d");
    }

    /// Otherwise one busy moment of the server would keep a user who has logged in waiting until
    /// the codes expire.
    #[test]
    fn rfc9110_10_2_3_a_retry_after_is_for_the_next_question_alone() {
        let seconds = Duration::from_secs;
        let polling = polling("");
        let busy = |retry_after: &str| {
            let answer = http::Response::builder().status(503).header("retry-after", retry_after);
            failure(&answer.body(Vec::new()).unwrap(), NOW, &Masking::default())
        };
        let later = polling.after(busy("20")).unwrap();
        assert_eq!(later.pause(NOW).unwrap(), seconds(20));
        assert_eq!(later.after(refused("authorization_pending")).unwrap(), polling);
        let slower = later.after(refused("slow_down")).unwrap();
        assert_eq!(slower.pause(NOW).unwrap(), seconds(10));
        assert_eq!(later.after_no_answer().pause(NOW).unwrap(), seconds(10));
        assert_eq!(polling.after(busy("1")).unwrap().pause(NOW).unwrap(), seconds(5));
        assert!(matches!(polling.after(busy("60")).unwrap().pause(NOW), Err(OAuthError::DeviceCodeExpired)));
    }

    /// Otherwise the client would poll without a pause if a server sends zero or is down.
    #[test]
    fn a_pause_is_a_second_at_least() {
        for interval in ["0", "0.5", "-0.0"] {
            let polling = polling(&format!(r#","interval":{interval}"#));
            assert_eq!(polling.pause(NOW).unwrap(), Duration::from_secs(1), "{interval}");
            assert_eq!(polling.after_no_answer().pause(NOW).unwrap(), Duration::from_secs(2), "{interval}");
        }
    }

    #[test]
    fn nothing_is_asked_once_the_codes_have_ended_whatever_the_server_wants() {
        let polling = polling("");
        assert!(polling.pause(NOW + Duration::from_secs(54)).is_ok());
        for ended in [55, 60, 1 << 40] {
            let now = NOW.saturating_add(time::Duration::seconds(ended));
            assert!(matches!(polling.pause(now), Err(OAuthError::DeviceCodeExpired)), "{ended}");
        }
        let never = self::polling(r#","interval":1e300"#);
        assert!(matches!(never.pause(NOW), Err(OAuthError::DeviceCodeExpired)));
    }
}
