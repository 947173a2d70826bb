//! Runs each example to its end, so that the examples stay true.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/examples.rs"]
mod examples;
#[cfg(feature = "redis")]
#[allow(dead_code, reason = "an example needs less of it than the redis suite")]
#[path = "redis/server.rs"]
mod redis;

use std::io::Write;
use std::process::{Command, Output};

use private_key_jwt::dev_server::DevServer;
use private_key_jwt::verifier::VerifierError;
use private_key_jwt::{Algorithm, JwkSet, PrivateKey};

/// An example, in an environment that configures no real server.
fn example(name: &str) -> Command {
    let mut command = Command::new(&examples::built()[name]);
    for (variable, _) in std::env::vars().filter(|(variable, _)| variable.starts_with("PKJWT_")) {
        command.env_remove(variable);
    }
    command
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The output of an example, which must succeed.
fn printed(mut command: Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{command:?}: {status}\n{}{}", text(&stdout), text(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// Asserts that the pieces are in the text, in this order.
fn has(text: &str, pieces: &[&str]) {
    let mut rest = text;
    for piece in pieces {
        let found = rest.split_once(piece);
        rest = found.unwrap_or_else(|| panic!("no `{piece}` in its place in:\n{text}")).1;
    }
}

#[test]
fn every_example_is_run_here() {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples")).unwrap();
    let suite = include_str!("examples.rs");
    for file in files {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(suite.contains(&format!("example(\"{name}\")")), "{name} is not run");
        let needs_more = match name {
            "custom_signer" => !cfg!(feature = "rustcrypto"),
            "axum_resource_server" => !cfg!(feature = "tower"),
            "key_rotation" | "publish_jwks" => !cfg!(all(feature = "rotation", feature = "tower")),
            "three_issuers" => !cfg!(feature = "axum"),
            "bearer_middleware" => !cfg!(feature = "reqwest-middleware"),
            "token_endpoint" => !cfg!(feature = "redis"),
            _ => false,
        };
        assert!(needs_more || examples::built().contains_key(name), "{name} is not built");
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        // A whole life takes two.
        let most = if name == "key_rotation" { 115 } else { 75 };
        assert!(lines <= most, "{name} has {lines} lines, more than {most}");
    }
}

#[test]
fn quickstart() {
    let said = [
        "key: EC P-256 for ES256, kid ",
        "token endpoint: http://127.0.0.1:",
        "token: AccessToken",
        "the API lets my-client in\n",
        "first time: the client is my-client\n",
        &format!("second time: {}\n", VerifierError::Replayed),
    ];
    has(&printed(example("quickstart")), &said);
}

#[tokio::test(flavor = "multi_thread")]
async fn client_credentials_with_a_server_without_one_and_without_its_settings() {
    let generated = PrivateKey::generate(Algorithm::ES256).unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(generated.to_pem().unwrap().as_bytes()).unwrap();
    let dev = DevServer::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    dev.register("client", JwkSet::from(generated.private_key().unwrap().public_jwk().clone())).unwrap();
    let with = |client_id| {
        let mut command = example("client_credentials");
        command.env("PKJWT_ISSUER", dev.issuer()).env("PKJWT_CLIENT_ID", client_id);
        command.env("PKJWT_KEY", file.path()).env("PKJWT_SCOPE", "api:read");
        command
    };
    has(
        &printed(with("client")),
        &["a Bearer token of ", " characters\nexpires at ", "; the client caches it until then\n"],
    );

    let unknown = with("somebody").output().unwrap();
    assert_eq!(unknown.status.code(), Some(1));
    let said = [
        "refused: 400 invalid_client: client `somebody` is not registered",
        "for support: [] {}",
        "a retry will not help",
    ];
    has(text(&unknown.stderr), &said);

    let Output { status, stdout, stderr } = example("client_credentials").output().unwrap();
    assert_eq!((status.code(), text(&stdout)), (Some(2), ""));
    has(text(&stderr), &["PKJWT_ISSUER is not set", "PKJWT_CLIENT_ID is not set", "PKJWT_KEY is not set"]);
}

#[test]
fn several_tenants() {
    let lines = printed(example("several_tenants"));
    let mut lines: Vec<&str> = lines.lines().collect();
    lines.sort_unstable();
    let [a, b] = lines[..] else { panic!("{lines:?}") };
    has(a, &["tenant-a: until Some("]);
    has(b, &["tenant-b: until Some("]);
    let mut incomplete = example("several_tenants");
    let Output { status, stderr, .. } = incomplete.args(["https://as.example", "client"]).output().unwrap();
    assert_eq!(status.code(), Some(1));
    has(text(&stderr), &["a tenant has three arguments"]);
}

#[cfg(feature = "rustcrypto")]
#[test]
fn custom_signer() {
    has(&printed(example("custom_signer")), &["AccessToken", "Bearer"]);
}

/// Each request has one client id, one assertion and no secret.
#[test]
fn with_oauth2_crate() {
    let lines = printed(example("with_oauth2_crate"));
    let sent = "sent: grant_type, scope, client_id, client_assertion_type, client_assertion";
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[2]), (4, sent, sent));
    has(lines[3], &["a token of "]);
}

#[test]
fn blocking_ureq() {
    has(&printed(example("blocking_ureq")), &["AccessToken", "Bearer"]);
}

#[test]
fn verify_assertion() {
    let said = ["AccessToken", "the same request: 200 OK", "the same request: 400 Bad Request"];
    has(&printed(example("verify_assertion")), &said);
}

/// Needs `redis-server`.
#[cfg(feature = "redis")]
#[test]
fn token_endpoint() {
    let redis = redis::Redis::start(&[]);
    let mut command = example("token_endpoint");
    command.env("REDIS_URL", redis.address());
    let replayed = VerifierError::Replayed;
    let said = [
        "AccessToken { secret: \"[redacted]\", token_type: \"Bearer\", expires_at: Some(",
        "once: 200 OK\n",
        &format!("twice: {{\"error\":\"invalid_client\",\"error_description\":\"{replayed}\"}}\n"),
    ];
    has(&printed(command), &said);
    assert_eq!(redis.say("DBSIZE").unwrap(), ":2");
}

/// The user's own part of a token endpoint: everything but comments, blank lines and the client.
#[test]
fn a_token_endpoint_takes_45_lines() {
    let source = include_str!("../examples/token_endpoint.rs");
    let (server, _) = source.split_once("    // The other side: a client.").unwrap();
    let lines = server.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    assert!(lines.clone().count() <= 45, "{}", lines.count());
}

#[cfg(all(feature = "rotation", feature = "tower"))]
#[test]
fn key_rotation() {
    assert_eq!(printed(example("key_rotation")), include_str!("../testdata/key_rotation.txt"));
}

#[cfg(all(feature = "rotation", feature = "tower"))]
#[test]
fn publish_jwks() {
    let said = [
        "token: AccessToken",
        "first: 200 OK \"public, max-age=100\"\n",
        "unchanged: 304 Not Modified\n",
        "with the next key: 200 OK true\n",
    ];
    has(&printed(example("publish_jwks")), &said);
}

#[cfg(feature = "tower")]
#[test]
fn opentelemetry() {
    let output = printed(example("opentelemetry"));
    has(&output, &["cache: 2 hits, 1 miss\n", "calls ok: 1\n", "calls refused: 1\n", "calls transport: 0\n"]);
}

#[test]
fn axum_resource_server() {
    let said = [
        "/health with None: 200 OK None\n",
        "/orders with None: 401 Unauthorized Some(\"Bearer realm=\\\"https://api.example\\\"\")\n",
        "/orders with Some(\"orders:write\"): 403 Forbidden Some(",
        "insufficient_scope",
        "orders:read",
        "/orders with Some(\"orders:read\"): 200 OK None\n",
        "/whoami with Some(\"orders:write\"): 200 OK None\n",
    ];
    has(&printed(example("axum_resource_server")), &said);
}

/// The whole API is 24 lines, in the example and in the guide.
#[cfg(feature = "axum")]
#[test]
fn three_issuers() {
    let count = |code: &str| code.lines().filter(|line| !line.trim().is_empty()).count();
    let source = include_str!("../examples/three_issuers.rs");
    let (_, api) = source.split_once("\n\n").unwrap();
    assert_eq!(count(api.split_once("\n// The rest is the example").unwrap().0), 24);
    let guide = include_str!("../src/guide/protect_an_api.md").split("```").nth(1).unwrap();
    assert!(count(guide.strip_prefix("rust,no_run\n").unwrap()) <= 25);

    let said = [
        "orders:read: 200 OK: the orders of client-a\n",
        "orders:admin: 200 OK: the orders of client-b\n",
        "/orders refused: the token has none of the scopes `orders:read orders:admin`\n",
        "orders:write: 403 Forbidden: {\"title\":\"Forbidden\",\"status\":403,",
        "\"error\":\"insufficient_scope\",\"scope\":\"orders:read orders:admin\"}\n",
        "/orders refused: the issuer is `http://127.0.0.1:",
        "orders:read: 401 Unauthorized: {\"title\":\"Unauthorized\",\"status\":401,",
    ];
    has(&printed(example("three_issuers")), &said);
}

/// An MCP server whose metadata names this resource, and the authorization server.
#[cfg(feature = "axum")]
async fn mcp_server(issuer: &str, resource: Option<&str>) -> String {
    use axum::http::{HeaderMap, StatusCode, header};
    use axum::response::IntoResponse;
    use axum::{Router, routing};
    use serde_json::{Value, json};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let url = format!("{origin}/mcp");
    let metadata = json!({"resource": resource.unwrap_or(&url), "authorization_servers": [issuer]});
    let challenge = format!("Bearer resource_metadata=\"{origin}/meta\", scope=\"api:read\"");
    let jwks = private_key_jwt::RemoteJwks::discover(issuer).unwrap();
    let verifier = private_key_jwt::AccessTokenVerifier::new(issuer, &*url).require_scope("api:read");
    let answer = move |headers: HeaderMap, body: String| async move {
        let message: Value = serde_json::from_str(&body).unwrap();
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        if jwks.verify(&verifier, token).await.is_err() {
            return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response();
        }
        let session = headers.get("mcp-session-id").and_then(|value| value.to_str().ok());
        assert_eq!(session, (message["method"] != "initialize").then_some("session-1"));
        let answer = match message["method"].as_str().unwrap() {
            "initialize" => json!({"result": {"serverInfo": {"name": "mcp"}}}).to_string(),
            "tools/list" => format!("event: message\ndata: {}\n\n", json!({"result": {"tools": [1, 2]}})),
            _ => return StatusCode::ACCEPTED.into_response(),
        };
        ([("mcp-session-id", "session-1")], answer).into_response()
    };
    let router = Router::new()
        .route("/mcp", routing::post(answer))
        .route("/meta", routing::get(move || async move { metadata.to_string() }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[cfg(feature = "axum")]
#[tokio::test(flavor = "multi_thread")]
async fn mcp_client() {
    let generated = PrivateKey::generate(Algorithm::ES256).unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(generated.to_pem().unwrap().as_bytes()).unwrap();
    let dev = DevServer::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    dev.register("client", JwkSet::from(generated.private_key().unwrap().public_jwk().clone())).unwrap();
    let with = |url: &str| {
        let mut command = example("mcp_client");
        command.arg(url).env("PKJWT_CLIENT_ID", "client").env("PKJWT_KEY", file.path());
        command
    };
    let url = mcp_server(dev.issuer(), None).await;
    assert_eq!(printed(with(&url)), "\"mcp\" has the tools [1,2]\n");

    let other = mcp_server(dev.issuer(), Some("https://other.example/mcp")).await;
    let refused = with(&other).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    has(text(&refused.stderr), &["ResourceMismatch", &other, "https://other.example/mcp"]);

    let Output { status, stderr, .. } = example("mcp_client").output().unwrap();
    assert_eq!(status.code(), Some(1));
    has(text(&stderr), &["usage: mcp_client URL"]);
}

#[cfg(feature = "reqwest-middleware")]
#[test]
fn bearer_middleware() {
    let said = [
        "  the API has seen 1 token(s), and refuses\n",
        "  the API has seen 2 token(s), and answers\norder 1: 200 OK\n",
        "  the API has seen 2 token(s), and answers\norder 2: 200 OK\n",
        "  the API has seen 2 token(s), and answers\norder 3: 200 OK\n",
        "no token: Some(\"invalid_client\")\n",
    ];
    has(&printed(example("bearer_middleware")), &said);
}
