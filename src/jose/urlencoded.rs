//! The pairs of a form or a query, as the URL standard parses `application/x-www-form-urlencoded`.
//! The crate `form_urlencoded` decodes escapes in buffers that grow, and leaves copies of tokens.

use std::borrow::Cow;

use percent_encoding::percent_decode;
use zeroize::Zeroizing;

use super::text::Text;

/// Names and values, borrowed if nothing is escaped.
pub(crate) fn pairs(form: &[u8]) -> impl Iterator<Item = (Text<'_>, Text<'_>)> {
    form.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let at = memchr::memchr(b'=', pair).unwrap_or(pair.len());
        let (name, value) = pair.split_at_checked(at).unwrap_or((pair, &[]));
        (text(name), text(value.get(1..).unwrap_or_default()))
    })
}

fn text(escaped: &[u8]) -> Text<'_> {
    match str::from_utf8(escaped) {
        Ok(text) if memchr::memchr2(b'%', b'+', escaped).is_none() => Text(Cow::Borrowed(text)),
        _ => Text(Cow::Owned(lossy(&decoded(escaped)))),
    }
}

/// A name or a value with its escapes decoded.
pub(crate) fn decoded(escaped: &[u8]) -> Zeroizing<Vec<u8>> {
    // Allocate in full at once: a buffer that grows leaves copies behind.
    let mut decoded = Zeroizing::new(Vec::with_capacity(escaped.len()));
    for (index, word) in escaped.split(|byte| *byte == b'+').enumerate() {
        decoded.extend((index > 0).then_some(b' '));
        decoded.extend(percent_decode(word));
    }
    decoded
}

/// Converts bytes to text, with U+FFFD for bytes that are not UTF-8.
fn lossy(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(3 * bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_read_as_form_urlencoded_does(form: &[u8]) {
        let ours: Vec<(String, String)> =
            pairs(form).map(|(name, value)| (name.into_plain(), value.into_plain())).collect();
        let theirs: Vec<(String, String)> = form_urlencoded::parse(form).into_owned().collect();
        assert_eq!(ours, theirs, "{}", form.escape_ascii());
    }

    #[test]
    fn a_form_has_these_pairs() {
        for form in [
            &b""[..],
            b"&&",
            b"a",
            b"a=b&c",
            b"=&=b&a=",
            b"a=b=c",
            b"a+b=%2B+%2b",
            b"a=%&b=%2&c=%zz&d=%+1&e=%-1",
            b"a=%ff%C3%A9\xff%E2%82&\xc3\xa9=\xc3",
        ] {
            is_read_as_form_urlencoded_does(form);
        }
        let owned: Vec<bool> =
            pairs(b"a=b&c=%20").map(|(_, value)| matches!(value, Text(Cow::Owned(_)))).collect();
        assert_eq!(owned, [false, true]);
    }

    proptest::proptest! {
        #[test]
        fn any_form_is_read_as_form_urlencoded_does(
            form in proptest::collection::vec(
                proptest::sample::select(b"&=+%2bBfF0aZ \xc3\xa9\xff".to_vec()), 0..32),
        ) {
            is_read_as_form_urlencoded_does(&form);
        }
    }
}
