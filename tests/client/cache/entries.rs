//! Which requests share a token, and how many tokens are cached.

use private_key_jwt::TokenRequest;
use private_key_jwt::client::ErrorKind;
use private_key_jwt::oauth::{GrantType, JwtGrant};

use super::server::{Reply, Server, error, text};

fn request(scope: &str, parameters: &[(&str, &str)]) -> TokenRequest {
    parameters.iter().fold(TokenRequest::client_credentials(scope), |request, (name, value)| {
        request.parameter(*name, *value).unwrap()
    })
}

#[tokio::test]
async fn one_entry_to_a_set_of_parameters() {
    let server = Server::new();
    let client = server.client();
    for same in [
        &[request("a b", &[]), request("b  a b", &[]), TokenRequest::from(["b", "a"])][..],
        &[request("a", &[])],
        &[request("", &[]), ().into()],
        &[
            request("a b", &[("resource", "urn:x"), ("audience", "y")]),
            TokenRequest::from("b a").audience("y").unwrap().resource("urn:x").unwrap(),
        ],
        &[request("a b", &[("resource", "urn:x")])],
        &[request("a b", &[("audience", "urn:x")])],
        &[TokenRequest::jwt_bearer(&JwtGrant::from_jwt("one")).scope("a")],
        &[TokenRequest::jwt_bearer(&JwtGrant::from_jwt("other")).scope("a")],
    ] {
        let before = server.requests();
        for request in same {
            assert_eq!(text(&client.source(request.clone())).await, (before + 1).to_string());
        }
        assert_eq!(server.requests(), before + 1);
    }
    assert_eq!(client.token("b a").await.unwrap().secret(), "1");
    // Clones of a client share the whole cache; another client shares nothing.
    assert_eq!(client.clone().token("a b").await.unwrap().secret(), "1");
    let before = server.requests();
    server.client().token("a b").await.unwrap();
    assert_eq!(server.requests(), before + 1);
}

#[tokio::test]
async fn what_a_request_says_is_sent_as_it_was_said() {
    let server = Server::new();
    let client = server.client();
    client.source(request("z a z", &[("resource", "urn:x")])).token().await.unwrap();
    let form = server.form(0);
    assert_eq!((form["scope"].as_str(), form["resource"].as_str()), ("z a z", "urn:x"));
    client.request(&request("a", &[])).await.unwrap();
    client.request(&request("a", &[])).await.unwrap();
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn the_entry_that_was_asked_for_longest_ago_is_dropped_when_there_is_one_too_many() {
    let server = Server::new();
    let client = server.client_with(|builder| builder.cache_capacity(3));
    let mut second = 0.0;
    let mut ask = async |scope: &str| {
        second += 1.0;
        server.clock().set(second);
        client.token(scope).await.unwrap().secret().to_owned()
    };
    assert_eq!([ask("a").await, ask("b").await, ask("c").await], ["1", "2", "3"]);
    assert_eq!(ask("a").await, "1");
    // Evicts "b".
    assert_eq!(ask("d").await, "4");
    assert_eq!([ask("c").await, ask("a").await, ask("d").await], ["3", "1", "4"]);
    // Evicts "c" for it.
    assert_eq!([ask("b").await, ask("d").await, ask("a").await, ask("c").await], ["5", "4", "1", "6"]);
}

#[tokio::test]
async fn use_through_a_source_counts_and_a_source_keeps_its_token_whatever_is_dropped() {
    let server = Server::new();
    let client = server.client_with(|builder| builder.cache_capacity(2));
    let tokens = client.source("a");
    let mut second = 0.0;
    let mut then = || {
        second += 1.0;
        server.clock().set(second);
    };
    assert_eq!(text(&tokens).await, "1");
    then();
    assert_eq!(client.token("b").await.unwrap().secret(), "2");
    then();
    assert_eq!(text(&tokens).await, "1");
    then();
    // Evicts "b", but not "a", which was used since.
    assert_eq!(client.token("c").await.unwrap().secret(), "3");
    assert_eq!(client.token("a").await.unwrap().secret(), "1");
    then();
    for (scope, number) in [("c", "3"), ("d", "4")] {
        assert_eq!(client.token(scope).await.unwrap().secret(), number);
        then();
    }
    assert_eq!(text(&tokens).await, "1");
    assert_eq!(client.token("a").await.unwrap().secret(), "5");
}

#[tokio::test]
async fn with_no_room_each_call_is_a_request_and_a_source_keeps_its_own() {
    let server = Server::new();
    let client = server.client_with(|builder| builder.cache_capacity(0));
    for number in ["1", "2"] {
        assert_eq!(client.token("a").await.unwrap().secret(), number);
    }
    let tokens = client.source("a");
    for _ in 0..2 {
        assert_eq!(text(&tokens).await, "3");
    }
}

#[tokio::test]
async fn a_grant_that_is_good_once_is_no_source() {
    let server = Server::new();
    let request = TokenRequest::refresh_token("r");
    let error = error(&server.client().source(request)).await;
    assert!(matches!(error.kind(), ErrorKind::SingleUse { grant_type: GrantType::RefreshToken }));
    assert_eq!(server.requests(), 0);
}

#[test]
fn debug_shows_no_token() {
    let source = Server::new().client().source(request("a", &[("subject_token", "secret")]));
    assert!(!format!("{source:?}").contains("secret"));
}

#[tokio::test]
async fn a_clock_that_is_set_back_leaves_in_place_what_is_in_use() {
    let server = Server::answering(|_| Reply::token(1_000_000));
    let client = server.client_with(|builder| builder.cache_capacity(2));
    server.clock().set(7200.0);
    for scope in ["a", "b"] {
        client.token(scope).await.unwrap();
    }
    server.clock().set(0.0);
    for _ in 0..10 {
        for scope in ["c", "d"] {
            client.token(scope).await.unwrap();
        }
    }
    assert_eq!(server.requests(), 4);
}
