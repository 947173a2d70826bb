use std::borrow::Cow;
use std::ops::Deref;

use zeroize::{Zeroize, Zeroizing};

/// Text of a document: borrowed, or owned and wiped on drop if escapes had to be decoded.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl Text<'_> {
    /// The text as an owned value.
    pub(crate) fn into_owned(self) -> Zeroizing<String> {
        Zeroizing::new(self.into_plain())
    }

    /// As [`Text::into_owned`], for a place that is wiped in another way.
    pub(crate) fn into_plain(mut self) -> String {
        std::mem::take(&mut self.0).into_owned()
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Drop for Text<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.0 {
            text.zeroize();
        }
    }
}
