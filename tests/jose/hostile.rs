//! Hostile tokens and signatures: an error or a value, and never a panic.

use private_key_jwt::jose::{CompactJws, UnverifiedJwt};
use private_key_jwt::{Algorithm, Signature};
use proptest::prelude::*;

use crate::arbitrary::{derish, jsonish};
use crate::support::{self, key};

#[test]
fn damaged_tokens_are_errors_or_tokens_that_do_not_verify() {
    let key = key("p256.pkcs8.pem");
    let head = [br#"{"alg":"ES256","kid":"k","typ":"JWT"}"#.as_slice(), br#"{"iss":"client"}"#]
        .map(support::base64url)
        .join(".");
    let signature = key.sign(head.as_bytes()).unwrap();
    let token = format!("{head}.{}", support::base64url(signature.as_bytes()));
    let public = key.public_key().unwrap();
    let verifies = |token: &str| {
        CompactJws::parse(token)
            .is_ok_and(|jws| public.verify(jws.signing_input().as_bytes(), jws.signature()).is_ok())
    };
    assert!(verifies(&token));
    for len in 0..token.len() {
        assert!(!verifies(&token[..len]), "{len}");
    }
    let mut checked = 0;
    for at in 0..token.len() {
        for replacement in ["A", "_", ".", "=", " ", "é", "\0", ""] {
            let damaged = format!("{}{replacement}{}", &token[..at], &token[at + 1..]);
            if damaged != token {
                assert!(!verifies(&damaged), "{damaged}");
                checked += 1;
            }
        }
    }
    assert!(checked > 1000);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_tokens_do_not_panic(
        header in prop_oneof![jsonish(), Just(r#"{"alg":"ES256"}"#.to_owned())],
        payload in prop::collection::vec(any::<u8>(), 0..40),
        signature in prop::collection::vec(any::<u8>(), 0..140),
        dots in "[.A-Za-z0-9_=-]{0,60}",
    ) {
        let parts = [header.as_bytes(), &payload, &signature].map(support::base64url);
        if let Ok(jws) = CompactJws::parse(&parts.join(".")) {
            prop_assert_eq!(jws.payload(), payload.as_slice());
            prop_assert_eq!(jws.signature().as_bytes(), signature);
        }
        let claims = std::str::from_utf8(&payload).unwrap_or_default();
        for claims in [claims, &header] {
            let token = [header.as_bytes(), claims.as_bytes()].map(support::base64url).join(".") + "." + &parts[2];
            let _ = UnverifiedJwt::parse(&token).map(|jwt| format!("{jwt:?}"));
        }
        let _ = CompactJws::parse(&dots).is_ok();
        let _ = UnverifiedJwt::parse(&dots).is_ok();
    }

    #[test]
    fn arbitrary_der_signatures_have_the_right_length_or_an_error(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..80),
            derish(),
            (prop::collection::vec(any::<u8>(), 0..70), prop::collection::vec(any::<u8>(), 0..70)).prop_map(
                |(r, s)| support::tlv(0x30, &[support::tlv(2, &r), support::tlv(2, &s)].concat())
            ),
        ],
    ) {
        for algorithm in Algorithm::ALL {
            if let Ok(signature) = Signature::from_der(algorithm, &bytes) {
                let len = match algorithm {
                    Algorithm::ES256 => 64,
                    Algorithm::ES384 => 96,
                    Algorithm::ES512 => 132,
                    other => panic!("{other} has no DER form"),
                };
                prop_assert_eq!(signature.as_bytes().len(), len);
            }
        }
    }
}
