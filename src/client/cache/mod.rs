//! The cached tokens: one for each set of request parameters.
//!
//! Lookups take no lock: the map is replaced as a whole when an entry is added or removed, which is
//! rare, and each entry's token when it is renewed.

mod entry;
mod grant;
mod lifetime;
mod pauses;

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arc_swap::ArcSwap;
use zeroize::Zeroizing;

pub use entry::TokenSource;
pub(super) use entry::{Entry, Origin};

use super::sender::Sender;
use crate::oauth::{AccessToken, Scope, TokenRequest};

#[derive(Default)]
pub(super) struct Cache {
    entries: ArcSwap<HashMap<Key, Arc<Entry>>>,
}

/// Identifies requests with the same parameters. It may contain secrets, so it is wiped on drop.
#[derive(Clone, PartialEq, Eq)]
struct Key(Arc<Zeroizing<String>>);

impl Cache {
    /// A token for the client itself.
    pub(super) fn fresh(&self, scope: &Scope) -> Option<AccessToken> {
        let entries = self.entries.load();
        entries.get(TokenRequest::key_of_client_credentials(scope).as_ref())?.fresh()
    }

    /// The entry for these parameters. A request that cannot be sent gets an entry of its own that
    /// is not cached, and so does every request if the capacity is zero.
    pub(super) fn entry(&self, request: TokenRequest, sender: &Arc<Sender>) -> Arc<Entry> {
        let capacity = sender.settings.cache_capacity;
        let Some(key) = request.key().filter(|_| capacity > 0) else {
            return Entry::new(Some(request), None, sender);
        };
        let key = Key(Arc::new(key));
        let find = || self.entries.load().get(&key).cloned();
        if let Some(entry) = find() {
            return entry;
        }
        let entry = Entry::new(Some(request), None, sender);
        let now = entry.last_used();
        self.entries.rcu(|entries| {
            let mut entries = HashMap::clone(entries);
            // Another caller may have been first.
            if entries.contains_key(&key) {
                return entries;
            }
            // An entry that was used later than now was used before the clock was set back, so it
            // goes first.
            let used = |entry: &Entry| Some(entry.last_used()).filter(|used| *used <= now);
            while entries.len() >= capacity
                && let Some((oldest, _)) = entries.iter().min_by_key(|(_, entry)| used(entry))
            {
                let oldest = oldest.clone();
                entries.remove(&oldest);
            }
            entries.insert(key.clone(), Arc::clone(&entry));
            entries
        });
        find().unwrap_or(entry)
    }

    pub(super) fn invalidate(&self, token: &AccessToken) -> bool {
        self.entries.load().values().any(|entry| entry.invalidate(token))
    }
}

impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        str::hash(&self.0, state);
    }
}
