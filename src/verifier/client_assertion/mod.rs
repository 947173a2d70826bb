//! Checks client assertions as an authorization server does.
//!
//! `verifier` holds the server's decisions, `parse` applies them to a form, `claims` to the claims,
//! `unverified` to the signature and the times.

mod claims;
mod parse;
mod unverified;
mod verified;
mod verifier;

pub use unverified::UnverifiedAssertion;
pub(super) use verified::AssertionIdentity;
pub use verified::VerifiedAssertion;
pub use verifier::ClientAssertionVerifier;
