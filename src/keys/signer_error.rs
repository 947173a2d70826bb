use std::error::Error;
use std::fmt;
use std::ops::Deref;

use super::Cause;

/// Why a signer outside the process failed to sign, and whether the failure may be temporary.
///
/// Any error converts into this one with `?` and then counts as temporary: a client tries again
/// later. Use [`SignerError::permanent`] for failures that last until someone fixes the cause, such
/// as a disabled key or denied access.
///
/// ```
/// use private_key_jwt::keys::{KeyError, SignerError};
///
/// let error = KeyError::Signer(SignerError::permanent("the key is disabled"));
/// assert!(matches!(error, KeyError::Signer(error) if !error.may_pass()));
/// assert!(SignerError::from("the HSM is out").may_pass());
/// ```
#[derive(Clone)]
pub struct SignerError {
    cause: Cause,
    may_pass: bool,
}

impl SignerError {
    /// A permanent error: a retry does not help.
    #[must_use]
    pub fn permanent(error: impl Into<Cause>) -> Self {
        Self { cause: error.into(), may_pass: false }
    }

    /// Whether the signer may succeed later without intervention.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        self.may_pass
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for SignerError {
    /// A temporary error.
    fn from(error: E) -> Self {
        Self { cause: error.into().into(), may_pass: true }
    }
}

impl Deref for SignerError {
    type Target = dyn Error + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.cause
    }
}

impl fmt::Debug for SignerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}
