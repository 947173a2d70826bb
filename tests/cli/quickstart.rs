//! `pkjwt quickstart`.

use serde_json::{Value, json};

use crate::run::{Place, Run, command, finish, private_key, testdata};
use crate::server::{Answer, Server, recording};

/// A run in an environment with these variables and no other variables of pkjwt.
fn quickstart(more: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut command = command(["quickstart"].iter().chain(more));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PKJWT_")) {
        command.env_remove(name);
    }
    finish(command.envs(variables.iter().copied()))
}

/// The lines of a step: names and values.
fn step(text: &str, number: u8) -> Vec<(String, String)> {
    let headline = format!("{number}. ");
    let lines = text.lines().skip_while(|line| !line.starts_with(&headline)).skip(1);
    let rows = lines.take_while(|line| !line.is_empty());
    let row = |line: &str| {
        let (name, value) = line.strip_prefix("   ").unwrap().split_at(16);
        (name.trim_end().to_owned(), value.to_owned())
    };
    rows.map(row).collect()
}

/// The value of a row.
#[track_caller]
fn value(rows: &[(String, String)], name: &str) -> String {
    let found = rows.iter().find(|(found, _)| found == name);
    found.unwrap_or_else(|| panic!("no {name} in {rows:?}")).1.clone()
}

#[track_caller]
fn json_of(rows: &[(String, String)], name: &str) -> Value {
    serde_json::from_str(&value(rows, name)).unwrap()
}

#[test]
fn quickstart_shows_the_whole_way_of_a_token() {
    let text = quickstart(&[], &[]).done();
    let headlines: Vec<&str> =
        text.lines().filter(|line| !line.starts_with(' ') && !line.is_empty()).collect();
    assert_eq!(
        headlines,
        [
            "1. The key of the client",
            "2. The authorization server: a dev server in this process, where the public JWKS is registered",
            "3. The client assertion: a JWT that proves who the client is, for one request",
            "4. The token request",
            "5. The access token",
            "6. The receiving end",
            "Steps 3 to 5 in your own code",
        ]
    );
    let (key, server, assertion, request, token, end) =
        (step(&text, 1), step(&text, 2), step(&text, 3), step(&text, 4), step(&text, 5), step(&text, 6));

    assert_eq!(value(&key, "private key"), "EC P-256, generated for this run; it is never sent");
    let jwk = &json_of(&key, "public JWKS")["keys"][0];
    assert_eq!((&jwk["alg"], &jwk["kid"]), (&json!("ES256"), &json!(value(&key, "key id"))));
    assert!(jwk.get("d").is_none(), "{jwk}");

    let (issuer, endpoint) = (value(&server, "issuer"), value(&server, "token endpoint"));
    assert_eq!(endpoint, format!("{issuer}/token"));
    assert_eq!(value(&server, "client id"), "quickstart");

    let header = json!({"alg": "ES256", "kid": jwk["kid"], "typ": "client-authentication+jwt"});
    assert_eq!(json_of(&assertion, "header"), header);
    let claims = json_of(&assertion, "claims");
    assert_eq!(
        (&claims["iss"], &claims["sub"], &claims["aud"]),
        (&json!("quickstart"), &json!("quickstart"), &json!(issuer))
    );
    assert_eq!(value(&assertion, "signature"), "86 characters, not shown");

    let sent: Vec<&str> = request.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(
        sent,
        [
            &endpoint,
            "grant_type = client_credentials",
            "scope = api:read",
            "client_assertion_type = urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion = the JWT of step 3",
            "client_id = quickstart",
        ]
    );
    assert_eq!(request[0].0, "POST");

    assert_eq!(
        ["type", "expires in", "scope"].map(|name| value(&token, name)),
        ["Bearer", "3600 s", "api:read"]
    );
    let claims = json_of(&token, "claims");
    assert_eq!((&claims["iss"], &claims["client_id"]), (&json!(issuer), &json!("quickstart")));

    assert_eq!(
        value(&end, "the server"),
        "verifies the assertion with the public JWKS: the client is quickstart"
    );
    assert_eq!(
        value(&end, "an API"),
        "verifies the token with the server's JWKS: quickstart has the scope api:read"
    );
    let thief = value(&end, "a thief");
    assert!(thief.starts_with("sends the request of step 4 again: refused: 40"), "{thief}");
    assert!(thief.contains("invalid_client"), "{thief}");
    // Neither the assertion nor the token is printed whole.
    assert!(!text.contains("eyJ"), "{text}");
    assert!(
        text.ends_with(
            "   in a program    client.token(\"api:read\").await?\n   \
             in a shell      pkjwt token --issuer URL --client-id ID --key FILE\n"
        ),
        "{text}"
    );
}

#[test]
fn quickstart_takes_a_key_a_name_and_scopes() {
    let key = testdata("rsa2048.pbkdf2-sha256-aes256.pem");
    let more = ["--client-id", "me", "--scope", "a", "--scope", "b", "--profile", "ping-one"];
    let variables =
        [("PKJWT_KEY", key.as_str()), ("PKJWT_KEY_PASSPHRASE", "correct horse"), ("PKJWT_CLIENT_ID", "you")];
    let text = quickstart(&more, &variables).done();
    let made = step(&text, 1);
    assert_eq!(value(&made, "private key"), format!("RSA, {key}; it is never sent"));
    assert_eq!(value(&made, "key id"), private_key("rsa2048").key_id().as_str());
    assert_eq!(value(&step(&text, 2), "client id"), "me");
    assert_eq!(json_of(&step(&text, 3), "header")["typ"], "JWT");
    assert_eq!(value(&step(&text, 5), "scope"), "a b");
    assert_eq!(
        value(&step(&text, 6), "an API"),
        "verifies the token with the server's JWKS: me has the scope a b"
    );
}

#[test]
fn quickstart_gets_a_token_from_a_real_server_and_does_not_show_it() {
    let place = Place::new();
    let server = Server::start(&[format!("client={}", place.jwks("p256"))]);
    let key = testdata("p256.pkcs8.pem");
    let client = ["--client-id", "client", "--key", &key];
    let options = |server: [&'static str; 1], url: &str| {
        quickstart(&[&server[..], &[url], &client].concat(), &[]).done()
    };
    let by_variables = [
        ("PKJWT_ISSUER", server.issuer.as_str()),
        ("PKJWT_CLIENT_ID", "client"),
        ("PKJWT_KEY", &key),
        ("PKJWT_SCOPE", "a b"),
        ("PKJWT_PROFILE", "ping-one"),
    ];
    for (text, issuer, scope) in [
        (options(["--issuer"], &server.issuer), server.issuer.as_str(), None),
        (options(["--token-endpoint"], &server.token_endpoint), "unknown", None),
        (quickstart(&[], &by_variables).done(), &server.issuer, Some("scope = a b")),
    ] {
        let about = step(&text, 2);
        assert_eq!(value(&about, "issuer"), issuer);
        assert_eq!(value(&about, "token endpoint"), server.token_endpoint);
        let form = step(&text, 4);
        let sent = form.iter().map(|(_, value)| value.as_str()).find(|value| value.starts_with("scope"));
        assert_eq!(sent, scope);
        let token = value(&step(&text, 5), "token");
        assert!(token.ends_with(" characters, not shown"), "{token}");
        assert_eq!(
            step(&text, 6),
            [(
                "the server".to_owned(),
                "verifies the assertion with the public JWKS: the client is client".to_owned()
            )]
        );
        assert!(!text.contains("eyJ"), "{text}");
    }
    // Options take precedence over variables.
    let variables = [("PKJWT_ISSUER", "https://as.invalid"), ("PKJWT_TOKEN_ENDPOINT", "https://as.invalid/")];
    let more = [&["--issuer", server.issuer.as_str()][..], &client].concat();
    quickstart(&more, &variables).done();
}

/// The request is shown before the reason, which ends with advice.
#[test]
fn quickstart_says_why_a_real_server_refuses() {
    const UNKNOWN: Answer =
        ("401 Unauthorized", r#"{"error":"invalid_client","error_description":"no\u001b[2J"}"#);
    const SCOPE: Answer = ("400 Bad Request", r#"{"error":"invalid_scope"}"#);
    let key = testdata("p256.pkcs8.pem");
    for (answer, why) in [
        (
            UNKNOWN,
            "refused: 401 invalid_client: no\\u{1b}[2J; is the public JWKS of step 1 registered for the client me?",
        ),
        (SCOPE, "refused: 400 invalid_scope"),
    ] {
        let (url, _requests) = recording(vec![answer]);
        let endpoint = format!("{url}/token");
        let run = quickstart(&["--token-endpoint", &endpoint, "--client-id", "me", "--key", &key], &[]);
        assert_eq!(run.status, Some(1));
        assert_eq!(run.stderr, format!("pkjwt: {endpoint}: {why}\n"));
        assert_eq!(value(&step(&run.stdout, 4), "POST"), endpoint);
        assert!(!run.stdout.contains("5. ") && !run.stdout.contains("eyJ"), "{}", run.stdout);
    }
}

#[test]
fn quickstart_needs_a_client_and_a_key_for_a_real_server() {
    let key = testdata("p256.pkcs8.pem");
    let needs_client = "pkjwt: quickstart: a real server needs --client-id ID (or PKJWT_CLIENT_ID) too\n";
    let needs_key = "pkjwt: quickstart: a real server needs --key KEY (or PKJWT_KEY) too\n";
    for option in ["--issuer", "--token-endpoint"] {
        let url = [option, "https://as.invalid"];
        assert_eq!(quickstart(&url, &[]).usage(&[]), needs_client);
        assert_eq!(quickstart(&url, &[("PKJWT_KEY", &key)]).usage(&[]), needs_client);
        assert_eq!(quickstart(&url, &[("PKJWT_CLIENT_ID", "c"), ("PKJWT_KEY", "")]).usage(&[]), needs_key);
    }
    let both = [("PKJWT_ISSUER", "https://as.invalid"), ("PKJWT_TOKEN_ENDPOINT", "https://as.invalid/")];
    assert_eq!(
        quickstart(&[], &both).usage(&[]),
        "pkjwt: quickstart: PKJWT_ISSUER and PKJWT_TOKEN_ENDPOINT are both set; unset the second\n"
    );
    quickstart(&[], &[("PKJWT_PROFILE", "unheard-of")]).usage(&["PKJWT_PROFILE: "]);
    quickstart(&["--issuer", "https://as.invalid", "--token-endpoint", "https://as.invalid/"], &[]).clap();
    quickstart(&["--key", "missing.pem"], &[]).refused(&["missing.pem: "]);
}
