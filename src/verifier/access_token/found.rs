//! What a token says, for an error that also says what was expected.

use crate::jose::json::printable;

/// Longer than any honest issuer, audience or type.
const LIMIT: usize = 256;

/// Hostile text, made printable. A long one is cut, but never where it differs from what was expected: it then begins a
/// little before that place.
pub(super) fn beside<'a>(found: &str, expected: impl IntoIterator<Item = &'a String>) -> String {
    /// How much of the common beginning is shown.
    const CONTEXT: usize = 32;
    let common = expected.into_iter().map(|expected| common_prefix(found, expected)).max().unwrap_or(0);
    if common <= LIMIT / 2 {
        return printable(found, LIMIT);
    }
    let start = common.saturating_sub(CONTEXT);
    let start = (start..=common).find(|start| found.is_char_boundary(*start)).unwrap_or(0);
    match found.get(start..) {
        Some(rest) if start > 0 && found.len() > LIMIT => format!("…{}", printable(rest, LIMIT)),
        _ => printable(found, LIMIT),
    }
}

/// In bytes, and between two characters of both.
fn common_prefix(one: &str, other: &str) -> usize {
    one.char_indices()
        .zip(other.chars())
        .find(|((_, one), other)| one != other)
        .map_or_else(|| one.len().min(other.len()), |((place, _), _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_shown() {
        let expected = |text: &str| vec!["https://other.example".to_owned(), text.to_owned()];
        // Short ones are whole.
        let long = format!("https://as.example/{}", "a".repeat(200));
        for found in [String::new(), "x".to_owned(), format!("{long}/"), long.clone()] {
            assert_eq!(beside(&found, &expected(&long)), found);
        }
        let longer = format!("https://as.example/{}", "a".repeat(400));
        assert_eq!(
            beside(&format!("{longer}/"), &expected(&longer)),
            format!("…{}/", "a".repeat(32)),
            "the slash at the end"
        );
        assert_eq!(beside(&longer, &expected(&format!("{longer}/"))), format!("…{}", "a".repeat(32)));
        assert_eq!(beside(&"é".repeat(300), &expected(&format!("{}x", "é".repeat(300)))), {
            format!("…{}", "é".repeat(16))
        });
        assert_eq!(beside(&"x".repeat(400), &expected("")), format!("{}…", "x".repeat(256)));
        assert_eq!(beside("a\n\u{202e}b", &[]), "a\\u{a}\\u{202e}b");
    }
}
