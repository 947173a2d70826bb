//! The keys of 100,000 clients in one [`ClientKeys`]: the memory of a client, and the time of a
//! verification, compared with the same verification with keys in memory.
//!
//! `cargo bench --bench client_keys`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashMap;
use std::future::ready;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use private_key_jwt::jose::KeyId;
use private_key_jwt::keys::BoxFuture;
use private_key_jwt::transport::{HttpClient, TransportError};
use private_key_jwt::{
    Algorithm, ClientAssertion, ClientAssertionVerifier, ClientKeys, ClientMetadata, JwkSet, PrivateKey,
    PublicKeySet,
};
use time::OffsetDateTime;
use tokio::runtime::{Builder, Runtime};

const ISSUER: &str = "https://as.example";

fn client_id(number: usize) -> String {
    format!("3f1b6a0e-8f9e-4c5f-8d55-a2a4{number:08x}")
}

fn url(number: usize) -> String {
    format!("https://client-{number}.example/.well-known/jwks.json")
}

/// A client, in an order that no cache of the processor foresees.
const fn somewhere(turn: usize, clients: usize) -> usize {
    turn * 7919 % clients
}

/// The servers of all clients, without a network.
struct Clients(Vec<u8>);

impl HttpClient for Clients {
    fn send(
        &self,
        _: http::Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>> {
        let response = http::Response::builder().header("ETag", "\"33a64df551425fcc55e4d42a148795d9\"");
        Box::pin(ready(Ok(response.body(self.0.clone()).unwrap())))
    }
}

/// A key, and a set with it and with the one before it.
fn published(algorithm: Algorithm) -> (PrivateKey, JwkSet) {
    let [key, before] = [(); 2].map(|()| PrivateKey::generate(algorithm).unwrap().private_key().unwrap());
    let set = [&key, &before].map(|key| key.public_jwk().clone());
    (key, set.into_iter().collect())
}

struct Fixture {
    verifier: ClientAssertionVerifier,
    keys: ClientKeys,
    bare: PublicKeySet,
    clients: usize,
    /// Assertions of every tenth client.
    assertions: Vec<String>,
}

/// Fetches the keys of all clients, and verifies one assertion of each. Prints the memory.
fn fixture(runtime: &Runtime, algorithm: Algorithm, clients: usize) -> Fixture {
    let (key, set) = published(algorithm);
    let verifier = ClientAssertionVerifier::new(ISSUER);
    let now = OffsetDateTime::now_utc();
    let builder = |number| ClientAssertion::builder_for_audience(client_id(number), ISSUER);
    let builder = |number| builder(number).lifetime(Duration::from_secs(300));
    let assertions = (0..clients / 10).map(|turn| {
        let assertion = builder(somewhere(turn, clients)).sign(&key, now, "jti").unwrap();
        assertion.secret().to_owned()
    });
    let assertions = assertions.collect();
    // The registry itself is the user's, so its memory is not counted.
    let urls: Arc<HashMap<_, _>> =
        Arc::new((0..clients).map(|number| (client_id(number), url(number))).collect());
    let registry = move |id: &str| Some(ClientMetadata::jwks_uri(urls.get(id)?).signing_algorithm(algorithm));
    let builder = ClientKeys::builder(registry).capacity(clients).http(Clients(set.to_json().into_bytes()));
    let keys = builder.build().unwrap();
    let start = Instant::now();
    let fetched = allocation_counter::measure(|| {
        runtime.block_on(async {
            for number in 0..clients {
                keys.keys(&client_id(number)).await.unwrap();
            }
        });
    });
    let each = start.elapsed() / u32::try_from(clients).unwrap();
    assert_eq!(keys.held(), clients);
    let name = KeyId::from(key.key_id().as_str());
    let parsed = allocation_counter::measure(|| {
        runtime.block_on(async {
            for number in 0..clients {
                let of_client = keys.keys(&client_id(number)).await.unwrap();
                of_client.select(Some(&name), algorithm).unwrap();
            }
        });
    });
    #[allow(clippy::cast_precision_loss)]
    let per_client = |bytes: i64| bytes as f64 / clients as f64;
    println!(
        "{algorithm}, {clients} clients with two keys each: {:.0} bytes per client, {:.0} once a key was used; \
         {each:?} to add a client",
        per_client(fetched.bytes_current),
        per_client(fetched.bytes_current + parsed.bytes_current),
    );
    Fixture { verifier, keys, clients, bare: set.into(), assertions }
}

impl Fixture {
    fn assertion(&self, turn: usize) -> &str {
        self.assertions.get(turn % self.assertions.len()).unwrap()
    }

    async fn with_client_keys(&self, turn: usize) {
        let assertion = self.verifier.parse_assertion(self.assertion(turn)).unwrap();
        let _ = black_box(self.keys.verify_assertion(assertion).await.unwrap());
    }

    /// With the keys of all clients in one set. It reads the clock, as the other side does.
    fn with_keys_in_memory(&self, algorithm: Algorithm, turn: usize) {
        let assertion = self.verifier.parse_assertion(self.assertion(turn)).unwrap();
        let now = OffsetDateTime::now_utc();
        let _ = black_box(assertion.verify(&self.bare, algorithm, now).unwrap());
    }

    /// What the cache and the registry take.
    async fn nothing(&self, turn: usize) {
        let check = |keys: &PublicKeySet, now| {
            black_box((keys, now));
            Ok(())
        };
        self.keys.verify_with(&client_id(somewhere(turn, self.clients)), check).await.unwrap();
    }
}

fn client_keys(criterion: &mut Criterion) {
    // `cargo test --benches` only shows that it runs.
    let clients = if std::env::args().any(|argument| argument == "--bench") { 100_000 } else { 1000 };
    // One thread, because the memory is counted by thread.
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let mut group = criterion.benchmark_group("client keys");
    for algorithm in [Algorithm::ES256, Algorithm::RS256] {
        let fixture = fixture(&runtime, algorithm, clients);
        let mut turn = 0;
        group.bench_function(format!("{algorithm}/bare"), |bencher| {
            bencher.iter(|| {
                turn += 1;
                fixture.with_keys_in_memory(algorithm, turn);
            });
        });
        group.bench_function(format!("{algorithm}/ClientKeys"), |bencher| {
            bencher.iter(|| {
                turn += 1;
                runtime.block_on(fixture.with_client_keys(turn));
            });
        });
        group.bench_function(format!("{algorithm}/nothing"), |bencher| {
            bencher.iter(|| {
                turn += 1;
                runtime.block_on(fixture.nothing(turn));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, client_keys);
criterion_main!(benches);
