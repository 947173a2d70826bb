//! Floor 6: what a server in production needs around the [verifier](crate::verifier), with I/O.

#[cfg(feature = "redis")]
mod redis_replay;

#[cfg(feature = "redis")]
pub use redis_replay::{RedisReplayError, RedisReplayStore};
