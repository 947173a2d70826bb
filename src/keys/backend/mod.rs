//! The one seam to a cryptographic library. Each backend takes what `material` and `jose` describe
//! and hands back bytes; no type of a library leaves this module, so either can move. What both
//! need stands above them, in `policy`.
//!
//! With both features AWS-LC is used. RustCrypto is then compiled for the tests alone, which hold
//! the two together.

#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
#[cfg(test)]
#[cfg(all(feature = "aws-lc-rs", feature = "rustcrypto"))]
mod differential;
mod primes;
#[cfg(all(feature = "rustcrypto", any(test, not(feature = "aws-lc-rs"))))]
mod rustcrypto;

#[cfg(feature = "aws-lc-rs")]
pub(super) use aws_lc::{SigningKey, VerifyingKey, decompressed, generate_rsa};
pub(super) use primes::with_primes;
#[cfg(all(feature = "rustcrypto", not(feature = "aws-lc-rs")))]
pub(super) use rustcrypto::{SigningKey, VerifyingKey, decompressed, generate_rsa};

#[cfg(not(any(feature = "rustcrypto", feature = "aws-lc-rs")))]
compile_error!("private-key-jwt needs a crypto backend: turn on the feature `rustcrypto` or `aws-lc-rs`");
