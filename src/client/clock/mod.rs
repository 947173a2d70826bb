//! What responses show of the server's clock, and what follows for the times of assertions.
//!
//! A difference that was only seen is *assumed*: the next assertion follows it, and it is dropped
//! if that assertion is rejected. A difference that an assertion was accepted with is *proven*: it
//! is kept, and follows the server's clock from then on.

mod facts;
mod search;

use std::ops::RangeInclusive;

use time::{Duration, OffsetDateTime};

pub(super) use facts::{Facts, Offset, Shown, Source};
use facts::{LARGEST, NO_DIFFERENCE, Verdict, believed, differs};
pub(super) use search::Search;

use crate::oauth::TimeFault;

/// The precision of a `Date`. A clock that is further ahead than this is ahead for certain.
const PRECISION: Duration = Duration::seconds(1);
/// How long the words of a rejection are ignored after they led nowhere.
const IN_VAIN: Duration = Duration::minutes(1);
/// How long an accepted assertion is evidence for the times that it was made with.
const ACCEPTED: Duration = Duration::minutes(1);
/// The most requests whose words are ignored. Outsiders choose what requests carry.
const MOST_REQUESTS: usize = 64;

#[derive(Debug)]
pub(super) struct ServerClock {
    /// The offset of the next assertion.
    pub(super) kept: Offset,
    /// When an assertion with the kept offset was accepted last.
    accepted_at: Option<OffsetDateTime>,
    /// The differences at which the server has accepted assertions of our time.
    tolerated: RangeInclusive<Duration>,
    /// The difference that the last JWT showed.
    of_tokens: Shown,
    /// Since when the words of a rejection are ignored, for each hash as in [`Facts`].
    in_vain: Vec<(Option<u64>, OffsetDateTime)>,
}

impl ServerClock {
    pub(super) fn new(discovered: Shown) -> Self {
        let difference = discovered.other_than(Duration::ZERO).and_then(believed);
        let kept = difference.map_or(Offset::NONE, |by| Offset::assumed(by, discovered.source()));
        let tolerated = Duration::ZERO..=Duration::ZERO;
        Self { kept, accepted_at: None, tolerated, of_tokens: Shown::NOTHING, in_vain: Vec::new() }
    }

    /// Notes what a response shows. Returns the offset from now on if it changed. While assertions
    /// are accepted, the response to a request that carries something from outside changes nothing
    /// for other requests: it may be about that.
    pub(super) fn answered(&mut self, facts: &Facts, now: OffsetDateTime) -> Option<Offset> {
        let is_recent = |at| is_within(ACCEPTED, at, now);
        if facts.outside.is_some() && !facts.succeeded && self.accepted_at.is_some_and(is_recent) {
            return None;
        }
        if facts.verdict == Verdict::Accepted {
            self.in_vain.retain(|(outside, _)| outside.is_some());
            self.accepted(facts);
        }
        let next = self.next(facts);
        if facts.succeeded && !differs(facts.used.by, next.by) {
            self.accepted_at = Some(now);
        }
        let before = std::mem::replace(&mut self.kept, next);
        (next != before).then_some(next)
    }

    fn accepted(&mut self, Facts { outside, used, shown, .. }: &Facts) {
        let Some(difference) = shown.nearest(used.by) else { return };
        if shown.source() == Source::Token {
            self.of_tokens = Shown(Some((difference, difference, Source::Token)));
        }
        if used.by.is_zero() && outside.is_none() && differs(difference, used.by) {
            let (least, most) = (*self.tolerated.start(), *self.tolerated.end());
            self.tolerated = least.min(difference)..=most.max(difference);
        }
    }

    /// The offset that is kept after a response.
    fn next(&self, facts: &Facts) -> Offset {
        let Facts { outside, used, verdict, shown, .. } = *facts;
        let kept = self.kept;
        // Words only find the minute; a JWT that was just issued gives the second.
        let refines = |by: Duration| {
            used.source == Source::Text
                && shown.source() == Source::Token
                && (by - used.by).abs() <= Duration::MINUTE
        };
        let without_assumption = if kept.is_assumed() { Offset::NONE } else { kept };
        match verdict {
            // Our own time is accepted. That does not disprove an offset that was proven meanwhile.
            Verdict::Accepted if used.by.is_zero() => without_assumption,
            Verdict::Accepted => {
                let other = shown.other_than(used.by).filter(|by| outside.is_none() || refines(*by));
                other.map_or(Offset::proven(used.by, used.source), |other| {
                    believed(other).map_or(Offset::NONE, |by| Offset::proven(by, shown.source()))
                })
            }
            Verdict::Refused | Verdict::Silent => match shown.other_than(kept.by) {
                Some(difference) => believed(difference)
                    .filter(|by| !self.tolerated.contains(by))
                    .map_or(Offset::NONE, |by| Offset::assumed(by, shown.source())),
                // An assumption was tried, and did not help.
                None if used.by == kept.by && verdict == Verdict::Refused => without_assumption,
                None => kept,
            },
        }
    }

    /// Whether time may be the reason for a rejection, and how far the clock is ahead, if shown.
    pub(super) fn suspicion(&self, facts: &Facts) -> Option<Option<Duration>> {
        if facts.verdict != Verdict::Refused {
            return None;
        }
        match facts.shown.other_than(facts.used.by) {
            Some(difference) if facts.used.by.is_zero() && self.tolerated.contains(&difference) => None,
            Some(difference) => Some(Some(difference)),
            None => (facts.shown == Shown::NOTHING && facts.named.is_some()).then_some(None),
        }
    }

    /// The offset of another assertion, after one was rejected. `None` if time cannot have been the
    /// reason, or the server has tolerated the difference before. It may be the reason the next
    /// time, because servers change.
    pub(super) fn correction(
        &mut self,
        facts: &Facts,
        search: &mut Search,
        now: OffsetDateTime,
    ) -> Option<Offset> {
        let Facts { used, shown, .. } = *facts;
        if facts.verdict != Verdict::Refused {
            return None;
        }
        if let Some(fault) = facts.named.filter(|_| shown == Shown::NOTHING) {
            return self.by_words(facts, fault, search, now);
        }
        if search.is_begun() {
            self.led_nowhere(facts.outside, now);
            return None;
        }
        // Without a `Date`, the last JWT stands in for it.
        let known = if shown == Shown::NOTHING { self.of_tokens } else { shown };
        if let Some(difference) = known.other_than(used.by) {
            let by = believed(difference)?;
            if used.by.is_zero() && self.tolerated.contains(&by) {
                self.tolerated = Duration::ZERO..=Duration::ZERO;
                return None;
            }
            return search.corrected_to(Offset::assumed(by, known.source()));
        }
        if used.is_assumed() && !facts.other_key {
            return search.corrected_to(Offset::NONE);
        }
        // A smaller difference matters to a server without any tolerance for the future.
        let nearest = shown.nearest(used.by)?;
        let is_ahead = facts.failed && nearest - used.by < -PRECISION;
        let may_be = is_ahead || facts.named == Some(TimeFault::NotYetValid);
        let earlier = (used.by - NO_DIFFERENCE).max(-LARGEST);
        let other = (may_be && earlier < used.by).then(|| Offset::assumed(earlier, Source::Date))?;
        search.corrected_to(other)
    }

    /// After a rejection that names time and has no `Date`.
    fn by_words(
        &mut self,
        Facts { outside, used, .. }: &Facts,
        fault: TimeFault,
        search: &mut Search,
        now: OffsetDateTime,
    ) -> Option<Offset> {
        if !search.is_begun() {
            if self.in_vain.iter().any(|(of, since)| of == outside && is_within(IN_VAIN, *since, now)) {
                return None;
            }
            let known = self.of_tokens.other_than(used.by).and_then(believed);
            let known = known.map(|by| Offset::assumed(by, Source::Token));
            // The assumed offset may be the mistake.
            let none = used.is_assumed().then_some(Offset::NONE);
            let mut others = known.into_iter().chain(none);
            if let Some(other) = others.find(|other| search::leads(fault, used.by, other.by)) {
                return search.begun_with(used.by, fault, other);
            }
        }
        let next = search.next(used.by, fault);
        if next.is_none() && search.is_begun() {
            self.led_nowhere(*outside, now);
        }
        next.map(|by| Offset::assumed(by, Source::Text))
    }

    fn led_nowhere(&mut self, outside: Option<u64>, now: OffsetDateTime) {
        self.in_vain.retain(|(of, since)| *of != outside && is_within(IN_VAIN, *since, now));
        if self.in_vain.len() >= MOST_REQUESTS
            && let Some(first) = self.in_vain.iter().position(|(of, _)| of.is_some())
        {
            self.in_vain.remove(first);
        }
        self.in_vain.push((outside, now));
    }
}

/// Whether a moment is less than this long ago. A clock that was set back must not prolong a wait.
fn is_within(limit: Duration, since: OffsetDateTime, now: OffsetDateTime) -> bool {
    (Duration::ZERO..limit).contains(&(now - since))
}

#[cfg(test)]
mod tests;
