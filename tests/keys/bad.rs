//! Bad input gets a clear error: the exact variant, its fields, and the message.

use std::collections::BTreeSet;
use std::error::Error;
use std::time::{Duration, Instant};

use private_key_jwt::jose::{JoseError, KeyType};
use private_key_jwt::keys::{KeyError, RsaWeakness};
use private_key_jwt::{Algorithm, Jwk, JwkSet, PrivateKey, PublicKey};

use crate::support::{self, BAD_PKCS12, PASSPHRASE, key, private, public, read};

const CONVERT_PKCS8: &str = "openssl pkcs8 -topk8 -v2 aes-256-cbc -in KEY -out key.pem";

fn error(file: &str) -> KeyError {
    clean(private(file, Some(PASSPHRASE)).map(|_| ()).expect_err(file), &read(file))
}

fn error_of(bytes: &[u8]) -> KeyError {
    clean(PrivateKey::from_bytes(bytes).map(|_| ()).unwrap_err(), bytes)
}

/// Returns the error. Checks that it shows neither the passphrase nor a piece of the input: the
/// body of a PEM file, and the private members of a JWK.
fn clean(error: KeyError, bytes: &[u8]) -> KeyError {
    let shown = words(&error);
    // DER has no text that could be shown by mistake.
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let bodies = text.lines().filter(|line| line.len() >= 16 && !line.contains([' ', '"']));
    let members = ["d", "p", "q", "dp", "dq", "qi", "k"].into_iter().filter_map(|member| {
        let (_, rest) = text.split_once(&format!("\"{member}\":"))?;
        rest.trim_start().strip_prefix('"')?.split('"').next()
    });
    for secret in bodies.chain(members).chain([PASSPHRASE]) {
        assert!(!leaks(&shown, secret), "{shown}");
    }
    error
}

/// The file, the exact error, and its message.
macro_rules! bad {
    ($($file:literal => $pattern:pat $(if $guard:expr)?, $says:literal;)*) => {
        const FILES: &[&str] = &[$($file),*];

        #[test]
        fn every_bad_file_has_its_own_error() {
            $(
                {
                    let error = error(concat!("bad/", $file));
                    assert!(matches!(&error, $pattern $(if $guard)?), "{}: {error:?}", $file);
                    assert_eq!(error.to_string(), $says, "{}", $file);
                }
            )*
        }
    };
}

bad! {
    "empty.pem" => KeyError::Empty, "the key file is empty";
    "rsa1024.pkcs8.pem" => KeyError::RsaSize { bits: 1024 },
        "the RSA key has 1024 bits, allowed: 2048 to 8192";
    "rsa2048-3prime.pkcs1.pem" => KeyError::RsaPrimes, "the RSA key has more than two primes";
    "rsa2048-3prime.pkcs8.pem" => KeyError::RsaPrimes, "the RSA key has more than two primes";
    "rsa2048.with-oth.jwk.json" => KeyError::RsaPrimes, "the RSA key has more than two primes";
    "rsa2048.e1.jwk.json" => KeyError::RsaExponent,
        "the RSA public exponent must be odd and between 3 and 2^33-1";
    "rsa2048.mangled-n.pkcs8.pem" => KeyError::Inconsistent { key_type: "RSA" },
        "the parts of the RSA key do not match";
    "rsa2049.d-above-n.jwk.json" => KeyError::Inconsistent { key_type: "RSA" },
        "the parts of the RSA key do not match";
    "rsa2560.short-prime.jwk.json" => KeyError::RsaPrimeLengths { bits: [2048, 512], least: 854 },
        "the primes of the RSA key have 2048 and 512 bits, each must have at least 854";
    "rsa2048.small-factor.jwk.json" => KeyError::WeakRsa { weakness: RsaWeakness::SmallFactor { factor: 4093 } },
        "the RSA key can be factored: its modulus is divisible by 4093; generate a new key";
    "rsa2048.close-primes.jwk.json" => KeyError::WeakRsa { weakness: RsaWeakness::ClosePrimes },
        "the RSA key can be factored: its primes are too close to each other (FIPS 186-5 A.1.3); generate a new key";
    "rsa2048.near-primes.jwk.json" => KeyError::WeakRsa { weakness: RsaWeakness::ClosePrimes },
        "the RSA key can be factored: its primes are too close to each other (FIPS 186-5 A.1.3); generate a new key";
    "rsa2048.square.jwk.json" => KeyError::WeakRsa { weakness: RsaWeakness::ClosePrimes },
        "the RSA key can be factored: its primes are too close to each other (FIPS 186-5 A.1.3); generate a new key";
    "rsa2048.prime-modulus.jwk.json" => KeyError::WeakRsa { weakness: RsaWeakness::PrimeModulus },
        "the RSA key can be factored: its modulus is a prime number; generate a new key";
    "rsa2048.cube.jwk.json" => KeyError::WeakRsa { weakness: RsaWeakness::DependentPrimes },
        "the RSA key can be factored: its modulus is a power of a prime, or its primes depend on each other; generate a new key";
    // Refused as a public key, in tests/keys/weak_rsa.rs.
    "rsa2048.dependent-primes.jwk.json" => KeyError::NotPrivate { found } if found == "a public JWK",
        "expected a private key, found a public JWK";
    "rsa2048.roca.jwk.json" => KeyError::WeakRsa { weakness: RsaWeakness::Roca },
        "the RSA key can be factored: its primes have the structure of ROCA (CVE-2017-15361); generate a new key";
    "rsa2048.short-d.jwk.json" => KeyError::WeakRsa {
            weakness: RsaWeakness::ShortPrivateExponent { bits: 1023, least: 1025 },
        },
        "the RSA key can be factored: its private exponent has 1023 bits, at least 1025 are required (FIPS 186-5 A.1.1); generate a new key";
    "secp256k1.sec1.pem" => KeyError::UnsupportedKey { found } if found == "EC secp256k1",
        "unsupported key type: EC secp256k1";
    "secp256k1.pkcs8.pem" => KeyError::UnsupportedKey { found } if found == "EC secp256k1",
        "unsupported key type: EC secp256k1";
    "secp256k1.jwk.json" => KeyError::Jose(JoseError::UnsupportedKey { found }) if found == "EC secp256k1",
        "unsupported key type: EC secp256k1";
    "p224.pkcs8.pem" => KeyError::UnsupportedKey { found } if found == "EC P-224",
        "unsupported key type: EC P-224";
    "ed448.pkcs8.pem" => KeyError::UnsupportedKey { found } if found == "Ed448",
        "unsupported key type: Ed448";
    "x25519.pkcs8.pem" => KeyError::UnsupportedKey { found } if found == "X25519",
        "unsupported key type: X25519";
    "dsa.pkcs8.pem" => KeyError::UnsupportedKey { found } if found == "DSA",
        "unsupported key type: DSA";
    "dsa.pem" => KeyError::UnsupportedKey { found } if found == "DSA",
        "unsupported key type: DSA";
    "p256.explicit-parameters.pem" => KeyError::ForeignFormat { format: "an EC key with explicit curve parameters", .. },
        "an EC key with explicit curve parameters is not supported; convert it with: openssl ec -in KEY -param_enc named_curve -out key.pem (for a public key with -pubin)";
    "p256.explicit-parameters.pkcs8.pem" => KeyError::ForeignFormat { format: "an EC key with explicit curve parameters", .. },
        "an EC key with explicit curve parameters is not supported; convert it with: openssl ec -in KEY -param_enc named_curve -out key.pem (for a public key with -pubin)";
    "p256.wrong-public.sec1.der" => KeyError::Inconsistent { key_type: "EC" },
        "the parts of the EC key do not match";
    "p256.wrong-public.jwk.json" => KeyError::Inconsistent { key_type: "EC" },
        "the parts of the EC key do not match";
    "p256.public-only.jwk.json" => KeyError::NotPrivate { found } if found == "a public JWK",
        "expected a private key, found a public JWK";
    "p256.oct.jwk.json" => KeyError::Jose(JoseError::UnsupportedKey { found }) if found == "oct",
        "unsupported key type: oct";
    "openssh-rsa.pem" => KeyError::ForeignFormat { format: "an OpenSSH private key", .. },
        "an OpenSSH private key is not supported; convert it with: ssh-keygen -p -m PKCS8 -f KEY (it rewrites the file), or openssl genpkey for a new key";
    "openssh-ed25519.pem" => KeyError::ForeignFormat { format: "an OpenSSH private key", .. },
        "an OpenSSH private key is not supported; convert it with: ssh-keygen -p -m PKCS8 -f KEY (it rewrites the file), or openssl genpkey for a new key";
    "dek-info-rsa.pem" => KeyError::ForeignFormat {
            format: "a traditional encrypted PEM (DEK-Info)",
            convert: CONVERT_PKCS8,
        },
        "a traditional encrypted PEM (DEK-Info) is not supported; convert it with: openssl pkcs8 -topk8 -v2 aes-256-cbc -in KEY -out key.pem";
    "dek-info-ec.pem" => KeyError::ForeignFormat {
            format: "a traditional encrypted PEM (DEK-Info)",
            convert: CONVERT_PKCS8,
        },
        "a traditional encrypted PEM (DEK-Info) is not supported; convert it with: openssl pkcs8 -topk8 -v2 aes-256-cbc -in KEY -out key.pem";
    "two-keys.pem" => KeyError::SeveralKeys { found } if found.len() == 2,
        "expected one private key, found 2: (1) thumbprint -8XI0VfIx_ICgFnTLhuCkWSA8XR6yWW2GzssDGWCtu0; (2) thumbprint O2LLTCBW_ROG483Md87aOsyJO1GLWd38x7eHk2UVBTk; select one by alias, kid or thumbprint";
    "truncated.pem" => KeyError::Pem { reason: "a BEGIN line without its END line" },
        "damaged PEM: a BEGIN line without its END line";
    "no-end.pem" => KeyError::Pem { reason: "a BEGIN line without its END line" },
        "damaged PEM: a BEGIN line without its END line";
    "truncated-with-end.pem" => KeyError::Pem { reason: "its body is invalid or incomplete base64" },
        "damaged PEM: its body is invalid or incomplete base64";
    "mismatched-end.pem" => KeyError::Pem { reason: "the labels of BEGIN and END differ" },
        "damaged PEM: the labels of BEGIN and END differ";
    "bad-base64.pem" => KeyError::Pem { reason: "its body is invalid or incomplete base64" },
        "damaged PEM: its body is invalid or incomplete base64";
    "scrypt-n-2-33.pem" => KeyError::KeyDerivationCost {
            parameter: "scrypt's memory in bytes (128·N·r)",
            found,
            allowed: "at most 268435456",
        } if found == "8796093022208",
        "key derivation out of bounds: scrypt's memory in bytes (128·N·r) is 8796093022208, allowed: at most 268435456";
    "scrypt-huge-p.pem" => KeyError::KeyDerivationCost { parameter: "scrypt's p", found, allowed: "1 to 16" }
        if found == "1048576",
        "key derivation out of bounds: scrypt's p is 1048576, allowed: 1 to 16";
    "pbkdf2-billion.pem" => KeyError::KeyDerivationCost {
            parameter: "PBKDF2's iteration count",
            found,
            allowed: "1 to 10000000",
        } if found == "1000000000",
        "key derivation out of bounds: PBKDF2's iteration count is 1000000000, allowed: 1 to 10000000";
    "pbkdf2-aes256-gcm.pem" => KeyError::UnsupportedEncryption { scheme } if scheme == "AES-256-GCM",
        "keys encrypted with AES-256-GCM are not supported; convert the key with: openssl pkcs8 -topk8 -v2 aes-256-cbc -provider legacy -provider default -in KEY -out key.pem";
    "pbes1-md5-des.pem" => KeyError::UnsupportedEncryption { scheme } if scheme == "PBES1 with MD5 and DES",
        "keys encrypted with PBES1 with MD5 and DES are not supported; convert the key with: openssl pkcs8 -topk8 -v2 aes-256-cbc -provider legacy -provider default -in KEY -out key.pem";
    "csr.pem" => KeyError::NotPrivate { found } if found == "CERTIFICATE REQUEST",
        "expected a private key, found CERTIFICATE REQUEST";
    "pkcs7.pem" => KeyError::ForeignFormat { format: "a PKCS#7 message", .. },
        "a PKCS#7 message is not supported; convert it with: openssl pkcs7 -print_certs -in KEY (it holds no key)";
    "pgp.asc" => KeyError::ForeignFormat { format: "a PGP private key", .. },
        "a PGP private key is not supported; convert it with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem";
    "putty.ppk" => KeyError::ForeignFormat { format: "a PuTTY key", .. },
        "a PuTTY key is not supported; convert it with: puttygen KEY -O private-openssh-new -o key, then ssh-keygen -p -m PKCS8 -f key";
    "jks.bin" => KeyError::ForeignFormat { format: "a Java key store", .. },
        "a Java key store is not supported; convert it with: keytool -importkeystore -srckeystore KEY -destkeystore key.p12 -deststoretype pkcs12, then openssl pkcs12 -in key.p12 -nodes -out key.pem";
}

#[test]
fn every_file_of_testdata_keys_bad_has_a_test() {
    let found: BTreeSet<String> = std::fs::read_dir(support::path("bad"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let tested = FILES.iter().copied().chain(BAD_PKCS12); // the last in tests/keys/pkcs12.rs
    assert_eq!(found, tested.map(str::to_owned).collect());
}

#[test]
fn every_error_is_one_line_and_does_not_repeat_its_source() {
    for file in FILES {
        let error = error(&format!("bad/{file}"));
        let text = error.to_string();
        assert!(!text.contains('\n') && !text.is_empty(), "{file}");
        if let Some(source) = error.source() {
            assert!(!text.contains(&source.to_string()), "{file}: {text}");
        }
    }
}

/// A PEM block that is called damaged is also damaged as DER.
#[test]
fn an_error_is_the_same_in_pem_and_in_der() {
    for file in [
        "rsa1024.pkcs8.pem",
        "p224.pkcs8.pem",
        "dsa.pem",
        "dsa.pkcs8.pem",
        "csr.pem",
        "pkcs7.pem",
        "secp256k1.pkcs8.pem",
        "scrypt-n-2-33.pem",
        "pbkdf2-billion.pem",
        "pbes1-md5-des.pem",
        "rsa2048-3prime.pkcs1.pem",
        "p256.explicit-parameters.pem",
    ] {
        let der = support::pem(&format!("bad/{file}"));
        let file = format!("bad/{file}");
        assert_eq!(format!("{:?}", error_of(&der)), format!("{:?}", error(&file)), "{file}");
    }
}

#[test]
fn nothing_and_white_space_are_an_empty_file() {
    for bytes in [&b""[..], b" ", b"\r\n\t \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"] {
        assert!(matches!(error_of(bytes), KeyError::Empty), "{bytes:?}");
        assert!(matches!(PublicKey::from_bytes(bytes).map(|_| ()), Err(KeyError::Empty)), "{bytes:?}");
    }
}

#[test]
fn what_is_not_a_key_at_all_is_said_to_be_none() {
    for bytes in
        [&b"hello"[..], b"[]", b"\"key\"", b"0", b"0123456789", b"\0\0\0\0", b"\x31\x80\x01", b"<xml/>"]
    {
        assert!(matches!(error_of(bytes), KeyError::UnknownFormat), "{bytes:?}");
    }
    assert_eq!(error_of(b"hello").to_string(), "not a key: neither PEM, DER nor a JWK");
    for bytes in [&b"\x30\x80"[..], b"\x30\x03\x02\x01", b"\x30\x00", b"\x30\x82\xff\xff\x02\x01\x00"] {
        assert!(matches!(error_of(bytes), KeyError::Der { structure: "DER: not a key" }), "{bytes:?}");
    }
}

#[test]
fn a_public_key_or_a_certificate_is_not_a_private_key() {
    for (file, what) in [
        ("rsa2048.pub.pem", "PUBLIC KEY"),
        ("p256.pub.pem", "PUBLIC KEY"),
        ("ed25519.pub.pem", "PUBLIC KEY"),
        ("rsa2048.cert.pem", "CERTIFICATE"),
        ("p256.cert.pem", "CERTIFICATE"),
    ] {
        for bytes in [read(file), support::pem(file)] {
            let error = error_of(&bytes);
            assert!(matches!(&error, KeyError::NotPrivate { found } if found == what), "{file}: {error:?}");
            assert_eq!(error.to_string(), format!("expected a private key, found {what}"));
        }
    }
    // Likewise where a public key is expected.
    for bytes in [
        &b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI me@here"[..],
        b"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTI me@here",
    ] {
        for error in [error_of(bytes), PublicKey::from_bytes(bytes).unwrap_err()] {
            assert_eq!(
                error.to_string(),
                "an OpenSSH public key is not supported; convert it with: ssh-keygen -e -m PKCS8 -f KEY > public.pem \
                 (it holds no private key)"
            );
        }
    }
    for (bytes, what) in [
        (&b"-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----"[..], "RSA PUBLIC KEY"),
        (b"-----BEGIN EC PARAMETERS-----\nAAAA\n-----END EC PARAMETERS-----", "EC PARAMETERS"),
        (b"-----BEGIN MYSTERY-----\nAAAA\n-----END MYSTERY-----", "MYSTERY"),
    ] {
        let error = error_of(bytes);
        assert!(matches!(&error, KeyError::NotPrivate { found } if found == what), "{what}: {error:?}");
    }
}

#[test]
fn a_private_key_is_not_a_public_key() {
    for (file, what) in [
        ("p256.pkcs8.pem", "PRIVATE KEY"),
        ("p256.pkcs8.der", "PRIVATE KEY"),
        ("rsa2048.pkcs1.pem", "RSA PRIVATE KEY"),
        ("rsa2048.pkcs1.der", "RSA PRIVATE KEY"),
        ("p256.sec1.pem", "EC PRIVATE KEY"),
        ("p256.no-public.sec1.der", "EC PRIVATE KEY"),
        ("p256.scrypt-aes256.pem", "ENCRYPTED PRIVATE KEY"),
        ("p256.pbkdf2-sha256-aes256.der", "ENCRYPTED PRIVATE KEY"),
        ("bad/csr.pem", "CERTIFICATE REQUEST"),
        ("p256.p12", "PKCS12"),
    ] {
        let error = public(file).map(|_| ()).unwrap_err();
        assert!(matches!(&error, KeyError::NotPublic { found } if found == what), "{file}: {error:?}");
        assert_eq!(error.to_string(), format!("expected a public key, found {what}"));
    }
    for file in ["p256.jwk.json", "rsa2048.jwk.json", "ed25519.jwk.json"] {
        let error = public(file).map(|_| ()).unwrap_err();
        assert!(
            matches!(error, KeyError::Jose(JoseError::PrivateMember { member: "d" })),
            "{file}: {error:?}"
        );
    }
    assert!(matches!(PublicKey::from_bytes(b"hello").map(|_| ()), Err(KeyError::UnknownFormat)));
}

#[test]
fn rfc7518_3_3_a_public_rsa_key_of_1024_bits_is_refused() {
    // As SubjectPublicKeyInfo and as a JWK: the verifier's side of the same policy.
    let key = rsa1024_modulus();
    let jwk = format!(r#"{{"kty":"RSA","e":"AQAB","n":"{key}"}}"#);
    let jwk = Jwk::from_json(jwk.as_bytes()).unwrap();
    assert!(matches!(PublicKey::from_jwk(&jwk).map(|_| ()), Err(KeyError::RsaSize { bits: 1024 })));
}

fn rsa1024_modulus() -> String {
    use base64ct::{Base64UrlUnpadded, Encoding};
    Base64UrlUnpadded::encode_string(&[0xff; 128])
}

#[test]
fn a_foreign_key_next_to_a_certificate_is_still_named() {
    for file in [
        [read("p256.cert.pem"), read("bad/openssh-rsa.pem")].concat(),
        [read("bad/openssh-rsa.pem"), read("p256.cert.pem"), read("p256.pub.pem")].concat(),
    ] {
        assert!(matches!(error_of(&file), KeyError::ForeignFormat { format: "an OpenSSH private key", .. }));
    }
}

#[test]
fn foreign_formats_are_named_in_der_and_in_other_encodings() {
    let utf16 = |mark: [u8; 2], order: fn(u16) -> [u8; 2]| {
        let text = String::from_utf8(read("p256.pkcs8.pem")).unwrap();
        mark.into_iter().chain(text.encode_utf16().flat_map(order)).collect::<Vec<u8>>()
    };
    let cases: [(&[u8], &str); 6] = [
        (&utf16([0xff, 0xfe], u16::to_le_bytes), "a UTF-16 text"),
        (&utf16([0xfe, 0xff], u16::to_be_bytes), "a UTF-16 text"),
        (&support::pem("bad/pkcs7.pem"), "a PKCS#7 message"),
        (b"\xce\xce\xce\xce\0\0\0\x02", "a Java key store"),
        (b"\x1e\xf1\xb5\xb0\0\0\0\0\x02\0\0\0", "a Microsoft PVK file"),
        (b"\x07\x02\0\0\0\x24\0\0RSA2", "a Microsoft key blob"),
    ];
    for (bytes, name) in cases {
        let error = error_of(bytes);
        assert!(
            matches!(error, KeyError::ForeignFormat { format, .. } if format == name),
            "{name}: {error:?}"
        );
        assert!(error.to_string().starts_with(&format!("{name} is not supported; convert it with: ")));
    }
}

#[test]
fn damaged_pem_says_what_is_wrong() {
    let good = String::from_utf8(read("p256.pkcs8.pem")).unwrap();
    let cases = [
        (good.trim_end().replace('\n', "\\x"), "its body is invalid or incomplete base64"),
        (
            good.replace("-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY"),
            "a BEGIN line without its closing dashes",
        ),
        (
            good.replace("-----END PRIVATE KEY-----", "-----END PRIVATE KEY"),
            "a BEGIN line without its END line",
        ),
        (good.replace("-----END PRIVATE KEY-----", ""), "a BEGIN line without its END line"),
        (format!("{}{good}", good.lines().next().unwrap()), "a BEGIN line without its END line"),
        (
            "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n".to_owned(),
            "its body is invalid or incomplete base64",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nAAA\n-----END PRIVATE KEY-----\n".to_owned(),
            "its body is invalid or incomplete base64",
        ),
        ("-----BEGIN P".to_owned(), "a BEGIN line without its END line"),
    ];
    for (text, reason) in cases {
        let error = error_of(text.as_bytes());
        assert!(matches!(error, KeyError::Pem { reason: found } if found == reason), "{text}: {error:?}");
    }
}

#[test]
fn two_keys_are_one_too_many_in_any_combination() {
    let is_two = |error: &KeyError| matches!(error, KeyError::SeveralKeys { found } if found.len() == 2);
    for files in [
        ["p256.pkcs8.pem", "p384.pkcs8.pem"],
        ["rsa2048.pkcs1.pem", "p256.sec1.pem"],
        ["p256.scrypt-aes256.pem", "ed25519.pkcs8.pem"],
        // Encrypted, it might be a different key.
        ["p256.scrypt-aes256.pem", "p256.pkcs8.pem"],
        ["p256.pkcs8.pem", "bad/dek-info-rsa.pem"],
        ["p256.pkcs8.pem", "bad/rsa1024.pkcs8.pem"],
    ] {
        let error = error_of(&files.map(read).concat());
        assert!(is_two(&error), "{files:?}: {error:?}");
    }
    assert!(is_two(&error("two-private.jwks.json")));
    // The same key in several forms counts once; a key that cannot sign does not count.
    for files in [
        ["p256.pkcs8.pem", "p256.pkcs8.pem"],
        ["p256.pkcs8.pem", "p256.sec1.pem"],
        ["bad/dsa.pem", "p256.pkcs8.pem"],
        ["p256.pkcs8.pem", "bad/x25519.pkcs8.pem"],
    ] {
        let key = PrivateKey::from_bytes(&files.map(read).concat()).unwrap();
        assert_eq!(key.thumbprint(), self::key("p256.pkcs8.pem").thumbprint(), "{files:?}");
    }
}

#[test]
fn a_set_without_a_private_signing_key_says_why() {
    let text = |file| String::from_utf8(read(file)).unwrap();
    let set = |keys: &str| error_of(format!(r#"{{"keys":[{keys}]}}"#).as_bytes());
    assert!(matches!(set(""), KeyError::Empty));
    assert!(
        matches!(set(&text("bad/p256.public-only.jwk.json")), KeyError::NotPrivate { found } if found == "a public JWK")
    );
    let oct = set(&text("bad/p256.oct.jwk.json"));
    assert!(matches!(oct, KeyError::Jose(JoseError::UnsupportedKey { found }) if found == "oct"));
    let with = |more: &str| {
        let jwk = text("p256.jwk.json");
        jwk.trim_end().strip_suffix('}').unwrap().to_owned() + more + "}"
    };
    for purpose in [
        r#","use":"enc""#,
        r#","key_ops":["verify"]"#,
        r#","use":"sig","key_ops":["deriveKey"]"#,
        r#","use":"enc","key_ops":[]"#,
    ] {
        assert!(matches!(set(&with(purpose)), KeyError::NotForSignatures), "{purpose}");
        let error = error_of(with(purpose).as_bytes());
        assert!(matches!(error, KeyError::NotForSignatures), "{purpose}");
        assert_eq!(error.to_string(), "the JWK is not for signatures (`use`, `key_ops`)");
    }
    let many = vec!["{}"; JwkSet::MAX_KEYS + 1].join(",");
    assert!(matches!(set(&many), KeyError::Jose(JoseError::TooManyKeys { found: 257, limit: 256 })));
}

#[test]
fn a_private_jwk_is_as_strict_as_a_public_one() {
    let good = String::from_utf8(read("p256.jwk.json")).unwrap();
    let with = |more: &str| good.trim_end().strip_suffix('}').unwrap().to_owned() + more + "}";
    let member = |name: &str| {
        let value: serde_json::Value = serde_json::from_str(&good).unwrap();
        value[name].as_str().unwrap().to_owned()
    };
    let d = member("d");
    let what = "a private JWK";

    assert!(matches!(
        error_of(with(r#","kid":"a","kid":"b""#).as_bytes()),
        KeyError::Jose(JoseError::DuplicateMember { what: found, member }) if found == what && member == "kid"
    ));
    assert!(matches!(
        error_of(with(r#","d":"AAAA""#).as_bytes()),
        KeyError::Jose(JoseError::DuplicateMember { member, .. }) if member == "d"
    ));
    assert!(matches!(
        error_of(good.trim_end().strip_suffix('}').unwrap().as_bytes()),
        KeyError::Jose(JoseError::Json { .. })
    ));
    assert!(matches!(error_of(format!("{good} {{}}").as_bytes()), KeyError::Jose(JoseError::Json { .. })));
    assert!(matches!(
        error_of(good.replace(&d, &format!("{d}=")).as_bytes()),
        KeyError::Jose(JoseError::Base64Url { what: "a private JWK member" })
    ));
    // A short number lacks its zeros; this one is a different number.
    let inconsistent =
        |jwk: String| matches!(error_of(jwk.as_bytes()), KeyError::Inconsistent { key_type: "EC" });
    assert!(inconsistent(good.replace(&d, "AQAB")) && inconsistent(good.replace(&member("y"), "AQAB")));
    assert!(matches!(
        error_of(good.replace(&d, &support::base64url(&[1; 33])).as_bytes()),
        KeyError::JwkMember { member: "d" }
    ));
    assert!(matches!(error_of(good.replace(&d, "").as_bytes()), KeyError::JwkMember { member: "d" }));
    assert!(matches!(
        error_of(good.replace(&member("y"), &support::base64url(&[1; 33])).as_bytes()),
        KeyError::Jose(JoseError::InvalidMember { member: "y", .. })
    ));
    assert!(matches!(error_of(b"{}"), KeyError::Jose(JoseError::MissingMember { member: "kty", .. })));
    assert!(matches!(
        error_of(with(r#","alg":"none""#).as_bytes()),
        KeyError::Jose(JoseError::UnsupportedAlgorithm { found }) if found == "none"
    ));
    assert!(matches!(
        error_of(with(r#","alg":"RS256""#).as_bytes()),
        KeyError::Jose(JoseError::AlgorithmMismatch {
            algorithm: Algorithm::RS256,
            key_type: KeyType::Ec(_)
        })
    ));
    assert!(matches!(error_of(with(r#","x5c":["-"]"#).as_bytes()), KeyError::Jose(JoseError::X5c)));
    assert!(matches!(error_of(with(r#","x5c":["MAA="]"#).as_bytes()), KeyError::Certificate));

    // A member that is not a JSON string, in the private members too.
    let number = good.replace(&format!("\"{d}\""), "17");
    assert!(matches!(
        error_of(number.as_bytes()),
        KeyError::Jose(JoseError::InvalidMember { what: "a private JWK", member: "d", expected: "a string" })
    ));

    let ed25519 = String::from_utf8(read("ed25519.jwk.json")).unwrap();
    let value: serde_json::Value = serde_json::from_str(&ed25519).unwrap();
    let short = ed25519.replace(value["d"].as_str().unwrap(), "AQAB");
    assert!(matches!(error_of(short.as_bytes()), KeyError::JwkMember { member: "d" }));
    let other = ed25519.replace(value["x"].as_str().unwrap(), &support::base64url(&[7; 32]));
    assert!(matches!(error_of(other.as_bytes()), KeyError::Inconsistent { key_type: "Ed25519" }));
}

#[test]
fn rfc7518_6_3_2_each_crt_member_must_be_there_and_right() {
    let good: serde_json::Value = serde_json::from_slice(&read("rsa2048.jwk.json")).unwrap();
    for name in ["p", "q", "dp", "dq", "qi"] {
        let mut jwk = good.clone();
        jwk.as_object_mut().unwrap().remove(name);
        let error = error_of(jwk.to_string().as_bytes());
        assert!(matches!(error, KeyError::RsaCrtMissing { member } if member == name), "{name}: {error:?}");
        jwk[name] = "AAAA".into();
        let error = error_of(jwk.to_string().as_bytes());
        assert!(matches!(error, KeyError::RsaCrtMissing { member } if member == name), "{name}: {error:?}");
        jwk[name] = "AQAB".into();
        let error = error_of(jwk.to_string().as_bytes());
        assert!(matches!(error, KeyError::Inconsistent { key_type: "RSA" }), "{name}: {error:?}");
    }
    for (name, value) in [("d", "AQAB"), ("d", "AA"), ("e", "Aw")] {
        let mut jwk = good.clone();
        jwk[name] = value.into();
        let error = error_of(jwk.to_string().as_bytes());
        assert!(matches!(error, KeyError::Inconsistent { key_type: "RSA" }), "{name}: {error:?}");
    }
    let mut swapped = good.clone();
    swapped["p"] = good["q"].clone();
    swapped["q"] = good["p"].clone();
    assert!(matches!(error_of(swapped.to_string().as_bytes()), KeyError::Inconsistent { key_type: "RSA" }));
}

/// The backend multiplies before it compares: primes of megabits overflow the stack and abort the
/// process.
#[test]
fn rsa_numbers_longer_than_the_modulus_are_refused_before_they_are_used() {
    let good: serde_json::Value = serde_json::from_slice(&read("rsa2048.jwk.json")).unwrap();
    for names in [&["d"][..], &["p"], &["q"], &["dp"], &["dq"], &["qi"], &["p", "q"]] {
        let mut jwk = good.clone();
        for name in names {
            jwk[*name] = support::base64url(&vec![0xff; 350_000]).into();
        }
        let document = jwk.to_string();
        let started = Instant::now();
        let error = error_of(document.as_bytes());
        let took = started.elapsed();
        assert!(matches!(error, KeyError::Inconsistent { key_type: "RSA" }), "{names:?}: {error:?}");
        assert!(took < Duration::from_secs(10), "{names:?} took {took:?}");
    }
}

#[test]
fn key_derivation_costs_are_refused_before_deriving_and_before_asking_for_a_passphrase() {
    for file in ["scrypt-n-2-33.pem", "scrypt-huge-p.pem", "pbkdf2-billion.pem"] {
        let file = format!("bad/{file}");
        assert!(matches!(error_of(&read(&file)), KeyError::KeyDerivationCost { .. }), "{file}");
        assert!(matches!(error(&file), KeyError::KeyDerivationCost { .. }), "{file}");
    }
}

/// The costs of an encrypted key, written into a good file: the DER of the integers keeps its
/// length.
fn with_integer(file: &str, from: &[u8], to: &[u8]) -> KeyError {
    let mut der = support::pem(file);
    let at = der.windows(from.len()).position(|window| window == from).unwrap();
    der[at..at + to.len()].copy_from_slice(to);
    PrivateKey::from_encrypted_bytes(&der, PASSPHRASE).map(|_| ()).unwrap_err()
}

#[test]
fn key_derivation_costs_have_a_lower_end_too() {
    let pbkdf2 = |to: &[u8]| with_integer("p256.pbkdf2-sha256-aes256.pem", &[2, 2, 8, 0], to);
    for (to, value) in [([2, 2, 0, 0], None), ([2, 2, 0x80, 0], None), ([2, 2, 0x27, 0x10], Some(()))] {
        let error = pbkdf2(&to);
        match value {
            // Not minimal, or negative: no valid DER integer for a count.
            None => assert!(
                matches!(error, KeyError::Der { .. } | KeyError::KeyDerivationCost { .. }),
                "{error:?}"
            ),
            Some(()) => assert!(matches!(error, KeyError::WrongPassphrase), "{error:?}"),
        }
    }
    let scrypt = |to: &[u8]| with_integer("p256.scrypt-aes256.pem", &[2, 2, 0x40, 0, 2, 1, 8, 2, 1, 1], to);
    let cases: [(&[u8], &str, &str); 4] = [
        (&[2, 2, 0x40, 0, 2, 1, 8, 2, 1, 0], "scrypt's p", "0"),
        (&[2, 2, 0x40, 0, 2, 1, 8, 2, 1, 17], "scrypt's p", "17"),
        (&[2, 2, 0x40, 0, 2, 1, 0, 2, 1, 1], "scrypt's memory in bytes (128·N·r)", "0"),
        (&[2, 2, 0x40, 1, 2, 1, 8, 2, 1, 1], "scrypt's N", "16385"),
    ];
    for (to, name, value) in cases {
        let error = scrypt(to);
        assert!(
            matches!(&error, KeyError::KeyDerivationCost { parameter, found, .. } if *parameter == name && found == value),
            "{name}: {error:?}"
        );
    }
}

#[test]
fn an_encrypted_key_that_is_damaged_is_not_a_wrong_passphrase() {
    let der = support::pem("p256.pbkdf2-sha256-aes256.pem");
    let structure =
        |bytes: &[u8]| PrivateKey::from_encrypted_bytes(bytes, PASSPHRASE).map(|_| ()).unwrap_err();
    // One byte of ciphertext less, with the lengths corrected: no longer whole blocks.
    let data = support::data_of_encrypted(&der);
    let shorter = support::with_data_of_encrypted(&der, &data[..data.len() - 1]);
    assert!(matches!(
        structure(&shorter),
        KeyError::Der { structure: "EncryptedPrivateKeyInfo (RFC 5958 §3)" }
    ));
    let empty = support::with_data_of_encrypted(&der, &[]);
    assert!(matches!(
        structure(&empty),
        KeyError::Der { structure: "EncryptedPrivateKeyInfo (RFC 5958 §3)" }
    ));
    // The helper itself changes nothing else.
    assert_eq!(support::with_data_of_encrypted(&der, &data), der);
}

#[test]
fn a_salt_that_cannot_be_read_is_not_called_damage() {
    // PBES2 { PBKDF2 { 64-byte salt, 2048 }, AES-256-CBC }, 16 bytes of ciphertext.
    let tlv = |tag: u8, parts: &[&[u8]]| support::tlv(tag, &parts.concat());
    let oid = |digits: &[u8]| support::tlv(6, digits);
    let pbkdf2 = tlv(
        0x30,
        &[
            &oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12]),
            &tlv(0x30, &[&support::tlv(4, &[7; 64]), &[2, 2, 8, 0]]),
        ],
    );
    let aes = tlv(0x30, &[&oid(&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42]), &support::tlv(4, &[0; 16])]);
    let pbes2 = oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13]);
    let scheme = tlv(0x30, &[&pbes2, &tlv(0x30, &[&pbkdf2, &aes])]);
    let file = tlv(0x30, &[&scheme, &support::tlv(4, &[0; 16])]);
    let error = PrivateKey::from_encrypted_bytes(&file, PASSPHRASE).map(|_| ()).unwrap_err();
    assert!(
        matches!(&error, KeyError::UnsupportedEncryption { scheme } if scheme == "PBKDF2 and a salt of more than 32 bytes"),
        "{error:?}"
    );
}

#[test]
fn rfc8725_3_1_an_algorithm_that_does_not_fit_is_refused_at_once() {
    let error = key("p256.pkcs8.pem").with_algorithm(Algorithm::RS256).unwrap_err();
    assert!(matches!(
        error,
        KeyError::Jose(JoseError::AlgorithmMismatch {
            algorithm: Algorithm::RS256,
            key_type: KeyType::Ec(_)
        })
    ));
    assert_eq!(error.to_string(), "RS256 needs a key of type RSA, found EC P-256");
}

#[test]
fn a_file_that_is_too_long_is_not_read_whole() {
    let limit = PrivateKey::MAX_FILE_LEN;
    let mut bytes = read("p256.pkcs8.pem");
    bytes.resize(limit, b'\n');
    assert!(PrivateKey::from_bytes(&bytes).is_ok());
    bytes.push(b'\n');
    let error = error_of(&bytes);
    assert!(
        matches!(error, KeyError::TooLarge { found, limit: most } if found == limit + 1 && most == limit)
    );
    assert_eq!(
        error.to_string(),
        format!("the key file is too large: read {} bytes, the limit is {limit}", limit + 1)
    );

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("long.pem");
    std::fs::write(&file, &bytes).unwrap();
    let error = PrivateKey::from_file(&file).unwrap_err();
    assert!(matches!(error.reason(), KeyError::TooLarge { .. }), "{error:?}");
    std::fs::write(&file, &bytes[..limit]).unwrap();
    assert!(PrivateKey::from_file(&file).is_ok());
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing.pem");
    let error = PrivateKey::from_file(&missing).map(|_| ()).unwrap_err();
    assert!(matches!(
        &error,
        KeyError::File { path, source } if *path == missing && source.kind() == std::io::ErrorKind::NotFound
    ));
    assert_eq!(error.to_string(), format!("cannot read {}", missing.display()));
    assert!(error.source().is_some());
    // A key in the place of a path is not shown.
    let pem = String::from_utf8(read("p256.pkcs8.pem")).unwrap();
    let jwk = String::from_utf8(read("p256.jwk.json")).unwrap();
    let short = support::base64(&read("ed25519.pkcs8.der"));
    assert_eq!(short.len(), 64);
    let array = format!("[{jwk}]");
    let base64 = support::base64(pem.as_bytes());
    for path in [pem.clone(), pem.replace('\n', "\\n"), jwk, array, base64, short] {
        let error = clean(PrivateKey::from_file(&path).map(|_| ()).unwrap_err(), path.as_bytes());
        let KeyError::KeyAsPath { found } = error else { panic!("{error:?}") };
        assert_eq!(
            error.to_string(),
            format!(
                "expected the path of a key file, found {found}: pass a key to PrivateKey::from_bytes, or write it to a file"
            )
        );
    }
    let error = PrivateKey::from_encrypted_file(directory.path(), PASSPHRASE).map(|_| ()).unwrap_err();
    assert!(matches!(&error, KeyError::File { path, .. } if path == directory.path()), "{error:?}");
}

/// Not shown: a file whose name looks like a secret.
#[test]
fn an_error_in_a_key_names_its_file_and_what_was_expected() {
    let directory = tempfile::tempdir().unwrap();
    let loaded = |name: &str| {
        let file = directory.path().join(name);
        std::fs::write(&file, "not a key").unwrap();
        (clean(PrivateKey::from_file(&file).unwrap_err(), b"not a key"), file.display().to_string())
    };
    let (error, file) = loaded("client.pem");
    let KeyError::InFile { path, reason } = &error else { panic!("{error:?}") };
    assert_eq!((path.to_str(), reason.to_string()), (Some(file.as_str()), error.reason().to_string()));
    for text in [error.to_string(), format!("{error:#}")] {
        assert_eq!(text, format!("cannot use {file}: not a key: neither PEM, DER nor a JWK"));
    }
    let encoded = support::base64(&read("ed25519.pkcs8.der")).replace('/', "_");
    for secret in ["-----BEGIN PRIVATE KEY-----", r#"{"kty":"OKP","d":"x"}"#, &encoded] {
        let (error, _) = loaded(secret);
        assert_eq!(error.to_string(), "not a key: neither PEM, DER nor a JWK");
    }
}

/// Everything that an error or a key says about itself.
fn words(error: &dyn Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(" {error} {error:?}"));
        source = error.source();
    }
    text
}

/// Whether 8 consecutive characters of the secret are in the text.
fn leaks(text: &str, secret: &str) -> bool {
    secret.as_bytes().windows(8).any(|window| text.contains(std::str::from_utf8(window).unwrap()))
}

#[test]
fn the_leak_detector_detects() {
    assert!(leaks("xx ABCDEFGH yy", "0ABCDEFGHI"));
    assert!(!leaks("xx ABCDEFG yy", "0ABCDEFGHI"));
}

#[test]
fn no_error_of_a_jwk_shows_its_private_value() {
    let recognisable = *b"RECOGNISABLE-PRIVATE-VALUE-00001";
    let d = support::base64url(&recognisable);
    let value: serde_json::Value = serde_json::from_slice(&read("p256.jwk.json")).unwrap();
    let good = |member: &str| value[member].as_str().unwrap().to_owned();
    let (x, y) = (good("x"), good("y"));
    let documents = [
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","d":"{d}"}}"#),
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","d":"{d}"#),
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","d":{d}}}"#),
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","d":["{d}"]}}"#),
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","d":"{d}","d":"{d}"}}"#),
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","d":"{d}!"}}"#),
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","d":"{d}AAAA"}}"#),
        format!(r#"{{"kty":"EC","crv":"P-384","x":"{x}","y":"{y}","d":"{d}"}}"#),
        format!(r#"{{"kty":"EC","crv":"P-256","d":"{d}"}}"#),
        format!(r#"{{"kty":"EC","crv":"secp256k1","x":"{x}","y":"{y}","d":"{d}"}}"#),
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","d":"{d}","alg":"RS256"}}"#),
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","d":"{d}","use":"enc"}}"#),
        format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","d":"{d}"}}"#),
        format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","d":"{d}AAAA"}}"#),
        format!(r#"{{"kty":"RSA","n":"{x}","e":"AQAB","d":"{d}"}}"#),
        format!(
            r#"{{"kty":"RSA","n":"{x}","e":"AQAB","d":"{d}","p":"{d}","q":"{d}","dp":"{d}","dq":"{d}","qi":"{d}"}}"#
        ),
        format!(r#"{{"kty":"oct","k":"{d}","d":"{d}"}}"#),
        format!(r#"{{"d":"{d}"}}"#),
        format!(r#"{{"keys":[{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","d":"{d}"}},7]}}"#),
        format!(r#"{{"keys":[{{"d":"{d}"}}]}}"#),
    ];
    for document in &documents {
        let bytes = document.as_bytes();
        let texts = [
            words(&error_of(bytes)),
            words(&PublicKey::from_bytes(bytes).map(|_| ()).unwrap_err()),
            words(&Jwk::from_json(bytes).unwrap_err()),
            JwkSet::from_json(bytes)
                .map_or_else(|error| words(&error), |set| format!("{set:?} {}", set.to_json())),
        ];
        for text in texts {
            for secret in [d.as_str(), "RECOGNISABLE-PRIVATE-VALUE-00001"] {
                assert!(!leaks(&text, secret), "{document}\n{text}");
            }
        }
    }
}

#[test]
fn no_error_of_a_pem_or_der_file_shows_what_is_in_it() {
    for file in FILES.iter().filter(|file| file.ends_with(".pem")) {
        let text = String::from_utf8(read(&format!("bad/{file}"))).unwrap();
        let shown = words(&error(&format!("bad/{file}")));
        for line in text.lines().filter(|line| line.len() >= 16 && !line.contains(' ')) {
            assert!(!leaks(&shown, line), "{file}: {shown}");
        }
    }
    // Without line ends, so that the key follows the label.
    let flat = String::from_utf8(read("p256.pkcs8.pem")).unwrap().replace(['\n', '-'], " ");
    for text in [flat.replace("BEGIN", "-----BEGIN"), flat.replace("BEGIN", "-----BEGIN") + "-----"] {
        let shown = words(&error_of(text.as_bytes()));
        let body: String = flat.split_whitespace().filter(|word| word.len() > 16).collect();
        assert!(!leaks(&shown, &body), "{shown}");
    }
}

#[test]
fn debug_of_a_key_shows_its_name_and_algorithm_only() {
    for file in ["p256.jwk.json", "rsa2048.jwk.json", "ed25519.jwk.json"] {
        let jwk: serde_json::Value = serde_json::from_slice(&read(file)).unwrap();
        let key = key(file);
        let generic = format!("{key:?} {key:#?}");
        assert!(
            generic.contains(key.key_id().as_str()) && generic.contains(key.algorithm().as_str()),
            "{generic}"
        );
        for member in ["d", "p", "q", "dp", "dq", "qi"] {
            let Some(secret) = jwk[member].as_str() else { continue };
            assert!(!leaks(&generic, secret), "{file}: {generic}");
            // As numbers too, as a derived `Debug` prints bytes.
            let bytes = support::from_base64url(secret);
            let listed = format!("{:?}", &bytes[..4]);
            assert!(!generic.contains(listed.trim_matches(['[', ']'])), "{file}: {generic}");
        }
    }
    let generated = PrivateKey::generate(Algorithm::ES256).unwrap();
    let pem = generated.to_pem().unwrap();
    let shown = format!("{generated:?} {generated:#?}");
    assert!(shown.contains("ES256"), "{shown}");
    for line in pem.lines().filter(|line| !line.starts_with('-')) {
        assert!(!leaks(&shown, line), "{shown}");
    }
    let bytes = support::pem_to_der(&pem);
    assert!(!shown.contains(format!("{:?}", &bytes[..4]).trim_matches(['[', ']'])), "{shown}");
}
