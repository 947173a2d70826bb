//! Logins of a user: on another device (RFC 8628), or in a browser on this machine (RFC 8252).
//! Instructions for the user go to stderr.

use std::future::Future;
use std::sync::Arc;

use private_key_jwt::client::{fresh_code_verifier, fresh_jti};
use private_key_jwt::oauth::{
    AuthorizationRequest, AuthorizationResponse, CodeVerifier, DeviceAuthorizationRequest, Endpoint,
    TokenResponse,
};
use time::OffsetDateTime;

use crate::client::Connected;
use crate::error::{Context, Failure};
use crate::output;
use crate::redirect::Redirect;

/// Shows the code and where to enter it, and waits for the login.
pub(crate) async fn on_a_device(
    connected: &Connected,
    request: &DeviceAuthorizationRequest,
) -> Result<TokenResponse, Failure> {
    let endpoint = connected.endpoint(Endpoint::DeviceAuthorization)?;
    let client = &connected.client;
    let codes = client.authorize_device(request.clone()).await.context(&endpoint)?;
    output::note(&format!("to log in, open {} and enter {}", codes.verification_uri(), codes.user_code()));
    if let Some(complete) = codes.verification_uri_complete() {
        output::note(&format!("or open {complete}"));
    }
    let left = (codes.expires_at() - OffsetDateTime::now_utc()).unsigned_abs();
    let endpoint = connected.endpoint(Endpoint::Token)?;
    waiting(&format!("waiting for the login; the code expires in {}", output::words(left)), async {
        client.device_token(&codes).await.context(&endpoint)
    })
    .await
}

/// Shows the URL to open, and waits for the redirect with the code. The request gets its `state`
/// here.
pub(crate) async fn in_a_browser(
    connected: &Connected,
    client_id: &str,
    redirect: Redirect,
    request: impl FnOnce(&str, &CodeVerifier) -> Result<AuthorizationRequest, Failure>,
) -> Result<TokenResponse, Failure> {
    let client = &connected.client;
    let (verifier, state) = (fresh_code_verifier().context("token")?, fresh_jti().context("token")?);
    let request = request(redirect.uri(), &verifier)?.state(&state);
    output::note(&format!("to log in, open {}", url(connected, client_id, &request).await?));
    let server = Arc::clone(&connected.server);
    let judge = move |query: &str| AuthorizationResponse::from_query(query, &server, &state);
    let message = format!("waiting for the browser at {}", redirect.uri());
    let uri = redirect.uri().to_owned();
    let answer = waiting(&message, redirect.answer(judge)).await?;
    let endpoint = connected.endpoint(Endpoint::Token)?;
    client.authorization_code(answer.code(), uri, &verifier).await.context(&endpoint)
}

/// The URL to open. The request is pushed (RFC 9126) if the server has an endpoint for that.
async fn url(
    connected: &Connected,
    client_id: &str,
    request: &AuthorizationRequest,
) -> Result<String, Failure> {
    let Connected { client, server, .. } = connected;
    // Check this first: without the endpoint, a pushed request is useless.
    server.authorization_endpoint().context("--grant authorization-code")?;
    match server.endpoint(Endpoint::PushedAuthorization) {
        Ok(endpoint) => {
            let pushed = client.push_authorization(request).await.context(endpoint)?;
            pushed.to_url(server, client_id)
        }
        Err(_) => request.to_url(server, client_id),
    }
    .context("--grant authorization-code")
}

/// Waits for a login, or for Ctrl-C.
async fn waiting<T>(message: &str, login: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    output::progress(message);
    tokio::select! {
        done = login => done,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.context("Ctrl-C")?;
            Err(Failure::interrupted())
        }
    }
}
