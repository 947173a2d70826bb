//! Refreshes that fail, hang, or finish too late.

use std::time::Duration;

use private_key_jwt::client::ErrorKind;
use private_key_jwt::{AuthorizationServer, TokenClient, TokenSource};
use serde_json::json;

use super::server::{Reply, Server, error, settle, text};
use crate::support::key;

const BUSY: fn() -> Reply = || Reply::Status(503, Vec::new(), "");

/// A client that retries transient failures.
fn trying_again(server: &Server) -> TokenClient {
    let known = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
    let builder = TokenClient::builder(known, "client", key("p256.pkcs8.pem"));
    builder.http(server.clone()).clock(server.clock().clone()).build().unwrap()
}

/// A request that failed while the token was valid is not charged to callers that have no token
/// now.
#[tokio::test]
async fn a_renewal_that_fails_as_the_token_ends_is_made_again_for_who_waits() {
    for is_dropped in [false, true] {
        let server = Server::new();
        let tokens = trying_again(&server).source("a");
        assert_eq!(text(&tokens).await, "1");
        let mut first = true;
        server.answer(move |_| if std::mem::take(&mut first) { BUSY() } else { Reply::token(300) });
        server.clock().set(299.9);
        server.open(false);
        let token = tokens.token().await.unwrap();
        settle().await;
        if is_dropped {
            assert!(tokens.invalidate(&token));
        } else {
            server.clock().set(300.0);
        }
        let waiting: Vec<_> = (0..20).map(|_| tokio::spawn(next(tokens.clone()))).collect();
        settle().await;
        server.open(true);
        for waiting in waiting {
            assert_eq!(waiting.await.unwrap(), "3");
        }
        assert_eq!(server.requests(), 3);
    }
}

async fn next(tokens: TokenSource) -> String {
    text(&tokens).await
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_stands_still_is_given_up_when_the_token_ends() {
    let server = Server::new();
    let tokens = trying_again(&server).source("a");
    assert_eq!(text(&tokens).await, "1");
    let mut first = true;
    server.answer(move |_| if std::mem::take(&mut first) { Reply::Nothing } else { Reply::token(300) });
    server.clock().set(286.0);
    assert_eq!(text(&tokens).await, "1");
    settle().await;
    server.clock().set(300.0);
    let start = tokio::time::Instant::now();
    assert_eq!(text(&tokens).await, "3");
    // The limit is the rest of the token's lifetime when the request began, not the deadline of a
    // call.
    assert!(start.elapsed() <= Duration::from_secs(14), "{:?}", start.elapsed());
}

/// Some servers use this code for assertions, too. It is remembered for the request only, because
/// the key may be valid.
#[tokio::test]
async fn a_refusal_without_a_code_does_not_turn_every_call_into_a_request() {
    for (status, body) in [(400, ""), (403, "<html>"), (400, r#"{"code":"INVALID_DATA","message":"no"}"#)] {
        let server = Server::answering(move |_| Reply::Status(status, Vec::new(), body));
        let tokens = server.client().source("a");
        for tick in 0..60 * 200 {
            server.clock().set(f64::from(tick) / 200.0);
            let error = error(&tokens).await;
            assert_eq!(error.refusal().map(|refusal| refusal.status()), Some(status), "{error:?}");
        }
        // Pauses of at least 0.5, 1, 2, 4, 8 and 16 s, and at most twice as long.
        assert!((6..=7).contains(&server.requests()), "{status} {body}: {}", server.requests());
        server.answer(|_| Reply::token(300));
        server.clock().set(120.0);
        text(&tokens).await;
    }
}

/// The same error for all callers, whatever came before it.
#[tokio::test]
async fn a_renewal_that_is_refused_as_the_token_ends_is_refused_once_more() {
    let server = Server::new();
    let tokens = server.client().source("a");
    assert_eq!(text(&tokens).await, "1");
    server.answer(|_| Reply::Status(400, Vec::new(), r#"{"error":"invalid_scope"}"#));
    server.clock().set(299.0);
    assert_eq!(text(&tokens).await, "1");
    settle().await;
    server.clock().set(300.0);
    for _ in 0..20 {
        let error = error(&tokens).await;
        assert!(matches!(error.kind(), ErrorKind::OAuth(_)), "{error:?}");
        assert_eq!(error.refusal().and_then(|refusal| refusal.error()), Some("invalid_scope"));
    }
    assert_eq!(server.requests(), 3);
}

/// If the grant can be requested again, a refresh token is not sent twice after a lost answer (RFC
/// 9700 §4.14.2).
#[tokio::test]
async fn a_refresh_token_that_may_have_been_used_up_gives_way_to_the_request() {
    for (reply, is_sent_again) in
        [(BUSY as fn() -> Reply, false), (|| Reply::Broken, false), (|| Reply::Unreachable, true)]
    {
        let server =
            Server::answering(|_| Reply::Token(json!({"expires_in": 300, "refresh_token": "refresh"})));
        let grant = private_key_jwt::oauth::JwtGrant::from_jwt("j.w.t");
        let tokens = server.client().source(private_key_jwt::TokenRequest::jwt_bearer(&grant));
        assert_eq!(text(&tokens).await, "1");
        server.answer(move |form| match form.get("refresh_token") {
            Some(_) => reply(),
            None => Reply::token(300),
        });
        server.clock().set(300.0);
        if is_sent_again {
            assert_eq!(error(&tokens).await.to_string(), "cannot connect to as.example");
            assert_eq!(tokens.refresh_token().as_deref().map(String::as_str), Some("refresh"));
            continue;
        }
        assert_eq!(text(&tokens).await, "3");
        assert_eq!(server.form(1)["grant_type"], "refresh_token");
        assert_eq!(server.form(2)["assertion"], "j.w.t");
        assert!(tokens.refresh_token().is_none());
    }
}
