//! Key rotation with a ring, against a server that reads the client's keys from a URL.
//!
//! ```text
//! cargo run --example key_rotation --features dev-server
//! ```
//!
//! A ring has no clock: the time is an argument of each step. Here it runs minutes ahead so that
//! nothing waits. A service stores the time of each step with its keys, and a job takes the next
//! step when it is due.

use std::error::Error;

use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use private_key_jwt::dev_server::{ClientKeys, DevServer};
use private_key_jwt::{Algorithm, KeyRing, PrivateKey, TokenClient, TokenRequest};
use time::{Duration, OffsetDateTime};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let start = OffsetDateTime::now_utc();
    let after = |minutes| start + Duration::minutes(minutes);
    let (first, second, third) = (key()?, key()?, key()?);
    let (first_id, second_id) = (first.key_id().clone(), second.key_id().clone());
    // The server of the example keeps a copy of the JWKS for five minutes at most, the default.
    let keys = KeyRing::from(first).with_propagation(std::time::Duration::from_secs(300));

    // The JWKS URL of the client: public keys only, by construction.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/jwks.json", listener.local_addr()?);
    let published = keys.clone(); // the same ring
    let jwks = move || async move { ([(CONTENT_TYPE, "application/json")], published.jwks().to_json()) };
    let router = Router::new().route("/jwks.json", get(jwks));
    tokio::spawn(async move { axum::serve(listener, router).await });

    let dev = DevServer::bind(([127, 0, 0, 1], 0).into()).await?;
    dev.register("client", ClientKeys::JwksUrl(url))?;
    let client = TokenClient::discover(dev.issuer(), "client", keys.clone())?;
    // Not `client.token`, which would return the cached token of the first step.
    let request = TokenRequest::client_credentials(());
    let show = async |step: &str| match client.request(&request).await {
        Ok(_) => println!("{step}: {} published, the server accepts the signature", keys.jwks().keys().len()),
        Err(error) => println!("{step}: {} published, no token: {error}", keys.jwks().keys().len()),
    };
    show("the first key").await;

    keys.publish(second, after(0))?; // in the JWKS, not signing
    show("published").await;
    if let Err(error) = keys.activate(&second_id, after(4)) {
        println!("too early: {error}"); // a server may still have the old JWKS cached
    }
    keys.activate(&second_id, after(5))?; // signs from now on; signatures of the first key still verify
    show("activated").await;
    keys.retire(&first_id, after(10))?; // refused while a request that it signed may be in flight
    show("retired").await;

    keys.revoke(&second_id); // compromised: removed at once. Tell the server too: it may have the JWKS cached
    show("revoked").await;
    let third_id = keys.publish(third, after(11))?;
    keys.activate(&third_id, after(11))?; // no wait: no other key signs
    show("replaced").await;
    Ok(())
}

fn key() -> Result<PrivateKey, private_key_jwt::keys::KeyError> {
    PrivateKey::generate(Algorithm::ES256)?.private_key()
}
