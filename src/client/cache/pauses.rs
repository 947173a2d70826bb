//! How long to leave the server alone after a failure.
//!
//! - While the cached token is valid, the pause doubles from a sixteenth of the time that is left
//!   for a refresh to a quarter of it, and a minute at most: there are several attempts before the
//!   token expires. After a rejection, the pause is at least as long as without a valid token.
//! - Without a valid token, the pause is a second. After a rejection, it is up to twice as long
//!   each time, up to a minute. A request that started while a token was valid delays no caller.
//! - A `Retry-After` is obeyed in both cases, up to a minute.
//! - After a failure that a change of keys may fix, `refused_keys` decides alone.

use std::time::Duration;

use crate::client::backoff::Backoff;
use crate::client::call::Subject;
use crate::client::error::{Error, ErrorKind};
use crate::keys::KeyError;
use crate::oauth::Retry;
use crate::transport::refreshing::{Failure, Pause};

const LONGEST: Duration = Duration::from_secs(60);
const BETWEEN_FAILURES: Duration = Duration::from_secs(1);
const BETWEEN_REFUSALS: Backoff = Backoff { first: BETWEEN_FAILURES, longest: LONGEST };

/// `refusals` is how many requests were rejected since the last success, while no token was valid.
pub(super) fn pause_after(
    failure: &Failure<'_, Error>,
    refusals: &mut u32,
    is_of_client_alone: bool,
    random: u64,
) -> Pause {
    let window = failure.window.unwrap_or_default();
    let longest = (window / 4).min(LONGEST);
    let backoff = Backoff { first: (window / 16).min(longest), longest };
    let Some(error) = failure.error else {
        // A lost request does not delay callers without a token.
        let serving = backoff.half_jitter(failure.failures, u64::MAX);
        return Pause { serving, waiting: Duration::ZERO };
    };
    let mut serving = backoff.half_jitter(failure.failures, random);
    let may_be_mended = may_be_mended_by_another_key(error, is_of_client_alone);
    let waiting = match failure.window {
        None if error.refusal().is_some() && !may_be_mended => {
            *refusals = refusals.saturating_add(1);
            BETWEEN_REFUSALS.half_jitter(*refusals, random)
        }
        None if !may_be_mended => BETWEEN_FAILURES,
        _ => Duration::ZERO,
    };
    if error.refusal().is_some() {
        // In a fraction of a short window, the server will not change its mind.
        serving = serving.max(BETWEEN_REFUSALS.half_jitter(failure.failures, random));
    }
    let told = match error.retry() {
        Retry::After(pause) if !may_be_mended => pause.min(LONGEST),
        _ => Duration::ZERO,
    };
    Pause { serving: serving.max(told), waiting: waiting.max(told) }
}

/// Whether the failure depends on which key signs: another one may be active in a moment.
fn may_be_mended_by_another_key(error: &Error, is_of_client_alone: bool) -> bool {
    match error.kind() {
        // An external signer that does not respond is left alone like a server.
        ErrorKind::Key(error) => !matches!(error, KeyError::Signer(_)),
        ErrorKind::Remembered { .. } => true,
        _ => error.refusal().is_some_and(|refusal| Subject::is_client(refusal, is_of_client_alone)),
    }
}

#[cfg(test)]
mod tests;
