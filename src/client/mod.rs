//! Floor 6: the token client. It signs a fresh assertion for every request, posts it, retries
//! transient failures, and returns the typed response.
//!
//! It needs a tokio runtime with time and I/O enabled. Without one, a cached token is returned
//! while it is valid. Otherwise [`TokenSource::token`] and [`TokenClient::token`] fail with
//! [`ErrorKind::Interrupted`], other requests with a [`TransportError`], and RSA signatures with a
//! [`KeyError`]. With a signer or an HTTP client of your own, tokio's timer panics unless the
//! [deadline](TokenClientBuilder::deadline) is `Duration::MAX`.
//!
//! [`TransportError`]: crate::transport::TransportError
//! [`KeyError`]: crate::KeyError
//!
//! A call consists of attempts (`attempts`). After a failed one, `step` decides what to do next. It
//! uses three modules, each a function of what happened, the time and a random number: `backoff`
//! decides whether to retry and when, `clock` tracks the server's time, and `refused_keys` decides
//! whether a key is worth another request.

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
mod retry;
mod sender;
mod settings;
mod signing;
mod step;
mod token_client;
mod token_source;

#[cfg(feature = "reqwest-middleware")]
pub use bearer_middleware::BearerMiddleware;
pub use builder::TokenClientBuilder;
pub use error::{Error, ErrorKind};
#[cfg(feature = "dev-server")]
pub(crate) use fresh::random_bytes;
pub use fresh::{fresh_code_verifier, fresh_jti};
pub use token_client::TokenClient;
pub use token_source::TokenSource;
