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
    /// Signing.
    Active,
    /// In the JWKS, signing no more since then.
    Resting(OffsetDateTime),
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
        let entry = Entry { key_id: name(signer.as_ref()), signer, state: State::Active };
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
        let somebody_signs = entries.iter().any(|entry| entry.state == State::Active);
        let state = state_of(&entries, key_id)?;
        if let State::Published(since) = state
            && somebody_signs
        {
            self.wait(key_id, since, now)?;
        }
        for entry in entries.iter_mut() {
            if entry.key_id == *key_id {
                entry.state = State::Active;
            } else if entry.state == State::Active {
                entry.state = State::Resting(now);
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
            State::Active => return Err(KeyError::StillActive { key_id: key_id.clone() }),
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
            .find(|entry| entry.state == State::Active)
            .map(|entry| Arc::clone(&entry.signer))
            .ok_or(KeyError::NoActiveKey)
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
        let ready = since.saturating_add(self.propagation.try_into().unwrap_or(time::Duration::MAX));
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

fn name(signer: &dyn Signer) -> KeyId {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::{Algorithm, JoseError, Jwk, KeyParameters, Signature};
    use crate::keys::BoxFuture;

    /// A key service that says of itself what it likes.
    struct Remote(Algorithm, Jwk);

    impl Signer for Remote {
        fn algorithm(&self) -> Algorithm {
            self.0
        }

        fn public_jwk(&self) -> &Jwk {
            &self.1
        }

        fn sign<'a>(&'a self, _: &'a [u8]) -> BoxFuture<'a, Result<Signature, KeyError>> {
            Box::pin(std::future::ready(Err(KeyError::Signing)))
        }
    }

    #[test]
    fn a_remote_key_is_held_to_the_policy_before_its_first_signature() {
        let rsa = |bits: usize| Jwk::new(KeyParameters::Rsa { n: vec![0xff; bits / 8], e: vec![1, 0, 1] });
        let refusal = |algorithm, jwk: Jwk| {
            let of_new = KeyRing::new(Arc::new(Remote(algorithm, jwk.clone()))).map(|_| ()).unwrap_err();
            let of_publish = KeyRing::from(key().0).publish(Remote(algorithm, jwk), at(0)).unwrap_err();
            assert_eq!(of_new.to_string(), of_publish.to_string());
            of_new
        };
        assert!(matches!(refusal(Algorithm::RS256, rsa(1024)), KeyError::RsaSize { bits: 1024 }));
        assert!(matches!(
            refusal(Algorithm::ES256, rsa(2048)),
            KeyError::Jose(JoseError::AlgorithmMismatch { algorithm: Algorithm::ES256, .. })
        ));
        // Its JWKS would tell the server to refuse what it signs.
        assert!(matches!(
            refusal(Algorithm::RS256, rsa(2048).for_signatures(Algorithm::PS256).unwrap()),
            KeyError::OtherAlgorithm { found: Algorithm::RS256, .. }
        ));
        assert!(KeyRing::new(Arc::new(Remote(Algorithm::RS256, rsa(2048)))).is_ok());
    }

    const START: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn key() -> (PrivateKey, KeyId) {
        let key = PrivateKey::generate(Algorithm::EdDSA).unwrap().private_key().unwrap();
        let key_id = key.key_id().clone();
        (key, key_id)
    }

    fn at(seconds: i64) -> OffsetDateTime {
        START + time::Duration::seconds(seconds)
    }

    fn active(ring: &KeyRing) -> KeyId {
        name(ring.active().unwrap().as_ref())
    }

    #[test]
    fn a_rotation_keeps_both_keys_published_while_it_matters() {
        let ((old, old_id), (new, new_id)) = (key(), key());
        let ring = KeyRing::from(old);
        ring.publish(new, at(0)).unwrap();
        assert_eq!((ring.jwks().keys().len(), active(&ring)), (2, old_id.clone()));
        assert!(
            matches!(ring.activate(&new_id, at(299)), Err(KeyError::TooEarly { ready, .. }) if ready == at(300))
        );
        assert!(matches!(ring.retire(&old_id, at(299)), Err(KeyError::StillActive { .. })));
        ring.activate(&new_id, at(300)).unwrap();
        assert_eq!((ring.jwks().keys().len(), active(&ring)), (2, new_id.clone()));
        assert!(
            matches!(ring.retire(&old_id, at(599)), Err(KeyError::TooEarly { ready, .. }) if ready == at(600))
        );
        ring.retire(&old_id, at(600)).unwrap();
        assert_eq!(ring.jwks().keys().len(), 1);
        assert!(matches!(ring.activate(&old_id, at(600)), Err(KeyError::NotInRing { .. })));
    }

    #[test]
    fn a_revoked_key_is_gone_and_nothing_takes_its_place_by_itself() {
        let ((bad, bad_id), (new, new_id)) = (key(), key());
        let ring = KeyRing::from(bad);
        ring.publish(new, at(0)).unwrap();
        ring.revoke(&bad_id);
        assert!(matches!(ring.active().map(|_| ()), Err(KeyError::NoActiveKey)));
        assert_eq!(ring.jwks().keys().len(), 1);
        ring.activate(&new_id, at(1)).unwrap();
        assert_eq!(active(&ring), new_id);
    }

    #[test]
    fn names_are_unique_and_clones_share_the_ring() {
        let (key, key_id) = key();
        let ring = KeyRing::from(key.clone());
        assert!(
            matches!(ring.clone().publish(key, at(0)), Err(KeyError::DuplicateKeyId { key_id: id }) if id == key_id)
        );
        let (other, other_id) = self::key();
        ring.clone().publish(other, at(0)).unwrap();
        assert_eq!(ring.jwks().keys().len(), 2);
        ring.retire(&other_id, at(0)).unwrap();
    }

    #[test]
    fn the_previous_key_can_be_activated_again_without_waiting() {
        let ((old, old_id), (new, new_id)) = (key(), key());
        let ring = KeyRing::from(old);
        ring.publish(new, at(0)).unwrap();
        ring.activate(&new_id, at(300)).unwrap();
        ring.activate(&old_id, at(301)).unwrap();
        assert_eq!(active(&ring), old_id);
    }
}
