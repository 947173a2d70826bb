use time::Duration;

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
    const ALL: [Self; 5] = [Self::Own, Self::Discovery, Self::Date, Self::Token, Self::Text];

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
    /// In whole milliseconds.
    pub(in crate::client) by: Duration,
    pub(in crate::client) source: Source,
    /// Whether an assertion was accepted with it.
    is_proven: bool,
}

impl Offset {
    pub(in crate::client) const NONE: Self =
        Self { by: Duration::ZERO, source: Source::Own, is_proven: false };

    pub(super) fn assumed(by: Duration, source: Source) -> Self {
        Self::new(by, source, false)
    }

    pub(super) fn proven(by: Duration, source: Source) -> Self {
        Self::new(by, source, true)
    }

    fn new(by: Duration, source: Source, is_proven: bool) -> Self {
        let by = Duration::milliseconds(super::milliseconds(by));
        if by.is_zero() { Self::NONE } else { Self { by, source, is_proven } }
    }

    /// Whether it is not zero and no assertion has been accepted with it yet.
    pub(in crate::client) fn is_assumed(self) -> bool {
        !self.is_proven && !self.by.is_zero()
    }

    /// As one number, for an atomic.
    pub(super) fn packed(self) -> i64 {
        let source = Source::ALL.iter().position(|source| *source == self.source).unwrap_or_default();
        let bits = (source << 1) | usize::from(self.is_proven);
        super::milliseconds(self.by) * 16 + i64::try_from(bits).unwrap_or_default()
    }

    pub(super) fn unpacked(packed: i64) -> Self {
        let bits = usize::try_from(packed.rem_euclid(16)).unwrap_or_default();
        let source = Source::ALL.get(bits >> 1).copied().unwrap_or(Source::Own);
        Self::new(Duration::milliseconds(packed.div_euclid(16)), source, bits & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_one_number() {
        for milliseconds in [-300_000, -1, 1, 15, 16, 300_000] {
            for source in Source::ALL {
                for is_proven in [false, true] {
                    let offset = Offset::new(Duration::milliseconds(milliseconds), source, is_proven);
                    assert_eq!(Offset::unpacked(offset.packed()), offset);
                    assert_eq!(offset.is_assumed(), !is_proven);
                }
            }
        }
        assert_eq!(Offset::unpacked(0), Offset::NONE);
        assert_eq!(Offset::proven(Duration::ZERO, Source::Date), Offset::NONE);
        assert!(!Offset::NONE.is_assumed());
    }
}
