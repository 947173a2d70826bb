//! The cached tokens: one for each set of request parameters.
//!
//! Lookups take no lock: the map is replaced as a whole when an entry is added or removed, which is
//! rare, and each entry's token when it is renewed. `lifetime` decides how long a token is used,
//! and `pauses` how long to pause after a failure, as functions of the state, the time and a random
//! number; `entry` uses them to keep its token fresh.

mod entry;
mod grant;
mod lifetime;
mod pauses;
mod settings;

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use time::OffsetDateTime;
use zeroize::Zeroizing;

pub(super) use entry::Entry;
pub(super) use settings::CacheSettings;

use crate::oauth::{AccessToken, Scope, TokenRequest, TokenResponse};
use crate::transport::Clock;

/// The entries of a client.
pub(super) struct Cache {
    settings: CacheSettings,
    entries: ArcSwap<HashMap<Key, Arc<Entry>>>,
    /// Held while the map is replaced. Lookups do not wait for it.
    writing: Mutex<()>,
}

/// Identifies requests with the same parameters. It may contain secrets, so it is wiped on drop.
#[derive(Clone)]
struct Key(Arc<Zeroizing<String>>);

impl Cache {
    pub(super) fn new(settings: CacheSettings) -> Self {
        Self { settings, entries: ArcSwap::default(), writing: Mutex::default() }
    }

    /// A fresh token for the client itself.
    pub(super) fn fresh(&self, scope: &Scope, clock: &dyn Clock) -> Option<AccessToken> {
        let entries = self.entries.load();
        let entry = entries.get(TokenRequest::key_of_client_credentials(scope).as_ref())?;
        entry.fresh(clock.now())
    }

    /// The entry for these parameters. A request that cannot be sent gets an entry of its own that
    /// is not cached, and so does every request if the capacity is zero.
    pub(super) fn entry(&self, request: TokenRequest, now: OffsetDateTime) -> Arc<Entry> {
        let key = match request.key() {
            Some(key) if self.settings.capacity > 0 => Key(Arc::new(key)),
            _ => return Arc::new(Entry::of(request, self.settings, now)),
        };
        let find = || self.entries.load().get(key.as_str()).cloned();
        if let Some(entry) = find() {
            return entry;
        }
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        // Another caller may have been first.
        if let Some(entry) = find() {
            return entry;
        }
        let entry = Arc::new(Entry::of(request, self.settings, now));
        let mut entries = HashMap::clone(&self.entries.load());
        while entries.len() >= self.settings.capacity {
            let Some(oldest) = longest_unused(&entries, now) else { break };
            entries.remove(oldest.as_str());
        }
        entries.insert(key, Arc::clone(&entry));
        self.entries.store(Arc::new(entries));
        entry
    }

    /// An entry of its own, with the token and the refresh token of the response.
    pub(super) fn entry_from(&self, response: TokenResponse, now: OffsetDateTime) -> Arc<Entry> {
        Arc::new(Entry::from_response(response, self.settings, now))
    }

    /// Drops this token from the entry that caches it.
    pub(super) fn invalidate(&self, token: &AccessToken, now: OffsetDateTime) -> bool {
        self.entries.load().values().any(|entry| entry.invalidate(token, now))
    }
}

/// An entry that was used later than now was used before the clock was set back, so it comes first.
fn longest_unused(entries: &HashMap<Key, Arc<Entry>>, now: OffsetDateTime) -> Option<Key> {
    let now = now.unix_timestamp();
    let order = |entry: &Entry| Some(entry.last_used()).filter(|used| *used <= now);
    entries.iter().min_by_key(|(_, entry)| order(entry)).map(|(key, _)| key.clone())
}

impl Key {
    fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}
