use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

#[cfg(any(test, feature = "rotation"))]
use super::signer::private_key;
use super::{KeyError, PrivateKey, PublicKey, Signer};
use crate::jose::{JwkSet, KeyId, jwk, moment};

/// The keys of one client: the key that signs, and further keys for the JWKS.
///
/// A key's life is published → active → retiring → gone. `publish` adds the key to the JWKS.
/// `activate` makes it sign; it is refused until every authorization server has had the
/// propagation time to read the JWKS again. The previous key is then retiring: it stays in the
/// JWKS, so that its signatures can still be checked, until `retire` removes it. `revoke` is for a
/// compromised key: it removes the key at once, and the client never falls back to it.
///
/// Clones share one ring, including the propagation time. A `TokenClient` built on a ring sees
/// every change. The ring has no clock: the caller passes the time to each step.
///
/// ```
/// use private_key_jwt::{Algorithm, KeyRing, PrivateKey};
/// use time::{Duration, OffsetDateTime};
///
/// let old = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
/// let new = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
/// let (old_id, new_id) = (old.key_id().clone(), new.key_id().clone());
///
/// let start = OffsetDateTime::UNIX_EPOCH;
/// let keys = KeyRing::from(old);
/// keys.publish(new, start)?;
/// assert!(keys.activate(&new_id, start).is_err()); // no server has read the JWKS yet
/// keys.activate(&new_id, start + Duration::minutes(10))?;
/// for key in keys.list() {
///     println!("{} is {} since {:?}", key.key_id, key.state, key.state.since());
/// }
/// keys.retire(&old_id, start + Duration::minutes(20))?;
/// assert_eq!(keys.jwks().keys().len(), 1);
/// # Ok::<(), private_key_jwt::keys::KeyError>(())
/// ```
#[derive(Clone)]
pub struct KeyRing {
    shared: Arc<RwLock<Shared>>,
}

struct Shared {
    entries: Vec<Entry>,
    propagation: Duration,
    /// What lives as long as any clone of the ring.
    #[cfg(feature = "rotation")]
    companion: Option<Box<dyn std::any::Any + Send + Sync>>,
}

/// A ring that is not kept alive.
#[cfg(feature = "rotation")]
#[derive(Clone)]
pub(crate) struct WeakKeyRing(std::sync::Weak<RwLock<Shared>>);

#[cfg(feature = "rotation")]
impl WeakKeyRing {
    /// The ring, unless the last clone of it was dropped.
    pub(crate) fn upgrade(&self) -> Option<KeyRing> {
        self.0.upgrade().map(|shared| KeyRing { shared })
    }
}

struct Entry {
    key_id: KeyId,
    signer: Arc<dyn Signer>,
    state: KeyState,
}

/// The active key of a ring, and those that signed before it and are still published.
#[cfg(feature = "client")]
pub(crate) struct SigningKeys {
    pub(crate) active: Arc<dyn Signer>,
    /// Whether servers may not know the active key yet.
    pub(crate) is_new: bool,
    /// In the order of publication, each with the time until which it was active.
    pub(crate) retiring: Vec<(Arc<dyn Signer>, OffsetDateTime)>,
}

/// A key of a [`KeyRing`], as [`KeyRing::list`] shows it. Serializes to its name, its state and
/// since when, such as `{"kid":"k2","state":"active","since":"2026-12-01T00:00:00Z"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RingKey {
    /// Its name: its `kid`, or its RFC 7638 thumbprint if it has none.
    #[serde(rename = "kid", serialize_with = "jwk::key_id_text")]
    pub key_id: KeyId,
    /// The state of the key.
    #[serde(flatten)]
    pub state: KeyState,
}

/// The state of a key of a [`KeyRing`], with the time when it began. Serializes to `state`, as
/// `Display` shows it, and `since`, in RFC 3339 or `null`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyState {
    /// In the JWKS since this time, but not signing yet.
    Published(OffsetDateTime),
    /// Signing since this time. `None` for the key that the ring was created with: it signs from
    /// the start.
    Active(Option<OffsetDateTime>),
    /// Signed until this time, and still in the JWKS.
    Retiring(OffsetDateTime),
}

impl KeyState {
    /// The time when the key entered this state, if known.
    #[must_use]
    pub const fn since(self) -> Option<OffsetDateTime> {
        match self {
            Self::Published(since) | Self::Retiring(since) => Some(since),
            Self::Active(since) => since,
        }
    }

    const fn is_active(self) -> bool {
        matches!(self, Self::Active(_))
    }
}

impl std::fmt::Display for KeyState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Published(_) => "published",
            Self::Active(_) => "active",
            Self::Retiring(_) => "retiring",
        })
    }
}

impl Serialize for KeyState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Members {
            state: String,
            #[serde(serialize_with = "moment::rfc3339")]
            since: Option<OffsetDateTime>,
        }
        Members { state: self.to_string(), since: self.since() }.serialize(serializer)
    }
}

impl KeyRing {
    /// The default propagation time: how long authorization servers have to read a JWKS again.
    /// Servers in the field do so after at most 300 s.
    pub const PROPAGATION: Duration = Duration::from_secs(300);

    /// A ring with one key, which is active at once. `KeyRing::from` does the same for a
    /// [`PrivateKey`].
    ///
    /// # Errors
    ///
    /// As [`PublicKey::from_jwk`] for a signer whose public key may not be used; [`KeyError::Jose`]
    /// and [`KeyError::OtherAlgorithm`] if its algorithm does not fit that key.
    pub fn new(signer: impl Signer + 'static) -> Result<Self, KeyError> {
        check(&signer)?;
        Ok(Self::of(signer))
    }

    fn of(signer: impl Signer + 'static) -> Self {
        let state = KeyState::Active(None);
        let entry = Entry { key_id: name(&signer), signer: Arc::new(signer), state };
        Self::holding(vec![entry])
    }

    fn holding(entries: Vec<Entry>) -> Self {
        let shared = Shared {
            entries,
            propagation: Self::PROPAGATION,
            #[cfg(feature = "rotation")]
            companion: None,
        };
        Self { shared: Arc::new(RwLock::new(shared)) }
    }

    /// A ring without keys, to be filled with [`Self::replace`].
    #[cfg(feature = "rotation")]
    pub(crate) fn empty() -> Self {
        Self::holding(Vec::new())
    }

    /// Drops this value when the last clone of the ring is dropped, so that something can work for
    /// the ring as long as it is used. It must not contain the ring.
    #[cfg(feature = "rotation")]
    pub(crate) fn accompany(&self, companion: impl std::any::Any + Send + Sync) {
        let former = self.write().companion.replace(Box::new(companion));
        drop(former);
    }

    /// The ring, without keeping it alive.
    #[cfg(feature = "rotation")]
    pub(crate) fn downgrade(&self) -> WeakKeyRing {
        WeakKeyRing(Arc::downgrade(&self.shared))
    }

    /// Sets the propagation time: the longest time that any authorization server keeps a copy of
    /// the JWKS. All clones of the ring share it. Default: [`KeyRing::PROPAGATION`].
    #[must_use]
    pub fn with_propagation(self, propagation: Duration) -> Self {
        self.write().propagation = propagation;
        self
    }

    /// The propagation time.
    #[must_use]
    pub fn propagation(&self) -> Duration {
        self.read().propagation
    }

    /// The keys of the ring, in the order of publication.
    #[must_use]
    pub fn list(&self) -> Vec<RingKey> {
        let shared = self.read();
        let keys = shared.entries.iter();
        keys.map(|entry| RingKey { key_id: entry.key_id.clone(), state: entry.state }).collect()
    }

    /// Adds a key to the JWKS. The key does not sign yet.
    ///
    /// # Errors
    ///
    /// [`KeyError::DuplicateKeyId`] if the ring already has a key with that name, and the errors of
    /// [`KeyRing::new`].
    pub fn publish(&self, signer: impl Signer + 'static, now: OffsetDateTime) -> Result<KeyId, KeyError> {
        check(&signer)?;
        let key_id = name(&signer);
        let mut shared = self.write();
        if shared.entries.iter().any(|entry| entry.key_id == key_id) {
            return Err(KeyError::DuplicateKeyId { key_id });
        }
        let state = KeyState::Published(now);
        shared.entries.push(Entry { key_id: key_id.clone(), signer: Arc::new(signer), state });
        Ok(key_id)
    }

    /// Signs with this key from now on. The previous key stays in the JWKS.
    ///
    /// If no key signs because the active one was revoked, there is no wait: the step is allowed at
    /// once.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotInRing`] if the ring has no such key; [`KeyError::TooEarly`] before the
    /// propagation time is over.
    pub fn activate(&self, key_id: &KeyId, now: OffsetDateTime) -> Result<(), KeyError> {
        let mut shared = self.write();
        let another_signs = shared.entries.iter().any(|entry| entry.state.is_active());
        if let KeyState::Published(since) = shared.state_of(key_id)?
            && another_signs
        {
            shared.wait(key_id, since, now)?;
        }
        for entry in &mut shared.entries {
            match (entry.key_id == *key_id, entry.state) {
                // Already signing: keep the time since when.
                (true, KeyState::Active(_)) => {}
                (true, _) => entry.state = KeyState::Active(Some(now)),
                (false, KeyState::Active(_)) => entry.state = KeyState::Retiring(now),
                (false, _) => {}
            }
        }
        Ok(())
    }

    /// Removes a key from the JWKS.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotInRing`] if the ring has no such key; [`KeyError::StillActive`] for the key
    /// that signs; [`KeyError::TooEarly`] until the propagation time has passed since the key last
    /// signed, because its signatures may still be in flight.
    pub fn retire(&self, key_id: &KeyId, now: OffsetDateTime) -> Result<(), KeyError> {
        let mut shared = self.write();
        match shared.state_of(key_id)? {
            KeyState::Active(_) => return Err(KeyError::StillActive { key_id: key_id.clone() }),
            KeyState::Retiring(since) => shared.wait(key_id, since, now)?,
            KeyState::Published(_) => {}
        }
        let removed = shared.remove(key_id);
        drop(shared);
        drop(removed);
        Ok(())
    }

    /// Removes a compromised key at once, active or not. If it was the active key, nothing signs
    /// until another key is activated. A name that is not in the ring is ignored.
    pub fn revoke(&self, key_id: &KeyId) {
        let removed = self.write().remove(key_id);
        drop(removed);
    }

    /// Replaces all keys at once, so that no caller sees a part of the change. The keys are in the
    /// order of publication, with unique names, and one of them is active, or none.
    ///
    /// A private key of this process that the ring already has stays the same value, so that a file
    /// that was read again does not count as another key: clients remember keys by their address.
    #[cfg(any(test, feature = "rotation"))]
    pub(crate) fn replace(&self, keys: Vec<(KeyId, Arc<dyn Signer>, KeyState)>) {
        let mut spare = Vec::new();
        let mut shared = self.write();
        let mut entries = Vec::with_capacity(keys.len());
        for (key_id, signer, state) in keys {
            let held = shared.entries.iter().find(|held| held.key_id == key_id);
            let held = held.filter(|held| is_same_key(held.signer.as_ref(), signer.as_ref()));
            let kept = held.map_or_else(|| Arc::clone(&signer), |held| Arc::clone(&held.signer));
            spare.push(signer);
            entries.push(Entry { key_id, signer: kept, state });
        }
        let removed = std::mem::replace(&mut shared.entries, entries);
        // Code of the user runs when a signer is dropped, and may use the ring.
        drop(shared);
        drop((removed, spare));
    }

    /// The key that signs.
    ///
    /// # Errors
    ///
    /// [`KeyError::NoActiveKey`] after the active key was revoked.
    pub fn active(&self) -> Result<Arc<dyn Signer>, KeyError> {
        self.read()
            .entries
            .iter()
            .find(|entry| entry.state.is_active())
            .map(|entry| Arc::clone(&entry.signer))
            .ok_or(KeyError::NoActiveKey)
    }

    /// The keys that may sign now or have signed, if one is active. A client falls back to the
    /// others while the active key is new: active for no longer than the propagation time or
    /// [`Self::PROPAGATION`], whichever is longer.
    #[cfg(feature = "client")]
    pub(crate) fn signing_keys(&self, now: OffsetDateTime) -> Option<SigningKeys> {
        let shared = self.read();
        let (active, since) = shared.entries.iter().find_map(|entry| match entry.state {
            KeyState::Active(since) => Some((Arc::clone(&entry.signer), since)),
            _ => None,
        })?;
        let is_new = since.is_some_and(|since| now < after(since, shared.propagation.max(Self::PROPAGATION)));
        let retiring = shared.entries.iter().filter_map(|entry| match entry.state {
            KeyState::Retiring(since) => Some((Arc::clone(&entry.signer), since)),
            _ => None,
        });
        Some(SigningKeys { active, is_new, retiring: retiring.collect() })
    }

    /// Whether this very key is active or retiring.
    #[cfg(feature = "client")]
    pub(crate) fn has_signing(&self, key: &Arc<dyn Signer>) -> bool {
        let is_signing = |state| matches!(state, KeyState::Active(_) | KeyState::Retiring(_));
        let shared = self.read();
        shared.entries.iter().any(|entry| Arc::ptr_eq(&entry.signer, key) && is_signing(entry.state))
    }

    /// Since when this key signs, if it is the active one: `Some(None)` for the key that the ring
    /// was created with.
    #[cfg(feature = "client")]
    pub(crate) fn active_since(&self, key_id: &KeyId) -> Option<Option<OffsetDateTime>> {
        self.read().entries.iter().filter(|entry| entry.key_id == *key_id).find_map(|entry| {
            match entry.state {
                KeyState::Active(since) => Some(since),
                _ => None,
            }
        })
    }

    /// The public keys of the ring (RFC 7517 §5), to be published to the other side.
    #[must_use]
    pub fn jwks(&self) -> JwkSet {
        let shared = self.read();
        shared
            .entries
            .iter()
            .map(|entry| entry.signer.public_jwk().clone().with_key_id(entry.key_id.clone()))
            .collect()
    }

    // Every step leaves the list consistent, so a panic elsewhere does not invalidate it.
    fn read(&self) -> RwLockReadGuard<'_, Shared> {
        self.shared.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shared> {
        self.shared.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Returns what was removed, to be dropped after the lock is released: code of the user runs
    /// when a signer is dropped, and may use the ring.
    #[must_use]
    fn remove(&mut self, key_id: &KeyId) -> Option<Entry> {
        let index = self.entries.iter().position(|entry| entry.key_id == *key_id)?;
        Some(self.entries.remove(index))
    }

    fn state_of(&self, key_id: &KeyId) -> Result<KeyState, KeyError> {
        let mut entries = self.entries.iter();
        let entry = entries.find(|entry| entry.key_id == *key_id);
        entry.map(|entry| entry.state).ok_or_else(|| KeyError::NotInRing { key_id: key_id.clone() })
    }

    fn wait(&self, key_id: &KeyId, since: OffsetDateTime, now: OffsetDateTime) -> Result<(), KeyError> {
        let ready = after(since, self.propagation);
        if now < ready { Err(KeyError::TooEarly { key_id: key_id.clone(), ready, now }) } else { Ok(()) }
    }
}

impl From<PrivateKey> for KeyRing {
    /// A ring with one key, which is active at once.
    fn from(key: PrivateKey) -> Self {
        Self::of(key)
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shared = self.read();
        f.debug_map().entries(shared.entries.iter().map(|entry| (&entry.key_id, entry.state))).finish()
    }
}

/// The name of a key in the ring: its `kid`, or else its thumbprint.
pub(crate) fn name(signer: &dyn Signer) -> KeyId {
    let jwk = signer.public_jwk();
    jwk.key_id().cloned().unwrap_or_else(|| jwk.thumbprint().to_string().into())
}

/// Whether both are the same private key of this process. Of keys outside, only their owner knows.
#[cfg(any(test, feature = "rotation"))]
fn is_same_key(one: &(dyn Signer + 'static), other: &(dyn Signer + 'static)) -> bool {
    let (one, other) = (private_key(one), private_key(other));
    one.zip(other).is_some_and(|(one, other)| one.public_jwk() == other.public_jwk())
}

/// A key outside this process must meet the same policy as a loaded key, before its first
/// signature.
fn check(signer: &dyn Signer) -> Result<(), KeyError> {
    PublicKey::from_jwk(signer.public_jwk())?.check_algorithm(signer.algorithm())
}

/// The time `time` after `since`, or the latest representable time.
pub(crate) fn after(since: OffsetDateTime, time: Duration) -> OffsetDateTime {
    since.saturating_add(time.try_into().unwrap_or(time::Duration::MAX))
}

#[cfg(test)]
mod tests;
