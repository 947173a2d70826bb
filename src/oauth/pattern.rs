/// Whether a text contains the pieces of a pattern in this order, ignoring ASCII case. `*`
/// separates pieces. A piece that ends in a digit matches only where its number ends.
pub(super) fn says(text: &str, pattern: &str) -> bool {
    pattern.split('*').try_fold(text, rest_after).is_some()
}

/// The text after the first occurrence of a piece.
fn rest_after<'a>(text: &'a str, piece: &str) -> Option<&'a str> {
    let is_number = piece.ends_with(|last: char| last.is_ascii_digit());
    let goes_on = |rest: &str| is_number && rest.starts_with(|next: char| next.is_ascii_digit());
    (0..=text.len()).find_map(|start| {
        let found = text.as_bytes().get(start..)?.get(..piece.len())?;
        let rest = text.get(start + piece.len()..)?;
        (found.eq_ignore_ascii_case(piece.as_bytes()) && !goes_on(rest)).then_some(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_in_order_and_whole_numbers() {
        for (text, pattern, expected) in [
            ("The kid 'a' is not known", "kid '*' is not known", true),
            ("THE KID 'A' IS NOT KNOWN", "kid '*' is not known", true),
            ("is not known, kid 'a'", "kid '*' is not known", false),
            ("is not known", "is not known.", false),
            ("AADSTS70021: no", "AADSTS70021", true),
            ("AADSTS700211: no", "AADSTS70021", false),
            ("AADSTS700211 AADSTS70021", "AADSTS70021", true),
            ("AADSTS70021", "AADSTS70021*kid", false),
            ("cl\u{e9} kid", "kid", true),
            ("\u{e9}", "\u{e9}", true),
            ("", "a", false),
        ] {
            assert_eq!(says(text, pattern), expected, "{text} {pattern}");
        }
    }
}
