//! An axum server that publishes the keys of a client, and an authorization server that reads them.
//!
//! ```text
//! cargo run --example publish_jwks --features dev-server,rotation,tower
//! ```
//!
//! Only public keys are in the answer, by construction. The ring of the client and that of the URL
//! are the same, so a key is published before it signs.

use std::error::Error;

use axum::Router;
use private_key_jwt::dev_server::{ClientKeys, DevServer};
use private_key_jwt::{Algorithm, KeyRing, PrivateKey, TokenClient};
use time::OffsetDateTime;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let key = || PrivateKey::generate(Algorithm::ES256)?.private_key();
    let keys = KeyRing::from(key()?); // authorization servers keep a copy for 300 s at most, the default

    // The JWKS URL of the client. In production it is https.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/jwks.json", listener.local_addr()?);
    let router = Router::new().route_service("/jwks.json", keys.jwks_service());
    tokio::spawn(async move { axum::serve(listener, router).await });

    // The other side: a server that knows the client by its URL.
    let dev = DevServer::bind(([127, 0, 0, 1], 0).into()).await?;
    dev.register("client", ClientKeys::JwksUrl(url.clone()))?;
    let client = TokenClient::discover(dev.issuer(), "client", keys.clone())?;
    println!("token: {:?}", client.token("api:read").await?);

    // What a cache in between sees: it may keep the answer for 100 s, and then asks for changes.
    let http = reqwest::Client::new();
    let first = http.get(&url).send().await?;
    println!("first: {} {:?}", first.status(), first.headers()["cache-control"]);
    let etag = first.headers()["etag"].clone();
    let again = http.get(&url).header("if-none-match", &etag).send().await?;
    println!("unchanged: {}", again.status());
    keys.publish(key()?, OffsetDateTime::now_utc())?;
    let changed = http.get(&url).header("if-none-match", &etag).send().await?;
    println!("with the next key: {} {}", changed.status(), changed.headers()["etag"] != etag);
    Ok(())
}
