//! An authorization server and verifiers that nobody of this project wrote: `oidc-provider`, `jose` and `PyJWT`.
//!
//! `cargo test --test interop --features cli` installs them with npm and pip where they are not there yet, starts the
//! server on loopback, and ends it. It needs Node.js, npm and Python 3, and fails by name without them. A plain
//! `cargo test` does not run this suite.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "../support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use private_key_jwt::oauth::OAuthError;
use private_key_jwt::{
    Algorithm, Audience, AuthorizationServer, ClientAssertion, Error, JwkSet, PrivateKey, TokenClient,
    TokenRequest,
};
use serde_json::json;
use support::key;
use time::OffsetDateTime;

/// Each algorithm with the key file that it is tried with.
const ALGORITHMS: [(Algorithm, &str); 11] = [
    (Algorithm::RS256, "rsa2048.pkcs8.pem"),
    (Algorithm::RS384, "rsa2048.pkcs8.pem"),
    (Algorithm::RS512, "rsa2048.pkcs8.pem"),
    (Algorithm::PS256, "rsa2048.pkcs8.pem"),
    (Algorithm::PS384, "rsa2048.pkcs8.pem"),
    (Algorithm::PS512, "rsa2048.pkcs8.pem"),
    (Algorithm::ES256, "p256.pkcs8.pem"),
    (Algorithm::ES384, "p384.pkcs8.pem"),
    (Algorithm::ES512, "p521.pkcs8.pem"),
    (Algorithm::EdDSA, "ed25519.pkcs8.pem"),
    (Algorithm::Ed25519, "ed25519.pkcs8.pem"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop")
}

fn signing_key(algorithm: Algorithm, file: &str) -> PrivateKey {
    key(file).with_algorithm(algorithm).unwrap()
}

/// Runs a command to its end and hands on what it printed.
fn run(command: &mut Command, stdin: &str) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("the interop suite needs `{name}`: {error}"));
    // A command that does not read its input closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(format!("{name}: {}: {} {}", output.status, text(&output.stdout), text(&output.stderr)))
    }
}

/// The npm packages of the lock file, installed once.
fn node_modules() -> &'static Path {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let modules = folder().join("node_modules");
        let lock = |path: &Path| std::fs::metadata(path).and_then(|file| file.modified()).ok();
        let installed = lock(&modules.join(".package-lock.json"));
        if installed.is_none() || installed < lock(&folder().join("package-lock.json")) {
            run(Command::new("npm").arg("ci").current_dir(folder()), "").unwrap();
        }
        modules
    })
}

/// A Python with PyJWT, installed once below the target directory.
fn python() -> &'static Path {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("interop-venv");
        let python = venv.join("bin/python");
        let ready = || run(Command::new(&python).args(["-c", "import jwt, cryptography"]), "").is_ok();
        if !(python.exists() && ready()) {
            run(Command::new("python3").args(["-m", "venv"]).arg(&venv), "").unwrap();
            let requirements = folder().join("requirements.txt");
            run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(requirements), "")
                .unwrap();
        }
        python
    })
}

/// oidc-provider, with one client for each algorithm, named after it. It ends when its input does.
struct Server {
    issuer: String,
    _process: Child,
    _config: tempfile::NamedTempFile,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let clients: Vec<_> = ALGORITHMS
            .iter()
            .map(|(algorithm, file)| {
                let jwks = JwkSet::from(signing_key(*algorithm, file).public_jwk().clone());
                json!({"client_id": algorithm.as_str(), "jwks": jwks,
                    "token_endpoint_auth_signing_alg": algorithm.as_str()})
            })
            .collect();
        start(&json!({ "clients": clients }))
    })
}

fn start(config: &serde_json::Value) -> Server {
    node_modules();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(config.to_string().as_bytes()).unwrap();
    let mut process = Command::new("node")
        .arg(folder().join("server.mjs"))
        .arg(file.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("the interop suite needs `node`: {error}"));
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let issuer =
        line.trim().strip_prefix("ISSUER ").unwrap_or_else(|| panic!("not an issuer: {line:?}")).to_owned();
    Server { issuer, _process: process, _config: file }
}

#[tokio::test]
async fn the_token_client_gets_a_token_with_every_algorithm_by_discovery() {
    let issuer = &server().issuer;
    let found = AuthorizationServer::discover(issuer).await.unwrap();
    let mut count = 0;
    for (algorithm, file) in ALGORITHMS {
        let client =
            TokenClient::new(found.clone(), algorithm.as_str(), signing_key(algorithm, file)).unwrap();
        let response = client.request(&TokenRequest::client_credentials("api:read")).await.unwrap();
        assert!(response.access_token().is_bearer(), "{algorithm}");
        assert!(response.access_token().expires_at().unwrap() > OffsetDateTime::now_utc());
        assert_eq!(response.scope().unwrap().to_string(), "api:read");
        count += 1;
        println!("oidc-provider, token endpoint, {algorithm}: a token");
    }
    assert_eq!(count, 11);
}

#[tokio::test]
async fn the_token_endpoint_as_audience_is_accepted_too() {
    let found = AuthorizationServer::discover(&server().issuer).await.unwrap();
    for audience in [Audience::TokenEndpoint, Audience::CalledEndpoint, Audience::Issuer] {
        let client = TokenClient::builder(found.clone(), "ES256", key("p256.pkcs8.pem")).audience(audience);
        assert!(client.build().unwrap().token(()).await.is_ok());
    }
}

#[tokio::test]
async fn a_wrong_key_and_a_wrong_audience_are_refused_with_invalid_client() {
    let found = AuthorizationServer::discover(&server().issuer).await.unwrap();
    let wrong_key = TokenClient::builder(found.clone(), "ES256", key("p256.pkcs8.pem").with_key_id("other"));
    let wrong_audience = TokenClient::builder(found, "ES256", key("p256.pkcs8.pem"))
        .audience(Audience::Exactly("https://elsewhere.example".to_owned()));
    for builder in [wrong_key, wrong_audience] {
        let error = support::clean(builder.build().unwrap().token(()).await.unwrap_err());
        let Error::OAuth(OAuthError::Refused(refusal)) = error else { panic!("{error:?}") };
        assert_eq!((refusal.status(), refusal.error()), (401, Some("invalid_client")));
    }
}

#[tokio::test]
async fn an_assertion_is_good_once() {
    let found = AuthorizationServer::discover(&server().issuer).await.unwrap();
    let builder = ClientAssertion::builder("ES384", &found);
    let assertion = builder.sign(&key("p384.pkcs8.pem"), OffsetDateTime::now_utc(), "interop-once").unwrap();
    let http = private_key_jwt::transport::ReqwestClient::new().unwrap();
    let mut statuses = Vec::new();
    for _ in 0..2 {
        let request = TokenRequest::client_credentials(()).to_http(&found, &assertion).unwrap();
        let response = private_key_jwt::transport::HttpClient::send(&http, request).await.unwrap();
        statuses.push(response.status().as_u16());
    }
    assert_eq!(statuses, [200, 401]);
}

#[tokio::test]
async fn the_server_reads_our_jwks_from_its_url() {
    let keys = private_key_jwt::KeyRing::from(key("p256.pkcs8.pem"));
    let published = wiremock::MockServer::start().await;
    wiremock::Mock::given(wiremock::matchers::path("/jwks.json"))
        .respond_with(wiremock::ResponseTemplate::new(200).set_body_json(keys.jwks()))
        .mount(&published)
        .await;
    let server = start(&json!({"clients": [
        {"client_id": "by-url", "jwks_uri": format!("{}/jwks.json", published.uri())}
    ]}));
    let found = AuthorizationServer::discover(&server.issuer).await.unwrap();
    assert!(TokenClient::new(found, "by-url", keys).unwrap().token("api:write").await.is_ok());
}

#[test]
fn the_command_line_gets_tokens_for_rsa_and_each_curve() {
    let issuer = &server().issuer;
    for (algorithm, file) in ALGORITHMS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/keys").join(file);
        let mut command = Command::new(env!("CARGO_BIN_EXE_pkjwt"));
        command.args(["token", "--issuer", issuer, "--client-id", algorithm.as_str(), "--scope", "api:read"]);
        command.args(["--alg", algorithm.as_str(), "--key"]).arg(path);
        let token = run(&mut command, "").unwrap();
        assert_eq!(token.split('.').count(), 3, "{algorithm}");
        println!("oidc-provider, pkjwt token, {algorithm}: a token");
    }
}

/// What another library needs to judge an assertion of ours.
fn document(algorithm: Algorithm, file: &str) -> String {
    let server = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
    let key = signing_key(algorithm, file);
    let builder = ClientAssertion::builder("client", &server);
    let assertion = builder.sign(&key, OffsetDateTime::now_utc(), "jti").unwrap();
    json!({"jwt": assertion.secret(), "jwks": JwkSet::from(key.public_jwk().clone()), "issuer": "client",
        "audience": "https://as.example", "typ": "client-authentication+jwt"})
    .to_string()
}

#[test]
fn jose_verifies_our_assertions() {
    node_modules();
    for (algorithm, file) in ALGORITHMS {
        let verify = || {
            let mut command = Command::new("node");
            command.arg(folder().join("verify.mjs"));
            command
        };
        let document = document(algorithm, file);
        assert_eq!(run(&mut verify(), &document).unwrap(), format!("OK {algorithm}"));
        assert!(
            run(&mut verify(), &document.replace("https://as.example", "https://other.example")).is_err()
        );
    }
}

#[test]
fn pyjwt_verifies_our_assertions() {
    // PyJWT knows Ed25519 under its older name only.
    for (algorithm, file) in ALGORITHMS.into_iter().filter(|(algorithm, _)| *algorithm != Algorithm::Ed25519)
    {
        let verify = || {
            let mut command = Command::new(python());
            command.arg(folder().join("verify.py"));
            command
        };
        let document = document(algorithm, file);
        assert_eq!(run(&mut verify(), &document).unwrap(), format!("OK {algorithm}"));
        assert!(
            run(&mut verify(), &document.replace("https://as.example", "https://other.example")).is_err()
        );
    }
}
