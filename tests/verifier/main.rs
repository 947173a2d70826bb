//! Floor 4, `verifier`: client assertions, access tokens, and the responses to rejected requests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod access_token;
mod client_assertion;
mod error_response;
mod requests;
#[path = "../support/mod.rs"]
mod support;
