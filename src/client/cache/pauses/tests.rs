use super::*;
use crate::jose::{JoseError, KeyId};
use crate::oauth::{OAuthError, TokenResponse};
use crate::transport::TransportError;

const MINUTE: Duration = Duration::from_secs(60);

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Error {
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let response = response.body(body.as_bytes().to_vec()).unwrap();
    TokenResponse::from_http(response, time::OffsetDateTime::UNIX_EPOCH).unwrap_err().into()
}

fn refused(code: &str) -> Error {
    answer(400, &[], &format!(r#"{{"error":"{code}"}}"#))
}

fn timeout() -> Error {
    TransportError::Timeout { host: "h".to_owned() }.into()
}

/// In milliseconds, while a token serves and while none does.
fn milliseconds(pause: Pause) -> [u128; 2] {
    [pause.serving, pause.waiting].map(|pause| pause.as_millis())
}

/// The longest pauses after the first failure.
fn first(error: &Error, window: Option<Duration>) -> [u128; 2] {
    let failure = Failure { error: Some(error), failures: 1, window };
    milliseconds(pause_after(&failure, &mut 0, true, u64::MAX))
}

#[test]
fn while_a_token_serves_the_pauses_double_within_the_time_that_there_is() {
    let error = timeout();
    let pause = |failures, window, random| {
        let failure = Failure { error: Some(&error), failures, window: Some(window) };
        pause_after(&failure, &mut 0, true, random)
    };
    for (failures, serving) in [(1, 3750), (2, 7500), (3, 15_000), (4, 15_000), (u32::MAX, 15_000)] {
        // That does not delay callers without a token.
        assert_eq!(milliseconds(pause(failures, MINUTE, u64::MAX)), [serving, 0], "{failures}");
    }
    // Randomly, it is up to half shorter. For a token of 2 s it is a matter of milliseconds, and it
    // is never more than a minute.
    let serving = |window, random| pause(1, window, random).serving;
    assert_eq!(serving(MINUTE, 0), Duration::from_millis(1875));
    assert_eq!(serving(Duration::from_millis(200), u64::MAX), Duration::from_micros(12_500));
    assert_eq!(serving(Duration::from_secs(86_400), u64::MAX), MINUTE);
    assert_eq!(serving(Duration::ZERO, u64::MAX), Duration::ZERO);
}

#[test]
fn when_none_serves_a_failure_is_repeated_for_a_second() {
    let host = || "h".to_owned();
    let response = |reason| OAuthError::Response { what: "w", reason, content_type: None };
    for error in [
        timeout(),
        TransportError::Connect { host: host(), source: "refused".into() }.into(),
        answer(503, &[], ""),
        answer(404, &[], ""),
        response(JoseError::NotAnObject { what: "w" }).into(),
        KeyError::Signer("the HSM is out".into()).into(),
        refused("invalid_scope"),
        refused("invalid_grant"),
    ] {
        assert_eq!(first(&error, None)[1], 1000, "{error}");
    }
}

#[test]
fn a_refusal_that_stands_is_asked_for_ever_more_seldom() {
    for error in
        [refused("invalid_scope"), refused("invalid_grant"), answer(400, &[], ""), answer(403, &[], "no")]
    {
        let mut refusals = 0;
        let mut waiting = |failures, window| {
            let failure = Failure { error: Some(&error), failures, window };
            milliseconds(pause_after(&failure, &mut refusals, true, u64::MAX))[1]
        };
        for (failures, pause) in (1..).zip([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]) {
            assert_eq!(waiting(failures, None), pause, "{error}");
        }
        // A request that began while a token was valid is repeated at once for callers without one.
        assert_eq!(waiting(9, Some(MINUTE)), 0, "{error}");
        assert_eq!(refusals, 8);
    }
    // Other failures do not count.
    let mut refusals = 0;
    for (failures, error, pause) in [(1, timeout(), 1000), (2, timeout(), 1000), (3, refused("x"), 1000)] {
        let failure = Failure { error: Some(&error), failures, window: None };
        assert_eq!(milliseconds(pause_after(&failure, &mut refusals, true, u64::MAX))[1], pause);
    }
}

#[test]
fn a_refusal_is_not_asked_for_many_times_in_a_short_window() {
    let short = Some(Duration::from_millis(200));
    for (error, pause) in [(timeout(), 12), (answer(400, &[], ""), 1000), (answer(401, &[], ""), 1000)] {
        assert_eq!(first(&error, short)[0], pause, "{error}");
    }
}

#[test]
fn what_another_key_may_mend_is_not_repeated() {
    let refusal = Box::new(refused("invalid_client").refusal().unwrap().clone());
    let key_id = KeyId::from("k");
    for error in [
        KeyError::NoActiveKey.into(),
        KeyError::Signing.into(),
        refused("invalid_client"),
        answer(401, &[], ""),
        answer(401, &[("retry-after", "30")], ""),
        ErrorKind::Remembered { key_id, refusal, pause: Duration::from_secs(30) }.into(),
    ] {
        assert_eq!(first(&error, None)[1], 0, "{error}");
        // While a token is valid, there is no hurry.
        assert_eq!(first(&error, Some(MINUTE))[0], 3750, "{error}");
    }
}

#[test]
fn retry_after_is_obeyed_up_to_a_minute() {
    for (status, seconds, expected) in
        [(429, "5", 5000), (503, "5", 5000), (503, "3600", 60_000), (503, "0", 1000)]
    {
        let error = answer(status, &[("retry-after", seconds)], "");
        assert_eq!(first(&error, None)[1], expected, "{status} {seconds}");
    }
    // This holds even if the token expires meanwhile.
    assert_eq!(first(&answer(503, &[("retry-after", "20")], ""), Some(MINUTE)), [20_000; 2]);
}

#[test]
fn a_lost_request_delays_no_caller_without_a_token() {
    let lost = |window| {
        let failure = Failure { error: None, failures: 1, window };
        milliseconds(pause_after(&failure, &mut 0, true, 0))
    };
    assert_eq!(lost(Some(MINUTE)), [3750, 0]);
    assert_eq!(lost(None), [0, 0]);
}
