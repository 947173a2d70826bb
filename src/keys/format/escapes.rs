//! Removes the escapes that JSON, a shell or a `.env` file left in a text.

use zeroize::Zeroizing;

use crate::jose::json::escapes::{string, unit};

/// The base64 digits, without white space and without escaped white space. Some serializers also
/// escape `/` (PHP) and `+` (.NET). A backslash without meaning here stays, so that decoding fails.
pub(super) fn base64_digits(text: &[u8]) -> Zeroizing<Vec<u8>> {
    // One buffer, allocated in full at once: a buffer that grows leaves copies behind.
    let mut digits = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    loop {
        let is_digit = |byte: &u8| !byte.is_ascii_whitespace() && *byte != b'\\';
        let (line, end) = rest.split_at(rest.iter().take_while(|byte| is_digit(byte)).count());
        digits.extend_from_slice(line);
        let Some((&byte, behind)) = end.split_first() else {
            return digits;
        };
        rest = behind;
        if byte.is_ascii_whitespace() {
            continue;
        }
        // A double escape is as clear as a single one.
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
            // A backslash that continues the line.
            Some((next, _)) if next.is_ascii_whitespace() => rest = escaped.unwrap_or_default(),
            _ => {
                digits.push(byte);
                rest = escaped.unwrap_or_default();
            }
        }
    }
}

/// The content of quotes: the value of a JSON string, or the text unchanged.
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
            // These do not escape any character of base64.
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
