//! Floor 1, `jose`: JWS, JWK and thumbprints.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../support/arbitrary.rs"]
mod arbitrary;
mod figures;
mod hostile;
#[path = "../support/keys.rs"]
mod support;
