//! Floor 6: what a server that checks tokens or assertions keeps between requests. [`RemoteJwks`] holds the keys of an issuer
//! or of a client.
//!
//! It is behind the feature `client`, since it is an HTTP client of the issuer and needs exactly what the token client needs:
//! reqwest and tokio.

mod jwks;

pub use jwks::{JwksFetchError, RemoteJwks, RemoteJwksBuilder, RemoteJwksError};
