//! What each step prints: a headline, then names and values. It prints no secrets: the signatures
//! of assertions and tokens are left out, and so is any token of a real server.

use std::path::Path;

use http::Request;
use private_key_jwt::dev_server::{DevServer, RunningDevServer};
use private_key_jwt::jose::UnverifiedJwt;
use private_key_jwt::transport::HttpClient;
use private_key_jwt::{
    AccessTokenVerifier, AuthorizationServer, ClientAssertionVerifier, InMemoryReplayStore, JwkSet,
    PrivateKey, PublicKeySet, RemoteJwks, TokenResponse,
};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::error::{Context, Failure};
use crate::http::Http;
use crate::{output, source};

const CLIENT_ASSERTION: &str = "client_assertion";

pub(super) fn key(key: &PrivateKey, path: Option<&Path>, jwks: &JwkSet) -> Result<(), Failure> {
    let origin = path.map_or_else(|| "generated for this run".to_owned(), source::name);
    headline(1, "The key of the client")?;
    row("private key", &format!("{}, {origin}; it is never sent", key.key_type()))?;
    row("signs with", key.algorithm().as_str())?;
    row("key id", key.key_id().as_str())?;
    row("public JWKS", &jwks.to_json())
}

pub(super) fn server(server: &AuthorizationServer, client_id: &str, embedded: bool) -> Result<(), Failure> {
    let title = if embedded {
        "The authorization server: a dev server in this process, where the public JWKS is registered"
    } else {
        "The authorization server, where the public JWKS must be registered"
    };
    headline(2, title)?;
    row("issuer", server.issuer().unwrap_or("unknown"))?;
    row("token endpoint", server.token_endpoint())?;
    row("client id", client_id)
}

pub(super) fn assertion(sent: &Request<Vec<u8>>) -> Result<(), Failure> {
    headline(3, "The client assertion: a JWT that proves who the client is, for one request")?;
    jwt(&assertion_of(sent)?)
}

pub(super) fn request(sent: &Request<Vec<u8>>) -> Result<(), Failure> {
    headline(4, "The token request")?;
    row(sent.method().as_str(), &sent.uri().to_string())?;
    for (name, value) in form_urlencoded::parse(sent.body()) {
        let value = if name == CLIENT_ASSERTION { "the JWT of step 3" } else { &value };
        row("", &format!("{name} = {value}"))?;
    }
    Ok(())
}

pub(super) fn token(response: &TokenResponse, embedded: bool) -> Result<(), Failure> {
    let token = response.access_token();
    headline(5, "The access token")?;
    row("type", token.token_type())?;
    let life = response.expires_in().map(|life| format!("{} s", life.as_secs()));
    row("expires in", life.as_deref().unwrap_or("the server does not say"))?;
    if let Some(scope) = response.scope() {
        row("scope", &scope.to_string())?;
    }
    if embedded {
        jwt(token.secret())
    } else {
        row("token", &format!("{} characters, not shown", token.secret().len()))
    }
}

/// Does here what a server does with the request.
pub(super) fn verification(
    sent: &Request<Vec<u8>>,
    server: &AuthorizationServer,
    jwks: &JwkSet,
) -> Result<(), Failure> {
    const WHAT: &str = "the assertion of step 3";
    headline(6, "The receiving end")?;
    let jwt = UnverifiedJwt::parse(&assertion_of(sent)?).context(WHAT)?;
    // Uses the assertion's own time: the client may have set it by the server's clock.
    let now = jwt.claims().get("iat").and_then(Value::as_i64).unwrap_or_default();
    let now = OffsetDateTime::from_unix_timestamp(now).context(WHAT)?;
    let verifier = ClientAssertionVerifier::new(server.issuer().unwrap_or(server.token_endpoint()));
    let keys = PublicKeySet::from(jwks.clone());
    let unverified = verifier.parse(sent.body()).context(WHAT)?;
    let verified = unverified.verify(&keys, None, now).context(WHAT)?;
    let client_id = InMemoryReplayStore::default().spend_now(verified, now).context(WHAT)?;
    row("the server", &format!("verifies the assertion with the public JWKS: the client is {client_id}"))
}

/// Does what an API does with the token.
pub(super) async fn api(
    response: &TokenResponse,
    dev: &RunningDevServer,
    http: impl HttpClient + 'static,
    scope: &str,
) -> Result<(), Failure> {
    const WHAT: &str = "the token of step 5";
    let jwks = RemoteJwks::builder(dev.jwks_uri()).http(http).build().context(WHAT)?;
    let verifier = AccessTokenVerifier::new(dev.issuer(), DevServer::DEFAULT_AUDIENCE).require_scope(scope);
    let claims = jwks.verify(&verifier, response.access_token().secret()).await.context(WHAT)?;
    let client_id = claims.client_id().unwrap_or_default();
    row(
        "an API",
        &format!("verifies the token with the server's JWKS: {client_id} has the scope {}", claims.scope()),
    )
}

/// Sends the request of step 4 again.
pub(super) async fn replay(sent: Request<Vec<u8>>, http: &Http) -> Result<(), Failure> {
    let answer = http.send(sent).await.context("the dev server")?;
    match TokenResponse::from_http(answer, OffsetDateTime::now_utc()) {
        Ok(_) => Err(Failure::refused("the dev server", "it accepted one assertion twice")),
        Err(error) => row("a thief", &format!("sends the request of step 4 again: {error}")),
    }
}

pub(super) fn next(scope: &str) -> Result<(), Failure> {
    output::line("")?;
    output::line(&output::bold("Steps 3 to 5 in your own code"))?;
    row("in a program", &format!("client.token({scope:?}).await?"))?;
    row("in a shell", "pkjwt token --issuer URL --client-id ID --key FILE")
}

/// The assertion in a request.
fn assertion_of(sent: &Request<Vec<u8>>) -> Result<String, Failure> {
    form_urlencoded::parse(sent.body())
        .find(|(name, _)| name == CLIENT_ASSERTION)
        .map(|(_, jwt)| jwt.into_owned())
        .ok_or_else(|| Failure::refused("quickstart", "the request has no client_assertion"))
}

/// The header and the claims. The signature is what makes a JWT a secret.
fn jwt(jwt: &str) -> Result<(), Failure> {
    let json = |object: &Map<String, Value>| output::ascii(&Value::from(object.clone()).to_string());
    let decoded = UnverifiedJwt::parse(jwt).context("quickstart")?;
    row("header", &json(decoded.header()))?;
    row("claims", &json(decoded.claims()))?;
    let signature = jwt.rsplit('.').next().unwrap_or_default();
    row("signature", &format!("{} characters, not shown", signature.len()))
}

fn headline(number: u8, title: &str) -> Result<(), Failure> {
    if number > 1 {
        output::line("")?;
    }
    output::line(&output::bold(&format!("{number}. {title}")))
}

fn row(name: &str, value: &str) -> Result<(), Failure> {
    output::line(&output::printable(&format!("   {name:<14}  {value}")))
}
