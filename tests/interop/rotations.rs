//! A new key by JWKS URL: no request fails, whenever the server reads the URL again.

use std::time::Duration;

use private_key_jwt::{Algorithm, AuthorizationServer, KeyRing, PrivateKey, TokenClient, TokenRequest};
use serde_json::json;
use time::OffsetDateTime;

use crate::peers::{node, spring, start};
use crate::published::{self, publish};
use crate::record::Record;

fn generated() -> PrivateKey {
    PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap()
}

/// Rotates this many times. `client_id` is also the path of the keys.
async fn rotates(name: &'static str, issuer: &str, client_id: &str, times: usize) {
    let ring = KeyRing::from(generated()).with_propagation(Duration::ZERO);
    publish(&format!("/{client_id}"), ring.jwks());
    let (server, record) = (AuthorizationServer::discover(issuer).await.unwrap(), Record::of(name));
    let client = TokenClient::builder(server, client_id, ring.clone()).http(record.clone()).build().unwrap();
    let request = TokenRequest::client_credentials("api:read");
    client.request(&request).await.unwrap();
    for _ in 0..times {
        let now = OffsetDateTime::now_utc();
        let key_id = ring.publish(generated(), now).unwrap();
        publish(&format!("/{client_id}"), ring.jwks());
        ring.activate(&key_id, now).unwrap();
        for _ in 0..5 {
            client.request(&request).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
    let accepted: usize =
        record.print().into_iter().filter(|((_, status), _)| *status == 200).map(|(_, count)| count).sum();
    assert_eq!(accepted, 1 + 5 * times, "{name}");
}

/// The server reads the URL again after a minute. Until then, it accepts the first key only.
#[tokio::test]
async fn at_oidc_provider() {
    let jwks_uri = format!("{}/rotates-at-oidc-provider", published::url());
    let clients = json!({"clients": [{"client_id": "rotates-at-oidc-provider", "jwks_uri": jwks_uri}]});
    publish("/rotates-at-oidc-provider", KeyRing::from(generated()).jwks());
    let server = start("oidc-provider", node("server.mjs"), &clients);
    rotates("oidc-provider", &server.issuer, "rotates-at-oidc-provider", 5).await;
}

/// The server reads the URL again when it sees an unknown `kid`.
#[tokio::test]
async fn at_spring() {
    let issuer = &spring(published::url()).issuer;
    rotates("Spring Authorization Server", issuer, "rotates-at-spring", 3).await;
}
