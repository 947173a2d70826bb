//! Tokens that are bound to a key (`cnf`), and the proofs that they require.

use private_key_jwt::Thumbprint;
use private_key_jwt::verifier::{BoundTo, ProofOfPossession};
use proptest::prelude::*;

use super::*;

/// A certificate, as far as the binding is concerned: bytes with a hash.
const CERTIFICATE: &[u8] = b"the DER of a certificate";
/// SHA-256 of it.
const X5T_S256: &str = "RWiVO5X5pHhKM-S0JcLCR60sq90gNr8hjsGnAyLdl9I";

fn dpop_key() -> Thumbprint {
    key("p384.pkcs8.pem").thumbprint()
}

fn other_key() -> Thumbprint {
    key("p521.pkcs8.pem").thumbprint()
}

fn bound(cnf: Value) -> Value {
    let mut claims = claims();
    claims["cnf"] = cnf;
    claims
}

fn judge(
    verifier: &AccessTokenVerifier,
    claims: &Value,
    proof: &ProofOfPossession,
) -> Result<AccessTokenClaims, VerifierError> {
    let token = signed(&key("p256.pkcs8.pem"), &header(), claims);
    verifier.verify_with_proof(&keys(), &token, proof, now()).map_err(clean)
}

fn nothing() -> ProofOfPossession {
    ProofOfPossession::default()
}

/// RFC 9449 §7.2, RFC 8705 §3: with every profile.
#[test]
fn rfc9449_7_2_a_bound_token_is_no_bearer_token() {
    let jkt = dpop_key().to_string();
    for (cnf, text) in [
        (
            json!({"jkt": jkt}),
            "the token is bound to a DPoP key (`cnf.jkt`), but its proof was not checked; \
             check it, and pass it to `AccessTokenVerifier::verify_with_proof`",
        ),
        (
            json!({"x5t#S256": X5T_S256}),
            "the token is bound to a client certificate (`cnf.x5t#S256`), but its proof was not checked; \
             check it, and pass it to `AccessTokenVerifier::verify_with_proof`",
        ),
        (
            json!({"jkt": jkt, "x5t#S256": X5T_S256, "jwk": {}}),
            "the token is bound to a DPoP key (`cnf.jkt`), but its proof was not checked; \
             check it, and pass it to `AccessTokenVerifier::verify_with_proof`",
        ),
        (
            json!({"jwk": key("p384.pkcs8.pem").public_jwk()}),
            "the token is bound by `cnf.jwk`, which is not supported; \
             `AccessTokenVerifier::accept_bound_without_proof` accepts it if its proof is checked elsewhere",
        ),
        (
            json!({"kid": "k1"}),
            "the token is bound by `cnf.kid`, which is not supported; \
             `AccessTokenVerifier::accept_bound_without_proof` accepts it if its proof is checked elsewhere",
        ),
        (
            json!({"x5t": "a", "jku": "b", "of\u{202e}fer\n": 1}),
            "the token is bound by `cnf.jku`, which is not supported; \
             `AccessTokenVerifier::accept_bound_without_proof` accepts it if its proof is checked elsewhere",
        ),
    ] {
        for verifier in [verifier(), verifier().relaxed(), verifier().require_scope("missing")] {
            let error = clean(verify(&verifier, &header(), &bound(cnf.clone())).unwrap_err());
            assert_eq!(error.to_string(), text, "{cnf}");
        }
    }
    let hostile = judge(&verifier(), &bound(json!({"\u{202e}\n": 1})), &nothing()).unwrap_err();
    assert!(hostile.to_string().contains("`cnf.\\u{202e}\\u{a}`"), "{hostile}");
}

#[test]
fn rfc9449_7_1_a_token_is_good_with_the_proof_of_its_dpop_key() {
    let token = bound(json!({"jkt": dpop_key().to_string()}));
    let verified = judge(&verifier(), &token, &nothing().dpop_key(dpop_key())).unwrap();
    let confirmation = verified.confirmation().unwrap();
    assert_eq!((confirmation.dpop_key(), confirmation.certificate_sha256()), (Some(dpop_key()), None));
    assert!(confirmation.unknown_methods().is_empty());
    let error = judge(&verifier(), &token, &nothing().dpop_key(other_key())).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the token is bound to the DPoP key `{}`, the request proves `{}`", dpop_key(), other_key())
    );
    // A proof for another binding.
    assert!(matches!(
        judge(&verifier(), &token, &nothing().certificate(CERTIFICATE)),
        Err(VerifierError::Unproven { to: BoundTo::DpopKey })
    ));
    // A DPoP proof requires a bound token: a thief can make a proof for a stolen bearer token.
    for unbound in [claims(), null(claims(), "cnf"), bound(json!({"x5t#S256": X5T_S256}))] {
        let proof = nothing().dpop_key(dpop_key()).certificate(CERTIFICATE);
        let error = judge(&verifier(), &unbound, &proof).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the request has a DPoP proof, but the token is not bound to a DPoP key (`cnf.jkt`)"
        );
    }
}

#[test]
fn rfc8705_3_a_token_is_good_on_a_connection_with_its_certificate() {
    let token = bound(json!({"x5t#S256": X5T_S256}));
    let verified = judge(&verifier(), &token, &nothing().certificate(CERTIFICATE)).unwrap();
    let hash = *verified.confirmation().unwrap().certificate_sha256().unwrap();
    assert!(judge(&verifier(), &token, &nothing().certificate_sha256(hash)).is_ok());
    let error = judge(&verifier(), &token, &nothing().certificate_sha256([0; 32])).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the token is bound to the client certificate `{X5T_S256}`, the request proves `{}`",
            "A".repeat(43)
        )
    );
    // Mutual TLS alone binds nothing.
    assert!(
        judge(&verifier(), &claims(), &nothing().certificate(CERTIFICATE)).unwrap().confirmation().is_none()
    );
}

#[test]
fn a_token_that_is_bound_twice_needs_both_proofs() {
    let token = bound(json!({"jkt": dpop_key().to_string(), "x5t#S256": X5T_S256}));
    let both = nothing().dpop_key(dpop_key()).certificate(CERTIFICATE);
    assert!(judge(&verifier(), &token, &both).is_ok());
    assert!(matches!(
        judge(&verifier(), &token, &nothing().dpop_key(dpop_key())),
        Err(VerifierError::Unproven { to: BoundTo::Certificate })
    ));
    assert!(matches!(
        judge(&verifier(), &token, &both.certificate(b"another")),
        Err(VerifierError::OtherKeyProven { to: BoundTo::Certificate, .. })
    ));
    // An unknown method stays unproven, whatever else is proven.
    let third = bound(json!({"jkt": dpop_key().to_string(), "x5t#S256": X5T_S256, "new": "x"}));
    assert!(matches!(
        judge(&verifier(), &third, &both),
        Err(VerifierError::UnknownConfirmation { method }) if method == "new"
    ));
}

#[test]
fn rfc7800_3_1_a_confirmation_that_cannot_be_read_is_refused() {
    let lenient = verifier().accept_bound_without_proof();
    let proof = nothing().dpop_key(dpop_key()).certificate(CERTIFICATE);
    for (cnf, text) in [
        (json!("jkt"), "the claim `cnf` is a string, not an object"),
        (json!([]), "the claim `cnf` is an empty array, not an object"),
        (json!([{"jkt": "a"}]), "the claim `cnf` is an array, not an object"),
        (json!(false), "the claim `cnf` is a boolean, not an object"),
        (json!(0), "the claim `cnf` is the number 0, not an object"),
        (json!({}), "the claim `cnf` is an object without a member, not an object that names a key"),
        (
            json!({"jkt": null, "jwk": null}),
            "the claim `cnf` is an object without a member, not an object that names a key",
        ),
        (json!({"jkt": ""}), "the claim `cnf.jkt` is 0 bytes long, not a SHA-256 hash in base64url"),
        (json!({"jkt": 7}), "the claim `cnf.jkt` is the number 7, not a SHA-256 hash in base64url"),
        (json!({"jkt": [X5T_S256]}), "the claim `cnf.jkt` is an array, not a SHA-256 hash in base64url"),
        (
            json!({"jkt": format!("{X5T_S256}=")}),
            "the claim `cnf.jkt` is 44 bytes long, not a SHA-256 hash in base64url",
        ),
        (
            json!({"jkt": &X5T_S256[1..]}),
            "the claim `cnf.jkt` is 42 bytes long, not a SHA-256 hash in base64url",
        ),
        // Trailing bits that are not zero would be a second spelling of one hash.
        (
            json!({"x5t#S256": format!("{}J", &X5T_S256[..42])}),
            "the claim `cnf.x5t#S256` is 43 bytes long, not a SHA-256 hash in base64url",
        ),
        (json!({"x5t#S256": {}}), "the claim `cnf.x5t#S256` is an object, not a SHA-256 hash in base64url"),
    ] {
        for (verifier, proof) in [(verifier(), nothing()), (lenient.clone(), nothing()), (verifier(), proof)]
        {
            let error = judge(&verifier, &bound(cnf.clone()), &proof).unwrap_err();
            assert_eq!(error.to_string(), text, "{cnf}");
        }
    }
    let twice = format!(r#"{},"cnf":{{"jkt":"a","jkt":"a"}}}}"#, claims().to_string().trim_end_matches('}'));
    let part = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let input = format!("{}.{}", part(&header().to_string()), part(&twice));
    let signature = key("p256.pkcs8.pem").sign(input.as_bytes()).unwrap();
    let token = format!("{input}.{}", Base64UrlUnpadded::encode_string(signature.as_bytes()));
    assert!(matches!(
        clean(lenient.verify(&keys(), &token, now()).unwrap_err()),
        VerifierError::Jose(JoseError::DuplicateMember { member, .. }) if member == "jkt"
    ));
    // The forms in which serializers write an absent claim.
    assert!(verify(&verifier(), &header(), &null(claims(), "cnf")).unwrap().confirmation().is_none());
}

#[test]
fn what_is_checked_elsewhere_is_accepted_and_shown() {
    let lenient = verifier().accept_bound_without_proof();
    let cnf = json!({"jkt": dpop_key().to_string(), "x5t#S256": X5T_S256, "jwk": {}, "a\n": 1});
    let verified = judge(&lenient, &bound(cnf.clone()), &nothing()).unwrap();
    let confirmation = verified.confirmation().unwrap();
    assert_eq!(confirmation.dpop_key(), Some(dpop_key()));
    assert!(confirmation.certificate_sha256().is_some());
    assert_eq!(confirmation.unknown_methods(), ["a\\u{a}", "jwk"]);
    // A given proof still counts.
    assert!(matches!(
        judge(&lenient, &bound(cnf), &nothing().dpop_key(other_key())),
        Err(VerifierError::OtherKeyProven { to: BoundTo::DpopKey, .. })
    ));
    assert!(matches!(
        judge(&lenient, &claims(), &nothing().dpop_key(dpop_key())),
        Err(VerifierError::NotBound)
    ));
}

fn hash() -> impl Strategy<Value = [u8; 32]> {
    prop_oneof![Just([1; 32]), Just([2; 32]), any::<[u8; 32]>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A token is accepted only if every binding is proven, and every DPoP proof is of its key.
    #[test]
    fn a_bound_token_passes_only_with_all_of_its_proofs(
        jkt in proptest::option::of(hash()),
        x5t in proptest::option::of(hash()),
        other in proptest::option::of("[a-z]{1,8}#?"),
        proven_jkt in proptest::option::of(hash()),
        proven_x5t in proptest::option::of(hash()),
    ) {
        let mut cnf = serde_json::Map::new();
        let text = |hash: [u8; 32]| Value::from(Thumbprint::from(hash).to_string());
        cnf.extend(other.clone().filter(|name| name != "jkt").map(|name| (name, json!("x"))));
        let has_other = !cnf.is_empty();
        cnf.extend(jkt.map(|hash| ("jkt".to_owned(), text(hash))));
        cnf.extend(x5t.map(|hash| ("x5t#S256".to_owned(), text(hash))));
        let token = if cnf.is_empty() { claims() } else { bound(Value::Object(cnf)) };
        let mut proof = nothing();
        if let Some(hash) = proven_jkt {
            proof = proof.dpop_key(Thumbprint::from(hash));
        }
        if let Some(hash) = proven_x5t {
            proof = proof.certificate_sha256(hash);
        }
        let passes = jkt == proven_jkt && (x5t.is_none() || x5t == proven_x5t) && !has_other;
        prop_assert_eq!(judge(&verifier(), &token, &proof).is_ok(), passes);
    }
}
