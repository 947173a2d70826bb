//! Floor 2, `keys`: the files that load, those that do not, and what their keys sign.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../support/arbitrary.rs"]
mod arbitrary;
mod bad;
mod bounds;
mod entries;
mod files;
mod hostile;
mod pkcs12;
#[path = "../support/keys.rs"]
mod support;
mod vectors;
mod weak_rsa;
mod wrapped;
