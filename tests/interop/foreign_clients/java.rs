//! Clients from Maven Central, in one module.

use std::process::Command;
use std::sync::OnceLock;

use super::{builder, serve, serve_tls};
use crate::peers;

/// The main class of a Java client.
fn java(class: &str) -> Command {
    static CLASSES: OnceLock<String> = OnceLock::new();
    let classes = CLASSES.get_or_init(|| peers::class_path("the Java clients", "clients/java"));
    let mut command = Command::new("java");
    command.args(["-cp", classes, class]);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn nimbus() {
    let expected = &[
        "discovery: [public] [RS256]",
        "discovery as a plain authorization server: true",
        "RS256 client credentials: Bearer api:read 3600",
        "PS256 client credentials: Bearer api:read 3600",
        "ES256 client credentials: Bearer api:read 3600",
        "access token at a resource server: rsa",
        "login with PAR: user-1",
        "userinfo: user-1",
        "refresh: true",
        "introspection: true user-1 openid api:read",
        "revocation: 200",
        "device: Bearer user-1",
        "refusal: 400 invalid_client",
    ];
    serve(builder()).await.expect("Nimbus", java("Nimbus"), expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spring_security() {
    let expected = &[
        "discovery: true",
        "rsa client credentials: Bearer api:read openid",
        "ec client credentials: Bearer api:read openid",
        "access token by RFC 9068: ec",
        "login: user-1 [OIDC_USER, SCOPE_api:read, SCOPE_openid]",
        "refresh: Bearer true",
        "refusal: invalid_client",
    ];
    serve(builder()).await.expect("Spring Security", java("Spring"), expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn resource_servers_that_take_the_type_jwt_alone() {
    let expected = &["Spring by issuer-uri: rsa", "Nimbus: rsa"];
    serve(builder().token_media_type(Some("JWT")))
        .await
        .expect("Spring's and Nimbus's resource servers", java("Resource"), expected)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pac4j() {
    let expected = &["redirect to the server: true", "login: user-1 true"];
    serve(builder()).await.expect("pac4j", java("Pac4j"), expected).await;
}

/// By default Kafka sends no `jti`.
#[tokio::test(flavor = "multi_thread")]
async fn kafka() {
    let expected = &["RS256: rsa [api:read]", "ES256: ec [api:read]"];
    serve(builder().accept_missing_jti()).await.expect("Kafka", java("Kafka"), expected).await;
}

/// A `jti` is required by default; the refusal says so.
#[tokio::test(flavor = "multi_thread")]
async fn kafka_sees_why_it_is_refused() {
    let expected = &["RS256: refused with its reason", "ES256: refused with its reason"];
    serve(builder()).await.expect("Kafka", java("Kafka"), expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn msal_for_java() {
    let expected = &["client credentials: IDENTITY_PROVIDER", "login: true"];
    serve_tls(builder().reusable_assertions()).await.expect("MSAL for Java", java("Msal4j"), expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vertx() {
    let expected = &["client credentials: api:read", "access token at a resource server: rsa"];
    serve(builder()).await.expect("Vert.x", java("Vertx"), expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn google_auth_sees_why_it_is_refused() {
    let expected = &["service account: refused with its reason"];
    serve(builder()).await.expect("google-auth", java("Google"), expected).await;
}
