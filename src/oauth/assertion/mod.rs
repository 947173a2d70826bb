//! The client assertion (RFC 7521 §4.2, RFC 7523 §3): from a builder to an unsigned one to a signed
//! one.

mod builder;
mod client_assertion;
#[cfg(test)]
mod tests;

pub use builder::ClientAssertionBuilder;
pub use client_assertion::{ClientAssertion, UnsignedAssertion};
