//! A JWK Set (RFC 7517), as a server publishes it, and the choice of a key from it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use private_key_jwt::{Algorithm, Jwk, JwkSet, PublicKey, PublicKeySet};
use private_key_jwt_fuzz::{check_error, check_line, checked};

fuzz_target!(|json: &[u8]| {
    if let Some(jwk) = checked(Jwk::from_json(json)) {
        check(&jwk);
    }
    let Some(set) = checked(JwkSet::from_json(json)) else { return };
    for skipped in set.skipped() {
        check_error(&skipped.reason);
    }
    // The readable keys are written, and read again as the same keys.
    let written = JwkSet::from_json(set.to_json().as_bytes()).unwrap();
    assert_eq!((written.keys(), written.skipped().len()), (set.keys(), 0));
    set.keys().iter().for_each(check);
    let chosen = PublicKeySet::from(set.clone());
    for algorithm in Algorithm::ALL {
        let names = set.keys().iter().map(Jwk::key_id).chain([None]);
        for key_id in names.take(8) {
            if let Some(key) = checked(chosen.select(key_id, algorithm)) {
                assert!(key_id.is_none() || key.jwk().key_id() == key_id);
                assert!(key.algorithms().any(|it| it.is_same_as(algorithm)), "{algorithm}");
                assert_ne!(key.jwk().public_key_use(), Some("enc"));
            }
        }
    }
});

fn check(jwk: &Jwk) {
    let json = jwk.to_json();
    assert_eq!(Jwk::from_json(json.as_bytes()).as_ref(), Ok(jwk), "{json}");
    // The published form has no private member.
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        assert!(!private_key_jwt_fuzz::object(json.as_bytes()).contains_key(member), "{json}");
    }
    check_line(&format!("{jwk:?}"));
    if let Some(key) = checked(PublicKey::from_jwk(jwk)) {
        assert_eq!(key.jwk().thumbprint(), jwk.thumbprint());
        // The `alg` may belong to another type of key. Then the key verifies nothing.
        assert!(key.algorithms().count() > 0 || jwk.algorithm().is_some(), "{jwk:?}");
    }
}
