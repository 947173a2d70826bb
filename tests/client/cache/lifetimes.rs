//! What is cached, for how long, and when a new token is requested.

use std::time::Duration;

use serde_json::{Value, json};

use super::server::{Reply, Server, settle, text};

#[tokio::test]
async fn a_token_is_kept_until_its_last_part_and_then_refreshed_in_the_background() {
    let server = Server::new();
    let tokens = server.client().source("a");
    assert_eq!(text(&tokens).await, "1");
    // 30 s before it expires at the earliest, 15 s at the latest.
    server.clock().set(269.9);
    assert_eq!(text(&tokens).await, "1");
    settle().await;
    assert_eq!(server.requests(), 1);
    server.clock().set(285.1);
    server.open(false);
    for _ in 0..100 {
        assert_eq!(text(&tokens).await, "1");
    }
    settle().await;
    assert_eq!(server.requests(), 2);
    assert_eq!(text(&tokens).await, "1");
    server.open(true);
    settle().await;
    assert_eq!(text(&tokens).await, "2");
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn no_caller_gets_an_expired_token() {
    let server = Server::new();
    let tokens = server.client().source("a");
    assert_eq!(text(&tokens).await, "1");
    server.clock().set(300.0);
    assert_eq!(text(&tokens).await, "2");
}

#[tokio::test]
async fn the_last_part_can_be_set() {
    let server = Server::new();
    let tokens = server.client_with(|builder| builder.refresh_ahead(Duration::ZERO)).source("a");
    assert_eq!(text(&tokens).await, "1");
    server.clock().set(299.9);
    assert_eq!(text(&tokens).await, "1");
    settle().await;
    assert_eq!(server.requests(), 1);
    let tokens = server.client_with(|builder| builder.refresh_ahead(Duration::from_secs(200))).source("a");
    assert_eq!(text(&tokens).await, "2");
    server.clock().set(299.9 + 225.1);
    assert_eq!(text(&tokens).await, "2");
    settle().await;
    assert_eq!(server.requests(), 3);
}

/// How many requests two callers cause at these times.
async fn requests(members: Value, seconds: [f64; 2]) -> usize {
    let server = Server::answering(move |_| Reply::Token(members.clone()));
    let client = server.client();
    for second in seconds {
        server.clock().set(second);
        client.token("a").await.unwrap();
        settle().await;
    }
    server.requests()
}

#[tokio::test]
async fn rfc6749_5_1_a_token_without_expires_in_is_kept_for_a_minute() {
    assert_eq!(requests(json!({}), [0.0, 53.9]).await, 1);
    assert_eq!(requests(json!({"expires_in": null}), [0.0, 60.0]).await, 2);
    let server = Server::answering(|_| Reply::Token(json!({})));
    for (lifetime, requests) in [(Duration::ZERO, 2), (Duration::from_secs(3600), 3)] {
        let client = server.client_with(|builder| builder.unstated_lifetime(lifetime));
        for second in [0.0, 3000.0] {
            server.clock().set(second);
            client.token("a").await.unwrap();
        }
        assert_eq!(server.requests(), requests);
    }
}

#[tokio::test]
async fn a_token_that_is_over_when_it_comes_is_handed_to_who_waited_and_not_kept() {
    let server = Server::answering(|_| Reply::token(0));
    let client = server.client();
    server.open(false);
    let callers: Vec<_> = (0..10)
        .map(|_| {
            let tokens = client.source("a");
            tokio::spawn(async move { text(&tokens).await })
        })
        .collect();
    settle().await;
    server.open(true);
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "1");
    }
    assert_eq!(text(&client.source("a")).await, "2");
}

#[tokio::test]
async fn a_life_without_end_and_one_of_a_second() {
    for huge in [json!(1e300), json!(u64::MAX), json!(3_153_600_000_u64)] {
        assert_eq!(requests(json!({"expires_in": huge}), [0.0, 3_000_000_000.0]).await, 1);
    }
    assert_eq!(requests(json!({"expires_in": 1}), [0.0, 0.89]).await, 1);
    assert_eq!(requests(json!({"expires_in": 1.9}), [0.0, 1.0]).await, 2);
}

#[tokio::test]
async fn an_expires_in_that_cannot_be_counts_as_not_stated() {
    for wrong in [json!(-1), json!("soon"), json!([])] {
        assert_eq!(requests(json!({"expires_in": wrong}), [0.0, 53.9]).await, 1, "{wrong}");
        assert_eq!(requests(json!({"expires_in": wrong}), [0.0, 60.0]).await, 2, "{wrong}");
    }
    assert_eq!(requests(json!({"expires_in": "300"}), [0.0, 200.0]).await, 1);
}

#[tokio::test]
async fn a_token_of_another_type_is_kept_like_any_other() {
    let server = Server::answering(|_| Reply::Token(json!({"token_type": "DPoP", "expires_in": 300})));
    let client = server.client();
    for _ in 0..2 {
        let token = client.token("a").await.unwrap();
        assert_eq!((token.bearer(), token.token_type(), token.secret()), (None, "DPoP", "1"));
    }
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_clock_that_is_set_forward_costs_a_request_and_one_that_is_set_back_another() {
    let server = Server::new();
    let tokens = server.client().source("a");
    assert_eq!(text(&tokens).await, "1");
    server.clock().set(7200.0);
    assert_eq!(text(&tokens).await, "2");
    // Set back by more than a lifetime: the age of the token is unknown.
    server.clock().set(0.0);
    assert_eq!(text(&tokens).await, "3");
    // Set back by less: the token is still returned while a new one is requested.
    server.clock().set(-100.0);
    assert_eq!(text(&tokens).await, "3");
    settle().await;
    assert_eq!(text(&tokens).await, "4");
    assert_eq!(server.requests(), 4);
}
