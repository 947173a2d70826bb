//! Quarkus: an application of its own, because it is built and not put on a class path.

use std::process::Command;

use super::{builder, serve};
use crate::peers::{folder, maven, target};

/// Uses the compiler that starts faster, because neither the build nor the run is long.
const JVM: [&str; 2] = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];

/// Builds the application, as a user would, and starts it.
fn quarkus() -> Command {
    let target = target("clients/quarkus");
    let mut build = Command::new("mvn");
    build
        .args(["compile", "quarkus:build"])
        .arg(format!("-Doutput={}", target.display()))
        .env("MAVEN_OPTS", JVM.join(" "));
    maven("Quarkus", build.current_dir(folder().join("clients/quarkus")));
    let mut command = Command::new("java");
    command.args(JVM).arg("-jar").arg(target.join("quarkus-app/quarkus-run.jar"));
    command
}

/// By default a web application sends no PKCE; the refusal says that the server requires it.
#[tokio::test(flavor = "multi_thread")]
async fn clients_resource_servers_and_web_applications() {
    let expected = &[
        "client credentials with a key file: Bearer api:read 3600",
        "client credentials with a key store: Bearer api:read 3600",
        "client credentials with ES256: Bearer api:read 3600",
        "refusal: refused with its reason",
        "access token: 200 rsa",
        "access token for an audience: 200 rsa",
        "access token for another audience: 401",
        "access token without the scope: 403",
        "introspection: 200 rsa",
        "revocation: true",
        "introspection after it: 401",
        "login: 200 user-1, userinfo user-1, refreshed true",
        "login without PKCE: 401 the query has no `code_challenge`; PKCE is required (RFC 7636)",
    ];
    serve(builder()).await.expect("Quarkus", quarkus(), expected).await;
}
