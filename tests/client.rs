//! The token client against a scripted server: the exact form that is posted, and each shape of an
//! answer.
#![cfg(feature = "client")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use private_key_jwt::client::ErrorKind;
use private_key_jwt::jose::{CompactJws, JoseError};
use private_key_jwt::keys::{BoxFuture, KeyError, SignerError};
use private_key_jwt::oauth::{Discovery, OAuthError, Retry};
use private_key_jwt::transport::{HttpClient, PublicNetworkClient, ReqwestClient, TransportError};
use private_key_jwt::{
    Algorithm, Audience, AuthorizationServer, ClientAssertion, ClientAssertionVerifier, Jwk, JwkSet, KeyRing,
    Profile, PublicKeySet, RemoteSigner, Signature, Signer, TokenClient, TokenRequest, TokenResponse,
};
use support::{MARK, clean, has_mark, key, now};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const ISSUER: &str = "https://as.example/env/as";

fn token_body() -> serde_json::Value {
    serde_json::json!({"access_token": "AT", "token_type": "Bearer", "expires_in": 300, "scope": "a b"})
}

/// A client of the mock server, whose assertions carry the mark. It sends once, whatever comes of
/// it: what follows from a failure is in `tests/faults`.
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

/// What a client makes of an answer; the error has been looked through for secrets.
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

#[tokio::test]
async fn settings_of_the_users_own_cannot_undo_what_an_assertion_needs() {
    use tokio::io::AsyncReadExt;
    let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let http = ReqwestClient::build(|builder| {
        builder
            .proxy(reqwest::Proxy::all(&address).unwrap())
            .redirect(reqwest::redirect::Policy::limited(5))
            .resolve("localhost", "192.0.2.1:0".parse().unwrap())
    })
    .unwrap()
    .with_timeout(Duration::from_secs(5));

    // Loopback knows no proxy, `localhost` is loopback, and a redirect is an answer.
    let elsewhere = MockServer::start().await;
    let server =
        answering(ResponseTemplate::new(307).insert_header("location", elsewhere.uri().as_str())).await;
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("http://{host}:{}/token", server.address().port());
        let response = http.send(http::Request::post(url).body(Vec::new()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 307, "{host}");
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
    assert!(elsewhere.received_requests().await.unwrap().is_empty());

    // Another host goes through the proxy, so that the setting was really made.
    let request = http::Request::post("https://as.example/token").body(Vec::new()).unwrap();
    let asked = tokio::spawn(async move {
        let (mut stream, _) = proxy.accept().await.unwrap();
        let mut head = [0; 31];
        stream.read_exact(&mut head).await.unwrap();
        String::from_utf8(head.to_vec()).unwrap()
    });
    assert!(http.send(request).await.is_err());
    assert_eq!(asked.await.unwrap(), "CONNECT as.example:443 HTTP/1.1");
}

/// Default headers and proxies are the user's, and often secret.
#[tokio::test]
async fn what_a_user_gives_reqwest_is_shown_by_no_debug_and_no_error() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let configure = move |builder: reqwest::ClientBuilder| {
        let secret = http::HeaderValue::from_str(MARK).unwrap();
        let headers = [(http::header::AUTHORIZATION, secret.clone()), ("x-api-key".parse().unwrap(), secret)];
        let proxy = reqwest::Proxy::all(format!("http://user:{MARK}@{closed}")).unwrap();
        builder.default_headers(headers.into_iter().collect()).proxy(proxy)
    };
    let http = ReqwestClient::build(configure).unwrap().with_timeout(Duration::from_secs(7));
    let public = PublicNetworkClient::builder().reqwest(configure).build().unwrap();
    let server = AuthorizationServer::new(ISSUER, format!("{ISSUER}/token")).unwrap();
    let client =
        TokenClient::builder(server, "client", key("p256.pkcs8.pem")).http(http.clone()).build().unwrap();
    let texts = [
        format!("{http:?} {http:#?}"),
        format!("{:?}", http.clone()),
        format!("{public:?} {public:#?}"),
        format!("{client:?} {:?}", client.source("a")),
    ];
    for text in &texts {
        assert!(!has_mark(text) && !text.contains("x-api-key"), "{text}");
    }
    assert_eq!(texts[1], "ReqwestClient { timeout: 7s, plain_http: Loopback, .. }");
    let request = http::Request::post("https://as.example/token").body(Vec::new()).unwrap();
    let error = clean(http.send(request).await.unwrap_err());
    assert!(matches!(error, TransportError::Connect { .. }), "{error:?}");
}

/// What would switch a protection off is refused, and what means "nothing" does nothing.
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
            "the backoff is zero, which would retry without a pause; use without_retries to retry nothing"
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
    // Nothing is waited for, and no request is sent again.
    let busy = answering(ResponseTemplate::new(503).insert_header("retry-after", "1")).await;
    let server = AuthorizationServer::new(ISSUER, format!("{}/token", busy.uri())).unwrap();
    let client = TokenClient::builder(server, "client", key("p256.pkcs8.pem"));
    let client = client.longest_retry_after(Duration::ZERO).build().unwrap();
    assert_eq!(client.token("a").await.unwrap_err().attempts(), 1);
    assert_eq!(busy.received_requests().await.unwrap().len(), 1);
    // No time is none, and not any.
    let none = ReqwestClient::new().unwrap().with_timeout(Duration::ZERO);
    let request = http::Request::post(format!("{}/token", busy.uri())).body(Vec::new()).unwrap();
    let error = clean(none.send(request).await.unwrap_err());
    assert!(matches!(error, TransportError::Timeout { .. } | TransportError::Connect { .. }), "{error:?}");
    // An empty `typ` is none.
    let key = key("p256.pkcs8.pem");
    let assertion =
        ClientAssertion::builder("c", &self::server()).media_type(Some("")).sign(&key, now(), "j");
    assert_eq!(CompactJws::parse(assertion.unwrap().secret()).unwrap().header().media_type, None);
}

fn server() -> AuthorizationServer {
    AuthorizationServer::new(ISSUER, format!("{ISSUER}/token")).unwrap()
}

#[tokio::test]
async fn every_target_is_judged_whatever_the_one_before_was() {
    let (one, other) = (MockServer::start().await, MockServer::start().await);
    let http = ReqwestClient::new().unwrap();
    let post = |url: String| http.send(http::Request::post(url).body(Vec::new()).unwrap());
    let targets = [(&one, "/a"), (&one, "/a"), (&other, "/a"), (&one, "/b"), (&one, "/b?c"), (&one, "/b")];
    for (server, path) in targets {
        // Nothing is mounted there; a refusal is an answer.
        assert_eq!(post(format!("{}{path}", server.uri())).await.unwrap().status(), 404);
        for refused in ["http://as.example/a", "http://127.0.0.1.evil/a"] {
            let error = clean(post(refused.to_owned()).await.unwrap_err());
            assert!(matches!(error, TransportError::OAuth(OAuthError::Endpoint { .. })), "{error:?}");
        }
    }
    assert!(!format!("{http:?}").contains("/b"));
    // The same to HTTP in another spelling, and the same again for a clone.
    let port = one.address().port();
    for url in [format!("http://localhost:{port}/c"), format!("HTTP://LOCALHOST:{port}/c")] {
        assert_eq!(post(url).await.unwrap().status(), 404);
    }
    let request = http::Request::post(format!("{}/d", one.uri())).body(Vec::new()).unwrap();
    assert_eq!(http.clone().send(request).await.unwrap().status(), 404);
    let seen = |requests: Vec<wiremock::Request>| {
        requests.iter().map(|request| request.url[url::Position::BeforePath..].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        seen(one.received_requests().await.unwrap()),
        ["/a", "/a", "/b", "/b?c", "/b", "/c", "/c", "/d"]
    );
    assert_eq!(seen(other.received_requests().await.unwrap()), ["/a"]);
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
    // The listener accepts (the kernel does) and says nothing.
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
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/token", listener.local_addr().unwrap());
    let accepted = tokio::spawn(async move {
        let mut connections = 0;
        loop {
            let Ok(Ok((mut stream, _))) =
                tokio::time::timeout(Duration::from_millis(500), listener.accept()).await
            else {
                return connections;
            };
            connections += 1;
            let _ = stream.read(&mut [0; 16]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{").await;
        }
    });
    let server = AuthorizationServer::from_token_endpoint(endpoint).unwrap();
    let client = TokenClient::new(server, "client", key("p256.pkcs8.pem")).unwrap();
    let error = clean(client.token(()).await.unwrap_err());
    assert!(matches!(error.kind(), ErrorKind::Transport(TransportError::Incomplete { .. })), "{error:?}");
    assert_eq!(accepted.await.unwrap(), 1);
}

#[tokio::test]
async fn the_user_agent_and_the_coding_are_the_users_to_set() {
    let server = answering(ResponseTemplate::new(200)).await;
    let url = format!("{}/token", server.uri());
    let http = ReqwestClient::build(|builder| builder.user_agent("my-service/1.0")).unwrap();
    let post = || http::Request::post(url.as_str());
    http.send(post().body(Vec::new()).unwrap()).await.unwrap();
    http.send(post().header("accept-encoding", "br").body(Vec::new()).unwrap()).await.unwrap();
    ReqwestClient::new().unwrap().send(post().body(Vec::new()).unwrap()).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let headers: Vec<_> = requests
        .iter()
        .map(|request| ["user-agent", "accept-encoding"].map(|name| request.headers[name].to_str().unwrap()))
        .collect();
    let own = concat!("private-key-jwt/", env!("CARGO_PKG_VERSION"));
    assert_eq!(headers, [["my-service/1.0", "identity"], ["my-service/1.0", "br"], [own, "identity"]]);
}

#[tokio::test]
async fn a_server_that_is_not_loopback_needs_tls() {
    for endpoint in ["http://as.example/token", "http://127.0.0.1.evil/", "http://127.0.0.1@evil/"] {
        let error = clean(AuthorizationServer::from_token_endpoint(endpoint).unwrap_err());
        assert!(matches!(error, OAuthError::Endpoint { endpoint: "token_endpoint", .. }), "{error:?}");
        let request = http::Request::post(endpoint).body(Vec::new());
        // `http` itself refuses credentials in a target; the other two reach the client.
        let Ok(request) = request else { continue };
        let error = clean(ReqwestClient::new().unwrap().send(request).await.unwrap_err());
        assert!(matches!(error, TransportError::OAuth(OAuthError::Endpoint { .. })), "{error:?}");
    }
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

mod discovery {
    use super::*;

    async fn metadata(server: &MockServer, at: &str, response: ResponseTemplate) {
        Mock::given(method("GET")).and(path(at)).respond_with(response).mount(server).await;
    }

    fn document(issuer: &str) -> serde_json::Value {
        serde_json::json!({"issuer": issuer, "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/jwks"), "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256"]})
    }

    #[tokio::test]
    async fn the_openid_path_comes_first() {
        let server = MockServer::start().await;
        let issuer = format!("{}/t", server.uri());
        let answer = ResponseTemplate::new(200).set_body_json(document(&issuer));
        metadata(&server, "/t/.well-known/openid-configuration", answer).await;
        let found = AuthorizationServer::discover(&issuer).await.unwrap();
        assert_eq!(found.issuer(), Some(issuer.as_str()));
        assert_eq!(found.token_endpoint(), format!("{issuer}/token"));
        assert_eq!(found.jwks_uri().unwrap(), format!("{issuer}/jwks"));
        assert_eq!(found.authentication_methods().unwrap(), ["private_key_jwt"]);
        assert_eq!(found.signing_algorithms().unwrap(), ["ES256"]);
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    }

    const OPENID: &str = "/t/.well-known/openid-configuration";
    const RFC8414: &str = "/.well-known/oauth-authorization-server/t";

    fn plain(status: u16) -> ResponseTemplate {
        ResponseTemplate::new(status)
    }

    #[tokio::test]
    async fn rfc8414_3_1_comes_second_whatever_the_first_path_answers() {
        let server = MockServer::start().await;
        let issuer = format!("{}/t", server.uri());
        let html = || plain(200).set_body_raw("<!doctype html><title>Log in</title>", "text/html");
        let statuses = [204, 301, 302, 400, 401, 403, 404, 405, 406, 410, 429, 500, 502, 503].map(plain);
        let documents = [
            html(),
            plain(200),
            plain(200).set_body_string("[]"),
            plain(200).set_body_string("{}"),
            plain(200).set_body_json(document("https://another.example")),
            plain(200).set_body_json(serde_json::json!({"issuer": issuer})),
            plain(200).set_body_json(serde_json::json!({"issuer": issuer, "token_endpoint": "/token"})),
            plain(200).set_body_bytes(vec![b' '; 2 << 20]),
        ];
        for first in statuses.into_iter().chain(documents) {
            server.reset().await;
            metadata(&server, OPENID, first).await;
            metadata(&server, RFC8414, plain(200).set_body_json(document(&issuer))).await;
            let found = AuthorizationServer::discover(&issuer).await.unwrap();
            assert_eq!(found.issuer(), Some(issuer.as_str()));
            let requests = server.received_requests().await.unwrap();
            let paths: Vec<&str> = requests.iter().map(|request| request.url.path()).collect();
            assert_eq!(paths, [OPENID, RFC8414]);
            for request in &requests {
                let header = |name| request.headers[name].to_str().unwrap();
                assert_eq!(header("accept"), "application/json");
                assert_eq!(header("accept-encoding"), "identity");
                assert_eq!(header("user-agent"), ReqwestClient::USER_AGENT);
            }
        }
    }

    #[tokio::test]
    async fn if_both_paths_fail_the_error_is_the_one_that_says_more() {
        let server = MockServer::start().await;
        let issuer = format!("{}/t", server.uri());
        let foreign = || plain(200).set_body_json(document("https://another.example"));
        let html = || plain(200).set_body_string("<html>");
        let status = |status: u16, path: &str| format!("{}{path} answered {status}", server.uri());
        let mismatch = format!("the metadata is of issuer https://another.example, asked for was {issuer}");
        let unreadable = "the authorization server's metadata cannot be used".to_owned();
        for (first, second, expected) in [
            // Two statuses: the first path's, unless there is nothing.
            (plain(400), plain(404), status(400, OPENID)),
            (plain(403), plain(500), status(403, OPENID)),
            (plain(404), plain(404), status(404, OPENID)),
            (plain(404), plain(410), status(404, OPENID)),
            (plain(404), plain(503), status(503, RFC8414)),
            // A document says more than a status, and the first one more than the second.
            (plain(400), foreign(), mismatch.clone()),
            (plain(404), html(), unreadable.clone()),
            (foreign(), plain(404), mismatch.clone()),
            (foreign(), html(), mismatch),
            (html(), foreign(), unreadable),
        ] {
            server.reset().await;
            metadata(&server, OPENID, first).await;
            metadata(&server, RFC8414, second).await;
            let error = clean(AuthorizationServer::discover(&issuer).await.unwrap_err());
            assert_eq!(error.to_string(), expected);
            assert_eq!(server.received_requests().await.unwrap().len(), 2);
        }
    }

    #[tokio::test]
    async fn a_server_out_of_reach_is_asked_once() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let error = clean(AuthorizationServer::discover(&issuer).await.unwrap_err());
        assert!(matches!(error, TransportError::Connect { host, .. } if host == "127.0.0.1"));
    }

    #[tokio::test]
    async fn a_document_url_is_understood_as_its_issuer() {
        let server = MockServer::start().await;
        let issuer = format!("{}/t", server.uri());
        metadata(&server, OPENID, plain(200).set_body_json(document(&issuer))).await;
        for path in [OPENID, RFC8414] {
            let found = AuthorizationServer::discover(&format!("{}{path}", server.uri())).await.unwrap();
            assert_eq!(found.issuer(), Some(issuer.as_str()));
        }
        let requests = server.received_requests().await.unwrap();
        let paths: Vec<&str> = requests.iter().map(|request| request.url.path()).collect();
        assert_eq!(paths, [OPENID, RFC8414, OPENID]);
    }

    #[tokio::test]
    async fn an_issuer_that_differs_by_design_is_named_by_the_user() {
        let server = MockServer::start().await;
        let place = format!("{}/t", server.uri());
        let answer = plain(200).set_body_json(document("https://sts.example/{tenantid}/"));
        metadata(&server, OPENID, answer).await;
        let discovery = Discovery::new(&place).expect_issuer("https://sts.example/{tenantid}/");
        let found = discovery.discover().await.unwrap();
        assert_eq!(found.issuer(), Some("https://sts.example/{tenantid}/"));
        let error = clean(AuthorizationServer::discover(&place).await.unwrap_err());
        assert!(matches!(error, TransportError::OAuth(OAuthError::IssuerMismatch { .. })), "{error:?}");
    }

    #[tokio::test]
    async fn what_the_server_says_in_place_of_its_metadata_is_in_the_error() {
        let server = MockServer::start().await;
        let issuer = format!("{}/t", server.uri());
        let problem = r#"{"title":"Blocked","detail":"no metadata for 10.0.0.7"}"#;
        let blocked = plain(403).set_body_raw(problem, "application/problem+json");
        for (answer, expected) in [
            (blocked.insert_header("x-request-id", "r7"), {
                "403 Blocked: no metadata for 10.0.0.7 [x-request-id r7]"
            }),
            (plain(503).set_body_raw("<title>Down</title>", "text/html"), "503: Down"),
            (plain(301).insert_header("location", "https://as.example/"), {
                "301, a redirect to https://as.example/, which is not followed"
            }),
            (plain(500), "500"),
        ] {
            server.reset().await;
            metadata(&server, OPENID, answer).await;
            let error = clean(AuthorizationServer::discover(&issuer).await.unwrap_err());
            let url = format!("{}{OPENID}", server.uri());
            assert_eq!(error.to_string(), format!("{url} answered {expected}"));
        }
    }

    #[tokio::test]
    async fn plain_http_inside_a_mesh_needs_the_users_word() {
        let server = MockServer::start().await;
        let issuer = "http://as.mesh.svc/t";
        metadata(&server, OPENID, plain(200).set_body_json(document(issuer))).await;
        let answer = plain(200).set_body_json(token_body());
        Mock::given(method("POST")).and(path("/t/token")).respond_with(answer).mount(&server).await;
        // The name leads to the mock server, as in a mesh to the sidecar.
        let address = *server.address();
        let mesh = ReqwestClient::build(|builder| builder.resolve("as.mesh.svc", address)).unwrap();

        let refused = AuthorizationServer::discover_with(issuer, &mesh).await.unwrap_err();
        assert!(matches!(clean(refused), TransportError::OAuth(OAuthError::Issuer { .. })));
        let discovery = Discovery::new(issuer).danger_allow_unencrypted();
        let refused = discovery.discover_with(&mesh).await.unwrap_err();
        assert!(matches!(
            clean(refused),
            TransportError::OAuth(OAuthError::Endpoint {
                reason: "is plain http, which is for loopback only",
                ..
            })
        ));
        assert!(server.received_requests().await.unwrap().is_empty());

        let mesh = mesh.danger_allow_unencrypted();
        let found = discovery.discover_with(&mesh).await.unwrap();
        assert_eq!(found.token_endpoint(), "http://as.mesh.svc/t/token");
        let by_hand =
            [AuthorizationServer::danger_unencrypted(issuer, "http://as.mesh.svc/t/token").unwrap(), {
                AuthorizationServer::danger_unencrypted_token_endpoint("http://as.mesh.svc/t/token").unwrap()
            }];
        for server in by_hand.into_iter().chain([found]) {
            let client = TokenClient::builder(server, "client", key("p256.pkcs8.pem")).http(mesh.clone());
            assert_eq!(client.build().unwrap().token("a").await.unwrap().secret(), "AT");
        }
        assert!(AuthorizationServer::from_token_endpoint("http://as.mesh.svc/t/token").is_err());
    }

    #[tokio::test]
    async fn rfc8414_3_3_another_issuer_is_refused() {
        let server = MockServer::start().await;
        let issuer = server.uri();
        let answer = ResponseTemplate::new(200).set_body_json(document(&format!("{issuer}/")));
        metadata(&server, "/.well-known/openid-configuration", answer).await;
        let error = clean(AuthorizationServer::discover(&issuer).await.unwrap_err());
        assert!(matches!(
            error,
            TransportError::OAuth(OAuthError::IssuerMismatch { expected, found })
                if expected == issuer && found == format!("{issuer}/")
        ));
    }

    #[tokio::test]
    async fn an_issuer_with_query_or_fragment_and_an_insecure_one_are_refused_before_any_request() {
        for issuer in
            ["https://as.example/?a", "https://as.example/#a", "http://as.example", "http://127.0.0.1.evil"]
        {
            let error = clean(AuthorizationServer::discover(issuer).await.unwrap_err());
            assert!(matches!(error, TransportError::OAuth(OAuthError::Issuer { .. })), "{error:?}");
        }
    }

    #[tokio::test]
    async fn metadata_that_is_no_json_names_the_place() {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(200).set_body_string("<html>");
        metadata(&server, "/.well-known/openid-configuration", answer).await;
        let error = clean(AuthorizationServer::discover(&server.uri()).await.unwrap_err());
        assert!(matches!(error, TransportError::OAuth(OAuthError::Metadata(JoseError::Json { .. }))));
    }
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
