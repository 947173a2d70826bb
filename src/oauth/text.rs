//! Text from a server. It is hostile until it passes through this module.

use std::ops::Range;

use http::HeaderValue;
use zeroize::Zeroizing;

use super::echo::Secrets;
use super::layer::Layer;
use crate::jose::SecretForm;
use crate::jose::printable::printable;
use crate::jose::secret_form::{Mix, begins_json, instead, is_encoded_key};

/// The maximum number of characters that are kept of a server's text.
const LIMIT: usize = 512;
/// The maximum number of bytes of a text that are examined. It exceeds `LIMIT` because masking
/// shortens the text.
const MOST: usize = 1 << 14;
/// How many layers of escapes are decoded in the search for secrets.
const LAYERS: usize = 4;
/// A word of this length may be a token or a part of one. A thumbprint, which is a `kid`, is one
/// shorter.
const TOKEN_LEN: usize = 44;
/// The maximum length of a word without anything between its letters and digits, such as a
/// hexadecimal SHA-256.
const LONGEST_WORD: usize = 64;
const MASK: &str = "[masked]";

/// Names of members that belong in a success response or to the client: their values are secrets.
pub(super) const SECRET: [&str; 18] = [
    "access_token",
    "refresh_token",
    "id_token",
    "client_assertion",
    "assertion",
    "client_secret",
    "token",
    "subject_token",
    "actor_token",
    "device_code",
    "code_verifier",
    "request_uri",
    "password",
    "accessToken",
    "refreshToken",
    "idToken",
    "clientAssertion",
    "clientSecret",
];

/// Makes a text safe to show: at most 512 characters, with anything that looks like a token or a
/// key masked. Servers do echo the assertion.
pub(super) fn safe(text: &str) -> String {
    Masking::default().safe(text)
}

/// A rejected URL, without any credentials in it. A text that is not a URL but looks like a secret
/// is replaced by the name of its form.
pub(crate) fn safe_url(url: &str) -> String {
    let is_url = url.contains("://");
    let form = if is_url { SecretForm::of(url) } else { SecretForm::suspect(url) };
    if let Some(form) = form
        .filter(|form| !is_url || matches!(form, SecretForm::PrivateKey | SecretForm::Pem | SecretForm::Json))
    {
        return instead(form);
    }
    let (scheme, rest) = url.split_once("//").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((_, host)) if scheme.is_empty() => safe(&format!("{MASK}@{host}{path}")),
        Some((_, host)) => safe(&format!("{scheme}//{MASK}@{host}{path}")),
        None => safe(url),
    }
}

/// Decodes UTF-8. Invalid bytes are read as Latin-1, one by one.
pub(super) fn decoded(bytes: &[u8]) -> Zeroizing<String> {
    // A Latin-1 byte takes at most two bytes in UTF-8. The full capacity is reserved at once: a
    // buffer that grows leaves copies behind.
    let others: usize = bytes.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    let room = bytes.len() + others;
    let mut text = Zeroizing::new(String::with_capacity(room));
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().copied().map(char::from));
    }
    text
}

/// What is masked in the texts of one response: anything that looks like a secret, and the secrets
/// of its request, if they are known.
#[derive(Default)]
pub(super) struct Masking<'a> {
    secrets: Option<&'a Secrets>,
}

impl<'a> Masking<'a> {
    /// Masks these secrets of a request, too.
    pub(super) const fn of(secrets: Option<&'a Secrets>) -> Self {
        Self { secrets }
    }

    /// The value of a header field, as [`Masking::safe`].
    pub(super) fn safe_value(&self, value: &HeaderValue) -> String {
        self.safe(&decoded(value.as_bytes()))
    }

    /// A text that is safe to show: masked, printable, and at most 512 characters long.
    ///
    /// The text is masked as it will be shown, after all decoding, and before it is cut: the cut
    /// could leave a piece too short to be recognised. The work is bounded, regardless of the
    /// length of the text.
    pub(super) fn safe(&self, text: &str) -> String {
        let (text, cut) = beginning(text);
        if is_encoded_key(text) {
            return instead(SecretForm::Encoded);
        }
        let mut masked = String::with_capacity(text.len());
        let mut at = 0;
        for part in self.parts(text) {
            masked.push_str(text.get(at..part.start).unwrap_or_default());
            masked.push_str(MASK);
            at = part.end;
        }
        masked.push_str(text.get(at..).unwrap_or_default());
        if let Some(word) = cut {
            masked.push_str(if word.is_empty() { "" } else { MASK });
            masked.push('…');
        }
        printable(&masked, LIMIT)
    }

    /// The parts of a text to mask, in order. They do not touch.
    fn parts(&self, text: &str) -> Vec<Range<usize>> {
        let mut parts: Vec<Range<usize>> = Vec::new();
        let mut layer = Layer::of(text);
        for _ in 0..=LAYERS {
            let mut add = |part| parts.push(layer.place(part));
            looks_secret(layer.bytes(), &mut add);
            if let Some(secrets) = self.secrets {
                secrets.index().find(layer.bytes(), &mut add);
            }
            match layer.below() {
                Some(below) => layer = below,
                None => break,
            }
        }
        parts.sort_unstable_by_key(|part| part.start);
        parts.dedup_by(|part, before| {
            let touches = part.start <= before.end;
            if touches {
                before.end = before.end.max(part.end);
            }
            touches
        });
        // A part may end inside a character that stands for several bytes.
        parts.into_iter().map(|part| floor(text, part.start)..ceiling(text, part.end)).collect()
    }
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn ceiling(text: &str, at: usize) -> usize {
    (at..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// The examined beginning of a text. If the text is longer, also the word at the cut, because its
/// beginning alone cannot be recognised.
fn beginning(text: &str) -> (&str, Option<&str>) {
    if text.len() <= MOST {
        return (text, None);
    }
    let text = text.get(..floor(text, MOST)).unwrap_or_default();
    let whole = text.trim_end_matches(|character| is_token(character) || character == '/');
    (whole, text.get(whole.len()..))
}

const fn is_token(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.' | '+' | '=' | '~')
}

/// Reports the parts of a text that look like a secret, regardless of the request.
fn looks_secret(text: &[u8], found: &mut impl FnMut(Range<usize>)) {
    let mut at = 0;
    while let Some((first, rest)) = text.get(at..).and_then(<[u8]>::split_first) {
        let len = match first {
            b'-' if rest.starts_with(b"----BEGIN") => {
                let len = end_of_pem(text.get(at..).unwrap_or_default());
                found(at..at + len);
                len
            }
            b'=' | b':' => match value_of_secret(text, at) {
                Some(value) => {
                    found(value.clone());
                    value.end - at
                }
                None => 1,
            },
            byte if is_token(char::from(*byte)) => {
                // An `=` may separate a name from a value, or may be padding.
                let run =
                    rest.iter().take_while(|byte| **byte != b'=' && is_token(char::from(**byte))).count() + 1;
                token_in(text.get(at..at + run).unwrap_or_default(), |part| {
                    found(at + part.start..at + part.end)
                });
                run
            }
            _ => 1,
        };
        at += len;
    }
}

/// The length of the PEM at the beginning of a text.
fn end_of_pem(text: &[u8]) -> usize {
    const END: &[u8] = b"-----END";
    let Some(end) = memchr::memmem::find(text, END) else { return text.len() };
    let after = text.get(end + END.len()..).unwrap_or_default();
    let label = memchr::memmem::find(after, b"-----").map_or(after.len(), |len| len + 5);
    end + END.len() + label
}

/// Reports JWTs, parts of JWTs, and random words in a run of token characters.
fn token_in(run: &[u8], mut found: impl FnMut(Range<usize>)) {
    let json = (0..run.len()).find(|at| run.get(*at..).is_some_and(begins_json));
    let words = json.map_or(run, |json| {
        found(json..run.len());
        run.get(..json).unwrap_or_default()
    });
    let mut at = 0;
    for word in words.split(|byte| matches!(byte, b'.' | b'~')) {
        if word.len() >= TOKEN_LEN && is_token_word(word) {
            found(at..at + word.len());
        }
        at += word.len() + 1;
    }
}

/// Whether upper case, lower case and digits are mixed as in a random text. Hexadecimal text is
/// usually a fingerprint or the name of a request.
fn is_token_word(word: &[u8]) -> bool {
    let Mix { count, changes, longest, is_hexadecimal } = Mix::of(word);
    longest > LONGEST_WORD || !is_hexadecimal && changes * 20 >= count * 9
}

/// The value after a `=` or `:` at this position, if its name is that of a secret: as in a form, or
/// as in JSON, where it may be a member of a private JWK.
fn value_of_secret(text: &[u8], at: usize) -> Option<Range<usize>> {
    let (before, after) = (text.get(..at)?, text.get(at + 1..)?);
    let is_secret = |name: &[u8]| SECRET.iter().any(|secret| name.ends_with(secret.as_bytes()));
    let is_json = text.get(at) == Some(&b':');
    let (skipped, len) = if is_json {
        let name = before.trim_ascii_end().strip_suffix(b"\"")?;
        let is_private = |member: &[u8]| name.strip_suffix(member).is_some_and(|rest| rest.ends_with(b"\""));
        if !is_secret(name) && ![&b"d"[..], b"dp", b"dq", b"qi"].into_iter().any(is_private) {
            return None;
        }
        let value = after.trim_ascii_start().strip_prefix(b"\"")?;
        (after.len() - value.len(), memchr::memchr(b'"', value).unwrap_or(value.len()))
    } else {
        if !is_secret(before) {
            return None;
        }
        // A quote opens and closes the value.
        let skipped = after.iter().take_while(|byte| matches!(byte, b'"' | b'\'')).count();
        let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"&;,\"'<>".contains(byte);
        let value = after.get(skipped..)?;
        (skipped, value.iter().position(is_end).unwrap_or(value.len()))
    };
    let start = at + 1 + skipped;
    (len > 0).then_some(start..start + len)
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
        assert_eq!(safe(&jwt.replace('J', "\\u004A").replace('.', "%2E")), "[masked]");
        assert_eq!(safe("ewogICJhbGciOiAiRVMyNTYiCn0.e30.x"), "[masked]");
    }

    #[test]
    fn the_value_of_a_secrets_name_is_masked() {
        for (text, expected) in [
            ("grant_type=x&refresh_token=secret-1&x=y", "grant_type=x&refresh_token=[masked]&x=y"),
            ("token='secret-1', code_verifier=\"v\" no", "token='[masked]', code_verifier=\"[masked]\" no"),
            (
                "grant_type%3Dx%26refresh_token%3Dsecret-1%26x%3Dy",
                "grant_type%3Dx%26refresh_token%3D[masked]%26x%3Dy",
            ),
            (r#"{"refresh_token" : "secret-1","x":1}"#, r#"{"refresh_token" : "[masked]","x":1}"#),
            (r#"{\"accessToken\":\"secret-1\",\"x\":1}"#, r#"{\"accessToken\":\"[masked]\",\"x\":1}"#),
            (r#"no {"kty":"OKP","d":"secret-1","id":"x"}"#, r#"no {"kty":"OKP","d":"[masked]","id":"x"}"#),
            ("token: expected, found token=", "token: expected, found token="),
        ] {
            assert_eq!(safe(text), expected);
        }
    }

    #[test]
    fn a_key_is_masked() {
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----";
        assert_eq!(safe(&format!("cannot read {pem}, sorry")), "cannot read [masked], sorry");
        assert_eq!(safe_url(pem), "[a PEM private key]");
        assert_eq!(
            safe("MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC"),
            "[an encoded key]"
        );
        let escaped = pem.replace('-', "\\u002d").replace('\n', "\\n");
        assert_eq!(safe(&format!("a {escaped} b")), "a [masked] b");
    }

    #[test]
    fn the_credentials_of_a_url_are_masked() {
        assert_eq!(safe_url("https://user:secret@as.example/t"), "https://[masked]@as.example/t");
        assert_eq!(safe_url("https://user:se@cret@as.example?a@b"), "https://[masked]@as.example?a@b");
        assert_eq!(safe_url("https://as.example/a@b"), "https://as.example/a@b");
        assert_eq!(safe_url("https:user:secret@as.example/t"), "[masked]@as.example/t");
    }

    #[test]
    fn a_secret_in_the_place_of_a_url_is_named() {
        assert_eq!(safe_url("correct horse battery staple"), "[a possible secret]");
        assert_eq!(safe_url(r#"{"kty":"OKP","d":"x"}"#), "[a JWK or other JSON]");
        assert_eq!(safe_url("as.example"), "as.example");
    }

    #[test]
    fn a_key_id_that_is_a_thumbprint_stays() {
        for text in [
            "no key kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
            "x5t#S256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 is not known",
            "thumbprint 'D4FFD1C4B1E1B3E7C1E7B1A3D4FFD1C4B1E1B3E7'",
        ] {
            assert_eq!(safe(text), text);
        }
    }

    #[test]
    fn ordinary_words_stay() {
        for text in [
            "AADSTS700027: client-assertion-type urn:ietf:params:oauth:x 0b9b5f8e-2c55-4a3e-8f6c-1f2d3e4a5b6c",
            "No enum constant org.forgerock.json.jose.jwt.JwtType.CLIENT-AUTHENTICATION+JWT",
            "com.example.auth.InvalidClient",
            "com.example.identity.oauth2.grant.InvalidClientAuthenticationException",
            "org.springframework.security.oauth2.core.OAuth2AuthenticationException: PrivateKeyJwtDecoder",
            "invalid_client_assertion_signature_algorithm_not_supported_by_this_client",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1",
            "https://as.example/oauth2/v1/authorize?error=invalid_client#section-5.2",
            "KeyJwt newJwk eyJwtAuthentication",
            "Trace ID: 8f3c1c2e-1b7a-4a3c-9a54-0a1b2c3d4e00 Correlation ID: 5e2b7d1a-6f0e-4b1c-8c2d-9e8f7a6b5c4d Timestamp: 2026-11-24 08:00:00Z",
        ] {
            assert_eq!(safe(text), text);
        }
    }

    #[test]
    fn terminal_escapes_are_shown_and_length_is_bounded() {
        assert_eq!(safe("\u{1b}]0;x\u{7}\r\n"), "\\u{1b}]0;x\\u{7}\\u{d}\\u{a}");
        assert_eq!(safe("c\u{ad}l\u{e0041}i\u{fe0f}ent"), "c\\u{ad}l\\u{e0041}i\\u{fe0f}ent");
        assert_eq!(safe(&"a b ".repeat(1000)).chars().count(), LIMIT + 1);
        assert_eq!(safe(&"x".repeat(1 << 20)), "[masked]…");
        assert_eq!(safe(&"x".repeat(1 << 14)), "[masked]");
    }
}
