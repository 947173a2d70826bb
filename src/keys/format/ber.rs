//! BER (X.690 §8), which RFC 7292 allows and Firefox and Bouncy Castle write: indefinite lengths,
//! strings in pieces.
//!
//! It is rewritten as DER, so that all later code reads one encoding. `der` also reads indefinite
//! lengths, but no strings in pieces inside other types, and its buffers are not wiped.

use der::{Encode, Length};
use zeroize::Zeroizing;

const MAX_DEPTH: usize = 32;

const CONSTRUCTED: u8 = 0x20;
const OCTET_STRING: u8 = 0x04;
const OPEN: u8 = 0x80;
const END: &[u8] = &[0, 0];

/// One element as DER. `None` if it is not BER or if more bytes follow.
pub(super) fn to_der(ber: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // From 64 KiB on, a definite length takes one byte more. Allocate in full at once: a buffer
    // that grows leaves copies.
    let mut der = Zeroizing::new(Vec::with_capacity(ber.len() + ber.len() / 64));
    let rest = element(ber, &mut der, MAX_DEPTH)?;
    rest.is_empty().then_some(der)
}

/// Writes the first element and returns the bytes after it.
fn element<'a>(ber: &'a [u8], der: &mut Vec<u8>, depth: usize) -> Option<&'a [u8]> {
    let (tag, length, rest) = header(ber)?;
    let start = der.len();
    let rest = match tag {
        _ if tag & CONSTRUCTED == 0 => {
            let (value, rest) = rest.split_at_checked(length?)?;
            der.extend_from_slice(value);
            rest
        }
        _ if tag == OCTET_STRING | CONSTRUCTED => pieces(length, rest, der, depth)?,
        _ => each(length, rest, depth, |rest, depth| element(rest, der, depth))?,
    };
    let tag = if tag == OCTET_STRING | CONSTRUCTED { OCTET_STRING } else { tag };
    let length = Length::try_from(der.len() - start).and_then(|length| length.to_der()).ok()?;
    der.splice(start..start, std::iter::once(tag).chain(length));
    Some(rest)
}

/// Joins the pieces of an OCTET STRING (X.690 §8.7.3).
fn pieces<'a>(length: Option<usize>, ber: &'a [u8], der: &mut Vec<u8>, depth: usize) -> Option<&'a [u8]> {
    each(length, ber, depth, |piece, depth| {
        let (tag, length, rest) = header(piece)?;
        if tag == OCTET_STRING | CONSTRUCTED {
            return pieces(length, rest, der, depth);
        }
        let (value, rest) = rest.split_at_checked(length.filter(|_| tag == OCTET_STRING)?)?;
        der.extend_from_slice(value);
        Some(rest)
    })
}

/// Visits the elements of a constructed one, up to its length or its end-of-contents octets.
/// Returns the bytes after it.
fn each<'a>(
    length: Option<usize>,
    ber: &'a [u8],
    depth: usize,
    mut step: impl FnMut(&'a [u8], usize) -> Option<&'a [u8]>,
) -> Option<&'a [u8]> {
    let depth = depth.checked_sub(1)?;
    let Some(length) = length else {
        let mut rest = ber;
        loop {
            match rest.strip_prefix(END) {
                Some(behind) => return Some(behind),
                None => rest = step(rest, depth)?,
            }
        }
    };
    let (mut rest, behind) = ber.split_at_checked(length)?;
    while !rest.is_empty() {
        rest = step(rest, depth)?;
    }
    Some(behind)
}

/// The tag, the length (`None` if indefinite) and the rest. No type here has a tag of several
/// octets.
fn header(ber: &[u8]) -> Option<(u8, Option<usize>, &[u8])> {
    let (&[tag, first], rest) = ber.split_first_chunk()?;
    if tag & 0x1f == 0x1f || tag == 0 {
        return None;
    }
    match first {
        OPEN => (tag & CONSTRUCTED != 0).then_some((tag, None, rest)),
        0..OPEN => Some((tag, Some(usize::from(first)), rest)),
        _ => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            // Leading zeros are allowed, so the number of digits is no limit.
            let length = digits.iter().try_fold(0_usize, |length, digit| {
                (length < 1 << 23).then_some(length << 8 | usize::from(*digit))
            });
            Some((tag, Some(length?), rest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(ber: &[u8]) -> Option<Vec<u8>> {
        to_der(ber).map(|der| der.to_vec())
    }

    #[test]
    fn x690_8_1_3_lengths_take_their_shortest_form() {
        let cases: [(&[u8], &[u8]); 7] = [
            (&[5, 0], &[5, 0]),
            (&[2, 0x81, 1, 7], &[2, 1, 7]),
            (&[2, 0x85, 0, 0, 0, 0, 1, 7], &[2, 1, 7]),
            (&[0x30, 0x80, 0, 0], &[0x30, 0]),
            (&[0x30, 0x80, 2, 1, 7, 0x30, 0x80, 5, 0, 0, 0, 0, 0], &[0x30, 7, 2, 1, 7, 0x30, 2, 5, 0]),
            (&[0xa0, 0x80, 4, 2, 0, 0, 0, 0], &[0xa0, 4, 4, 2, 0, 0]),
            (&[0x30, 4, 0x30, 0x80, 0, 0], &[0x30, 2, 0x30, 0]),
        ];
        for (ber, expected) in cases {
            assert_eq!(der(ber).as_deref(), Some(expected), "{ber:?}");
            assert_eq!(der(expected).as_deref(), Some(expected), "DER stays as it is");
        }
    }

    #[test]
    fn x690_8_7_3_strings_in_pieces_are_joined() {
        let cases: [(&[u8], &[u8]); 4] = [
            (&[0x24, 0x80, 4, 1, 7, 4, 2, 8, 9, 0, 0], &[4, 3, 7, 8, 9]),
            (&[0x24, 6, 4, 1, 7, 4, 1, 8], &[4, 2, 7, 8]),
            (&[0x24, 0x80, 0x24, 0x80, 4, 1, 7, 0, 0, 4, 1, 8, 0, 0], &[4, 2, 7, 8]),
            (&[0x24, 0], &[4, 0]),
        ];
        for (ber, expected) in cases {
            assert_eq!(der(ber).as_deref(), Some(expected), "{ber:?}");
        }
        assert_eq!(der(&[0x24, 3, 2, 1, 7]), None, "a piece of another type");
        assert_eq!(der(&[0x24, 0x80, 4, 0x80, 0, 0, 0, 0]), None, "an open piece that is not constructed");
    }

    #[test]
    fn what_is_not_ber_is_refused() {
        let deep = |levels: usize| [[0x30, 0x80].repeat(levels), [0, 0].repeat(levels)].concat();
        assert!(der(&deep(MAX_DEPTH)).is_some());
        for ber in [
            &b""[..],
            &[0x30],
            &[0x30, 1],
            &[0x30, 0x80],
            &[0x30, 0x80, 0],
            &[0x30, 0x82, 1],
            &[0x30, 0xff],
            &[4, 0x80, 0, 0],
            &[4, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[4, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x30, 2, 0, 0],
            &[0x1f, 1, 0],
            &[5, 0, 5, 0],
            &deep(MAX_DEPTH + 1),
            &deep(100_000),
        ] {
            assert_eq!(der(ber), None, "{:?}", ber.get(..12));
        }
    }

    #[test]
    fn a_buffer_never_grows() {
        // One level holds more than 64 KiB, and so does each level around it.
        let inner = [&[4, 0x82, 0xff, 0xfc][..], &[7; 0xfffc]].concat();
        let ber = [[0x30, 0x80].repeat(30), inner, [0, 0].repeat(30)].concat();
        let der = to_der(&ber).unwrap();
        assert!(der.len() > ber.len());
        assert_eq!(der.capacity(), ber.len() + ber.len() / 64);
    }
}
