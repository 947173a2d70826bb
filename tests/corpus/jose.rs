//! JWKs, JWK Sets and signatures of RFC 7515, 7517, 7520 and of other libraries.

use private_key_jwt::jose::CompactJws;
use private_key_jwt::keys::KeyError;
use private_key_jwt::{Algorithm, Jwk, JwkSet, PrivateKey, PublicKey, Signature};
use serde_json::Value;

use super::{files, hex, json, read, text};

/// A JWK, or the name of the file that contains it: links were stored as texts.
fn jwk(file: &str) -> Vec<u8> {
    let bytes = read(file);
    match std::str::from_utf8(&bytes) {
        Ok(name) if name.trim().ends_with(".jwk") => {
            read(&format!("{}/{}", file.rsplit_once('/').unwrap().0, name.trim()))
        }
        _ => bytes,
    }
}

/// How a JWK is read: as a private key, as a public key, or with the reason why as neither.
fn outcome(bytes: &[u8]) -> String {
    match PrivateKey::from_bytes(bytes) {
        Ok(key) => {
            key.public_key().unwrap().verify(b"message", &key.sign(b"message").unwrap()).unwrap();
            assert!(PublicKey::from_bytes(bytes).is_err(), "a private JWK is no public one");
            format!("private {}", key.algorithm())
        }
        Err(KeyError::NotPrivate { found }) if found == "a public JWK" => {
            let public = PublicKey::from_bytes(bytes).unwrap();
            assert_eq!(Jwk::from_json(bytes).unwrap().thumbprint(), public.jwk().thumbprint());
            format!("public {} {}", public.key_type(), public.bits())
        }
        Err(error) => {
            assert!(PublicKey::from_bytes(bytes).is_err());
            error.to_string()
        }
    }
}

/// Outcomes, and the files that have them.
const JWKS: &[(&str, &[&str])] = &[
    (
        "private ES256",
        &[
            "joserfc-fixtures/tests/keys/ec-p256-alice.json",
            "joserfc-fixtures/tests/keys/ec-p256-bob.json",
            "latchset-jose/tests/vectors/rfc7515_A.3.jwk",
            "latchset-jose/tests/vectors/rfc7515_A.6.2.jwk",
            "latchset-jose/tests/vectors/rfc7515_A.7.jwk",
            "pyjwt-keys/tests/keys/jwk_ec_key_P-256.json",
        ],
    ),
    ("private ES384", &["pyjwt-keys/tests/keys/jwk_ec_key_P-384.json"]),
    (
        "private ES512",
        &[
            "jose-cookbook/jwk/3_2.ec_private_key.json",
            "joserfc-fixtures/tests/keys/RFC7520-EC-private.json",
            "latchset-jose/tests/vectors/rfc7515_A.4.jwk",
            "latchset-jose/tests/vectors/rfc7520_3.2.jwk",
            "latchset-jose/tests/vectors/rfc7520_4.3.jwk",
            "latchset-jose/tests/vectors/rfc7520_4.8.2.jwk",
            "pyjwt-keys/tests/keys/jwk_ec_key_P-521.json",
        ],
    ),
    (
        "private EdDSA",
        &[
            "joserfc-fixtures/tests/keys/okp-ed25519-private.json",
            "pyjwt-keys/tests/keys/jwk_okp_key_Ed25519.json",
        ],
    ),
    (
        "private RS256",
        &[
            "jose-cookbook/jwk/3_4.rsa_private_key.json",
            "joserfc-fixtures/tests/keys/RFC7516-A.1.3.json",
            "joserfc-fixtures/tests/keys/RFC7516-A.2.3.json",
            "joserfc-fixtures/tests/keys/RFC7520-RSA-private.json",
            "latchset-jose/tests/vectors/rfc7515_A.2.jwk",
            "latchset-jose/tests/vectors/rfc7515_A.6.1.jwk",
            "latchset-jose/tests/vectors/rfc7520_3.4.jwk",
            "latchset-jose/tests/vectors/rfc7520_4.1.jwk",
            "latchset-jose/tests/vectors/rfc7520_4.2.jwk",
            "latchset-jose/tests/vectors/rfc7520_4.8.1.jwk",
            "pyjwt-keys/tests/keys/jwk_rsa_key.json",
        ],
    ),
    ("public EC P-256 256", &["pyjwt-keys/tests/keys/jwk_ec_pub_P-256.json"]),
    ("public EC P-384 384", &["pyjwt-keys/tests/keys/jwk_ec_pub_P-384.json"]),
    (
        "public EC P-521 521",
        &[
            "jose-cookbook/jwk/3_1.ec_public_key.json",
            "joserfc-fixtures/tests/keys/RFC7520-EC-public.json",
            "latchset-jose/tests/vectors/rfc7520_3.1.jwk",
            "pyjwt-keys/tests/keys/jwk_ec_pub_P-521.json",
        ],
    ),
    (
        "public Ed25519 255",
        &[
            "joserfc-fixtures/tests/keys/okp-ed25519-public.json",
            "pyjwt-keys/tests/keys/jwk_okp_pub_Ed25519.json",
        ],
    ),
    (
        "public RSA 2048",
        &[
            "jose-cookbook/jwk/3_3.rsa_public_key.json",
            "joserfc-fixtures/tests/keys/RFC7520-RSA-public.json",
            "latchset-jose/tests/vectors/rfc7517_B.jwk",
            "latchset-jose/tests/vectors/rfc7520_3.3.jwk",
            "latchset-jose/tests/vectors/rfc7638_3.1.jwk",
            "pyjwt-keys/tests/keys/jwk_rsa_pub.json",
        ],
    ),
    (
        "the JWK is not for signatures (`use`, `key_ops`)",
        &[
            "joserfc-fixtures/tests/keys/RFC7520-EC-108.json",
            "joserfc-fixtures/tests/keys/RFC7520-EC-120.json",
            "joserfc-fixtures/tests/keys/RFC7520-RSA-73.json",
            "joserfc-fixtures/tests/keys/RFC7520-RSA-84.json",
        ],
    ),
    ("the key file is empty", &["pyjwt-keys/tests/keys/jwk_empty.json"]),
    (
        "unsupported key type: EC secp256k1",
        &[
            "pyjwt-keys/tests/keys/jwk_ec_key_secp256k1.json",
            "pyjwt-keys/tests/keys/jwk_ec_pub_secp256k1.json",
        ],
    ),
    (
        "unsupported key type: OKP Ed448",
        &["pyjwt-keys/tests/keys/jwk_okp_key_Ed448.json", "pyjwt-keys/tests/keys/jwk_okp_pub_Ed448.json"],
    ),
    (
        "unsupported key type: OKP X25519",
        &[
            "joserfc-fixtures/tests/keys/okp-x25519-alice.json",
            "joserfc-fixtures/tests/keys/okp-x25519-bob.json",
            "joserfc-fixtures/tests/keys/okp-x25519-charlie.json",
        ],
    ),
    (
        "unsupported key type: oct",
        &[
            "jose-cookbook/jwk/3_5.symmetric_key_mac_computation.json",
            "jose-cookbook/jwk/3_6.symmetric_key_encryption.json",
            "joserfc-fixtures/tests/keys/RFC7520-oct-130.json",
            "joserfc-fixtures/tests/keys/RFC7520-oct-enc.json",
            "joserfc-fixtures/tests/keys/RFC7520-oct-sig.json",
            "latchset-jose/tests/vectors/rfc7515_A.1.jwk",
            "latchset-jose/tests/vectors/rfc7520_3.5.jwk",
            "latchset-jose/tests/vectors/rfc7520_3.6.jwk",
            "latchset-jose/tests/vectors/rfc7520_4.4.jwk",
            "latchset-jose/tests/vectors/rfc7520_4.5.jwk",
            "latchset-jose/tests/vectors/rfc7520_4.6.jwk",
            "latchset-jose/tests/vectors/rfc7520_4.7.jwk",
            "latchset-jose/tests/vectors/rfc7520_4.8.3.jwk",
            "pyjwt-keys/tests/keys/jwk_hmac.json",
        ],
    ),
];

#[test]
fn every_jwk_is_a_key_or_says_why_not() {
    let mut found: Vec<(String, String)> = Vec::new();
    for folder in [
        "jose-cookbook/jwk",
        "joserfc-fixtures/tests/keys",
        "latchset-jose/tests/vectors",
        "pyjwt-keys/tests/keys",
    ] {
        let files = files(folder)
            .into_iter()
            .filter(|file| (file.ends_with(".json") || file.ends_with(".jwk")) && !file.contains("keyset"));
        found.extend(files.map(|file| (outcome(&jwk(&file)), file)));
    }
    let mut expected: Vec<(String, String)> = JWKS
        .iter()
        .flat_map(|(outcome, files)| files.iter().map(|file| (outcome.to_string(), file.to_string())))
        .collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

/// Sets: how many keys are read, why others are not, and the result of loading a private key from
/// them.
#[test]
fn every_jwk_set_is_read_and_says_what_it_left_out() {
    let mut found = Vec::new();
    for folder in ["latchset-jose/tests/vectors", "pyjwt-keys/tests/keys"] {
        for file in
            files(folder).into_iter().filter(|file| file.contains(".jwkset") || file.contains("keyset"))
        {
            let bytes = read(&file);
            let set = JwkSet::from_json(&bytes).unwrap();
            let skipped: Vec<String> =
                set.skipped().iter().map(|skipped| skipped.reason.to_string()).collect();
            let name = file.rsplit('/').next().unwrap().to_owned();
            let private = match PrivateKey::from_bytes(&bytes) {
                Ok(key) => format!("private {}", key.algorithm()),
                Err(error) => error.to_string(),
            };
            found.push((name, set.keys().len(), skipped.join(", "), private));
        }
    }
    let expected = [
        (
            "rfc7515_A.6.jwkset",
            0,
            "a public JWK has the private member `d`, a public JWK has the private member `d`",
            "expected one private key, found 2: (1) thumbprint IsUn6_e04MaShXFIISMp4kG62LWzMIPy_MvSA5pJgX8; \
             (2) thumbprint oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U; select one by alias, kid or thumbprint",
        ),
        ("rfc7517_A.1.jwkset", 2, "", "expected a private key, found a public JWK"),
        (
            "rfc7517_A.2.jwkset",
            0,
            "a public JWK has the private member `d`, a public JWK has the private member `d`",
            "private RS256",
        ),
        (
            "rfc7517_A.3.jwkset",
            0,
            "a public JWK has the private member `k`, a public JWK has the private member `k`",
            "unsupported key type: oct",
        ),
        (
            "rfc7520_4.8.jwkset",
            0,
            "a public JWK has the private member `d`, a public JWK has the private member `d`, a public JWK has the private member `k`",
            "expected one private key, found 2: (1) kid `bilbo.baggins@hobbiton.example`, thumbprint \
             9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI; (2) kid `bilbo.baggins@hobbiton.example`, thumbprint \
             dHri3SADZkrush5HU_50AoRhcKFryN-PI6jPBtPL55M; select one by alias, kid or thumbprint",
        ),
        ("jwk_keyset_only_unknown_alg.json", 1, "", "expected a private key, found a public JWK"),
        ("jwk_keyset_with_unknown_alg.json", 2, "", "expected a private key, found a public JWK"),
    ];
    let expected = expected.map(|(file, keys, skipped, private)| {
        (file.to_owned(), keys, skipped.to_owned(), private.to_owned())
    });
    assert_eq!(found, expected);
}

/// Verifies a compact JWS, and signs it again if the signature is deterministic.
fn verify(token: &str, key: &[u8]) -> String {
    let jws = match CompactJws::parse(token) {
        Ok(jws) => jws,
        Err(error) => return error.to_string(),
    };
    let algorithm = jws.header().algorithm;
    let private = PrivateKey::from_bytes(key).map(|key| key.with_algorithm(algorithm).unwrap());
    let public = match &private {
        Ok(private) => private.public_key().unwrap(),
        Err(_) => PublicKey::from_bytes(key).unwrap(),
    };
    let input = jws.signing_input().as_bytes();
    public.verify(input, jws.signature()).unwrap_or_else(|error| panic!("{token}: {error}"));
    let changed = [input, b"x"].concat();
    assert!(matches!(public.verify(&changed, jws.signature()), Err(KeyError::BadSignature)));
    if let Ok(private) = private {
        let again = private.sign(input).unwrap();
        let deterministic = algorithm.as_str().starts_with("RS") || algorithm.as_str().starts_with("Ed");
        assert_eq!(again == *jws.signature(), deterministic, "{algorithm}");
    }
    format!("verifies with {algorithm}")
}

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

#[test]
fn every_jws_verifies_or_says_why_not() {
    let mut found = Vec::new();
    // RFC 7515 and 7520, as files: compact, flattened and general.
    for file in files("latchset-jose/tests/vectors").into_iter().filter(|file| file.contains(".jws")) {
        let stem = file.rsplit_once('.').unwrap().0;
        let key = format!("{stem}.jwk");
        let key = if super::corpus().join(&key).is_file() { jwk(&key) } else { Vec::new() };
        found.push(verify(text(&file).trim(), &key));
    }
    // RFC 7520 and 8037, as JSON.
    for folder in ["jose-cookbook/jws", "jose-cookbook/curve25519", "jose-cookbook/rfc7797"] {
        for file in files(folder) {
            let example = json(&file);
            match member(&example["output"], "compact") {
                Some(compact) => found.push(verify(compact, example["input"]["key"].to_string().as_bytes())),
                None => found.push("no compact form".to_owned()),
            }
        }
    }
    // joserfc's.
    for file in ["jws_examples", "jws_rfc7520", "jwt_use_jws"] {
        let examples = json(&format!("joserfc-fixtures/tests/fixtures/{file}.json"));
        for example in examples["tests"].as_array().unwrap() {
            let Some(token) = member(example, "compact").or(member(example, "token")) else {
                found.push("no compact form".to_owned());
                continue;
            };
            let key =
                |name| member(example, name).map(|key| read(&format!("joserfc-fixtures/tests/keys/{key}")));
            for key in [key("private_key"), key("public_key")] {
                found.push(verify(token, &key.unwrap_or_default()));
            }
        }
    }
    found.sort();
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for outcome in &found {
        match counted.last_mut() {
            Some((last, count)) if last == outcome => *count += 1,
            _ => counted.push((outcome, 1)),
        }
    }
    assert_eq!(
        counted,
        [
            ("a compact JWS has three parts, found 1", 16),
            ("a compact JWS has three parts, found 5", 1),
            ("no compact form", 13),
            ("the header requires an extension (`crit`) that is not supported", 1),
            ("unsupported algorithm `HS256`", 11),
            ("unsupported algorithm `HS384`", 4),
            ("unsupported algorithm `HS512`", 4),
            ("unsupported algorithm `none`", 1),
            ("verifies with ES256", 1),
            ("verifies with ES512", 5),
            ("verifies with EdDSA", 1),
            ("verifies with PS384", 4),
            ("verifies with RS256", 9),
            ("verifies with RS384", 4),
            ("verifies with RS512", 4),
        ]
    );
}

/// Wycheproof's vectors for signing: RSASSA-PKCS1-v1_5 has one signature for each message.
#[test]
fn rsa_signatures_are_those_of_wycheproof() {
    let (mut made, mut refused) = (0, Vec::new());
    for size in ["2048", "4096"] {
        let groups = json(&format!("wycheproof/testvectors_v1/rsa_pkcs1_{size}_sig_gen_test.json"));
        for group in groups["testGroups"].as_array().unwrap() {
            let algorithm = match member(group, "sha").unwrap() {
                "SHA-256" => Algorithm::RS256,
                "SHA-384" => Algorithm::RS384,
                "SHA-512" => Algorithm::RS512,
                // RFC 7518 has no algorithm for these.
                other => {
                    assert!(["SHA-1", "SHA-224"].contains(&other), "{other}");
                    continue;
                }
            };
            let pkcs8 = PrivateKey::from_bytes(&hex(member(group, "privateKeyPkcs8").unwrap()));
            let pem = PrivateKey::from_bytes(member(group, "privateKeyPem").unwrap().as_bytes());
            let key = match (pkcs8, pem) {
                (Ok(key), Ok(same)) => {
                    assert_eq!(key.thumbprint(), same.thumbprint());
                    key.with_algorithm(algorithm).unwrap()
                }
                (Err(error), Err(same)) => {
                    assert_eq!(error.to_string(), same.to_string());
                    refused.push(error.to_string());
                    continue;
                }
                _ => panic!("{group}"),
            };
            for test in group["tests"].as_array().unwrap() {
                let message = hex(member(test, "msg").unwrap());
                let signature = key.sign(&message).unwrap();
                assert_eq!(signature.as_bytes(), hex(member(test, "sig").unwrap()), "{}", test["tcId"]);
                made += 1;
            }
        }
    }
    // Three of the keys have primes of 684 and 1364 bits.
    assert_eq!((made, refused), (51, Vec::<String>::new()));
}

/// NIST's RSASSA-PSS signatures, from ring. Their salts are as long as the hash (RFC 7518 §3.5).
#[test]
fn rsa_pss_signatures_of_nist_verify() {
    let mut verified = 0;
    for case in super::keys::paragraphs("ring/tests/rsa_pss_sign_tests.txt") {
        let (Some(key), Some(digest)) = (case.get("Key"), case.get("Digest")) else { continue };
        let algorithm = match digest.as_str() {
            "SHA256" => Algorithm::PS256,
            "SHA384" => Algorithm::PS384,
            other => panic!("{other}"),
        };
        let key = PrivateKey::from_bytes(&hex(key)).unwrap().with_algorithm(algorithm).unwrap();
        let signature = Signature::from_raw(algorithm, hex(&case["Sig"])).unwrap();
        key.public_key().unwrap().verify(&hex(&case["Msg"]), &signature).unwrap();
        verified += 1;
    }
    assert_eq!(verified, 20);
}
