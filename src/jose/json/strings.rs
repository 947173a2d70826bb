//! Decodes the strings of a document without a copy that is not wiped.
//!
//! `serde_json` decodes escapes in a buffer of its own, which it frees without wiping. So it never
//! sees a string with an escape: in a copy of the document, every such string is blanked, and its
//! value is taken from its position in the document itself. The copy is as long as the document, so
//! errors have the same position in both.

use serde::de::Error;
use zeroize::Zeroizing;

use super::escapes;
use crate::jose::text::Text;

/// Decodes the strings that a parser meets. It reads a text that lives for `'de`, made from a
/// document that lives for `'a`.
pub(super) trait Strings<'de, 'a>: Copy {
    /// A string inside the text.
    fn text(self, string: &'de str) -> Text<'a>;

    /// A string from the parser's buffer.
    fn copied<E: Error>(self, string: &str) -> Result<Text<'a>, E>;
}

/// A document without escapes.
#[derive(Clone, Copy)]
pub(super) struct AsWritten;

impl<'a> Strings<'a, 'a> for AsWritten {
    fn text(self, string: &'a str) -> Text<'a> {
        Text::Borrowed(string)
    }

    fn copied<E: Error>(self, string: &str) -> Result<Text<'a>, E> {
        Ok(Text::Owned(Zeroizing::new(string.to_owned())))
    }
}

/// A document whose strings with escapes are blanked.
pub(super) struct Blanked<'a> {
    document: &'a [u8],
    text: Zeroizing<Vec<u8>>,
}

impl<'a> Blanked<'a> {
    pub(super) fn of(document: &'a [u8]) -> Self {
        let mut text = Zeroizing::new(document.to_vec());
        let mut rest = text.as_mut_slice();
        while let Some(open) = memchr::memchr(b'"', rest) {
            let Some(string) = rest.get_mut(open..) else { break };
            // An unterminated string is the last.
            let end = escapes::end_of_string(string).unwrap_or(string.len());
            let Some((string, behind)) = string.split_at_mut_checked(end) else { break };
            blank(string);
            rest = behind;
        }
        Self { document, text }
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(super) fn originals(&self) -> Originals<'a> {
        Originals { document: self.document, start: self.text.as_ptr() as usize }
    }
}

/// Blanks a string if it has an escape. The string stays as it is from an invalid escape on,
/// because the parser stops there. Control characters and bytes that are not UTF-8 also stay,
/// because the parser stops for them as well.
fn blank(string: &mut [u8]) {
    if memchr::memchr(b'\\', string).is_none() {
        return;
    }
    let Some(inner) = string.get_mut(1..) else { return };
    let len = match inner {
        [.., b'"'] => inner.len() - 1,
        _ => inner.len(),
    };
    let len = escapes::sound_len(inner.get(..len).unwrap_or_default());
    let Some(inner) = inner.get_mut(..len) else { return };
    let is_text = str::from_utf8(inner).is_ok();
    for byte in inner.iter_mut().filter(|byte| **byte >= 0x20 && (is_text || byte.is_ascii())) {
        *byte = b' ';
    }
}

/// Maps the strings of a [`Blanked`] text to those of its document.
#[derive(Clone, Copy)]
pub(super) struct Originals<'a> {
    document: &'a [u8],
    /// The address of the text.
    start: usize,
}

impl<'a> Originals<'a> {
    /// A part of the text as written in the document.
    pub(super) fn written(self, part: &str) -> Option<&'a str> {
        let at = (part.as_ptr() as usize).checked_sub(self.start)?;
        str::from_utf8(self.document.get(at..at.checked_add(part.len())?)?).ok()
    }
}

impl<'de, 'a> Strings<'de, 'a> for Originals<'a> {
    fn text(self, string: &'de str) -> Text<'a> {
        let owned = || Text::Owned(Zeroizing::new(string.to_owned()));
        match self.written(string) {
            Some(written) if written.contains('\\') => escapes::text(written).map_or_else(owned, Text::Owned),
            Some(written) => Text::Borrowed(written),
            // Not from the document: the parser's name for a number.
            None => owned(),
        }
    }

    /// The parser never copies a string of such a text: it finds the string damaged first.
    fn copied<E: Error>(self, _: &str) -> Result<Text<'a>, E> {
        Err(E::custom("an escape that means nothing"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::jose::JoseError;
    use crate::jose::json::{Member, object, read_members};

    #[test]
    fn strings_with_escapes_are_blanked_and_others_stay() {
        for (document, blanked) in [
            (r#"{"a":"b\n","c\"":"d"}"#, r#"{"a":"   ","   ":"d"}"#),
            (r#"["\\","x",1]"#, r#"["  ","x",1]"#),
            (r#"["ab\x\n"]"#, r#"["  \x\n"]"#),
            ("[\"a\\n\u{1}b\"]", "[\"   \u{1} \"]"),
            (r#"["a\nb"#, r#"["    "#),
            (r#"["a\nb\"#, r#"["    \"#),
            (r#"["é\n"]"#, r#"["    "]"#),
            (r#"["a\ud83d"]"#, r#"[" \ud83d"]"#),
        ] {
            assert_eq!(str::from_utf8(Blanked::of(document.as_bytes()).text()), Ok(blanked), "{document}");
        }
        assert_eq!(Blanked::of(b"[\"a\\n\xff\"]").text(), b"[\"   \xff\"]");
    }

    /// Compares what this crate and `serde_json` read from a document.
    fn is_read_as_serde_json_does(document: &[u8]) {
        let plain = serde_json::from_slice::<Value>(document);
        match (object("x", document), plain) {
            (Ok(members), Ok(plain)) => assert_eq!(Value::Object(members), plain),
            (Err(JoseError::Json { line, column, .. }), Err(error)) => {
                assert_eq!(line, error.line(), "{}", document.escape_ascii());
                // After an escape, `serde_json` knows the position of bytes that are not UTF-8 only
                // roughly.
                if str::from_utf8(document).is_ok() {
                    assert_eq!(column, error.column(), "{}", document.escape_ascii());
                }
            }
            (Err(JoseError::NotAnObject { .. }), Ok(plain)) => assert!(!plain.is_object()),
            (Err(JoseError::DuplicateMember { .. } | JoseError::ReservedMember { .. }), _) => {}
            (ours, plain) => panic!("{}: {ours:?}, {plain:?}", document.escape_ascii()),
        }
        let mut values = [const { None }; 2];
        match (read_members("x", document, &["a", "b"], &mut values), object("x", document)) {
            (Ok(mut others), Ok(all)) => {
                for (name, value) in ["a", "b"].into_iter().zip(values) {
                    let value = match value {
                        Some(Member::Text(text)) => Value::String(text.into_owned().to_string()),
                        Some(Member::Other(value)) => value.0.clone(),
                        None => continue,
                    };
                    others.0.insert(name.to_owned(), value);
                }
                assert_eq!(others.0, all);
            }
            (Err(ours), Err(error)) => assert_eq!(ours, error),
            (ours, all) => panic!("{}: {:?}, {all:?}", document.escape_ascii(), ours.err()),
        }
    }

    #[test]
    fn damage_is_found_where_it_stands() {
        for text in [
            r#"{"a":"\x"}"#,
            r#"{"a":"secret\n\ud83d"}"#,
            r#"{"a":"\ud83dx"}"#,
            r#"{"a":"\ud83d\n"}"#,
            r#"{"a":"\ud83d\u0041"}"#,
            r#"{"a":"\ude00"}"#,
            r#"{"a":"\u12"}"#,
            r#"{"a":"\u12"#,
            r#"{"a":"\"#,
            r#"{"a":"b\n"#,
            r#"{"a":"b\n", }"#,
            r#"{"\x":1}"#,
            r#"{"b\n":1,"b\u000a":2}"#,
            r#"{"a\n":"\\" "b":1}"#,
            "{\"a\":\"b\\n\u{1}\"}",
            "{\n\"a\":\"b\\n\"\n,\n}",
            r#"\"#,
            r#"{\"a":1}"#,
        ] {
            is_read_as_serde_json_does(text.as_bytes());
        }
        is_read_as_serde_json_does(b"{\"a\":\"\\n\xff\"}");
        is_read_as_serde_json_does(b"{\"a\":\"\\n\xff\\x\"}");
        is_read_as_serde_json_does(b"{\"\\n\xff\":1}");
    }

    proptest! {
        /// Pieces of JSON in any order: most of the documents are damaged.
        #[test]
        fn any_document_is_read_as_serde_json_does(
            pieces in proptest::collection::vec(
                prop::sample::select(vec![
                    "{", "}", "[", "]", ":", ",", "\"", "\\", "\\n", "\\/", "\\\"", "\\u0041", "\\ud83d",
                    "\\ude00", "\\u00", "\\x", "a", "b", "\"a\"", "\"b\":", "\"\\u0061\":", "é", "\u{1}", "\n",
                    " ", "1", "null", "{\"a\":\"x\\n\"", ",\"b\":[\"\\\\\"]", "}",
                ]),
                0..12,
            ),
        ) {
            let document = pieces.concat();
            is_read_as_serde_json_does(document.as_bytes());
            is_read_as_serde_json_does(format!("{{\"a\":\"{document}\"}}").as_bytes());
        }

        /// Whole documents, with every string spelled in another way.
        #[test]
        fn every_spelling_has_the_same_value(
            texts in proptest::collection::vec("\\PC{0,12}", 1..6),
            spelling in proptest::collection::vec(0_u8..3, 1..32),
        ) {
            let mut spelling = spelling.into_iter().cycle();
            let mut spelt = |text: &str| {
                let mut string = String::from("\"");
                for character in text.chars() {
                    match spelling.next() {
                        Some(0) => character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                            string.push_str(&format!("\\u{unit:04x}"));
                        }),
                        _ if matches!(character, '"' | '\\') => string.extend(['\\', character]),
                        _ => string.push(character),
                    }
                }
                string + "\""
            };
            let members: Vec<String> =
                texts.iter().enumerate().map(|(at, text)| format!("{}:[{}]", spelt(&format!("{text}{at}")), spelt(text))).collect();
            is_read_as_serde_json_does(format!("{{{}}}", members.join(",")).as_bytes());
        }

        #[test]
        fn any_bytes_are_read_as_serde_json_does(bytes in proptest::collection::vec(
            prop::sample::select(b"{}[]:,\"\\nux0dD8cC/a \xff\xc3\xa9\x01".to_vec()), 0..24))
        {
            is_read_as_serde_json_does(&bytes);
            let document = [&b"{\"a\":\""[..], &bytes, b"\"}"].concat();
            is_read_as_serde_json_does(&document);
        }
    }
}
