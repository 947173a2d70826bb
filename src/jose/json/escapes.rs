//! Decodes the escapes of JSON strings (RFC 8259 §7) in memory that is wiped. `serde_json` decodes
//! them in a buffer of its own, which it does not wipe.

use zeroize::Zeroizing;

/// The value of a string, without its quotes. `None` for an invalid escape.
pub(crate) fn string(inner: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // An escape is longer than its value, so the buffer does not grow.
    let mut value = Zeroizing::new(Vec::with_capacity(inner.len()));
    let mut rest = inner;
    while let Some((before, escaped)) = split_at_escape(rest) {
        value.extend_from_slice(before);
        let (len, character) = escape(escaped).ok()?;
        value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        rest = escaped.get(len..)?;
    }
    value.extend_from_slice(rest);
    Some(value)
}

fn split_at_escape(text: &[u8]) -> Option<(&[u8], &[u8])> {
    text.split_at_checked(memchr::memchr(b'\\', text)?)
}

/// The escape at the start of a text: its length and its value. The error is the length up to and
/// including the damage.
pub(super) fn escape(text: &[u8]) -> Result<(usize, char), usize> {
    let unit = |at: usize| match text.get(at..at + 4) {
        Some(digits) => unit(digits).ok_or(at + 4),
        None => Err(text.len()),
    };
    let simple = |character| Ok((2, character));
    match text.get(1) {
        Some(byte @ (b'"' | b'\\' | b'/')) => simple(char::from(*byte)),
        Some(b'n') => simple('\n'),
        Some(b'r') => simple('\r'),
        Some(b't') => simple('\t'),
        Some(b'b') => simple('\u{8}'),
        Some(b'f') => simple('\u{c}'),
        Some(b'u') => {
            let first = unit(2)?;
            if !(0xd800..0xdc00).contains(&first) {
                return char::from_u32(first.into()).map(|character| (6, character)).ok_or(6);
            }
            for (at, expected) in [(6, b'\\'), (7, b'u')] {
                if text.get(at) != Some(&expected) {
                    return Err(text.len().min(at + 1));
                }
            }
            let units = [first, unit(8)?];
            char::decode_utf16(units).next().and_then(Result::ok).map(|character| (12, character)).ok_or(12)
        }
        _ => Err(text.len().min(2)),
    }
}

/// Four hexadecimal digits.
pub(crate) fn unit(text: &[u8]) -> Option<u16> {
    let digits = str::from_utf8(text.get(..4)?).ok()?;
    let hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    hexadecimal.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::json::first_string;

    #[test]
    fn rfc8259_7_a_string_has_one_value() {
        for (inner, expected) in [
            (r"a\nb\r\t\b\f\/\\", Some("a\nb\r\t\u{8}\u{c}/\\")),
            (r#"{\"d\":1}"#, Some(r#"{"d":1}"#)),
            (r"\u0041\u00e9\ud83d\ude00", Some("Aé😀")),
            (r"\ud83d", None),
            (r"\ud83dx", None),
            (r"\ud83d\u0041", None),
            (r"\ude00", None),
            (r"\x", None),
            (r"\u12", None),
            (r"\u+123", None),
            (r"\", None),
        ] {
            let value = string(inner.as_bytes());
            assert_eq!(value.as_ref().map(|value| str::from_utf8(value).unwrap()), expected, "{inner}");
            let quoted = format!("\"{inner}\", and more");
            assert_eq!(first_string(&quoted).as_deref(), expected, "{inner}");
        }
        for cut in ["", "a", "\"", "\"a", "\"a\\\"", "\"a\nb\""] {
            assert!(first_string(cut).is_none(), "{cut}");
        }
    }
}
