//! Checks client assertions as an authorization server does.
//!
//! `verifier` holds the server's decisions, `request` applies them to a request, `parse` to its
//! form, `claims` to the claims, `unverified` to the signature and the times. `examination` applies
//! them one by one, for display.

mod claims;
#[cfg(feature = "dev-server")]
mod examination;
mod parse;
mod request;
mod unverified;
mod verified;
mod verifier;

#[cfg(feature = "dev-server")]
pub(crate) use examination::Point;
#[cfg(feature = "dev-server")]
pub(crate) use request::scheme;
pub use unverified::UnverifiedAssertion;
pub(super) use verified::AssertionIdentity;
pub use verified::VerifiedAssertion;
pub use verifier::ClientAssertionVerifier;
