//! The assertion verifier with everything that a client, or an attacker, may send.

mod kinds;

use std::sync::Arc;
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use private_key_jwt::jose::{JoseError, KeyMismatch};
use private_key_jwt::keys::KeyError;
use private_key_jwt::oauth::CLIENT_ASSERTION_TYPE;
use private_key_jwt::verifier::{AudiencePolicy, ReplayEntry, VerifiedAssertion, VerifierError};
use private_key_jwt::{
    Algorithm, AuthorizationServer, ClientAssertion, ClientAssertionVerifier, InMemoryReplayStore, JwkSet,
    PrivateKey, PublicKeySet, ReplayStore, TokenRequest,
};
use serde_json::{Value, json};

use crate::support::{MARK, clean, key, marked_assertion, now};

const ISSUER: &str = "https://as.example";
const NOW: i64 = 1_800_000_000;

fn signing_key() -> PrivateKey {
    key("p256.pkcs8.pem").with_key_id("k1")
}

fn keys() -> PublicKeySet {
    JwkSet::from(signing_key().public_jwk().clone()).into()
}

fn encode(text: impl AsRef<[u8]>) -> String {
    Base64UrlUnpadded::encode_string(text.as_ref())
}

/// A token of any header and claims, with a valid signature.
fn signed(header: &str, claims: &str) -> String {
    let input = format!("{}.{}", encode(header), encode(claims));
    let signature = signing_key().sign(input.as_bytes()).unwrap();
    format!("{input}.{}", encode(signature.as_bytes()))
}

fn good_header() -> Value {
    json!({"alg": "ES256", "kid": "k1", "typ": "client-authentication+jwt"})
}

/// The claims of a good assertion, with the mark in its secrets.
fn good_claims() -> Value {
    json!({"iss": "client", "sub": "client", "aud": ISSUER, "jti": MARK, "iat": NOW, "exp": NOW + 60, "canary": MARK})
}

fn with(mut object: Value, member: &str, value: Value) -> Value {
    object[member] = value;
    object
}

fn without(mut object: Value, member: &str) -> Value {
    object.as_object_mut().unwrap().remove(member);
    object
}

fn check(verifier: &ClientAssertionVerifier, token: &str) -> Result<VerifiedAssertion, VerifierError> {
    verifier.parse_assertion(token)?.verify(&keys(), Algorithm::ES256, now()).map_err(clean)
}

fn verdict(header: &Value, claims: &Value) -> Result<VerifiedAssertion, VerifierError> {
    check(&ClientAssertionVerifier::new(ISSUER), &signed(&header.to_string(), &claims.to_string()))
}

fn claims_error(claims: &Value) -> VerifierError {
    clean(verdict(&good_header(), claims).unwrap_err())
}

fn header_error(header: &Value) -> VerifierError {
    clean(verdict(header, &good_claims()).unwrap_err())
}

fn jose_error(token: &str) -> JoseError {
    match clean(check(&ClientAssertionVerifier::new(ISSUER), token).unwrap_err()) {
        VerifierError::Jose(error) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_good_assertion_of_every_algorithm_goes_through_all_three_steps() {
    let server = AuthorizationServer::new(ISSUER, format!("{ISSUER}/token")).unwrap();
    let verifier = ClientAssertionVerifier::new(ISSUER).typed_only();
    let replay = InMemoryReplayStore::default();
    let files =
        ["rsa2048.pkcs8.pem", "p256.pkcs8.pem", "p384.pkcs8.pem", "p521.pkcs8.pem", "ed25519.pkcs8.pem"];
    let mut seen = 0;
    for algorithm in Algorithm::ALL {
        let key = files.iter().find_map(|file| key(file).with_algorithm(algorithm).ok()).unwrap();
        let keys = PublicKeySet::from(JwkSet::from(key.public_jwk().clone()));
        let assertion =
            ClientAssertion::builder("client", &server).sign(&key, now(), algorithm.as_str()).unwrap();
        let body = TokenRequest::client_credentials("a").to_http(&server, &assertion).unwrap().into_body();
        let unverified = verifier.parse(&body).unwrap();
        assert_eq!(unverified.client_id(), "client");
        let verified = unverified.verify(&keys, algorithm, now()).map_err(clean).unwrap();
        assert_eq!(verified.jti(), Some(algorithm.as_str()));
        assert_eq!(replay.spend_now(verified, now()).unwrap(), "client");
        seen += 1;
    }
    assert_eq!(seen, 11);
}

#[tokio::test]
async fn rfc7523_3_an_assertion_is_spent_once_and_the_key_is_iss_and_jti() {
    let replay = InMemoryReplayStore::default();
    let verifier = ClientAssertionVerifier::new(ISSUER);
    let token = signed(&good_header().to_string(), &good_claims().to_string());
    let verified = || check(&verifier, &token).unwrap();
    assert_eq!(replay.spend(verified(), now()).await.unwrap(), "client");
    assert!(matches!(clean(replay.spend(verified(), now()).await.unwrap_err()), VerifierError::Replayed));
    // Another client may use the same jti, and no concatenation of the two collides.
    for (iss, jti) in [("other", MARK.to_owned()), ("clien", format!("t{MARK}"))] {
        let claims = with(with(with(good_claims(), "iss", json!(iss)), "sub", json!(iss)), "jti", json!(jti));
        let verified = verdict(&good_header(), &claims).unwrap();
        assert_eq!(replay.spend(verified, now()).await.unwrap(), iss);
    }
    // A verifier with more leeway that shares the store refuses it too.
    let lenient = ClientAssertionVerifier::new(ISSUER).leeway(Duration::from_secs(60));
    let late = now() + Duration::from_secs(119);
    let token_of_its_own =
        signed(&good_header().to_string(), &with(good_claims(), "jti", json!("other")).to_string());
    let strict = verifier
        .parse_assertion(&token_of_its_own)
        .unwrap()
        .verify(&keys(), None, now())
        .map_err(clean)
        .unwrap();
    let again = lenient.parse_assertion(&token_of_its_own).unwrap().verify(&keys(), None, late).unwrap();
    let shared = InMemoryReplayStore::default();
    assert_eq!(shared.spend(strict, now()).await.unwrap(), "client");
    assert!(matches!(shared.spend(again, late).await.map_err(clean), Err(VerifierError::Replayed)));
    // It is remembered for as long as it would be accepted.
    let last = now() + Duration::from_secs(69);
    let verified = verifier.parse_assertion(&token).unwrap().verify(&keys(), None, last).unwrap();
    assert!(matches!(replay.spend(verified, last).await.map_err(clean), Err(VerifierError::Replayed)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_tasks_one_spends_an_assertion_in_each_of_1000_rounds() {
    // RSA, because its signatures are verified the fastest.
    let key = key("rsa2048.pkcs8.pem");
    let server = AuthorizationServer::new(ISSUER, format!("{ISSUER}/token")).unwrap();
    let shared = Arc::new((
        InMemoryReplayStore::default(),
        ClientAssertionVerifier::new(ISSUER),
        PublicKeySet::from(JwkSet::from(key.public_jwk().clone())),
    ));
    for round in 0..1000 {
        let assertion =
            ClientAssertion::builder("client", &server).sign(&key, now(), round.to_string()).unwrap();
        let spend = || {
            let (shared, assertion) = (Arc::clone(&shared), assertion.secret().to_owned());
            tokio::spawn(async move {
                let (store, verifier, keys) = &*shared;
                let unverified = verifier.parse_assertion(&assertion).unwrap();
                store.spend(unverified.verify(keys, Algorithm::RS256, now()).unwrap(), now()).await
            })
        };
        let tasks: Vec<_> = (0..64).map(|_| spend()).collect();
        let mut spent = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(client) => spent += usize::from(client == "client"),
                Err(error) => assert!(matches!(clean(error), VerifierError::Replayed)),
            }
        }
        assert_eq!(spent, 1, "round {round}");
    }
}

#[test]
fn rfc7523_3_iss_and_sub_are_the_client_id() {
    assert!(matches!(
        claims_error(&with(good_claims(), "sub", json!("other"))),
        VerifierError::IssuerIsNotSubject { iss, sub } if iss == "client" && sub == "other"
    ));
    let long = "c".repeat(300);
    let claims = with(with(good_claims(), "iss", json!(long)), "sub", json!(format!("{long}d")));
    let end = "c".repeat(16);
    assert_eq!(
        claims_error(&claims).to_string(),
        format!("iss is `…{end}`, sub is `…{end}d`; both must be the client id")
    );
    for claim in ["iss", "sub"] {
        assert!(matches!(
            claims_error(&with(good_claims(), claim, json!(null))),
            VerifierError::MissingClaim { claim: found } if found == claim
        ));
        assert!(matches!(
            claims_error(&without(good_claims(), claim)),
            VerifierError::MissingClaim { claim: found } if found == claim
        ));
        assert!(matches!(
            claims_error(&with(good_claims(), claim, json!(7))),
            VerifierError::InvalidClaim { claim: found, expected: "a string", .. } if found == claim
        ));
    }
}

#[test]
fn the_whole_audience_is_shown_with_the_expected_one() {
    let error = |issuer: &str, found: &str| {
        let token = signed(&good_header().to_string(), &with(good_claims(), "aud", json!(found)).to_string());
        clean(check(&ClientAssertionVerifier::new(issuer), &token).unwrap_err()).to_string()
    };
    let issuer = format!("https://as.example/{}", "tenant/".repeat(20));
    let issuer = issuer.trim_end_matches('/');
    assert_eq!(
        error(issuer, &format!("{issuer}/")),
        format!("the audience is `{issuer}/`, expected `{issuer}`")
    );
    // Beyond 256 characters, the place where they differ.
    let issuer = format!("{issuer}/{}", "x".repeat(200));
    assert_eq!(
        error(&issuer, &format!("{issuer}/\n")),
        format!("the audience is `…{}/\\u{{a}}`, expected `{issuer}`", "x".repeat(16))
    );
}

/// The error for an operator who has just misconfigured a client.
#[test]
fn every_claim_of_the_wrong_kind_is_named_with_what_it_is() {
    for (claim, value, text) in [
        ("exp", json!("1800000060"), "the claim `exp` is a string, not a number of seconds since 1970"),
        ("exp", json!(-1), "the claim `exp` is the number -1, not a number of seconds since 1970"),
        ("exp", json!(null), "the claim `exp` is missing"),
        ("iat", json!({}), "the claim `iat` is an object, not a number of seconds since 1970"),
        ("nbf", json!(true), "the claim `nbf` is a boolean, not a number of seconds since 1970"),
        ("aud", json!(7), "the claim `aud` is the number 7, not a string"),
        ("aud", json!([7]), "the claim `aud` is an array, not a string"),
        ("aud", json!([]), "the assertion has 0 audiences, exactly one is accepted"),
        ("jti", json!(17), "the claim `jti` is the number 17, not a string"),
        ("jti", json!(""), "the claim `jti` is 0 bytes long, not 1 to 256 bytes long"),
        ("jti", json!(["a"]), "the claim `jti` is an array, not a string"),
        (
            "exp",
            json!((NOW + 60) * 1000),
            "the claim `exp` is 1800000060000, which is past the year 9999: it must be in seconds, not milliseconds",
        ),
        (
            "exp",
            json!(NOW - 200),
            "the JWT expired at 2027-01-15T07:56:40Z, 3 min 20 s ago (now is 2027-01-15T08:00:00Z)",
        ),
        (
            "exp",
            json!(60),
            "the JWT expired at 1970-01-01T00:01:00Z, 20833 d 7 h ago (now is 2027-01-15T08:00:00Z); `exp` is 60, but \
             must be a time in seconds since 1970, not a lifetime",
        ),
        (
            "iat",
            json!(NOW + 90),
            "the claim `iat` is 2027-01-15T08:01:30Z, 1 min 30 s in the future (now is 2027-01-15T08:00:00Z)",
        ),
        ("exp", json!(NOW + 3600), "the assertion lives 3600 s, at most 300 s are accepted"),
    ] {
        assert_eq!(
            claims_error(&with(good_claims(), claim, value.clone())).to_string(),
            text,
            "{claim}: {value}"
        );
    }
    let silent = without(with(good_claims(), "exp", json!(NOW + 3660)), "iat");
    assert_eq!(
        claims_error(&silent).to_string(),
        "the assertion expires in 3660 s by this clock (it has no `iat`), at most 300 s are accepted"
    );
}

#[test]
fn rfc7519_2_milliseconds_are_called_that() {
    for claim in ["exp", "iat", "nbf"] {
        assert!(matches!(
            claims_error(&with(good_claims(), claim, json!(NOW * 1000))),
            VerifierError::NotInSeconds { claim: found, found: 1_800_000_000_000 } if found == claim
        ));
    }
    // A number that stands for "never" is a time, and too far away.
    assert!(matches!(
        claims_error(&with(good_claims(), "exp", json!(253_402_300_799_i64))),
        VerifierError::Lifetime { .. }
    ));
    assert!(matches!(
        claims_error(&with(good_claims(), "exp", json!(253_402_300_800_i64))),
        VerifierError::NotInSeconds { claim: "exp", .. }
    ));
}

#[test]
fn a_null_claim_is_absent() {
    let claims = with(with(good_claims(), "iat", json!(null)), "nbf", json!(null));
    assert!(verdict(&good_header(), &claims).is_ok());
    assert!(verdict(&with(good_header(), "typ", json!(null)), &good_claims()).is_ok());
    assert!(verdict(&with(good_header(), "kid", json!(null)), &good_claims()).is_ok());
}

#[test]
fn fapi_2_0_5_3_2_1_the_audience_is_a_plain_string() {
    let token = |aud: Value| signed(&good_header().to_string(), &with(good_claims(), "aud", aud).to_string());
    let fapi = ClientAssertionVerifier::new(ISSUER).audience_policy(AudiencePolicy::Fapi2);
    assert!(check(&fapi, &token(json!(ISSUER))).is_ok());
    for array in [json!([ISSUER]), json!([ISSUER, ISSUER])] {
        let error = clean(check(&fapi, &token(array)).unwrap_err());
        assert_eq!(error.to_string(), "the claim `aud` is an array, not a string");
    }
    assert_eq!(
        clean(check(&fapi, &token(json!([]))).unwrap_err()).to_string(),
        "the claim `aud` is an empty array, not a string"
    );
    assert!(matches!(
        clean(check(&fapi, &token(json!("https://as.example/token"))).unwrap_err()),
        VerifierError::Audience { expected, .. } if expected == [ISSUER]
    ));
}

/// RFC 10070 allows it; the other policies accept it as well.
#[test]
fn rfc10070_4_an_audience_in_an_array_of_one_is_accepted() {
    let token = signed(&good_header().to_string(), &with(good_claims(), "aud", json!([ISSUER])).to_string());
    for policy in [AudiencePolicy::Strict, AudiencePolicy::compatible(["https://as.example/token"])] {
        let verifier = ClientAssertionVerifier::new(ISSUER).audience_policy(policy);
        assert!(check(&verifier, &token).is_ok());
    }
}

#[test]
fn rfc7523_3_the_audience_is_this_server_by_string_comparison() {
    assert!(verdict(&good_header(), &with(good_claims(), "aud", json!([ISSUER]))).is_ok());
    for found in [
        "https://as.example/",
        "https://AS.example",
        "https://as.example:443",
        "https://as.example/token",
        "",
    ] {
        assert!(matches!(
            claims_error(&with(good_claims(), "aud", json!(found))),
            VerifierError::Audience { expected, found: other } if expected == [ISSUER] && other == found
        ));
    }
    let endpoints = ["https://as.example/token", "https://as.example/par"];
    let compatible =
        ClientAssertionVerifier::new(ISSUER).audience_policy(AudiencePolicy::compatible(endpoints));
    let token = |aud: Value| signed(&good_header().to_string(), &with(good_claims(), "aud", aud).to_string());
    for audience in [ISSUER, endpoints[0], endpoints[1]] {
        assert!(check(&compatible, &token(json!(audience))).is_ok(), "{audience}");
        assert!(check(&compatible, &token(json!([audience]))).is_ok(), "[{audience}]");
    }
    assert!(matches!(
        clean(check(&compatible, &token(json!("https://as.example/token/"))).unwrap_err()),
        VerifierError::Audience { expected, .. } if expected == [ISSUER, endpoints[0], endpoints[1]]
    ));
    // Several audiences are refused even if each is accepted (CVE-2025-27370).
    for (audiences, found) in
        [(json!([ISSUER, "https://as.example/token"]), 2), (json!([]), 0), (json!([ISSUER, ISSUER]), 2)]
    {
        assert!(matches!(
            clean(check(&compatible, &token(audiences)).unwrap_err()),
            VerifierError::AudienceCount { found: other } if other == found
        ));
    }
    for audience in [json!(7), json!([7]), json!({})] {
        assert!(matches!(
            claims_error(&with(good_claims(), "aud", audience)),
            VerifierError::InvalidClaim { claim: "aud", .. }
        ));
    }
    for claims in [without(good_claims(), "aud"), with(good_claims(), "aud", json!(null))] {
        assert!(matches!(claims_error(&claims), VerifierError::MissingClaim { claim: "aud" }));
    }
}

#[test]
fn rfc7523_3_exp_is_required_and_holds_with_ten_seconds_of_leeway() {
    assert!(
        verdict(&good_header(), &with(with(good_claims(), "exp", json!(NOW - 9)), "iat", json!(NOW - 60)))
            .is_ok()
    );
    for exp in [NOW - 10, NOW - 1000, 0] {
        assert!(matches!(
            claims_error(&with(good_claims(), "exp", json!(exp))),
            VerifierError::Expired { expired, now: NOW } if expired == exp
        ));
    }
    assert!(matches!(
        claims_error(&without(good_claims(), "exp")),
        VerifierError::MissingClaim { claim: "exp" }
    ));
    for exp in [json!("1800000060"), json!(-1), json!(1e300), json!([NOW]), json!(true)] {
        assert!(
            matches!(
                claims_error(&with(good_claims(), "exp", exp.clone())),
                VerifierError::InvalidClaim { claim: "exp", .. }
            ),
            "{exp}"
        );
    }
    assert!(verdict(&good_header(), &with(good_claims(), "exp", json!(1_800_000_060.5))).is_ok());
}

#[test]
fn an_assertion_that_lives_too_long_is_refused() {
    assert!(verdict(&good_header(), &with(good_claims(), "exp", json!(NOW + 300))).is_ok());
    assert!(matches!(
        claims_error(&with(good_claims(), "exp", json!(NOW + 311))),
        VerifierError::Lifetime { found: 311, limit: 300, issued: Some(NOW) }
    ));
    // Even if it is backdated, or does not say when it was issued.
    assert!(matches!(
        claims_error(&with(good_claims(), "iat", json!(NOW - 3600))),
        VerifierError::Lifetime { found: 3660, .. }
    ));
    let silent = without(with(good_claims(), "exp", json!(NOW + 1_000_000)), "iat");
    assert!(matches!(
        claims_error(&silent),
        VerifierError::Lifetime { found: 1_000_000, limit: 300, issued: None }
    ));
    let silent = without(with(good_claims(), "exp", json!(i64::MAX)), "iat");
    assert!(matches!(claims_error(&silent), VerifierError::NotInSeconds { claim: "exp", .. }));
    let patient = ClientAssertionVerifier::new(ISSUER).longest_lifetime(Duration::from_secs(3600));
    let token =
        signed(&good_header().to_string(), &with(good_claims(), "exp", json!(NOW + 3600)).to_string());
    assert!(check(&patient, &token).is_ok());
}

#[test]
fn fapi_2_0_iat_and_nbf_may_be_ten_seconds_ahead() {
    for claim in ["iat", "nbf"] {
        assert!(verdict(&good_header(), &with(good_claims(), claim, json!(NOW + 10))).is_ok());
        assert!(matches!(
            claims_error(&with(good_claims(), claim, json!(NOW + 11))),
            VerifierError::NotYetValid { claim: found, found: at, now: NOW } if found == claim && at == NOW + 11
        ));
        assert!(matches!(
            claims_error(&with(good_claims(), claim, json!("now"))),
            VerifierError::InvalidClaim { claim: found, .. } if found == claim
        ));
    }
    assert!(verdict(&good_header(), &without(good_claims(), "iat")).is_ok());
    let lenient = ClientAssertionVerifier::new(ISSUER).leeway(Duration::from_secs(3600));
    let token = |ahead| {
        signed(&good_header().to_string(), &with(good_claims(), "nbf", json!(NOW + ahead)).to_string())
    };
    let most = i64::try_from(ClientAssertionVerifier::MAX_LEEWAY.as_secs()).unwrap();
    assert!(check(&lenient, &token(most)).is_ok());
    assert!(check(&lenient, &token(most + 1)).is_err(), "the leeway is bounded to 60 s");
}

#[test]
fn oidc_core_9_a_jti_is_required_and_bounded() {
    assert!(matches!(
        claims_error(&without(good_claims(), "jti")),
        VerifierError::MissingClaim { claim: "jti" }
    ));
    for jti in [json!(""), json!("x".repeat(257)), json!(7)] {
        assert!(matches!(
            claims_error(&with(good_claims(), "jti", jti)),
            VerifierError::InvalidClaim { claim: "jti", .. }
        ));
    }
}

#[tokio::test]
async fn rfc7523_3_an_assertion_without_a_jti_is_accepted_once_where_that_is_a_setting() {
    let relaxed = ClientAssertionVerifier::new(ISSUER).accept_missing_jti();
    let check = |claims: &Value| check(&relaxed, &signed(&good_header().to_string(), &claims.to_string()));
    let bare = without(good_claims(), "jti");
    for claims in [&bare, &with(good_claims(), "jti", Value::Null)] {
        assert_eq!(check(claims).unwrap().jti(), None);
    }
    // A `jti` that is present is checked as usual.
    assert_eq!(check(&good_claims()).unwrap().jti(), Some(MARK));
    for jti in [json!(""), json!("x".repeat(257)), json!(7)] {
        assert!(matches!(
            clean(check(&with(good_claims(), "jti", jti)).unwrap_err()),
            VerifierError::InvalidClaim { claim: "jti", .. }
        ));
    }

    let replay = InMemoryReplayStore::default();
    assert_eq!(replay.spend(check(&bare).unwrap(), now()).await.unwrap(), "client");
    // Signed again: ECDSA has another signature each time, and the signed text is the same.
    let error = clean(replay.spend(check(&bare).unwrap(), now()).await.unwrap_err());
    assert!(matches!(error, VerifierError::ReplayedWithoutJti));
    assert_eq!(
        error.to_string(),
        "the assertion was used before; without a `jti`, two assertions made in one second are the same"
    );
    assert!(matches!(
        clean(replay.spend_now(check(&bare).unwrap(), now()).unwrap_err()),
        VerifierError::ReplayedWithoutJti
    ));
    for other in [
        good_claims(),
        with(bare.clone(), "exp", json!(NOW + 61)),
        with(with(bare, "iss", json!("other")), "sub", json!("other")),
    ] {
        assert!(replay.spend(check(&other).unwrap(), now()).await.is_ok(), "{other}");
    }
}

/// Anyone who sees an assertion can compute a second valid signature for it, (r, n - s).
#[test]
fn the_second_signature_of_ecdsa_does_not_spend_an_assertion_without_a_jti_again() {
    /// The order of P-256 (SEC 2 §2.4.2).
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
        0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let relaxed = ClientAssertionVerifier::new(ISSUER).accept_missing_jti();
    let token = signed(&good_header().to_string(), &without(good_claims(), "jti").to_string());
    let (input, signature) = token.rsplit_once('.').unwrap();
    let mut other = Base64UrlUnpadded::decode_vec(signature).unwrap();
    let mut borrow = 0;
    for (digit, of_order) in other[32..].iter_mut().zip(ORDER).rev() {
        let difference = i16::from(of_order) - i16::from(*digit) - borrow;
        borrow = i16::from(difference < 0);
        *digit = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    let other = format!("{input}.{}", encode(other));
    assert_ne!(other, token);
    let replay = InMemoryReplayStore::default();
    assert_eq!(replay.spend_now(check(&relaxed, &token).unwrap(), now()).unwrap(), "client");
    assert!(matches!(
        clean(replay.spend_now(check(&relaxed, &other).unwrap(), now()).unwrap_err()),
        VerifierError::ReplayedWithoutJti
    ));
}

#[test]
fn rfc8725_3_11_another_kind_of_token_is_refused() {
    for typ in [
        "client-authentication+jwt",
        "application/client-authentication+jwt",
        "Client-Authentication+JWT",
        "JWT",
        "jwt",
    ] {
        assert!(verdict(&with(good_header(), "typ", json!(typ)), &good_claims()).is_ok(), "{typ}");
    }
    assert!(verdict(&without(good_header(), "typ"), &good_claims()).is_ok());
    for typ in ["at+jwt", "logout+jwt", "dpop+jwt", "", "client-authentication+jwt;x"] {
        assert!(matches!(
            header_error(&with(good_header(), "typ", json!(typ))),
            VerifierError::MediaType { found: Some(found), .. } if found == typ
        ));
    }
    let at = with(good_header(), "typ", json!("at+jwt"));
    assert_eq!(
        header_error(&at).to_string(),
        "the typ is `at+jwt`, expected `client-authentication+jwt`, `JWT` or none"
    );
    let strict = ClientAssertionVerifier::new(ISSUER).typed_only();
    for header in [without(good_header(), "typ"), with(good_header(), "typ", json!("JWT"))] {
        let token = signed(&header.to_string(), &good_claims().to_string());
        let found = header.get("typ").map_or("missing", |_| "`JWT`");
        assert_eq!(
            clean(check(&strict, &token).unwrap_err()).to_string(),
            format!("the typ is {found}, expected `client-authentication+jwt`")
        );
    }
}

#[test]
fn rfc8725_3_1_the_algorithm_is_bound_to_the_key_and_the_registration() {
    let token = signed(&good_header().to_string(), &good_claims().to_string());
    let verifier = ClientAssertionVerifier::new(ISSUER);
    let unverified = || verifier.parse_assertion(&token).unwrap();
    assert!(matches!(
        clean(unverified().verify(&keys(), Algorithm::RS256, now()).map_err(clean).unwrap_err()),
        VerifierError::Algorithm { found: Algorithm::ES256, allowed } if allowed == [Algorithm::RS256]
    ));
    let rsa_only = ClientAssertionVerifier::new(ISSUER).algorithms([Algorithm::PS256]);
    assert!(matches!(
        rsa_only.parse_assertion(&token).unwrap().verify(&keys(), None, now()).map_err(clean),
        Err(VerifierError::Algorithm { found: Algorithm::ES256, .. })
    ));
    // The client registered an algorithm that the server does not allow, so none is allowed, and
    // the error does not name the found one.
    let neither = rsa_only.parse_assertion(&token).unwrap().verify(&keys(), Algorithm::ES256, now());
    let error = clean(neither.unwrap_err());
    assert!(
        matches!(&error, VerifierError::Algorithm { found: Algorithm::ES256, allowed } if allowed.is_empty())
    );
    assert_eq!(error.to_string(), "the algorithm is ES256, allowed: none");
    // A key of the same kid and of another type, or registered for another algorithm.
    for (other, of_type) in [("p384.pkcs8.pem", "EC P-384"), ("rsa2048.pkcs8.pem", "RSA")] {
        let set = PublicKeySet::from(JwkSet::from(key(other).with_key_id("k1").public_jwk().clone()));
        let error = clean(unverified().verify(&set, None, now()).unwrap_err());
        assert!(matches!(
            &error,
            VerifierError::Jose(JoseError::NoMatchingKey { algorithm: Algorithm::ES256, reason, .. })
                if matches!(**reason, KeyMismatch::OtherKeyType { .. })
        ));
        assert_eq!(
            error.to_string(),
            format!(
                "no key in the set fits ES256 and `kid` \"k1\": the key is of type {of_type}, not EC P-256"
            )
        );
    }
}

#[test]
fn rfc9864_2_2_eddsa_and_ed25519_are_one_algorithm_at_both_ends() {
    let names = [Algorithm::EdDSA, Algorithm::Ed25519];
    let server = AuthorizationServer::new(ISSUER, format!("{ISSUER}/token")).unwrap();
    for (signed_as, other) in [(names[0], names[1]), (names[1], names[0])] {
        let key = key("ed25519.pkcs8.pem").with_algorithm(signed_as).unwrap();
        let assertion = ClientAssertion::builder("client", &server).sign(&key, now(), "j").unwrap();
        // The JWK's alg, the registered algorithm and the allow-list, each under the other name.
        let jwk = key.public_jwk().clone().for_signatures(other).unwrap();
        let keys = PublicKeySet::from(JwkSet::from(jwk));
        let verifier = ClientAssertionVerifier::new(ISSUER).algorithms([other]);
        let unverified = verifier.parse_assertion(assertion.secret()).unwrap();
        let verified = unverified.verify(&keys, other, now()).map_err(clean).unwrap();
        assert_eq!(verified.algorithm(), signed_as);
        let unverified = verifier.parse_assertion(assertion.secret()).unwrap();
        assert!(matches!(
            clean(unverified.verify(&keys, Algorithm::ES256, now()).unwrap_err()),
            VerifierError::Algorithm { allowed, .. } if allowed.is_empty()
        ));
    }
}

#[test]
fn a_key_is_found_by_kid_or_by_being_the_only_one() {
    let unnamed = signed(&without(good_header(), "kid").to_string(), &good_claims().to_string());
    let verifier = ClientAssertionVerifier::new(ISSUER);
    assert!(check(&verifier, &unnamed).is_ok());
    let jwk = |key: &PrivateKey| key.public_jwk().clone();
    // The same key under two kids is one key.
    let twice: JwkSet = [signing_key(), key("p256.pkcs8.pem")].iter().map(jwk).collect();
    assert!(verifier.parse_assertion(&unnamed).unwrap().verify(&twice.into(), None, now()).is_ok());
    let other = PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap();
    let two: JwkSet = [signing_key(), other].iter().map(jwk).collect();
    assert!(matches!(
        verifier.parse_assertion(&unnamed).unwrap().verify(&two.into(), None, now()).map_err(clean),
        Err(VerifierError::Jose(JoseError::AmbiguousKey { found: 2, .. }))
    ));
    assert!(matches!(
        header_error(&with(good_header(), "kid", json!("k2"))),
        VerifierError::Jose(JoseError::NoMatchingKey { kid: Some(kid), .. }) if kid == "k2"
    ));
    assert_eq!(
        header_error(&with(good_header(), "kid", json!("k2"))).to_string(),
        "no key in the set fits ES256 and `kid` \"k2\": no key has that `kid`; the set has \"k1\""
    );
    assert!(matches!(
        verifier
            .parse_assertion(&unnamed)
            .unwrap()
            .verify(&PublicKeySet::default(), None, now())
            .map_err(clean),
        Err(VerifierError::Jose(JoseError::NoMatchingKey { .. }))
    ));
}

#[test]
fn a_signature_that_is_not_the_clients_is_refused() {
    let token = signed(&good_header().to_string(), &good_claims().to_string());
    let (input, _) = token.rsplit_once('.').unwrap();
    let other = PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap();
    let foreign = format!("{input}.{}", encode(other.sign(input.as_bytes()).unwrap().as_bytes()));
    let zero = format!("{input}.{}", encode([0; 64]));
    for token in [foreign, zero] {
        assert!(matches!(
            clean(check(&ClientAssertionVerifier::new(ISSUER), &token).unwrap_err()),
            VerifierError::Key(KeyError::BadSignature)
        ));
    }
}

#[test]
fn claims_are_judged_after_the_signature() {
    // Each would be refused, but the error does not say so while the signature is invalid.
    for claims in [
        with(good_claims(), "aud", json!("https://other.example")),
        without(good_claims(), "exp"),
        with(good_claims(), "exp", json!(NOW - 3600)),
        with(good_claims(), "jti", json!("")),
    ] {
        let good = signed(&good_header().to_string(), &claims.to_string());
        let (input, _) = good.rsplit_once('.').unwrap();
        let forged = format!("{input}.{}", encode([1; 64]));
        let error = clean(check(&ClientAssertionVerifier::new(ISSUER), &forged).unwrap_err());
        assert!(matches!(error, VerifierError::Key(KeyError::BadSignature)), "{claims}: {error:?}");
    }
}

#[test]
fn a_form_with_needless_escapes_is_the_same_form() {
    let token = signed(&good_header().to_string(), &good_claims().to_string());
    let escaped: String = token.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let form = format!(
        "client_assertion={escaped}&client_assertion_type={}",
        CLIENT_ASSERTION_TYPE.replace(':', "%3A")
    );
    let verifier = ClientAssertionVerifier::new(ISSUER);
    let unverified = verifier.parse(form.as_bytes()).unwrap();
    let verified = unverified.verify(&keys(), Algorithm::ES256, now()).unwrap();
    assert_eq!(verified.client_id(), "client");
}

#[test]
fn every_flipped_bit_of_a_token_is_refused() {
    let token = signed(&good_header().to_string(), &good_claims().to_string());
    let verifier = ClientAssertionVerifier::new(ISSUER);
    assert!(check(&verifier, &token).is_ok());
    for index in 0..token.len() {
        for mask in [1_u8, 2, 4, 8, 16, 32] {
            let mut bytes = token.clone().into_bytes();
            bytes[index] ^= mask;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            clean(check(&verifier, &changed).unwrap_err());
        }
    }
    for len in 0..token.len() {
        clean(check(&verifier, &token[..len]).unwrap_err());
    }
}

#[test]
fn malformed_tokens_have_their_errors() {
    let claims = good_claims().to_string();
    assert_eq!(
        jose_error(&signed(r#"{"alg":"ES256","kid":"k1","kid":"k2"}"#, &claims)),
        JoseError::DuplicateMember { what: "the JWS header", member: "kid".to_owned() }
    );
    assert_eq!(
        jose_error(&signed(r#"{"alg":"ES256"}"#, r#"{"iss":"a","sub":"a","exp":1,"exp":2}"#)),
        JoseError::DuplicateMember { what: "the claims set", member: "exp".to_owned() }
    );
    assert_eq!(
        jose_error(&signed(r#"{"alg":"ES256"}"#, "[]")),
        JoseError::NotAnObject { what: "the claims set" }
    );
    for found in ["none", "NONE", "nOnE", "", "HS256", "es256", "ES521", "ES256 "] {
        let found = found.to_owned();
        let token = signed(&json!({ "alg": found }).to_string(), &claims);
        assert_eq!(jose_error(&token), JoseError::UnsupportedAlgorithm { found });
    }
    assert_eq!(jose_error(&signed(r#"{"alg":"ES256","crit":["exp"]}"#, &claims)), JoseError::CriticalHeader);
    let good = signed(r#"{"alg":"ES256"}"#, &claims);
    assert_eq!(jose_error(&format!("{good}=")), JoseError::Base64Url { what: "the JWS signature" });
    let two_parts = good.rsplit_once('.').unwrap().0;
    assert_eq!(jose_error(two_parts), JoseError::PartCount { found: 2 });
    assert_eq!(
        jose_error(&format!("{two_parts}.")),
        JoseError::SignatureLength { algorithm: Algorithm::ES256, found: 0 }
    );
    for (more, found) in [(".", 4), (".a", 4), (".a.b", 5)] {
        assert_eq!(jose_error(&format!("{good}{more}")), JoseError::PartCount { found });
    }
}

#[test]
fn rfc8725_3_10_a_key_in_the_header_is_not_used() {
    let attacker = key("p384.pkcs8.pem").with_key_id("k1");
    let header = json!({"alg": "ES384", "kid": "k1", "jwk": attacker.public_jwk(),
        "jku": "https://evil.example/jwks", "x5u": "https://evil.example/x5u"});
    let input = format!("{}.{}", encode(header.to_string()), encode(good_claims().to_string()));
    let token = format!("{input}.{}", encode(attacker.sign(input.as_bytes()).unwrap().as_bytes()));
    let verifier = ClientAssertionVerifier::new(ISSUER);
    assert!(matches!(
        verifier.parse_assertion(&token).unwrap().verify(&keys(), None, now()).map_err(clean),
        Err(VerifierError::Jose(JoseError::NoMatchingKey { algorithm: Algorithm::ES384, .. }))
    ));
}

#[test]
fn a_megabyte_of_claims_is_not_decoded() {
    let claims = with(good_claims(), "more", json!("x".repeat(1 << 20))).to_string();
    let token = signed(&good_header().to_string(), &claims);
    assert!(matches!(
        clean(check(&ClientAssertionVerifier::new(ISSUER), &token).unwrap_err()),
        VerifierError::TooLarge { found, limit: 16_384 } if found == token.len()
    ));
    let form = format!("client_assertion={token}");
    assert!(matches!(
        clean(ClientAssertionVerifier::new(ISSUER).parse(form.as_bytes()).unwrap_err()),
        VerifierError::FormTooLarge { found, limit: 65_536 } if found == form.len()
    ));
}

mod form {
    use super::*;

    fn pairs() -> Vec<(&'static str, String)> {
        let server = AuthorizationServer::new(ISSUER, format!("{ISSUER}/token")).unwrap();
        let assertion = marked_assertion(&server);
        vec![
            ("grant_type", "client_credentials".to_owned()),
            ("client_assertion_type", CLIENT_ASSERTION_TYPE.to_owned()),
            ("client_assertion", assertion.secret().to_owned()),
            ("client_id", "client".to_owned()),
        ]
    }

    fn parse(pairs: &[(&'static str, String)]) -> Result<String, VerifierError> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let verifier = ClientAssertionVerifier::new(ISSUER);
        let unverified = verifier.parse(body.as_bytes())?;
        Ok(unverified.client_id().to_owned())
    }

    fn error(pairs: &[(&'static str, String)]) -> VerifierError {
        clean(parse(pairs).unwrap_err())
    }

    fn changed(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
        pairs().into_iter().map(|(n, v)| if n == name { (n, value.to_owned()) } else { (n, v) }).collect()
    }

    #[test]
    fn rfc7523_2_2_one_assertion_of_one_type() {
        assert_eq!(parse(&pairs()).unwrap(), "client");
        assert_eq!(parse(&pairs()[..3]).unwrap(), "client");
        for name in ["client_assertion", "client_assertion_type"] {
            let missing: Vec<_> = pairs().into_iter().filter(|(n, _)| *n != name).collect();
            assert!(
                matches!(error(&missing), VerifierError::MissingParameter { name: found } if found == name)
            );
        }
        for found in ["urn:ietf:params:oauth:client-assertion-type:saml2-bearer", "jwt-bearer", " "] {
            assert!(matches!(
                error(&changed("client_assertion_type", found)),
                VerifierError::AssertionType { found: other } if other == found
            ));
        }
        let (_, end) = CLIENT_ASSERTION_TYPE.split_at(CLIENT_ASSERTION_TYPE.len() - 16);
        let longer =
            error(&changed("client_assertion_type", &format!("{CLIENT_ASSERTION_TYPE}, of RFC 7523")));
        assert_eq!(
            longer.to_string(),
            format!("the client_assertion_type is `…{end}, of RFC 7523`, expected `{CLIENT_ASSERTION_TYPE}`")
        );
        // The assertion in the wrong parameter.
        let server = AuthorizationServer::new(ISSUER, format!("{ISSUER}/token")).unwrap();
        let swapped = error(&changed("client_assertion_type", marked_assertion(&server).secret()));
        assert_eq!(
            swapped.to_string(),
            format!("the client_assertion_type is `[a JWT]`, expected `{CLIENT_ASSERTION_TYPE}`")
        );
    }

    #[test]
    fn rfc6749_2_3_1_a_client_secret_is_another_method() {
        let secret = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", "client".to_owned()),
            ("client_secret", MARK.to_owned()),
        ];
        let error = error(&secret);
        assert!(matches!(error, VerifierError::OtherMethod { found: "client_secret" }));
        assert_eq!(
            error.to_string(),
            "the form has a `client_secret`, which is another authentication method; a `client_assertion` is needed"
        );
    }

    #[test]
    fn rfc6749_3_2_no_parameter_twice() {
        for index in 0..pairs().len() {
            let mut twice = pairs();
            twice.push(twice[index].clone());
            let name = twice[index].0;
            assert!(
                matches!(error(&twice), VerifierError::DuplicateParameter { name: found } if found == name)
            );
        }
    }

    /// The next reader of the form may take the first or the last of two, so no parameter may
    /// appear twice, not even those that this crate ignores.
    #[test]
    fn rfc6749_3_2_no_parameter_twice_of_any_name() {
        for name in
            ["scope", "code", "redirect_uri", "code_verifier", "refresh_token", "token", "unheard-of", ""]
        {
            let mut form = pairs();
            form.push((name, MARK.to_owned()));
            assert_eq!(parse(&form).unwrap(), "client", "{name}");
            form.push((name, "other".to_owned()));
            assert!(
                matches!(error(&form), VerifierError::DuplicateParameter { name: found } if found == name),
                "{name}"
            );
        }
        // Except those that may be repeated (RFC 8707 §2, RFC 8693 §2.1).
        for name in ["resource", "audience"] {
            let mut form = pairs();
            form.extend([(name, "https://a.example".to_owned()), (name, "https://b.example".to_owned())]);
            assert_eq!(parse(&form).unwrap(), "client", "{name}");
        }
        // A form with the maximum number of parameters is read quickly.
        let many: String = (0..12_000).map(|number| format!("{number}&")).collect();
        let started = std::time::Instant::now();
        let read = ClientAssertionVerifier::new(ISSUER).parse(many.as_bytes()).map(drop);
        assert!(matches!(read, Err(VerifierError::MissingParameter { name: "client_assertion" })));
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    }

    /// A name is compared after decoding, and exactly.
    #[test]
    fn a_name_cannot_be_hidden() {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs()).finish();
        let parse = |more: &str| {
            let body = format!("{body}&{more}");
            let parsed = ClientAssertionVerifier::new(ISSUER).parse(body.as_bytes()).map(drop);
            parsed.map_err(clean)
        };
        assert!(matches!(parse("client%5Fsecret=x"), Err(VerifierError::TwoMethods)));
        assert!(matches!(parse("%63lient_secret=%00"), Err(VerifierError::TwoMethods)));
        for more in ["client%5fassertion=x", "client_assertion", "%63%6c%69ent_assertion="] {
            assert!(
                matches!(parse(more), Err(VerifierError::DuplicateParameter { name }) if name == "client_assertion"),
                "{more}"
            );
        }
        // Other names, which no server takes for these.
        for more in [
            "Client_secret=x",
            "client_secret%00=x",
            "+client_secret=x",
            "client_secret%20=x",
            "a;client_secret=x",
        ] {
            assert!(parse(more).is_ok(), "{more}");
        }
    }

    /// A second assertion of another kind cannot hide behind the first (RFC 7521 §4.2).
    #[test]
    fn rfc7521_4_2_a_second_assertion_of_another_kind_is_a_second_assertion() {
        const SAML: &str = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";
        for second in [
            vec![("client_assertion_type", SAML)],
            vec![("client_assertion_type", SAML), ("client_assertion", "PHNhbWw-")],
            vec![("client_assertion", "PHNhbWw-")],
        ] {
            for first in [true, false] {
                let second = second.iter().map(|(name, value)| (*name, (*value).to_owned()));
                let form: Vec<_> = if first {
                    second.chain(pairs()).collect()
                } else {
                    pairs().into_iter().chain(second).collect()
                };
                assert!(matches!(error(&form), VerifierError::DuplicateParameter { .. }));
            }
        }
        // The assertion of a grant is no second authentication method: it is the request, not the
        // client (RFC 7523 §2.1).
        let mut grant = changed("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
        grant.push(("assertion", MARK.to_owned()));
        assert_eq!(parse(&grant).unwrap(), "client");
    }

    #[test]
    fn rfc6749_3_2_a_parameter_without_a_value_is_left_out() {
        for name in ["client_assertion", "client_assertion_type"] {
            let empty = error(&changed(name, ""));
            assert!(matches!(empty, VerifierError::MissingParameter { name: found } if found == name));
        }
        assert_eq!(parse(&changed("client_id", "")).unwrap(), "client");
        let mut with_secret = pairs();
        with_secret.push(("client_secret", String::new()));
        assert_eq!(parse(&with_secret).unwrap(), "client");
        // A parameter with a value and one without are still two.
        with_secret.push(("client_secret", MARK.to_owned()));
        assert!(
            matches!(error(&with_secret), VerifierError::DuplicateParameter { name } if name == "client_secret")
        );
    }

    #[test]
    fn rfc6749_2_3_one_way_to_authenticate() {
        let mut two = pairs();
        two.push(("client_secret", MARK.to_owned()));
        assert!(matches!(error(&two), VerifierError::TwoMethods));
    }

    #[test]
    fn rfc7521_4_2_client_id_agrees_with_the_subject() {
        assert!(matches!(
            error(&changed("client_id", "other")),
            VerifierError::ClientIdMismatch { form, assertion } if form == "other" && assertion == "client"
        ));
    }

    #[test]
    fn arbitrary_bytes_are_an_error() {
        for body in [&b""[..], b"&&&", b"client_assertion=%ff%fe&client_assertion_type=%00", b"\xff\xfe=\x00"]
        {
            clean(ClientAssertionVerifier::new(ISSUER).parse(body).unwrap_err());
        }
    }
}

#[test]
fn a_client_may_be_limited_to_a_smaller_share_of_the_free_places() {
    let share = std::num::NonZeroU32::new(4).unwrap();
    let store = InMemoryReplayStore::with_capacity(10).share_of_free(share);
    let insert = |client: &str, jti: &str| store.insert_now(ReplayEntry::new(client, jti, NOW + 60), now());
    assert!(insert("a", "1").unwrap() && insert("a", "2").unwrap());
    let error = clean(insert("a", "3").unwrap_err());
    assert!(matches!(error, VerifierError::ReplayShareFull { held: 2, free: 8 }), "{error:?}");
    assert!(insert("b", "1").unwrap());
}
