//! JWTs that an authorization server issues: access tokens, and any other.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use private_key_jwt::keys::{BoxFuture, KeyError};
use private_key_jwt::oauth::{IssuedToken, JwtBuilder};
use private_key_jwt::{
    AccessTokenBuilder, AccessTokenVerifier, Algorithm, Jwk, JwkSet, OAuthError, PrivateKey, PublicKeySet,
    Signature, Signer,
};
use serde_json::{Value, json};

use crate::support::{MARK, clean, has_mark, key, now};

const ISSUER: &str = "https://as.example";
const API: &str = "https://api.example";
const NOW: i64 = 1_800_000_000;

fn signing_key() -> PrivateKey {
    key("p256.pkcs8.pem").with_key_id("k1")
}

fn token() -> AccessTokenBuilder {
    AccessTokenBuilder::new(ISSUER, API, "client")
}

fn signed(token: &AccessTokenBuilder) -> IssuedToken {
    token.sign(&signing_key(), now(), "jti-1").unwrap()
}

/// The header and the claims, as text.
fn parts(jwt: &str) -> [String; 2] {
    let mut parts = jwt.split('.').map(|part| Base64UrlUnpadded::decode_vec(part).unwrap());
    [(); 2].map(|()| String::from_utf8(parts.next().unwrap()).unwrap())
}

fn error(token: &AccessTokenBuilder, jti: &str) -> OAuthError {
    clean(token.sign(&signing_key(), now(), jti).unwrap_err())
}

fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits"),
    }
}

/// A key outside of the process. `claimed` is the algorithm that it states.
struct Remote {
    key: PrivateKey,
    claimed: Algorithm,
}

impl Signer for Remote {
    fn algorithm(&self) -> Algorithm {
        self.claimed
    }

    fn public_jwk(&self) -> &Jwk {
        self.key.public_jwk()
    }

    fn sign<'a>(&'a self, signing_input: &'a [u8]) -> BoxFuture<'a, Result<Signature, KeyError>> {
        Box::pin(async move { self.key.sign(signing_input) })
    }
}

#[test]
fn rfc9068_2_the_header_and_the_claims_of_an_access_token() {
    let issued = signed(&token());
    let [header, claims] = parts(issued.secret());
    assert_eq!(header, r#"{"alg":"ES256","kid":"k1","typ":"at+jwt"}"#);
    let expected = format!(
        r#"{{"iss":"{ISSUER}","sub":"client","aud":"{API}","client_id":"client","jti":"jti-1","iat":{NOW},"exp":{}}}"#,
        NOW + 3600
    );
    assert_eq!(claims, expected);
    assert_eq!(issued.expires_at().unix_timestamp(), NOW + 3600);
}

#[test]
fn rfc9068_2_2_a_user_several_audiences_scopes_and_more_claims() {
    let token = token().subject("user-1").also_audience("https://b.example").scope("a b").media_type(None);
    let token = token.lifetime(Duration::from_secs(60)).unwrap().claim("auth_time", NOW - 5).unwrap();
    let [header, claims] = parts(signed(&token).secret());
    assert_eq!(header, r#"{"alg":"ES256","kid":"k1"}"#);
    let expected = json!({
        "iss": ISSUER, "sub": "user-1", "aud": [API, "https://b.example"], "client_id": "client", "jti": "jti-1",
        "iat": NOW, "exp": NOW + 60, "scope": "a b", "auth_time": NOW - 5,
    });
    assert_eq!(serde_json::from_str::<Value>(&claims).unwrap(), expected);
}

#[test]
fn rfc9068_4_a_resource_server_accepts_the_token() {
    let keys = PublicKeySet::from(JwkSet::from(signing_key().public_jwk().clone()));
    let verifier = AccessTokenVerifier::new(ISSUER, API).require_scope("b");
    let claims = verifier.verify(&keys, signed(&token().scope("a b")).secret(), now()).unwrap();
    assert_eq!((claims.subject(), claims.client_id()), (Some("client"), Some("client")));
}

#[test]
fn the_three_ways_to_sign_give_the_same_jwt() {
    let (key, token) = (key("ed25519.pkcs8.pem"), token());
    let remote = Remote { key: key.clone(), claimed: key.algorithm() };
    let unsigned = token.prepare(&remote, now(), "jti-1").unwrap();
    let by_hand = unsigned.attach(key.sign(unsigned.signing_input()).unwrap()).unwrap();
    assert_eq!(unsigned.algorithm(), key.algorithm());
    let by_key = token.sign(&key, now(), "jti-1").unwrap();
    let by_signer = at_once(token.sign_with(&remote, now(), "jti-1")).unwrap();
    assert_eq!(by_hand.secret(), by_key.secret());
    assert_eq!(by_signer.secret(), by_key.secret());

    let jwt = JwtBuilder::new("secevent+jwt").claim("iss", ISSUER);
    let unsigned = jwt.prepare(&remote);
    let by_hand = unsigned.attach(key.sign(unsigned.signing_input()).unwrap()).unwrap();
    assert_eq!(by_hand.secret(), jwt.sign(&key).unwrap().secret());
    assert_eq!(by_hand.secret(), at_once(jwt.sign_with(&remote)).unwrap().secret());
}

#[test]
fn a_signature_of_another_algorithm_is_refused() {
    let remote = Remote { key: signing_key(), claimed: Algorithm::ES384 };
    let errors = [
        at_once(token().sign_with(&remote, now(), "jti-1")).map(|_| ()).unwrap_err(),
        at_once(JwtBuilder::new(None).sign_with(&remote)).map(|_| ()).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.to_string(), "the signature is ES256, but the header says ES384");
    }
}

#[test]
fn a_jwt_has_the_claims_of_its_caller_and_the_name_of_its_key() {
    let jwt = JwtBuilder::new("logout+jwt").claim("b", json!({"c": null})).claim("a", 1).claim("b", [1, 2]);
    let [header, claims] = parts(jwt.sign(&signing_key()).unwrap().secret());
    assert_eq!(header, r#"{"alg":"ES256","kid":"k1","typ":"logout+jwt"}"#);
    assert_eq!(claims, r#"{"a":1,"b":[1,2]}"#);
    let [header, claims] = parts(JwtBuilder::new(None).sign(&signing_key()).unwrap().secret());
    assert_eq!((&*header, &*claims), (r#"{"alg":"ES256","kid":"k1"}"#, "{}"));
}

#[test]
fn rfc6749_5_1_the_response_hands_out_the_token_once() {
    let issued = signed(&token().scope("a b"));
    let response = issued.to_http();
    let expected = format!(
        r#"{{"access_token":"{}","token_type":"Bearer","expires_in":3600,"scope":"a b"}}"#,
        issued.secret()
    );
    assert_eq!(String::from_utf8_lossy(response.body()), expected);
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];
    for (name, value) in headers {
        assert_eq!(response.headers()[name], value);
    }
    let body: Value = serde_json::from_slice(signed(&token()).to_http().body()).unwrap();
    assert_eq!(body.get("scope"), None);
}

#[test]
fn rfc9449_5_a_token_bound_to_a_dpop_key_has_its_own_type() {
    let bound = token().claim("cnf", json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})).unwrap();
    assert_eq!(signed(&bound).token_type(), "DPoP");
    let bound =
        token().claim("cnf", json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"})).unwrap();
    assert_eq!(signed(&bound).token_type(), "Bearer");
}

#[test]
fn empty_and_reserved_values_are_refused() {
    let empty = |token: AccessTokenBuilder| error(&token, "jti-1").to_string();
    assert_eq!(empty(AccessTokenBuilder::new(" ", API, "client")), "the claim `iss` is empty");
    assert_eq!(empty(AccessTokenBuilder::new(ISSUER, API, "")), "the claim `sub` is empty");
    assert_eq!(
        empty(AccessTokenBuilder::new(ISSUER, API, "").subject("user-1")),
        "the claim `client_id` is empty"
    );
    assert!(matches!(error(&AccessTokenBuilder::new(ISSUER, "", "client"), "j"), OAuthError::EmptyAudience));
    assert!(matches!(error(&token().also_audience(" "), "j"), OAuthError::EmptyAudience));
    assert!(matches!(error(&token().scope("a\"b"), "j"), OAuthError::Scope));
    assert!(matches!(error(&token(), ""), OAuthError::TokenId { found: 0 }));
    assert!(matches!(error(&token(), &"j".repeat(257)), OAuthError::TokenId { found: 257 }));
    for name in ["iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope"] {
        let error = token().claim(name, 1).unwrap_err();
        assert_eq!(error.to_string(), format!("the claim `{name}` is set by the assertion itself"));
    }
}

#[test]
fn a_lifetime_is_a_second_to_366_days() {
    let (usual, longest) = (AccessTokenBuilder::LIFETIME, AccessTokenBuilder::LONGEST_LIFETIME);
    let lives = signed(&token()).expires_at().unix_timestamp() - NOW;
    assert_eq!(lives, i64::try_from(usual.as_secs()).unwrap());
    for good in [Duration::from_secs(1), longest] {
        let [_, claims] = parts(signed(&token().lifetime(good).unwrap()).secret());
        let claims: Value = serde_json::from_str(&claims).unwrap();
        assert_eq!(claims["exp"].as_i64().unwrap(), NOW + i64::try_from(good.as_secs()).unwrap());
    }
    for bad in [Duration::ZERO, Duration::from_millis(999), longest + Duration::from_nanos(1)] {
        let OAuthError::Lifetime { found, limit, profile: None } = token().lifetime(bad).unwrap_err() else {
            panic!("{bad:?}")
        };
        assert_eq!((found, limit), (bad, longest));
    }
    let before_1970 = time::OffsetDateTime::UNIX_EPOCH - time::Duration::SECOND;
    let error = token().sign(&signing_key(), before_1970, "j").unwrap_err();
    assert!(matches!(error, OAuthError::Time), "{error}");
}

#[test]
fn debug_shows_no_token_and_no_claim() {
    let token = token().claim("canary", MARK).unwrap();
    let jwt = JwtBuilder::new("x+jwt").claim("canary", MARK);
    let unsigned = token.prepare(&signing_key(), now(), MARK).unwrap();
    let issued = token.sign(&signing_key(), now(), MARK).unwrap();
    let signed = jwt.sign(&signing_key()).unwrap();
    let texts = [
        format!("{token:?}"),
        format!("{jwt:?}"),
        format!("{:?}", jwt.prepare(&signing_key())),
        format!("{unsigned:?}"),
        format!("{issued:?}"),
        format!("{signed:?}"),
    ];
    for text in texts {
        assert!(!has_mark(&text), "{text}");
        assert!(!text.contains("eyJ"), "{text}");
    }
}
