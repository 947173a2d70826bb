//! Recognizes JSON, PEM and DER in base64 or in hexadecimal digits.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode;
use zeroize::Zeroizing;

/// Whether one of the words of a text starts with JSON in base64.
pub(super) fn has_encoded_json(text: &str) -> bool {
    let words = text.split(|character: char| !is_base64(character));
    words.filter(|word| word.len() >= 16).any(|word| begins_json(word.as_bytes()))
}

/// Whether a word of a text starts with a key in base64, also behind a slash.
pub(super) fn has_encoded_key(text: &str) -> bool {
    /// Shorter than any key, in characters.
    const SHORTEST: usize = 54;
    /// Enough to recognise the form, in characters.
    const BEGINNING: usize = 24;
    let begins = |word: &str| {
        let beginning = word.get(..BEGINNING).filter(|_| word.len() >= SHORTEST).unwrap_or_default();
        decode(beginning.as_bytes()).is_some_and(|bytes| match content_of_der(&bytes) {
            // Any word may decode to the start of a SEQUENCE, so check what is inside, too.
            Some(content) => matches!(content, [0x02, 0x01, ..] | [0x30, 0x01..=0x7f | 0x81..=0x83, ..]),
            None => is_key_text(&bytes),
        })
    };
    text.split(|character| !is_base64(character)).any(|word| {
        let behind_slashes = word.match_indices('/').filter_map(|(at, _)| word.get(at + 1..));
        [word].into_iter().chain(behind_slashes).any(begins)
    })
}

const fn is_base64(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '+' | '/' | '-' | '_')
}

/// Whether base64 of either alphabet, of eight characters or more, begins with a JSON object.
pub(crate) fn begins_json(base64: &[u8]) -> bool {
    /// The maximum that is examined, in characters.
    const MOST: usize = 48;
    // `{"`, or white space after the brace.
    if !matches!(base64, [b'e', b'y' | b'w', ..]) {
        return false;
    }
    let len = base64.iter().take(MOST).take_while(|byte| is_base64(char::from(**byte))).count();
    let Some(bytes) = base64.get(..len / 4 * 4).filter(|text| text.len() >= 8).and_then(decode) else {
        return false;
    };
    let Some(member) = bytes.strip_prefix(b"{").map(<[u8]>::trim_ascii_start) else { return false };
    // The last character may be cut off, and the examined part be only white space.
    let mut chunks = member.utf8_chunks();
    let text = chunks.next().map_or("", |chunk| chunk.valid());
    let is_json = chunks.next().is_none() && (text.is_empty() || text.starts_with('"'));
    is_json && !text.chars().any(|character| character.is_control() && !character.is_ascii_whitespace())
}

/// Decodes base64 of either alphabet, with or without padding. Bits left at its end are ignored.
pub(super) fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone);
    const LENIENT: GeneralPurpose = GeneralPurpose::new(&STANDARD, CONFIG);
    let digits = text.split(|byte| *byte == b'=').next().unwrap_or_default();
    let whole = digits.len() - usize::from(digits.len() % 4 == 1);
    let digits = digits.get(..whole).unwrap_or_default();
    let mut digits = Zeroizing::new(digits.to_vec());
    for digit in digits.iter_mut() {
        *digit = match *digit {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        };
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len()));
    LENIENT.decode_vec(digits.as_slice(), &mut bytes).ok()?;
    Some(bytes)
}

/// Whether a text is DER, PEM or JSON in hexadecimal digits, or in base64 up to three times.
pub(crate) fn is_encoded_key(text: &str) -> bool {
    /// Shorter than any key, in bytes.
    const SHORTEST: usize = 40;
    /// The start is enough to recognise the form.
    const MOST: usize = 1 << 10;
    let mut encoded: Zeroizing<Vec<u8>> = Zeroizing::new(Vec::with_capacity(MOST));
    let mut rest = percent_decode(text.as_bytes()).take(4 * MOST);
    while let Some(byte) = rest.next()
        && encoded.len() < MOST
    {
        match byte {
            // Line ends, also spelled out.
            b'\\' if matches!(rest.next(), Some(b'n' | b'r')) => {}
            _ if byte.is_ascii_whitespace() => {}
            _ => encoded.push(byte),
        }
    }
    if encoded.len() < SHORTEST {
        return false;
    }
    if let Some(bytes) = hexadecimal(&encoded) {
        return is_der(&bytes);
    }
    for _ in 0..3 {
        let whole = encoded.len() / 4 * 4;
        let Some(bytes) = encoded.get(..whole).and_then(decode).filter(|bytes| bytes.len() > 8) else {
            return false;
        };
        if is_der(&bytes) || is_key_text(&bytes) {
            return true;
        }
        encoded = bytes;
    }
    false
}

fn hexadecimal(digits: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len() / 2));
    for pair in digits.chunks_exact(2) {
        bytes.push(u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?);
    }
    Some(bytes)
}

/// Whether bytes begin like PEM, JSON or an OpenSSH key.
fn is_key_text(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_start();
    let inner = text.strip_prefix(b"[").unwrap_or(text).trim_ascii_start();
    let member = inner.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    text.starts_with(b"-----BEGIN")
        || text.starts_with(b"openssh-key-v1")
        || member.is_some_and(|member| member.starts_with(b"\""))
}

/// Whether bytes begin like the DER of a key: a SEQUENCE of an INTEGER or of another SEQUENCE.
pub(crate) fn is_der(bytes: &[u8]) -> bool {
    matches!(content_of_der(bytes), Some([0x02 | 0x30, ..]))
}

/// The content of a SEQUENCE that is long enough for a key.
const fn content_of_der(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [0x30, 0x81, _, content @ ..]
        | [0x30, 0x82, _, _, content @ ..]
        | [0x30, 0x83, _, _, _, content @ ..]
        | [0x30, 0x20..=0x7f, content @ ..] => Some(content),
        _ => None,
    }
}
