//! The token client with a scripted server: the exact form that it posts, and every shape of an
//! answer.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use private_key_jwt::client::ErrorKind;
use private_key_jwt::jose::{CompactJws, JoseError};
use private_key_jwt::keys::{BoxFuture, KeyError, SignerError};
use private_key_jwt::oauth::{OAuthError, Retry};
use private_key_jwt::transport::{HttpClient, ReqwestClient, TransportError};
use private_key_jwt::{
    Algorithm, Audience, AuthorizationServer, ClientAssertion, ClientAssertionVerifier, Jwk, JwkSet, KeyRing,
    Profile, PublicKeySet, RemoteSigner, Signature, Signer, TokenClient, TokenRequest, TokenResponse,
};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::loopback::{Act, Server};
use crate::support::{MARK, clean, has_mark, key, now};

const ISSUER: &str = "https://as.example/env/as";

fn token_body() -> serde_json::Value {
    serde_json::json!({"access_token": "AT", "token_type": "Bearer", "expires_in": 300, "scope": "a b"})
}

/// A client of the mock server, whose assertions carry the mark. It sends once: what follows from a
/// failure is in `faults`.
fn client(server: &MockServer) -> TokenClient {
    let server = AuthorizationServer::new(ISSUER, format!("{}/token", server.uri())).unwrap();
    TokenClient::builder(server, "client", key("p256.pkcs8.pem"))
        .assertion(|assertion| assertion.claim("canary", MARK).unwrap())
        .clock(now)
        .without_retries()
        .without_time_correction()
        .without_refusal_memory()
        .build()
        .unwrap()
}

async fn answering(response: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).and(path("/token")).respond_with(response).mount(&server).await;
    server
}

/// The client's error for an answer, checked for secrets.
async fn error_for(response: ResponseTemplate) -> OAuthError {
    let server = answering(response).await;
    let error = clean(client(&server).token("a").await.unwrap_err());
    assert_eq!(server.received_requests().await.unwrap().len(), 1, "sent exactly once");
    match error.into_kind() {
        ErrorKind::OAuth(error) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_form_is_exactly_this() {
    let server = answering(ResponseTemplate::new(200).set_body_json(token_body())).await;
    let token = client(&server).token(["api:read", "b c"]).await.unwrap();
    assert_eq!((token.secret(), token.token_type(), token.bearer()), ("AT", "Bearer", Some("AT")));
    assert_eq!(token.expires_at(), Some(now() + Duration::from_secs(300)));

    let requests = server.received_requests().await.unwrap();
    let [request] = requests.as_slice() else { panic!("{} requests", requests.len()) };
    assert_eq!(request.headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(request.headers["accept"], "application/json");
    assert!(!request.headers.contains_key("authorization"));
    let body = String::from_utf8(request.body.clone()).unwrap();
    let (before, rest) = body.split_once("&client_assertion=").unwrap();
    let (assertion, after) = rest.split_once('&').unwrap();
    assert_eq!(
        before,
        "grant_type=client_credentials&scope=api%3Aread+b+c&client_assertion_type=\
         urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
    );
    assert_eq!(after, "client_id=client");

    let verifier = ClientAssertionVerifier::new(ISSUER).typed_only();
    let keys = PublicKeySet::from(JwkSet::from(key("p256.pkcs8.pem").public_jwk().clone()));
    let verified =
        verifier.parse_assertion(assertion).unwrap().verify(&keys, Algorithm::ES256, now()).unwrap();
    assert_eq!(verified.claims()["exp"].as_i64().unwrap() - verified.claims()["iat"].as_i64().unwrap(), 60);
    assert!(uuid::Uuid::parse_str(verified.jti().unwrap()).is_ok_and(|jti| jti.get_version_num() == 4));
}

#[tokio::test]
async fn a_request_without_scope_has_no_scope_and_extra_parameters_are_encoded() {
    let server = answering(ResponseTemplate::new(200).set_body_json(token_body())).await;
    let request =
        TokenRequest::client_credentials(()).parameter("resource", "https://api.example/?a=b&c").unwrap();
    client(&server).request(&request).await.unwrap();
    let body = String::from_utf8(server.received_requests().await.unwrap()[0].body.clone()).unwrap();
    assert!(
        body.starts_with(
            "grant_type=client_credentials&resource=https%3A%2F%2Fapi.example%2F%3Fa%3Db%26c&client_assertion_type="
        ),
        "{body}"
    );
}

#[tokio::test]
async fn every_request_has_its_own_jti() {
    let server = answering(ResponseTemplate::new(401)).await;
    let client = client(&server);
    let request = TokenRequest::client_credentials("a");
    for _ in 0..20 {
        assert!(client.request(&request).await.is_err());
    }
    let verifier = ClientAssertionVerifier::new(ISSUER);
    let keys = PublicKeySet::from(JwkSet::from(key("p256.pkcs8.pem").public_jwk().clone()));
    let jtis: HashSet<String> = server
        .received_requests()
        .await
        .unwrap()
        .iter()
        .map(|request| {
            let verified = verifier.parse(&request.body).unwrap().verify(&keys, None, now()).unwrap();
            verified.jti().unwrap().to_owned()
        })
        .collect();
    assert_eq!(jtis.len(), 20);
}

#[tokio::test]
async fn rfc6749_5_1_token_type_is_case_insensitive_and_an_unknown_one_is_no_bearer_token() {
    for (token_type, bearer) in [("bearer", Some("AT")), ("BEARER", Some("AT")), ("DPoP", None), ("", None)] {
        let body = serde_json::json!({"access_token": "AT", "token_type": token_type});
        let server = answering(ResponseTemplate::new(200).set_body_json(body)).await;
        let token = client(&server).token("a").await.unwrap();
        assert_eq!((token.bearer(), token.token_type(), token.expires_at()), (bearer, token_type, None));
    }
}

#[tokio::test]
async fn unknown_members_are_kept_and_debug_shows_no_token() {
    let body = serde_json::json!({"access_token": MARK, "refresh_token": MARK, "id_token": MARK,
        "token_type": "Bearer", "expires_in": 12.9, "other": [MARK], "scope": "a  b"});
    let server = answering(ResponseTemplate::new(200).set_body_json(body)).await;
    let response = client(&server).request(&TokenRequest::client_credentials("a")).await.unwrap();
    assert_eq!(response.member("other"), Some(&serde_json::json!([MARK])));
    assert_eq!((response.refresh_token(), response.id_token()), (Some(MARK), Some(MARK)));
    assert_eq!(response.scope().map(ToString::to_string).as_deref(), Some("a b"));
    assert_eq!(response.access_token().expires_at(), Some(now() + Duration::from_secs(12)));
    assert!(!has_mark(&format!("{response:?}{:?}", response.access_token())));
}

#[tokio::test]
async fn rfc6749_5_2_an_error_response_is_typed_and_kept() {
    let body = serde_json::json!({"error": "invalid_client", "error_description": "no such key",
        "error_uri": "https://as.example/e", "code": "ACCESS_FAILED"});
    let answer = ResponseTemplate::new(401).set_body_json(body).insert_header("correlation-id", "c-1");
    let OAuthError::Refused(refusal) = error_for(answer).await else { panic!() };
    assert_eq!((refusal.status(), refusal.is_verdict()), (401, true));
    assert_eq!(refusal.error(), Some("invalid_client"));
    assert_eq!(refusal.description(), Some("no such key"));
    assert_eq!(refusal.uri(), Some("https://as.example/e"));
    assert_eq!(refusal.members()["code"], "ACCESS_FAILED");
    assert_eq!(refusal.correlation_ids(), [("correlation-id".to_owned(), "c-1".to_owned())]);
    assert_eq!(refusal.to_string(), "401 invalid_client: no such key [correlation-id c-1]");
}

#[tokio::test]
async fn a_refusal_needs_no_oauth_body() {
    for (status, body) in [(400, "{}"), (401, "<html>"), (401, ""), (403, "")] {
        let error = error_for(ResponseTemplate::new(status).set_body_string(body)).await;
        assert_eq!(error.retry(), Retry::Never);
        let OAuthError::Refused(refusal) = error else { panic!("{error:?}") };
        assert_eq!((refusal.status(), refusal.is_verdict(), refusal.error()), (status, false, None));
    }
}

#[tokio::test]
async fn other_statuses_are_no_refusals() {
    for (status, retry) in
        [(429, Retry::After(Duration::from_secs(7))), (503, Retry::After(Duration::from_secs(7)))]
    {
        let error = error_for(ResponseTemplate::new(status).insert_header("retry-after", "7")).await;
        assert!(matches!(&error, OAuthError::Unavailable(answer) if answer.status() == status));
        assert_eq!(error.retry(), retry);
    }
    for (status, retry) in [
        (500, Retry::BackOff),
        (502, Retry::BackOff),
        (404, Retry::Never),
        (204, Retry::Never),
        (201, Retry::Never),
    ] {
        let error = error_for(ResponseTemplate::new(status)).await;
        assert!(matches!(&error, OAuthError::Unavailable(answer) if answer.status() == status), "{error:?}");
        assert_eq!(error.retry(), retry, "{status}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = MockServer::start().await;
    for status in [301, 302, 303, 307, 308] {
        let target = format!("{}/token", elsewhere.uri());
        let error = error_for(ResponseTemplate::new(status).insert_header("location", target.as_str())).await;
        assert!(matches!(
            &error,
            OAuthError::Redirect { status: found, location: Some(to) } if *found == status && *to == target
        ));
    }
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_success_that_is_no_token_response() {
    let what = "the token response";
    let reason = async |body: &str| match error_for(
        ResponseTemplate::new(200).set_body_raw(body, "text/html"),
    )
    .await
    {
        OAuthError::Response { what: found, reason, content_type } => {
            assert_eq!(found, what);
            assert_eq!(content_type.as_deref(), Some("text/html"));
            reason
        }
        other => panic!("{other:?}"),
    };
    let json = |body: &str, line, column| (body.to_owned(), JoseError::Json { what, line, column });
    let marked = format!(r#"{{"access_token":"{MARK}""#);
    let cases = [
        json("<html>", 1, 1),
        json("", 1, 0),
        json(&marked, 1, marked.len()),
        json("\u{feff}{}", 1, 1),
        ("[]".to_owned(), JoseError::NotAnObject { what }),
        (r#"{"token_type":"Bearer"}"#.to_owned(), JoseError::MissingMember { what, member: "access_token" }),
        (
            r#"{"token_type":"Bearer","access_token":""}"#.to_owned(),
            JoseError::MissingMember { what, member: "access_token" },
        ),
        (format!("{marked}}}"), JoseError::MissingMember { what, member: "token_type" }),
        (
            r#"{"access_token":{"a":1},"token_type":"Bearer"}"#.to_owned(),
            JoseError::InvalidMember { what, member: "access_token", expected: "a string" },
        ),
        (
            format!(r#"{marked},"access_token":"b","token_type":"Bearer"}}"#),
            JoseError::DuplicateMember { what, member: "access_token".to_owned() },
        ),
        (
            format!(r#"{{"access_token":"{MARK}\u001b[2J","token_type":"Bearer"}}"#),
            JoseError::InvalidMember {
                what,
                member: "access_token",
                expected: "printable ASCII (RFC 6749 A.12)",
            },
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(reason(&body).await, expected, "{body}");
    }
}

#[tokio::test]
async fn a_200_with_an_error_and_no_token_is_the_refusal() {
    let body =
        serde_json::json!({"error": "invalid_client", "error_description": "The key is not registered."});
    let error = error_for(ResponseTemplate::new(200).set_body_json(body)).await;
    assert_eq!(error.to_string(), "refused: 200 invalid_client: The key is not registered.");
    assert!(matches!(error, OAuthError::Refused(refusal) if refusal.is_verdict() && refusal.status() == 200));
}

#[test]
fn a_null_is_as_good_as_nothing() {
    let body =
        r#"{"access_token":"AT","token_type":"Bearer","expires_in":null,"scope":null,"refresh_token":null}"#;
    let response = TokenResponse::from_http(http::Response::new(body.into()), now()).unwrap();
    assert_eq!(response.access_token().expires_at(), None);
    assert!(response.scope().is_none() && response.refresh_token().is_none());
}

#[test]
fn a_huge_expires_in_is_a_century() {
    for huge in ["1e300", "18446744073709551615", "1e18"] {
        let body = format!(r#"{{"access_token":"AT","token_type":"Bearer","expires_in":{huge}}}"#);
        let response = TokenResponse::from_http(http::Response::new(body.into_bytes()), now()).unwrap();
        let expires = response.access_token().expires_at().unwrap();
        assert_eq!((expires - now()).whole_days(), 36_500);
    }
}

/// A setting that would turn off a protection is refused, and one that means "nothing" does
/// nothing.
#[tokio::test]
async fn an_empty_setting_is_refused_or_is_nothing() {
    let builder = |client_id: &str| TokenClient::builder(server(), client_id, key("p256.pkcs8.pem"));
    let refused = |builder: private_key_jwt::client::TokenClientBuilder| clean(builder.build().unwrap_err());
    let error = refused(builder(""));
    assert!(matches!(error.kind(), ErrorKind::OAuth(OAuthError::ClientId { reason: "empty" })), "{error:?}");
    let error = refused(builder("c").audience(Audience::Exactly(String::new())));
    assert!(matches!(error.kind(), ErrorKind::OAuth(OAuthError::EmptyAudience)), "{error:?}");
    let error = refused(builder("c").assertion_lifetime(Duration::ZERO));
    assert!(matches!(error.kind(), ErrorKind::OAuth(OAuthError::Lifetime { .. })), "{error:?}");
    let second = Duration::from_secs(1);
    for (first, longest) in
        [(Duration::ZERO, second), (second, Duration::ZERO), (Duration::ZERO, Duration::ZERO)]
    {
        let error = refused(builder("c").backoff(first, longest));
        assert_eq!(
            error.to_string(),
            "backoff is zero, which would retry without a pause; use without_retries to retry nothing"
        );
        assert_eq!((error.attempts(), error.retry()), (0, Retry::Never));
        assert!(builder("c").backoff(first, longest).without_retries().build().is_ok());
    }
    for empty in ["", "https://"] {
        assert!(AuthorizationServer::new(empty, format!("{ISSUER}/token")).is_err());
        assert!(AuthorizationServer::new(ISSUER, empty).is_err());
        assert!(AuthorizationServer::from_token_endpoint(empty).is_err());
        assert!(AuthorizationServer::discover(empty).await.is_err());
    }
    // No wait, and no retry.
    let busy = answering(ResponseTemplate::new(503).insert_header("retry-after", "1")).await;
    let server = AuthorizationServer::new(ISSUER, format!("{}/token", busy.uri())).unwrap();
    let client = TokenClient::builder(server, "client", key("p256.pkcs8.pem"));
    let client = client.longest_retry_after(Duration::ZERO).build().unwrap();
    assert_eq!(client.token("a").await.unwrap_err().attempts(), 1);
    assert_eq!(busy.received_requests().await.unwrap().len(), 1);
    // A timeout of zero means no time, not no limit.
    let none = ReqwestClient::new().unwrap().with_timeout(Duration::ZERO);
    let request = http::Request::post(format!("{}/token", busy.uri())).body(Vec::new()).unwrap();
    let error = clean(none.send(request).await.unwrap_err());
    assert!(matches!(error, TransportError::Timeout { .. } | TransportError::Connect { .. }), "{error:?}");
    // An empty `typ` counts as none.
    let key = key("p256.pkcs8.pem");
    let assertion =
        ClientAssertion::builder("c", &self::server()).media_type(Some("")).sign(&key, now(), "j");
    assert_eq!(CompactJws::parse(assertion.unwrap().secret()).unwrap().header().media_type, None);
}

fn server() -> AuthorizationServer {
    AuthorizationServer::new(ISSUER, format!("{ISSUER}/token")).unwrap()
}

#[tokio::test]
async fn ten_megabytes_are_not_read() {
    let server = answering(ResponseTemplate::new(200).set_body_bytes(vec![b' '; 10_000_000])).await;
    let error = clean(client(&server).token("a").await.unwrap_err());
    assert!(matches!(
        error.kind(),
        ErrorKind::Transport(TransportError::BodyTooLarge { limit: ReqwestClient::MAX_BODY_LEN, .. })
    ));
    assert_eq!(error.retry(), Retry::Never);
}

#[tokio::test]
async fn an_echo_of_the_assertion_is_masked_and_terminal_escapes_are_shown() {
    struct Echo;
    impl wiremock::Respond for Echo {
        fn respond(&self, request: &wiremock::Request) -> ResponseTemplate {
            let body = String::from_utf8(request.body.clone()).unwrap();
            let jwt = body.split_once("&client_assertion=").unwrap().1.split_once('&').unwrap().0.to_owned();
            let claims = jwt.split('.').nth(1).unwrap().to_owned();
            let body = serde_json::json!({"error": format!("invalid_client {jwt}"),
                "error_description": format!("\u{1b}[31mbad {jwt} and {claims} and {}", &jwt[..20]),
                "error_uri": format!("https://as.example/?{claims}"), "echo": [jwt], "x": claims});
            ResponseTemplate::new(400).set_body_json(body).insert_header("x-request-id", jwt.as_str())
        }
    }
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(Echo).mount(&server).await;
    let error = clean(client(&server).token("a").await.unwrap_err());
    let ErrorKind::OAuth(OAuthError::Refused(refusal)) = error.kind() else { panic!("{error:?}") };
    assert_eq!(refusal.description(), Some("\\u{1b}[31mbad [masked] and [masked] and [masked]"));
    assert!(refusal.members()["echo"].contains("[masked]"));
}

#[tokio::test]
async fn a_dead_server_and_a_silent_one() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = AuthorizationServer::from_token_endpoint(format!("http://{address}/token")).unwrap();
    let http = ReqwestClient::new().unwrap().with_timeout(Duration::from_millis(100));
    let client = TokenClient::builder(server, "client", key("p256.pkcs8.pem"))
        .http(http)
        .without_retries()
        .build()
        .unwrap();
    // The kernel accepts the connection, and the listener stays silent.
    let error = clean(client.request(&().into()).await.unwrap_err());
    assert!(
        matches!(error.kind(), ErrorKind::Transport(TransportError::Timeout { host }) if host == "127.0.0.1"),
        "{error:?}"
    );
    assert_eq!(error.retry(), Retry::BackOff);
    drop(listener);
    let error = clean(client.request(&().into()).await.unwrap_err());
    assert!(
        matches!(error.kind(), ErrorKind::Transport(TransportError::Connect { host, .. }) if host == "127.0.0.1")
    );
    assert_eq!(error.retry(), Retry::BackOff);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_neither_asked_for_again_nor_a_refusal() {
    let cut =
        Server::start(|_| Act::Close(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec())).await;
    let server = AuthorizationServer::from_token_endpoint(cut.url()).unwrap();
    let client = TokenClient::new(server, "client", key("p256.pkcs8.pem")).unwrap();
    let error = clean(client.token(()).await.unwrap_err());
    assert!(matches!(error.kind(), ErrorKind::Transport(TransportError::Incomplete { .. })), "{error:?}");
    assert_eq!(cut.requests(), 1);
}

#[test]
fn what_cannot_work_is_refused_when_the_client_is_built() {
    let server = || AuthorizationServer::new(ISSUER, format!("{ISSUER}/token")).unwrap();
    let build = |builder: private_key_jwt::client::TokenClientBuilder| {
        clean(builder.build().unwrap_err()).into_kind()
    };
    let key = || key("ed25519.pkcs8.pem");
    assert!(matches!(
        build(TokenClient::builder(server(), "", key())),
        ErrorKind::OAuth(OAuthError::ClientId { reason: "empty" })
    ));
    assert!(matches!(
        build(TokenClient::builder(server(), "client", key()).profile(Profile::ping_one())),
        ErrorKind::OAuth(OAuthError::ProfileAlgorithm { algorithm: Algorithm::EdDSA, .. })
    ));
    assert!(matches!(
        build(TokenClient::builder(server(), "client", key()).assertion_lifetime(Duration::ZERO)),
        ErrorKind::OAuth(OAuthError::Lifetime { .. })
    ));
    let no_issuer = AuthorizationServer::from_token_endpoint("https://as.example/token").unwrap();
    assert!(matches!(
        build(TokenClient::builder(no_issuer, "client", key()).audience(Audience::Issuer)),
        ErrorKind::OAuth(OAuthError::NotKnown { member: "issuer" })
    ));
    let ring = KeyRing::from(key());
    ring.revoke(key().key_id());
    assert!(matches!(
        build(TokenClient::builder(server(), "client", ring)),
        ErrorKind::Key(KeyError::NoActiveKey)
    ));
}

#[tokio::test]
async fn ping_ones_profile_on_the_wire() {
    let server = answering(ResponseTemplate::new(200).set_body_json(token_body())).await;
    let authorization_server = AuthorizationServer::new(ISSUER, format!("{}/token", server.uri())).unwrap();
    let client = TokenClient::builder(authorization_server, "client", key("rsa2048.pkcs8.pem"))
        .profile(Profile::ping_one())
        .clock(now)
        .build()
        .unwrap();
    client.token("a").await.unwrap();
    let body = server.received_requests().await.unwrap()[0].body.clone();
    let verifier = ClientAssertionVerifier::new(ISSUER);
    let unverified = verifier.parse(&body).unwrap();
    assert!(format!("{unverified:?}").contains(r#"media_type: Some("JWT")"#));
    let keys = PublicKeySet::from(JwkSet::from(key("rsa2048.pkcs8.pem").public_jwk().clone()));
    let verified = unverified.verify(&keys, Algorithm::RS256, now()).unwrap();
    assert_eq!(verified.claims()["aud"], ISSUER);
}

#[tokio::test]
async fn a_rotation_is_seen_by_the_client_and_a_revoked_key_signs_nothing() {
    let server = answering(ResponseTemplate::new(200).set_body_json(token_body())).await;
    let (old, new) = (key("p256.pkcs8.pem"), key("p384.pkcs8.pem"));
    let ring = KeyRing::from(old.clone());
    let authorization_server = AuthorizationServer::new(ISSUER, format!("{}/token", server.uri())).unwrap();
    let client =
        TokenClient::builder(authorization_server, "client", ring.clone()).clock(now).build().unwrap();
    client.request(&().into()).await.unwrap();
    ring.publish(new.clone(), now()).unwrap();
    ring.activate(new.key_id(), now() + KeyRing::PROPAGATION).unwrap();
    client.request(&().into()).await.unwrap();
    ring.revoke(new.key_id());
    let error = clean(client.request(&().into()).await.unwrap_err());
    assert!(matches!(error.kind(), ErrorKind::Key(KeyError::NoActiveKey)));

    let requests = server.received_requests().await.unwrap();
    let verifier = ClientAssertionVerifier::new(ISSUER);
    for (request, key) in requests.iter().zip([old, new]) {
        let keys = PublicKeySet::from(JwkSet::from(key.public_jwk().clone()));
        assert!(verifier.parse(&request.body).unwrap().verify(&keys, key.algorithm(), now()).is_ok());
    }
    assert_eq!(requests.len(), 2);
}

#[tokio::test]
async fn a_remote_signer_signs_and_its_failure_is_its_own_error() {
    struct Remote {
        jwk: Jwk,
        fails: bool,
    }
    impl Signer for Remote {
        fn algorithm(&self) -> Algorithm {
            Algorithm::ES256
        }
        fn public_jwk(&self) -> &Jwk {
            &self.jwk
        }
        fn sign<'a>(&'a self, signing_input: &'a [u8]) -> BoxFuture<'a, Result<Signature, KeyError>> {
            Box::pin(async move {
                tokio::task::yield_now().await;
                if self.fails {
                    return Err(KeyError::Signer("the HSM is out".into()));
                }
                key("p256.pkcs8.pem").sign(signing_input)
            })
        }
    }
    let server = answering(ResponseTemplate::new(200).set_body_json(token_body())).await;
    let endpoint = format!("{}/token", server.uri());
    for fails in [false, true] {
        let jwk = key("p256.pkcs8.pem").public_jwk().clone();
        let ring = KeyRing::new(Arc::new(Remote { jwk, fails })).unwrap();
        let authorization_server = AuthorizationServer::new(ISSUER, endpoint.clone()).unwrap();
        let client = TokenClient::new(authorization_server, "client", ring).unwrap();
        match client.token(()).await {
            Ok(token) => assert_eq!((token.secret(), fails), ("AT", false)),
            Err(error) => {
                assert!(fails && matches!(error.kind(), ErrorKind::Key(KeyError::Signer(_))), "{error:?}");
                assert_eq!(clean(error).retry(), Retry::BackOff);
            }
        }
    }
}

#[tokio::test]
async fn a_key_service_says_whether_to_try_again() {
    let server = answering(ResponseTemplate::new(200).set_body_json(token_body())).await;
    let endpoint = format!("{}/token", server.uri());
    for (error, retry) in [
        (SignerError::from("the service is out"), Retry::BackOff),
        (SignerError::permanent("the key is disabled"), Retry::Never),
    ] {
        let public = key("p256.pkcs8.pem").public_key().unwrap();
        let sign = move |_| std::future::ready(Err(error.clone()));
        let ring = KeyRing::new(RemoteSigner::new(public, Algorithm::ES256, sign).unwrap()).unwrap();
        let authorization_server = AuthorizationServer::new(ISSUER, endpoint.clone()).unwrap();
        let client = TokenClient::new(authorization_server, "client", ring).unwrap();
        let error = clean(client.token(()).await.unwrap_err());
        assert!(matches!(error.kind(), ErrorKind::Key(KeyError::Signer(_))), "{error:?}");
        assert_eq!(error.retry(), retry);
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}

#[test]
fn the_seam_is_object_safe_and_a_client_is_shared() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<TokenClient>();
    fn object(_: &dyn HttpClient) {}
    object(&ReqwestClient::new().unwrap());
}

#[test]
fn every_error_is_clone_and_shared_between_threads() {
    const fn is<T: std::error::Error + Clone + Send + Sync + 'static>() {}
    is::<private_key_jwt::Error>();
    is::<KeyError>();
    is::<JoseError>();
    is::<OAuthError>();
    is::<TransportError>();
    is::<private_key_jwt::VerifierError>();
    is::<private_key_jwt::RemoteJwksError>();
    is::<private_key_jwt::server::JwksFetchError>();
}
