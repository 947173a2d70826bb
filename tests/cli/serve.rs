//! `pkjwt serve`.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use private_key_jwt::AuthorizationServer;
use private_key_jwt::oauth::{CLIENT_ASSERTION_TYPE, JwtGrant};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::login::{get, get_as, post};
use crate::run::{
    Place, assertion, command, decode, pkjwt, pkjwt_stdin, private_key, testdata, to_base64url,
};
use crate::server::{Server, token_command};
use crate::verify::verify;

#[test]
fn serve_registers_by_url_and_verify_asks_it() {
    let rfc3339 = |time: OffsetDateTime| time.replace_nanosecond(0).unwrap().format(&Rfc3339).unwrap();
    let started = rfc3339(OffsetDateTime::now_utc());
    let place = Place::new();
    // The server publishes its own key as a JWK Set, which also works as a client's keys.
    let first = Server::start(&[format!("p256={}", place.jwks("p256"))]);
    let mut second = Server::start(&[format!("p256={}", first.jwks_uri)]);
    pkjwt(token_command(["--issuer", &second.issuer], "p256", &[]))
        .refused(&["invalid_client", "no key in the set"]);
    let outcome = second.outcome();
    let (time, line) = outcome.split_once(' ').unwrap();
    assert!(line.starts_with("POST /") && line.contains(" 400 invalid_client: no key"), "{outcome}");
    assert!(*time <= *rfc3339(OffsetDateTime::now_utc()) && *time >= *started, "{outcome}");

    let jwt = assertion(&testdata("p256.pkcs8.pem"), &[]);
    verify(&jwt, &first.jwks_uri).refused(&["no key in the set fits ES256"]);
    verify(&jwt, &first.issuer).refused(&["answered 404"]);
    verify(&jwt, "http://as.example/jwks").refused(&["plain http"]);
    verify(&jwt, &first.token_endpoint).refused(&["answered 405"]);
}

#[test]
fn serve_issues_tokens_as_it_is_told_and_takes_longer_assertions_when_it_is_told() {
    let place = Place::new();
    let clients = [format!("p256={}", place.jwks("p256"))];
    let header = |token: &str| decode(token.trim_end()).0;
    let plain = Server::start(&clients);
    let issuer = ["--issuer", plain.issuer.as_str()];
    let token = pkjwt(token_command(issuer, "p256", &[])).done();
    assert_eq!((&header(&token)["alg"], &header(&token)["typ"]), (&"RS256".into(), &"at+jwt".into()));
    pkjwt(token_command(issuer, "p256", &["--lifetime", "600s"]))
        .refused(&["lives 600 s, at most 300 s", "--longest-lifetime"]);

    let more =
        ["--token-alg", "EdDSA", "--token-typ", "JWT", "--longest-lifetime", "10m", "--reuse-assertions"];
    let other = Server::start_with(&clients, &more);
    let issuer = ["--issuer", other.issuer.as_str()];
    let token = pkjwt(token_command(issuer, "p256", &["--lifetime", "600s"])).done();
    assert_eq!((&header(&token)["alg"], &header(&token)["typ"]), (&"EdDSA".into(), &"JWT".into()));

    let untyped = Server::start_with(&clients, &["--token-typ", ""]);
    let token = pkjwt(token_command(["--issuer", untyped.issuer.as_str()], "p256", &[])).done();
    assert_eq!(header(&token).get("typ"), None);
    for wrong in [
        ["--token-alg", "HS256"],
        ["--longest-lifetime", "x"],
        ["--longest-lifetime", "0"],
        ["--log-in-as", ""],
        ["--log-in-as", "\u{fc}"],
    ] {
        pkjwt(["serve", "--client", &clients[0]].into_iter().chain(wrong)).clap();
    }
}

#[test]
fn serve_accepts_an_assertion_without_a_jti_where_it_is_told_to() {
    let place = Place::new();
    let clients = [format!("p256={}", place.jwks("p256"))];
    let help = pkjwt(["serve", "--help"]).done();
    assert!(help.contains("--accept-missing-jti") && help.contains("send none (Kafka)"), "{help}");
    for (options, status) in [(&[][..], "400"), (&["--accept-missing-jti"], "200")] {
        let mut server = Server::start_with(&clients, options);
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let claims = json!({"iss": "p256", "sub": "p256", "aud": server.issuer, "iat": now, "exp": now + 60})
            .to_string();
        let input = format!("{}.{}", to_base64url(r#"{"alg":"ES256"}"#), to_base64url(claims));
        let signature = private_key("p256").sign(input.as_bytes()).unwrap();
        let assertion = format!("{input}.{}", to_base64url(signature.as_bytes()));
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", CLIENT_ASSERTION_TYPE),
            ("client_assertion", &assertion),
        ];
        let (head, _) = post(&server.token_endpoint, &form);
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{head}");
        assert_eq!(server.outcome().contains("`jti` is missing"), status == "400");
    }
}

#[test]
fn serve_answers_to_another_name_where_it_is_told_to() {
    let place = Place::new();
    let clients = [format!("p256={}", place.jwks("p256"))];
    for (options, status) in [(&[][..], 421), (&["--allow-host", "auth.test", "--allow-host", "x:1"], 200)] {
        let server = Server::start_with(&clients, options);
        let (head, body) = get_as("auth.test:8080", &server.jwks_uri);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert_eq!(body.contains("`pkjwt serve --allow-host` allow more"), status == 421, "{body}");
    }
    let wrong = pkjwt(["serve", "--listen", "127.0.0.1:0", "--client", &clients[0], "--allow-host", "*"]);
    wrong.refused(&["the allowed host * is not a name or an address"]);
    let help = pkjwt(["serve", "--help"]).done();
    assert!(help.contains("--allow-host <HOST[:PORT]>") && help.contains("host.docker.internal"), "{help}");
}

#[test]
fn serve_refuses_what_it_cannot_serve() {
    let place = Place::new();
    let jwks = place.jwks("p256");
    let with = |client: &str| pkjwt(["serve", "--listen", "127.0.0.1:0", "--client", client]);
    let private = testdata("p256.pkcs8.pem");
    with(&format!("c={private}")).refused(&["p256.pkcs8.pem", "private key", "pkjwt jwks"]);
    let encrypted = testdata("p256.scrypt-aes256.pem");
    with(&format!("c={encrypted}")).refused(&["private key"]);
    with("c=missing.json").refused(&["missing.json"]);
    with("c=http://as.example/jwks").refused(&["plain http"]);
    with(&format!("c={}", place.put("none.json", r#"{"keys":[]}"#))).refused(&["no key"]);
    for client in ["c", "=x", "c="] {
        with(client).usage(&["ID=FILE_OR_URL"]);
    }
    let twice = format!("c={jwks}");
    pkjwt(["serve", "--client", &twice, "--client", &twice]).usage(&["`c`", "more than once"]);
    pkjwt(["serve", "--listen", "0.0.0.0:0", "--client", &twice]).refused(&["0.0.0.0", "loopback"]);
    for address in ["here", "localhost:8080", "8080"] {
        let run = pkjwt(["serve", "--listen", address, "--client", &twice]);
        assert!(run.stderr.contains("such as 127.0.0.1:8080"), "{}", run.stderr);
        run.clap();
    }
    pkjwt(["serve"]).clap();
    let trust = |issuer: &str| {
        pkjwt(["serve", "--listen", "127.0.0.1:0", "--client", &twice, "--trust-issuer", issuer])
    };
    trust("https://sts.example").usage(&["ISSUER=FILE"]);
    trust("s=https://sts.example/jwks").usage(&["--trust-issuer", "a file"]);
    trust(&format!("s={private}")).refused(&["private key"]);
}

/// Follows a redirect, like a browser.
fn location(url: &str) -> String {
    let (head, _) = get(url);
    assert!(head.starts_with("HTTP/1.1 303 "), "{head}");
    head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap().to_owned()
}

#[test]
fn a_login_in_a_browser_and_what_becomes_of_its_tokens() {
    let place = Place::new();
    let clients = [format!("p256={}", place.jwks("p256"))];
    let mut server = Server::start_with(&clients, &["--log-in-as", "user-7"]);
    let issuer = ["--issuer", server.issuer.as_str()];
    let more = ["--grant", "authorization-code", "--scope", "a", "--json"];
    let mut login = command(token_command(issuer, "p256", &more));
    let mut login = login.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(login.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let (head, _) = get(&location(line.trim_end().strip_prefix("to log in, open ").unwrap()));
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let output = login.wait_with_output().unwrap();
    assert!(output.status.success());
    let tokens: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (access_token, refresh_token) = (&tokens["access_token"], tokens["refresh_token"].as_str().unwrap());
    assert_eq!(decode(access_token.as_str().unwrap()).1["sub"], "user-7");
    let outcome = server.outcome();
    assert!(outcome.ends_with("alg=ES256 grant=authorization_code sub=\"user-7\" scope=\"a\""), "{outcome}");

    let refresh = ["--grant", "refresh-token", "--refresh-token", "-", "--json"];
    let issuer = ["--issuer", server.issuer.as_str()];
    let refreshed = pkjwt_stdin(token_command(issuer, "p256", &refresh), refresh_token.as_bytes()).done();
    let refreshed: Value = serde_json::from_str(&refreshed).unwrap();
    let key = testdata("p256.pkcs8.pem");
    let about = |command: &str, token: &Value| {
        let token = token.as_str().unwrap().as_bytes();
        pkjwt_stdin([command, "-", issuer[0], issuer[1], "--client-id", "p256", "--key", &key], token)
    };
    let introspected = about("introspect", &refreshed["access_token"]).done();
    assert_eq!(serde_json::from_str::<Value>(&introspected).unwrap()["sub"], "user-7");
    about("revoke", &refreshed["refresh_token"]).done();
    for ended in [access_token, &refreshed["access_token"], &refreshed["refresh_token"]] {
        let run = about("introspect", ended);
        assert_eq!((run.status, run.stdout.as_str()), (Some(1), "{\n  \"active\": false\n}\n"));
    }
}

#[test]
fn a_jwt_of_a_trusted_issuer_gets_a_token() {
    let place = Place::new();
    let clients = [format!("p256={}", place.jwks("p256"))];
    let trusted = format!("https://sts.example={}", testdata("p384.cert.pem"));
    let server = Server::start_with(&clients, &["--trust-issuer", &trusted]);
    let metadata = AuthorizationServer::new(&server.issuer, &server.token_endpoint).unwrap();
    let grant = JwtGrant::builder("https://sts.example", "user-7", &metadata)
        .and_then(|grant| grant.sign(&private_key("p384"), OffsetDateTime::now_utc(), "j"))
        .unwrap();
    let more = ["--grant", "jwt-bearer", "--assertion", "-"];
    let command = token_command(["--issuer", &server.issuer], "p256", &more);
    let token = pkjwt_stdin(command, grant.secret().as_bytes()).done();
    assert_eq!(decode(token.trim_end()).1["sub"], "user-7");
}

#[test]
fn serve_as_json_prints_an_object_per_line() {
    let place = Place::new();
    let arguments =
        ["serve", "--json", "--listen", "127.0.0.1:0", "--client", &format!("p256={}", place.jwks("p256"))];
    let mut child = command(arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut object = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    let urls = object();
    let [issuer, endpoint] = ["issuer", "token_endpoint"].map(|name| urls[name].as_str().unwrap());
    assert_eq!(endpoint, format!("{issuer}/token"));
    assert!(urls["jwks_uri"].is_string());
    pkjwt(token_command(["--token-endpoint", endpoint], "p256", &[])).done();
    let request = object();
    assert!(request["request"].as_str().unwrap().starts_with("POST /"), "{request}");
    assert_eq!(request["time"].as_str().unwrap().len(), 20);
    child.kill().unwrap();
    child.wait().unwrap();
}
