//! Escapes that are left in a text which went through JSON, a shell or a `.env` file.

use zeroize::Zeroizing;

/// The digits of base64, without white space and without escapes of white space. Some serializers
/// also escape `/` (PHP) and `+` (.NET). A backslash that means nothing here stays, so that
/// decoding fails.
pub(super) fn base64_digits(text: &[u8]) -> Zeroizing<Vec<u8>> {
    // One buffer, large enough from the start: one that grows leaves copies behind.
    let mut digits = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte.is_ascii_whitespace() {
            continue;
        }
        if byte != b'\\' {
            digits.push(byte);
            continue;
        }
        // Escaped twice is as clear as once.
        let escaped = behind.iter().position(|byte| *byte != b'\\').and_then(|at| behind.get(at..));
        match escaped.and_then(<[u8]>::split_first) {
            Some((b'n' | b'r' | b't', behind)) => rest = behind,
            Some((b'/', _)) => rest = escaped.unwrap_or_default(),
            Some((b'u', behind)) if unit(behind).is_some_and(|unit| unit < 0x80) => {
                let [.., character] = unit(behind).unwrap_or_default().to_be_bytes();
                if !character.is_ascii_whitespace() {
                    digits.push(character);
                }
                rest = behind.get(4..).unwrap_or_default();
            }
            // A line that a backslash continues.
            Some((next, _)) if next.is_ascii_whitespace() => rest = escaped.unwrap_or_default(),
            _ => {
                digits.push(byte);
                rest = escaped.unwrap_or_default();
            }
        }
    }
    digits
}

/// What is between quotes: the value of a JSON string, or the text as it stands.
pub(super) fn unquoted(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let [first @ (b'"' | b'\'' | b'`'), inner @ .., last] = text else {
        return None;
    };
    if first != last {
        return None;
    }
    let as_it_stands = || Zeroizing::new(inner.to_vec());
    Some(if *first == b'"' { string(inner).unwrap_or_else(as_it_stands) } else { as_it_stands() })
}

/// The value of a JSON string (RFC 8259 §7), without its quotes. `serde_json` undoes escapes in a
/// buffer that it does not wipe.
pub(super) fn string(inner: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut value = Zeroizing::new(Vec::with_capacity(inner.len()));
    let mut rest = inner;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'\\' {
            value.push(byte);
            continue;
        }
        let (&escape, behind) = rest.split_first()?;
        rest = behind;
        match escape {
            b'"' | b'\\' | b'/' => value.push(escape),
            b'n' => value.push(b'\n'),
            b'r' => value.push(b'\r'),
            b't' => value.push(b'\t'),
            b'b' => value.push(8),
            b'f' => value.push(12),
            b'u' => {
                let mut units = [unit(rest)?, 0];
                let is_pair = (0xd800..0xdc00).contains(&units[0]);
                rest = rest.get(4..)?;
                if is_pair {
                    units[1] = unit(rest.strip_prefix(b"\\u")?)?;
                    rest = rest.get(6..)?;
                }
                let character = char::decode_utf16(units).next()?.ok()?;
                // Never longer than its escape, so that the buffer does not grow.
                value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => return None,
        }
    }
    Some(value)
}

/// Four hexadecimal digits.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = std::str::from_utf8(text.get(..4)?).ok()?;
    let hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    hexadecimal.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> String {
        String::from_utf8(base64_digits(text.as_bytes()).to_vec()).unwrap()
    }

    #[test]
    fn escapes_of_white_space_and_of_digits_are_undone() {
        for (text, expected) in [
            ("AB\nCD", "ABCD"),
            (r"AB\nCD\r\nEF\t", "ABCDEF"),
            (r"AB\\nCD\\\\n", "ABCD"),
            (r"A\/B\\/C", "A/B/C"),
            (r"A\u002bB\u002FC\u003d\u000a\u000D", "A+B/C="),
            ("AB\\\nCD\\\r\n", "ABCD"),
            // Not escapes of anything that stands in base64.
            (r"A\xB", r"A\xB"),
            (r"A\u00e9", r"A\u00e9"),
            (r"A\u00", r"A\u00"),
            (r"A\u+02b", r"A\u+02b"),
            (r"A\", r"A\"),
        ] {
            assert_eq!(digits(text), expected, "{text}");
        }
    }

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
            (r"\", None),
        ] {
            let value = string(inner.as_bytes()).map(|value| String::from_utf8(value.to_vec()).unwrap());
            assert_eq!(value.as_deref(), expected, "{inner}");
        }
    }

    #[test]
    fn quotes_come_in_pairs() {
        let inner = |text: &str| unquoted(text.as_bytes()).map(|inner| inner.to_vec());
        assert_eq!(inner(r#""a\nb""#).as_deref(), Some(&b"a\nb"[..]));
        assert_eq!(inner(r#""a\xb""#).as_deref(), Some(&br"a\xb"[..]));
        assert_eq!(inner(r"'a\nb'").as_deref(), Some(&br"a\nb"[..]));
        for text in ["", "\"", "a", "\"a", "a'", "\"a'"] {
            assert_eq!(inner(text), None, "{text}");
        }
    }
}
