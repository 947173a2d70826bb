//! Clients from the Go module proxy, in one program.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use super::{builder, serve, serve_tls};
use crate::peers;

/// The program with the Go clients, and the name of the client to run.
fn go(name: &str) -> Command {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let mut command = Command::new(BUILT.get_or_init(|| peers::go("the Go clients", "clients/go")));
    command.arg(name);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn zitadel_oidc() {
    let expected = &[
        "discovery: true",
        "client credentials: Bearer",
        "login: user-1",
        "userinfo: user-1",
        "refresh: true",
        "revocation: done",
        "introspection: false",
        "device: Bearer",
    ];
    serve(builder()).await.expect("zitadel/oidc", go("zitadel"), expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn x_oauth2_with_go_oidc_and_jwx() {
    let expected = &[
        "discovery: true",
        "RS256 client credentials, in the form: Bearer api:read",
        "RS256 client credentials, detected: Bearer api:read",
        "PS256 client credentials, in the form: Bearer api:read",
        "PS256 client credentials, detected: Bearer api:read",
        "ES256 client credentials, in the form: Bearer api:read",
        "ES256 client credentials, detected: Bearer api:read",
        "EdDSA client credentials, in the form: Bearer api:read",
        "EdDSA client credentials, detected: Bearer api:read",
        "login: user-1 nonce-1",
        "userinfo: user-1",
        "device: Bearer",
    ];
    serve(builder()).await.expect("x/oauth2", go("xoauth2"), expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn msal_for_go() {
    let expected = &[
        "x5t#S256 client credentials: api:read openid offline_access profile",
        "x5t#S256 client credentials from the cache: true",
        "x5t#S256 login: true",
        "x5t#S256 and x5c client credentials: api:read openid offline_access profile",
        "x5t#S256 and x5c client credentials from the cache: true",
        "x5t#S256 and x5c login: true",
    ];
    serve_tls(builder().reusable_assertions()).await.expect("MSAL for Go", go("msal"), expected).await;
}
