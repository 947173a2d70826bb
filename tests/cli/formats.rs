//! What `pkjwt token` prints, and `--verbose`.

use serde_json::{Value, json};

use crate::cache::Cached;
use crate::run::{Place, command, finish, pkjwt, pkjwt_envs, testdata};
use crate::server::{Server, answering, recording, token_command};
use crate::support::{MARK, has_mark};

/// A cached token, for a known end.
fn cached() -> Cached {
    let body = r#"{"access_token":"abc.def-1_2==","token_type":"bearer","expires_in":3600,"scope":"a b"}"#;
    let cached = Cached::with(vec![("200 OK", body)]);
    // 2100-01-01
    let response = json!({"access_token": "abc.def-1_2==", "token_type": "bearer", "scope": "a b"});
    cached.change(&[("expires_at", json!(4_102_444_800_i64)), ("response", response)]);
    cached
}

#[test]
fn every_format_has_its_exact_form() {
    let cached = cached();
    const JSON: &str = "{\n  \"access_token\": \"abc.def-1_2==\",\n  \"expires_at\": \"2100-01-01T00:00:00Z\",\n  \
                        \"scope\": \"a b\",\n  \"token_type\": \"bearer\"\n}\n";
    const EXEC: &str = "{\n  \"apiVersion\": \"client.authentication.k8s.io/v1\",\n  \"kind\": \"ExecCredential\",\n  \
                        \"status\": {\n    \"expirationTimestamp\": \"2100-01-01T00:00:00Z\",\n    \
                        \"token\": \"abc.def-1_2==\"\n  }\n}\n";
    for (options, expected) in [
        (&[][..], "abc.def-1_2==\n"),
        (&["--format", "text"], "abc.def-1_2==\n"),
        (&["--format", "json"], JSON),
        (&["--json"], JSON),
        (&["--format", "header"], "Authorization: Bearer abc.def-1_2==\n"),
        (&["--header"], "Authorization: Bearer abc.def-1_2==\n"),
        (
            &["--format", "env"],
            "ACCESS_TOKEN=abc.def-1_2==\nTOKEN_TYPE=bearer\nEXPIRES_AT=2100-01-01T00:00:00Z\n",
        ),
        (&["--format", "exec-credential"], EXEC),
    ] {
        assert_eq!(cached.token(options).done(), expected, "{options:?}");
    }
    for options in [["--json", "--header"].as_slice(), &["--json", "--format", "json"], &["--format", "yaml"]]
    {
        cached.token(options).clap();
    }
}

#[test]
fn the_time_left_of_a_cached_token_counts_down() {
    let cached = cached();
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let response = json!({"access_token": "t", "token_type": "Bearer", "expires_in": 3600});
    cached.change(&[("expires_at", json!(now + 1000)), ("response", response)]);
    let printed: Value = serde_json::from_str(&cached.token(&["--json"]).done()).unwrap();
    assert!((900..=1000).contains(&printed["expires_in"].as_i64().unwrap()), "{printed}");
}

#[test]
fn a_format_for_bearer_tokens_takes_no_other() {
    let body = "{\"access_token\":\"a b'\\\"c\",\"token_type\":\"DPoP\\u001b\"}";
    let url = format!("http://{}/token", answering(vec![("200 OK", body); 3]));
    let run = |format: &str| pkjwt(token_command(["--token-endpoint", &url], "p256", &["--format", format]));
    for format in ["header", "exec-credential"] {
        assert_eq!(run(format).refused(&[]), "pkjwt: token: token type is \"DPoP\\u{1b}\", not \"Bearer\"\n");
    }
    // Quoted for a shell.
    assert_eq!(run("env").done(), "ACCESS_TOKEN='a b'\\''\"c'\nTOKEN_TYPE='DPoP\\u{1b}'\n");
}

/// A CI job has a secret variable with the key, and one with the client id.
#[test]
fn one_command_makes_a_header_of_two_variables() {
    let place = Place::new();
    let server = Server::start(&[format!("ci={}", place.jwks("p256"))]);
    let pem = std::fs::read_to_string(testdata("p256.pkcs8.pem")).unwrap().replace('\n', "\\n");
    let arguments = ["token", "--issuer", &server.issuer, "--key", "env:CLIENT_KEY", "--header"];
    let header = pkjwt_envs(arguments, &[("CLIENT_KEY", &pem), ("PKJWT_CLIENT_ID", "ci")]).done();
    let token = header.strip_prefix("Authorization: Bearer ").unwrap().strip_suffix('\n').unwrap();
    assert_eq!(crate::run::decode(token).1["client_id"], "ci");
    // With everything from variables, too, and nothing of the user's directories.
    let mut command = command(["token"]);
    command.env_clear().envs([
        ("CLIENT_KEY", pem.as_str()),
        ("PKJWT_KEY", "env:CLIENT_KEY"),
        ("PKJWT_CLIENT_ID", "ci"),
        ("PKJWT_ISSUER", &server.issuer),
        ("PKJWT_FORMAT", "header"),
    ]);
    assert!(finish(&mut command).done().starts_with("Authorization: Bearer ey"));
}

#[test]
fn verbose_shows_the_request_the_assertion_and_the_answer_and_no_secret() {
    let place = Place::new();
    let body =
        format!(r#"{{"access_token":"{MARK}","token_type":"Bearer","expires_in":60,"id_token":"{MARK}"}}"#);
    let date = "200 OK\r\ncontent-type: application/json\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT";
    let (url, requests) = recording(vec![(date, body.leak())]);
    let subject = place.put("subject", MARK);
    let exchange = ["--grant", "token-exchange", "--subject-token", &subject, "--scope", "a"];
    let password = format!("password={MARK}");
    let options = [&exchange[..], &["--param", &password, "--verbose"]].concat();
    let run = pkjwt(token_command(["--token-endpoint", &format!("{url}/token")], "p256", &options));
    assert_eq!((run.status, run.stdout), (Some(0), format!("{MARK}\n")));
    assert!(!has_mark(&run.stderr), "{}", run.stderr);
    let sent = requests.recv().unwrap();
    let assertion = sent.value("client_assertion");
    let (header, claims) = crate::run::decode(assertion);
    for line in [
        format!("> POST {url}/token"),
        ">   grant_type: urn:ietf:params:oauth:grant-type:token-exchange".to_owned(),
        ">   scope: a".to_owned(),
        ">   client_id: p256".to_owned(),
        format!(">   subject_token: ({} characters, not shown)", MARK.len()),
        format!(">   password: ({} characters, not shown)", MARK.len()),
        format!(">     header: {header}"),
        format!(">     claims: {claims}"),
        ">     signature: (86 characters, not shown)".to_owned(),
        format!("<   access_token: ({} characters, not shown)", MARK.len()),
        format!("<   id_token: ({} characters, not shown)", MARK.len()),
        "<   token_type: Bearer".to_owned(),
        "<   expires_in: 60".to_owned(),
    ] {
        assert!(run.stderr.lines().any(|shown| shown == line), "no `{line}` in {}", run.stderr);
    }
    assert!(run.stderr.contains("< 200 OK application/json, "), "{}", run.stderr);
    assert!(run.stderr.contains(" s behind this machine's\n"), "{}", run.stderr);
    // Neither the whole assertion nor its signature.
    assert!(!run.stderr.contains(assertion.rsplit('.').next().unwrap()), "{}", run.stderr);
}

#[test]
fn verbose_shows_discovery_and_refusals() {
    let place = Place::new();
    let server = Server::start(&[format!("p256={}", place.jwks("p256"))]);
    let run = pkjwt(token_command(["--issuer", &server.issuer], "p384", &["--verbose"]));
    assert_eq!((run.status, run.stdout.as_str()), (Some(1), ""));
    let begins = |prefix: String| run.stderr.lines().any(|line| line.starts_with(&prefix));
    assert!(begins(format!("> GET {}/.well-known/openid-configuration", server.issuer)), "{}", run.stderr);
    assert!(begins("< 400 Bad Request application/json, ".to_owned()), "{}", run.stderr);
    assert!(begins("<   error: invalid_client".to_owned()), "{}", run.stderr);
    assert!(begins("pkjwt: ".to_owned()) && !run.stderr.contains("eyJ"), "{}", run.stderr);
    let run = pkjwt(token_command(["--token-endpoint", "http://127.0.0.1:1/"], "p256", &["--verbose"]));
    assert!(run.stderr.contains("< no answer after "), "{}", run.stderr);
}

/// The server accepts the connection and never answers.
#[test]
fn a_request_ends_at_its_time_limit() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    pkjwt(token_command(["--token-endpoint", &url], "p256", &["--timeout", "1s"]))
        .refused(&["127.0.0.1", "time"]);
    pkjwt(token_command(["--token-endpoint", &url], "p256", &["--timeout", "0"])).clap();
}
