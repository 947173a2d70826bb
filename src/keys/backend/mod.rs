//! The one seam to a cryptographic library. Both halves take what `material` and `jose` describe and hand back bytes;
//! no type of a library leaves this module, so either backend can move.

#[cfg(feature = "rustcrypto")]
mod rustcrypto;

#[cfg(feature = "rustcrypto")]
pub(super) use rustcrypto::{SigningKey, VerifyingKey, generate};

#[cfg(not(feature = "rustcrypto"))]
compile_error!("private-key-jwt needs a crypto backend: turn on the feature `rustcrypto`");
