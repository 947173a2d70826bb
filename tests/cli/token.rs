//! `pkjwt token`.

use serde_json::{Value, json};

use crate::run::{KEYS, Place, command, decode, finish, pkjwt, testdata};
use crate::server::{Answer, Server, answering, answering_with, recording, token_command};

#[test]
fn token_gets_one_with_every_kind_of_key_by_issuer_and_by_token_endpoint() {
    let place = Place::new();
    let mut server = Server::with_all_keys(&place);
    for (stem, alg) in KEYS {
        for (flag, url) in
            [("--issuer", server.issuer.clone()), ("--token-endpoint", server.token_endpoint.clone())]
        {
            let token =
                pkjwt(token_command([flag, &url], stem, &["--scope", "api:read", "--scope", "api:write"]))
                    .done();
            let (header, claims) = decode(token.strip_suffix('\n').unwrap());
            assert_eq!(header["typ"], "at+jwt");
            assert_eq!(
                (&claims["client_id"], &claims["scope"]),
                (&json!(stem), &json!("api:read api:write"))
            );
            let outcome = server.outcome();
            assert!(
                outcome.contains(" 200 ") && outcome.contains(stem) && outcome.contains(alg),
                "{outcome}"
            );
            assert!(!outcome.contains("eyJ"));
        }
    }
}

#[test]
fn token_takes_the_options_of_an_assertion_and_a_request() {
    let place = Place::new();
    let server = Server::with_all_keys(&place);
    let issuer = ["--issuer", server.issuer.as_str()];
    let more = [
        "--alg",
        "RS512",
        "--no-kid",
        "--lifetime",
        "4m",
        "--not-before",
        "1m",
        "--profile",
        "ping-one",
        "--param",
        "resource=https://api.example/x=y",
        "--audience",
        &server.token_endpoint,
    ];
    let token = pkjwt(token_command(issuer, "rsa2048", &more)).done();
    assert_eq!(decode(token.trim_end()).1["aud"], "https://api.example/x=y");

    // --typ takes precedence over the profile, and reaches the server.
    pkjwt(token_command(issuer, "p256", &["--typ", "at+jwt", "--profile", "ping-one"]))
        .refused(&["typ is", "at+jwt"]);
    pkjwt(token_command(issuer, "p256", &["--audience", "https://x.example"]))
        .refused(&["invalid_client", "audience"]);
    pkjwt(token_command(issuer, "p256", &["--lifetime", "10m"])).refused(&["invalid_client", "lives 600 s"]);
    pkjwt(token_command(issuer, "ed25519", &["--profile", "ping-one"]))
        .refused(&["PingOne does not accept EdDSA"]);
    pkjwt(token_command(issuer, "p256", &["--profile", "ping-one", "--lifetime", "2h"]))
        .usage(&["the lifetime is"]);
}

/// `assert` can reproduce what `token`, `introspect` and `revoke` send, except for its times and
/// its jti.
#[test]
fn an_assertion_is_the_same_from_every_command() {
    let key = testdata("p256.key-then-cert.pem");
    let options = [
        "--profile",
        "ping-one",
        "--kid",
        "k",
        "--typ",
        "client-authentication+jwt",
        "--lifetime",
        "2m",
        "--not-before",
        "30s",
        "--x5t",
        "--x5t-s256",
        "--x5c",
        "--claim",
        "tenant=\"t\"",
        "--claim",
        "groups=[1]",
    ];
    let same = |jwt: &str| {
        let (header, mut claims) = decode(jwt);
        let [iat, exp, nbf] = ["iat", "exp", "nbf"].map(|claim| claims[claim].as_i64().unwrap());
        assert_eq!((exp - iat, iat - nbf), (120, 30));
        for claim in ["iat", "exp", "nbf", "jti"] {
            claims[claim].take();
        }
        (header, claims)
    };
    let audience = ["--client-id", "c", "--key", &key, "--audience", "https://as.example"];
    let assert = pkjwt(["assert"].iter().chain(&audience).chain(&options)).done();
    let expected = same(assert.trim_end());
    assert_eq!(
        expected.0.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["alg", "kid", "typ", "x5c", "x5t", "x5t#S256"]
    );
    assert_eq!((&expected.1["tenant"], &expected.1["groups"]), (&json!("t"), &json!([1])));

    let place = Place::new();
    let token = place.put("token", "t");
    let answers = [r#"{"access_token":"t","token_type":"Bearer"}"#, r#"{"active":true}"#, ""];
    for (command, answer) in ["token", "introspect", "revoke"].into_iter().zip(answers) {
        let (url, requests) = recording(vec![("200 OK", answer); 2]);
        let (introspection, revocation) =
            (format!("introspection_endpoint={url}/i"), format!("revocation_endpoint={url}/r"));
        let endpoint = format!("{url}/token");
        let mut arguments = vec![command, "--token-endpoint", &endpoint];
        if command != "token" {
            arguments.extend([token.as_str(), "--endpoint", &introspection, "--endpoint", &revocation]);
        }
        arguments.extend(audience.iter().chain(&options));
        pkjwt(&arguments).done();
        let sent = requests.recv().unwrap();
        assert_eq!(same(sent.value("client_assertion")), expected, "{command}");
        assert_eq!(sent.value("client_id"), "c");

        arguments.extend(["--no-client-id", "--user-agent", "my-program/1.0 (x)"]);
        pkjwt(&arguments).done();
        let sent = requests.recv().unwrap();
        assert!(!sent.form.iter().any(|(name, _)| name == "client_id"), "{command}");
        let agents: Vec<&str> = sent
            .header
            .iter()
            .filter(|(name, _)| name == "user-agent")
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(agents, ["my-program/1.0 (x)"], "{command}");
    }
}

/// The same server by its issuer, by its metadata document, and by the URL of another server that
/// speaks for it.
#[test]
fn token_finds_a_server_whose_issuer_is_another() {
    let place = Place::new();
    let server = Server::start(&[format!("p256={}", place.jwks("p256"))]);
    let document = format!("{}/.well-known/openid-configuration", server.issuer);
    pkjwt(token_command(["--issuer", &document], "p256", &[])).done();

    let metadata =
        format!(r#"{{"issuer":"{}","token_endpoint":"{}"}}"#, server.issuer, server.token_endpoint);
    let metadata: &'static str = metadata.leak();
    let (url, _requests) = recording(vec![("200 OK", metadata); 3]);
    pkjwt(token_command(["--issuer", &url], "p256", &["--expect-issuer", &server.issuer])).done();
    // Both documents are of another issuer.
    pkjwt(token_command(["--issuer", &url], "p256", &[])).refused(&["--issuer: ", &server.issuer, &url]);
    let without = ["--token-endpoint", &server.token_endpoint];
    pkjwt(token_command(without, "p256", &["--expect-issuer", &server.issuer])).clap();
}

#[test]
fn switches_reach_servers_that_need_them() {
    const CREATED: Answer = ("201 Created", r#"{"access_token":"t","token_type":"Bearer"}"#);
    let (url, _requests) = recording(vec![CREATED; 2]);
    let created = |more: &[&str]| pkjwt(token_command(["--token-endpoint", &url], "p256", more));
    created(&[]).refused(&["201", "; if it always answers with 201, use --accept-created"]);
    assert_eq!(created(&["--accept-created"]).done(), "t\n");

    // The proxy stands in for a remote host.
    let (proxy, requests) = recording(vec![("200 OK", CREATED.1)]);
    let plain = |more: &[&str]| {
        let arguments = token_command(["--token-endpoint", "http://as.example/token"], "p256", more);
        finish(command(arguments).env("http_proxy", &proxy).env_remove("no_proxy").env_remove("NO_PROXY"))
    };
    plain(&[]).refused(&["--token-endpoint: ", "is plain http"]);
    assert_eq!(plain(&["--danger-unencrypted"]).done(), "t\n");
    assert_eq!(requests.recv().unwrap().line, "POST http://as.example/token");
}

/// No server listens there, so the command fails before it sends anything.
#[test]
fn token_checks_an_assertion_before_it_sends_anything() {
    let with = |more: &[&str]| pkjwt(token_command(["--issuer", "http://127.0.0.1:1"], "p256", more));
    assert_eq!(
        with(&["--claim", "sub=1"]).usage(&[]),
        "pkjwt: --claim: the claim `sub` is set by the assertion itself\n"
    );
    assert_eq!(
        with(&["--claim", "a=canary"]).usage(&[]),
        "pkjwt: --claim: the value of `a` is not JSON; put text in quotes: a='\"text\"'\n"
    );
    with(&["--claim", "a=1", "--claim", "a=2"]).usage(&["--claim", "`a` is given more than once"]);
    with(&["--user-agent", ""]).clap();
    with(&["--user-agent", "a\nb"]).usage(&["--user-agent <TEXT>: expected one line of text"]);
    for option in ["--x5t", "--x5t-s256", "--x5c"] {
        let endpoint = ["--token-endpoint", "http://127.0.0.1:1/"];
        pkjwt(token_command(endpoint, "p256", &[option]))
            .refused(&["the key has no certificate for x5", "; append the certificate to the key file"]);
    }
}

/// RFC 9864 has two names for one algorithm.
#[test]
fn an_ed25519_key_signs_under_both_names() {
    let place = Place::new();
    let mut server = Server::start(&[format!("ed25519={}", place.jwks("ed25519"))]);
    for alg in ["EdDSA", "Ed25519"] {
        let token = pkjwt(token_command(["--issuer", &server.issuer], "ed25519", &["--alg", alg])).done();
        decode(token.trim_end());
        assert!(server.outcome().contains(&format!(" alg={alg} ")));
        let key = testdata("ed25519.pkcs8.pem");
        let assert =
            pkjwt(["assert", "--key", &key, "--client-id", "c", "--audience", "a", "--alg", alg]).done();
        assert_eq!(decode(assert.trim_end()).0["alg"], alg);
    }
}

#[test]
fn token_as_json_is_the_whole_response() {
    let place = Place::new();
    let server = Server::with_all_keys(&place);
    let command = token_command(["--issuer", &server.issuer], "p256", &["--json", "--scope", "a"]);
    let response: Value = serde_json::from_str(&pkjwt(command).done()).unwrap();
    let members: Vec<&str> = response.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["access_token", "expires_at", "expires_in", "scope", "token_type"]);
    let expires_at = response["expires_at"].as_str().unwrap();
    assert!(expires_at.len() == 20 && expires_at.ends_with('Z'), "{expires_at}");
    assert_eq!(response["expires_in"], 3600);
    decode(response["access_token"].as_str().unwrap());
}

#[test]
fn a_token_of_another_type_than_bearer_comes_with_a_note() {
    let body = "{\"access_token\":\"t\",\"token_type\":\"DPoP\\u001b[2J\"}";
    let url = format!("http://{}/token", answering(vec![("200 OK", body); 2]));
    let run = pkjwt(token_command(["--token-endpoint", &url], "p256", &[]));
    assert_eq!((run.status, run.stdout.as_str()), (Some(0), "t\n"));
    assert_eq!(run.stderr, "pkjwt: token type is \"DPoP\\u{1b}[2J\", not \"Bearer\"\n");
    // Its header shows the type.
    let json = pkjwt(token_command(["--token-endpoint", &url], "p256", &["--json"])).done();
    assert!(json.contains(r#""token_type": "DPoP\u001b[2J""#), "{json}");
    // A server that puts the token there.
    let body = r#"{"access_token":"t","token_type":"eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiJqIn0.c2lnbmF0dXJl"}"#;
    let url = format!("http://{}/token", answering(vec![("200 OK", body)]));
    let run = pkjwt(token_command(["--token-endpoint", &url], "p256", &[]));
    assert_eq!(run.stderr, "pkjwt: token type is \"(a JWT, not shown)\", not \"Bearer\"\n");
}

#[test]
fn a_server_that_asks_for_a_pause_is_quoted() {
    let busy = ("429 Too Many Requests\r\nretry-after: 120", "");
    let url = format!("http://{}/token", answering(vec![busy]));
    pkjwt(token_command(["--token-endpoint", &url], "p256", &[]))
        .refused(&["answered 429", "; the server asks to wait 120 s"]);
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
#[test]
fn token_trusts_the_certificates_of_a_ca_file_and_no_others() {
    const CERTIFICATE: &str = "p256.localhost.cert.pem";
    let body = r#"{"access_token":"t","token_type":"Bearer"}"#;
    let url =
        format!("https://localhost:{}/token", answering_with(CERTIFICATE, vec![("200 OK", body); 3]).port());

    let token = |more: &[&str]| pkjwt(token_command(["--token-endpoint", &url], "p256", more));
    token(&[]).refused(&["cannot connect to localhost", "certificate"]);
    token(&["--ca-file", &testdata("ca.cert.pem")]).refused(&["cannot connect to localhost", "certificate"]);
    assert_eq!(token(&["--ca-file", &testdata(CERTIFICATE)]).done(), "t\n");
}

#[test]
fn a_refusal_says_what_the_server_said_and_gives_no_secret_away() {
    let place = Place::new();
    let mut server = Server::start(&[format!("client={}", place.jwks("p256"))]);
    let line = pkjwt(token_command(["--token-endpoint", &server.token_endpoint], "p384", &[]))
        .refused(&[server.token_endpoint.as_str(), "refused: 400 invalid_client: "]);
    assert!(!line.contains("eyJ"), "{line}");
    let outcome = server.outcome();
    assert!(outcome.contains(" 400 invalid_client: "), "{outcome}");
    // The right client id and the wrong key.
    let key = testdata("p384.pkcs8.pem");
    pkjwt(["token", "--issuer", &server.issuer, "--key", &key, "--client-id", "client"])
        .refused(&["400 invalid_client: ", "no key in the set fits ES384"]);
}

/// In whatever format the server gives its reason, the one line of the error contains it.
#[test]
fn a_refusal_has_the_servers_own_words() {
    for (head, body, words) in [
        (
            "400 Bad Request\r\ncontent-type: application/problem+json",
            r#"{"type":"about:blank","title":"Bad client","detail":"the key is unknown","status":400}"#,
            "the key is unknown",
        ),
        (
            "401 Unauthorized\r\ncontent-type: application/json",
            r#"{"errorCode":"E0000021","errorSummary":"Bad assertion","errorId":"x"}"#,
            "E0000021: Bad assertion",
        ),
        ("400 Bad Request\r\ncontent-type: text/plain", "bad\n assertion", "refused: 400: bad assertion"),
        (
            "403 Forbidden\r\ncontent-type: text/html",
            "<html><head><title>Blocked</title></head><body><p>by policy 7</p></body></html>",
            "Blocked: by policy 7",
        ),
        ("401 Unauthorized\r\nwww-authenticate: Basic realm=\"as\"", "", "Basic realm=\"as\""),
        (
            "200 OK",
            r#"{"error":"invalid_grant","error_description":"used before"}"#,
            "invalid_grant: used before",
        ),
    ] {
        let url = format!("http://{}/token", answering(vec![(head, body)]));
        let line =
            pkjwt(token_command(["--token-endpoint", &url], "p256", &[])).refused(&["refused: ", words]);
        assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')), "{line}");
    }
}

#[test]
fn a_refusal_is_followed_by_its_likely_causes_and_what_to_change() {
    let of_keycloak = r#"{"error":"invalid_client","error_description":"Unable to load public key"}"#;
    let of_ping = r#"{"error":"invalid_client","error_description":"Invalid client or client credentials."}"#;
    let unknown = r#"{"error":"invalid_client","error_description":"computer says no"}"#;
    for (path, answer, expected) in [
        ("realms/a/protocol/openid-connect/token", ("400 Bad Request", of_keycloak), {
            vec![
                "  likely cause: kid is \"",
                "\"; register the public key under this kid; a client with a certificate needs Keycloak's own kid, or none\n",
                "  possible cause: kid is \"",
                "\"; set \"use\": \"sig\" in the registered JWK Set: Keycloak ignores a JWK without it\n",
                "  possible cause: check that Keycloak reaches the jwks_uri; it reads it at most every 10 s\n",
            ]
        }),
        ("as/token.oauth2", ("401 Unauthorized", of_ping), {
            vec![
                "  possible cause: alg is ES256, aud is \"http://127.0.0.1:",
                "/as/token.oauth2\", kid is \"",
                "\", typ is \"client-authentication+jwt\", valid for 60 s; PingFederate has one answer for every \
                 cause: check the client id, and that the server knows the public key\n",
            ]
        }),
    ] {
        let url = format!("http://{}/{path}", answering(vec![answer]));
        let stderr = pkjwt(token_command(["--token-endpoint", &url], "p256", &[])).refused(&expected);
        assert_eq!(stderr.lines().count(), if path.starts_with("realms") { 4 } else { 2 }, "{stderr}");
    }
    let code_alone = r#"{"error":"invalid_scope"}"#;
    for answer in [("401 Unauthorized", unknown), ("400 Bad Request", code_alone)] {
        let url = format!("http://{}/token", answering(vec![answer]));
        let stderr = pkjwt(token_command(["--token-endpoint", &url], "p256", &[])).refused(&["refused: 4"]);
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn token_refuses_what_must_not_get_an_assertion() {
    for url in ["http://as.example/token", "http://127.0.0.1.evil/", "http://127.0.0.1@evil/"] {
        for flag in ["--issuer", "--token-endpoint"] {
            pkjwt(token_command([flag, url], "p256", &[])).refused(&["http"]);
        }
    }
    pkjwt(token_command(["--issuer", "https://as.example/?a=b"], "p256", &[])).refused(&["has a query"]);
    pkjwt(token_command(["--issuer", "as.example"], "p256", &[])).refused(&["is not a URL"]);

    let place = Place::new();
    let mut server = Server::start(&[format!("p256={}", place.jwks("p256"))]);
    let wrong = format!("{}/", server.issuer);
    pkjwt(token_command(["--issuer", &wrong], "p256", &[]))
        .refused(&["the metadata names the issuer", &wrong]);
    assert!(server.line().contains("Z GET "));
    pkjwt(token_command(["--issuer", &server.issuer.replace("/as", "/none")], "p256", &[])).refused(&["404"]);
    // The server is gone.
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    pkjwt(token_command(["--token-endpoint", &server.token_endpoint], "p256", &[]))
        .refused(&["cannot connect"]);
}

#[test]
fn token_checks_its_arguments_before_it_sends_anything() {
    let with =
        |more: &[&str]| pkjwt(token_command(["--token-endpoint", "https://as.invalid/"], "p256", more));
    let line = with(&["--param", "canary"]).usage(&["--param", "NAME=VALUE"]);
    assert!(!line.contains("canary"));
    for parameter in ["grant_type=x", "client_secret=canary", "client_assertion=canary"] {
        let line = with(&["--param", parameter]).usage(&["--param", "set by the request itself"]);
        assert!(!line.contains("canary"));
    }
    with(&["--param", "a=1", "--param", "a=2"]).usage(&["`a` is already set"]);
    with(&["--issuer", "https://as.invalid"]).clap();
    with(&["--profile", "unheard-of"]).clap();
    with(&["--audience", ""]).usage(&["audience is empty"]);
    for flag in ["--issuer", "--token-endpoint"] {
        pkjwt(token_command([flag, ""], "p256", &[])).clap();
    }
    pkjwt(["token", "--key", "k", "--client-id", "c"]).clap();
    with(&["--ca-file", "missing.pem"]).refused(&["missing.pem"]);
    let place = Place::new();
    with(&["--ca-file", &place.put("ca.pem", "nothing in it")]).refused(&["ca.pem", "no PEM certificate"]);
    let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    with(&["--ca-file", &place.put("damaged.pem", damaged)]).refused(&["damaged.pem"]);
    with(&["--ca-file", &testdata("ca.cert.pem"), "--alg", "RS256"]).refused(&["RS256 needs"]);
}
