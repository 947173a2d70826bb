//! What follows from a failed attempt, as a pure function of the call so far, the failure and the
//! facts. `attempts` carries it out. A success needs no decision.
//!
//! Each kind of correction is a row of [`CORRECTIONS`]. To add one: a variant of [`Correction`],
//! the fact that it depends on, and a row.

use std::sync::Arc;
use std::time::Duration;

use super::backoff::Retries;
use super::call::Call;
use super::clock::{Offset, Search};
use super::refused_keys::Turn;
use super::retry::Advice;
use super::signing::WhichKey;
use super::{Error, ErrorKind};
use crate::keys::Signer;
use crate::oauth::{OAuthError, Refusal, Repetition};
use crate::transport::TransportError;

/// A call so far.
pub(super) struct Progress {
    pub(super) call: Call,
    /// The number of the current attempt. The first is 1.
    pub(super) attempt: u32,
    /// How the current attempt is signed.
    pub(super) signing: Signing,
    /// The corrections that were made.
    pub(super) search: Search,
    /// Why there is this attempt: the error of the attempt before, or for the first one, of an
    /// earlier call whose key is avoided.
    pub(super) cause: Option<Error>,
    pub(super) suspect: Option<Suspect>,
}

/// How an attempt is signed.
#[derive(Clone, Copy)]
pub(super) struct Signing {
    pub(super) key: WhichKey,
    pub(super) turn: Turn,
    pub(super) offset: Offset,
}

/// A key that the server rejected for a request that is sent again with the previous key.
pub(super) struct Suspect {
    pub(super) key: Arc<dyn Signer>,
    pub(super) turn: Turn,
    pub(super) refusal: Box<Refusal>,
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Failure<'a> {
    /// The server did not answer with what was asked for.
    Answer(&'a OAuthError),
    /// No answer came. The server may have received the request.
    NoAnswer(&'a TransportError),
    /// The request was not signed, or could not be made.
    NotSent,
}

/// What the decision depends on besides the call and the failure.
#[derive(Clone, Copy)]
pub(super) struct Facts {
    /// The time until the deadline.
    pub(super) left: Duration,
    /// `None` if retries are switched off.
    pub(super) retries: Option<Retries>,
    pub(super) random: u64,
    /// The offset that suits the server's clock better, and the search that leads to it.
    pub(super) other_times: Option<(Offset, Search)>,
    /// Whether the previous key is there to sign with.
    pub(super) previous_key: bool,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// Sign another assertion at once.
    Correct(Correction),
    /// Repeat the request after a pause.
    Retry(Duration),
    /// Return the error of this attempt.
    Fail,
    /// Return the cause of this attempt, which says more, and this number of attempts.
    FailWithCause(u32),
}

/// How the next assertion differs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Correction {
    /// Its times are moved by this offset.
    Times(Offset, Search),
    /// The previous key signs it.
    PreviousKey,
}

/// The correction that an answer calls for, if it is possible and allowed.
type Row = fn(&Progress, &OAuthError, &Facts) -> Option<Correction>;

/// The corrections, in the order in which they are tried.
const CORRECTIONS: [Row; 2] = [
    |progress, error, facts| {
        let (offset, search) = facts.other_times?;
        progress.call.allows_other_times(error).then_some(Correction::Times(offset, search))
    },
    |progress, error, facts| {
        let may = facts.previous_key && progress.may_change_key(error, facts.left);
        may.then_some(Correction::PreviousKey)
    },
];

/// Decides what follows from a failed attempt.
pub(super) fn next(progress: &Progress, failure: Failure<'_>, facts: &Facts) -> Step {
    let is_over = facts.left.is_zero();
    let attempt = progress.attempt;
    match failure {
        Failure::Answer(error) if !is_over => {
            let correction = CORRECTIONS.iter().find_map(|row| row(progress, error, facts));
            correction.map_or_else(|| retry(progress, failure, facts), Step::Correct)
        }
        // For single-use grants, keep this error: it says that the server may have received the
        // request.
        Failure::NoAnswer(_) if is_over && attempt > 1 && progress.call.repetition == Repetition::Freely => {
            Step::FailWithCause(attempt)
        }
        Failure::NotSent if progress.cause.is_some() => Step::FailWithCause(attempt - 1),
        _ => retry(progress, failure, facts),
    }
}

fn retry(progress: &Progress, failure: Failure<'_>, facts: &Facts) -> Step {
    let Progress { call, attempt, .. } = progress;
    let retries = facts.retries.filter(|_| call.once_within.is_none());
    let pause = retries.and_then(|retries| {
        retries.pause(failure.advice(), call.repetition, *attempt, facts.left, facts.random)
    });
    pause.map_or(Step::Fail, Step::Retry)
}

impl Progress {
    /// Whether the request may be signed by the previous key after this answer: once in a call, and
    /// only if nothing else was corrected.
    pub(super) fn may_change_key(&self, error: &OAuthError, left: Duration) -> bool {
        !left.is_zero()
            && !self.search.is_corrected()
            && self.signing.key == WhichKey::Active
            && self.call.allows_another_key(error)
    }
}

impl Failure<'_> {
    pub(super) fn advice(self) -> Advice {
        match self {
            Self::Answer(error) => Advice::of_answer(error),
            Self::NoAnswer(error) => Advice::of_no_answer(error),
            Self::NotSent => Advice::NEVER,
        }
    }
}

impl<'a> From<&'a Error> for Failure<'a> {
    /// The failure of an attempt without an answer.
    fn from(error: &'a Error) -> Self {
        match error.kind() {
            ErrorKind::Transport(error) => Self::NoAnswer(error),
            _ => Self::NotSent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::backoff::Backoff;
    use crate::client::contents::Contents;
    use crate::oauth::{Endpoint, TokenResponse};
    use Repetition::{Freely, Never, Unreceived};

    const LEFT: Duration = Duration::from_secs(20);
    const RETRIES: Retries = Retries {
        backoff: Backoff { first: Duration::from_secs(2), longest: Duration::from_secs(10) },
        longest_wait: Duration::from_secs(10),
    };
    /// No correction is possible, and the pauses are the longest.
    const FACTS: Facts = Facts {
        left: LEFT,
        retries: Some(RETRIES),
        random: u64::MAX,
        other_times: None,
        previous_key: false,
    };

    fn progress(repetition: Repetition) -> Progress {
        let call = Call {
            endpoint: Endpoint::Token,
            grant_type: None,
            repetition,
            once_within: None,
            carries_grant: false,
            contents: Contents { hash: 1, is_of_client_alone: true },
        };
        Progress {
            call,
            attempt: 1,
            signing: Signing { key: WhichKey::Active, turn: Turn::default(), offset: Offset::NONE },
            search: Search::default(),
            cause: None,
            suspect: None,
        }
    }

    fn answer(status: u16, code: &str) -> OAuthError {
        let body = format!(r#"{{"error":"{code}"}}"#).into_bytes();
        let response = http::Response::builder().status(status).body(body).unwrap();
        TokenResponse::from_http(response, time::OffsetDateTime::UNIX_EPOCH).unwrap_err()
    }

    fn connect() -> TransportError {
        TransportError::Connect { host: "h".to_owned(), source: "x".into() }
    }

    fn timeout() -> TransportError {
        TransportError::Timeout { host: "h".to_owned() }
    }

    fn corrected() -> Search {
        let mut search = Search::default();
        search.corrected_to(());
        search
    }

    #[test]
    fn a_rejection_is_corrected_by_time_then_by_key_as_far_as_the_grant_allows() {
        let times = Step::Correct(Correction::Times(Offset::NONE, corrected()));
        let (key, fail) = (Step::Correct(Correction::PreviousKey), Step::Fail);
        // For each answer: times and key are possible, the key alone, nothing.
        let cases = [
            (Freely, 401, "invalid_client", [times, key, fail]),
            (Freely, 400, "invalid_grant", [times, key, fail]),
            (Freely, 400, "invalid_scope", [times, fail, fail]),
            (Freely, 500, "server_error", [times, fail, fail]),
            (Unreceived, 401, "invalid_client", [times, key, fail]),
            (Unreceived, 400, "invalid_grant", [times, fail, fail]),
            (Unreceived, 400, "server_error", [fail, fail, fail]),
            (Unreceived, 500, "server_error", [fail, fail, fail]),
            (Never, 401, "invalid_client", [times, key, fail]),
            (Never, 400, "temporarily_unavailable", [fail, fail, fail]),
        ];
        for (repetition, status, code, expected) in cases {
            let error = answer(status, code);
            let other_times = Some((Offset::NONE, corrected()));
            let known = [(other_times, true), (None, true), (None, false)];
            let found = known.map(|(other_times, previous_key)| {
                let facts = Facts { other_times, previous_key, ..FACTS };
                next(&progress(repetition), Failure::Answer(&error), &facts)
            });
            assert_eq!(found, expected, "{repetition:?} {status} {code}");
            // After the deadline nothing is sent.
            let late = Facts { left: Duration::ZERO, other_times, previous_key: true, ..FACTS };
            assert_eq!(next(&progress(repetition), Failure::Answer(&error), &late), fail);
        }
    }

    #[test]
    fn the_key_is_changed_once_and_only_if_nothing_else_was() {
        let error = answer(401, "invalid_client");
        let facts = Facts { previous_key: true, ..FACTS };
        let next = |progress: &Progress| next(progress, Failure::Answer(&error), &facts);
        assert_eq!(next(&progress(Freely)), Step::Correct(Correction::PreviousKey));
        assert_eq!(next(&Progress { search: corrected(), ..progress(Freely) }), Step::Fail);
        let mut previous = progress(Freely);
        previous.signing.key = WhichKey::Previous;
        assert_eq!(next(&previous), Step::Fail);
    }

    #[test]
    fn a_failure_that_may_pass_is_retried_unless_the_caller_does_so() {
        let unavailable = answer(503, "");
        let retry = Step::Retry(Duration::from_secs(2));
        let mut once = progress(Freely);
        once.call.once_within = Some(LEFT);
        let without = Facts { retries: None, ..FACTS };
        for failure in [Failure::NoAnswer(&connect()), Failure::Answer(&unavailable)] {
            assert_eq!(next(&progress(Freely), failure, &FACTS), retry);
            assert_eq!(next(&once, failure, &FACTS), Step::Fail);
            assert_eq!(next(&progress(Freely), failure, &without), Step::Fail);
            assert_eq!(next(&progress(Never), failure, &FACTS), Step::Fail);
        }
        let third = Progress { attempt: 3, ..progress(Freely) };
        let pause = Duration::from_secs(8);
        assert_eq!(next(&third, Failure::NoAnswer(&connect()), &FACTS), Step::Retry(pause));
    }

    #[test]
    fn an_attempt_that_is_cut_off_or_not_sent_fails_with_its_cause() {
        let after = |attempt, repetition, cause: Option<TransportError>| Progress {
            attempt,
            cause: cause.map(Error::from),
            ..progress(repetition)
        };
        let cause = || Some(connect());
        let (timeout, over) = (timeout(), Facts { left: Duration::ZERO, ..FACTS });
        let cut_off = Failure::NoAnswer(&timeout);
        let cases = [
            (after(2, Freely, cause()), cut_off, over, Step::FailWithCause(2)),
            (after(2, Freely, cause()), cut_off, FACTS, Step::Fail),
            (after(2, Unreceived, cause()), cut_off, over, Step::Fail),
            // Here the cause is of an earlier call.
            (after(1, Freely, cause()), cut_off, over, Step::Fail),
            (after(1, Freely, cause()), Failure::NotSent, FACTS, Step::FailWithCause(0)),
            (after(1, Freely, None), Failure::NotSent, FACTS, Step::Fail),
            (after(3, Unreceived, cause()), Failure::NotSent, FACTS, Step::FailWithCause(2)),
        ];
        for (progress, failure, facts, expected) in cases {
            assert_eq!(next(&progress, failure, &facts), expected, "{} {failure:?}", progress.attempt);
        }
    }
}
