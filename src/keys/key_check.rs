use super::health::{FERMAT_STEPS, SMALL_FACTORS};
use crate::jose::KeyType;

/// A check that every accepted key has passed, for display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyCheck {
    /// The checked property.
    pub name: &'static str,
    /// The result, which is the same for every accepted key.
    pub found: &'static str,
}

const fn check(name: &'static str, found: &'static str) -> KeyCheck {
    KeyCheck { name, found }
}

// The texts below state these numbers.
const _: () = assert!(SMALL_FACTORS == 4096 && FERMAT_STEPS == 100);

const SIZE: KeyCheck = check("size", "2048 to 8192 bits");
const PUBLIC_EXPONENT: KeyCheck = check("public exponent", "odd, from 3 to 2^33-1");
const SMALL_FACTOR: KeyCheck = check("small factors", "no prime below 4096 divides the modulus");
const ROCA: KeyCheck = check("ROCA", "the modulus does not have the structure of CVE-2017-15361");

static RSA_PUBLIC: [KeyCheck; 7] = [
    SIZE,
    PUBLIC_EXPONENT,
    SMALL_FACTOR,
    check("close primes", "none found in 100 steps of Fermat's method"),
    check("prime modulus", "the modulus is not a prime"),
    check(
        "dependent primes",
        "the modulus is not a power of a prime, and its primes do not depend on each other",
    ),
    ROCA,
];

static RSA_PRIVATE: [KeyCheck; 7] = [
    SIZE,
    PUBLIC_EXPONENT,
    check("parts", "two primes whose product is the modulus, and exponents that belong to them"),
    SMALL_FACTOR,
    check("close primes", "the primes differ as FIPS 186-5 A.1.3 demands"),
    check("private exponent", "longer than half the modulus (FIPS 186-5 A.1.1)"),
    ROCA,
];

const POINT: KeyCheck = check("point", "on the curve, and not at infinity");

static EC_PUBLIC: [KeyCheck; 1] = [POINT];
static EC_PRIVATE: [KeyCheck; 2] = [
    check("private value", "above zero and below the order of the curve"),
    check("parts", "the point belongs to the private value"),
];

static ED25519_PUBLIC: [KeyCheck; 1] =
    [check("point", "on the curve, not of small order, in its one encoding (RFC 8032 §5.1.3)")];
static ED25519_PRIVATE: [KeyCheck; 1] = [check("parts", "the public key belongs to the private key")];

/// The checks that every public key of this type has passed.
pub(super) const fn of_public(key_type: KeyType) -> &'static [KeyCheck] {
    match key_type {
        KeyType::Rsa => &RSA_PUBLIC,
        KeyType::Ec(_) => &EC_PUBLIC,
        KeyType::Ed25519 => &ED25519_PUBLIC,
    }
}

/// The checks that every private key of this type has passed.
pub(super) const fn of_private(key_type: KeyType) -> &'static [KeyCheck] {
    match key_type {
        KeyType::Rsa => &RSA_PRIVATE,
        KeyType::Ec(_) => &EC_PRIVATE,
        KeyType::Ed25519 => &ED25519_PRIVATE,
    }
}
