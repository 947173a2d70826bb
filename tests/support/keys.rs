//! The files of `testdata/keys`, and what the tests do with them.

#![allow(dead_code)] // each test file takes what it needs

use std::path::PathBuf;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use private_key_jwt::jose::{Curve, KeyParameters, KeyType};
use private_key_jwt::keys::KeyError;
use private_key_jwt::{Algorithm, Jwk, PrivateKey, PublicKey};

/// Opens every encrypted file of `testdata/keys`.
pub(crate) const PASSPHRASE: &str = "correct horse";

/// The PKCS#12 files of `testdata/keys/bad`.
pub(crate) const BAD_PKCS12: [&str; 8] = [
    "no-key.p12",
    "two-keys.p12",
    "wrong-certificate.p12",
    "rc4.p12",
    "mac-md5.p12",
    "mac-billion.p12",
    "pbe-billion.p12",
    "encrypted-billion.p12",
];

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

/// A key of this type other than [`sample`]'s.
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

pub(crate) fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

pub(crate) fn from_base64url(text: &str) -> Vec<u8> {
    Base64UrlUnpadded::decode_vec(text).unwrap()
}

/// A DER element: tag, length, value.
pub(crate) fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let len = value.len();
    let mut element = vec![tag];
    match len {
        0..=0x7f => element.push(u8::try_from(len).unwrap()),
        0x80..=0xff => element.extend([0x81, u8::try_from(len).unwrap()]),
        _ => element.extend([0x82, u8::try_from(len >> 8).unwrap(), u8::try_from(len & 0xff).unwrap()]),
    }
    element.extend_from_slice(value);
    element
}

/// The value of the first element, and what follows it.
fn split_tlv(der: &[u8]) -> (&[u8], &[u8]) {
    let (start, len) = match der[1] {
        0x81 => (3, usize::from(der[2])),
        0x82 => (4, usize::from(der[2]) << 8 | usize::from(der[3])),
        len => (2, usize::from(len)),
    };
    (&der[start..start + len], &der[start + len..])
}

/// The ciphertext of an `EncryptedPrivateKeyInfo` (RFC 5958 §3).
pub(crate) fn data_of_encrypted(der: &[u8]) -> Vec<u8> {
    let (content, _) = split_tlv(der);
    let (_, data) = split_tlv(content);
    split_tlv(data).0.to_vec()
}

/// The same structure around another ciphertext.
pub(crate) fn with_data_of_encrypted(der: &[u8], data: &[u8]) -> Vec<u8> {
    let (content, _) = split_tlv(der);
    let (scheme, _) = split_tlv(content);
    tlv(0x30, &[tlv(0x30, scheme), tlv(4, data)].concat())
}

/// The bytes of memory that this work allocates on this thread, freed ones included.
pub(crate) fn memory(work: impl FnOnce()) -> u64 {
    allocation_counter::measure(work).bytes_total
}
