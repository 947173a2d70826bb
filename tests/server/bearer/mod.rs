//! The tower layers in front of a service: every answer to the byte, and what reaches the service.

#[cfg(feature = "axum")]
mod extractor;
mod issuers;
mod refusals;

use std::future::{Ready, poll_fn, ready};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use base64ct::{Base64UrlUnpadded, Encoding};
use http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use private_key_jwt::server::{BearerLayer, BearerRefusal, RemoteJwks, RemoteJwksError, RequireScope};
use private_key_jwt::transport::Clock;
use private_key_jwt::verifier::{
    AccessTokenClaims, AccessTokenProfile, AccessTokenVerifier, ProofOfPossession,
};
use private_key_jwt::{JwkSet, PrivateKey, Scope};
use serde_json::{Value, json};
use tower_layer::Layer;
use tower_service::Service;

use crate::support::clock::TestClock;
use crate::support::http::{Answer, ScriptedHttp, ok};
use crate::support::{MARK, has_mark, key, now};

const ISSUER: &str = "https://as.example";
const AUDIENCE: &str = "https://api.example";
const CHALLENGE: &str = r#"Bearer realm="https://api.example""#;
const INVALID_TOKEN: &str = r#"Bearer realm="https://api.example", error="invalid_token""#;
const INVALID_REQUEST: &str = r#"Bearer realm="https://api.example", error="invalid_request""#;

fn published() -> Answer {
    ok(&[], &JwkSet::from(key("p256.pkcs8.pem").public_jwk().clone()).to_json())
}

fn jwks_of(issuer: &ScriptedHttp, clock: impl Clock + 'static) -> RemoteJwks {
    RemoteJwks::builder("https://as.example/jwks").http(issuer.clone()).clock(clock).build().unwrap()
}

fn jwks() -> RemoteJwks {
    jwks_of(&ScriptedHttp::answering(|_| published()), now)
}

fn verifier() -> AccessTokenVerifier {
    AccessTokenVerifier::new(ISSUER, AUDIENCE)
}

fn bearer() -> BearerLayer {
    BearerLayer::new(jwks(), verifier())
}

/// A token by this key, of these scopes, with one claim changed.
fn token_by(key: &PrivateKey, claim: &str, value: Value) -> String {
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "user-1", "client_id": "client", "jti": "j1", "scope": "a b",
        "iat": now().unix_timestamp(), "exp": now().unix_timestamp() + 300,
    });
    claims[claim] = value;
    signed(key, Some("at+jwt"), &claims)
}

fn signed(key: &PrivateKey, typ: Option<&str>, claims: &Value) -> String {
    let mut header = json!({"alg": "ES256", "kid": key.key_id().as_str()});
    if let Some(typ) = typ {
        header["typ"] = json!(typ);
    }
    let part = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
    let input = format!("{}.{}", part(&header), part(claims));
    let signature = key.sign(input.as_bytes()).unwrap();
    format!("{input}.{}", Base64UrlUnpadded::encode_string(signature.as_bytes()))
}

fn token(claim: &str, value: Value) -> String {
    token_by(&key("p256.pkcs8.pem"), claim, value)
}

fn good() -> String {
    token("sub", json!("user-1"))
}

/// A body that is `Send` and not `Sync`, like axum's.
#[derive(Debug, Default, PartialEq)]
struct Body(&'static str, std::marker::PhantomData<std::cell::Cell<()>>);

/// The service behind the layer. It counts calls, and panics if it is called before it was ready; a
/// clone is not ready.
struct Handler {
    seen: Arc<Mutex<Vec<Request<Body>>>>,
    polled: Arc<AtomicUsize>,
    can_be_ready: Arc<AtomicBool>,
    is_ready: bool,
}

impl Handler {
    fn new() -> Self {
        let can_be_ready = Arc::new(AtomicBool::new(true));
        Self { seen: Arc::default(), polled: Arc::default(), can_be_ready, is_ready: false }
    }
}

impl Clone for Handler {
    fn clone(&self) -> Self {
        let Self { seen, polled, can_be_ready, .. } = self;
        let (seen, polled, can_be_ready) = (Arc::clone(seen), Arc::clone(polled), Arc::clone(can_be_ready));
        Self { seen, polled, can_be_ready, is_ready: false }
    }
}

impl Service<Request<Body>> for Handler {
    type Response = Response<Body>;
    type Error = &'static str;
    type Future = Ready<Result<Response<Body>, &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        self.polled.fetch_add(1, Ordering::SeqCst);
        self.is_ready = self.can_be_ready.load(Ordering::SeqCst);
        if self.is_ready { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called without having been ready");
        let fails = request.uri().path() == "/fails";
        self.seen.lock().unwrap().push(request);
        ready(if fails {
            Err("the service fails")
        } else {
            Ok(Response::new(Body("done", Default::default())))
        })
    }
}

fn request(authorization: &[&[u8]]) -> Request<Body> {
    // Every request here also has a token in the query, which must not count.
    let mut request = Request::new(Body("sent", Default::default()));
    *request.uri_mut() = format!("/?access_token={}", good()).parse().unwrap();
    for value in authorization {
        request.headers_mut().append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
    }
    request
}

async fn send<S>(service: &mut S, request: Request<Body>) -> S::Response
where
    S: Service<Request<Body>, Error = &'static str>,
{
    poll_fn(|context| service.poll_ready(context)).await.unwrap();
    service.call(request).await.unwrap()
}

/// Status, `WWW-Authenticate` and `Retry-After`; a refusal has an empty body and no other header.
fn parts(response: &Response<Body>) -> (u16, Option<&str>, Option<&str>) {
    let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap());
    let (challenge, retry) = (header(WWW_AUTHENTICATE), header(RETRY_AFTER));
    let count = usize::from(challenge.is_some()) + usize::from(retry.is_some());
    assert_eq!(response.headers().len(), count, "{:?}", response.headers());
    let body = if response.status() == 200 { "done" } else { "" };
    assert_eq!(response.body().0, body);
    (response.status().as_u16(), challenge, retry)
}

/// A layer's answer, and the number of requests that it lets through.
async fn answer(
    layer: &BearerLayer,
    authorization: &[&[u8]],
) -> (u16, Option<String>, Option<String>, usize) {
    let handler = Handler::new();
    let response = send(&mut layer.layer(handler.clone()), request(authorization)).await;
    let (status, challenge, retry) = parts(&response);
    let seen = handler.seen.lock().unwrap().len();
    (status, challenge.map(str::to_owned), retry.map(str::to_owned), seen)
}

/// A hook that keeps the errors of tokens, as text.
fn errors_to(log: &Arc<Mutex<Vec<String>>>) -> impl Fn(&Parts, &BearerRefusal) + use<> {
    let log = Arc::clone(log);
    move |_, refusal| log.lock().unwrap().extend(refusal.error().map(ToString::to_string))
}

async fn refused(layer: &BearerLayer, authorization: &[&[u8]], status: u16, challenge: &str) {
    let expected = (status, Some(challenge.to_owned()), None, 0);
    let found = answer(layer, authorization).await;
    assert_eq!(found, expected, "{:?}", authorization.iter().map(|value| value.escape_ascii().to_string()));
}

#[tokio::test]
async fn a_good_token_and_what_reaches_the_service() {
    let handler = Handler::new();
    let mut service = bearer().layer(handler.clone());
    for scheme in ["Bearer", "bearer", "BEARER", "Bearer   "] {
        let response = send(&mut service, request(&[format!("{scheme} {}", good()).as_bytes()])).await;
        assert_eq!(parts(&response), (200, None, None));
    }
    let seen = handler.seen.lock().unwrap();
    assert_eq!(seen.len(), 4);
    for request in seen.iter() {
        let claims = request.extensions().get::<Arc<AccessTokenClaims>>().unwrap();
        assert_eq!((claims.subject(), claims.scope().to_string().as_str()), (Some("user-1"), "a b"));
        assert_eq!(request.body().0, "sent");
        assert!(request.headers()[AUTHORIZATION].is_sensitive());
    }
}

#[tokio::test]
async fn rfc6750_3_1_no_credentials_have_no_error_code() {
    let basic =
        [b"Basic Zm9vOmJhcg==".as_slice(), b"", b"Basic a, Bearer b", b"Bearers x", b"DPoP x", b"\xe4"];
    refused(&bearer(), &[], 401, CHALLENGE).await;
    for value in basic {
        refused(&bearer(), &[value], 401, CHALLENGE).await;
    }
}

#[tokio::test]
async fn rfc6750_3_1_malformed_requests() {
    let good = format!("Bearer {}", good());
    refused(&bearer(), &[good.as_bytes(), good.as_bytes()], 400, INVALID_REQUEST).await;
    refused(&bearer(), &[good.as_bytes(), b"Basic Zm9vOmJhcg=="], 400, INVALID_REQUEST).await;
    refused(&bearer(), &[b"Basic Zm9vOmJhcg==", good.as_bytes()], 400, INVALID_REQUEST).await;
    for end in [", ", ",", " ", "\t", " x", ", Bearer x", "\u{e4}", ";"] {
        refused(&bearer(), &[format!("{good}{end}").as_bytes()], 400, INVALID_REQUEST).await;
    }
    let tab = good.replace(' ', "\t");
    for value in [b"Bearer".as_slice(), b"Bearer ", b"Bearer \xff", b"Bearer \"x\"", tab.as_bytes()] {
        refused(&bearer(), &[value], 400, INVALID_REQUEST).await;
    }
}

#[tokio::test]
async fn rfc6750_3_1_bad_tokens_of_every_kind_look_the_same() {
    let expired = now().unix_timestamp() - 10;
    let tokens = [
        "x".to_owned(),
        "x".repeat(8 * 1024),
        "x".repeat(AccessTokenVerifier::MAX_TOKEN_LEN + 1),
        "e30.e30.".to_owned(),
        good().replace('.', "~"),
        format!("{}=", good()),
        token("aud", json!("https://other.example")),
        token("iss", json!("https://evil.example")),
        token("exp", json!(expired)),
        token("jti", json!(1)),
        token_by(
            &PrivateKey::generate(private_key_jwt::Algorithm::ES256).unwrap().private_key().unwrap(),
            "a",
            json!(1),
        ),
    ];
    // Even if a scope is missing too.
    for layer in [bearer(), BearerLayer::new(jwks(), verifier().require_scope("c"))] {
        for token in &tokens {
            refused(&layer, &[format!("Bearer {token}").as_bytes()], 401, INVALID_TOKEN).await;
        }
    }
}

#[tokio::test]
async fn rfc6750_3_1_a_scope_of_the_verifier_is_missing() {
    let good = format!("Bearer {}", good());
    let layer = BearerLayer::new(jwks(), verifier().require_scope("a").require_scope("c d"));
    let challenge = r#"Bearer realm="https://api.example", error="insufficient_scope", scope="a c d""#;
    refused(&layer, &[good.as_bytes()], 403, challenge).await;
    let layer = BearerLayer::new(jwks(), verifier().require_scope("b a"));
    assert_eq!(answer(&layer, &[good.as_bytes()]).await, (200, None, None, 1));
}

#[tokio::test]
async fn scopes_are_those_of_the_profile() {
    let okta = verifier().profile(AccessTokenProfile::okta());
    let claims = |claim: &str, value: Value| {
        let mut claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "user-1", "cid": "client", "scp": ["a", "b"],
            "iat": now().unix_timestamp(), "exp": now().unix_timestamp() + 300,
        });
        claims[claim] = value;
        format!("Bearer {}", signed(&key("p256.pkcs8.pem"), None, &claims))
    };
    let (good, wider) = (claims("sub", json!("user-1")), claims("roles", json!(["c"])));
    let layer = BearerLayer::new(jwks(), okta.clone().require_scope("a"));
    assert_eq!(answer(&layer, &[good.as_bytes()]).await, (200, None, None, 1));
    refused(&bearer(), &[good.as_bytes()], 401, INVALID_TOKEN).await;
    refused(&layer, &[claims("cid", Value::Null).as_bytes()], 401, INVALID_TOKEN).await;
    let needs_c = BearerLayer::new(jwks(), okta.clone().require_scope("c"));
    let challenge = r#"Bearer realm="https://api.example", error="insufficient_scope", scope="c""#;
    refused(&needs_c, &[wider.as_bytes()], 403, challenge).await;
    let named = okta.permission_claims(["scp", "roles"]);
    // RequireScope sees the same scopes.
    for (token, status) in [(&good, 403), (&wider, 200)] {
        let layer = BearerLayer::new(jwks(), named.clone());
        let mut service = layer.layer(RequireScope::new("b c").layer(Handler::new()));
        assert_eq!(send(&mut service, request(&[token.as_bytes()])).await.status().as_u16(), status);
    }
}

#[tokio::test]
async fn without_an_audience_the_realm_is_the_issuer() {
    let cognito = AccessTokenVerifier::without_audience(ISSUER, ["client"]);
    let layer = BearerLayer::new(jwks(), cognito.profile(AccessTokenProfile::cognito()));
    refused(&layer, &[], 401, r#"Bearer realm="https://as.example""#).await;
    let claims = json!({
        "iss": ISSUER, "client_id": "client", "token_use": "access", "exp": now().unix_timestamp() + 300,
    });
    let token = format!("Bearer {}", signed(&key("p256.pkcs8.pem"), None, &claims));
    assert_eq!(answer(&layer, &[token.as_bytes()]).await, (200, None, None, 1));
    let challenge = r#"Bearer realm="https://as.example", error="invalid_token""#;
    refused(&layer, &[format!("Bearer {}", good()).as_bytes()], 401, challenge).await;
}

#[tokio::test]
async fn without_keys_no_request_is_let_in_and_no_token_is_called_bad() {
    let issuer = ScriptedHttp::silent();
    issuer.breaks();
    let layer = BearerLayer::new(jwks_of(&issuer, now), verifier());
    for token in [good(), token("exp", json!(1)), "e30.e30.".to_owned()] {
        let found = answer(&layer, &[format!("Bearer {token}").as_bytes()]).await;
        assert_eq!(found, (503, None, Some("5".to_owned()), 0), "{token}");
    }
    refused(&layer, &[], 401, CHALLENGE).await;
    refused(&layer, &[b"Bearer"], 400, INVALID_REQUEST).await;
}

#[tokio::test]
async fn keys_that_are_too_old_are_no_keys() {
    let (issuer, time) = (ScriptedHttp::answering(|_| published()), TestClock::new());
    let jwks = jwks_of(&issuer, time.clone());
    let good = format!("Bearer {}", token("exp", json!(now().unix_timestamp() + 100_000)));
    let log = Arc::new(Mutex::new(Vec::new()));
    let logged = Arc::clone(&log);
    let layer = BearerLayer::new(jwks, verifier()).on_refusal(move |_, refusal| {
        logged.lock().unwrap().push(matches!(refusal.error(), Some(RemoteJwksError::TooOld { .. })))
    });
    assert_eq!(answer(&layer, &[good.as_bytes()]).await, (200, None, None, 1));
    issuer.breaks();
    time.pass(3_601);
    assert_eq!(answer(&layer, &[good.as_bytes()]).await, (503, None, Some("5".to_owned()), 0));
    assert_eq!(*log.lock().unwrap(), [true]);
    issuer.answers(|_| published());
    time.pass(31);
    assert_eq!(answer(&layer, &[good.as_bytes()]).await, (200, None, None, 1));
}

#[tokio::test]
async fn rfc9110_5_6_4_the_realm_is_quoted() {
    let layer = bearer().realm("a \"b\"\\\r\nX: \u{e4}");
    refused(&layer, &[], 401, r#"Bearer realm="a \"b\"\\??X: ?""#).await;
    refused(&bearer().realm(""), &[], 401, r#"Bearer realm="""#).await;
}

#[tokio::test]
async fn the_reason_is_for_the_log_alone() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let layer = bearer().on_refusal(errors_to(&log));
    let marked =
        [token("aud", json!(["https://other.example"])), format!("{MARK}.e30.e30"), good(), "=".to_owned()];
    for token in marked {
        let (_, challenge, _, _) = answer(&layer, &[format!("Bearer {token}").as_bytes()]).await;
        assert!(
            !challenge.is_some_and(|challenge| has_mark(&challenge) || challenge.contains("other.example"))
        );
    }
    let log = log.lock().unwrap();
    assert_eq!(log.len(), 2, "{log:?}");
    assert_eq!(log[0], "the audience is `https://other.example`, expected `https://api.example`");
    assert!(!has_mark(&log[1]), "{log:?}");
    assert!(!format!("{layer:?}{:?}", layer.layer(())).contains("p256"));
}

#[tokio::test]
async fn the_service_that_was_ready_is_the_one_that_is_called() {
    let handler = Handler::new();
    let mut service = bearer().layer(handler.clone());
    let mut clone = service.clone();
    let good = format!("Bearer {}", good());
    // One request after another, also through clones: the handler panics if it was not ready.
    for service in [&mut service, &mut clone] {
        for _ in 0..2 {
            assert_eq!(send(service, request(&[good.as_bytes()])).await.status(), 200);
        }
    }
    assert_eq!((handler.polled.load(Ordering::SeqCst), handler.seen.lock().unwrap().len()), (4, 4));
    // While the service is not ready, callers wait, and it is not called.
    handler.can_be_ready.store(false, Ordering::SeqCst);
    assert_eq!(service.poll_ready(&mut Context::from_waker(Waker::noop())), Poll::Pending);
    assert_eq!(handler.seen.lock().unwrap().len(), 4);
    let mut route = RequireScope::new("a").layer(handler.clone());
    assert_eq!(route.poll_ready(&mut Context::from_waker(Waker::noop())), Poll::Pending);
}

#[tokio::test]
async fn an_error_of_the_service_is_passed_on() {
    let mut service = bearer().layer(RequireScope::new("a").layer(Handler::new()));
    poll_fn(|context| service.poll_ready(context)).await.unwrap();
    let mut request = request(&[format!("Bearer {}", good()).as_bytes()]);
    *request.uri_mut() = "/fails".parse().unwrap();
    assert_eq!(service.call(request).await.unwrap_err(), "the service fails");
}

#[tokio::test]
async fn rfc6750_3_1_scopes_of_a_route() {
    let good = format!("Bearer {}", good());
    let cases = [
        ("a", None),
        ("b a", None),
        ("c", Some(r#"Bearer error="insufficient_scope", scope="c""#)),
        ("a c d", Some(r#"Bearer error="insufficient_scope", scope="a c d""#)),
        // Scopes are compared whole, and case counts.
        ("A", Some(r#"Bearer error="insufficient_scope", scope="A""#)),
        ("ab", Some(r#"Bearer error="insufficient_scope", scope="ab""#)),
        ("a\"\r\n", Some(r#"Bearer error="insufficient_scope""#)),
    ];
    for (scope, challenge) in cases {
        let handler = Handler::new();
        let mut service = bearer().layer(RequireScope::new(scope).layer(handler.clone()));
        let response = send(&mut service, request(&[good.as_bytes()])).await;
        let status = if challenge.is_some() { 403 } else { 200 };
        assert_eq!(parts(&response), (status, challenge, None), "{scope:?}");
        assert_eq!(handler.seen.lock().unwrap().len(), usize::from(status == 200));
    }
    // Without a token, the outer layer answers.
    let response =
        send(&mut bearer().layer(RequireScope::new("a").layer(Handler::new())), request(&[])).await;
    assert_eq!(parts(&response), (401, Some(CHALLENGE), None));
}

/// A layer's answer to a request for which the server has checked this proof.
async fn proven(
    layer: &BearerLayer,
    authorization: &str,
    proof: ProofOfPossession,
) -> (u16, Option<String>, usize) {
    let handler = Handler::new();
    let mut request = request(&[authorization.as_bytes()]);
    request.extensions_mut().insert(proof);
    let response = send(&mut layer.layer(handler.clone()), request).await;
    let (status, challenge, _) = parts(&response);
    let seen = handler.seen.lock().unwrap().len();
    (status, challenge.map(str::to_owned), seen)
}

fn invalid(challenge: &str) -> (u16, Option<String>, usize) {
    (401, Some(challenge.to_owned()), 0)
}

const GOOD: (u16, Option<String>, usize) = (200, None, 1);

#[tokio::test]
async fn rfc9449_7_2_a_bound_token_is_no_bearer_token() {
    let jkt = key("p384.pkcs8.pem").thumbprint();
    let log = Arc::new(Mutex::new(Vec::new()));
    let layer = bearer().on_refusal(errors_to(&log));
    let cnfs = [
        json!({"jkt": jkt.to_string()}),
        json!({"x5t#S256": jkt.to_string()}),
        json!({"jwk": {}}),
        json!({}),
        json!("x"),
    ];
    for cnf in cnfs {
        let token = format!("Bearer {}", token("cnf", cnf));
        // A DPoP header that is not checked here changes nothing, nor does a proof of another
        // scheme.
        refused(&layer, &[token.as_bytes()], 401, INVALID_TOKEN).await;
        refused(&layer, &[token.replace("Bearer", "DPoP").as_bytes()], 401, CHALLENGE).await;
        let proof = ProofOfPossession::default().dpop_key(jkt);
        assert_eq!(proven(&layer, &token, proof).await, invalid(INVALID_TOKEN));
    }
    let log = std::mem::take(&mut *log.lock().unwrap());
    assert_eq!(log.len(), 10);
    assert!(log[0].starts_with("the token is bound to a DPoP key (`cnf.jkt`)"), "{}", log[0]);
    let elsewhere = BearerLayer::new(jwks(), verifier().accept_bound_without_proof());
    let bound = format!("Bearer {}", token("cnf", json!({"jkt": jkt.to_string()})));
    assert_eq!(answer(&elsewhere, &[bound.as_bytes()]).await, (200, None, None, 1));
}

#[tokio::test]
async fn rfc9449_7_1_the_scheme_dpop_for_a_proof_that_was_checked() {
    let (ours, other) = (key("p384.pkcs8.pem").thumbprint(), key("p521.pkcs8.pem").thumbprint());
    let bound = token("cnf", json!({"jkt": ours.to_string()}));
    let proof = |jkt| ProofOfPossession::default().dpop_key(jkt);
    for scheme in ["DPoP", "dpop", "DPOP  "] {
        assert_eq!(proven(&bearer(), &format!("{scheme} {bound}"), proof(ours)).await, GOOD);
    }
    let challenge = r#"DPoP realm="https://api.example", error="invalid_token""#;
    assert_eq!(proven(&bearer(), &format!("DPoP {bound}"), proof(other)).await, invalid(challenge));
    // A stolen bearer token with the thief's own proof.
    assert_eq!(proven(&bearer(), &format!("DPoP {}", good()), proof(ours)).await, invalid(challenge));
    let malformed = r#"DPoP realm="https://api.example", error="invalid_request""#;
    assert_eq!(proven(&bearer(), "DPoP a b", proof(ours)).await, (400, Some(malformed.to_owned()), 0));
    let needs_c = BearerLayer::new(jwks(), verifier().require_scope("c"));
    let challenge = r#"DPoP realm="https://api.example", error="insufficient_scope", scope="c""#;
    let found = proven(&needs_c, &format!("DPoP {bound}"), proof(ours)).await;
    assert_eq!(found, (403, Some(challenge.to_owned()), 0));
    // A bearer token stays a bearer token, even with a proof.
    assert_eq!(proven(&bearer(), &format!("Bearer {}", good()), proof(ours)).await, GOOD);
}

#[tokio::test]
async fn rfc8705_3_a_token_that_is_bound_to_the_certificate_of_the_connection() {
    let connection = ProofOfPossession::default().certificate(b"a certificate");
    let other = ProofOfPossession::default().certificate(b"another");
    // SHA-256 of the first certificate.
    let x5t = "gazXYhQPppKhQoItL75NxvVLyqUB9oqzflru0Lr-TZk";
    let bound = format!("Bearer {}", token("cnf", json!({"x5t#S256": x5t})));
    assert_eq!(proven(&bearer(), &bound, connection).await, GOOD);
    assert_eq!(proven(&bearer(), &bound, other).await, invalid(INVALID_TOKEN));
    assert_eq!(proven(&bearer(), &format!("Bearer {}", good()), connection).await, GOOD);
    // It is not a DPoP proof.
    let none = CHALLENGE;
    assert_eq!(proven(&bearer(), &bound.replace("Bearer", "DPoP"), connection).await, invalid(none));
}

/// A fault of the server: no client can fix it, and no token is called invalid.
#[tokio::test]
async fn an_empty_setting_closes_the_door() {
    let good = format!("Bearer {}", good());
    let none: [&str; 0] = [];
    for verifier in [
        verifier().require_scope(""),
        verifier().require_scope(()),
        AccessTokenVerifier::new(ISSUER, " "),
        AccessTokenVerifier::new("", AUDIENCE),
        verifier().profile(AccessTokenProfile::new("own").types(none)),
    ] {
        let log = Arc::new(Mutex::new(Vec::new()));
        let layer = BearerLayer::new(jwks(), verifier).on_refusal(errors_to(&log));
        assert_eq!(answer(&layer, &[good.as_bytes()]).await, (500, None, None, 0));
        let log = log.lock().unwrap();
        assert!(log.len() == 1 && log[0].starts_with("nothing is accepted: the setting `"), "{log:?}");
    }
    let blank = ["", " ", "\t", "\n \r"].map(Scope::from);
    let one_of_two = [Scope::from(["a", ""]), Scope::from(vec!["", "a"])];
    for scope in blank.into_iter().chain(one_of_two) {
        let handler = Handler::new();
        let mut service = bearer().layer(RequireScope::new(scope).layer(handler.clone()));
        let response = send(&mut service, request(&[good.as_bytes()])).await;
        assert_eq!(parts(&response), (500, None, None));
        assert!(handler.seen.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_route_without_the_layer_in_front_is_closed() {
    let handler = Handler::new();
    for scope in ["a", ""] {
        let mut service = RequireScope::new(scope).layer(handler.clone());
        let response = send(&mut service, request(&[format!("Bearer {}", good()).as_bytes()])).await;
        assert_eq!(parts(&response), (500, None, None));
    }
    // The layers in the wrong order.
    let mut service = RequireScope::new("a").layer(bearer().layer(handler.clone()));
    let response = send(&mut service, request(&[format!("Bearer {}", good()).as_bytes()])).await;
    assert_eq!(parts(&response), (500, None, None));
    assert!(handler.seen.lock().unwrap().is_empty());
}

/// Each request gets the claims of its own token.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_requests_at_a_time() {
    let handler = Handler::new();
    let service = bearer().layer(handler.clone());
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let mut service = service.clone();
            let good = format!("Bearer {}", token("sub", json!(number.to_string())));
            let bad = format!("Bearer {}", token("aud", json!(number.to_string())));
            tokio::spawn(async move {
                let mut good = request(&[good.as_bytes()]);
                good.extensions_mut().insert(number);
                let good = send(&mut service, good).await.status();
                (good.as_u16(), send(&mut service, request(&[bad.as_bytes()])).await.status().as_u16())
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), (200, 401));
    }
    let seen = handler.seen.lock().unwrap();
    assert_eq!(seen.len(), 64);
    for request in seen.iter() {
        let claims = request.extensions().get::<Arc<AccessTokenClaims>>().unwrap();
        assert_eq!(claims.subject(), Some(request.extensions().get::<i32>().unwrap().to_string().as_str()));
    }
}
