//! Tokens and what they are made of, wiped on drop.
//!
//! [`zeroize::Zeroizing`] writes byte by byte. A token has hundreds, and there are three such buffers to a request. These
//! bytes are overwritten many at a time, and zeroize's own barrier keeps that from being optimised away.
//! Keys are short and stay with `Zeroizing`.

use std::borrow::Cow;
use std::ops::{Deref, DerefMut};

/// A [`String`] or a [`Vec`] of bytes.
pub(crate) trait Buffer: Default {
    fn into_bytes(self) -> Vec<u8>;
}

impl Buffer for String {
    fn into_bytes(self) -> Vec<u8> {
        self.into_bytes()
    }
}

impl Buffer for Vec<u8> {
    fn into_bytes(self) -> Vec<u8> {
        self
    }
}

/// A buffer that is wiped on drop. What it held before it grew is not: give it its room at once.
#[derive(Clone, Default)]
pub(crate) struct Wiped<T: Buffer>(T);

impl<T: Buffer> Wiped<T> {
    pub(crate) const fn new(buffer: T) -> Self {
        Self(buffer)
    }

    /// The buffer, from now on no longer wiped.
    pub(crate) fn into_inner(mut self) -> T {
        std::mem::take(&mut self.0)
    }
}

impl<T: Buffer> Deref for Wiped<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Buffer> DerefMut for Wiped<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Buffer> Drop for Wiped<T> {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Text of a document: borrowed as it stands there, or of its own where escapes had to be undone, and then wiped on drop.
pub(crate) enum Text<'a> {
    Borrowed(&'a str),
    Owned(Wiped<String>),
}

impl Text<'_> {
    /// A text of its own.
    pub(crate) fn into_owned(self) -> Wiped<String> {
        match self {
            Self::Borrowed(text) => Wiped::new(text.to_owned()),
            Self::Owned(text) => text,
        }
    }

    /// The first so many bytes; all of it where a character would be cut.
    pub(crate) fn truncated(self, len: usize) -> Self {
        match self {
            Self::Borrowed(text) => Self::Borrowed(text.get(..len).unwrap_or(text)),
            Self::Owned(mut text) => {
                if text.is_char_boundary(len) {
                    text.truncate(len);
                }
                Self::Owned(text)
            }
        }
    }
}

impl<'a> From<Cow<'a, str>> for Text<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::Borrowed(text),
            Cow::Owned(text) => Self::Owned(Wiped::new(text)),
        }
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Owned(text) => text,
        }
    }
}

/// Wipes a buffer, also behind its end, and empties it.
pub(crate) fn wipe(buffer: &mut impl Buffer) {
    let mut bytes = std::mem::take(buffer).into_bytes();
    overwrite(&mut bytes);
    zeroize::optimization_barrier(bytes.as_slice());
}

/// Fills the whole of the memory: what lies behind the end may have been text once.
fn overwrite(bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.resize(bytes.capacity(), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_the_memory_is_overwritten_where_it_stands() {
        let mut bytes = b"a secret, of which the end was cut off".to_vec();
        bytes.reserve_exact(100);
        bytes.truncate(8);
        let (place, capacity) = (bytes.as_ptr(), bytes.capacity());
        overwrite(&mut bytes);
        assert_eq!(bytes, vec![0; capacity]);
        assert_eq!((bytes.as_ptr(), bytes.capacity()), (place, capacity));
    }

    #[test]
    fn text_is_cut_between_characters_only() {
        for text in [Cow::Borrowed("aé"), Cow::Owned("aé".to_owned())] {
            for (len, left) in [(0, ""), (1, "a"), (2, "aé"), (3, "aé"), (4, "aé")] {
                assert_eq!(&*Text::from(text.clone()).truncated(len), left);
            }
            assert_eq!(*Text::from(text).into_owned(), "aé");
        }
    }

    #[test]
    fn what_was_taken_out_is_whole() {
        assert_eq!(Wiped::new("a".to_owned()).into_inner(), "a");
        let mut text = "a".to_owned();
        wipe(&mut text);
        assert_eq!(text, "");
    }
}
