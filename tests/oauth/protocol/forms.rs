//! What all forms have in common: the encoding of values, what cannot be added, and that no
//! assertion is sent twice.

use std::collections::HashSet;

use private_key_jwt::client::ErrorKind;
use private_key_jwt::oauth::{
    AuthorizationRequest, CodeVerifier, DeviceAuthorizationRequest, Endpoint, HintedToken, JwtGrant,
    OAuthError, TokenExchange, TokenKind,
};
use private_key_jwt::{TokenClient, TokenRequest};
use serde_json::json;
use tokio::task::JoinSet;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{VERIFIER, assert_holds, codes, granted, metadata, place, refusal};
use crate::support::{key, now};

/// Every character that has a meaning in a form, and characters outside ASCII.
const HARD: &str = "a+b%20&c=d e\n\u{e9}\u{1f511}~*-._;/?#\"'\\";
/// The same as the URL Standard's serializer writes it, from its table and not by a program.
const ENCODED: &str = "a%2Bb%2520%26c%3Dd+e%0A%C3%A9%F0%9F%94%91%7E*-._%3B%2F%3F%23%22%27%5C";

/// A server whose every endpoint answers with the requested document.
async fn server() -> MockServer {
    let server = MockServer::start().await;
    for (endpoint, answer) in [
        (Endpoint::Token, granted()),
        (Endpoint::PushedAuthorization, json_answer(json!({"request_uri": "urn:x", "expires_in": 60}))),
        (Endpoint::Introspection, json_answer(json!({"active": false}))),
        (Endpoint::Revocation, ResponseTemplate::new(200)),
        (Endpoint::DeviceAuthorization, json_answer(codes(60))),
    ] {
        Mock::given(path(format!("/{}", place(endpoint)))).respond_with(answer).mount(&server).await;
    }
    server
}

fn json_answer(body: serde_json::Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn client(server: &MockServer, client_id: &str) -> TokenClient {
    TokenClient::builder(metadata(&server.uri()), client_id, key("p256.pkcs8.pem"))
        .clock(now)
        .build()
        .unwrap()
}

fn verifier() -> CodeVerifier {
    CodeVerifier::new(VERIFIER).unwrap()
}

#[tokio::test]
async fn rfc6749_appendix_b_every_value_of_every_request_to_the_byte() {
    let server = server().await;
    // RFC 6749 A.1: a client id is printable ASCII.
    let client = client(&server, "client +%&=~");
    let token = |request: TokenRequest| {
        let client = client.clone();
        async move { client.request(&request).await.map(drop) }
    };
    let exchange = TokenExchange::new(HARD, TokenKind::Other(HARD.to_owned()))
        .actor(HARD, TokenKind::Other(HARD.to_owned()))
        .requesting(TokenKind::Other(HARD.to_owned()));

    token(TokenRequest::client_credentials("a:b/c +&=% ~*").parameter("x", HARD).unwrap()).await.unwrap();
    token(TokenRequest::client_credentials(()).audience(HARD).unwrap().parameter(HARD, HARD).unwrap())
        .await
        .unwrap();
    token(TokenRequest::authorization_code(HARD, HARD, &verifier())).await.unwrap();
    token(TokenRequest::refresh_token(HARD)).await.unwrap();
    token(TokenRequest::jwt_bearer(&JwtGrant::from_jwt(HARD))).await.unwrap();
    token(TokenRequest::token_exchange(&exchange)).await.unwrap();
    let request = AuthorizationRequest::new(HARD, &verifier()).state(HARD).parameter("nonce", HARD).unwrap();
    client.push_authorization(&request).await.unwrap();
    client.introspect(HintedToken::access_token(HARD).parameter("x", HARD).unwrap()).await.unwrap();
    client.revoke(HARD).await.unwrap();
    let request = DeviceAuthorizationRequest::new("a").parameter("x", HARD).unwrap();
    client.authorize_device(request).await.unwrap();

    let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3A";
    let challenge = "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
    let expected = [
        format!("grant_type=client_credentials&scope=a%3Ab%2Fc+%2B%26%3D%25+%7E*&x={ENCODED}&"),
        format!("grant_type=client_credentials&audience={ENCODED}&{ENCODED}={ENCODED}&"),
        format!(
            "grant_type=authorization_code&code={ENCODED}&redirect_uri={ENCODED}&code_verifier={VERIFIER}&"
        ),
        format!("grant_type=refresh_token&refresh_token={ENCODED}&"),
        format!("grant_type={grant}jwt-bearer&assertion={ENCODED}&"),
        format!(
            "grant_type={grant}token-exchange&subject_token={ENCODED}&subject_token_type={ENCODED}\
             &actor_token={ENCODED}&actor_token_type={ENCODED}&requested_token_type={ENCODED}&"
        ),
        format!("response_type=code&redirect_uri={ENCODED}&{challenge}&state={ENCODED}&nonce={ENCODED}&"),
        format!("token={ENCODED}&token_type_hint=access_token&x={ENCODED}&"),
        format!("token={ENCODED}&"),
        format!("scope=a&x={ENCODED}&"),
    ];
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), expected.len());
    for (request, expected) in requests.iter().zip(expected) {
        let body = std::str::from_utf8(&request.body).unwrap();
        let (before, assertion) = body.split_once("client_assertion_type=").unwrap();
        assert_eq!(before, expected);
        assert!(assertion.ends_with("&client_id=client+%2B%25%26%3D%7E"), "{assertion}");
        // And a form parser reads the original values.
        for (name, value) in form_urlencoded::parse(before.as_bytes()) {
            let hard = before.contains(&format!("{name}={ENCODED}")) || name == HARD;
            assert!(!hard || value == HARD, "{name}={value}");
        }
    }
}

/// One of each request that a client can make; the results do not matter.
async fn everything(client: TokenClient) {
    let grant = JwtGrant::from_jwt("g");
    let exchange = TokenExchange::new("t", TokenKind::Jwt);
    let authorization = AuthorizationRequest::new("https://app.example/cb", &verifier());
    let _ = client.token("a").await;
    let _ = client.request(&TokenRequest::client_credentials("a")).await;
    let _ = client.authorization_code("c", "https://app.example/cb", &verifier()).await;
    let _ = client.refresh_token("r").await;
    let _ = client.jwt_bearer(&grant, ()).await;
    let _ = client.token_exchange(&exchange, ()).await;
    let _ = client.push_authorization(&authorization).await;
    let _ = client.introspect("t").await;
    let _ = client.revoke("t").await;
    if let Ok(codes) = client.authorize_device(()).await {
        let _ = client.device_token(&codes).await;
    }
}

/// A clock that waits for nothing.
struct NoWait;

impl private_key_jwt::transport::Clock for NoWait {
    fn now(&self) -> time::OffsetDateTime {
        now()
    }

    fn sleep(&self, _: std::time::Duration) -> private_key_jwt::keys::BoxFuture<'_, ()> {
        Box::pin(tokio::task::yield_now())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_two_requests_carry_one_jti_from_any_clone_and_however_they_end() {
    let server = MockServer::start().await;
    // The device waits; some requests are refused, some not answered at all. The first matching
    // answer counts.
    let device_code = wiremock::matchers::body_string_contains("device_code=");
    let pending = refusal("authorization_pending");
    Mock::given(device_code).respond_with(pending).up_to_n_times(200).mount(&server).await;
    for endpoint in Endpoint::ALL {
        let at = || Mock::given(path(format!("/{}", place(endpoint))));
        at().respond_with(ResponseTemplate::new(503)).up_to_n_times(3).mount(&server).await;
        at().respond_with(refusal("invalid_request")).up_to_n_times(3).mount(&server).await;
    }
    let answer = json!({"access_token": "AT", "token_type": "Bearer", "active": true, "request_uri": "u",
        "expires_in": 60, "device_code": "d", "user_code": "u", "verification_uri": "https://as.example/"});
    Mock::given(wiremock::matchers::any()).respond_with(json_answer(answer)).mount(&server).await;

    // Two clients with one key, and clones of each, one after the other and at the same time.
    let client = || {
        let builder = TokenClient::builder(metadata(&server.uri()), "client", key("p256.pkcs8.pem"));
        builder.clock(NoWait).build().unwrap()
    };
    let clients = [client(), client()];
    everything(clients[0].clone()).await;
    everything(clients[0].clone()).await;
    let mut at_once = JoinSet::new();
    for client in clients.iter().cycle().take(20) {
        at_once.spawn(everything(client.clone()));
    }
    at_once.join_all().await;

    let requests = server.received_requests().await.unwrap();
    let places: HashSet<&str> = requests.iter().map(|request| request.url.path()).collect();
    assert_eq!(places.len(), Endpoint::ALL.len());
    assert!(requests.len() > 22 * 10 + 100, "{}", requests.len());
    let jtis: HashSet<String> = requests.iter().map(|request| assert_holds(&request.body)).collect();
    assert_eq!(jtis.len(), requests.len(), "an assertion was used twice");
}

/// A request that a parameter is added to. Only its error matters.
type Adding = Box<dyn Fn(&[&str]) -> Result<(), OAuthError>>;

fn of_token(request: TokenRequest) -> Adding {
    Box::new(move |names| {
        names.iter().try_fold(request.clone(), |request, name| request.parameter(*name, "urn:x")).map(drop)
    })
}

#[test]
fn no_request_can_be_made_to_say_anything_twice_or_to_authenticate_in_two_ways() {
    let device = DeviceAuthorizationRequest::new("a");
    let hinted = HintedToken::access_token("t");
    let authorization = AuthorizationRequest::new("https://app.example/cb", &verifier());
    let exchange =
        TokenExchange::new("t", TokenKind::Jwt).actor("a", TokenKind::Jwt).requesting(TokenKind::Jwt);
    let requests: Vec<(Adding, &[&str])> = vec![
        (of_token(TokenRequest::client_credentials("a")), &["grant_type", "scope"]),
        (
            of_token(TokenRequest::authorization_code("c", "https://app.example/cb", &verifier())),
            &["grant_type", "scope", "code", "redirect_uri", "code_verifier"],
        ),
        (of_token(TokenRequest::refresh_token("r")), &["grant_type", "scope", "refresh_token"]),
        (of_token(TokenRequest::jwt_bearer(&JwtGrant::from_jwt("g"))), &["grant_type", "scope", "assertion"]),
        (
            of_token(TokenRequest::token_exchange(&exchange)),
            &[
                "grant_type",
                "scope",
                "subject_token",
                "subject_token_type",
                "actor_token",
                "actor_token_type",
                "requested_token_type",
            ],
        ),
        (
            Box::new(move |names| {
                names
                    .iter()
                    .try_fold(authorization.clone(), |all, name| all.parameter(*name, "urn:x"))
                    .map(drop)
            }),
            &[
                "response_type",
                "scope",
                "state",
                "redirect_uri",
                "code_challenge",
                "code_challenge_method",
                "request",
                "request_uri",
            ],
        ),
        (
            Box::new(move |names| {
                names.iter().try_fold(device.clone(), |all, name| all.parameter(*name, "urn:x")).map(drop)
            }),
            &["scope"],
        ),
        (
            Box::new(move |names| {
                names.iter().try_fold(hinted.clone(), |all, name| all.parameter(*name, "urn:x")).map(drop)
            }),
            &["token", "token_type_hint"],
        ),
    ];
    let authentication = ["client_id", "client_secret", "client_assertion", "client_assertion_type"];
    for (add, own) in requests {
        for reserved in own.iter().chain(&authentication) {
            let refused = add(&[reserved]);
            assert!(matches!(refused, Err(OAuthError::ReservedParameter { name }) if name == *reserved));
        }
        let twice = add(&["nonce", "x", "nonce"]);
        assert!(matches!(twice, Err(OAuthError::DuplicateParameter { name }) if name == "nonce"));
        assert!(add(&["nonce", "x", "Nonce", "resource"]).is_ok());
    }
    let twice = TokenRequest::client_credentials(()).audience("a").unwrap().audience("b");
    assert!(matches!(twice, Err(OAuthError::DuplicateParameter { name }) if name == "audience"));
}

#[tokio::test]
async fn a_scope_that_cannot_be_is_not_sent() {
    let server = server().await;
    let client = client(&server, "client");
    let authorization = AuthorizationRequest::new("https://app.example/cb", &verifier()).scope("a\nb");
    for result in [
        client.token("\u{e9}").await.map(drop),
        client.push_authorization(&authorization).await.map(drop),
        client.authorize_device("a\"b").await.map(drop),
    ] {
        let error = result.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::OAuth(OAuthError::Scope)), "{error:?}");
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}
