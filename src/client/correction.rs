//! The server's clock, as the `Date` of its answers shows it. An assertion that is refused for its time is made anew
//! with that; an offset that has proved right is kept for the next ones, and looked at again with every answer.

use std::sync::atomic::{AtomicI64, Ordering};

use http::header::{DATE, HeaderMap};
use time::{Duration, OffsetDateTime};

/// Servers say whole seconds, and clocks are never quite the same: up to this is no difference.
const NO_DIFFERENCE: Duration = Duration::seconds(3);
/// A clock that is further off is for somebody to look at: whoever sets a `Date` could have assertions made for long
/// after they are asked for.
const LARGEST: Duration = Duration::minutes(5);

/// How far the server's clock is ahead of ours.
#[derive(Debug, Default)]
pub(super) struct ServerClock {
    /// In milliseconds. Zero unless an assertion was accepted with another.
    offset: AtomicI64,
}

impl ServerClock {
    /// What to add to our time for an assertion.
    pub(super) fn offset(&self) -> Duration {
        Duration::milliseconds(self.offset.load(Ordering::Relaxed))
    }

    /// What an answer to an assertion of this offset makes of the one that is kept. Hands back the new one if it is
    /// another.
    pub(super) fn answered(&self, used: Duration, accepted: bool, shown: Shown) -> Option<Duration> {
        let kept = self.offset();
        let next = if accepted { after_success(kept, used, shown) } else { after_refusal(kept, shown) };
        if next == kept {
            return None;
        }
        let milliseconds = i64::try_from(next.whole_milliseconds()).unwrap_or(0);
        self.offset.store(milliseconds, Ordering::Relaxed);
        Some(next)
    }
}

/// What an answer shows of the server's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// No date.
    Nothing,
    /// The clock is so far ahead of ours; zero where it may be the same.
    Offset(Duration),
    /// It differs by more than is believed.
    TooMuch,
}

impl Shown {
    /// The request was sent and its answer was there at these times of our clock; the date is of some moment in between,
    /// so that a slow answer is no difference.
    pub(super) fn by(headers: &HeaderMap, sent: OffsetDateTime, received: OffsetDateTime) -> Self {
        let date = headers.get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        let Some(date) = date.map(OffsetDateTime::from) else {
            return Self::Nothing;
        };
        let offset = match date {
            date if date > received => date - received,
            date if date < sent => date - sent,
            _ => Duration::ZERO,
        };
        match offset.abs() {
            size if size <= NO_DIFFERENCE => Self::Offset(Duration::ZERO),
            size if size <= LARGEST => Self::Offset(offset),
            _ => Self::TooMuch,
        }
    }

    /// The offset for another assertion, after one with this was refused; `None` where time cannot have been the
    /// reason.
    pub(super) fn correction(self, used: Duration) -> Option<Duration> {
        match self {
            Self::Offset(offset) if differs(offset, used) => Some(offset),
            _ => None,
        }
    }
}

/// An offset is taken only from an assertion that was accepted with it, and then follows the server's clock.
fn after_success(kept: Duration, used: Duration, shown: Shown) -> Duration {
    match shown {
        // Made without an offset: it proves none, and none that was found meanwhile wrong.
        _ if used.is_zero() && !kept.is_zero() => kept,
        _ if used.is_zero() => Duration::ZERO,
        Shown::Nothing => used,
        Shown::TooMuch => Duration::ZERO,
        Shown::Offset(offset) if offset.is_zero() || differs(offset, used) => offset,
        Shown::Offset(_) => used,
    }
}

/// A refusal proves nothing, but what its date contradicts is given up.
fn after_refusal(kept: Duration, shown: Shown) -> Duration {
    match shown {
        Shown::Offset(offset) if offset.is_zero() => Duration::ZERO,
        Shown::TooMuch => Duration::ZERO,
        Shown::Offset(_) | Shown::Nothing => kept,
    }
}

fn differs(one: Duration, other: Duration) -> bool {
    (one - other).abs() > NO_DIFFERENCE
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn seconds(seconds: i64) -> Duration {
        Duration::seconds(seconds)
    }

    fn shown(date: &str, sent: i64, received: i64) -> Shown {
        let mut headers = HeaderMap::new();
        headers.insert(DATE, date.parse().unwrap());
        Shown::by(&headers, NOW + seconds(sent), NOW + seconds(received))
    }

    #[test]
    fn a_date_outside_the_time_of_the_request_is_a_difference() {
        let at_minute_5 = "Thu, 01 Jan 1970 00:05:00 GMT";
        for (sent, received, expected) in [
            (300, 300, Shown::Offset(seconds(0))),
            (297, 297, Shown::Offset(seconds(0))),
            (296, 296, Shown::Offset(seconds(4))),
            (303, 303, Shown::Offset(seconds(0))),
            (304, 304, Shown::Offset(seconds(-4))),
            // Slow, and its date from somewhere in between.
            (200, 400, Shown::Offset(seconds(0))),
            (100, 120, Shown::Offset(seconds(180))),
            (480, 500, Shown::Offset(seconds(-180))),
            (0, 0, Shown::Offset(seconds(300))),
            (-1, -1, Shown::TooMuch),
            (600, 900, Shown::Offset(seconds(-300))),
            (601, 900, Shown::TooMuch),
        ] {
            assert_eq!(shown(at_minute_5, sent, received), expected, "{sent} {received}");
        }
        for date in ["", "yesterday", "0", "Thu, 01 Jan 1970 25:05:00 GMT"] {
            assert_eq!(shown(date, 0, 0), Shown::Nothing, "{date}");
        }
        assert_eq!(Shown::by(&HeaderMap::new(), NOW, NOW), Shown::Nothing);
    }

    #[test]
    fn time_is_corrected_where_the_assertion_differs_from_the_servers_clock() {
        let offset = |by| Shown::Offset(seconds(by));
        assert_eq!(offset(180).correction(seconds(0)), Some(seconds(180)));
        assert_eq!(offset(-180).correction(seconds(0)), Some(seconds(-180)));
        assert_eq!(offset(180).correction(seconds(178)), None);
        // Our clock was set meanwhile.
        assert_eq!(offset(0).correction(seconds(180)), Some(seconds(0)));
        assert_eq!(offset(0).correction(seconds(0)), None);
        assert_eq!(Shown::TooMuch.correction(seconds(0)), None);
        assert_eq!(Shown::Nothing.correction(seconds(180)), None);
    }

    #[test]
    fn an_offset_is_kept_when_it_was_accepted_and_followed_from_then_on() {
        let clock = ServerClock::default();
        let offset = |by| Shown::Offset(seconds(by));
        let answered = |used, accepted, shown, expected: i64| {
            let before = clock.offset();
            let changed = clock.answered(seconds(used), accepted, shown);
            assert_eq!(clock.offset(), seconds(expected));
            assert_eq!(changed, (before != seconds(expected)).then_some(seconds(expected)));
        };
        // A date alone does nothing, refused or accepted.
        answered(0, false, offset(180), 0);
        answered(0, true, offset(180), 0);
        // Refused with it.
        answered(180, false, offset(180), 0);
        // Accepted with it, and again, whatever its date says within what is no difference.
        answered(180, true, offset(180), 180);
        answered(180, true, offset(183), 180);
        answered(180, true, Shown::Nothing, 180);
        // A request from before says nothing about it.
        answered(0, true, offset(180), 180);
        answered(0, true, offset(0), 180);
        answered(180, false, offset(180), 180);
        // The server's clock moves, is set right, or is not to be believed any more.
        answered(180, true, offset(150), 150);
        answered(150, true, offset(0), 0);
        answered(-60, true, offset(-60), -60);
        answered(-60, true, Shown::TooMuch, 0);
        answered(-60, true, offset(-60), -60);
        answered(-60, false, Shown::TooMuch, 0);
        answered(-60, true, Shown::Nothing, -60);
        answered(-60, false, offset(0), 0);
    }
}
