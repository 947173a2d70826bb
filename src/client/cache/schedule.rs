//! When the server is asked: a function of the phase of what is held, what was asked before, and the time.
//!
//! - While a token serves, another is asked for beside; after a failure there is a pause that doubles, a sixteenth of the
//!   time that there is and at most a quarter of it, so that it is tried several times before the token ends, whatever its
//!   life; but after a refusal as long as when none serves, at least.
//! - When none serves, callers wait for the one request that is on its way, or begin it. After one that failed the server
//!   is left alone for a second, and after a refusal for up to twice as long each time, up to a minute: callers get the error
//!   at once. What failed and was begun while a token served holds nobody up.
//! - A `Retry-After` is obeyed in both cases, up to a minute.
//! - A failure that a change of keys may mend is no reason to wait: whether a key is worth a request is known elsewhere.
//! - What comes late, after a request that began later had its answer, changes nothing.
//!
//! Distances count in both directions, so that a clock that is set back keeps nobody waiting.

use std::time::Duration;

use time::OffsetDateTime;

use super::lifetime::Phase;
use crate::client::Error;
use crate::client::backoff::Backoff;
use crate::client::subject::Subject;
use crate::keys::KeyError;
use crate::oauth::Retry;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// What is held is used.
    Serve,
    /// What is held is used, and a request begins beside.
    ServeAndRenew,
    /// A request is on its way; its outcome is waited for.
    Wait,
    /// A request begins; its outcome is waited for.
    RenewAndWait,
    /// There is nothing to use, and the server is left alone.
    Refuse,
}

/// What was asked before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Schedule {
    /// The number of the last request.
    generation: u64,
    /// The number of the last that brought a token.
    succeeded: u64,
    /// When the last began, while it is on its way.
    in_flight: Option<OffsetDateTime>,
    /// How many failed since the last success.
    failures: u32,
    /// How many were refused since then, while no token served.
    refusals: u32,
    /// The last failure.
    pause: Option<Pause>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pause {
    since: OffsetDateTime,
    /// While a token serves.
    serving: Duration,
    /// While none does.
    waiting: Duration,
}

impl Schedule {
    /// The longest `Retry-After` that is obeyed.
    pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(60);
    /// Between two requests that fail while no token serves.
    const BETWEEN_FAILURES: Duration = Duration::from_secs(1);
    /// The same, where the server refuses.
    const BETWEEN_REFUSALS: Backoff = Backoff { first: Self::BETWEEN_FAILURES, longest: Self::LONGEST_PAUSE };

    /// What to do for a caller. A request that is not heard of for `limit` has gone with its runtime.
    pub(super) fn decide(&self, phase: Phase, limit: Duration, now: OffsetDateTime) -> Decision {
        let in_flight = self.in_flight.is_some_and(|began| distance(now, began) < limit);
        let pause = |of: fn(&Pause) -> Duration| {
            self.pause.as_ref().is_some_and(|pause| distance(now, pause.since) < of(pause))
        };
        match phase {
            Phase::Fresh => Decision::Serve,
            Phase::Ageing if in_flight || pause(|pause| pause.serving) => Decision::Serve,
            Phase::Ageing => Decision::ServeAndRenew,
            Phase::Over if in_flight => Decision::Wait,
            Phase::Over if pause(|pause| pause.waiting) => Decision::Refuse,
            Phase::Over => Decision::RenewAndWait,
        }
    }

    /// A request begins; this is its number.
    pub(super) fn begin(&mut self, now: OffsetDateTime) -> u64 {
        self.generation += 1;
        self.in_flight = Some(now);
        self.generation
    }

    /// A request brought a token. `false` when it is of no use any more: one that began later has brought another.
    pub(super) fn succeeded(&mut self, generation: u64) -> bool {
        self.end(generation);
        if generation < self.succeeded {
            return false;
        }
        (self.succeeded, self.failures, self.refusals, self.pause) = (generation, 0, 0, None);
        true
    }

    /// `window` is the time that there was to have another token while one served; nothing when none did as it began. Hands
    /// back the pause while a token serves, unless it was not the last request: one that was given up says nothing any
    /// more. `is_of_client_alone` when the request carried nothing but scopes.
    pub(super) fn failed(
        &mut self,
        generation: u64,
        error: &Error,
        is_of_client_alone: bool,
        window: Option<Duration>,
        now: OffsetDateTime,
        random: u64,
    ) -> Option<Duration> {
        if !self.end(generation) {
            return None;
        }
        let may_be_mended = may_be_mended_by_another_key(error, is_of_client_alone);
        let told = match error.retry() {
            Retry::After(pause) if !may_be_mended => pause.min(Self::LONGEST_PAUSE),
            _ => Duration::ZERO,
        };
        let between = match window {
            None if may_be_mended => Duration::ZERO,
            None if error.refusal().is_some() => {
                self.refusals = self.refusals.saturating_add(1);
                Self::BETWEEN_REFUSALS.half_jitter(self.refusals, random)
            }
            None => Self::BETWEEN_FAILURES,
            Some(_) => Duration::ZERO,
        };
        let mut serving = self.back_off(window.unwrap_or_default(), random).max(told);
        if error.refusal().is_some() {
            // A part of a short window is no time for another mind.
            serving = serving.max(Self::BETWEEN_REFUSALS.half_jitter(self.failures, random));
        }
        self.pause = Some(Pause { since: now, serving, waiting: between.max(told) });
        Some(serving)
    }

    /// A request that went with its runtime, or panicked. It says nothing about the server, and holds nobody up who has
    /// no token. `window` as for [`Schedule::failed`].
    pub(super) fn lost(&mut self, generation: u64, window: Duration) {
        if let Some(since) = self.in_flight.filter(|_| self.end(generation)) {
            let serving = self.back_off(window, u64::MAX);
            self.pause = Some(Pause { since, serving, waiting: Duration::ZERO });
        }
    }

    /// The pause after one more failure.
    fn back_off(&mut self, window: Duration, random: u64) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let longest = (window / 4).min(Self::LONGEST_PAUSE);
        Backoff { first: (window / 16).min(longest), longest }.half_jitter(self.failures, random)
    }

    /// Whether it is the last one that ends.
    fn end(&mut self, generation: u64) -> bool {
        let is_last = generation == self.generation;
        if is_last {
            self.in_flight = None;
        }
        is_last
    }
}

/// What depends on which key signs, or whether it can: another may be active in a moment.
fn may_be_mended_by_another_key(error: &Error, is_of_client_alone: bool) -> bool {
    match error.last() {
        // One outside of the process that does not answer is spared like a server.
        Error::Key(error) => !matches!(error, KeyError::Signer(_)),
        Error::Remembered { .. } => true,
        _ => error.refusal().is_some_and(|refusal| {
            let may_be_of_request = !is_of_client_alone && refusal.error().is_none();
            Subject::of(refusal) == Subject::Client && !may_be_of_request
        }),
    }
}

pub(super) fn distance(a: OffsetDateTime, b: OffsetDateTime) -> Duration {
    (a - b).unsigned_abs()
}

#[cfg(test)]
mod tests;
