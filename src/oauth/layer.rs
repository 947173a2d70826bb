//! A text with its escapes decoded, one layer at a time: a server may echo a secret inside JSON
//! inside a page. Each byte knows its origin in the text, so a secret found in a lower layer is
//! masked in the text itself.

use std::ops::Range;

use zeroize::Zeroizing;

use super::byte_list::ByteList;
use super::markup;
use crate::jose::printable::is_visible;

/// One layer of a text. It may hold secrets and is wiped on drop.
pub(super) struct Layer {
    bytes: Zeroizing<Vec<u8>>,
    /// The part of the original text that each byte stands for.
    places: Vec<Range<usize>>,
}

/// What an escape stands for.
enum Unit {
    Byte(u8),
    Character(char),
    Nothing,
}

impl Layer {
    /// The first layer: the text as it is.
    pub(super) fn of(text: &str) -> Self {
        let places = (0..text.len()).map(|at| at..at + 1).collect();
        Self { bytes: Zeroizing::new(text.as_bytes().to_vec()), places }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The part of the original text that a part of this layer stands for.
    pub(super) fn place(&self, part: Range<usize>) -> Range<usize> {
        let place = |at: usize| self.places.get(at).cloned().unwrap_or_default();
        place(part.start).start..place(part.end.saturating_sub(1)).end
    }

    /// Whether a word begins here: this is a letter or a digit, and the previous byte is neither.
    fn begins_word(&self, at: usize) -> bool {
        let is_letter = |at| self.bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
        is_letter(at) && !at.checked_sub(1).is_some_and(is_letter)
    }

    /// The next layer, if there is an escape: of a URL, of JSON and most languages, of HTML, or a
    /// list of bytes. Invisible characters are omitted.
    pub(super) fn below(&self) -> Option<Self> {
        // No escape decodes to a longer text.
        let mut below = Self {
            bytes: Zeroizing::new(Vec::with_capacity(self.bytes.len())),
            places: Vec::with_capacity(self.places.len()),
        };
        let mut is_other = false;
        let mut at = 0;
        while let Some(rest @ [first, ..]) = self.bytes.get(at..) {
            if self.begins_word(at)
                && let Some(list) = ByteList::at(rest)
            {
                let start = at;
                for (byte, end) in list.iter() {
                    below.bytes.push(byte);
                    below.places.push(self.place(at..start + end));
                    at = start + end;
                }
                is_other = true;
                continue;
            }
            let (len, unit) = escape(rest).unwrap_or((1, Unit::Byte(*first)));
            is_other |= !matches!(unit, Unit::Byte(byte) if byte == *first && len == 1);
            let place = self.place(at..at + len);
            let mut push = |byte| {
                below.bytes.push(byte);
                below.places.push(place.clone());
            };
            match unit {
                Unit::Byte(byte) => push(byte),
                Unit::Character(character) => {
                    character.encode_utf8(&mut [0; 4]).bytes().for_each(push);
                }
                Unit::Nothing => {}
            }
            at += len;
        }
        is_other.then_some(below)
    }
}

/// The escape at the beginning of a text: its length, and what it stands for.
fn escape(text: &[u8]) -> Option<(usize, Unit)> {
    let character = |digits: &[u8]| number(digits, 16).and_then(char::from_u32).map(Unit::Character);
    match text {
        [b'%', b'u' | b'U', a, b, c, d, ..] => Some((6, character(&[*a, *b, *c, *d])?)),
        [b'%', a, b, ..] => Some((3, Unit::Byte(number(&[*a, *b], 16)?.try_into().ok()?))),
        [b'\\', b'u' | b'U', b'{', rest @ ..] => {
            let len = rest.iter().take(9).position(|byte| *byte == b'}')?;
            Some((len + 4, character(rest.get(..len)?)?))
        }
        [b'\\', b'u' | b'U', a, b, c, d, ..] => Some((6, character(&[*a, *b, *c, *d])?)),
        [b'\\', b'x' | b'X', a, b, ..] => Some((4, Unit::Byte(number(&[*a, *b], 16)?.try_into().ok()?))),
        [b'\\', byte @ (b'/' | b'"' | b'\'' | b'\\'), ..] => Some((2, Unit::Byte(*byte))),
        [b'\\', b'n' | b'r' | b't', ..] => Some((2, Unit::Byte(b' '))),
        [b'&', b'#', rest @ ..] => {
            let (prefix, rest, radix) = match rest {
                [b'x' | b'X', rest @ ..] => (3, rest, 16),
                rest => (2, rest, 10),
            };
            let len = rest.iter().take(8).take_while(|byte| char::from(**byte).is_digit(radix)).count();
            let unit = Unit::Character(char::from_u32(number(rest.get(..len)?, radix)?)?);
            Some((prefix + len + usize::from(rest.get(len) == Some(&b';')), unit))
        }
        [b'&', rest @ ..] => {
            let len = rest.iter().take(9).position(|byte| *byte == b';')?;
            let name = str::from_utf8(rest.get(..len)?).ok()?;
            Some((len + 2, Unit::Character(markup::entity(name)?)))
        }
        [0..=8 | 0x0b | 0x0c | 0x0e..=0x1f | 0x7f, ..] => Some((1, Unit::Nothing)),
        [0x80..=0xff, ..] => {
            let character = text.get(..text.len().min(4))?.utf8_chunks().next()?.valid().chars().next()?;
            (!is_visible(character)).then_some((character.len_utf8(), Unit::Nothing))
        }
        _ => None,
    }
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    // `from_str_radix` also accepts a sign.
    digits.iter().all(u8::is_ascii_alphanumeric).then_some(())?;
    u32::from_str_radix(str::from_utf8(digits).ok()?, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lowest(text: &str) -> (String, usize) {
        let mut layer = Layer::of(text);
        let mut count = 0;
        while let Some(below) = layer.below() {
            layer = below;
            count += 1;
        }
        (String::from_utf8_lossy(layer.bytes()).into_owned(), count)
    }

    #[test]
    fn every_escape_is_undone_layer_by_layer() {
        for (text, expected, layers) in [
            ("a+b/c=", "a+b/c=", 0),
            (r"a\u002Bb\/c\u003d", "a+b/c=", 1),
            (r"a\u{2b}b\x2Fc\X3D", "a+b/c=", 1),
            ("a%2Bb%2fc%3D", "a+b/c=", 1),
            ("a%u002Bb/c=", "a+b/c=", 1),
            ("a%252Bb%25252fc=", "a+b/c=", 3),
            (r"a\\u002Bb\\\\/c=", "a+b/c=", 3),
            ("a&#43;b&#x2F;c&#x3D", "a+b/c=", 1),
            ("a&plus;b&sol;c&equals;", "a+b/c=", 1),
            ("a&amp;#43;b/c=", "a+b/c=", 2),
            (r"a\u00252Bb/c=", "a+b/c=", 2),
            ("a\u{ad}+\u{200b}b/\u{e0041}c\u{2060}=", "a+b/c=", 1),
            (r#"\"a\"\n"#, "\"a\" ", 1),
            ("a\0+\u{1b}b/\u{7f}c=\n\t", "a+b/c=\n\t", 1),
            ("at <Buffer 61 2b 62 2f 63 3d 2b 61>", "at <Buffer a+b/c=+a>", 1),
            ("[97,43,98,47,99,61,43,97]", "[a+b/c=+a]", 1),
            ("61%3A2b%3A62%3A2f%3A63%3A3d%3A2b%3A61", "a+b/c=+a", 2),
            // Not escapes.
            (
                "100 % & more; &bogus; &; %zz %+1 \\q \\u12 \\u{ &#; &#x; \u{e9}",
                "100 % & more; &bogus; &; %zz %+1 \\q \\u12 \\u{ &#; &#x; \u{e9}",
                0,
            ),
        ] {
            assert_eq!(lowest(text), (expected.to_owned(), layers), "{text}");
        }
    }

    #[test]
    fn what_is_found_below_is_known_above() {
        let text = "x a%252Bb \u{e9}";
        let layer = Layer::of(text).below().and_then(|layer| layer.below()).unwrap();
        let at = layer.bytes().windows(3).position(|part| part == b"a+b").unwrap();
        assert_eq!(text.get(layer.place(at..at + 3)), Some("a%252Bb"));
        assert_eq!(Layer::of("").place(0..0), 0..0);
    }
}
