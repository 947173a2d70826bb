use std::borrow::Cow;
use std::ops::Deref;

use zeroize::Zeroizing;

/// Text of a document: borrowed as it stands there, or of its own where escapes had to be undone,
/// and then wiped on drop.
pub(crate) enum Text<'a> {
    Borrowed(&'a str),
    Owned(Zeroizing<String>),
}

impl Text<'_> {
    /// A text of its own.
    pub(crate) fn into_owned(self) -> Zeroizing<String> {
        match self {
            Self::Borrowed(text) => Zeroizing::new(text.to_owned()),
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
            Cow::Owned(text) => Self::Owned(Zeroizing::new(text)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_characters_only() {
        for text in [Cow::Borrowed("aé"), Cow::Owned("aé".to_owned())] {
            for (len, left) in [(0, ""), (1, "a"), (2, "aé"), (3, "aé"), (4, "aé")] {
                assert_eq!(&*Text::from(text.clone()).truncated(len), left);
            }
            assert_eq!(*Text::from(text).into_owned(), "aé");
        }
    }
}
