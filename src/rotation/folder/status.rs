//! What a key folder says about its keys.

use std::time::Duration;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use super::state::State;
use crate::rotation::directory::Settings;
use crate::rotation::error::{KeyFileError, expired};
use crate::rotation::manifest::ManifestKey;
use crate::rotation::plan::{Move, Phase};
use crate::rotation::read;
use crate::rotation::status::{KeyStatus, NextMove};

/// What a key folder says about its keys: the result of
/// [`KeyFolder::status`](super::KeyFolder::status).
///
/// Files are read as by a [`KeyDirectory`](crate::rotation::KeyDirectory) with the default
/// settings. A file that every user may read is a problem here, even if the processes that follow
/// the folder [accept it](crate::rotation::KeyDirectoryBuilder::allow_world_readable).
///
/// As JSON, times are RFC 3339 and durations are seconds.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct FolderStatus {
    /// Whether the folder has a manifest. Otherwise, the names of the keys say when they sign.
    pub has_manifest: bool,
    /// How long servers may keep a copy of the JWKS.
    #[serde(serialize_with = "seconds")]
    pub propagation: Duration,
    /// The keys, in the order of the manifest, or else of their times.
    pub keys: Vec<KeyStatus>,
    /// Private keys of the folder that the manifest does not name. They neither sign nor are they
    /// published.
    pub unlisted: Vec<String>,
}

pub(super) fn of(settings: &Settings, state: &State, now: OffsetDateTime) -> FolderStatus {
    let plan = state.manifest.plan();
    let moves = plan.moves();
    let mut keys: Vec<KeyStatus> = Vec::new();
    let entries = state.manifest.keys().iter().zip(plan.phases_after(&moves, now));
    for (index, (facts, phase)) in entries.enumerate() {
        let steps: Vec<&Move> = moves.iter().filter(|step| step.key == index).collect();
        let next = steps.iter().find(|step| step.at > Some(now));
        let status = KeyStatus {
            file: facts.file.clone(),
            key_id: facts.key_id.clone(),
            algorithm: facts.algorithm,
            phase,
            since: steps.iter().rfind(|step| step.at <= Some(now)).and_then(|step| step.at),
            next: next.and_then(|step| Some(NextMove { phase: step.phase, at: step.at? })),
            not_after: None,
            problem: None,
        };
        let mut status = if facts.is_uri() { status } else { with_file(status, settings, facts, now) };
        if status.problem.is_none() && !has_left(phase) {
            let problem = taken(&status, &keys).or_else(|| expired(status.not_after, now));
            status.problem = problem.map(|problem| problem.to_string());
        }
        keys.push(status);
    }
    FolderStatus {
        has_manifest: state.has_manifest,
        propagation: plan.propagation,
        keys,
        unlisted: state.unlisted.clone(),
    }
}

/// Adds what the file of a key says.
fn with_file(status: KeyStatus, settings: &Settings, facts: &ManifestKey, now: OffsetDateTime) -> KeyStatus {
    let opened = read::open(settings, facts, now);
    let mut problem = opened.problem.map(|problem| format!("{problem:#}"));
    let key = opened.loaded.as_ref().map(|loaded| loaded.key_of(facts));
    let key = key.and_then(|key| key.map_err(|other| problem = Some(format!("{other:#}"))).ok());
    KeyStatus {
        key_id: status.key_id.or_else(|| key.as_ref().map(|key| key.key_id().clone())),
        algorithm: status.algorithm.or_else(|| key.as_ref().map(|key| key.algorithm())),
        not_after: opened.loaded.and_then(|loaded| loaded.not_after),
        problem: problem.filter(|_| !has_left(status.phase)),
        ..status
    }
}

/// The problem of a key whose name an earlier usable key of the manifest has.
fn taken(status: &KeyStatus, earlier: &[KeyStatus]) -> Option<KeyFileError> {
    let key_id = status.key_id.clone()?;
    let other =
        earlier.iter().find(|other| other.problem.is_none() && other.key_id.as_ref() == Some(&key_id))?;
    Some(KeyFileError::KeyIdTaken { key_id, file: other.file.clone() })
}

const fn has_left(phase: Phase) -> bool {
    matches!(phase, Phase::Gone | Phase::Revoked)
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_secs())
}
