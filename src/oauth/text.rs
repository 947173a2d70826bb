//! Text from a server: hostile until it has been through here.

use crate::jose::json::printable;

/// The longest piece of a server's text that is kept, in characters.
const LIMIT: usize = 512;
/// A word this long is no word: an assertion, a token or a part of one. One less is a thumbprint, which is a `kid`.
const TOKEN_LEN: usize = 44;

/// At most 512 characters, control characters escaped, and whatever looks like a token masked: servers do echo the
/// assertion, whole or in part.
pub(super) fn safe(text: &str) -> String {
    // Masked before it is cut, or the cut would leave a piece too short to be recognised.
    printable(&mask(text), LIMIT)
}

/// A URL that was refused, without the credentials that may be in it.
pub(super) fn safe_url(url: &str) -> String {
    let (scheme, rest) = url.split_once("//").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((_, host)) if scheme.is_empty() => safe(&format!("[masked]@{host}{path}")),
        Some((_, host)) => safe(&format!("{scheme}//[masked]@{host}{path}")),
        None => safe(url),
    }
}

fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_token_character) {
        let (before, run) = rest.split_at(start);
        masked.push_str(before);
        let end = run.find(|character| !is_token_character(character)).unwrap_or(run.len());
        let (run, after) = run.split_at(end);
        // "eyJ" is how every base64url-encoded JSON object starts.
        let header = run.find("eyJ");
        match header {
            _ if run.len() >= TOKEN_LEN => masked.push_str("[masked]"),
            Some(at) if run.len() - at >= 8 => {
                masked.push_str(run.get(..at).unwrap_or_default());
                masked.push_str("[masked]");
            }
            _ => masked.push_str(run),
        }
        rest = after;
    }
    masked.push_str(rest);
    masked
}

const fn is_token_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.' | '+' | '=' | '~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_of_a_token_is_masked_whole_or_in_part() {
        let jwt = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJl";
        assert_eq!(safe(&format!("bad JWT \"{jwt}\" here")), "bad JWT \"[masked]\" here");
        assert_eq!(safe("at eyJhbGciOiJF"), "at [masked]");
        assert_eq!(safe("assertion=eyJhbGciOiJF..."), "assertion=[masked]");
        assert_eq!(safe(&"c2lnbmF0dXJl".repeat(4)), "[masked]");
    }

    #[test]
    fn the_credentials_of_a_url_are_masked() {
        assert_eq!(safe_url("https://user:secret@as.example/t"), "https://[masked]@as.example/t");
        assert_eq!(safe_url("https://user:se@cret@as.example?a@b"), "https://[masked]@as.example?a@b");
        assert_eq!(safe_url("https://as.example/a@b"), "https://as.example/a@b");
        assert_eq!(safe_url("https:user:secret@as.example/t"), "[masked]@as.example/t");
    }

    #[test]
    fn a_key_id_that_is_a_thumbprint_stays() {
        let text = "no key kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        assert_eq!(safe(text), text);
    }

    #[test]
    fn ordinary_words_stay() {
        let text = "AADSTS700027: client-assertion-type urn:ietf:params:oauth:x 0b9b5f8e-2c55-4a3e-8f6c-1f2d3e4a5b6c";
        assert_eq!(safe(text), text);
    }

    #[test]
    fn terminal_escapes_are_shown_and_length_is_bounded() {
        assert_eq!(safe("\u{1b}]0;x\u{7}\r\n"), "\\u{1b}]0;x\\u{7}\\u{d}\\u{a}");
        assert_eq!(safe(&"a b ".repeat(1000)).chars().count(), LIMIT + 1);
        assert_eq!(safe(&"x".repeat(1 << 20)), "[masked]");
    }
}
