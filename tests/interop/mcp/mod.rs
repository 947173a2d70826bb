//! The MCP conformance suite, which plays an MCP server and its authorization server: every
//! authorization scenario that a client with a key can run.

mod login;

use std::collections::BTreeSet;
use std::error::Error;
use std::io::Write;
use std::process::Command;

use private_key_jwt::oauth::{BearerChallenge, JwtGrant, ProtectedResource};
use private_key_jwt::{AuthorizationServer, TokenClient};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::examples;
use crate::peers::{folder, node, run};
use crate::support::{key, testdata};
use login::Login;

type Failure = Box<dyn Error + Send + Sync>;

/// The client of a scenario.
#[derive(Clone, Copy)]
enum Client {
    /// `examples/mcp_client.rs`.
    Example,
    /// A user logs in with a code.
    Login,
    /// The same, with a client that the test registers by itself.
    RegisteredLogin,
    /// A grant that another party signed (RFC 7523 §2.1).
    Grant,
}
use Client::{Example, Grant, Login as Code, RegisteredLogin};

/// The text of the error with which the client stops; without one, it reaches the end.
type Refusal = Option<&'static str>;

const OTHER_ISSUER: Refusal = Some("the authorization response is from the issuer");
const NO_ISSUER: Refusal = Some("has no iss, which the server's metadata promises");

const SCENARIOS: [(&str, Client, Refusal); 23] = [
    ("auth/client-credentials-jwt", Example, None),
    ("auth/resource-mismatch", Example, Some("ResourceMismatch { expected: \"http://localhost:")),
    ("auth/metadata-issuer-mismatch", Example, Some("IssuerMismatch { expected: \"http://localhost:")),
    ("auth/wif-jwt-bearer", Grant, None),
    ("auth/metadata-default", RegisteredLogin, None),
    ("auth/metadata-var1", RegisteredLogin, None),
    ("auth/metadata-var2", RegisteredLogin, None),
    ("auth/metadata-var3", RegisteredLogin, None),
    ("auth/authorization-server-migration", RegisteredLogin, None),
    ("auth/basic-cimd", Code, None),
    ("auth/scope-from-www-authenticate", Code, None),
    ("auth/scope-from-scopes-supported", Code, None),
    ("auth/scope-omitted-when-undefined", Code, None),
    ("auth/scope-step-up", Code, None),
    ("auth/scope-retry-limit", Code, Some("the server still answers 403")),
    ("auth/offline-access-scope", Code, None),
    ("auth/offline-access-not-supported", Code, None),
    ("auth/iss-supported", Code, None),
    ("auth/iss-not-advertised", Code, None),
    ("auth/iss-supported-missing", Code, NO_ISSUER),
    ("auth/iss-wrong-issuer", Code, OTHER_ISSUER),
    ("auth/iss-unexpected", Code, OTHER_ISSUER),
    ("auth/iss-normalized", Code, OTHER_ISSUER),
];

const METHOD: &str = "it tests another client authentication method";
const OLDER: &str = "it tests an MCP version without protected-resource metadata";
const DPOP: &str = "it needs access tokens that are bound by DPoP";

/// The other authorization scenarios, and why they do not apply.
const NOT_APPLICABLE: [(&str, &str); 10] = [
    ("auth/token-endpoint-auth-basic", METHOD),
    ("auth/token-endpoint-auth-post", METHOD),
    ("auth/token-endpoint-auth-none", METHOD),
    ("auth/pre-registration", METHOD),
    ("auth/client-credentials-basic", METHOD),
    ("auth/enterprise-managed-authorization", METHOD),
    ("auth/2025-03-26-oauth-metadata-backcompat", OLDER),
    ("auth/2025-03-26-oauth-endpoint-fallback", OLDER),
    ("auth/dpop", DPOP),
    ("auth/dpop-nonce", DPOP),
];

/// The suite, on any Node.js from 20.
fn suite() -> Command {
    // Installs the packages.
    let mut command = Command::new(node("").get_program());
    command.arg("--import").arg(folder().join("mcp/node20.mjs"));
    command.arg(folder().join("node_modules/@modelcontextprotocol/conformance/dist/index.js"));
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn every_authorization_scenario_passes_or_does_not_apply() {
    let list = run(suite().args(["list", "--client"]), "").unwrap();
    let known: BTreeSet<&str> = list.split_whitespace().filter(|word| word.starts_with("auth/")).collect();
    let named = SCENARIOS.iter().map(|(name, ..)| *name);
    let named: BTreeSet<&str> = named.chain(NOT_APPLICABLE.iter().map(|(name, _)| *name)).collect();
    assert_eq!(named, known);
    // Before a scenario waits for it.
    tokio::task::block_in_place(examples::built);
    for (name, client, expected) in SCENARIOS {
        let checks = passes(name, client, expected).await;
        println!("MCP conformance suite, {name}: passed, {checks} checks");
    }
    for (name, reason) in NOT_APPLICABLE {
        println!("MCP conformance suite, {name}: does not apply: {reason}");
    }
    println!("MCP conformance suite: {0} passed / {0} applicable", SCENARIOS.len());
}

/// Runs a scenario. Returns the number of its checks that succeeded; none may fail or warn.
async fn passes(name: &'static str, client: Client, expected: Refusal) -> usize {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = folder().join("mcp/client.mjs");
    let mut command = suite();
    command.args(["client", "--verbose", "--timeout", "120000", "--scenario", name, "--command"]);
    command.arg(format!("node {} {port}", script.display()));
    let mut suite = tokio::task::spawn_blocking(move || run(&mut command, ""));
    let (mut stream, _) = tokio::select! {
        accepted = listener.accept() => accepted.unwrap(),
        ended = &mut suite => panic!("{name}: the suite ran no client: {ended:?}"),
    };
    let mut started = Vec::new();
    stream.read_to_end(&mut started).await.unwrap();
    let started: Value = serde_json::from_slice(&started).unwrap();
    let error = started_as(client, &started).await.err().map(|error| error.to_string());
    match (&error, expected) {
        (None, None) => {}
        (Some(found), Some(expected)) if found.contains(expected) => {}
        _ => panic!("{name}: {error:?}"),
    }
    stream.write_all(if error.is_some() { b"1" } else { b"0" }).await.unwrap();
    drop(stream);
    let output = suite.await.unwrap().unwrap_or_else(|error| panic!("{name}: {error}"));
    let json = output.find('[').map_or("", |start| &output[start..]);
    let checks: Value =
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{name}: {error}: {output}"));
    let with =
        |status: &str| checks.as_array().unwrap().iter().filter(|check| check["status"] == status).count();
    assert_eq!((with("FAILURE"), with("WARNING")), (0, 0), "{name}: {checks}");
    assert!(with("SUCCESS") > 0, "{name}: {checks}");
    with("SUCCESS")
}

async fn started_as(client: Client, started: &Value) -> Result<(), Failure> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (url, version) = (text(&started["url"]), text(&started["version"]));
    match client {
        Example => tokio::task::block_in_place(|| example(&url, &started["context"])),
        Code => Login::new(&url, &version, false).run().await,
        RegisteredLogin => Login::new(&url, &version, true).run().await,
        Grant => grant(&url, &started["context"]).await,
    }
}

/// The example, with the key of the context, or with one of the test.
fn example(url: &str, context: &Value) -> Result<(), Failure> {
    let mut file = tempfile::NamedTempFile::new()?;
    match context["private_key_pem"].as_str() {
        Some(pem) => file.write_all(pem.as_bytes())?,
        None => file.write_all(&testdata("keys/p256.pkcs8.pem"))?,
    }
    let mut command = Command::new(&examples::built()["mcp_client"]);
    command.arg(url).env("PKJWT_KEY", file.path());
    command.env("PKJWT_CLIENT_ID", context["client_id"].as_str().unwrap_or("client"));
    Ok(run(&mut command, "").map(drop)?)
}

/// A workload's token becomes an access token.
async fn grant(url: &str, context: &Value) -> Result<(), Failure> {
    let resource = ProtectedResource::discover(url, &BearerChallenge::default()).await?;
    let issuer = resource.authorization_servers().first().ok_or("no authorization server")?;
    let server = AuthorizationServer::discover(issuer).await?;
    let client_id = context["client_id"].as_str().unwrap_or_default();
    let client = TokenClient::new(server, client_id, key("p256.pkcs8.pem"))?;
    let grant = JwtGrant::from_jwt(context["valid_jwt"].as_str().unwrap_or_default());
    client.jwt_bearer(&grant, ()).await?;
    Ok(())
}
