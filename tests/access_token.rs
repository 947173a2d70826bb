//! Access tokens as a resource server sees them (RFC 9068), good and bad in every way that has an error of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use base64ct::{Base64UrlUnpadded, Encoding};
use private_key_jwt::jose::JoseError;
use private_key_jwt::keys::KeyError;
use private_key_jwt::verifier::{AccessTokenClaims, AccessTokenVerifier, VerifierError};
use private_key_jwt::{Algorithm, JwkSet, PrivateKey, PublicKeySet};
use serde_json::{Value, json};
use std::time::Duration;
use support::{clean, key, now};

const ISSUER: &str = "https://as.example";
const AUDIENCE: &str = "https://api.example";

/// A token of this header and these claims, whatever they say.
fn signed(key: &PrivateKey, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
    let input = format!("{}.{}", part(header), part(claims));
    let signature = key.sign(input.as_bytes()).unwrap();
    format!("{input}.{}", Base64UrlUnpadded::encode_string(signature.as_bytes()))
}

fn header() -> Value {
    json!({"typ": "at+jwt", "alg": "ES256", "kid": key("p256.pkcs8.pem").key_id().as_str()})
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "user-1", "client_id": "client", "jti": "j1", "scope": "orders:read b",
        "iat": now().unix_timestamp(), "exp": now().unix_timestamp() + 300, "tenant": "t1",
    })
}

/// With this member changed, or left out where it is null.
fn with(mut object: Value, member: &str, value: Value) -> Value {
    let members = object.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(member);
    } else {
        members.insert(member.to_owned(), value);
    }
    object
}

fn verifier() -> AccessTokenVerifier {
    AccessTokenVerifier::new(ISSUER, AUDIENCE)
}

fn keys() -> PublicKeySet {
    JwkSet::from(key("p256.pkcs8.pem").public_jwk().clone()).into()
}

fn verify(
    verifier: &AccessTokenVerifier,
    header: &Value,
    claims: &Value,
) -> Result<AccessTokenClaims, VerifierError> {
    verifier.verify(&keys(), &signed(&key("p256.pkcs8.pem"), header, claims), now())
}

fn refused(claims: &Value) -> VerifierError {
    clean(verify(&verifier(), &header(), claims).unwrap_err())
}

#[test]
fn rfc9068_4_a_good_token_and_all_that_it_says() {
    #[derive(serde::Deserialize)]
    struct Tenant {
        tenant: String,
    }
    #[derive(Debug, serde::Deserialize)]
    struct Number {
        #[allow(dead_code)]
        tenant: u64,
    }
    let verified = verify(&verifier().require_scope("b orders:read"), &header(), &claims()).unwrap();
    assert_eq!((verified.issuer(), verified.subject()), (ISSUER, "user-1"));
    assert_eq!((verified.client_id(), verified.token_id()), (Some("client"), Some("j1")));
    assert_eq!(verified.audience(), [AUDIENCE.to_owned()]);
    assert!(verified.has_scope("b") && !verified.has_scope("orders"));
    assert_eq!(verified.issued_at(), Some(now()));
    assert_eq!(verified.expires_at(), Some(now() + Duration::from_secs(300)));
    assert_eq!(verified.custom::<Tenant>().unwrap().tenant, "t1");
    assert_eq!(Value::Object(verified.all()), claims());
    let error = clean(verified.custom::<Number>().unwrap_err());
    assert!(matches!(error, VerifierError::CustomClaims(JoseError::Json { .. })), "{error:?}");
}

#[test]
fn rfc7519_4_1_3_one_of_several_audiences_is_enough() {
    let several = with(claims(), "aud", json!(["https://other.example", AUDIENCE]));
    assert_eq!(verify(&verifier(), &header(), &several).unwrap().audience().len(), 2);
    for aud in [json!("https://api.example/"), json!([]), json!(["https://other.example"]), json!("")] {
        let error = refused(&with(claims(), "aud", aud));
        assert!(matches!(error, VerifierError::Audience { .. }), "{error:?}");
    }
    for aud in [json!(1), json!([AUDIENCE, 1]), json!({"a": AUDIENCE})] {
        let error = refused(&with(claims(), "aud", aud));
        assert!(matches!(error, VerifierError::InvalidClaim { claim: "aud", .. }), "{error:?}");
    }
}

#[test]
fn rfc9068_2_1_the_type_is_at_jwt_unless_that_was_given_up() {
    for typ in ["at+jwt", "application/at+jwt", "AT+JWT"] {
        assert!(verify(&verifier(), &with(header(), "typ", json!(typ)), &claims()).is_ok(), "{typ}");
    }
    for typ in [json!("JWT"), Value::Null] {
        let other = with(header(), "typ", typ);
        let error = verify(&verifier(), &other, &claims()).unwrap_err();
        assert!(matches!(error, VerifierError::MediaType { .. }), "{error:?}");
        let without = with(with(claims(), "client_id", Value::Null), "jti", Value::Null);
        let verified =
            verify(&verifier().accept_untyped(), &other, &with(without, "iat", Value::Null)).unwrap();
        assert_eq!((verified.client_id(), verified.token_id(), verified.issued_at()), (None, None, None));
    }
    for typ in ["client-authentication+jwt", "logout+jwt", "secevent+jwt", ""] {
        for verifier in [verifier(), verifier().accept_untyped()] {
            let error = verify(&verifier, &with(header(), "typ", json!(typ)), &claims()).unwrap_err();
            assert!(matches!(error, VerifierError::MediaType { found: Some(found), .. } if found == typ));
        }
    }
}

#[test]
fn rfc9068_2_2_every_required_claim() {
    for claim in ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"] {
        let error = refused(&with(claims(), claim, Value::Null));
        assert!(matches!(error, VerifierError::MissingClaim { claim: found } if found == claim), "{error:?}");
    }
    for claim in ["iss", "sub", "client_id", "jti", "scope", "iat", "exp", "nbf"] {
        for relaxed in [verifier(), verifier().accept_untyped()] {
            let error = verify(&relaxed, &header(), &with(claims(), claim, json!([1]))).unwrap_err();
            assert!(matches!(error, VerifierError::InvalidClaim { claim: found, .. } if found == claim));
        }
    }
}

#[test]
fn rfc8725_3_8_another_issuer() {
    for issuer in ["https://as.example/", "https://evil.example", ""] {
        let error = refused(&with(claims(), "iss", json!(issuer)));
        assert!(matches!(error, VerifierError::Issuer { found, .. } if found == issuer));
    }
}

#[test]
fn rfc8725_3_2_an_algorithm_that_is_not_allowed() {
    let error = verify(&verifier().algorithms([Algorithm::RS256]), &header(), &claims()).unwrap_err();
    assert!(
        matches!(error, VerifierError::Algorithm { found: Algorithm::ES256, allowed } if allowed == [Algorithm::RS256])
    );
    let none = with(header(), "alg", json!("none"));
    assert!(matches!(
        verify(&verifier(), &none, &claims()),
        Err(VerifierError::Jose(JoseError::UnsupportedAlgorithm { found })) if found == "none"
    ));
}

#[test]
fn another_key_another_kid_and_a_changed_token() {
    let token = signed(&key("p384.pkcs8.pem"), &with(header(), "alg", json!("ES384")), &claims());
    let error = verifier().verify(&keys(), &token, now()).unwrap_err();
    assert!(matches!(error, VerifierError::Jose(_) | VerifierError::Key(_)), "{error:?}");
    let error = verify(&verifier(), &with(header(), "kid", json!("other")), &claims()).unwrap_err();
    assert!(matches!(error, VerifierError::Jose(JoseError::NoMatchingKey { .. })), "{error:?}");
    let token = signed(&key("p256.pkcs8.pem"), &header(), &claims());
    let (input, signature) = token.rsplit_once('.').unwrap();
    let other = signed(&key("p256.pkcs8.pem"), &header(), &with(claims(), "sub", json!("admin")));
    let forged = format!("{}.{signature}", other.rsplit_once('.').unwrap().0);
    assert_ne!(input, other.rsplit_once('.').unwrap().0);
    let error = verifier().verify(&keys(), &forged, now()).unwrap_err();
    assert!(matches!(error, VerifierError::Key(KeyError::BadSignature)), "{error:?}");
}

#[test]
fn times_have_a_leeway_and_the_leeway_has_a_bound() {
    let seconds = now().unix_timestamp();
    let at = |verifier: &AccessTokenVerifier, claim: &str, time: i64| {
        verify(verifier, &header(), &with(claims(), claim, json!(time))).map(|_| ())
    };
    assert!(at(&verifier(), "exp", seconds - 9).is_ok());
    let expired = at(&verifier(), "exp", seconds - 10);
    assert!(
        matches!(expired, Err(VerifierError::Expired { expired, now }) if (expired, now) == (seconds - 10, seconds))
    );
    for claim in ["nbf", "iat"] {
        assert!(at(&verifier(), claim, seconds + 10).is_ok());
        let early = at(&verifier(), claim, seconds + 11);
        assert!(matches!(early, Err(VerifierError::NotYetValid { claim: found, .. }) if found == claim));
        assert!(at(&verifier().leeway(Duration::ZERO), claim, seconds + 1).is_err());
    }
    let loose = verifier().leeway(Duration::from_secs(86_400));
    assert!(at(&loose, "exp", seconds - 59).is_ok());
    assert!(at(&loose, "exp", seconds - 60).is_err());
}

#[test]
fn rfc6750_3_1_a_scope_that_is_missing() {
    let strict = verifier().require_scope("orders:read").require_scope(["orders:write"]);
    let error = verify(&strict, &header(), &claims()).unwrap_err();
    assert!(matches!(error, VerifierError::MissingScope { scope } if scope == "orders:write"));
    let error = verify(&strict, &header(), &with(claims(), "scope", Value::Null)).unwrap_err();
    assert!(matches!(error, VerifierError::MissingScope { scope } if scope == "orders:read"));
}

/// Only a token that is good otherwise can lack a scope: the answer to the others is `invalid_token`.
#[test]
fn rfc6750_3_1_what_is_no_access_token_lacks_no_scope() {
    let strict = verifier().require_scope("orders:write");
    for claim in ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"] {
        let error = verify(&strict, &header(), &with(claims(), claim, Value::Null)).unwrap_err();
        assert!(matches!(error, VerifierError::MissingClaim { claim: found } if found == claim), "{error:?}");
    }
}

#[test]
fn a_token_that_is_too_long_is_not_decoded() {
    let token = "x".repeat(AccessTokenVerifier::MAX_TOKEN_LEN + 1);
    let error = verifier().verify(&keys(), &token, now()).unwrap_err();
    assert!(matches!(error, VerifierError::TooLarge { found: 16_385, limit: 16_384 }));
}

#[test]
fn debug_shows_no_claim_that_nobody_asked_for() {
    let verified = verify(&verifier(), &header(), &claims()).unwrap();
    let debug = format!("{verified:?}");
    assert!(debug.contains("user-1") && !debug.contains("t1\""), "{debug}");
}
