//! Key files, compared with `KEY_ORACLE.csv`: how two other implementations read each.

use std::collections::{BTreeMap, BTreeSet};

use private_key_jwt::keys::{Certificate, KeyError};
use private_key_jwt::{Algorithm, Jwk, JwkSet, PrivateKey, PublicKey};

use super::{files, hex, read, text};

/// A line of the oracle.
struct Verdict {
    file: String,
    password: Option<String>,
    /// A key for RS*, PS* or ES* by the column for them, or for EdDSA by the kind of key that it
    /// names.
    usable: bool,
}

fn oracle() -> Vec<Verdict> {
    let table = text("KEY_ORACLE.csv");
    let mut lines = table.lines();
    assert_eq!(
        lines.next(),
        Some("file,container,pyca,pyca_password,pyca_key,openssl30,usable_for_RS/PS/ES")
    );
    lines
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let [file, _, _, password, key, _, usable] = fields.as_slice() else { panic!("{line}") };
            let name = file.rsplit('/').next().unwrap();
            let known = PASSWORDS.iter().find(|(start, _)| name.starts_with(start));
            Verdict {
                file: (*file).to_owned(),
                password: match known {
                    Some((_, known)) => Some((*known).to_owned()),
                    None => Some((*password).to_owned()).filter(|password| !password.is_empty()),
                },
                usable: *usable == "yes" || *key == "Ed25519PrivateKey",
            }
        })
        .collect()
}

/// Passwords that the oracle does not have, from the tests and the documentation of the projects,
/// by the beginning of a name.
const PASSWORDS: [(&str, &str); 9] = [
    ("cert-aes256cbc-no-key", "cryptography"),
    ("example15", "1234"),
    ("no-cert-name-2-pwd", "password"),
    ("no-cert-name-3-pwd", "password"),
    ("no-cert-name-all-pwd", "password"),
    ("no-cert-no-name-pwd", "password"),
    ("rsa-aes-192-cbc", "PolarSSLTest"),
    ("rsa_pkcs8_pbes2_pbkdf2", "PolarSSLTest"),
    ("rsa_sk_aes", "hunter2"),
];

/// The refused files: the beginning of the error, and the files. Some errors go on with how to
/// convert the file.
const REFUSED: &[(&str, &[&str])] = &[
    (
        "key derivation out of bounds: PBKDF2's iteration count is 0, allowed: 1 to 10000000",
        &["pyca/asymmetric/PKCS8/enc-rsa-pkcs8-pbkdf2-0iter.pem"],
    ),
    (
        "unsupported key type: 1.2.112.0.2.0.34.101.45.2.1",
        &["rustcrypto-formats/pkcs8/tests/examples/bign256-priv.der"],
    ),
    (
        "unsupported key type: 1.3.6.1.4.1.8301.3.1.2.9.0.33",
        &["pyca/asymmetric/PKCS8/withdompar_private.pkcs8.pem"],
    ),
    (
        "unsupported key type: DSA",
        &[
            "pyca/asymmetric/DER_Serialization/dsa.1024.der",
            "pyca/asymmetric/DER_Serialization/dsa.2048.der",
            "pyca/asymmetric/DER_Serialization/dsa.3072.der",
            "pyca/asymmetric/PEM_Serialization/dsa_4096.pem",
            "pyca/asymmetric/PEM_Serialization/dsa_private_key.pem",
            "pyca/asymmetric/Traditional_OpenSSL_Serialization/dsa.1024.pem",
            "pyca/asymmetric/Traditional_OpenSSL_Serialization/dsa.2048.pem",
            "rust-openssl-keys/openssl/test/dsa.pem",
        ],
    ),
    ("unsupported key type: EC P-192", &["pyjwt-keys/tests/keys/testkey_ec_secp192r1.priv"]),
    ("unsupported key type: EC secp128r1", &["pyca/asymmetric/EC/secp128r1_private_key.pem"]),
    ("unsupported key type: EC secp256k1", &["joserfc-fixtures/tests/keys/ec-secp256k1-private.pem"]),
    (
        "unsupported key type: Ed448",
        &["joserfc-fixtures/tests/keys/okp-ed448-private.pem", "pki-types/tests/keys/ed448.pkcs8.der"],
    ),
    (
        "unsupported key type: RSASSA-PSS with parameters that no PS* algorithm has",
        &[
            "pyca/asymmetric/PKCS8/rsa_pss_2048_hash.pem",
            "pyca/asymmetric/PKCS8/rsa_pss_2048_hash_mask_diff.pem",
        ],
    ),
    (
        "unsupported key type: X25519",
        &["pki-types/tests/data/ech.pem", "rustcrypto-formats/pkcs8/tests/examples/x25519-priv.pem"],
    ),
    (
        "expected a private key, found CERTIFICATE",
        &[
            "rustcrypto-formats/pkcs12/tests/examples/GoodCACert.der",
            "rustcrypto-formats/pkcs12/tests/examples/ValidCertificatePathTest1EE.crt",
        ],
    ),
    (
        "expected a private key, found PUBLIC KEY",
        &[
            "pyca/asymmetric/DER_Serialization/ec_public_key.der",
            "pyca/asymmetric/DER_Serialization/unenc-dsa-pkcs8.pub.der",
            "pyca/asymmetric/DER_Serialization/unenc-rsa-pkcs8.pub.der",
            "pyca/asymmetric/PKCS8/rsa_pss_2048_pub.der",
        ],
    ),
    (
        "expected a private key, found a PKCS#12 file without a private key",
        &[
            "pyca/pkcs12/cert-aes256cbc-no-key.p12",
            "pyca/pkcs12/no-cert-name-2-no-pwd.p12",
            "pyca/pkcs12/no-cert-name-2-pwd.p12",
            "pyca/pkcs12/no-cert-name-3-pwd.p12",
            "pyca/pkcs12/no-cert-name-all-no-pwd.p12",
            "pyca/pkcs12/no-cert-name-all-pwd.p12",
            "pyca/pkcs12/no-cert-name-unicode-no-pwd.p12",
            "pyca/pkcs12/no-cert-no-name-pwd.p12",
            "rustcrypto-formats/pkcs12/tests/examples/example15.pfx",
        ],
    ),
    (
        "a traditional encrypted PEM (DEK-Info) is not supported",
        &[
            "pyca/asymmetric/PEM_Serialization/ec_private_key_encrypted.pem",
            "pyca/asymmetric/PEM_Serialization/rsa_private_key.pem",
            "pyca/asymmetric/Traditional_OpenSSL_Serialization/key1-malformed-dek-info.pem",
            "pyca/asymmetric/Traditional_OpenSSL_Serialization/key1-no-dek-info.pem",
            "pyca/asymmetric/Traditional_OpenSSL_Serialization/key1-short-iv.pem",
            "pyca/asymmetric/Traditional_OpenSSL_Serialization/key1.pem",
            "pyca/asymmetric/Traditional_OpenSSL_Serialization/key2.pem",
            "rust-openssl-keys/openssl/test/rsa-encrypted.pem",
            "rustcrypto-formats/pem-rfc7468/tests/examples/chosen_header.pem",
        ],
    ),
    (
        "an EC key with explicit curve parameters is not supported",
        &[
            "pyca/asymmetric/EC/explicit_parameters_private_key.pem",
            "pyca/asymmetric/EC/explicit_parameters_wap_wsg_idm_ecid_wtls11_private_key.pem",
            "pyca/asymmetric/EC/secp256k1-explicit-no-seed.pem",
            "pyca/asymmetric/EC/secp384r1-explicit-no-seed.pem",
            "pyca/asymmetric/EC/secp521r1-explicit-no-seed.pem",
            "pyca/asymmetric/PKCS8/ec_oid_not_in_reg_private_2.pkcs8.pem",
            "pyca/asymmetric/PKCS8/nodompar_private.pkcs8.pem",
        ],
    ),
    (
        "an OpenSSH private key is not supported",
        &[
            "joserfc-fixtures/tests/keys/ssh-rsa-private.pem",
            "rustcrypto-formats/pem-rfc7468/tests/examples/ssh-id_ed25519.pem",
        ],
    ),
    (
        "the RSA key has 1024 bits, allowed: 2048 to 8192",
        &[
            "pki-types/tests/data/rsa1024.pkcs1.pem",
            "pyca/asymmetric/DER_Serialization/enc-rsa-pkcs8.der",
            "pyca/asymmetric/DER_Serialization/unenc-rsa-pkcs8.der",
            "pyca/asymmetric/PKCS8/enc2-rsa-pkcs8.pem",
            "pyca/asymmetric/PKCS8/pkcs12_s2k_pem-X_9607.pem",
            "pyca/asymmetric/PKCS8/pkcs12_s2k_pem-X_9925.pem",
            "pyca/asymmetric/PKCS8/pkcs12_s2k_pem-X_9928.pem",
            "pyca/asymmetric/PKCS8/pkcs12_s2k_pem-X_9929.pem",
            "pyca/asymmetric/PKCS8/pkcs12_s2k_pem-X_9930.pem",
            "pyca/asymmetric/PKCS8/pkcs12_s2k_pem-X_9931.pem",
            "pyca/asymmetric/PKCS8/pkcs12_s2k_pem-X_9932.pem",
            "pyca/asymmetric/PKCS8/rsa-40bitrc2.pem",
            "rustcrypto-formats/pkcs12/tests/examples/example.pfx",
            "rustcrypto-formats/pkcs12/tests/examples/example10.pfx",
            "rustcrypto-formats/pkcs12/tests/examples/example12.pfx",
            "rustcrypto-formats/pkcs12/tests/examples/example14.pfx",
            "rustcrypto-formats/pkcs12/tests/examples/example17.pfx",
            "rustcrypto-formats/pkcs12/tests/examples/example4.pfx",
            "rustcrypto-formats/pkcs12/tests/examples/example5.pfx",
            "rustcrypto-formats/pkcs12/tests/examples/example9.pfx",
            "rustcrypto-formats/pkcs12/tests/examples/key.der",
            "rustcrypto-formats/pkcs5/tests/examples/rsa_sk.pkcs1.pem",
            "rustcrypto-formats/pkcs5/tests/examples/rsa_sk_aes-128-cbc_hmacWithSHA1.pkcs8.der",
            "rustcrypto-formats/pkcs5/tests/examples/rsa_sk_aes-192-cbc_hmacWithSHA1.pkcs8.der",
            "rustcrypto-formats/pkcs5/tests/examples/rsa_sk_aes-192-cbc_hmacWithSHA224.pkcs8.der",
            "rustcrypto-formats/pkcs5/tests/examples/rsa_sk_aes-192-cbc_hmacWithSHA384.pkcs8.der",
            "rustcrypto-formats/pkcs5/tests/examples/rsa_sk_aes-192-cbc_hmacWithSHA512.pkcs8.der",
            "rustcrypto-formats/pkcs5/tests/examples/rsa_sk_aes-256-cbc_hmacWithSHA224.pkcs8.der",
        ],
    ),
    (
        "the RSA key has more than two primes",
        &["rustcrypto-formats/pkcs1/tests/examples/rsa2048-priv-3prime.der"],
    ),
    ("damaged ECPrivateKey (RFC 5915 §3)", &["pyca/asymmetric/EC/ec_private_key_non_zero_unused_bits.der"]),
    ("damaged ECPrivateKey: no curve is named", &["pyca/asymmetric/EC/ec-missing-curve.pem"]),
    (
        "damaged RSAPrivateKey (RFC 8017 A.1.2)",
        &["pyca/asymmetric/Traditional_OpenSSL_Serialization/rsa-wrong-version.pem"],
    ),
    (
        "keys encrypted with 0.24.97.792.97.792.97.792 are not supported",
        &["pyca/asymmetric/PKCS8/bad-encryption-oid.pem"],
    ),
    (
        "keys encrypted with 1.2.840.113549.3.7.23.321.3 are not supported",
        &["pyca/asymmetric/PKCS8/enc-unknown-algorithm.pem"],
    ),
    (
        "keys encrypted with AES-128-GCM are not supported",
        &["rustcrypto-formats/pkcs8/tests/examples/ed25519-encpriv-aes128-gcm-scrypt.der"],
    ),
    (
        "keys encrypted with AES-256-GCM are not supported",
        &["rustcrypto-formats/pkcs8/tests/examples/ed25519-encpriv-aes256-gcm-scrypt.der"],
    ),
    (
        "keys encrypted with DES-CBC are not supported",
        &["rustcrypto-formats/pkcs8/tests/examples/ed25519-encpriv-des-pbkdf2-sha256.der"],
    ),
    (
        "keys encrypted with PBKDF2 with 1.2.840.113549.2.9.213.321 are not supported",
        &["pyca/asymmetric/PKCS8/enc-unknown-pbkdf2-prf.pem"],
    ),
    (
        "keys encrypted with PKCS#12 PBE with 128-bit RC4 are not supported",
        &["pyca/asymmetric/PKCS8/enc-ec-sha1-128-rc4.pem"],
    ),
    ("keys encrypted with RC2-CBC are not supported", &["pyca/asymmetric/PKCS8/rsa-rc2-cbc.pem"]),
    ("not a key: neither PEM, DER nor a JWK", &["latchset-jose/COPYING"]),
    // A fourth key, of a curve without signatures, does not count.
    ("expected one private key, found 3", &["pki-types/tests/data/zen.pem"]),
    (
        "the parts of the RSA key do not match",
        // PKCS#8 under the label of PKCS#1, with one octet less.
        &["rust-openssl-keys/openssl/test/corrupted-rsa.pem"],
    ),
    ("the parts of the EC key do not match", &["pyca/asymmetric/PKCS8/ec-inconsistent-curve.pem"]),
];

/// Usable according to the oracle, in a format that the loader supports, and still refused.
const STRICTER: [(&str, &str); 2] = [
    // RFC 7518 §3.5: MGF1 uses the hash of the message; these keys are restricted to SHA-256 with
    // another hash.
    ("rsa_pss_2048_hash.pem", "RSASSA-PSS"),
    ("rsa_pss_2048_hash_mask_diff.pem", "RSASSA-PSS"),
];

/// Not usable according to the oracle, and still loaded.
const KINDER: [(&str, &str); 9] = [
    // RFC 5958 §2: PKCS#8 of version 2 with the public key, which neither implementation reads.
    ("ring/tests/ed25519_test_private_key.p8", "EdDSA"),
    ("rustcrypto-formats/pkcs8/tests/examples/ed25519-priv-pkcs8v2.der", "EdDSA"),
    ("rustcrypto-formats/pkcs8/tests/examples/ed25519-priv-pkcs8v2.pem", "EdDSA"),
    // The same with the tag of the public key that ring writes. Rust programs use such keys.
    ("pki-types/tests/keys/edd25519_v2.der", "EdDSA"),
    // RFC 5915 §3 requires a scalar's leading zeros; OpenSSL also accepts the number without them.
    ("pyca/asymmetric/EC/truncated-private-key.der", "ES256"),
    // No verdict, because the password is unknown.
    ("pyca/asymmetric/PKCS8/rsa-aes-192-cbc.pem", "RS256"),
    ("pyca/asymmetric/PKCS8/rsa_pkcs8_pbes2_pbkdf2_2048_3des_sha224.pem", "RS256"),
    ("pyca/asymmetric/PKCS8/rsa_pkcs8_pbes2_pbkdf2_2048_3des_sha384.pem", "RS256"),
    ("pyca/asymmetric/PKCS8/rsa_pkcs8_pbes2_pbkdf2_2048_3des_sha512.pem", "RS256"),
];

fn load(verdict: &Verdict) -> Result<PrivateKey, KeyError> {
    let bytes = read(&verdict.file);
    match &verdict.password {
        Some(password) => PrivateKey::from_encrypted_bytes(&bytes, password),
        None => PrivateKey::from_bytes(&bytes),
    }
}

/// Signs and verifies with every algorithm that fits. Returns their number.
fn sign_and_verify(key: &PrivateKey, file: &str) -> usize {
    let fitting =
        Algorithm::ALL.into_iter().filter_map(|algorithm| key.clone().with_algorithm(algorithm).ok());
    fitting
        .map(|key| {
            let signature = key.sign(b"message").unwrap_or_else(|error| panic!("{file}: {error}"));
            let public = PublicKey::from_jwk(key.public_jwk()).unwrap();
            public.verify(b"message", &signature).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert!(matches!(public.verify(b"massage", &signature), Err(KeyError::BadSignature)), "{file}");
        })
        .count()
}

#[test]
fn every_usable_key_signs_and_every_other_says_why_not() {
    let refused: BTreeMap<&str, &str> =
        REFUSED.iter().flat_map(|(says, files)| files.iter().map(move |file| (*file, *says))).collect();
    let (mut loaded, mut errors, mut signatures) = (0, 0, 0);
    let (mut stricter, mut kinder) = (BTreeSet::new(), BTreeSet::new());
    for verdict in oracle() {
        let file = verdict.file.as_str();
        match (load(&verdict), refused.get(file)) {
            (Ok(key), None) => {
                loaded += 1;
                signatures += sign_and_verify(&key, file);
                if !verdict.usable {
                    assert!(kinder.insert((file.to_owned(), key.algorithm().as_str())));
                }
            }
            (Err(error), Some(says)) => {
                errors += 1;
                let text = error.to_string();
                assert!(text.starts_with(says), "{file}: {text}");
                let foreign = matches!(
                    error,
                    KeyError::ForeignFormat { .. }
                        | KeyError::UnsupportedEncryption { .. }
                        | KeyError::UnsupportedPkcs12 { .. }
                );
                assert_eq!(foreign, text.contains("convert"), "{file}: {text}");
                // A format that the loader does not support is refused, whatever the oracle says
                // about the key in it.
                if verdict.usable && !foreign {
                    let name = file.rsplit('/').next().unwrap();
                    assert!(stricter.insert(STRICTER.iter().find(|(file, _)| *file == name).expect(file)));
                }
            }
            (Ok(key), Some(says)) => panic!("{file}: loads as {}, expected: {says}", key.algorithm()),
            (Err(error), None) => panic!("{file}: {error}"),
        }
    }
    assert_eq!(stricter.len(), STRICTER.len());
    assert_eq!(kinder, KINDER.map(|(file, algorithm)| (file.to_owned(), algorithm)).into());
    assert_eq!((loaded, errors, signatures), (71, 97, 216));
}

#[test]
fn no_file_panics_with_or_without_a_password() {
    let passwords: BTreeMap<String, Option<String>> =
        oracle().into_iter().map(|verdict| (verdict.file, verdict.password)).collect();
    let (mut read_as, mut count) = ([0; 4], 0);
    for file in files("") {
        let bytes = read(&file);
        let password = passwords.get(&file).cloned().flatten().unwrap_or_else(|| "password".to_owned());
        let without = PrivateKey::from_bytes(&bytes);
        if let Err(error) = PrivateKey::from_encrypted_bytes(&bytes, password) {
            assert!(!error.to_string().is_empty(), "{file}");
        }
        let _ = (Jwk::from_json(&bytes).is_ok(), Certificate::from_der(bytes.clone()).is_ok());
        count += 1;
        for (at, loaded) in [
            without.is_ok(),
            PublicKey::from_bytes(&bytes).is_ok(),
            JwkSet::from_json(&bytes).is_ok(),
            matches!(without, Err(KeyError::PassphraseRequired)),
        ]
        .into_iter()
        .enumerate()
        {
            read_as[at] += usize::from(loaded);
        }
    }
    // Private keys, public keys and certificates, JWK Sets, files that need a passphrase. Four of
    // the private keys are JWKs in a JSON document with other content.
    assert_eq!((count, read_as), (574, [73, 40, 7, 53]));
}

/// Paragraphs of `Name = value`.
pub(super) fn paragraphs(file: &str) -> Vec<BTreeMap<String, String>> {
    text(file)
        .split("\n\n")
        .map(|paragraph| {
            let lines = paragraph.lines().filter(|line| !line.starts_with('#'));
            lines
                .filter_map(|line| line.split_once('='))
                .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
                .collect::<BTreeMap<_, _>>()
        })
        .filter(|paragraph| !paragraph.is_empty())
        .collect()
}

/// ring's own verdicts on odd PKCS#8 documents.
#[test]
fn what_ring_says_of_pkcs8_documents() {
    let mut found = Vec::new();
    for file in ["ring/tests/ed25519_from_pkcs8_tests.txt", "ring/tests/rsa_from_pkcs8_tests.txt"] {
        for paragraph in paragraphs(file) {
            let theirs = paragraph.get("Result-Maybe-Unchecked").or(paragraph.get("Error"));
            let theirs = theirs.map_or("OK", String::as_str);
            let ours = match PrivateKey::from_bytes(&hex(&paragraph["Input"])) {
                Ok(key) => {
                    sign_and_verify(&key, file);
                    if let Some(public) = paragraph.get("Public") {
                        let json = key.public_jwk().to_json();
                        let x = super::base64url(&hex(public));
                        assert!(json.contains(&format!("\"x\":\"{x}\"")), "{json}");
                    }
                    "OK".to_owned()
                }
                Err(error) => error.to_string(),
            };
            found.push((theirs.to_owned(), ours));
        }
    }
    found.sort();
    let mut counted: Vec<(&str, &str, usize)> = Vec::new();
    for (theirs, ours) in &found {
        match counted.last_mut() {
            Some((a, b, count)) if (*a, *b) == (theirs, ours) => *count += 1,
            _ => counted.push((theirs, ours, 1)),
        }
    }
    assert_eq!(
        counted,
        [
            ("InconsistentComponents", "the RSA key has 2047 bits, allowed: 2048 to 8192", 1),
            ("InconsistentComponents", "the parts of the Ed25519 key do not match", 2),
            ("InvalidEncoding", "damaged DER: not a key", 5),
            ("InvalidEncoding", "damaged PrivateKeyInfo (RFC 5958 §2)", 9),
            ("InvalidEncoding", "the parts of the Ed25519 key do not match", 4),
            ("OK", "OK", 20),
            // ring accepts RSA keys only in multiples of 512 bits, and with primes of equal length.
            ("PrivateModulusLenNotMultipleOf512Bits", "OK", 6),
            ("PrivateModulusLenNotMultipleOf512Bits", "the RSA key has 2046 bits, allowed: 2048 to 8192", 1),
            ("PublicKeyIsMissing", "damaged PrivateKeyInfo (RFC 5958 §2)", 5),
            // The public exponent 3, which RFC 8017 allows.
            ("TooSmall", "OK", 1),
            ("TooSmall", "the RSA key has 2040 bits, allowed: 2048 to 8192", 1),
            ("VersionNotSupported", "damaged RSAPrivateKey (RFC 8017 A.1.2)", 1),
            // A P-256 key among the RSA keys.
            ("WrongAlgorithm", "OK", 1),
            ("WrongAlgorithm", "damaged PrivateKeyInfo (RFC 5958 §2)", 2),
        ]
    );
}
