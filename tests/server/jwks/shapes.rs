//! Sets as real serializers and servers write them, with a token for each.

use base64ct::{Base64, Encoding};
use private_key_jwt::jose::{JoseError, KeyMismatch};
use private_key_jwt::server::RemoteJwksError;
use private_key_jwt::verifier::VerifierError;
use private_key_jwt::{Algorithm, PrivateKey, RemoteJwks};
use serde_json::{Value, json};
use sha1::Digest;

use super::scripted::{Issuer, Publish, ok};
use super::{COOL_DOWN, new_key, set, signed, token, unsigned, verifier};
use crate::support::clock::TestClock;
use crate::support::{clean, key, testdata};

fn serving(document: &str) -> (Issuer, RemoteJwks, TestClock) {
    let (issuer, time, document) = (Issuer::silent(), TestClock::new(), document.to_owned());
    issuer.answers(move |_| ok(&[], &document));
    let jwks = issuer.jwks(&time);
    (issuer, jwks, time)
}

async fn refused(jwks: &RemoteJwks, token: &str) -> VerifierError {
    match clean(jwks.verify(&verifier(), token).await.unwrap_err()) {
        RemoteJwksError::Token(error) => error,
        other => panic!("{other:?}"),
    }
}

/// A public JWK with these members, and more.
fn jwk(key: &PrivateKey, more: Value) -> Value {
    let mut jwk: Value = serde_json::from_str(&key.public_jwk().to_json()).unwrap();
    for name in ["alg", "use", "kid"] {
        jwk.as_object_mut().unwrap().remove(name);
    }
    jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    jwk
}

#[tokio::test]
async fn rfc7517_4_what_is_unset_may_be_null_or_empty() {
    let (key, _) = new_key("k1");
    for unset in [
        json!({"kid": "k1", "use": null, "alg": null, "x5c": null, "key_ops": null, "x5t": null, "d": null}),
        json!({"kid": "k1", "key_ops": [], "x5c": [], "oth": []}),
        json!({"kid": "k1", "use": "", "alg": "", "x5t": "", "x5t#S256": ""}),
    ] {
        let (_, jwks, _) = serving(&json!({"keys": [jwk(&key, unset)], "more": null}).to_string());
        assert!(jwks.verify(&verifier(), &token(&key, Some("k1"))).await.is_ok());
    }
}

#[tokio::test]
async fn the_same_key_twice_is_one_key() {
    let (key, jwk) = new_key("k1");
    let (_, jwks, _) = serving(&set(&[&jwk, &jwk]));
    for name in [Some("k1"), None] {
        assert!(jwks.verify(&verifier(), &token(&key, name)).await.is_ok(), "{name:?}");
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_read_takes_no_other_away_and_its_token_says_why() {
    let (key, good) = new_key("k1");
    let document = format!(
        r#"{{"keys":[{{"kty":"EC","kid":"bad","kid":"bad2"}},{},{{"kty":"OKP","crv":"Ed448","x":"AA","kid":"odd"}}]}}"#,
        good.to_json()
    );
    let (issuer, jwks, time) = serving(&document);
    assert!(jwks.verify(&verifier(), &token(&key, Some("k1"))).await.is_ok());
    // A newer set may be correct, so it is fetched, and then the error is the same.
    time.pass(COOL_DOWN);
    for (fetches, kid, place, why) in [
        (2, "bad", 1, "a JWK has the member `kid` more than once"),
        (2, "bad2", 1, "a JWK has the member `kid` more than once"),
        (2, "odd", 3, "unsupported key type: OKP Ed448"),
    ] {
        let error = refused(&jwks, &token(&key, Some(kid))).await;
        assert!(matches!(
            &error,
            VerifierError::Jose(JoseError::NoMatchingKey { reason, .. })
                if matches!(**reason, KeyMismatch::Skipped { .. })
        ));
        assert_eq!(
            error.to_string(),
            format!(
                "no key in the set fits ES256 and `kid` \"{kid}\": key {place} of the set was skipped: {why}"
            )
        );
        assert_eq!(issuer.requests(), fetches);
    }
    let mended = good.with_key_id("bad").to_json();
    issuer.answers(move |_| ok(&[], &format!(r#"{{"keys":[{mended}]}}"#)));
    time.pass(COOL_DOWN);
    assert!(jwks.verify(&verifier(), &token(&key, Some("bad"))).await.is_ok());
}

/// AD FS names the certificate and not the key (RFC 7515 §4.1.7).
#[tokio::test]
async fn rfc7515_4_1_7_a_token_without_kid_may_name_a_certificate() {
    let rsa = key("rsa2048.pkcs8.pem");
    let certificate = testdata("keys/rsa2048.cert.der");
    let x5t = super::base64url(&sha1::Sha1::digest(&certificate));
    let x5t_s256 = super::base64url(&sha2::Sha256::digest(&certificate));
    let other = PrivateKey::generate(Algorithm::RS256).unwrap().private_key().unwrap();
    let signed_with = |members: Value| {
        let mut header = json!({"typ": "at+jwt", "alg": "RS256"});
        header.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        signed(&rsa, &unsigned(&header))
    };
    for named in [
        json!({"kid": "a", "x5c": [Base64::encode_string(&certificate)]}),
        json!({"kid": "a", "x5t": x5t, "x5t#S256": x5t_s256}),
    ] {
        let stranger = jwk(&other, json!({"kid": "b", "x5t": "b", "x5t#S256": "b"}));
        let (issuer, jwks, time) = serving(&json!({"keys": [stranger, jwk(&rsa, named)]}).to_string());
        for members in [json!({"x5t": x5t}), json!({"x5t#S256": x5t_s256}), json!({"x5t": x5t, "kid": null})]
        {
            assert!(jwks.verify(&verifier(), &signed_with(members)).await.is_ok());
        }
        // The certificate of a newer key: the set is fetched again.
        time.pass(COOL_DOWN);
        let error = refused(&jwks, &signed_with(json!({"x5t": "newer"}))).await;
        assert_eq!(
            error.to_string(),
            format!(
                "no key in the set fits RS256 (the header has no `kid`): no key has the certificate \"newer\"; \
                 the set has \"b\", \"{x5t}\""
            )
        );
        assert_eq!(issuer.requests(), 2);
        let ambiguous = refused(&jwks, &signed_with(json!({}))).await;
        assert!(matches!(ambiguous, VerifierError::Jose(JoseError::AmbiguousKey { found: 2, .. })));
        // Another key's certificate proves nothing.
        let forged = refused(&jwks, &signed_with(json!({"x5t": "b"}))).await;
        assert_eq!(forged.to_string(), "the signature does not verify");
    }
}

#[tokio::test]
async fn rfc9864_2_2_a_key_for_eddsa_verifies_ed25519_and_the_other_way() {
    let key = key("ed25519.pkcs8.pem");
    for (alg, algorithm) in [("EdDSA", Algorithm::Ed25519), ("Ed25519", Algorithm::EdDSA)] {
        let (_, jwks, _) =
            serving(&json!({"keys": [jwk(&key, json!({"kid": "k", "alg": alg}))]}).to_string());
        let token = token(&key.clone().with_algorithm(algorithm).unwrap(), Some("k"));
        assert!(jwks.verify(&verifier().algorithms([Algorithm::EdDSA]), &token).await.is_ok(), "{alg}");
        assert!(jwks.verify(&verifier().algorithms([Algorithm::Ed25519]), &token).await.is_ok(), "{alg}");
    }
}
