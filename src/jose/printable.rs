use std::fmt::{self, Write as _};

/// Untrusted text, displayed as one printable line.
///
/// Every character that is not visible by itself is escaped as `\u{…}`: control, format,
/// private-use and unassigned characters, every separator except the space, and all characters that
/// Unicode says to ignore in display (`Default_Ignorable_Code_Point`). Such characters can forge
/// log lines, control terminals, reorder text or hide in it.
///
/// ```
/// use private_key_jwt::jose::Printable;
///
/// assert_eq!(Printable::new("a\n\u{1b}[2J\u{ad}b é").to_string(), r"a\u{a}\u{1b}[2J\u{ad}b é");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a>(&'a str);

impl<'a> Printable<'a> {
    /// Wraps a text for display.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Self(text)
    }
}

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().flat_map(spelled).try_for_each(|character| f.write_char(character))
    }
}

/// A character as it is displayed: itself, or its escape.
fn spelled(character: char) -> impl Iterator<Item = char> + Clone {
    let visible = is_visible(character).then_some(character);
    let escape = visible.is_none().then(|| character.escape_unicode());
    visible.into_iter().chain(escape.into_iter().flatten())
}

/// As [`Printable`], truncated to `limit` characters; an ellipsis marks the cut.
pub(crate) fn printable(text: &str, limit: usize) -> String {
    let mut printable = String::new();
    let mut room = limit;
    for character in text.chars() {
        let spelled = spelled(character);
        let Some(left) = room.checked_sub(spelled.clone().count()) else {
            printable.push('…');
            break;
        };
        room = left;
        printable.extend(spelled);
    }
    printable
}

/// Whether a character is visible in a line of text.
pub(crate) fn is_visible(character: char) -> bool {
    match character {
        ' '..='~' => true,
        '\0'..='\u{9f}' => false,
        _ => is_assigned(character) && !is_blank(character),
    }
}

/// Whether the standard library would print a character in `Debug`: it escapes the categories Cc,
/// Cf, Cn, Co, Cs, Zl, Zp and Zs, of the Unicode version of the compiler.
fn is_assigned(character: char) -> bool {
    // A combining mark is escaped only at the beginning of a text.
    let mut pair = [b'a'; 5];
    let (_, place) = pair.split_at_mut(1);
    let len = character.encode_utf8(place).len();
    let pair = pair.get(..=len).and_then(|pair| str::from_utf8(pair).ok());
    pair.is_some_and(|pair| pair.escape_debug().nth(1) == Some(character))
}

/// The rest of `Default_Ignorable_Code_Point` without the categories above, and Braille's blank.
const fn is_blank(character: char) -> bool {
    matches!(character,
        '\u{034F}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{2800}' | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FFA0}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_not_visible_is_escaped() {
        for (name, characters) in [
            ("control characters", "\0\u{7}\t\n\r\u{1b}\u{7f}\u{80}\u{85}\u{9b}\u{9f}"),
            ("the soft hyphen", "\u{ad}"),
            ("the combining grapheme joiner", "\u{34f}"),
            ("bidirectional controls", "\u{61c}\u{200e}\u{200f}\u{202a}\u{202d}\u{202e}\u{2066}\u{2069}"),
            ("zero-width characters", "\u{200b}\u{200c}\u{200d}\u{2060}\u{2064}\u{feff}\u{180e}"),
            ("line and paragraph separators", "\u{2028}\u{2029}"),
            ("spaces that are not the space", "\u{a0}\u{1680}\u{2000}\u{200a}\u{202f}\u{205f}\u{3000}"),
            ("deprecated format characters", "\u{206a}\u{206f}"),
            ("interlinear annotations", "\u{fff9}\u{fffb}"),
            ("variation selectors", "\u{fe00}\u{fe0f}\u{180b}\u{180d}\u{180f}\u{e0100}\u{e01ef}"),
            ("tag characters", "\u{e0000}\u{e0001}\u{e0020}\u{e0041}\u{e007f}\u{e0fff}"),
            ("fillers", "\u{115f}\u{1160}\u{3164}\u{ffa0}\u{17b4}\u{17b5}\u{2800}"),
            ("musical and shorthand formats", "\u{1d173}\u{1d17a}\u{1bca0}\u{1bca3}"),
            ("private use", "\u{e000}\u{f8ff}\u{f0000}\u{10fffd}"),
            ("unassigned", "\u{378}\u{2fe0}\u{2065}\u{fff0}\u{e0080}"),
            ("noncharacters", "\u{fdd0}\u{fffe}\u{ffff}\u{1ffff}\u{10ffff}"),
        ] {
            for character in characters.chars() {
                let escaped = character.escape_unicode().to_string();
                assert_eq!(Printable::new(&character.to_string()).to_string(), escaped, "{name}");
                assert_eq!(printable(&format!("a{character}b"), 64), format!("a{escaped}b"), "{name}");
            }
        }
    }

    #[test]
    fn the_words_of_every_language_stay() {
        for text in [
            "~ Client introuvable : clé «k1» erronée… 100 €",
            "ungültiger Schlüssel, e\u{301} (e with a mark)",
            "クライアント認証に失敗しました。",
            "فشل مصادقة العميل",
            "אימות הלקוח נכשל",
            "ไม่พบไคลเอนต์",
            "क्लाइंट प्रमाणीकरण",
            "Ошибка: неверный ключ № 1",
            "\u{1f511} \u{fffd} ─ → ≤ §",
        ] {
            assert_eq!(Printable::new(text).to_string(), text);
            assert_eq!(printable(text, 512), text);
        }
    }

    #[test]
    fn a_text_is_cut_and_says_so() {
        assert_eq!(printable("a\u{1b}[31m\u{202e}b\n", 64), "a\\u{1b}[31m\\u{202e}b\\u{a}");
        assert_eq!(printable("abcdef", 3), "abc…");
        assert_eq!(printable("abc", 3), "abc");
        // An escape is either whole or absent.
        assert_eq!(printable(&"\u{202e}".repeat(100), 17), "\\u{202e}\\u{202e}…");
    }
}
