/// Whether a text contains the pieces of a pattern in this order, ignoring ASCII case. `*`
/// separates pieces. A piece that ends in a digit matches only where its number ends. `^` at the
/// start and `$` at the end stand for the start and the end of the text.
pub(super) fn says(text: &str, pattern: &str) -> bool {
    let (is_start, pattern) = pattern.strip_prefix('^').map_or((false, pattern), |rest| (true, rest));
    let (is_end, pattern) = pattern.strip_suffix('$').map_or((false, pattern), |rest| (true, rest));
    let (pieces, last) = if is_end { pattern.rsplit_once('*').unzip() } else { (Some(pattern), None) };
    let mut rest = text;
    for (number, piece) in pieces.into_iter().flat_map(|pieces| pieces.split('*')).enumerate() {
        let Some((before, after)) = around(rest, piece) else { return false };
        if is_start && number == 0 && before > 0 {
            return false;
        }
        rest = after;
    }
    match last.or(is_end.then_some(pattern)) {
        Some(last) if is_start && pieces.is_none() => rest.eq_ignore_ascii_case(last),
        Some(last) => ends_with(rest, last),
        None => true,
    }
}

/// The length of the text before the first occurrence of a piece, and the text after it.
fn around<'a>(text: &'a str, piece: &str) -> Option<(usize, &'a str)> {
    let is_number = piece.ends_with(|last: char| last.is_ascii_digit());
    let goes_on = |rest: &str| is_number && rest.starts_with(|next: char| next.is_ascii_digit());
    (0..=text.len()).find_map(|start| {
        let found = text.as_bytes().get(start..)?.get(..piece.len())?;
        let rest = text.get(start + piece.len()..)?;
        (found.eq_ignore_ascii_case(piece.as_bytes()) && !goes_on(rest)).then_some((start, rest))
    })
}

fn ends_with(text: &str, end: &str) -> bool {
    let start = text.len().checked_sub(end.len());
    start
        .and_then(|start| text.as_bytes().get(start..))
        .is_some_and(|found| found.eq_ignore_ascii_case(end.as_bytes()))
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

    #[test]
    fn the_start_and_the_end_of_a_text() {
        for (text, pattern, expected) in [
            ("", "^$", true),
            (" ", "^$", false),
            ("no", "^No$", true),
            ("no.", "^No$", false),
            ("oh no", "^No$", false),
            ("no, no", "^no", true),
            ("oh no", "^no", false),
            ("oh no", "no$", true),
            ("no?", "no$", false),
            ("a, b or c", "^a*c$", true),
            ("a", "^a*a$", false),
            ("c, b or a", "^a*c$", false),
            ("a or b, c", "a*b$", false),
            ("\u{e9}", "\u{e9}$", true),
            ("\u{e9}", "a$", false),
            ("o", "long$", false),
        ] {
            assert_eq!(says(text, pattern), expected, "{text} {pattern}");
        }
    }
}
