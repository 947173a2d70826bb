//! What is retried, at every endpoint and for every grant, and how to turn it off.

use std::time::Duration;

use private_key_jwt::oauth::{
    AuthorizationRequest, CodeVerifier, Endpoint, JwtGrant, TokenExchange, TokenKind,
};
use private_key_jwt::{AuthorizationServer, Error, TokenClient, TokenRequest};
use serde_json::json;

use crate::support::clock::TestClock;
use crate::support::loopback::{Act, Server, answer};
use crate::support::{clean, key};

/// A client of a server that is busy twice and then gives this answer, at every endpoint.
async fn busy_twice(busy: &'static str, body: serde_json::Value) -> (Server, TokenClient, TestClock) {
    let server = Server::start(move |number| match number {
        0 | 1 => Act::Close(answer(busy, "")),
        // RFC 9126 §2.2: only this endpoint answers 201.
        _ if body["request_uri"].is_string() => Act::Close(answer("201 Created", body.to_string())),
        _ => Act::Close(answer("200 OK", body.to_string())),
    })
    .await;
    let clock = TestClock::skipping();
    let known = AuthorizationServer::new("https://as.example", server.url()).unwrap();
    let known = Endpoint::ALL
        .into_iter()
        .try_fold(known, |known, endpoint| known.with_endpoint(endpoint, server.url()))
        .unwrap();
    let client = TokenClient::builder(known, "client", key("p256.pkcs8.pem")).clock(clock.clone());
    (server, client.build().unwrap(), clock)
}

const BUSY: &str = "503 Service Unavailable";

#[tokio::test]
async fn every_endpoint_is_asked_again() {
    let (server, client, _) = busy_twice(BUSY, json!({"request_uri": "urn:x", "expires_in": 60})).await;
    let verifier = CodeVerifier::from_random(&[7; 32]);
    client.push_authorization(&AuthorizationRequest::new("https://app.example/cb", &verifier)).await.unwrap();
    assert_eq!(server.requests(), 3);
    let (server, client, _) = busy_twice(BUSY, json!({"active": true})).await;
    assert!(client.introspect("t").await.unwrap().is_active());
    assert_eq!(server.requests(), 3);
    let (server, client, _) = busy_twice(BUSY, json!({})).await;
    client.revoke("t").await.unwrap();
    assert_eq!(server.requests(), 3);
    let codes = json!({"device_code": "d", "user_code": "u", "verification_uri": "https://as.example/device",
        "expires_in": 60});
    let (server, client, _) = busy_twice(BUSY, codes).await;
    client.authorize_device(()).await.unwrap();
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn every_grant_is_asked_for_again_but_those_that_are_good_once() {
    let verifier = CodeVerifier::from_random(&[7; 32]);
    let grant = JwtGrant::from_jwt("a.b.c");
    let exchange = TokenExchange::new("s", TokenKind::AccessToken);
    for (request, requests) in [
        (TokenRequest::client_credentials("a"), 3),
        (TokenRequest::jwt_bearer(&grant), 3),
        (TokenRequest::token_exchange(&exchange), 3),
        (TokenRequest::refresh_token("r"), 1),
        (TokenRequest::authorization_code("c", "https://app.example/cb", &verifier), 1),
    ] {
        let (server, client, clock) =
            busy_twice(BUSY, json!({"access_token": "AT", "token_type": "Bearer"})).await;
        let result = client.request(&request).await.map_err(clean);
        assert_eq!(result.is_ok(), requests == 3, "{result:?}");
        assert_eq!((server.requests(), clock.pauses().len()), (requests, requests - 1), "{request:?}");
    }
}

#[tokio::test]
async fn a_device_asks_at_the_pace_of_its_loop_alone() {
    let codes = json!({"device_code": "d", "user_code": "u", "verification_uri": "https://as.example/device",
        "expires_in": 60, "interval": 3, "access_token": "AT", "token_type": "Bearer"});
    let server = Server::start(move |number| match number {
        1 => Act::Close(answer(BUSY, "")),
        2 => Act::CloseUnread,
        _ => Act::Close(answer("200 OK", codes.to_string())),
    })
    .await;
    let known = AuthorizationServer::new("https://as.example", server.url())
        .and_then(|known| known.with_endpoint(Endpoint::DeviceAuthorization, server.url()));
    let clock = TestClock::skipping();
    let client = TokenClient::builder(known.unwrap(), "client", key("p256.pkcs8.pem")).clock(clock.clone());
    let client = client.build().unwrap();
    let codes = client.authorize_device(()).await.unwrap();
    client.device_token(&codes).await.unwrap();
    assert_eq!(clock.pauses(), [3, 6, 12].map(Duration::from_secs));
    assert_eq!(server.requests(), 4);
}

#[tokio::test]
async fn a_server_that_says_when_is_asked_then() {
    for (busy, pauses) in [
        ("429 Too Many Requests\r\nretry-after: 2", [2, 2]),
        (
            "503 Service Unavailable\r\ndate: Mon, 01 Jan 2029 00:00:00 GMT\r\n\
             retry-after: Mon, 01 Jan 2029 00:00:05 GMT",
            [5, 5],
        ),
        // With the test's own clock.
        ("429 Too Many Requests\r\nretry-after: Fri, 15 Jan 2027 08:00:04 GMT", [4, 0]),
    ] {
        let body = json!({"access_token": "AT", "token_type": "Bearer"});
        let (server, client, clock) = busy_twice(busy, body).await;
        client.request(&().into()).await.unwrap();
        assert_eq!(server.requests(), 3);
        for ((pause, least), jitter) in clock.pauses().into_iter().zip(pauses).zip([500, 1000]) {
            let least = Duration::from_secs(least);
            assert!((least..=least + Duration::from_millis(jitter)).contains(&pause), "{busy}: {pause:?}");
        }
    }
}

#[tokio::test]
async fn by_default_a_long_retry_after_is_not_waited_for() {
    let (busy, body) = ("429 Too Many Requests\r\nretry-after: 11", json!({"active": false}));
    let (server, client, _) = busy_twice(busy, body.clone()).await;
    let error = clean(client.introspect("t").await.unwrap_err());
    assert_eq!(error.retry(), private_key_jwt::oauth::Retry::After(Duration::from_secs(11)));
    assert_eq!((error.attempts(), server.requests()), (1, 1));

    let server = Server::start(move |number| match number {
        0 => Act::Close(answer(busy, "")),
        _ => Act::Close(answer("200 OK", r#"{"access_token":"AT","token_type":"Bearer"}"#)),
    })
    .await;
    let known = || AuthorizationServer::new("https://as.example", server.url()).unwrap();
    let builder =
        || TokenClient::builder(known(), "client", key("p256.pkcs8.pem")).clock(TestClock::skipping());
    let patient = builder().longest_retry_after(Duration::from_secs(20)).build().unwrap();
    patient.request(&().into()).await.unwrap();
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn without_retries_there_are_none() {
    let server = Server::start(|_| Act::Close(answer(BUSY, ""))).await;
    let known = AuthorizationServer::new("https://as.example", server.url()).unwrap();
    let clock = TestClock::skipping();
    let client = TokenClient::builder(known, "client", key("p256.pkcs8.pem"))
        .clock(clock.clone())
        .without_retries()
        .build()
        .unwrap();
    let error: Error = clean(client.request(&().into()).await.unwrap_err());
    assert_eq!((error.attempts(), server.requests(), clock.pauses().len()), (1, 1, 0));
}
