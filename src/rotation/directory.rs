//! A watched folder that keeps a key ring in step.

mod builder;
mod choose;
mod decide;
mod held;
mod layout;
mod notices;
mod settings;
mod shared;
mod watch;

use std::fmt;
use std::sync::Arc;

pub use builder::KeyDirectoryBuilder;
pub(in crate::rotation) use layout::Layout;
pub(in crate::rotation) use settings::Settings;
use shared::Shared;

use super::jwks_response::JwksResponse;
#[cfg(feature = "tower")]
use super::jwks_service::JwksService;
use super::plan::Plan;
use super::status::KeyDirectoryStatus;
use crate::keys::KeyRing;

/// A folder of keys, watched: it publishes, activates and retires the keys of a [`KeyRing`] by the
/// folder's plan, without a restart and without a failed request.
///
/// The plan comes from the first of these that applies:
///
/// 1. The manifest `keys.toml` ([`Manifest`](super::Manifest)) names the files, and when each key
///    is published, signs and retires.
/// 2. There is one key. It signs. If its file is replaced in place, as cert-manager, certbot and
///    Vault agent do, the new key is published at once and signs after the propagation time. The
///    former key stays published for the overlap, in memory.
/// 3. The name of each key begins with the time when it signs, in UTC: `2026-12-01T00-00Z.pem`. It
///    is published as soon as its file is there.
///
/// Everything follows from the folder and the time, so replicas that read the same folder agree
/// without talking to each other. What a file says that comes late waits: a new key never signs
/// before it has been published for the propagation time, unless the manifest forces it.
///
/// A replica that restarts knows only the folder. With a manifest that has a `publish` for each new
/// key, nothing changes. With dated names, it does not know when a file came, and signs at its
/// time: put a file there at least the propagation time before that, and keep it for the overlap.
/// If a file is replaced in place, it knows only the new key, and signs with it at once: use a
/// manifest or dated names where replicas may restart at any time.
///
/// # What disturbs the keys in use: nothing
///
/// A file that is half-written, empty, too large, unreadable or readable by every user, a
/// key of another `kid` or algorithm than the manifest states, a new key with an expired
/// certificate, a link that leads nowhere, a manifest that is broken or gone: the keys in use stay
/// as they are, by the last good plan. Each problem is in [`status`](Self::status). It is one
/// [event](crate::observer::Event) and log line when it begins, and one when it ends. If by the
/// plan no key may sign yet, the first one signs, and that is a problem, too.
///
/// A key is its `kid`, or its RFC 7638 thumbprint if it has none, not its file. Renames, links that
/// are swapped and files that are rewritten with the same content change nothing. Hidden files,
/// files whose names end with `~`, folders, and files with only certificates or public keys are no
/// keys.
///
/// # How changes are seen
///
/// The operating system reports them, where it can: they are seen within a second. In addition, the
/// folder is polled, by default every [`KeyDirectory::POLL_INTERVAL`], which finds them on network
/// file systems and behind links. A poll reads the status of the files, and their contents only if
/// that changed.
///
/// The task that does so runs in the tokio runtime of the caller of [`open`](Self::open). It works
/// as long as this value or any clone of [its ring](Self::ring) is used, such as the one in a
/// `TokenClient`.
///
/// ```
/// use private_key_jwt::rotation::{KeyDirectory, Phase};
/// use private_key_jwt::{Algorithm, AuthorizationServer, PrivateKey, TokenClient};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path();
/// # let key = PrivateKey::generate(Algorithm::ES256)?;
/// # std::fs::write(path.join("client.pem"), key.to_pem()?)?;
/// # #[cfg(unix)]
/// # std::fs::set_permissions(path.join("client.pem"), std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
/// let keys = KeyDirectory::open(path).await?; // such as /etc/my-app/keys
/// let server = AuthorizationServer::new("https://as.example", "https://as.example/token")?;
/// let client = TokenClient::new(server, "CLIENT_ID", keys.ring())?;
///
/// let status = keys.status();
/// assert_eq!((status.keys[0].file.as_str(), status.keys[0].phase), ("client.pem", Phase::Active));
/// assert!(status.problems.is_empty());
/// # drop(client);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct KeyDirectory {
    ring: KeyRing,
    shared: Arc<Shared>,
}

impl KeyDirectory {
    /// The default of [`KeyDirectoryBuilder::poll_interval`]: 30 seconds.
    pub const POLL_INTERVAL: std::time::Duration = Settings::POLL_INTERVAL;
    /// The default of [`KeyDirectoryBuilder::expiry_warning`]: 30 days.
    pub const EXPIRY_WARNING: std::time::Duration = Settings::EXPIRY_WARNING;

    /// The ring that follows the folder. Do not change it: the folder decides.
    #[must_use]
    pub fn ring(&self) -> KeyRing {
        self.ring.clone()
    }

    /// The published keys as the answer to requests of the JWKS URL, as they are now:
    /// [`KeyRing::jwks_response`].
    ///
    /// ```
    /// use private_key_jwt::rotation::KeyDirectory;
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let keys = KeyDirectory::open("/etc/my-app/keys").await?;
    /// let jwks = keys.jwks_response();
    /// println!("{} {}", jwks.etag(), jwks.body());
    /// let response = jwks.respond::<Vec<u8>>("GET", [jwks.etag()]);
    /// assert_eq!(response.status(), 304); // the client has this set
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn jwks_response(&self) -> JwksResponse {
        self.ring.jwks_response()
    }

    /// A tower service that answers requests of the JWKS URL with the published keys: those at the
    /// time of the request. The folder is followed as long as the service is used.
    ///
    /// ```
    /// use axum::Router;
    /// use private_key_jwt::rotation::KeyDirectory;
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let keys = KeyDirectory::open("/etc/my-app/keys").await?;
    /// let router: Router = Router::new().route_service("/jwks.json", keys.jwks_service());
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "tower")]
    #[must_use]
    pub fn jwks_service(&self) -> JwksService {
        self.ring.jwks_service()
    }

    /// What was known about the folder when it was read last.
    #[must_use]
    pub fn status(&self) -> KeyDirectoryStatus {
        self.shared.status()
    }

    /// The plan that the folder follows: that of the last good manifest, or else what the names of
    /// the keys say. What follows from it for each key, and from when the files came, is in
    /// [`status`](Self::status).
    ///
    /// ```
    /// # use private_key_jwt::rotation::KeyDirectory;
    /// # fn example(keys: &KeyDirectory) {
    /// let plan = keys.plan();
    /// for step in plan.moves() {
    ///     println!("{:?}: {} is {}", step.at, plan.keys[step.key].file, step.phase);
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn plan(&self) -> Plan {
        self.shared.plan()
    }

    /// Reads the folder now, and returns when the ring is in step: for a handler of `SIGHUP`, and
    /// for tests. Problems are in [`status`](Self::status).
    pub async fn refresh(&self) {
        self.shared.refresh().await;
    }
}

impl fmt::Debug for KeyDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyDirectory").field("status", &self.status()).finish_non_exhaustive()
    }
}
