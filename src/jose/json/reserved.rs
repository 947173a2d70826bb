//! Member names that serde_json reserves.
//!
//! With its features `raw_value` (enabled here) and `arbitrary_precision` (any crate of a program
//! may enable it), serde_json passes values as objects with one member of such a name. It takes
//! every object that begins with one for such a value: a number, or text that becomes structure. So
//! a document with such a name, at any depth, is rejected.
//!
//! The text is searched before it is parsed, because afterwards the two look the same.

use super::escapes;
use crate::jose::JoseError;
use crate::jose::error::excerpt;
use crate::jose::text::Text;

const PREFIX: &str = "$serde_json::private::";

/// Rejects a document with such a member. Otherwise, tells whether the document has an escape. Text
/// that is not JSON may pass: the parser follows.
pub(super) fn refuse(what: &'static str, document: &[u8]) -> Result<bool, JoseError> {
    // A reserved name needs the prefix, or a `\u` that may hide it.
    let mut has_escapes = false;
    let may_have = memchr::memchr2_iter(b'$', b'\\', document).any(|at| {
        let rest = document.get(at..).unwrap_or_default();
        has_escapes |= rest.starts_with(b"\\");
        rest.starts_with(PREFIX.as_bytes()) || rest.starts_with(b"\\u")
    });
    match may_have.then(|| Names { rest: document }.find(|name| name.starts_with(PREFIX))).flatten() {
        Some(name) => Err(JoseError::ReservedMember { what, member: excerpt(&name) }),
        None => Ok(has_escapes || may_have && memchr::memchr(b'\\', document).is_some()),
    }
}

/// The member names of a document, at every depth: each string followed by a colon (RFC 8259 §4).
struct Names<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Names<'a> {
    type Item = Text<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let open = memchr::memchr(b'"', self.rest)?;
            let text = self.rest.get(open..)?;
            let end = escapes::end_of_string(text)?;
            let (string, rest) = text.split_at_checked(end)?;
            self.rest = rest;
            if rest.trim_ascii_start().starts_with(b":")
                && let Some(name) = decoded(string)
            {
                return Some(name);
            }
        }
    }
}

/// The value of a string; `None` if the parser will find it damaged.
fn decoded(string: &[u8]) -> Option<Text<'_>> {
    let inner = str::from_utf8(string).ok()?.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { escapes::text(inner).map(Text::Owned) } else { Some(Text::Borrowed(inner)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: &str = "$serde_json::private::Number";

    fn reserved(document: &str) -> Option<String> {
        match refuse("x", document.as_bytes()) {
            Ok(_) => None,
            Err(JoseError::ReservedMember { what: "x", member }) => Some(member),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_reserved_name_is_found_at_every_depth_and_in_every_spelling() {
        let escaped: String = NUMBER.chars().map(|letter| format!("\\u{:04x}", letter as u32)).collect();
        for name in
            [NUMBER.to_owned(), NUMBER.replace('$', "\\u0024"), NUMBER.replace("::", "\\u003a:"), escaped]
        {
            for document in [
                format!(r#"{{"{name}":"1"}}"#),
                format!("{{\"{name}\" \t\r\n:\"1\"}}"),
                format!(r#"{{"a":1,"{name}":"1"}}"#),
                format!(r#"{{"a":[[{{"b":{{"{name}":"1"}}}}]]}}"#),
                format!(r#"{{"\\":"\"","a\"":"\\","{name}":"1"}}"#),
                format!(r#"{{"a":"\\\"{{","b":{{"{name}":1}}}}"#),
            ] {
                assert_eq!(reserved(&document).as_deref(), Some(NUMBER), "{document}");
            }
        }
        for other in ["RawValue", "", "Number2", "\\n"] {
            assert!(reserved(&format!(r#"{{"{PREFIX}{other}":1}}"#)).is_some(), "{other}");
        }
    }

    #[test]
    fn a_value_and_another_name_are_none() {
        for document in [
            format!(r#"{{"a":"{NUMBER}"}}"#),
            format!(r#"{{"a":["{NUMBER}", "\u0024serde_json::private::RawValue" ],"b":1}}"#),
            format!(r#"{{"a":"\"{NUMBER}\":1"}}"#),
            format!(r#"{{"a {NUMBER}":1,"\u0041":1}}"#),
            r#"{"$serde_json::Number":1,"$":1,"\u0024":1}"#.to_owned(),
            String::new(),
            "\"".to_owned(),
            "\"\\".to_owned(),
            "\"\\u".to_owned(),
            "{\"\\ud800\":1}".to_owned(),
        ] {
            assert_eq!(reserved(&document), None, "{document}");
        }
    }

    proptest::proptest! {
        /// Regardless of the text around it and of its spelling.
        #[test]
        fn no_spelling_and_no_place_hides_one(
            before in proptest::collection::vec(("[ -~]{0,8}", "\\PC{0,8}"), 0..4),
            depth in 0_usize..40,
            escaped in proptest::collection::vec(proptest::bool::ANY, NUMBER.len()),
        ) {
            let spelt: String = NUMBER
                .chars()
                .zip(escaped)
                .map(|(letter, escaped)| if escaped { format!("\\u{:04X}", letter as u32) } else { letter.to_string() })
                .collect();
            let mut document = format!(r#"{{"{spelt}":"1"}}"#);
            for (place, (name, text)) in before.iter().enumerate() {
                let name = serde_json::json!(format!("{name}{place}")).to_string();
                document = format!("{{{name}:{},\"z\":[{document}]}}", serde_json::json!(text));
            }
            for _ in 0..depth {
                document = format!("[{document}]");
            }
            let found = reserved(&document);
            proptest::prop_assert_eq!(found.as_deref(), Some(NUMBER));
        }
    }
}
