//! Floor 4: the other end. An authorization server checks a client assertion (RFC 7521 §4.2, RFC
//! 7523 §3) in three steps, each its own type, so that no step can be skipped:
//!
//! 1. [`ClientAssertionVerifier::parse`] takes the form body apart and yields an
//!    [`UnverifiedAssertion`], which says nothing but whose it claims to be.
//! 2. [`UnverifiedAssertion::verify`] checks it against that client's keys and registered
//!    algorithm, and yields a [`VerifiedAssertion`].
//! 3. [`ReplayStore::spend`] uses its `jti` up, and yields the client id.
//!
//! A resource server checks an access token (RFC 9068) in one step:
//! [`AccessTokenVerifier::verify`]. [`AccessTokenProfile`] has a preset for each common issuer that
//! does not follow RFC 9068. A token that is bound to a key (`cnf`) is refused there; if the server
//! has checked the proof of that key, [`AccessTokenVerifier::verify_with_proof`] compares the two.
//!
//! An empty setting is never "no check": a verifier that has one accepts nothing
//! ([`VerifierError::EmptySetting`]).
//!
//! Everything is a function of its arguments; the time comes in as a value.

mod access_token;
mod audience;
pub(crate) mod claims;
mod client_assertion;
mod error;
mod foreign;
mod form;
mod replay;
mod setting;

pub use access_token::{
    AccessTokenClaims, AccessTokenProfile, AccessTokenVerifier, BoundTo, Confirmation, PermissionClaims,
    ProofOfPossession,
};
pub use audience::AudiencePolicy;
pub use client_assertion::{ClientAssertionVerifier, UnverifiedAssertion, VerifiedAssertion};
pub use error::{ClaimProblem, VerifierError};
#[cfg(feature = "dev-server")]
pub(crate) use form::Form;
pub use replay::{InMemoryReplayStore, ReplayEntry, ReplayStore};
