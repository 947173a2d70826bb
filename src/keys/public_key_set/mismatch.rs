//! Why no key of a set fits a header. This is only for the error. A valid token gets here only
//! without a `kid`, if the set has skipped keys.

use super::entry::{Entry, Wanted};
use super::thumbprint::ThumbprintKind;
use super::{KID_LEN, PublicKeySet};
use crate::jose::error::{excerpt, unlike};
use crate::jose::{KeyId, KeyMismatch, SkippedJwk};

impl PublicKeySet {
    /// Why none of these keys fits. They are all keys with the wanted name.
    pub(super) fn mismatch<'a>(
        &self,
        candidates: impl Iterator<Item = &'a Entry> + Clone,
        wanted: Wanted<'_>,
    ) -> KeyMismatch {
        let named = wanted.key_id.filter(|_| !self.goes_by_any_name);
        let is_meant = |key: &&SkippedJwk| named.is_none_or(|named| key.key_ids.contains(named));
        let skipped = self.skipped.iter().filter(is_meant);
        let all = candidates.clone().count() + skipped.clone().count();
        let unfit = candidates
            .filter_map(|entry| Some((entry.jwk.key_id(), entry.jwk.mismatch(wanted.algorithm)?)))
            .chain(skipped.map(|key| {
                let reason = key.reason.clone();
                (key.key_ids.first(), KeyMismatch::Skipped { index: key.index, reason })
            }));
        let mut listed: Vec<_> = unfit.take(KeyMismatch::MOST_LISTED).collect();
        match (listed.pop(), listed.as_slice(), named) {
            (None, _, None) => KeyMismatch::EmptySet,
            (None, _, Some(name)) => self.unknown_name(name),
            (Some((_, reason)), [], _) => reason,
            (Some(last), ..) => {
                listed.push(last);
                let keys: Vec<String> = listed
                    .into_iter()
                    .map(|(key_id, reason)| format!("{} {}", subject(key_id), reason.predicate()))
                    .collect();
                KeyMismatch::NoneFits { others: all.saturating_sub(keys.len()), keys }
            }
        }
    }

    /// The skipped key that a header without a `kid` names by its thumbprint, if every fitting key
    /// has another one.
    pub(super) fn skipped_by_thumbprint<'a>(
        &self,
        mut fitting: impl Iterator<Item = &'a Entry>,
        wanted: Wanted<'_>,
    ) -> Option<KeyMismatch> {
        if self.skipped.is_empty() || wanted.key_id.is_some() {
            return None;
        }
        let (found, kind) = wanted.thumbprints().next()?;
        let claims = |key: &&SkippedJwk| {
            let [sha256, sha1] = &key.thumbprints;
            let claimed = match kind {
                ThumbprintKind::Sha256 => sha256,
                ThumbprintKind::Sha1 => sha1,
            };
            claimed.iter().any(|claimed| claimed == found)
        };
        let key = self.skipped.iter().find(claims)?;
        let is_other = |thumbprint: Option<&str>| thumbprint.is_some_and(|other| other != found);
        let are_others =
            fitting.all(|entry| is_other(entry.thumbprint(kind)) && entry.stated(kind) != Some(found));
        are_others.then(|| KeyMismatch::Skipped { index: key.index, reason: key.reason.clone() })
    }

    fn unknown_name(&self, wanted: &KeyId) -> KeyMismatch {
        let (keys, skipped) = (self.entries.len(), self.skipped.len());
        let names = self.entries.iter().filter_map(|entry| entry.jwk.key_id());
        let shown = |name: &KeyId| unlike(name.as_str(), [wanted.as_str()], KID_LEN);
        let known: Vec<String> = names.take(KeyMismatch::MOST_LISTED).map(shown).collect();
        match known.len() {
            0 if keys + skipped == 0 => KeyMismatch::EmptySet,
            0 if skipped == 0 => KeyMismatch::NoKeyIds { keys },
            listed => KeyMismatch::UnknownKeyId { known, others: keys.saturating_sub(listed), skipped },
        }
    }
}

fn subject(key_id: Option<&KeyId>) -> String {
    let named = |key_id: &KeyId| format!("key \"{}\"", excerpt(key_id.as_str()));
    key_id.map_or_else(|| "a key without `kid`".to_owned(), named)
}
