//! Floor 7, `dev_server`: its logic without a socket, its own listener, and the server mounted in
//! wiremock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod authorization;
mod browsers;
mod clients;
mod code;
mod connections;
mod device;
mod end_to_end;
mod exchange;
mod faults;
mod folder;
mod hostile;
mod inspector;
mod inspector_reasons;
mod introspection;
mod jwt_bearer;
mod listener;
mod logic;
mod methods;
mod openid;
mod profiles;
mod public_url;
mod refresh;
mod settings;
mod setups;
#[path = "../support/mod.rs"]
mod support;
#[cfg(feature = "dev-server-tls")]
mod tls;

use base64ct::{Base64UrlUnpadded, Encoding};
use private_key_jwt::dev_server::DevServer;
use private_key_jwt::jose::CompactJws;
use private_key_jwt::oauth::{ClientAssertionBuilder, Endpoint};
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

/// A key of testdata for this algorithm.
fn sample(algorithm: Algorithm) -> PrivateKey {
    let file = match algorithm.as_str() {
        "ES256" => "p256.pkcs8.pem",
        "ES384" => "p384.pkcs8.pem",
        "ES512" => "p521.pkcs8.pem",
        "EdDSA" | "Ed25519" => "ed25519.pkcs8.pem",
        _ => "rsa2048.pkcs8.pem",
    };
    support::key(file).with_algorithm(algorithm).unwrap()
}

fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// This many seconds later.
fn at(seconds: i64) -> OffsetDateTime {
    now() + time::Duration::seconds(seconds)
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

/// A jti that no other assertion has.
fn fresh() -> String {
    static JTI: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    JTI.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string()
}

fn assertion(
    dev: &DevServer,
    key: &PrivateKey,
    change: impl FnOnce(ClientAssertionBuilder) -> ClientAssertionBuilder,
) -> ClientAssertion {
    change(ClientAssertion::builder("client", &server(dev))).sign(key, now(), fresh()).unwrap()
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

/// A client of a server without a socket, with functions for each request.
#[derive(Clone)]
struct Client {
    dev: DevServer,
    id: &'static str,
    key: PrivateKey,
}

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

impl Client {
    /// Registers a client.
    fn of(dev: &DevServer, id: &'static str) -> Self {
        let key = es256();
        dev.register(id, jwks(&key)).unwrap();
        Self { dev: dev.clone(), id, key }
    }

    /// The only client of a new server.
    fn alone() -> Self {
        Self::of(&DevServer::new(ORIGIN).unwrap(), "client")
    }

    fn request(
        &self,
        endpoint: Endpoint,
        pairs: &[(&str, &str)],
        now: OffsetDateTime,
    ) -> http::Request<Vec<u8>> {
        let server = self.dev.authorization_server();
        let assertion = ClientAssertion::builder(self.id, server).sign(&self.key, now, fresh()).unwrap();
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(pairs).extend_pairs(assertion.form());
        http::Request::post(server.endpoint(endpoint).unwrap())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.finish().into_bytes())
            .unwrap()
    }

    fn ask(
        &self,
        endpoint: Endpoint,
        pairs: &[(&str, &str)],
        now: OffsetDateTime,
    ) -> http::Response<Vec<u8>> {
        self.dev.respond(&self.request(endpoint, pairs, now), now)
    }

    fn token(&self, pairs: &[(&str, &str)], now: OffsetDateTime) -> http::Response<Vec<u8>> {
        self.ask(Endpoint::Token, pairs, now)
    }

    /// The answer to a device authorization request.
    fn device(&self, pairs: &[(&str, &str)], now: OffsetDateTime) -> Value {
        good(&self.ask(Endpoint::DeviceAuthorization, pairs, now))
    }

    fn poll(&self, device_code: &Value, now: OffsetDateTime) -> http::Response<Vec<u8>> {
        self.token(&[("grant_type", DEVICE_CODE), ("device_code", device_code.as_str().unwrap())], now)
    }

    /// The tokens of user-1 for these scopes.
    fn log_in(&self, scope: &str, now: OffsetDateTime) -> Value {
        let codes = self.device(&[("scope", scope)], now);
        self.dev.approve(codes["user_code"].as_str().unwrap(), "user-1").unwrap();
        good(&self.poll(&codes["device_code"], now))
    }

    fn refresh(&self, token: &Value, now: OffsetDateTime) -> http::Response<Vec<u8>> {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token.as_str().unwrap())], now)
    }

    fn introspect(&self, token: &str, now: OffsetDateTime) -> Value {
        good(&self.ask(Endpoint::Introspection, &[("token", token)], now))
    }

    fn is_active(&self, token: &Value, now: OffsetDateTime) -> bool {
        self.introspect(token.as_str().unwrap(), now)["active"].as_bool().unwrap()
    }
}

/// A browser opens a URL.
fn page(dev: &DevServer, url: &str, now: OffsetDateTime) -> http::Response<Vec<u8>> {
    dev.respond(&http::Request::get(url).body(Vec::new()).unwrap(), now)
}

/// A browser presses a button.
fn press(dev: &DevServer, url: &str, pairs: &[(&str, &str)], now: OffsetDateTime) -> http::Response<Vec<u8>> {
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let request = http::Request::post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.into_bytes())
        .unwrap();
    dev.respond(&request, now)
}

/// The text of a page.
fn html(response: &http::Response<Vec<u8>>) -> String {
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["referrer-policy"], "same-origin");
    assert_eq!(response.headers()["x-frame-options"], "DENY");
    assert_eq!(
        response.headers()["content-security-policy"],
        "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    );
    String::from_utf8(response.body().clone()).unwrap()
}

/// The JSON of a success.
fn good(response: &http::Response<Vec<u8>>) -> Value {
    let body = body(response);
    assert_eq!(response.status(), 200, "{body}");
    body
}

fn body(response: &http::Response<Vec<u8>>) -> Value {
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["pragma"], "no-cache");
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

const ONLY_METHOD: &str = "this server accepts only private_key_jwt (RFC 7523 section 2.2)";

const USED: &str = "the `jti` of the assertion was used before; every assertion needs a new one; the builder's `reusable_assertions` and `pkjwt serve \
                    --reuse-assertions` accept it repeatedly, for clients such as MSAL";

fn invalid_client(description: &str) -> (u16, String, String) {
    refused(400, "invalid_client", description)
}

fn invalid_request(description: &str) -> (u16, String, String) {
    refused(400, "invalid_request", description)
}

/// The claims of a token, after its signature was checked with the server's keys.
fn claims(dev: &DevServer, token: &str) -> Value {
    let jws = CompactJws::parse(token).unwrap();
    assert!(jws.header().is_typed("at+jwt"));
    let keys = PublicKeySet::from(dev.jwks());
    let key = keys.select(jws.header().key_id.as_ref(), jws.header().algorithm).unwrap();
    key.verify(jws.signing_input().as_bytes(), jws.signature()).unwrap();
    serde_json::from_slice(jws.payload()).unwrap()
}
