//! What happens in a client or a server: as log lines, as numbers, and as calls of your own code.
//!
//! - A [`tracing`](https://docs.rs/tracing) subscriber gets log lines, with the target
//!   `private_key_jwt`.
//! - [`TokenClient::statistics`](crate::TokenClient::statistics) returns counters.
//! - An [`Observer`] gets each [`Event`] as a value.
#![cfg_attr(feature = "metrics", doc = "- [`MetricsObserver`] is one for the facade of the crate `metrics`.")]
#![cfg_attr(
    not(feature = "metrics"),
    doc = "- With the feature `metrics`, `MetricsObserver` is one for the facade of the crate `metrics`."
)]
//!
//! None of them contains a token, an assertion, a key or a scope. Texts of a server are masked
//! where they are read.
//!
//! ```
//! use std::sync::atomic::{AtomicU64, Ordering};
//! use private_key_jwt::observer::{Event, Observer};
//! use private_key_jwt::{AuthorizationServer, PrivateKey, TokenClient};
//!
//! /// Counts the calls that failed.
//! #[derive(Default)]
//! struct Failures(AtomicU64);
//!
//! impl Observer for Failures {
//!     fn event(&self, event: &Event<'_>) {
//!         if let Event::CallFailed { is_final: true, client, failure, .. } = event {
//!             self.0.fetch_add(1, Ordering::Relaxed);
//!             eprintln!("{} at {}: {} ({failure})", client.client_id, client.issuer, failure.outcome);
//!         }
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let key = PrivateKey::from_file("testdata/keys/p256.pkcs8.pem")?;
//! let server = AuthorizationServer::new("https://as.example", "https://as.example/token")?;
//! let client = TokenClient::builder(server, "client", key).observer(Failures::default()).build()?;
//! assert_eq!(client.statistics().hits, 0);
//! # Ok(()) }
//! ```
//!
//! # Events
//!
//! | event | level | message | when | fields of the log line |
//! | --- | --- | --- | --- | --- |
//! | `TokenObtained` | `INFO` | `token obtained` | the token endpoint issued a token | `client_id` `issuer` `grant_type` `expires_in` `attempts` `duration_ms` |
//! | `CallSucceeded` | `DEBUG` | `call succeeded` | another endpoint gave its answer | `client_id` `issuer` `endpoint` `attempts` `duration_ms` |
//! | `CallFailed` | `ERROR` `DEBUG` | `call failed` | a call failed after all attempts; `DEBUG` unless a caller gets the error | `client_id` `issuer` `endpoint` `grant_type` `outcome` `error_code` `attempts` `duration_ms` `error` |
//! | `CallNotSent` | `DEBUG` | `request not sent` | the server rejected the key or the request moments ago | `client_id` `issuer` `endpoint` `grant_type` `error` |
//! | `AlgorithmNotListed` | `WARN` | `algorithm not listed by the server` | the first metadata shows it; the server may reject the key | `client_id` `issuer` `key_id` `endpoint` `unlisted` |
//! | `AttemptFailed` | `WARN` | `attempt failed, retry scheduled` | another attempt follows after a pause | `client_id` `issuer` `attempt` `pause_ms` `error` |
//! | `TimesCorrected` | `WARN` | `assertion rejected, retried with corrected times` | the server's clock differs | `client_id` `issuer` `offset_ms` `learned_from` `error` |
//! | `KeyCorrected` | `WARN` | `assertion rejected, retried with another key` | the server may not know the active key yet | `client_id` `issuer` `rejected` `key_id` `error` |
//! | `ClockOffsetChanged` | `INFO` | `clock offset assumed` `clock offset confirmed` `clock offset dropped` | a response showed the server's clock | `client_id` `issuer` `offset_ms` `learned_from` |
//! | `RejectionRemembered` | `WARN` | `key rejected, paused` `request rejected, paused` | the key, or the same request, is not used again for a while | `client_id` `issuer` `key_id` `pause_ms` `error` |
//! | `RefreshFailed` | `WARN` | `token refresh failed` | no new token; the cached one is still valid | `client_id` `issuer` `error` `pause_ms` |
//! | `RefreshTokenRejected` | `WARN` | `refresh token rejected` | `invalid_grant` for a refresh token | `client_id` `issuer` `error` |
//! | `TokenDropped` | `INFO` | `rejected token dropped` | `invalidate` dropped a token | `client_id` `issuer` |
//! | `TokenRequested` | none | | a caller asked for a token | |
//! | `AssertionSigned` | none | | an assertion was signed | |
//! | `SigningKeyChanged` | `INFO` | `signing key changed` | the first signature of another active key | `client_id` `issuer` `key_id` `previous` |
//! | `MetadataFetched` | `INFO` `DEBUG` | `metadata fetched` | a server was discovered; `DEBUG` if it was known before | `issuer` `duration_ms` |
//! | `MetadataFetchFailed` | `WARN` | `metadata refresh failed` `metadata fetch failed` | no new metadata; `metadata fetch failed` if there are none to use | `issuer` `error` `pause_ms` |
//! | `JwksFetched` | `INFO` `DEBUG` | `keys fetched` | a JWK Set arrived; `DEBUG` if there were keys before, or for a [client](crate::ClientKeys) | `url` `keys` `is_unchanged` `duration_ms` |
//! | `JwksChanged` | `INFO` | `keys changed` | a JWK Set has other keys than before | `url` `added` `removed` |
//! | `JwksStale` | `WARN` | `keys no longer fresh, still used` | once, when fetches fail and the keys are no longer fresh | `url` `age_s` `hard_limit_s` |
//! | `JwksFetchFailed` | `WARN` `DEBUG` | `key refresh failed` `key fetch failed` | no new keys; `key fetch failed` if there are none to use; `DEBUG` for a [client](crate::ClientKeys) | `url` `error` `pause_ms` |
//! | `KeyPhaseChanged` | `INFO` | `key phase changed` | a key of a folder (feature `rotation`) was published, signs, retires or leaves | `folder` `file` `key_id` `previous` `phase` |
//! | `KeyFileProblemBegan` | `WARN` | `key file problem` | once, when a file of the folder cannot be used; the keys in use stay | `folder` `file` `error` |
//! | `KeyFileProblemEnded` | `INFO` | `key file problem ended` | once, when that is over | `folder` `file` `error` `duration_s` |
//! | `CertificateExpiring` | `WARN` | `certificate expires soon` | once for each certificate of a key of the folder | `folder` `file` `key_id` `remaining_s` |
//! | `RequestRefused` | `ERROR` `WARN` `INFO` `DEBUG` | `requests refused` | for each reason at most once a minute: `ERROR` for a mistake in the settings, `WARN` without keys, `DEBUG` without a token | `reason` `count` `error` |
//!
//! Fields without a value are left out. Fields ending in `_ms` and `_s` are in that unit, and
//! `expires_in` is in seconds (RFC 6749 §5.1).
//!
//! # How many lines a failure makes
//!
//! However many callers wait for a token, its request fails once, with one `ERROR`. A request in
//! the background that fails is a `WARN`, since no caller notices. During the pause after a
//! failure, callers get the error of the last request without a log line: such a call is counted in
//! [`Statistics::refused`] and reported as `TokenRequested`. A call that is not sent because its
//! key was rejected moments ago is counted as a failure ([`Outcome::NotSent`]), but is a `DEBUG`
//! line: the `WARN` of `RejectionRemembered` says how long the key is paused.
//!
//! # Spans
//!
//! Each call is a span of the level `INFO`, named `token request`, `pushed authorization request`,
//! `introspection`, `revocation` or `device authorization`, with `client_id`, `issuer`,
//! `grant_type`, and at its end `result`, an [`Outcome`]. In it, each attempt is a span `request`
//! with `attempt`, `key_id`, `status`, `duration_ms` and `correlation_ids`.

mod event;
mod log;
#[cfg(feature = "metrics")]
mod metrics;
mod outcome;
mod refusal_reason;
mod statistics;
#[cfg(test)]
mod tests;

pub(crate) use event::without_query;
pub use event::{Client, ClockOffset, Event, Failure, Observer};
pub(crate) use log::emit;
#[cfg(feature = "metrics")]
pub use metrics::MetricsObserver;
pub(crate) use outcome::error_code;
pub use outcome::{Lookup, Outcome};
pub use refusal_reason::RefusalReason;
pub(crate) use statistics::Counters;
pub use statistics::Statistics;
