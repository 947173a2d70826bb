use std::fmt;

use time::{Duration, OffsetDateTime};

use crate::jose::moment::{Span, Utc};

/// The times of a rejected assertion, if they may be the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockMismatch {
    issued_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    now: OffsetDateTime,
    ahead: Option<Duration>,
    moved: Duration,
}

impl ClockMismatch {
    /// `ahead` is how far the server's clock is ahead of ours, if that is known. `moved` is how far
    /// the client has shifted the assertion's times.
    #[cfg(feature = "client")]
    pub(crate) const fn new(
        issued_at: OffsetDateTime,
        expires_at: OffsetDateTime,
        now: OffsetDateTime,
        ahead: Option<Duration>,
        moved: Duration,
    ) -> Self {
        Self { issued_at, expires_at, now, ahead, moved }
    }

    /// When the assertion was issued (`iat`). If it differs from [`ClockMismatch::now`], the client
    /// tried a shifted time.
    #[must_use]
    pub const fn issued_at(&self) -> OffsetDateTime {
        self.issued_at
    }

    /// When the assertion expires (`exp`).
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }

    /// The time on this machine's clock when the response arrived.
    #[must_use]
    pub const fn now(&self) -> OffsetDateTime {
        self.now
    }

    /// The time on the server's clock, if the response has a `Date`.
    #[must_use]
    pub fn server_time(&self) -> Option<OffsetDateTime> {
        self.ahead.map(|ahead| self.now.saturating_add(ahead))
    }
}

impl fmt::Display for ClockMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { issued_at, expires_at, now, moved, .. } = self;
        write!(f, "check the clock: this machine's says {}, ", Utc::from(*now))?;
        if let (Some(server_time), Some(ahead)) = (self.server_time(), self.ahead) {
            let direction = if ahead.is_negative() { "behind" } else { "ahead" };
            let distance = Span(ahead.whole_seconds().unsigned_abs());
            write!(f, "the server's {} ({distance} {direction}), ", Utc::from(server_time))?;
        }
        write!(f, "the assertion's iat is {} and its exp {}", Utc::from(*issued_at), Utc::from(*expires_at))?;
        match moved.whole_seconds() {
            0 => Ok(()),
            seconds => write!(f, " (the client moved both by {seconds:+} s)"),
        }
    }
}

#[cfg(all(test, feature = "client"))]
mod tests {
    use super::*;

    #[test]
    fn all_times_are_said() {
        let at = |seconds: i64| OffsetDateTime::from_unix_timestamp(1_800_000_000 + seconds).unwrap();
        let mismatch = ClockMismatch::new(at(-60), at(0), at(1), None, Duration::ZERO);
        assert_eq!(mismatch.server_time(), None);
        assert_eq!(
            mismatch.to_string(),
            "check the clock: this machine's says 2027-01-15T08:00:01Z, \
             the assertion's iat is 2027-01-15T07:59:00Z and its exp 2027-01-15T08:00:00Z"
        );
        let mismatch =
            ClockMismatch::new(at(-60), at(0), at(1), Some(Duration::hours(-9)), Duration::seconds(-61));
        assert_eq!(mismatch.server_time(), Some(at(1) - Duration::hours(9)));
        assert_eq!(
            mismatch.to_string(),
            "check the clock: this machine's says 2027-01-15T08:00:01Z, the server's 2027-01-14T23:00:01Z (9 h behind), \
             the assertion's iat is 2027-01-15T07:59:00Z and its exp 2027-01-15T08:00:00Z (the client moved both by -61 s)"
        );
    }
}
