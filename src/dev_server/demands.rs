//! What the server demands of client assertions: its own rules, or those of a profile.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value};

use super::fault::{Fault, FaultKind};
use super::provider::{KeyIdDemand, Provider};
use crate::jose::error::excerpt;
use crate::jose::{Algorithm, UnverifiedJwt};
use crate::oauth::{AcceptedAudience, Audience, CLIENT_AUTHENTICATION_JWT, Endpoint, Profile};
use crate::verifier::{AudiencePolicy, ClientAssertionVerifier, Point};

/// The demands on client assertions.
pub(super) struct Demands {
    /// The profile whose rules apply.
    profile: Option<Profile>,
    provider: Option<&'static Provider>,
    longest_lifetime: Duration,
    needs_jti: bool,
    /// Whether each assertion is accepted once.
    pub(super) once: bool,
}

/// The settings of the server about client assertions. `None` and `false` say nothing.
#[derive(Clone, Copy, Default)]
pub(super) struct Settings {
    pub(super) longest_lifetime: Option<Duration>,
    pub(super) accepts_reuse: bool,
    pub(super) accepts_missing_jti: bool,
}

/// The URLs that an audience is compared with.
pub(super) struct Places<'a> {
    pub(super) issuer: &'a str,
    pub(super) endpoint: &'a dyn Fn(Endpoint) -> String,
}

/// A demand that an assertion does not meet, in addition to those of the crate's verifier.
pub(super) struct Unmet {
    pub(super) fault: Fault,
    pub(super) description: String,
}

impl Demands {
    /// The longest lifetime, unless a profile or the settings say another.
    pub(super) const LONGEST_LIFETIME: Duration = Duration::from_secs(300);

    /// The demands of a profile. What the settings state takes precedence.
    pub(super) fn new(profile: Option<Profile>, settings: Settings) -> Self {
        let provider = profile.as_ref().and_then(Provider::of);
        let of_profile = profile.as_ref().map(|profile| profile.rules().longest_lifetime());
        Self {
            longest_lifetime: settings.longest_lifetime.or(of_profile).unwrap_or(Self::LONGEST_LIFETIME),
            needs_jti: !settings.accepts_missing_jti && provider.is_none_or(|provider| provider.needs_jti),
            once: !settings.accepts_reuse && provider.is_none_or(|provider| provider.once),
            profile,
            provider,
        }
    }

    /// The algorithms that it accepts.
    pub(super) fn algorithms(&self) -> &[Algorithm] {
        self.profile.as_ref().map_or(&Algorithm::ALL, |profile| profile.rules().algorithms())
    }

    /// The longest accepted lifetime, in seconds.
    pub(super) const fn longest_lifetime(&self) -> u64 {
        self.longest_lifetime.as_secs()
    }

    /// The `typ` that an assertion should have. `None` if it should have none.
    pub(super) fn media_type(&self) -> Option<&str> {
        let of_profile = self.profile.as_ref().map(|profile| profile.rules().media_type());
        of_profile.unwrap_or(Some(CLIENT_AUTHENTICATION_JWT))
    }

    /// What the server stands in for.
    pub(super) fn title(&self) -> Option<&'static str> {
        self.profile.as_ref().map(Profile::name)
    }

    /// Whether [`check`](Self::check) has anything to check.
    pub(super) const fn are_of_profile(&self) -> bool {
        self.profile.is_some()
    }

    /// Whether the issuer ends with a slash.
    pub(super) fn issuer_ends_with_slash(&self) -> bool {
        self.profile.as_ref().is_some_and(|profile| profile.rules().issuer_ends_with_slash())
    }

    /// Whether the rules of FAPI 2.0 apply.
    pub(super) fn is_fapi2(&self) -> bool {
        self.provider.is_some_and(|provider| provider.fapi2)
    }

    /// The answer of the provider to a refused client. `None` if the dev server's own answer
    /// applies.
    pub(super) fn answer(&self, fault: &Fault) -> Option<(StatusCode, Value)> {
        self.provider?.answer(fault)
    }

    /// The accepted audiences, the preferred one first.
    pub(super) fn audiences(&self, places: &Places<'_>, called: Endpoint) -> Vec<String> {
        let url = |accepted: &AcceptedAudience| match accepted {
            AcceptedAudience::Issuer => places.issuer.to_owned(),
            AcceptedAudience::Endpoint(endpoint) => (places.endpoint)(*endpoint),
            AcceptedAudience::CalledEndpoint => (places.endpoint)(called),
        };
        /// Those of the dev server itself, which are PingOne's.
        const OWN: [AcceptedAudience; 3] = [
            AcceptedAudience::Issuer,
            AcceptedAudience::Endpoint(Endpoint::Token),
            AcceptedAudience::CalledEndpoint,
        ];
        let rules = self.profile.as_ref().map(Profile::rules);
        let mut urls: Vec<String> = match rules.map(|rules| (rules.accepted_audiences(), rules.audience())) {
            None | Some(([], None)) => OWN.iter().map(url).collect(),
            Some(([], Some(Audience::Issuer))) => vec![url(&AcceptedAudience::Issuer)],
            Some(([], Some(Audience::TokenEndpoint))) => {
                vec![url(&AcceptedAudience::Endpoint(Endpoint::Token))]
            }
            Some(([], Some(Audience::CalledEndpoint))) => vec![url(&AcceptedAudience::CalledEndpoint)],
            Some((_, Some(Audience::Exactly(audience)))) => vec![audience.clone()],
            Some((accepted, _)) => accepted.iter().map(url).collect(),
        };
        let mut seen = Vec::new();
        urls.retain(|url| {
            !seen.contains(url) && {
                seen.push(url.clone());
                true
            }
        });
        urls
    }

    /// The crate's verifier with these demands, for the endpoint that is called.
    pub(super) fn verifier(&self, places: &Places<'_>, called: Endpoint) -> ClientAssertionVerifier {
        let mut audiences = self.audiences(places, called).into_iter();
        let mut verifier = ClientAssertionVerifier::new(audiences.next().unwrap_or_default());
        verifier = match audiences.collect::<Vec<_>>() {
            others if others.is_empty() && self.is_fapi2() => verifier.audience_policy(AudiencePolicy::Fapi2),
            others if others.is_empty() => verifier,
            others => verifier.audience_policy(AudiencePolicy::compatible(others)),
        };
        if let Some(provider) = self.provider {
            verifier = verifier.leeway(Duration::from_secs(provider.leeway));
        }
        if !self.needs_jti {
            verifier = verifier.accept_missing_jti();
        }
        verifier.algorithms(self.algorithms().to_vec()).longest_lifetime(self.longest_lifetime)
    }

    /// Checks the demands that the verifier does not know. `keys` is the number of the client's
    /// keys, if it is known.
    pub(super) fn check(
        &self,
        assertion: &UnverifiedJwt,
        has_client_id: bool,
        keys: Option<usize>,
        now: i64,
    ) -> Vec<(Point, Unmet)> {
        let Some(profile) = &self.profile else { return Vec::new() };
        let (rules, header) = (profile.rules(), assertion.header());
        let has = |name: &str| header.get(name).is_some_and(|value| !value.is_null());
        let unmet = |kind: FaultKind, description: String| Unmet { fault: kind.into(), description };
        let name = profile.name();
        let mut found = Vec::new();
        let types = rules.accepted_media_types();
        if !types.is_empty() && !types.iter().any(|accepted| is_typed(header, *accepted)) {
            let quoted = |typ: &str| format!("`{}`", excerpt(typ));
            let typ = header.get("typ").and_then(Value::as_str).map_or_else(|| "missing".to_owned(), quoted);
            let types: Vec<_> =
                types.iter().map(|typ| typ.map_or_else(|| "none".to_owned(), quoted)).collect();
            let description = format!("the typ is {typ}; {name} accepts only {}", types.join(" or "));
            found.push((Point::MediaType, unmet(FaultKind::MediaType, description)));
        }
        let key_id = self.provider.map_or(KeyIdDemand::Optional, |provider| provider.key_id);
        let needed = match key_id {
            KeyIdDemand::OrThumbprint if !(has("kid") || has("x5t") || has("x5t#S256")) => {
                Some("`kid`, `x5t` nor `x5t#S256`")
            }
            KeyIdDemand::WithSeveralKeys if keys.is_some_and(|keys| keys > 1) && !has("kid") => Some("`kid`"),
            _ if rules.requires_key_id() && !has("kid") => Some("`kid`"),
            _ => None,
        };
        let missing = rules.required_certificate_headers().into_iter().find(|name| !has(name));
        if let Some(needed) = needed {
            let description = format!("the header has no {needed}; {name} requires it");
            found.push((Point::Key, unmet(FaultKind::NoKeyId, description)));
        } else if let Some(missing) = missing.filter(|_| key_id != KeyIdDemand::OrThumbprint) {
            let description = format!("the header has no `{missing}`; {name} requires it");
            found.push((Point::Key, unmet(FaultKind::NoKeyId, description)));
        }
        if rules.requires_client_id() && !has_client_id {
            let description = format!("the form has no `client_id`; {name} requires it");
            found.push((Point::Subject, unmet(FaultKind::ClientId, description)));
        }
        if let Some(usable_for) = self.provider.and_then(|provider| provider.usable_for) {
            found.extend(self.check_age(assertion.claims(), usable_for, name, now));
        }
        found
    }

    /// Whether the assertion is used soon enough after `iat` or, without one, expires soon.
    fn check_age(
        &self,
        claims: &Map<String, Value>,
        usable_for: u64,
        name: &str,
        now: i64,
    ) -> Option<(Point, Unmet)> {
        let limit = i64::try_from(usable_for).unwrap_or(i64::MAX);
        let leeway = self.provider.map_or(0, |provider| i64::try_from(provider.leeway).unwrap_or_default());
        let seconds = |claim: &str| claims.get(claim).and_then(Value::as_f64);
        #[allow(clippy::cast_possible_truncation, reason = "an age out of range stays out of range")]
        let age = |claim: &str| seconds(claim).map(|time| now.saturating_sub(time as i64));
        match (age("iat"), age("exp")) {
            (Some(age), _) if age > limit.saturating_add(leeway) => {
                let description =
                    format!("issued {age} s ago (`iat`); {name} accepts an assertion for {limit} s");
                Some((Point::Lifetime, Unmet { fault: FaultKind::IssuedEarlier.into(), description }))
            }
            (None, Some(age)) if age.saturating_neg() > limit.saturating_add(leeway) => {
                let description = format!(
                    "expires in {} s and has no `iat`; {name} then accepts at most {limit} s",
                    age.saturating_neg()
                );
                Some((Point::Lifetime, Unmet { fault: FaultKind::Lifetime.into(), description }))
            }
            _ => None,
        }
    }
}

/// Whether `typ` is this media type (RFC 7515 §4.1.9), or is missing.
fn is_typed(header: &Map<String, Value>, accepted: Option<&str>) -> bool {
    let found = header.get("typ").filter(|typ| !typ.is_null());
    match (found, accepted) {
        (None, None) => true,
        (Some(found), Some(accepted)) => found.as_str().is_some_and(|found| {
            let short = |typ: &str| {
                let typ = typ.to_ascii_lowercase();
                typ.strip_prefix("application/").map_or_else(|| typ.clone(), str::to_owned)
            };
            short(found) == short(accepted)
        }),
        _ => false,
    }
}
