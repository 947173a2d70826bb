//! Checks client assertions as an authorization server does.
//!
//! `verifier` holds the server's decisions, `request` applies them to a request, `parse` to its
//! form, `claims` to the claims, `unverified` to the signature and the times.

mod claims;
mod parse;
mod request;
mod unverified;
mod verified;
mod verifier;

#[cfg(feature = "dev-server")]
pub(crate) use request::scheme;
pub use unverified::UnverifiedAssertion;
pub(super) use verified::AssertionIdentity;
pub use verified::VerifiedAssertion;
pub use verifier::ClientAssertionVerifier;
