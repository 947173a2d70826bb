//! What a key folder says about its keys.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::state::State;
use crate::jose::{Algorithm, KeyId, moment};
use crate::keys::{KeyError, KeyLoader, PrivateKey};
use crate::rotation::manifest::{ManifestKey, PassphraseSource};
use crate::rotation::plan::{Move, Phase};

/// What a key folder says about its keys: the result of
/// [`KeyFolder::status`](super::KeyFolder::status).
///
/// As JSON, times are RFC 3339 and durations are seconds.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct FolderStatus {
    /// Whether the folder has a manifest. Otherwise, the names of the keys say when they sign.
    pub has_manifest: bool,
    /// How long servers may keep a copy of the JWKS.
    #[serde(serialize_with = "seconds")]
    pub propagation: std::time::Duration,
    /// The keys, in the order of the manifest, or else of their times.
    pub keys: Vec<FolderKey>,
    /// Private keys of the folder that the manifest does not name. They neither sign nor are they
    /// published.
    pub unlisted: Vec<String>,
}

/// A key of a folder.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct FolderKey {
    /// The file of the key, or its URI.
    pub file: String,
    /// The name of the key. `None`: the manifest has none, and the file cannot be opened.
    #[serde(rename = "kid", serialize_with = "name")]
    pub key_id: Option<KeyId>,
    /// The algorithm of the signatures. `None`: as for the name.
    #[serde(rename = "alg")]
    pub algorithm: Option<Algorithm>,
    /// The phase.
    pub phase: Phase,
    /// Since when the key is in this phase. `None`: from the beginning, or it is only planned.
    #[serde(serialize_with = "moment::rfc3339")]
    pub since: Option<OffsetDateTime>,
    /// The phase that begins next.
    pub next: Option<Phase>,
    /// When the next phase begins.
    #[serde(serialize_with = "moment::rfc3339")]
    pub next_at: Option<OffsetDateTime>,
    /// Why the file cannot be used. A key that is gone or revoked needs no file.
    pub problem: Option<String>,
}

pub(super) fn of(folder: &Path, state: &State, now: OffsetDateTime) -> FolderStatus {
    let plan = state.manifest.plan();
    let moves = plan.moves();
    let keys = state.manifest.keys().iter().zip(plan.phases_after(&moves, now)).enumerate();
    let keys = keys.map(|(index, (facts, phase))| {
        let of_key = || moves.iter().filter(|step| step.key == index);
        let since = of_key().rfind(|step| step.at <= Some(now)).and_then(|step| step.at);
        let next: Option<&Move> = of_key().find(|step| step.at > Some(now));
        let loaded = if facts.is_uri() { None } else { Some(load(folder, facts)) };
        let key = loaded.as_ref().and_then(|loaded| loaded.as_ref().ok());
        let has_left = matches!(phase, Phase::Gone | Phase::Revoked);
        let error = loaded.as_ref().and_then(|loaded| loaded.as_ref().err()).filter(|_| !has_left);
        FolderKey {
            file: facts.file.clone(),
            key_id: facts.key_id.clone().or_else(|| key.map(|key| key.key_id().clone())),
            algorithm: facts.algorithm.or_else(|| key.map(PrivateKey::algorithm)),
            phase,
            since,
            next: next.map(|step| step.phase),
            next_at: next.and_then(|step| step.at),
            problem: error.map(|error| format!("{error:#}")),
        }
    });
    FolderStatus {
        has_manifest: state.has_manifest,
        propagation: plan.propagation,
        keys: keys.collect(),
        unlisted: state.unlisted.clone(),
    }
}

/// Loads a key of the folder.
pub(super) fn load(folder: &Path, facts: &ManifestKey) -> Result<PrivateKey, KeyError> {
    let mut loader = KeyLoader::new();
    match &facts.passphrase {
        None => {}
        Some(PassphraseSource::Environment(name)) => {
            if let Some(value) = std::env::var_os(name) {
                loader = loader.passphrase(Zeroizing::new(value.into_encoded_bytes()));
            }
        }
        Some(PassphraseSource::File(path)) => {
            // The loader also tries it without a line end.
            if let Ok(passphrase) = passphrase(&folder.join(path)) {
                loader = loader.passphrase(passphrase);
            }
        }
    }
    let key = loader.load_file(folder.join(&facts.file))?;
    match facts.algorithm {
        Some(algorithm) => key.with_algorithm(algorithm),
        None => Ok(key),
    }
}

fn passphrase(path: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    /// The maximum length, in bytes.
    const MAX_LEN: usize = 64 * 1024;
    // Allocate in full at once: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_LEN + 1));
    File::open(path)?.take(MAX_LEN as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn seconds<S: Serializer>(duration: &std::time::Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_secs())
}

fn name<S: Serializer>(key_id: &Option<KeyId>, serializer: S) -> Result<S::Ok, S::Error> {
    match key_id {
        Some(key_id) => serializer.serialize_str(key_id.as_str()),
        None => serializer.serialize_none(),
    }
}
