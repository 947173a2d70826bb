//! A server that does not answer, or refuses.

use std::time::Duration;

use private_key_jwt::KeyRing;
use private_key_jwt::client::ErrorKind;
use private_key_jwt::keys::KeyError;
use private_key_jwt::oauth::{OAuthError, Retry};
use private_key_jwt::transport::TransportError;

use super::server::{Reply, Server, assert_renewed_at_last, error, is_unavailable, settle, text};
use crate::support::{clean, key, now};

fn down() -> Reply {
    Reply::Status(503, Vec::new(), "")
}

#[tokio::test]
async fn a_renewal_that_fails_leaves_the_token_in_use_and_is_tried_again_until_it_ends() {
    let server = Server::new();
    let tokens = server.client().source("a");
    assert_eq!(text(&tokens).await, "1");
    server.answer(|_| down());
    let mut before = 1;
    let mut seconds = Vec::new();
    for tenth in 2851..3000 {
        server.clock().set(f64::from(tenth) / 10.0);
        assert_eq!(text(&tokens).await, "1");
        settle().await;
        if server.requests() > before {
            assert_eq!(server.requests(), before + 1);
            before += 1;
            seconds.push(tenth);
        }
    }
    // Pauses of at most a quarter of 30 s, and at least half of a sixteenth of 15 s.
    assert!((4..=16).contains(&seconds.len()), "{seconds:?}");
    assert!(seconds.windows(2).all(|pair| pair[1] - pair[0] <= 76), "{seconds:?}");
    // Only now the failure shows, and the failures before delay no caller.
    server.clock().set(300.0);
    assert!(is_unavailable(&error(&tokens).await, 503));
    server.answer(|_| Reply::token(300));
    server.clock().set(301.0);
    assert_eq!(text(&tokens).await, (before + 2).to_string());
}

#[tokio::test]
async fn a_renewal_that_comes_through_at_last_is_used() {
    let server = Server::new();
    let tokens = server.client().source("a");
    assert_eq!(text(&tokens).await, "1");
    server.answer(|_| Reply::Unreachable);
    assert_renewed_at_last(&server, &tokens).await;
}

#[tokio::test]
async fn all_who_wait_get_one_error_and_so_do_those_of_the_next_second() {
    let server = Server::answering(|_| down());
    let client = server.client();
    server.open(false);
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let tokens = client.source("a");
            tokio::spawn(async move { error(&tokens).await })
        })
        .collect();
    settle().await;
    server.open(true);
    for caller in callers {
        let error = caller.await.unwrap();
        assert!(is_unavailable(&error, 503));
        assert_eq!(error.retry(), Retry::BackOff);
    }
    let tokens = client.source("a");
    server.clock().set(0.999);
    assert!(is_unavailable(&error(&tokens).await, 503));
    assert_eq!(server.requests(), 1);
    server.clock().set(1.0);
    server.answer(|_| Reply::token(300));
    assert_eq!(text(&tokens).await, "2");
    // Another entry is not affected.
    server.answer(|_| down());
    assert!(is_unavailable(&error(&client.source("b")).await, 503));
    assert_eq!(text(&tokens).await, "2");
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    let server = Server::answering(|_| Reply::Status(429, vec![("retry-after", "20")], ""));
    let tokens = server.client().source("a");
    for second in [0.0, 1.0, 19.9] {
        server.clock().set(second);
        let error = error(&tokens).await;
        assert!(is_unavailable(&error, 429));
        assert_eq!(error.retry(), Retry::After(Duration::from_secs(20)));
    }
    assert_eq!(server.requests(), 1);
    server.clock().set(20.0);
    error(&tokens).await;
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn each_kind_of_error_comes_out_as_it_is() {
    let server = Server::new();
    let outcome = async |reply: fn() -> Reply| {
        server.answer(move |_| reply());
        error(&server.client().source("a")).await
    };
    let unreachable = outcome(|| Reply::Unreachable).await;
    assert!(
        matches!(unreachable.kind(), ErrorKind::Transport(TransportError::Connect { host, .. }) if host == "as.example")
    );
    assert_eq!(unreachable.retry(), Retry::BackOff);
    let refused = outcome(|| Reply::refused("invalid_client")).await;
    assert_eq!(refused.refusal().unwrap().error(), Some("invalid_client"));
    assert!(matches!(
        outcome(|| Reply::Status(200, Vec::new(), "<html>")).await.kind(),
        ErrorKind::OAuth(OAuthError::Response { .. })
    ));
    let scope = clean(server.client().token("a\nb").await.unwrap_err());
    assert!(matches!(scope.kind(), ErrorKind::OAuth(OAuthError::Scope)));
}

#[tokio::test]
async fn a_key_that_is_missing_is_missed_for_no_longer_than_it_is() {
    let server = Server::new();
    let ring = KeyRing::from(key("p256.pkcs8.pem"));
    let client = server.client();
    client.keys().revoke(ring.active().unwrap().public_jwk().key_id().unwrap());
    for _ in 0..2 {
        let error = clean(client.token("a").await.unwrap_err());
        assert!(matches!(error.kind(), ErrorKind::Key(KeyError::NoActiveKey)));
    }
    let again = client.keys().publish(key("p256.pkcs8.pem"), now() - KeyRing::PROPAGATION).unwrap();
    client.keys().activate(&again, now()).unwrap();
    assert_eq!(client.token("a").await.unwrap().secret(), "1");
}

/// For five minutes the server refuses the key of a client that 200 callers per second use. The
/// cached token is returned until it expires, and neither before nor after does each call cause a
/// request.
#[tokio::test]
async fn a_key_that_is_refused_is_a_handful_of_requests_a_minute() {
    let server = Server::new();
    let tokens = server.client().source("a");
    assert_eq!(text(&tokens).await, "1");
    server.answer(|_| Reply::refused("invalid_client"));
    let mut minutes = [0; 10];
    for (minute, requests) in (0..).zip(&mut minutes) {
        let before = server.requests();
        for tick in 0..60 * 200 {
            let second = f64::from(minute * 60) + f64::from(tick) / 200.0;
            server.clock().set(second);
            match tokens.token().await {
                Ok(token) => assert!(second < 300.0 && token.secret() == "1", "{second}"),
                Err(error) => {
                    assert_eq!(error.refusal().unwrap().error(), Some("invalid_client"), "{second}")
                }
            }
            if tick % 20 == 0 {
                settle().await;
            }
        }
        *requests = server.requests() - before;
    }
    assert_eq!(minutes[..4], [0; 4]);
    assert!(minutes[4..].iter().all(|requests| (1..=8).contains(requests)), "{minutes:?}");
}

#[tokio::test]
async fn a_refusal_that_begins_while_a_token_serves_is_a_handful_of_requests_a_minute() {
    for (status, body) in [(400, ""), (403, ""), (401, r#"{"error":"unauthorized_client"}"#)] {
        let server = Server::answering(|_| Reply::token(2));
        let tokens = server.client().source("a");
        assert_eq!(text(&tokens).await, "1");
        server.answer(move |_| Reply::Status(status, Vec::new(), body));
        let mut refused = 0;
        for tick in 0..60 * 200 {
            server.clock().set(f64::from(tick) / 200.0);
            refused += usize::from(tokens.token().await.is_err());
            settle().await;
        }
        // One request while the token is valid, and then after pauses of at least 0.5, 1, 2, 4, 8
        // and 16 s, and at most twice as long.
        let requests = server.requests() - 1;
        assert!((7..=9).contains(&requests) && refused == 58 * 200, "{status} {body}: {requests}, {refused}");
    }
}
