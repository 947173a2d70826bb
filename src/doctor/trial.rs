//! The assertions that a probe tries.

use time::Duration;

use super::combination::Combination;
use super::request::Sender;
use crate::keys::PrivateKey;
use crate::oauth::{ClientAssertionBuilder, Profile};

/// What a probe starts from.
pub(super) struct Start<'a> {
    pub(super) builder: &'a ClientAssertionBuilder,
    pub(super) key: &'a PrivateKey,
    pub(super) profile: Option<&'a Profile>,
    /// How far the server's clock is ahead of ours, if that is known.
    pub(super) ahead: Option<Duration>,
    /// The maximum number of requests.
    pub(super) most: usize,
}

/// An assertion to try.
pub(super) struct Trial {
    pub(super) builder: ClientAssertionBuilder,
    pub(super) key: PrivateKey,
    pub(super) rules: TrialRules,
}

/// The rules that a trial follows besides its settings.
#[derive(Clone, Copy)]
pub(super) enum TrialRules {
    /// Those of the user's profile, which has this name.
    Named(&'static str),
    /// No limits, but what the assertions of the user's profile say besides the settings.
    Unlimited,
    /// Those of the user's profile, which has no name.
    Own,
}

/// An assertion with these settings, under the user's profile if it has a name and does not refuse
/// them: only such a profile is part of the answer. Otherwise the profile does not limit the probe,
/// except for its rules about foreign endpoints. `None`: the assertion cannot be made.
pub(super) fn trial(next: &Combination, start: &Start<'_>, sender: Sender<'_>) -> Option<Trial> {
    let own = start.builder.clone();
    let profile = own.chosen_profile();
    let free = own.clone().profile(unlimited(profile));
    let named = start.profile.filter(|named| *named == profile);
    let named = named.and_then(|profile| Profile::known().find(|(_, known)| known == profile));
    let named = named.map(|(name, _)| (TrialRules::Named(name), own.clone()));
    let others = [(TrialRules::Unlimited, free), (TrialRules::Own, own)];
    named.into_iter().chain(others).find_map(|(rules, builder)| {
        let (builder, key) = next.apply(builder, start.key)?;
        builder.prepare(&key, sender.clock.now(), "a trial that is never signed").ok()?;
        Some(Trial { builder, key, rules })
    })
}

/// What the assertions of a profile say besides the settings of a probe, without its limits.
fn unlimited(profile: &Profile) -> Profile {
    let rules = profile.rules();
    let mut free = Profile::new("probed").lifetime(rules.lifetime());
    if let Some(set_back) = rules.not_before() {
        free = free.not_before(set_back);
    }
    if !rules.sends_client_id() {
        free = free.without_client_id();
    }
    for header in rules.certificate_headers() {
        free = match header {
            "x5t#S256" => free.x5t_s256(),
            "x5t" => free.x5t(),
            _ => free.x5c(),
        };
    }
    free
}
