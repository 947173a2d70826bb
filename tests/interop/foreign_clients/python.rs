//! Clients from PyPI.

use super::{builder, serve, serve_tls};
use crate::peers::python;

#[tokio::test(flavor = "multi_thread")]
async fn authlib() {
    let expected = &[
        "client credentials: Bearer api:read",
        "login: True user-1 rsa nonce-1",
        "userinfo: user-1",
        "refresh: True",
        "introspection: True user-1",
        "revocation: 200",
    ];
    serve(builder()).await.expect("Authlib", python("clients/python/authlib_client.py"), expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_oauth2client() {
    let expected = &[
        "RS256 client credentials: Bearer api:read",
        "RS256 auth handler: api:read",
        "RS256 introspection: True rsa",
        "RS256 login with PAR: user-1",
        "RS256 userinfo: user-1",
        "RS256 refresh: openid api:read",
        "RS256 revocation: True",
        "RS256 device: openid api:read",
        "PS256 client credentials: Bearer api:read",
        "PS256 auth handler: api:read",
        "PS256 introspection: True rsa",
        "PS256 login with PAR: user-1",
        "PS256 userinfo: user-1",
        "PS256 refresh: openid api:read",
        "PS256 revocation: True",
        "ES256 client credentials: Bearer api:read",
        "ES256 auth handler: api:read",
        "ES256 introspection: True ec",
        "ES256 login with PAR: user-1",
        "ES256 userinfo: user-1",
        "ES256 refresh: openid api:read",
        "ES256 revocation: True",
        "EdDSA client credentials: Bearer api:read",
        "EdDSA auth handler: api:read",
        "EdDSA introspection: True ed",
        "EdDSA login with PAR: user-1",
        "EdDSA userinfo: user-1",
        "EdDSA refresh: openid api:read",
        "EdDSA revocation: True",
    ];
    serve(builder())
        .await
        .expect("requests-oauth2client", python("clients/python/requests_oauth2client_client.py"), expected)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn msal_for_python() {
    let expected = &[
        "x5t client credentials: Bearer identity_provider",
        "x5t client credentials from the cache: Bearer cache",
        "x5t login: user-1",
        "x5t refresh: identity_provider",
        "x5t#S256 and x5c client credentials: Bearer identity_provider",
        "x5t#S256 and x5c client credentials from the cache: Bearer cache",
        "x5t#S256 and x5c login: user-1",
        "x5t#S256 and x5c refresh: identity_provider",
    ];
    serve_tls(builder().reusable_assertions())
        .await
        .expect("MSAL for Python", python("clients/python/msal_client.py"), expected)
        .await;
}
