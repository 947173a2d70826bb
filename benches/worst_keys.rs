//! The time of the most expensive key file and the most expensive JWK Set, for an attacker who may
//! choose them. SECURITY.md has the bounds.
//!
//! `cargo bench --bench worst_keys --features pkcs12`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use private_key_jwt::jose::KeyParameters;
use private_key_jwt::keys::KeyError;
use private_key_jwt::{Algorithm, Jwk, JwkSet, PrivateKey, PublicKey, PublicKeySet};

const PASSPHRASE: &str = "not the passphrase";

fn file(name: &str) -> String {
    std::fs::read_to_string(format!("{}/testdata/keys/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// A DER element.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = u16::try_from(content.len()).unwrap();
    let [high, low] = len.to_be_bytes();
    let head: &[u8] = match len {
        0..=0x7f => &[tag, low],
        0x80..=0xff => &[tag, 0x81, low],
        0x100.. => &[tag, 0x82, high, low],
    };
    [head, content].concat()
}

/// A small number in its shortest DER encoding.
fn integer(number: u32) -> Vec<u8> {
    let octets = [&[0], number.to_be_bytes().as_slice()].concat();
    let zeros = octets.windows(2).take_while(|pair| matches!(pair, [0, ..=0x7f])).count();
    tlv(2, octets.get(zeros..).unwrap())
}

const PBES2: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13];
const PBKDF2: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12];
const SCRYPT: [u8; 9] = [0x2b, 6, 1, 4, 1, 0xda, 0x47, 4, 11];
const AES_256_CBC: [u8; 9] = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42];

/// `EncryptedPrivateKeyInfo` (RFC 5958 §3) without content.
fn encrypted(derivation: &[u8], parameters: &[Vec<u8>]) -> Vec<u8> {
    let derivation = tlv(0x30, &[tlv(6, derivation), tlv(0x30, &parameters.concat())].concat());
    let cipher = tlv(0x30, &[tlv(6, &AES_256_CBC), tlv(4, &[7; 16])].concat());
    let scheme = tlv(0x30, &[tlv(6, &PBES2), tlv(0x30, &[derivation, cipher].concat())].concat());
    tlv(0x30, &[scheme, tlv(4, &[7; 64])].concat())
}

/// PBKDF2 with the HMAC whose object identifier ends in this number.
fn pbkdf2(hmac: u8, iterations: u32) -> Vec<u8> {
    let prf = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, hmac];
    let prf = tlv(0x30, &[tlv(6, &prf), vec![5, 0]].concat());
    encrypted(&PBKDF2, &[tlv(4, &[7; 16]), integer(iterations), prf])
}

fn scrypt(cost: u32, block_size: u32, parallelization: u32) -> Vec<u8> {
    let parameters = [cost, block_size, parallelization].map(integer);
    encrypted(&SCRYPT, &[&[tlv(4, &[7; 16])], parameters.as_slice()].concat())
}

/// A PKCS#12 file encrypted with 3DES, without content and without a MAC.
fn pkcs12(iterations: u32) -> Vec<u8> {
    const PKCS: [u8; 7] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1];
    let oid = |last: &[u8]| tlv(6, &[&PKCS, last].concat());
    let content = |kind: u8, content: &[u8]| tlv(0x30, &[oid(&[7, kind]), tlv(0xa0, content)].concat());
    let parameters = tlv(0x30, &[tlv(4, b"saltsalt"), integer(iterations)].concat());
    let scheme = tlv(0x30, &[oid(&[12, 1, 3]), parameters].concat());
    let info = tlv(0x30, &[oid(&[7, 1]), scheme, tlv(0x80, &[7; 16])].concat());
    let safe = content(6, &tlv(0x30, &[tlv(2, &[0]), info].concat()));
    tlv(0x30, &[tlv(2, &[3]), content(1, &tlv(4, &tlv(0x30, &safe)))].concat())
}

type IsExpected = fn(&Result<PrivateKey, KeyError>) -> bool;

fn key_files(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("key file");
    group.sample_size(10).warm_up_time(Duration::from_millis(100));
    for (name, bytes) in [
        ("PBKDF2, SHA-1, at the bound", pbkdf2(7, 5_200_000)),
        ("PBKDF2, SHA-256, at the bound", pbkdf2(9, 10_000_000)),
        ("PBKDF2, SHA-512, at the bound", pbkdf2(11, 5_200_000)),
        ("scrypt, at the bound", scrypt(1 << 18, 8, 2)),
        ("PKCS#12, at the bound", pkcs12(6_900_000)),
        ("PBKDF2, beyond it", pbkdf2(7, 10_000_000)),
        ("PKCS#12, beyond it", pkcs12(10_000_000)),
    ] {
        let load = || PrivateKey::from_encrypted_bytes(black_box(&bytes), PASSPHRASE).unwrap_err();
        // Input that is refused before the work costs nothing, and must not pass as cheap work.
        let is_beyond = matches!(load(), KeyError::KeyDerivationCost { .. });
        assert_eq!(is_beyond, name.ends_with("beyond it"), "{name}: {:?}", load());
        assert!(is_beyond || matches!(load(), KeyError::WrongPassphrase), "{name}: {:?}", load());
        group.bench_function(name, |bencher| bencher.iter(load));
    }
    let rsa8192 = file("rsa8192.pkcs8.pem");
    let p521 = file("p521.pkcs8.pem");
    let certificates = file("p256.cert.pem").repeat(256);
    let compressed = file("p521.compressed.pub.pem").repeat(256);
    let cases: [(_, _, IsExpected); 3] = [
        (
            "keys of RSA-8192 up to 1 MiB",
            rsa8192.repeat(PrivateKey::MAX_FILE_LEN / rsa8192.len()),
            |outcome| matches!(outcome, Err(KeyError::SeveralKeys { .. })),
        ),
        (
            "256 keys, 256 certificates, 256 compressed points",
            p521.repeat(256) + &certificates + &compressed,
            Result::is_ok,
        ),
        ("certificates up to 1 MiB", p521.clone() + &certificates.repeat(3), |outcome| {
            matches!(outcome, Err(KeyError::TooManyCertificates { .. }))
        }),
    ];
    for (name, text, is_expected) in cases {
        let load = || PrivateKey::from_bytes(black_box(text.as_bytes()));
        assert!(is_expected(&load()), "{name}: {:?}", load());
        group.bench_function(name, |bencher| bencher.iter(load));
    }
    let alone: serde_json::Value = serde_json::from_str(&file("rsa2048.no-crt.jwk.json")).unwrap();
    let alone = serde_json::json!({ "keys": vec![alone; 256] }).to_string();
    group.bench_function("256 keys of RSA-2048 without primes", |bencher| {
        bencher.iter(|| PrivateKey::from_bytes(black_box(alone.as_bytes())).unwrap());
    });
    group.finish();
}

/// Odd numbers without a small factor, all different: each takes the whole primality test.
fn moduli(bits: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut n = vec![0xb5; bits / 8];
    let mut low = u64::MAX - u64::try_from(bits).unwrap();
    std::iter::from_fn(move || {
        loop {
            low -= 2;
            let at = n.len() - 8;
            n.get_mut(at..)?.copy_from_slice(&(low | 1).to_be_bytes());
            let divides =
                |factor: &u64| n.iter().fold(0, |rest, digit| (rest << 8 | u64::from(*digit)) % factor) == 0;
            if !(3..4096).step_by(2).any(|factor| divides(&factor)) {
                return Some(n.clone());
            }
        }
    })
}

fn jwk(n: Vec<u8>) -> Jwk {
    Jwk::new(KeyParameters::Rsa { n, e: vec![1, 0, 1] })
}

fn key_sets(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("JWK Set");
    group.sample_size(10).warm_up_time(Duration::from_millis(100));
    for bits in [2048, 4096, 8192] {
        let mut moduli = moduli(bits);
        group.bench_function(format!("first use of a key of RSA-{bits}"), |bencher| {
            let fresh = || jwk(moduli.next().unwrap());
            // One in a hundred is a prime and is refused, after the same work.
            bencher.iter_batched(fresh, |jwk| PublicKey::from_jwk(&jwk), BatchSize::PerIteration);
        });
    }
    let again = moduli(8192).map(jwk).find(|jwk| PublicKey::from_jwk(jwk).is_ok()).unwrap();
    group.bench_function("the same key of RSA-8192 again", |bencher| {
        bencher.iter(|| PublicKey::from_jwk(black_box(&again)).unwrap());
    });
    let mut moduli = moduli(8192);
    group.bench_function("256 keys of RSA-8192, each used", |bencher| {
        let fresh = || {
            let keys =
                (0..JwkSet::MAX_KEYS).map(|name| jwk(moduli.next().unwrap()).with_key_id(name.to_string()));
            PublicKeySet::from(JwkSet::from_iter(keys))
        };
        let use_each = |set: PublicKeySet| {
            let names = (0..JwkSet::MAX_KEYS).map(|name| name.to_string().into());
            names.filter(|name| set.select(Some(name), Algorithm::RS256).is_ok()).count()
        };
        bencher.iter_batched(fresh, use_each, BatchSize::PerIteration);
    });
    let keys = vec!["{}"; 300_000].join(",");
    let many = format!(r#"{{"keys":[{keys}]}}"#);
    group.bench_function("300 000 keys", |bencher| {
        bencher.iter(|| JwkSet::from_json(black_box(many.as_bytes())).unwrap_err());
    });
    group.finish();
}

criterion_group!(benches, key_files, key_sets);
criterion_main!(benches);
