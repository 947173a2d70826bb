//! How a standing refusal affects the following calls, and what it does not store.

use std::pin::pin;
use std::sync::{Arc, OnceLock, mpsc};
use std::task::{Context, Waker};
use std::time::Duration;

use private_key_jwt::client::ErrorKind;
use private_key_jwt::jose::{Algorithm, Jwk, Signature};
use private_key_jwt::keys::{BoxFuture, KeyError, Signer};
use private_key_jwt::oauth::{CodeVerifier, JwtGrant, TokenExchange, TokenKind};
use private_key_jwt::transport::{Clock, HttpClient, TransportError};
use private_key_jwt::{JwkSet, KeyRing, PrivateKey, TokenClient, TokenRequest};

use super::outcome::{a_token, error, es256, es384, get};
use super::simulation::Simulated;
use crate::support::clock::TestClock;
use crate::support::{MARK, clean};

/// Calls the client from code of the user: its clock and its keys.
#[derive(Clone, Default)]
struct CallsBack(Arc<OnceLock<TokenClient>>);

impl CallsBack {
    /// Begins a request, unless this is called by one that it began.
    fn call(&self) {
        thread_local!(static IS_CALLING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) });
        if let Some(client) = self.0.get()
            && !IS_CALLING.replace(true)
        {
            let _ = pin!(client.request(&"b".into())).poll(&mut Context::from_waker(Waker::noop()));
            IS_CALLING.set(false);
        }
    }
}

struct Calling<T>(T, CallsBack);

impl Clock for Calling<TestClock> {
    fn now(&self) -> time::OffsetDateTime {
        self.1.call();
        self.0.now()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        self.0.sleep(pause)
    }
}

impl Signer for Calling<PrivateKey> {
    fn algorithm(&self) -> Algorithm {
        self.0.algorithm()
    }

    fn public_jwk(&self) -> &Jwk {
        self.1.call();
        self.0.public_jwk()
    }

    fn sign<'a>(&'a self, signing_input: &'a [u8]) -> BoxFuture<'a, Result<Signature, KeyError>> {
        Box::pin(std::future::ready(self.0.sign(signing_input)))
    }
}

/// Before, during and after the pauses of both keys.
#[test]
fn a_clock_and_keys_that_call_the_client_wait_for_no_lock() {
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        let (clock, back) = (TestClock::skipping(), CallsBack::default());
        let server = Simulated::ahead(&clock, &es256(), 0);
        server.set(|state| state.keys = JwkSet::default());
        let calling = |key| Calling(key, back.clone());
        let ring = KeyRing::new(calling(es256())).unwrap();
        ring.publish(calling(es384()), clock.now() - KeyRing::PROPAGATION).unwrap();
        ring.activate(es384().key_id(), clock.now()).unwrap();
        let client = server.client(ring).clock(Calling(clock.clone(), back.clone())).build().unwrap();
        assert!(back.0.set(client.clone()).is_ok());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for _ in 0..6 {
            for _ in 0..3 {
                runtime.block_on(client.request(&"a".into())).unwrap_err();
            }
            clock.pass(1);
        }
        done.send(()).unwrap();
    });
    is_done.recv_timeout(Duration::from_secs(5)).unwrap();
}

/// Calls the client when it is dropped.
struct Leaving(PrivateKey, CallsBack);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.1.call();
    }
}

impl Signer for Leaving {
    fn algorithm(&self) -> Algorithm {
        self.0.algorithm()
    }

    fn public_jwk(&self) -> &Jwk {
        self.0.public_jwk()
    }

    fn sign<'a>(&'a self, signing_input: &'a [u8]) -> BoxFuture<'a, Result<Signature, KeyError>> {
        Box::pin(std::future::ready(self.0.sign(signing_input)))
    }
}

/// A server at which each request revokes the key that signed it.
struct Revoking(Simulated, KeyRing);

impl HttpClient for Revoking {
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>> {
        self.1.revoke(es256().key_id());
        self.0.send(request)
    }
}

/// By the ring, or by the last call that signed with it.
#[test]
fn a_key_that_calls_the_client_when_it_is_dropped_waits_for_no_lock() {
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        let clock = TestClock::skipping();
        let start = clock.now();
        let call = |known: JwkSet, remove: &dyn Fn(&KeyRing, &TokenClient)| {
            let (back, server) = (CallsBack::default(), Simulated::ahead(&clock, &es256(), 0));
            server.set(|state| state.keys = known);
            let ring = KeyRing::new(Leaving(es256(), back.clone())).unwrap();
            let client = server.client(ring.clone()).http(Revoking(server, ring.clone())).build().unwrap();
            assert!(back.0.set(client.clone()).is_ok());
            remove(&ring, &client);
            assert_eq!(Arc::strong_count(&back.0), 1, "the key is still there");
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let request = |client: &TokenClient| runtime.block_on(client.request(&"a".into()));
        call(JwkSet::default(), &|ring, _| ring.revoke(es256().key_id()));
        call(JwkSet::default(), &|ring, _| {
            ring.publish(es384(), start - KeyRing::PROPAGATION).unwrap();
            ring.activate(es384().key_id(), start).unwrap();
            ring.retire(es256().key_id(), start + KeyRing::PROPAGATION).unwrap();
        });
        call(es256().public_jwk().clone().into(), &|_, client| drop(request(client).unwrap()));
        call(JwkSet::default(), &|_, client| drop(request(client).unwrap_err()));
        done.send(()).unwrap();
    });
    is_done.recv_timeout(Duration::from_secs(5)).unwrap();
}

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
async fn a_correction_of_the_time_does_not_use_up_the_turn_of_the_previous_key() {
    let clock = TestClock::skipping();
    let server = Simulated::ahead(&clock, &es256(), 0);
    server.set(|state| state.keys = JwkSet::default());
    let ring = KeyRing::from(es256());
    ring.publish(es384(), clock.now() - KeyRing::PROPAGATION).unwrap();
    ring.activate(es384().key_id(), clock.now()).unwrap();
    let client = server.client(ring).build().unwrap();
    // Both keys are paused.
    assert_eq!(get(&client, &"a".into()).await, error("Refused 401", 2));
    assert_eq!(get(&client, &"a".into()).await, error("Remembered 401", 0));
    clock.pass(2);
    server.set(|state| {
        state.keys = es256().public_jwk().clone().into();
        state.ahead = time::Duration::seconds(180);
        state.date_ahead = Some(state.ahead);
    });
    let (_, attempts) = get(&client, &"a".into()).await;
    assert_eq!(attempts, Some(2));
    assert_eq!(get(&client, &"a".into()).await, a_token());
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
