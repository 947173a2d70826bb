use time::Duration;

use super::offset::{Offset, Source, differs};
use crate::client::call::{Call, Subject};
use crate::oauth::{OAuthError, Refusal, ServerTime, TimeFault};

/// What a response says about the assertion in its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum Verdict {
    /// The client was authenticated.
    Accepted,
    /// The request may have been rejected because of the assertion's times.
    Refused,
    /// Nothing: something else was wrong, or something in front of the server answered.
    Silent,
}

/// One answer, as far as it concerns the clock.
#[derive(Clone, Copy, Debug)]
pub(in crate::client) struct Facts {
    /// The hash of a request that carries something from outside, which the answer may be about.
    pub(super) outside: Option<u64>,
    /// Whether the server did what it was asked to.
    pub(super) succeeded: bool,
    /// What the assertion's times were moved by.
    pub(super) used: Offset,
    pub(super) verdict: Verdict,
    pub(super) shown: Shown,
    /// What the words of a rejection say about the assertion's times.
    pub(super) named: Option<TimeFault>,
    /// Whether the server failed instead of rejecting. Some do, over an assertion from the future.
    pub(super) failed: bool,
    /// Whether the key may be the reason, and another one is there to try.
    pub(in crate::client) other_key: bool,
}

impl Facts {
    /// What a success says.
    pub(in crate::client) const fn accepted(outside: Option<u64>, used: Offset, shown: Shown) -> Self {
        let verdict = Verdict::Accepted;
        Self { outside, succeeded: true, used, verdict, shown, named: None, failed: false, other_key: false }
    }

    /// What any other response says.
    pub(in crate::client) fn rejected(self, call: Call, error: &OAuthError, has_not_before: bool) -> Self {
        let (verdict, answer) = match error {
            // The server has authenticated the client, unless it looked first at the part of the
            // request that came from outside.
            OAuthError::Refused(answer) if Subject::of(answer) == Subject::Request => {
                (if call.is_of_client_alone { Verdict::Accepted } else { Verdict::Silent }, None)
            }
            OAuthError::Refused(answer) => (Verdict::Refused, Some(answer)),
            OAuthError::Unavailable(answer) if is_failure(answer) => (Verdict::Refused, Some(answer)),
            _ => (Verdict::Silent, None),
        };
        let named = answer.and_then(|answer| time_fault(call, answer, has_not_before));
        let failed = answer.is_some_and(|answer| is_failure(answer));
        Self { succeeded: false, verdict, named, failed, ..self }
    }
}

/// What the text of a response says about the assertion's times.
fn time_fault(call: Call, answer: &Refusal, has_not_before: bool) -> Option<TimeFault> {
    let fault = match answer.time_fault()? {
        TimeFault::NotActive if !has_not_before => TimeFault::Expired,
        fault => fault,
    };
    // `invalid_grant` is about the grant in the first place, but no grant is from the future.
    let is_of_grant = call.carries_grant() && answer.error() == Some("invalid_grant");
    (!is_of_grant || fault == TimeFault::NotYetValid).then_some(fault)
}

/// Whether the server failed over the request itself. Some servers do if an assertion is from the
/// future. The other statuses of this kind come from something in front of the server, or are about
/// its load.
fn is_failure(answer: &Refusal) -> bool {
    matches!(answer.status(), 500..=599) && !matches!(answer.status(), 502..=504)
}

/// What an answer shows of the server's clock: by how much it is ahead of ours, at least and at
/// most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) struct Shown(pub(super) Option<(Duration, Duration, Source)>);

impl Shown {
    pub(in crate::client) const NOTHING: Self = Self(None);

    pub(in crate::client) fn by(time: ServerTime, source: Source) -> Self {
        let (least, most) = time.ahead();
        Self(Some((least, most, source)))
    }

    /// The possible difference that is nearest to this one, so that a slow response is no
    /// difference.
    pub(super) fn nearest(self, to: Duration) -> Option<Duration> {
        self.0.map(|(least, most, _)| to.clamp(least, most))
    }

    /// As [`Shown::nearest`], if that differs from `used`.
    pub(super) fn other_than(self, used: Duration) -> Option<Duration> {
        self.nearest(used).filter(|difference| differs(*difference, used))
    }

    pub(super) fn source(self) -> Source {
        self.0.map_or(Source::Own, |(.., source)| source)
    }
}
