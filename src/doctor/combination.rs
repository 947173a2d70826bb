//! The settings of an assertion that servers differ in, and the order in which a probe tries them.

use std::fmt;

use time::Duration;

use crate::jose::Algorithm;
use crate::jose::secret_form::Shown;
use crate::keys::PrivateKey;
use crate::oauth::{Audience, CauseKind, ClientAssertionBuilder, safe_url};

/// A setting that servers differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dimension {
    Audience,
    MediaType,
    KeyId,
    Algorithm,
    Time,
}

impl Dimension {
    const ALL: [Self; 5] = [Self::Audience, Self::MediaType, Self::KeyId, Self::Algorithm, Self::Time];

    /// The setting that may fix a rejection of this kind, if it is one of these.
    pub(super) const fn of(kind: CauseKind) -> Option<Self> {
        Some(match kind {
            CauseKind::Audience | CauseKind::SingleAudience => Self::Audience,
            CauseKind::MediaType => Self::MediaType,
            CauseKind::KeyId => Self::KeyId,
            CauseKind::Algorithm => Self::Algorithm,
            CauseKind::Expired | CauseKind::NotYetValid => Self::Time,
            _ => return None,
        })
    }
}

/// One value for each setting, as it is sent.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Combination {
    pub(super) audience: Audience,
    pub(super) media_type: Option<String>,
    pub(super) sends_key_id: bool,
    pub(super) algorithm: Algorithm,
    /// How far the times are moved.
    pub(super) moved: Duration,
}

impl Combination {
    /// The settings in which two differ.
    pub(super) fn changed(&self, other: &Self) -> Vec<Dimension> {
        let differs = |dimension: &Dimension| match dimension {
            Dimension::Audience => self.audience != other.audience,
            Dimension::MediaType => self.media_type != other.media_type,
            Dimension::KeyId => self.sends_key_id != other.sends_key_id,
            Dimension::Algorithm => self.algorithm != other.algorithm,
            Dimension::Time => self.moved != other.moved,
        };
        Dimension::ALL.into_iter().filter(differs).collect()
    }

    /// An assertion with these settings, and the key that signs it. `None` if the key cannot.
    pub(super) fn apply(
        &self,
        builder: ClientAssertionBuilder,
        key: &PrivateKey,
    ) -> Option<(ClientAssertionBuilder, PrivateKey)> {
        let builder = builder
            .audience(self.audience.clone())
            .media_type(self.media_type.as_deref())
            .with_key_id_sent(self.sends_key_id);
        Some((builder, key.clone().with_algorithm(self.algorithm).ok()?))
    }

    /// The same settings with one value of another.
    fn with(&self, dimension: Dimension, other: &Self) -> Self {
        let mut changed = self.clone();
        match dimension {
            Dimension::Audience => changed.audience = other.audience.clone(),
            Dimension::MediaType => changed.media_type.clone_from(&other.media_type),
            Dimension::KeyId => changed.sends_key_id = other.sends_key_id,
            Dimension::Algorithm => changed.algorithm = other.algorithm,
            Dimension::Time => changed.moved = other.moved,
        }
        changed
    }
}

impl fmt::Debug for Combination {
    /// The audience and the media type are the user's, and may contain a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let audience = match &self.audience {
            Audience::Exactly(url) => Audience::Exactly(safe_url(url)),
            named => named.clone(),
        };
        f.debug_struct("Combination")
            .field("audience", &audience)
            .field("media_type", &self.media_type.as_deref().map(Shown))
            .field("sends_key_id", &self.sends_key_id)
            .field("algorithm", &self.algorithm)
            .field("moved", &self.moved)
            .finish()
    }
}

/// The values of each setting, those to try first in front.
#[derive(Clone, Debug)]
pub(super) struct Values {
    pub(super) audiences: Vec<Audience>,
    pub(super) media_types: Vec<Option<String>>,
    pub(super) key_ids: Vec<bool>,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) moved: Vec<Duration>,
}

impl Values {
    /// The combinations that differ from one in exactly these settings.
    pub(super) fn changing(&self, base: &Combination, dimensions: &[Dimension]) -> Vec<Combination> {
        let mut found = vec![base.clone()];
        for dimension in dimensions {
            let values = self.of(*dimension, base);
            let differing = |value: &&Combination| !base.changed(value).is_empty();
            found = found
                .iter()
                .flat_map(|one| {
                    values
                        .iter()
                        .filter(differing)
                        .map(|value| one.with(*dimension, value))
                        .collect::<Vec<_>>()
                })
                .collect();
        }
        found
    }

    /// A combination for each value of a setting.
    fn of(&self, dimension: Dimension, base: &Combination) -> Vec<Combination> {
        let base = || base.clone();
        match dimension {
            Dimension::Audience => {
                self.audiences.iter().map(|value| Combination { audience: value.clone(), ..base() }).collect()
            }
            Dimension::MediaType => self
                .media_types
                .iter()
                .map(|value| Combination { media_type: value.clone(), ..base() })
                .collect(),
            Dimension::KeyId => {
                self.key_ids.iter().map(|value| Combination { sends_key_id: *value, ..base() }).collect()
            }
            Dimension::Algorithm => {
                self.algorithms.iter().map(|value| Combination { algorithm: *value, ..base() }).collect()
            }
            Dimension::Time => {
                self.moved.iter().map(|value| Combination { moved: *value, ..base() }).collect()
            }
        }
    }
}

/// What to change together: single settings first, then the pairs that servers demand. OpenAM and
/// SMART servers, for example, take the token endpoint with `typ: JWT` and nothing else.
const ORDER: [&[Dimension]; 14] = {
    use Dimension::{Algorithm, Audience, KeyId, MediaType, Time};
    [
        &[Audience],
        &[MediaType],
        &[KeyId],
        &[Algorithm],
        &[Time],
        &[Audience, MediaType],
        &[Audience, KeyId],
        &[MediaType, KeyId],
        &[Audience, MediaType, KeyId],
        &[Audience, Algorithm],
        &[Audience, MediaType, Algorithm],
        &[MediaType, Algorithm],
        &[KeyId, Algorithm],
        &[Audience, Time],
    ]
};

/// Decides which settings to try next. The words of a rejection may name the setting that is wrong;
/// a server with one text for everything says nothing, and then the order decides.
#[derive(Debug)]
pub(super) struct Search {
    base: Combination,
    values: Values,
    tried: Vec<Combination>,
    /// The setting that the server finds wrong in `base`.
    focus: Option<Dimension>,
    /// Worth a try before all others.
    first: Vec<Combination>,
}

impl Search {
    /// A search that begins after `base` was rejected.
    pub(super) fn new(
        base: Combination,
        values: Values,
        focus: Option<Dimension>,
        first: Vec<Combination>,
    ) -> Self {
        Self { tried: vec![base.clone()], base, values, focus, first }
    }

    /// The next settings to try. `None`: everything worth a try was tried.
    pub(super) fn next(&mut self) -> Option<Combination> {
        let focused = self.focus.map(|dimension| self.values.changing(&self.base, &[dimension]));
        let ordered = ORDER.iter().flat_map(|dimensions| self.values.changing(&self.base, dimensions));
        let mut all = focused.into_iter().flatten().chain(self.first.iter().cloned()).chain(ordered);
        let next = all.find(|one| !self.tried.contains(one))?;
        self.tried.push(next.clone());
        Some(next)
    }

    /// Notes that the server rejected the last settings, and which setting it objects to.
    pub(super) fn refused(&mut self, last: &Combination, says: Option<Dimension>) {
        let Some(dimension) = says else { return };
        // The server now objects to a setting that was not changed: the change was right.
        if Some(dimension) != self.focus && !self.base.changed(last).contains(&dimension) {
            self.base = last.clone();
            self.focus = Some(dimension);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::Algorithm::{ES256, PS256, PS384, PS512, RS256, RS384, RS512};

    fn base(algorithm: Algorithm) -> Combination {
        Combination {
            audience: Audience::Issuer,
            media_type: Some("client-authentication+jwt".to_owned()),
            sends_key_id: true,
            algorithm,
            moved: Duration::ZERO,
        }
    }

    fn values(algorithms: &[Algorithm], moved: &[i64]) -> Values {
        Values {
            audiences: vec![Audience::Issuer, Audience::TokenEndpoint],
            media_types: vec![Some("client-authentication+jwt".to_owned()), Some("JWT".to_owned()), None],
            key_ids: vec![true, false],
            algorithms: algorithms.to_vec(),
            moved: moved.iter().map(|seconds| Duration::seconds(*seconds)).collect(),
        }
    }

    /// The number of requests after the first until a server accepts, or `None` after eleven.
    fn requests(
        values: &Values,
        first: &Combination,
        wanted: &Combination,
        says: impl Fn(&Combination) -> Option<Dimension>,
    ) -> Option<usize> {
        let mut search = Search::new(first.clone(), values.clone(), says(first), Vec::new());
        for count in 1..=11 {
            let next = search.next()?;
            if next == *wanted {
                return Some(count);
            }
            search.refused(&next, says(&next));
        }
        None
    }

    fn all(values: &Values, base: &Combination) -> Vec<Combination> {
        Dimension::ALL.iter().fold(vec![base.clone()], |all, dimension| {
            let vary = |one: &Combination| {
                let others = values.changing(one, &[*dimension]);
                std::iter::once(one.clone()).chain(others).collect::<Vec<_>>()
            };
            let mut varied: Vec<Combination> = all.iter().flat_map(vary).collect();
            varied.dedup();
            varied
        })
    }

    #[test]
    fn a_server_that_says_nothing_is_found_out_within_a_dozen_requests() {
        let (base, values) = (base(ES256), values(&[ES256], &[0]));
        let wanted = all(&values, &base);
        assert_eq!(wanted.len(), 12);
        for wanted in wanted.iter().filter(|wanted| **wanted != base) {
            assert!(requests(&values, &base, wanted, |_| None).is_some(), "{wanted:?}");
        }
    }

    #[test]
    fn every_single_change_is_tried_also_with_an_rsa_key_and_without_a_date() {
        let base = base(RS256);
        let values = values(&[RS256, PS256, RS384, RS512, PS384, PS512], &[0, -60, 60]);
        for dimension in Dimension::ALL {
            for wanted in values.changing(&base, &[dimension]) {
                assert!(requests(&values, &base, &wanted, |_| None).is_some(), "{wanted:?}");
            }
        }
    }

    #[test]
    fn a_server_that_names_what_is_wrong_is_followed_to_any_combination() {
        let base = base(RS256);
        let values = values(&[RS256, PS256, RS384, RS512, PS384, PS512], &[0, -60, 60]);
        let orders = [
            Dimension::ALL,
            [
                Dimension::Time,
                Dimension::Algorithm,
                Dimension::KeyId,
                Dimension::MediaType,
                Dimension::Audience,
            ],
        ];
        for order in orders {
            for wanted in all(&values, &base).iter().filter(|wanted| **wanted != base) {
                let says = |one: &Combination| {
                    let wrong = one.changed(wanted);
                    order.into_iter().find(|dimension| wrong.contains(dimension))
                };
                assert!(requests(&values, &base, wanted, says).is_some(), "{wanted:?}");
            }
        }
    }

    #[test]
    fn nothing_is_tried_twice() {
        let (base, values) = (base(RS256), values(&[RS256, PS256], &[0, -60]));
        let mut search = Search::new(base.clone(), values, None, vec![base.clone()]);
        let mut seen = vec![base];
        while let Some(next) = search.next() {
            assert!(!seen.contains(&next), "{next:?}");
            search.refused(&next, None);
            seen.push(next);
        }
        // Settings that no server demands together are left out.
        assert!(seen.len() > 15 && seen.len() < 48, "{}", seen.len());
    }
}
