//! The cache of the token client, with a server inside the process and a clock that the test sets.
//! The server verifies every request, and no assertion may arrive twice.

mod concurrency;
mod entries;
mod failures;
mod invalidation;
mod lifetimes;
mod refresh_tokens;
mod renewals;
mod runtimes;
mod server;
