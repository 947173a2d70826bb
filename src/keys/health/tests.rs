use super::*;
use crate::jose::{Jwk, KeyParameters};
use crate::keys::{PrivateKey, PublicKey};

/// A private JWK of `testdata/keys`.
macro_rules! file {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../../../testdata/keys/", $name)).as_slice())
    };
}

/// The modulus of a JWK, private or not.
fn modulus(jwk: &[u8]) -> Vec<u8> {
    let mut members: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(jwk).unwrap();
    members.retain(|name, _| !Jwk::PRIVATE_MEMBERS.contains(&name.as_str()));
    let jwk = Jwk::from_json(serde_json::to_string(&members).unwrap().as_bytes()).unwrap();
    let KeyParameters::Rsa { n, .. } = jwk.parameters() else { panic!("an RSA key") };
    n.clone()
}

fn judged(n: &[u8]) -> Option<RsaWeakness> {
    match check_public(n, &Allowance::default()) {
        Ok(()) => None,
        Err(KeyError::WeakRsa { weakness }) => Some(weakness),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn a_modulus_that_can_be_factored_is_named() {
    for ((name, jwk), weakness) in [
        (file!("bad/rsa2048.small-factor.jwk.json"), RsaWeakness::SmallFactor { factor: 4093 }),
        (file!("bad/rsa2048.close-primes.jwk.json"), RsaWeakness::ClosePrimes),
        (file!("bad/rsa2048.square.jwk.json"), RsaWeakness::ClosePrimes),
        (file!("bad/rsa2048.prime-modulus.jwk.json"), RsaWeakness::PrimeModulus),
        (file!("bad/rsa2048.cube.jwk.json"), RsaWeakness::DependentPrimes),
        (file!("bad/rsa2048.dependent-primes.jwk.json"), RsaWeakness::DependentPrimes),
        // Its modulus looks like a prime to base 2.
        (file!("bad/rsa2048.short-d.jwk.json"), RsaWeakness::DependentPrimes),
        (file!("bad/rsa2048.roca.jwk.json"), RsaWeakness::Roca),
    ] {
        let n = modulus(jwk);
        assert_eq!(judged(&n), Some(weakness), "{name}");
        assert_eq!(judged(&n), Some(weakness), "{name}: what is refused is not remembered");
    }
    for factor in [3, 5, 701, 751, 757, 4093] {
        let mut n = vec![0xff; 255];
        n.insert(0, 0x80);
        let rest = n.iter().fold(0_u32, |rest, digit| (rest << 8 | u32::from(*digit)) % factor);
        let least = &mut n[254..256];
        let low = u32::from(u16::from_be_bytes([least[0], least[1]])) - rest;
        least.copy_from_slice(&u16::try_from(low).unwrap().to_be_bytes());
        let found = judged(&n);
        assert!(
            matches!(found, Some(RsaWeakness::SmallFactor { factor: least }) if least <= factor),
            "{factor}: {found:?}"
        );
    }
}

#[test]
fn sound_keys_of_every_length_pass() {
    for (name, jwk) in [
        file!("rsa2048.jwk.json"),
        file!("rsa2048.swapped.jwk.json"),
        file!("rsa2049.jwk.json"),
        file!("rsa2560.unbalanced.jwk.json"),
        // A weakness that only factoring can show is accepted.
        file!("rsa2048.composite-prime.jwk.json"),
        // The modulus alone does not show how close its primes are.
        file!("bad/rsa2048.near-primes.jwk.json"),
    ] {
        assert_eq!(judged(&modulus(jwk)), None, "{name}");
    }
    for (name, pem) in [
        file!("rsa2048.pub.pem"),
        file!("rsa2048-pss.pub.pem"),
        file!("rsa2048.cert.pem"),
        file!("ca.cert.pem"),
    ] {
        assert!(PublicKey::from_bytes(pem).is_ok(), "{name}");
    }
    for (name, pem) in [
        file!("rsa2048.pkcs8.pem"),
        file!("rsa2048-pss.pkcs8.pem"),
        file!("rsa3072.pkcs8.pem"),
        file!("rsa4096.pkcs8.pem"),
        file!("rsa8192.pkcs8.pem"),
    ] {
        let key = PrivateKey::from_bytes(pem).unwrap();
        let KeyParameters::Rsa { n, .. } = key.public_jwk().parameters().clone() else { panic!("{name}") };
        // Not from the cache, which loading has filled.
        let modulus = BoxedUint::from_be_slice_vartime(&n);
        assert!(check_residues(&n).is_ok() && !has_close_factors(&modulus), "{name}");
        assert!(check_order_of_two(modulus).is_ok(), "{name}");
    }
    for material in (0..3).map(|_| crate::keys::backend::generate_rsa(2048).unwrap()) {
        crate::keys::policy::check_strength(&material).unwrap();
    }
}

/// The probability that a sound modulus has the structure of ROCA: the product, over all primes, of
/// the share of the powers of 65537.
#[test]
fn a_sound_key_looks_like_roca_once_in_2_to_the_167() {
    assert_eq!(POWERS.len(), 125);
    let share = |(prime, is_power): &(u64, Vec<bool>)| {
        let powers = is_power.iter().filter(|is_power| **is_power).count();
        (powers as f64 / (prime - 1) as f64).log2()
    };
    let exponent: f64 = POWERS.iter().map(share).sum();
    assert!((-167.3..-167.2).contains(&exponent), "{exponent}");
}

#[test]
fn trial_division_knows_every_odd_prime_below_its_bound() {
    let primes: Vec<u64> = SMALL_PRIMES.iter().flat_map(|group| group.primes.clone()).collect();
    assert_eq!((primes.len(), primes[0], primes[563 - 1]), (563, 3, 4093));
    assert!(primes.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn a_remainder_is_that_of_a_division() {
    let divided = |words: &[u64], product: u64| {
        let octets: Vec<u8> = words.iter().rev().flat_map(|word| word.to_be_bytes()).collect();
        let product = crypto_bigint::NonZero::new(crypto_bigint::Limb(product)).unwrap();
        BoxedUint::from_be_slice_vartime(&octets).rem_limb(product).0
    };
    let mut random = 1_u64;
    for len in (0..=128).step_by(8).chain([1, 31, 33, 63, 65, 127]) {
        let next = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            random
        };
        let mixed: Vec<u64> = std::iter::repeat_with(next).take(len).collect();
        for words in [mixed, vec![u64::MAX; len], vec![0; len]] {
            for group in SMALL_PRIMES.iter() {
                let expected = if len == 0 { 0 } else { divided(&words, group.product) };
                assert_eq!(group.remainder(&words), expected, "{len} words by {}", group.product);
            }
        }
    }
}

/// a² − b² with a the given number of steps above its root.
#[test]
fn fermat_takes_a_hundred_steps() {
    const BITS: u32 = 2048 + 64;
    let small = |number: u32| BoxedUint::from(number).resize_unchecked(BITS);
    let a = BoxedUint::one_with_precision(BITS).shl(1023).wrapping_add(small(12_345));
    // √(a² − b²) is a − b²/2a: for b² = 2·a·steps it is `steps` below a.
    for (steps, is_found) in [(1, true), (2, true), (50, true), (98, true), (102, false), (1000, false)] {
        let b = a.wrapping_mul(small(2 * steps)).floor_sqrt_vartime();
        let n = a.wrapping_square().wrapping_sub(b.wrapping_square());
        let found = has_close_factors(&n);
        assert_eq!(found, is_found, "{steps}");
    }
}

#[test]
fn the_tests_of_a_set_cost_no_more_than_its_allowance() {
    let allowance = Allowance::default();
    for _ in 0..8 {
        allowance.draw(8192).unwrap();
    }
    for bits in [8192, 2048] {
        let found = 512 + (bits as u64 / 2048).pow(3);
        assert!(
            matches!(allowance.draw(bits), Err(KeyError::RsaCheckCost { found: other, limit: 512 }) if other == found)
        );
    }
    let allowance = Allowance::default();
    for (bits, cost) in [(2048, 1), (2049, 8), (4096, 8), (4097, 27), (6144, 27), (6145, 64)] {
        let before = allowance.spent.load(Ordering::Relaxed);
        allowance.draw(bits).unwrap();
        assert_eq!(allowance.spent.load(Ordering::Relaxed) - before, cost, "{bits}");
    }
}

#[test]
fn a_modulus_that_has_passed_is_not_tested_again() {
    let n = modulus(file!("rsa2049.jwk.json").1);
    let first = Allowance::default();
    check_public(&n, &first).unwrap();
    let again = Allowance::default();
    check_public(&n, &again).unwrap();
    assert_eq!(again.spent.load(Ordering::Relaxed), 0);
    assert!(is_known(&Sha256::digest(&n).into()));
}

#[test]
fn primes_are_close_by_the_limit_of_fips_186_5() {
    /// p and q of 1024 bits with this difference, in a key that is otherwise invalid.
    fn close(difference: &BoxedUint) -> bool {
        let p = BoxedUint::one_with_precision(1024).shl(1023);
        let q = p.wrapping_add(difference);
        let n = p.concatenating_mul(&q);
        let [n, p, q] = [n, p, q].map(|number| number.to_be_bytes_trimmed_vartime());
        let numbers = [&n[..], &[3], &[3], &p, &q, &[3], &[3], &[3]];
        let crate::keys::material::KeyMaterial::Rsa { pkcs1, .. } =
            crate::keys::material::KeyMaterial::rsa(numbers).unwrap()
        else {
            panic!("an RSA key")
        };
        are_close(&crate::keys::numbers::rsa_private(&pkcs1).unwrap())
    }
    let bit = |bit: u32| BoxedUint::one_with_precision(1024).shl(bit);
    for number in [0, 1, 500, 900, 923, 924] {
        assert!(close(&bit(number)), "{number}");
    }
    assert!(close(&BoxedUint::zero_with_precision(1024)));
    for number in [925, 926, 1000, 1022] {
        assert!(!close(&bit(number)), "{number}");
    }
}
