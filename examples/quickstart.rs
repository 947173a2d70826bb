//! The main job: get an access token with a private key, and verify it on the other side. To see
//! each step, with this dev server or a server of your own:
//!
//! ```text
//! cargo run --bin pkjwt --features cli -- quickstart
//! ```

use std::error::Error;

use private_key_jwt::dev_server::DevServer;
use private_key_jwt::{
    AccessTokenVerifier, Algorithm, ClientAssertionVerifier, InMemoryReplayStore, JwkSet, PrivateKey,
    PublicKeySet, RemoteJwks, TokenClient,
};
use time::OffsetDateTime;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The key of the client. From a file: `PrivateKey::from_file("client.pem")?`.
    let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    let jwks = JwkSet::from(key.public_jwk().clone());
    println!("key: {} for {}, kid {}", key.key_type(), key.algorithm(), key.key_id());

    // The authorization server, where the public JWKS of the client is registered.
    let dev = DevServer::bind(([127, 0, 0, 1], 0).into()).await?;
    dev.register("my-client", jwks.clone())?;

    // The token: cached, and refreshed before it expires.
    let client = TokenClient::discover(dev.issuer(), "my-client", key)?; // nothing is sent yet
    println!("token endpoint: {}", client.server().await?.token_endpoint());
    let token = client.token("api:read").await?;
    println!("token: {token:?}");

    // How an API verifies the token.
    let api = AccessTokenVerifier::new(dev.issuer(), DevServer::DEFAULT_AUDIENCE).require_scope("api:read");
    let claims = RemoteJwks::discover(dev.issuer())?.verify(&api, token.secret()).await?;
    println!("the API lets {} in", claims.client_id().unwrap_or("an unnamed client"));

    // How an authorization server verifies an assertion, which is valid for one request.
    let assertion = client.assertion().await?;
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(assertion.form()).finish();
    let verifier = ClientAssertionVerifier::new(dev.issuer());
    let (replay, keys) = (InMemoryReplayStore::default(), PublicKeySet::from(jwks));
    for attempt in ["first", "second"] {
        let now = OffsetDateTime::now_utc();
        let verified = verifier.parse(form.as_bytes())?.verify(&keys, None, now)?;
        match replay.spend_now(verified, now) {
            Ok(client_id) => println!("{attempt} time: the client is {client_id}"),
            Err(error) => println!("{attempt} time: {error}"),
        }
    }
    Ok(())
}
