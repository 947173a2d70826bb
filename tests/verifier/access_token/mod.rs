//! Access tokens at a resource server (RFC 9068): good ones, and bad ones for every error.

mod bound;
mod profiles;
mod relaxations;
mod settings;

use base64ct::{Base64UrlUnpadded, Encoding};
use private_key_jwt::jose::JoseError;
use private_key_jwt::keys::KeyError;
use private_key_jwt::verifier::{AccessTokenClaims, AccessTokenVerifier, VerifierError};
use private_key_jwt::{Algorithm, JwkSet, PrivateKey, PublicKeySet};
use serde_json::{Value, json};
use std::time::Duration;

use crate::support::{clean, key, now};

const ISSUER: &str = "https://as.example";
const AUDIENCE: &str = "https://api.example";

/// A token of this header and these claims, whatever they are.
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

/// With this member changed, or removed if the value is null.
fn with(mut object: Value, member: &str, value: Value) -> Value {
    let members = object.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(member);
    } else {
        members.insert(member.to_owned(), value);
    }
    object
}

/// With this member as a `null`.
fn null(mut object: Value, member: &str) -> Value {
    object[member] = Value::Null;
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
    assert_eq!((verified.issuer(), verified.subject()), (ISSUER, Some("user-1")));
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
    for aud in [json!("https://api.example/"), json!(["https://other.example"]), json!(""), json!([""])] {
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
    for (typ, said) in [(json!("JWT"), "`JWT`"), (Value::Null, "missing")] {
        let other = with(header(), "typ", typ);
        let error = clean(verify(&verifier(), &other, &claims()).unwrap_err());
        assert_eq!(
            error.to_string(),
            format!(
                "the typ is {said}, expected `at+jwt`; `AccessTokenVerifier::relaxed` or the issuer's \
                 `AccessTokenProfile` accepts the token"
            )
        );
        assert!(verify(&verifier().relaxed(), &other, &claims()).is_ok());
    }
    for typ in [
        "client-authentication+jwt",
        "authorization-grant+jwt",
        "dpop+jwt",
        "logout+jwt",
        "secevent+jwt",
        "oauth-authz-req+jwt",
        "token-introspection+jwt",
        "id_token+jwt",
        "dc+sd-jwt",
        "",
        "jwt+at",
    ] {
        for verifier in [verifier(), verifier().relaxed()] {
            let error = clean(verify(&verifier, &with(header(), "typ", json!(typ)), &claims()).unwrap_err());
            assert!(!error.to_string().contains("relaxed"), "{error}");
            assert!(
                matches!(error, VerifierError::AccessTokenType { found: Some(found), .. } if found == typ)
            );
        }
    }
    // Hostile text is made printable.
    let error = verify(&verifier(), &with(header(), "typ", json!("a\n\u{202e}b")), &claims()).unwrap_err();
    assert_eq!(clean(error).to_string(), "the typ is `a\\u{a}\\u{202e}b`, expected `at+jwt`");
}

#[test]
fn rfc9068_2_2_every_required_claim() {
    for claim in ["iss", "exp"] {
        let error = refused(&with(claims(), claim, Value::Null));
        assert!(matches!(error, VerifierError::MissingClaim { claim: found } if found == claim), "{error:?}");
    }
    for (claim, required) in
        [("sub", "a string"), ("client_id", "a string"), ("iat", "a number"), ("jti", "a string")]
    {
        // A null is an absent claim.
        for claims in [with(claims(), claim, Value::Null), null(claims(), claim)] {
            assert_eq!(
                refused(&claims).to_string(),
                format!(
                    "the claim `{claim}` is missing, RFC 9068 requires {required}; \
                     `AccessTokenVerifier::relaxed` or the issuer's `AccessTokenProfile` accepts the token"
                )
            );
            assert!(verify(&verifier().relaxed(), &header(), &claims).is_ok(), "{claim}");
        }
    }
    for claim in ["iss", "sub", "iat", "exp", "nbf"] {
        for verifier in [verifier(), verifier().relaxed()] {
            let error = verify(&verifier, &header(), &with(claims(), claim, json!([1]))).unwrap_err();
            assert!(
                matches!(clean(error), VerifierError::InvalidClaim { claim: found, .. } if found == claim)
            );
        }
    }
    for (claim, expected) in [("client_id", "a string"), ("scope", "a string")] {
        let error = refused(&with(claims(), claim, json!([1])));
        assert_eq!(error.to_string(), format!("the claim `{claim}` is not {expected}"));
    }
    assert!(matches!(
        refused(&with(claims(), "jti", json!(17))),
        VerifierError::NotRfc9068 { claim: "jti", found: "not a string", .. }
    ));
    assert!(matches!(
        refused(&with(claims(), "scope", json!(["a", "b"]))),
        VerifierError::NotRfc9068 { claim: "scope", found: "an array of strings", expected: "a string" }
    ));
    // `null` also counts as absent for optional claims.
    for claim in ["scope", "nbf"] {
        assert!(verify(&verifier(), &header(), &null(claims(), claim)).is_ok(), "{claim}");
    }
    // The strict profile ignores claims that only other issuers use.
    let others = with(with(claims(), "scp", json!(17)), "roles", json!("admin"));
    let verified = verify(&verifier(), &header(), &others).unwrap();
    assert_eq!(verified.scope().to_string(), "orders:read b");
}

#[test]
fn rfc8725_3_8_another_issuer() {
    for issuer in ["https://as.example/", "https://evil.example", ""] {
        let error = refused(&with(claims(), "iss", json!(issuer)));
        assert!(matches!(error, VerifierError::Issuer { found, .. } if found == issuer));
    }
}

#[test]
fn what_is_found_and_what_is_expected_are_whole_where_they_differ() {
    let long = format!("https://as.example/{}", "a".repeat(180));
    let verifier = AccessTokenVerifier::new(&long, &long).accept_issuer("https://second.example");
    let slash = format!("{long}/");
    let error = verify(&verifier, &header(), &with(claims(), "iss", json!(slash))).unwrap_err();
    assert_eq!(
        clean(error).to_string(),
        format!("the issuer is `{slash}`, expected `{long}` or `https://second.example`")
    );
    let claims = with(with(claims(), "iss", json!(long)), "aud", json!([slash, "x"]));
    let error = verify(&verifier, &header(), &claims).unwrap_err();
    assert_eq!(clean(error).to_string(), format!("the audience is `{slash} x`, expected `{long}`"));
    // However many there are, and whatever is in them.
    let many: Vec<String> = (0..100).map(|number| format!("{number}\n")).collect();
    let error = verify(&verifier, &header(), &with(claims, "aud", json!(many))).unwrap_err();
    let shown: Vec<String> = (0..8).map(|number| format!("{number}\\u{{a}}")).collect();
    assert_eq!(
        clean(error).to_string(),
        format!("the audience is `{} …`, expected `{long}`", shown.join(" "))
    );
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

/// Only an otherwise valid token can lack a scope: for the others, the answer is `invalid_token`.
#[test]
fn rfc6750_3_1_what_is_no_access_token_lacks_no_scope() {
    let strict = verifier().require_scope("orders:write");
    for claim in ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"] {
        let error = clean(verify(&strict, &header(), &with(claims(), claim, Value::Null)).unwrap_err());
        let text = error.to_string();
        assert!(text.starts_with(&format!("the claim `{claim}` is missing")), "{text}");
    }
}

#[test]
fn a_token_that_is_too_long_is_not_decoded() {
    let token = "x".repeat(AccessTokenVerifier::MAX_TOKEN_LEN + 1);
    let error = verifier().verify(&keys(), &token, now()).unwrap_err();
    assert!(matches!(error, VerifierError::TooLarge { found: 16_385, limit: 16_384 }));
}

#[test]
fn debug_shows_who_and_no_other_claim() {
    let verified = verify(&verifier(), &header(), &claims()).unwrap();
    let debug = format!("{verified:?}");
    assert!(debug.contains("user-1") && !debug.contains("t1\""), "{debug}");
}

/// This is a count and not a time, so it is the same on every machine.
#[test]
fn a_verification_takes_few_allocations_more_than_the_bare_one() {
    let (key, keys, verifier) = (key("p256.pkcs8.pem"), keys(), verifier().require_scope("b"));
    let token = signed(&key, &header(), &claims());
    let (input, _) = token.rsplit_once('.').unwrap();
    let (public, signature) = (key.public_key().unwrap(), key.sign(input.as_bytes()).unwrap());
    let least = |work: &dyn Fn()| {
        work();
        (0..50).map(|_| allocation_counter::measure(work).count_total).min().unwrap()
    };
    let bare = least(&|| public.verify(input.as_bytes(), &signature).unwrap());
    let whole = least(&|| drop(verifier.verify(&keys, &token, now()).unwrap()));
    // Payload, signature, claims, issuer, subject, client id, jti, scope, and two for the audience.
    // The header is cached from the call before.
    assert_eq!(whole - bare, 10);
}
