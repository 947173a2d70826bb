//! The key loader: any bytes as a key file, without a passphrase and with one. A key that loads
//! signs and verifies.
#![no_main]

use libfuzzer_sys::fuzz_target;
use private_key_jwt::jose::{KeyType, Signature};
use private_key_jwt::keys::{Certificate, KeyFormat};
use private_key_jwt::{Jwk, JwkSet, KeyError, PrivateKey, PublicKey, PublicKeySet};
use private_key_jwt_fuzz::{PASSPHRASE, check_line, checked};

/// Signing with a longer key takes too long for a fuzzer.
const LONGEST_RSA: usize = 2048;

fuzz_target!(|file: &[u8]| {
    let format = checked(KeyFormat::of(file));
    if let Some(format) = format {
        check_line(&format.to_string());
    }
    let loaded = PrivateKey::from_bytes(file);
    if let Ok(key) = &loaded {
        let format = format.expect("a file that loads has a format");
        assert!(format.is_private(), "{format}");
        check(key);
        // An unneeded passphrase changes nothing; an empty passphrase counts as one.
        if !format.takes_passphrase() {
            let same = PrivateKey::from_encrypted_bytes(file, PASSPHRASE).unwrap();
            assert_eq!(same.public_jwk(), key.public_jwk());
        }
    }
    let is_closed = matches!(&loaded, Err(KeyError::PassphraseRequired));
    checked(loaded);
    if is_closed && let Some(key) = checked(PrivateKey::from_encrypted_bytes(file, PASSPHRASE)) {
        check(&key);
    }
    if let Some(key) = checked(PublicKey::from_bytes(file)) {
        check_jwk(key.jwk());
    }
    for certificate in checked(Certificate::all_from_bytes(file)).unwrap_or_default() {
        assert_eq!(Certificate::from_der(certificate.as_der()).unwrap(), certificate);
        if let Some(fields) = checked(certificate.fields()) {
            check_line(&fields.subject);
            check_line(&fields.issuer);
        }
    }
});

fn check(key: &PrivateKey) {
    check_jwk(key.public_jwk());
    let debug = format!("{key:?}");
    assert!(debug.contains("[redacted]"), "{debug}");
    let public = key.public_key().unwrap();
    if let KeyType::Rsa = key.key_type()
        && public.bits() > LONGEST_RSA
    {
        return;
    }
    let input = b"header.claims";
    match key.sign(input) {
        Ok(signature) => {
            public.verify(input, &signature).unwrap();
            assert!(public.verify(b"header.other", &signature).is_err());
            let again = Signature::from_raw(key.algorithm(), signature.as_bytes().to_vec()).unwrap();
            public.verify(input, &again).unwrap();
            let set = PublicKeySet::from(JwkSet::from(key.public_jwk().clone()));
            set.select(Some(key.key_id()), key.algorithm()).unwrap().verify(input, &signature).unwrap();
        }
        // An RSA key with a factor that is not prime signs nothing.
        Err(error) => {
            assert!(matches!((&error, key.key_type()), (KeyError::Signing, KeyType::Rsa)), "{error}");
            checked::<(), _>(Err(error));
        }
    }
}

/// The written form is read as the same key.
fn check_jwk(jwk: &Jwk) {
    let json = jwk.to_json();
    assert_eq!(Jwk::from_json(json.as_bytes()).as_ref(), Ok(jwk), "{json}");
    assert_eq!(Jwk::from_json(json.as_bytes()).unwrap().thumbprint(), jwk.thumbprint());
}
