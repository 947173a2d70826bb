//! How long to leave the server alone after a failure, as a function of the failures.
//!
//! - While a token serves, the pause doubles from a sixteenth of the time that is left for a
//!   refresh to a quarter of it, and a minute at most: there are several attempts before the token
//!   expires, whatever its lifetime. After a refusal the pause is at least as long as when none
//!   serves.
//! - When none serves, the pause is a second. After a refusal it is up to twice as long each time,
//!   up to a minute. A request that started while a token served holds nobody up when it fails.
//! - A `Retry-After` is obeyed in both cases, up to a minute.
//! - A failure that a change of keys may mend is no reason to wait: whether a key is worth a
//!   request is known elsewhere.

use std::time::Duration;

use crate::client::backoff::Backoff;
use crate::client::subject::Subject;
use crate::client::{Error, ErrorKind};
use crate::keys::KeyError;
use crate::oauth::Retry;
use crate::transport::refreshing::{Failure, Pause};

/// What the length of a pause depends on, beside the failure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pauses {
    /// How many requests were refused since the last success, while no token served.
    refusals: u32,
}

impl Pauses {
    /// The longest `Retry-After` that is obeyed.
    const LONGEST: Duration = Duration::from_secs(60);
    /// Between two requests that fail while no token serves.
    const BETWEEN_FAILURES: Duration = Duration::from_secs(1);
    /// The same, where the server refuses.
    const BETWEEN_REFUSALS: Backoff = Backoff { first: Self::BETWEEN_FAILURES, longest: Self::LONGEST };

    /// The pause after a failure. `is_of_client_alone` when the request carried nothing but scopes.
    pub(super) fn after(
        &mut self,
        failure: &Failure<'_, Error>,
        is_of_client_alone: bool,
        random: u64,
    ) -> Pause {
        let window = failure.window.unwrap_or_default();
        let longest = (window / 4).min(Self::LONGEST);
        let backoff = Backoff { first: (window / 16).min(longest), longest };
        let Some(error) = failure.error else {
            // A lost request holds nobody up who has no token.
            let serving = backoff.half_jitter(failure.failures, u64::MAX);
            return Pause { serving, waiting: Duration::ZERO };
        };
        let mut serving = backoff.half_jitter(failure.failures, random);
        let may_be_mended = may_be_mended_by_another_key(error, is_of_client_alone);
        let waiting = match failure.window {
            Some(_) => Duration::ZERO,
            None if may_be_mended => Duration::ZERO,
            None if error.refusal().is_some() => {
                self.refusals = self.refusals.saturating_add(1);
                Self::BETWEEN_REFUSALS.half_jitter(self.refusals, random)
            }
            None => Self::BETWEEN_FAILURES,
        };
        if error.refusal().is_some() {
            // A part of a short window is no time for another mind.
            serving = serving.max(Self::BETWEEN_REFUSALS.half_jitter(failure.failures, random));
        }
        let told = match error.retry() {
            Retry::After(pause) if !may_be_mended => pause.min(Self::LONGEST),
            _ => Duration::ZERO,
        };
        Pause { serving: serving.max(told), waiting: waiting.max(told) }
    }
}

/// What depends on which key signs, or whether it can: another may be active in a moment.
fn may_be_mended_by_another_key(error: &Error, is_of_client_alone: bool) -> bool {
    match error.kind() {
        // One outside of the process that does not answer is spared like a server.
        ErrorKind::Key(error) => !matches!(error, KeyError::Signer(_)),
        ErrorKind::Remembered { .. } => true,
        _ => error.refusal().is_some_and(|refusal| {
            let may_be_of_request = !is_of_client_alone && refusal.error().is_none();
            Subject::of(refusal) == Subject::Client && !may_be_of_request
        }),
    }
}

#[cfg(test)]
mod tests;
