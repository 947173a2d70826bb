//! New keys by JWKS URL: no request fails, whenever the server reads the URL again.

use std::time::Duration;

use private_key_jwt::rotation::KeyDirectory;
use private_key_jwt::{Algorithm, AuthorizationServer, KeyRing, PrivateKey, TokenClient, TokenRequest};
use serde_json::json;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::keycloak::keycloak;
use crate::peers::{node, spring, start};
use crate::published::{self, publish};
use crate::record::Record;
use crate::support::folder::{Folder, Timing};
use crate::support::load;

const CALLS_PER_SECOND: u32 = 200;
const ROTATIONS: u32 = 10;
/// The lifetime of an assertion.
const LIFETIME: Duration = Duration::from_secs(20);

/// A server, and how it reads the keys of its clients.
struct Case {
    name: &'static str,
    issuer: String,
    /// The name of the client, and the path of its keys.
    client_id: &'static str,
    request: TokenRequest,
    /// How long the server keeps its copy of a JWKS.
    propagation: Duration,
    /// The time from one rotation to the next.
    between: Duration,
    /// Fewer calls a second mean that the test measures something else.
    least_rate: f64,
}

/// Ten rotations of a folder, each to a key that signs at once, before the server has read it.
async fn ten_rotations(case: Case) {
    let Case { name, client_id, ref request, between, .. } = case;
    let folder = Folder::new(case.propagation, LIFETIME);
    let keys = KeyDirectory::open(folder.path()).await.unwrap();
    publish(&format!("/{client_id}"), keys.ring());
    let server = AuthorizationServer::discover(&case.issuer).await.unwrap();
    let record = Record::of(name);
    let client = TokenClient::builder(server, client_id, keys.ring()).assertion_lifetime(LIFETIME);
    let client = client.http(record.clone()).build().unwrap();
    client.request(request).await.unwrap();

    let rotations = async {
        let (begun, mut last) = (Instant::now(), None);
        for number in 1..=ROTATIONS {
            last = Some(folder.rotate(Timing::Forced));
            tokio::time::sleep_until(begun + between * number).await;
        }
        // The server reads the last key when its copy is old enough, and the client tries it again.
        let is_done = || {
            let status = client.status();
            status.rejection.is_none() && status.accepted_key.is_some_and(|key| Some(key.key_id) == last)
        };
        while !is_done() {
            assert!(begun.elapsed() < Duration::from_secs(120), "{name}: {:?}", client.status());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let ((), outcome) = load::during(rotations, CALLS_PER_SECOND, || {
        let (client, request) = (client.clone(), request.clone());
        async move { client.request(&request).await.map(drop) }
    })
    .await;
    let corrections = client.statistics().key_corrections;
    println!(
        "{name}, {ROTATIONS} rotations: {outcome}; {corrections} requests signed again with another key"
    );
    assert!(outcome.errors.is_empty(), "{name}: {outcome}");
    assert_eq!(accepted(&record), 1 + outcome.calls(), "{name}");
    assert!(outcome.rate() > case.least_rate, "{name}: {outcome}");
    // The server was behind after most rotations.
    assert!(corrections >= 8, "{name}: {corrections}");
}

/// Prints the record. Returns the number of accepted requests.
fn accepted(record: &Record) -> usize {
    record.print().into_iter().filter(|((_, status), _)| *status == 200).map(|(_, count)| count).sum()
}

/// Keycloak reads the URL again when it sees an unknown `kid`, at most every 10 s, so five keys are
/// new to it at a time. oidc-provider reads it at most every minute, so all ten are. Both at once,
/// so that they take one minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_in_ten_rotations_at_keycloak_and_at_oidc_provider() {
    let keycloak = tokio::task::block_in_place(keycloak).to_owned();
    let client_id = "rotates-at-oidc-provider";
    let jwks_uri = format!("{}/{client_id}", published::url());
    let clients = json!({"clients": [{"client_id": client_id, "jwks_uri": jwks_uri}]});
    let server = start("oidc-provider", node("server.mjs"), &clients);
    let oidc_provider = tokio::spawn(ten_rotations(Case {
        name: "oidc-provider",
        issuer: server.issuer.clone(),
        client_id,
        request: TokenRequest::client_credentials("api:read"),
        propagation: Duration::from_secs(60),
        between: Duration::from_secs(6),
        least_rate: 60.0,
    }));
    let keycloak = tokio::spawn(ten_rotations(Case {
        name: "Keycloak",
        issuer: keycloak,
        client_id: "rotates-quickly",
        request: TokenRequest::client_credentials(()),
        propagation: Duration::from_secs(10),
        between: Duration::from_secs(2),
        least_rate: 40.0,
    }));
    let failed = [oidc_provider.await.is_err(), keycloak.await.is_err()];
    assert_eq!(failed, [false; 2], "oidc-provider, Keycloak");
}

/// The server reads the URL again when it sees an unknown `kid`.
#[tokio::test]
async fn at_spring() {
    let issuer = &spring(published::url()).issuer;
    let generated = || PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap();
    let ring = KeyRing::from(generated()).with_propagation(Duration::ZERO);
    publish("/rotates-at-spring", ring.clone());
    let (server, record) =
        (AuthorizationServer::discover(issuer).await.unwrap(), Record::of("Spring Authorization Server"));
    let client = TokenClient::builder(server, "rotates-at-spring", ring.clone());
    let client = client.http(record.clone()).build().unwrap();
    let request = TokenRequest::client_credentials("api:read");
    client.request(&request).await.unwrap();
    for _ in 0..3 {
        let now = OffsetDateTime::now_utc();
        let key_id = ring.publish(generated(), now).unwrap();
        ring.activate(&key_id, now).unwrap();
        for _ in 0..5 {
            client.request(&request).await.unwrap();
        }
    }
    assert_eq!(accepted(&record), 16);
}
