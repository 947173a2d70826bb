//! The cache of the token client, against a server inside the process, with a clock that is set by
//! hand. Every request that arrives is verified, and none may bring an assertion that was there
//! before.

mod concurrency;
mod entries;
mod failures;
mod invalidation;
mod lifetimes;
mod refresh_tokens;
mod renewals;
mod runtimes;
mod server;
