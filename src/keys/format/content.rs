//! Removes the wrapping of a file: quotes and escapes around a text, base64 around anything.
//!
//! Secrets travel as text through variables, consoles and YAML, and each of them adds a wrapping.
//! The unwrapped content goes into buffers that are wiped.

use std::ops::Deref;

use zeroize::Zeroizing;

use super::{escapes, foreign, pem};
use crate::keys::KeyError;
use crate::keys::key_format::Wrapping;

/// Base64 of a JSON string of a PEM, and one more. No known wrapping is deeper.
const MAX_DEPTH: usize = 4;

/// Shorter than the base64 of any key.
const MIN_BASE64_LEN: usize = 44;

/// The content of a file, and its wrapping.
pub(super) struct Content<'a> {
    pub(super) kind: Kind,
    pub(super) bytes: Bytes<'a>,
    /// The outermost wrapping.
    pub(super) wrapping: Option<Wrapping>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Pem,
    Json,
    Der,
}

/// A part of the file, or a buffer that is wiped.
pub(super) enum Bytes<'a> {
    Borrowed(&'a [u8]),
    Owned(Zeroizing<Vec<u8>>),
}

impl Deref for Bytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }
}

impl<'a> Bytes<'a> {
    /// The part without a byte order mark and surrounding white space.
    fn text(self) -> Self {
        const BOM: &[u8] = b"\xef\xbb\xbf";
        let start = |bytes: &[u8]| {
            let mark = if bytes.starts_with(BOM) { BOM.len() } else { 0 };
            mark + bytes.iter().skip(mark).take_while(|byte| byte.is_ascii_whitespace()).count()
        };
        match self {
            Self::Borrowed(bytes) => {
                Self::Borrowed(bytes.get(start(bytes)..).unwrap_or_default().trim_ascii_end())
            }
            Self::Owned(mut bytes) => {
                let len = bytes.trim_ascii_end().len();
                bytes.truncate(len);
                let start = start(&bytes).min(len);
                bytes.drain(..start);
                Self::Owned(bytes)
            }
        }
    }
}

impl<'a> Content<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Result<Self, KeyError> {
        Self::unwrapped(Bytes::Borrowed(bytes), None, MAX_DEPTH)
    }

    fn unwrapped(bytes: Bytes<'a>, wrapping: Option<Wrapping>, depth: usize) -> Result<Self, KeyError> {
        // DER may contain any text and end with octets that look like white space, but it starts
        // with tags and lengths that are not text. 0x30 is also the digit 0.
        if bytes.first() == Some(&0x30) && !is_text(bytes.iter().take(8)) {
            return Ok(Self { kind: Kind::Der, bytes, wrapping });
        }
        let text = bytes.text();
        match text.first() {
            None => return Err(KeyError::Empty),
            Some(b'{') => return Ok(Self { kind: Kind::Json, bytes: text, wrapping }),
            Some(b'[') if is_array(&text) => return Ok(Self { kind: Kind::Json, bytes: text, wrapping }),
            _ if pem::is_pem(&text) => return Ok(Self { kind: Kind::Pem, bytes: text, wrapping }),
            _ => {}
        }
        let unknown = || match foreign::of_bytes(&text) {
            Some(error) => error,
            None if is_file_name(&text) => KeyError::FileName,
            None => KeyError::UnknownFormat,
        };
        let depth = depth.checked_sub(1).ok_or_else(unknown)?;
        let outermost = |own| Some(wrapping.unwrap_or(own));
        if let Some(inner) = escapes::unquoted(&text) {
            return Self::unwrapped(Bytes::Owned(inner), outermost(Wrapping::JsonString), depth)
                .map_err(nothing_known(unknown));
        }
        if let Some(error) = foreign::of_bytes(&text) {
            return Err(error);
        }
        match base64(&text) {
            Some(Ok(inner)) => Self::unwrapped(Bytes::Owned(inner), outermost(Wrapping::Base64), depth)
                .map_err(nothing_known(unknown)),
            Some(Err(error)) => Err(error),
            None => Err(unknown()),
        }
    }
}

/// A text was not wrapped if it unwraps to an unknown format.
fn nothing_known(unknown: impl FnOnce() -> KeyError) -> impl FnOnce(KeyError) -> KeyError {
    |error| match error {
        KeyError::UnknownFormat | KeyError::FileName | KeyError::Empty => unknown(),
        other => other,
    }
}

/// Whether a text is a JSON array of something.
fn is_array(text: &[u8]) -> bool {
    let elements = serde_json::from_slice::<Vec<&serde_json::value::RawValue>>(text);
    elements.is_ok_and(|elements| !elements.is_empty())
}

/// Whether a text that is not a key looks like the name of a key file.
fn is_file_name(text: &[u8]) -> bool {
    const LONGEST: usize = 512;
    const STARTS: [&[u8]; 4] = [b"/", b"./", b"../", b"~/"];
    const ENDS: [&str; 9] = [".pem", ".key", ".der", ".p8", ".p12", ".pfx", ".jwk", ".jwks", ".json"];
    let text = match text {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
        text => text,
    };
    let drive = matches!(text, [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic());
    let ends_in = |end: &&str| {
        let last = text.len().checked_sub(end.len()).and_then(|at| text.get(at..));
        last.is_some_and(|last| last.eq_ignore_ascii_case(end.as_bytes()))
    };
    text.len() <= LONGEST
        && !text.contains(&b'\n')
        && (drive || STARTS.iter().any(|start| text.starts_with(start)) || ENDS.iter().any(ends_in))
}

fn is_text<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> bool {
    bytes.into_iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}

/// Base64 in either alphabet, with or without padding; `None` if the text is not base64.
fn base64(text: &[u8]) -> Option<Result<Zeroizing<Vec<u8>>, KeyError>> {
    use base64ct::{Base64Unpadded, Encoding};
    /// The first characters of DER, PEM and JSON in base64.
    const STARTS: [&[u8]; 6] = [b"MI", b"MC", b"MH", b"LS0tLS1", b"ey", b"ew"];
    let mut digits = escapes::base64_digits(text);
    let padding = digits.iter().rev().take_while(|byte| **byte == b'=').count();
    let len = digits.len() - padding.min(2);
    digits.truncate(len);
    for digit in digits.iter_mut() {
        match *digit {
            b'-' => *digit = b'+',
            b'_' => *digit = b'/',
            b'+' | b'/' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {}
            _ => return None,
        }
    }
    if len < MIN_BASE64_LEN {
        return None;
    }
    match Base64Unpadded::decode_in_place(&mut digits).map(<[u8]>::len) {
        Ok(len) => {
            digits.truncate(len);
            Some(Ok(digits))
        }
        Err(_) if STARTS.iter().any(|start| text.starts_with(start)) => {
            Some(Err(KeyError::Der { structure: "base64 without PEM lines: incomplete" }))
        }
        Err(_) => None,
    }
}
