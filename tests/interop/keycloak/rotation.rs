//! A new key by JWKS URL, and the end of the old one.

use std::time::{Duration, Instant};

use private_key_jwt::oauth::{CauseKind, Endpoint};
use private_key_jwt::{
    Algorithm, AuthorizationServer, Error, KeyRing, PrivateKey, TokenClient, TokenResponse,
};
use time::OffsetDateTime;

use super::{keycloak, named, request};
use crate::published::publish;
use crate::record::Record;
use crate::{path, refusal};

fn generated() -> PrivateKey {
    PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap()
}

/// Keycloak reads the URL again when it sees an unknown `kid`, at most every 10 s, so a key that is
/// no longer published is accepted until then.
#[tokio::test]
async fn no_request_fails_during_rotations_and_a_retired_key_ends_with_the_next_read() {
    let record = Record::of("Keycloak");
    let first = generated();
    let ring = KeyRing::from(first.clone()).with_propagation(Duration::ZERO);
    publish("/rotates", ring.clone());
    let server = AuthorizationServer::discover(keycloak()).await.unwrap();
    let client = TokenClient::builder(server, "rotates", ring.clone()).http(record.clone()).build().unwrap();
    client.request(&request()).await.unwrap();

    let mut old = first.clone();
    for _ in 0..3 {
        let (new, now) = (generated(), OffsetDateTime::now_utc());
        let key_id = ring.publish(new.clone(), now).unwrap();
        ring.activate(&key_id, now).unwrap();
        for _ in 0..5 {
            client.request(&request()).await.unwrap();
        }
        // Until the server has read the new key, the client signs with the old one.
        until(async || {
            client.request(&request()).await.unwrap();
            record.last_key_id().as_deref() == Some(key_id.as_str())
        })
        .await;
        ring.retire(old.key_id(), now).unwrap();
        client.request(&request()).await.unwrap();
        with_key(&old, &record).await.unwrap();
        old = new;
    }

    let refused = refusal(with_key(&first, &record).await);
    assert_eq!((refused.status(), crate::hint(&refused)), (400, Some(CauseKind::KeyId)));
    let counts = record.print();
    assert!(counts[&(path(&client.server().await.unwrap(), Endpoint::Token), 200)] >= 25, "{counts:?}");
}

/// A token for a client that has only this key.
async fn with_key(key: &PrivateKey, record: &Record) -> Result<TokenResponse, Error> {
    named("rotates", key.clone(), record).await.build().unwrap().request(&request()).await
}

async fn until(is_done: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !is_done().await {
        assert!(begun.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
