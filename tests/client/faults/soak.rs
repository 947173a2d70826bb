//! Long periods in a short time: successive calls on a clock that skips pauses.

use std::time::Duration;

use private_key_jwt::KeyRing;
use private_key_jwt::transport::Clock;

use super::simulation::Simulated;
use crate::support::clock::TestClock;
use crate::support::key;

#[tokio::test]
async fn a_server_whose_clock_is_three_minutes_off_fails_no_call() {
    for seconds in [-180, 180] {
        let clock = TestClock::skipping();
        let server = Simulated::ahead(&clock, &key("p256.pkcs8.pem"), seconds);
        server.set(|state| state.latency = Duration::from_millis(40));
        let client = server.client(key("p256.pkcs8.pem")).build().unwrap();
        for _ in 0..1000 {
            client.request(&"a".into()).await.unwrap();
            clock.move_by(time::Duration::seconds(1));
        }
        // Only the first was refused.
        assert_eq!(server.requests(), (1001, 1000), "{seconds}");
    }
}

#[tokio::test]
async fn a_revoked_key_under_200_callers_a_second_is_a_handful_of_requests_a_minute() {
    let clock = TestClock::skipping();
    let (old, new) = (key("p256.pkcs8.pem"), key("p384.pkcs8.pem"));
    let ring = KeyRing::from(old.clone());
    let server = Simulated::ahead(&clock, &old, 0);
    let client = server.client(ring.clone()).build().unwrap();
    let second = async || {
        let mut tokens = 0;
        for _ in 0..200 {
            tokens += usize::from(client.request(&"a".into()).await.is_ok());
            clock.move_by(time::Duration::milliseconds(5));
        }
        tokens
    };
    assert_eq!(second().await, 200);
    server.requests();
    // The server no longer knows the key.
    server.set(|state| state.keys = new.public_jwk().clone().into());
    for minute in 0..4 {
        for _ in 0..60 {
            assert_eq!(second().await, 0);
        }
        let (requests, good) = server.requests();
        let allowed = if minute == 0 { 5..=8 } else { 1..=2 };
        assert!(allowed.contains(&requests) && good == 0, "{requests} in minute {minute}");
    }
    // A key change helps at once.
    ring.publish(new.clone(), clock.now() - KeyRing::PROPAGATION).unwrap();
    ring.activate(new.key_id(), clock.now()).unwrap();
    assert_eq!(second().await, 200);
    assert_eq!(server.requests(), (200, 200));
    // If the server accepts the old key again, the client uses it after a minute at the latest.
    let server = Simulated::ahead(&clock, &new, 0);
    let client = server.client(old.clone()).build().unwrap();
    for _ in 0..30_000 {
        assert!(client.request(&"a".into()).await.is_err());
        clock.move_by(time::Duration::milliseconds(5));
    }
    server.set(|state| state.keys = old.public_jwk().clone().into());
    let since = clock.now();
    while client.request(&"a".into()).await.is_err() {
        clock.move_by(time::Duration::milliseconds(5));
    }
    assert!(clock.now() - since <= time::Duration::minutes(1));
}

#[tokio::test]
async fn a_rotation_that_the_server_learns_of_late_fails_no_call() {
    let clock = TestClock::skipping();
    let (old, new) = (key("p256.pkcs8.pem"), key("p384.pkcs8.pem"));
    let ring = KeyRing::from(old.clone());
    let server = Simulated::ahead(&clock, &old, 0);
    let client = server.client(ring.clone()).build().unwrap();
    ring.publish(new.clone(), clock.now()).unwrap();
    for second in (0..1200).step_by(2) {
        match second {
            300 => ring.activate(new.key_id(), clock.now()).unwrap(),
            // It reads the JWKS much too late.
            500 => server.set(|state| state.keys = ring.jwks()),
            600 => ring.retire(old.key_id(), clock.now()).unwrap(),
            _ => {}
        }
        client.request(&"a".into()).await.unwrap();
        clock.move_by(time::Duration::seconds(2));
    }
    let (requests, good) = server.requests();
    assert_eq!(good, 600);
    assert!((2..=12).contains(&(requests - good)), "{} refused", requests - good);
}
