use pkcs1::UintRef;
use proptest::prelude::*;

use super::{
    KEYS, KeyMaterial, KeyParameters, Private, answer, aws, difference, key, loaded, material, policy,
    public_answer, rust, sum,
};
use crate::jose::Algorithm;
use crate::keys::KeyError;
use crate::keys::numbers::{self, bit_len};

const RSA: &str = "Inconsistent { key_type: \"RSA\" }";

/// n, e, d, p, q, dp, dq, qi.
fn numbers(name: &str) -> [Vec<u8>; 8] {
    let KeyMaterial::Rsa { pkcs1, .. } = material(name) else { panic!("an RSA key") };
    let key = numbers::rsa_private(&pkcs1).unwrap();
    [
        key.modulus,
        key.public_exponent,
        key.private_exponent,
        key.prime1,
        key.prime2,
        key.exponent1,
        key.exponent2,
        key.coefficient,
    ]
    .map(|number: UintRef<'_>| number.as_bytes().to_vec())
}

fn rsa(numbers: &[Vec<u8>; 8]) -> KeyMaterial {
    KeyMaterial::rsa(numbers.each_ref().map(Vec::as_slice)).unwrap()
}

/// An RSA key with one number replaced, by its position in RFC 8017 A.1.2.
fn rsa_with(place: usize, number: Vec<u8>) -> String {
    let mut numbers = numbers("rsa2048.pkcs8.der");
    numbers[place] = number;
    answer(&rsa(&numbers))
}

#[test]
fn rsa_numbers_off_by_little_are_no_key() {
    let good = numbers("rsa2048.pkcs8.der");
    assert_eq!(answer(&rsa(&good)), "a key");
    for (place, number) in good.iter().enumerate().filter(|(place, _)| *place != 1) {
        for other in
            [sum(number, &[1]), sum(number, &[2]), difference(number, &[1]), difference(number, &[2])]
        {
            assert_eq!(rsa_with(place, other), RSA, "{place}");
        }
        // One, the other numbers, a longer number, and one that is far too long.
        for other in
            [&[1][..], &good[0], &good[2], &good[3], &good[7], &[number, &[1][..]].concat(), &[0x55; 5000]]
        {
            let no_length = place == 0 && !(2048..=8192).contains(&bit_len(other));
            if other != number {
                let answer = rsa_with(place, other.to_vec());
                assert!(
                    if no_length { answer.starts_with("RsaSize") } else { answer == RSA },
                    "{place} {answer}"
                );
            }
        }
        let answer = rsa_with(place, vec![0]);
        let expected = ["RsaSize", "", "Incon", "RsaCrtM", "RsaCrtM", "RsaCrtM", "RsaCrtM", "RsaCrtM"][place];
        assert!(answer.starts_with(expected), "{place} {answer}");
    }
    for e in [&[3][..], &[1, 0, 3], &[1, 0xff, 0xff, 0xff, 0xff]] {
        assert_eq!(rsa_with(1, e.to_vec()), RSA);
    }
    for e in [&[0][..], &[1], &[2], &[1, 0, 0], &[2, 0, 0, 0, 1], &good[0], &good[2]] {
        assert!(rsa_with(1, e.to_vec()).starts_with("RsaExponent"), "{e:?}");
    }
}

/// Numbers that are equal modulo their modulus: only d has more than one form (RFC 8017 §3.2).
#[test]
fn rsa_numbers_that_are_not_reduced_are_no_key() {
    let [_, _, _, p, q, dp, dq, qi] = numbers("rsa2048.pkcs8.der");
    let longer = |number: &[u8]| [&[0], number].concat();
    let (p_less_one, q_less_one) = (difference(&p, &[1]), difference(&q, &[1]));
    assert_eq!(rsa_with(5, sum(&longer(&dp), &p_less_one)), RSA);
    assert_eq!(rsa_with(6, sum(&longer(&dq), &q_less_one)), RSA);
    assert_eq!(rsa_with(7, sum(&longer(&qi), &p)), RSA);
    let load =
        |bytes: &[u8]| loaded(bytes).map_or_else(|error| format!("{error:?}"), |material| answer(&material));
    assert_eq!(load(include_bytes!("../../../../testdata/keys/rsa2048.unreduced-d.jwk.json")), "a key");
    assert_eq!(load(include_bytes!("../../../../testdata/keys/bad/rsa2049.d-above-n.jwk.json")), RSA);
}

#[test]
fn rsa_primes_are_two_and_divide_n() {
    let [n, e, d, p, q, dp, dq, qi] = numbers("rsa2048.pkcs8.der");
    let others = numbers("rsa2049.jwk.json");
    let one = vec![1];
    for numbers in [
        [&n, &e, &d, &q, &p, &dp, &dq, &qi],
        [&n, &e, &d, &q, &p, &dq, &dp, &qi],
        [&n, &e, &d, &p, &q, &dq, &dp, &qi],
        [&n, &e, &d, &p, &p, &dp, &dp, &qi],
        [&n, &e, &d, &others[4], &q, &dp, &dq, &qi],
        [&n, &e, &d, &p, &others[4], &dp, &others[6], &qi],
        [&others[0], &e, &d, &p, &q, &dp, &dq, &qi],
    ] {
        assert_eq!(answer(&rsa(&numbers.map(Clone::clone))), RSA);
    }
    for numbers in [[&n, &e, &d, &one, &n, &dp, &dq, &qi], [&n, &e, &d, &n, &one, &dp, &dq, &qi]] {
        assert!(answer(&rsa(&numbers.map(Clone::clone))).starts_with("RsaPrimeLengths"));
    }
    // Neither backend tests for primes, and neither returns a signature without verifying it.
    let composite = include_bytes!("../../../../testdata/keys/rsa2048.composite-prime.jwk.json");
    let composite = Private::new(&loaded(composite).unwrap()).unwrap();
    for algorithm in composite.algorithms() {
        assert!(composite.sign(algorithm, b"message").unwrap_err().starts_with("Signing"));
    }
}

/// Each prime may be as short as a third of the modulus, and the key signs like any other.
#[test]
fn rsa_primes_may_differ_in_length() {
    let key = key("rsa2560.unbalanced.jwk.json");
    for algorithm in key.algorithms() {
        for signature in key.sign(algorithm, b"message").unwrap() {
            assert!(key.public.verify(algorithm, b"message", &signature), "{algorithm}");
        }
    }
    let short = include_bytes!("../../../../testdata/keys/bad/rsa2560.short-prime.jwk.json");
    assert_eq!(
        loaded(short).map(|_| ()).unwrap_err().to_string(),
        "the primes of the RSA key have 2048 and 512 bits, each must have at least 854"
    );
    // The parts of such a key are checked like those of any other.
    let good = numbers("rsa2560.unbalanced.jwk.json");
    for place in [0, 2, 3, 4, 5, 6, 7] {
        let mut numbers = good.clone();
        numbers[place] = sum(&numbers[place], &[2]);
        assert_eq!(answer(&rsa(&numbers)), RSA, "{place}");
    }
}

/// NIST SP 800-56B C.2.
#[test]
fn primes_are_recovered_from_n_e_and_d() {
    for (name, _) in KEYS.iter().filter(|(name, _)| name.starts_with("rsa") && !name.contains("8192")) {
        let good = numbers(name);
        let mut alone = good.clone();
        for number in alone.iter_mut().skip(3) {
            *number = vec![0];
        }
        let material = crate::keys::backend::with_primes(rsa(&alone)).unwrap();
        let KeyMaterial::Rsa { pkcs1, .. } = &material else { panic!("an RSA key") };
        let found = numbers::rsa_private(pkcs1).unwrap();
        let found = [found.prime1, found.prime2].map(|prime| prime.as_bytes().to_vec());
        assert!(found == [good[3].clone(), good[4].clone()] || found == [good[4].clone(), good[3].clone()]);
        assert_eq!(answer(&material), "a key", "{name}");
        // Without primes, the only sign of a wrong d is that no primes fit it.
        for place in [0, 2] {
            let mut wrong = alone.clone();
            wrong[place] = sum(&wrong[place], &[2]);
            let material = rsa(&wrong);
            policy::check_private(&material).unwrap();
            let error = crate::keys::backend::with_primes(material).map(|_| ()).unwrap_err();
            assert!(format!("{error:?}").starts_with(RSA), "{name} {place}: {error:?}");
        }
    }
    let [n, _, d, ..] = numbers("rsa2048.pkcs8.der");
    let zero = vec![0];
    let alone = |e: &[u8], d: &[u8]| {
        let [n, e, d] = [&n[..], e, d].map(<[u8]>::to_vec);
        let material =
            rsa(&[n, e, d].into_iter().chain(vec![zero.clone(); 5]).collect::<Vec<_>>().try_into().unwrap());
        policy::check_private(&material)
            .and_then(|()| crate::keys::backend::with_primes(material))
            .map(|_| ())
    };
    for e in [&[3][..], &[17], &[0xff, 0xff]] {
        assert!(matches!(alone(e, &d), Err(KeyError::RsaPrimesUnknown { .. })), "{e:?}");
    }
    for d in [&zero[..], &[1], &[3], &n, &[0x55; 5000], &difference(&n, &[1])] {
        assert!(matches!(alone(&[1, 0, 1], d), Err(KeyError::Inconsistent { key_type: "RSA" })), "{d:02x?}");
    }
}

#[test]
fn public_rsa_keys_are_odd() {
    let [n, e, ..] = numbers("rsa2048.pkcs8.der");
    let rsa = |n: &[u8], e: &[u8]| public_answer(&KeyParameters::Rsa { n: n.to_vec(), e: e.to_vec() });
    assert_eq!(rsa(&n, &e), "a key");
    // The modulus is not factored to check it.
    for n in [sum(&n, &[2]), vec![0xff; 256], [&[1], &n[..]].concat(), vec![0xff; 1024]] {
        assert_eq!(rsa(&n, &e), "a key");
    }
    for n in [sum(&n, &[1]), difference(&n, &[1]), [&n[..], &[0]].concat(), [&[0x80], &[0; 255][..]].concat()]
    {
        assert_eq!(rsa(&n, &e), RSA);
    }
    for n in [&n[1..], &[&[1], &[0xff; 1024][..]].concat(), &[]] {
        assert!(rsa(n, &e).starts_with("RsaSize"), "{}", n.len());
    }
    for e in [&[3][..], &[1, 0xff, 0xff, 0xff, 0xff]] {
        assert_eq!(rsa(&n, e), "a key");
    }
    for e in [&[][..], &[0], &[1], &[4], &[2, 0, 0, 0, 1], &n] {
        assert!(rsa(&n, e).starts_with("RsaExponent"), "{e:?}");
    }
}

#[test]
fn what_one_generates_the_other_loads() {
    for material in [rust::generate_rsa(2048).unwrap(), aws::generate_rsa(2048).unwrap()] {
        let key = Private::new(&material).unwrap();
        let KeyParameters::Rsa { n, e } = &key.parameters else { panic!("an RSA key") };
        assert_eq!((bit_len(n), e.as_slice()), (2048, &[1, 0, 1][..]));
        for signature in key.sign(Algorithm::PS384, b"message").unwrap() {
            assert!(key.public.verify(Algorithm::PS384, b"message", &signature));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_damaged_number_is_judged_alike(
        place in 0_usize..8,
        position in any::<prop::sample::Index>(),
        mask in any::<u8>(),
        cut in 0_usize..3,
        appended in prop::collection::vec(any::<u8>(), 0..3),
        alone in prop::bool::weighted(0.2),
    ) {
        let mut numbers = numbers("rsa2048.pkcs8.der");
        if alone {
            numbers.iter_mut().skip(3).for_each(|number| *number = vec![0]);
        }
        let number = &mut numbers[if alone { place % 3 } else { place }];
        let position = position.index(number.len());
        number[position] ^= mask;
        let kept = number.len().saturating_sub(cut).max(1);
        number.truncate(kept);
        number.extend(appended);
        let material = rsa(&numbers);
        let whole = policy::check_private(&material).and_then(|()| crate::keys::backend::with_primes(material));
        if let Ok(material) = whole {
            let _ = answer(&material);
        }
        let [n, e, ..] = numbers;
        let _ = public_answer(&KeyParameters::Rsa { n, e });
    }
}
