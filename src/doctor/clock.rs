//! This machine's clock, compared with the server's `Date`.

use time::Duration;

use super::finding::{Finding, Step};
use super::words::span;
use crate::oauth::ServerTime;

/// A difference that servers tolerate, and that a slow answer may cause.
const TOLERATED: Duration = Duration::seconds(5);
/// The tolerance of most servers.
const COMMON: Duration = Duration::seconds(30);
/// How far a probe moves the times of an assertion, at most. A `Date` is not authenticated: it must
/// not obtain an assertion that is valid at any time.
pub(super) const LARGEST_MOVE: Duration = Duration::HOUR;

/// How far the server's clock is ahead of ours, in whole seconds: the smallest difference that
/// explains its `Date`. Zero if the clocks may be equal.
pub(super) fn ahead(time: ServerTime) -> Duration {
    let (least, most) = time.ahead();
    // The `Date` has no fractions, so the server's clock may be a second further.
    let most = most + Duration::SECOND;
    let difference = if least > Duration::ZERO {
        least
    } else if most < Duration::ZERO {
        most
    } else {
        Duration::ZERO
    };
    Duration::seconds(difference.whole_seconds())
}

/// Judges a difference. `None`: the server sent no `Date`.
pub(super) fn judge(ahead: Option<Duration>) -> Finding {
    const CHECK: &str = "date";
    let Some(ahead) = ahead else {
        return Finding::not_checked(Step::Clock, CHECK, "the server's answers have no readable Date field")
            .advise("check that this machine synchronises its clock (timedatectl, chronyc tracking)");
    };
    let text = difference(ahead);
    if ahead.abs() <= TOLERATED {
        let text = "this machine's clock and the server's differ by at most 5 seconds";
        Finding::good(Step::Clock, CHECK, text)
    } else if ahead.abs() <= COMMON {
        Finding::warning(Step::Clock, CHECK, text).advise("synchronise the clock; some servers tolerate less")
    } else {
        Finding::wrong(Step::Clock, CHECK, text).advise(
            "synchronise the clock of this machine, or of the server; `TokenClient` follows up to 5 minutes",
        )
    }
}

/// A difference in words.
pub(super) fn difference(ahead: Duration) -> String {
    let direction = if ahead.is_negative() { "ahead of" } else { "behind" };
    format!("this machine's clock is {} {direction} the server's", span(ahead.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_difference_counts_in_both_directions() {
        let judged = |seconds| judge(Some(Duration::seconds(seconds)));
        for seconds in [-5, 0, 5] {
            assert_eq!(judged(seconds).verdict, Verdict::Good);
        }
        assert_eq!([judged(-6).verdict, judged(30).verdict], [Verdict::Warning; 2]);
        assert_eq!(judged(600).text, "this machine's clock is 10 minutes behind the server's");
        assert_eq!(judged(-600).text, "this machine's clock is 10 minutes ahead of the server's");
        assert_eq!([judged(31).verdict, judged(-600).verdict], [Verdict::Wrong; 2]);
        assert_eq!(judge(None).verdict, Verdict::NotChecked);
    }
}
