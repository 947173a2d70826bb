//! Failures and delays that a test orders, and a program under test that needs no socket.

use std::time::Duration;

use http::StatusCode;
use private_key_jwt::TokenClient;
use private_key_jwt::client::ErrorKind;
use private_key_jwt::transport::HttpClient;

use super::*;
use crate::support::clock::TestClock;

/// A server and its client, with the same clock.
fn with_clock(clock: &TestClock) -> (DevServer, TokenClient) {
    let dev = DevServer::builder().clock(clock.clone()).build(ORIGIN).unwrap();
    let key = es256();
    dev.register("client", jwks(&key)).unwrap();
    let client = TokenClient::builder(dev.authorization_server().clone(), "client", key)
        .http(dev.clone())
        .clock(clock.clone())
        .build()
        .unwrap();
    (dev, client)
}

#[tokio::test]
async fn a_program_is_tested_without_a_socket_and_at_the_time_of_the_test() {
    let clock = TestClock::new();
    let (dev, client) = with_clock(&clock);
    let first = client.token("a").await.unwrap();
    let start = clock.seconds();
    assert_eq!(claims(&dev, first.secret())["iat"], start);
    clock.pass(3600);
    let second = client.token("a").await.unwrap();
    assert_eq!(claims(&dev, second.secret())["iat"], start + 3600);
}

#[tokio::test]
async fn the_next_token_requests_fail_as_ordered_and_a_client_retries() {
    let clock = TestClock::skipping();
    let (dev, client) = with_clock(&clock);
    dev.fail_next(2, StatusCode::SERVICE_UNAVAILABLE);
    client.token("a").await.unwrap();
    assert_eq!(clock.pauses().len(), 2);

    dev.fail_next(1, StatusCode::BAD_REQUEST);
    match client.token("b").await.unwrap_err().into_kind() {
        ErrorKind::OAuth(private_key_jwt::OAuthError::Refused(refusal)) => {
            assert_eq!(refusal.error(), Some("invalid_request"));
            let said = "this failure was ordered with `fail_next`, 0 more to come";
            assert_eq!(refusal.description(), Some(said));
        }
        other => panic!("{other:?}"),
    }
    client.token("c").await.unwrap();
}

#[test]
fn each_status_has_an_error_that_fits_and_an_order_replaces_the_one_before() {
    let dev = DevServer::builder().fail_next(1, StatusCode::IM_A_TEAPOT).build(ORIGIN).unwrap();
    let key = es256();
    dev.register("client", jwks(&key)).unwrap();
    let assertion = request(&dev, &key, as_it_is);
    let token = || dev.respond(&assertion, now());
    let ordered = |status, error, left: u32| {
        refused(status, error, &format!("this failure was ordered with `fail_next`, {left} more to come"))
    };
    assert_eq!(refusal(&token()), ordered(418, "invalid_request", 0));
    for (status, error) in [
        (StatusCode::BAD_REQUEST, "invalid_request"),
        (StatusCode::UNAUTHORIZED, "invalid_client"),
        (StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable"),
        (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
        (StatusCode::OK, "server_error"),
    ] {
        dev.fail_next(2, status);
        assert_eq!(refusal(&token()), ordered(status.as_u16(), error, 1));
    }
    // Only requests to the token endpoint count, and only those that could get a token.
    assert_eq!(page(&dev, dev.jwks_uri(), now()).status(), 200);
    assert_eq!(page(&dev, dev.token_endpoint(), now()).status(), 405);
    assert_eq!(refusal(&token()), ordered(200, "server_error", 0));
    // None of these used up the assertion.
    assert_eq!(token().status(), 200);

    dev.fail_next(u32::MAX, StatusCode::BAD_GATEWAY);
    assert_eq!(refusal(&token()).0, 502);
    dev.fail_next(0, StatusCode::BAD_GATEWAY);
    assert_eq!(refusal(&token()), invalid_client(USED));
}

/// The client learns the time from the `Date` of the refusal.
#[tokio::test]
async fn a_server_whose_clock_differs_shows_how_a_program_copes() {
    for seconds in [-300, 300] {
        let clock = TestClock::new();
        let ahead = clock.clone();
        let ahead = move || private_key_jwt::transport::Clock::now(&ahead) + time::Duration::seconds(seconds);
        let dev = DevServer::builder().clock(ahead).build(ORIGIN).unwrap();
        let key = es256();
        dev.register("client", jwks(&key)).unwrap();
        let client = TokenClient::builder(dev.authorization_server().clone(), "client", key);
        let client = client.http(dev.clone()).clock(clock.clone()).build().unwrap();
        let token = client.token("a").await.unwrap();
        assert_eq!(claims(&dev, token.secret())["iat"], clock.seconds() + seconds);
    }
}

#[tokio::test]
async fn rfc9110_6_6_1_a_time_that_http_cannot_say_is_left_out() {
    for (time, expected) in [
        (-1, None),
        (0, Some("Thu, 01 Jan 1970 00:00:00 GMT")),
        (253_402_300_799, Some("Fri, 31 Dec 9999 23:59:59 GMT")),
    ] {
        let clock = move || OffsetDateTime::UNIX_EPOCH.saturating_add(time::Duration::seconds(time));
        let dev = DevServer::builder().clock(clock).build(ORIGIN).unwrap();
        let request = http::Request::get(dev.jwks_uri()).body(Vec::new()).unwrap();
        let response = dev.send(request).await.unwrap();
        let date = response.headers().get("date").map(|date| date.to_str().unwrap());
        assert_eq!(date, expected);
    }
}

#[tokio::test]
async fn an_answer_takes_as_long_as_it_is_told_to() {
    let clock = TestClock::skipping();
    let builder = DevServer::builder().clock(clock.clone()).delay(Duration::from_secs(7));
    let dev = builder.build(ORIGIN).unwrap();
    let jwks = || http::Request::get(dev.jwks_uri()).body(Vec::new()).unwrap();
    assert_eq!(dev.send(jwks()).await.unwrap().status(), 200);
    assert_eq!(clock.pauses(), [Duration::from_secs(7)]);
    // Without a socket and without a client, there is nothing to wait for.
    assert_eq!(dev.respond(&jwks(), now()).status(), 200);
    dev.set_delay(Duration::from_secs(1));
    dev.send(jwks()).await.unwrap();
    dev.set_delay(Duration::ZERO);
    dev.send(jwks()).await.unwrap();
    assert_eq!(clock.pauses(), [7, 1].map(Duration::from_secs));

    // The same over a socket.
    let dev = builder.bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let http = private_key_jwt::transport::ReqwestClient::new().unwrap();
    http.send(http::Request::get(dev.jwks_uri()).body(Vec::new()).unwrap()).await.unwrap();
    assert_eq!(clock.pauses(), [7, 1, 7].map(Duration::from_secs));
}

/// tokio moves its paused time on when nothing else is left to do.
#[tokio::test(start_paused = true)]
async fn a_delay_needs_no_waiting_where_tokios_time_is_paused() {
    let dev = DevServer::builder().delay(Duration::from_secs(3600)).build(ORIGIN).unwrap();
    let before = tokio::time::Instant::now();
    dev.send(http::Request::get(dev.jwks_uri()).body(Vec::new()).unwrap()).await.unwrap();
    assert_eq!(before.elapsed(), Duration::from_secs(3600));

    let key = es256();
    dev.register("client", jwks(&key)).unwrap();
    let client = TokenClient::builder(dev.authorization_server().clone(), "client", key)
        .http(dev.clone())
        .deadline(Duration::from_secs(30))
        .build()
        .unwrap();
    let error = client.token("a").await.unwrap_err();
    assert_eq!(error.to_string(), "127.0.0.1 did not answer in time");
}
