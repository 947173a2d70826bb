//! Sources that use a refresh token.

use private_key_jwt::client::ErrorKind;
use private_key_jwt::oauth::JwtGrant;
use private_key_jwt::{TokenRequest, TokenResponse};
use serde_json::json;

use super::server::{Form, Reply, Server, error, settle, text};
use crate::support::{MARK, has_mark, now};

/// The result of a login: the token `login`, valid for 300 s.
fn login(refresh_token: Option<&str>) -> TokenResponse {
    let body = json!({"access_token": "login", "token_type": "Bearer", "expires_in": 300,
        "refresh_token": refresh_token});
    TokenResponse::from_http(http::Response::new(body.to_string().into_bytes()), now()).unwrap()
}

fn sent(form: &Form) -> (&str, Option<&str>) {
    (form["grant_type"].as_str(), form.get("refresh_token").map(String::as_str))
}

#[tokio::test]
async fn rfc6749_6_the_refresh_token_is_used_and_replaced_when_another_comes() {
    let mut numbers = 0..;
    let server = Server::answering(move |_| match numbers.next().unwrap() {
        0 => Reply::Token(json!({"expires_in": 300, "refresh_token": "r1"})),
        // A refresh token that stays the same.
        1 => Reply::token(300),
        _ => Reply::Token(json!({"expires_in": 300, "refresh_token": "r2"})),
    });
    let tokens = server.client().source_from(login(Some("r0")));
    assert_eq!(text(&tokens).await, "login");
    assert_eq!(server.requests(), 0);
    for (number, refresh_token, next) in [(1, "r0", "r1"), (2, "r1", "r1"), (3, "r1", "r2"), (4, "r2", "r2")]
    {
        server.clock().set(f64::from(number) * 300.0);
        assert_eq!(text(&tokens).await, number.to_string());
        let form = server.form(usize::try_from(number).unwrap() - 1);
        assert_eq!(sent(&form), ("refresh_token", Some(refresh_token)));
        assert_eq!(form.len(), 2);
        assert_eq!(tokens.refresh_token().as_deref().map(String::as_str), Some(next));
    }
    assert!(!tokens.has_ended());
}

#[tokio::test]
async fn it_is_renewed_ahead_like_any_other_by_one_request() {
    let server = Server::answering(|_| Reply::Token(json!({"expires_in": 300, "refresh_token": "r1"})));
    let tokens = server.client().source_from(login(Some("r0")));
    server.clock().set(286.0);
    for tokens in [tokens.clone(), tokens.clone(), tokens.clone()] {
        assert_eq!(text(&tokens).await, "login");
    }
    settle().await;
    assert_eq!((text(&tokens).await.as_str(), server.requests()), ("1", 1));
}

#[tokio::test]
async fn a_refresh_token_that_is_refused_ends_the_source_when_its_token_does() {
    let server = Server::answering(|_| Reply::refused("invalid_grant"));
    let tokens = server.client().source_from(login(Some(MARK)));
    server.clock().set(286.0);
    assert_eq!(text(&tokens).await, "login");
    settle().await;
    assert!(tokens.has_ended());
    assert!(tokens.refresh_token().is_none());
    for second in [286.0, 299.0] {
        server.clock().set(second);
        assert_eq!(text(&tokens).await, "login");
        settle().await;
    }
    for second in [300.0, 1000.0] {
        server.clock().set(second);
        let error = error(&tokens).await;
        let ErrorKind::GrantEnded { refusal: Some(refusal) } = error.kind() else { panic!("{error:?}") };
        assert_eq!(refusal.error(), Some("invalid_grant"));
        assert_eq!(error.to_string(), "grant has ended: refresh token rejected (400 invalid_grant)");
        assert_eq!(error.retry(), private_key_jwt::oauth::Retry::Never);
    }
    assert_eq!(server.requests(), 1);
    assert!(!has_mark(&format!("{tokens:?}")));
}

#[tokio::test]
async fn callers_that_wait_for_a_refresh_that_is_refused_get_the_refusal() {
    let server = Server::answering(|_| Reply::refused("invalid_grant"));
    let tokens = server.client().source_from(login(Some("r0")));
    server.clock().set(300.0);
    assert!(matches!(error(&tokens).await.kind(), ErrorKind::GrantEnded { refusal: Some(_) }));
    assert!(tokens.has_ended());
}

#[tokio::test]
async fn another_failure_leaves_the_refresh_token_as_it_is() {
    for reply in [|| Reply::refused("invalid_client"), || Reply::Status(503, Vec::new(), "")] {
        let server = Server::answering(move |_| reply());
        let tokens =
            server.client_with(|builder| builder.without_refusal_memory()).source_from(login(Some("r0")));
        server.clock().set(300.0);
        assert!(!matches!(error(&tokens).await.kind(), ErrorKind::GrantEnded { .. }));
        server.answer(|_| Reply::token(300));
        server.clock().set(301.0);
        assert_eq!(text(&tokens).await, "2");
        assert_eq!(sent(&server.form(1)), ("refresh_token", Some("r0")));
    }
}

#[tokio::test]
async fn a_response_without_a_refresh_token_is_good_until_its_token_ends() {
    let server = Server::new();
    let tokens = server.client().source_from(login(None));
    assert!(tokens.has_ended());
    server.clock().set(299.9);
    assert_eq!(text(&tokens).await, "login");
    server.clock().set(300.0);
    let error = error(&tokens).await;
    assert!(matches!(error.kind(), ErrorKind::GrantEnded { refusal: None }));
    assert_eq!(error.to_string(), "grant has ended: no refresh token");
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn a_refused_token_of_a_login_is_replaced_by_a_refresh() {
    let server = Server::new();
    let tokens = server.client().source_from(login(Some("r0")));
    let token = tokens.token().await.unwrap();
    assert!(tokens.invalidate(&token));
    assert_eq!(text(&tokens).await, "1");
}

#[tokio::test]
async fn a_grant_that_can_be_repeated_is_when_its_refresh_token_is_refused() {
    let server = Server::answering(|form| match form["grant_type"].as_str() {
        "refresh_token" => Reply::refused("invalid_grant"),
        _ => Reply::Token(json!({"expires_in": 300, "refresh_token": "r0"})),
    });
    let request = TokenRequest::jwt_bearer(&JwtGrant::from_jwt("jwt")).scope("a").resource("urn:x").unwrap();
    let tokens = server.client().source(request);
    assert_eq!(text(&tokens).await, "1");
    server.clock().set(300.0);
    assert_eq!(text(&tokens).await, "3");
    let refresh = server.form(1);
    assert_eq!(sent(&refresh), ("refresh_token", Some("r0")));
    // The request repeats the resource (RFC 8707 §2.2), but not the scopes and not the first grant.
    assert_eq!(refresh.keys().collect::<Vec<_>>(), ["grant_type", "refresh_token", "resource"]);
    assert_eq!(server.form(2)["assertion"], "jwt");
    assert!(!tokens.has_ended());
    // If the server refuses that too, the error has its words, and the source may be called again.
    server.answer(|_| Reply::refused("invalid_grant"));
    server.clock().set(600.0);
    let error = error(&tokens).await;
    assert_eq!(error.refusal().unwrap().error(), Some("invalid_grant"));
    assert!(!matches!(error.kind(), ErrorKind::GrantEnded { .. }) && !tokens.has_ended());
    assert_eq!(server.requests(), 5);
}

#[tokio::test]
async fn rfc6749_4_4_3_one_that_comes_with_a_token_for_the_client_itself_is_left_alone() {
    let server = Server::answering(|_| Reply::Token(json!({"expires_in": 300, "refresh_token": "r0"})));
    let tokens = server.client().source("a");
    assert_eq!(text(&tokens).await, "1");
    assert!(tokens.refresh_token().is_none());
    server.clock().set(300.0);
    assert_eq!(text(&tokens).await, "2");
    assert_eq!(sent(&server.form(1)), ("client_credentials", None));
}

/// Two requests are in flight, because the runtime of the first stood still. The second one wins.
#[test]
fn a_refresh_token_that_comes_late_does_not_take_the_place_of_a_later_one() {
    use tokio::runtime::Builder;
    let mut numbers = 1..;
    let server = Server::answering(move |_| {
        let refresh_token = format!("r{}", numbers.next().unwrap());
        Reply::Token(json!({"expires_in": 300, "refresh_token": refresh_token}))
    });
    let client = server.client_with(|builder| builder.deadline(std::time::Duration::from_secs(5)));
    let tokens = client.source_from(login(Some("r0")));
    server.clock().set(300.0);
    let first = Builder::new_current_thread().enable_all().build().unwrap();
    server.open(false);
    first.block_on(async {
        let tokens = tokens.clone();
        tokio::spawn(async move { tokens.token().await });
        settle().await;
    });
    server.open(true);
    let second = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    assert_eq!(second.block_on(text(&tokens)), "2");
    first.block_on(settle());
    assert_eq!(second.block_on(text(&tokens)), "2");
    assert_eq!(tokens.refresh_token().as_deref().map(String::as_str), Some("r2"));
}
