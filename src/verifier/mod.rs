//! Check client assertions at a token endpoint ([`ClientAssertionVerifier`]) and access tokens at
//! an API ([`AccessTokenVerifier`]).
//!
//! An authorization server checks a client assertion (RFC 7521 §4.2, RFC 7523 §3) in three steps.
//! Each step has its own type, so that no step can be skipped:
//!
//! 1. [`ClientAssertionVerifier::parse`] parses the form body and returns an
//!    [`UnverifiedAssertion`], which states only whose it claims to be.
//! 2. [`UnverifiedAssertion::verify`] checks it against that client's keys and registered
//!    algorithm, and returns a [`VerifiedAssertion`].
//! 3. [`ReplayStore::spend`] uses up its `jti` and returns the client id.
//!
//! If a step fails, [`VerifierError::token_endpoint_response`] is the response to the client.
//!
//! A resource server checks an access token (RFC 9068) in one step:
//! [`AccessTokenVerifier::verify`]. [`AccessTokenProfile`] has a preset for each common issuer that
//! does not follow RFC 9068. `verify` rejects a token that is bound to a key (`cnf`). If the server
//! has checked the proof of that key, [`AccessTokenVerifier::verify_with_proof`] compares the two.
//!
//! An empty setting never disables a check: a verifier with an empty setting rejects everything
//! ([`VerifierError::EmptySetting`]).
//!
//! Everything is a function of its arguments; the caller passes the time as a value.

mod access_token;
mod audience;
pub(crate) mod claims;
mod client_assertion;
mod error;
mod error_response;
mod foreign;
mod form;
mod replay;
pub(crate) mod rules;
mod setting;

pub use access_token::{
    AccessTokenClaims, AccessTokenProfile, AccessTokenVerifier, BoundTo, Confirmation, PermissionClaims,
    ProofOfPossession,
};
#[cfg(feature = "tower")]
pub(crate) use access_token::{unknown_issuer, unverified_issuer};
pub use audience::AudiencePolicy;
pub use client_assertion::{ClientAssertionVerifier, UnverifiedAssertion, VerifiedAssertion};
#[cfg(feature = "dev-server")]
pub(crate) use client_assertion::{Point, scheme};
pub use error::{ClaimProblem, VerifierError};
pub use error_response::ErrorResponse;
#[cfg(feature = "dev-server")]
pub(crate) use error_response::describable;
#[cfg(feature = "dev-server")]
pub(crate) use form::Form;
pub use replay::{InMemoryReplayStore, ReplayEntry, ReplayStore};
