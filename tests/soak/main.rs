//! A minute of real time against a server that behaves badly: every call must get its token. Run by a command of its own,
//! see CONTRIBUTING.md.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../support/mod.rs"]
mod support;

mod load;
mod outages;
mod server;
