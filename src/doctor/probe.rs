//! Tries the settings that servers differ in, one by one, until the server accepts an assertion.

use time::Duration;
use url::Url;

use super::combination::{Combination, Dimension, Search, Values};
use super::finding::{Finding, Step};
use super::metadata::{is_listed, of_key};
use super::request::{Attempt, Outcome, Rejection, Sender, Standing};
use super::setting::Setting;
use super::words::chain;
use crate::jose::Algorithm;
use crate::keys::PrivateKey;
use crate::oauth::{
    Audience, AuthorizationServer, Certainty, ClientAssertionBuilder, Hint, Profile, SentAssertion,
};

const CHECK: &str = "settings";

/// A difference of the clocks that every other request takes into account.
const FOLLOWED: Duration = Duration::seconds(5);

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

/// What a probe found, and how many requests it sent.
pub(super) struct Probed {
    pub(super) finding: Finding,
    pub(super) setting: Option<Setting>,
    pub(super) requests: usize,
}

impl Probed {
    const fn nothing(finding: Finding, requests: usize) -> Self {
        Self { finding, setting: None, requests }
    }
}

/// Whether other settings may fix a rejection. `Err` says why not.
pub(super) fn check(rejection: &Rejection, server: &AuthorizationServer) -> Result<(), Finding> {
    let not_run = |text: String| Finding::not_checked(Step::Probe, CHECK, text);
    if rejection.standing() == Standing::Throttled {
        let text = "not tried: the server asks for fewer requests";
        return Err(not_run(text.to_owned()).advise("wait, and probe again"));
    }
    // Some servers fail with 500 when they reject an assertion.
    if !matches!(rejection.refusal.status(), 200 | 400 | 401 | 403 | 500) {
        return Err(not_run("not tried: the server did not judge the assertion".to_owned()));
    }
    let named = rejection.causes.first().filter(|cause| cause.certainty() >= Certainty::Likely);
    if let Some(cause) = named.filter(|cause| !may_help(cause.hint())) {
        return Err(not_run(format!("not tried: these settings do not help; {cause}")));
    }
    let origin = |url: &str| Url::parse(url).ok().map(|url| url.origin());
    if let Some(issuer) = server.issuer()
        && origin(issuer) != origin(server.token_endpoint())
    {
        let text = "not tried: the token endpoint is not at the issuer's origin, and a probe stays there";
        return Err(not_run(text.to_owned()));
    }
    Ok(())
}

/// Whether the settings of a probe may fix a rejection with this hint. Some servers report a wrong
/// audience as a wrong signature.
const fn may_help(hint: Hint) -> bool {
    Dimension::of(hint).is_some() || matches!(hint, Hint::Unspecific | Hint::Signature | Hint::KeySet)
}

/// Tries settings until one is accepted, until nothing is left to try, or up to the limit.
pub(super) async fn run(
    start: &Start<'_>,
    sender: Sender<'_>,
    sent: &SentAssertion,
    rejection: &Rejection,
) -> Probed {
    let server = sender.server;
    let base = base(sent, server, start.key.algorithm());
    let values = values(&base, server, start, hint(rejection));
    let first = suggested(&base, server);
    let better = better(&base, &values, server, start.ahead);
    let mut queue = Some(better.clone()).filter(|better| *better != base);
    let mut search = Search::new(better, values, dimension(rejection), first);
    let mut requests = 0;
    let mut last = String::new();
    while requests < start.most {
        let Some(next) = queue.take().or_else(|| search.next()) else { break };
        let Some((builder, key)) = buildable(&next, start, sender) else { continue };
        let attempt = match sender.attempt(&builder, &key, next.moved).await {
            Ok(attempt) => attempt,
            Err(error) => {
                let text = format!("stopped: {}", chain(&error));
                return Probed::nothing(Finding::not_checked(Step::Probe, CHECK, text), requests);
            }
        };
        requests += 1;
        match judged(&attempt) {
            Judged::Accepted => return accepted(next, start, &attempt.sent, requests),
            Judged::Stop(text) => {
                let finding = Finding::not_checked(Step::Probe, CHECK, text);
                return Probed::nothing(finding.advise("wait, and probe again"), requests);
            }
            Judged::Rejected(rejection) => {
                search.refused(&next, dimension(rejection));
                last = rejection.refusal.to_string();
            }
        }
    }
    let text = format!("the server accepted none of {requests} other settings; its last answer: {last}");
    let finding = Finding::wrong(Step::Probe, CHECK, text).advise(
        "so the settings are probably not the reason: check the client id, the tenant, and that this very key is \
         registered for the client",
    );
    Probed::nothing(finding, requests)
}

enum Judged<'a> {
    Accepted,
    Rejected(&'a Rejection),
    Stop(String),
}

fn judged(attempt: &Attempt) -> Judged<'_> {
    match &attempt.outcome {
        Outcome::Token { .. } => Judged::Accepted,
        Outcome::Rejected(rejection) => match rejection.standing() {
            Standing::Authenticated => Judged::Accepted,
            Standing::Throttled => Judged::Stop(format!("stopped: {}", rejection.refusal)),
            Standing::Rejected => Judged::Rejected(rejection),
        },
        Outcome::Unreadable(error) => Judged::Stop(format!("stopped: {}", chain(error))),
        Outcome::NoAnswer(error) => Judged::Stop(format!("stopped: {}", chain(error))),
    }
}

fn accepted(found: Combination, start: &Start<'_>, sent: &SentAssertion, requests: usize) -> Probed {
    let audience = sent.audiences().first().map(String::as_str).unwrap_or_default();
    let setting = Setting::new(found, start.profile, audience, start.key.algorithm());
    let (also, s) = (setting.clock(), if requests == 1 { "" } else { "s" });
    let also = also.map(|clock| format!("; {clock}")).unwrap_or_default();
    let text = format!("after {requests} more request{s}, the server accepted {}{also}", setting.options());
    let finding = Finding::good(Step::Probe, CHECK, text).advise(format!("in Rust: {}", setting.rust()));
    Probed { finding, setting: Some(setting), requests }
}

/// The settings of the assertion that was rejected.
fn base(sent: &SentAssertion, server: &AuthorizationServer, algorithm: Algorithm) -> Combination {
    let audience = sent.audiences().first().map(String::as_str).unwrap_or_default();
    let audience = if server.issuer() == Some(audience) {
        Audience::Issuer
    } else if server.token_endpoint() == audience {
        Audience::TokenEndpoint
    } else {
        Audience::Exactly(audience.to_owned())
    };
    Combination {
        audience,
        media_type: sent.media_type().map(str::to_owned),
        sends_key_id: sent.key_id().is_some(),
        algorithm,
        moved: Duration::ZERO,
    }
}

/// The same settings, but with what is known already: an algorithm that the metadata lists, and the
/// time on the server's clock.
fn better(
    base: &Combination,
    values: &Values,
    server: &AuthorizationServer,
    ahead: Option<Duration>,
) -> Combination {
    let listed = values.algorithms.first().filter(|_| !is_possible(server, base.algorithm));
    let ahead = ahead.filter(|ahead| ahead.abs() > FOLLOWED);
    Combination {
        algorithm: listed.copied().unwrap_or(base.algorithm),
        moved: ahead.unwrap_or(base.moved),
        ..base.clone()
    }
}

/// What may be tried for each setting, the current value included.
fn values(base: &Combination, server: &AuthorizationServer, start: &Start<'_>, hint: Option<Hint>) -> Values {
    const TYPES: [Option<&str>; 3] = [Some("client-authentication+jwt"), Some("JWT"), None];
    let issuer = server.issuer().map(|_| Audience::Issuer);
    let audiences = issuer.into_iter().chain([Audience::TokenEndpoint]).collect();
    let possible = of_key(start.key).filter(|algorithm| is_possible(server, *algorithm));
    let mut algorithms: Vec<Algorithm> = possible.collect();
    // PS256 and RS256 are the usual alternatives to each other.
    algorithms.sort_by_key(|algorithm| (*algorithm != base.algorithm, !is_usual(*algorithm)));
    Values {
        audiences,
        media_types: TYPES.map(|media_type| media_type.map(str::to_owned)).to_vec(),
        key_ids: vec![true, false],
        algorithms,
        moved: moves(start.ahead, hint),
    }
}

const fn is_usual(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::RS256 | Algorithm::PS256 | Algorithm::EdDSA)
}

fn is_possible(server: &AuthorizationServer, algorithm: Algorithm) -> bool {
    server
        .signing_algorithms()
        .filter(|names| !names.is_empty())
        .is_none_or(|names| is_listed(names, algorithm))
}

/// How far the times may be moved: to the server's clock if it is known, or else by a minute, first
/// in the direction that the server's words suggest.
fn moves(ahead: Option<Duration>, hint: Option<Hint>) -> Vec<Duration> {
    let minute = Duration::MINUTE;
    match (ahead, hint) {
        (Some(ahead), _) if ahead.abs() > Duration::SECOND => vec![Duration::ZERO, ahead],
        (Some(_), hint) if !matches!(hint, Some(Hint::Expired | Hint::NotYetValid)) => vec![Duration::ZERO],
        (_, Some(Hint::Expired)) => vec![Duration::ZERO, minute, -minute],
        _ => vec![Duration::ZERO, -minute, minute],
    }
}

/// The settings of the provider whose issuer this is, if it is known.
fn suggested(base: &Combination, server: &AuthorizationServer) -> Vec<Combination> {
    let profile = server.issuer().and_then(super::provider::of_issuer).map(|(_, profile)| profile);
    let combination = profile.map(|profile| {
        let rules = profile.rules();
        let audience = match rules.audience() {
            Some(Audience::CalledEndpoint | Audience::TokenEndpoint) => Audience::TokenEndpoint,
            _ => Audience::Issuer,
        };
        Combination {
            audience,
            media_type: rules.media_type().map(str::to_owned),
            sends_key_id: rules.sends_key_id(),
            ..base.clone()
        }
    });
    combination.into_iter().collect()
}

/// What the server's words stand for, if they stand for one cause more than for others.
fn hint(rejection: &Rejection) -> Option<Hint> {
    let first = rejection.causes.first().filter(|cause| cause.certainty() >= Certainty::Likely)?;
    Some(first.hint())
}

/// The setting that a rejection is about: by its cause, or else by the words for it.
fn dimension(rejection: &Rejection) -> Option<Dimension> {
    const WORDS: [(&str, Dimension); 6] = [
        ("audience", Dimension::Audience),
        ("aud", Dimension::Audience),
        ("typ", Dimension::MediaType),
        ("kid", Dimension::KeyId),
        ("algorithm", Dimension::Algorithm),
        ("alg", Dimension::Algorithm),
    ];
    hint(rejection).and_then(Dimension::of).or_else(|| {
        let message = rejection.refusal.message()?.to_ascii_lowercase();
        let words: Vec<&str> = message.split(|character: char| !character.is_alphanumeric()).collect();
        WORDS.iter().find(|(word, _)| words.contains(word)).map(|(_, dimension)| *dimension)
    })
}

/// An assertion with these settings. A profile does not limit a probe, but the rules about foreign
/// endpoints do. `None`: it cannot be made.
fn buildable(
    next: &Combination,
    start: &Start<'_>,
    sender: Sender<'_>,
) -> Option<(ClientAssertionBuilder, PrivateKey)> {
    let own = start.builder.clone();
    let mut free = own.clone().profile(Profile::default());
    if start.profile.is_some_and(|profile| profile.rules().certificate_headers().contains(&"x5t#S256"))
        && !start.key.certificates().is_empty()
    {
        free = free.x5t_s256();
    }
    [free, own].into_iter().find_map(|builder| {
        let (builder, key) = next.apply(builder, start.key)?;
        builder.prepare(&key, sender.clock.now(), "a trial that is never signed").ok()?;
        Some((builder, key))
    })
}
