//! Clients from npm.

use super::{builder, serve, serve_tls};
use crate::peers::node;

#[tokio::test(flavor = "multi_thread")]
async fn openid_client() {
    let expected = &[
        "RS256 discovery: /token",
        "RS256 client credentials: bearer api:read 3600",
        "RS256 login: true user-1 rsa",
        "RS256 login: userinfo: user-1",
        "RS256 login: refresh: bearer true",
        "RS256 login: introspection: true user-1 rsa",
        "RS256 login: revocation: false",
        "RS256 login with PAR: true user-1 rsa",
        "RS256 login with PAR: userinfo: user-1",
        "RS256 login with PAR: refresh: bearer true",
        "RS256 login with PAR: introspection: true user-1 rsa",
        "RS256 login with PAR: revocation: false",
        "RS256 device: bearer user-1",
        "RS256 refusal: 400 invalid_client",
        "PS256 discovery: /token",
        "PS256 client credentials: bearer api:read 3600",
        "PS256 login: true user-1 rsa",
        "PS256 login: userinfo: user-1",
        "PS256 login: refresh: bearer true",
        "PS256 login: introspection: true user-1 rsa",
        "PS256 login: revocation: false",
        "PS256 login with PAR: true user-1 rsa",
        "PS256 login with PAR: userinfo: user-1",
        "PS256 login with PAR: refresh: bearer true",
        "PS256 login with PAR: introspection: true user-1 rsa",
        "PS256 login with PAR: revocation: false",
        "ES256 discovery: /token",
        "ES256 client credentials: bearer api:read 3600",
        "ES256 login: true user-1 ec",
        "ES256 login: userinfo: user-1",
        "ES256 login: refresh: bearer true",
        "ES256 login: introspection: true user-1 ec",
        "ES256 login: revocation: false",
        "ES256 login with PAR: true user-1 ec",
        "ES256 login with PAR: userinfo: user-1",
        "ES256 login with PAR: refresh: bearer true",
        "ES256 login with PAR: introspection: true user-1 ec",
        "ES256 login with PAR: revocation: false",
        "Ed25519 discovery: /token",
        "Ed25519 client credentials: bearer api:read 3600",
        "Ed25519 login: true user-1 ed",
        "Ed25519 login: userinfo: user-1",
        "Ed25519 login: refresh: bearer true",
        "Ed25519 login: introspection: true user-1 ed",
        "Ed25519 login: revocation: false",
        "Ed25519 login with PAR: true user-1 ed",
        "Ed25519 login with PAR: userinfo: user-1",
        "Ed25519 login with PAR: refresh: bearer true",
        "Ed25519 login with PAR: introspection: true user-1 ed",
        "Ed25519 login with PAR: revocation: false",
    ];
    serve(builder()).await.expect("openid-client", node("clients/node/openid-client.mjs"), expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn oauth4webapi() {
    let expected = &[
        "discovery as oidc: openid-configuration",
        "discovery as oauth2: oauth-authorization-server",
        "client credentials: bearer api:read",
        "access token at a resource server: ec api:read",
        "login with PAR: user-1 openid api:read",
        "the signature of the ID token: user-1",
        "userinfo: user-1",
        "introspection: true user-1",
        "revocation: false",
        "device: bearer",
        "refusal: 400 invalid_client",
    ];
    serve(builder()).await.expect("oauth4webapi", node("clients/node/oauth4webapi.mjs"), expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn msal_for_node() {
    let expected = &[
        "x5t#S256 client credentials: Bearer api:read false",
        "x5t#S256 client credentials from the cache: true",
        "x5t#S256 login: Bearer user-1",
        "x5t#S256 and x5c client credentials: Bearer api:read false",
        "x5t#S256 and x5c client credentials from the cache: true",
        "x5t#S256 and x5c login: Bearer user-1",
    ];
    serve_tls(builder().reusable_assertions())
        .await
        .expect("MSAL for Node", node("clients/node/msal-node.mjs"), expected)
        .await;
}
