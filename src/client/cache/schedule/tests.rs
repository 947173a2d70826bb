use super::*;
use crate::jose::{JoseError, KeyId};
use crate::oauth::{OAuthError, TokenResponse};
use crate::transport::TransportError;

const LIMIT: Duration = Duration::from_secs(70);
const MINUTE: Duration = Duration::from_secs(60);

fn at(milliseconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap() + time::Duration::milliseconds(milliseconds)
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Error {
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let response = response.body(body.as_bytes().to_vec()).unwrap();
    TokenResponse::from_http(response, at(0)).unwrap_err().into()
}

fn refused(code: &str) -> Error {
    answer(400, &[], &format!(r#"{{"error":"{code}"}}"#))
}

fn timeout() -> Error {
    TransportError::Timeout { host: "h".to_owned() }.into()
}

/// After one request that failed at 0, with the longest pauses.
fn failing(error: &Error, window: Option<Duration>) -> Schedule {
    let mut schedule = Schedule::default();
    let generation = schedule.begin(at(0));
    schedule.failed(generation, error, true, window, at(0), u64::MAX).unwrap();
    schedule
}

fn decide(schedule: &Schedule, phase: Phase, milliseconds: i64) -> Decision {
    schedule.decide(phase, LIMIT, at(milliseconds))
}

/// For how many milliseconds this is decided.
fn lasts(schedule: &Schedule, phase: Phase, decision: Decision) -> i64 {
    (0..100_000).find(|now| decide(schedule, phase, *now) != decision).unwrap()
}

#[test]
fn one_request_at_a_time_and_only_when_there_is_need() {
    let mut schedule = Schedule::default();
    assert_eq!(decide(&schedule, Phase::Fresh, 0), Decision::Serve);
    assert_eq!(decide(&schedule, Phase::Ageing, 0), Decision::ServeAndRenew);
    assert_eq!(decide(&schedule, Phase::Over, 0), Decision::RenewAndWait);
    let generation = schedule.begin(at(0));
    assert_eq!(decide(&schedule, Phase::Fresh, 1), Decision::Serve);
    assert_eq!(decide(&schedule, Phase::Ageing, 1), Decision::Serve);
    assert_eq!(decide(&schedule, Phase::Over, 1), Decision::Wait);
    schedule.succeeded(generation);
    // A token that was over when it came.
    assert_eq!(decide(&schedule, Phase::Over, 1), Decision::RenewAndWait);
}

#[test]
fn while_a_token_serves_the_pauses_double_within_the_time_that_there_is() {
    let mut schedule = Schedule::default();
    for pause in [3750, 7500, 15_000, 15_000] {
        let generation = schedule.begin(at(0));
        let told = schedule.failed(generation, &timeout(), true, Some(MINUTE), at(0), u64::MAX).unwrap();
        assert_eq!(told, Duration::from_millis(pause));
        let pause = i64::try_from(pause).unwrap();
        assert_eq!(decide(&schedule, Phase::Ageing, pause - 1), Decision::Serve);
        assert_eq!(decide(&schedule, Phase::Ageing, pause), Decision::ServeAndRenew);
        // Whoever has no token is not held up by that.
        assert_eq!(decide(&schedule, Phase::Over, 0), Decision::RenewAndWait);
    }
    // By chance it is up to a half shorter; for a token of 2 s it is a matter of milliseconds, and never more than a
    // minute.
    let pause = |window, random| {
        let mut schedule = Schedule::default();
        let generation = schedule.begin(at(0));
        schedule.failed(generation, &timeout(), true, Some(window), at(0), random).unwrap()
    };
    assert_eq!(pause(MINUTE, 0), Duration::from_millis(1875));
    assert_eq!(pause(Duration::from_millis(200), u64::MAX), Duration::from_micros(12_500));
    assert_eq!(pause(Duration::from_secs(86_400), u64::MAX), MINUTE);
    assert_eq!(pause(Duration::ZERO, u64::MAX), Duration::ZERO);
    // A success forgets them.
    let generation = schedule.begin(at(0));
    schedule.succeeded(generation);
    assert_eq!(schedule, Schedule { generation, succeeded: generation, ..Schedule::default() });
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
        Error::Key(KeyError::Signer("the HSM is out".into())),
        refused("invalid_scope"),
        refused("invalid_grant"),
    ] {
        let schedule = failing(&error, None);
        assert_eq!(lasts(&schedule, Phase::Over, Decision::Refuse), 1000, "{error}");
        assert_eq!(decide(&schedule, Phase::Over, 1000), Decision::RenewAndWait);
        assert_eq!(decide(&schedule, Phase::Fresh, 0), Decision::Serve);
    }
}

#[test]
fn a_refusal_that_stands_is_asked_for_ever_more_seldom() {
    for error in
        [refused("invalid_scope"), refused("invalid_grant"), answer(400, &[], ""), answer(403, &[], "no")]
    {
        let mut schedule = Schedule::default();
        for pause in [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000] {
            let generation = schedule.begin(at(0));
            schedule.failed(generation, &error, true, None, at(0), u64::MAX).unwrap();
            assert_eq!(lasts(&schedule, Phase::Over, Decision::Refuse), pause, "{error}");
        }
        // One that began while a token served is made again at once, for those who have none.
        let generation = schedule.begin(at(0));
        schedule.failed(generation, &error, true, Some(MINUTE), at(0), u64::MAX).unwrap();
        assert_eq!(decide(&schedule, Phase::Over, 0), Decision::RenewAndWait, "{error}");
        let generation = schedule.begin(at(0));
        schedule.succeeded(generation);
        let generation = schedule.begin(at(0));
        schedule.failed(generation, &error, true, None, at(0), u64::MAX).unwrap();
        assert_eq!(lasts(&schedule, Phase::Over, Decision::Refuse), 1000, "{error}");
    }
}

#[test]
fn a_refusal_is_not_asked_for_many_times_in_a_short_window() {
    let short = Some(Duration::from_millis(200));
    for (error, pause) in [(timeout(), 13), (answer(400, &[], ""), 1000), (answer(401, &[], ""), 1000)] {
        let schedule = failing(&error, short);
        assert_eq!(lasts(&schedule, Phase::Ageing, Decision::Serve), pause, "{error}");
    }
}

#[test]
fn a_token_that_comes_after_a_later_one_is_of_no_use() {
    let mut schedule = Schedule::default();
    let (first, second) = (schedule.begin(at(0)), schedule.begin(at(1)));
    assert!(schedule.succeeded(second));
    let third = schedule.begin(at(2));
    assert!(!schedule.succeeded(first));
    assert_eq!(decide(&schedule, Phase::Over, 2), Decision::Wait);
    assert!(schedule.succeeded(third));
}

#[test]
fn what_another_key_may_mend_is_not_repeated() {
    let Error::OAuth(OAuthError::Refused(refusal)) = refused("invalid_client") else { panic!() };
    let key_id = KeyId::from("k");
    for error in [
        Error::Key(KeyError::NoActiveKey),
        Error::Key(KeyError::Signing),
        refused("invalid_client"),
        answer(401, &[], ""),
        answer(401, &[("retry-after", "30")], ""),
        Error::Remembered { key_id, refusal, pause: Duration::from_secs(30) },
    ] {
        let schedule = failing(&error, None);
        assert_eq!(decide(&schedule, Phase::Over, 0), Decision::RenewAndWait, "{error}");
        // While a token serves there is no hurry.
        let schedule = failing(&error, Some(MINUTE));
        assert_eq!(lasts(&schedule, Phase::Ageing, Decision::Serve), 3750, "{error}");
    }
}

#[test]
fn retry_after_is_obeyed_up_to_a_minute() {
    for (status, seconds, expected) in
        [(429, "5", 5000), (503, "5", 5000), (503, "3600", 60_000), (503, "0", 1000)]
    {
        let schedule = failing(&answer(status, &[("retry-after", seconds)], ""), None);
        assert_eq!(lasts(&schedule, Phase::Over, Decision::Refuse), expected, "{status} {seconds}");
    }
    let schedule = failing(&answer(503, &[("retry-after", "20")], ""), Some(MINUTE));
    assert_eq!(lasts(&schedule, Phase::Ageing, Decision::Serve), 20_000);
    // Also when the token ends meanwhile.
    assert_eq!(lasts(&schedule, Phase::Over, Decision::Refuse), 20_000);
}

#[test]
fn a_request_that_is_never_heard_of_again_blocks_nothing() {
    let mut schedule = Schedule::default();
    let first = schedule.begin(at(0));
    assert_eq!(decide(&schedule, Phase::Over, 69_999), Decision::Wait);
    assert_eq!(decide(&schedule, Phase::Over, 70_000), Decision::RenewAndWait);
    let second = schedule.begin(at(70_000));
    // What it says at last does not end the next one.
    assert_eq!(schedule.failed(first, &timeout(), true, None, at(70_001), 0), None);
    schedule.lost(first, MINUTE);
    assert_eq!(decide(&schedule, Phase::Over, 70_001), Decision::Wait);
    schedule.lost(second, MINUTE);
    assert_eq!(decide(&schedule, Phase::Over, 70_001), Decision::RenewAndWait);
    // While a token serves it is no reason to hurry.
    assert_eq!(decide(&schedule, Phase::Ageing, 70_001), Decision::Serve);
    assert_eq!(decide(&schedule, Phase::Ageing, 73_750), Decision::ServeAndRenew);
    // It is lost once.
    schedule.lost(second, MINUTE);
    assert_eq!(schedule.failures, 1);
}

#[test]
fn a_clock_that_is_set_back_keeps_nobody_waiting() {
    let schedule = failing(&timeout(), None);
    assert_eq!(decide(&schedule, Phase::Over, -999), Decision::Refuse);
    assert_eq!(decide(&schedule, Phase::Over, -1000), Decision::RenewAndWait);
    let mut schedule = Schedule::default();
    schedule.begin(at(0));
    assert_eq!(decide(&schedule, Phase::Over, -70_000), Decision::RenewAndWait);
}
