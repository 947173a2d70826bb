//! Decodes the escapes of JSON strings (RFC 8259 §7) in memory that is wiped. `serde_json` decodes
//! them in a buffer of its own, which it does not wipe.

use zeroize::{Zeroize, Zeroizing};

/// The value of a string, without its quotes. `None` for an invalid escape.
pub(crate) fn string(inner: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // An escape is longer than its value, so the buffer does not grow.
    let mut value = Zeroizing::new(Vec::with_capacity(inner.len()));
    let mut rest = inner;
    while let Some((before, escaped)) = split_at_escape(rest) {
        value.extend_from_slice(before);
        let (len, character) = escape(escaped)?;
        value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        rest = escaped.get(len..)?;
    }
    value.extend_from_slice(rest);
    Some(value)
}

/// As [`string`], for text.
pub(crate) fn text(inner: &str) -> Option<Zeroizing<String>> {
    string(inner.as_bytes()).and_then(into_text)
}

/// The string at the start of a text, including its quotes.
pub(crate) fn first_string(text: &str) -> Option<Zeroizing<String>> {
    let string = text.strip_prefix('"').and_then(|_| text.get(..end_of_string(text.as_bytes())?))?;
    let inner = string.get(1..string.len().checked_sub(1)?)?;
    let has_controls = inner.bytes().any(|byte| byte < 0x20);
    self::text(inner).filter(|_| !has_controls)
}

/// The same bytes as text.
pub(crate) fn into_text(mut bytes: Zeroizing<Vec<u8>>) -> Option<Zeroizing<String>> {
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Some(Zeroizing::new(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            None
        }
    }
}

/// The end of the string at the start of a text, including its quotes.
pub(super) fn end_of_string(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        match text.get(at) {
            // An escaped character does not end the string.
            Some(b'\\') => at += 2,
            _ => return Some(at + 1),
        }
    }
}

/// The length of a string before its first invalid escape.
pub(super) fn sound_len(inner: &[u8]) -> usize {
    let mut rest = inner;
    while let Some((_, escaped)) = split_at_escape(rest) {
        match escape(escaped).and_then(|(len, _)| escaped.get(len..)) {
            Some(behind) => rest = behind,
            None => return inner.len() - escaped.len(),
        }
    }
    inner.len()
}

fn split_at_escape(text: &[u8]) -> Option<(&[u8], &[u8])> {
    text.split_at_checked(memchr::memchr(b'\\', text)?)
}

/// The escape at the start of a text: its length and its value.
fn escape(text: &[u8]) -> Option<(usize, char)> {
    let simple = |character| Some((2, character));
    match text.get(1)? {
        byte @ (b'"' | b'\\' | b'/') => simple(char::from(*byte)),
        b'n' => simple('\n'),
        b'r' => simple('\r'),
        b't' => simple('\t'),
        b'b' => simple('\u{8}'),
        b'f' => simple('\u{c}'),
        b'u' => {
            let first = unit(text.get(2..)?)?;
            if !(0xd800..0xdc00).contains(&first) {
                return char::from_u32(first.into()).map(|character| (6, character));
            }
            let second = unit(text.get(6..)?.strip_prefix(b"\\u")?)?;
            let character = char::decode_utf16([first, second]).next()?.ok()?;
            Some((12, character))
        }
        _ => None,
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
            assert_eq!(text(inner).as_deref().map(String::as_str), expected, "{inner}");
            let quoted = format!("\"{inner}\", and more");
            assert_eq!(first_string(&quoted).as_deref().map(String::as_str), expected, "{inner}");
        }
        for cut in ["", "a", "\"", "\"a", "\"a\\\"", "\"a\nb\""] {
            assert_eq!(first_string(cut), None, "{cut}");
        }
    }

    #[test]
    fn what_stands_before_damage_is_sound() {
        for (inner, len) in [("ab", 2), (r"a\nb", 4), (r"a\nb\x\n", 4), (r"\", 0), (r"a\ud83d\u0041", 1)] {
            assert_eq!(sound_len(inner.as_bytes()), len, "{inner}");
        }
    }
}
