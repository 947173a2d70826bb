//! RSA keys that can be factored are refused by every entry point, with the name of the weakness.

use private_key_jwt::jose::KeyParameters;
use private_key_jwt::keys::{KeyError, RsaWeakness};
use private_key_jwt::{Algorithm, Jwk, JwkSet, PrivateKey, PublicKey, PublicKeySet};
use serde_json::{Map, Value};

use crate::support::{base64, from_base64url, key, pem, read, tlv};

/// A file of `testdata/keys/bad`, and the weakness of its key.
const WEAK: [(&str, RsaWeakness, &str); 9] = [
    ("small-factor", RsaWeakness::SmallFactor { factor: 4093 }, "its modulus is divisible by 4093"),
    ("close-primes", RsaWeakness::ClosePrimes, "its primes are too close to each other (FIPS 186-5 A.1.3)"),
    ("near-primes", RsaWeakness::ClosePrimes, "its primes are too close to each other (FIPS 186-5 A.1.3)"),
    ("square", RsaWeakness::ClosePrimes, "its primes are too close to each other (FIPS 186-5 A.1.3)"),
    ("prime-modulus", RsaWeakness::PrimeModulus, "its modulus is a prime number"),
    (
        "cube",
        RsaWeakness::DependentPrimes,
        "its modulus is a power of a prime, or its primes depend on each other",
    ),
    (
        "dependent-primes",
        RsaWeakness::DependentPrimes,
        "its modulus is a power of a prime, or its primes depend on each other",
    ),
    ("roca", RsaWeakness::Roca, "its primes have the structure of ROCA (CVE-2017-15361)"),
    (
        "short-d",
        RsaWeakness::ShortPrivateExponent { bits: 1023, least: 1025 },
        "its private exponent has 1023 bits, at least 1025 are required (FIPS 186-5 A.1.1)",
    ),
];

/// A key whose public half is in the file: the private half does not show the weakness.
const PUBLIC_ONLY: &str = "dependent-primes";

/// The weakness of the public half alone.
fn public_weakness(name: &str, expected: RsaWeakness) -> Option<RsaWeakness> {
    match name {
        "near-primes" => None,
        "short-d" => Some(RsaWeakness::DependentPrimes),
        _ => Some(expected),
    }
}

fn members(name: &str) -> Map<String, Value> {
    serde_json::from_slice(&read(&format!("bad/rsa2048.{name}.jwk.json"))).unwrap()
}

fn number(members: &Map<String, Value>, name: &str) -> Vec<u8> {
    let number = from_base64url(members[name].as_str().unwrap());
    // A DER INTEGER has a sign.
    if number[0] & 0x80 == 0 { number } else { [&[0], number.as_slice()].concat() }
}

fn sequence(numbers: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let elements: Vec<u8> = numbers.into_iter().flat_map(|number| tlv(2, &number)).collect();
    tlv(0x30, &elements)
}

/// RFC 8017 A.1.2, with zeros for missing numbers.
fn pkcs1(members: &Map<String, Value>) -> Vec<u8> {
    let names = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];
    let numbers = names.map(|name| if members.contains_key(name) { number(members, name) } else { vec![0] });
    sequence(std::iter::once(vec![0]).chain(numbers))
}

fn block(label: &str, der: &[u8]) -> Vec<u8> {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64(der)).into_bytes()
}

fn public_members(name: &str) -> Map<String, Value> {
    members(name).into_iter().filter(|(name, _)| ["kty", "n", "e"].contains(&name.as_str())).collect()
}

fn weakness(error: &KeyError) -> RsaWeakness {
    match error {
        KeyError::WeakRsa { weakness } => *weakness,
        other => panic!("{other:?}"),
    }
}

fn refused<T: std::fmt::Debug>(result: Result<T, KeyError>) -> RsaWeakness {
    weakness(&result.unwrap_err())
}

#[test]
fn a_weak_private_key_is_refused_in_every_format() {
    for (name, expected, says) in WEAK.into_iter().filter(|(name, ..)| *name != PUBLIC_ONLY) {
        // Without its primes, a key needs a feature to be told from a damaged one; its modulus does
        // not.
        let jwk = Value::Object(members(name)).to_string();
        let error = PrivateKey::from_bytes(jwk.as_bytes()).unwrap_err();
        assert_eq!(weakness(&error), expected, "{name}");
        assert_eq!(error.to_string(), format!("the RSA key can be factored: {says}; generate a new key"));
        let der = pkcs1(&members(name));
        let algorithm = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
        let pkcs8 = tlv(0x30, &[&[2, 1, 0][..], &algorithm, &tlv(4, &der)].concat());
        for file in [
            der.clone(),
            block("RSA PRIVATE KEY", &der),
            pkcs8.clone(),
            block("PRIVATE KEY", &pkcs8),
            format!(r#"{{"keys":[{jwk}]}}"#).into_bytes(),
            format!(r#"{{"private":{jwk}}}"#).into_bytes(),
        ] {
            assert_eq!(refused(PrivateKey::from_bytes(&file)), expected, "{name}");
        }
    }
}

#[test]
fn a_weak_public_key_is_refused_in_every_format() {
    let own = match key("rsa2048.pkcs8.pem").public_jwk().parameters() {
        KeyParameters::Rsa { n, .. } => n.clone(),
        other => panic!("{other:?}"),
    };
    let certificate = pem("rsa2048.cert.pem");
    let at = certificate.windows(own.len()).position(|window| window == own).unwrap();
    for (name, expected, _) in WEAK {
        let members = public_members(name);
        let jwk = Value::Object(members.clone()).to_string();
        let [n, e] = ["n", "e"].map(|name| number(&members, name));
        let der = sequence([n.clone(), e]);
        let algorithm = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
        let bits = tlv(3, &[&[0], der.as_slice()].concat());
        let spki = tlv(0x30, &[&algorithm[..], &bits].concat());
        // A certificate is not validated, so any certificate will do.
        let mut certificate = certificate.clone();
        certificate[at..at + own.len()].copy_from_slice(&n[n.len() - own.len()..]);
        for file in [
            jwk.clone().into_bytes(),
            der.clone(),
            block("RSA PUBLIC KEY", &der),
            spki.clone(),
            block("PUBLIC KEY", &spki),
            certificate.clone(),
            block("CERTIFICATE", &certificate),
        ] {
            let found = PublicKey::from_bytes(&file).err().map(|error| weakness(&error));
            assert_eq!(found, public_weakness(name, expected), "{name}");
        }
        // In a set, it does not affect the other keys, and gives the reason whenever it is
        // requested.
        let sound = key("rsa2048.pkcs8.pem").with_key_id("sound").public_jwk().to_json();
        let weak = Jwk::from_json(jwk.as_bytes()).unwrap().with_key_id("weak").to_json();
        let set = JwkSet::from_json(format!(r#"{{"keys":[{weak},{sound}]}}"#).as_bytes()).unwrap();
        let set = PublicKeySet::from(set);
        assert!(set.select(Some(&"sound".into()), Algorithm::RS256).is_ok());
        for _ in 0..2 {
            let found = set.select(Some(&"weak".into()), Algorithm::PS256).err();
            assert_eq!(found.map(|error| weakness(&error)), public_weakness(name, expected), "{name}");
        }
    }
}

#[test]
fn a_ring_takes_no_signer_with_a_weak_public_key() {
    use private_key_jwt::jose::Signature;
    use private_key_jwt::keys::{BoxFuture, KeyRing, Signer};

    /// Like a signer whose key is in a smart card from the time of ROCA.
    struct Card(Jwk);

    impl Signer for Card {
        fn algorithm(&self) -> Algorithm {
            Algorithm::RS256
        }

        fn public_jwk(&self) -> &Jwk {
            &self.0
        }

        fn sign<'a>(&'a self, _: &'a [u8]) -> BoxFuture<'a, Result<Signature, KeyError>> {
            Box::pin(async { Err(KeyError::Signing) })
        }
    }

    let jwk = Jwk::from_json(Value::Object(public_members("roca")).to_string().as_bytes()).unwrap();
    let card = Card(jwk.with_key_id("card").for_signatures(Algorithm::RS256).unwrap());
    let error = KeyRing::new(std::sync::Arc::new(card)).map(|_| ()).unwrap_err();
    assert_eq!(weakness(&error), RsaWeakness::Roca);
}

/// One set has one allowance: 256 keys of 8192 bits would take half a minute.
#[test]
fn the_checks_of_a_set_are_bounded() {
    // Odd, without a small factor, and of the slowest length: only the whole test shows whether it
    // is a key.
    let mut n = vec![0xb5; 1024];
    let mut keys = Vec::new();
    while keys.len() < 9 {
        let low = u16::from_be_bytes([n[1022], n[1023]]) - 2;
        n[1022..].copy_from_slice(&low.to_be_bytes());
        if (3..4096_u32)
            .step_by(2)
            .all(|factor| n.iter().fold(0, |rest, digit| (rest << 8 | u32::from(*digit)) % factor) != 0)
        {
            let key = Jwk::new(KeyParameters::Rsa { n: n.clone(), e: vec![1, 0, 1] });
            keys.push(key.with_key_id(keys.len().to_string()));
        }
    }
    let set = PublicKeySet::from(JwkSet::from_iter(keys));
    let select = |name: usize| set.select(Some(&name.to_string().into()), Algorithm::RS256);
    for name in 0..8 {
        assert!(select(name).is_ok(), "{name}");
    }
    let error = select(8).unwrap_err();
    assert!(matches!(error, KeyError::RsaCheckCost { found: 576, limit: 512 }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "checking all RSA keys would cost as much as 576 keys of 2048 bits, the limit is 512; use fewer or shorter keys"
    );
    // A key that has passed before costs nothing.
    assert!(select(0).is_ok());
}

#[test]
fn a_key_tells_what_was_checked_of_it() {
    let names = |checks: &[private_key_jwt::keys::KeyCheck]| {
        checks.iter().map(|check| check.name).collect::<Vec<_>>().join(", ")
    };
    let rsa = key("rsa2048.pkcs8.pem");
    assert_eq!(
        names(rsa.checks()),
        "size, public exponent, parts, small factors, close primes, private exponent, ROCA"
    );
    assert_eq!(
        names(rsa.public_key().unwrap().checks()),
        "size, public exponent, small factors, close primes, prime modulus, dependent primes, ROCA"
    );
    for (file, private, public) in
        [("p256.pkcs8.pem", "private value, parts", "point"), ("ed25519.pkcs8.pem", "parts", "point")]
    {
        let key = key(file);
        assert_eq!(names(key.checks()), private, "{file}");
        assert_eq!(names(key.public_key().unwrap().checks()), public, "{file}");
    }
}

/// The primes p and q of this key depend on each other: p−1 divides q−1. Its private numbers do not
/// show it.
const DEPENDENT: [(&str, &str); 8] = [
    ("e", "AQAB"),
    (
        "n",
        "04uP8zBTCkJ8WfKEeSJkA1iKz6Qnpq5FQEseopSCXSunlxqxjKMitvcqib2Vyu5lguGenb_4yVIcQQ11hHmQ6Vjk\
         h0j2maav5DJAP_0snJSezKGE0I9vw08qchjGhHUzxvLg5u_8oSc87ep8q00rnB1DvgCYXkSDGF-i6-VQXIXRHcby\
         jIDm5zjFCtqtDFQpJfepkQqJs2PWwxtsmNUzmIDeutZVFzxINJog3abFlDFQ2n3lT8RHjSwzpP-49S9wrS0zYr4u\
         AzHtx_v_1z72yH42tqCMEUbf24QUqb_C-EzHqryfvSLeLH_X_KCrqt5SZ36CKrT2yMsMB3YYmbL8fQ",
    ),
    (
        "d",
        "A_O3-1ulFXXTe41ZgATh6BRy1Z8UiQbtf659ilEinwmphE3UZOqWky5jWK2G42KbMzUk47zZCDbSnxpML6Aan31S\
         a0HMawvqlHuY5eOYtXiPyat8E_J1hc4IcLGtcg22BzLP4MGr2hky20Ji5bDFCs2cA6BV0hSQFfrQtiMhCj8h",
    ),
    (
        "p",
        "DrfU6lYxCM_oJ7GZ6hxfaQwAcHM5ksT7aGVhX5Oe-_C-DczueThuOdKW_bZ9gdtUemPw6wf3Jwb1CT1WXcU1JWsT\
         8yB8wZTgqMvEaIGuNgQDMdgCHonKK5ky72G70oz_Su0hRTq_Q80Ww_6CZNkBSFgXu95lhbThbrWPDAfYbtU",
    ),
    (
        "q",
        "Dl-F7Ngr4psItsNwTp-1LJW4bdCGOVRdg_MBF1YpQgkZmXog4mEbpHenc8Q2kNAwf4WZRYXHXBzLSwXmV5KV5oqR\
         e2251QtjZNb9zg6kIL_rHqzyEdKPbpObvcVxa52xTyuSfZteyDZIO2aLVnvrQKYHLXcvJJKkJh1Nsb-pXDsJ",
    ),
    (
        "dp",
        "CuNtHMAPHpnRAiyd1ViQLUK3wHk-Cpq384-s7exkHbcIo2UMt5lL0nM9SQ2M5FjCspjlTrth2PmIpgE-t7iBjOEe\
         rStHoF7npXi6ISZvH37wbhuD1dvSOVbpG7eOIEI3S9MKXhEMFrjPMshC5yCzljW1uULakIQ0kpa28QuMztE",
    ),
    (
        "dq",
        "A_O3-1ulFXXTe41ZgATh6BRy1Z8UiQbtf659ilEinwmphE3UZOqWky5jWK2G42KbMzUk47zZCDbSnxpML6Aan31S\
         a0HMawvqlHuY5eOYtXiPyat8E_J1hc4IcLGtcg22BzLP4MGr2hky20Ji5bDFCs2cA6BV0hSQFfrQtiMhCj8h",
    ),
    (
        "qi",
        "CBkQZCUkO1ahqNwPzONm31KvBVLuU9ZGeCdUaxOI0pXvQCOlItL3w0ivmwPDgxPrpxDyj7U3ymuqzZDItSJ6zJ6k\
         KkRAh0u-b2Cw8o9RdRvpFUFi1jMjJ2jaOa8XJbVqiNbGOZ_PBGeWSu_CFpY9XUQAuJYfLtWkISc8MtP-ytw",
    ),
];

#[test]
fn a_private_key_does_not_vouch_for_its_modulus() {
    let mut members: Map<String, Value> =
        DEPENDENT.map(|(name, value)| (name.to_owned(), value.into())).into_iter().collect();
    members.insert("kty".to_owned(), "RSA".into());
    let key = PrivateKey::from_bytes(Value::Object(members).to_string().as_bytes()).unwrap();
    assert_eq!(refused(PublicKey::from_jwk(key.public_jwk())), RsaWeakness::DependentPrimes);
    assert_eq!(refused(key.public_key()), RsaWeakness::DependentPrimes);
}
