//! Tries the settings that servers differ in, one by one, until the server accepts an assertion.

use time::Duration;
use url::Url;

use super::clock::{LARGEST_MOVE, difference};
use super::combination::{Combination, Dimension, Search, Values};
use super::finding::{Finding, Step};
use super::metadata::{is_listed, of_key};
use super::request::{Attempt, Outcome, Rejection, Sender, Sent, Standing};
use super::setting::Setting;
use super::trial::{Start, TrialRules, trial};
use super::words::{chain, span};
use crate::jose::Algorithm;
use crate::oauth::{Audience, AuthorizationServer, CauseKind, Certainty, profile_of};

const CHECK: &str = "settings";

/// A difference of the clocks that every other request takes into account.
const FOLLOWED: Duration = Duration::seconds(5);

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
    match rejection.standing() {
        Standing::Throttled => {
            let text = "not tried: the server asks for fewer requests";
            return Err(not_run(text.to_owned()).advise("wait, and probe again"));
        }
        Standing::Unknown => {
            let text = "not tried: the server refuses client_credentials before it looks at the client";
            return Err(not_run(text.to_owned()));
        }
        Standing::Authenticated | Standing::Rejected => {}
    }
    if !judges(rejection.refusal.status()) {
        return Err(not_run("not tried: the server did not judge the assertion".to_owned()));
    }
    let named = rejection.causes.first().filter(|cause| cause.certainty() >= Certainty::Likely);
    if let Some(cause) = named.filter(|cause| !may_help(cause.kind())) {
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

/// Whether an answer with this status may be about the assertion. Some servers fail with 500 when
/// they reject one.
const fn judges(status: u16) -> bool {
    matches!(status, 200 | 400 | 401 | 403 | 500)
}

/// Whether the settings of a probe may fix a rejection of this kind. Some servers report a wrong
/// audience as a wrong signature.
const fn may_help(kind: CauseKind) -> bool {
    Dimension::of(kind).is_some()
        || matches!(kind, CauseKind::Unspecific | CauseKind::Signature | CauseKind::KeySet)
}

/// Tries settings until one is accepted, until nothing is left to try, or up to the limit.
pub(super) async fn run(start: &Start<'_>, sender: Sender<'_>, sent: &Sent, rejection: &Rejection) -> Probed {
    if let Some(ahead) = start.ahead.filter(|ahead| ahead.abs() > LARGEST_MOVE) {
        let most = span(LARGEST_MOVE.unsigned_abs());
        let text = format!("not tried: {}, and a probe moves times by {most} at most", difference(ahead));
        let finding = Finding::not_checked(Step::Probe, CHECK, text);
        return Probed::nothing(finding.advise("see above: clock (date); then probe again"), 0);
    }
    let server = sender.server;
    let base = base(sent, server, start.key.algorithm());
    let values = values(&base, server, start, kind(rejection));
    let first = suggested(&base, server);
    let better = better(&base, &values, server, start.ahead);
    let mut queue = Some(better.clone()).filter(|better| *better != base);
    let mut search = Search::new(better, values, dimension(rejection), first);
    let mut requests = 0;
    let mut failures = usize::from(fails(rejection));
    let mut last = String::new();
    while requests < start.most {
        let Some(next) = queue.take().or_else(|| search.next()) else { break };
        let Some(trial) = trial(&next, start, sender) else { continue };
        // The profile's rules do not explain why an assertion that breaks them was rejected.
        let profile = sender.profile.filter(|_| !matches!(trial.rules, TrialRules::Unlimited));
        let sender = Sender { profile, ..sender };
        let attempt = match sender.attempt(&trial.builder, &trial.key, next.moved).await {
            Ok(attempt) => attempt,
            Err(error) => {
                let text = format!("stopped: {}", chain(&error));
                return Probed::nothing(Finding::not_checked(Step::Probe, CHECK, text), requests);
            }
        };
        requests += 1;
        match judged(&attempt) {
            Judged::Accepted => return accepted(next, trial.rules, start, &attempt.sent, requests),
            Judged::Stop(text) => {
                let finding = Finding::not_checked(Step::Probe, CHECK, text);
                return Probed::nothing(finding.advise("wait, and probe again"), requests);
            }
            Judged::Rejected(rejection) => {
                failures += usize::from(fails(rejection));
                last = rejection.refusal.to_string();
                if failures > 1 {
                    return Probed::nothing(failing(&last), requests);
                }
                search.refused(&next, dimension(rejection));
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

/// Whether the server itself failed. Some servers fail when they reject an assertion: those whose
/// words name a cause are followed.
fn fails(rejection: &Rejection) -> bool {
    rejection.refusal.status() >= 500 && matches!(kind(rejection), None | Some(CauseKind::ServerFault))
}

fn failing(answer: &str) -> Finding {
    let text =
        format!("stopped: the server failed twice, so it is not a matter of settings; its answer: {answer}");
    Finding::not_checked(Step::Probe, CHECK, text)
        .advise("ask the operator for the line in the server's log, then probe again")
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
            // The first answer was another, so the grant is refused after the assertion is judged.
            Standing::Authenticated | Standing::Unknown => Judged::Accepted,
            Standing::Rejected if judges(rejection.refusal.status()) => Judged::Rejected(rejection),
            Standing::Throttled | Standing::Rejected => {
                Judged::Stop(format!("stopped: {}", rejection.refusal))
            }
        },
        Outcome::Unreadable(error) => Judged::Stop(format!("stopped: {}", chain(error))),
        Outcome::NoAnswer(error) => Judged::Stop(format!("stopped: {}", chain(error))),
    }
}

fn accepted(
    mut found: Combination,
    rules: TrialRules,
    start: &Start<'_>,
    sent: &Sent,
    requests: usize,
) -> Probed {
    let base = match rules {
        TrialRules::Named(name) => start.profile.map(|profile| (name, profile.clone())),
        TrialRules::Unlimited => None,
        TrialRules::Own => {
            // No profile that can be printed takes this endpoint for an audience.
            if found.audience == Audience::TokenEndpoint {
                found.audience = Audience::Exactly(sent.audience.clone());
            }
            None
        }
    };
    let setting = Setting::new(found, base, sent, start.key.algorithm());
    let (also, s) = (setting.clock(), if requests == 1 { "" } else { "s" });
    let also = also.map(|clock| format!("; {clock}")).unwrap_or_default();
    let text = format!("after {requests} more request{s}, the server accepted {}{also}", setting.options());
    let mut advice = format!("in Rust: {}", setting.rust());
    for hidden in setting.hidden() {
        advice.push_str(&format!("; {hidden} of this setup, which this report does not show"));
    }
    let finding = Finding::good(Step::Probe, CHECK, text).advise(advice);
    Probed { finding, setting: Some(setting), requests }
}

/// The settings of the assertion that was rejected.
fn base(sent: &Sent, server: &AuthorizationServer, algorithm: Algorithm) -> Combination {
    let audience = sent.audience.as_str();
    let audience = if server.issuer() == Some(audience) {
        Audience::Issuer
    } else if server.token_endpoint() == audience {
        Audience::TokenEndpoint
    } else {
        Audience::Exactly(audience.to_owned())
    };
    Combination {
        audience,
        media_type: sent.media_type.clone(),
        sends_key_id: sent.shown.key_id().is_some(),
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
fn values(
    base: &Combination,
    server: &AuthorizationServer,
    start: &Start<'_>,
    kind: Option<CauseKind>,
) -> Values {
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
        moved: moves(start.ahead, kind),
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
fn moves(ahead: Option<Duration>, kind: Option<CauseKind>) -> Vec<Duration> {
    let minute = Duration::MINUTE;
    match (ahead, kind) {
        (Some(ahead), _) if ahead.abs() > Duration::SECOND => vec![Duration::ZERO, ahead],
        (Some(_), kind) if !matches!(kind, Some(CauseKind::Expired | CauseKind::NotYetValid)) => {
            vec![Duration::ZERO]
        }
        (_, Some(CauseKind::Expired)) => vec![Duration::ZERO, minute, -minute],
        _ => vec![Duration::ZERO, -minute, minute],
    }
}

/// The settings of the provider whose server this is, if it is known.
fn suggested(base: &Combination, server: &AuthorizationServer) -> Vec<Combination> {
    let combination = profile_of(server).map(|(_, profile)| {
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
fn kind(rejection: &Rejection) -> Option<CauseKind> {
    let first = rejection.causes.first().filter(|cause| cause.certainty() >= Certainty::Likely)?;
    Some(first.kind())
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
    kind(rejection).and_then(Dimension::of).or_else(|| {
        let message = rejection.refusal.message()?.to_ascii_lowercase();
        let words: Vec<&str> = message.split(|character: char| !character.is_alphanumeric()).collect();
        WORDS.iter().find(|(word, _)| words.contains(word)).map(|(_, dimension)| *dimension)
    })
}
