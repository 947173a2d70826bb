//! The server's clock, as far as its responses show it, and what follows for the times of
//! assertions.
//!
//! The client learns the difference from the `Date` of every answer, discovery included, from the
//! `iat` of a JWT that was just issued, and, as a last resort, from the words of a rejection
//! (`search`). A difference that was only seen is *assumed*: the next assertion follows it, and it
//! is dropped if that assertion is rejected. A difference that an assertion was accepted with is
//! *proven*: it is kept, and follows the server's clock from then on. No difference is larger than
//! [`LARGEST`], regardless of what a server sends.
//!
//! All decisions are functions of the stored state, what a response shows, and the time.

mod offset;
mod search;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use time::{Duration, OffsetDateTime};

pub(super) use offset::{Offset, Source};
pub(super) use search::Search;

use super::contents::Contents;
use crate::oauth::{ServerTime, TimeFault};

/// Servers state whole seconds, and clocks never agree exactly: up to this, clocks do not differ.
const NO_DIFFERENCE: Duration = Duration::seconds(3);
/// The precision of a `Date`. A clock that is further ahead than this is ahead for certain.
const PRECISION: Duration = Duration::seconds(1);
/// No larger difference is believed. A person should look at it, and a wrong `Date` must not lead
/// to assertions that are made for long after they are sent.
const LARGEST: Duration = Duration::minutes(5);
/// How long the words of a rejection are ignored after they led nowhere.
const IN_VAIN: Duration = Duration::minutes(1);
/// How long an accepted assertion is evidence for the times that it was made with.
const ACCEPTED: Duration = Duration::minutes(1);
/// The most requests that are remembered because the words of their rejection led nowhere. Bounded,
/// because outsiders choose what requests carry.
const MOST_REQUESTS: usize = 64;

/// What is known of the server's clock. It is shared by all calls of a client.
#[derive(Debug)]
pub(super) struct ServerClock {
    /// A packed [`Offset`]: what to add to our time.
    kept: AtomicI64,
    /// In milliseconds: the bounds of the differences at which the server has accepted assertions
    /// of our time, and which it so tolerates.
    least_accepted: AtomicI64,
    most_accepted: AtomicI64,
    /// In milliseconds: the difference that the last JWT showed; [`UNSEEN`] before the first.
    of_tokens: AtomicI64,
    /// Until when the words of a rejection are ignored, in seconds since 1970.
    in_vain_until: AtomicI64,
    /// The same for single requests that carry something from outside, by the hash of that.
    in_vain: Mutex<Vec<(u64, i64)>>,
    /// When an assertion with the kept offset was accepted last, in seconds since 1970; [`UNSEEN`]
    /// before the first.
    accepted_at: AtomicI64,
}

const UNSEEN: i64 = i64::MIN;

/// What a response says about the assertion in its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The client was authenticated.
    Accepted,
    /// The request may have been rejected because of the assertion's times.
    Refused,
    /// Nothing: something else was wrong, or something in front of the server answered.
    Silent,
}

/// One answer, as far as it concerns the clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// What the request carried.
    pub(super) contents: Contents,
    /// Whether the server did what it was asked to.
    pub(super) succeeded: bool,
    /// What the assertion's times were moved by.
    pub(super) used: Offset,
    pub(super) verdict: Verdict,
    pub(super) shown: Shown,
    /// What the words of a rejection say about the assertion's times.
    pub(super) named: Option<TimeFault>,
    /// Whether the server failed instead of rejecting. Some do, over an assertion from the future.
    pub(super) failed: bool,
    /// Whether the key may be the reason, and another one is there to try.
    pub(super) other_key: bool,
}

/// What an answer shows of the server's clock: by how much it is ahead of ours, at least and at
/// most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown(Option<(Duration, Duration, Source)>);

impl Shown {
    pub(super) const NOTHING: Self = Self(None);

    pub(super) fn by(time: ServerTime, source: Source) -> Self {
        let (least, most) = time.ahead();
        Self(Some((least, most, source)))
    }

    pub(super) const fn is_nothing(self) -> bool {
        self.0.is_none()
    }

    /// The possible difference that is nearest to this one, so that a slow response is no
    /// difference.
    fn nearest(self, to: Duration) -> Option<Duration> {
        self.0.map(|(least, most, _)| to.clamp(least, most))
    }

    /// As [`Shown::nearest`], if that differs from `used`.
    fn other_than(self, used: Duration) -> Option<Duration> {
        self.nearest(used).filter(|difference| differs(*difference, used))
    }

    fn source(self) -> Source {
        self.0.map_or(Source::Own, |(.., source)| source)
    }
}

/// Why the times of a rejected assertion may be the reason, as the caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Suspicion {
    /// How far the server's clock is ahead, if a response shows it.
    pub(super) ahead: Option<Duration>,
}

impl ServerClock {
    /// Starts with the difference that discovery showed, if any.
    pub(super) fn new(discovered: Shown) -> Self {
        let difference = discovered.other_than(Duration::ZERO).and_then(believed);
        let kept = difference.map_or(Offset::NONE, |by| Offset::assumed(by, discovered.source()));
        Self {
            kept: AtomicI64::new(kept.packed()),
            least_accepted: AtomicI64::new(0),
            most_accepted: AtomicI64::new(0),
            of_tokens: AtomicI64::new(UNSEEN),
            in_vain_until: AtomicI64::new(0),
            in_vain: Mutex::default(),
            accepted_at: AtomicI64::new(UNSEEN),
        }
    }

    /// What to add to our time for an assertion.
    pub(super) fn offset(&self) -> Offset {
        Offset::unpacked(self.kept.load(Ordering::Relaxed))
    }

    /// Notes what a response shows. Returns the offset from now on if it changed.
    ///
    /// The response to a request that carries something from outside may be about that. While
    /// assertions are accepted, such a response changes nothing for other requests.
    pub(super) fn answered(&self, facts: &Facts, now: OffsetDateTime) -> Option<Offset> {
        if !facts.contents.is_of_client_alone && !facts.succeeded && self.is_accepted(now) {
            return None;
        }
        if facts.verdict == Verdict::Accepted {
            self.in_vain_until.store(0, Ordering::Relaxed);
            if let Some(difference) = facts.shown.nearest(facts.used.by) {
                if facts.shown.source() == Source::Token {
                    self.of_tokens.store(milliseconds(difference), Ordering::Relaxed);
                }
                let tolerates = facts.contents.is_of_client_alone && differs(difference, facts.used.by);
                if facts.used.by.is_zero() && tolerates {
                    self.least_accepted.fetch_min(milliseconds(difference), Ordering::Relaxed);
                    self.most_accepted.fetch_max(milliseconds(difference), Ordering::Relaxed);
                }
            }
        }
        let kept = self.offset();
        let next = after(kept, facts, |difference| self.tolerates(difference));
        if facts.succeeded && !differs(facts.used.by, next.by) {
            self.accepted_at.store(now.unix_timestamp(), Ordering::Relaxed);
        }
        if next == kept {
            return None;
        }
        // Do not overwrite what another response has stored meanwhile.
        let (kept, packed) = (kept.packed(), next.packed());
        let exchanged = self.kept.compare_exchange(kept, packed, Ordering::Relaxed, Ordering::Relaxed);
        exchanged.is_ok().then_some(next)
    }

    /// Whether, and how, time may be the reason for a rejection.
    pub(super) fn suspicion(&self, facts: &Facts) -> Option<Suspicion> {
        if facts.verdict != Verdict::Refused {
            return None;
        }
        match facts.shown.other_than(facts.used.by) {
            Some(difference) if facts.used.by.is_zero() && self.tolerates(difference) => None,
            Some(difference) => Some(Suspicion { ahead: Some(difference) }),
            None => (facts.shown.is_nothing() && facts.named.is_some()).then_some(Suspicion { ahead: None }),
        }
    }

    /// The offset of another assertion, after one was rejected. `None` if time cannot have been the
    /// reason, or if the server has tolerated the difference before. It may be the reason the next
    /// time, because servers change.
    pub(super) fn correction(
        &self,
        facts: &Facts,
        search: &mut Search,
        now: OffsetDateTime,
    ) -> Option<Offset> {
        if facts.verdict != Verdict::Refused {
            return None;
        }
        let shown = if facts.shown.is_nothing() { self.shown_by_tokens() } else { facts.shown };
        if let Some(fault) = facts.named.filter(|_| facts.shown.is_nothing()) {
            return self.by_words(*facts, fault, shown, search, now);
        }
        if search.is_begun() {
            return self.end(*search, facts.contents, now);
        }
        if let Some(difference) = shown.other_than(facts.used.by) {
            let offset = believed(difference)?;
            if facts.used.by.is_zero() && self.tolerates(offset) {
                self.forget_tolerance();
                return None;
            }
            return search.corrected_to(Offset::assumed(offset, shown.source()));
        }
        if facts.used.is_assumed() && !facts.other_key {
            return search.corrected_to(Offset::NONE);
        }
        // A smaller difference matters to a server without any tolerance for the future.
        let nearest = facts.shown.nearest(facts.used.by)?;
        let is_ahead = facts.failed && nearest - facts.used.by < -PRECISION;
        let may_be = is_ahead || facts.named == Some(TimeFault::NotYetValid);
        let earlier = (facts.used.by - NO_DIFFERENCE).max(-LARGEST);
        (may_be && earlier < facts.used.by)
            .then(|| search.corrected_to(Offset::assumed(earlier, Source::Date)))
            .flatten()
    }

    /// As [`ServerClock::correction`], after a rejection that names time and has no `Date`.
    fn by_words(
        &self,
        Facts { contents, used, .. }: Facts,
        fault: TimeFault,
        of_tokens: Shown,
        search: &mut Search,
        now: OffsetDateTime,
    ) -> Option<Offset> {
        if !search.is_begun() {
            if self.is_in_vain(contents, now) {
                return None;
            }
            let known = of_tokens.other_than(used.by).and_then(believed);
            let known = known.map(|by| Offset::assumed(by, Source::Token));
            // The assumed offset may be the mistake.
            let none = used.is_assumed().then_some(Offset::NONE);
            let is_there = |other: &Offset| search::leads(fault, used.by, other.by);
            if let Some(other) = known.filter(is_there).or_else(|| none.filter(is_there)) {
                return search.begun_with(used.by, fault, other);
            }
        }
        match search.next(used.by, fault) {
            Some(by) => Some(Offset::assumed(by, Source::Text)),
            None => self.end(*search, contents, now),
        }
    }

    /// Ends the search: the words led nowhere.
    fn end(&self, search: Search, contents: Contents, now: OffsetDateTime) -> Option<Offset> {
        if !search.is_begun() {
            return None;
        }
        let until = now.saturating_add(IN_VAIN).unix_timestamp();
        if contents.is_of_client_alone {
            self.in_vain_until.store(until, Ordering::Relaxed);
            return None;
        }
        let mut in_vain = self.in_vain.lock().unwrap_or_else(PoisonError::into_inner);
        in_vain.retain(|(hash, until)| *hash != contents.hash && is_ahead(*until, now));
        if in_vain.len() >= MOST_REQUESTS {
            in_vain.remove(0);
        }
        in_vain.push((contents.hash, until));
        None
    }

    /// Whether the words of a rejection led nowhere a short while ago.
    fn is_in_vain(&self, contents: Contents, now: OffsetDateTime) -> bool {
        if contents.is_of_client_alone {
            return is_ahead(self.in_vain_until.load(Ordering::Relaxed), now);
        }
        let in_vain = self.in_vain.lock().unwrap_or_else(PoisonError::into_inner);
        in_vain.iter().any(|(hash, until)| *hash == contents.hash && is_ahead(*until, now))
    }

    /// Whether an assertion with the kept offset was accepted a short while ago.
    fn is_accepted(&self, now: OffsetDateTime) -> bool {
        let age = now.unix_timestamp().checked_sub(self.accepted_at.load(Ordering::Relaxed));
        age.is_some_and(|age| (0..ACCEPTED.whole_seconds()).contains(&age))
    }

    fn shown_by_tokens(&self) -> Shown {
        match self.of_tokens.load(Ordering::Relaxed) {
            UNSEEN => Shown::NOTHING,
            seen => {
                let difference = Duration::milliseconds(seen);
                Shown(Some((difference, difference, Source::Token)))
            }
        }
    }

    /// Whether the server has accepted assertions of our time at such a difference.
    fn tolerates(&self, difference: Duration) -> bool {
        let [least, most] =
            [&self.least_accepted, &self.most_accepted].map(|bound| bound.load(Ordering::Relaxed));
        (least..=most).contains(&milliseconds(difference))
    }

    fn forget_tolerance(&self) {
        self.least_accepted.store(0, Ordering::Relaxed);
        self.most_accepted.store(0, Ordering::Relaxed);
    }
}

/// The offset that is kept after a response.
fn after(kept: Offset, facts: &Facts, tolerates: impl Fn(Duration) -> bool) -> Offset {
    let Facts { contents, used, verdict, shown, .. } = *facts;
    // Words only find the minute; a JWT that was just issued gives the second.
    let refines = |by: Duration| {
        used.source == Source::Text
            && shown.source() == Source::Token
            && (by - used.by).abs() <= Duration::MINUTE
    };
    match verdict {
        // Our own time is accepted. That does not disprove an offset that was proven meanwhile.
        Verdict::Accepted if used.by.is_zero() => {
            if kept.is_assumed() {
                Offset::NONE
            } else {
                kept
            }
        }
        Verdict::Accepted => {
            match shown.other_than(used.by).filter(|by| contents.is_of_client_alone || refines(*by)) {
                Some(difference) => {
                    believed(difference).map_or(Offset::NONE, |by| Offset::proven(by, shown.source()))
                }
                None => Offset::proven(used.by, used.source),
            }
        }
        Verdict::Refused | Verdict::Silent => match shown.other_than(kept.by) {
            Some(difference) => believed(difference)
                .filter(|by| !tolerates(*by))
                .map_or(Offset::NONE, |by| Offset::assumed(by, shown.source())),
            // An assumption was tried, and did not help.
            None if kept.is_assumed() && used.by == kept.by && verdict == Verdict::Refused => Offset::NONE,
            None => kept,
        },
    }
}

/// The offset to use: zero if it is too small to be a difference, `None` if it is too large to be
/// believed.
fn believed(offset: Duration) -> Option<Duration> {
    match offset.abs() {
        size if size <= NO_DIFFERENCE => Some(Duration::ZERO),
        size if size <= LARGEST => Some(offset),
        _ => None,
    }
}

/// Whether a moment, in seconds since 1970, is yet to come. A clock that was set back must not
/// prolong the wait.
fn is_ahead(until: i64, now: OffsetDateTime) -> bool {
    let left = until.saturating_sub(now.unix_timestamp());
    (1..=IN_VAIN.whole_seconds()).contains(&left)
}

fn differs(one: Duration, other: Duration) -> bool {
    (one - other).abs() > NO_DIFFERENCE
}

fn milliseconds(offset: Duration) -> i64 {
    i64::try_from(offset.whole_milliseconds()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
