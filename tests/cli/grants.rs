//! `pkjwt token --grant …`: one request for each grant, and the sources of its secrets.

use crate::run::{Place, Run, command, finish, pkjwt, pkjwt_stdin, testdata};
use crate::server::{Answer, recording, token_command};
use crate::support::loopback::Request;

const TOKEN: Answer = ("200 OK", r#"{"access_token":"t","token_type":"Bearer"}"#);
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// Gets a token by a grant. Returns what was sent for it.
#[track_caller]
fn sent(grant: &str, more: &[&str], input: &str) -> Request {
    let (url, requests) = recording(vec![TOKEN]);
    let command = token_command(["--token-endpoint", &format!("{url}/token")], "p256", &[]);
    let command = command.iter().map(String::as_str).chain(["--grant", grant]).chain(more.iter().copied());
    assert_eq!(pkjwt_stdin(command, input.as_bytes()).done(), "t\n");
    let request = requests.recv().unwrap();
    assert_eq!(request.line, "POST /token");
    request
}

/// What is refused before anything is sent: no server listens there.
fn refused(more: &[&str]) -> Run {
    let command = token_command(["--token-endpoint", "http://127.0.0.1:1/token"], "p256", more);
    pkjwt(command)
}

#[test]
fn a_refresh_token_comes_from_a_file_from_standard_input_or_from_a_variable() {
    let place = Place::new();
    let file = place.put("refresh-token", " r/+ 1\r\n");
    let expected = [("grant_type", "refresh_token"), ("scope", "a b"), ("refresh_token", "r/+ 1")];
    let scopes = ["--scope", "a", "--scope", "b"];
    for (source, input) in [(file.as_str(), ""), ("-", "r/+ 1\n")] {
        let more: Vec<&str> = ["--refresh-token", source].into_iter().chain(scopes).collect();
        assert_eq!(sent("refresh-token", &more, input).parameters(), expected, "{source}");
    }
    let (url, requests) = recording(vec![TOKEN]);
    let more = ["--grant", "refresh-token", "--refresh-token", "env:PKJWT_TEST"];
    let mut command = command(token_command(["--token-endpoint", &format!("{url}/token")], "p256", &more));
    assert_eq!(finish(command.env("PKJWT_TEST", "r")).done(), "t\n");
    assert_eq!(requests.recv().unwrap().value("refresh_token"), "r");
}

#[test]
fn every_grant_sends_what_its_specification_has() {
    let place = Place::new();
    let file = |name: &str| place.put(name, format!("the {name}\n"));
    let [code, assertion, subject, actor] = ["code", "assertion", "subject", "actor"].map(file);
    let verifier = place.put("verifier", VERIFIER);
    // RFC 6749 §4.1.3, RFC 7636 §4.5
    let exchange =
        ["--code", &code, "--code-verifier", &verifier, "--redirect-uri", "https://app.example/cb"];
    assert_eq!(
        sent("authorization-code", &exchange, "").parameters(),
        [
            ("grant_type", "authorization_code"),
            ("code", "the code"),
            ("redirect_uri", "https://app.example/cb"),
            ("code_verifier", VERIFIER)
        ]
    );
    // RFC 7523 §2.1
    assert_eq!(
        sent("jwt-bearer", &["--assertion", &assertion, "--param", "audience=x"], "").parameters(),
        [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", "the assertion"),
            ("audience", "x")
        ]
    );
    // RFC 8693 §2.1, RFC 8707 §2
    let least = ["--subject-token", &subject];
    assert_eq!(
        sent("token-exchange", &least, "").parameters(),
        [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", "the subject"),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token")
        ]
    );
    let most = [
        "--subject-token",
        "-",
        "--subject-token-type",
        "id_token",
        "--actor-token",
        &actor,
        "--actor-token-type",
        "urn:x",
        "--requested-token-type",
        "jwt",
        "--param",
        "resource=https://api.example/",
    ];
    assert_eq!(
        sent("token-exchange", &most, "s").parameters(),
        [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", "s"),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:id_token"),
            ("actor_token", "the actor"),
            ("actor_token_type", "urn:x"),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:jwt"),
            ("resource", "https://api.example/")
        ]
    );
    assert_eq!(sent("client-credentials", &[], "").parameters(), [("grant_type", "client_credentials")]);
    let resources = ["--resource", "urn:a", "--resource", "https://api.example/x", "--resource", "urn:a"];
    assert_eq!(
        sent("client-credentials", &resources, "").parameters(),
        [("grant_type", "client_credentials"), ("resource", "urn:a"), ("resource", "https://api.example/x")]
    );
}

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated() {
    let place = Place::new();
    let with = |source: &str| {
        let run = refused(&["--grant", "refresh-token", "--refresh-token", source]);
        assert!(!run.stderr.contains("canary") && run.stdout.is_empty(), "{}", run.stderr);
        run
    };
    assert_eq!(
        with("a-canary").refused(&[]),
        "pkjwt: --refresh-token: No such file or directory (os error 2); expected a file, - or env:VAR, never the \
         secret itself\n"
    );
    for variable in ["env:CANARY_canary", "env:", "env:a=canary"] {
        assert_eq!(
            with(variable).usage(&[]),
            "pkjwt: --refresh-token: the variable is empty or not set\n",
            "{variable}"
        );
    }
    with("").clap();
    let file = |content: &[u8]| with(&place.put("file", content)).refused(&[]);
    assert_eq!(file(b" \n"), "pkjwt: --refresh-token: it is empty\n");
    let unprintable = "pkjwt: --refresh-token: it is not one line of printable ASCII (RFC 6749 appendix A)\n";
    for content in [&b"canary\ncanary"[..], b"canary\x1b[2J", b"canary\xff", "canary\u{e9}".as_bytes()] {
        assert_eq!(file(content), unprintable);
    }
    assert_eq!(file(&vec![b'x'; 65_537]), "pkjwt: --refresh-token: more than 65536 bytes\n");
    with(&place.name("")).refused(&["Is a directory"]);
    #[cfg(unix)]
    {
        assert_eq!(with("/dev/null").refused(&[]), "pkjwt: --refresh-token: it is empty\n");
        assert_eq!(with("/dev/zero").refused(&[]), "pkjwt: --refresh-token: more than 65536 bytes\n");
    }
}

#[test]
fn options_belong_to_a_grant_and_standard_input_holds_one_thing() {
    let key = testdata("p256.pkcs8.pem");
    for (more, line) in [
        (&["--code", "x"][..], "--code: is only valid with --grant authorization-code"),
        (&["--refresh-token", "x"], "--refresh-token: is only valid with --grant refresh-token"),
        (
            &["--grant", "device-code", "--assertion", "x"],
            "--assertion: is only valid with --grant jwt-bearer",
        ),
        (&["--subject-token", "x"], "--subject-token: is only valid with --grant token-exchange"),
        (
            &["--requested-token-type", "jwt"],
            "--requested-token-type: is only valid with --grant token-exchange",
        ),
        (&["--grant", "refresh-token"], "--grant refresh-token: needs --refresh-token"),
        (&["--grant", "jwt-bearer"], "--grant jwt-bearer: needs --assertion"),
        (&["--grant", "token-exchange"], "--grant token-exchange: needs --subject-token"),
        (
            &["--grant", "authorization-code", "--code", "x"],
            "--grant authorization-code: needs --redirect-uri",
        ),
        (
            &["--grant", "authorization-code", "--code", "x", "--redirect-uri", "https://app.example"],
            "--grant authorization-code: needs --code-verifier",
        ),
        (
            &["--grant", "authorization-code", "--code-verifier", "x"],
            "--code-verifier: needs --code; a browser login creates its own verifier",
        ),
        (
            &["--grant", "token-exchange", "--subject-token", &key, "--actor-token-type", "jwt"],
            "--actor-token-type: needs --actor-token",
        ),
        (
            &["--grant", "token-exchange", "--subject-token", "-", "--actor-token", "-"],
            "-: only one argument can read standard input",
        ),
        (
            &["--grant", "refresh-token", "--refresh-token", "-", "--ca-file", "-"],
            "-: only one argument can read standard input",
        ),
        (&["--resource", "x#y"], "--resource: the resource x#y is not an absolute URI without a fragment"),
        (&["--param", "resource=x"], "--param: the resource x is not an absolute URI without a fragment"),
    ] {
        assert_eq!(refused(more).usage(&[]), format!("pkjwt: {line}\n"));
    }
    let place = Place::new();
    let short = place.put("verifier", "short");
    let code = ["--grant", "authorization-code", "--code", &short, "--redirect-uri", "https://app.example"];
    let code: Vec<&str> = code.into_iter().chain(["--code-verifier", &short]).collect();
    refused(&code).refused(&["--code-verifier: the code verifier is not 43 to 128"]);
    let reserved = ["--grant", "refresh-token", "--refresh-token", &short, "--param", "refresh_token=x"];
    refused(&reserved).usage(&["`refresh_token` is set by the request itself"]);
    for kind in ["access-token", "", "nonsense"] {
        refused(&["--grant", "token-exchange", "--subject-token-type", kind]).clap();
    }
    refused(&["--grant", "password"]).clap();
    // Before the key is opened, so the passphrase is not asked for.
    let encrypted = testdata("p256.scrypt-aes256.pem");
    let token = ["token", "--token-endpoint", "https://as.example/", "--client-id", "c", "--key", &encrypted];
    pkjwt(token.iter().chain(&["--grant", "jwt-bearer"])).usage(&["needs --assertion"]);
}

#[test]
fn an_endpoint_that_the_server_does_not_name_can_be_named() {
    for more in [
        &["--endpoint", "token_endpoint=https://as.example/"][..],
        &["--endpoint", "introspection=https://as.example/"],
        &["--endpoint", "introspection_endpoint"],
        &["--endpoint", "introspection_endpoint="],
    ] {
        refused(more).clap();
    }
    refused(&["--endpoint", "revocation_endpoint=http://as.example/"])
        .refused(&["--endpoint: the revocation_endpoint http://as.example/ is plain http"]);
    let device = refused(&["--grant", "device-code"]);
    assert_eq!(
        device.refused(&[]),
        "pkjwt: token: the authorization server has no device_authorization_endpoint; set it with --endpoint \
         device_authorization_endpoint=URL\n"
    );
}
