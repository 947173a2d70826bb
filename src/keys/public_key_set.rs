use std::collections::HashMap;
use std::sync::OnceLock;

use super::{KeyError, PublicKey};
use crate::jose::error::excerpt;
use crate::jose::{Algorithm, JoseError, Jwk, JwkSet, KeyId};

/// The public keys of one party, ready to check signatures: a [`JwkSet`] whose keys are found by their name and parsed
/// once, when they are first needed. Make one and keep it; it can be shared by any number of threads.
///
/// A single [`PublicKey`] makes a set too, such as that of a certificate. When it has no `kid` of its own, it goes by
/// any name.
///
/// ```
/// use private_key_jwt::{Algorithm, JwkSet, PrivateKey, PublicKeySet};
///
/// let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
/// let keys = PublicKeySet::from(JwkSet::from(key.public_jwk().clone()));
/// let public = keys.select(Some(key.key_id()), Algorithm::ES256)?;
/// public.verify(b"signed", &key.sign(b"signed")?)?;
/// # Ok::<(), private_key_jwt::keys::KeyError>(())
/// ```
#[derive(Debug, Default)]
pub struct PublicKeySet {
    entries: Vec<Entry>,
    /// Where the keys of each name stand in `entries`.
    by_name: HashMap<KeyId, Vec<usize>>,
    goes_by_any_name: bool,
}

#[derive(Debug)]
struct Entry {
    jwk: Jwk,
    parsed: OnceLock<PublicKey>,
}

impl PublicKeySet {
    /// The one key that a signature with this header can have been made with.
    ///
    /// With a `kid`, keys of that name that fit the algorithm; without one, every key that fits. Exactly one must
    /// remain: two are refused rather than tried in turn.
    ///
    /// # Errors
    ///
    /// [`KeyError::Jose`] with [`NoMatchingKey`](JoseError::NoMatchingKey) or
    /// [`AmbiguousKey`](JoseError::AmbiguousKey); those of [`PublicKey::from_jwk`] when the key may not be used.
    pub fn select(&self, key_id: Option<&KeyId>, algorithm: Algorithm) -> Result<&PublicKey, KeyError> {
        let found = match (key_id, self.entries.as_slice()) {
            // Compared sooner than hashed.
            (Some(key_id), [lone]) if lone.jwk.key_id() == Some(key_id) => {
                only([lone].into_iter(), algorithm)
            }
            (Some(key_id), _) if !self.goes_by_any_name => {
                let places = self.by_name.get(key_id).map(Vec::as_slice).unwrap_or_default();
                only(places.iter().filter_map(|place| self.entries.get(*place)), algorithm)
            }
            (_, entries) => only(entries.iter(), algorithm),
        };
        let kid = || key_id.map(|key_id| excerpt(key_id.as_str()));
        match found {
            Ok(entry) => entry.key(),
            Err(0) => Err(JoseError::NoMatchingKey { kid: kid(), algorithm }.into()),
            Err(found) => Err(JoseError::AmbiguousKey { kid: kid(), algorithm, found }.into()),
        }
    }
}

/// The only entry that fits the algorithm, or how many there are.
fn only<'a>(entries: impl Iterator<Item = &'a Entry>, algorithm: Algorithm) -> Result<&'a Entry, usize> {
    let mut fitting = entries.filter(|entry| entry.jwk.verifies(algorithm));
    let first = fitting.next().ok_or(0_usize)?;
    match fitting.count() {
        0 => Ok(first),
        more => Err(more + 1),
    }
}

impl Entry {
    /// A key that cannot be used is tried again each time: the error is not kept, only its cause.
    fn key(&self) -> Result<&PublicKey, KeyError> {
        match self.parsed.get() {
            Some(key) => Ok(key),
            None => {
                let key = PublicKey::from_jwk(&self.jwk)?;
                Ok(self.parsed.get_or_init(|| key))
            }
        }
    }
}

impl From<JwkSet> for PublicKeySet {
    fn from(jwks: JwkSet) -> Self {
        let mut set = Self::default();
        for (place, jwk) in jwks.into_keys().enumerate() {
            if let Some(key_id) = jwk.key_id() {
                set.by_name.entry(key_id.clone()).or_default().push(place);
            }
            set.entries.push(Entry { jwk, parsed: OnceLock::new() });
        }
        set
    }
}

impl From<PublicKey> for PublicKeySet {
    fn from(key: PublicKey) -> Self {
        let jwk = key.jwk().clone();
        Self {
            goes_by_any_name: jwk.key_id().is_none(),
            by_name: jwk.key_id().map(|key_id| (key_id.clone(), vec![0])).into_iter().collect(),
            // As it is, and not from its JWK: a certificate may restrict it further.
            entries: vec![Entry { jwk, parsed: key.into() }],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn set(keys: &[&str]) -> PublicKeySet {
        let keys: Vec<String> =
            keys.iter().map(|more| format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}"{more}}}"#)).collect();
        JwkSet::from_json(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes()).unwrap().into()
    }

    fn refusal(set: &PublicKeySet, key_id: Option<&str>, algorithm: Algorithm) -> JoseError {
        match set.select(key_id.map(KeyId::from).as_ref(), algorithm) {
            Err(KeyError::Jose(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn exactly_one_key_must_fit() {
        let algorithm = Algorithm::EdDSA;
        let both = set(&[r#","kid":"a""#, r#","kid":"b""#]);
        assert_eq!(both.select(Some(&"b".into()), algorithm).unwrap().jwk().key_id(), Some(&"b".into()));
        assert_eq!(
            refusal(&both, None, algorithm),
            JoseError::AmbiguousKey { kid: None, algorithm, found: 2 }
        );
        assert_eq!(
            refusal(&both, Some("c"), algorithm),
            JoseError::NoMatchingKey { kid: Some("c".to_owned()), algorithm }
        );
        assert_eq!(
            refusal(&both, Some("a"), Algorithm::ES256),
            JoseError::NoMatchingKey { kid: Some("a".to_owned()), algorithm: Algorithm::ES256 }
        );
        assert!(set(&[""]).select(None, algorithm).is_ok());
        assert_eq!(
            refusal(&set(&[""]), Some("a"), algorithm),
            JoseError::NoMatchingKey { kid: Some("a".to_owned()), algorithm }
        );
        let same_kid = set(&[r#","kid":"a","use":"enc""#, r#","kid":"a""#]);
        let key = same_kid.select(Some(&"a".into()), algorithm).unwrap();
        assert_eq!(key.jwk().public_key_use(), None);
    }

    #[test]
    fn a_key_is_parsed_once() {
        let set = set(&[r#","kid":"a""#]);
        let [first, again] = [0, 1].map(|_| set.select(Some(&"a".into()), Algorithm::EdDSA).unwrap());
        assert!(std::ptr::eq(first, again));
    }

    #[test]
    fn a_key_that_may_not_be_used_is_refused_each_time() {
        let small = Jwk::new(crate::jose::KeyParameters::Rsa { n: vec![0xff; 128], e: vec![1, 0, 1] });
        let set = PublicKeySet::from(JwkSet::from(small));
        for _ in 0..2 {
            let refused = set.select(None, Algorithm::RS256);
            assert!(matches!(refused, Err(KeyError::RsaSize { bits: 1024 })), "{refused:?}");
        }
    }

    #[test]
    fn a_single_key_without_a_name_goes_by_any() {
        let key = |more: &str| {
            let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}"{more}}}"#);
            PublicKeySet::from(PublicKey::from_bytes(jwk.as_bytes()).unwrap())
        };
        for key_id in [None, Some(&"any".into())] {
            assert!(key("").select(key_id, Algorithm::EdDSA).is_ok());
        }
        assert_eq!(
            refusal(&key(r#","kid":"a""#), Some("b"), Algorithm::EdDSA),
            JoseError::NoMatchingKey { kid: Some("b".to_owned()), algorithm: Algorithm::EdDSA }
        );
    }
}
