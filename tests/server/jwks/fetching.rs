//! When keys are fetched, and how the issuer's answers are used.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64ct::{Base64, Encoding};
use private_key_jwt::jose::JoseError;
use private_key_jwt::keys::KeyError;
use private_key_jwt::oauth::OAuthError;
use private_key_jwt::server::RemoteJwksError;
use private_key_jwt::transport::TransportError;
use private_key_jwt::verifier::VerifierError;
use private_key_jwt::{
    Algorithm, AuthorizationServer, ClientAssertion, ClientAssertionVerifier, PublicKeySet, RemoteJwks,
};

use super::scripted::{Issuer, Publish, URL, answer, ok, warm};
use super::{COOL_DOWN, at_once, forged, is_no_matching_key, new_key, set, token, until, verifier};
use crate::support::clock::TestClock;
use crate::support::{self, clean};

/// The refusal of a token, checked for secrets.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, RemoteJwksError>) -> VerifierError {
    match clean(result.unwrap_err()) {
        RemoteJwksError::Token(error) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_first_token_fetches_and_the_next_ones_do_not() {
    let ((key, jwk), time) = (new_key("a"), TestClock::new());
    let issuer = Issuer::of(&[&jwk]);
    let jwks = issuer.jwks(&time);
    assert_eq!((issuer.requests(), jwks.fetched_at()), (0, None));
    assert_eq!(jwks.verify(&verifier(), &token(&key, Some("a"))).await.unwrap().subject(), Some("user-1"));
    assert_eq!(issuer.last_header("accept").unwrap(), "application/jwk-set+json, application/json");
    assert_eq!(jwks.fetched_at().unwrap().unix_timestamp(), time.seconds());
    for _ in 0..10 {
        assert!(at_once(jwks.verify(&verifier(), &token(&key, Some("a")))).unwrap().is_ok());
    }
    assert!(at_once(jwks.keys()).unwrap().unwrap().select(Some(&"a".into()), Algorithm::ES256).is_ok());
    assert_eq!(issuer.requests(), 1);
    assert!(jwks.last_failure().is_none());
}

#[tokio::test]
async fn all_who_come_first_wait_for_one_fetch_and_get_the_same() {
    let ((key, jwk), time) = (new_key("a"), TestClock::new());
    let issuer = Issuer::silent();
    let jwks = issuer.jwks(&time);
    let asked = issuer.answers_when_told();
    let waiting: Vec<_> = (0..10)
        .map(|_| {
            let (jwks, token) = (jwks.clone(), token(&key, Some("a")));
            tokio::spawn(async move {
                (jwks.verify(&verifier(), &token).await.is_ok(), jwks.keys().await.unwrap())
            })
        })
        .collect();
    until(|| issuer.requests() == 1).await;
    asked.send(ok(&[], &set(&[&jwk]))).unwrap();
    let keys = jwks.keys().await.unwrap();
    for waiting in waiting {
        let (verified, same) = waiting.await.unwrap();
        assert!(verified && Arc::ptr_eq(&keys, &same));
    }
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test]
async fn an_unknown_kid_causes_one_fetch_and_one_more_try() {
    let ((_, old), (key, new)) = (new_key("old"), new_key("new"));
    let (issuer, jwks, time) = warm(&[&old]).await;
    issuer.publish(&[&old, &new]);
    time.pass(COOL_DOWN);
    assert!(jwks.verify(&verifier(), &token(&key, Some("new"))).await.is_ok());
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test]
async fn within_the_cool_down_an_unknown_kid_is_refused_at_once() {
    let ((_, old), (key, new)) = (new_key("old"), new_key("new"));
    let (issuer, jwks, time) = warm(&[&old]).await;
    issuer.publish(&[&new]);
    time.pass(COOL_DOWN - 1);
    for _ in 0..100 {
        let error = refused(at_once(jwks.verify(&verifier(), &token(&key, Some("new")))).unwrap());
        assert!(
            matches!(&error, VerifierError::Jose(JoseError::NoMatchingKey { kid: Some(kid), algorithm: Algorithm::ES256, .. }) if kid == "new")
        );
    }
    assert_eq!(issuer.requests(), 1);
}

/// How a forged token is refused, and how many keys are tried for it.
async fn tries(jwks: &RemoteJwks) -> (VerifierError, usize) {
    let tries = AtomicUsize::new(0);
    let check = |keys: &PublicKeySet, now| {
        tries.fetch_add(1, Ordering::SeqCst);
        verifier().verify(keys, &forged("x"), now)
    };
    let error = refused(jwks.verify_with(check).await);
    (error, tries.into_inner())
}

#[tokio::test]
async fn a_token_is_tried_twice_and_never_thrice() {
    let (_, jwk) = new_key("a");
    let (issuer, jwks, time) = warm(&[&jwk]).await;
    for fetches in 2..5 {
        // A different set each time, and none that helps.
        issuer.publish(&[&new_key(&fetches.to_string()).1]);
        time.pass(COOL_DOWN);
        let (error, tries) = tries(&jwks).await;
        assert!(is_no_matching_key(&error), "{error:?}");
        assert_eq!((issuer.requests(), tries), (fetches, 2));
    }
}

#[tokio::test]
async fn what_is_still_the_same_is_not_tried_again() {
    let (_, jwk) = new_key("a");
    let (issuer, jwks, time) = warm(&[&jwk]).await;
    let keys = jwks.keys().await.unwrap();
    time.pass(COOL_DOWN);
    let (error, tries) = tries(&jwks).await;
    assert!(is_no_matching_key(&error), "{error:?}");
    assert_eq!((issuer.requests(), tries), (2, 1));
    assert!(Arc::ptr_eq(&keys, &jwks.keys().await.unwrap()), "the keys stay parsed");
}

#[tokio::test]
async fn a_signature_that_fails_under_a_cached_key_causes_one_fetch_and_one_more_try() {
    // The same kid with another key, and no kid at all.
    for name in [Some("a"), None] {
        let ((_, old), (key, new), time) = (new_key("a"), new_key("a"), TestClock::new());
        let issuer = Issuer::of(&[&old]);
        let jwks = issuer.jwks(&time);
        jwks.keys().await.unwrap();
        issuer.publish(&[&new]);
        let error = refused(at_once(jwks.verify(&verifier(), &token(&key, name))).unwrap());
        assert!(matches!(error, VerifierError::Key(KeyError::BadSignature)), "{error:?}");
        time.pass(COOL_DOWN);
        assert!(jwks.verify(&verifier(), &token(&key, name)).await.is_ok());
        assert_eq!(issuer.requests(), 2);
        time.pass(COOL_DOWN);
        let error = refused(jwks.verify(&verifier(), &forged("a")).await);
        assert!(matches!(error, VerifierError::Key(KeyError::BadSignature)), "{error:?}");
        assert_eq!(issuer.requests(), 3);
    }
}

#[tokio::test]
async fn another_kind_of_key_under_a_known_name_causes_a_fetch() {
    let ((_, old), time) = (new_key("a"), TestClock::new());
    let key = support::key("rsa2048.pkcs8.pem");
    let new = key.public_jwk().clone().with_key_id("a");
    let issuer = Issuer::of(&[&old]);
    let jwks = issuer.jwks(&time);
    jwks.keys().await.unwrap();
    issuer.publish(&[&new]);
    time.pass(COOL_DOWN);
    assert!(jwks.verify(&verifier(), &token(&key, Some("a"))).await.is_ok());
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test]
async fn what_newer_keys_cannot_help_causes_no_fetch() {
    let ((key, a), (_, b), time) = (new_key("a"), new_key("b"), TestClock::new());
    // A key that is too short, and one with the certificate of another key.
    let short =
        r#"{"kty":"RSA","kid":"short","e":"AQAB","n":"#.to_owned() + &format!(r#""{}"}}"#, "_".repeat(172));
    let certificate = Base64::encode_string(&support::testdata("keys/rsa2048.cert.der"));
    let certified = a.clone().with_key_id("certified").to_json().replacen(
        '{',
        &format!(r#"{{"x5c":["{certificate}"],"#),
        1,
    );
    let body = format!(r#"{{"keys":[{},{},{short},{certified}]}}"#, a.to_json(), b.to_json());
    let issuer = Issuer::silent();
    issuer.answers(move |_| ok(&[], &body));
    let jwks = issuer.jwks(&time);
    jwks.keys().await.unwrap();
    time.pass(COOL_DOWN);
    let mut refusals = Vec::new();
    let good = token(&key, Some("a"));
    let other = private_key_jwt::verifier::AccessTokenVerifier::new("https://other.example", super::AUDIENCE);
    let rsa = support::key("rsa2048.pkcs8.pem");
    for (verifier, token) in [
        (verifier(), "not a token"),
        (verifier(), &format!("{good}=")),
        (verifier(), &"x".repeat(20_000)),
        (verifier().algorithms([Algorithm::RS256]), &good),
        (other, &good),
        (verifier(), &token(&key, None)),
        (verifier(), &token(&rsa, Some("short"))),
        (verifier(), &token(&key, Some("certified"))),
    ] {
        refusals.push(refused(at_once(jwks.verify(&verifier, token)).unwrap()));
    }
    let mut refusals = refusals.into_iter();
    let mut next = || refusals.next().unwrap();
    assert!(matches!(next(), VerifierError::Jose(JoseError::PartCount { found: 1 })));
    assert!(matches!(next(), VerifierError::Jose(JoseError::Base64Url { .. })));
    assert!(matches!(next(), VerifierError::TooLarge { found: 20_000, .. }));
    assert!(matches!(next(), VerifierError::Algorithm { found: Algorithm::ES256, .. }));
    assert!(matches!(next(), VerifierError::Issuer { .. }));
    assert!(matches!(
        next(),
        VerifierError::Jose(JoseError::AmbiguousKey { kid: None, algorithm: Algorithm::ES256, found: 2 })
    ));
    assert!(matches!(next(), VerifierError::Key(KeyError::RsaSize { bits: 1032 })));
    assert!(matches!(next(), VerifierError::Key(KeyError::CertificateMismatch)));
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test]
async fn a_token_under_a_cached_kid_never_waits() {
    let (key, jwk) = new_key("a");
    let (issuer, jwks, time) = warm(&[&jwk]).await;
    // Neither during a fetch for a forged token, nor after the keys are no longer fresh, nor just
    // before the hard limit.
    issuer.script(|_| Box::pin(std::future::pending()));
    time.pass(COOL_DOWN);
    let waiting = tokio::spawn({
        let jwks = jwks.clone();
        async move { jwks.verify(&verifier(), &forged("x")).await.map(|_| ()) }
    });
    until(|| issuer.requests() == 2).await;
    for seconds in [0, 240, 600, 2729] {
        time.pass(seconds);
        assert!(at_once(jwks.verify(&verifier(), &token(&key, Some("a")))).unwrap().is_ok(), "{seconds}");
        tokio::task::yield_now().await;
    }
    assert!(!waiting.is_finished());
    waiting.abort();
}

#[tokio::test]
async fn keys_are_fetched_ahead_of_their_end_while_a_token_is_verified() {
    for (headers, due) in [
        (vec![], 270),
        (vec![("cache-control", "max-age=600")], 570),
        (vec![("cache-control", "max-age=600"), ("age", "100")], 470),
        (vec![("cache-control", "max-age=86400")], 870),
        (vec![("cache-control", "no-store")], 48),
        (vec![("date", "Fri, 15 Jan 2027 08:00:00 GMT"), ("expires", "Fri, 15 Jan 2027 08:10:00 GMT")], 570),
    ] {
        let ((key, jwk), time) = (new_key("a"), TestClock::new());
        let issuer = Issuer::silent();
        let body = set(&[&jwk]);
        issuer.answers(move |_| ok(&headers, &body));
        let jwks = issuer.jwks(&time);
        let token = token(&key, Some("a"));
        jwks.keys().await.unwrap();
        time.pass(due - 1);
        assert!(at_once(jwks.verify(&verifier(), &token)).unwrap().is_ok());
        tokio::task::yield_now().await;
        assert_eq!(issuer.requests(), 1, "{due}");
        time.pass(1);
        assert!(at_once(jwks.verify(&verifier(), &token)).unwrap().is_ok());
        until(|| issuer.requests() == 2).await;
        until(|| jwks.fetched_at().unwrap().unix_timestamp() == time.seconds()).await;
        assert!(at_once(jwks.verify(&verifier(), &token)).unwrap().is_ok());
        assert_eq!(issuer.requests(), 2);
    }
}

#[tokio::test]
async fn the_rules_can_be_set() {
    let ((key, jwk), time) = (new_key("a"), TestClock::new());
    let issuer = Issuer::of(&[&jwk]);
    let seconds = Duration::from_secs;
    let jwks = issuer
        .builder(&time)
        .cool_down(seconds(5))
        .hard_limit(seconds(100))
        .freshness_bounds(seconds(10), seconds(50))
        .freshness_without_headers(seconds(20))
        .build()
        .unwrap();
    let (good, unknown) = (token(&key, Some("a")), forged("x"));
    jwks.keys().await.unwrap();
    time.pass(4);
    assert!(at_once(jwks.verify(&verifier(), &unknown)).unwrap().is_err());
    time.pass(1);
    assert!(jwks.verify(&verifier(), &unknown).await.is_err());
    assert_eq!(issuer.requests(), 2);
    issuer.breaks();
    time.pass(16);
    assert!(at_once(jwks.verify(&verifier(), &good)).unwrap().is_ok());
    until(|| jwks.last_failure().is_some()).await;
    assert_eq!(issuer.requests(), 3);
    time.pass(83);
    assert!(jwks.verify(&verifier(), &good).await.is_ok());
    time.pass(1);
    let error = clean(jwks.verify(&verifier(), &good).await.unwrap_err());
    assert!(
        matches!(&error, RemoteJwksError::TooOld { age, limit, .. } if (*age, *limit) == (seconds(100), seconds(100))),
        "{error:?}"
    );
    // At least a second, even if less is configured.
    let jwks = issuer.builder(&time).cool_down(Duration::ZERO).build().unwrap();
    issuer.publish(&[&jwk]);
    jwks.keys().await.unwrap();
    let asked = issuer.requests();
    assert!(at_once(jwks.verify(&verifier(), &unknown)).unwrap().is_err());
    assert_eq!(issuer.requests(), asked);
}

#[tokio::test]
async fn rfc9111_4_3_a_304_keeps_the_keys_and_takes_new_freshness() {
    let ((key, jwk), time) = (new_key("a"), TestClock::new());
    let issuer = Issuer::silent();
    let body = set(&[&jwk]);
    let modified = "Fri, 15 Jan 2027 08:00:00 GMT";
    issuer.answers(move |_| {
        ok(&[("etag", "W/\"1\""), ("last-modified", modified), ("cache-control", "max-age=100")], &body)
    });
    let jwks = issuer.jwks(&time);
    let keys = jwks.keys().await.unwrap();
    assert_eq!((issuer.last_header("if-none-match"), issuer.last_header("if-modified-since")), (None, None));
    let age_of = async |age: i64| {
        time.pass(age);
        assert!(at_once(jwks.verify(&verifier(), &token(&key, Some("a")))).unwrap().is_ok());
        until(|| jwks.fetched_at().unwrap().unix_timestamp() == time.seconds()).await;
        assert!(Arc::ptr_eq(&keys, &jwks.keys().await.unwrap()));
        assert_eq!(issuer.last_header("if-modified-since").unwrap(), modified);
        issuer.last_header("if-none-match").unwrap()
    };
    // A new lifetime and validator; without them, the previous ones.
    issuer.answers(|_| answer(304, &[("etag", "\"2\""), ("cache-control", "max-age=200")], ""));
    assert_eq!(age_of(80).await, "W/\"1\"");
    issuer.answers(|_| answer(304, &[], ""));
    assert_eq!(age_of(170).await, "\"2\"");
    assert_eq!(age_of(170).await, "\"2\"");
    assert_eq!(issuer.requests(), 4);
}

#[tokio::test]
async fn a_304_to_an_unconditional_request_is_no_answer() {
    let time = TestClock::new();
    let issuer = Issuer::silent();
    issuer.answers(|_| answer(304, &[("etag", "\"1\"")], ""));
    let jwks = issuer.jwks(&time);
    let error = clean(jwks.keys().await.unwrap_err());
    assert!(super::failing::is_status(&error, 304), "{error:?}");
    // Nor to a request without a condition.
    let (_, jwk) = new_key("a");
    issuer.publish(&[&jwk]);
    time.pass(1);
    jwks.keys().await.unwrap();
    issuer.answers(|_| answer(304, &[], ""));
    time.pass(300);
    jwks.keys().await.unwrap();
    until(|| jwks.last_failure().is_some()).await;
    assert_eq!(issuer.last_header("if-none-match"), None);
}

#[tokio::test]
async fn a_slow_old_answer_takes_the_place_of_nothing_newer() {
    let ((_, old), (key, new), time) = (new_key("old"), new_key("new"), TestClock::new());
    let issuer = Issuer::silent();
    let jwks = issuer.jwks(&time);
    let slow = issuer.answers_when_told();
    let waiting = tokio::spawn({
        let jwks = jwks.clone();
        async move { jwks.keys().await.unwrap() }
    });
    until(|| issuer.requests() == 1).await;
    issuer.publish(&[&new]);
    // The first is given up, and the next one answers first.
    time.pass(COOL_DOWN);
    assert!(jwks.verify(&verifier(), &token(&key, Some("new"))).await.is_ok());
    let newer = jwks.keys().await.unwrap();
    slow.send(ok(&[], &set(&[&old]))).unwrap();
    assert!(Arc::ptr_eq(&waiting.await.unwrap(), &newer), "who waited for it gets the newer ones");
    assert!(Arc::ptr_eq(&jwks.keys().await.unwrap(), &newer));
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test]
async fn a_304_is_about_the_set_that_it_was_asked_about() {
    let ((key, first), (_, second), time) = (new_key("first"), new_key("second"), TestClock::new());
    let issuer = Issuer::silent();
    let body = set(&[&first]);
    issuer.answers(move |_| ok(&[("etag", "\"1\"")], &body));
    let jwks = issuer.jwks(&time);
    let keys = jwks.keys().await.unwrap();
    // Two fetches revalidate the first set. The older one brings the second set before the newer
    // one gets "unchanged".
    let ask = || {
        time.pass(COOL_DOWN);
        let jwks = jwks.clone();
        tokio::spawn(async move { jwks.verify(&verifier(), &forged("x")).await.map(|_| ()) })
    };
    let older = issuer.answers_when_told();
    let waiting_for_older = ask();
    until(|| issuer.requests() == 2).await;
    let newer = issuer.answers_when_told();
    let waiting_for_newer = ask();
    until(|| issuer.requests() == 3).await;
    older.send(ok(&[], &set(&[&second]))).unwrap();
    assert!(waiting_for_older.await.unwrap().is_err());
    assert!(!Arc::ptr_eq(&jwks.keys().await.unwrap(), &keys));
    newer.send(answer(304, &[], "")).unwrap();
    assert!(waiting_for_newer.await.unwrap().is_err());
    assert!(Arc::ptr_eq(&jwks.keys().await.unwrap(), &keys));
    assert!(at_once(jwks.verify(&verifier(), &token(&key, Some("first")))).unwrap().is_ok());
}

#[tokio::test]
async fn client_assertions_are_checked_with_the_same_care() {
    let ((_, old), (key, new), time) = (new_key("old"), new_key("new"), TestClock::new());
    let key = key.with_key_id("new");
    let issuer = Issuer::of(&[&old]);
    let jwks = issuer.jwks(&time);
    jwks.keys().await.unwrap();
    issuer.publish(&[&old, &new]);
    time.pass(COOL_DOWN);
    let server = AuthorizationServer::new(super::ISSUER, "https://as.example/token").unwrap();
    let sign = || {
        let now = time.seconds();
        let now = time::OffsetDateTime::from_unix_timestamp(now).unwrap();
        ClientAssertion::builder("client", &server).sign(&key, now, "j1").unwrap()
    };
    let verifier = ClientAssertionVerifier::new(super::ISSUER);
    let assertion = sign();
    let parsed = || verifier.parse_assertion(assertion.secret()).unwrap();
    assert_eq!(jwks.verify_assertion(parsed(), Algorithm::ES256).await.unwrap().client_id(), "client");
    assert_eq!(issuer.requests(), 2);
    let error = refused(at_once(jwks.verify_assertion(parsed(), Algorithm::RS256)).unwrap());
    assert!(matches!(error, VerifierError::Algorithm { found: Algorithm::ES256, .. }), "{error:?}");
    time.pass(100);
    let error = refused(at_once(jwks.verify_assertion(parsed(), None)).unwrap());
    assert!(matches!(error, VerifierError::Expired { .. }), "{error:?}");
    issuer.publish(&[&old]);
    jwks.verify(&super::verifier(), &forged("x")).await.unwrap_err();
    let assertion = sign();
    let parsed = verifier.parse_assertion(assertion.secret()).unwrap();
    assert!(is_no_matching_key(&refused(jwks.verify_assertion(parsed, None).await)));
    assert_eq!(issuer.requests(), 3);
}

#[test]
fn a_url_that_cannot_be_right_is_refused_when_the_set_is_made() {
    for (url, expected) in [
        ("http://as.example/jwks", "is plain http, which is for loopback only"),
        ("https://a:b@as.example/jwks", "has credentials"),
        ("ftp://as.example/jwks", "is not https"),
        ("jwks", "is not a URL"),
    ] {
        let refused = clean(RemoteJwks::new(url).unwrap_err());
        assert!(
            matches!(&refused, TransportError::OAuth(OAuthError::Endpoint { endpoint: "jwks_uri", reason, .. }) if *reason == expected),
            "{refused:?}"
        );
    }
    for url in [URL, "http://127.0.0.1:1/jwks?a=b", "http://localhost/jwks"] {
        assert_eq!(RemoteJwks::new(url).unwrap().url().as_deref(), Some(url));
    }
}

#[test]
fn it_can_be_shared_and_shown() {
    fn shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    fn sent<T: Send>(_: T) {}
    let jwks = Issuer::of(&[]).jwks(&TestClock::new());
    shared(&jwks);
    sent(jwks.verify(&verifier(), "token"));
    sent(jwks.keys());
    assert_eq!(format!("{jwks:?}"), format!("RemoteJwks {{ url: \"{URL}\", fetched_at: None, .. }}"));
}
