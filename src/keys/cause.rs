use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// An error of foreign code: an HTTP client or a [`Signer`](super::Signer). Clones share it, so
/// that every caller that waited for one request gets its error.
///
/// Anything that converts into a `Box<dyn Error + Send + Sync>` converts into a `Cause`.
///
/// ```
/// use private_key_jwt::keys::KeyError;
///
/// let error = KeyError::Signer("the HSM is out".into());
/// # let _ = error;
/// ```
#[derive(Clone)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Cause {
    fn from(error: E) -> Self {
        Self(Arc::from(error.into()))
    }
}

impl Deref for Cause {
    type Target = dyn Error + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An error and its causes in one line: `message: cause: cause`.
///
/// The errors of this crate print the same with `{:#}`. This type does it for any error, such as
/// one behind a `Box<dyn Error>`.
///
/// ```
/// use private_key_jwt::PrivateKey;
/// use private_key_jwt::keys::Causes;
///
/// let error = PrivateKey::from_file("no-such-key.pem").unwrap_err();
/// assert_eq!(error.to_string(), "cannot read no-such-key.pem");
/// assert!(format!("{error:#}").starts_with("cannot read no-such-key.pem: "));
/// assert_eq!(Causes::of(&error).to_string(), format!("{error:#}"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Causes<'a>(&'a dyn Error);

impl<'a> Causes<'a> {
    /// Prints this error with its causes.
    #[must_use]
    pub fn of(error: &'a dyn Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&with_causes(self.0.to_string(), self.0.source()))
    }
}

/// Writes the message of an error and, with `{:#}`, its causes.
pub(crate) fn write_caused(
    f: &mut fmt::Formatter<'_>,
    message: fmt::Arguments<'_>,
    source: Option<&dyn Error>,
) -> fmt::Result {
    if f.alternate() { f.write_str(&with_causes(message.to_string(), source)) } else { f.write_fmt(message) }
}

/// Declares functions for `#[error(fmt = …)]`, for variants with a source. The source is the last
/// field.
macro_rules! caused {
    ($($name:ident($($field:ident: $type:ty),*) by $source:ident: $cause:ty => $message:literal $(, $value:expr)*;)+) => {
        $(fn $name($($field: $type,)* $source: $cause, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            use $crate::keys::AsError as _;
            $crate::keys::write_caused(f, format_args!($message $(, $value)*), Some($source.as_error()))
        })+
    };
}
pub(crate) use caused;

/// An error, or what stands in place of one: [`Cause`] and
/// [`SignerError`](super::SignerError) are no errors, but lead to one.
pub(crate) trait AsError {
    fn as_error(&self) -> &dyn Error;
}

impl<T: Error> AsError for T {
    fn as_error(&self) -> &dyn Error {
        self
    }
}

impl AsError for dyn Error + Send + Sync {
    fn as_error(&self) -> &dyn Error {
        self
    }
}

fn with_causes(mut text: String, mut source: Option<&dyn Error>) -> String {
    while let Some(error) = source {
        let cause = error.to_string();
        // Some errors of other crates already end with the text of their source.
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{KeyError, SignerError};

    #[derive(Debug, thiserror::Error)]
    #[error("outer: inner")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("inner")]
    struct Inner;

    #[test]
    fn the_alternate_form_of_an_error_ends_with_its_causes() {
        let error = KeyError::Signer(SignerError::permanent(Outer(Inner)));
        assert_eq!(error.to_string(), "the signer failed");
        // A cause that the text already ends with is said once.
        assert_eq!(format!("{error:#}"), "the signer failed: outer: inner");
        assert_eq!(Causes::of(&error).to_string(), format!("{error:#}"));
        assert_eq!(Causes::of(&Inner).to_string(), "inner");
        assert_eq!(format!("{:#}", KeyError::NoActiveKey), KeyError::NoActiveKey.to_string());
    }

    #[test]
    fn the_source_of_every_clone_is_the_error_itself() {
        let error = KeyError::Signer(std::fmt::Error.into());
        for error in [error.clone(), error] {
            assert!(error.source().is_some_and(|source| source.is::<std::fmt::Error>()));
            assert_eq!(format!("{error:?}"), "Signer(Error)");
        }
    }
}
