//! Floor 6: the token client. It signs a fresh assertion for every request, posts it, and hands the answer on typed.

mod endpoints;
mod error;
mod fresh;
mod grants;
mod signing;
mod token_client;

pub use error::Error;
#[cfg(feature = "dev-server")]
pub(crate) use fresh::random_bytes;
pub use fresh::{fresh_code_verifier, fresh_jti};
pub use token_client::{TokenClient, TokenClientBuilder};
