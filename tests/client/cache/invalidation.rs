//! Tokens that a resource server rejects.

use super::server::{Server, text};

#[tokio::test]
async fn the_current_token_is_dropped_once_for_all_callers() {
    let server = Server::new();
    let client = server.client();
    let tokens = client.source("a");
    let first = tokens.token().await.unwrap();
    assert!(tokens.invalidate(&first));
    // Other callers that were rejected with the same token.
    assert!(!tokens.invalidate(&first) && !client.invalidate(&first));
    let second = client.token("a").await.unwrap();
    assert_eq!(second.secret(), "2");
    assert!(!tokens.invalidate(&first) && !client.invalidate(&first));
    assert_eq!(text(&tokens).await, "2");
    server.clock().set(10.0);
    assert!(client.invalidate(&second.clone()));
    assert_eq!(text(&tokens).await, "3");
}

#[tokio::test]
async fn a_resource_server_that_refuses_everything_costs_a_request_in_ten_seconds() {
    let server = Server::new();
    let tokens = server.client().source("a");
    for tenth in 0..=200 {
        server.clock().set(f64::from(tenth) / 10.0);
        let token = tokens.token().await.unwrap();
        tokens.invalidate(&token);
    }
    tokens.token().await.unwrap();
    assert_eq!(server.requests(), 4);
}

#[tokio::test]
async fn a_token_of_another_entry_is_none_of_it() {
    let server = Server::new();
    let client = server.client();
    let (a, b) = (client.source("a"), client.source("b"));
    let token = a.token().await.unwrap();
    assert_eq!(text(&b).await, "2");
    assert!(!b.invalidate(&token));
    assert!(client.invalidate(&token));
    assert_eq!((text(&a).await.as_str(), text(&b).await.as_str()), ("3", "2"));
}

/// A server may issue the same text twice. It is still a new token, which the rejection of the
/// first one does not drop.
#[tokio::test]
async fn a_token_is_known_by_its_answer_and_not_by_its_text() {
    let server = Server::answering(|_| {
        crate::cache::server::Reply::Token(serde_json::json!({"access_token": "same", "expires_in": 300}))
    });
    let tokens = server.client().source("a");
    let first = tokens.token().await.unwrap();
    assert!(tokens.invalidate(&first));
    assert_eq!(text(&tokens).await, "same");
    server.clock().set(20.0);
    assert!(!tokens.invalidate(&first));
    text(&tokens).await;
    assert_eq!(server.requests(), 2);
}
