//! The state of a server, which all endpoints share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::authority::Authorities;
use super::clients::Clients;
use super::demands::{Demands, Places};
use super::faults::Faults;
use super::inspector::Log;
use super::paths;
use super::signing_keys::SigningKeys;
use super::state::State;
use crate::oauth::{AuthorizationServer, Endpoint};
use crate::transport::Clock;
use crate::verifier::{ClientAssertionVerifier, InMemoryReplayStore};

pub(super) struct Inner {
    pub(super) issuer: String,
    pub(super) jwks_uri: String,
    pub(super) userinfo_endpoint: String,
    pub(super) inspector: String,
    pub(super) authorization_server: AuthorizationServer,
    pub(super) keys: SigningKeys,
    /// The `typ` of access tokens.
    pub(super) token_media_type: Option<String>,
    /// The lifetime of access tokens and ID tokens, in whole seconds.
    pub(super) token_lifetime: time::Duration,
    /// How long caches may keep the server's keys; `None` for not at all.
    pub(super) jwks_cache_time: Option<Duration>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) faults: Faults,
    /// What client assertions have to fulfil.
    pub(super) demands: Demands,
    /// Checks the assertions at each endpoint.
    pub(super) verifiers: Vec<(Endpoint, ClientAssertionVerifier)>,
    /// The used assertions. `None` if assertions may be reused.
    pub(super) replay: Option<InMemoryReplayStore>,
    pub(super) clients: Clients,
    /// The names that the server answers to.
    pub(super) authorities: Authorities,
    pub(super) state: Mutex<State>,
    /// The last requests, for the inspector.
    pub(super) log: Mutex<Log>,
}

impl Inner {
    /// Ignores poisoning: no step leaves the state half-changed, even if code elsewhere panics.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last requests. Ignores poisoning, as [`Inner::state`] does.
    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The beginning of the URL of every endpoint: the issuer without a slash at its end.
    pub(super) fn base(&self) -> &str {
        self.issuer.strip_suffix('/').unwrap_or(&self.issuer)
    }

    pub(super) fn url(&self, endpoint: Endpoint) -> String {
        format!("{}{}", self.base(), paths::of(endpoint))
    }

    /// The accepted audiences at an endpoint.
    pub(super) fn audiences(&self, called: Endpoint) -> Vec<String> {
        let places = Places { issuer: &self.issuer, endpoint: &|endpoint| self.url(endpoint) };
        self.demands.audiences(&places, called)
    }

    pub(super) fn device_page(&self) -> String {
        format!("{}{}", self.base(), paths::DEVICE)
    }
}
