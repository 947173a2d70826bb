//! The keys of many clients.
//!
//! `registry` says where a client's keys are, `cache` decides which are held, and a `RemoteJwks`
//! for each client keeps those at a URL fresh.

mod builder;
mod cache;
mod error;
mod registry;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use self::cache::{Cache, Keys, Refused, Wanted};
use self::registry::RegisteredKeys;
use super::jwks::RemoteJwks;
use super::reason::reason_of;
use crate::jose::Algorithm;
use crate::jose::error::excerpt;
use crate::keys::{BoxFuture, PublicKeySet};
use crate::observer::{Event, Observer, RefusalReason, emit};
use crate::transport::{Clock, HttpClient, PublicNetworkClient, TransportError};
use crate::verifier::{UnverifiedAssertion, VerifiedAssertion, VerifierError};
pub use builder::ClientKeysBuilder;
pub use error::ClientKeysError;
pub use registry::{ClientMetadata, ClientRegistry};

/// The keys of all clients of an authorization server, behind one bounded cache. Cloning is cheap;
/// the clones share the keys and the fetches.
///
/// ```no_run
/// use private_key_jwt::verifier::{ClientAssertionVerifier, ErrorResponse};
/// use private_key_jwt::{ClientKeys, ClientMetadata, ReplayStore};
/// use time::OffsetDateTime;
///
/// # fn jwks_uri_of(client_id: &str) -> Option<String> { None }
/// # fn start() -> Result<ClientKeys, private_key_jwt::transport::TransportError> {
/// // Once, when the server starts. For a database, implement `ClientRegistry`.
/// let keys = ClientKeys::new(|client_id: &str| Some(ClientMetadata::jwks_uri(jwks_uri_of(client_id)?)))?;
/// # Ok(keys) }
///
/// // For each request; returns the client id.
/// async fn authenticate(
///     verifier: &ClientAssertionVerifier,
///     keys: &ClientKeys,
///     replay: &impl ReplayStore,
///     headers: &http::HeaderMap,
///     form: &[u8],
/// ) -> Result<String, ErrorResponse> {
///     let assertion = verifier.parse_request(headers, form)?;
///     let verified = keys.verify_assertion(assertion).await?;
///     Ok(replay.spend(verified, OffsetDateTime::now_utc()).await?)
/// }
/// ```
///
/// # What a request can cause
///
/// Anyone can send an assertion with any client id and any `kid`.
///
/// - An unknown client id causes one call of the [`ClientRegistry`]. Nothing is fetched and nothing
///   is kept.
/// - The keys of a registered client are fetched as [`RemoteJwks`] documents it: with its first
///   assertion, when they are no longer fresh, and for an assertion that no key fits, at most once
///   per cool-down, also after a failure.
/// - A client that changes its `jwks_uri` causes one further fetch per cool-down.
/// - If the cache is full, the keys of the client that was used least recently leave, but not
///   within a cool-down of their last use: otherwise, requests for many clients in turn would cause
///   a fetch each. Until keys can leave, a client without cached keys gets
///   [`ClientKeysError::Full`]. Clients with cached keys are not affected.
///
/// # What is trusted
///
/// A client chooses its `jwks_uri`, so keys are fetched with a [`PublicNetworkClient`]: https only,
/// and only hosts on the public internet. The keys of one client never check the assertion of
/// another.
#[derive(Clone)]
pub struct ClientKeys {
    shared: Arc<Shared>,
}

struct Shared {
    registry: Arc<dyn ClientRegistry>,
    capacity: usize,
    cool_down: Duration,
    hard_limit: Duration,
    http: Arc<dyn HttpClient>,
    clock: Arc<dyn Clock>,
    observer: Option<Arc<dyn Observer>>,
    /// Locked for moments only.
    cache: Mutex<Cache>,
}

/// The keys of a client, and its registered algorithm.
struct Registered {
    keys: Keys,
    algorithm: Option<Algorithm>,
}

impl ClientKeys {
    /// Looks clients up in this registry, with the defaults. Nothing is fetched yet.
    ///
    /// # Errors
    ///
    /// As [`ClientKeysBuilder::build`].
    pub fn new(registry: impl ClientRegistry + 'static) -> Result<Self, TransportError> {
        Self::builder(registry).build()
    }

    /// Returns a builder with optional settings.
    pub fn builder(registry: impl ClientRegistry + 'static) -> ClientKeysBuilder {
        ClientKeysBuilder::new(registry)
    }

    /// Checks a client assertion (RFC 7523 §3) with the keys and the algorithm that its client
    /// registered, at the time of the clock.
    ///
    /// # Errors
    ///
    /// [`ClientKeysError::Verifier`] with the error of [`UnverifiedAssertion::verify`];
    /// [`ClientKeysError::UnknownClient`]; the other variants if there are no keys to check with.
    pub async fn verify_assertion(
        &self,
        assertion: UnverifiedAssertion<'_>,
    ) -> Result<VerifiedAssertion, ClientKeysError> {
        let verified = async {
            let Registered { keys, algorithm } = self.registered(assertion.client_id()).await?;
            match keys {
                Keys::Remote(jwks) => Ok(jwks.verify_assertion(assertion, algorithm).await?),
                Keys::Given { keys, .. } => Ok(assertion.verify(&keys, algorithm, self.now())?),
            }
        };
        verified.await.inspect_err(|error| self.refused(error))
    }

    /// Checks something else with the keys of this client, such as a request object. The check may
    /// run twice, as in [`RemoteJwks::verify_with`].
    ///
    /// # Errors
    ///
    /// As [`ClientKeys::verify_assertion`], with the error of the check.
    pub async fn verify_with<T>(
        &self,
        client_id: &str,
        check: impl Fn(&PublicKeySet, OffsetDateTime) -> Result<T, VerifierError>,
    ) -> Result<T, ClientKeysError> {
        match self.registered(client_id).await?.keys {
            Keys::Remote(jwks) => Ok(jwks.verify_with(check).await?),
            Keys::Given { keys, .. } => Ok(check(&keys, self.now())?),
        }
    }

    /// Returns the keys of this client. Fetches them if there are none, or if they are too old.
    ///
    /// # Errors
    ///
    /// As [`ClientKeys::verify_assertion`], except [`ClientKeysError::Verifier`].
    pub async fn keys(&self, client_id: &str) -> Result<Arc<PublicKeySet>, ClientKeysError> {
        match self.registered(client_id).await?.keys {
            Keys::Remote(jwks) => Ok(jwks.keys().await?),
            Keys::Given { keys, .. } => Ok(keys),
        }
    }

    /// Returns how many clients' keys are held; for a health check.
    #[must_use]
    pub fn held(&self) -> usize {
        self.cache(|cache| cache.len())
    }

    async fn registered(&self, client_id: &str) -> Result<Registered, ClientKeysError> {
        let metadata = self.shared.registry.client(client_id).await.map_err(ClientKeysError::Registry)?;
        let Some(ClientMetadata { keys, signing_algorithm: algorithm }) = metadata else {
            return Err(ClientKeysError::UnknownClient { client_id: excerpt(client_id) });
        };
        let keys = match keys {
            RegisteredKeys::JwksUri(url) => {
                self.held_keys(client_id, Wanted::Url(&url), || self.remote(&url).map(Keys::Remote))?
            }
            RegisteredKeys::Jwks(set) => {
                let hash = Sha256::digest(set.to_json()).into();
                let make = || Ok(Keys::Given { hash, keys: Arc::new(set.into()) });
                self.held_keys(client_id, Wanted::Hash(hash), make)?
            }
            // The registry keeps them.
            RegisteredKeys::Public(keys) => Keys::Given { hash: [0; 32], keys },
        };
        Ok(Registered { keys, algorithm })
    }

    fn held_keys(
        &self,
        client_id: &str,
        wanted: Wanted<'_>,
        make: impl FnOnce() -> Result<Keys, TransportError>,
    ) -> Result<Keys, ClientKeysError> {
        let (now, capacity) = (self.now(), self.shared.capacity);
        let shown = || excerpt(client_id);
        self.cache(|cache| cache.keys(client_id, wanted, now, make)).map_err(|refused| match refused {
            Refused::Full => ClientKeysError::Full { capacity },
            Refused::ChangedTwice => ClientKeysError::ChangedTwice { client_id: shown() },
            Refused::Unusable(source) => ClientKeysError::JwksUri { client_id: shown(), source },
        })
    }

    fn remote(&self, url: &str) -> Result<RemoteJwks, TransportError> {
        let Shared { cool_down, hard_limit, http, clock, observer, .. } = &*self.shared;
        let mut builder = RemoteJwks::builder(url).cool_down(*cool_down).hard_limit(*hard_limit);
        builder.observer.clone_from(observer);
        builder.is_of_client = true;
        builder.http(Arc::clone(http)).clock(SharedClock(Arc::clone(clock))).build()
    }

    fn refused(&self, error: &ClientKeysError) {
        let reason = match error {
            ClientKeysError::Verifier(error) => reason_of(error),
            ClientKeysError::UnknownClient { .. } => RefusalReason::Issuer,
            _ => RefusalReason::KeysUnavailable,
        };
        let event = Event::RequestRefused { reason, count: None, error };
        emit(&event, self.shared.observer.as_ref(), None);
    }

    fn now(&self) -> OffsetDateTime {
        self.shared.clock.now()
    }

    /// A panic elsewhere does not spoil it: the cache is a cache.
    fn cache<T>(&self, work: impl FnOnce(&mut Cache) -> T) -> T {
        work(&mut self.shared.cache.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ClientKeysBuilder {
    /// Builds the cache. Nothing is fetched yet.
    ///
    /// # Errors
    ///
    /// [`TransportError::Build`] if the HTTP client cannot be built.
    pub fn build(self) -> Result<ClientKeys, TransportError> {
        let http = match self.http {
            Some(http) => http,
            None => Arc::new(PublicNetworkClient::new()?),
        };
        let Self { registry, capacity, cool_down, hard_limit, clock, observer, .. } = self;
        let cache = Mutex::new(Cache::new(capacity, cool_down));
        let shared = Shared { registry, capacity, cool_down, hard_limit, http, clock, observer, cache };
        Ok(ClientKeys { shared: Arc::new(shared) })
    }
}

/// The clock of all clients.
struct SharedClock(Arc<dyn Clock>);

impl Clock for SharedClock {
    fn now(&self) -> OffsetDateTime {
        self.0.now()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        self.0.sleep(pause)
    }
}

impl std::fmt::Debug for ClientKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientKeys")
            .field("capacity", &self.shared.capacity)
            .field("held", &self.held())
            .finish_non_exhaustive()
    }
}
