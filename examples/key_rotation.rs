//! A key's life in a ring, against a server that reads the client's keys from a URL.
//!
//! ```text
//! cargo run --example key_rotation --features dev-server
//! ```
//!
//! A ring has no clock: each step is told the time, which here is minutes ahead so that nothing waits. A service keeps
//! the times of its steps with its keys, and lets a job of its own take the next one when it is due.

use std::error::Error;

use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use private_key_jwt::dev_server::{ClientKeys, DevServer};
use private_key_jwt::{Algorithm, AuthorizationServer, KeyRing, PrivateKey, TokenClient, TokenRequest};
use time::{Duration, OffsetDateTime};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let start = OffsetDateTime::now_utc();
    let after = |minutes| start + Duration::minutes(minutes);
    let (first, second, third) = (key()?, key()?, key()?);
    let (first_id, second_id) = (first.key_id().clone(), second.key_id().clone());
    let keys = KeyRing::from(first);

    // The JWKS URL of the client: public keys only, by construction.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/jwks.json", listener.local_addr()?);
    let published = keys.clone(); // the same ring
    let jwks = move || async move { ([(CONTENT_TYPE, "application/json")], published.jwks().to_json()) };
    let router = Router::new().route("/jwks.json", get(jwks));
    tokio::spawn(async move { axum::serve(listener, router).await });

    let dev = DevServer::bind(([127, 0, 0, 1], 0).into()).await?;
    dev.register("client", ClientKeys::JwksUrl(url))?;
    let server = AuthorizationServer::discover(dev.issuer()).await?;
    let client = TokenClient::new(server, "client", keys.clone())?;
    // Not `client.token`, which would hand out the token of the first step again.
    let request = TokenRequest::client_credentials(());
    let show = async |step: &str| match client.request(&request).await {
        Ok(_) => println!("{step}: {} published, the server takes the signature", keys.jwks().keys().len()),
        Err(error) => println!("{step}: {} published, no token: {error}", keys.jwks().keys().len()),
    };
    show("the first key").await;

    keys.publish(second, after(0))?; // in the JWKS, not signing
    show("published").await;
    if let Err(error) = keys.activate(&second_id, after(4)) {
        println!("too early: {error}"); // some server may not have read the JWKS again
    }
    keys.activate(&second_id, after(5))?; // signs from now on; what the first one signed still verifies
    show("activated").await;
    keys.retire(&first_id, after(10))?; // refused while something that it signed may be on its way
    show("retired").await;

    keys.revoke(&second_id); // compromised: gone at once. Tell the server too, it may keep its copy for a while
    show("revoked").await;
    let third_id = keys.publish(third, after(11))?;
    keys.activate(&third_id, after(11))?; // no wait: nothing else signs
    show("replaced").await;
    Ok(())
}

fn key() -> Result<PrivateKey, private_key_jwt::keys::KeyError> {
    PrivateKey::generate(Algorithm::ES256)?.private_key()
}
