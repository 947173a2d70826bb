//! Failures and delays that a test orders.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;

use super::refused::Refused;

/// How the server fails next, and how long its answers take.
pub(super) struct Faults {
    ordered: Mutex<Ordered>,
}

struct Ordered {
    failures: u32,
    status: StatusCode,
    delay: Duration,
}

impl Faults {
    pub(super) const fn new(failures: u32, status: StatusCode, delay: Duration) -> Self {
        Self { ordered: Mutex::new(Ordered { failures, status, delay }) }
    }

    /// Replaces the order before it.
    pub(super) fn fail_next(&self, n: u32, status: StatusCode) {
        let mut ordered = self.ordered();
        ordered.failures = n;
        ordered.status = status;
    }

    pub(super) fn set_delay(&self, delay: Duration) {
        self.ordered().delay = delay;
    }

    pub(super) fn delay(&self) -> Duration {
        self.ordered().delay
    }

    /// Counts a token request, and fails if it is one of those that have to.
    pub(super) fn check(&self) -> Result<(), Refused> {
        let mut ordered = self.ordered();
        let Some(left) = ordered.failures.checked_sub(1) else { return Ok(()) };
        ordered.failures = left;
        let error = match ordered.status {
            StatusCode::UNAUTHORIZED => "invalid_client",
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
            status if status.is_client_error() => "invalid_request",
            _ => "server_error",
        };
        let description = format!("this failure was ordered with `fail_next`, {left} more to come");
        Err(Refused::new(ordered.status, error, &description))
    }

    fn ordered(&self) -> MutexGuard<'_, Ordered> {
        self.ordered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
