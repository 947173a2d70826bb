//! Times in messages: RFC 3339, and how far they are from another time.

use std::fmt;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

/// A time in seconds since 1970, as RFC 3339 writes it, in UTC. A number outside the years 1970 to
/// 9999 stays a number.
#[derive(Clone, Copy)]
pub(crate) struct Utc(pub(crate) i64);

impl From<OffsetDateTime> for Utc {
    fn from(time: OffsetDateTime) -> Self {
        Self(time.unix_timestamp())
    }
}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = OffsetDateTime::from_unix_timestamp(self.0).ok();
        let Some(time) = time.filter(|time| (1970..=9999).contains(&time.year())) else {
            return self.0.fmt(f);
        };
        let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
        let (hour, minute, second) = time.to_hms();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// Serializes a time, or `null` for none, as RFC 3339 writes it: for serde's `serialize_with`.
pub(crate) fn rfc3339<S: Serializer>(
    time: &(impl Into<Option<OffsetDateTime>> + Copy),
    serializer: S,
) -> Result<S::Ok, S::Error> {
    (*time).into().map(|time| Utc::from(time).to_string()).serialize(serializer)
}

/// A number of seconds in its two largest units, cut off after them: `45 s`, `3 min 20 s`, `2 h`.
#[derive(Clone, Copy)]
pub(crate) struct Span(pub(crate) u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0;
        let (large, small) = match seconds {
            0..60 => return write!(f, "{seconds} s"),
            60..3_600 => ((seconds / 60, "min"), (seconds % 60, "s")),
            3_600..86_400 => ((seconds / 3_600, "h"), (seconds % 3_600 / 60, "min")),
            _ => ((seconds / 86_400, "d"), (seconds % 86_400 / 3_600, "h")),
        };
        write!(f, "{} {}", large.0, large.1)?;
        if small.0 > 0 { write!(f, " {} {}", small.0, small.1) } else { Ok(()) }
    }
}

/// A time and its distance from now: `2026-11-29T10:00:00Z, 3 min 20 s ago`.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) at: Utc,
    pub(crate) now: Utc,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Utc(at), Utc(now)) = (self.at, self.now);
        let end = if at > now { "in the future" } else { "ago" };
        write!(f, "{}, {} {end}", self.at, Span(at.abs_diff(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_5_6_a_time_has_no_fraction_and_its_distance_at_most_two_units() {
        let moment = |at, now| Moment { at: Utc(at), now: Utc(now) }.to_string();
        for (at, expected) in [
            (1_800_000_000, "2027-01-15T08:00:00Z, 0 s ago"),
            (1_799_999_955, "2027-01-15T07:59:15Z, 45 s ago"),
            (1_799_999_800, "2027-01-15T07:56:40Z, 3 min 20 s ago"),
            (1_799_999_940, "2027-01-15T07:59:00Z, 1 min ago"),
            (1_800_007_500, "2027-01-15T10:05:00Z, 2 h 5 min in the future"),
            (1_800_007_259, "2027-01-15T10:00:59Z, 2 h in the future"),
            (1_800_360_000, "2027-01-19T12:00:00Z, 4 d 4 h in the future"),
            (0, "1970-01-01T00:00:00Z, 20833 d 8 h ago"),
            (253_402_300_799, "9999-12-31T23:59:59Z, 2912063 d 15 h in the future"),
        ] {
            assert_eq!(moment(at, 1_800_000_000), expected);
        }
        assert_eq!(moment(i64::MIN, i64::MAX), "-9223372036854775808, 213503982334601 d 7 h ago");
        assert_eq!(moment(253_402_300_800, 253_402_300_799), "253402300800, 1 s in the future");
        let time = OffsetDateTime::UNIX_EPOCH.to_offset(time::UtcOffset::from_hms(2, 0, 0).unwrap());
        assert_eq!(Utc::from(time).to_string(), "1970-01-01T00:00:00Z");
        let json = || serde_json::value::Serializer;
        assert_eq!(rfc3339(&time, json()).unwrap(), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(&Some(time), json()).unwrap(), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(&None::<OffsetDateTime>, json()).unwrap(), serde_json::Value::Null);
    }
}
