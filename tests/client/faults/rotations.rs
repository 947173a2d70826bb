//! Rotations at a server that has a copy of the JWKS from before some of them: which key signs each
//! request, and what is reported.

use private_key_jwt::client::TokenClientBuilder;
use private_key_jwt::keys::BoxFuture;
use private_key_jwt::oauth::{CodeVerifier, Endpoint};
use private_key_jwt::transport::{Clock, HttpClient, TransportError};
use private_key_jwt::{Algorithm, JwkSet, KeyId, KeyRing, PrivateKey, TokenClient, TokenRequest};
use time::{Duration, OffsetDateTime};

use super::outcome::{a_token, error, get};
use super::simulation::Simulated;
use crate::support::clean;
use crate::support::clock::TestClock;
use crate::support::observed::{Observed, field};

fn key(number: usize) -> PrivateKey {
    let key = PrivateKey::generate(Algorithm::EdDSA).unwrap().private_key().unwrap();
    key.with_key_id(format!("k{number}"))
}

fn id(number: usize) -> KeyId {
    format!("k{number}").into()
}

fn freely() -> TokenRequest {
    TokenRequest::client_credentials("a")
}

/// The ring of a client, and a server that reads it.
struct Setup {
    clock: TestClock,
    ring: KeyRing,
    server: Simulated,
}

impl Setup {
    /// The server has read the key `k0`, which is active.
    fn new() -> Self {
        let clock = TestClock::skipping();
        let ring = KeyRing::from(key(0)).with_propagation(std::time::Duration::ZERO);
        let server = Simulated::new(&clock, ring.jwks());
        Self { clock, ring, server }
    }

    /// As [`Setup::new`], followed by rotations to `k1` and so on, a second apart.
    fn rotated(times: usize) -> Self {
        let setup = Self::new();
        for number in 1..=times {
            setup.rotates_to(number);
            setup.pass(1);
        }
        setup
    }

    fn rotates_to(&self, number: usize) {
        self.ring.publish(key(number), self.clock.now()).unwrap();
        self.ring.activate(&id(number), self.clock.now()).unwrap();
    }

    fn builder(&self) -> TokenClientBuilder {
        self.server.client(self.ring.clone())
    }

    fn client(&self) -> TokenClient {
        self.builder().build().unwrap()
    }

    /// The server has a copy of these keys.
    fn server_has(&self, numbers: &[usize]) {
        let keys = self.ring.jwks().keys().to_vec();
        let is_known = |key_id: Option<&KeyId>| numbers.iter().any(|number| key_id == Some(&id(*number)));
        let copy: JwkSet = keys.into_iter().filter(|key| is_known(key.key_id())).collect();
        assert_eq!(copy.keys().len(), numbers.len());
        self.server.set(|state| state.keys = copy);
    }

    fn pass(&self, seconds: i64) {
        self.clock.move_by(Duration::seconds(seconds));
    }

    /// The keys that signed since the last call; those that the server refused with a `!`.
    fn signed(&self) -> Vec<String> {
        let mut requests = Vec::new();
        self.server.set(|state| requests.clone_from(&state.requests));
        // Checks that no assertion came twice.
        self.server.requests();
        let name = |(_, key_id, good): (OffsetDateTime, Option<KeyId>, bool)| {
            format!("{}{}", key_id.unwrap(), if good { "" } else { "!" })
        };
        requests.into_iter().map(name).collect()
    }

    async fn token(&self, client: &TokenClient) -> Vec<String> {
        assert_eq!(get(client, &freely()).await, a_token());
        self.signed()
    }
}

/// A server that reads the JWKS when it sees an unknown `kid`, at most once in a time.
struct Rereading {
    server: Simulated,
    ring: KeyRing,
    clock: TestClock,
    read_at: std::sync::Mutex<OffsetDateTime>,
    pause: Duration,
}

impl HttpClient for Rereading {
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>> {
        let form = String::from_utf8(request.body().clone()).unwrap();
        let assertion = form.split_once("client_assertion=").unwrap().1.split('&').next().unwrap();
        let jws = private_key_jwt::jose::CompactJws::parse(assertion).unwrap();
        let (key_id, now) = (jws.header().key_id.clone(), self.clock.now());
        self.server.set(|state| {
            let mut read_at = self.read_at.lock().unwrap();
            let is_known = state.keys.keys().iter().any(|key| key.key_id() == key_id.as_ref());
            if !is_known && now - *read_at >= self.pause {
                (state.keys, *read_at) = (self.ring.jwks(), now);
            }
        });
        self.server.send(request)
    }
}

/// Ten requests a second. As Keycloak, the server reads the JWKS at most every ten seconds; the
/// rotations are two seconds apart, and a key is gone after half a minute.
#[tokio::test]
async fn no_call_fails_during_rotations_in_quick_succession() {
    let setup = Setup::new();
    let server = Rereading {
        server: setup.server.clone(),
        ring: setup.ring.clone(),
        clock: setup.clock.clone(),
        read_at: std::sync::Mutex::new(setup.clock.now()),
        pause: Duration::seconds(10),
    };
    let client = setup.builder().http(server).build().unwrap();
    let (mut refused, mut accepted) = (0, Vec::new());
    assert_eq!(setup.token(&client).await, ["k0"]);
    for number in 1..=30 {
        setup.rotates_to(number);
        if let Some(gone) = number.checked_sub(15) {
            setup.ring.retire(&id(gone), setup.clock.now()).unwrap();
        }
        for _ in 0..20 {
            let mut signed = setup.token(&client).await;
            accepted.extend(signed.pop());
            // Only the active key is ever refused.
            assert!(signed.is_empty() || signed == [format!("k{number}!")], "{number}: {signed:?}");
            refused += signed.len();
            setup.clock.move_by(Duration::milliseconds(100));
        }
    }
    accepted.dedup();
    // The server reads the JWKS at 10 s, 20 s and so on, with each fifth key.
    assert_eq!(accepted, ["k0", "k6", "k11", "k16", "k21", "k26"]);
    // At least one attempt with each key, and few more: a refused key is paused.
    assert!((24..=60).contains(&refused), "{refused}");
    let found = client.statistics();
    assert_eq!((found.key_corrections, found.retries), (refused as u64, 0));
}

#[tokio::test]
async fn a_call_falls_back_to_the_key_that_the_server_accepted_last() {
    let setup = Setup::new();
    let client = setup.client();
    assert_eq!(setup.token(&client).await, ["k0"]);
    setup.rotates_to(1);
    setup.server_has(&[0, 1]);
    assert_eq!(setup.token(&client).await, ["k1"]);
    setup.rotates_to(2);
    assert_eq!(setup.token(&client).await, ["k2!", "k1"]);
    // The key before is as new to the server as the active one. Nothing is forgotten.
    setup.rotates_to(3);
    assert_eq!(setup.token(&client).await, ["k3!", "k1"]);
    for _ in 0..5 {
        assert_eq!(setup.token(&client).await, ["k1"]);
    }
    setup.rotates_to(4);
    // A code is sent again, too: the server looks at the client first.
    let verifier = CodeVerifier::from_random(&[7; 32]);
    let code = TokenRequest::authorization_code("c", "https://app.example/cb", &verifier);
    assert_eq!(get(&client, &code).await, a_token());
    assert_eq!(setup.signed(), ["k4!", "k1"]);
    // The server reads the JWKS: the active key signs as soon as it is tried again.
    setup.server_has(&[0, 1, 2, 3, 4]);
    assert_eq!(setup.token(&client).await, ["k1"]);
    setup.pass(2);
    assert_eq!(setup.token(&client).await, ["k4"]);
    setup.rotates_to(5);
    assert_eq!(setup.token(&client).await, ["k5!", "k4"]);
}

/// A rejected proof is about neither the key nor the times, so the caller gets the error at once.
#[tokio::test]
async fn rfc9449_5_a_rejected_dpop_proof_changes_neither_the_key_nor_the_times() {
    for body in [r#"{"error":"use_dpop_nonce"}"#, r#"{"error":"invalid_dpop_proof"}"#] {
        for (ahead, status) in [(0, 400), (0, 401), (180, 400)] {
            let setup = Setup::rotated(1);
            setup.server_has(&[0, 1]);
            setup.server.set(|state| {
                // The server accepts any times, and shows its own.
                state.judge = Some(|_, _| None);
                state.ahead = Duration::seconds(ahead);
                state.date_ahead = Some(state.ahead);
                state.answers.push_back((status, body));
            });
            let client = setup.client();
            let refused = error(if status == 400 { "Refused 400" } else { "Refused 401" }, 1);
            assert_eq!(get(&client, &freely()).await, refused, "{ahead} {status} {body}");
            assert_eq!(setup.signed(), ["k1"], "{ahead} {status} {body}");
            // Nothing is remembered for the key.
            assert_eq!(setup.token(&client).await, ["k1"]);
        }
    }
}

#[tokio::test]
async fn a_process_that_has_just_started_falls_back_to_the_oldest_key() {
    let setup = Setup::rotated(3);
    assert_eq!(setup.token(&setup.client()).await, ["k3!", "k0"]);
    // Without the oldest one, the next is the oldest.
    setup.server_has(&[1]);
    setup.ring.revoke(&id(0));
    assert_eq!(setup.token(&setup.client()).await, ["k3!", "k1"]);
    // A server that was given the last key by hand.
    setup.server_has(&[2]);
    assert_eq!(setup.token(&setup.client()).await, ["k3!", "k1!", "k2"]);
    // A key that is published and has never signed is no candidate.
    setup.ring.publish(key(4), setup.clock.now()).unwrap();
    setup.server_has(&[4]);
    assert_eq!(get(&setup.client(), &freely()).await, error("Refused 401", 3));
    assert_eq!(setup.signed(), ["k3!", "k1!", "k2!"]);
}

#[tokio::test]
async fn a_key_that_was_revoked_is_never_used_although_the_server_accepted_it_last() {
    let setup = Setup::rotated(2);
    setup.server_has(&[0, 1, 2]);
    let client = setup.client();
    assert_eq!(setup.token(&client).await, ["k2"]);
    setup.rotates_to(3);
    setup.ring.revoke(&id(2));
    assert_eq!(setup.token(&client).await, ["k3!", "k0"]);
    // While it stands in.
    setup.ring.revoke(&id(0));
    assert_eq!(setup.token(&client).await, ["k1"]);
    setup.ring.revoke(&id(1));
    assert_eq!(get(&client, &freely()).await, error("Remembered 401", 0));
    assert_eq!(setup.signed(), Vec::<String>::new());
    let rejection = client.status().rejection.unwrap();
    assert_eq!(rejection.fallback_key, None);
    // Nothing signs.
    setup.ring.revoke(&id(3));
    clean(client.request(&freely()).await.unwrap_err());
    assert_eq!((setup.signed().len(), client.status().active_key), (0, None));
}

/// Each node has its own copy of the JWKS, and each request goes to another one.
#[tokio::test]
async fn a_node_with_an_older_copy_costs_one_more_attempt() {
    let setup = Setup::rotated(1);
    setup.server_has(&[0, 1]);
    let client = setup.builder().without_refusal_memory().build().unwrap();
    assert_eq!(setup.token(&client).await, ["k1"]);
    setup.rotates_to(2);
    assert_eq!(setup.token(&client).await, ["k2!", "k1"]);
    setup.server_has(&[0]);
    assert_eq!(setup.token(&client).await, ["k2!", "k1!", "k0"]);
    setup.server_has(&[0, 1, 2]);
    assert_eq!(setup.token(&client).await, ["k2"]);
    // The active key was accepted last, by another node.
    setup.server_has(&[0]);
    assert_eq!(setup.token(&client).await, ["k2!", "k0"]);
}

#[tokio::test]
async fn a_call_is_signed_by_three_keys_at_most_and_by_each_once() {
    let setup = Setup::rotated(4);
    setup.server_has(&[0, 1, 2, 3, 4]);
    let client = setup.client();
    assert_eq!(setup.token(&client).await, ["k4"]);
    setup.rotates_to(5);
    setup.server_has(&[]);
    assert_eq!(get(&client, &freely()).await, error("Refused 401", 3));
    assert_eq!(setup.signed(), ["k5!", "k4!", "k0!"]);
    // These are paused, so the last one that signed is what is left: none.
    assert_eq!(get(&client, &freely()).await, error("Remembered 401", 0));
    assert_eq!(setup.signed(), Vec::<String>::new());
    // The pauses are over.
    setup.pass(2);
    assert_eq!(get(&client, &freely()).await, error("Refused 401", 3));
    assert_eq!(setup.signed(), ["k5!", "k4!", "k0!"]);
    // A refusal that may be about the request is corrected once.
    setup.pass(60);
    setup.server.set(|state| state.refusal = (400, r#"{"error":"unauthorized_client"}"#));
    assert_eq!(get(&client, &freely()).await, error("Refused 400", 2));
    assert_eq!(setup.signed(), ["k5!", "k4!"]);
}

/// The server was given a new copy by hand that no longer has the key that stood in.
#[tokio::test]
async fn the_active_key_is_tried_when_the_key_that_stood_in_for_it_is_refused() {
    let setup = Setup::new();
    let client = setup.client();
    assert_eq!(setup.token(&client).await, ["k0"]);
    setup.rotates_to(1);
    assert_eq!(setup.token(&client).await, ["k1!", "k0"]);
    setup.server_has(&[1]);
    assert_eq!(setup.token(&client).await, ["k0!", "k1"]);
    assert_eq!(setup.token(&client).await, ["k1"]);
    assert_eq!(client.status().rejection, None);
}

#[tokio::test]
async fn a_server_that_never_reads_the_jwks_again_gets_the_key_that_it_accepted() {
    let setup = Setup::new();
    let (client, started_later) = (setup.client(), setup.client());
    assert_eq!(setup.token(&client).await, ["k0"]);
    setup.rotates_to(1);
    assert_eq!(setup.token(&client).await, ["k1!", "k0"]);
    // Two hours later than the propagation time. The active key is tried about once a minute.
    let (mut calls, mut refused) = (0, 0);
    for _ in 0..720 {
        setup.pass(10);
        match &*setup.token(&client).await.join(" ") {
            "k0" => calls += 1,
            "k1! k0" => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!(calls + refused, 720);
    assert!((120..=250).contains(&refused), "{refused}");
    // A process that was started after that has no evidence of another key.
    assert_eq!(get(&started_later, &freely()).await, error("Refused 401", 1));
    assert_eq!(setup.signed(), ["k1!"]);
    // Rotations go on.
    setup.rotates_to(2);
    assert_eq!(setup.token(&client).await, ["k2!", "k0"]);
    // The server has read the JWKS, and rejects the active key for another reason.
    setup.server_has(&[0, 1, 2]);
    setup.pass(2);
    assert_eq!(setup.token(&client).await, ["k2"]);
    setup.pass(300);
    setup.server_has(&[0, 1]);
    assert_eq!(get(&client, &freely()).await, error("Refused 401", 1));
    assert_eq!(setup.signed(), ["k2!"]);
}

/// Keys are registered for a client; what an endpoint refuses is its own.
#[tokio::test]
async fn a_key_that_one_endpoint_accepted_stands_in_at_the_others() {
    let setup = Setup::rotated(1);
    setup.server_has(&[0, 1]);
    let client = setup.client();
    assert_eq!(setup.token(&client).await, ["k1"]);
    setup.rotates_to(2);
    // Introspection has seen no key yet.
    client.introspect("t").await.unwrap();
    assert_eq!(setup.signed(), ["k2!", "k1"]);
    client.introspect("t").await.unwrap();
    assert_eq!(setup.signed(), ["k1"]);
    let rejection = client.status().rejection.unwrap();
    assert_eq!((rejection.endpoint, rejection.fallback_key), (Endpoint::Introspection, Some(id(1))));
    // The token endpoint has not rejected the active key.
    assert_eq!(setup.token(&client).await, ["k2!", "k1"]);
    assert_eq!(client.status().rejection.unwrap().endpoint, Endpoint::Token);
    setup.pass(2);
    setup.server_has(&[0, 1, 2]);
    assert_eq!(setup.token(&client).await, ["k2"]);
    assert_eq!(client.status().rejection.unwrap().endpoint, Endpoint::Introspection);
    client.introspect("t").await.unwrap();
    assert_eq!((setup.signed(), client.status().rejection), (vec!["k2".to_owned()], None));
}

#[tokio::test]
async fn another_client_of_the_same_ring_has_its_own_memory() {
    let setup = Setup::rotated(1);
    setup.server_has(&[0, 1]);
    let (one, other) = (setup.client(), setup.client());
    assert_eq!(setup.token(&one).await, ["k1"]);
    setup.rotates_to(2);
    assert_eq!(setup.token(&other).await, ["k2!", "k0"]);
    assert_eq!(setup.token(&one).await, ["k2!", "k1"]);
    // Turned off, nothing falls back.
    let without = setup.builder().without_key_fallback().build().unwrap();
    assert_eq!(get(&without, &freely()).await, error("Refused 401", 1));
    assert_eq!(get(&without, &freely()).await, error("Remembered 401", 0));
    let rejection = without.status().rejection.unwrap();
    assert_eq!((setup.signed(), rejection.fallback_key), (vec!["k2!".to_owned()], None));
}

#[tokio::test]
async fn the_status_and_the_events_say_which_key_was_rejected_and_which_is_used() {
    let mut setup = Setup::new();
    setup.clock = setup.clock.at(OffsetDateTime::UNIX_EPOCH + Duration::days(20_000));
    let observed = Observed::default();
    let client = setup.builder().observer(observed.clone()).build().unwrap();
    let status = || serde_json::to_value(client.status()).unwrap();
    let key_events = || {
        let events = observed.events(|event| field(event, "rejected").map(|_| event));
        let events = events.into_iter().filter(|event| event.starts_with("KeyCorrected"));
        let fields =
            |event: String| ["rejected", "key_id"].map(|name| field(&event, name).unwrap().to_owned());
        events.map(fields).collect::<Vec<_>>()
    };
    assert_eq!(
        status(),
        serde_json::json!({
            "active_key": "k0", "accepted_key": null, "rejection": null, "clock_offset_ms": null,
        })
    );
    assert_eq!(setup.token(&client).await, ["k0"]);
    setup.pass(60);
    setup.rotates_to(1);
    setup.rotates_to(2);
    assert_eq!(setup.token(&client).await, ["k2!", "k0"]);
    assert_eq!(key_events(), [[r#""k2""#, r#""k0""#]]);
    let found = client.status();
    let rejection = found.rejection.as_ref().unwrap();
    assert_eq!((rejection.refusal.status(), rejection.refusal.error()), (401, Some("invalid_client")));
    let pause = rejection.retry_at - setup.clock.now();
    assert!((Duration::SECOND..=Duration::seconds(2)).contains(&pause), "{pause}");
    let at = "2024-10-04T00:01:00Z";
    let mut json = status();
    assert!(json["rejection"]["retry_at"].take().as_str().unwrap().starts_with("2024-10-04T00:01:0"));
    assert_eq!(
        json,
        serde_json::json!({
            "active_key": "k2",
            "accepted_key": {"kid": "k0", "at": at},
            "rejection": {
                "endpoint": "token_endpoint",
                "refusal": "401 invalid_client",
                "retry_at": null,
                "fallback_key": "k0",
            },
            "clock_offset_ms": null,
        })
    );
    // It stands until the server accepts the key, although the pause is over.
    setup.pass(5);
    assert_eq!(client.status().rejection, found.rejection);
    setup.server_has(&[0, 1, 2]);
    assert_eq!(setup.token(&client).await, ["k2"]);
    assert_eq!(key_events(), Vec::<[String; 2]>::new());
    let found = client.status();
    assert_eq!((found.rejection, found.accepted_key.unwrap().key_id), (None, id(2)));
    // The clock of the server differs.
    setup.server.set(|state| {
        state.ahead = Duration::seconds(-90);
        state.date_ahead = Some(state.ahead);
    });
    assert_eq!(get(&client, &freely()).await, a_token());
    assert_eq!(client.status().clock_offset, Some(Duration::seconds(-90)));
    assert_eq!(status()["clock_offset_ms"], -90_000);
}
