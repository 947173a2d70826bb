//! Refresh tokens (RFC 6749 §6): rotation, narrowing, and what follows if a token is used twice.

use serde_json::json;

use super::*;

fn invalid_grant(description: &str) -> (u16, String, String) {
    refused(400, "invalid_grant", description)
}

fn refresh(client: &Client, token: &Value, more: &[(&str, &str)]) -> http::Response<Vec<u8>> {
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", token.as_str().unwrap())];
    client.token(&[&pairs, more].concat(), now())
}

#[test]
fn each_token_is_used_once_and_the_next_takes_its_place() {
    let client = Client::alone();
    let first = client.log_in("a b", now());
    let second = good(&client.refresh(&first["refresh_token"], at(3600)));
    let members: Vec<&str> = second.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["access_token", "expires_in", "refresh_token", "scope", "token_type"]);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let (before, after) = (
        claims(&client.dev, first["access_token"].as_str().unwrap()),
        claims(&client.dev, second["access_token"].as_str().unwrap()),
    );
    for same in ["sub", "client_id", "aud", "scope", "grant_id"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    assert_ne!(before["jti"], after["jti"]);
    assert_eq!(after["iat"], 1_700_003_600);
    assert!(!client.is_active(&first["refresh_token"], at(3600)));
    // Each is valid for a day from its issue.
    let third = good(&client.refresh(&second["refresh_token"], at(3600 + 86_399)));
    let gone = refusal(&client.refresh(&third["refresh_token"], at(3600 + 86_399 + 86_400)));
    assert_eq!(gone, invalid_grant("the refresh token expired; refresh tokens are valid for 86400 s"));
}

#[test]
fn rfc9700_4_14_2_a_token_that_is_used_twice_ends_all_of_its_grant() {
    let client = Client::alone();
    let (first, other_login) = (client.log_in("a", now()), client.log_in("a", now()));
    let second = good(&client.refresh(&first["refresh_token"], at(1)));
    assert_eq!(
        refusal(&client.refresh(&first["refresh_token"], at(2))),
        invalid_grant("the refresh token was used before; all tokens of its grant are revoked")
    );
    for token in [&first["access_token"], &second["access_token"], &second["refresh_token"]] {
        assert!(!client.is_active(token, at(2)));
    }
    for token in [&first["refresh_token"], &second["refresh_token"]] {
        assert_eq!(refusal(&client.refresh(token, at(3))), invalid_grant("the refresh token was revoked"));
    }
    assert!(client.is_active(&other_login["refresh_token"], at(3)));
}

#[test]
fn a_token_is_its_clients_and_another_does_it_no_harm() {
    let client = Client::alone();
    let other = Client::of(&client.dev, "other");
    let tokens = client.log_in("a", now());
    assert_eq!(
        refusal(&other.refresh(&tokens["refresh_token"], now())),
        invalid_grant("the refresh token was issued to client `client`, not to `other`")
    );
    assert_eq!(client.refresh(&tokens["refresh_token"], now()).status(), 200);
    // Neither an access token nor any other text is a refresh token.
    for token in [tokens["access_token"].clone(), json!("x"), json!("x".repeat(60_000))] {
        let said = match token == tokens["access_token"] {
            true => "the refresh token is unknown: it is a JWT, perhaps an access token",
            false => "the refresh token is unknown",
        };
        assert_eq!(refusal(&client.refresh(&token, now())), invalid_grant(said));
    }
}

#[test]
fn rfc6749_6_less_may_be_asked_for_and_more_may_not() {
    let client = Client::alone();
    let login = || client.log_in("a b", now())["refresh_token"].clone();
    let narrowed = good(&refresh(&client, &login(), &[("scope", "b")]));
    assert_eq!(narrowed["scope"], "b");
    assert_eq!(claims(&client.dev, narrowed["access_token"].as_str().unwrap())["scope"], "b");
    // The next token is valid as long as the one before.
    let next = good(&refresh(&client, &narrowed["refresh_token"], &[]));
    assert_eq!(next["scope"], "a b");

    let token = login();
    assert_eq!(
        refusal(&refresh(&client, &token, &[("scope", "a c")])),
        refused(400, "invalid_scope", "the scope `c` was not granted, granted: `a b`")
    );
    assert_eq!(
        refusal(&refresh(&client, &token, &[("scope", "a\"")])),
        refused(
            400,
            "invalid_scope",
            "the scope contains a character that RFC 6749 section 3.3 does not allow"
        )
    );
    assert_eq!(
        refusal(&refresh(&client, &token, &[("resource", "x")])),
        refused(400, "invalid_target", "the resource `x` is not an absolute URI without a fragment")
    );
    // Neither of these requests used it up.
    assert_eq!(refresh(&client, &token, &[]).status(), 200);
}

#[test]
fn rfc8707_2_2_the_resource_is_one_of_those_that_were_granted() {
    let client = Client::alone();
    let login = |resources: &[&str]| {
        let resources: Vec<_> = resources.iter().map(|resource| ("resource", *resource)).collect();
        let codes = client.device(&resources, now());
        client.dev.approve(codes["user_code"].as_str().unwrap(), "u").unwrap();
        good(&client.poll(&codes["device_code"], now()))["refresh_token"].clone()
    };
    let audience = |token: &Value, more: &[(&str, &str)]| {
        let tokens = good(&refresh(&client, token, more));
        claims(&client.dev, tokens["access_token"].as_str().unwrap())["aud"].clone()
    };
    let two = ["https://a.example", "https://b.example"];
    assert_eq!(audience(&login(&two), &[]), json!(two));
    assert_eq!(audience(&login(&two), &[("resource", two[1])]), two[1]);
    assert_eq!(
        refusal(&refresh(&client, &login(&two), &[("resource", "https://c.example")])),
        refused(
            400,
            "invalid_target",
            "the resource `https://c.example` was not granted, granted: `https://a.example`, `https://b.example`"
        )
    );
    // If the grant named no resource, any resource is allowed.
    assert_eq!(audience(&login(&[]), &[]), DevServer::DEFAULT_AUDIENCE);
    assert_eq!(audience(&login(&[]), &[("resource", "https://c.example")]), "https://c.example");
}
