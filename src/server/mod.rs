//! Floor 6: what a server that checks tokens or assertions keeps between requests, with I/O.
//!
//! `RemoteJwks` holds the keys of an issuer or of a client. It is behind the feature `client`, since it is an HTTP client of
//! the issuer and needs exactly what the token client needs: reqwest and tokio. `RedisReplayStore`, behind the feature
//! `redis`, remembers for several processes which assertions were used.

#[cfg(feature = "client")]
mod jwks;
#[cfg(feature = "redis")]
mod redis_replay;

#[cfg(feature = "client")]
pub use jwks::{JwksFetchError, RemoteJwks, RemoteJwksBuilder, RemoteJwksError};
#[cfg(feature = "redis")]
pub use redis_replay::{RedisReplayError, RedisReplayStore};
