//! What a document is that is not a JWK Set.

use serde::de::IgnoredAny;

use crate::jose::{JoseError, Jwk, JwkSet};

/// What it is, as far as its first bytes or its members show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Document {
    Empty,
    /// HTML, such as a login.
    Page,
    /// A JWK Set after a byte order mark.
    Marked,
    /// A JSON value, and more text after it.
    Continued,
    /// A key without the set around it.
    OneKey,
    Array,
    /// A JSON string: the document was encoded twice.
    Quoted,
    /// PEM: a key, or a certificate.
    Pem,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Document {
    /// Judges a document that is no JWK Set. `None`: it shows nothing.
    pub(super) fn of(content_type: Option<&str>, document: &[u8]) -> Option<Self> {
        let is_html = content_type.is_some_and(|found| found.to_ascii_lowercase().contains("html"));
        if let Some(rest) = document.strip_prefix(BYTE_ORDER_MARK) {
            return JwkSet::from_json(rest).is_ok().then_some(Self::Marked);
        }
        Some(match document.trim_ascii_start() {
            [] => Self::Empty,
            [b'<', ..] => Self::Page,
            text if text.starts_with(b"-----BEGIN ") => Self::Pem,
            [b'[', ..] => Self::Array,
            [b'"', ..] => Self::Quoted,
            [b'{', ..] if has_more(document) => Self::Continued,
            [b'{', ..] if is_key(document) => Self::OneKey,
            _ if is_html => Self::Page,
            _ => return None,
        })
    }

    /// What it is, in words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Empty => "the document is empty",
            Self::Page => "it is an HTML page, perhaps a login",
            Self::Marked => "it begins with a byte order mark",
            Self::Continued => "text follows the JSON",
            Self::OneKey => "it is one JWK, not a set",
            Self::Array => "it is an array, not an object",
            Self::Quoted => "it is a JSON string, so it was encoded twice",
            Self::Pem => "it is PEM",
        }
    }

    /// What to do.
    pub(super) const fn advice(self) -> &'static str {
        match self {
            Self::Page => {
                "publish the keys without a login and without a page in front of them: a server cannot log in"
            }
            Self::Marked => "save the file as UTF-8 without a byte order mark (RFC 8259 §8.1)",
            Self::Continued => "publish the JSON alone: servers refuse text after it",
            Self::OneKey | Self::Array => "put the keys into an object: {\"keys\": […]}",
            Self::Quoted => "publish the object itself, not a string with its text",
            Self::Empty | Self::Pem => {
                "publish a JWK Set (pkjwt jwks KEY), an object with the member \"keys\""
            }
        }
    }
}

/// Whether text follows the first JSON value.
fn has_more(document: &[u8]) -> bool {
    let mut values = serde_json::Deserializer::from_slice(document).into_iter::<IgnoredAny>();
    let is_value = values.next().is_some_and(|value| value.is_ok());
    let rest = document.get(values.byte_offset()..).unwrap_or_default();
    is_value && !rest.trim_ascii().is_empty()
}

fn is_key(document: &[u8]) -> bool {
    matches!(Jwk::from_json(document), Ok(_) | Err(JoseError::PrivateMember { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_that_is_no_set_is_named() {
        const KEY: &str =
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let set = format!(r#"{{"keys":[{KEY}]}}"#);
        let private = KEY.replace('}', r#","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}"#);
        let document = |text: &str| Document::of(Some("application/json"), text.as_bytes());
        for (text, expected) in [
            ("", Some(Document::Empty)),
            (" \n", Some(Document::Empty)),
            ("<!DOCTYPE html><title>Sign in</title>", Some(Document::Page)),
            (&format!("\u{feff}{set}"), Some(Document::Marked)),
            ("\u{feff}nothing", None),
            (&format!("{set}\n// the end"), Some(Document::Continued)),
            (&format!("{set}{set}"), Some(Document::Continued)),
            (KEY, Some(Document::OneKey)),
            (&private, Some(Document::OneKey)),
            (&format!("[{KEY}]"), Some(Document::Array)),
            (&serde_json::to_string(&set).unwrap(), Some(Document::Quoted)),
            ("-----BEGIN PUBLIC KEY-----", Some(Document::Pem)),
            ("{}", None),
            (r#"{"keys":["#, None),
            ("sign in", None),
        ] {
            assert_eq!(document(text), expected, "{text}");
        }
        assert_eq!(Document::of(Some("Text/HTML; charset=utf-8"), b"sign in"), Some(Document::Page));
        assert_eq!(Document::of(None, b"sign in"), None);
    }
}
