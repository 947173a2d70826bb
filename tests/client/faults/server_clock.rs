//! A wrong clock, with servers like those in the field: with a `Date` and without, with an
//! explanation and without, with a minute of tolerance and with none.

use std::time::Duration;

use private_key_jwt::client::ErrorKind;
use private_key_jwt::oauth::{CodeVerifier, OAuthError};
use private_key_jwt::transport::Clock;
use private_key_jwt::{KeyRing, TokenClient, TokenRequest, TokenResponse};

use super::outcome::{a_token, error, es256, es384, get};
use super::simulation::{Judge, Simulated};
use crate::support::clean;
use crate::support::clock::TestClock;

fn freely() -> TokenRequest {
    TokenRequest::client_credentials("a")
}

fn code() -> TokenRequest {
    TokenRequest::authorization_code("c", "https://app.example/cb", &CodeVerifier::from_random(&[7; 32]))
}

fn refresh() -> TokenRequest {
    TokenRequest::refresh_token("r")
}

/// A server whose clock is ahead of the client's by this, and that judges times like this.
fn server(clock: &TestClock, seconds: i64, judge: Judge) -> Simulated {
    let server = Simulated::ahead(clock, &es256(), seconds);
    server.set(|state| state.judge = Some(judge));
    server
}

fn without_date(clock: &TestClock, seconds: i64, judge: Judge) -> Simulated {
    let server = server(clock, seconds, judge);
    server.set(|state| state.date_ahead = None);
    server
}

/// Like Keycloak: no `Date`, 15 s of tolerance for the future and none for the end, each with its
/// text.
fn keycloak(clock: &TestClock, seconds: i64) -> Simulated {
    without_date(clock, seconds, |age, left| match (age, left) {
        (..-15, _) => {
            Some((400, r#"{"error":"invalid_client","error_description":"Token was issued in the future"}"#))
        }
        (_, ..0) => Some((400, r#"{"error":"invalid_client","error_description":"Token is not active"}"#)),
        _ => None,
    })
}

/// Like Zitadel: a `Date`, 1 s of tolerance, and a code that is meant for grants.
const ZITADEL: Judge = |age, left| match (age, left) {
    (..-1, _) => {
        Some((400, r#"{"error":"invalid_grant","error_description":"issuedAt of token is in the future"}"#))
    }
    (_, ..-1) => Some((400, r#"{"error":"invalid_grant","error_description":"token has expired"}"#)),
    _ => None,
};

/// Like Apereo CAS: a `Date`, no tolerance, a code that is meant for grants, and no text.
const CAS: Judge = |age, left| (age < 0 || left < 0).then_some((400, r#"{"error":"invalid_grant"}"#));

/// Like Ory Hydra: a `Date`, no tolerance, and a server error in place of a refusal.
const HYDRA: Judge = |age, left| {
    let body = r#"{"error":"error","error_description":"The error is unrecognizable"}"#;
    (age < 0 || left < 0).then_some((500, body))
};

#[tokio::test]
async fn a_server_without_a_date_is_found_by_its_words_and_followed_by_its_tokens() {
    for (seconds, corrections) in
        [(-30, 1), (30, 0), (-60, 1), (60, 0), (-90, 2), (90, 1), (-150, 4), (150, 2), (-300, 4), (300, 3)]
    {
        for request in [freely(), code(), refresh()] {
            let clock = TestClock::skipping();
            let server = keycloak(&clock, seconds);
            server.set(|state| state.issues_jwts = true);
            let client = server.client(es256()).build().unwrap();
            assert_eq!(get(&client, &request).await, a_token(), "{seconds}");
            assert_eq!(server.requests(), (1 + corrections, 1), "{seconds}");
            for _ in 0..3 {
                assert_eq!(get(&client, &code()).await, a_token(), "{seconds}");
            }
            assert_eq!(server.requests(), (3, 3), "{seconds}");
            // Only the token showed how far the clock is off.
            let expires_at = client.assertion().await.unwrap().expires_at();
            let followed = if corrections == 0 { 0 } else { seconds };
            assert_eq!(expires_at, clock.now() + time::Duration::seconds(followed + 60), "{seconds}");
            assert!(clock.pauses().is_empty());
        }
    }
}

#[tokio::test]
async fn without_tokens_that_say_when_the_minute_that_worked_is_kept() {
    let clock = TestClock::skipping();
    let server = keycloak(&clock, -30);
    let client = server.client(es256()).build().unwrap();
    for requests in [2, 1, 1] {
        assert_eq!(get(&client, &freely()).await, a_token());
        assert_eq!(server.requests(), (requests, 1));
    }
    assert_eq!(client.assertion().await.unwrap().expires_at(), clock.now());
}

#[tokio::test]
async fn an_hour_without_a_date_is_an_error_that_names_the_clock_and_the_times() {
    for (seconds, text, moved) in
        [(-3600, "Token was issued in the future", -300), (3600, "Token is not active", 300)]
    {
        let clock = TestClock::skipping();
        let server = keycloak(&clock, seconds);
        let client = server.client(es256()).without_refusal_memory().build().unwrap();
        let error = clean(client.request(&freely()).await.unwrap_err());
        let refusal = error.refusal().unwrap();
        let mismatch = refusal.clock().unwrap();
        assert_eq!((mismatch.now(), mismatch.server_time()), (clock.now(), None));
        assert_eq!(mismatch.issued_at(), clock.now() + time::Duration::seconds(moved));
        assert_eq!(mismatch.expires_at(), mismatch.issued_at() + time::Duration::minutes(1));
        assert_eq!(refusal.description(), Some(text));
        let words = error.to_string();
        let expected = format!(
            "refused: 400 invalid_client: {text}; check the clock: this machine's says 2027-01-15T08:00:00Z, the assertion's iat is "
        );
        assert!(words.starts_with(&expected), "{words}");
        let expected = format!(" (the client moved both by {moved:+} s) (after 5 attempts)");
        assert!(words.ends_with(&expected), "{words}");
        assert_eq!(server.requests(), (5, 0));
        // The same if the refusal is remembered. The text does not change the clock for every call.
        let remembering = server.client(es256()).build().unwrap();
        remembering.request(&freely()).await.unwrap_err();
        let remembered = clean(remembering.request(&freely()).await.unwrap_err());
        assert!(
            matches!(remembered.kind(), ErrorKind::Remembered { refusal, .. } if refusal.clock().is_some())
        );
        assert_eq!(server.requests(), (5, 0));
        for _ in 0..3 {
            assert_eq!(get(&client, &freely()).await, crate::faults::outcome::error("Clock 400", 1));
        }
        assert_eq!(server.requests(), (3, 0));
        clock.move_by(time::Duration::minutes(1));
        assert_eq!(get(&client, &freely()).await, crate::faults::outcome::error("Clock 400", 5));
        server.set(|state| state.ahead = time::Duration::ZERO);
        assert_eq!(get(&client, &freely()).await, a_token());
    }
}

/// Keycloak says the same about an expired refresh token, with another code.
#[tokio::test]
async fn a_refresh_token_that_has_expired_is_not_taken_for_an_assertion() {
    let clock = TestClock::skipping();
    let server = keycloak(&clock, 0);
    let expired = (400, r#"{"error":"invalid_grant","error_description":"Token is not active"}"#);
    server.set(|state| state.instead = Some(expired));
    let client = server.client(es256()).build().unwrap();
    for request in [refresh(), code()] {
        assert_eq!(get(&client, &request).await, error("Refused 400", 1));
        assert_eq!(server.requests(), (1, 1));
    }
    let tokens = client.source_from(login(&clock));
    clock.move_by(time::Duration::minutes(10));
    assert!(matches!(
        clean(tokens.token().await.unwrap_err()).kind(),
        ErrorKind::GrantEnded { refusal: Some(_) }
    ));
}

fn login(clock: &TestClock) -> TokenResponse {
    let body = br#"{"access_token":"t","token_type":"Bearer","expires_in":300,"refresh_token":"r"}"#;
    TokenResponse::from_http(http::Response::new(body.to_vec()), clock.now()).unwrap()
}

/// RFC 6749 §5.2: a server that refuses has issued nothing, so a single-use grant may be sent
/// again.
#[tokio::test]
async fn no_client_is_locked_out_by_a_server_that_calls_it_invalid_grant() {
    for judge in [ZITADEL, CAS] {
        for seconds in [-299, -90, -30, 90, 299] {
            for request in [freely(), code(), refresh()] {
                let clock = TestClock::skipping();
                let server = server(&clock, seconds, judge);
                let client = server.client(es256()).build().unwrap();
                assert_eq!(get(&client, &request).await, a_token(), "{seconds} {request:?}");
                assert_eq!(server.requests(), (2, 1), "{seconds} {request:?}");
                assert_eq!(get(&client, &request).await, a_token());
                assert_eq!(server.requests(), (1, 1));
            }
        }
    }
    // Differences up to 1 s do not count, and the text says so.
    let clock = TestClock::skipping();
    let server = server(&clock, -2, ZITADEL);
    let client = server.client(es256()).build().unwrap();
    for requests in [2, 1] {
        assert_eq!(get(&client, &code()).await, a_token());
        assert_eq!(server.requests(), (requests, 1));
    }
    // Without a `Date` the words count, where they cannot be about a grant.
    for (seconds, expected, requests) in [(-30, a_token(), 2), (90, error("Refused 400", 1), 1)] {
        let server = without_date(&clock, seconds, ZITADEL);
        let client = server.client(es256()).build().unwrap();
        assert_eq!(get(&client, &code()).await, expected);
        assert_eq!(server.requests().0, requests);
    }
    // A client's request for itself contains no other grant.
    let server = without_date(&clock, 90, ZITADEL);
    let client = server.client(es256()).build().unwrap();
    assert_eq!(get(&client, &freely()).await, a_token());
}

/// Some servers fail with the status of a refusal, and some frameworks in front of them use its
/// name as the code.
#[tokio::test]
async fn what_is_good_once_is_not_sent_again_after_a_failure_or_without_a_code() {
    const ANSWERS: [(u16, &str); 5] = [
        (400, r#"{"error":"server_error"}"#),
        (400, r#"{"error":"temporarily_unavailable"}"#),
        (403, r#"{"status":403,"error":"Forbidden"}"#),
        (401, r#"{"error":"Unauthorized","message":"the token has expired"}"#),
        (400, ""),
    ];
    for answer in ANSWERS {
        for request in [code(), refresh()] {
            let clock = TestClock::skipping();
            let server = server(&clock, 30, ZITADEL);
            server.set(|state| state.instead = Some(answer));
            let client = server.client(es256()).build().unwrap();
            client.request(&request).await.unwrap_err();
            assert_eq!(server.requests().0, 1, "{answer:?}");
        }
    }
}

/// The refresh token is still valid if it was refused because of the clock.
#[tokio::test]
async fn a_clock_that_is_an_hour_off_ends_no_grant() {
    for seconds in [-3600, 3600] {
        let clock = TestClock::skipping();
        let server = server(&clock, seconds, ZITADEL);
        let client = server.client(es256()).build().unwrap();
        let tokens = client.source_from(login(&clock));
        clock.move_by(time::Duration::minutes(10));
        let error = clean(tokens.token().await.unwrap_err());
        let mismatch = error.refusal().unwrap().clock().unwrap();
        assert_eq!(mismatch.server_time(), Some(clock.now() + time::Duration::seconds(seconds)));
        assert!(error.to_string().contains(", the server's 2027-01-15T"), "{error}");
        server.set(|state| (state.ahead, state.date_ahead) = (time::Duration::ZERO, None));
        clock.move_by(time::Duration::minutes(10));
        assert_eq!(tokens.token().await.unwrap().secret(), "AT", "{seconds}");
    }
}

#[tokio::test]
async fn a_server_that_fails_over_the_time_is_asked_again_with_its_own() {
    for seconds in [-300, -30, -2, 90, 300] {
        let clock = TestClock::skipping();
        let server = server(&clock, seconds, HYDRA);
        let client = server.client(es256()).build().unwrap();
        assert_eq!(get(&client, &freely()).await, a_token(), "{seconds}");
        assert_eq!(server.requests(), (2, 1), "{seconds}");
        assert_eq!(get(&client, &code()).await, a_token(), "{seconds}");
        assert_eq!(server.requests(), (1, 1), "{seconds}");
    }
    // A single-use grant may have been used before the failure. The next call is right.
    for seconds in [-300, -30, 90, 300] {
        let clock = TestClock::skipping();
        let server = server(&clock, seconds, HYDRA);
        let client = server.client(es256()).build().unwrap();
        let error = clean(client.request(&refresh()).await.unwrap_err());
        let ErrorKind::OAuth(OAuthError::Unavailable(answer)) = error.kind() else { panic!("{error:?}") };
        assert_eq!((answer.status(), answer.clock().is_some()), (500, true));
        assert_eq!(server.requests(), (1, 0));
        assert_eq!(get(&client, &refresh()).await, a_token(), "{seconds}");
        assert_eq!(server.requests(), (1, 1), "{seconds}");
    }
    // Any other failure is retried once at most, and only if the clocks differ.
    for (seconds, requests) in [(0, 1), (30, 2)] {
        let clock = TestClock::skipping();
        let server = server(&clock, seconds, |_, _| Some((500, "")));
        let client = server.client(es256()).build().unwrap();
        assert_eq!(get(&client, &freely()).await, error("Unavailable 500", requests), "{seconds}");
        assert_eq!(server.requests().0, usize::try_from(requests).unwrap());
    }
}

#[tokio::test]
async fn after_discovery_the_first_assertion_is_right() {
    for judge in [ZITADEL, CAS, HYDRA] {
        for seconds in [-299, -30, 30, 299] {
            for age in [None, Some(0), Some(100_000)] {
                for request in [freely(), code(), refresh()] {
                    let clock = TestClock::skipping();
                    let server = server(&clock, seconds, judge);
                    server.set(|state| state.age = age);
                    let client = server.discovered(es256()).await.build().unwrap();
                    assert_eq!(get(&client, &request).await, a_token(), "{seconds} {age:?}");
                    assert_eq!(server.requests(), (1, 1), "{seconds} {age:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_date_of_discovery_costs_one_request() {
    for seconds in [-180, 180] {
        for date_of_answers in [None, Some(0), Some(seconds)] {
            for request in [freely(), code()] {
                let clock = TestClock::skipping();
                let server = server(&clock, 0, ZITADEL);
                server.set(|state| state.date_ahead = Some(time::Duration::seconds(seconds)));
                let client = server.discovered(es256()).await.build().unwrap();
                server.set(|state| state.date_ahead = date_of_answers.map(time::Duration::seconds));
                assert_eq!(get(&client, &request).await, a_token(), "{seconds} {date_of_answers:?}");
                assert_eq!(server.requests(), (2, 1), "{seconds} {date_of_answers:?}");
                for _ in 0..3 {
                    assert_eq!(get(&client, &request).await, a_token(), "{seconds} {date_of_answers:?}");
                }
                assert_eq!(server.requests(), (3, 3), "{seconds} {date_of_answers:?}");
            }
        }
    }
    // A `Date` that is too far off, or unreadable, shows nothing.
    for (seconds, age) in [(301, None), (-301, None), (86_400, Some(0))] {
        let clock = TestClock::skipping();
        let server = server(&clock, 0, ZITADEL);
        server.set(|state| (state.date_ahead, state.age) = (Some(time::Duration::seconds(seconds)), age));
        let client = server.discovered(es256()).await.build().unwrap();
        server.set(|state| state.date_ahead = None);
        assert_eq!(get(&client, &code()).await, a_token());
        assert_eq!(server.requests(), (1, 1));
    }
}

/// A key that the server does not know yet is more likely than two wrong dates.
#[tokio::test]
async fn an_offset_of_discovery_does_not_stand_before_the_key_before() {
    let clock = TestClock::skipping();
    let server = server(&clock, 90, ZITADEL);
    let ring = KeyRing::from(es256());
    ring.publish(es384(), clock.now() - KeyRing::PROPAGATION).unwrap();
    ring.activate(es384().key_id(), clock.now()).unwrap();
    let client = server.discovered(ring).await.build().unwrap();
    assert_eq!(get(&client, &freely()).await, a_token());
    assert_eq!(server.requests(), (2, 1));
}

#[tokio::test]
async fn an_attempt_after_a_pause_follows_the_date_of_the_one_before() {
    let clock = TestClock::skipping();
    let server = server(&clock, -30, CAS);
    server.set(|state| state.judge = Some(|_, _| Some((503, ""))));
    let paused = {
        let server = server.clone();
        TestClock::calling(move |_| server.set(|state| state.judge = Some(CAS)))
    };
    let client = server.client(es256()).clock(paused).build().unwrap();
    assert_eq!(get(&client, &freely()).await, a_token());
    assert_eq!(server.requests(), (2, 1));
}

/// Whatever it says: five requests per call, and none for a minute after that.
#[tokio::test]
async fn hostile_words_buy_a_handful_of_requests() {
    let judges: [Judge; 3] = [
        |_, _| Some((401, r#"{"error":"x y","error_description":"from the future, expired"}"#)),
        |_, _| Some((400, r#"{"error":"invalid_client","error_description":"expired"}"#)),
        |age, _| match age {
            ..0 => Some((400, r#"{"error_description":"expired"}"#)),
            0.. => Some((400, r#"{"error_description":"not yet valid"}"#)),
        },
    ];
    for judge in judges {
        let clock = TestClock::skipping();
        let server = without_date(&clock, 0, judge);
        let client = server.client(es256()).without_refusal_memory().build().unwrap();
        for _ in 0..60 {
            client.request(&freely()).await.unwrap_err();
            clock.move_by(time::Duration::seconds(1));
        }
        let (requests, good) = server.requests();
        assert!((60..=64).contains(&requests) && good == 0, "{requests}");
        let moved = client.assertion().await.unwrap().issued_at() - clock.now();
        assert_eq!(moved, time::Duration::ZERO);
    }
}

#[tokio::test]
async fn without_time_correction_nothing_is_tried_or_said() {
    let clock = TestClock::skipping();
    let off = |client: private_key_jwt::client::TokenClientBuilder| {
        client.without_time_correction().without_refusal_memory().build().unwrap()
    };
    let tried = async |client: TokenClient, server: &Simulated, words: &str| {
        for request in [freely(), code()] {
            assert_eq!(get(&client, &request).await, error(words, 1));
            assert_eq!(server.requests(), (1, 0));
        }
        assert_eq!(client.assertion().await.unwrap().issued_at(), clock.now());
    };
    let server_30 = keycloak(&clock, -30);
    tried(off(server_30.client(es256())), &server_30, "Refused 400").await;
    for (judge, words) in [(ZITADEL, "Refused 400"), (HYDRA, "Unavailable 500")] {
        let server = server(&clock, -30, judge);
        tried(off(server.client(es256())), &server, words).await;
        tried(off(server.discovered(es256()).await), &server, words).await;
    }
}

#[tokio::test]
async fn no_time_is_left_for_a_correction() {
    let clock = TestClock::skipping();
    let server = keycloak(&clock, -30);
    let client = server.client(es256()).deadline(Duration::ZERO).build().unwrap();
    let (words, _) = get(&client, &freely()).await;
    assert!(["Clock 400", "Timeout"].contains(&&*words), "{words}");
}
