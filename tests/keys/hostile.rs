//! Hostile input: any bytes are a key or a typed error, and never cause a panic.

use private_key_jwt::jose::{CompactJws, JoseError};
use private_key_jwt::keys::{Certificate, KeyError, KeyFormat};
use private_key_jwt::{Algorithm, Jwk, JwkSet, PrivateKey, PublicKey, Signature, Thumbprint};
use proptest::prelude::*;

use crate::arbitrary::{derish, jsonish};
use crate::support::{self, key, read};

/// Calls the public entry points. A panic in any of them fails the test; the caller checks the
/// results.
fn feed(bytes: &[u8]) -> (Result<PrivateKey, KeyError>, Result<PublicKey, KeyError>) {
    let certificates = Certificate::from_der(bytes).into_iter();
    for certificate in certificates.chain(Certificate::all_from_bytes(bytes).into_iter().flatten()) {
        let _ = certificate.fields();
    }
    let _ = Jwk::from_json(bytes);
    let _ = JwkSet::from_json(bytes);
    let (format, private, public) =
        (KeyFormat::of(bytes), PrivateKey::from_bytes(bytes), PublicKey::from_bytes(bytes));
    // Input that loads has a format. The format of a set is stricter than its reader.
    if !matches!(format, Err(KeyError::Jose(JoseError::DuplicateMember { .. }))) {
        assert!(private.is_err() || format.as_ref().is_ok_and(|format| format.is_private()), "{format:?}");
        assert!(public.is_err() || format.is_ok(), "{format:?}");
    }
    (private, public)
}

/// Like [`feed`] with a passphrase. Separate, because a derivation takes time.
fn open(bytes: &[u8]) -> Result<PrivateKey, KeyError> {
    PrivateKey::from_encrypted_bytes(bytes, "x")
}

/// A key that loads from damaged bytes must still be a whole key: it signs, and its public half
/// verifies.
fn is_whole(key: &PrivateKey) {
    let signature = key.sign(b"message").unwrap();
    key.public_key().unwrap().verify(b"message", &signature).unwrap();
}

/// The results of all damage to one file.
#[derive(Default)]
struct Tally {
    errors: usize,
    /// Damage in ignored bytes (a label's white space, an ignored member): the same key.
    same: usize,
    /// Another key: only if the file has nothing to compare the private value with.
    other: usize,
}

impl Tally {
    fn count(&mut self, loaded: Result<PrivateKey, KeyError>, original: Thumbprint) {
        match loaded {
            Err(error) => {
                assert!(!error.to_string().is_empty());
                self.errors += 1;
            }
            Ok(key) => {
                is_whole(&key);
                if key.thumbprint() == original { self.same += 1 } else { self.other += 1 }
            }
        }
    }
}

const MASKS: [u8; 4] = [0x01, 0x20, 0x80, 0xff];

fn truncated(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    (0..bytes.len()).map(|len| &bytes[..len])
}

fn flipped(bytes: &[u8], step: usize) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..bytes.len()).step_by(step).flat_map(move |at| {
        MASKS.map(|mask| {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= mask;
            damaged
        })
    })
}

fn damage(file: &str, step: usize) -> Tally {
    let bytes = read(file);
    let original = key(file).thumbprint();
    let mut tally = Tally::default();
    for part in truncated(&bytes).step_by(step) {
        tally.count(feed(part).0, original);
    }
    for damaged in flipped(&bytes, step) {
        tally.count(feed(&damaged).0, original);
    }
    tally
}

#[test]
fn damaged_ec_files_are_errors_or_whole_keys() {
    for file in ["p256.pkcs8.der", "p256.sec1.der", "p384.sec1.der", "p256.jwk.json"] {
        let tally = damage(file, 1);
        assert_eq!(tally.other, 0, "{file}: the public part is there and was not compared");
        assert!(tally.errors > 300, "{file}: {} errors", tally.errors);
    }
    // Base64 hides no damage: a damaged PEM is refused like damaged DER.
    let tally = damage("p256.pkcs8.pem", 1);
    assert_eq!(tally.other, 0);
    assert!(tally.errors > 700, "{} errors", tally.errors);
}

#[test]
fn damaged_keys_without_a_public_part_are_errors_or_whole_keys() {
    for file in ["p256.no-public.sec1.der", "p256.no-public.pkcs8.pem", "ed25519.pkcs8.der"] {
        let tally = damage(file, 1);
        assert!(tally.errors > 60, "{file}: {} errors", tally.errors);
        // Every private value in range is a key, so there are others. Nothing in the file could
        // tell them apart.
        assert!(tally.other > 60, "{file}: {} others", tally.other);
    }
    for file in ["ed25519.pkcs8v2.pem", "ed25519.jwk.json"] {
        let tally = damage(file, 1);
        assert_eq!(tally.other, 0, "{file}: the public part is there and was not compared");
    }
}

#[test]
fn damaged_rsa_files_are_errors_or_the_same_key() {
    // An RSA load costs milliseconds: a sample, with a step that meets every number of the key.
    for (file, step) in [
        ("rsa2048.pkcs1.der", 23),
        ("rsa2048.pkcs8.der", 29),
        ("rsa2048.pkcs8.pem", 41),
        ("rsa2048.jwk.json", 37),
    ] {
        let tally = damage(file, step);
        assert_eq!(tally.other, 0, "{file}");
        assert!(tally.errors > 100, "{file}: {} errors", tally.errors);
    }
}

#[test]
fn damaged_rsa_heads_are_errors_or_the_same_key() {
    // The structure is in the first octets and around the lengths of the numbers; each of those is
    // damaged.
    let bytes = read("rsa2048.pkcs8.der");
    let original = key("rsa2048.pkcs8.der").thumbprint();
    let mut tally = Tally::default();
    for at in 0..48 {
        for mask in 1..=0xff {
            let mut damaged = bytes.clone();
            damaged[at] ^= mask;
            tally.count(PrivateKey::from_bytes(&damaged), original);
        }
    }
    assert_eq!(tally.other, 0);
    assert!(tally.errors > 11_000, "{} errors", tally.errors);
}

#[test]
fn damaged_sets_and_files_with_certificates_are_errors_or_the_same_key() {
    for (file, step) in
        [("one-private.jwks.json", 1), ("p256.key-then-cert.pem", 3), ("p256.key-and-public.pem", 2)]
    {
        let tally = damage(file, step);
        assert_eq!(tally.other, 0, "{file}");
    }
}

/// PBES2 with one PBKDF2 iteration around the P-256 key, made by the test, so that opening damaged
/// copies is cheap.
fn encrypted_cheaply() -> Vec<u8> {
    use pkcs8::pkcs5::pbes2::Parameters;
    let params = Parameters::generate_pbkdf2_sha256_aes128cbc(1, &[7; 8], [9; 16]).unwrap();
    let der = read("p256.pkcs8.der");
    let info = pkcs8::PrivateKeyInfoRef::try_from(der.as_slice()).unwrap();
    info.encrypt_with_params(params, "x").unwrap().as_bytes().to_vec()
}

#[test]
fn damaged_encrypted_files_are_errors_or_the_same_key() {
    let bytes = encrypted_cheaply();
    let original = key("p256.pkcs8.der").thumbprint();
    assert_eq!(open(&bytes).unwrap().thumbprint(), original);
    assert!(matches!(feed(&bytes).0, Err(KeyError::PassphraseRequired)));
    let mut tally = Tally::default();
    for part in truncated(&bytes) {
        let _ = feed(part);
        tally.count(open(part), original);
    }
    // Every value of every byte before the ciphertext, where the parameters are; a few values of
    // the others.
    let data = support::data_of_encrypted(&bytes).len();
    for at in 0..bytes.len() {
        let masks: Vec<u8> = if at < bytes.len() - data { (1..=0xff).collect() } else { MASKS.to_vec() };
        for mask in masks {
            let mut damaged = bytes.clone();
            damaged[at] ^= mask;
            tally.count(open(&damaged), original);
            assert!(PrivateKey::from_bytes(&damaged).is_err());
        }
    }
    assert_eq!(tally.other, 0);
    assert!(tally.errors > 10_000, "{} errors", tally.errors);
}

#[test]
fn damaged_public_keys_and_certificates_are_errors_or_keys() {
    let (mut errors, mut keys) = (0, 0);
    for file in ["p256.cert.pem", "p256.pub.pem", "ed25519.cert.pem"] {
        for bytes in [read(file), support::pem(file)] {
            for damaged in truncated(&bytes).map(<[u8]>::to_vec).chain(flipped(&bytes, 1)) {
                let (private, public) = feed(&damaged);
                assert!(private.is_err(), "{file}");
                match public {
                    Ok(public) => {
                        keys += 1;
                        // A point off its curve is refused when the key is read, not when it is
                        // used.
                        let signature = Signature::from_raw(
                            Algorithm::ALL.into_iter().find(|a| a.key_type() == public.key_type()).unwrap(),
                            vec![1; if public.bits() > 256 { 132 } else { 64 }],
                        );
                        assert!(public.verify(b"message", &signature.unwrap()).is_err());
                    }
                    Err(_) => errors += 1,
                }
            }
        }
    }
    // Most bytes of a certificate are not the key: the certificate is carried, not validated.
    assert!(errors > 3000 && keys > 1000, "{errors} errors, {keys} keys");
}

#[test]
fn nesting_does_not_exhaust_the_stack() {
    let json = |open: &str| format!("{{\"d\":{}", open.repeat(200_000)).into_bytes();
    for bytes in [json("["), json("{\"a\":"), json("{\"keys\":[")] {
        let (private, public) = feed(&bytes);
        assert!(private.is_err() && public.is_err());
    }
    let mut der = Vec::new();
    for _ in 0..20_000 {
        der = if der.len() < 60_000 { support::tlv(0x30, &der) } else { break };
    }
    let (private, public) = feed(&der);
    assert!(private.is_err() && public.is_err() && open(&der).is_err());
}

/// Files of the longest allowed length, made to be slow: many blocks, many elements, one huge
/// label. The test measures memory instead of time: anything that is read repeatedly is copied
/// repeatedly.
#[test]
fn the_longest_files_are_read_in_proportion() {
    const LEN: usize = PrivateKey::MAX_FILE_LEN;
    let repeated = |text: &str| text.repeat(LEN / text.len()).into_bytes();
    let mut elements = vec![0x30, 0x83, 0x0f, 0xff, 0xf0];
    elements.resize(LEN - 11, 0);
    for bytes in [
        repeated("-----BEGIN "),
        repeated("-----BEGIN A-----"),
        repeated("-----BEGIN A-----\n-----END A-----\n"),
        repeated("-----BEGIN A-----\n-----END "),
        repeated("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"),
        repeated("-----BEGIN PRIVATE KEY-----AAAA-----END PRIVATE KEY-----"),
        repeated("-"),
        [&b"-----BEGIN PRIVATE KEY-----"[..], &b"A".repeat(LEN - 100), b"-----END PRIVATE KEY-----"].concat(),
        repeated("{\"keys\":["),
        format!("{{\"keys\":[{}]}}", vec!["{}"; LEN / 4].join(",")).into_bytes(),
        format!("{{\"a\":[{}]}}", vec!["{\"kty\":\"EC\",\"d\":\"AA\"}"; LEN / 40].join(",")).into_bytes(),
        format!("{{\"a\":{}1{}}}", "[".repeat(LEN / 3), "]".repeat(LEN / 3)).into_bytes(),
        format!("{{\"a\":\"{}\"}}", "\\\\".repeat(LEN / 3)).into_bytes(),
        format!("{{\"a\":\"{}\"}}", support::base64(&[0x30; LEN / 2])).into_bytes(),
        repeated("\\"),
        repeated("-----BEGIN A-----\\\\\\\\-----END A-----"),
        [&b"-----BEGIN A-----"[..], &b"\\".repeat(LEN - 100), b"n-----END A-----"].concat(),
        support::base64(support::base64(&b"{".repeat(LEN / 2)).as_bytes()).into_bytes(),
        format!("{{{}}}", (0..50_000).map(|n| format!("\"m{n}\":0")).collect::<Vec<_>>().join(","))
            .into_bytes(),
        elements,
    ] {
        assert!(bytes.len() <= LEN);
        let read = support::memory(|| {
            let (private, public) = feed(&bytes);
            assert!(private.is_err() && public.is_err(), "{:?}", &bytes[..20]);
        });
        assert!(read <= 1000 * LEN as u64, "{read} {:?}", &bytes[..20]);
    }
}

/// An object with the right names and any values. It gets past the parser.
fn jwk_of_any_values() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..80)
            .prop_map(|bytes| format!("\"{}\"", support::base64url(&bytes))),
        prop::collection::vec(any::<u8>(), 32)
            .prop_map(|bytes| format!("\"{}\"", support::base64url(&bytes))),
        Just("null".to_owned()),
        Just("[\"AA==\"]".to_owned()),
        Just("7".to_owned()),
        Just("\"sig\"".to_owned()),
    ];
    let kinds = [
        r#""kty":"EC","crv":"P-256""#,
        r#""kty":"EC","crv":"P-521""#,
        r#""kty":"OKP","crv":"Ed25519""#,
        r#""kty":"RSA""#,
    ];
    let names =
        ["x", "y", "d", "n", "e", "p", "q", "dp", "dq", "qi", "oth", "kid", "alg", "use", "key_ops", "x5c"];
    let members = prop::collection::btree_map(prop::sample::select(names.to_vec()), value, 0..12);
    (prop::sample::select(kinds.to_vec()), members).prop_map(|(kind, members)| {
        let members: String = members.iter().map(|(name, value)| format!(",\"{name}\":{value}")).collect();
        format!("{{{kind}{members}}}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = (feed(&bytes), open(&bytes));
    }

    #[test]
    fn arbitrary_text_does_not_panic(text in "\\PC{0,200}") {
        let _ = (feed(text.as_bytes()), open(text.as_bytes()), CompactJws::parse(&text).is_ok());
    }

    #[test]
    fn arbitrary_pem_bodies_do_not_panic(
        label in prop::sample::select(vec![
            "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "EC PARAMETERS",
            "CERTIFICATE", "PUBLIC KEY", "RSA PUBLIC KEY", "", "é",
        ]),
        body in prop_oneof![
            "[A-Za-z0-9+/=\n\r -]{0,200}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..200),
            derish().prop_map(|der| support::base64(&der).into_bytes()),
        ],
        tail in prop::sample::select(vec!["-----\n", "-----", "", "----"]),
    ) {
        let head = format!("-----BEGIN {label}-----\n");
        let end = format!("\n-----END {label}{tail}");
        let file = [head.as_bytes(), &body, end.as_bytes()].concat();
        let _ = (feed(&file), open(&file));
    }

    #[test]
    fn arbitrary_bytes_in_a_sequence_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let whole = support::tlv(0x30, &bytes);
        let _ = (feed(&whole), open(&whole));
        let start = [&[0x30], bytes.as_slice()].concat();
        let _ = (feed(&start), open(&start));
    }

    #[test]
    fn arbitrary_der_does_not_panic(der in derish()) {
        let _ = (feed(&der), open(&der));
        let within = support::tlv(0x30, &[&[2, 1, 0], der.as_slice()].concat());
        let _ = (feed(&within), open(&within));
    }

    #[test]
    fn arbitrary_json_does_not_panic(text in jsonish()) {
        let _ = feed(text.as_bytes());
        let _ = feed(format!("{{{text}}}").as_bytes());
    }

    #[test]
    fn arbitrary_wrapping_does_not_panic(
        inner in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..120),
            derish(),
            jsonish().prop_map(String::into_bytes),
            jwk_of_any_values().prop_map(String::into_bytes),
            Just(read("ed25519.pkcs8.pem")),
            Just(read("p256.sec1.der")),
        ],
        layers in prop::collection::vec(0_usize..8, 0..6),
        noise in "[\\\\\"'a-z0-9\\\\nu]{0,12}",
    ) {
        let wrapped = layers.into_iter().fold(inner, |inner, layer| {
            let text = || String::from_utf8_lossy(&inner).into_owned();
            let string = || serde_json::Value::from(text()).to_string();
            match layer {
                0 => support::base64(&inner).into_bytes(),
                1 => support::base64url(&inner).into_bytes(),
                2 => string().into_bytes(),
                3 => format!("'{}'", text()).into_bytes(),
                4 => format!("{{\"kid\":\"k\",\"key\":{}}}", string()).into_bytes(),
                5 => format!("{{\"a\":[{}],\"passphrase\":\"x\"}}", text()).into_bytes(),
                6 => text().replace('\n', "\\n").into_bytes(),
                _ => [noise.as_bytes(), &inner].concat(),
            }
        });
        if let (Ok(key), _) = feed(&wrapped) {
            is_whole(&key);
        }
        let _ = open(&wrapped);
    }

    #[test]
    fn arbitrary_jwks_are_errors_or_whole_keys(text in jwk_of_any_values()) {
        for text in [text.clone(), format!("{{\"keys\":[{text}]}}")] {
            if let (Ok(key), _) = feed(text.as_bytes()) {
                is_whole(&key);
            }
        }
    }
}
