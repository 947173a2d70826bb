//! Floor 5, `transport`: discovery and the HTTP client.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod discovery;
mod protected_resource;
mod reqwest_client;
#[path = "../support/mod.rs"]
mod support;
