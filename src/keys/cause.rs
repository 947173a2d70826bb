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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::KeyError;

    #[test]
    fn the_source_of_every_clone_is_the_error_itself() {
        let error = KeyError::Signer(std::fmt::Error.into());
        for error in [error.clone(), error] {
            assert!(error.source().is_some_and(|source| source.is::<std::fmt::Error>()));
            assert_eq!(format!("{error:?}"), "Signer(Error)");
        }
    }
}
