//! An issuer that fails: cached keys are used up to the hard limit, and neither side is overloaded.

use std::time::Duration;

use private_key_jwt::Jwk;
use private_key_jwt::jose::JoseError;
use private_key_jwt::keys::KeyError;
use private_key_jwt::oauth::Retry;
use private_key_jwt::server::{JwksFetchError, RemoteJwksError};
use private_key_jwt::transport::{ReqwestClient, TransportError};
use private_key_jwt::verifier::VerifierError;

use super::scripted::{Answer, Issuer, Publish, URL, answer, ok, warm};
use super::{COOL_DOWN, at_once, forged, is_no_matching_key, new_key, set, token, until, verifier};
use crate::support::clean;
use crate::support::clock::TestClock;

/// The failure of the fetch that caused an error.
#[track_caller]
pub(crate) fn cause(error: &RemoteJwksError) -> &JwksFetchError {
    match error {
        RemoteJwksError::Unavailable { url, source } | RemoteJwksError::TooOld { url, source, .. } => {
            assert_eq!(url, URL);
            assert_eq!(error.retry(), Retry::BackOff);
            source
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) fn is_status(error: &RemoteJwksError, expected: u16) -> bool {
    matches!(cause(error), JwksFetchError::Transport(TransportError::Status { status, url, .. }) if *status == expected && url == URL)
}

#[tokio::test]
async fn an_outage_below_the_hard_limit_is_not_noticed_and_one_beyond_it_refuses_everything() {
    let (key, jwk) = new_key("a");
    let (issuer, jwks, time) = warm(&[&jwk]).await;
    let good = token(&key, Some("a"));
    issuer.breaks();
    for _ in 0..3599 {
        time.pass(1);
        assert!(at_once(jwks.verify(&verifier(), &good)).unwrap().is_ok());
        // The fetch in the background.
        tokio::task::yield_now().await;
    }
    // From second 270 on after 1, 2, 4, 8 and 16 s, then every 30 s.
    assert_eq!(issuer.requests(), 1 + 6 + (3599 - 301) / 30);
    assert!(matches!(
        &*jwks.last_failure().unwrap(),
        JwksFetchError::Transport(TransportError::Broken { .. })
    ));
    for _ in 0..3 {
        time.pass(1);
        let error = clean(jwks.verify(&verifier(), &good).await.unwrap_err());
        assert!(matches!(&error, RemoteJwksError::TooOld { age, limit, .. }
            if *limit == Duration::from_secs(3600) && age >= limit && age.as_secs() < 3603));
        assert!(matches!(cause(&error), JwksFetchError::Transport(TransportError::Broken { .. })));
    }
    assert!(
        error_text(&jwks.keys().await.unwrap_err())
            .starts_with("the keys at https://as.example/jwks are 3602 s old")
    );
    // By itself, as soon as the pause is over.
    issuer.publish(&[&jwk]);
    time.pass(30);
    assert!(jwks.verify(&verifier(), &good).await.is_ok());
    assert!(jwks.last_failure().is_none());
    assert!(at_once(jwks.verify(&verifier(), &good)).unwrap().is_ok());
}

fn error_text(error: &RemoteJwksError) -> String {
    error.to_string()
}

#[tokio::test]
async fn without_any_keys_the_issuer_is_asked_after_pauses_and_no_caller_waits_in_them() {
    let ((key, jwk), time) = (new_key("a"), TestClock::new());
    let issuer = Issuer::silent();
    issuer.answers(|_| answer(503, &[], ""));
    let jwks = issuer.jwks(&time);
    let good = token(&key, Some("a"));
    for pause in [1, 2, 4, 8, 16, 30, 30] {
        let asked = issuer.requests();
        let error = clean(jwks.verify(&verifier(), &good).await.unwrap_err());
        assert!(is_status(&error, 503), "{error:?}");
        assert_eq!(issuer.requests(), asked + 1);
        time.pass(pause - 1);
        for token in [&good, &forged("x")] {
            let error = at_once(jwks.verify(&verifier(), token)).expect("at once").unwrap_err();
            assert!(is_status(&error, 503), "{error:?}");
        }
        assert_eq!(issuer.requests(), asked + 1);
        time.pass(1);
    }
    issuer.publish(&[&jwk]);
    assert!(jwks.verify(&verifier(), &good).await.is_ok());
}

#[tokio::test]
async fn all_who_wait_for_a_fetch_that_fails_get_the_same_failure() {
    let time = TestClock::new();
    let issuer = Issuer::silent();
    let jwks = issuer.jwks(&time);
    let asked = issuer.answers_when_told();
    let waiting: Vec<_> = (0..5)
        .map(|_| {
            let jwks = jwks.clone();
            tokio::spawn(async move { jwks.keys().await.unwrap_err() })
        })
        .collect();
    until(|| issuer.requests() == 1).await;
    asked.send(answer(500, &[], "")).unwrap();
    let last = {
        until(|| jwks.last_failure().is_some()).await;
        jwks.last_failure().unwrap()
    };
    for waiting in waiting {
        let error = waiting.await.unwrap();
        assert!(std::ptr::eq(cause(&error), &*last), "{error:?}");
    }
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test]
async fn a_name_that_could_not_be_looked_for_may_be_good_and_a_signature_that_fails_is_not() {
    let (key, jwk) = new_key("a");
    let (issuer, jwks, time) = warm(&[&jwk]).await;
    issuer.breaks();
    time.pass(COOL_DOWN);
    let error = clean(jwks.verify(&verifier(), &forged("x")).await.unwrap_err());
    assert!(matches!(&error, RemoteJwksError::Unavailable { .. }), "{error:?}");
    assert!(matches!(cause(&error), JwksFetchError::Transport(TransportError::Broken { .. })));
    // Even within the cool-down, and at once.
    let error = at_once(jwks.verify(&verifier(), &forged("x"))).unwrap().unwrap_err();
    assert!(matches!(&error, RemoteJwksError::Unavailable { .. }), "{error:?}");
    for seconds in [0, COOL_DOWN] {
        time.pass(seconds);
        let error = jwks.verify(&verifier(), &forged("a")).await.unwrap_err();
        assert!(
            matches!(&error, RemoteJwksError::Token(VerifierError::Key(KeyError::BadSignature))),
            "{error:?}"
        );
        assert_eq!(error.retry(), Retry::Never);
    }
    assert_eq!(issuer.requests(), 3);
    assert!(at_once(jwks.verify(&verifier(), &token(&key, Some("a")))).unwrap().is_ok());
    // Once the issuer is back, an unknown kid is an unknown kid.
    issuer.publish(&[&jwk]);
    time.pass(COOL_DOWN);
    let error = jwks.verify(&verifier(), &forged("x")).await.unwrap_err();
    assert!(matches!(&error, RemoteJwksError::Token(error) if is_no_matching_key(error)), "{error:?}");
}

/// An issuer's answer, and whether the failure is the expected one.
type Bad = (Box<dyn Fn() -> Answer + Send + Sync>, fn(&RemoteJwksError) -> bool);

fn document(error: &RemoteJwksError) -> &JoseError {
    match cause(error) {
        JwksFetchError::Document { url, source } if url == URL => source,
        other => panic!("{other:?}"),
    }
}

fn bad_answers() -> Vec<Bad> {
    fn body(body: impl Into<String>) -> Box<dyn Fn() -> Answer + Send + Sync> {
        let body = body.into();
        Box::new(move || ok(&[("content-type", "application/json")], &body))
    }
    let status = |status| -> Box<dyn Fn() -> Answer + Send + Sync> {
        Box::new(move || answer(status, &[("location", "https://as.example/other")], r#"{"keys":[]}"#))
    };
    vec![
        (status(301), |error| is_status(error, 301)),
        (status(307), |error| is_status(error, 307)),
        (status(204), |error| is_status(error, 204)),
        (status(404), |error| is_status(error, 404)),
        (status(429), |error| is_status(error, 429)),
        (status(500), |error| is_status(error, 500)),
        (body(""), |error| matches!(document(error), JoseError::Json { .. })),
        (body("<html>maintenance</html>"), |error| matches!(document(error), JoseError::Json { .. })),
        (body(r#"{"keys":[]"#), |error| matches!(document(error), JoseError::Json { .. })),
        (body(r#"{"keys":[]}{}"#), |error| matches!(document(error), JoseError::Json { .. })),
        (body("[]"), |error| matches!(document(error), JoseError::NotAnObject { .. })),
        (body("{}"), |error| matches!(document(error), JoseError::MissingMember { member: "keys", .. })),
        (body(r#"{"keys":{}}"#), |error| {
            matches!(document(error), JoseError::InvalidMember { member: "keys", .. })
        }),
        (body(r#"{"keys":[],"keys":[]}"#), |error| {
            matches!(document(error), JoseError::DuplicateMember { .. })
        }),
        (body(format!(r#"{{"keys":[{}]}}"#, vec!["{}"; 10_001].join(","))), |error| {
            matches!(document(error), JoseError::TooManyKeys { found: 10_001, limit: 256 })
        }),
        (body("[".repeat(100_000)), |error| matches!(document(error), JoseError::Json { .. })),
        (body(" ".repeat(ReqwestClient::MAX_BODY_LEN + 1)), |error| {
            matches!(
                cause(error),
                JwksFetchError::Transport(TransportError::BodyTooLarge { host, limit: ReqwestClient::MAX_BODY_LEN })
                    if host == "as.example"
            )
        }),
    ]
}

#[tokio::test]
async fn an_answer_that_is_no_set_is_a_failure_and_takes_nothing_away() {
    let (key, jwk) = new_key("a");
    for (index, (bad, expected)) in bad_answers().into_iter().enumerate() {
        let time = TestClock::new();
        let issuer = Issuer::silent();
        issuer.answers(move |_| bad());
        let jwks = issuer.jwks(&time);
        let error = clean(jwks.keys().await.unwrap_err());
        assert!(expected(&error), "{index}: {error:?}");

        let (bad, expected) = bad_answers().swap_remove(index);
        issuer.publish(&[&jwk]);
        time.pass(1);
        jwks.keys().await.unwrap();
        issuer.answers(move |_| bad());
        time.pass(COOL_DOWN);
        let error = clean(jwks.verify(&verifier(), &forged("x")).await.unwrap_err());
        assert!(expected(&error), "{index}: {error:?}");
        assert!(at_once(jwks.verify(&verifier(), &token(&key, Some("a")))).unwrap().is_ok());
    }
}

#[tokio::test]
async fn what_cannot_be_used_in_a_set_is_passed_over() {
    let ((key, jwk), time) = (new_key("a"), TestClock::new());
    let bare = Jwk::new(jwk.parameters().clone()).with_key_id("a").to_json();
    let with = |more: &str| bare.replacen('{', &format!("{{{more},"), 1);
    // For encryption, for signing only, of unknown kinds, private, half a key, and no object at
    // all.
    let others = [
        with(r#""use":"enc""#),
        with(r#""key_ops":["sign"]"#),
        with(r#""d":"AAAA""#),
        r#"{"kty":"oct","kid":"a","k":"AAAA"}"#.to_owned(),
        r#"{"kty":"EC","crv":"secp256k1","kid":"a","x":"AA","y":"AA"}"#.to_owned(),
        r#"{"kty":"AKP","kid":"a","alg":"ML-DSA-44","pub":"AA"}"#.to_owned(),
        r#"{"kty":"EC","crv":"P-256","kid":"a"}"#.to_owned(),
        r#"{"kid":"a"}"#.to_owned(),
        "7".to_owned(),
    ];
    let body = format!(r#"{{"keys":[{},{}],"more":1}}"#, others.join(","), jwk.to_json());
    let issuer = Issuer::silent();
    issuer.answers(move |_| ok(&[], &body));
    let jwks = issuer.jwks(&time);
    for name in [Some("a"), None] {
        assert!(jwks.verify(&verifier(), &token(&key, name)).await.is_ok(), "{name:?}");
    }
}

#[tokio::test]
async fn a_duplicate_kid_is_resolved_by_type_and_algorithm_or_refused() {
    let ((key, jwk), (_, other), time) = (new_key("a"), new_key("a"), TestClock::new());
    let rsa = crate::support::key("rsa2048.pkcs8.pem");
    let rs256 = rsa.public_jwk().clone().with_key_id("a");
    let issuer = Issuer::of(&[&jwk, &rs256]);
    let jwks = issuer.jwks(&time);
    for key in [&key, &rsa] {
        assert!(jwks.verify(&verifier(), &token(key, Some("a"))).await.is_ok());
    }
    issuer.publish(&[&jwk, &other]);
    let jwks = issuer.jwks(&time);
    let error = jwks.verify(&verifier(), &token(&key, Some("a"))).await.unwrap_err();
    assert!(
        matches!(
            &error,
            RemoteJwksError::Token(VerifierError::Jose(JoseError::AmbiguousKey { found: 2, .. }))
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_issuer_that_publishes_no_key_any_more_is_believed() {
    let (key, jwk) = new_key("a");
    let (issuer, jwks, time) = warm(&[&jwk]).await;
    issuer.publish(&[]);
    time.pass(270);
    assert!(at_once(jwks.verify(&verifier(), &token(&key, Some("a")))).unwrap().is_ok());
    until(|| issuer.requests() == 2).await;
    let error = jwks.verify(&verifier(), &token(&key, Some("a"))).await.unwrap_err();
    assert!(matches!(&error, RemoteJwksError::Token(error) if is_no_matching_key(error)), "{error:?}");
}

#[tokio::test]
async fn a_fetch_has_a_limit_of_its_own() {
    let time = TestClock::standing(|_| {});
    let issuer = Issuer::silent();
    let jwks = issuer.jwks(&time);
    let error = clean(jwks.keys().await.unwrap_err());
    assert!(
        matches!(cause(&error), JwksFetchError::Transport(TransportError::Timeout { host }) if host == "as.example"),
        "{error:?}"
    );
    let (_, jwk) = new_key("a");
    let body = set(&[&jwk]);
    issuer.answers(move |_| ok(&[], &body));
    time.pass(1);
    assert!(jwks.keys().await.is_ok());
    assert!(time.pauses().iter().all(|pause| *pause == Duration::from_secs(10)));
}

#[tokio::test]
async fn a_clock_that_is_set_back_keeps_no_keys_for_ever() {
    let (key, jwk) = new_key("a");
    let (issuer, jwks, time) = warm(&[&jwk]).await;
    let good = token(&key, Some("a"));
    issuer.breaks();
    time.pass(-10);
    let verifier = verifier().leeway(Duration::from_secs(60));
    assert!(at_once(jwks.verify(&verifier, &good)).unwrap().is_ok());
    time.pass(-3590);
    let error = jwks.keys().await.unwrap_err();
    assert!(matches!(&error, RemoteJwksError::TooOld { age, .. } if age.as_secs() == 3600), "{error:?}");
    issuer.publish(&[&jwk]);
    time.pass(-1);
    assert!(jwks.keys().await.is_ok());
    assert_eq!(jwks.fetched_at().unwrap().unix_timestamp(), time.seconds());
}
