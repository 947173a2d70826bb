use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use time::OffsetDateTime;

use super::{KeyError, PrivateKey, PublicKey, Signer};
use crate::jose::{JwkSet, KeyId};

/// The keys of one client: one that signs, and those that the other side should know as well.
///
/// A key's life is publish → activate → retire. `publish` puts it into the JWKS; `activate` is refused until every
/// authorization server has had the propagation time to read the JWKS again; the key that signed before stays in the
/// JWKS, so that what it signed can still be checked, and `retire` takes it out. `revoke` is for a compromised key:
/// it is gone at once and never fallen back to.
///
/// The ring is shared: clones are the same ring, and a `TokenClient` built on one sees every change. It has no
/// clock; each step is told the time.
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
/// assert!(keys.activate(&new_id, start).is_err()); // nobody has read the JWKS yet
/// keys.activate(&new_id, start + Duration::minutes(10))?;
/// keys.retire(&old_id, start + Duration::minutes(20))?;
/// assert_eq!(keys.jwks().keys().len(), 1);
/// # Ok::<(), private_key_jwt::keys::KeyError>(())
/// ```
#[derive(Clone)]
pub struct KeyRing {
    entries: Arc<RwLock<Vec<Entry>>>,
    propagation: Duration,
}

struct Entry {
    key_id: KeyId,
    signer: Arc<dyn Signer>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the JWKS since then, not signing yet.
    Published(OffsetDateTime),
    /// Signing, since then if it did not from the start.
    Active(Option<OffsetDateTime>),
    /// In the JWKS, signing no more since then.
    Resting(OffsetDateTime),
}

impl State {
    const fn is_active(self) -> bool {
        matches!(self, Self::Active(_))
    }
}

impl KeyRing {
    /// How long authorization servers are given to read a JWKS again, unless the ring is told otherwise: those in
    /// the field read it after at most 300 s.
    pub const PROPAGATION: Duration = Duration::from_secs(300);

    /// A ring of one key, which is active at once. For a [`PrivateKey`], `KeyRing::from` does the same.
    ///
    /// # Errors
    ///
    /// As [`PublicKey::from_jwk`] for a signer whose public key may not be used; [`KeyError::Jose`] and
    /// [`KeyError::OtherAlgorithm`] when its algorithm does not fit that key.
    pub fn new(signer: Arc<dyn Signer>) -> Result<Self, KeyError> {
        check(signer.as_ref())?;
        Ok(Self::of(signer))
    }

    fn of(signer: Arc<dyn Signer>) -> Self {
        let entry = Entry { key_id: name(signer.as_ref()), signer, state: State::Active(None) };
        Self { entries: Arc::new(RwLock::new(vec![entry])), propagation: Self::PROPAGATION }
    }

    /// Sets the propagation time: the longest that any authorization server keeps a copy of the JWKS. It goes with
    /// this value and the clones that are made of it, not with clones that were made before.
    #[must_use]
    pub const fn with_propagation(mut self, propagation: Duration) -> Self {
        self.propagation = propagation;
        self
    }

    /// Puts a key into the JWKS; it does not sign yet.
    ///
    /// # Errors
    ///
    /// [`KeyError::DuplicateKeyId`] when a key of that name is in the ring, and those of [`KeyRing::new`].
    pub fn publish(&self, signer: impl Signer + 'static, now: OffsetDateTime) -> Result<KeyId, KeyError> {
        check(&signer)?;
        let key_id = name(&signer);
        let mut entries = self.write();
        if entries.iter().any(|entry| entry.key_id == key_id) {
            return Err(KeyError::DuplicateKeyId { key_id });
        }
        let entry = Entry { key_id: key_id.clone(), signer: Arc::new(signer), state: State::Published(now) };
        entries.push(entry);
        Ok(key_id)
    }

    /// Signs with this key from now on. The one that signed before stays in the JWKS.
    ///
    /// When no key signs, because the active one was revoked, there is no wait: the step is allowed at once.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotInRing`]; [`KeyError::TooEarly`] before the propagation time is over.
    pub fn activate(&self, key_id: &KeyId, now: OffsetDateTime) -> Result<(), KeyError> {
        let mut entries = self.write();
        let somebody_signs = entries.iter().any(|entry| entry.state.is_active());
        let state = state_of(&entries, key_id)?;
        if let State::Published(since) = state
            && somebody_signs
        {
            self.wait(key_id, since, now)?;
        }
        for entry in entries.iter_mut() {
            match (entry.key_id == *key_id, entry.state) {
                // Already signing: it does so since when it did.
                (true, State::Active(_)) => {}
                (true, _) => entry.state = State::Active(Some(now)),
                (false, State::Active(_)) => entry.state = State::Resting(now),
                (false, _) => {}
            }
        }
        Ok(())
    }

    /// Takes a key out of the JWKS.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotInRing`]; [`KeyError::StillActive`] for the key that signs; [`KeyError::TooEarly`] until the
    /// propagation time has passed since it signed last: what it signed may still be on its way.
    pub fn retire(&self, key_id: &KeyId, now: OffsetDateTime) -> Result<(), KeyError> {
        let mut entries = self.write();
        match state_of(&entries, key_id)? {
            State::Active(_) => return Err(KeyError::StillActive { key_id: key_id.clone() }),
            State::Resting(since) => self.wait(key_id, since, now)?,
            State::Published(_) => {}
        }
        entries.retain(|entry| entry.key_id != *key_id);
        Ok(())
    }

    /// Takes a compromised key out at once, active or not. When it was the active one, nothing signs until another
    /// key is activated. A name that is not in the ring is ignored.
    pub fn revoke(&self, key_id: &KeyId) {
        self.write().retain(|entry| entry.key_id != *key_id);
    }

    /// The key that signs.
    ///
    /// # Errors
    ///
    /// [`KeyError::NoActiveKey`] after the active key was revoked.
    pub fn active(&self) -> Result<Arc<dyn Signer>, KeyError> {
        self.read()
            .iter()
            .find(|entry| entry.state.is_active())
            .map(|entry| Arc::clone(&entry.signer))
            .ok_or(KeyError::NoActiveKey)
    }

    /// The key that signed before the active one and is still in the JWKS, while the active one is new: not longer
    /// active than the propagation time, or than [`Self::PROPAGATION`] where that is more. A server that has not read
    /// the JWKS again knows that one.
    #[cfg(feature = "client")]
    pub(crate) fn previous(&self, now: OffsetDateTime) -> Option<Arc<dyn Signer>> {
        let entries = self.read();
        let since = entries.iter().find_map(|entry| match entry.state {
            State::Active(since) => since,
            _ => None,
        })?;
        let is_new = now < after(since, self.propagation.max(Self::PROPAGATION));
        let resting = entries.iter().filter_map(|entry| match entry.state {
            State::Resting(since) => Some((since, &entry.signer)),
            _ => None,
        });
        let (_, last) = resting.filter(|_| is_new).max_by_key(|(since, _)| *since)?;
        Some(Arc::clone(last))
    }

    /// The public keys of the ring (RFC 7517 §5): what the other side needs to know.
    #[must_use]
    pub fn jwks(&self) -> JwkSet {
        let entries = self.read();
        entries
            .iter()
            .map(|entry| entry.signer.public_jwk().clone().with_key_id(entry.key_id.clone()))
            .collect()
    }

    fn wait(&self, key_id: &KeyId, since: OffsetDateTime, now: OffsetDateTime) -> Result<(), KeyError> {
        let ready = after(since, self.propagation);
        if now < ready { Err(KeyError::TooEarly { key_id: key_id.clone(), ready }) } else { Ok(()) }
    }

    // No step leaves the list half-changed, so a panic elsewhere does not spoil it.
    fn read(&self) -> RwLockReadGuard<'_, Vec<Entry>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<Entry>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<PrivateKey> for KeyRing {
    /// A ring of one key, which is active at once.
    fn from(key: PrivateKey) -> Self {
        Self::of(Arc::new(key))
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let entries = self.read();
        f.debug_map().entries(entries.iter().map(|entry| (&entry.key_id, entry.state))).finish()
    }
}

/// The name of a key in the ring: its `kid`, or else its thumbprint.
pub(crate) fn name(signer: &dyn Signer) -> KeyId {
    let jwk = signer.public_jwk();
    jwk.key_id().cloned().unwrap_or_else(|| jwk.thumbprint().to_string().into())
}

/// A key outside this process is held to the same policy as one that was loaded here, and before its first signature.
fn check(signer: &dyn Signer) -> Result<(), KeyError> {
    PublicKey::from_jwk(signer.public_jwk())?.check_algorithm(signer.algorithm())
}

fn state_of(entries: &[Entry], key_id: &KeyId) -> Result<State, KeyError> {
    entries
        .iter()
        .find(|entry| entry.key_id == *key_id)
        .map(|entry| entry.state)
        .ok_or_else(|| KeyError::NotInRing { key_id: key_id.clone() })
}

/// So long after, or the last time that there is.
pub(crate) fn after(since: OffsetDateTime, time: Duration) -> OffsetDateTime {
    since.saturating_add(time.try_into().unwrap_or(time::Duration::MAX))
}

#[cfg(test)]
mod tests;
