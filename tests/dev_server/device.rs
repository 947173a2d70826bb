//! Logins on another device (RFC 8628), by the API and by the page.

use private_key_jwt::dev_server::DevServerError;
use serde_json::json;

use super::*;

fn pending() -> (u16, String, String) {
    refused(400, "authorization_pending", "the user has not decided yet")
}

fn slow_down(interval: u32) -> (u16, String, String) {
    refused(400, "slow_down", &format!("the interval is {interval} s from now on"))
}

#[test]
fn rfc8628_3_2_the_codes_and_the_line_in_the_log() {
    let client = Client::alone();
    let request = client.request(Endpoint::DeviceAuthorization, &[("scope", "a b")], now());
    let exchange = client.dev.handle(&request, now());
    let mut codes = good(&exchange.response);
    let members = codes.as_object_mut().unwrap();
    let device_code = text(&members.remove("device_code").unwrap());
    let user_code = text(&members.remove("user_code").unwrap());
    assert_eq!(device_code.len(), 43);
    let letters: Vec<char> = user_code.chars().collect();
    assert!(letters.len() == 9 && letters[4] == '-', "{user_code}");
    let page = format!("{}/device", client.dev.issuer());
    let complete = format!("{page}?user_code={user_code}");
    assert_eq!(
        codes,
        json!({"verification_uri": page, "verification_uri_complete": complete, "expires_in": 600, "interval": 5})
    );
    let path = format!("/{}/as/device_authorization", DevServer::ENVIRONMENT_ID);
    assert_eq!(
        exchange.outcome,
        format!("POST {path} 200 client=client alg=ES256 scope=\"a b\" verification_uri={complete}")
    );
}

#[test]
fn rfc8628_3_5_pending_then_the_tokens_once() {
    let client = Client::alone();
    let codes = client.device(&[("scope", "a b"), ("resource", "https://api.example/v1")], now());
    let device_code = &codes["device_code"];
    assert_eq!(refusal(&client.poll(device_code, at(5))), pending());
    assert_eq!(refusal(&client.poll(device_code, at(10))), pending());
    // In any spelling.
    let typed = text(&codes["user_code"]).to_lowercase().replace('-', " ");
    client.dev.approve(&typed, "user-7").unwrap();

    let request = client.request(
        Endpoint::Token,
        &[("grant_type", DEVICE_CODE), ("device_code", device_code.as_str().unwrap())],
        at(15),
    );
    let exchange = client.dev.handle(&request, at(15));
    let tokens = good(&exchange.response);
    let members: Vec<&str> = tokens.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["access_token", "expires_in", "refresh_token", "scope", "token_type"]);
    let mut claims = claims(&client.dev, tokens["access_token"].as_str().unwrap());
    for random in ["jti", "grant_id"] {
        assert_eq!(claims.as_object_mut().unwrap().remove(random).unwrap().as_str().unwrap().len(), 36);
    }
    assert_eq!(
        claims,
        json!({"iss": client.dev.issuer(), "sub": "user-7", "client_id": "client", "aud": "https://api.example/v1",
            "iat": 1_700_000_015, "exp": 1_700_003_615, "scope": "a b"})
    );
    let line = "200 client=client alg=ES256 grant=device_code sub=\"user-7\" scope=\"a b\"";
    assert!(exchange.outcome.ends_with(line), "{}", exchange.outcome);

    let used = refused(400, "invalid_grant", "the device code was used before");
    assert_eq!(refusal(&client.poll(device_code, at(20))), used);
    let unknown = refused(400, "invalid_grant", "the device code is unknown");
    assert_eq!(refusal(&client.poll(&json!("x"), at(20))), unknown);
    let user_code = refused(400, "invalid_grant", "the device code is unknown: it is the user code");
    assert_eq!(refusal(&client.poll(&codes["user_code"], at(20))), user_code);
    assert!(matches!(
        client.dev.approve(codes["user_code"].as_str().unwrap(), "user-7"),
        Err(DevServerError::UserCode { user_code }) if codes["user_code"] == user_code.as_str()
    ));
}

#[test]
fn rfc8628_3_5_who_asks_too_soon_waits_for_longer_from_then_on() {
    let client = Client::alone();
    let device_code = &client.device(&[], now())["device_code"];
    assert_eq!(refusal(&client.poll(device_code, at(0))), pending());
    assert_eq!(refusal(&client.poll(device_code, at(4))), slow_down(10));
    assert_eq!(refusal(&client.poll(device_code, at(13))), slow_down(15));
    assert_eq!(refusal(&client.poll(device_code, at(28))), pending());
    assert_eq!(refusal(&client.poll(device_code, at(42))), slow_down(20));
    // Another login has an interval of its own.
    let other = &client.device(&[], now())["device_code"];
    assert_eq!(refusal(&client.poll(other, at(42))), pending());
}

#[test]
fn an_answer_that_is_there_is_given_at_any_pace() {
    let client = Client::alone();
    let codes = client.device(&[], now());
    assert_eq!(refusal(&client.poll(&codes["device_code"], at(0))), pending());
    client.dev.approve(codes["user_code"].as_str().unwrap(), "u").unwrap();
    assert_eq!(client.poll(&codes["device_code"], at(0)).status(), 200);
}

#[test]
fn rfc8628_3_5_denied_and_expired() {
    let client = Client::alone();
    let codes = client.device(&[], now());
    client.dev.deny(codes["user_code"].as_str().unwrap()).unwrap();
    for second in [5, 6] {
        let refusal = refusal(&client.poll(&codes["device_code"], at(second)));
        assert_eq!(refusal, refused(400, "access_denied", "the user denied the request"));
    }
    let error = client.dev.approve(codes["user_code"].as_str().unwrap(), "u").unwrap_err();
    let expected = format!("no device login is waiting for the user code `{}`", text(&codes["user_code"]));
    assert_eq!(error.to_string(), expected);

    for (start, decided) in [(10, false), (2000, true)] {
        let codes = client.device(&[], at(start));
        if decided {
            client.dev.approve(codes["user_code"].as_str().unwrap(), "u").unwrap();
        }
        let device_code = &codes["device_code"];
        let expired = refused(400, "expired_token", "the user did not decide in time");
        assert_eq!(refusal(&client.poll(device_code, at(start + 600))), expired);
        assert_eq!(refusal(&client.poll(device_code, at(start + 1199))), expired);
        assert_eq!(refusal(&client.poll(device_code, at(start + 1200))).1, "invalid_grant");
    }
}

#[test]
fn a_device_code_is_its_clients() {
    let client = Client::alone();
    let other = Client::of(&client.dev, "other");
    let codes = client.device(&[], now());
    client.dev.approve(codes["user_code"].as_str().unwrap(), "u").unwrap();
    assert_eq!(
        refusal(&other.poll(&codes["device_code"], now())),
        refused(400, "invalid_grant", "the device code was issued to client `client`, not to `other`")
    );
    assert_eq!(client.poll(&codes["device_code"], now()).status(), 200);
}

#[test]
fn rfc8628_3_3_the_page_from_the_code_to_the_decision() {
    let client = Client::alone();
    let codes = client.device(&[("scope", "a b")], now());
    let (url, user_code) = (text(&codes["verification_uri"]), text(&codes["user_code"]));
    let blank = page(&client.dev, &url, now());
    assert_eq!(blank.status(), 200);
    assert!(html(&blank).contains("<input name=\"user_code\""));

    let shown = page(&client.dev, &text(&codes["verification_uri_complete"]), now());
    assert_eq!(shown.status(), 200);
    let path = format!("/{}/as/device", DevServer::ENVIRONMENT_ID);
    for piece in [
        "The client <b>client</b> asks for <b>a b</b>.".to_owned(),
        format!("<form method=\"post\" action=\"{path}\">"),
        format!("<input type=\"hidden\" name=\"user_code\" value=\"{user_code}\">"),
        "<input name=\"subject\" value=\"user-1\">".to_owned(),
        "<button name=\"decision\" value=\"approve\">Approve</button>".to_owned(),
        "<button name=\"decision\" value=\"deny\">Deny</button>".to_owned(),
    ] {
        assert!(html(&shown).contains(&piece), "{piece} in {}", html(&shown));
    }
    // Opening the page decides nothing.
    assert_eq!(refusal(&client.poll(&codes["device_code"], now())), pending());

    let request = |pairs: &[(&str, &str)]| press(&client.dev, &url, pairs, at(1));
    let pressed = request(&[("user_code", &user_code), ("subject", "user-7"), ("decision", "approve")]);
    assert_eq!(pressed.status(), 200);
    assert!(html(&pressed).contains("<p>Approved. Your device continues by itself.</p>"));
    let tokens = good(&client.poll(&codes["device_code"], at(5)));
    assert_eq!(claims(&client.dev, tokens["access_token"].as_str().unwrap())["sub"], "user-7");

    // The code has been used, so no login waits for it.
    for response in [page(&client.dev, &text(&codes["verification_uri_complete"]), now()), {
        request(&[("user_code", &user_code), ("decision", "deny")])
    }] {
        assert_eq!(response.status(), 404);
        assert!(html(&response).contains("No device is waiting with this code."));
    }
}

#[test]
fn the_page_denies_and_without_a_name_it_is_user_1() {
    let client = Client::alone();
    let decide = |decision: &str| {
        let codes = client.device(&[], now());
        let pairs = [("user_code", codes["user_code"].as_str().unwrap()), ("decision", decision)];
        let pressed = press(&client.dev, &text(&codes["verification_uri"]), &pairs, now());
        assert_eq!(pressed.status(), 200);
        (html(&pressed), client.poll(&codes["device_code"], now()))
    };
    let (shown, polled) = decide("deny");
    assert!(shown.contains("<p>Denied. Your device will be told.</p>"));
    assert_eq!(refusal(&polled).1, "access_denied");
    let (_, polled) = decide("approve");
    let claims = claims(&client.dev, good(&polled)["access_token"].as_str().unwrap());
    assert_eq!(claims["sub"], DevServer::DEFAULT_SUBJECT);
}

#[test]
fn the_page_refuses_what_it_cannot_read() {
    let client = Client::alone();
    let codes = client.device(&[], now());
    let (url, user_code) = (text(&codes["verification_uri"]), text(&codes["user_code"]));
    let press = |pairs: &[(&str, &str)]| refusal(&press(&client.dev, &url, pairs, now()));
    assert_eq!(press(&[("user_code", &user_code)]), invalid_request("the form has no `decision`"));
    assert_eq!(press(&[("decision", "approve")]), invalid_request("the form has no `user_code`"));
    assert_eq!(
        press(&[("user_code", &user_code), ("decision", "yes")]),
        invalid_request("the decision is `yes`, expected `approve` or `deny`")
    );
    for subject in ["u\n", "\u{fc}", &"u".repeat(256)] {
        assert_eq!(
            press(&[("user_code", &user_code), ("decision", "approve"), ("subject", subject)]),
            invalid_request("the subject must be at most 255 characters of printable ASCII")
        );
    }
    assert_eq!(
        press(&[("user_code", &user_code), ("user_code", "x"), ("decision", "deny")]),
        invalid_request("the form has `user_code` more than once")
    );
    let get = |query: &str| page(&client.dev, &format!("{url}?{query}"), now());
    assert_eq!(
        refusal(&get("user_code=a&user_code=b")),
        invalid_request("the query has `user_code` more than once")
    );
    let unknown = get("user_code=%3Cscript%3E");
    assert_eq!(unknown.status(), 404);
    assert!(!html(&unknown).contains("script"));
    // Too late for the page, too.
    assert_eq!(page(&client.dev, &text(&codes["verification_uri_complete"]), at(600)).status(), 404);

    let put = http::Request::put(&url).body(Vec::new()).unwrap();
    let response = client.dev.respond(&put, now());
    assert_eq!(refusal(&response), refused(405, "invalid_request", "the method is PUT, expected GET, POST"));
    assert_eq!(response.headers()["allow"], "GET, POST");
    assert_eq!(refusal(&client.poll(&codes["device_code"], now())), pending());
}

#[test]
fn a_server_that_is_full_of_logins_refuses_until_some_have_ended() {
    let client = Client::alone();
    let ask = |now| client.ask(Endpoint::DeviceAuthorization, &[], now);
    for _ in 0..1000 {
        assert_eq!(ask(now()).status(), 200);
    }
    let full = "the server is full; wait until older entries expire";
    assert_eq!(refusal(&ask(at(1199))), refused(503, "temporarily_unavailable", full));
    assert_eq!(ask(at(1200)).status(), 200);
}
