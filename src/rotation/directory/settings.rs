//! What the builder of a key directory sets.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::keys::{KeyRing, Signer};
use crate::rotation::plan::Plan;

#[derive(Clone)]
pub(in crate::rotation) struct Settings {
    pub(in crate::rotation) folder: PathBuf,
    /// These three are for a folder without a manifest.
    pub(in crate::rotation) propagation: Duration,
    pub(in crate::rotation) overlap: Duration,
    pub(in crate::rotation) lifetime: Duration,
    pub(in crate::rotation) poll_interval: Duration,
    pub(in crate::rotation) expiry_warning: Duration,
    /// For the keys of a folder without a manifest.
    pub(in crate::rotation) passphrase: Option<Zeroizing<Vec<u8>>>,
    pub(in crate::rotation) allows_world_readable: bool,
    /// Keys outside the process, by their URIs.
    pub(in crate::rotation) signers: BTreeMap<String, Arc<dyn Signer>>,
}

impl Settings {
    pub(in crate::rotation) const POLL_INTERVAL: Duration = Duration::from_secs(30);
    pub(in crate::rotation) const EXPIRY_WARNING: Duration = Duration::from_secs(30 * 24 * 3600);

    pub(in crate::rotation) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            propagation: KeyRing::PROPAGATION,
            overlap: Plan::OVERLAP,
            lifetime: Plan::LIFETIME,
            poll_interval: Self::POLL_INTERVAL,
            expiry_warning: Self::EXPIRY_WARNING,
            passphrase: None,
            allows_world_readable: false,
            signers: BTreeMap::new(),
        }
    }
}
