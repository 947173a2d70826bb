//! Protect an API with access tokens, or authenticate clients at a token endpoint, with keys that
//! follow their rotation.
//!
//! `RemoteJwks` holds the keys of an issuer or of a client, and `ClientKeys` those of many clients.
//! They are behind the feature `client`, since they are HTTP clients and need exactly what the
//! token client needs: reqwest and tokio. `RedisReplayStore`, behind the feature `redis`, remembers
//! for several processes which assertions were used. `BearerLayer` and `RequireScope`, behind the
//! feature `tower`, stand in front of an HTTP service and check access tokens; `Bearer`, behind the
//! feature `axum`, gives their claims to an axum handler.

#[cfg(feature = "tower")]
mod bearer;
#[cfg(feature = "client")]
mod client_keys;
#[cfg(feature = "client")]
mod jwks;
#[cfg(feature = "client")]
mod reason;
#[cfg(feature = "redis")]
mod redis_replay;

#[cfg(feature = "tower")]
pub use crate::observer::RefusalReason;
#[cfg(feature = "axum")]
pub use bearer::{Bearer, BearerRejection, BearerState};
#[cfg(feature = "tower")]
pub use bearer::{
    BearerLayer, BearerLayerError, BearerRefusal, BearerService, CustomResponse, EmptyResponse,
    ProblemDetails, RefusalResponse, RequireScope, RequireScopeService,
};
#[cfg(feature = "client")]
pub use client_keys::{ClientKeys, ClientKeysBuilder, ClientKeysError, ClientMetadata, ClientRegistry};
#[cfg(feature = "client")]
pub use jwks::{JwksFetchError, RemoteJwks, RemoteJwksBuilder, RemoteJwksError};
#[cfg(feature = "redis")]
pub use redis_replay::{RedisReplayError, RedisReplayStore};
