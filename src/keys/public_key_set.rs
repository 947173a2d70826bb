mod entry;
mod mismatch;
mod thumbprint;

use std::collections::HashMap;
use std::sync::OnceLock;

use super::health::Allowance;
use super::{KeyError, PublicKey};
use crate::jose::error::{excerpt, unlike};
use crate::jose::{Algorithm, Header, JoseError, Jwk, JwkSet, KeyId, KeyMismatch, SkippedJwk};
use entry::{Entry, Wanted};

/// The public keys of one party, ready to check signatures: a [`JwkSet`] that finds keys by name
/// and parses each key once, when it is first needed. Make one set and keep it; any number of
/// threads can share it.
///
/// A single [`PublicKey`], such as that of a certificate, also makes a set. If that key has no
/// `kid`, it matches any name.
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
    /// The positions in `entries` of the keys with each name.
    by_name: HashMap<KeyId, Vec<usize>>,
    /// For the error when a token names a skipped key.
    skipped: Vec<SkippedJwk>,
    goes_by_any_name: bool,
    /// The budget for the checks of all keys together.
    allowance: Allowance,
}

impl PublicKeySet {
    /// Returns the one key that can have made a signature with this name and algorithm.
    ///
    /// With a `kid`, the candidates are the keys with that name that fit the algorithm; without
    /// one, all keys that fit. Exactly one must remain: two are rejected rather than tried in turn.
    /// Entries with the same key parameters count as one key, regardless of their names and
    /// metadata. An entry whose `use`, `key_ops` or `alg` rules out the algorithm is not a
    /// candidate.
    ///
    /// # Errors
    ///
    /// [`KeyError::Jose`] with [`NoMatchingKey`](JoseError::NoMatchingKey), which says why, or
    /// [`AmbiguousKey`](JoseError::AmbiguousKey); the errors of [`PublicKey::from_jwk`] if the key
    /// may not be used.
    pub fn select(&self, key_id: Option<&KeyId>, algorithm: Algorithm) -> Result<&PublicKey, KeyError> {
        self.find(Wanted { key_id, algorithm, x5t_s256: None, x5t: None })
    }

    /// As [`PublicKeySet::select`], for the header of a JWS. If several keys remain, the header's
    /// certificate thumbprint (`x5t#S256`, else `x5t`, RFC 7515 §4.1.7 and §4.1.8) chooses among
    /// them; AD FS sends a thumbprint instead of a `kid`.
    ///
    /// A key matches the thumbprint of the first certificate in its `x5c` and the one that its JWK
    /// states. If the two contradict each other, the certificate wins: the stated thumbprint counts
    /// only if no certificate in the set has it. A key without either is chosen if it is the only
    /// such key and no other key has the thumbprint. A wrong choice has one effect: the signature
    /// does not verify.
    ///
    /// # Errors
    ///
    /// As [`PublicKeySet::select`].
    pub fn key_for(&self, header: &Header) -> Result<&PublicKey, KeyError> {
        self.find(Wanted {
            key_id: header.key_id.as_ref(),
            algorithm: header.algorithm,
            x5t_s256: header.x5t_s256.as_deref(),
            x5t: header.x5t.as_deref(),
        })
    }

    /// Every key in the order of the set, or the reason why it cannot be used.
    #[cfg(feature = "dev-server")]
    pub(crate) fn parsed(&self) -> impl Iterator<Item = Result<&PublicKey, KeyError>> {
        self.entries.iter().map(|entry| entry.key(&self.allowance))
    }

    /// The name of each key in the order of the set, or its thumbprint if it has none.
    #[cfg(feature = "client")]
    pub(crate) fn names(&self) -> Vec<KeyId> {
        let name = |jwk: &Jwk| jwk.key_id().cloned().unwrap_or_else(|| jwk.thumbprint().to_string().into());
        self.entries.iter().map(|entry| name(&entry.jwk)).collect()
    }

    fn find(&self, wanted: Wanted<'_>) -> Result<&PublicKey, KeyError> {
        match (wanted.key_id, self.entries.as_slice()) {
            // A comparison is faster than a hash.
            (Some(key_id), [lone]) if lone.jwk.key_id() == Some(key_id) => {
                self.among(std::iter::once(lone), wanted)
            }
            (Some(key_id), _) if !self.goes_by_any_name => {
                let places = self.by_name.get(key_id).map(Vec::as_slice).unwrap_or_default();
                self.among(places.iter().filter_map(|place| self.entries.get(*place)), wanted)
            }
            (_, entries) => self.among(entries.iter(), wanted),
        }
    }

    fn among<'a>(
        &'a self,
        candidates: impl Iterator<Item = &'a Entry> + Clone,
        wanted: Wanted<'_>,
    ) -> Result<&'a PublicKey, KeyError> {
        let fitting = candidates.clone().filter(|entry| entry.jwk.verifies(wanted.algorithm));
        if let Some(reason) = self.skipped_by_thumbprint(fitting.clone(), wanted) {
            return Err(self.no_match(reason, wanted));
        }
        if let Some(key) = only(fitting.clone(), &self.allowance) {
            return key;
        }
        if fitting.clone().next().is_none() {
            return Err(self.no_match(self.mismatch(candidates, wanted), wanted));
        }
        let ambiguous = |found| {
            KeyError::from(JoseError::AmbiguousKey {
                kid: self.kid(wanted),
                algorithm: wanted.algorithm,
                found,
            })
        };
        let chosen = |by: &dyn Fn(&Entry) -> bool| {
            let chosen = fitting.clone().filter(|entry| by(entry));
            chosen.clone().next()?;
            Some(only(chosen.clone(), &self.allowance).unwrap_or_else(|| Err(ambiguous(count(chosen)))))
        };
        for (found, kind) in wanted.thumbprints() {
            let of_certificate = |entry: &Entry| entry.of_certificate(kind) == Some(found);
            let stated = |entry: &Entry| entry.stated(kind) == Some(found);
            if let Some(key) = chosen(&of_certificate).or_else(|| chosen(&stated)) {
                return key;
            }
        }
        let Some((found, kind)) = wanted.thumbprints().next() else {
            return Err(ambiguous(count(fitting)));
        };
        if let Some(key) =
            chosen(&|entry| wanted.thumbprints().all(|(_, kind)| entry.thumbprint(kind).is_none()))
        {
            return key;
        }
        let known = fitting.clone().filter_map(|entry| entry.thumbprint(kind)).map(excerpt);
        let known = known.take(KeyMismatch::MOST_LISTED).collect();
        Err(self.no_match(KeyMismatch::UnknownThumbprint { found: excerpt(found), known }, wanted))
    }

    fn no_match(&self, reason: KeyMismatch, wanted: Wanted<'_>) -> KeyError {
        let (kid, algorithm, reason) = (self.kid(wanted), wanted.algorithm, Box::new(reason));
        JoseError::NoMatchingKey { kid, algorithm, reason }.into()
    }

    fn kid(&self, wanted: Wanted<'_>) -> Option<String> {
        let known = || self.by_name.keys().map(KeyId::as_str);
        wanted.key_id.map(|key_id| unlike(key_id.as_str(), known(), KID_LEN))
    }
}

/// How many characters of a `kid` an error shows.
const KID_LEN: usize = 128;

/// The only key among these entries, which may contain it several times. `None` if there are
/// several keys or none. Among equal entries, the first usable one.
fn only<'a>(
    entries: impl Iterator<Item = &'a Entry> + Clone,
    allowance: &Allowance,
) -> Option<Result<&'a PublicKey, KeyError>> {
    let mut rest = entries.clone();
    let first = rest.next()?;
    if !rest.all(|entry| entry.jwk.parameters() == first.jwk.parameters()) {
        return None;
    }
    let usable = first.key(allowance);
    Some(match usable {
        Ok(key) => Ok(key),
        Err(error) => entries.skip(1).find_map(|entry| entry.key(allowance).ok()).ok_or(error),
    })
}

/// The number of different keys.
fn count<'a>(entries: impl Iterator<Item = &'a Entry>) -> usize {
    let mut different: Vec<&Jwk> = Vec::new();
    for Entry { jwk, .. } in entries {
        if different.iter().all(|other| other.parameters() != jwk.parameters()) {
            different.push(jwk);
        }
    }
    different.len()
}

impl From<JwkSet> for PublicKeySet {
    fn from(jwks: JwkSet) -> Self {
        let JwkSet { keys, skipped } = jwks;
        let mut set = Self { skipped, ..Self::default() };
        for (place, jwk) in keys.into_iter().enumerate() {
            if let Some(key_id) = jwk.key_id() {
                set.by_name.entry(key_id.clone()).or_default().push(place);
            }
            set.entries.push(Entry::new(jwk, OnceLock::new()));
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
            skipped: Vec::new(),
            // Keep the key itself instead of parsing its JWK: a certificate may restrict it
            // further.
            entries: vec![Entry::new(jwk, Ok(key).into())],
            allowance: Allowance::default(),
        }
    }
}

#[cfg(test)]
mod tests;
