//! The checks of a request that was answered, in the order in which a person reads them.

use serde_json::Value;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::advice;
use super::checks::{Check, Examination, Keys, REST, Verdict};
use super::log::Spent;
use super::trial::Trial;
use crate::dev_server::answer::Refusal;
use crate::dev_server::authentication::REUSE;
use crate::dev_server::fault::{Fault, FaultKind};
use crate::dev_server::inner::Inner;
use crate::jose::moment::Utc;
use crate::jose::{UnverifiedJwt, urlencoded};
use crate::oauth::{CauseKind, Endpoint, explain_log};

/// A request to an endpoint where clients authenticate.
pub(super) struct Record<'a> {
    pub(super) server: &'a Inner,
    pub(super) endpoint: Endpoint,
    pub(super) token: &'a str,
    pub(super) jwt: Option<&'a UnverifiedJwt>,
    pub(super) spent: Option<Spent>,
    pub(super) request: &'a http::Request<Vec<u8>>,
    pub(super) refusal: Option<&'a Refusal>,
    pub(super) is_authenticated: bool,
    pub(super) now: OffsetDateTime,
}

impl Record<'_> {
    pub(super) fn checks(&self) -> Vec<Check> {
        let Self { server, token, jwt, is_authenticated, now, .. } = *self;
        let client_id = jwt.and_then(|jwt| jwt.claims().get("iss")).and_then(Value::as_str);
        let keys = if is_authenticated { Keys::Verified } else { Keys::of(client_id, &server.clients, now) };
        let trial = keys.try_on(token, client_id, &server.clients, now);
        let is_registered = matches!(keys, Keys::Known(_) | Keys::Verified);
        let mut pairs = urlencoded::pairs(self.request.body());
        let has_client_id = pairs.any(|(name, value)| *name == *"client_id" && !value.is_empty());
        let mut checks = vec![self.method()];
        if let Ok(verifier) = server.verifier(self.endpoint)
            && !token.is_empty()
        {
            let examination = Examination {
                demands: &server.demands,
                verifier,
                token,
                jwt,
                keys: &keys,
                clients: &server.clients,
                trial: &trial,
                issuer: &server.issuer,
                audiences: &server.audiences(self.endpoint),
                has_client_id,
                now,
            };
            checks.extend(examination.checks());
        }
        checks.push(self.registration(is_registered, &trial));
        checks.push(self.single_use());
        checks.extend(self.rest(&checks));
        checks
    }

    fn fault(&self) -> Option<&Fault> {
        self.refusal?.fault.as_deref()
    }

    /// A failed check, with the refusal that it explains.
    fn refused(&self, name: &'static str, reason: impl Into<String>, advice: Option<String>) -> Check {
        Check { fault: self.fault().cloned(), ..Check::failed(name, reason, advice) }
    }

    /// How the client authenticates.
    fn method(&self) -> Check {
        const NAME: &str = "Authentication method";
        let advice = self.fault().and_then(|fault| advice::on_method(fault.kind));
        match (self.refusal, advice) {
            (Some(refusal), Some(advice)) => self.refused(NAME, refusal.description.as_str(), Some(advice)),
            _ if self.is_authenticated || !self.token.is_empty() => {
                Check::new(NAME, Verdict::Passed, "private_key_jwt")
            }
            _ => Check::new(NAME, Verdict::Skipped, "the request has no client assertion"),
        }
    }

    fn registration(&self, is_registered: bool, trial: &Trial) -> Check {
        const NAME: &str = "Registration";
        let reason = self.refusal.map(|refusal| refusal.description.as_str()).unwrap_or_default();
        match self.fault().map(|fault| fault.kind) {
            Some(kind @ (FaultKind::UnknownClient | FaultKind::KeySet)) => {
                self.refused(NAME, reason, Some(advice::on_registration(kind, trial)))
            }
            _ if is_registered => Check::new(NAME, Verdict::Passed, "the client is registered"),
            _ => Check::new(NAME, Verdict::Skipped, "not checked: an earlier check failed"),
        }
    }

    fn single_use(&self) -> Check {
        const NAME: &str = "Single use";
        match self.fault().map(|fault| fault.kind) {
            Some(FaultKind::Replayed) => {
                let (reason, advice) = self.earlier();
                Check { option: Some(REUSE), ..self.refused(NAME, reason, Some(advice)) }
            }
            _ if !self.server.demands.once => Check::new(NAME, Verdict::Skipped, "assertions may be reused"),
            _ if self.is_authenticated => Check::new(NAME, Verdict::Passed, "not used before"),
            _ => Check::new(NAME, Verdict::Skipped, "not checked: an earlier check failed"),
        }
    }

    /// What the request was refused for, if it is none of the other checks.
    fn rest(&self, checks: &[Check]) -> Option<Check> {
        let (refusal, fault) = (self.refusal?, self.fault());
        let is_told = checks.iter().any(|check| check.is_failed() && check.fault.as_ref() == fault);
        if fault.is_some() && is_told {
            return None;
        }
        // The texts of this server are among those that are known.
        let advice = explain_log(&refusal.description).first().map(|cause| cause.advice().to_owned());
        Some(self.refused(REST, refusal.description.as_str(), advice))
    }

    /// Which request used the assertion before, and what to change.
    fn earlier(&self) -> (String, String) {
        let what = if self.jwt.is_some_and(has_jti) { "the `jti`" } else { "the assertion" };
        let earlier = self.spent.and_then(|spent| Some((spent, self.server.log().spent(&spent.identity)?)));
        let Some((spent, (number, earlier))) = earlier else {
            let reason = format!("{what} was used before, by a request that is no longer listed");
            return (reason, CauseKind::TokenIdReused.advice().to_owned());
        };
        let used = format!("{what} was used before: request #{number} at {}", Utc::from(earlier.time));
        let (ending, advice) = if earlier.token == spent.token {
            let advice = "sign a new assertion for each request, also for a repeated one; check whether the client or a \
                          proxy repeats requests";
            ("sent the same JWT", advice)
        } else {
            let advice = "make a new random `jti` for each assertion: this JWT is new, but its `jti` is not";
            ("sent another JWT with it", advice)
        };
        (format!("{used} {ending}"), advice.to_owned())
    }
}

/// What an assertion uses up.
pub(super) fn spent(jwt: &UnverifiedJwt, token: &str, time: OffsetDateTime) -> Spent {
    let text = |claim: &str| jwt.claims().get(claim).and_then(Value::as_str).unwrap_or_default();
    let mut identity = Sha256::new();
    for part in [text("iss"), text("jti")] {
        identity.update((part.len() as u64).to_be_bytes());
        identity.update(part);
    }
    if !has_jti(jwt) {
        identity.update(token.rsplit_once('.').map_or(token, |(signing_input, _)| signing_input));
    }
    Spent { identity: identity.finalize().into(), token: Sha256::digest(token).into(), time }
}

fn has_jti(jwt: &UnverifiedJwt) -> bool {
    jwt.claims().get("jti").is_some_and(Value::is_string)
}
