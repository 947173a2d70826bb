//! Every key file, in every wrapping, whole and damaged: loaded, used and dropped; and new keys.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use private_key_jwt::keys::{Certificate, KeyFormat, KeyLoader};
use private_key_jwt::{Algorithm, Jwk, JwkSet, PrivateKey, PublicKey};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::marks::Marks;
use crate::spelling;
use crate::watch::{is_clean, record, turn};

/// Opens every encrypted file of `testdata/keys`.
const PASSPHRASE: &str = "correct horse";

/// The files of a folder, by their names.
fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(folder);
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.is_file() && !["md", "sh"].map(Some).contains(&path.extension().and_then(|e| e.to_str()))
        })
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

fn testdata() -> impl Iterator<Item = (String, Vec<u8>)> {
    files("keys").into_iter().chain(files("keys/bad"))
}

/// The private values of all keys of `testdata`, and the passphrase.
static MARKS: LazyLock<Arc<Marks>> = LazyLock::new(|| {
    let mut marks = Marks::default()
        .text("the passphrase", PASSPHRASE)
        .text("the passphrase in UTF-16", PASSPHRASE.bytes().flat_map(|byte| [0, byte]).collect::<Vec<_>>());
    let mut count = 0;
    for (file, bytes) in testdata() {
        // Their factors follow from the modulus.
        if ["close-primes", "near-primes", "square", "cube"].iter().any(|weak| file.contains(weak)) {
            continue;
        }
        let mut found = Values::default();
        found.of_file(&bytes);
        count += found.private.len();
        for (name, secret) in found.private {
            if secret.len() >= 16 {
                marks = marks.bytes(format!("{name} of {file}"), secret);
            }
        }
        for value in found.public {
            marks = marks.public(&value);
        }
    }
    assert!(count > 200, "{count} private values");
    Arc::new(marks.ready())
});

/// The private values of unencrypted keys.
#[derive(Default)]
struct Values {
    private: Vec<(&'static str, Vec<u8>)>,
    public: Vec<Vec<u8>>,
}

impl Values {
    fn of_file(&mut self, bytes: &[u8]) {
        match std::str::from_utf8(bytes) {
            Ok(text) if text.trim_start().starts_with('{') => {
                self.of_json(&serde_json::from_str(text).unwrap_or_default());
            }
            Ok(text) => {
                for block in text.split("-----BEGIN ").skip(1) {
                    let body = block.split("-----").nth(1).unwrap_or_default();
                    let digits: String = body.chars().filter(|digit| !digit.is_whitespace()).collect();
                    if let Ok(der) = Base64::decode_vec(&digits) {
                        self.of_der(&der);
                    }
                }
            }
            Err(_) => self.of_der(bytes),
        }
    }

    fn of_json(&mut self, value: &Value) {
        match value {
            Value::Array(elements) => elements.iter().for_each(|element| self.of_json(element)),
            Value::Object(members) => {
                for (name, value) in members {
                    let text = value.as_str().unwrap_or_default();
                    let value_of = || Base64UrlUnpadded::decode_vec(text).ok();
                    match ["d", "p", "q", "dp", "dq", "qi"].into_iter().find(|private| private == name) {
                        Some(name) => self.private.extend(value_of().map(|value| (name, value))),
                        None if ["n", "e", "x", "y"].contains(&name.as_str()) => {
                            self.public.extend(value_of())
                        }
                        None => self.of_json(value),
                    }
                }
            }
            _ => {}
        }
    }

    /// PKCS#8, PKCS#1 or SEC1, by the tags of its elements.
    fn of_der(&mut self, der: &[u8]) {
        let Some((0x30, content, _)) = element(der) else { return };
        let elements: Vec<(u8, &[u8])> = elements(content).collect();
        let tags: Vec<u8> = elements.iter().map(|(tag, _)| *tag).collect();
        match tags.as_slice() {
            [2, 0x30, 4, ..] => match element(elements[2].1) {
                Some((4, seed, _)) => self.private.push(("the seed", seed.to_vec())),
                _ => self.of_der(elements[2].1),
            },
            [2, 4, ..] => self.private.push(("the private value", elements[1].1.to_vec())),
            [2, 2, 2, 2, 2, 2, 2, 2, 2, ..] => {
                self.public.push(elements[1].1.to_vec());
                let names = ["d", "p", "q", "dp", "dq", "qi"];
                let private = names.into_iter().zip(&elements[3..9]);
                self.private.extend(private.map(|(name, (_, value))| (name, value.to_vec())));
            }
            _ => {}
        }
    }
}

fn elements(mut der: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (tag, value, rest) = element(der)?;
        der = rest;
        Some((tag, value))
    })
}

/// The first element: its tag, its value, and the rest.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk()?;
    let digits = if first < 0x80 { 0 } else { usize::from(first & 0x7f) };
    let (digits, rest) = rest.split_at_checked(digits)?;
    let len = match first {
        0..0x80 => usize::from(first),
        _ => digits.iter().fold(0, |len, digit| len << 8 | usize::from(*digit)),
    };
    let (value, rest) = rest.split_at_checked(len)?;
    Some((tag, value, rest))
}

/// Everything that reads a key file, and every operation of a key.
fn use_it(bytes: &[u8]) {
    let _ = KeyFormat::of(bytes);
    let _ = PublicKey::from_bytes(bytes);
    let _ = Certificate::all_from_bytes(bytes);
    let _ = Jwk::from_json(bytes);
    let _ = JwkSet::from_json(bytes);
    load(bytes);
}

fn load(bytes: &[u8]) {
    let _ = PrivateKey::from_bytes(bytes).map(|key| key.sign(b"message"));
    let _ = PrivateKey::from_encrypted_bytes(bytes, b"another passphrase".map(|byte| byte ^ 1));
    let loader = KeyLoader::new().passphrase(PASSPHRASE);
    let _ = loader.clone().entry("an entry").load_bytes(bytes);
    if let Ok(key) = loader.load_bytes(bytes) {
        let other = key.clone();
        let _ = key.sign(b"message");
        drop(key.with_key_id("another"));
        let _ = other.public_key();
        drop(other);
    }
}

#[test]
fn every_key_file_leaves_nothing() {
    let turn = turn();
    let marks = &MARKS;
    for (file, bytes) in testdata() {
        is_clean(&turn, &file, marks, || use_it(&bytes));
    }
}

#[test]
fn a_file_on_disk_leaves_nothing() {
    let turn = turn();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/keys");
    for file in ["ed25519.pkcs8.pem", "p256.jwk.json", "rsa2048.pkcs1.der", "p256.scrypt-aes256.pem"] {
        let path = folder.join(file);
        is_clean(&turn, file, &MARKS, || drop(PrivateKey::from_encrypted_file(&path, PASSPHRASE)));
    }
}

/// The wrappings in which key files occur.
fn wrapped(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let base64 = Base64::encode_string(bytes);
    let mut all = vec![
        ("base64", base64.clone().into_bytes()),
        ("base64url", Base64UrlUnpadded::encode_string(bytes).into_bytes()),
        ("base64 twice", Base64::encode_string(base64.as_bytes()).into_bytes()),
        ("a document with base64", json!({"data": {"key": base64}, "x": [1]}).to_string().into_bytes()),
    ];
    if let Ok(text) = std::str::from_utf8(bytes) {
        let [plain, slashes, units, late] = spelling::json(text);
        all.push(("lines spelled out", text.replace('\n', "\\n").into_bytes()));
        all.push(("lines spelled out twice", text.replace('\n', "\\\\n").into_bytes()));
        for (name, string) in [("a string", &plain), ("escaped slashes", &slashes), ("escapes alone", &units)]
        {
            all.push((name, string.clone().into_bytes()));
        }
        for string in [plain, slashes, units, late] {
            let document =
                format!(r#"{{"private_key_id":"a\u0062c","passphrase":"x","a":{{"private_key":{string}}}}}"#);
            all.push(("a document", document.clone().into_bytes()));
            all.push(("a document in base64", Base64::encode_string(document.as_bytes()).into_bytes()));
            all.push(("a list", format!("[{string}]").into_bytes()));
        }
    }
    all
}

#[test]
fn every_wrapping_leaves_nothing() {
    let turn = turn();
    for file in [
        "ed25519.pkcs8.pem",
        "ed25519.jwk.json",
        "ed25519.ring.pkcs8.der",
        "p256.pkcs8.pem",
        "p256.sec1-params.pem",
        "p256.jwk.json",
        "p256.pbkdf2-sha256-aes256.pem",
        "p256.p12",
        "p384.sec1.der",
        "p521.jwk.json",
        "rsa2048.pkcs1.pem",
        "rsa2048.jwk.json",
        "two-private.jwks.json",
        "bad/p256.wrong-public.jwk.json",
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/keys").join(file);
        for (wrapping, bytes) in wrapped(&std::fs::read(path).unwrap()) {
            is_clean(&turn, &format!("{file} in {wrapping}"), &MARKS, || use_it(&bytes));
        }
    }
}

/// A JWK whose strings are escaped, in each way.
fn spelled_jwk(text: &str) -> Vec<String> {
    let jwk: Value = serde_json::from_str(text).unwrap();
    let members = jwk.as_object().unwrap();
    (1..4)
        .map(|way| {
            let member = |(name, value): (&String, &Value)| {
                let value = value
                    .as_str()
                    .map_or_else(|| value.to_string(), |text| spelling::json(text)[way].clone());
                format!("{}:{value}", spelling::json(name)[way.min(2)])
            };
            format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
        })
        .collect()
}

#[test]
fn escapes_in_a_jwk_leave_nothing() {
    let turn = turn();
    for (file, bytes) in testdata().filter(|(file, _)| file.ends_with(".jwk.json")) {
        let text = String::from_utf8(bytes).unwrap();
        let all: Vec<String> = spelled_jwk(&text)
            .into_iter()
            .flat_map(|jwk| {
                let damaged = jwk.replacen("\\u", "\\x", 2).replacen("\\x", "\\u", 1);
                let set = format!(r#"{{"keys":[{jwk},{{"kty":"\u0045C"}}]}}"#);
                let document = json!({"private": jwk.clone(), "kid": "a/b"}).to_string();
                let cut = jwk[..jwk.len() * 2 / 3].to_owned();
                [jwk, damaged, set, document, cut]
            })
            .collect();
        for (place, jwk) in all.iter().enumerate() {
            is_clean(&turn, &format!("{file}, spelling {place}"), &MARKS, || use_it(jwk.as_bytes()));
        }
    }
}

#[test]
fn a_damaged_file_leaves_nothing() {
    let turn = turn();
    // A key of each format: the same code reads the others.
    for file in [
        "ed25519.pkcs8.pem",
        "ed25519.pkcs8v2.pem",
        "ed25519.ring.pkcs8.der",
        "ed25519.jwk.json",
        "p256.pkcs8.der",
        "p256.sec1.pem",
        "p256.one-line.pem",
        "p256.jwk.json",
        "p521.sec1.der",
        "rsa2048.pkcs1.der",
        "rsa2048.pkcs8.pem",
        "rsa2048.jwk.json",
        "one-private.jwks.json",
        "p256.no-mac.p12",
        "p256.open.p12",
        "p256.ber.p12",
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/keys").join(file);
        let bytes = std::fs::read(path).unwrap();
        let step = (bytes.len() / 16).max(1);
        for at in (0..bytes.len()).step_by(step) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            is_clean(&turn, &format!("{file}, cut at {at}"), &MARKS, || load(&bytes[..at]));
            is_clean(&turn, &format!("{file}, damaged at {at}"), &MARKS, || load(&flipped));
        }
    }
}

#[test]
fn several_keys_in_one_file_leave_nothing() {
    let turn = turn();
    let read = |file: &str| {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/keys").join(file))
            .unwrap()
    };
    let pems =
        ["ed25519.pkcs8.pem", "p256.pkcs8.pem", "ed25519.pkcs8v2.pem", "rsa2048.pkcs1.pem", "p384.sec1.pem"];
    let all: String = pems.map(read).concat();
    let jwks = ["ed25519.jwk.json", "p256.jwk.json", "p384.jwk.json", "rsa2048.jwk.json", "p521.jwk.json"];
    let set = format!(r#"{{"keys":[{}]}}"#, jwks.map(read).join(","));
    for (name, text) in [("PEM", all), ("JWK Set", set)] {
        is_clean(&turn, name, &MARKS, || use_it(text.as_bytes()));
    }
}

/// The private values of a new key are known only after it was made, so the freed blocks are
/// inspected then.
#[test]
fn a_new_key_leaves_nothing() {
    for algorithm in [Algorithm::EdDSA, Algorithm::ES256, Algorithm::ES384, Algorithm::ES512] {
        new_key(algorithm, 2048);
    }
}

/// With the crate `rsa`, the search for primes frees too much to be recorded.
#[cfg(feature = "aws-lc-rs")]
#[test]
fn a_new_rsa_key_leaves_nothing() {
    new_key(Algorithm::RS256, 2048);
}

fn new_key(algorithm: Algorithm, bits: usize) {
    let turn = turn();
    let (mut generated, mut pem) = (None, None);
    let making = record(&turn, || {
        let key = PrivateKey::generate_rsa_bits(algorithm, bits).unwrap();
        pem = Some(key.to_pem().unwrap());
        generated = Some(key);
    });
    let pem: Zeroizing<String> = pem.unwrap();
    let mut values = Values::default();
    values.of_file(pem.as_bytes());
    assert!(!values.private.is_empty());
    let mut marks = Marks::default();
    for (name, secret) in &values.private {
        marks = marks.bytes(format!("{name} of a new {algorithm} key"), secret);
    }
    for value in &values.public {
        marks = marks.public(value);
    }
    let marks = Arc::new(marks.ready());
    making.is_clean("making a key", &marks);
    is_clean(&turn, "using a new key", &marks, || {
        let generated = generated.unwrap();
        let key = generated.private_key().unwrap();
        drop(generated.to_encrypted_pem("a passphrase of many words").unwrap());
        drop(generated);
        drop(key.sign(b"message").unwrap());
    });
}
