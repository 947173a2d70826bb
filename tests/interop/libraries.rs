//! Our assertions, checked by the verifiers of other libraries.

use std::process::Command;

use private_key_jwt::{Algorithm, AuthorizationServer, ClientAssertion};
use serde_json::json;
use time::OffsetDateTime;

use crate::peers::{node, python, run};
use crate::{ALGORITHMS, jwks, signing_key};

/// The input of another library's verifier.
fn document(algorithm: Algorithm, file: &str) -> String {
    let server = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
    let builder = ClientAssertion::builder("client", &server);
    let assertion = builder.sign(&signing_key(algorithm, file), OffsetDateTime::now_utc(), "jti").unwrap();
    json!({"jwt": assertion.secret(), "jwks": jwks(algorithm, file), "issuer": "client",
        "audience": "https://as.example", "typ": "client-authentication+jwt"})
    .to_string()
}

/// Each accepts the assertion, and rejects one for another audience.
fn judged(library: &str, verify: impl Fn() -> Command, algorithms: &[(Algorithm, &str)]) {
    for (algorithm, file) in algorithms {
        let document = document(*algorithm, file);
        assert_eq!(run(&mut verify(), &document).unwrap(), format!("OK {algorithm}"));
        let other = document.replace("https://as.example", "https://other.example");
        assert!(run(&mut verify(), &other).is_err());
        println!("{library}, an assertion, {algorithm}: 1");
    }
}

#[test]
fn jose_verifies_our_assertions() {
    judged("jose", || node("verify.mjs"), &ALGORITHMS);
}

#[test]
fn pyjwt_verifies_our_assertions() {
    // PyJWT knows Ed25519 under its older name only.
    let (known, newer) = ALGORITHMS.split_at(10);
    assert_eq!(newer[0].0, Algorithm::Ed25519);
    judged("PyJWT", || python("verify.py"), known);
}
