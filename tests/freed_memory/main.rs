//! No secret is in memory that was freed: an allocator looks into each block before it goes back,
//! and into the old one where a block grows, for a part of a secret.
//!
//! `allocator` is the lens, `marks` says what to look for, `watch` looks while something is done;
//! `detector` shows that a leak is found. The other modules do what users do. `known` lists what
//! other crates free, which this one cannot reach.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod allocator;
#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
mod connections;
mod detector;
mod keys;
mod known;
mod marks;
mod requests;
mod responses;
mod spelling;
mod watch;

#[global_allocator]
static ALLOCATOR: allocator::Watching = allocator::Watching;
