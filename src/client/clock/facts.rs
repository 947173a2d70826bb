use time::{Duration, OffsetDateTime};

use crate::client::call::{Call, Subject};
use crate::oauth::{GrantType, OAuthError, Refusal, ServerTime, TimeFault};

/// Servers state whole seconds, and clocks never agree exactly: up to this, clocks do not differ.
pub(super) const NO_DIFFERENCE: Duration = Duration::seconds(3);
/// No larger difference is believed. A person should look at it, and a wrong `Date` must not lead
/// to assertions that are made for long after they are sent.
pub(super) const LARGEST: Duration = Duration::minutes(5);
/// Clocks get adjusted, so what discovery showed longer ago counts for nothing.
const RECENT: Duration = Duration::minutes(10);

/// How a difference between two clocks is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum Source {
    /// No difference: our own time.
    Own,
    /// The `Date` of the metadata.
    Discovery,
    /// The `Date` of an answer.
    Date,
    /// The `iat` of a JWT that was just issued.
    Token,
    /// The words of a rejection.
    Text,
}

impl Source {
    pub(in crate::client) const fn name(self) -> &'static str {
        match self {
            Self::Own => "own clock",
            Self::Discovery => "discovery",
            Self::Date => "date",
            Self::Token => "token",
            Self::Text => "text",
        }
    }
}

/// What to add to our time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) struct Offset {
    pub(in crate::client) by: Duration,
    pub(in crate::client) source: Source,
    /// Whether an assertion was accepted with it.
    is_proven: bool,
}

impl Offset {
    pub(in crate::client) const NONE: Self =
        Self { by: Duration::ZERO, source: Source::Own, is_proven: false };

    pub(super) fn assumed(by: Duration, source: Source) -> Self {
        if by.is_zero() { Self::NONE } else { Self { by, source, is_proven: false } }
    }

    pub(super) fn proven(by: Duration, source: Source) -> Self {
        if by.is_zero() { Self::NONE } else { Self { by, source, is_proven: true } }
    }

    /// Whether it is not zero and no assertion has been accepted with it yet.
    pub(in crate::client) fn is_assumed(self) -> bool {
        !self.is_proven && !self.by.is_zero()
    }
}

/// The offset to use: zero if it is too small to matter, `None` if it is too large to be believed.
pub(super) fn believed(offset: Duration) -> Option<Duration> {
    match offset.abs() {
        size if size <= NO_DIFFERENCE => Some(Duration::ZERO),
        size if size <= LARGEST => Some(offset),
        _ => None,
    }
}

pub(super) fn differs(one: Duration, other: Duration) -> bool {
    (one - other).abs() > NO_DIFFERENCE
}

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

#[derive(Clone, Copy, Debug)]
pub(in crate::client) struct Facts {
    /// The hash of a request that carries something from outside, which the answer may be about.
    pub(super) outside: Option<u64>,
    /// Whether the server did what it was asked to.
    pub(super) succeeded: bool,
    pub(super) used: Offset,
    pub(super) verdict: Verdict,
    pub(super) shown: Shown,
    /// What the words of a rejection say about the assertion's times.
    pub(super) named: Option<TimeFault>,
    /// Whether the server failed instead of rejecting.
    pub(super) failed: bool,
    /// Whether the key may be the reason, and another one is there to try.
    pub(in crate::client) other_key: bool,
}

impl Facts {
    pub(in crate::client) const fn accepted(outside: Option<u64>, used: Offset, shown: Shown) -> Self {
        let verdict = Verdict::Accepted;
        Self { outside, succeeded: true, used, verdict, shown, named: None, failed: false, other_key: false }
    }

    pub(in crate::client) fn rejected(self, call: Call, error: &OAuthError, has_not_before: bool) -> Self {
        let (verdict, answer) = match error {
            // The server has authenticated the client, unless it looked first at the part of the
            // request that came from outside.
            OAuthError::Refused(answer) if Subject::of(answer) == Subject::Request => {
                (if call.is_of_client_alone { Verdict::Accepted } else { Verdict::Silent }, None)
            }
            OAuthError::Refused(answer) if Subject::of(answer) == Subject::Proof => (Verdict::Silent, None),
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
    // `invalid_grant` is about the grant in the first place, if there is one in addition to the
    // assertion. It may have expired as well, but no grant is from the future.
    let carries_grant = call.grant_type.is_some_and(|grant_type| grant_type != GrantType::ClientCredentials);
    let is_of_grant = carries_grant && answer.error() == Some("invalid_grant");
    (!is_of_grant || fault == TimeFault::NotYetValid).then_some(fault)
}

/// Whether the server failed over the request itself, as some do over an assertion from the future.
/// The other statuses come from something in front of the server, or are about its load.
fn is_failure(answer: &Refusal) -> bool {
    matches!(answer.status(), 500..=599) && !matches!(answer.status(), 502..=504)
}

/// By how much an answer shows the server's clock ahead of ours, at least and at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) struct Shown(pub(super) Option<(Duration, Duration, Source)>);

impl Shown {
    pub(in crate::client) const NOTHING: Self = Self(None);

    pub(in crate::client) fn by(time: Option<ServerTime>, source: Source) -> Self {
        Self(time.map(ServerTime::ahead).map(|(least, most)| (least, most, source)))
    }

    /// What discovery showed. It reads the system's clock; ours may be another one.
    pub(in crate::client) fn discovered(
        time: Option<ServerTime>,
        system: OffsetDateTime,
        ours: OffsetDateTime,
    ) -> Self {
        let is_recent = |time: &ServerTime| (Duration::ZERO..=RECENT).contains(&(system - time.received()));
        let time = time.filter(is_recent).map(|time| time.by_clock_behind(system - ours));
        Self::by(time, Source::Discovery)
    }

    /// The possible difference that is nearest to this one: a slow response is no difference.
    pub(super) fn nearest(self, to: Duration) -> Option<Duration> {
        self.0.map(|(least, most, _)| to.clamp(least, most))
    }

    /// How far the server's clock is ahead of ours, as near to zero as possible.
    pub(in crate::client) fn ahead(self) -> Option<Duration> {
        self.nearest(Duration::ZERO)
    }

    /// As [`Shown::nearest`], if that differs from `used`.
    pub(super) fn other_than(self, used: Duration) -> Option<Duration> {
        self.nearest(used).filter(|difference| differs(*difference, used))
    }

    pub(super) fn source(self) -> Source {
        self.0.map_or(Source::Own, |(.., source)| source)
    }
}
