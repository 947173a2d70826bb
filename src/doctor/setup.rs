use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::key_source::KeySource;
use crate::jose::secret_form::Shown;
use crate::keys::KeyRing;
use crate::oauth::{ClientAssertionBuilder, Profile, Scope, safe_url};
use crate::transport::{Clock, HttpClient, MetadataSource, SystemClock};

/// Where the client publishes its keys.
#[derive(Clone)]
pub(super) enum JwksSource {
    Url(String),
    File(PathBuf),
    /// It may contain private keys by mistake.
    Document(Zeroizing<Vec<u8>>),
}

/// A change of the assertion's settings.
pub(super) type Change = Arc<dyn Fn(ClientAssertionBuilder) -> ClientAssertionBuilder + Send + Sync>;

/// The setup of a client, for [`examine`](super::examine): how the client is configured, and how
/// far the examination goes.
#[derive(Clone)]
#[must_use = "a setup does nothing until it is examined"]
pub struct Setup {
    pub(super) server: MetadataSource,
    pub(super) client_id: String,
    pub(super) key: KeySource,
    pub(super) profile: Option<Profile>,
    pub(super) change: Option<Change>,
    pub(super) scope: Scope,
    pub(super) jwks: Option<JwksSource>,
    pub(super) http: Option<Arc<dyn HttpClient>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) propagation: Duration,
    pub(super) is_offline: bool,
    pub(super) probes: bool,
}

impl Setup {
    /// Describes a client: its server (an issuer, a [`Discovery`](crate::Discovery), or an
    /// [`AuthorizationServer`](crate::AuthorizationServer)), its client id and its key.
    pub fn new(
        server: impl Into<MetadataSource>,
        client_id: impl Into<String>,
        key: impl Into<KeySource>,
    ) -> Self {
        Self {
            server: server.into(),
            client_id: client_id.into(),
            key: key.into(),
            profile: None,
            change: None,
            scope: Scope::default(),
            jwks: None,
            http: None,
            clock: Arc::new(SystemClock),
            propagation: KeyRing::PROPAGATION,
            is_offline: false,
            probes: false,
        }
    }

    /// Follows this profile. Default: [`Profile::default`].
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = Some(profile);
        self
    }

    /// Changes other settings of the assertion, as in
    /// `.assertion(|assertion| assertion.without_key_id())`. They take precedence over the profile.
    pub fn assertion(
        mut self,
        change: impl Fn(ClientAssertionBuilder) -> ClientAssertionBuilder + Send + Sync + 'static,
    ) -> Self {
        self.change = Some(Arc::new(change));
        self
    }

    /// Requests these scopes, for servers that require some. Default: none.
    pub fn scope(mut self, scope: impl Into<Scope>) -> Self {
        self.scope = scope.into();
        self
    }

    /// Examines the client's keys at this URL, as registered with the server. Only this URL is
    /// fetched; no redirect is followed.
    pub fn jwks_url(mut self, url: impl Into<String>) -> Self {
        self.jwks = Some(JwksSource::Url(url.into()));
        self
    }

    /// Examines the client's keys in this file, as registered with the server.
    pub fn jwks_file(mut self, path: impl AsRef<Path>) -> Self {
        self.jwks = Some(JwksSource::File(path.as_ref().to_owned()));
        self
    }

    /// Examines this JWK Set, as registered with the server. It is wiped when the setup is dropped.
    pub fn jwks(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.jwks = Some(JwksSource::Document(Zeroizing::new(json.into())));
        self
    }

    /// Sets how long a new key is published before it signs ([`KeyRing::with_propagation`]). The
    /// time for which the client's keys may be cached is compared with it. Default:
    /// [`KeyRing::PROPAGATION`].
    pub const fn propagation(mut self, propagation: Duration) -> Self {
        self.propagation = propagation;
        self
    }

    /// Sends nothing. What needs the network is not checked.
    pub const fn offline(mut self) -> Self {
        self.is_offline = true;
        self
    }

    /// If the server rejects the assertion for a reason that settings may fix, tries the settings
    /// that servers differ in, one by one, each with a fresh assertion. With the first request, at
    /// most [`Setup::MOST_REQUESTS`] reach the token endpoint, and only one at the issuer's own
    /// origin. The times of an assertion follow the server's clock by at most an hour. The probe
    /// stops at an answer that judges no assertion, such as 429 or 503, and after two failures of
    /// the server (500). Servers count failures, so by default nothing is tried.
    pub const fn probe(mut self) -> Self {
        self.probes = true;
        self
    }

    /// Sends requests with this HTTP client. Default: a
    /// [`ReqwestClient`](crate::transport::ReqwestClient).
    pub fn http(mut self, http: impl HttpClient + 'static) -> Self {
        self.http = Some(Arc::new(http));
        self
    }

    /// Takes the time from this clock. Default: the operating system's clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The maximum number of token requests of an examination.
    pub const MOST_REQUESTS: usize = 12;
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let jwks = self.jwks.as_ref().map(|jwks| match jwks {
            JwksSource::Url(url) => safe_url(url),
            JwksSource::File(path) => safe_url(&path.to_string_lossy()),
            JwksSource::Document(json) => format!("{} bytes", json.len()),
        });
        f.debug_struct("Setup")
            .field("server", &self.server)
            .field("client_id", &Shown(&self.client_id))
            .field("key", &self.key)
            .field("profile", &self.profile)
            .field("jwks", &jwks)
            .field("is_offline", &self.is_offline)
            .field("probes", &self.probes)
            .finish_non_exhaustive()
    }
}
