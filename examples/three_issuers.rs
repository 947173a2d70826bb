//! An API with axum that accepts the access tokens of three issuers: each has its own keys and its
//! own claims. The example starts the issuers, sends requests to the API, and ends.
//!
//! ```text
//! cargo run --example three_issuers --features dev-server,axum
//! ```

use std::error::Error;

use axum::{Router, routing::get};
use private_key_jwt::server::{Bearer, BearerLayer, RequireScope};
use private_key_jwt::{AccessTokenProfile, AccessTokenVerifier};

#[derive(serde::Deserialize)]
struct Caller {
    sub: String,
}

async fn orders(caller: Bearer<Caller>) -> String {
    format!("the orders of {}", caller.claims.sub)
}

fn api([ping, hydra, spring]: [&str; 3]) -> Result<Router, Box<dyn Error>> {
    let tokens_of = |issuer| AccessTokenVerifier::new(issuer, "https://api.example");
    let bearer = BearerLayer::discover([
        tokens_of(ping).profile(AccessTokenProfile::ping_one()),
        tokens_of(hydra).profile(AccessTokenProfile::hydra()),
        tokens_of(spring).profile(AccessTokenProfile::spring()),
    ])?
    .problem_details()
    .on_refusal(|parts, refusal| println!("{} refused: {refusal:#}", parts.uri.path()));
    let readers = RequireScope::any(["orders:read", "orders:admin"])?;
    let routes = Router::new().route("/orders", get(orders).layer(readers));
    Ok(routes.with_state(bearer.state()).layer(bearer))
}

// The rest is the example: issuers and clients that call the API.

use private_key_jwt::dev_server::{DevServer, RunningDevServer};
use private_key_jwt::transport::{HttpClient, ReqwestClient};
use private_key_jwt::{Algorithm, JwkSet, PrivateKey, TokenClient, TokenRequest};

async fn issuer(client_id: &str) -> Result<(RunningDevServer, TokenClient), Box<dyn Error>> {
    let dev = DevServer::bind(([127, 0, 0, 1], 0).into()).await?;
    let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    dev.register(client_id, JwkSet::from(key.public_jwk().clone()))?;
    let client = TokenClient::new(dev.authorization_server().clone(), client_id, key)?;
    Ok((dev, client))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (a, b) = (issuer("client-a").await?, issuer("client-b").await?);
    let (c, unknown) = (issuer("client-c").await?, issuer("client-d").await?);
    let router = api([a.0.issuer(), b.0.issuer(), c.0.issuer()])?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/orders", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let scopes = ["orders:read", "orders:admin", "orders:write", "orders:read"];
    for ((_, client), scope) in [&a, &b, &c, &unknown].into_iter().zip(scopes) {
        let grant = TokenRequest::client_credentials(scope).resource("https://api.example")?;
        let token = client.request(&grant).await?;
        let value = format!("Bearer {}", token.access_token().secret());
        let request = axum::http::Request::get(&url).header("authorization", value).body(Vec::new())?;
        let answer = ReqwestClient::new()?.send(request).await?;
        println!("{scope}: {}: {}", answer.status(), String::from_utf8_lossy(answer.body()));
    }
    Ok(())
}
