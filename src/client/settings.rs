//! The settings that the methods of `TokenClientBuilder` explain.

use std::time::Duration;

use super::backoff::Backoff;
use crate::transport::ReqwestClient;

#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) deadline: Duration,
    /// Within this time, the HTTP client ends a request by itself. `None` if it is the user's.
    pub(super) http_limit: Option<Duration>,
    pub(super) tries_again: bool,
    pub(super) backoff: Backoff,
    pub(super) longest_retry_after: Duration,
    pub(super) corrects_time: bool,
    pub(super) falls_back: bool,
    pub(super) remembers_refusals: bool,
    pub(super) cache_capacity: usize,
    /// By default, it depends on the lifetime of the token.
    pub(super) refresh_ahead: Option<Duration>,
    pub(super) unstated_lifetime: Duration,
}

impl Settings {
    pub(super) const DEFAULT: Self = Self {
        deadline: Duration::from_secs(30),
        http_limit: Some(ReqwestClient::TIMEOUT),
        tries_again: true,
        backoff: Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(10) },
        longest_retry_after: Duration::from_secs(10),
        corrects_time: true,
        falls_back: true,
        remembers_refusals: true,
        cache_capacity: 1000,
        refresh_ahead: None,
        unstated_lifetime: Duration::from_secs(60),
    };
}
