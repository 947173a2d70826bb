//! Texts of requests and errors, as messages show them.

use std::error::Error;

use crate::jose::SecretForm;
use crate::jose::error::shown as shown_within;
use crate::jose::printable::printable;
use crate::keys::Causes;

/// An error and its causes in one line.
pub(super) fn chain(error: &dyn Error) -> String {
    Causes::of(error).to_string()
}

/// Text of a request, shortened for an error message. A key or a token in the wrong parameter is
/// named, not quoted.
pub(super) fn shown(text: &str) -> String {
    shown_within(text, MOST_SHOWN)
}

/// Maximum number of characters of a text that an error message quotes.
const MOST_SHOWN: usize = 200;

/// Shows two texts so that their difference is visible. If they are long, their common beginning is
/// left out.
pub(super) fn both_shown(found: &str, expected: &str) -> [String; 2] {
    let shared = found.chars().zip(expected.chars()).take_while(|(one, other)| one == other).count();
    let longest = found.chars().count().max(expected.chars().count());
    [found, expected].map(|text| {
        if longest <= MOST_SHOWN || shared < MOST_SHOWN / 2 || SecretForm::of(text).is_some() {
            return shown(text);
        }
        let rest: String = text.chars().skip(shared - MOST_SHOWN / 4).collect();
        format!("…{}", printable(&rest, MOST_SHOWN))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_texts_are_shown_where_they_differ() {
        assert_eq!(both_shown("https://a/", "https://a"), ["https://a/", "https://a"]);
        let long = "x".repeat(300);
        let tail = format!("…{}", "x".repeat(50));
        assert_eq!(both_shown(&format!("{long}/"), &long), [format!("{tail}/"), tail.clone()]);
        assert_eq!(both_shown("a eyJhbGciOiJub25lIn0.e30.", "a"), ["[a JWT]", "a"]);
        assert_eq!(both_shown("y", &long), ["y".to_owned(), format!("{}…", "x".repeat(200))]);
    }
}
