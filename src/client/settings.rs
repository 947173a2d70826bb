//! The optional settings of a client. See the methods of the same names on `TokenClientBuilder`.

use std::time::Duration;

use super::backoff::Backoff;
use super::error::{Error, ErrorKind};

#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) deadline: Duration,
    pub(super) tries_again: bool,
    pub(super) backoff: Backoff,
    pub(super) longest_retry_after: Duration,
    pub(super) corrects_time: bool,
    pub(super) falls_back: bool,
    pub(super) remembers_refusals: bool,
    pub(super) cache_capacity: usize,
    pub(super) refresh_ahead: Option<Duration>,
    pub(super) unstated_lifetime: Duration,
}

impl Settings {
    pub(super) const DEFAULT: Self = Self {
        deadline: Duration::from_secs(30),
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
    /// The longest time before its expiry at which a token is renewed by default.
    pub(super) const REFRESH_AHEAD: Duration = Duration::from_secs(60);

    /// Rejects settings that would send requests to a failing server without a pause.
    pub(super) fn check(&self) -> Result<(), Error> {
        let Backoff { first, longest } = self.backoff;
        if self.tries_again && (first.is_zero() || longest.is_zero()) {
            let reason = "zero, which would retry without a pause; use without_retries to retry nothing";
            return Err(ErrorKind::Setting { setting: "backoff", reason }.into());
        }
        Ok(())
    }

    /// How long before it expires a token with this lifetime is renewed.
    pub(super) fn ahead(&self, life: Duration) -> Duration {
        self.refresh_ahead.map_or((life / 10).min(Self::REFRESH_AHEAD), |set| set.min(life / 2))
    }
}
