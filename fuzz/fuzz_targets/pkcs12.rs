//! PKCS#12 files (RFC 7292), with their passphrase and with an empty one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use private_key_jwt::keys::{Certificate, KeyFormat, KeyLoader, KeyStructure};
use private_key_jwt::{KeyError, PrivateKey};
use private_key_jwt_fuzz::{PASSPHRASE, checked};

fuzz_target!(|file: &[u8]| {
    let structure = checked(KeyFormat::of(file)).map(KeyFormat::structure);
    // Without a passphrase, the empty one is tried.
    for passphrase in ["", PASSPHRASE] {
        let loaded = match passphrase {
            "" => PrivateKey::from_bytes(file),
            passphrase => PrivateKey::from_encrypted_bytes(file, passphrase),
        };
        match loaded {
            Ok(key) => {
                assert!(structure.is_some());
                if structure == Some(KeyStructure::Pkcs12) {
                    // The first certificate belongs to the key.
                    if let Some(own) = key.certificates().first() {
                        let own = private_key_jwt::PublicKey::from_bytes(own.as_der()).unwrap();
                        assert_eq!(own.jwk().parameters(), key.public_jwk().parameters());
                    }
                    // Chosen by its name, it is the same key.
                    let named = KeyLoader::new().passphrase(passphrase);
                    let named = named.entry(key.thumbprint().to_string()).load_bytes(file).unwrap();
                    assert_eq!(named.public_jwk(), key.public_jwk());
                }
            }
            Err(error) => {
                if let KeyError::SeveralKeys { found } = &error {
                    for entry in found {
                        private_key_jwt_fuzz::check_line(&entry.to_string());
                    }
                }
                checked::<(), _>(Err(error));
            }
        }
    }
    drop(checked(Certificate::all_from_bytes(file)));
});
