use super::*;
use crate::jose::{Algorithm, JoseError, Jwk, KeyParameters, Signature};
use crate::keys::BoxFuture;

/// A key service with arbitrary statements about itself.
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
    let short = Jwk::new(KeyParameters::Rsa { n: vec![0xff; 128], e: vec![1, 0, 1] });
    let public = include_bytes!("../../../testdata/keys/rsa2048.pub.pem");
    let rsa2048 = PublicKey::from_bytes(public).unwrap().jwk().clone();
    let refusal = |algorithm, jwk: Jwk| {
        let of_new = KeyRing::new(Arc::new(Remote(algorithm, jwk.clone()))).map(|_| ()).unwrap_err();
        let of_publish = KeyRing::from(key().0).publish(Remote(algorithm, jwk), at(0)).unwrap_err();
        assert_eq!(of_new.to_string(), of_publish.to_string());
        of_new
    };
    assert!(matches!(refusal(Algorithm::RS256, short), KeyError::RsaSize { bits: 1024 }));
    assert!(matches!(
        refusal(Algorithm::ES256, rsa2048.clone()),
        KeyError::Jose(JoseError::AlgorithmMismatch { algorithm: Algorithm::ES256, .. })
    ));
    // Its JWKS would tell the server to reject its signatures.
    assert!(matches!(
        refusal(Algorithm::RS256, rsa2048.clone().for_signatures(Algorithm::PS256).unwrap()),
        KeyError::OtherAlgorithm { found: Algorithm::RS256, .. }
    ));
    assert!(KeyRing::new(Arc::new(Remote(Algorithm::RS256, rsa2048))).is_ok());
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
    assert_eq!(
        ring.activate(&new_id, at(100)).unwrap_err().to_string(),
        format!("key `{new_id}` is not ready before 1970-01-01T00:05:00Z, 3 min 20 s in the future")
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
fn clones_share_the_propagation_time_whenever_they_were_made() {
    let ((old, _), (new, new_id)) = (key(), key());
    let ring = KeyRing::from(old);
    let clone = ring.clone();
    let _ = ring.clone().with_propagation(Duration::from_secs(60));
    clone.publish(new, at(0)).unwrap();
    let ready = at(60);
    assert!(
        matches!(clone.activate(&new_id, at(59)), Err(KeyError::TooEarly { ready: at, .. }) if at == ready)
    );
    ring.activate(&new_id, ready).unwrap();
}

#[test]
fn the_keys_of_a_ring_are_listed_with_what_they_do_and_since_when() {
    let ((old, old_id), (new, new_id), (third, third_id)) = (key(), key(), key());
    let ring = KeyRing::from(old);
    let list =
        |ring: &KeyRing| ring.list().into_iter().map(|key| (key.key_id, key.state)).collect::<Vec<_>>();
    assert_eq!(list(&ring), [(old_id.clone(), KeyState::Active(None))]);
    ring.publish(new, at(0)).unwrap();
    ring.activate(&new_id, at(300)).unwrap();
    ring.publish(third, at(301)).unwrap();
    let expected = [
        (old_id, KeyState::Retiring(at(300))),
        (new_id, KeyState::Active(Some(at(300)))),
        (third_id, KeyState::Published(at(301))),
    ];
    assert_eq!(list(&ring), expected);
    let states = ring.list().into_iter().map(|key| (key.state.to_string(), key.state.since()));
    let expected = [("retiring", 300), ("active", 300), ("published", 301)];
    assert!(states.eq(expected.map(|(state, since)| (state.to_owned(), Some(at(since))))));
    assert_eq!(KeyState::Active(None).since(), None);
    let json = serde_json::to_value(ring.list()).unwrap();
    let names = ring.list().into_iter().map(|key| key.key_id.as_str().to_owned()).collect::<Vec<_>>();
    let expected = serde_json::json!([
        {"kid": names[0], "state": "retiring", "since": "1970-01-01T00:05:00Z"},
        {"kid": names[1], "state": "active", "since": "1970-01-01T00:05:00Z"},
        {"kid": names[2], "state": "published", "since": "1970-01-01T00:05:01Z"},
    ]);
    assert_eq!(json, expected);
    let first = serde_json::to_string(&KeyRing::from(key().0).list()[0].state).unwrap();
    assert_eq!(first, r#"{"state":"active","since":null}"#);
}

#[test]
fn a_shared_signer_is_taken_as_the_signer_itself() {
    let ((first, first_id), (second, second_id)) = (key(), key());
    let shared: Arc<dyn Signer> = Arc::new(first);
    let ring = KeyRing::new(Arc::clone(&shared)).unwrap();
    assert_eq!(active(&ring), first_id);
    assert_eq!(ring.publish(Arc::new(second), at(0)).unwrap(), second_id);
    assert_eq!(ring.jwks().keys().first(), Some(shared.public_jwk()));
}

/// Uses its ring when it is dropped.
struct Leaving(PrivateKey, std::sync::Mutex<Option<KeyRing>>);

impl Drop for Leaving {
    fn drop(&mut self) {
        if let Some(ring) = self.1.lock().unwrap().take() {
            assert_eq!(ring.list().len(), 2);
            *LEFT.lock().unwrap() += 1;
        }
    }
}

static LEFT: std::sync::Mutex<u32> = std::sync::Mutex::new(0);

impl Signer for Leaving {
    fn algorithm(&self) -> Algorithm {
        self.0.algorithm()
    }

    fn public_jwk(&self) -> &Jwk {
        self.0.public_jwk()
    }

    fn sign<'a>(&'a self, signing_input: &'a [u8]) -> BoxFuture<'a, Result<Signature, KeyError>> {
        Box::pin(std::future::ready(self.0.sign(signing_input)))
    }
}

#[test]
fn all_keys_are_replaced_at_once_and_one_that_stays_is_the_same_value() {
    let ((old, old_id), (new, new_id), (outside, outside_id)) = (key(), key(), key());
    let shared = |signer: PrivateKey| -> Arc<dyn Signer> { Arc::new(signer) };
    let signer_of = |ring: &KeyRing, key_id: &KeyId| {
        let shared = ring.read();
        let entry = shared.entries.iter().find(|entry| entry.key_id == *key_id);
        Arc::clone(&entry.unwrap().signer)
    };
    let ring = KeyRing::from(old.clone());
    let held = signer_of(&ring, &old_id);
    let plan =
        [(old_id.clone(), KeyState::Retiring(at(300))), (new_id.clone(), KeyState::Active(Some(at(300))))];
    let listed =
        |ring: &KeyRing| ring.list().into_iter().map(|key| (key.key_id, key.state)).collect::<Vec<_>>();
    // Both files were read again.
    let keys = |old: PrivateKey, new: Arc<dyn Signer>| {
        let [(old_id, of_old), (new_id, of_new)] = plan.clone();
        vec![(old_id, shared(old), of_old), (new_id, new, of_new)]
    };
    let new = shared(new);
    ring.clone().replace(keys(old.clone(), Arc::clone(&new)));
    assert_eq!(listed(&ring), plan);
    assert!(Arc::ptr_eq(&signer_of(&ring, &old_id), &held) && Arc::ptr_eq(&ring.active().unwrap(), &new));
    // Another key of the same name is another key, as is one outside this process.
    ring.replace(vec![(old_id.clone(), shared(key().0), KeyState::Retiring(at(300)))]);
    assert!(!Arc::ptr_eq(&signer_of(&ring, &old_id), &held));
    let remote = |ring: Option<KeyRing>| -> Arc<dyn Signer> {
        Arc::new(Leaving(outside.clone(), std::sync::Mutex::new(ring)))
    };
    let (first, second) = (remote(Some(ring.clone())), remote(None));
    let one = |signer: &Arc<dyn Signer>| (outside_id.clone(), Arc::clone(signer), KeyState::Active(None));
    ring.replace(vec![one(&first)]);
    drop(first);
    // It uses the ring while it leaves, so the ring must not be locked.
    ring.replace(keys(old, new));
    assert_eq!((*LEFT.lock().unwrap(), listed(&ring)), (1, plan.to_vec()));
    ring.replace(vec![one(&second)]);
    assert!(Arc::ptr_eq(&ring.active().unwrap(), &second));
    // Nothing signs, and no key is left.
    ring.replace(vec![(old_id, shared(key().0), KeyState::Published(at(0)))]);
    assert!(matches!(ring.active().map(|_| ()), Err(KeyError::NoActiveKey)));
    ring.replace(Vec::new());
    assert_eq!((listed(&ring), ring.jwks().keys().len()), (Vec::new(), 0));
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

#[cfg(feature = "client")]
#[test]
fn the_active_key_is_new_for_a_while_and_the_keys_that_signed_are_in_the_order_of_publication() {
    let ((old, old_id), (new, new_id), (newest, newest_id)) = (key(), key(), key());
    let ring = KeyRing::from(old);
    let signing = |ring: &KeyRing, seconds| {
        let keys = ring.signing_keys(at(seconds)).unwrap();
        let retiring = keys.retiring.iter().map(|(key, until)| (name(key.as_ref()), *until));
        (name(keys.active.as_ref()), keys.is_new, retiring.collect::<Vec<_>>())
    };
    ring.publish(new, at(0)).unwrap();
    ring.publish(newest, at(0)).unwrap();
    assert_eq!(signing(&ring, 0), (old_id.clone(), false, vec![]));
    ring.activate(&new_id, at(300)).unwrap();
    for (seconds, is_new) in [(0, true), (300, true), (599, true), (600, false), (9000, false)] {
        let expected = (new_id.clone(), is_new, vec![(old_id.clone(), at(300))]);
        assert_eq!(signing(&ring, seconds), expected, "{seconds}");
    }
    // Activating it again does not make it newer.
    ring.activate(&new_id, at(599)).unwrap();
    assert!(!signing(&ring, 600).1);
    // The propagation time counts if it is longer.
    assert!(signing(&ring.clone().with_propagation(Duration::from_secs(400)), 699).1);
    assert!(signing(&ring.clone().with_propagation(Duration::ZERO), 599).1);
    ring.activate(&newest_id, at(700)).unwrap();
    let both = vec![(old_id.clone(), at(300)), (new_id.clone(), at(700))];
    assert_eq!(signing(&ring, 700), (newest_id.clone(), true, both));
    // Rotations back: the order of publication stays.
    ring.activate(&old_id, at(701)).unwrap();
    let both = vec![(new_id.clone(), at(700)), (newest_id.clone(), at(701))];
    assert_eq!(signing(&ring, 701), (old_id.clone(), true, both));
    // Never one that was removed.
    ring.revoke(&new_id);
    assert_eq!(signing(&ring, 701), (old_id.clone(), true, vec![(newest_id.clone(), at(701))]));
    ring.retire(&newest_id, at(1001)).unwrap();
    assert_eq!(signing(&ring, 1001), (old_id.clone(), false, vec![]));
    ring.revoke(&old_id);
    assert!(ring.signing_keys(at(1001)).is_none());
}

#[cfg(feature = "client")]
#[test]
fn only_a_key_that_is_active_or_retiring_may_sign() {
    let ((old, old_id), (new, new_id)) = (key(), key());
    let ring = KeyRing::from(old);
    let first = ring.active().unwrap();
    assert!(ring.has_signing(&first));
    // A key of another ring.
    assert!(!ring.has_signing(&KeyRing::from(key().0).active().unwrap()));
    ring.publish(new, at(0)).unwrap();
    let published = Arc::clone(&ring.read().entries[1].signer);
    assert!(!ring.has_signing(&published));
    ring.activate(&new_id, at(300)).unwrap();
    assert!(ring.has_signing(&published) && ring.has_signing(&first));
    ring.revoke(&old_id);
    assert!(!ring.has_signing(&first));
}

#[cfg(feature = "rotation")]
#[test]
fn a_companion_lives_as_long_as_the_last_clone_of_its_ring() {
    let (companion, ring) = (Arc::new(()), KeyRing::empty());
    ring.accompany(Arc::clone(&companion));
    let (clone, weak) = (ring.clone(), ring.downgrade());
    assert!(matches!(ring.active().map(|_| ()), Err(KeyError::NoActiveKey)));
    drop(ring);
    assert_eq!((Arc::strong_count(&companion), weak.upgrade().is_some()), (2, true));
    // Another companion replaces the first.
    clone.accompany(());
    assert_eq!(Arc::strong_count(&companion), 1);
    clone.accompany(Arc::clone(&companion));
    drop(clone);
    assert_eq!((Arc::strong_count(&companion), weak.upgrade().is_none()), (1, true));
}
