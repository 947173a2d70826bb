//! Token exchange (RFC 8693).

use serde_json::json;

use super::*;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// An exchange of this token. A given parameter replaces the default one.
fn ask(
    client: &Client,
    subject: &Value,
    more: &[(&str, &str)],
    now: OffsetDateTime,
) -> http::Response<Vec<u8>> {
    let usual = [
        ("grant_type", GRANT),
        ("subject_token", subject.as_str().unwrap()),
        ("subject_token_type", ACCESS_TOKEN),
    ];
    let usual = usual.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
    client.token(&usual.chain(more.iter().copied()).collect::<Vec<_>>(), now)
}

fn claims_of(client: &Client, response: &http::Response<Vec<u8>>) -> Value {
    claims(&client.dev, good(response)["access_token"].as_str().unwrap())
}

#[test]
fn rfc8693_2_2_1_another_client_gets_a_token_for_the_same_subject() {
    let client = Client::alone();
    let service = Client::of(&client.dev, "service");
    let login = client.log_in("a b", now());
    let subject = &login["access_token"];
    let response = ask(&service, subject, &[("scope", "orders:read"), ("audience", "orders")], at(10));
    let tokens = good(&response);
    let members: Vec<&str> = tokens.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["access_token", "expires_in", "issued_token_type", "scope", "token_type"]);
    assert_eq!(
        (&tokens["issued_token_type"], &tokens["token_type"]),
        (&json!(ACCESS_TOKEN), &json!("Bearer"))
    );
    let before = claims(&client.dev, subject.as_str().unwrap());
    let mut after = claims_of(&client, &response);
    after.as_object_mut().unwrap().remove("jti").unwrap();
    assert_eq!(
        after,
        json!({"iss": client.dev.issuer(), "sub": "user-1", "client_id": "service", "scope": "orders:read",
            "aud": "orders", "grant_id": before["grant_id"], "iat": 1_700_000_010, "exp": 1_700_003_610})
    );

    // It expires with the grant.
    let exchanged = &tokens["access_token"];
    assert!(service.is_active(exchanged, at(20)));
    let token = [("token", login["refresh_token"].as_str().unwrap())];
    client.ask(Endpoint::Revocation, &token, at(20));
    assert!(!service.is_active(exchanged, at(20)));
}

#[test]
fn what_is_not_asked_for_stays_as_it_is() {
    let client = Client::alone();
    let pairs = [
        ("grant_type", "client_credentials"),
        ("scope", "a b"),
        ("resource", "https://a.example"),
        ("resource", "https://b.example"),
    ];
    let subject = good(&client.token(&pairs, now()))["access_token"].clone();
    let same = claims_of(&client, &ask(&client, &subject, &[], now()));
    assert_eq!(
        (&same["scope"], &same["aud"]),
        (&json!("a b"), &json!(["https://a.example", "https://b.example"]))
    );
    assert_eq!(same.get("grant_id"), None);
    let more = [("resource", "https://c.example"), ("audience", "d"), ("audience", "e")];
    let other = claims_of(&client, &ask(&client, &subject, &more, now()));
    assert_eq!((&other["scope"], &other["aud"]), (&json!("a b"), &json!(["https://c.example", "d", "e"])));
}

#[test]
fn rfc8693_4_1_who_acts_is_in_the_token_and_who_acted_before_it_too() {
    let client = Client::alone();
    let (first, second) = (Client::of(&client.dev, "first"), Client::of(&client.dev, "second"));
    let own = |client: &Client| {
        good(&client.token(&[("grant_type", "client_credentials")], now()))["access_token"].clone()
    };
    let acting = |service: &Client, subject: &Value| {
        let actor = text(&own(service));
        let more = [("actor_token", actor.as_str()), ("actor_token_type", ACCESS_TOKEN)];
        good(&ask(service, subject, &more, now()))["access_token"].clone()
    };
    let act = |token: &Value| claims(&client.dev, token.as_str().unwrap())["act"].clone();
    let by_first = acting(&first, &client.log_in("a", now())["access_token"]);
    assert_eq!(act(&by_first), json!({"sub": "first"}));
    let by_second = acting(&second, &by_first);
    assert_eq!(act(&by_second), json!({"sub": "second", "act": {"sub": "first"}}));
    assert_eq!(client.introspect(by_second.as_str().unwrap(), now())["act"], act(&by_second));
    // Without an actor it stays unchanged.
    let response = ask(&client, &by_second, &[], now());
    assert_eq!(act(&good(&response)["access_token"]), act(&by_second));
}

#[test]
fn rfc8693_2_2_2_what_is_no_token_of_this_server_is_an_invalid_request() {
    let client = Client::alone();
    let login = client.log_in("a", now());
    let subject = &login["access_token"];
    let not_good = |name: &str, reason: &str| invalid_request(&format!("the {name} {reason}"));
    let foreign = Client::alone().log_in("a", now())["access_token"].clone();
    let revoked = client.log_in("a", now())["access_token"].clone();
    client.ask(Endpoint::Revocation, &[("token", revoked.as_str().unwrap())], now());
    let id_token = client.log_in("openid", now())["id_token"].clone();
    for (token, reason) in [
        (json!("x"), "is not a JWT that this server has issued"),
        (login["refresh_token"].clone(), "is a refresh token of client `client`"),
        (foreign, "is not a token of this server"),
        (revoked, "was revoked"),
        (id_token, "is an ID token, not an access token"),
    ] {
        assert_eq!(refusal(&ask(&client, &token, &[], now())), not_good("subject_token", reason));
        let actor = [("actor_token", token.as_str().unwrap()), ("actor_token_type", ACCESS_TOKEN)];
        assert_eq!(refusal(&ask(&client, subject, &actor, now())), not_good("actor_token", reason));
    }
    let kind = "urn:ietf:params:oauth:token-type:id_token";
    for (more, expected) in [
        (vec![("subject_token", "")], "the form has no `subject_token`".to_owned()),
        (vec![("subject_token_type", "")], "the form has no `subject_token_type`".to_owned()),
        (vec![("actor_token", "x")], "the form has no `actor_token_type`".to_owned()),
        (
            vec![("actor_token_type", ACCESS_TOKEN)],
            "the form has an `actor_token_type` but no `actor_token`".to_owned(),
        ),
        (
            vec![("subject_token_type", kind)],
            format!("the subject_token_type is `{kind}`, expected `{ACCESS_TOKEN}`"),
        ),
        (
            vec![("actor_token", "x"), ("actor_token_type", kind)],
            format!("the actor_token_type is `{kind}`, expected `{ACCESS_TOKEN}`"),
        ),
        (
            vec![("requested_token_type", kind)],
            format!("the requested_token_type is `{kind}`, expected `{ACCESS_TOKEN}`"),
        ),
    ] {
        assert_eq!(refusal(&ask(&client, subject, &more, now())), invalid_request(&expected));
    }
    let requested = [("requested_token_type", ACCESS_TOKEN)];
    assert_eq!(ask(&client, subject, &requested, now()).status(), 200);
    assert_eq!(
        refusal(&ask(&client, subject, &[("resource", "#")], now())),
        refused(400, "invalid_target", "the resource `#` is not an absolute URI without a fragment")
    );
    // Last, because the server does not forget what it has seen when its clock is set back.
    let late = ask(&client, subject, &[], at(3607));
    assert_eq!(refusal(&late), not_good("subject_token", "expired at 2023-11-14T23:13:20Z, 7 s ago"));
}
