//! Floor 6: the token client. It signs a fresh assertion for every request, posts it, and hands the answer on typed.

mod error;
mod jti;
mod signing;
mod token_client;

pub use error::Error;
pub use jti::fresh_jti;
pub use token_client::{TokenClient, TokenClientBuilder};
