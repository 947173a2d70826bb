//! Floor 3, `oauth`: assertions, issued tokens, requests, responses and refusals.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod assertion;
mod by_hand;
#[cfg(feature = "client")]
mod echoes;
mod hostile;
mod issued;
#[cfg(feature = "dev-server")]
mod own_server;
mod profiles;
#[cfg(feature = "client")]
mod protocol;
mod providers;
#[path = "../support/mod.rs"]
mod support;
