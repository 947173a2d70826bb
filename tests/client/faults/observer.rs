//! What an observer sees, which failures are final, and that an observer may use the client.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Waker};

use private_key_jwt::observer::{Event, Observer};
use private_key_jwt::transport::Clock;
use private_key_jwt::{KeyRing, TokenClient, TokenRequest, TokenResponse, TokenSource};

use super::outcome::es256;
use super::simulation::Simulated;
use crate::support::clock::TestClock;
use crate::support::key;
use crate::support::observed::{Observed, field};

/// The names of the events, and for a failed call whether it is final.
fn events(observed: &Observed) -> Vec<String> {
    let mut events = observed.events(|event| field(event, "is_final"));
    events.retain(|event| event != "AssertionSigned");
    events
}

fn login(clock: &TestClock, seconds: u32) -> TokenResponse {
    let body = format!(
        r#"{{"access_token":"AT","token_type":"Bearer","expires_in":{seconds},"refresh_token":"RT"}}"#
    );
    TokenResponse::from_http(http::Response::new(body.into_bytes()), clock.now()).unwrap()
}

#[tokio::test]
async fn rfc8628_3_5_a_poll_that_goes_on_is_no_failure_of_the_call() {
    let (clock, observed) = (TestClock::skipping(), Observed::default());
    let server = Simulated::ahead(&clock, &es256(), 0);
    let client = server.client(es256()).observer(observed.clone()).build().unwrap();
    let codes =
        r#"{"device_code":"d","user_code":"u","verification_uri":"https://as.example/","expires_in":60}"#;
    let codes = http::Response::new(codes.as_bytes().to_vec());
    let codes = private_key_jwt::oauth::DeviceAuthorization::from_http(codes, clock.now()).unwrap();
    let answers = [
        (400, r#"{"error":"authorization_pending"}"#),
        (503, ""),
        (400, r#"{"error":"slow_down"}"#),
        (400, r#"{"error":"access_denied"}"#),
    ];
    server.set(|state| state.answers = answers.into());
    client.device_token(&codes).await.unwrap_err();
    let polled = "CallFailed false";
    assert_eq!(events(&observed), [polled, polled, polled, "CallFailed true"]);
}

#[tokio::test]
async fn a_refresh_token_that_gives_way_to_the_request_is_no_failure_of_the_call() {
    let (clock, observed) = (TestClock::skipping(), Observed::default());
    let server = Simulated::ahead(&clock, &es256(), 0);
    let client = server.client(es256()).observer(observed.clone()).build().unwrap();
    let grant = private_key_jwt::JwtGrant::from_jwt("e30.e30.c2ln");
    let tokens = client.source(TokenRequest::jwt_bearer(&grant));
    let first = r#"{"access_token":"AT","token_type":"Bearer","expires_in":300,"refresh_token":"RT"}"#;
    server.set(|state| state.answers = [(200, first), (400, r#"{"error":"invalid_grant"}"#)].into());
    tokens.token().await.unwrap();
    assert_eq!(events(&observed), ["TokenRequested", "TokenObtained"]);
    clock.pass(300);
    tokens.token().await.unwrap();
    assert_eq!(
        events(&observed),
        ["TokenRequested", "CallFailed false", "RefreshTokenRejected", "TokenObtained"]
    );
    // Without a request to send instead, it is the end.
    let tokens = client.source_from(login(&clock, 300));
    server.set(|state| state.answers = [(400, r#"{"error":"invalid_grant"}"#)].into());
    clock.pass(300);
    tokens.token().await.unwrap_err();
    assert_eq!(events(&observed), ["TokenRequested", "CallFailed true", "RefreshTokenRejected"]);
    tokens.token().await.unwrap_err();
    assert_eq!(events(&observed), ["TokenRequested"]);
}

/// Uses everything of the client that takes a lock.
#[derive(Clone, Default)]
struct Curious {
    client: Arc<OnceLock<(TokenClient, TokenSource)>>,
    is_busy: Arc<AtomicBool>,
    seen: Arc<AtomicUsize>,
}

impl Observer for Curious {
    fn event(&self, _: &Event<'_>) {
        let Some((client, tokens)) = self.client.get() else { return };
        if self.is_busy.swap(true, Ordering::SeqCst) {
            return;
        }
        let mut context = Context::from_waker(Waker::noop());
        // Signed in place, so it is ready at once.
        assert!(std::pin::pin!(client.assertion()).poll(&mut context).is_ready());
        let _ = std::pin::pin!(tokens.token()).poll(&mut context);
        let _ = (tokens.has_ended(), client.statistics(), client.keys().jwks());
        self.seen.fetch_add(1, Ordering::SeqCst);
        self.is_busy.store(false, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn an_observer_may_use_the_client() {
    let (clock, curious) = (TestClock::skipping(), Curious::default());
    let (old, new) = (key("p256.pkcs8.pem").with_key_id("old"), key("p384.pkcs8.pem").with_key_id("new"));
    let server = Simulated::ahead(&clock, &old, -180);
    let ring = KeyRing::from(old);
    let client = server.client(ring.clone()).observer(curious.clone()).build().unwrap();
    let tokens = client.source("a");
    assert!(curious.client.set((client.clone(), tokens.clone())).is_ok());
    // Other times, a fresh token, another key, a rejected key, a failing refresh, a dropped token.
    tokens.token().await.unwrap();
    let token = tokens.token().await.unwrap();
    ring.publish(new.clone(), clock.now() - KeyRing::PROPAGATION).unwrap();
    ring.activate(new.key_id(), clock.now()).unwrap();
    client.request(&"b".into()).await.unwrap();
    server.set(|state| state.instead = Some((503, "")));
    clock.pass(286);
    tokens.token().await.unwrap();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(tokens.invalidate(&token));
    server.set(|state| state.instead = None);
    tokens.token().await.unwrap();
    client.introspect("AT").await.unwrap();
    assert!(curious.seen.load(Ordering::SeqCst) > 15, "{:?}", curious.seen);
    let statistics = client.statistics();
    assert!(statistics.time_corrections == 1 && statistics.key_corrections > 0, "{statistics:?}");
}
