use std::fs;

use serde_json::Value;

use crate::run::{Place, assertion, pkjwt, pkjwt_envs, pkjwt_stdin, private_key, testdata};
use crate::server::{Server, answering};

fn doctor(issuer: &str, more: &[&str]) -> Vec<String> {
    let key = testdata("p256.pkcs8.pem");
    let arguments = ["doctor", "--issuer", issuer, "--client-id", "p256", "--key", &key];
    arguments.iter().chain(more).map(|argument| (*argument).to_owned()).collect()
}

#[test]
fn a_healthy_client_is_told_so_line_by_line() {
    let place = Place::new();
    let server = Server::start(&[format!("p256={}", place.jwks("p256"))]);
    let key = place.put("key.pem", fs::read(testdata("p256.pkcs8.pem")).unwrap());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let jwks = place.jwks("p256");
    let arguments =
        ["doctor", "--issuer", &server.issuer, "--client-id", "p256", "--key", &key, "--jwks", &jwks];
    let stdout = pkjwt(arguments).done();
    assert!(stdout.starts_with("✓ key: EC P-256 key of 256 bits, signs ES256, kid \""), "{stdout}");
    assert!(
        stdout.contains("\n✓ request: the server accepted the assertion and issued a Bearer token"),
        "{stdout}"
    );
    assert!(!stdout.contains('✗') && !stdout.contains('\u{1b}'), "{stdout}");
    let json: Value = serde_json::from_str(&pkjwt(arguments.iter().chain(&["--json"])).done()).unwrap();
    assert_eq!((&json["healthy"], &json["requests"]), (&true.into(), &1.into()));
    assert_eq!(json["findings"][0]["step"], "key");
    assert_eq!(json["findings"][0]["verdict"], "good");
}

#[test]
fn a_mistake_is_a_cross_and_exit_status_1() {
    let place = Place::new();
    let server = Server::start(&[format!("p256={}", place.jwks("p256"))]);
    let slash = format!("{}/", server.issuer);
    let run = pkjwt(doctor(&slash, &[]));
    assert_eq!((run.status, run.stderr.as_str()), (Some(1), "pkjwt: doctor: 1 check failed\n"));
    let line = run.stdout.lines().find(|line| line.starts_with('✗')).unwrap();
    assert_eq!(
        line,
        format!(
            "✗ discovery: the metadata names the issuer {}, not {slash}; they differ only by a slash at the end → use \
             the issuer exactly as published: {}",
            server.issuer, server.issuer
        )
    );
    assert!(
        run.stdout.contains("- request: not checked: no request was sent: the token endpoint is not known")
    );
    let offline = pkjwt(doctor(&server.issuer, &["--offline"])).done();
    assert!(
        offline.contains("- discovery: not checked: the metadata was not fetched (offline)"),
        "{offline}"
    );
}

#[test]
fn a_probe_prints_the_options_that_the_server_takes() {
    let metadata = |origin: &str| format!(r#"{{"issuer":"{origin}","token_endpoint":"{origin}/token"}}"#);
    let refused = ("401 Unauthorized", r#"{"error":"invalid_client"}"#);
    let token = ("200 OK", r#"{"access_token":"opaque-token","token_type":"Bearer"}"#);
    // The origin is known only once the server listens, so the metadata is for another issuer.
    let body: &'static str = Box::leak(metadata("http://127.0.0.1:1").into_boxed_str());
    let address = answering(vec![("200 OK", body), refused, refused, token]);
    let issuer = format!("http://{address}");
    let run = pkjwt(doctor(&issuer, &["--probe"]));
    assert_eq!(run.status, Some(1), "{}", run.stdout);
    let address = answering(vec![refused, refused, token]);
    let endpoint = format!("http://{address}/token");
    let key = testdata("p256.pkcs8.pem");
    let arguments =
        ["doctor", "--token-endpoint", &endpoint, "--client-id", "p256", "--key", &key, "--probe"];
    let run = pkjwt(arguments);
    assert!(
        run.stdout.contains("The server accepts these options:\n  --audience http://127.0.0.1:"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("In Rust:\n  Profile::new(\"my server\")"), "{}", run.stdout);
    assert!(!run.stdout.contains("opaque-token"));
}

#[test]
fn an_assertion_of_another_library_is_judged() {
    let place = Place::new();
    let jwt = place.put("assertion.jwt", assertion(&testdata("p256.pkcs8.pem"), &[]));
    let jwks = place.jwks("p256");
    let stdout = pkjwt(["doctor", "--assertion", &jwt, "--profile", "keycloak", "--jwks", &jwks]).done();
    assert!(stdout.contains("✓ assertion: the signature verifies with the given keys"), "{stdout}");
    let run = pkjwt(["doctor", "--assertion", &jwt, "--profile", "auth0", "--json"]);
    assert_eq!(run.status, Some(1));
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(json["findings"][0]["check"], "algorithm", "{json}");
    let stdin = fs::read(&jwt).unwrap();
    let run =
        pkjwt_stdin(["doctor", "--assertion", "-", "--issuer", "https://as.example", "--offline"], &stdin);
    assert!(run.done().contains("aud is https://as.example"));
    assert!(!stdout.contains("eyJ"));
}

#[test]
fn a_message_is_looked_up() {
    let stdout = pkjwt(["doctor", "--explain", "Invalid token audience"]).done();
    assert!(stdout.contains("audience"), "{stdout}");
    let json = r#"{"error":"invalid_client","error_description":"Invalid token audience"}"#;
    assert!(pkjwt(["doctor", "--explain", json]).done().contains("audience"));
    let unknown = pkjwt_stdin(["doctor", "--explain", "-"], b"the printer is on fire").done();
    assert_eq!(unknown, "- request: not checked: this message is not known, so there is no guess\n");
}

#[test]
fn a_key_that_cannot_be_used_is_a_finding_and_the_rest_is_examined() {
    let place = Place::new();
    let server = Server::start(&[format!("p256={}", place.jwks("p256"))]);
    for (key, text) in [
        (testdata("bad/rsa2048.roca.jwk.json"), "CVE-2017-15361"),
        (testdata("p256.pbkdf2-sha256-aes256.pem"), "a passphrase is required"),
        (testdata("p256.pub.pem"), "expected a private key"),
        (place.name("no-such.pem"), "cannot read"),
    ] {
        let run = pkjwt(["doctor", "--issuer", &server.issuer, "--client-id", "p256", "--key", &key]);
        assert_eq!(run.status, Some(1), "{}", run.stderr);
        assert!(run.stdout.starts_with("✗ key: ") && run.stdout.contains(text), "{}", run.stdout);
        assert!(run.stdout.contains("✓ discovery: the issuer is"), "{}", run.stdout);
    }
    // A key in place of its path is not shown.
    let pem = fs::read_to_string(testdata("p256.pkcs8.pem")).unwrap();
    let run = pkjwt(["doctor", "--issuer", &server.issuer, "--client-id", "p256", "--key", &pem]);
    run.usage(&["--key: expected a path"]);
}

#[test]
fn options_come_from_variables_too() {
    let place = Place::new();
    let server = Server::start(&[format!("p256={}", place.jwks("p256"))]);
    let key = testdata("p256.pkcs8.pem");
    let variables = [("PKJWT_ISSUER", &*server.issuer), ("PKJWT_CLIENT_ID", "p256"), ("PKJWT_KEY", &key)];
    assert!(pkjwt_envs(["doctor"], &variables).done().contains("✓ request: "));
    pkjwt(["doctor"]).clap();
    pkjwt(["doctor", "--explain", "Invalid token audience"]).done();
    let kid = private_key("p256").key_id().as_str().to_owned();
    let run = pkjwt(doctor(&server.issuer, &["--kid", "other", "--jwks", &place.jwks("p256")]));
    assert!(run.stdout.contains(&format!("under the kid \"{kid}\", but assertions name \"other\"")));
}
