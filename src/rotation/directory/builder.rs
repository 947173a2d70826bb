//! Opens a key directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::KeyDirectory;
use super::settings::Settings;
use super::shared::Shared;
use super::watch;
use crate::jose::error::shown;
use crate::keys::{KeyRing, Signer};
use crate::observer::Observer;
use crate::rotation::error::{KeyDirectoryError, KeyFileError};
use crate::rotation::status::FileProblem;
use crate::transport::{Clock, SystemClock};

impl KeyDirectory {
    /// Opens a folder with the default settings: [`KeyDirectory::builder`] has them.
    ///
    /// # Errors
    ///
    /// As [`KeyDirectoryBuilder::open`].
    pub async fn open(folder: impl AsRef<Path>) -> Result<Self, KeyDirectoryError> {
        Self::builder(folder).open().await
    }

    /// Opens a folder with other settings.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use private_key_jwt::rotation::KeyDirectory;
    ///
    /// # async fn example() -> Result<(), private_key_jwt::rotation::KeyDirectoryError> {
    /// let keys = KeyDirectory::builder("/etc/my-app/keys")
    ///     .propagation(Duration::from_secs(600))
    ///     .passphrase(std::env::var("KEY_PASSPHRASE").unwrap_or_default())
    ///     .open()
    ///     .await?;
    /// # drop(keys);
    /// # Ok(()) }
    /// ```
    pub fn builder(folder: impl AsRef<Path>) -> KeyDirectoryBuilder {
        KeyDirectoryBuilder::new(folder.as_ref().to_owned())
    }
}

/// The settings of a [`KeyDirectory`]: [`KeyDirectory::builder`].
#[must_use]
pub struct KeyDirectoryBuilder {
    settings: Settings,
    clock: Arc<dyn Clock>,
    observer: Option<Arc<dyn Observer>>,
    is_watching: bool,
}

impl KeyDirectoryBuilder {
    fn new(folder: PathBuf) -> Self {
        Self {
            settings: Settings::new(folder),
            clock: Arc::new(SystemClock),
            observer: None,
            is_watching: true,
        }
    }

    /// Sets the longest time that an authorization server keeps a copy of the JWKS, for a folder
    /// without a manifest. Default: [`KeyRing::PROPAGATION`].
    pub fn propagation(mut self, propagation: Duration) -> Self {
        self.settings.propagation = propagation;
        self
    }

    /// Sets how long a former key stays published, for a folder without a manifest. Default:
    /// [`Plan::OVERLAP`](crate::rotation::Plan::OVERLAP).
    pub fn overlap(mut self, overlap: Duration) -> Self {
        self.settings.overlap = overlap;
        self
    }

    /// Sets the longest lifetime of an assertion, for a folder without a manifest. Default:
    /// [`Plan::LIFETIME`](crate::rotation::Plan::LIFETIME).
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.lifetime = lifetime;
        self
    }

    /// Sets how often the folder is read without a notice of a change; at least a second. Default:
    /// [`KeyDirectory::POLL_INTERVAL`].
    pub fn poll_interval(mut self, poll_interval: Duration) -> Self {
        self.settings.poll_interval = poll_interval.max(Duration::from_secs(1));
        self
    }

    /// Takes the time from this clock. Default: the operating system's clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the observer of the directory's events. Default: only the log sees them.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Sets the passphrase of encrypted keys for which no manifest names one. Default: none.
    pub fn passphrase(mut self, passphrase: impl AsRef<[u8]>) -> Self {
        self.settings.passphrase = Some(Zeroizing::new(passphrase.as_ref().to_vec()));
        self
    }

    /// Accepts key files that every user of the machine may read, as Kubernetes mounts a secret by
    /// default (`defaultMode: 0644`). By default, such a file is a problem and its key is not used.
    pub fn allow_world_readable(mut self) -> Self {
        self.settings.allows_world_readable = true;
        self
    }

    /// Sets how long before its end a certificate is announced by an event. Default:
    /// [`KeyDirectory::EXPIRY_WARNING`].
    pub fn expiry_warning(mut self, expiry_warning: Duration) -> Self {
        self.settings.expiry_warning = expiry_warning;
        self
    }

    /// Sets the signer of a manifest entry whose `file` is this URI: of a key outside the process,
    /// such as one in an HSM or a KMS. The manifest says when it signs, as for a file. The URI is
    /// only a name, compared exactly. An entry whose URI has no signer is a problem in
    /// [`KeyDirectory::status`].
    ///
    /// ```no_run
    /// use private_key_jwt::Signer;
    /// use private_key_jwt::rotation::KeyDirectory;
    ///
    /// # async fn example(
    /// #     hsm: impl Signer + 'static,
    /// # ) -> Result<(), private_key_jwt::rotation::KeyDirectoryError> {
    /// // keys.toml has an entry with file = "pkcs11:token=prod;object=oauth"
    /// let keys = KeyDirectory::builder("/etc/my-app/keys")
    ///     .signer("pkcs11:token=prod;object=oauth", hsm) // a RemoteSigner, or a Signer of your own
    ///     .open()
    ///     .await?;
    /// # drop(keys);
    /// # Ok(()) }
    /// ```
    pub fn signer(mut self, uri: impl Into<String>, signer: impl Signer + 'static) -> Self {
        self.settings.signers.insert(uri.into(), Arc::new(signer));
        self
    }

    /// Reads the folder only at [`KeyDirectory::refresh`], and moves keys only then. By default, a
    /// task watches the folder and the time.
    pub fn without_watching(mut self) -> Self {
        self.is_watching = false;
        self
    }

    /// Reads the folder, and watches it from then on.
    ///
    /// # Errors
    ///
    /// [`KeyDirectoryError::NoSigningKey`] if no key can sign, with the first problem; a manifest
    /// that cannot be used is one, because it may revoke keys. Any other problem is in
    /// [`KeyDirectory::status`]. [`KeyDirectoryError::Signer`] for a signer that may not be used.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, unless [`without_watching`](Self::without_watching) was called.
    pub async fn open(self) -> Result<KeyDirectory, KeyDirectoryError> {
        for (uri, signer) in &self.settings.signers {
            // A ring makes the checks.
            KeyRing::new(Arc::clone(signer))
                .map_err(|source| KeyDirectoryError::Signer { uri: shown(uri, 256), source })?;
        }
        let ring = KeyRing::empty();
        let shared = Shared::new(self.settings, self.clock, self.observer, &ring, self.is_watching);
        let shared = Arc::new(shared);
        let is_read = shared.refresh().await;
        let status = shared.status();
        if !is_read {
            return Err(KeyDirectoryError::Shutdown { folder: status.folder });
        }
        if ring.active().is_err() {
            // That no key signs follows from another problem, if there is one.
            let reason = |problem: &&FileProblem| !matches!(*problem.reason, KeyFileError::NoneSigns);
            let of_file = |problem: &&FileProblem| reason(problem) && problem.file != ".";
            let mut problems = status.problems.iter();
            let first = problems.clone().find(of_file).or_else(|| problems.find(reason));
            let (file, source) = match first {
                Some(problem) => (problem.file.clone(), Arc::clone(&problem.reason)),
                None => (".".to_owned(), Arc::new(KeyFileError::NoneSigns)),
            };
            return Err(KeyDirectoryError::NoSigningKey { folder: status.folder, file, source });
        }
        if self.is_watching {
            ring.accompany(watch::follow(Arc::clone(&shared)));
        }
        Ok(KeyDirectory { ring, shared })
    }
}

impl std::fmt::Debug for KeyDirectoryBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyDirectoryBuilder").field("folder", &self.settings.folder).finish_non_exhaustive()
    }
}
