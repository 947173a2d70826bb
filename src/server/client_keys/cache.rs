//! Decides whose keys are held. The least recently used ones leave.
//!
//! Every set of keys that is fetched stays for at least one cool-down after its last use.
//! Otherwise, requests for many clients in turn could push each other's keys out, and each request
//! would cause a fetch. For the same reason, a client's URL can be replaced once per cool-down.

use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use time::OffsetDateTime;

use crate::keys::PublicKeySet;
use crate::server::jwks::RemoteJwks;
use crate::transport::refreshing::distance;

/// The keys of one client.
#[derive(Clone)]
pub(super) enum Keys {
    Remote(RemoteJwks),
    /// Keys that the registry provides, with the hash of their JSON.
    Given {
        hash: [u8; 32],
        keys: Arc<PublicKeySet>,
    },
}

/// What the registry says, as far as it identifies the keys.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'a> {
    Url(&'a str),
    Hash([u8; 32]),
}

/// Why there are no keys.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused<E> {
    Full,
    ChangedTwice,
    /// The keys cannot be made.
    Unusable(E),
}

pub(super) struct Cache {
    entries: LruCache<Box<str>, Entry>,
    capacity: usize,
    cool_down: Duration,
}

struct Entry {
    keys: Keys,
    used: OffsetDateTime,
    /// When the last URL of the client was new.
    url_since: Option<OffsetDateTime>,
}

impl Cache {
    pub(super) fn new(capacity: usize, cool_down: Duration) -> Self {
        // Not `LruCache::new`, which reserves memory for the whole capacity at once.
        Self { entries: LruCache::unbounded(), capacity, cool_down }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The keys of a registered client. `make` creates them if they are not held.
    pub(super) fn keys<E>(
        &mut self,
        client_id: &str,
        wanted: Wanted<'_>,
        now: OffsetDateTime,
        make: impl FnOnce() -> Result<Keys, E>,
    ) -> Result<Keys, Refused<E>> {
        let lately = |then: OffsetDateTime| distance(now, then) < self.cool_down;
        let has_url = matches!(wanted, Wanted::Url(_));
        if let Some(entry) = self.entries.get_mut(client_id) {
            entry.used = now;
            if !entry.keys.are(wanted) {
                if has_url && entry.url_since.is_some_and(lately) {
                    return Err(Refused::ChangedTwice);
                }
                entry.keys = make().map_err(Refused::Unusable)?;
                entry.url_since = if has_url { Some(now) } else { entry.url_since };
            }
            return Ok(entry.keys.clone());
        }
        let keys = make().map_err(Refused::Unusable)?;
        if self.entries.len() >= self.capacity {
            let least = self.entries.peek_lru().map(|(_, entry)| entry);
            if least.is_some_and(|entry| entry.url_since.is_some() && lately(entry.used)) {
                return Err(Refused::Full);
            }
            self.entries.pop_lru();
        }
        let entry = Entry { keys: keys.clone(), used: now, url_since: has_url.then_some(now) };
        self.entries.put(client_id.into(), entry);
        Ok(keys)
    }
}

impl Keys {
    fn are(&self, wanted: Wanted<'_>) -> bool {
        match (self, wanted) {
            (Self::Remote(jwks), Wanted::Url(url)) => jwks.url().as_deref() == Some(url),
            (Self::Given { hash, .. }, Wanted::Hash(wanted)) => *hash == wanted,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://client.example/jwks";

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_800_000_000 + seconds).unwrap()
    }

    fn cache(capacity: usize) -> Cache {
        Cache::new(capacity, Duration::from_secs(30))
    }

    /// Whether the keys were made anew.
    fn fetched(cache: &mut Cache, client: &str, url: &str, now: i64) -> Result<bool, Refused<()>> {
        let mut made = false;
        cache.keys(client, Wanted::Url(url), at(now), || {
            made = true;
            Ok(Keys::Remote(RemoteJwks::new(url).unwrap()))
        })?;
        Ok(made)
    }

    fn given(cache: &mut Cache, client: &str, hash: u8, now: i64) -> Result<bool, Refused<()>> {
        let (mut made, hash) = (false, [hash; 32]);
        cache.keys(client, Wanted::Hash(hash), at(now), || {
            made = true;
            Ok(Keys::Given { hash, keys: Arc::default() })
        })?;
        Ok(made)
    }

    #[test]
    fn the_least_recently_used_leave_after_a_cool_down() {
        let mut cache = cache(2);
        assert_eq!(
            [fetched(&mut cache, "a", URL, 0), fetched(&mut cache, "b", URL, 1)],
            [Ok(true), Ok(true)]
        );
        assert_eq!(fetched(&mut cache, "a", URL, 2), Ok(false));
        assert_eq!(fetched(&mut cache, "c", URL, 30), Err(Refused::Full));
        assert_eq!(fetched(&mut cache, "c", URL, 31), Ok(true));
        // `a` was used after `b`, so `b` has left.
        assert_eq!(
            [fetched(&mut cache, "a", URL, 32), fetched(&mut cache, "c", URL, 32)],
            [Ok(false), Ok(false)]
        );
        assert_eq!(fetched(&mut cache, "b", URL, 33), Err(Refused::Full));
        assert_eq!(cache.len(), 2);
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nothing_forever() {
        let mut cache = cache(1);
        assert_eq!(fetched(&mut cache, "a", URL, 0), Ok(true));
        assert_eq!(fetched(&mut cache, "b", URL, -29), Err(Refused::Full));
        assert_eq!(fetched(&mut cache, "b", URL, -30), Ok(true));
    }

    #[test]
    fn keys_that_were_not_fetched_leave_at_once() {
        let mut cache = cache(1);
        assert_eq!([given(&mut cache, "a", 1, 0), given(&mut cache, "a", 1, 0)], [Ok(true), Ok(false)]);
        assert_eq!(given(&mut cache, "a", 2, 0), Ok(true));
        assert_eq!(given(&mut cache, "b", 1, 0), Ok(true));
        assert_eq!(fetched(&mut cache, "c", URL, 0), Ok(true));
        assert_eq!(given(&mut cache, "d", 1, 0), Err(Refused::Full));
    }

    #[test]
    fn a_client_that_changes_its_url_causes_one_fetch_per_cool_down() {
        let (mut cache, other) = (cache(1), "https://other.example/jwks");
        assert_eq!(fetched(&mut cache, "a", URL, 0), Ok(true));
        assert_eq!(fetched(&mut cache, "a", other, 29), Err(Refused::ChangedTwice));
        // Not by way of given keys either.
        assert_eq!(given(&mut cache, "a", 1, 29), Ok(true));
        assert_eq!(fetched(&mut cache, "a", other, 29), Err(Refused::ChangedTwice));
        assert_eq!(fetched(&mut cache, "a", other, 30), Ok(true));
        assert_eq!(fetched(&mut cache, "a", other, 31), Ok(false));
    }

    #[test]
    fn keys_that_cannot_be_made_push_nothing_out() {
        let mut cache = cache(1);
        assert_eq!(given(&mut cache, "a", 1, 0), Ok(true));
        let unusable = cache.keys("b", Wanted::Url("x"), at(0), || Err("x")).map(|_| ());
        assert_eq!(unusable, Err(Refused::Unusable("x")));
        assert_eq!(given(&mut cache, "a", 1, 0), Ok(false));
    }
}
