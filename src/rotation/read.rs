//! Reads a folder of keys: status first, contents only if it changed.

mod cached;
mod stamp;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use time::OffsetDateTime;

use super::directory::{Layout, Settings};
use super::error::KeyFileError;
use super::manifest::{Manifest, ManifestKey, PassphraseSource};
use super::names::may_be_key;
use crate::keys::KeyError;
pub(in crate::rotation) use cached::Loaded;
use cached::{Cached, Content, Look};
pub(in crate::rotation) use stamp::Stamp;

/// The most files of a folder that are read.
const MAX_FILES: usize = Manifest::MAX_KEYS;

/// What is in a folder.
#[derive(Clone, Default)]
pub(in crate::rotation) struct Reading {
    /// The last manifest that could be used. `None`: the names decide.
    pub(in crate::rotation) manifest: Option<Arc<Layout>>,
    /// Whether there is a manifest that cannot be used. Then the names decide nothing: it may
    /// revoke a key.
    pub(in crate::rotation) is_manifest_unusable: bool,
    /// What is wrong with the folder or the manifest.
    pub(in crate::rotation) problems: Vec<(String, Arc<KeyFileError>)>,
    /// The key files, by name. Without a manifest, files that are no keys are left out.
    pub(in crate::rotation) files: BTreeMap<String, Result<Arc<Loaded>, Arc<KeyFileError>>>,
}

/// A key file that was read once.
pub(in crate::rotation) struct Opened {
    /// It may be known although the file must not be used.
    pub(in crate::rotation) loaded: Option<Arc<Loaded>>,
    /// Why the file cannot be used.
    pub(in crate::rotation) problem: Option<Arc<KeyFileError>>,
}

/// Reads the file of a key, as a [`Reader`] does.
pub(in crate::rotation) fn open(settings: &Settings, facts: &ManifestKey, now: OffsetDateTime) -> Opened {
    let look = Look { name: &facts.file, passphrase: facts.passphrase.as_ref(), settings, now };
    let (seen, _) = look.key(None);
    match &seen.content {
        Content::Key(loaded) => {
            Opened { loaded: Some(Arc::clone(loaded)), problem: seen.refusal(settings).map(Arc::new) }
        }
        Content::Nothing(error) | Content::Problem(error) => {
            Opened { loaded: None, problem: Some(Arc::clone(error)) }
        }
        Content::Manifest(_) => Opened { loaded: None, problem: None },
    }
}

/// Takes the name of the file that is read next.
#[cfg(test)]
type Between = Box<dyn FnMut(&str) + Send>;

/// Reads a folder again and again.
pub(in crate::rotation) struct Reader {
    settings: Arc<Settings>,
    manifest: Option<Cached>,
    /// The last manifest that could be used.
    layout: Option<Arc<Layout>>,
    files: BTreeMap<String, Cached>,
    last: Reading,
    is_first: bool,
    /// Called between the files of a read, to change them meanwhile.
    #[cfg(test)]
    pub(super) between: Option<Between>,
}

impl Reader {
    pub(in crate::rotation) fn new(settings: Arc<Settings>) -> Self {
        Self {
            settings,
            manifest: None,
            layout: None,
            files: BTreeMap::new(),
            last: Reading::default(),
            is_first: true,
            #[cfg(test)]
            between: None,
        }
    }

    /// Reads the folder. `None` if it is as before.
    pub(in crate::rotation) fn read(&mut self, now: OffsetDateTime) -> Option<Reading> {
        // Files may be replaced meanwhile. What is not from one moment is read again, a few times.
        const TRIES: usize = 3;
        let mut is_changed = std::mem::take(&mut self.is_first);
        for _ in 0..TRIES {
            let before = self.moment();
            is_changed |= self.read_once(now);
            if before == self.moment() {
                break;
            }
        }
        is_changed.then(|| self.last.clone())
    }

    #[cfg(test)]
    pub(super) fn last(&self) -> &Reading {
        &self.last
    }

    /// What changes when files of the folder are replaced, and when the manifest is written.
    fn moment(&self) -> [Option<Stamp>; 2] {
        let folder = &self.settings.folder;
        [folder.clone(), folder.join(Manifest::FILE)].map(|path| Stamp::of_path(&path).ok())
    }

    /// Whether anything differs from the last reading.
    fn read_once(&mut self, now: OffsetDateTime) -> bool {
        let settings = Arc::clone(&self.settings);
        let mut problems = Vec::new();
        let mut is_changed = self.read_manifest(now, &mut problems);
        let mut files = BTreeMap::new();
        let mut cached = std::mem::take(&mut self.files);
        let listed: Vec<(String, Option<PassphraseSource>)> = match &self.layout {
            Some(layout) => layout
                .entries
                .iter()
                .filter(|entry| !entry.facts.is_uri())
                .map(|entry| (entry.facts.file.clone(), entry.facts.passphrase.clone()))
                .collect(),
            None => match names(&settings.folder) {
                Ok((names, is_complete)) => {
                    if !is_complete {
                        let problem = KeyFileError::TooManyFiles { limit: MAX_FILES };
                        problems.push((".".to_owned(), Arc::new(problem)));
                        // Those that are not listed may be there.
                        files.clone_from(&self.last.files);
                    }
                    names.into_iter().map(|name| (name, None)).collect()
                }
                Err(error) => {
                    let source = Arc::new(error);
                    problems.push((".".to_owned(), Arc::new(KeyFileError::Unreadable { source })));
                    // The files that were there are not known to be gone.
                    files.clone_from(&self.last.files);
                    Vec::new()
                }
            },
        };
        for (name, passphrase) in listed {
            #[cfg(test)]
            if let Some(between) = &mut self.between {
                between(&name);
            }
            let look = Look { name: &name, passphrase: passphrase.as_ref(), settings: &settings, now };
            let (seen, is_new) = look.key(cached.remove(&name));
            is_changed |= is_new;
            let outcome = match &seen.content {
                Content::Key(loaded) => match seen.refusal(&settings) {
                    Some(refusal) => Some(Err(Arc::new(refusal))),
                    None => Some(Ok(Arc::clone(loaded))),
                },
                // A key file that is cut off after its certificate is no key that was deleted.
                Content::Nothing(error)
                    if self.layout.is_none() && is_no_key(error) && !self.last.files.contains_key(&name) =>
                {
                    None
                }
                // It went away since the folder was listed.
                Content::Problem(error)
                    if self.layout.is_none() && matches!(**error, KeyFileError::Missing) =>
                {
                    None
                }
                Content::Nothing(error) | Content::Problem(error) => Some(Err(Arc::clone(error))),
                Content::Manifest(_) => None,
            };
            files.remove(&name);
            files.extend(outcome.map(|outcome| (name.clone(), outcome)));
            self.files.insert(name, seen);
        }
        // Files that are no longer there.
        is_changed |= !cached.is_empty();
        let texts = |problems: &[(String, Arc<KeyFileError>)]| -> Vec<String> {
            problems.iter().map(|(file, error)| format!("{file} {error:#}")).collect()
        };
        is_changed |= texts(&problems) != texts(&self.last.problems);
        let is_manifest_unusable = problems.iter().any(|(file, _)| file == Manifest::FILE);
        self.last = Reading { manifest: self.layout.clone(), is_manifest_unusable, problems, files };
        is_changed
    }

    /// Reads the manifest, and keeps the last one that could be used. Whether it is another one.
    fn read_manifest(
        &mut self,
        now: OffsetDateTime,
        problems: &mut Vec<(String, Arc<KeyFileError>)>,
    ) -> bool {
        let look = Look { name: Manifest::FILE, passphrase: None, settings: &self.settings, now };
        let (seen, is_new) = look.manifest(self.manifest.take());
        match &seen.content {
            Content::Problem(error) if matches!(**error, KeyFileError::Missing) => {
                if self.layout.is_some() {
                    problems.push((Manifest::FILE.to_owned(), Arc::new(KeyFileError::ManifestGone)));
                }
            }
            Content::Nothing(error) | Content::Problem(error) => {
                problems.push((Manifest::FILE.to_owned(), Arc::clone(error)));
            }
            Content::Manifest(layout) => self.layout = Some(Arc::clone(layout)),
            Content::Key(_) => {}
        }
        self.manifest = Some(seen);
        is_new
    }
}

/// The names of the files that may be keys, in their order, and whether these are all.
fn names(folder: &Path) -> io::Result<(Vec<String>, bool)> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if !may_be_key(&name) || entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        if names.len() == MAX_FILES {
            return Ok((names, false));
        }
        // A name that is not UTF-8 cannot be in a plan. It is no name that any tool gives a key.
        names.extend(name.into_string());
    }
    names.sort_unstable();
    Ok((names, true))
}

/// Whether the file holds only certificates or public keys.
fn is_no_key(error: &KeyFileError) -> bool {
    matches!(error, KeyFileError::Key { source } if matches!(source.reason(), KeyError::NotPrivate { .. }))
}

#[cfg(test)]
mod tests;
