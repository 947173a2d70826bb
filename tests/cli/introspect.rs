//! `pkjwt introspect` and `pkjwt revoke`.

use serde_json::{Value, json};

use crate::run::{Place, Run, pkjwt, pkjwt_env, pkjwt_stdin, testdata};
use crate::server::{Answer, recording};

/// A command about a token, at a server whose endpoint is known.
fn arguments(command: &str, url: &str, token: &str, more: &[&str]) -> Vec<String> {
    let name = if command == "revoke" { "revocation_endpoint" } else { "introspection_endpoint" };
    let endpoint = format!("{name}={url}/about");
    let key = testdata("p256.pkcs8.pem");
    let server = ["--token-endpoint", "http://127.0.0.1:1/token", "--endpoint", &endpoint];
    let arguments = [command, token, "--client-id", "p256", "--key", &key];
    arguments.iter().chain(&server).chain(more).map(|argument| (*argument).to_owned()).collect()
}

/// The answer goes to stdout, everything else to stderr.
#[track_caller]
fn inactive(run: Run) {
    assert_eq!(run.status, Some(1));
    assert_eq!(serde_json::from_str::<Value>(&run.stdout).unwrap()["active"], false);
    assert_eq!(run.stderr, "pkjwt: introspect: the token is not active\n");
}

#[test]
fn introspect_prints_what_the_server_says() {
    let answer: Answer = (
        "200 OK",
        r#"{"active":true,"scope":"a b","client_id":"c","username":"\u009b2J","token_type":"Bearer","sub":"s",
            "iss":"i","jti":"j","aud":["x","y"],"exp":1419356238,"iat":1419350238,"nbf":7,"extension":{"z":[1]}}"#,
    );
    let (url, requests) = recording(vec![answer]);
    let arguments = arguments("introspect", &url, "-", &["--hint", "access_token", "--param", "x=y"]);
    let printed = pkjwt_stdin(arguments, b"the token\n").done();
    assert!(printed.is_ascii());
    let expected: Value = serde_json::from_str(answer.1).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), expected);
    let asked = requests.recv().unwrap();
    assert_eq!(asked.line, "POST /about");
    assert_eq!(asked.parameters(), [("token", "the token"), ("token_type_hint", "access_token"), ("x", "y")]);
}

#[test]
fn introspect_ends_with_1_for_a_token_that_is_not_active() {
    let place = Place::new();
    let (url, requests) = recording(vec![("200 OK", r#"{"active":false}"#); 2]);
    let file = place.put("token", "t");
    inactive(pkjwt(arguments("introspect", &url, &file, &[])));
    assert_eq!(requests.recv().unwrap().parameters(), [("token", "t")]);
    let from_variable = arguments("introspect", &url, "env:PKJWT_TEST", &["--hint", "refresh_token"]);
    inactive(pkjwt_env(from_variable, "PKJWT_TEST", "v"));
    assert_eq!(requests.recv().unwrap().parameters(), [("token", "v"), ("token_type_hint", "refresh_token")]);
    // Stdout is empty if the server did not answer.
    let said = |head: &'static str, body: &'static str| {
        let (url, _requests) = recording(vec![(head, body)]);
        pkjwt(arguments("introspect", &url, &file, &[]))
    };
    said("200 OK", r#"{"active":"yes"}"#).refused(&["/about: cannot read the introspection response"]);
    said("401 Unauthorized", r#"{"error":"invalid_client"}"#)
        .refused(&["/about: refused: 401 invalid_client"]);
    said("503 Service Unavailable", "").refused(&["/about: the server answered 503"]);
}

#[test]
fn revoke_prints_nothing() {
    let place = Place::new();
    let file = place.put("token", "r\n");
    let (url, requests) = recording(vec![("200 OK", "whatever"); 2]);
    let revoke = |more: &[&str]| pkjwt(arguments("revoke", &url, &file, more));
    assert_eq!(revoke(&["--hint", "refresh_token"]).done(), "");
    assert_eq!(requests.recv().unwrap().parameters(), [("token", "r"), ("token_type_hint", "refresh_token")]);
    assert_eq!(revoke(&[]).done(), "");
    let refused = ("400 Bad Request", r#"{"error":"unsupported_token_type"}"#);
    let (url, _requests) = recording(vec![refused]);
    pkjwt(arguments("revoke", &url, &file, &[])).refused(&["/about: refused: 400 unsupported_token_type"]);
}

#[test]
fn a_token_is_never_an_argument_and_its_endpoint_has_to_be_known() {
    let key = testdata("p256.pkcs8.pem");
    for (command, name) in [("introspect", "introspection_endpoint"), ("revoke", "revocation_endpoint")] {
        let run = pkjwt(arguments(command, "http://127.0.0.1:1", "eyJcanary", &[]));
        let line = run.refused(&["TOKEN: No such file", "never the secret itself"]);
        assert!(!line.contains("canary"));
        let server = ["--token-endpoint", "http://127.0.0.1:1/", "--client-id", "c", "--key", &key];
        let run = pkjwt_stdin([command, "-"].iter().chain(&server), b"t");
        assert_eq!(
            run.refused(&[]),
            format!(
                "pkjwt: {command}: the authorization server has no {name}; set it with --endpoint {name}=URL\n"
            )
        );
        pkjwt([command, "-", "--token-endpoint", "http://127.0.0.1:1/", "--client-id", "c", "--key", "-"])
            .usage(&["only one argument can read standard input"]);
        pkjwt(arguments(command, "http://127.0.0.1:1", "-", &["--hint", "id_token"])).clap();
        let reserved = arguments(command, "http://127.0.0.1:1", "-", &["--param", "token=x"]);
        pkjwt_stdin(reserved, b"t").usage(&["`token` is set by the request itself"]);
        pkjwt([command, "-", "--client-id", "c", "--key", &key]).clap();
        pkjwt([command]).clap();
    }
}

#[test]
fn json_of_an_audience_is_as_it_was() {
    for audience in [json!("x"), json!(["x", "y"])] {
        let body = json!({"active": true, "aud": audience}).to_string();
        let (url, _requests) = recording(vec![("200 OK", body.leak())]);
        let printed = pkjwt_stdin(arguments("introspect", &url, "-", &[]), b"t").done();
        assert_eq!(serde_json::from_str::<Value>(&printed).unwrap()["aud"], audience);
    }
}
