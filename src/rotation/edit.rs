//! What each operation on a key folder changes in its plan: functions of the plan and the time.

use std::time::Duration;

use time::OffsetDateTime;

use super::plan::{Move, Phase, Plan, PlannedKey};
use crate::keys::after;

/// When a new key is to sign, as its operator wants it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timing {
    /// How long it is only published. `None`: twice the propagation time.
    pub(super) activate_in: Option<Duration>,
    /// How long the key before it stays published. `None`: what the plan says.
    pub(super) overlap: Option<Duration>,
    /// Whether it may sign before servers know it.
    pub(super) is_forced: bool,
}

/// A new key, and what it changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rotation {
    /// The new key, still without a file.
    pub(super) key: PlannedKey,
    /// The key that signs before it, and when that leaves the JWKS.
    pub(super) retire: Option<(usize, OffsetDateTime)>,
}

/// The wanted time is shorter than the propagation time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooSoon {
    pub(super) activate_in: Duration,
    pub(super) propagation: Duration,
}

/// What revoking a key changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Revocation {
    /// Since when the key is revoked.
    pub(super) at: OffsetDateTime,
    /// Whether the key signed until now.
    pub(super) was_active: bool,
    /// The key that signs now, and whether servers know it: whether it has been published for the
    /// propagation time.
    pub(super) signer: Option<(usize, bool)>,
}

/// The next key of a plan. If no key signs, it signs at once.
pub(super) fn rotate(plan: &Plan, timing: Timing, now: OffsetDateTime) -> Result<Rotation, TooSoon> {
    let propagation = plan.propagation;
    let is_first = !plan.phases(now).contains(&Phase::Active);
    let default = if is_first { Duration::ZERO } else { propagation.saturating_mul(2) };
    let activate_in = timing.activate_in.unwrap_or(default);
    let is_early = activate_in < propagation && !is_first;
    if is_early && !timing.is_forced {
        return Err(TooSoon { activate_in, propagation });
    }
    // Whole seconds are easier to read. Rounding up keeps the time between them.
    let activate = after(now, activate_in);
    let activate = if activate.nanosecond() > 0 { after(whole(activate), SECOND) } else { activate };
    let retire = timing.overlap.and_then(|overlap| {
        let (index, key) = plan.keys.iter().enumerate().nth(signer(plan, before(activate))?)?;
        let retire = after(activate, overlap);
        Some((index, key.publish.max(key.activate).map_or(retire, |start| start.max(retire))))
    });
    let key = PlannedKey {
        publish: Some(whole(now)),
        activate: Some(activate),
        forced: is_early,
        ..PlannedKey::default()
    };
    Ok(Rotation { key, retire })
}

/// What happens if a key is revoked. `None`: it already is.
pub(super) fn revoke(plan: &Plan, index: usize, now: OffsetDateTime) -> Option<Revocation> {
    let is_revoked = |key: &PlannedKey| key.revoke.is_some_and(|revoke| revoke <= now);
    if plan.keys.get(index).is_none_or(is_revoked) {
        return None;
    }
    let at = whole(now);
    let mut after_it = plan.clone();
    if let Some(key) = after_it.keys.get_mut(index) {
        key.revoke = Some(at);
    }
    let signer_now = signer(&after_it, now).map(|signer| (signer, is_known(&after_it, signer, now)));
    Some(Revocation { at, was_active: signer(plan, now) == Some(index), signer: signer_now })
}

/// The keys that can go: those that are gone or revoked, and whose absence changes nothing for the
/// others.
pub(super) fn prune(plan: &Plan, now: OffsetDateTime) -> Vec<usize> {
    let moves = plan.moves();
    let phases = plan.phases_after(&moves, now);
    let is_neutral = |removed: &[usize]| is_neutral(plan, &moves, removed, now);
    let has_left = |(_, phase): &(usize, &Phase)| matches!(phase, Phase::Gone | Phase::Revoked);
    let left: Vec<usize> = phases.iter().enumerate().filter(has_left).map(|(index, _)| index).collect();
    if is_neutral(&left) {
        return left;
    }
    let mut removed = Vec::new();
    for index in left {
        removed.push(index);
        if !is_neutral(&removed) {
            removed.pop();
        }
    }
    removed
}

/// The plan without some of its keys.
pub(super) fn without(plan: &Plan, removed: &[usize]) -> Plan {
    let keys = plan.keys.iter().enumerate().filter(|(index, _)| !removed.contains(index));
    Plan { keys: keys.map(|(_, key)| key.clone()).collect(), ..plan.clone() }
}

/// Whether the other keys of a plan with these moves are, from now on, in the same phases without
/// some that have left.
///
/// A key that never signed could seem to have signed in place of a removed one, and then it leaves
/// sooner.
fn is_neutral(plan: &Plan, moves: &[Move], removed: &[usize], now: OffsetDateTime) -> bool {
    let kept = without(plan, removed);
    let moves_of_kept = kept.moves();
    let phases = plan.phases_after(moves, now).into_iter().enumerate();
    let phases = phases.filter(|(index, _)| !removed.contains(index)).map(|(_, phase)| phase);
    phases.eq(kept.phases_after(&moves_of_kept, now))
        && later(plan, moves, now).eq(later(&kept, &moves_of_kept, now))
}

/// The moves of a plan that are still to come, each with the file of its key.
fn later<'p>(
    plan: &'p Plan,
    moves: &'p [Move],
    now: OffsetDateTime,
) -> impl Iterator<Item = (Option<OffsetDateTime>, Option<&'p str>, Phase)> {
    let later = moves.iter().filter(move |step| step.at > Some(now));
    later.map(|step| (step.at, plan.keys.get(step.key).map(|key| &*key.file), step.phase))
}

fn signer(plan: &Plan, now: OffsetDateTime) -> Option<usize> {
    plan.phases(now).iter().position(|phase| *phase == Phase::Active)
}

fn is_known(plan: &Plan, index: usize, now: OffsetDateTime) -> bool {
    let publish = plan.keys.get(index).and_then(|key| key.publish);
    publish.is_none_or(|publish| after(publish, plan.propagation) <= now)
}

const SECOND: Duration = Duration::from_secs(1);

fn whole(time: OffsetDateTime) -> OffsetDateTime {
    time.replace_nanosecond(0).unwrap_or(time)
}

fn before(time: OffsetDateTime) -> OffsetDateTime {
    time.checked_sub(time::Duration::NANOSECOND).unwrap_or(time)
}

#[cfg(test)]
mod tests;
