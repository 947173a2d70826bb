//! A new key by JWKS URL, and the end of the old one.

use std::time::{Duration, Instant};

use private_key_jwt::keys::KeyState;
use private_key_jwt::oauth::{CauseKind, Endpoint};
use private_key_jwt::{
    Algorithm, AuthorizationServer, Error, KeyRing, PrivateKey, TokenClient, TokenResponse,
};
use time::OffsetDateTime;
use tokio::task::JoinSet;

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
    publish("/rotates", ring.jwks());
    let server = AuthorizationServer::discover(keycloak()).await.unwrap();
    let client = TokenClient::builder(server, "rotates", ring.clone()).http(record.clone()).build().unwrap();
    client.request(&request()).await.unwrap();

    let mut old = first.clone();
    for _ in 0..3 {
        let (new, now) = (generated(), OffsetDateTime::now_utc());
        let key_id = ring.publish(new.clone(), now).unwrap();
        publish("/rotates", ring.jwks());
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
        publish("/rotates", ring.jwks());
        client.request(&request()).await.unwrap();
        with_key(&old, &record).await.unwrap();
        old = new;
    }

    let refused = refusal(with_key(&first, &record).await);
    assert_eq!((refused.status(), crate::hint(&refused)), (400, Some(CauseKind::KeyId)));
    let counts = record.print();
    assert!(counts[&(path(&client.server().await.unwrap(), Endpoint::Token), 200)] >= 25, "{counts:?}");
}

/// Five keys are new between two reads of the server, so the key before is as unknown as the active
/// one. A key is removed half a minute after it was active.
#[tokio::test]
async fn no_request_fails_during_rotations_two_seconds_apart() {
    const ROTATIONS: usize = 15;
    const PAUSE: Duration = Duration::from_millis(7);
    const MOST_IN_FLIGHT: usize = 50;
    let record = Record::of("Keycloak");
    let ring = KeyRing::from(generated()).with_propagation(Duration::ZERO);
    publish("/rotates-quickly", ring.jwks());
    let server = AuthorizationServer::discover(keycloak()).await.unwrap();
    let client = TokenClient::builder(server, "rotates-quickly", ring.clone()).http(record.clone());
    let client = client.build().unwrap();
    client.request(&request()).await.unwrap();

    let (begun, mut calls, mut rotations) = (Instant::now(), JoinSet::new(), 0);
    let (mut tokens, mut failed) = (0, Vec::new());
    let mut count = |result: Result<Result<(), Error>, _>| match result.unwrap() {
        Ok(()) => tokens += 1,
        Err(error) => failed.push(error.to_string()),
    };
    let mut ticks = tokio::time::interval(PAUSE);
    // The server reads the last key at the end of its pause, and the client then tries it again.
    let is_done = || client.status().rejection.is_none() && begun.elapsed() > Duration::from_secs(30);
    while rotations < ROTATIONS || !is_done() {
        assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", client.status());
        if rotations < ROTATIONS && begun.elapsed().as_secs() >= 2 * rotations as u64 {
            let now = OffsetDateTime::now_utc();
            let key_id = ring.publish(generated(), now).unwrap();
            for key in ring.list() {
                if matches!(key.state, KeyState::Retiring(since) if now - since > Duration::from_secs(30)) {
                    ring.retire(&key.key_id, now).unwrap();
                }
            }
            publish("/rotates-quickly", ring.jwks());
            ring.activate(&key_id, now).unwrap();
            rotations += 1;
        }
        ticks.tick().await;
        if calls.len() >= MOST_IN_FLIGHT {
            count(calls.join_next().await.unwrap());
        }
        let client = client.clone();
        calls.spawn(async move { client.request(&request()).await.map(drop) });
    }
    let seconds = begun.elapsed().as_secs_f64();
    while let Some(result) = calls.join_next().await {
        count(result);
    }
    let corrections = client.statistics().key_corrections;
    println!(
        "Keycloak, {ROTATIONS} rotations in {seconds:.0} s: {tokens} tokens, {:.0} a second, \
         {corrections} after another key was rejected, {} calls failed",
        f64::from(tokens) / seconds,
        failed.len()
    );
    assert_eq!(failed, Vec::<String>::new());
    // The server was behind most of the time.
    assert!(corrections >= 8, "{corrections}");
    let status = client.status();
    assert_eq!(status.accepted_key.map(|key| key.key_id), status.active_key);
    record.print();
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
