//! Finds the offset that a server without a `Date` accepts, by what its rejections say: a minute in
//! the direction that the text names, then twice as far, and half-way back when the text says the
//! opposite. An assertion lives for a minute, so steps of a minute miss no server, however little
//! it tolerates.

use time::Duration;

use super::facts::{LARGEST, Offset, differs};
use crate::oauth::TimeFault;

const STEP: Duration = Duration::minutes(1);
/// The most assertions that follow a rejected one.
const MOVES: u8 = 4;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::client) struct Search {
    /// The offset that was rejected first.
    start: Duration,
    /// The largest offset so far that has expired, and the smallest that was not yet valid.
    expired: Option<Duration>,
    not_yet_valid: Option<Duration>,
    moves: u8,
    is_corrected: bool,
}

impl Search {
    /// Whether words were followed.
    pub(super) const fn is_begun(self) -> bool {
        self.moves > 0
    }

    /// Whether the call has been corrected, by what is known, the key or words.
    pub(in crate::client) const fn is_corrected(self) -> bool {
        self.is_corrected || self.is_begun()
    }

    /// The one correction by what is known, or the key; `None` when it has been made.
    pub(in crate::client) fn corrected_to<T>(&mut self, other: T) -> Option<T> {
        let may = !self.is_corrected();
        self.is_corrected = true;
        may.then_some(other)
    }

    /// Begins with an offset that may be the right one.
    pub(super) fn begun_with(&mut self, used: Duration, fault: TimeFault, other: Offset) -> Option<Offset> {
        if self.is_corrected() {
            return None;
        }
        self.refused(used, fault);
        self.moves = 1;
        Some(other)
    }

    /// The next offset; `None` when all have been tried.
    pub(super) fn next(&mut self, used: Duration, fault: TimeFault) -> Option<Duration> {
        self.refused(used, fault);
        if self.moves == MOVES {
            return None;
        }
        let further = |from: Duration| STEP.max((from - self.start).abs() * 2);
        let next = match (fault, self.expired, self.not_yet_valid) {
            // Both directions in turn, back first: a clock that is behind by less than an
            // assertion's lifetime is not noticed.
            (TimeFault::NotActive, None, None) => {
                let size = STEP * i32::from(self.moves / 2 + 1);
                if self.moves.is_multiple_of(2) { self.start - size } else { self.start + size }
            }
            (_, Some(expired), Some(not_yet_valid)) => {
                let middle: Duration = (not_yet_valid - expired) / 2;
                if middle.whole_seconds() < 1 {
                    return None;
                }
                expired + Duration::seconds(middle.whole_seconds())
            }
            (_, Some(expired), None) => self.start + further(expired),
            (_, None, Some(not_yet_valid)) => self.start - further(not_yet_valid),
            (_, None, None) => return None,
        };
        let next = next.clamp(-LARGEST, LARGEST);
        if next == used {
            return None;
        }
        self.moves += 1;
        Some(next)
    }

    fn refused(&mut self, used: Duration, fault: TimeFault) {
        if !self.is_begun() {
            self.start = used;
        }
        match fault {
            TimeFault::Expired => self.expired = Some(used),
            TimeFault::NotYetValid => self.not_yet_valid = Some(used),
            TimeFault::NotActive => {}
        }
    }
}

/// Whether another offset is in the direction that the text names.
pub(super) fn leads(fault: TimeFault, used: Duration, other: Duration) -> bool {
    match fault {
        TimeFault::Expired => other > used,
        TimeFault::NotYetValid => other < used,
        TimeFault::NotActive => differs(other, used),
    }
}
