use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::scalar::{Scalar, clamp_integer};
use proptest::prelude::*;
use rsa::Pss;
use rsa::traits::SignatureScheme;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::{KEYS, KeyMaterial, KeyParameters, Private, difference, key, material, policy, rust, sum};
use crate::jose::{Algorithm, Curve, KeyType};

const MESSAGE: &[u8] = b"signing input";

#[test]
fn what_one_signs_the_other_verifies() {
    for (name, _) in KEYS {
        let key = key(name);
        for algorithm in key.algorithms() {
            let signatures = key.sign(algorithm, MESSAGE).unwrap();
            for signature in &signatures {
                assert!(key.public.verify(algorithm, MESSAGE, signature), "{name} {algorithm}");
                assert!(!key.public.verify(algorithm, b"another", signature), "{name} {algorithm}");
            }
            let [rust, aws] = signatures;
            assert_eq!(rust.len(), aws.len());
            // RFC 8017 §8.2 and RFC 8032 §5.1.6 are deterministic.
            if matches!(algorithm.key_type(), KeyType::Rsa | KeyType::Ed25519) && !algorithm.is_pss() {
                assert_eq!(rust, aws, "{name} {algorithm}");
            }
        }
    }
}

#[test]
fn a_signature_is_for_one_algorithm_and_one_type_of_key() {
    for name in
        ["rsa2048.pkcs8.der", "p256.pkcs8.der", "p384.pkcs8.der", "p521.pkcs8.der", "ed25519.pkcs8.der"]
    {
        let key = key(name);
        for own in key.algorithms() {
            let [signature, _] = key.sign(own, MESSAGE).unwrap();
            for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| *algorithm != own) {
                let two_names =
                    own.key_type() == KeyType::Ed25519 && algorithm.key_type() == KeyType::Ed25519;
                assert_eq!(key.public.verify(algorithm, MESSAGE, &signature), two_names, "{own} {algorithm}");
                if algorithm.key_type() != own.key_type() {
                    assert!(key.sign(algorithm, MESSAGE).unwrap_err().contains("could not sign"));
                }
            }
        }
    }
}

/// No signature verifies with a flipped bit in any octet, or with missing or extra octets.
#[test]
fn both_refuse_changed_signatures() {
    for name in [
        "rsa2048.pkcs8.der",
        "rsa2049.jwk.json",
        "p256.pkcs8.der",
        "p384.pkcs8.der",
        "p521.pkcs8.der",
        "ed25519.pkcs8.der",
    ] {
        let key = key(name);
        for algorithm in key.algorithms() {
            let [good, _] = key.sign(algorithm, MESSAGE).unwrap();
            let mut bad: Vec<Vec<u8>> = (0..good.len())
                .map(|position| {
                    let mut changed = good.clone();
                    changed[position] ^= 1 << (position % 8);
                    changed
                })
                .collect();
            bad.extend([0, 1, 32, good.len() / 2, good.len() - 1].map(|len| good[..len].to_vec()));
            bad.extend([[&[0], &good[..]].concat(), [&good[..], &[0]].concat(), good.repeat(2)]);
            bad.extend([0, 1, 0xff].map(|octet| vec![octet; good.len()]));
            for signature in bad {
                assert!(
                    !key.public.verify(algorithm, MESSAGE, &signature),
                    "{name} {algorithm} {signature:02x?}"
                );
            }
        }
    }
}

/// RFC 8017 §5.2.2: the representative is less than n. A number and the same number plus n are
/// equal only modulo n.
#[test]
fn both_refuse_rsa_signatures_from_n_on() {
    // 2049 bits in 257 octets leave room for s + n.
    let key = key("rsa2049.jwk.json");
    let KeyParameters::Rsa { n, .. } = &key.parameters else { panic!("an RSA key") };
    for algorithm in key.algorithms() {
        let [good, _] = key.sign(algorithm, MESSAGE).unwrap();
        for signature in [sum(&good, n), n.clone(), difference(n, &[1]), difference(n, &good)] {
            assert!(!key.public.verify(algorithm, MESSAGE, &signature), "{algorithm}");
        }
    }
}

/// RFC 7518 §3.5: the salt is as long as the hash.
#[test]
fn both_refuse_pss_with_other_salts() {
    fn check<D: Digest + sha2::digest::FixedOutputReset>(algorithm: Algorithm) {
        for name in ["rsa2048.pkcs8.der", "rsa2049.jwk.json"] {
            let key = key(name);
            let rust::SigningKey::Rsa(signer) = &key.rust else { panic!("an RSA key") };
            let len = <D as Digest>::output_size();
            for salt in [0, 1, len - 1, len, len + 1, 256 - len - 2] {
                let scheme = Pss::<D>::new_with_salt(salt);
                let signature =
                    scheme.sign(Some(&mut getrandom::SysRng), signer, &D::digest(MESSAGE)).unwrap();
                assert_eq!(
                    key.public.verify(algorithm, MESSAGE, &signature),
                    salt == len,
                    "{algorithm} {salt}"
                );
            }
        }
    }
    check::<Sha256>(Algorithm::PS256);
    check::<Sha384>(Algorithm::PS384);
    check::<Sha512>(Algorithm::PS512);
}

/// The order of a curve's group.
pub(super) fn order(curve: Curve) -> Vec<u8> {
    let minus_one = match curve {
        Curve::P256 => (-p256::Scalar::ONE).to_bytes().to_vec(),
        Curve::P384 => (-p384::Scalar::ONE).to_bytes().to_vec(),
        Curve::P521 => (-p521::Scalar::ONE).to_bytes().to_vec(),
    };
    sum(&minus_one, &[1])
}

/// RFC 7518 §3.4 with FIPS 186-5 §6.4.2: r and s range from 1 to the order minus one. RFC 7518 has
/// no low-s rule.
#[test]
fn both_hold_r_and_s_to_their_range() {
    for (name, curve) in
        [("p256.pkcs8.der", Curve::P256), ("p384.pkcs8.der", Curve::P384), ("p521.pkcs8.der", Curve::P521)]
    {
        let key = key(name);
        let algorithm = key.algorithms().next().unwrap();
        let [good, _] = key.sign(algorithm, MESSAGE).unwrap();
        let (r, s) = good.split_at(curve.coordinate_len());
        let n = order(curve);
        let verify = |r: &[u8], s: &[u8]| key.public.verify(algorithm, MESSAGE, &[r, s].concat());
        assert!(verify(r, s) && verify(r, &difference(&n, s)));
        let zero = vec![0; n.len()];
        let top = vec![0xff; n.len()];
        for wrong in [&zero, &n, &sum(&n, &[1]), &difference(&n, &[1]), &top] {
            assert!(!verify(wrong, s) && !verify(r, wrong) && !verify(wrong, wrong), "{name} {wrong:02x?}");
        }
        assert!(!verify(&difference(&n, r), s) && !verify(s, r));
        // Other representations of the same numbers, if they fit: on P-521 both do.
        assert!(!verify(&sum(r, &n), s) && !verify(r, &sum(s, &n)));
    }
}

/// The private scalar of an Ed25519 seed (RFC 8032 §5.1.5).
fn ed25519_scalar(material: &KeyMaterial) -> Scalar {
    let KeyMaterial::Ed25519 { seed, .. } = material else { panic!("an Ed25519 key") };
    let hash = Sha512::digest(seed.as_slice());
    Scalar::from_bytes_mod_order(clamp_integer(hash[..32].try_into().unwrap()))
}

/// If R is the neutral element, S = k·a holds. Both libraries accept that; the policy rejects it
/// for both, as `verify_strict` of RustCrypto does.
#[test]
fn both_refuse_ed25519_signatures_with_r_of_small_order() {
    let material = material("ed25519.pkcs8.der");
    let key = Private::new(&material).unwrap();
    let KeyParameters::Ed25519 { x } = key.parameters else { panic!("an Ed25519 key") };
    let mut taken = 0;
    for r in EIGHT_TORSION.map(|point| point.compress()) {
        let hash = Sha512::new().chain_update(r.as_bytes()).chain_update(x).chain_update(MESSAGE).finalize();
        let k = Scalar::from_bytes_mod_order_wide(&hash.into());
        let signature = [r.to_bytes(), (k * ed25519_scalar(&material)).to_bytes()].concat();
        let raw = key.public.rust.verify(Algorithm::EdDSA, MESSAGE, &signature);
        assert_eq!(raw, key.public.aws.verify(Algorithm::EdDSA, MESSAGE, &signature));
        taken += usize::from(raw);
        for algorithm in [Algorithm::EdDSA, Algorithm::Ed25519] {
            assert!(!policy::check_signature(algorithm, &signature));
            assert!(!key.public.verify(algorithm, MESSAGE, &signature));
        }
        // The other types of key have no such rule.
        assert!(policy::check_signature(Algorithm::ES256, &signature));
    }
    assert_eq!(taken, 1, "the neutral element, without the policy");
}

/// RFC 8032 §5.1.7: S is less than the order of the group.
#[test]
fn both_refuse_ed25519_signatures_with_s_from_the_order_on() {
    let key = key("ed25519.pkcs8.der");
    let order = sum(&reversed((-Scalar::ONE).as_bytes()), &[1]);
    let [good, _] = key.sign(Algorithm::EdDSA, MESSAGE).unwrap();
    let (r, s) = good.split_at(32);
    let mut larger = reversed(s);
    for _ in 0..8 {
        larger = sum(&larger, &order);
        assert!(!key.public.verify(Algorithm::EdDSA, MESSAGE, &[r, &reversed(&larger)].concat()));
    }
    // The same y, read modulo p, and the sign of R.
    let mut other_sign = good.clone();
    other_sign[31] ^= 0x80;
    assert!(!key.public.verify(Algorithm::EdDSA, MESSAGE, &other_sign));
}

fn reversed(digits: &[u8]) -> Vec<u8> {
    digits.iter().rev().copied().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_message_and_any_damage_are_judged_alike(
        message in prop::collection::vec(any::<u8>(), 0..300),
        name in prop::sample::select(vec!["rsa2048.pkcs8.der", "p256.pkcs8.der", "p384.pkcs8.der", "ed25519.pkcs8.der"]),
        position in any::<prop::sample::Index>(),
        mask in 0_u8..,
        by_aws in any::<bool>(),
    ) {
        let key = key(name);
        for algorithm in key.algorithms() {
            let mut signature = key.sign(algorithm, &message).unwrap()[usize::from(by_aws)].clone();
            let position = position.index(signature.len());
            signature[position] ^= mask;
            prop_assert_eq!(key.public.verify(algorithm, &message, &signature), mask == 0);
        }
    }
}
