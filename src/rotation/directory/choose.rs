//! Which keys of a reading take part in the plan. A key that is known stays by its last good plan
//! while its file cannot be used.

use std::sync::Arc;

use time::OffsetDateTime;

use super::held::{Held, Left};
use super::layout::{Entry, Layout};
use super::settings::Settings;
use crate::jose::{Algorithm, KeyId};
use crate::keys::{Signer, after, key_name};
use crate::rotation::error::{KeyFileError, expired};
use crate::rotation::plan::Phase;
use crate::rotation::read::Reading;

pub(super) type Problems = Vec<(String, Arc<KeyFileError>)>;

/// The most former keys that are kept.
const MAX_FORMER: usize = 16;

/// What a choice depends on.
#[derive(Clone, Copy)]
pub(super) struct Choosing<'a> {
    pub(super) held: &'a [Held],
    pub(super) reading: &'a Reading,
    pub(super) settings: &'a Settings,
    /// Whether the folder was opened before.
    pub(super) is_open: bool,
    /// Whether a new key may have an expired certificate.
    pub(super) admits_expired: bool,
    pub(super) now: OffsetDateTime,
}

/// A key that an entry of the layout leads to.
struct Found {
    key_id: KeyId,
    signer: Arc<dyn Signer>,
    algorithm: Algorithm,
    not_after: Option<OffsetDateTime>,
    modified: Option<OffsetDateTime>,
}

impl Choosing<'_> {
    /// The layout of the reading, or else the last good one.
    pub(super) fn layout(&self, last: Option<&Arc<Layout>>, problems: &mut Problems) -> Option<Arc<Layout>> {
        if let Some(layout) = &self.reading.manifest {
            return Some(Arc::clone(layout));
        }
        if self.reading.is_manifest_unusable {
            return last.cloned();
        }
        match Layout::of_names(&self.names(), self.settings) {
            Ok(layout) => Some(layout),
            Err(error) => {
                problems.push((".".to_owned(), Arc::new(error)));
                last.cloned()
            }
        }
    }

    /// The names of the keys: those that could be read, each once, and those that are known and
    /// cannot be read now.
    fn names(&self) -> Vec<String> {
        let mut seen = Vec::new();
        let mut names = Vec::new();
        for (name, read) in &self.reading.files {
            let is_key = match read {
                Ok(loaded) => {
                    let thumbprint = loaded.key.thumbprint();
                    let is_copy = seen.contains(&thumbprint);
                    seen.push(thumbprint);
                    !is_copy
                }
                Err(_) => self.held.iter().any(|held| held.left.is_none() && held.file() == name),
            };
            if is_key {
                names.push(name.clone());
            }
        }
        names
    }

    /// The keys of the plan.
    pub(super) fn keys(&self, layout: &Layout, problems: &mut Problems) -> Vec<Held> {
        let mut chosen: Vec<Held> = Vec::new();
        for entry in &layout.entries {
            let found = self.found(entry).and_then(|found| self.admit(found, &chosen));
            let key = match found {
                Ok(found) => Some(self.hold(entry, found)),
                Err(problem) => {
                    problems.push((entry.planned.file.clone(), problem));
                    self.known(entry)
                }
            };
            let key = key.filter(|key| chosen.iter().all(|other| other.key_id != key.key_id));
            chosen.extend(key);
        }
        chosen
    }

    /// Keys that are no longer in the plan, and whose signatures may be on their way: the one that
    /// signs first, then those that left last.
    pub(super) fn former(&self, layout: &Layout, chosen: &[Held]) -> Vec<Held> {
        let is_gone = |held: &&Held| chosen.iter().all(|key| key.key_id != held.key_id);
        let mut former: Vec<Held> =
            self.held.iter().filter(|held| is_gone(held) && held.has_signed()).cloned().collect();
        for held in former.iter_mut().filter(|held| held.left.is_none()) {
            let overlap = layout.times.overlap;
            let is_replaced = chosen.iter().any(|key| key.file() == held.file());
            let retire = match (held.phase, is_replaced) {
                (Some(Phase::Retiring), false) => verified(layout, held.since.unwrap_or(self.now)),
                (Some(Phase::Retiring), true) => {
                    held.next.map_or_else(|| after(self.now, overlap), |next| next.at)
                }
                (_, true) => after(self.now, overlap).max(verified(layout, self.now)),
                (_, false) => verified(layout, self.now),
            };
            held.left = Some(Left { at: self.now, retire });
        }
        former.sort_by_key(|held| {
            (held.phase != Some(Phase::Active), std::cmp::Reverse(held.left.map(|left| left.at)))
        });
        former.truncate(MAX_FORMER);
        former
    }

    fn found(&self, entry: &Entry) -> Result<Found, Arc<KeyFileError>> {
        let facts = &entry.facts;
        if facts.is_uri() {
            let signer = self.settings.signers.get(&facts.file).ok_or(KeyFileError::NoSigner)?;
            let (key_id, algorithm) = (key_name(signer.as_ref()), signer.algorithm());
            if let Some(expected) = facts.key_id.clone().filter(|expected| *expected != key_id) {
                return Err(KeyFileError::OtherKeyId { expected, found: key_id }.into());
            }
            if let Some(expected) = facts.algorithm.filter(|expected| *expected != algorithm) {
                return Err(KeyFileError::OtherAlgorithm { expected, found: algorithm }.into());
            }
            let signer = Arc::clone(signer);
            return Ok(Found { key_id, signer, algorithm, not_after: None, modified: None });
        }
        let loaded = match self.reading.files.get(&facts.file) {
            Some(read) => read.clone()?,
            None => return Err(KeyFileError::Missing.into()),
        };
        let (key, modified, not_after) = (loaded.key_of(facts)?, loaded.modified, loaded.not_after);
        let (key_id, algorithm) = (key.key_id().clone(), key.algorithm());
        Ok(Found { key_id, signer: Arc::new(key), algorithm, not_after, modified: Some(modified) })
    }

    /// Whether the key may take part.
    fn admit(&self, found: Found, chosen: &[Held]) -> Result<Found, Arc<KeyFileError>> {
        let is_it = |held: &&Held| held.key_id == found.key_id;
        let taken = |other: &Held| {
            let (key_id, file) = (found.key_id.clone(), other.file().to_owned());
            Err(Arc::new(KeyFileError::KeyIdTaken { key_id, file }))
        };
        if let Some(other) = chosen.iter().find(is_it) {
            return taken(other);
        }
        let thumbprint = |signer: &Arc<dyn Signer>| signer.public_jwk().thumbprint();
        match self.held.iter().find(is_it) {
            // Servers know another key by this name, and may check signatures with it.
            Some(held) if held.has_signed() && thumbprint(&held.signer) != thumbprint(&found.signer) => {
                taken(held)
            }
            Some(_) => Ok(found),
            None => match expired(found.not_after, self.now).filter(|_| !self.admits_expired) {
                Some(problem) => Err(problem.into()),
                None => Ok(found),
            },
        }
    }

    fn hold(&self, entry: &Entry, found: Found) -> Held {
        let Found { key_id, signer, algorithm, not_after, modified } = found;
        let planned = entry.planned.clone();
        if let Some(held) = self.held.iter().find(|held| held.key_id == key_id) {
            let is_same = held.signer.public_jwk() == signer.public_jwk() && held.algorithm == algorithm;
            // Clients remember keys by their address. A key outside is the same only as itself.
            let is_same = is_same && (!entry.facts.is_uri() || Arc::ptr_eq(&held.signer, &signer));
            let signer = if is_same { Arc::clone(&held.signer) } else { signer };
            let seen = held.seen.map(|seen| seen.min(self.now));
            return Held { signer, algorithm, not_after, seen, planned, left: None, ..held.clone() };
        }
        let is_replacement =
            self.held.iter().any(|held| held.left.is_none() && held.file() == entry.planned.file);
        // The file may have been written a moment before it was seen.
        let earliest =
            self.now.saturating_sub(self.settings.poll_interval.try_into().unwrap_or(time::Duration::ZERO));
        let written =
            modified.filter(|_| is_replacement).map_or(self.now, |at| at.max(earliest).min(self.now));
        let seen = self.is_open.then_some(written);
        let (left, phase, since, next) = (None, None, None, None);
        Held { key_id, signer, algorithm, not_after, seen, planned, left, phase, since, next }
    }

    /// The known key of an entry whose file cannot be used.
    fn known(&self, entry: &Entry) -> Option<Held> {
        let is_its = |held: &&Held| held.left.is_none() && held.file() == entry.planned.file;
        let is_named = |held: &&Held| Some(&held.key_id) == entry.facts.key_id.as_ref();
        let held = self.held.iter().find(is_its).or_else(|| self.held.iter().find(is_named))?;
        let seen = held.seen.map(|seen| seen.min(self.now));
        Some(Held { seen, planned: entry.planned.clone(), left: None, ..held.clone() })
    }
}

/// When the last signature that a key made at this time is no longer checked.
pub(super) fn verified(layout: &Layout, signed: OffsetDateTime) -> OffsetDateTime {
    after(after(signed, layout.times.lifetime), layout.times.propagation)
}
