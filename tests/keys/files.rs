//! The key loader: every good file of `testdata/keys` loads as the right key, and signs.

use std::collections::{BTreeMap, BTreeSet};

use private_key_jwt::jose::{Curve, JoseError, KeyParameters, KeyType};
use private_key_jwt::keys::KeyError;
use private_key_jwt::{Algorithm, Jwk, JwkSet, PrivateKey, PublicKey, Signature};

use crate::support::{self, PASSPHRASE, key, private, public, read, sample};

const P256: KeyType = KeyType::Ec(Curve::P256);
const P384: KeyType = KeyType::Ec(Curve::P384);
const P521: KeyType = KeyType::Ec(Curve::P521);

/// Files that contain one private key, with the facts that follow from the key alone.
const PLAIN: [(&str, KeyType, Algorithm); 53] = [
    ("rsa2048.pkcs8.pem", KeyType::Rsa, Algorithm::RS256),
    ("rsa2048.pkcs8.der", KeyType::Rsa, Algorithm::RS256),
    ("rsa2048.pkcs1.pem", KeyType::Rsa, Algorithm::RS256),
    ("rsa2048.pkcs1.der", KeyType::Rsa, Algorithm::RS256),
    ("rsa2048.jwk.json", KeyType::Rsa, Algorithm::RS256),
    ("rsa2048.swapped.jwk.json", KeyType::Rsa, Algorithm::RS256),
    ("rsa2048.unreduced-d.jwk.json", KeyType::Rsa, Algorithm::RS256),
    ("rsa2049.jwk.json", KeyType::Rsa, Algorithm::RS256),
    ("rsa2560.unbalanced.jwk.json", KeyType::Rsa, Algorithm::RS256),
    ("rsa2048.key-then-chain.pem", KeyType::Rsa, Algorithm::RS256),
    ("rsa3072.pkcs8.pem", KeyType::Rsa, Algorithm::RS256),
    ("rsa4096.pkcs8.pem", KeyType::Rsa, Algorithm::RS256),
    ("rsa8192.pkcs8.pem", KeyType::Rsa, Algorithm::RS256),
    ("rsa2048-pss.pkcs8.pem", KeyType::Rsa, Algorithm::PS256),
    ("rsa2048-pss-sha256.pkcs8.pem", KeyType::Rsa, Algorithm::PS256),
    ("p256.sec1-params.pem", P256, Algorithm::ES256),
    ("p256.sec1.pem", P256, Algorithm::ES256),
    ("p256.sec1.der", P256, Algorithm::ES256),
    ("p256.pkcs8.pem", P256, Algorithm::ES256),
    ("p256.pkcs8.der", P256, Algorithm::ES256),
    ("p256.jwk.json", P256, Algorithm::ES256),
    ("p256.no-public.pkcs8.pem", P256, Algorithm::ES256),
    ("p256.no-public.sec1.der", P256, Algorithm::ES256),
    ("p256.leading-zero.sec1.der", P256, Algorithm::ES256),
    ("p256.crlf.pem", P256, Algorithm::ES256),
    ("p256.bag-attributes.pem", P256, Algorithm::ES256),
    ("p256.blank-lines.pem", P256, Algorithm::ES256),
    ("p256.bom.pem", P256, Algorithm::ES256),
    ("p256.one-line.pem", P256, Algorithm::ES256),
    ("p256.wide.pem", P256, Algorithm::ES256),
    ("p256.indented.pem", P256, Algorithm::ES256),
    ("p256.cert-then-key.pem", P256, Algorithm::ES256),
    ("p256.key-then-cert.pem", P256, Algorithm::ES256),
    ("p256.key-and-public.pem", P256, Algorithm::ES256),
    ("p256.shuffled-chain.pem", P256, Algorithm::ES256),
    ("p384.sec1-params.pem", P384, Algorithm::ES384),
    ("p384.sec1.pem", P384, Algorithm::ES384),
    ("p384.sec1.der", P384, Algorithm::ES384),
    ("p384.pkcs8.pem", P384, Algorithm::ES384),
    ("p384.pkcs8.der", P384, Algorithm::ES384),
    ("p384.jwk.json", P384, Algorithm::ES384),
    ("p521.sec1-params.pem", P521, Algorithm::ES512),
    ("p521.sec1.pem", P521, Algorithm::ES512),
    ("p521.sec1.der", P521, Algorithm::ES512),
    ("p521.pkcs8.pem", P521, Algorithm::ES512),
    ("p521.pkcs8.der", P521, Algorithm::ES512),
    ("p521.jwk.json", P521, Algorithm::ES512),
    ("ed25519.pkcs8.pem", KeyType::Ed25519, Algorithm::EdDSA),
    ("ed25519.pkcs8.der", KeyType::Ed25519, Algorithm::EdDSA),
    ("ed25519.pkcs8v2.pem", KeyType::Ed25519, Algorithm::EdDSA),
    ("ed25519.ring.pkcs8.der", KeyType::Ed25519, Algorithm::EdDSA),
    ("ed25519.jwk.json", KeyType::Ed25519, Algorithm::EdDSA),
    ("one-private.jwks.json", P256, Algorithm::ES256),
];

const ENCRYPTED: [&str; 12] = [
    "p256.pbkdf2-sha1-aes128.pem",
    "p256.pbkdf2-sha224-aes128.pem",
    "p256.pbkdf2-sha256-aes128.pem",
    "p256.pbkdf2-sha256-aes192.pem",
    "p256.pbkdf2-sha256-aes256.pem",
    "p256.pbkdf2-sha256-aes256.der",
    "p256.pbkdf2-sha384-aes256.pem",
    "p256.pbkdf2-sha512-aes256.pem",
    "p256.scrypt-aes128.pem",
    "p256.scrypt-aes192.pem",
    "p256.scrypt-aes256.pem",
    "rsa2048.pbkdf2-sha256-aes256.pem",
];

const PUBLIC: [(&str, KeyType); 20] = [
    ("rsa2048.pub.pem", KeyType::Rsa),
    ("rsa2048-pss.pub.pem", KeyType::Rsa),
    ("rsa2048.cert.pem", KeyType::Rsa),
    ("rsa2048.cert.der", KeyType::Rsa),
    ("rsa2048.leaf.pem", KeyType::Rsa),
    ("p256.pub.pem", P256),
    ("p256.compressed.pub.pem", P256),
    ("p256.chain.pem", P256),
    ("p256.cert.pem", P256),
    ("p256.localhost.cert.pem", P256),
    ("p256.localhost-ca.cert.pem", P256),
    ("p256.localhost-expired.cert.pem", P256),
    ("p384.pub.pem", P384),
    ("p384.compressed.pub.pem", P384),
    ("p384.cert.pem", P384),
    ("p521.pub.pem", P521),
    ("p521.compressed.pub.pem", P521),
    ("p521.cert.pem", P521),
    ("ed25519.pub.pem", KeyType::Ed25519),
    ("ed25519.cert.pem", KeyType::Ed25519),
];

/// Files with a test of their own below.
const ELSEWHERE: [&str; 7] = [
    "ca.cert.pem",
    "p256.key-then-wrong-cert.pem",
    "rsa2048.alg-ps256.jwk.json",
    "rsa2048.composite-prime.jwk.json",
    "rsa2048.no-crt.jwk.json",
    "private-with-enc.jwks.json",
    "two-private.jwks.json",
];

fn stem(file: &str) -> &str {
    file.split('.').next().unwrap()
}

#[test]
fn every_file_of_testdata_keys_has_a_test() {
    let found: BTreeSet<String> = std::fs::read_dir(support::path(""))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| !["README.md", "make.sh"].contains(&name.as_str()))
        .collect();
    let tested: BTreeSet<String> = PLAIN
        .iter()
        .map(|(file, ..)| *file)
        .chain(ENCRYPTED)
        .chain(PUBLIC.iter().map(|(file, _)| *file))
        .chain(crate::pkcs12::FILES.map(|(file, _)| file))
        .chain(crate::pkcs12::OTHERS)
        .chain(crate::pkcs12::OLD_PKCS8.map(|(file, _)| file))
        .chain(ELSEWHERE)
        .map(str::to_owned)
        .collect();
    assert_eq!(found, tested);
}

#[test]
fn every_file_loads_as_what_it_is_and_signs() {
    for (file, key_type, algorithm) in PLAIN {
        let key = key(file);
        assert_eq!((key.key_type(), key.algorithm()), (key_type, algorithm), "{file}");
        let signature = key.sign(b"message").unwrap();
        assert_eq!(signature.algorithm(), algorithm, "{file}");
        let public = key.public_key().unwrap();
        assert_eq!(public.key_type(), key_type, "{file}");
        public.verify(b"message", &signature).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(matches!(public.verify(b"massage", &signature), Err(KeyError::BadSignature)), "{file}");
    }
}

#[test]
fn from_file_reads_what_from_bytes_reads() {
    let key = PrivateKey::from_file(support::path("p256.pkcs8.der")).unwrap();
    assert_eq!(key.thumbprint(), self::key("p256.pkcs8.pem").thumbprint());
    let file = support::path("p256.pbkdf2-sha256-aes256.pem");
    let key = PrivateKey::from_encrypted_file(file, PASSPHRASE).unwrap();
    assert_eq!(key.thumbprint(), self::key("p256.pkcs8.pem").thumbprint());
}

#[test]
fn rfc7638_the_thumbprint_is_the_kid_and_the_same_for_every_form_of_a_key() {
    let mut stems: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut forms: BTreeMap<&str, usize> = BTreeMap::new();
    for (file, ..) in PLAIN.into_iter().filter(|(file, ..)| !file.contains("jwks")) {
        let key = key(file);
        assert_eq!(key.key_id().as_str(), key.thumbprint().to_string(), "{file}");
        assert_eq!(key.public_jwk().key_id(), Some(key.key_id()), "{file}");
        stems.entry(stem(file)).or_default().insert(key.thumbprint().to_string());
        *forms.entry(stem(file)).or_default() += 1;
    }
    for file in ENCRYPTED {
        let key = private(file, Some(PASSPHRASE)).unwrap();
        stems.entry(stem(file)).or_default().insert(key.thumbprint().to_string());
    }
    for (file, key_type) in PUBLIC {
        let public = public(file).unwrap();
        assert_eq!(public.key_type(), key_type, "{file}");
        stems.entry(stem(file)).or_default().insert(public.jwk().thumbprint().to_string());
    }
    assert_eq!(stems.len(), 12);
    for (stem, thumbprints) in &stems {
        assert_eq!(thumbprints.len(), 1, "{stem}: {thumbprints:?}");
    }
    assert_eq!(stems.values().flatten().collect::<BTreeSet<_>>().len(), 12, "each stem is another key");
    assert_eq!(
        (forms["rsa2048"], forms["p256"], forms["p384"], forms["p521"], forms["ed25519"]),
        (8, 20, 6, 6, 5)
    );
}

#[test]
fn any_form_verifies_what_any_other_form_signed() {
    for (signer, verifier) in [
        ("rsa2048.pkcs1.der", "rsa2048.cert.pem"),
        ("rsa2048.jwk.json", "rsa2048.leaf.pem"),
        ("p256.no-public.sec1.der", "p256.pub.pem"),
        ("p384.jwk.json", "p384.cert.pem"),
        ("p521.sec1-params.pem", "p521.pub.pem"),
        ("ed25519.pkcs8v2.pem", "ed25519.cert.pem"),
    ] {
        let signature = key(signer).sign(b"message").unwrap();
        public(verifier).unwrap().verify(b"message", &signature).unwrap();
    }
}

#[test]
fn an_encrypted_key_opens_with_its_passphrase_and_only_with_it() {
    for file in ENCRYPTED {
        let bytes = read(file);
        let key = PrivateKey::from_encrypted_bytes(&bytes, PASSPHRASE)
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        key.public_key().unwrap().verify(b"message", &key.sign(b"message").unwrap()).unwrap();
        assert!(matches!(PrivateKey::from_bytes(&bytes), Err(KeyError::PassphraseRequired)), "{file}");
        for wrong in ["wrong horse", "", "correct horse ", "Correct horse"] {
            assert!(
                matches!(PrivateKey::from_encrypted_bytes(&bytes, wrong), Err(KeyError::WrongPassphrase)),
                "{file}: {wrong:?}"
            );
        }
    }
}

/// For one wrong passphrase in 256, garbage has valid CBC padding. It must not look like a damaged
/// file.
#[test]
fn a_wrong_passphrase_never_looks_like_a_damaged_key() {
    let bytes = read("p256.pbkdf2-sha256-aes256.pem");
    for attempt in 0..400 {
        let error =
            PrivateKey::from_encrypted_bytes(&bytes, format!("wrong {attempt}")).map(|_| ()).unwrap_err();
        assert!(matches!(error, KeyError::WrongPassphrase), "{attempt}: {error:?}");
    }
}

#[test]
fn a_passphrase_for_a_key_that_is_not_encrypted_does_no_harm() {
    let key = private("p256.pkcs8.pem", Some("unused")).unwrap();
    assert_eq!(key.thumbprint(), self::key("p256.jwk.json").thumbprint());
}

#[test]
fn pem_as_people_have_it_around_other_kinds_of_keys_too() {
    let plain = String::from_utf8(read("rsa2048.pkcs1.pem")).unwrap();
    let body: String = plain.lines().filter(|line| !line.starts_with('-')).collect();
    let forms = [
        plain.replace('\n', "\r\n"),
        plain.replace('\n', "\r"),
        plain.replace('\n', "\n\n"),
        plain.replace('\n', "\n\t "),
        format!("\u{feff}\n{plain}"),
        format!("# my key, do not lose\n{plain}trailing words\n"),
        format!("0 is how this line starts\n{plain}"),
        plain.trim_end().to_owned(),
        format!("-----BEGIN RSA PRIVATE KEY-----{body}-----END RSA PRIVATE KEY-----"),
        format!("-----BEGIN RSA PRIVATE KEY----- {body} -----END RSA PRIVATE KEY-----"),
    ];
    let thumbprint = key("rsa2048.pkcs8.pem").thumbprint();
    for (index, form) in forms.iter().enumerate() {
        let key = PrivateKey::from_bytes(form.as_bytes()).unwrap_or_else(|error| panic!("{index}: {error}"));
        assert_eq!(key.thumbprint(), thumbprint, "{index}");
    }
}

#[test]
fn rfc7515_4_1_6_certificates_are_kept_leaf_first_and_published_as_x5c() {
    let leaf = support::pem("p256.cert.pem");
    for file in ["p256.cert-then-key.pem", "p256.key-then-cert.pem"] {
        let key = key(file);
        assert_eq!(
            key.certificates().iter().map(|found| found.as_der()).collect::<Vec<_>>(),
            [&leaf[..]],
            "{file}"
        );
        assert_eq!(key.public_jwk().certificates(), std::slice::from_ref(&leaf), "{file}");
    }
    let chain = [support::pem("rsa2048.leaf.pem"), support::pem("ca.cert.pem")];
    let key_then_chain = read("rsa2048.key-then-chain.pem");
    let backwards = [read("ca.cert.pem"), read("rsa2048.leaf.pem"), read("rsa2048.pkcs8.pem")].concat();
    for file in [key_then_chain, backwards] {
        let key = PrivateKey::from_bytes(&file).unwrap();
        assert_eq!(key.public_jwk().certificates(), chain);
        let json: serde_json::Value = serde_json::from_str(&key.public_jwk().to_json()).unwrap();
        let x5c: Vec<&str> =
            json["x5c"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
        assert_eq!(x5c, [support::base64(&chain[0]), support::base64(&chain[1])]);
        key.public_key().unwrap();
    }
    assert!(key("p256.pkcs8.pem").certificates().is_empty());
    assert!(!key("p256.pkcs8.pem").public_jwk().to_json().contains("x5c"));
}

/// With any other content around it, and in any order. An authority that renewed its key has two
/// certificates of one name.
#[test]
fn rfc7515_4_1_6_each_certificate_certifies_the_one_before() {
    let blocks = |file: &str| {
        let text = String::from_utf8(read(file)).unwrap();
        let blocks = text.split_inclusive("-----END CERTIFICATE-----\n").map(str::to_owned);
        blocks.filter(|block| block.contains("BEGIN CERT")).collect::<Vec<_>>()
    };
    let chain: Vec<Vec<u8>> =
        blocks("p256.chain.pem").iter().map(|block| support::pem_to_der(block)).collect();
    assert_eq!(key("p256.shuffled-chain.pem").public_jwk().certificates(), chain);
    let private = String::from_utf8(read("p256.pkcs8.pem")).unwrap();
    let [leaf, intermediate, root] = <[String; 3]>::try_from(blocks("p256.chain.pem")).unwrap();
    for (certificates, len) in [
        (vec![&root, &intermediate, &leaf], 3),
        (vec![&intermediate, &leaf, &intermediate, &leaf], 2),
        // Without the intermediate certificate there is no chain.
        (vec![&root, &leaf], 1),
    ] {
        let file = private.clone() + &certificates.into_iter().map(String::as_str).collect::<String>();
        let key = PrivateKey::from_bytes(file.as_bytes()).unwrap();
        assert_eq!(key.public_jwk().certificates(), &chain[..len]);
    }
    // Of two certificates for the key, the newer one.
    let renewed = [read("p256.cert.pem"), leaf.into_bytes(), private.into_bytes()].concat();
    assert_eq!(PrivateKey::from_bytes(&renewed).unwrap().public_jwk().certificates(), &chain[..1]);
}

#[test]
fn rfc7515_4_1_7_and_4_1_8_certificate_hashes_are_of_the_der() {
    use sha2::{Digest, Sha256};
    let key = key("p256.key-then-cert.pem");
    let expected: [u8; 32] = Sha256::digest(support::pem("p256.cert.pem")).into();
    assert_eq!(key.certificates()[0].sha256(), expected);
    let expected: [u8; 20] = sha1::Sha1::digest(support::pem("p256.cert.pem")).into();
    assert_eq!(key.certificates()[0].sha1(), expected);
}

#[test]
fn a_certificate_of_another_key_is_refused() {
    for file in [
        read("p256.key-then-wrong-cert.pem"),
        [read("p256.pkcs8.pem"), read("ca.cert.pem")].concat(),
        [read("ca.cert.pem"), read("rsa2048.pkcs8.pem")].concat(),
    ] {
        assert!(matches!(PrivateKey::from_bytes(&file), Err(KeyError::CertificateMismatch)));
    }
}

#[test]
fn a_public_key_of_another_key_is_refused() {
    // Even if the private key's file has no public part to compare with.
    for file in ["p256.pkcs8.pem", "p256.no-public.pkcs8.pem", "ed25519.pkcs8.pem", "rsa2048.pkcs1.pem"] {
        for (public, other) in [
            ("p256.pub.pem", stem(file) != "p256"),
            ("p384.pub.pem", true),
            ("ed25519.pub.pem", stem(file) != "ed25519"),
            ("rsa2048.pub.pem", stem(file) != "rsa2048"),
        ] {
            let loaded = PrivateKey::from_bytes(&[read(file), read(public)].concat());
            match loaded {
                Err(KeyError::Inconsistent { key_type: "PEM file's" }) => assert!(other, "{file} {public}"),
                loaded => assert!(loaded.is_ok() && !other, "{file} {public}"),
            }
        }
    }
    let other = PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap();
    let wrong = support::spki_p256(other.public_jwk());
    let file = [read("p256.no-public.pkcs8.pem"), wrong.into_bytes()].concat();
    assert!(matches!(PrivateKey::from_bytes(&file), Err(KeyError::Inconsistent { key_type: "PEM file's" })));
}

#[test]
fn rfc7517_4_7_an_x5c_in_a_private_jwk_must_be_its_own() {
    let with_x5c = |certificate: &str| {
        let jwk = String::from_utf8(read("p256.jwk.json")).unwrap();
        let x5c = support::base64(&support::pem(certificate));
        jwk.trim_end().strip_suffix('}').unwrap().to_owned() + &format!(r#","x5c":["{x5c}"]}}"#)
    };
    let key = PrivateKey::from_bytes(with_x5c("p256.cert.pem").as_bytes()).unwrap();
    assert_eq!(key.certificates()[0].as_der(), support::pem("p256.cert.pem"));
    assert!(matches!(
        PrivateKey::from_bytes(with_x5c("p384.cert.pem").as_bytes()),
        Err(KeyError::CertificateMismatch)
    ));
    // The same for a public JWK.
    let public = |certificate| key.public_jwk().clone().with_certificates(vec![support::pem(certificate)]);
    assert!(PublicKey::from_jwk(&public("p256.cert.pem")).is_ok());
    for wrong in ["p384.cert.pem", "rsa2048.cert.pem", "ed25519.cert.pem"] {
        assert!(matches!(PublicKey::from_jwk(&public(wrong)), Err(KeyError::CertificateMismatch)), "{wrong}");
    }
    let garbage = key.public_jwk().clone().with_certificates(vec![vec![0x30, 0]]);
    assert!(matches!(PublicKey::from_jwk(&garbage), Err(KeyError::Certificate)));
}

#[test]
fn rfc7517_4_4_and_4_5_a_jwk_names_its_algorithm_and_its_kid() {
    let key = key("rsa2048.alg-ps256.jwk.json");
    assert_eq!((key.algorithm(), key.key_id().as_str()), (Algorithm::PS256, "ps-key"));
    assert_eq!(key.public_jwk().algorithm(), Some("PS256"));
    assert_eq!(key.thumbprint(), self::key("rsa2048.pkcs8.pem").thumbprint());
}

#[test]
fn rfc7517_5_the_one_signing_key_of_a_private_set_is_taken() {
    for file in ["one-private.jwks.json", "private-with-enc.jwks.json"] {
        let key = key(file);
        assert_eq!(key.key_id().as_str(), "my-key-1", "{file}");
        assert_eq!(key.thumbprint(), self::key("p256.pkcs8.pem").thumbprint(), "{file}");
    }
    assert!(
        matches!(private("two-private.jwks.json", None), Err(KeyError::SeveralKeys { found }) if found.len() == 2)
    );
    // Next to a key for encryption that says so by `alg` alone, a public key, and a future type.
    let text = |file| String::from_utf8(read(file)).unwrap();
    let rsa = text("rsa2048.jwk.json");
    let enc = rsa.trim_end().strip_suffix('}').unwrap().to_owned() + r#","alg":"RSA-OAEP-256"}"#;
    let set = format!(
        r#"{{"keys":[{enc},{},{{"kty":"AKP","alg":"ML-DSA-44"}},{}]}}"#,
        text("bad/p256.public-only.jwk.json"),
        text("ed25519.jwk.json"),
    );
    let key = PrivateKey::from_bytes(set.as_bytes()).unwrap();
    assert_eq!(key.thumbprint(), self::key("ed25519.pkcs8.pem").thumbprint());
}

#[test]
fn a_public_jwk_has_no_private_member_and_says_what_it_is_for() {
    for (file, ..) in PLAIN.into_iter().filter(|(file, ..)| !file.contains("8192")) {
        let key = key(file);
        let json: serde_json::Value = serde_json::from_str(&key.public_jwk().to_json()).unwrap();
        for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(json.get(member).is_none(), "{file}: {member}");
        }
        assert_eq!(json["use"], "sig", "{file}");
        assert_eq!(json["alg"], key.algorithm().as_str(), "{file}");
        assert_eq!(json["kid"], key.key_id().as_str(), "{file}");
        let set = JwkSet::from(key.public_jwk().clone());
        let read = JwkSet::from_json(set.to_json().as_bytes()).unwrap();
        assert_eq!((read.keys(), read.skipped().len()), (set.keys(), 0), "{file}");
    }
}

#[test]
fn rfc8725_3_1_the_algorithms_that_fit_a_key_and_no_others() {
    use Algorithm::{ES256, ES384, ES512, Ed25519, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let cases: [(&str, &[Algorithm]); 6] = [
        ("rsa2048.pkcs8.pem", &[RS256, RS384, RS512, PS256, PS384, PS512]),
        ("p256.pkcs8.pem", &[ES256]),
        ("p384.pkcs8.pem", &[ES384]),
        ("p521.pkcs8.pem", &[ES512]),
        ("ed25519.pkcs8.pem", &[EdDSA, Ed25519]),
        ("rsa2048-pss.pkcs8.pem", &[PS256, PS384, PS512]),
    ];
    for (file, fitting) in cases {
        let key = key(file);
        for algorithm in Algorithm::ALL {
            match key.clone().with_algorithm(algorithm) {
                Ok(key) => {
                    assert!(fitting.contains(&algorithm), "{file} {algorithm}");
                    assert_eq!(
                        (key.algorithm(), key.public_jwk().algorithm()),
                        (algorithm, Some(algorithm.as_str()))
                    );
                    let signature = key.sign(b"message").unwrap();
                    assert_eq!(signature.algorithm(), algorithm);
                    key.public_key().unwrap().verify(b"message", &signature).unwrap();
                }
                Err(KeyError::Jose(JoseError::AlgorithmMismatch { algorithm: found, key_type })) => {
                    assert!(!fitting.contains(&algorithm) && algorithm.key_type() != key.key_type());
                    assert_eq!((found, key_type), (algorithm, key.key_type()), "{file}");
                }
                Err(KeyError::PssOnly { algorithm: found, allowed: None }) => {
                    assert_eq!(found, algorithm);
                    assert!(file.starts_with("rsa2048-pss") && !algorithm.is_pss(), "{file} {algorithm}");
                }
                Err(error) => panic!("{file} {algorithm}: {error:?}"),
            }
        }
    }
}

#[test]
fn rfc4055_1_2_a_restricted_pss_key_signs_with_its_own_hash_only() {
    let key = key("rsa2048-pss-sha256.pkcs8.pem");
    assert!(key.clone().with_algorithm(Algorithm::PS256).is_ok());
    for algorithm in Algorithm::ALL
        .into_iter()
        .filter(|algorithm| algorithm.key_type() == KeyType::Rsa && *algorithm != Algorithm::PS256)
    {
        let error = key.clone().with_algorithm(algorithm).unwrap_err();
        assert!(
            matches!(error, KeyError::PssOnly { algorithm: found, allowed: Some(Algorithm::PS256) } if found == algorithm),
            "{algorithm}: {error:?}"
        );
        assert_eq!(
            error.to_string(),
            format!("the id-RSASSA-PSS key is restricted to PS256, so {algorithm} is not allowed")
        );
    }
}

#[test]
fn a_key_can_be_named() {
    let key = key("p256.pkcs8.pem").with_key_id("2026-01");
    assert_eq!(key.key_id().as_str(), "2026-01");
    assert_eq!(key.public_jwk().key_id().unwrap().as_str(), "2026-01");
    assert_ne!(key.thumbprint().to_string(), "2026-01");
}

/// RFC 8725 §3.1: "each key MUST be used with exactly one algorithm, and this MUST be checked".
#[test]
fn rfc7517_4_4_a_public_key_keeps_to_the_alg_of_its_jwk() {
    let key = key("rsa2048.pkcs8.pem");
    let signature = key.sign(b"message").unwrap();
    let parameters = key.public_jwk().parameters();
    for (name, verifies) in [("RS256", true), ("PS256", false), ("RSA-OAEP", false)] {
        let members =
            serde_json::from_str::<serde_json::Value>(&Jwk::new(parameters.clone()).to_json()).unwrap();
        let mut members = members.as_object().unwrap().clone();
        members.insert("alg".to_owned(), name.into());
        let json = serde_json::to_vec(&members).unwrap();
        match PublicKey::from_bytes(&json).unwrap().verify(b"message", &signature) {
            Ok(()) => assert!(verifies, "{name}"),
            Err(KeyError::OtherAlgorithm { expected, found: Algorithm::RS256 }) => {
                assert!(!verifies && expected == name, "{name}");
            }
            Err(error) => panic!("{name}: {error:?}"),
        }
    }
}

#[test]
fn rfc7517_4_2_and_4_3_a_jwk_that_is_not_for_verifying_is_no_public_key() {
    for more in [r#""use":"enc""#, r#""key_ops":["encrypt"]"#, r#""key_ops":["sign"]"#] {
        let json = key("p256.pkcs8.pem").public_jwk().to_json().replace(r#""use":"sig""#, more);
        let error = PublicKey::from_bytes(json.as_bytes()).map(|_| ()).unwrap_err();
        assert!(matches!(error, KeyError::NotForSignatures), "{more}: {error:?}");
    }
}

/// The public half of an id-RSASSA-PSS key says so too, in its `AlgorithmIdentifier`.
#[test]
fn rfc4055_1_2_a_restricted_pss_key_verifies_its_own_signatures_only() {
    use crate::support::tlv;
    let pss_oid = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
    let sha256 = tlv(0x30, &[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0]);
    let mgf1 = tlv(0x30, &[&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8][..], &sha256].concat());
    let parameters = tlv(0x30, &[tlv(0xa0, &sha256), tlv(0xa1, &mgf1), tlv(0xa2, &[2, 1, 32])].concat());
    let rsa = key("rsa2048.pkcs8.pem");
    let KeyParameters::Rsa { n, e } = rsa.public_jwk().parameters() else {
        panic!("not RSA");
    };
    let key = tlv(0x30, &[tlv(2, &[&[0][..], n].concat()), tlv(2, e)].concat());
    for (parameters, allowed) in [(vec![], None), (parameters, Some(Algorithm::PS256))] {
        let identifier = tlv(0x30, &[&pss_oid[..], &parameters].concat());
        let spki = tlv(0x30, &[identifier, tlv(3, &[&[0][..], &key].concat())].concat());
        let pem =
            format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", support::base64(&spki));
        for public in [PublicKey::from_bytes(&spki).unwrap(), PublicKey::from_bytes(pem.as_bytes()).unwrap()]
        {
            for algorithm in
                Algorithm::ALL.into_iter().filter(|algorithm| algorithm.key_type() == KeyType::Rsa)
            {
                let signature = rsa.clone().with_algorithm(algorithm).unwrap().sign(b"message").unwrap();
                match public.verify(b"message", &signature) {
                    Ok(()) => assert!(algorithm.is_pss() && allowed.is_none_or(|only| only == algorithm)),
                    Err(KeyError::PssOnly { algorithm: found, allowed: only }) => {
                        assert_eq!((found, only), (algorithm, allowed));
                        assert!(!algorithm.is_pss() || allowed.is_some_and(|only| only != algorithm));
                    }
                    Err(error) => panic!("{algorithm}: {error:?}"),
                }
            }
            assert_eq!(public.jwk().algorithm(), allowed.map(Algorithm::as_str));
        }
    }
    // The private half keeps the restriction.
    let restricted = support::key("rsa2048-pss.pkcs8.pem").public_key().unwrap();
    let forged = rsa.sign(b"message").unwrap();
    assert!(matches!(restricted.verify(b"message", &forged), Err(KeyError::PssOnly { .. })));
}

/// The key alone, bound to no algorithm.
fn free(jwk: &Jwk) -> PublicKey {
    PublicKey::from_jwk(&Jwk::new(jwk.parameters().clone())).unwrap()
}

/// One key for each algorithm, of every type.
fn one_key_each() -> Vec<PrivateKey> {
    Algorithm::ALL.into_iter().map(sample).collect()
}

#[test]
fn every_algorithm_signs_and_verifies() {
    for key in one_key_each() {
        let public = PublicKey::from_jwk(key.public_jwk()).unwrap();
        for message in [&b""[..], b"a", &[0xff; 100_000]] {
            public.verify(message, &key.sign(message).unwrap()).unwrap_or_else(|error| {
                panic!("{}, {} bytes: {error}", key.algorithm(), message.len());
            });
        }
    }
}

#[test]
fn a_signature_of_another_algorithm_is_refused() {
    let keys = one_key_each();
    for key in &keys {
        let signature = key.sign(b"message").unwrap();
        let (bound, free) = (key.public_key().unwrap(), free(key.public_jwk()));
        for claimed in Algorithm::ALL.into_iter().filter(|claimed| *claimed != key.algorithm()) {
            // EdDSA and Ed25519 are two names of one algorithm (RFC 9864 §2.2).
            let names = [Algorithm::EdDSA, Algorithm::Ed25519];
            if names.contains(&claimed) && names.contains(&key.algorithm()) {
                continue;
            }
            let Ok(relabelled) = Signature::from_raw(claimed, signature.as_bytes().to_vec()) else {
                continue;
            };
            match bound.verify(b"message", &relabelled) {
                Err(KeyError::OtherAlgorithm { expected, found }) => {
                    assert_eq!((expected.as_str(), found), (key.algorithm().as_str(), claimed));
                    assert_eq!(claimed.key_type(), key.key_type());
                    assert!(matches!(free.verify(b"message", &relabelled), Err(KeyError::BadSignature)));
                }
                Err(KeyError::Jose(JoseError::AlgorithmMismatch { algorithm, key_type })) => {
                    assert_eq!((algorithm, key_type), (claimed, key.key_type()));
                    assert_ne!(claimed.key_type(), key.key_type());
                }
                other => panic!("{} as {claimed}: {other:?}", key.algorithm()),
            }
        }
    }
}

#[test]
fn a_signature_of_another_key_is_refused() {
    for key in one_key_each() {
        let signature = key.sign(b"message").unwrap();
        let other = support::other(key.key_type());
        assert_ne!(other.thumbprint(), key.thumbprint());
        let other = free(other.public_jwk());
        assert!(
            matches!(other.verify(b"message", &signature), Err(KeyError::BadSignature)),
            "{}",
            key.algorithm()
        );
    }
}

#[test]
fn one_flipped_bit_of_message_or_signature_is_refused() {
    for key in one_key_each() {
        let message = b"message".to_vec();
        let signature = key.sign(&message).unwrap();
        let public = key.public_key().unwrap();
        let refused = |message: &[u8], bytes: Vec<u8>| {
            let signature = Signature::from_raw(key.algorithm(), bytes).unwrap();
            matches!(public.verify(message, &signature), Err(KeyError::BadSignature))
        };
        for bit in 0..message.len() * 8 {
            let mut message = message.clone();
            message[bit / 8] ^= 1 << (bit % 8);
            assert!(refused(&message, signature.as_bytes().to_vec()), "{} bit {bit}", key.algorithm());
        }
        // Every byte, one bit in it: all bits of an RSA signature would take long and show no more.
        for byte in 0..signature.as_bytes().len() {
            let mut bytes = signature.as_bytes().to_vec();
            bytes[byte] ^= 1 << (byte % 8);
            assert!(refused(&message, bytes), "{} byte {byte}", key.algorithm());
        }
    }
}

#[test]
fn rs_and_eddsa_signatures_are_the_same_each_time() {
    for key in one_key_each() {
        let (first, second) = (key.sign(b"message").unwrap(), key.sign(b"message").unwrap());
        match key.algorithm() {
            algorithm if algorithm.is_pss() => assert_ne!(first, second, "{algorithm} has a random salt"),
            // The backend may sign deterministically or not.
            Algorithm::ES256 | Algorithm::ES384 | Algorithm::ES512 => {}
            algorithm => assert_eq!(first, second, "{algorithm}"),
        }
    }
}

#[test]
fn clones_are_the_same_key() {
    let key = key("ed25519.pkcs8.pem");
    assert_eq!(key.clone().sign(b"message").unwrap(), key.sign(b"message").unwrap());
}

#[test]
fn the_length_of_a_public_key_is_known() {
    for (file, bits) in [
        ("rsa2048.pub.pem", 2048),
        ("p256.pub.pem", 256),
        ("p384.pub.pem", 384),
        ("p521.pub.pem", 521),
        ("ed25519.pub.pem", 255),
    ] {
        assert_eq!(public(file).unwrap().bits(), bits, "{file}");
    }
    assert_eq!(key("rsa3072.pkcs8.pem").public_key().unwrap().bits(), 3072);
}

#[test]
fn a_generated_key_of_each_algorithm_signs_with_it_and_reloads() {
    for algorithm in Algorithm::ALL {
        let generated = PrivateKey::generate_rsa_bits(algorithm, 2048).unwrap();
        let key = generated.private_key().unwrap();
        assert_eq!(key.algorithm(), algorithm);
        key.public_key().unwrap().verify(b"message", &key.sign(b"message").unwrap()).unwrap();

        let pem = generated.to_pem().unwrap();
        assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"), "{algorithm}");
        assert_eq!(PrivateKey::from_bytes(pem.as_bytes()).unwrap().thumbprint(), key.thumbprint());

        let encrypted = generated.to_encrypted_pem(PASSPHRASE).unwrap();
        assert!(encrypted.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"), "{algorithm}");
        assert!(matches!(PrivateKey::from_bytes(encrypted.as_bytes()), Err(KeyError::PassphraseRequired)));
        let reloaded = PrivateKey::from_encrypted_bytes(encrypted.as_bytes(), PASSPHRASE).unwrap();
        assert_eq!(reloaded.thumbprint(), key.thumbprint());
        assert!(matches!(
            PrivateKey::from_encrypted_bytes(encrypted.as_bytes(), "wrong"),
            Err(KeyError::WrongPassphrase)
        ));
    }
}

/// RFC 7914 §7.1: N = 2¹⁴, r = 8, p = 1 as DER integers. More memory than that and OpenSSL refuses
/// to read the key.
#[test]
fn a_generated_key_is_encrypted_with_costs_that_openssl_takes() {
    let generated = PrivateKey::generate(Algorithm::ES256).unwrap();
    let der = support::pem_to_der(&generated.to_encrypted_pem(PASSPHRASE).unwrap());
    let costs = [2, 2, 0x40, 0, 2, 1, 8, 2, 1, 1];
    assert_eq!(der.windows(costs.len()).filter(|window| *window == costs).count(), 1);
    // Every file has its own salt.
    let again = support::pem_to_der(&generated.to_encrypted_pem(PASSPHRASE).unwrap());
    assert_ne!(der, again);
}

#[test]
fn generated_keys_differ_and_have_the_length_asked_for() {
    let key = || PrivateKey::generate(Algorithm::Ed25519).unwrap().private_key().unwrap().thumbprint();
    assert_ne!(key(), key());
    let rsa = PrivateKey::generate_rsa_bits(Algorithm::PS512, 3072).unwrap().private_key().unwrap();
    assert_eq!(rsa.public_key().unwrap().bits(), 3072);
    for wrong in [0, 512, 1024, 2047, 2056, 6144, 8193, 16384] {
        for algorithm in [Algorithm::RS256, Algorithm::PS256] {
            let error = PrivateKey::generate_rsa_bits(algorithm, wrong).unwrap_err();
            assert!(matches!(error, KeyError::NewRsaSize { bits } if bits == wrong));
            assert_eq!(
                error.to_string(),
                format!("cannot generate an RSA key of {wrong} bits: choose 2048, 3072, 4096 or 8192")
            );
        }
    }
}

/// Loading tests no primality, but a signature that does not verify is never returned.
#[test]
fn a_key_of_composite_primes_signs_nothing() {
    let key = key("rsa2048.composite-prime.jwk.json");
    for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| algorithm.key_type() == KeyType::Rsa) {
        let error = key.clone().with_algorithm(algorithm).unwrap().sign(b"message").unwrap_err();
        assert!(matches!(error, KeyError::Signing), "{algorithm}: {error:?}");
    }
}

/// RFC 7518 §6.3.2 and, as Java writes it, RFC 8017 A.1.2 with zeros.
#[test]
fn rfc7518_6_3_2_an_rsa_key_may_be_n_e_and_d_alone() {
    use crate::support::tlv;
    let member = |name: &str| {
        let jwk: serde_json::Value = serde_json::from_slice(&read("rsa2048.jwk.json")).unwrap();
        support::from_base64url(jwk[name].as_str().unwrap())
    };
    let integer = |digits: &[u8]| match digits[0] {
        0x80.. => tlv(2, &[&[0], digits].concat()),
        _ => tlv(2, digits),
    };
    let none = tlv(2, &[0]);
    let numbers = [none.clone(), integer(&member("n")), tlv(2, &member("e")), integer(&member("d"))].concat();
    let pkcs1 = tlv(0x30, &[numbers, none.repeat(5)].concat());
    for loaded in [private("rsa2048.no-crt.jwk.json", None), PrivateKey::from_bytes(&pkcs1)] {
        match loaded {
            Ok(found) if cfg!(feature = "rustcrypto") => {
                assert_eq!(found.thumbprint(), key("rsa2048.pkcs8.pem").thumbprint());
                let signature = found.sign(b"message").unwrap();
                assert_eq!(signature, key("rsa2048.pkcs8.pem").sign(b"message").unwrap());
            }
            Err(error @ KeyError::RsaPrimesUnknown { .. }) if !cfg!(feature = "rustcrypto") => {
                assert!(error.to_string().contains("feature `rustcrypto`"), "{error}");
            }
            other => panic!("{other:?}"),
        }
    }
}

/// OpenSSL 1.0.2 and older, Botan, CryptX and GnuTLS write a scalar as a number, without its
/// leading zeros or with additional ones.
#[test]
fn rfc5915_3_and_rfc7518_6_2_2_1_scalars_without_their_zeros_or_with_more() {
    use crate::support::tlv;
    const CURVES: [(&str, &[u8], usize); 3] = [
        ("P-256", &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], 32),
        ("P-384", &[6, 5, 0x2b, 0x81, 4, 0, 0x22], 48),
        ("P-521", &[6, 5, 0x2b, 0x81, 4, 0, 0x23], 66),
    ];
    let ec = [6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    for (name, curve, len) in CURVES {
        let sec1 = |scalar: &[u8]| {
            let parts = [vec![2, 1, 1], tlv(4, scalar), tlv(0xa0, curve)];
            PrivateKey::from_bytes(&tlv(0x30, &parts.concat()))
        };
        let pkcs8 = |scalar: &[u8]| {
            let inner = tlv(0x30, &[vec![2, 1, 1], tlv(4, scalar)].concat());
            let parts = [vec![2, 1, 0], tlv(0x30, &[&ec, curve].concat()), tlv(4, &inner)];
            PrivateKey::from_bytes(&tlv(0x30, &parts.concat()))
        };
        for zeros in [0, 1, 2, len - 1] {
            let mut scalar = vec![0; zeros];
            scalar.resize(len, 7);
            if name == "P-521" && zeros == 0 {
                scalar[0] = 1;
            }
            let whole = sec1(&scalar).unwrap();
            let KeyParameters::Ec { x, y, .. } = whole.public_jwk().parameters() else { panic!("an EC key") };
            let jwk = |d: &[u8], x: &[u8], y: &[u8]| {
                let [d, x, y] = [d, x, y].map(support::base64url);
                let jwk = format!(r#"{{"kty":"EC","crv":"{name}","x":"{x}","y":"{y}","d":"{d}"}}"#);
                PrivateKey::from_bytes(jwk.as_bytes())
            };
            let more = [&[0, 0], &scalar[..]].concat();
            for form in [&scalar[zeros..], &scalar[zeros / 2..], &scalar, &more] {
                for loaded in [sec1(form), pkcs8(form), jwk(form, x, y)] {
                    assert_eq!(
                        loaded.unwrap().thumbprint(),
                        whole.thumbprint(),
                        "{name} {zeros} {form:02x?}"
                    );
                }
            }
            // A point with an additional zero, and the published form of such a key.
            let padded = |number: &[u8]| [&[0], number].concat();
            let loaded = jwk(&scalar, &padded(x), &padded(y)).unwrap();
            assert_eq!(loaded.public_jwk(), whole.public_jwk());
        }
        // A number that is too long, and an empty one.
        let long = vec![1; len + 1];
        for scalar in [&long[..], &[]] {
            for loaded in [sec1(scalar), pkcs8(scalar)] {
                assert!(matches!(loaded, Err(KeyError::Der { structure: "ECPrivateKey (RFC 5915 §3)" })));
            }
        }
    }
}

/// RFC 5480 §2.2. A JWK has no compressed points, and a public JWK keeps the length of its
/// coordinates.
#[test]
fn rfc5480_2_2_a_public_key_may_have_a_compressed_point() {
    for stem in ["p256", "p384", "p521"] {
        let compressed = public(&format!("{stem}.compressed.pub.pem")).unwrap();
        assert_eq!(
            compressed.jwk().parameters(),
            public(&format!("{stem}.pub.pem")).unwrap().jwk().parameters()
        );
        let private = key(&format!("{stem}.pkcs8.pem"));
        compressed.verify(b"message", &private.sign(b"message").unwrap()).unwrap();
        let file = [read(&format!("{stem}.compressed.pub.pem")), read(&format!("{stem}.sec1.pem"))].concat();
        assert_eq!(PrivateKey::from_bytes(&file).unwrap().thumbprint(), private.thumbprint());
    }
    let mut damaged = support::pem("p256.compressed.pub.pem");
    let sign = damaged.len() - 33;
    damaged[sign] = 5;
    let error = PublicKey::from_bytes(&damaged).unwrap_err();
    assert!(matches!(error, KeyError::Der { structure: "EC point (SEC 1 §2.3.3)" }), "{error:?}");
}

#[test]
fn rfc5280_4_1_2_7_a_public_key_is_written_as_openssl_writes_it() {
    for stem in ["rsa2048", "rsa2048-pss", "p256", "p384", "p521", "ed25519"] {
        let pem = String::from_utf8(read(&format!("{stem}.pub.pem"))).unwrap();
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let written = PublicKey::from_bytes(pem.as_bytes()).unwrap().to_der().unwrap();
        assert_eq!(<base64ct::Base64 as base64ct::Encoding>::encode_string(&written), body);
    }
    // Restrictions stay (RFC 4055 §1.2).
    use Algorithm::{PS256, PS384, PS512};
    for (stem, algorithms) in [("rsa2048-pss", &[PS256, PS384, PS512][..]), ("rsa2048-pss-sha256", &[PS256])]
    {
        let der = key(&format!("{stem}.pkcs8.pem")).public_key().unwrap().to_der().unwrap();
        let again = PublicKey::from_bytes(&der).unwrap();
        assert_eq!(again.algorithms().collect::<Vec<_>>(), algorithms, "{stem}");
        assert_eq!(again.to_der().unwrap(), der);
    }
}
