use std::borrow::Borrow;
use std::cmp::Ordering;
use std::ops::Deref;

use zeroize::Zeroizing;

/// Text of a document: borrowed, or owned and wiped on drop if escapes had to be decoded.
pub(crate) enum Text<'a> {
    Borrowed(&'a str),
    Owned(Zeroizing<String>),
}

impl Text<'_> {
    /// The text as an owned value.
    pub(crate) fn into_owned(self) -> Zeroizing<String> {
        match self {
            Self::Borrowed(text) => Zeroizing::new(text.to_owned()),
            Self::Owned(text) => text,
        }
    }

    /// As [`Text::into_owned`], for a place that is wiped in another way.
    pub(crate) fn into_plain(self) -> String {
        std::mem::take(&mut self.into_owned())
    }
}

/// Reserves space for `additional` more bytes. A text that grows by itself leaves copies behind.
pub(crate) fn reserve(text: &mut Zeroizing<String>, additional: usize) {
    let needed = text.len().saturating_add(additional);
    if text.capacity() < needed {
        let mut larger = Zeroizing::new(String::with_capacity(needed.max(2 * text.capacity())));
        larger.push_str(text);
        *text = larger;
    }
}

/// Appends to a text without leaving copies behind when it grows.
pub(crate) fn push_str(text: &mut Zeroizing<String>, more: &str) {
    reserve(text, more.len());
    text.push_str(more);
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text<'_> {}

impl PartialOrd for Text<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl Borrow<str> for Text<'_> {
    fn borrow(&self) -> &str {
        self
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_grows_when_there_is_no_room() {
        let mut text = Zeroizing::new(String::with_capacity(3));
        push_str(&mut text, "abc");
        assert_eq!(text.capacity(), 3);
        push_str(&mut text, "d");
        assert_eq!((text.as_str(), text.capacity()), ("abcd", 6));
        push_str(&mut text, "0123456789");
        assert_eq!((text.as_str(), text.capacity()), ("abcd0123456789", 14));
    }
}
