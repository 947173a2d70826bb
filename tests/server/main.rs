//! Floor 6, `server`: remote JWK Sets, the keys of many clients, and the tower layer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[cfg(feature = "tower")]
mod bearer;
mod causes;
mod client_keys;
mod jwks;
#[path = "../support/mod.rs"]
mod support;
