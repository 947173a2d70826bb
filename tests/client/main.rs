//! Floor 6, `client`: requests, the cache, what goes wrong, and the middleware.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[cfg(feature = "reqwest-middleware")]
mod bearer_middleware;
mod cache;
mod discovery;
mod faults;
mod fixed;
mod requests;
#[path = "../support/mod.rs"]
mod support;
