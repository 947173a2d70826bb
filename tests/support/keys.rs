//! The files of `testdata/keys`, and what the tests do with them.

#![allow(dead_code)] // each test file takes what it needs

use std::path::PathBuf;

use base64ct::{Base64, Encoding};
use private_key_jwt::jose::{Curve, KeyParameters, KeyType};
use private_key_jwt::keys::KeyError;
use private_key_jwt::{Algorithm, Jwk, PrivateKey, PublicKey};

/// Opens every encrypted file of `testdata/keys`.
pub(crate) const PASSPHRASE: &str = "correct horse";

pub(crate) fn path(file: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/keys")).join(file)
}

pub(crate) fn read(file: &str) -> Vec<u8> {
    std::fs::read(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

pub(crate) fn private(file: &str, passphrase: Option<&str>) -> Result<PrivateKey, KeyError> {
    match passphrase {
        Some(passphrase) => PrivateKey::from_encrypted_bytes(&read(file), passphrase),
        None => PrivateKey::from_bytes(&read(file)),
    }
}

/// A key that must load.
pub(crate) fn key(file: &str) -> PrivateKey {
    private(file, None).unwrap_or_else(|error| panic!("{file}: {error}"))
}

pub(crate) fn public(file: &str) -> Result<PublicKey, KeyError> {
    PublicKey::from_bytes(&read(file))
}

/// A key for this algorithm.
pub(crate) fn sample(algorithm: Algorithm) -> PrivateKey {
    let file = match algorithm.key_type() {
        KeyType::Ec(Curve::P256) => "p256.pkcs8.pem",
        KeyType::Ec(Curve::P384) => "p384.pkcs8.pem",
        KeyType::Ec(_) => "p521.pkcs8.pem",
        KeyType::Ed25519 => "ed25519.pkcs8.pem",
        _ => "rsa2048.pkcs8.pem",
    };
    key(file).with_algorithm(algorithm).unwrap()
}

/// Another key of this type than the one of [`sample`].
pub(crate) fn other(key_type: KeyType) -> PrivateKey {
    match key_type {
        KeyType::Rsa => key("rsa2048-pss.pkcs8.pem"),
        other => {
            let algorithm =
                Algorithm::ALL.into_iter().find(|algorithm| algorithm.key_type() == other).unwrap();
            PrivateKey::generate(algorithm).unwrap().private_key().unwrap()
        }
    }
}

/// The DER in the first block of a regular PEM text.
pub(crate) fn pem_to_der(pem: &str) -> Vec<u8> {
    let body: String = pem
        .lines()
        .skip_while(|line| !line.starts_with("-----BEGIN"))
        .skip(1)
        .take_while(|line| !line.starts_with("-----END"))
        .collect();
    Base64::decode_vec(&body).unwrap()
}

pub(crate) fn pem(file: &str) -> Vec<u8> {
    pem_to_der(&String::from_utf8(read(file)).unwrap())
}

pub(crate) fn base64(der: &[u8]) -> String {
    Base64::encode_string(der)
}

/// The `PUBLIC KEY` block of a P-256 key: the head of its DER is always the same.
pub(crate) fn spki_p256(jwk: &Jwk) -> String {
    const HEAD: [u8; 27] = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
        0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ];
    let KeyParameters::Ec { curve: Curve::P256, x, y } = jwk.parameters() else {
        panic!("not a P-256 key");
    };
    let der = [&HEAD, x.as_slice(), y].concat();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", base64(&der))
}
