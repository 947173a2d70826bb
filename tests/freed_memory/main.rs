//! No freed memory contains a secret: an allocator inspects each block before it is freed, and the
//! old block where a block grows, for a part of a secret.
//!
//! `allocator` is the lens, `marks` says what to look for, `watch` inspects while a closure runs;
//! `detector` shows that a leak is found. The other modules do what users do. `known` lists what
//! other crates free, which this crate cannot reach.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod allocator;
#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
mod connections;
mod detector;
#[cfg(feature = "client")]
mod doctor;
mod keys;
mod known;
mod marks;
mod requests;
mod responses;
mod spelling;
mod watch;

#[global_allocator]
static ALLOCATOR: allocator::Watching = allocator::Watching;
