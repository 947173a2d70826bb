//! The dev server: its logic without a socket, over its own listener, and mounted in wiremock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod clients;
mod listener;
mod logic;

use private_key_jwt::dev_server::DevServer;
use private_key_jwt::jose::CompactJws;
use private_key_jwt::oauth::ClientAssertionBuilder;
use private_key_jwt::{
    Algorithm, AuthorizationServer, ClientAssertion, JwkSet, PrivateKey, PublicKeySet, TokenRequest,
};
use serde_json::Value;
use time::OffsetDateTime;

const ORIGIN: &str = "http://127.0.0.1:8080";
type Pairs = Vec<(String, String)>;

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap()
}

fn es256() -> PrivateKey {
    PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap()
}

fn jwks(key: &PrivateKey) -> JwkSet {
    key.public_jwk().clone().into()
}

/// A server with one client, and its key.
fn dev() -> (DevServer, PrivateKey) {
    let (dev, key) = (DevServer::new(ORIGIN).unwrap(), es256());
    dev.register("client", jwks(&key)).unwrap();
    (dev, key)
}

fn server(dev: &DevServer) -> AuthorizationServer {
    AuthorizationServer::new(dev.issuer(), dev.token_endpoint()).unwrap()
}

fn assertion(
    dev: &DevServer,
    key: &PrivateKey,
    change: impl FnOnce(ClientAssertionBuilder) -> ClientAssertionBuilder,
) -> ClientAssertion {
    static JTI: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let jti = JTI.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string();
    change(ClientAssertion::builder("client", &server(dev))).sign(key, now(), jti).unwrap()
}

fn request(
    dev: &DevServer,
    key: &PrivateKey,
    change: impl FnOnce(ClientAssertionBuilder) -> ClientAssertionBuilder,
) -> http::Request<Vec<u8>> {
    TokenRequest::client_credentials("a b").to_http(&server(dev), &assertion(dev, key, change)).unwrap()
}

fn as_it_is(builder: ClientAssertionBuilder) -> ClientAssertionBuilder {
    builder
}

fn form(request: &http::Request<Vec<u8>>) -> Pairs {
    form_urlencoded::parse(request.body()).into_owned().collect()
}

/// The same request with another form.
fn with_form(
    request: &http::Request<Vec<u8>>,
    pairs: impl IntoIterator<Item = (String, String)>,
) -> http::Request<Vec<u8>> {
    let mut request = request.clone();
    *request.body_mut() =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().into_bytes();
    request
}

fn body(response: &http::Response<Vec<u8>>) -> Value {
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    serde_json::from_slice(response.body()).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Status, error, description.
fn refusal(response: &http::Response<Vec<u8>>) -> (u16, String, String) {
    let body = body(response);
    (response.status().as_u16(), text(&body["error"]), text(&body["error_description"]))
}

fn refused(status: u16, error: &str, description: &str) -> (u16, String, String) {
    (status, error.to_owned(), description.to_owned())
}

fn invalid_client(description: &str) -> (u16, String, String) {
    refused(401, "invalid_client", description)
}

fn invalid_request(description: &str) -> (u16, String, String) {
    refused(400, "invalid_request", description)
}

/// The claims of a token, after its signature was checked against the server's keys.
fn claims(dev: &DevServer, token: &str) -> Value {
    let jws = CompactJws::parse(token).unwrap();
    assert!(jws.header().is_typed("at+jwt"));
    let keys = PublicKeySet::from(dev.jwks());
    let key = keys.select(jws.header().key_id.as_ref(), jws.header().algorithm).unwrap();
    key.verify(jws.signing_input().as_bytes(), jws.signature()).unwrap();
    serde_json::from_slice(jws.payload()).unwrap()
}
