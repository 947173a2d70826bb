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
    /// In milliseconds: the differences between which the server has accepted assertions of our time, and so does not mind.
    least_accepted: AtomicI64,
    most_accepted: AtomicI64,
}

impl ServerClock {
    /// What to add to our time for an assertion.
    pub(super) fn offset(&self) -> Duration {
        Duration::milliseconds(self.offset.load(Ordering::Relaxed))
    }

    /// What an answer to an assertion of this offset makes of the one that is kept. Hands back the new one if it is
    /// another.
    pub(super) fn answered(&self, used: Duration, accepted: bool, shown: Shown) -> Option<Duration> {
        if let Some(difference) = shown.nearest(used).filter(|_| accepted && used.is_zero())
            && differs(difference, used)
        {
            self.least_accepted.fetch_min(milliseconds(difference), Ordering::Relaxed);
            self.most_accepted.fetch_max(milliseconds(difference), Ordering::Relaxed);
        }
        let kept = self.offset();
        let next = if accepted { after_success(kept, used, shown) } else { after_refusal(kept, shown) };
        if next == kept {
            return None;
        }
        // Not over what another answer has made of it meanwhile.
        let exchanged = self.offset.compare_exchange(
            milliseconds(kept),
            milliseconds(next),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        exchanged.is_ok().then_some(next)
    }

    /// The offset for another assertion, after one with this was refused; `None` where time cannot have been the reason,
    /// or was none before. Then it may be the next time: servers change.
    pub(super) fn correction(&self, used: Duration, shown: Shown) -> Option<Duration> {
        let offset = shown.nearest(used).filter(|offset| differs(*offset, used)).and_then(believed)?;
        let accepted = [&self.least_accepted, &self.most_accepted];
        let [least, most] = accepted.map(|bound| bound.load(Ordering::Relaxed));
        if used.is_zero() && (least..=most).contains(&milliseconds(offset)) {
            for bound in accepted {
                bound.store(0, Ordering::Relaxed);
            }
            return None;
        }
        Some(offset)
    }
}

/// What an answer shows of the server's clock: it was between these times ahead of ours, since its date is of some moment
/// between the request and the answer. A slow answer is no difference then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown(Option<(Duration, Duration)>);

impl Shown {
    /// The request was sent and its answer was there at these times of our clock.
    pub(super) fn by(headers: &HeaderMap, sent: OffsetDateTime, received: OffsetDateTime) -> Self {
        let date = headers.get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        // A clock that was set back meanwhile makes the second time the earlier one.
        let between = |date: OffsetDateTime| (date - received.max(sent), date - sent.min(received));
        Self(date.map(|date| between(date.into())))
    }

    /// The offset that is nearest to this one; `None` without a date.
    fn nearest(self, to: Duration) -> Option<Duration> {
        self.0.map(|(least, most)| to.clamp(least, most))
    }
}

/// What is taken for it: none where it is no difference, and nothing where it is more than is believed.
fn believed(offset: Duration) -> Option<Duration> {
    match offset.abs() {
        size if size <= NO_DIFFERENCE => Some(Duration::ZERO),
        size if size <= LARGEST => Some(offset),
        _ => None,
    }
}

/// An offset is taken only from an assertion that was accepted with it, and then follows the server's clock.
fn after_success(kept: Duration, used: Duration, shown: Shown) -> Duration {
    match shown.nearest(used) {
        // Made without an offset: it proves none, and none that was found meanwhile wrong.
        _ if used.is_zero() => kept,
        Some(offset) if differs(offset, used) => believed(offset).unwrap_or(Duration::ZERO),
        Some(_) | None => used,
    }
}

/// A refusal proves nothing, but what its date contradicts is given up.
fn after_refusal(kept: Duration, shown: Shown) -> Duration {
    match shown.nearest(kept) {
        Some(offset) if differs(offset, kept) => Duration::ZERO,
        _ => kept,
    }
}

fn differs(one: Duration, other: Duration) -> bool {
    (one - other).abs() > NO_DIFFERENCE
}

fn milliseconds(offset: Duration) -> i64 {
    i64::try_from(offset.whole_milliseconds()).unwrap_or(0)
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

    /// By an answer that took no time.
    fn offset(by: i64) -> Shown {
        Shown(Some((seconds(by), seconds(by))))
    }

    /// What is signed next after a refusal, in seconds.
    fn correction(used: i64, shown: Shown) -> Option<i64> {
        ServerClock::default().correction(seconds(used), shown).map(Duration::whole_seconds)
    }

    #[test]
    fn a_date_outside_the_time_of_the_request_is_a_difference() {
        let at_minute_5 = "Thu, 01 Jan 1970 00:05:00 GMT";
        for (sent, received, expected) in [
            (300, 300, None),
            (297, 297, None),
            (296, 296, Some(4)),
            (303, 303, None),
            (304, 304, Some(-4)),
            // Slow, and its date from somewhere in between.
            (200, 400, None),
            (100, 120, Some(180)),
            (480, 500, Some(-180)),
            (0, 0, Some(300)),
            (600, 900, Some(-300)),
            // More than is believed.
            (-1, -1, None),
            (601, 900, None),
            // The clock was set back between the two.
            (500, 480, Some(-180)),
        ] {
            assert_eq!(correction(0, shown(at_minute_5, sent, received)), expected, "{sent} {received}");
        }
        for date in ["", "yesterday", "0", "Thu, 01 Jan 1970 25:05:00 GMT"] {
            assert_eq!(shown(date, 0, 0), Shown(None), "{date}");
        }
        assert_eq!(Shown::by(&HeaderMap::new(), NOW, NOW), Shown(None));
    }

    #[test]
    fn time_is_corrected_where_the_assertion_differs_from_the_servers_clock() {
        assert_eq!(correction(0, offset(180)), Some(180));
        assert_eq!(correction(0, offset(-180)), Some(-180));
        assert_eq!(correction(178, offset(180)), None);
        // Our clock was set meanwhile.
        assert_eq!(correction(180, offset(0)), Some(0));
        assert_eq!(correction(180, offset(-60)), Some(-60));
        assert_eq!(correction(0, offset(0)), None);
        assert_eq!(correction(180, Shown(None)), None);
    }

    #[test]
    fn a_difference_that_the_server_did_not_mind_is_not_why_it_refuses() {
        let clock = ServerClock::default();
        let correction = |used, shown| clock.correction(seconds(used), shown).map(Duration::whole_seconds);
        assert_eq!(correction(0, offset(10)), Some(10));
        for accepted in [10, 12, 11] {
            clock.answered(seconds(0), true, offset(accepted));
        }
        assert_eq!(correction(0, offset(12)), None);
        // It does now, perhaps.
        assert_eq!(correction(0, offset(12)), Some(12));
        clock.answered(seconds(0), true, offset(12));
        // More may be, and the other way.
        assert_eq!(correction(0, offset(13)), Some(13));
        assert_eq!(correction(0, offset(-10)), Some(-10));
        // A refusal says nothing of the kind.
        clock.answered(seconds(0), false, offset(-10));
        assert_eq!(correction(0, offset(-10)), Some(-10));
        // Nor does an assertion with the server's time.
        assert_eq!(correction(200, offset(10)), Some(10));
        assert_eq!(correction(0, offset(10)), None);
    }

    #[test]
    fn an_offset_is_kept_when_it_was_accepted_and_followed_from_then_on() {
        let clock = ServerClock::default();
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
        answered(180, true, Shown(None), 180);
        // A request from before says nothing about it.
        answered(0, true, offset(180), 180);
        answered(0, true, offset(0), 180);
        answered(180, false, offset(180), 180);
        // The server's clock moves, is set right, or is not to be believed any more.
        answered(180, true, offset(150), 150);
        answered(150, true, offset(0), 0);
        answered(-60, true, offset(-60), -60);
        answered(-60, true, offset(301), 0);
        answered(-60, true, offset(-60), -60);
        answered(-60, false, offset(301), 0);
        answered(-60, true, Shown(None), -60);
        answered(-60, false, offset(0), 0);
        answered(-60, true, offset(-60), -60);
        answered(-60, false, offset(120), 0);
    }

    #[test]
    fn a_slow_answer_does_not_move_an_offset_that_it_allows() {
        let clock = ServerClock::default();
        clock.answered(seconds(-180), true, offset(-180));
        // Of a clock 180 s behind, made at once and 10 s on the way; and made at the end of 10 s.
        for date in ["Thu, 01 Jan 1970 00:05:00 GMT", "Thu, 01 Jan 1970 00:05:10 GMT"] {
            clock.answered(seconds(-180), true, shown(date, 480, 490));
            assert_eq!(clock.offset(), seconds(-180), "{date}");
            clock.answered(seconds(-180), false, shown(date, 480, 490));
            assert_eq!(clock.offset(), seconds(-180), "{date}");
        }
    }
}
