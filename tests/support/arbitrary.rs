//! Random input that resembles what the readers expect.

use proptest::prelude::*;

use crate::support::tlv;

/// JSON-like text: the words of JWKs in any order, and other JSON tokens.
pub(crate) fn jsonish() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"kty\"",
        "\"crv\"",
        "\"x\"",
        "\"y\"",
        "\"d\"",
        "\"n\"",
        "\"e\"",
        "\"keys\"",
        "\"RSA\"",
        "\"EC\"",
        "\"OKP\"",
        "\"P-256\"",
        "\"Ed25519\"",
        "\"AQAB\"",
        "\"use\"",
        "\"sig\"",
        "\"x5c\"",
        "\"alg\"",
        "null",
        "true",
        "1e999",
        "-0",
        "\"\\ud800\"",
        "\"\\u0000\"",
        " ",
    ]);
    prop::collection::vec(word, 0..60).prop_map(|words| words.concat())
}

/// A DER element of any tags that keys use, nested a few levels, with right lengths.
pub(crate) fn derish() -> impl Strategy<Value = Vec<u8>> {
    let oid = prop::sample::select(vec![
        vec![0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1],
        vec![0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10],
        vec![0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1],
        vec![0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
        vec![0x2b, 0x65, 0x70],
        vec![0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13],
        vec![0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12],
        vec![0x2b, 6, 1, 4, 1, 0xda, 0x47, 4, 11],
        vec![0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42],
    ]);
    let leaf = prop_oneof![
        oid.prop_map(|value| tlv(6, &value)),
        (0_u8..4).prop_map(|value| tlv(2, &[value])),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|value| tlv(2, &value)),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|value| tlv(4, &value)),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|value| tlv(3, &value)),
        Just(vec![5, 0]),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        (prop::sample::select(vec![0x30_u8, 0x30, 0x30, 4, 0xa0, 0xa1]), prop::collection::vec(inner, 0..6))
            .prop_map(|(tag, parts)| tlv(tag, &parts.concat()))
    })
}
