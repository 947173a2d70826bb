//! Get access tokens, cached and kept fresh: [`TokenClient`] and [`TokenSource`].
//!
//! The client signs a fresh assertion for every request, posts it, retries transient failures, and
//! returns the typed response.
//!
//! It needs a tokio runtime with time and I/O enabled. Without one, a cached token is returned
//! while it is valid. Otherwise, [`TokenSource::token`] and [`TokenClient::token`] fail with
//! [`ErrorKind::Interrupted`], other requests with [`ErrorKind::Transport`], and RSA signatures
//! with [`ErrorKind::Key`]. With a signer or an HTTP client of your own, tokio's timer panics
//! unless the [deadline](TokenClientBuilder::deadline) is `Duration::MAX`.
//!
//! A call passes through the files in one direction:
//!
//! ```text
//! builder ▶ token_client ─────────────────────▶ sender ▶ signing, transport
//!             └▶ cache ▶ entry ───────────────────▲ │
//!                                                   └▶ verdict ▶ step ▶ call, clock, *_keys, error
//! ```
//!
//! `sender` signs, sends and reads the answer. `verdict` records what it shows in `clock`,
//! `refused_keys` and `accepted_keys`, and `step` decides what follows, by the table of failures in
//! `error`. These five are functions of what happened, the time and a random number.

mod accepted_keys;
mod backoff;
#[cfg(feature = "reqwest-middleware")]
mod bearer_middleware;
mod builder;
mod cache;
mod call;
mod clock;
mod error;
mod fresh;
mod log;
mod refused_keys;
mod sender;
mod settings;
mod signing;
mod status;
mod step;
mod token_client;
mod verdict;

#[cfg(feature = "reqwest-middleware")]
pub use bearer_middleware::BearerMiddleware;
pub use builder::TokenClientBuilder;
pub use cache::TokenSource;
pub use error::{Error, ErrorKind};
#[cfg(feature = "dev-server")]
pub(crate) use fresh::random_bytes;
pub use fresh::{fresh_code_verifier, fresh_jti};
pub use status::{AcceptedKey, ClientStatus, KeyRejection};
pub use token_client::TokenClient;
