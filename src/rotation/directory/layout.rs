//! The plan of a folder, with what its manifest says about each key.

use std::sync::Arc;

use super::settings::Settings;
use crate::rotation::error::KeyFileError;
use crate::rotation::manifest::{Manifest, ManifestKey};
use crate::rotation::names;
use crate::rotation::plan::{Plan, PlannedKey};
use crate::rotation::status::PlanSource;

/// The plan of a folder, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rotation) struct Layout {
    pub(in crate::rotation) source: PlanSource,
    /// The times of the plan. Its keys are in `entries`.
    pub(in crate::rotation) times: Plan,
    pub(in crate::rotation) entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rotation) struct Entry {
    pub(in crate::rotation) planned: PlannedKey,
    pub(in crate::rotation) facts: ManifestKey,
}

impl Layout {
    pub(in crate::rotation) fn of_manifest(manifest: &Manifest) -> Self {
        let mut times = manifest.plan();
        let keys = std::mem::take(&mut times.keys).into_iter().zip(manifest.keys());
        let entries = keys.map(|(planned, facts)| Entry { planned, facts: facts.clone() }).collect();
        Self { source: PlanSource::Manifest, times, entries }
    }

    pub(in crate::rotation) fn plan(&self) -> Plan {
        let keys = self.entries.iter().map(|entry| entry.planned.clone()).collect();
        self.plan_of(keys)
    }

    /// A plan of other keys with the same times.
    pub(in crate::rotation) fn plan_of(&self, keys: Vec<PlannedKey>) -> Plan {
        Plan { keys, ..self.times.clone() }
    }

    /// The layout that the names of the key files make.
    pub(in crate::rotation) fn of_names(
        files: &[String],
        settings: &Settings,
    ) -> Result<Arc<Self>, KeyFileError> {
        if files.is_empty() {
            return Err(KeyFileError::NoKeys);
        }
        let mut times = names::plan(files)?;
        let keys = std::mem::take(&mut times.keys);
        let is_dated = keys.iter().any(|key| key.activate.is_some());
        let source = if is_dated { PlanSource::Names } else { PlanSource::SingleKey };
        let entry = |planned: PlannedKey| Entry { facts: ManifestKey::new(planned.file.clone()), planned };
        (times.propagation, times.overlap, times.lifetime) =
            (settings.propagation, settings.overlap, settings.lifetime);
        Ok(Arc::new(Self { source, times, entries: keys.into_iter().map(entry).collect() }))
    }
}
