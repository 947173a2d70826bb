//! A resource server with axum: it verifies the access token of each request, requires a scope for
//! each route, and passes the claims to the handler. The example starts it together with its own
//! issuer, sends requests with and without tokens, and ends.
//!
//! ```text
//! cargo run --example axum_resource_server --features dev-server,tower
//! ```

use std::error::Error;
use std::sync::Arc;

use axum::http::{Request, header};
use axum::{Extension, Router, routing::get};
use private_key_jwt::dev_server::DevServer;
use private_key_jwt::server::{BearerLayer, RequireScope};
use private_key_jwt::transport::{HttpClient, ReqwestClient};
use private_key_jwt::verifier::AccessTokenClaims;
use private_key_jwt::{
    AccessTokenVerifier, Algorithm, JwkSet, PrivateKey, RemoteJwks, TokenClient, TokenRequest,
};

const AUDIENCE: &str = "https://api.example"; // this server's name at the issuer

async fn orders(Extension(claims): Extension<Arc<AccessTokenClaims>>) -> String {
    format!("the orders of {}\n", claims.subject().unwrap_or("a client"))
}

/// The routes of the API. The first token triggers the request for the issuer's keys.
async fn api(issuer: &str) -> Result<Router, Box<dyn Error>> {
    let jwks = RemoteJwks::discover(issuer)?;
    let bearer = BearerLayer::new(jwks, AccessTokenVerifier::new(issuer, AUDIENCE))
        .on_refusal(|_, refusal| eprintln!("refused: {refusal:#}")); // the reason is for the server's log
    Ok(Router::new()
        .route("/orders", get(orders).layer(RequireScope::new("orders:read")))
        .route("/whoami", get(orders)) // any good token
        .layer(bearer) // around all of the above
        .route("/health", get(|| async { "ok\n" }))) // added after the layer: no token
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let dev = DevServer::bind(([127, 0, 0, 1], 0).into()).await?;
    let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    dev.register("client", JwkSet::from(key.public_jwk().clone()))?;
    let client = TokenClient::new(dev.authorization_server().clone(), "client", key)?;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let router = api(dev.issuer()).await?;
    tokio::spawn(async move { axum::serve(listener, router).await });

    let http = ReqwestClient::new()?;
    let call = async |path: &str, scope: Option<&str>| -> Result<(), Box<dyn Error>> {
        let mut request = Request::get(format!("{origin}{path}"));
        if let Some(scope) = scope {
            let grant = TokenRequest::client_credentials(scope).resource(AUDIENCE)?;
            let token = client.request(&grant).await?;
            let value = format!("Bearer {}", token.access_token().secret());
            request = request.header(header::AUTHORIZATION, value);
        }
        let answer = http.send(request.body(Vec::new())?).await?;
        let challenge = answer.headers().get(header::WWW_AUTHENTICATE);
        println!("{path} with {scope:?}: {} {challenge:?}", answer.status());
        Ok(())
    };
    call("/health", None).await?;
    call("/orders", None).await?;
    call("/orders", Some("orders:write")).await?;
    call("/orders", Some("orders:read")).await?;
    call("/whoami", Some("orders:write")).await
}
