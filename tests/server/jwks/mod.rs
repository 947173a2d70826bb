//! Keys that an issuer publishes and changes: over a scripted HTTP client, where the test decides
//! the order of events, and over real sockets.

mod discovery;
mod documents;
mod failing;
mod fetching;
mod outsiders;
mod rollover;
mod scripted;
mod shapes;
mod tasks;

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use private_key_jwt::verifier::{AccessTokenVerifier, VerifierError};
use private_key_jwt::{Algorithm, Jwk, JwkSet, PrivateKey};
use serde_json::{Value, json};

use crate::support::now;

const ISSUER: &str = "https://as.example";
const AUDIENCE: &str = "https://api.example";
/// The default.
const COOL_DOWN: i64 = 30;

fn new_key(name: &str) -> (PrivateKey, Jwk) {
    let key = PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap();
    let jwk = key.public_jwk().clone().with_key_id(name);
    (key, jwk)
}

fn set(keys: &[&Jwk]) -> String {
    keys.iter().map(|jwk| (*jwk).clone()).collect::<JwkSet>().to_json()
}

/// A good token with these header members, without its signature.
fn unsigned(header: &Value) -> String {
    let now = now().unix_timestamp();
    let claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "user-1", "client_id": "client", "jti": "j1",
        "iat": now, "exp": now + 1_000_000,
    });
    let part = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
    format!("{}.{}", part(header), part(&claims))
}

/// A good token by this key, under this kid.
fn token(key: &PrivateKey, name: Option<&str>) -> String {
    let mut header = json!({"typ": "at+jwt", "alg": key.algorithm().as_str()});
    if let Some(name) = name {
        header["kid"] = json!(name);
    }
    signed(key, &unsigned(&header))
}

fn signed(key: &PrivateKey, input: &str) -> String {
    format!("{input}.{}", base64url(key.sign(input.as_bytes()).unwrap().as_bytes()))
}

fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// A token with an invalid signature.
fn forged(name: &str) -> String {
    let header = json!({"typ": "at+jwt", "alg": "ES256", "kid": name});
    format!("{}.{}", unsigned(&header), Base64UrlUnpadded::encode_string(&[1; 64]))
}

fn verifier() -> AccessTokenVerifier {
    AccessTokenVerifier::new(ISSUER, AUDIENCE)
}

/// The result of a future that does not wait.
fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

/// Lets the other tasks of this thread run until the condition holds.
async fn until(mut so: impl FnMut() -> bool) {
    tokio::time::timeout(Duration::from_secs(60), async {
        while !so() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("it never came to that");
}

fn is_no_matching_key(error: &VerifierError) -> bool {
    matches!(error, VerifierError::Jose(private_key_jwt::jose::JoseError::NoMatchingKey { .. }))
}
