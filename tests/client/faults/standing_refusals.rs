//! How a standing refusal affects the following calls, and what it does not store.

use private_key_jwt::client::ErrorKind;
use private_key_jwt::oauth::{CodeVerifier, JwtGrant, TokenExchange, TokenKind};
use private_key_jwt::transport::Clock;
use private_key_jwt::{KeyRing, TokenRequest};

use super::outcome::{a_token, error, es256, es384, get};
use super::simulation::Simulated;
use crate::support::clock::TestClock;
use crate::support::{MARK, clean};

/// Some servers ignore `iat`, and their clock is always a few seconds off.
#[tokio::test]
async fn a_date_that_never_mattered_does_not_stand_before_the_key_before() {
    let clock = TestClock::skipping();
    let server = Simulated::ahead(&clock, &es256(), 0);
    server.set(|state| state.date_ahead = Some(time::Duration::seconds(10)));
    let ring = KeyRing::from(es256());
    let client = server.client(ring.clone()).build().unwrap();
    assert_eq!(get(&client, &"a".into()).await, a_token());
    ring.publish(es384(), clock.now() - KeyRing::PROPAGATION).unwrap();
    ring.activate(es384().key_id(), clock.now()).unwrap();
    for minute in 0..4 {
        for _ in 0..3 {
            assert_eq!(get(&client, &"a".into()).await, a_token(), "{minute}");
        }
        clock.move_by(time::Duration::seconds(60));
    }
}

#[tokio::test]
async fn an_attempt_that_says_nothing_of_the_key_delays_no_caller_for_long() {
    let clock = TestClock::skipping();
    let server = Simulated::ahead(&clock, &es384(), 0);
    let client = server.client(es256()).without_retries().build().unwrap();
    // Until the pause is a minute.
    for _ in 0..6 {
        assert_eq!(get(&client, &"a".into()).await, error("Refused 401", 1));
        clock.move_by(time::Duration::seconds(60));
    }
    server.set(|state| {
        state.keys = es256().public_jwk().clone().into();
        state.instead = Some((503, ""));
    });
    assert_eq!(get(&client, &"a".into()).await, error("Unavailable 503", 1));
    assert_eq!(get(&client, &"a".into()).await, error("Remembered 401", 0));
    server.set(|state| state.instead = None);
    clock.move_by(time::Duration::seconds(2));
    assert_eq!(get(&client, &"a".into()).await, a_token());
    assert_eq!(get(&client, &"a".into()).await, a_token());
}

/// A code or a refresh token may look like any word, and servers do name the one that they refuse.
#[tokio::test]
async fn what_a_server_echoes_of_a_request_is_in_no_error() {
    let clock = TestClock::skipping();
    let server = Simulated::ahead(&clock, &es256(), 0);
    let body = format!(
        r#"{{"error":"invalid_grant","error_description":"Invalid token: {MARK}","hint":["{MARK} has ended"]}}"#
    );
    let body: &'static str = body.leak();
    let client = server.client(es256()).without_retries().build().unwrap();
    let verifier = CodeVerifier::from_random(&[7; 32]);
    let exchange = |subject: &str, actor: &str| {
        let exchange = TokenExchange::new(subject, TokenKind::AccessToken);
        TokenRequest::token_exchange(&exchange.actor(actor, TokenKind::AccessToken))
    };
    let requests = [
        TokenRequest::refresh_token(MARK),
        TokenRequest::authorization_code(MARK, "https://app.example/cb", &verifier),
        TokenRequest::jwt_bearer(&JwtGrant::from_jwt(MARK)),
        exchange(MARK, "actor"),
        exchange("subject", MARK),
    ];
    for status in [400, 401, 403, 404, 500, 503] {
        server.set(|state| state.instead = Some((status, body)));
        for request in &requests {
            let error = clean(client.request(request).await.unwrap_err());
            let ErrorKind::OAuth(_) = error.kind() else { panic!("{error:?}") };
            let text = error.to_string();
            assert!(text.contains("Invalid token: [masked]"), "{text}");
        }
        let error = clean(client.introspect(MARK).await.unwrap_err());
        assert!(error.to_string().contains("Invalid token: [masked]"), "{error}");
    }
}

/// A correction that any answer contradicts is dropped, without a refusal.
#[tokio::test]
async fn an_offset_is_looked_at_again_with_each_answer() {
    let clock = TestClock::skipping();
    let server = Simulated::ahead(&clock, &es256(), 180);
    let client = server.client(es256()).without_retries().build().unwrap();
    assert_eq!(get(&client, &"a".into()).await, a_token());
    assert_eq!(server.requests(), (2, 1));
    // Its clock is set while it is busy.
    server.set(|state| (state.instead, state.date_ahead) = (Some((503, "")), Some(time::Duration::ZERO)));
    assert_eq!(get(&client, &"a".into()).await, error("Unavailable 503", 1));
    server.set(|state| (state.instead, state.ahead) = (None, time::Duration::ZERO));
    server.requests();
    assert_eq!(get(&client, &"a".into()).await, a_token());
    assert_eq!(server.requests(), (1, 1));
}
