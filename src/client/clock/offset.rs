use time::Duration;

/// Servers state whole seconds, and clocks never agree exactly: up to this, clocks do not differ.
pub(super) const NO_DIFFERENCE: Duration = Duration::seconds(3);
/// No larger difference is believed. A person should look at it, and a wrong `Date` must not lead
/// to assertions that are made for long after they are sent.
pub(super) const LARGEST: Duration = Duration::minutes(5);

/// How a difference between two clocks is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum Source {
    /// Our own time, as it is.
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
    /// As the log names it.
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

/// The offset to use: zero if it is too small to be a difference, `None` if it is too large to be
/// believed.
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
