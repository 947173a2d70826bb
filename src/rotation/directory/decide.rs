//! What a reading and the time make of the keys: a pure function.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::choose::{Choosing, Problems, verified};
use super::held::Held;
use super::layout::Layout;
use super::settings::Settings;
use crate::jose::KeyId;
use crate::jose::error::shown;
use crate::keys::{KeyState, Signer};
use crate::rotation::error::{KeyFileError, expired};
use crate::rotation::plan::{Phase, Plan, PlannedKey};
use crate::rotation::read::{Loaded, Reading};
use crate::rotation::status::{FileProblem, KeyStatus, NextMove, PlanSource};

/// What is known from one decision to the next.
#[derive(Clone, Default)]
pub(in crate::rotation) struct State {
    /// The last layout that could be used.
    layout: Option<Arc<Layout>>,
    held: Vec<Held>,
    problems: BTreeMap<(String, String), FileProblem>,
    /// The ends of certificates that were announced.
    announced: BTreeSet<(KeyId, OffsetDateTime)>,
    opened_at: Option<OffsetDateTime>,
    decided_at: Option<OffsetDateTime>,
}

/// What is to be done.
pub(in crate::rotation) struct Decision {
    /// The content of the ring.
    pub(in crate::rotation) keys: Vec<(KeyId, Arc<dyn Signer>, KeyState)>,
    pub(in crate::rotation) propagation: Duration,
    pub(in crate::rotation) happened: Vec<Happened>,
    /// When to decide again, although nothing was read.
    pub(in crate::rotation) due: Option<OffsetDateTime>,
}

/// Something for the log.
#[derive(Clone, Debug)]
pub(in crate::rotation) enum Happened {
    Entered { file: String, key_id: KeyId, previous: Option<Phase>, phase: Phase },
    Began(FileProblem),
    Ended(FileProblem, Duration),
    Expiring { file: String, key_id: KeyId, remaining: Duration },
}

impl State {
    pub(in crate::rotation) fn problems(&self) -> Vec<FileProblem> {
        self.problems.values().cloned().collect()
    }

    pub(in crate::rotation) fn plan(&self) -> Plan {
        self.layout.as_ref().map_or_else(|| Plan::new(Vec::new()), |layout| layout.plan())
    }

    pub(in crate::rotation) fn source(&self) -> PlanSource {
        self.layout.as_ref().map_or(PlanSource::SingleKey, |layout| layout.source)
    }

    pub(in crate::rotation) fn keys(&self) -> Vec<KeyStatus> {
        let keys = self.held.iter().filter_map(|held| {
            let file = shown(held.file(), 256);
            // The file of a former key is that of its successor.
            let problem = self.problems.keys().find(|(of, _)| held.left.is_none() && *of == file);
            Some(KeyStatus {
                problem: problem.map(|(_, reason)| reason.clone()),
                file,
                key_id: Some(held.key_id.clone()),
                algorithm: Some(held.algorithm),
                phase: held.phase?,
                since: held.since,
                next: held.next,
                not_after: held.not_after,
            })
        });
        keys.collect()
    }

    /// Decides what the keys are now.
    pub(in crate::rotation) fn decide(
        &self,
        reading: &Reading,
        settings: &Settings,
        now: OffsetDateTime,
    ) -> (Self, Decision) {
        let mut problems = reading.problems.clone();
        if reading.manifest.is_none() {
            // Any file may be meant as a key. A manifest names those that are.
            let of_file = |(file, read): (&String, &Result<Arc<Loaded>, Arc<KeyFileError>>)| {
                read.as_ref().err().map(|problem| (file.clone(), Arc::clone(problem)))
            };
            problems.extend(reading.files.iter().filter_map(of_file));
        }
        let is_open = self.opened_at.is_some();
        let mut choosing =
            Choosing { held: &self.held, reading, settings, is_open, admits_expired: false, now };
        let layout = choosing.layout(self.layout.as_ref(), &mut problems);
        let mut held = self.held.clone();
        if let Some(layout) = &layout {
            let mut of_keys = Problems::new();
            held = live(&choosing, layout, self.decided_at, &mut of_keys);
            if !held.iter().any(|held| held.phase == Some(Phase::Active)) {
                // An expired certificate is better than no key: few servers look at it.
                choosing.admits_expired = true;
                of_keys.clear();
                held = live(&choosing, layout, self.decided_at, &mut of_keys);
            }
            problems.append(&mut of_keys);
        }
        if !held.iter().any(|held| held.phase == Some(Phase::Active)) {
            problems.push((".".to_owned(), Arc::new(KeyFileError::NoneSigns)));
        }
        held.sort_by(|one, other| {
            (one.planned.publish, &one.key_id).cmp(&(other.planned.publish, &other.key_id))
        });
        let mut happened = self.entered(&held);
        let (announced, due_of_certificates) = self.announce(&held, settings, now, &mut happened);
        let problems = self.report(problems, now, &mut happened);
        let opened_at = self.opened_at.or(Some(now));
        let due =
            held.iter().filter_map(|held| held.next).map(|next| next.at).chain(due_of_certificates).min();
        let keys = held.iter().filter_map(|held| ring_key(held, opened_at.unwrap_or(now))).collect();
        let propagation = layout.as_ref().map_or(settings.propagation, |layout| layout.times.propagation);
        let state = Self { layout, held, problems, announced, opened_at, decided_at: Some(now) };
        (state, Decision { keys, propagation, happened, due })
    }

    /// The keys that are in another phase than before.
    fn entered(&self, held: &[Held]) -> Vec<Happened> {
        let entered = |held: &Held, previous, phase| {
            let file = shown(held.file(), 256);
            Happened::Entered { file, key_id: held.key_id.clone(), previous, phase }
        };
        let before = |held: &Held| self.held.iter().find(|before| before.key_id == held.key_id);
        let mut happened = Vec::new();
        for held in held {
            let (previous, phase) = (before(held).and_then(|before| before.phase), held.phase);
            // A new key that is gone already never was anything else here.
            if let Some(phase) = phase.filter(|phase| previous != Some(*phase))
                && (previous.is_some() || phase != Phase::Gone)
            {
                happened.push(entered(held, previous, phase));
            }
        }
        for left in &self.held {
            let is_here = held.iter().any(|held| held.key_id == left.key_id);
            if !is_here && !matches!(left.phase, Some(Phase::Gone | Phase::Revoked) | None) {
                happened.push(entered(left, left.phase, Phase::Gone));
            }
        }
        happened
    }

    /// Certificates that end soon, each once, and when to look again.
    fn announce(
        &self,
        held: &[Held],
        settings: &Settings,
        now: OffsetDateTime,
        happened: &mut Vec<Happened>,
    ) -> (BTreeSet<(KeyId, OffsetDateTime)>, Vec<OffsetDateTime>) {
        let warning = settings.expiry_warning.try_into().unwrap_or(time::Duration::MAX);
        let (mut announced, mut due) = (BTreeSet::new(), Vec::new());
        for held in held {
            let Some(end) = held.not_after else { continue };
            let id = (held.key_id.clone(), end);
            let is_used = matches!(held.phase, Some(Phase::Planned | Phase::Published | Phase::Active));
            let from = end.saturating_sub(warning);
            if self.announced.contains(&id) {
                announced.insert(id);
            } else if is_used && from <= now {
                let (file, key_id) = (shown(held.file(), 256), held.key_id.clone());
                let remaining = Duration::try_from(end - now).unwrap_or_default();
                happened.push(Happened::Expiring { file, key_id, remaining });
                announced.insert(id);
            }
            due.extend(
                [from, end.saturating_add(time::Duration::SECOND)]
                    .into_iter()
                    .filter(|at| is_used && *at > now),
            );
        }
        (announced, due)
    }

    /// The problems of now, with when each began.
    fn report(
        &self,
        problems: Problems,
        now: OffsetDateTime,
        happened: &mut Vec<Happened>,
    ) -> BTreeMap<(String, String), FileProblem> {
        let mut current = BTreeMap::new();
        let mut began = Vec::new();
        for (file, reason) in problems {
            let file = shown(&file, 256);
            let id = (file.clone(), format!("{reason:#}"));
            if current.contains_key(&id) {
                continue;
            }
            let problem = match self.problems.get(&id) {
                Some(known) => FileProblem { since: known.since.min(now), ..known.clone() },
                None => {
                    let problem = FileProblem { file, reason, since: now };
                    began.push(Happened::Began(problem.clone()));
                    problem
                }
            };
            current.insert(id, problem);
        }
        for (_, ended) in self.problems.iter().filter(|(id, _)| !current.contains_key(*id)) {
            let lasted = Duration::try_from(now - ended.since).unwrap_or_default();
            happened.push(Happened::Ended(ended.clone(), lasted));
        }
        happened.append(&mut began);
        current
    }
}

/// The keys of the plan and the former ones, with their phases.
fn live(
    choosing: &Choosing<'_>,
    layout: &Layout,
    decided_at: Option<OffsetDateTime>,
    problems: &mut Problems,
) -> Vec<Held> {
    let now = choosing.now;
    let chosen = choosing.keys(layout, problems);
    let former = choosing.former(layout, &chosen);
    // A former key that signs does so until another one may.
    let (signing, mut retiring): (Vec<Held>, Vec<Held>) =
        former.into_iter().partition(|held| held.phase == Some(Phase::Active));
    let plan = plan(layout, &signing, &chosen, now);
    let before: Vec<Held> = signing.into_iter().chain(chosen).collect();
    let mut held = before.clone();
    for held in &mut held {
        (held.phase, held.since, held.next) = (Some(Phase::Planned), None, None);
    }
    for step in plan.moves() {
        let Some(held) = held.get_mut(step.key) else { continue };
        match step.at {
            Some(at) if at > now => held.next = held.next.or(Some(NextMove { phase: step.phase, at })),
            at => (held.phase, held.since) = (Some(step.phase), at),
        }
    }
    for (held, before) in held.iter_mut().zip(&before) {
        if held.phase == before.phase && before.since.is_none_or(|since| since <= now) {
            held.since = before.since;
        } else if before.phase.is_some() {
            // A plan that changed may say that it has long been so, but until now it was not.
            let seen = decided_at.max(held.left.map(|left| left.at)).filter(|seen| *seen <= now);
            held.since = held.since.max(seen);
        }
        if let Some(left) = held.left.as_mut().filter(|_| held.phase != Some(Phase::Active)) {
            left.retire = left.retire.max(verified(layout, now));
            held.phase = Some(Phase::Retiring);
        }
    }
    sign_early(&before, &mut held, now, problems);
    let in_use = |held: &&Held| held.is_published() && held.left.is_none();
    for held in held.iter().filter(in_use) {
        let problem = expired(held.not_after, now).map(|problem| (held.file().to_owned(), Arc::new(problem)));
        problems.extend(problem);
    }
    held.append(&mut retiring);
    for held in &mut held {
        if let Some(left) = held.left.filter(|_| held.phase == Some(Phase::Retiring)) {
            held.next = Some(NextMove { phase: Phase::Gone, at: left.retire });
        }
    }
    held.retain(|held| held.phase == Some(Phase::Active) || held.left.is_none_or(|left| now < left.retire));
    held
}

/// If by the plan no key may sign yet, the one that signed goes on, or else the first one signs:
/// the clock of a replica may be behind.
fn sign_early(before: &[Held], held: &mut [Held], now: OffsetDateTime, problems: &mut Problems) {
    if held.iter().any(|held| held.phase == Some(Phase::Active)) {
        return;
    }
    let planned = before.iter().zip(held).filter(|(_, held)| held.phase == Some(Phase::Planned));
    let first = planned.min_by_key(|(before, held)| (before.phase != Some(Phase::Active), held.publish()));
    if let Some((before, held)) = first {
        let since = before.since.filter(|since| before.phase == Some(Phase::Active) && *since <= now);
        (held.phase, held.since) = (Some(Phase::Active), since.or(Some(now)));
        problems.push((held.file().to_owned(), Arc::new(KeyFileError::TooEarly)));
    }
}

/// The plan with what is known about servers: when they could see each key first, and which key
/// signs only until another one may.
fn plan(layout: &Layout, former: &[Held], chosen: &[Held], now: OffsetDateTime) -> Plan {
    let of_chosen = |held: &Held| PlannedKey { publish: held.publish(), ..held.planned.clone() };
    let mut keys: Vec<PlannedKey> = chosen.iter().map(of_chosen).collect();
    let left = former.iter().filter_map(|held| held.left).map(|left| left.at).max();
    if let Some(left) = left {
        // A key that signs only if no other may would wait for the former key for ever.
        let is_revoked = |key: &PlannedKey| key.revoke.is_some_and(|revoke| revoke <= now);
        let is_spare = |key: &PlannedKey| key.activate.is_none() && !is_revoked(key);
        let first = keys.iter().filter(|key| is_spare(key)).map(|key| key.publish).min();
        let activate = first.map(|publish| publish.unwrap_or(left));
        let is_covered =
            keys.iter().any(|key| key.activate.is_some() && key.activate <= activate && !is_revoked(key));
        let spare = keys.iter_mut().find(|key| is_spare(key) && Some(key.publish) == first);
        if let Some(key) = spare.filter(|_| !is_covered) {
            key.activate = activate;
        }
    }
    let of_former = |held: &Held| PlannedKey::new(held.file());
    layout.plan_of(former.iter().map(of_former).chain(keys).collect())
}

fn ring_key(held: &Held, opened_at: OffsetDateTime) -> Option<(KeyId, Arc<dyn Signer>, KeyState)> {
    let since = held.since.unwrap_or(opened_at);
    let state = match held.phase? {
        Phase::Published => KeyState::Published(since),
        Phase::Active => KeyState::Active(held.since),
        Phase::Retiring => KeyState::Retiring(since),
        Phase::Planned | Phase::Gone | Phase::Revoked => return None,
    };
    Some((held.key_id.clone(), Arc::clone(&held.signer), state))
}
