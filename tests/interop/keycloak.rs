//! Keycloak, which sends no `Date`: every endpoint with every algorithm, its refusals, and a wrong
//! clock.
//!
//! Maven fetches it once below the target directory. It needs Java 17, Maven, Python 3 and 1 GB of
//! memory, and takes a minute to start. It ends with the test.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use private_key_jwt::client::ErrorKind;
use private_key_jwt::client::TokenClientBuilder;
use private_key_jwt::oauth::{AuthorizationRequest, Endpoint, OAuthError};
use private_key_jwt::{
    Algorithm, Audience, AuthorizationServer, Error, PrivateKey, TokenClient, TokenRequest,
};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::peers::{maven, run};
use crate::record::Record;
use crate::support::{clean, loopback};
use crate::{ALGORITHMS, jwks, path, refusal, signing_key};

const VERSION: &str = "26.7.3";
const REDIRECT_URI: &str = "http://127.0.0.1/cb";
/// Keycloak knows Ed25519 under its older name only.
const KNOWN: usize = 10;
/// How the server gets a client's keys, and the prefixes of those clients' names.
const REGISTRATIONS: [&str; 2] = ["value", "url"];

/// The issuer of the realm, once the server answers.
fn keycloak() -> &'static str {
    static SERVER: OnceLock<(String, Child)> = OnceLock::new();
    &SERVER.get_or_init(start).0
}

fn start() -> (String, Child) {
    let home = installed();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let import = home.join("data/import");
    std::fs::create_dir_all(&import).unwrap();
    std::fs::write(import.join("pkjwt-realm.json"), realm(&publish()).to_string()).unwrap();
    // The shell ends the server when its own input ends, which is when the test does.
    let script = "bash \"$0\" \"$@\" </dev/null >keycloak.log 2>&1 & cat >/dev/null; kill $!";
    let mut command = Command::new("bash");
    command.current_dir(&home).args(["-c", script, "bin/kc.sh", "start-dev", "--import-realm"]);
    command.args(["--db=dev-mem", "--cache=local", "--http-host=127.0.0.1"]);
    command.args([format!("--http-port={port}"), format!("--hostname={url}")]);
    command.env("JAVA_OPTS_KC_HEAP", "-Xms64m -Xmx640m");
    let child = command.stdin(Stdio::piped()).spawn();
    let child = child.unwrap_or_else(|error| panic!("the interop suite needs `bash`: {error}"));
    let issuer = format!("{url}/realms/pkjwt");
    let begun = Instant::now();
    while !answers(port) {
        let log = || std::fs::read_to_string(home.join("keycloak.log")).unwrap_or_default();
        assert!(begun.elapsed() < Duration::from_secs(600), "Keycloak did not start: {}", log());
        std::thread::sleep(Duration::from_millis(500));
    }
    (issuer, child)
}

/// Whether the realm's metadata is available.
fn answers(port: u16) -> bool {
    let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", port)) else { return false };
    let path = "/realms/pkjwt/.well-known/openid-configuration";
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    let mut line = String::new();
    stream.write_all(request.as_bytes()).is_ok()
        && BufReader::new(stream).read_line(&mut line).is_ok()
        && line.contains(" 200 ")
}

/// The folder of the distribution.
fn installed() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("keycloak");
    let home = folder.join(format!("keycloak-{VERSION}"));
    let archive = folder.join(format!("keycloak-quarkus-dist-{VERSION}.zip"));
    if !home.join("bin/kc.sh").exists() {
        std::fs::create_dir_all(&folder).unwrap();
        let artifact = format!("-Dartifact=org.keycloak:keycloak-quarkus-dist:{VERSION}:zip");
        let mut copy = Command::new("mvn");
        copy.args(["--quiet", "--batch-mode", "dependency:copy", &artifact]);
        maven(copy.arg(format!("-DoutputDirectory={}", folder.display())).current_dir(&folder));
        let mut python = Command::new("python3");
        run(python.args(["-m", "zipfile", "-e"]).args([&archive, &folder]), "").unwrap();
        std::fs::remove_file(archive).unwrap();
    }
    home
}

/// Serves the keys of every algorithm, each at its path. Returns the URL.
fn publish() -> String {
    let documents: BTreeMap<String, String> = ALGORITHMS
        .into_iter()
        .map(|(algorithm, file)| (format!("GET /{algorithm}"), jwks(algorithm, file).to_string()))
        .collect();
    let address = loopback::Server::on_a_thread(std::iter::repeat(()), None, move |(), request| {
        let (status, body) = match documents.get(&request.line) {
            Some(document) => ("200 OK", document.as_str()),
            None => ("404 Not Found", ""),
        };
        let head = format!("{status}\r\ncontent-type: application/json\r\nconnection: close");
        loopback::answer(&head, body)
    });
    format!("http://{address}")
}

/// A realm with one client for each algorithm and each way to register its keys.
fn realm(published: &str) -> Value {
    let clients = ALGORITHMS[..KNOWN].iter().flat_map(|&(algorithm, file)| {
        REGISTRATIONS.map(|registration| {
            let keys = match registration {
                "value" => jwks(algorithm, file).to_string(),
                _ => format!("{published}/{algorithm}"),
            };
            let names = if registration == "value" { "string" } else { "url" };
            json!({
                "clientId": format!("{registration}-{algorithm}"), "protocol": "openid-connect",
                "publicClient": false, "serviceAccountsEnabled": true, "standardFlowEnabled": true,
                "redirectUris": [REDIRECT_URI], "clientAuthenticatorType": "client-jwt",
                "attributes": {
                    "token.endpoint.auth.signing.alg": algorithm.as_str(),
                    "oauth2.device.authorization.grant.enabled": "true",
                    format!("use.jwks.{names}"): "true", format!("jwks.{names}"): keys,
                },
            })
        })
    });
    let clients: Vec<Value> = clients.collect();
    json!({"realm": "pkjwt", "enabled": true, "sslRequired": "none", "clients": clients})
}

/// The client of an algorithm. Its requests are recorded.
async fn builder(
    registration: &str,
    algorithm: Algorithm,
    key: PrivateKey,
    record: &Record,
) -> TokenClientBuilder {
    let server = AuthorizationServer::discover(keycloak()).await.unwrap();
    TokenClient::builder(server, format!("{registration}-{algorithm}"), key).http(record.clone())
}

/// The ES256 client whose keys are registered by value.
async fn es256(record: &Record) -> TokenClientBuilder {
    let (algorithm, file) = ALGORITHMS[6];
    builder("value", algorithm, signing_key(algorithm, file), record).await
}

fn request() -> TokenRequest {
    TokenRequest::client_credentials(())
}

#[tokio::test]
async fn every_endpoint_takes_every_algorithm_by_value_and_by_url() {
    let record = Record::of("Keycloak");
    for &(algorithm, file) in &ALGORITHMS[..KNOWN] {
        for registration in REGISTRATIONS {
            let key = signing_key(algorithm, file);
            let client = builder(registration, algorithm, key, &record).await.build().unwrap();
            let token =
                client.request(&request()).await.unwrap_or_else(|error| panic!("{algorithm}: {error}"));
            let token = token.access_token().secret();
            // The server tells a client nothing about a token for another audience.
            assert!(!client.introspect(token).await.unwrap().is_active(), "{algorithm}");
            client.revoke(token).await.unwrap();
            let verifier = private_key_jwt::client::fresh_code_verifier().unwrap();
            let login = AuthorizationRequest::new(REDIRECT_URI, &verifier).scope("openid");
            client.push_authorization(&login).await.unwrap();
            client.authorize_device("openid").await.unwrap();
        }
    }
    let counts = record.print();
    let server = AuthorizationServer::discover(keycloak()).await.unwrap();
    for endpoint in Endpoint::ALL {
        let status = if endpoint == Endpoint::PushedAuthorization { 201 } else { 200 };
        assert_eq!(counts[&(path(&server, endpoint), status)], 20, "{endpoint:?}");
    }
    assert_eq!(counts.values().sum::<usize>(), 100);
}

#[tokio::test]
async fn it_says_why_it_refuses() {
    let record = Record::of("Keycloak");
    let refused = async |builder: TokenClientBuilder| {
        let refusal = refusal(builder.build().unwrap().request(&request()).await);
        assert_eq!(refusal.error(), Some("invalid_client"));
        (refusal.status(), refusal.description().unwrap().to_owned())
    };
    let (algorithm, file) = ALGORITHMS[6];
    let unknown_key = signing_key(algorithm, file).with_key_id("unknown");
    let unknown_key = builder("value", algorithm, unknown_key, &record).await;
    assert_eq!(refused(unknown_key).await, (400, "Unable to load public key".to_owned()));
    let audience = Audience::Exactly("https://elsewhere.example".to_owned());
    let wrong_audience = es256(&record).await.audience(audience);
    assert_eq!(refused(wrong_audience).await, (400, "Invalid token audience".to_owned()));
    let unknown_client = builder("unknown", algorithm, signing_key(algorithm, file), &record).await;
    assert_eq!(
        refused(unknown_client).await,
        (401, "Invalid client or Invalid client credentials".to_owned())
    );
    // None of these is about time: each was sent once.
    assert_eq!(record.print().values().sum::<usize>(), 3);
}

/// The ES256 client with a clock that is ahead of the server's by this.
async fn ahead(seconds: i64, record: &Record) -> TokenClient {
    let clock = move || OffsetDateTime::now_utc() + time::Duration::seconds(seconds);
    es256(record).await.clock(clock).build().unwrap()
}

#[tokio::test]
async fn a_clock_that_is_off_by_a_minute_or_two_is_corrected_once() {
    // 60 s behind, the assertion expires as it arrives.
    for (seconds, corrections) in [
        (-30, 0..=0),
        (-60, 0..=1),
        (-90, 1..=1),
        (-200, 3..=4),
        (30, 1..=1),
        (60, 1..=1),
        (90, 2..=2),
        (200, 3..=4),
    ] {
        let record = Record::of("Keycloak");
        let client = ahead(seconds, &record).await;
        client.request(&request()).await.unwrap_or_else(|error| panic!("{seconds}: {error}"));
        let endpoint = path(&client.server().await.unwrap(), Endpoint::Token);
        let refused = record.count(&endpoint, Algorithm::ES256, 400);
        assert!(corrections.contains(&refused), "{seconds}: {refused}");
        for _ in 0..3 {
            client.request(&request()).await.unwrap();
        }
        client.introspect("unknown").await.unwrap();
        assert_eq!(record.count(&endpoint, Algorithm::ES256, 400), refused, "{seconds}");
        assert_eq!(record.count(&endpoint, Algorithm::ES256, 200), 4, "{seconds}");
        if refused > 0 {
            // The `iat` of the tokens shows the difference.
            let off = client.assertion().await.unwrap().issued_at() - OffsetDateTime::now_utc();
            assert!(off.abs() < time::Duration::seconds(5), "{seconds}: {off}");
        }
        println!("Keycloak, the clock {seconds} s off: {refused} corrections");
    }
}

#[tokio::test]
async fn a_clock_that_is_an_hour_off_is_named() {
    for (seconds, text) in [(-3600, "Token is not active"), (3600, "Token was issued in the future")] {
        let record = Record::of("Keycloak");
        let client = ahead(seconds, &record).await;
        let error = clean(client.request(&request()).await.unwrap_err());
        let ErrorKind::OAuth(OAuthError::Refused(refusal)) = error.kind() else { panic!("{error:?}") };
        assert_eq!((refusal.status(), refusal.description()), (400, Some(text)));
        let clock = refusal.clock().unwrap();
        let off = clock.now() - OffsetDateTime::now_utc() - time::Duration::seconds(seconds);
        assert!(off.abs() < time::Duration::seconds(30), "{off}");
        assert_eq!(clock.expires_at() - clock.issued_at(), time::Duration::minutes(1));
        assert!(error.to_string().contains("; check the clock: this machine's says 20"), "{error}");
        assert_eq!((error.attempts(), record.print().values().sum::<usize>()), (5, 5));
    }
}

#[tokio::test]
async fn a_code_is_sent_again_where_the_clock_is_wrong() {
    let record = Record::of("Keycloak");
    let client = ahead(30, &record).await;
    let verifier = private_key_jwt::client::fresh_code_verifier().unwrap();
    // The code is wrong, and the server checks it.
    let refusal = refusal_of_last(client.authorization_code("none", REDIRECT_URI, &verifier).await);
    assert_eq!((refusal.0, &*refusal.1), (400, "invalid_grant"));
    assert_eq!(record.print().values().sum::<usize>(), 2);
}

fn refusal_of_last<T: std::fmt::Debug>(result: Result<T, Error>) -> (u16, String) {
    let error = clean(result.unwrap_err());
    let refusal = error.refusal().unwrap_or_else(|| panic!("{error:?}"));
    (refusal.status(), refusal.error().unwrap_or_default().to_owned())
}
