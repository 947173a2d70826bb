use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use time::OffsetDateTime;

use super::error::DevServerError;
use super::shown::shown;
use crate::jose::{JoseError, JwkSet};
use crate::keys::{KeyError, PublicKey, PublicKeySet, unwrapped_json};
use crate::oauth::check_endpoint;

/// How a client registers its public keys with the dev server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientKeys {
    /// A JWK Set, given by value.
    Jwks(JwkSet),
    /// The URL of a JWK Set (`jwks_uri`): https, or http on loopback. The server fetches it when
    /// the first assertion arrives, and again when an assertion's `kid` is not in it.
    JwksUrl(String),
    /// One public key, such as that of a certificate. A key without a `kid` matches every `kid`.
    PublicKey(PublicKey),
}

impl ClientKeys {
    /// Reads a JWK Set, one public JWK, a certificate or a public key. Certificates and public keys
    /// may be PEM or DER. Any of these may be wrapped in base64 or in a JSON string, as
    /// `pkjwt jwks --json-string` prints it.
    ///
    /// ```
    /// use private_key_jwt::dev_server::ClientKeys;
    ///
    /// let pem = std::fs::read("testdata/keys/p256.cert.pem")?;
    /// assert!(matches!(ClientKeys::from_bytes(&pem)?, ClientKeys::PublicKey(_)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DevServerError::Jose`] and [`DevServerError::Key`] if the document is none of these, or is
    /// a private key. If a PEM file has several blocks, the first public key or certificate counts.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DevServerError> {
        let Some(json) = unwrapped_json(bytes) else {
            return Ok(Self::PublicKey(PublicKey::from_bytes(bytes)?));
        };
        match JwkSet::from_json(&json) {
            Ok(jwks) => Ok(Self::Jwks(jwks)),
            Err(
                JoseError::Json { .. }
                | JoseError::NotAnObject { .. }
                | JoseError::MissingMember { member: "keys", .. },
            ) => Ok(Self::PublicKey(PublicKey::from_bytes(bytes)?)),
            Err(error) => Err(error.into()),
        }
    }

    /// The keys that are known now. `None` for a URL that has not been fetched yet.
    fn ready(&self, client_id: &str) -> Result<Option<PublicKeySet>, DevServerError> {
        match self {
            Self::JwksUrl(url) => {
                check_endpoint("jwks_uri", url)?;
                Ok(None)
            }
            Self::PublicKey(key) => match check_usable(key) {
                Ok(()) => Ok(Some(key.clone().into())),
                Err(reason) => {
                    let (client_id, reason) = (client_id.to_owned(), Some(reason));
                    Err(DevServerError::NoUsableKey { client_id, reason })
                }
            },
            Self::Jwks(jwks) => {
                let mut reason = jwks.skipped().first().map(|skipped| KeyError::from(skipped.reason.clone()));
                let (set, mut is_usable) = (PublicKeySet::from(jwks.clone()), false);
                for key in set.parsed() {
                    match key.and_then(check_usable) {
                        Ok(()) => is_usable = true,
                        // A weak key endangers its owner even if the set also has a good one.
                        Err(error @ (KeyError::WeakRsa { .. } | KeyError::RsaCheckCost { .. })) => {
                            return Err(error.into());
                        }
                        Err(error) => reason = reason.or(Some(error)),
                    }
                }
                if is_usable {
                    return Ok(Some(set));
                }
                Err(DevServerError::NoUsableKey { client_id: client_id.to_owned(), reason })
            }
        }
    }
}

/// Checks that the key can verify signatures of at least one algorithm. It cannot if its `alg` is
/// unknown, belongs to another key type, or is for encryption.
fn check_usable(key: &PublicKey) -> Result<(), KeyError> {
    if key.algorithms().next().is_some() {
        return Ok(());
    }
    let key_type = key.key_type();
    Err(match key.jwk().algorithm().unwrap_or_default().parse() {
        Ok(algorithm) => JoseError::AlgorithmMismatch { algorithm, key_type }.into(),
        Err(unknown) => KeyError::from(unknown),
    })
}

impl From<JwkSet> for ClientKeys {
    fn from(jwks: JwkSet) -> Self {
        Self::Jwks(jwks)
    }
}

impl From<PublicKey> for ClientKeys {
    fn from(key: PublicKey) -> Self {
        Self::PublicKey(key)
    }
}

/// The registered clients.
pub(super) struct Clients {
    by_id: RwLock<BTreeMap<String, Client>>,
    /// How long the keys from a JWKS URL are kept; `None` for until others are needed.
    cache_time: Option<Duration>,
}

struct Client {
    /// The URL of the client's keys, if it was registered by URL.
    jwks_url: Option<String>,
    /// The registered keys, or those last fetched from the URL.
    keys: Option<Arc<PublicKeySet>>,
    /// When the keys were fetched from the URL.
    fetched: Option<OffsetDateTime>,
}

/// The keys that verify a client's assertion.
pub(super) enum Lookup {
    Unknown,
    /// Registered by URL, but the URL has not been fetched yet.
    NotFetched,
    /// Registered by URL, and fetched longer ago than the keys are kept: by this many seconds.
    Outdated {
        age: i64,
    },
    Known {
        keys: Arc<PublicKeySet>,
        /// Whether fetching the client's JWKS URL may return other keys.
        by_url: bool,
    },
}

impl Clients {
    pub(super) const fn new(cache_time: Option<Duration>) -> Self {
        Self { by_id: RwLock::new(BTreeMap::new()), cache_time }
    }

    pub(super) fn register(&self, client_id: &str, keys: ClientKeys) -> Result<(), DevServerError> {
        if client_id.trim().is_empty() {
            return Err(DevServerError::ClientId { reason: "empty" });
        }
        if !client_id.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
            return Err(DevServerError::ClientId { reason: "not printable ASCII (RFC 6749 A.1)" });
        }
        let ready = keys.ready(client_id)?.map(Arc::new);
        let jwks_url = match keys {
            ClientKeys::JwksUrl(url) => Some(url),
            ClientKeys::Jwks(_) | ClientKeys::PublicKey(_) => None,
        };
        let mut clients = self.by_id.write().unwrap_or_else(PoisonError::into_inner);
        clients.insert(client_id.to_owned(), Client { jwks_url, keys: ready, fetched: None });
        Ok(())
    }

    /// The keys of a client.
    pub(super) fn lookup(&self, client_id: &str, now: OffsetDateTime) -> Lookup {
        let clients = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
        match clients.get(client_id) {
            None => Lookup::Unknown,
            Some(Client { keys: None, .. }) => Lookup::NotFetched,
            Some(Client { fetched: Some(fetched), .. })
                if self.cache_time.is_some_and(|time| now - *fetched > time) =>
            {
                Lookup::Outdated { age: (now - *fetched).whole_seconds() }
            }
            Some(Client { keys: Some(keys), jwks_url, .. }) => {
                Lookup::Known { keys: Arc::clone(keys), by_url: jwks_url.is_some() }
            }
        }
    }

    /// Checks that the client is registered. The error lists registered clients, because a wrong
    /// client id is a configuration mistake.
    pub(super) fn check_known(&self, client_id: &str) -> Result<(), String> {
        const NAMED: usize = 5;
        let clients = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
        if clients.contains_key(client_id) {
            return Ok(());
        }
        let unknown = format!("client `{}` is not registered", shown(client_id));
        let known: Vec<_> = clients.keys().take(NAMED).map(|id| format!("`{}`", shown(id))).collect();
        Err(match (known.is_empty(), clients.len() > NAMED) {
            (true, _) => format!("{unknown}; no client is"),
            (false, false) => format!("{unknown}, registered: {}", known.join(", ")),
            (false, true) => format!("{unknown}, registered: {} and more", known.join(", ")),
        })
    }

    /// Clients other than this one whose keys are known, at most this many.
    pub(super) fn others(
        &self,
        client_id: Option<&str>,
        most: usize,
        now: OffsetDateTime,
    ) -> Vec<(String, Arc<PublicKeySet>)> {
        let ids: Vec<String> = {
            let clients = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
            let others = clients.keys().filter(|id| client_id != Some(id.as_str()));
            others.take(most).cloned().collect()
        };
        let known = ids.into_iter().filter_map(|id| match self.lookup(&id, now) {
            Lookup::Known { keys, .. } => Some((id, keys)),
            _ => None,
        });
        known.collect()
    }

    /// The client's JWKS URL, if it was registered by URL.
    pub(super) fn jwks_url(&self, client_id: &str) -> Result<Option<String>, DevServerError> {
        let clients = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
        clients
            .get(client_id)
            .map(|client| client.jwks_url.clone())
            .ok_or_else(|| DevServerError::UnknownClient { client_id: printable(client_id) })
    }

    /// Stores the keys from a client's JWKS URL, unless the client was registered again with
    /// another URL in the meantime.
    pub(super) fn store(&self, client_id: &str, url: &str, jwks: JwkSet, now: OffsetDateTime) {
        let mut clients = self.by_id.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get_mut(client_id)
            && client.jwks_url.as_deref() == Some(url)
        {
            client.keys = Some(Arc::new(jwks.into()));
            client.fetched = Some(now);
        }
    }
}

fn printable(client_id: &str) -> String {
    crate::jose::error::excerpt(client_id)
}
