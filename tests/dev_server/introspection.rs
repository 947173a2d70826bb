//! Introspection (RFC 7662) and revocation (RFC 7009).

use private_key_jwt::oauth::Endpoint::{Introspection, Revocation};
use serde_json::json;

use super::*;

fn inactive() -> Value {
    json!({"active": false})
}

fn access_token(client: &Client) -> Value {
    good(&client.token(&[("grant_type", "client_credentials"), ("scope", "a b")], now()))["access_token"]
        .clone()
}

/// A revocation answers with its status only.
#[track_caller]
fn revoked(response: &http::Response<Vec<u8>>) {
    assert_eq!((response.status().as_u16(), response.body().as_slice()), (200, b"".as_slice()));
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(!response.headers().contains_key("content-type"));
}

#[test]
fn rfc7662_2_2_an_access_token_is_shown_to_every_client_until_it_ends() {
    let client = Client::alone();
    let other = Client::of(&client.dev, "other");
    let token = text(&access_token(&client));
    let jti = claims(&client.dev, &token)["jti"].clone();
    let expected = json!({
        "active": true, "token_type": "Bearer", "scope": "a b", "client_id": "client", "sub": "client",
        "aud": DevServer::DEFAULT_AUDIENCE, "iss": client.dev.issuer(), "iat": 1_700_000_000, "exp": 1_700_003_600,
        "jti": jti,
    });
    assert_eq!(client.introspect(&token, now()), expected);
    // The hint is only a hint, and may be any word (§2.1).
    for hint in ["access_token", "refresh_token", "x"] {
        let pairs = [("token", token.as_str()), ("token_type_hint", hint)];
        assert_eq!(good(&client.ask(Introspection, &pairs, now())), expected);
    }
    let exchange = client.dev.handle(&client.request(Introspection, &[("token", &token)], now()), now());
    assert!(exchange.outcome.ends_with("/introspect 200 client=client alg=ES256 active=true"));
    assert!(!exchange.outcome.contains(&token));
    assert_eq!(other.introspect(&token, at(3599)), expected);
    assert_eq!(client.introspect(&token, at(3600)), inactive());
}

#[test]
fn rfc7662_2_2_a_refresh_token_is_shown_to_its_own_client() {
    let client = Client::alone();
    let other = Client::of(&client.dev, "other");
    let token = text(&client.log_in("a b", now())["refresh_token"]);
    assert_eq!(
        client.introspect(&token, at(1)),
        json!({"active": true, "scope": "a b", "client_id": "client", "sub": "user-1",
            "aud": DevServer::DEFAULT_AUDIENCE, "iss": client.dev.issuer(), "iat": 1_700_000_000, "exp": 1_700_086_400})
    );
    assert_eq!(other.introspect(&token, at(1)), inactive());
    assert_eq!(client.introspect(&token, at(86_400)), inactive());
}

#[test]
fn rfc7662_2_2_garbage_and_foreign_tokens_are_not_active() {
    let client = Client::alone();
    let token = text(&access_token(&client));
    let elsewhere = text(&access_token(&Client::alone()));
    let (rest, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = rest.split_once('.').unwrap();
    // Signed by the client, whose key is for the right algorithm.
    let own = assertion(&client.dev, &client.key, |assertion| assertion.media_type(Some("at+jwt")));
    let long = "x".repeat(60_000);
    for token in [
        "x",
        "a.b.c",
        &elsewhere,
        rest,
        &format!("{rest}."),
        &format!("{header}.e30.{signature}"),
        own.secret(),
        &long,
        "eyJhbGciOiJub25lIn0.e30.",
        "\u{0}",
    ] {
        assert_eq!(client.introspect(token, now()), inactive(), "{token}");
        revoked(&client.ask(Revocation, &[("token", token)], now()));
    }
    assert_eq!(client.introspect(&token, now())["active"], true);
}

#[test]
fn rfc7009_2_1_an_access_token_ends_alone() {
    let client = Client::alone();
    let (first, second) = (access_token(&client), access_token(&client));
    let request = client.request(Revocation, &[("token", first.as_str().unwrap())], now());
    let exchange = client.dev.handle(&request, now());
    revoked(&exchange.response);
    assert!(exchange.outcome.ends_with("/revoke 200 client=client alg=ES256"), "{}", exchange.outcome);
    assert!(!client.is_active(&first, now()));
    assert!(client.is_active(&second, now()));
    // A second revocation also succeeds.
    revoked(&client.ask(Revocation, &[("token", first.as_str().unwrap())], now()));

    // Revoking the access token of a login keeps its refresh token.
    let tokens = client.log_in("a", now());
    revoked(&client.ask(Revocation, &[("token", tokens["access_token"].as_str().unwrap())], now()));
    assert!(!client.is_active(&tokens["access_token"], now()));
    assert!(client.is_active(&tokens["refresh_token"], now()));
}

#[test]
fn rfc7009_2_1_with_a_refresh_token_end_all_tokens_of_its_grant() {
    let client = Client::alone();
    let (tokens, others) = (client.log_in("a", now()), client.log_in("a", now()));
    let later = good(&client.refresh(&tokens["refresh_token"], at(10)));
    let hint = [("token", later["refresh_token"].as_str().unwrap()), ("token_type_hint", "access_token")];
    revoked(&client.ask(Revocation, &hint, at(20)));
    for token in
        [&tokens["access_token"], &tokens["refresh_token"], &later["access_token"], &later["refresh_token"]]
    {
        assert!(!client.is_active(token, at(20)));
        revoked(&client.ask(Revocation, &[("token", token.as_str().unwrap())], at(20)));
    }
    assert_eq!(
        refusal(&client.refresh(&later["refresh_token"], at(20))),
        refused(400, "invalid_grant", "the refresh token was revoked")
    );
    for token in ["access_token", "refresh_token"] {
        assert!(client.is_active(&others[token], at(20)));
    }
}

#[test]
fn rfc7009_2_1_a_token_of_another_client_is_not_revoked() {
    let client = Client::alone();
    let other = Client::of(&client.dev, "other");
    let tokens = client.log_in("a", now());
    for kind in ["access_token", "refresh_token"] {
        let refused_to_other = other.ask(Revocation, &[("token", tokens[kind].as_str().unwrap())], now());
        assert_eq!(
            refusal(&refused_to_other),
            refused(400, "invalid_grant", "the token was issued to client `client`, not to `other`")
        );
        assert!(client.is_active(&tokens[kind], now()));
    }
}
