//! PKCS#12 files, and the older encryption of the same feature: what opens, what is refused, and
//! the effect of damage.

use private_key_jwt::PrivateKey;
use private_key_jwt::keys::KeyError;

use crate::support::{BAD_PKCS12, PASSPHRASE, public, read};

/// Files that open with [`PASSPHRASE`], and the number of their certificates.
pub(super) const FILES: [(&str, usize); 18] = [
    ("p256.p12", 1),
    ("p256.pkcs12.pem", 1),
    ("p256.aes128-mac-sha384.p12", 1),
    ("p256.aes192-mac-sha512.p12", 1),
    ("p256.pbes2-3des-mac-sha224.p12", 1),
    ("p256.pbe-3des.p12", 1),
    ("p256.pbe-two-key-3des.p12", 1),
    ("p256.pbe-rc2-128.p12", 1),
    ("p256.pbe-rc2-40.p12", 1),
    ("p256.pbmac1.p12", 1),
    ("p256.no-mac.p12", 1),
    ("p256.one-iteration.p12", 1),
    ("p256.ber.p12", 1),
    ("p256.open.p12", 1),
    ("p256.no-certificate.p12", 0),
    ("rsa2048.chain.p12", 2),
    ("rsa2048.chain-and-others.p12", 2),
    ("rsa2048.nss.p12", 2),
];

/// Files with other passphrases.
pub(super) const OTHERS: [&str; 2] = ["p256.empty-passphrase.p12", "p256.unicode-passphrase.p12"];

/// Encrypted PKCS#8, and the name of the encryption in a build that does not support it.
pub(super) const OLD_PKCS8: [(&str, &str); 2] =
    [("p256.pbes2-3des.pem", "3DES-CBC"), ("p256.pbe-3des.pem", "PKCS#12 PBE with 3DES")];

fn error_of(bytes: &[u8], passphrase: Option<&str>) -> KeyError {
    let loaded = match passphrase {
        Some(passphrase) => PrivateKey::from_encrypted_bytes(bytes, passphrase),
        None => PrivateKey::from_bytes(bytes),
    };
    let error = loaded.map(|_| ()).unwrap_err();
    let words = format!("{error} {error:?}");
    assert!(!words.contains("correct") && !words.contains("horse"), "{words}");
    assert!(std::error::Error::source(&error).is_none() && !error.to_string().contains('\n'), "{words}");
    error
}

#[test]
fn a_pkcs12_file_is_no_public_key() {
    for (file, _) in FILES {
        let error = public(file).map(|_| ()).unwrap_err();
        assert!(matches!(&error, KeyError::NotPublic { found } if found == "PKCS12"), "{file}: {error:?}");
    }
}

#[cfg(not(feature = "pkcs12"))]
mod without {
    use super::*;

    #[test]
    fn a_pkcs12_file_is_named_with_the_feature_and_the_command() {
        const CONVERT: &str = "openssl pkcs12 -in KEY -nodes -out key.pem (an old file with -legacy), or turn on the feature `pkcs12` of private-key-jwt";
        let files = FILES.map(|(file, _)| file.to_owned()).into_iter();
        let bad = BAD_PKCS12.map(|file| format!("bad/{file}"));
        for file in files.chain(OTHERS.map(str::to_owned)).chain(bad) {
            for passphrase in [None, Some(PASSPHRASE)] {
                let error = error_of(&read(&file), passphrase);
                assert!(
                    matches!(error, KeyError::ForeignFormat { format: "a PKCS#12 file", convert: CONVERT }),
                    "{file}: {error:?}"
                );
                assert_eq!(
                    error.to_string(),
                    format!("a PKCS#12 file is not supported; convert it with: {CONVERT}")
                );
            }
        }
    }

    #[test]
    fn the_older_encryption_is_named() {
        for (file, name) in OLD_PKCS8 {
            let error = error_of(&read(file), Some(PASSPHRASE));
            assert!(
                matches!(&error, KeyError::UnsupportedEncryption { scheme } if scheme == name),
                "{file}: {error:?}"
            );
            assert_eq!(
                error.to_string(),
                format!(
                    "keys encrypted with {name} are not supported; convert the key with: openssl pkcs8 -topk8 -v2 aes-256-cbc -provider legacy -provider default -in KEY -out key.pem"
                )
            );
        }
    }
}

#[cfg(feature = "pkcs12")]
mod with {
    use private_key_jwt::PublicKey;
    use proptest::prelude::*;

    use super::*;
    use crate::support::{key, pem, private, tlv};

    const STRUCTURE: &str = "PFX (RFC 7292 §4)";

    fn is_the_key_of(key: &PrivateKey, file: &str) {
        let stem = file.split('.').next().unwrap();
        assert_eq!(key.thumbprint(), crate::support::key(&format!("{stem}.pkcs8.pem")).thumbprint());
        key.public_key().unwrap().verify(b"message", &key.sign(b"message").unwrap()).unwrap();
    }

    #[test]
    fn every_file_opens_as_the_key_that_is_in_it_and_signs() {
        for (file, certificates) in FILES {
            let key = private(file, Some(PASSPHRASE)).unwrap_or_else(|error| panic!("{file}: {error}"));
            is_the_key_of(&key, file);
            assert_eq!(
                key.key_id().as_str(),
                key.thumbprint().to_string(),
                "{file}: a friendly name is no kid"
            );
            assert_eq!(key.certificates().len(), certificates, "{file}");
        }
        for (file, _) in OLD_PKCS8 {
            is_the_key_of(&private(file, Some(PASSPHRASE)).unwrap(), file);
        }
        let file = crate::support::path("p256.p12");
        is_the_key_of(&PrivateKey::from_encrypted_file(file, PASSPHRASE).unwrap(), "p256.p12");
    }

    #[test]
    fn a_file_opens_with_its_passphrase_and_only_with_it() {
        let files = FILES.map(|(file, _)| file).into_iter().chain(OLD_PKCS8.map(|(file, _)| file));
        for file in files.filter(|file| *file != "p256.open.p12") {
            let bytes = read(file);
            assert!(matches!(error_of(&bytes, None), KeyError::PassphraseRequired), "{file}");
            for wrong in ["wrong", "", "correct horse ", "Correct horse"] {
                let error = error_of(&bytes, Some(wrong));
                assert!(matches!(error, KeyError::WrongPassphrase), "{file} {wrong:?}: {error:?}");
            }
        }
        for passphrase in [None, Some(""), Some("unused")] {
            is_the_key_of(&private("p256.open.p12", passphrase).unwrap(), "p256.open.p12");
        }
    }

    #[test]
    fn rfc7292_b_1_an_empty_passphrase_and_one_beyond_ascii() {
        for passphrase in [None, Some("")] {
            let file = "p256.empty-passphrase.p12";
            is_the_key_of(&private(file, passphrase).unwrap(), file);
        }
        let error = error_of(&read("p256.empty-passphrase.p12"), Some(PASSPHRASE));
        assert!(matches!(error, KeyError::WrongPassphrase));
        let file = "p256.unicode-passphrase.p12";
        is_the_key_of(&private(file, Some("pässwörd🔑")).unwrap(), file);
        assert!(matches!(error_of(&read(file), Some("password")), KeyError::WrongPassphrase));
    }

    /// Without a MAC, a wrong passphrase leaves garbage with valid padding once in 256 times.
    #[test]
    fn a_wrong_passphrase_never_looks_like_a_damaged_file() {
        let bytes = read("p256.no-mac.p12");
        for attempt in 0..400 {
            let error = error_of(&bytes, Some(&format!("wrong {attempt}")));
            assert!(matches!(error, KeyError::WrongPassphrase), "{attempt}: {error:?}");
        }
    }

    #[test]
    fn rfc7515_4_1_6_the_chain_is_in_order_and_other_certificates_are_left_out() {
        let chain = [pem("rsa2048.leaf.pem"), pem("ca.cert.pem")];
        for file in ["rsa2048.chain.p12", "rsa2048.chain-and-others.p12", "rsa2048.nss.p12"] {
            let key = private(file, Some(PASSPHRASE)).unwrap();
            assert_eq!(key.public_jwk().certificates(), chain, "{file}");
        }
        let key = private("p256.p12", Some(PASSPHRASE)).unwrap();
        assert_eq!(key.public_jwk().certificates(), [pem("p256.cert.pem")]);
        // In an order that no program writes.
        let certificates =
            ["ca.cert.pem", "p384.cert.pem", "rsa2048.leaf.pem"].map(|file| certificate_bag(&pem(file)));
        let bags = [certificates.concat(), key_bag("rsa2048.pkcs8.der")].concat();
        let key = PrivateKey::from_bytes(&pfx(&[data(&tlv(0x30, &bags))])).unwrap();
        assert_eq!(key.public_jwk().certificates(), chain);
    }

    const BAD_SAYS: [(&str, &str); 8] = [
        ("no-key.p12", "expected a private key, found a PKCS#12 file without a private key"),
        (
            "two-keys.p12",
            "expected one private key, found 2: (1) thumbprint -8XI0VfIx_ICgFnTLhuCkWSA8XR6yWW2GzssDGWCtu0; (2) thumbprint O2LLTCBW_ROG483Md87aOsyJO1GLWd38x7eHk2UVBTk; select one by alias, kid or thumbprint",
        ),
        ("wrong-certificate.p12", "the certificate is for another key"),
        (
            "rc4.p12",
            "a PKCS#12 file with 128-bit RC4 is not supported; convert it with: openssl pkcs12 -legacy -in KEY -nodes -out key.pem",
        ),
        (
            "mac-md5.p12",
            "a PKCS#12 file with a MAC with MD5 is not supported; convert it with: openssl pkcs12 -legacy -in KEY -nodes -out key.pem",
        ),
        (
            "mac-billion.p12",
            "key derivation out of bounds: PKCS#12's MAC iteration count is 1000000000, allowed: 1 to 10000000",
        ),
        (
            "pbe-billion.p12",
            "key derivation out of bounds: PKCS#12's PBE iteration count is 1000000000, allowed: 1 to 10000000",
        ),
        (
            "encrypted-billion.p12",
            "key derivation out of bounds: PKCS#12's PBE iteration count is 1000000000, allowed: 1 to 10000000",
        ),
    ];

    #[test]
    fn every_bad_file_has_its_own_error() {
        assert_eq!(BAD_SAYS.map(|(file, _)| file), BAD_PKCS12);
        for (file, says) in BAD_SAYS {
            let bytes = read(&format!("bad/{file}"));
            let error = error_of(&bytes, Some(PASSPHRASE));
            assert_eq!(error.to_string(), says, "{file}");
            let expected = match (file, &error) {
                ("no-key.p12", KeyError::NotPrivate { found }) => found.contains("PKCS#12"),
                ("two-keys.p12", KeyError::SeveralKeys { found }) => found.len() == 2,
                ("wrong-certificate.p12", KeyError::CertificateMismatch) => true,
                ("rc4.p12", KeyError::UnsupportedPkcs12 { scheme }) => scheme == "128-bit RC4",
                ("mac-md5.p12", KeyError::UnsupportedPkcs12 { scheme }) => scheme == "a MAC with MD5",
                (_, KeyError::KeyDerivationCost { found, .. }) => found == "1000000000",
                _ => false,
            };
            assert!(expected, "{file}: {error:?}");
            // None of this needs a passphrase, except to see that it hides no key.
            let without = error_of(&bytes, None);
            match file {
                "no-key.p12" => assert!(matches!(without, KeyError::PassphraseRequired)),
                _ => assert_eq!(without.to_string(), says, "{file}"),
            }
        }
    }

    fn oid(last: &[u8]) -> Vec<u8> {
        tlv(6, &[&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1][..], last].concat())
    }

    fn content_info(kind: u8, content: &[u8]) -> Vec<u8> {
        tlv(0x30, &[oid(&[7, kind]), tlv(0xa0, content)].concat())
    }

    fn data(content: &[u8]) -> Vec<u8> {
        content_info(1, &tlv(4, content))
    }

    /// PBES2 parameters are long, so this uses the PBE of PKCS#12.
    fn encrypted(iterations: &[u8]) -> Vec<u8> {
        let parameters = tlv(0x30, &[tlv(4, b"saltsalt"), tlv(2, iterations)].concat());
        let scheme = tlv(0x30, &[oid(&[12, 1, 3]), parameters].concat());
        let info = tlv(0x30, &[oid(&[7, 1]), scheme, tlv(0x80, &[7; 16])].concat());
        content_info(6, &tlv(0x30, &[tlv(2, &[0]), info].concat()))
    }

    fn pfx(safes: &[Vec<u8>]) -> Vec<u8> {
        tlv(0x30, &[tlv(2, &[3]), data(&tlv(0x30, &safes.concat()))].concat())
    }

    fn bag(kind: u8, value: &[u8]) -> Vec<u8> {
        tlv(0x30, &[oid(&[12, 10, 1, kind]), tlv(0xa0, value)].concat())
    }

    fn key_bag(file: &str) -> Vec<u8> {
        bag(1, &read(file))
    }

    fn certificate_bag(der: &[u8]) -> Vec<u8> {
        bag(3, &tlv(0x30, &[oid(&[9, 22, 1]), tlv(0xa0, &tlv(4, der))].concat()))
    }

    /// A friendly name is UTF-16 (RFC 2985 §5.5.1), among other attributes.
    fn named(bag: &[u8], name: &str) -> Vec<u8> {
        let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let attribute = |kind: u8, tag: u8, value: &[u8]| {
            tlv(0x30, &[oid(&[9, kind]), tlv(0x31, &tlv(tag, value))].concat())
        };
        let attributes = tlv(0x31, &[attribute(21, 4, b"1"), attribute(20, 0x1e, &units)].concat());
        // The bag is a SEQUENCE of less than 64 KiB.
        let content = match bag[1] {
            0x82 => &bag[4..],
            0x81 => &bag[3..],
            _ => &bag[2..],
        };
        tlv(0x30, &[content, &attributes].concat())
    }

    #[test]
    fn one_of_several_keys_is_taken_by_its_alias_with_its_own_chain() {
        use private_key_jwt::keys::KeyLoader;
        let closed = bag(2, &read("p256.pbkdf2-sha256-aes256.der"));
        let keys = [
            named(&key_bag("rsa2048.pkcs8.der"), "web server"),
            named(&closed, "schlüssel🔑"),
            named(&key_bag("ed25519.pkcs8.der"), ""),
        ];
        let certificates =
            ["ca.cert.pem", "p256.cert.pem", "rsa2048.leaf.pem"].map(|file| certificate_bag(&pem(file)));
        let file = pfx(&[data(&tlv(0x30, &[certificates.concat(), keys.concat()].concat()))]);
        let loader = KeyLoader::new().passphrase(PASSPHRASE);
        let KeyError::SeveralKeys { found } = loader.load_bytes(&file).unwrap_err() else {
            panic!("one key")
        };
        let aliases: Vec<_> = found.iter().map(|entry| entry.alias.as_deref()).collect();
        assert_eq!(aliases, [Some("web server"), Some("schlüssel🔑"), None]);
        let thumbprints =
            ["rsa2048", "p256", "ed25519"].map(|stem| key(&format!("{stem}.pkcs8.pem")).thumbprint());
        assert_eq!(found.iter().map(|entry| entry.thumbprint.unwrap()).collect::<Vec<_>>(), thumbprints);

        let by_name = |name: &str| loader.clone().entry(name).load_bytes(&file);
        for name in ["web server", "WEB Server", &thumbprints[0].to_string()] {
            let key = by_name(name).unwrap();
            assert_eq!(
                key.public_jwk().certificates(),
                [pem("rsa2048.leaf.pem"), pem("ca.cert.pem")],
                "{name}"
            );
            is_the_key_of(&key, "rsa2048");
        }
        is_the_key_of(&by_name("schlüssel🔑").unwrap(), "p256");
        // A key without a certificate, next to others that have one.
        assert!(by_name(&thumbprints[2].to_string()).unwrap().certificates().is_empty());
        let error = by_name("mail\nserver").unwrap_err();
        assert!(
            matches!(&error, KeyError::NoSuchEntry { name, found } if name == "mail\\u{a}server" && found.len() == 3)
        );
        assert!(
            error
                .to_string()
                .starts_with("no key is named `mail\\u{a}server`, found 3: (1) alias `web server`, ")
        );
        // Without the passphrase, only the encrypted content is unreadable.
        let without = |name: &str| KeyLoader::new().entry(name).load_bytes(&file);
        is_the_key_of(&without("web server").unwrap(), "rsa2048");
        assert!(matches!(
            without("schlüssel🔑"),
            Err(KeyError::WrongPassphrase | KeyError::PassphraseRequired)
        ));
    }

    const SIX_MILLION: [u8; 3] = [0x5b, 0x8d, 0x80];

    /// One file, one bound: it counts the work of all derivations, for every passphrase that is
    /// tried.
    #[test]
    fn the_work_of_a_file_is_bounded_before_any_of_it_is_done() {
        let work = |file: &[u8], passphrase| match error_of(file, passphrase) {
            KeyError::KeyDerivationCost { parameter: "the work in blocks of 64 bytes", found, allowed } => {
                assert_eq!(allowed, "at most 21000000");
                found.parse::<u64>().unwrap()
            }
            other => panic!("{other:?}"),
        };
        // A key of 3DES takes two hashes and its IV one, so the work is three times the iterations.
        // The first hash of each covers three blocks, and one more if there is a passphrase.
        let ten_million = encrypted(&[0, 0x98, 0x96, 0x80]);
        assert_eq!(work(&pfx(std::slice::from_ref(&ten_million)), Some("wrong")), 3 * (10_000_000 + 3));
        // Without a passphrase, none and the empty one are tried.
        let six_million = encrypted(&SIX_MILLION);
        assert_eq!(
            work(&pfx(std::slice::from_ref(&six_million)), None),
            3 * (6_000_000 + 3) + 3 * (6_000_000 + 2)
        );
        // Parts, and the MAC: SHA-256 derives a key with one hash, and the MAC covers the content.
        let two = [six_million.clone(), encrypted(&[0x3d, 0x09, 0x01])];
        assert_eq!(work(&pfx(&two), Some("wrong")), 3 * (6_000_000 + 3) + 3 * (4_000_001 + 3));
        let algorithm = tlv(0x30, &tlv(6, &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1]));
        let info = tlv(0x30, &[algorithm, tlv(4, &[7; 32])].concat());
        let mac = |count: &[u8]| tlv(0x30, &[info.clone(), tlv(4, b"saltsalt"), tlv(2, count)].concat());
        let content = tlv(0x30, &six_million);
        let with_mac = tlv(0x30, &[tlv(2, &[3]), data(&content), mac(&SIX_MILLION)].concat());
        let mac_of_content = (content.len() as u64 + 9).div_ceil(64) + 1;
        assert_eq!(work(&with_mac, Some("wrong")), 6_000_000 + 3 + mac_of_content + 3 * (6_000_000 + 3));
        // Keys in the file count like parts; a long passphrase and a long salt count by their
        // blocks.
        let parameters = tlv(0x30, &[tlv(4, &[7; 200]), tlv(2, &SIX_MILLION)].concat());
        let scheme = tlv(0x30, &[oid(&[12, 1, 3]), parameters].concat());
        let shrouded = bag(2, &tlv(0x30, &[scheme, tlv(4, &[7; 16])].concat()));
        let keys = data(&tlv(0x30, &[shrouded.clone(), shrouded].concat()));
        // 200 bytes are 4 blocks, 99 characters are 200 bytes; plus one block of the purpose and
        // one of padding.
        assert_eq!(work(&pfx(&[keys]), Some(&"x".repeat(99))), 2 * 3 * (6_000_000 - 1 + 10));
        assert!(matches!(
            error_of(&pfx(&vec![encrypted(&[1]); 2]), Some("wrong")),
            KeyError::WrongPassphrase
        ));
        let error = error_of(&pfx(&[encrypted(&[0])]), None);
        assert!(matches!(&error, KeyError::KeyDerivationCost { found, .. } if found == "0"), "{error:?}");
    }

    #[test]
    fn public_key_modes_are_named() {
        let signed = tlv(0x30, &[tlv(2, &[3]), content_info(2, &tlv(0x30, &[]))].concat());
        let enveloped = pfx(&[content_info(3, &tlv(0x30, &[]))]);
        for (file, name) in [
            (signed, "public-key integrity (SignedData)"),
            (enveloped, "public-key encryption (EnvelopedData)"),
        ] {
            let error = error_of(&file, None);
            assert!(
                matches!(&error, KeyError::UnsupportedPkcs12 { scheme } if scheme == name),
                "{name}: {error:?}"
            );
        }
    }

    #[test]
    fn rfc7292_4_2_bags_within_bags_and_bags_that_hold_no_key() {
        let nested = |levels: usize| {
            let inner = tlv(0x30, &key_bag("p256.pkcs8.der"));
            (0..levels).fold(inner, |contents, _| tlv(0x30, &bag(6, &contents)))
        };
        for levels in 0..5 {
            is_the_key_of(&PrivateKey::from_bytes(&pfx(&[data(&nested(levels))])).unwrap(), "p256");
        }
        for levels in [5, 20, 60] {
            let error = error_of(&pfx(&[data(&nested(levels))]), None);
            assert!(matches!(error, KeyError::Der { structure: STRUCTURE }), "{levels}: {error:?}");
        }
        // A revocation list, a secret, a certificate that is not X.509: none of them is read.
        let others = [
            bag(4, &[5, 0]),
            bag(5, &[5, 0]),
            bag(3, &tlv(0x30, &[oid(&[9, 22, 2]), tlv(0xa0, &[5, 0])].concat())),
        ];
        let bags = [others.concat(), key_bag("p256.pkcs8.der")].concat();
        is_the_key_of(&PrivateKey::from_bytes(&pfx(&[data(&tlv(0x30, &bags))])).unwrap(), "p256");
        let error = error_of(&pfx(&[]), None);
        assert!(matches!(error, KeyError::NotPrivate { .. }), "{error:?}");
    }

    #[test]
    fn a_pem_block_counts_as_a_key() {
        let text = [read("p256.pkcs12.pem"), read("ed25519.pkcs8.pem")].concat();
        assert!(
            matches!(error_of(&text, Some(PASSPHRASE)), KeyError::SeveralKeys { found } if found.len() == 2)
        );
        // Certificates around it belong to it.
        let text = [
            read("rsa2048.leaf.pem"),
            b"-----BEGIN PKCS12-----\n".to_vec(),
            {
                let file = pfx(&[data(&tlv(0x30, &key_bag("rsa2048.pkcs8.der")))]);
                crate::support::base64(&file).into_bytes()
            },
            b"\n-----END PKCS12-----\n".to_vec(),
        ]
        .concat();
        let key = PrivateKey::from_bytes(&text).unwrap();
        assert_eq!(key.public_jwk().certificates(), [pem("rsa2048.leaf.pem")]);
    }

    #[test]
    fn damaged_files_are_errors_or_the_same_key() {
        let original = key("p256.pkcs8.pem").thumbprint();
        // The second and third have no MAC: damage of unencrypted content may go unnoticed, but not
        // damage of the key.
        for (file, most) in [("p256.one-iteration.p12", 10), ("p256.open.p12", 1300), ("p256.ber.p12", 320)] {
            let bytes = read(file);
            let mut same = 0;
            let mut damaged: Vec<Vec<u8>> = (0..bytes.len()).map(|len| bytes[..len].to_vec()).collect();
            let masks: &[u8] = if file == "p256.ber.p12" { &[0xff] } else { &[0x01, 0x20, 0x80, 0xff] };
            for at in 0..bytes.len() {
                for mask in masks {
                    let mut bytes = bytes.clone();
                    bytes[at] ^= mask;
                    damaged.push(bytes);
                }
            }
            for bytes in damaged {
                let _ = PublicKey::from_bytes(&bytes);
                let _ = PrivateKey::from_bytes(&bytes);
                match PrivateKey::from_encrypted_bytes(&bytes, PASSPHRASE) {
                    Ok(key) => {
                        assert_eq!(key.thumbprint(), original, "{file}");
                        same += 1;
                    }
                    Err(_) => {
                        error_of(&bytes, Some(PASSPHRASE));
                    }
                }
            }
            assert!(same <= most, "{file}: {same} are the same key");
        }
    }

    /// The test measures memory instead of time: anything that is read repeatedly is copied
    /// repeatedly.
    #[test]
    fn the_longest_files_are_read_in_proportion() {
        const LEN: usize = PrivateKey::MAX_FILE_LEN - 100;
        // A length of three octets, which `tlv` does not write.
        fn long(tag: u8, content: &[u8]) -> Vec<u8> {
            let len = u32::try_from(content.len()).unwrap().to_be_bytes();
            [&[tag, 0x83], &len[1..], content].concat()
        }
        let file = |safes: &[u8]| {
            let safes = long(0x30, safes);
            let info = long(0x30, &[oid(&[7, 1]), long(0xa0, &long(4, &safes))].concat());
            long(0x30, &[tlv(2, &[3]), info].concat())
        };
        let full = |piece: &[u8]| piece.repeat(LEN / piece.len());
        let bags = |bag: &[u8]| {
            let bags = long(0x30, &full(bag));
            long(0x30, &[oid(&[7, 1]), long(0xa0, &long(4, &bags))].concat())
        };
        for bytes in [
            file(&full(&encrypted(&[1]))),
            file(&full(&[0x30, 0])),
            file(&full(&[0x30, 0x80, 0, 0])),
            file(&full(&[0x24, 0x80, 4, 0, 0, 0])),
            file(&bags(&certificate_bag(&pem("p256.cert.pem")))),
            file(&bags(&bag(4, &[5, 0]))),
            [&[0x30, 0x80, 2, 1, 3, 0x30, 0x80][..], &full(&[0x30, 0x80])].concat(),
            [&[0x30, 0x80, 2, 1, 3, 0x30, 0x80][..], &full(&[0x24, 0x80, 4, 1, 7, 0, 0])].concat(),
        ] {
            assert!(bytes.len() <= PrivateKey::MAX_FILE_LEN + 100, "{}", bytes.len());
            let bytes = &bytes[..bytes.len().min(PrivateKey::MAX_FILE_LEN)];
            let read = crate::support::memory(|| {
                assert!(PrivateKey::from_bytes(bytes).is_err());
                assert!(PrivateKey::from_encrypted_bytes(bytes, PASSPHRASE).is_err());
            });
            assert!(read <= 1000 * PrivateKey::MAX_FILE_LEN as u64, "{read} {:?}", &bytes[..20]);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn arbitrary_content_does_not_panic(
            content in prop::collection::vec(any::<u8>(), 0..200),
            elements in prop::collection::vec((0_usize..12, prop::collection::vec(any::<u8>(), 0..12)), 0..6),
        ) {
            let elements: Vec<u8> = elements
                .iter()
                .flat_map(|(at, value)| {
                    let tags = [0x30, 0x30, 0x31, 0x24, 0x04, 0x02, 0x06, 0x80, 0xa0, 0xa0, 0x05, 0x03];
                    tlv(tags[*at], value)
                })
                .collect();
            for content in [content, elements] {
                let files = [
                    tlv(0x30, &[&[2, 1, 3, 0x30], content.as_slice()].concat()),
                    tlv(0x30, &[tlv(2, &[3]), tlv(0x30, &content)].concat()),
                    tlv(0x30, &[tlv(2, &[3]), data(&content)].concat()),
                    tlv(0x30, &[tlv(2, &[3]), data(&tlv(0x30, &[])), tlv(0x30, &content)].concat()),
                    pfx(std::slice::from_ref(&content)),
                    pfx(&[data(&content)]),
                    pfx(&[data(&tlv(0x30, &content))]),
                    pfx(&[data(&tlv(0x30, &bag(3, &content)))]),
                    pfx(&[data(&tlv(0x30, &bag(2, &content)))]),
                    pfx(&[content_info(6, &content)]),
                    [&[0x30, 0x80, 2, 1, 3, 0x30, 0x80], content.as_slice(), &[0; 4]].concat(),
                ];
                for file in files {
                    error_of(&file, None);
                    error_of(&file, Some(PASSPHRASE));
                }
            }
        }
    }
}
