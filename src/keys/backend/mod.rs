//! The only interface to a cryptographic library. Each backend takes the types of `material` and
//! `jose` and returns bytes. No library type leaves this module, so either library can change. The
//! rules for both are in `policy`.
//!
//! If both features are enabled, AWS-LC is used. RustCrypto is then compiled only for the tests,
//! which compare the two.

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
