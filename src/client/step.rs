//! What follows from a failed attempt, as a pure function of the call so far, the error and the
//! facts. To add a correction: a variant of [`Step`], the fact that it depends on, and an arm of
//! [`next`].

use std::sync::Arc;
use std::time::Duration;

use super::call::{Call, Subject};
use super::clock::{Offset, Search};
use super::error::{Error, ErrorKind};
use super::refused_keys::{KeyUse, Turn};
use super::settings::Settings;
use crate::keys::Signer;
use crate::oauth::{Refusal, Repetition, Retry};

/// The most keys that sign the requests of one call: the active key, the one that the server
/// accepted last, and the one that has been published the longest. A server that rejects all three
/// has an older JWKS than this ring, and each attempt more is a failed login that it may punish.
const MOST_KEYS: usize = 3;

/// A call so far.
pub(super) struct Progress {
    pub(super) call: Call,
    /// The hash of everything in the request except the assertion, once it matters.
    pub(super) contents: u64,
    /// Counted from 1.
    pub(super) attempt: u32,
    /// The key that signs in place of the active one.
    pub(super) fallback: Option<Arc<dyn Signer>>,
    pub(super) turn: Turn,
    pub(super) offset: Offset,
    pub(super) search: Search,
    /// The error of the attempt before, or for the first one, of an earlier call whose key is
    /// avoided.
    pub(super) cause: Option<Error>,
    /// The keys that the server rejected in this call before another one signed.
    pub(super) rejected: Vec<RejectedKey>,
}

pub(super) struct RejectedKey {
    pub(super) key: Arc<dyn Signer>,
    pub(super) turn: Turn,
    pub(super) error: Error,
}

#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) settings: &'a Settings,
    /// The time until the deadline.
    pub(super) left: Duration,
    pub(super) random: u64,
    /// Whether the error is the server's answer.
    pub(super) is_answer: bool,
    pub(super) other_times: Option<Offset>,
    /// Whether there is another key to sign with.
    pub(super) other_key: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// Sign another assertion at once, with its times moved by this offset.
    CorrectTimes(Offset),
    /// Sign another assertion at once, with another key.
    ChangeKey,
    /// Repeat the request after a pause.
    Retry(Duration),
    /// Return the error of this attempt.
    Fail,
    /// Return the cause of this attempt, which says more, and this number of attempts.
    FailWithCause(u32),
}

/// Decides what follows from a failed attempt. Corrections come first, in this order.
pub(super) fn next(progress: &Progress, error: &Error, facts: &Facts<'_>) -> Step {
    let Progress { call, attempt, .. } = *progress;
    let (is_over, refusal) = (facts.left.is_zero(), error.refusal());
    let may_change_key = |refusal| facts.other_key && progress.may_change_key(refusal, facts.left);
    match (error.kind(), facts.other_times) {
        (_, Some(offset)) if !is_over && call.allows_other_times(refusal) => Step::CorrectTimes(offset),
        _ if refusal.is_some_and(may_change_key) => Step::ChangeKey,
        // For single-use grants, keep this error: it says that the server may have received the
        // request.
        (ErrorKind::Transport(_), _) if is_over && attempt > 1 && call.repetition() == Repetition::Freely => {
            Step::FailWithCause(attempt)
        }
        (ErrorKind::Transport(_) | ErrorKind::Discovery { .. }, _) => retry(progress, error, facts),
        // The request was not signed, or could not be made.
        _ if !facts.is_answer && progress.cause.is_some() => Step::FailWithCause(attempt - 1),
        _ => retry(progress, error, facts),
    }
}

fn retry(Progress { call, attempt, .. }: &Progress, error: &Error, facts: &Facts<'_>) -> Step {
    let Facts { settings, left, random, .. } = *facts;
    let jitter = settings.backoff.full_jitter(*attempt, random);
    let pause = match error.retry() {
        _ if !settings.tries_again || call.once_within.is_some() => None,
        _ if !error.is_repeated(call.repetition()) => None,
        Retry::After(wait) if wait > settings.longest_retry_after => None,
        // Without jitter, all clients that are told the same time would come back at once. Some
        // time must be left for the attempt.
        Retry::After(wait) => Some(wait.saturating_add(jitter.min(left.saturating_sub(wait) / 2))),
        Retry::BackOff => Some(jitter),
        Retry::Never => None,
    };
    pause.filter(|pause| *pause < left).map_or(Step::Fail, Step::Retry)
}

impl Progress {
    pub(super) fn new(call: Call, offset: Offset) -> Self {
        Self {
            call,
            contents: 0,
            attempt: 1,
            fallback: None,
            turn: Turn::default(),
            offset,
            search: Search::default(),
            cause: None,
            rejected: Vec::new(),
        }
    }

    /// The hash of a request that carries something from outside.
    pub(super) fn outside(&self) -> Option<u64> {
        (!self.call.is_of_client_alone).then_some(self.contents)
    }

    pub(super) const fn with<'a>(&self, key: &'a Arc<dyn Signer>, active: &'a Arc<dyn Signer>) -> KeyUse<'a> {
        let Call { endpoint, is_of_client_alone, .. } = self.call;
        KeyUse { key, active, endpoint, contents: self.contents, is_of_client_alone }
    }

    /// Whether the request may be signed by another key after this rejection: by at most
    /// [`MOST_KEYS`] in a call, and only if nothing but the key was corrected.
    pub(super) fn may_change_key(&self, refusal: &Refusal, left: Duration) -> bool {
        let is_first = self.rejected.is_empty() && self.fallback.is_none();
        let may_be_the_reason = match self.call.repetition() {
            Repetition::Freely if is_first => {
                matches!(Subject::of(refusal), Subject::Client | Subject::Unknown)
            }
            // The server authenticates the client before it looks at the grant.
            _ => refusal.error() == Some("invalid_client"),
        };
        let is_first_correction = !self.search.is_corrected() || !self.rejected.is_empty();
        // The key of this attempt counts, too.
        let may_be_more = self.rejected.len() + 1 < MOST_KEYS;
        may_be_the_reason && !left.is_zero() && is_first_correction && may_be_more
    }

    /// Whether the server has rejected this key in this call.
    pub(super) fn has_rejected(&self, key: &Arc<dyn Signer>) -> bool {
        self.rejected.iter().any(|rejected| Arc::ptr_eq(&rejected.key, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::backoff::Backoff;
    use crate::jose::Algorithm;
    use crate::keys::PrivateKey;
    use crate::oauth::{Endpoint, GrantType, OAuthError, TokenResponse};
    use crate::transport::TransportError;
    use Repetition::{Freely, Never, Unreceived};

    const LEFT: Duration = Duration::from_secs(20);
    const SETTINGS: Settings = Settings {
        backoff: Backoff { first: Duration::from_secs(2), longest: Duration::from_secs(10) },
        ..Settings::DEFAULT
    };
    /// No correction is possible, and the pauses are the longest.
    const FACTS: Facts<'static> = Facts {
        settings: &SETTINGS,
        left: LEFT,
        random: u64::MAX,
        is_answer: false,
        other_times: None,
        other_key: false,
    };

    fn progress(repetition: Repetition) -> Progress {
        let grant_type = match repetition {
            Freely => GrantType::ClientCredentials,
            Unreceived => GrantType::AuthorizationCode,
            Never => GrantType::DeviceCode,
        };
        let grant_type = Some(grant_type);
        let call = Call {
            endpoint: Endpoint::Token,
            grant_type,
            is_of_client_alone: true,
            once_within: None,
            is_final: |_| true,
        };
        Progress::new(call, Offset::NONE)
    }

    fn answer(status: u16, code: &str) -> Error {
        let body = format!(r#"{{"error":"{code}"}}"#).into_bytes();
        let response = http::Response::builder().status(status).body(body).unwrap();
        TokenResponse::from_http(response, time::OffsetDateTime::UNIX_EPOCH).unwrap_err().into()
    }

    fn connect() -> Error {
        TransportError::Connect { host: "h".to_owned(), source: "x".into() }.into()
    }

    fn timeout() -> Error {
        TransportError::Timeout { host: "h".to_owned() }.into()
    }

    fn not_sent() -> Error {
        OAuthError::NoCertificate { member: "x5c" }.into()
    }

    fn corrected() -> Search {
        let mut search = Search::default();
        search.corrected_to(());
        search
    }

    #[test]
    fn a_rejection_is_corrected_by_time_then_by_key_as_far_as_the_grant_allows() {
        let times = Step::CorrectTimes(Offset::NONE);
        let (key, fail) = (Step::ChangeKey, Step::Fail);
        // For each answer: times and key are possible, the key alone, nothing.
        let cases = [
            (Freely, 401, "invalid_client", [times, key, fail]),
            (Freely, 400, "invalid_grant", [times, key, fail]),
            (Freely, 400, "invalid_scope", [times, fail, fail]),
            (Freely, 400, "use_dpop_nonce", [times, fail, fail]),
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
            let other_times = Some(Offset::NONE);
            let known = [(other_times, true), (None, true), (None, false)];
            let found = known.map(|(other_times, other_key)| {
                let facts = Facts { is_answer: true, other_times, other_key, ..FACTS };
                next(&progress(repetition), &error, &facts)
            });
            assert_eq!(found, expected, "{repetition:?} {status} {code}");
            // After the deadline nothing is sent.
            let left = Duration::ZERO;
            let late = Facts { left, is_answer: true, other_times, other_key: true, ..FACTS };
            assert_eq!(next(&progress(repetition), &error, &late), fail);
        }
    }

    #[test]
    fn the_key_is_changed_once_and_only_if_nothing_else_was() {
        let error = answer(401, "invalid_client");
        let facts = Facts { is_answer: true, other_key: true, ..FACTS };
        let next = |progress: &Progress| next(progress, &error, &facts);
        assert_eq!(next(&progress(Freely)), Step::ChangeKey);
        assert_eq!(next(&Progress { search: corrected(), ..progress(Freely) }), Step::Fail);
        assert_eq!(next(&progress(Never)), Step::ChangeKey);
    }

    #[test]
    fn at_most_three_keys_sign_and_the_third_only_after_a_verdict_on_the_client() {
        let key = || -> Arc<dyn Signer> {
            Arc::new(PrivateKey::generate(Algorithm::EdDSA).unwrap().private_key().unwrap())
        };
        let rejected = |number| {
            let rejected = (0..number).map(|_| RejectedKey {
                key: key(),
                turn: Turn::default(),
                error: answer(401, "invalid_client"),
            });
            // A change of the key counts as a correction.
            let search = if number > 0 { corrected() } else { Search::default() };
            Progress { rejected: rejected.collect(), search, ..progress(Freely) }
        };
        let facts = Facts { is_answer: true, other_key: true, ..FACTS };
        let begun_with_another = Progress { fallback: Some(key()), ..progress(Freely) };
        let (change, fail) = (Step::ChangeKey, Step::Fail);
        for (code, first, second, third, began) in [
            ("invalid_client", change, change, fail, change),
            ("unauthorized_client", change, fail, fail, fail),
            ("", change, fail, fail, fail),
        ] {
            let next = |progress: &Progress| next(progress, &answer(401, code), &facts);
            let found = [rejected(0), rejected(1), rejected(2)].map(|progress| next(&progress));
            assert_eq!((found, next(&begun_with_another)), ([first, second, third], began), "{code}");
        }
        // Not after the deadline, and not without a key.
        let error = answer(401, "invalid_client");
        let late = Facts { left: Duration::ZERO, ..facts };
        let without = Facts { other_key: false, ..facts };
        assert_eq!([late, without].map(|facts| super::next(&rejected(1), &error, &facts)), [fail; 2]);
        let progress = rejected(2);
        assert!(progress.has_rejected(&progress.rejected[1].key) && !progress.has_rejected(&key()));
    }

    #[test]
    fn a_failure_that_may_pass_is_retried_unless_the_caller_does_so() {
        let retry = Step::Retry(Duration::from_secs(2));
        let mut once = progress(Freely);
        once.call.once_within = Some(LEFT);
        for (failure, is_answer) in [(connect(), false), (answer(503, ""), true)] {
            let facts = Facts { is_answer, ..FACTS };
            let without = Settings { tries_again: false, ..SETTINGS };
            let without = Facts { settings: &without, ..facts };
            assert_eq!(next(&progress(Freely), &failure, &facts), retry);
            assert_eq!(next(&once, &failure, &facts), Step::Fail);
            assert_eq!(next(&progress(Freely), &failure, &without), Step::Fail);
            assert_eq!(next(&progress(Never), &failure, &facts), Step::Fail);
        }
        let third = Progress { attempt: 3, ..progress(Freely) };
        let pause = Duration::from_secs(8);
        assert_eq!(next(&third, &connect(), &FACTS), Step::Retry(pause));
    }

    #[test]
    fn an_attempt_that_is_cut_off_or_not_sent_fails_with_its_cause() {
        let after =
            |attempt, repetition, cause: Option<Error>| Progress { attempt, cause, ..progress(repetition) };
        let cause = || Some(connect());
        let over = Facts { left: Duration::ZERO, ..FACTS };
        let (cut_off, not_sent) = (&timeout(), &not_sent());
        let cases = [
            (after(2, Freely, cause()), cut_off, over, Step::FailWithCause(2)),
            (after(2, Freely, cause()), cut_off, FACTS, Step::Fail),
            (after(2, Unreceived, cause()), cut_off, over, Step::Fail),
            // Here the cause is of an earlier call.
            (after(1, Freely, cause()), cut_off, over, Step::Fail),
            (after(1, Freely, cause()), not_sent, FACTS, Step::FailWithCause(0)),
            (after(1, Freely, None), not_sent, FACTS, Step::Fail),
            (after(3, Unreceived, cause()), not_sent, FACTS, Step::FailWithCause(2)),
        ];
        for (progress, failure, facts, expected) in cases {
            assert_eq!(next(&progress, failure, &facts), expected, "{} {failure:?}", progress.attempt);
        }
    }

    #[test]
    fn retry_after_is_obeyed_up_to_the_cap_and_never_past_the_deadline() {
        let pause = |retry_after: &str, left, random, attempt| {
            let response = http::Response::builder().status(503).header("retry-after", retry_after);
            let response = response.body(Vec::new()).unwrap();
            let error = TokenResponse::from_http(response, time::OffsetDateTime::UNIX_EPOCH).unwrap_err();
            let left = Duration::from_secs(left);
            let facts = Facts { settings: &Settings::DEFAULT, left, random, is_answer: true, ..FACTS };
            match next(&Progress { attempt, ..progress(Freely) }, &error.into(), &facts) {
                Step::Retry(pause) => Some(pause),
                step => {
                    assert_eq!(step, Step::Fail);
                    None
                }
            }
        };
        assert_eq!(pause("7", 30, 0, 1), Some(Duration::from_secs(7)));
        assert_eq!(pause("7", 30, u64::MAX, 1), Some(Duration::from_millis(7500)));
        assert_eq!(pause("10", 30, 0, 1), Some(Duration::from_secs(10)));
        assert_eq!(pause("11", 30, 0, 1), None);
        assert_eq!(pause("7", 7, 0, 1), None);
        assert_eq!(pause("7", 8, 0, 1), Some(Duration::from_secs(7)));
        assert_eq!(pause("7", 8, u64::MAX, 1), Some(Duration::from_millis(7500)));
        assert_eq!(pause("7", 8, u64::MAX, 5), Some(Duration::from_millis(7500)));
        assert_eq!(pause("Thu, 01 Jan 1970 00:00:05 GMT", 30, 0, 1), Some(Duration::from_secs(5)));
        assert_eq!(pause("Thu, 01 Jan 1970 00:01:00 GMT", 90, 0, 1), None);
        // A value that is not a pause counts as none.
        assert_eq!(pause("soon", 30, 0, 1), Some(Duration::ZERO));
        let over = Facts { left: Duration::ZERO, ..FACTS };
        assert_eq!(next(&progress(Freely), &connect(), &over), Step::Fail);
    }
}
