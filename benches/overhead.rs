//! What the crate adds to a signature: an assertion compared with the bare signature of the same
//! backend, a verification compared with the bare verification, and loading a key.
//!
//! `cargo bench --bench overhead`; `benches/peers` compares with other crates.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use criterion::{Criterion, criterion_group, criterion_main};
use private_key_jwt::{
    Algorithm, AuthorizationServer, ClientAssertion, ClientAssertionVerifier, JwkSet, PrivateKey,
    PublicKeySet,
};
use std::hint::black_box;
use time::OffsetDateTime;

const ISSUER: &str = "https://auth.pingone.eu/6a0e8f9e-0c5f-4d55-a2a4-1c6f2c0b7f7d/as";
const CLIENT_ID: &str = "3f1b6a0e-8f9e-4c5f-8d55-a2a41c6f2c0b";
const JTI: &str = "0192f0c1-3f5e-4a57-9d0b-0c9f0a4c1e7d";

const KEYS: [(Algorithm, &str); 6] = [
    (Algorithm::RS256, "rsa2048"),
    (Algorithm::PS256, "rsa2048"),
    (Algorithm::ES256, "p256"),
    (Algorithm::ES384, "p384"),
    (Algorithm::ES512, "p521"),
    (Algorithm::EdDSA, "ed25519"),
];

fn file(stem: &str) -> Vec<u8> {
    std::fs::read(format!("{}/testdata/keys/{stem}.pkcs8.pem", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn keys() -> impl Iterator<Item = (Algorithm, PrivateKey)> {
    KEYS.into_iter().map(|(algorithm, stem)| {
        (algorithm, PrivateKey::from_bytes(&file(stem)).unwrap().with_algorithm(algorithm).unwrap())
    })
}

fn assertions(criterion: &mut Criterion) {
    let server = AuthorizationServer::new(ISSUER, format!("{ISSUER}/token")).unwrap();
    let builder = ClientAssertion::builder(CLIENT_ID, &server);
    let now = OffsetDateTime::now_utc();
    let mut group = criterion.benchmark_group("assertion");
    for (algorithm, key) in keys() {
        let unsigned = builder.prepare(&key, now, JTI).unwrap();
        group.bench_function(format!("{algorithm}/signature"), |bencher| {
            bencher.iter(|| key.sign(black_box(unsigned.signing_input())).unwrap());
        });
        group.bench_function(format!("{algorithm}/whole"), |bencher| {
            bencher.iter(|| builder.sign(&key, now, black_box(JTI)).unwrap());
        });
    }
    let (_, key) = keys().next().unwrap();
    group.bench_function("signing input", |bencher| {
        bencher.iter(|| builder.prepare(&key, now, black_box(JTI)).unwrap());
    });
    #[cfg(feature = "client")]
    group.bench_function("jti", |bencher| bencher.iter(private_key_jwt::client::fresh_jti));
    group.finish();
}

fn verifications(criterion: &mut Criterion) {
    let server = AuthorizationServer::new(ISSUER, format!("{ISSUER}/token")).unwrap();
    let builder = ClientAssertion::builder(CLIENT_ID, &server);
    let now = OffsetDateTime::now_utc();
    let verifier = ClientAssertionVerifier::new(ISSUER);
    let mut group = criterion.benchmark_group("verification");
    for (algorithm, key) in keys() {
        let assertion = builder.sign(&key, now, JTI).unwrap();
        let unsigned = builder.prepare(&key, now, JTI).unwrap();
        let signature = key.sign(unsigned.signing_input()).unwrap();
        let public = key.public_key().unwrap();
        let keys = PublicKeySet::from(JwkSet::from(key.public_jwk().clone()));
        group.bench_function(format!("{algorithm}/signature"), |bencher| {
            bencher.iter(|| public.verify(black_box(unsigned.signing_input()), &signature).unwrap());
        });
        group.bench_function(format!("{algorithm}/whole"), |bencher| {
            bencher.iter(|| {
                let unverified = verifier.parse_assertion(black_box(assertion.secret())).unwrap();
                unverified.verify(&keys, algorithm, now).unwrap()
            });
        });
        group.bench_function(format!("{algorithm}/parsing"), |bencher| {
            bencher.iter(|| verifier.parse_assertion(black_box(assertion.secret())).unwrap());
        });
    }
    group.finish();
}

fn loading(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("load");
    for stem in ["rsa2048", "p256", "ed25519"] {
        let pem = file(stem);
        group.bench_function(stem, |bencher| {
            bencher.iter(|| PrivateKey::from_bytes(black_box(&pem)).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, assertions, verifications, loading);
criterion_main!(benches);
