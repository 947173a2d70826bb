//! Floor 6, `rotation`: keys in a folder that rotate by a plan.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod broken;
mod certificates;
mod clocks;
mod life;
mod opening;
mod outside;
mod replaced;
#[path = "../support/mod.rs"]
mod support;
mod torn;
#[cfg(unix)]
mod unreadable;
mod watching;
mod world;
