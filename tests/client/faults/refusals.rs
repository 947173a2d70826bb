//! How a client handles a refusal: one correction at most, or it remembers the refusal.

use std::time::Duration;

use private_key_jwt::client::ErrorKind;
use private_key_jwt::oauth::{CodeVerifier, Retry};
use private_key_jwt::transport::Clock;
use private_key_jwt::{KeyRing, Profile, TokenRequest};

use super::outcome::{a_token, error, es256, es384, get};
use super::simulation::Simulated;
use crate::support::clock::TestClock;
use crate::support::{clean, key};

fn freely() -> TokenRequest {
    TokenRequest::client_credentials("a")
}

fn once() -> TokenRequest {
    TokenRequest::authorization_code("c", "https://app.example/cb", &CodeVerifier::from_random(&[7; 32]))
}

#[tokio::test]
async fn an_assertion_that_is_refused_for_its_time_is_made_anew_with_the_servers() {
    for seconds in [-299, -180, -80, 80, 180, 299] {
        let clock = TestClock::skipping();
        let server = Simulated::ahead(&clock, &es256(), seconds);
        server.set(|state| state.latency = Duration::from_millis(800));
        let client = server.client(es256()).build().unwrap();
        assert_eq!(get(&client, &once()).await, a_token(), "{seconds}");
        assert_eq!(server.requests(), (2, 1), "{seconds}");
        // Kept for later requests, and for those that other clones send.
        for _ in 0..10 {
            assert_eq!(get(&client, &freely()).await, a_token(), "{seconds}");
        }
        assert_eq!(server.requests(), (10, 10), "{seconds}");
        let expires_at = client.assertion().await.unwrap().expires_at();
        let expected = clock.now() + time::Duration::seconds(seconds + 60);
        assert!((expires_at - expected).abs() <= time::Duration::seconds(2), "{seconds}");
        // Nothing else uses it.
        let sent = clock.now();
        let token = client.request(&freely()).await.unwrap();
        assert_eq!(token.access_token().expires_at(), Some(sent + Duration::from_secs(300)));
        assert!(clock.pauses().is_empty());
    }
}

#[tokio::test]
async fn an_offset_follows_either_clock_when_it_is_set() {
    let clock = TestClock::skipping();
    let server = Simulated::ahead(&clock, &es256(), 180);
    let client = server.client(es256()).build().unwrap();
    assert_eq!(get(&client, &freely()).await, a_token());
    assert_eq!(server.requests(), (2, 1));
    // Between two calls our clock is set, and then the server's.
    for (ours, ahead) in [(180, 0), (-120, 120), (120, 0)] {
        clock.move_by(time::Duration::seconds(ours));
        server.set(|state| {
            state.ahead = time::Duration::seconds(ahead);
            state.date_ahead = Some(state.ahead);
        });
        assert_eq!(get(&client, &freely()).await, a_token(), "{ours}");
        assert_eq!(server.requests(), (2, 1), "{ours}");
        assert_eq!(get(&client, &freely()).await, a_token(), "{ours}");
        assert_eq!(server.requests(), (1, 1), "{ours}");
    }
    // A small drift is followed without a refusal.
    for seconds in 0..300 {
        server.set(|state| {
            state.ahead = time::Duration::seconds(seconds);
            state.date_ahead = Some(state.ahead);
        });
        assert_eq!(get(&client, &freely()).await, a_token(), "{seconds}");
    }
    let (requests, good) = server.requests();
    assert_eq!((requests - good, good), (1, 300));
}

#[tokio::test]
async fn a_date_alone_corrects_nothing_and_one_that_is_far_off_is_not_believed() {
    let clock = TestClock::skipping();
    let server = Simulated::ahead(&clock, &es256(), 0);
    // The assertions are fine; a proxy's clock is wrong.
    server.set(|state| state.date_ahead = Some(time::Duration::seconds(180)));
    let client = server.client(es256()).build().unwrap();
    for _ in 0..3 {
        assert_eq!(get(&client, &freely()).await, a_token());
    }
    assert_eq!(server.requests(), (3, 3));
    // Refused for another reason, so nothing is learned. Then perhaps for this reason, but the
    // corrected request is refused too, and the correction is dropped.
    server.set(|state| state.keys = es384().public_jwk().clone().into());
    for requests in [1, 2] {
        assert_eq!(get(&client, &freely()).await, error("Refused 401", requests));
        clock.move_by(time::Duration::minutes(1));
    }
    server.set(|state| state.keys = es256().public_jwk().clone().into());
    server.requests();
    assert_eq!(get(&client, &freely()).await, a_token());
    assert_eq!(server.requests(), (1, 1));

    for seconds in [-301, 301, 86_400] {
        let server = Simulated::ahead(&clock, &es256(), seconds);
        let client = server.client(es256()).build().unwrap();
        assert_eq!(get(&client, &freely()).await, error("Clock 401", 1), "{seconds}");
        assert_eq!(server.requests(), (1, 0), "{seconds}");
    }
    // Without a `Date`, the difference is unknown.
    let server = Simulated::ahead(&clock, &es256(), 180);
    server.set(|state| state.date_ahead = None);
    let client = server.client(es256()).build().unwrap();
    assert_eq!(get(&client, &freely()).await, error("Refused 401", 1));
}

#[tokio::test]
async fn a_slow_answer_is_no_difference() {
    let clock = TestClock::skipping();
    let server = Simulated::ahead(&clock, &es384(), 0);
    server.set(|state| state.latency = Duration::from_secs(20));
    let client = server.client(es256()).without_refusal_memory().build().unwrap();
    assert_eq!(get(&client, &freely()).await, error("Refused 401", 1));
    assert_eq!(server.requests(), (1, 0));
}

#[tokio::test]
async fn any_refusal_of_the_client_is_corrected_and_what_is_good_once_after_one_with_a_code() {
    let refused = |status, error: &'static str| (status, error);
    for (refusal, freely_corrected, once_corrected) in [
        (refused(401, r#"{"error":"invalid_client"}"#), true, true),
        (refused(400, r#"{"error":"invalid_client"}"#), true, true),
        (refused(401, ""), true, false),
        (refused(400, ""), true, false),
        (refused(403, "<html>"), true, false),
        (refused(400, r#"{"error":"invalid_request"}"#), true, true),
        (refused(400, r#"{"error":"invalid_grant"}"#), true, true),
        (refused(400, r#"{"error":"unauthorized_client"}"#), true, true),
        (refused(400, r#"{"code":"INVALID_DATA","message":"no"}"#), true, false),
        // About the request: the server accepted the client.
        (refused(400, r#"{"error":"invalid_scope"}"#), false, false),
        (refused(400, r#"{"error":"unsupported_grant_type"}"#), false, false),
        (refused(400, r#"{"error":"invalid_target"}"#), false, false),
        // About the proof (RFC 9449 §5, §8).
        (refused(400, r#"{"error":"use_dpop_nonce"}"#), false, false),
        (refused(400, r#"{"error":"invalid_dpop_proof"}"#), false, false),
        // A failure may have come after the grant was used.
        (refused(500, r#"{"error":"invalid_client"}"#), true, false),
        (refused(500, ""), true, false),
        // Neither a refusal nor a failure that concerns the request.
        (refused(404, ""), false, false),
        (refused(302, ""), false, false),
    ] {
        for (request, corrected) in [
            (freely(), freely_corrected),
            (once(), once_corrected),
            (TokenRequest::refresh_token("r"), once_corrected),
        ] {
            let clock = TestClock::skipping();
            let server = Simulated::ahead(&clock, &es256(), 180);
            server.set(|state| state.refusal = refusal);
            let client = server.client(es256()).build().unwrap();
            let (words, attempts) = get(&client, &request).await;
            assert_eq!(words == "a token", corrected, "{refusal:?} {request:?}: {words}");
            assert!(attempts.is_none_or(|attempts| attempts == 1), "{refusal:?} {request:?}");
            assert_eq!(server.requests().0, 1 + usize::from(corrected), "{refusal:?} {request:?}");
        }
    }
}

#[tokio::test]
async fn there_is_one_correction_to_a_request() {
    // Time and key are both wrong, and there is a previous key.
    let clock = TestClock::skipping();
    let server = Simulated::ahead(&clock, &key("ed25519.pkcs8.pem"), 180);
    let ring = rotated(&clock);
    let client = server.client(ring).without_refusal_memory().build().unwrap();
    for _ in 0..3 {
        assert_eq!(get(&client, &freely()).await, error("Refused 401", 2));
        assert_eq!(server.requests(), (2, 0));
    }
}

/// A ring whose ES384 key has just become active, after an ES256 key that is still published.
fn rotated(clock: &TestClock) -> KeyRing {
    let ring = KeyRing::from(es256());
    ring.publish(es384(), clock.now() - KeyRing::PROPAGATION).unwrap();
    ring.activate(es384().key_id(), clock.now()).unwrap();
    ring
}

#[tokio::test]
async fn a_key_that_the_server_does_not_know_yet_is_stood_in_for_by_the_one_before() {
    let clock = TestClock::skipping();
    let server = Simulated::ahead(&clock, &es256(), 0);
    let ring = rotated(&clock);
    let client = server.client(ring.clone()).build().unwrap();
    assert_eq!(get(&client, &once()).await, a_token());
    assert_eq!(server.requests(), (2, 1));
    // The refusal of the new key is remembered, so the other requests use the previous key at once.
    for _ in 0..10 {
        assert_eq!(get(&client, &freely()).await, a_token());
    }
    assert_eq!(server.requests(), (10, 10));
    // Without that memory, each request tries twice.
    let forgetful = server.client(ring.clone()).without_refusal_memory().build().unwrap();
    assert_eq!(get(&forgetful, &freely()).await, a_token());
    assert_eq!(server.requests(), (2, 1));
    // The server has read the JWKS: the new key signs as soon as it is tried again.
    server.set(|state| state.keys = ring.jwks());
    clock.move_by(time::Duration::seconds(2));
    assert_eq!(get(&client, &freely()).await, a_token());
    server.set(|state| {
        let (_, signed_by, _) = state.requests.last().unwrap();
        assert_eq!(signed_by.as_ref(), Some(es384().key_id()));
    });
    assert_eq!(server.requests(), (1, 1));
}

#[tokio::test]
async fn a_key_before_is_one_that_is_published_and_was_active_until_a_short_while_ago() {
    type Change = fn(&KeyRing, &TestClock);
    let changes: [(&str, Change); 3] = [
        ("revoked", |ring, _| ring.revoke(es256().key_id())),
        ("long ago", |_, clock| clock.move_by(time::Duration::seconds(300))),
        ("retired", |ring, clock| {
            clock.move_by(time::Duration::seconds(300));
            ring.retire(es256().key_id(), clock.now()).unwrap();
        }),
    ];
    for (name, change) in changes {
        let clock = TestClock::skipping();
        let server = Simulated::ahead(&clock, &es256(), 0);
        let ring = rotated(&clock);
        change(&ring, &clock);
        let client = server.client(ring).build().unwrap();
        assert_eq!(get(&client, &freely()).await, error("Refused 401", 1), "{name}");
        assert_eq!(server.requests(), (1, 0), "{name}");
        assert_eq!(get(&client, &freely()).await, error("Remembered 401", 0), "{name}");
    }
    // The previous key is refused too, so it is not tried again either.
    let clock = TestClock::skipping();
    let server = Simulated::ahead(&clock, &key("ed25519.pkcs8.pem"), 0);
    let client = server.client(rotated(&clock)).build().unwrap();
    assert_eq!(get(&client, &freely()).await, error("Refused 401", 2));
    assert_eq!(get(&client, &freely()).await, error("Remembered 401", 0));
    assert_eq!(server.requests(), (2, 0));
}

#[tokio::test]
async fn a_refusal_that_stands_is_remembered_until_the_pause_is_over_or_another_key_signs() {
    let clock = TestClock::skipping();
    let server = Simulated::ahead(&clock, &es384(), 0);
    let ring = KeyRing::from(es256());
    let client = server.client(ring.clone()).build().unwrap();
    let refused = clean(client.request(&freely()).await.unwrap_err());
    let said = refused.refusal().unwrap().clone();
    assert_eq!((refused.attempts(), refused.retry()), (1, Retry::Never));
    // For every grant, so that no grant is used up.
    for request in [freely(), once(), TokenRequest::refresh_token("r")] {
        let error = clean(client.request(&request).await.unwrap_err());
        assert_eq!((error.attempts(), error.refusal()), (0, Some(&said)));
        let Retry::After(pause) = error.retry() else { panic!("{:?}", error.retry()) };
        assert!(pause <= Duration::from_secs(2));
        assert!(matches!(error.kind(), ErrorKind::Remembered { key_id, .. } if key_id == es256().key_id()));
    }
    assert_eq!(server.requests(), (1, 0));
    // Another endpoint has a memory of its own.
    assert_eq!(clean(client.introspect("t").await.unwrap_err()).attempts(), 1);
    assert_eq!(server.requests(), (1, 0));
    // Another key is tried at once.
    ring.revoke(es256().key_id());
    ring.publish(es384(), clock.now()).unwrap();
    ring.activate(es384().key_id(), clock.now()).unwrap();
    assert_eq!(get(&client, &freely()).await, a_token());
    assert_eq!(server.requests(), (1, 1));
    // The server accepts the key again, so its refusal is forgotten.
    server.set(|state| state.keys = es256().public_jwk().clone().into());
    assert_eq!(get(&client, &freely()).await, error("Refused 401", 1));
    server.set(|state| state.keys = es384().public_jwk().clone().into());
    assert_eq!(get(&client, &freely()).await, error("Remembered 401", 0));
    clock.move_by(time::Duration::seconds(2));
    for _ in 0..3 {
        assert_eq!(get(&client, &freely()).await, a_token());
    }
}

#[tokio::test]
async fn rfc6749_5_2_only_a_failed_authentication_is_remembered() {
    for (refusal, remembered) in [
        ((401, r#"{"error":"invalid_client"}"#), true),
        ((400, r#"{"error":"invalid_client"}"#), true),
        ((401, ""), true),
        ((401, r#"{"code":"ACCESS_FAILED","message":"no"}"#), true),
        ((401, r#"{"error":"invalid_request"}"#), false),
        ((400, ""), false),
        ((403, ""), false),
        ((400, r#"{"error":"invalid_grant"}"#), false),
        ((400, r#"{"error":"invalid_scope"}"#), false),
        ((400, r#"{"error":"unauthorized_client"}"#), false),
    ] {
        let clock = TestClock::skipping();
        let server = Simulated::ahead(&clock, &es384(), 0);
        server.set(|state| state.refusal = refusal);
        let client = server.client(es256()).build().unwrap();
        for _ in 0..3 {
            assert_ne!(get(&client, &freely()).await, a_token());
        }
        assert_eq!(server.requests().0, if remembered { 1 } else { 3 }, "{refusal:?}");
    }
    // A verdict on the request shows that the server accepted the client.
    let clock = TestClock::skipping();
    let server = Simulated::ahead(&clock, &es384(), 0);
    let client = server.client(es256()).build().unwrap();
    assert_eq!(get(&client, &freely()).await, error("Refused 401", 1));
    clock.move_by(time::Duration::seconds(2));
    server.set(|state| {
        state.keys = es256().public_jwk().clone().into();
        state.instead = Some((400, r#"{"error":"invalid_scope"}"#));
    });
    for _ in 0..3 {
        assert_eq!(get(&client, &freely()).await, error("Refused 400", 1));
    }
    assert_eq!(server.requests(), (4, 3));
    // A verdict on the DPoP proof does not: it may come before the authentication.
    let clock = TestClock::skipping();
    let server = Simulated::ahead(&clock, &es384(), 0);
    let client = server.client(es256()).build().unwrap();
    assert_eq!(get(&client, &freely()).await, error("Refused 401", 1));
    clock.move_by(time::Duration::seconds(2));
    server.set(|state| state.refusal = (400, r#"{"error":"use_dpop_nonce"}"#));
    assert_eq!(get(&client, &freely()).await, error("Refused 400", 1));
    assert_eq!(client.status().rejection.map(|rejection| rejection.refusal.status()), Some(401));
    assert_eq!(server.requests(), (2, 0));
}

#[tokio::test]
async fn a_correction_that_cannot_be_signed_leaves_the_refusal() {
    let clock = TestClock::skipping();
    let server = Simulated::ahead(&clock, &key("rsa2048.pkcs8.pem"), 0);
    // The profile does not allow the previous key.
    let ring = KeyRing::from(key("ed25519.pkcs8.pem"));
    ring.publish(es384(), clock.now() - KeyRing::PROPAGATION).unwrap();
    ring.activate(es384().key_id(), clock.now()).unwrap();
    let client = server.client(ring).profile(Profile::ping_one()).build().unwrap();
    assert_eq!(get(&client, &freely()).await, error("Refused 401", 1));
    // The same for a remembered refusal.
    assert_eq!(get(&client, &freely()).await, error("Remembered 401", 0));
    assert_eq!(server.requests(), (1, 0));
}

#[tokio::test]
async fn each_of_it_can_be_turned_off() {
    let clock = TestClock::skipping();
    let server = Simulated::ahead(&clock, &es256(), 180);
    let client = server.client(es256()).without_time_correction().without_refusal_memory().build().unwrap();
    for _ in 0..2 {
        assert_eq!(get(&client, &freely()).await, error("Refused 401", 1));
        assert_eq!(server.requests(), (1, 0));
    }
    let server = Simulated::ahead(&clock, &es256(), 0);
    let ring = rotated(&clock);
    let client = server.client(ring).without_key_fallback().build().unwrap();
    assert_eq!(get(&client, &freely()).await, error("Refused 401", 1));
    assert_eq!(get(&client, &freely()).await, error("Remembered 401", 0));
    assert_eq!(server.requests(), (1, 0));
}
