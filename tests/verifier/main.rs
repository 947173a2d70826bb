//! Floor 4, `verifier`: client assertions and access tokens.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod access_token;
mod client_assertion;
#[path = "../support/mod.rs"]
mod support;
