//! Builds a server from its settings.

use std::sync::{Arc, Mutex};

use url::Url;

use super::authority::Authorities;
use super::builder::DevServerBuilder;
use super::clients::Clients;
use super::demands::{Demands, Places, Settings};
use super::error::DevServerError;
use super::faults::Faults;
use super::inner::Inner;
use super::server::DevServer;
use super::signing_keys::SigningKeys;
use super::{metadata, paths};
use crate::oauth::{Discovery, Endpoint, PlainHttp, is_loopback, safe_url};
use crate::verifier::InMemoryReplayStore;

impl DevServerBuilder {
    /// Builds a server for this origin, such as `http://127.0.0.1:8080`. The server does not
    /// listen: mount [`DevServer::respond`] in any HTTP mock, or use the server as the HTTP client
    /// of the program under test.
    ///
    /// # Errors
    ///
    /// [`DevServerError::Origin`] if the origin is anything but a scheme, a loopback host and a
    /// port; [`DevServerError::PublicUrl`] if the [public URL](Self::public_url) is anything but a
    /// scheme, a host and a port; [`DevServerError::AllowedHost`] if an [allowed
    /// host](Self::allow_host) is not a host.
    pub fn build(&self, origin: &str) -> Result<DevServer, DevServerError> {
        let wrong = |reason| DevServerError::Origin { origin: safe_url(origin), reason };
        let url = PlainHttp::Loopback
            .check_endpoint("origin", origin)
            .map_err(|_| wrong("is not an origin of this machine, such as http://127.0.0.1:8080"))?;
        if !is_loopback(&url) {
            return Err(wrong("is not loopback; the dev server is not for production"));
        }
        if !is_origin(&url, origin) {
            return Err(wrong("has more than a scheme, a host and a port"));
        }
        let public_url = self.public_url.as_deref().map(public_url).transpose()?;
        let is_unencrypted =
            public_url.as_ref().is_some_and(|url| url.scheme() == "http" && !is_loopback(url));
        let authorities = Authorities::new(url, public_url, &self.allowed_hosts)?;
        let origin = self.public_url.as_deref().unwrap_or(origin);
        let base = format!("{origin}{}", paths::path_of_issuer());
        let settings = Settings {
            longest_lifetime: self.longest_lifetime,
            accepts_reuse: self.accepts_reuse,
            accepts_missing_jti: self.accepts_missing_jti,
        };
        let demands = Demands::new(self.profile.clone(), settings);
        let slash = if demands.issuer_ends_with_slash() { "/" } else { "" };
        let issuer = format!("{base}{slash}");
        let document = metadata::document(&issuer, &demands).to_string();
        let mut discovery = Discovery::new(&issuer);
        if is_unencrypted {
            // The caller chose the URL.
            discovery = discovery.danger_allow_unencrypted();
        }
        let authorization_server = discovery.read(document.as_bytes())?;
        let url = |endpoint| format!("{base}{}", paths::of(endpoint));
        let places = Places { issuer: &issuer, endpoint: &url };
        let verifiers = Endpoint::ALL.map(|called| (called, demands.verifier(&places, called)));
        let keys = SigningKeys::new(self.token_algorithm, demands.is_fapi2());
        Ok(DevServer {
            inner: Arc::new(Inner {
                jwks_uri: format!("{base}{}", paths::JWKS),
                inspector: format!("{origin}{}", paths::INSPECTOR),
                userinfo_endpoint: format!("{base}{}", paths::USERINFO),
                verifiers: verifiers.into(),
                replay: demands.once.then(InMemoryReplayStore::default),
                demands,
                clients: Clients::new(self.jwks_cache_time),
                authorities,
                state: Mutex::default(),
                log: Mutex::default(),
                keys,
                token_media_type: self.token_media_type.clone(),
                token_lifetime: seconds(self.token_lifetime),
                jwks_cache_time: self.jwks_cache_time,
                clock: Arc::clone(&self.clock),
                faults: Faults::new(self.failures, self.failure, self.delay),
                authorization_server,
                issuer,
            }),
        })
    }
}

impl DevServer {
    /// Creates a server for this origin, such as `http://127.0.0.1:8080`, with the default settings
    /// of [`DevServer::builder`]. The server does not listen: call [`DevServer::respond`], or use
    /// [`DevServer::bind`] for one that does.
    ///
    /// # Errors
    ///
    /// [`DevServerError::Origin`] if the origin is anything but a scheme, a loopback host and a
    /// port.
    pub fn new(origin: &str) -> Result<Self, DevServerError> {
        Self::builder().build(origin)
    }

    /// Returns a builder for a server with other settings.
    pub fn builder() -> DevServerBuilder {
        DevServerBuilder::new()
    }
}

/// Whether the text has nothing but a scheme, a host and a port.
fn is_origin(url: &Url, text: &str) -> bool {
    url.path() == "/" && url.query().is_none() && !text.ends_with('/')
}

fn public_url(text: &str) -> Result<Url, DevServerError> {
    let url = || if text.is_empty() { "\"\"".to_owned() } else { safe_url(text) };
    let wrong = |reason| DevServerError::PublicUrl { url: url(), reason };
    let url = PlainHttp::Anywhere
        .check_endpoint("public URL", text)
        .map_err(|_| wrong("is not an origin, such as https://auth.test"))?;
    if is_origin(&url, text) { Ok(url) } else { Err(wrong("has more than a scheme, a host and a port")) }
}

/// Whole seconds; more than fit mean the maximum.
fn seconds(duration: std::time::Duration) -> time::Duration {
    time::Duration::seconds(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX))
}
