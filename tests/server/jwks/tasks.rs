//! Callers, tasks and runtimes that go away in the middle of a fetch.

use std::sync::atomic::{AtomicUsize, Ordering};

use private_key_jwt::PublicKeySet;
use private_key_jwt::server::{JwksFetchError, RemoteJwks};

use super::failing::cause;
use super::scripted::{Issuer, Publish, ok, warm};
use super::{COOL_DOWN, at_once, forged, new_key, set, token, until, verifier};
use crate::support::clean;
use crate::support::clock::TestClock;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[tokio::test]
async fn a_caller_that_goes_away_harms_no_other() {
    let ((_, jwk), time) = (new_key("a"), TestClock::new());
    let issuer = Issuer::silent();
    let jwks = issuer.jwks(&time);
    let asked = issuer.answers_when_told();
    // The caller that began the fetch is gone before the answer, and so is one that waited.
    for _ in 0..2 {
        let jwks = jwks.clone();
        let waiting = tokio::spawn(async move { jwks.keys().await.map(|_| ()) });
        until(|| issuer.requests() == 1).await;
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
    }
    let stays = tokio::spawn({
        let jwks = jwks.clone();
        async move { jwks.keys().await.map(|_| ()) }
    });
    tokio::task::yield_now().await;
    asked.send(ok(&[], &set(&[&jwk]))).unwrap();
    assert!(stays.await.unwrap().is_ok());
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test]
async fn a_fetch_without_waiting_callers_is_not_wasted() {
    let ((key, jwk), time) = (new_key("a"), TestClock::new());
    let issuer = Issuer::silent();
    let jwks = issuer.jwks(&time);
    let asked = issuer.answers_when_told();
    assert!(at_once(jwks.keys()).is_none());
    until(|| issuer.requests() == 1).await;
    asked.send(ok(&[], &set(&[&jwk]))).unwrap();
    until(|| jwks.fetched_at().is_some()).await;
    assert!(at_once(jwks.verify(&verifier(), &token(&key, Some("a")))).unwrap().is_ok());
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test]
async fn an_http_client_that_panics_is_a_failure_like_another() {
    let ((key, jwk), time) = (new_key("a"), TestClock::new());
    let issuer = Issuer::silent();
    issuer.script(|_| Box::pin(async { panic!("on purpose") }));
    let jwks = issuer.jwks(&time);
    for _ in 0..3 {
        // First the request, then the pause.
        let error = clean(jwks.verify(&verifier(), &token(&key, Some("a"))).await.unwrap_err());
        assert!(matches!(cause(&error), JwksFetchError::Lost), "{error:?}");
    }
    assert_eq!(issuer.requests(), 1);
    issuer.publish(&[&jwk]);
    time.pass(1);
    assert!(jwks.verify(&verifier(), &token(&key, Some("a"))).await.is_ok());

    issuer.script(|_| panic!("on purpose"));
    time.pass(COOL_DOWN);
    let error = jwks.verify(&verifier(), &forged("x")).await.unwrap_err();
    assert!(matches!(cause(&error), JwksFetchError::Lost), "{error:?}");
    assert!(at_once(jwks.verify(&verifier(), &token(&key, Some("a")))).unwrap().is_ok());
}

/// A silent issuer, and the runtime that has a fetch in flight to it.
fn in_flight(time: &TestClock) -> (Issuer, RemoteJwks, tokio::runtime::Runtime) {
    let issuer = Issuer::silent();
    let jwks = issuer.jwks(time);
    let first = runtime();
    first.block_on(async {
        assert!(at_once(jwks.keys()).is_none());
        until(|| issuer.requests() == 1).await;
    });
    (issuer, jwks, first)
}

#[test]
fn a_runtime_that_goes_away_takes_its_fetch_along_and_nothing_else() {
    let ((key, jwk), time) = (new_key("a"), TestClock::new());
    let (issuer, jwks, first) = in_flight(&time);
    // A caller on another runtime waits for it, or comes when it is already gone. The result is the
    // same.
    let waiting = std::thread::spawn({
        let (jwks, good) = (jwks.clone(), token(&key, Some("a")));
        move || runtime().block_on(async move { jwks.verify(&verifier(), &good).await.map(|_| ()) })
    });
    issuer.publish(&[&jwk]);
    drop(first);
    assert!(waiting.join().unwrap().is_ok());
    assert_eq!(issuer.requests(), 2);
    assert!(at_once(jwks.verify(&verifier(), &token(&key, Some("a")))).unwrap().is_ok());
}

/// A runtime that exists and that nothing drives.
#[test]
fn a_fetch_of_a_runtime_that_stands_still_is_given_up() {
    let ((_, jwk), time) = (new_key("a"), TestClock::new());
    let (issuer, jwks, _first) = in_flight(&time);
    issuer.publish(&[&jwk]);
    let second =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    assert!(second.block_on(jwks.keys()).is_ok());
    assert_eq!(issuer.requests(), 2);
}

#[test]
fn without_a_runtime_there_is_an_error_and_no_panic() {
    let ((key, jwk), time) = (new_key("a"), TestClock::new());
    let issuer = Issuer::of(&[&jwk]);
    let jwks = issuer.jwks(&time);
    let error = clean(at_once(jwks.verify(&verifier(), &token(&key, Some("a")))).unwrap().unwrap_err());
    assert!(matches!(cause(&error), JwksFetchError::Lost), "{error:?}");
    assert_eq!(issuer.requests(), 0);
    // Cached keys need no runtime.
    runtime().block_on(jwks.keys()).unwrap();
    for seconds in [0, 300] {
        time.pass(seconds);
        assert!(at_once(jwks.verify(&verifier(), &token(&key, Some("a")))).unwrap().is_ok());
    }
    assert_eq!(issuer.requests(), 1);
    assert!(runtime().block_on(async {
        jwks.keys().await.unwrap();
        until(|| issuer.requests() == 2).await;
        jwks.last_failure().is_none()
    }));
}

#[tokio::test]
async fn keys_that_another_caller_fetched_meanwhile_are_tried_without_another_fetch() {
    let ((_, old), (key, new)) = (new_key("old"), new_key("new"));
    let (issuer, jwks, time) = warm(&[&old]).await;
    issuer.publish(&[&new]);
    time.pass(COOL_DOWN);
    let tries = AtomicUsize::new(0);
    let good = token(&key, Some("new"));
    let check = |keys: &PublicKeySet, now| {
        let result = verifier().verify(keys, &good, now);
        if tries.fetch_add(1, Ordering::SeqCst) == 0 {
            let jwks = jwks.clone();
            let elsewhere = move || runtime().block_on(jwks.verify(&verifier(), &forged("x"))).map(|_| ());
            assert!(std::thread::spawn(elsewhere).join().unwrap().is_err());
        }
        result
    };
    assert!(jwks.verify_with(check).await.is_ok());
    assert_eq!((tries.load(Ordering::SeqCst), issuer.requests()), (2, 2));
}
