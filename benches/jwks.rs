//! What a warm [`RemoteJwks`] adds to the verification of an access token, compared with the same
//! verification with keys in memory, from one task and from eight.
//!
//! `cargo bench --bench jwks`; the target is 1.10.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64ct::{Base64UrlUnpadded, Encoding};
use criterion::{Criterion, criterion_group, criterion_main};
use private_key_jwt::keys::BoxFuture;
use private_key_jwt::transport::{HttpClient, TransportError};
use private_key_jwt::verifier::AccessTokenVerifier;
use private_key_jwt::{Algorithm, JwkSet, PrivateKey, PublicKeySet, RemoteJwks};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::runtime::Runtime;

const ISSUER: &str = "https://auth.pingone.eu/6a0e8f9e-0c5f-4d55-a2a4-1c6f2c0b7f7d/as";
const AUDIENCE: &str = "https://api.example";

/// An issuer without a network.
struct Issuer(String);

impl HttpClient for Issuer {
    fn send(
        &self,
        _: http::Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>> {
        Box::pin(std::future::ready(Ok(http::Response::new(self.0.clone().into_bytes()))))
    }
}

/// What both sides verify with, and what they verify.
struct Fixture {
    verifier: AccessTokenVerifier,
    keys: PublicKeySet,
    jwks: RemoteJwks,
    token: String,
}

impl Fixture {
    fn new(algorithm: Algorithm, stem: &str) -> Self {
        let file = format!("{}/testdata/keys/{stem}.pkcs8.pem", env!("CARGO_MANIFEST_DIR"));
        let key = PrivateKey::from_file(file).unwrap().with_algorithm(algorithm).unwrap();
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let header = json!({"typ": "at+jwt", "alg": algorithm.as_str(), "kid": key.key_id().as_str()});
        let claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "user-1", "client_id": "client", "jti": "j1", "scope": "a b",
            "iat": now, "exp": now + 86_400,
        });
        let part = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
        let input = format!("{}.{}", part(&header), part(&claims));
        let signature = Base64UrlUnpadded::encode_string(key.sign(input.as_bytes()).unwrap().as_bytes());
        let set = JwkSet::from(key.public_jwk().clone());
        Self {
            verifier: AccessTokenVerifier::new(ISSUER, AUDIENCE),
            jwks: RemoteJwks::builder(format!("{ISSUER}/jwks")).http(Issuer(set.to_json())).build().unwrap(),
            keys: set.into(),
            token: format!("{input}.{signature}"),
        }
    }

    /// With keys in memory. It reads the clock, as the other side does.
    async fn bare(&self) {
        let now = OffsetDateTime::now_utc();
        black_box(self.verifier.verify(&self.keys, black_box(&self.token), now).unwrap());
    }

    async fn warm(&self) {
        black_box(self.jwks.verify(&self.verifier, black_box(&self.token)).await.unwrap());
    }

    /// The cost of the set itself: the clock, and the cached keys.
    async fn nothing(&self) {
        let check = |keys: &PublicKeySet, now| {
            black_box((keys, now));
            Ok(())
        };
        self.jwks.verify_with(check).await.unwrap();
    }
}

/// The time of this many verifications in this many tasks, in total.
async fn timed<F: Future<Output = ()> + Send>(
    fixture: &Arc<Fixture>,
    tasks: u64,
    verifications: u64,
    verify: impl Fn(Arc<Fixture>) -> F + Copy + Send + 'static,
) -> Duration {
    let start = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|_| {
            let fixture = Arc::clone(fixture);
            tokio::spawn(async move {
                for _ in 0..verifications.div_ceil(tasks) {
                    verify(Arc::clone(&fixture)).await;
                }
            })
        })
        .collect();
    for task in running {
        task.await.unwrap();
    }
    start.elapsed()
}

fn verifications(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("access token");
    for (algorithm, stem) in
        [(Algorithm::RS256, "rsa2048"), (Algorithm::ES256, "p256"), (Algorithm::EdDSA, "ed25519")]
    {
        let fixture = Arc::new(Fixture::new(algorithm, stem));
        runtime.block_on(fixture.jwks.keys()).unwrap();
        for tasks in [1, 8] {
            let name = format!("{algorithm}/{tasks} at a time");
            group.bench_function(format!("{name}/bare"), |bencher| {
                bencher.iter_custom(|count| {
                    runtime.block_on(timed(&fixture, tasks, count, async |fixture| fixture.bare().await))
                });
            });
            group.bench_function(format!("{name}/RemoteJwks"), |bencher| {
                bencher.iter_custom(|count| {
                    runtime.block_on(timed(&fixture, tasks, count, async |fixture| fixture.warm().await))
                });
            });
        }
    }
    let fixture = Arc::new(Fixture::new(Algorithm::ES256, "p256"));
    runtime.block_on(fixture.jwks.keys()).unwrap();
    for tasks in [1, 8] {
        group.bench_function(format!("nothing/{tasks} at a time/RemoteJwks"), |bencher| {
            bencher.iter_custom(|count| {
                runtime.block_on(timed(&fixture, tasks, count, async |fixture| fixture.nothing().await))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, verifications);
criterion_main!(benches);
