//! The life of keys as data: which key signs and which keys are published, at any time.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use crate::jose::moment;
use crate::keys::{KeyRing, after};

/// When each key of a folder is published, signs, and leaves.
///
/// Everything follows from the plan and the time, so replicas with the same plan agree without
/// talking to each other, and a restart changes nothing.
///
/// The rules, in the order in which they win:
///
/// 1. A revoked key neither signs nor is published.
/// 2. A key signs once its `activate` has come and it has been published for the propagation time.
///    Of several, the one with the latest `activate` signs. A key that is `forced` does not wait.
/// 3. If no key may sign yet, the one that has been published the longest does.
/// 4. A key that no longer signs stays published until its `retire`, or for the overlap after its
///    last signature if it has none, and always for the assertion lifetime plus the propagation
///    time after its last signature.
/// 5. The key that signs is never retired.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// The keys. Where two have equal times, the later one in this list wins.
    pub keys: Vec<PlannedKey>,
    /// The longest time that an authorization server keeps a copy of the JWKS. Default:
    /// [`KeyRing::PROPAGATION`].
    pub propagation: Duration,
    /// The longest lifetime of an assertion that these keys sign. Default: [`Plan::LIFETIME`].
    pub lifetime: Duration,
    /// How long a key without a `retire` stays published after its last signature. Default:
    /// [`Plan::OVERLAP`].
    pub overlap: Duration,
}

/// What a manifest or a file name says about a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedKey {
    /// The file of the key, or the URI of a key outside the process.
    pub file: String,
    /// When the key appears in the JWKS. `None`: it always was there.
    pub publish: Option<OffsetDateTime>,
    /// When the key is to sign. `None`: only if no other key may.
    pub activate: Option<OffsetDateTime>,
    /// When the key leaves the JWKS.
    pub retire: Option<OffsetDateTime>,
    /// Since when the key is compromised.
    pub revoke: Option<OffsetDateTime>,
    /// Whether the key signs at its `activate` even if servers may not know it yet. Requests can
    /// fail until they do.
    pub forced: bool,
}

impl PlannedKey {
    /// A key that is always published and signs only if no other key may.
    #[must_use]
    pub fn new(file: impl Into<String>) -> Self {
        Self { file: file.into(), ..Self::default() }
    }
}

/// The phase of a key's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Phase {
    /// Not published yet.
    Planned,
    /// In the JWKS, and not signing yet.
    Published,
    /// In the JWKS, and signing.
    Active,
    /// In the JWKS, and no longer signing.
    Retiring,
    /// No longer in the JWKS.
    Gone,
    /// Compromised: not in the JWKS, and never signing again.
    Revoked,
}

impl Phase {
    /// Whether the key is in the JWKS.
    #[must_use]
    pub const fn is_published(self) -> bool {
        matches!(self, Self::Published | Self::Active | Self::Retiring)
    }

    /// The word for it: `planned`, `published`, `active`, `retiring`, `gone` or `revoked`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Published => "published",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Gone => "gone",
            Self::Revoked => "revoked",
        }
    }
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// A step in the life of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Move {
    /// When. `None`: it was so from the beginning.
    #[serde(serialize_with = "moment::rfc3339")]
    pub at: Option<OffsetDateTime>,
    /// The index of the key in [`Plan::keys`].
    pub key: usize,
    /// The phase that begins.
    pub phase: Phase,
}

impl Plan {
    /// The default of [`Plan::lifetime`]: 10 minutes, the longest lifetime that any provider known
    /// to this crate accepts.
    pub const LIFETIME: Duration = Duration::from_secs(600);
    /// The default of [`Plan::overlap`]: 24 hours.
    pub const OVERLAP: Duration = Duration::from_secs(24 * 3600);

    /// A plan with the default times.
    #[must_use]
    pub const fn new(keys: Vec<PlannedKey>) -> Self {
        Self { keys, propagation: KeyRing::PROPAGATION, lifetime: Self::LIFETIME, overlap: Self::OVERLAP }
    }

    /// Every step in the life of every key, past and future, in the order of time.
    ///
    /// ```
    /// use private_key_jwt::rotation::{Phase, Plan, PlannedKey};
    /// use time::{Duration, OffsetDateTime};
    ///
    /// let start = OffsetDateTime::UNIX_EPOCH;
    /// let mut next = PlannedKey::new("next.pem");
    /// next.publish = Some(start);
    /// next.activate = Some(start + Duration::minutes(10));
    /// let plan = Plan::new(vec![PlannedKey::new("first.pem"), next]);
    ///
    /// assert_eq!(plan.phases(start), [Phase::Active, Phase::Published]);
    /// assert_eq!(plan.phases(start + Duration::minutes(10)), [Phase::Retiring, Phase::Active]);
    /// assert_eq!(plan.phases(start + Duration::days(2)), [Phase::Gone, Phase::Active]);
    /// ```
    #[must_use]
    pub fn moves(&self) -> Vec<Move> {
        Life::of(self)
    }

    /// The phase of each key at this time, in the order of [`Plan::keys`]. For several times,
    /// [`moves`](Self::moves) says it at once.
    #[must_use]
    pub fn phases(&self, now: OffsetDateTime) -> Vec<Phase> {
        self.phases_after(&self.moves(), now)
    }

    /// The phases at this time, if these are the moves of the plan.
    pub(super) fn phases_after(&self, moves: &[Move], now: OffsetDateTime) -> Vec<Phase> {
        let mut phases = vec![Phase::Planned; self.keys.len()];
        for step in moves.iter().take_while(|step| step.at <= Some(now)) {
            if let Some(phase) = phases.get_mut(step.key) {
                *phase = step.phase;
            }
        }
        phases
    }

    /// When the key may sign. `None`: only if no other key may.
    fn ready(&self, key: &PlannedKey) -> Option<OffsetDateTime> {
        let activate = key.activate?;
        let known =
            key.publish.map(|publish| if key.forced { publish } else { after(publish, self.propagation) });
        Some(known.map_or(activate, |known| known.max(activate)))
    }
}

/// The plan carried out, from the beginning to the last step.
struct Life<'p> {
    plan: &'p Plan,
    phases: Vec<Phase>,
    /// When each key signed last, if it no longer does.
    signed: Vec<Since>,
    /// When something may change.
    due: BTreeSet<OffsetDateTime>,
    moves: Vec<Move>,
}

/// A time; `None` is before all times.
type Since = Option<OffsetDateTime>;

impl<'p> Life<'p> {
    fn of(plan: &'p Plan) -> Vec<Move> {
        let count = plan.keys.len();
        let times = |key: &PlannedKey| [key.publish, plan.ready(key), key.retire, key.revoke];
        let due = plan.keys.iter().flat_map(times).flatten().collect();
        let (phases, signed) = (vec![Phase::Planned; count], vec![None; count]);
        let mut life = Self { plan, phases, signed, due, moves: Vec::new() };
        life.step(None);
        while let Some(now) = life.due.pop_first() {
            life.step(Some(now));
        }
        life.moves
    }

    fn step(&mut self, now: Since) {
        let keys = &self.plan.keys;
        for (index, key) in keys.iter().enumerate() {
            let is_due = |at: Since| at.is_some() && at <= now;
            if is_due(key.revoke) {
                self.enter(index, Phase::Revoked, now);
            } else if self.phase(index) == Phase::Planned && key.publish <= now {
                self.enter(index, Phase::Published, now);
            }
        }
        let signer = self.signer(now);
        for index in 0..keys.len() {
            match (self.phase(index), signer == Some(index)) {
                (Phase::Active, false) => {
                    if let Some(signed) = self.signed.get_mut(index) {
                        *signed = now;
                    }
                    self.enter(index, Phase::Retiring, now);
                    self.due.extend(self.leaves(index));
                }
                (Phase::Published | Phase::Retiring, true) => self.enter(index, Phase::Active, now),
                _ => {}
            }
        }
        for index in 0..keys.len() {
            let is_idle = matches!(self.phase(index), Phase::Published | Phase::Retiring);
            if is_idle && self.leaves(index).is_some_and(|leaves| Some(leaves) <= now) {
                self.enter(index, Phase::Gone, now);
            }
        }
    }

    /// The key that signs now.
    fn signer(&self, now: Since) -> Option<usize> {
        let published =
            || self.plan.keys.iter().enumerate().filter(|(index, _)| self.phase(*index).is_published());
        let ready =
            published().filter(|(_, key)| self.plan.ready(key).is_some_and(|ready| Some(ready) <= now));
        let latest = ready.max_by_key(|(index, key)| (key.activate, key.publish, *index));
        latest.or_else(|| published().min_by_key(|(_, key)| key.publish)).map(|(index, _)| index)
    }

    /// When a key that does not sign leaves the JWKS.
    fn leaves(&self, index: usize) -> Since {
        let (key, plan) = (self.plan.keys.get(index)?, self.plan);
        let Some(signed) = self.signed.get(index).copied().flatten() else { return key.retire };
        let verified = after(after(signed, plan.lifetime), plan.propagation);
        Some(key.retire.unwrap_or_else(|| after(signed, plan.overlap)).max(verified))
    }

    fn phase(&self, index: usize) -> Phase {
        self.phases.get(index).copied().unwrap_or(Phase::Gone)
    }

    fn enter(&mut self, index: usize, phase: Phase, at: Since) {
        if let Some(current) = self.phases.get_mut(index)
            && *current != phase
        {
            *current = phase;
            self.moves.push(Move { at, key: index, phase });
        }
    }
}

#[cfg(test)]
mod tests;
