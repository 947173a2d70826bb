//! Files and sets that are made to be slow. Their bounds are counts, so the tests need no clock.

use private_key_jwt::jose::JoseError;
use private_key_jwt::keys::KeyError;
use private_key_jwt::{JwkSet, PrivateKey, PublicKey};

use crate::support::{base64url, key, memory, read};

fn text(file: &str) -> String {
    String::from_utf8(read(file)).unwrap()
}

fn refused(file: &str) -> KeyError {
    PrivateKey::from_bytes(file.as_bytes()).map(|_| ()).unwrap_err()
}

/// A file may contain eight keys of the longest modulus.
#[test]
fn the_rsa_keys_of_a_file_are_bounded() {
    let key = text("rsa8192.pkcs8.pem");
    // The same key counts once.
    assert!(PrivateKey::from_bytes(key.repeat(8).as_bytes()).is_ok());
    let KeyError::SeveralKeys { found } = refused(&key.repeat(9)) else { panic!("one key") };
    assert_eq!(found.len(), 2);
    assert_eq!(
        found[1].problem.as_deref(),
        Some(
            "checking all RSA keys would cost as much as 576 keys of 2048 bits, the limit is 512; use fewer or shorter keys"
        )
    );
    let key = text("rsa2048.pkcs8.pem");
    assert!(PrivateKey::from_bytes(key.repeat(256).as_bytes()).is_ok());
}

#[test]
fn the_certificates_and_public_keys_of_a_file_are_bounded() {
    let (key, certificate) = (text("p256.pkcs8.pem"), text("p256.cert.pem"));
    assert_eq!(
        PrivateKey::from_bytes((key.clone() + &certificate.repeat(256)).as_bytes())
            .unwrap()
            .certificates()
            .len(),
        1
    );
    let error = refused(&(key.clone() + &certificate.repeat(257)));
    assert!(matches!(error, KeyError::TooManyCertificates { found: 257, limit: 256 }), "{error:?}");
    assert_eq!(error.to_string(), "the key file has 257 or more certificates, the limit is 256");
    let public = text("p256.compressed.pub.pem");
    assert!(PrivateKey::from_bytes((key.clone() + &public.repeat(256)).as_bytes()).is_ok());
    let error = refused(&(key + &public.repeat(257)));
    assert!(matches!(error, KeyError::Jose(JoseError::TooManyKeys { found: 257, limit: 256 })), "{error:?}");
}

#[test]
fn a_set_of_a_hundred_thousand_keys_is_not_read() {
    let set = format!(r#"{{"keys":[{}]}}"#, vec!["{}"; 100_000].join(","));
    let too_many = JoseError::TooManyKeys { found: 100_000, limit: 256 };
    assert_eq!(JwkSet::from_json(set.as_bytes()).unwrap_err(), too_many);
    assert!(matches!(refused(&set), KeyError::Jose(error) if error == too_many));
}

/// The length of a modulus is checked before any computation with it.
#[test]
fn a_huge_modulus_costs_what_reading_it_costs() {
    let n = base64url(&[0xff; 500_000]);
    let jwk = format!(r#"{{"kty":"RSA","e":"AQAB","n":"{n}"}}"#);
    let read = memory(|| {
        let error = PublicKey::from_bytes(jwk.as_bytes()).unwrap_err();
        assert!(matches!(error, KeyError::RsaSize { bits: 4_000_000 }), "{error:?}");
    });
    assert!(read < 40 * jwk.len() as u64, "{read}");
    let d = base64url(&[0x55; 1000]);
    let private = format!(r#"{{"kty":"RSA","e":"AQAB","n":"{n}","d":"{d}"}}"#);
    let read = memory(|| {
        assert!(matches!(refused(&private), KeyError::RsaSize { bits: 4_000_000 }));
    });
    assert!(read < 40 * private.len() as u64, "{read}");
}

/// A long exponent would make every verification slow.
#[test]
fn a_public_exponent_is_bounded() {
    let jwk: serde_json::Value =
        serde_json::from_str(&key("rsa2048.pkcs8.pem").public_jwk().to_json()).unwrap();
    for (e, is_taken) in [("Aw", true), ("AQAB", true), ("Af____8", true), ("AgAAAAE", false)] {
        let mut jwk = jwk.clone();
        jwk["e"] = e.into();
        let taken = PublicKey::from_bytes(jwk.to_string().as_bytes());
        assert_eq!(taken.is_ok(), is_taken, "{e}: {taken:?}");
        assert!(is_taken || matches!(taken, Err(KeyError::RsaExponent)), "{e}");
    }
}
