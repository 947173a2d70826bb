//! The secrets of a request, so that an error does not keep the ones that its server echoes. A
//! token can be recognised by its look. A code, a refresh token or a piece of an assertion may look
//! like any word, so only the sender of the request can recognise it.

use std::ops::Range;
use std::sync::OnceLock;

use zeroize::Zeroizing;

use crate::jose::{SecretForm, Wiped, base64url, urlencoded};

/// The form of a request. Its copy is kept until the response is read. Wiped on drop.
pub(crate) struct Secrets {
    form: Wiped<Vec<u8>>,
    /// Built only when a text is shown, and once for all texts.
    index: OnceLock<Index>,
}

impl Secrets {
    /// Parameters of the specifications that are not secrets, regardless of how their values look.
    const PUBLIC: [&str; 9] = [
        "scope",
        "resource",
        "audience",
        "client_id",
        "redirect_uri",
        "authorization_details",
        "code_challenge",
        "code_challenge_method",
        "token_type_hint",
    ];

    /// Parts of the names of secrets, including those of extensions: `pre-authorized_code`,
    /// `mfa_token`, `SAMLResponse`.
    const NAMES: [&str; 14] = [
        "code",
        "token",
        "secret",
        "assertion",
        "password",
        "passwd",
        "passphrase",
        "credential",
        "ticket",
        "req_id",
        "session",
        "saml",
        "otp",
        "api_key",
    ];

    #[cfg(feature = "client")]
    pub(crate) fn of(request: &http::Request<Vec<u8>>) -> Self {
        Self::of_form(request.body())
    }

    #[cfg(any(feature = "client", test))]
    fn of_form(body: &[u8]) -> Self {
        Self { form: Wiped::new(body.to_vec()), index: OnceLock::new() }
    }

    /// The index that finds the secrets in a text.
    pub(super) fn index(&self) -> &Index {
        self.index.get_or_init(|| self.new_index())
    }

    fn new_index(&self) -> Index {
        let pairs = self.form.split(|byte| *byte == b'&');
        let pairs = pairs.filter_map(|pair| Some(pair.split_at(memchr::memchr(b'=', pair)?)));
        let pairs = pairs.map(|(name, value)| {
            (urlencoded::decoded(name), urlencoded::decoded(value.get(1..).unwrap_or_default()))
        });
        Index::of(pairs.filter(|(name, value)| Self::is_secret(name, value)).map(|(_, value)| value))
    }

    /// Whether a parameter is a secret: by its name, or by the look of its value, because
    /// extensions choose their own names.
    fn is_secret(name: &[u8], value: &[u8]) -> bool {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        let looks_secret = || str::from_utf8(value).is_ok_and(|value| SecretForm::suspect(value).is_some());
        // For example `subject_token_type`, or `requested_token_use` of Entra ID.
        let says_how = name.starts_with("requested_") || name.ends_with("_type") || name.ends_with("_format");
        let is_named = || name == "request" || Self::NAMES.iter().any(|part| name.contains(part));
        !says_how && !Self::PUBLIC.contains(&&*name) && (is_named() || looks_secret())
    }
}

/// Finds pieces of secrets in a text, in one pass: every eight characters of a secret, and of its
/// base64 and hexadecimal forms.
///
/// The shortest secret that is masked has eight characters, so no piece of that length remains of a
/// longer one. The comparison ignores case and treats the two base64 alphabets as one.
pub(super) struct Index {
    /// Sorted, so that no choice of secrets makes the search slow.
    pieces: Zeroizing<Vec<u64>>,
    /// One bit per piece, by its hash, so that most absent pieces need no search.
    filter: Zeroizing<Vec<u64>>,
    /// The pieces that cannot be a word, because the secret has a digit or a capital there. Sorted.
    no_words: Zeroizing<Vec<u64>>,
    /// The secrets, folded.
    wholes: Vec<Zeroizing<Vec<u8>>>,
}

impl Index {
    /// The length of a piece in bytes, and of the shortest secret that is masked. Shorter ones
    /// would match too many ordinary words.
    const PIECE: usize = 8;
    /// A piece of lowercase letters alone may be a word of any text, unless it is this long.
    const WORD: usize = 16;
    /// The size of the filter, in words of 64 bits.
    const FILTER: usize = 1 << 10;

    fn of(secrets: impl Iterator<Item = Zeroizing<Vec<u8>>>) -> Self {
        let secrets: Vec<_> = secrets.filter(|secret| secret.len() >= Self::PIECE).collect();
        // Each secret as it is and as encoded in the form, both also in base64, and in hexadecimal
        // digits.
        let room = secrets.iter().map(|secret| 24 * secret.len()).sum();
        let mut pieces = Zeroizing::new(Vec::with_capacity(room));
        let mut no_words = Zeroizing::new(Vec::with_capacity(room));
        let mut add = |text: &[u8]| {
            for Piece { bytes, is_word, .. } in pieces_of(text) {
                pieces.push(bytes);
                no_words.extend((!is_word).then_some(bytes));
            }
        };
        for secret in &secrets {
            let mut form = Zeroizing::new(String::with_capacity(3 * secret.len()));
            form.extend(form_urlencoded::byte_serialize(secret));
            let form = Some(form.as_bytes()).filter(|form| *form != secret.as_slice());
            for bytes in [secret.as_slice()].into_iter().chain(form) {
                add(bytes);
                (0..3).for_each(|offset| add(base64_inside(bytes, offset).as_bytes()));
            }
            let mut digits = Zeroizing::new(Vec::with_capacity(2 * secret.len()));
            digits.extend(secret.iter().flat_map(|byte| hexadecimal(*byte)));
            add(&digits);
        }
        pieces.sort_unstable();
        no_words.sort_unstable();
        let mut filter = Zeroizing::new(vec![0; Self::FILTER]);
        for piece in pieces.iter() {
            let (word, bit) = Self::place(*piece);
            if let Some(word) = filter.get_mut(word) {
                *word |= bit;
            }
        }
        let mut wholes = secrets;
        wholes.iter_mut().for_each(|secret| secret.iter_mut().for_each(|byte| *byte = folded(byte)));
        Self { pieces, filter, no_words, wholes }
    }

    /// The position of a piece in the filter: a word, and a bit in it.
    const fn place(piece: u64) -> (usize, u64) {
        let hash = piece.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
        (hash as usize >> 6, 1 << (hash & 63))
    }

    fn has(&self, piece: u64) -> bool {
        let (word, bit) = Self::place(piece);
        self.filter.get(word).is_some_and(|word| word & bit != 0) && self.pieces.binary_search(&piece).is_ok()
    }

    /// Reports every part of a text that is made of pieces.
    pub(super) fn find(&self, text: &[u8], mut found: impl FnMut(Range<usize>)) {
        // The current part, and whether all of it may be a word.
        let mut part: Option<(Range<usize>, bool)> = None;
        for Piece { end, bytes, .. } in pieces_of(text).filter(|piece| self.has(piece.bytes)) {
            let start = end - Self::PIECE;
            let is_word = self.no_words.binary_search(&bytes).is_err();
            match &mut part {
                Some((part, is_all_word)) if start <= part.end => {
                    part.end = end;
                    *is_all_word &= is_word;
                }
                _ => {
                    let before = part.replace((start..end, is_word));
                    before
                        .filter(|part| self.is_secret(text, part))
                        .into_iter()
                        .for_each(|part| found(part.0));
                }
            }
        }
        part.filter(|part| self.is_secret(text, part)).into_iter().for_each(|part| found(part.0));
    }

    /// Whether a part made of pieces is more than a word that the text and a secret share.
    fn is_secret(&self, text: &[u8], (part, is_word): &(Range<usize>, bool)) -> bool {
        let part = text.get(part.clone()).unwrap_or_default();
        let is_at = |at: &[u8], whole: &[u8]| at.iter().map(folded).eq(whole.iter().copied());
        let has = |whole: &[u8]| part.windows(whole.len()).any(|at| is_at(at, whole));
        part.len() >= Self::WORD || !is_word || self.wholes.iter().any(|whole| has(whole))
    }
}

/// Eight consecutive bytes, folded.
struct Piece {
    bytes: u64,
    /// The index after the last byte.
    end: usize,
    /// Whether the bytes contain neither digits nor capitals.
    is_word: bool,
}

fn pieces_of(text: &[u8]) -> impl Iterator<Item = Piece> {
    let (mut bytes, mut others) = (0_u64, 0_u8);
    let pieces = (1..).zip(text).map(move |(end, byte)| {
        bytes = bytes << 8 | u64::from(folded(byte));
        others = others << 1 | u8::from(byte.is_ascii_digit() || byte.is_ascii_uppercase());
        Piece { bytes, end, is_word: others == 0 }
    });
    pieces.skip(Index::PIECE - 1)
}

const fn folded(byte: &u8) -> u8 {
    match byte {
        b'+' => b'-',
        b'/' => b'_',
        other => other.to_ascii_lowercase(),
    }
}

/// The base64 form of bytes that follow this many others, without the characters that also depend
/// on the bytes before and after.
fn base64_inside(bytes: &[u8], offset: usize) -> Zeroizing<String> {
    let skipped = (3 - offset) % 3;
    let inside = bytes.get(skipped..).unwrap_or_default();
    let whole = inside.len() / 3 * 3;
    Zeroizing::new(base64url::encode(inside.get(..whole).unwrap_or_default()))
}

fn hexadecimal(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 15].map(|digit| if digit < 10 { b'0' + digit } else { b'a' + digit - 10 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(secret: &str, text: &str) -> String {
        let index = Index::of([Zeroizing::new(secret.as_bytes().to_vec())].into_iter());
        let mut parts = Vec::new();
        index.find(text.as_bytes(), |part| parts.push(part));
        let mut masked = text.to_owned();
        parts.into_iter().rev().for_each(|part| masked.replace_range(part, "*"));
        masked
    }

    #[test]
    fn every_eight_characters_of_a_secret_are_found() {
        let secret = "0b9b5f8e-2c55+Xy/z";
        for (text, expected) in [
            ("bad: 0b9b5f8e-2c55+Xy/z0b9b5f8e-2c55+Xy/z.", "bad: *."),
            ("0b9b5f8 9b5f8e-2 2c55+Xy/z!", "0b9b5f8 * *!"),
            ("0B9B5F8E 2c55 xy_z", "* 2c55 xy_z"),
            ("2C55-XY_Z", "*"),
            ("b9b5f8e,b5f8e_2", "b9b5f8e,b5f8e_2"),
        ] {
            assert_eq!(masked(secret, text), expected, "{text}");
        }
    }

    #[test]
    fn a_secret_is_found_in_base64_and_hexadecimal_digits() {
        let secret = "s3cr3t/with+all";
        for before in ["", "a", "ab", "abc"] {
            let whole = format!("{before}{secret}/after");
            for text in [base64url::encode(&whole), base64url::encode_standard(&whole)] {
                let found = masked(secret, &text);
                assert!(found.contains('*') && found.len() <= before.len() * 4 / 3 + 20, "{text} {found}");
            }
        }
        let digits: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(masked(secret, &digits), "*");
        assert_eq!(masked(secret, &digits.to_uppercase()), "*");
        let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        assert_eq!(masked(secret, &form), "*");
    }

    #[test]
    fn words_that_a_text_and_a_secret_share_stay() {
        let secret = "my-refresh-token-for-production-17";
        for text in ["the refresh token for production is revoked", "production", "a refresh-token-f"] {
            assert_eq!(masked(secret, text), text);
        }
        assert_eq!(masked(secret, "refresh-token-for"), "*");
        // A secret that is a single word is masked only if it appears as a whole.
        assert_eq!(masked("horsestaple", "horsestaple horsestapl"), "* horsestapl");
        assert_eq!(masked("horses", "horses"), "horses");
    }

    #[test]
    fn a_parameter_of_an_extension_is_a_secret_by_its_name_or_its_look() {
        for (name, value, expected) in [
            ("pre-authorized_code", "code-of-nobody", true),
            ("SAMLResponse", "words", true),
            ("mfa%5Ftoken", "words", true),
            ("otp", "12345678", true),
            ("x", "rT9-Zk3+Qw7xLm2_Vb8", true),
            ("organization", "acme-holding-17", false),
            ("requested_token_use", "on_behalf_of", false),
            ("request", "jwt.of.nobody", true),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:jwt", false),
            ("audience", "rT9-Zk3+Qw/7xLm2_Vb8", false),
        ] {
            assert_eq!(
                Secrets::is_secret(&urlencoded::decoded(name.as_bytes()), value.as_bytes()),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn the_secrets_of_a_form_are_those_of_its_parameters() {
        let form =
            "grant_type=refresh_token&scope=api%3Aread-0123456789&refresh_token=a%2Fb%2Bcdefg1&code=1234567";
        let secrets = Secrets::of_form(form.as_bytes());
        let mut parts = Vec::new();
        secrets
            .index()
            .find(b"api:read-0123456789 refresh_token 1234567 a/b+cdefg1", |part| parts.push(part));
        assert_eq!((parts.len(), &parts[0]), (1, &(42..52)));
    }
}
