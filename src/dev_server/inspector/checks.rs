//! The checks of an assertion, each with its result and the reason.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::decoded::LAST_SECOND;
use super::trial::{Name, Trial};
use super::{masked, words};
use crate::dev_server::authentication::{damage, option};
use crate::dev_server::clients::{Clients, Lookup};
use crate::dev_server::demands::{Demands, Unmet};
use crate::dev_server::fault::{Fault, FaultKind};
use crate::dev_server::shown::chain;
use crate::jose::{Algorithm, JoseError, KeyType, UnverifiedJwt, base64url};
use crate::keys::{KeyError, PublicKeySet};
use crate::verifier::{ClientAssertionVerifier, Point, VerifierError};

/// The name of the check that stands for all others.
pub(super) const REST: &str = "Rest of the request";

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Passed,
    Failed,
    /// Not checked.
    Skipped,
}

/// A check, for display.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) verdict: Verdict,
    /// Why it failed or was not checked, or what was found.
    pub(super) reason: String,
    /// How providers distinguish the failure.
    pub(super) fault: Option<Fault>,
    /// What to change in the client.
    pub(super) advice: Option<String>,
    /// The setting of the server that accepts the assertion.
    pub(super) option: Option<&'static str>,
    /// The value that was sent, and those that are accepted, the recommended one first.
    pub(super) compared: Option<(String, Vec<String>)>,
}

/// What the server knows of a client's keys.
pub(super) enum Keys {
    Known(Arc<PublicKeySet>),
    /// The signature was verified before.
    Verified,
    /// Why the signature cannot be checked.
    Unknown(String),
}

impl Keys {
    /// The keys of the client that an assertion names.
    pub(super) fn of(client_id: Option<&str>, clients: &Clients, now: OffsetDateTime) -> Self {
        let Some(client_id) = client_id else {
            return Self::Unknown("the client is unknown, and so is its key".to_owned());
        };
        match clients.lookup(client_id, now) {
            Lookup::Known { keys, .. } => Self::Known(keys),
            Lookup::Unknown => {
                let client = masked::text(client_id);
                Self::Unknown(format!("client `{client}` is not registered here, so its key is unknown"))
            }
            Lookup::NotFetched | Lookup::Outdated { .. } => {
                Self::Unknown("the keys of the client are not fetched yet, or too old".to_owned())
            }
        }
    }

    /// Which registered key verifies an assertion of the client.
    pub(super) fn try_on(
        &self,
        token: &str,
        client_id: Option<&str>,
        clients: &Clients,
        now: OffsetDateTime,
    ) -> Trial {
        match self {
            Self::Known(keys) => Trial::of(token, client_id, Some(keys), clients, now),
            Self::Unknown(_) => Trial::of(token, client_id, None, clients, now),
            Self::Verified => Trial::Impossible,
        }
    }
}

/// An assertion, and what it is checked against.
pub(super) struct Examination<'a> {
    pub(super) demands: &'a Demands,
    pub(super) verifier: &'a ClientAssertionVerifier,
    pub(super) token: &'a str,
    pub(super) jwt: Option<&'a UnverifiedJwt>,
    pub(super) keys: &'a Keys,
    pub(super) clients: &'a Clients,
    /// What the registered keys say about the signature.
    pub(super) trial: &'a Trial,
    /// The issuer of the server.
    pub(super) issuer: &'a str,
    /// The accepted audiences, the recommended one first.
    pub(super) audiences: &'a [String],
    pub(super) has_client_id: bool,
    pub(super) now: OffsetDateTime,
}

impl Check {
    pub(super) fn new(name: &'static str, verdict: Verdict, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { name, verdict, reason, fault: None, advice: None, option: None, compared: None }
    }

    pub(super) fn failed(name: &'static str, reason: impl Into<String>, advice: Option<String>) -> Self {
        Self { advice, ..Self::new(name, Verdict::Failed, reason) }
    }

    pub(super) const fn is_failed(&self) -> bool {
        matches!(self.verdict, Verdict::Failed)
    }

    pub(super) fn json(&self) -> Value {
        let verdict = match self.verdict {
            Verdict::Passed => "passed",
            Verdict::Failed => "failed",
            Verdict::Skipped => "not checked",
        };
        let compared = self.compared.as_ref();
        json!([self.name, verdict, self.reason, compared.map(|(sent, accepted)| json!([sent, accepted]))])
    }
}

/// What is wrong, and what to change, as the page shows it: reasons, advice to the client's
/// developer, and settings of the server. The check that decided comes first.
pub(super) fn summary(checks: &[Check], decisive: Option<FaultKind>) -> [Vec<String>; 3] {
    let mut failed: Vec<&Check> = checks.iter().filter(|check| check.is_failed()).collect();
    failed.sort_by_key(|check| match decisive {
        Some(kind) => check.fault.as_ref().is_none_or(|fault| fault.kind != kind),
        None => check.name != REST,
    });
    let mut texts = [Vec::new(), Vec::new(), Vec::new()];
    let [reasons, advice, options] = &mut texts;
    for check in failed {
        reasons.push(check.reason.clone());
        let new = |texts: &[String], text: &String| !texts.contains(text);
        let text = check.advice.clone().filter(|text| new(advice, text));
        advice.extend(text);
        let text = check.option.map(str::to_owned).filter(|text| new(options, text));
        options.extend(text);
    }
    texts
}

impl Examination<'_> {
    /// All checks, in the order in which a person reads them.
    pub(super) fn checks(&self) -> Vec<Check> {
        let now = self.now.unix_timestamp();
        let (set, count) = match self.keys {
            Keys::Known(keys) => (Some(&**keys), Some(keys.parsed().count())),
            Keys::Verified | Keys::Unknown(_) => (None, None),
        };
        let mut unmet = match self.jwt {
            Some(jwt) => self.demands.check(jwt, self.has_client_id, count, now),
            None => Vec::new(),
        };
        let examined = self.verifier.examine(self.token, set, now);
        examined
            .into_iter()
            .map(|(point, result)| {
                let of_profile = unmet.iter().position(|(other, _)| *other == point);
                match (result, of_profile.map(|place| unmet.swap_remove(place))) {
                    (Some(Err(error)), _) => self.failed(point, &error),
                    (_, Some((_, Unmet { fault, description }))) => {
                        let advice = Some(self.advice_on_demand(fault.kind));
                        Check { fault: Some(fault), ..Check::failed(name(point), description, advice) }
                    }
                    (Some(Ok(())), None) => Check::new(name(point), Verdict::Passed, self.found(point)),
                    (None, None) => self.unexamined(point),
                }
            })
            .collect()
    }

    fn failed(&self, point: Point, error: &VerifierError) -> Check {
        let compared = (point == Point::Audience).then(|| (self.sent("aud"), self.accepted()));
        Check {
            fault: Some(Fault::from(error)),
            option: option(error),
            compared,
            ..Check::failed(name(point), self.reason(point, error), Some(self.advice(error)))
        }
    }

    /// Why a check failed, with what else is known about it.
    fn reason(&self, point: Point, error: &VerifierError) -> String {
        let reason = chain(error);
        match (error, self.trial) {
            (VerifierError::Jose(JoseError::SignatureLength { .. }), _) if self.is_der() => {
                format!("{reason}: it begins as DER does, expected R and S side by side (RFC 7518 §3.4)")
            }
            (VerifierError::Jose(JoseError::SignatureLength { found: 0, .. }), _) => {
                "the assertion is not signed: its third part is empty".to_owned()
            }
            (_, _) if point == Point::Form => match damage(self.token) {
                Some(damage) => format!("the client_assertion {damage}"),
                None => reason,
            },
            (
                VerifierError::Jose(JoseError::NoMatchingKey { .. } | JoseError::AmbiguousKey { .. }),
                Trial::Own(key),
            ) => {
                format!("{reason}; the signature verifies with the registered {key}")
            }
            (VerifierError::Key(KeyError::BadSignature), trial) => {
                let kid = self.jwt.and_then(|jwt| jwt.header().get("kid")).and_then(Value::as_str);
                let named = kid.map_or_else(String::new, |kid| format!(" `{}`", masked::text(kid)));
                let reason = format!("{reason} with the registered key{named}");
                match trial {
                    Trial::Own(key) => format!("{reason}; it verifies with the registered {key}"),
                    Trial::Foreign { client, key } => {
                        format!("{reason}; it verifies with the {key} of client `{client}`")
                    }
                    Trial::Failed { tried, is_complete } if *tried > 1 => {
                        format!("{reason}, nor with any of the {}", keys_tried(*tried, *is_complete))
                    }
                    Trial::Failed { .. } | Trial::Impossible => match self.lengths(kid) {
                        Some((found, needed)) => format!(
                            "{reason}: it has {found} bytes, one of that key {needed}, so it is truncated, or of another key"
                        ),
                        None => reason,
                    },
                }
            }
            _ => reason,
        }
    }

    /// The signature of an assertion that names no registered key.
    fn signature_without_key(&self) -> Check {
        let name = name(Point::Signature);
        let failed = |reason: String| Check::failed(name, reason, Some(self.advice_on_signature()));
        match self.trial {
            Trial::Own(Name { kid: Some(kid), .. }) => {
                let reason = format!("it verifies with the registered key `{kid}`: send that kid");
                Check::new(name, Verdict::Passed, reason)
            }
            Trial::Own(key) => {
                Check::new(name, Verdict::Passed, format!("it verifies with the registered {key}"))
            }
            Trial::Foreign { client, key } => failed(format!(
                "the signature verifies with the {key} of client `{client}`, whose private key signed it"
            )),
            Trial::Failed { tried: 1, .. } => failed(
                "the signature does not verify with the registered key: another private key signed it"
                    .to_owned(),
            ),
            Trial::Failed { tried, is_complete } => failed(format!(
                "the signature verifies with none of the {}: another private key signed it",
                keys_tried(*tried, *is_complete)
            )),
            Trial::Impossible => Check::new(name, Verdict::Skipped, "no key to check it with"),
        }
    }

    fn signature(&self) -> Option<Vec<u8>> {
        let (_, encoded) = self.token.rsplit_once('.')?;
        base64url::decode("the JWS signature", encoded).ok()
    }

    /// The length of the signature, and that of one by the RSA key of this `kid`, if they differ.
    fn lengths(&self, kid: Option<&str>) -> Option<(usize, usize)> {
        let Keys::Known(keys) = self.keys else { return None };
        let mut fitting = keys.parsed().filter_map(Result::ok);
        let key = match kid {
            Some(kid) => fitting.find(|key| key.jwk().key_id().is_some_and(|found| found.as_str() == kid))?,
            None => fitting.next().filter(|_| fitting.next().is_none())?,
        };
        let needed = (key.key_type() == KeyType::Rsa).then(|| key.bits().div_ceil(8))?;
        let found = self.signature()?.len();
        (found != needed).then_some((found, needed))
    }

    /// Whether the signature is in DER (`ECDSA-Sig-Value`): a SEQUENCE of the rest of its length.
    pub(super) fn is_der(&self) -> bool {
        let is_ecdsa = self.jwt.and_then(|jwt| jwt.header().get("alg")).and_then(Value::as_str);
        let is_ecdsa = is_ecdsa.and_then(|alg| alg.parse::<Algorithm>().ok());
        let is_ecdsa = is_ecdsa.is_some_and(|alg| matches!(alg.key_type(), KeyType::Ec(_)));
        match self.signature().filter(|_| is_ecdsa).as_deref() {
            Some([0x30, 0x81, length, rest @ ..] | [0x30, length, rest @ ..]) => {
                usize::from(*length) == rest.len()
            }
            _ => false,
        }
    }

    /// A claim as it was sent.
    fn sent(&self, claim: &str) -> String {
        let value = self.jwt.and_then(|jwt| jwt.claims().get(claim)).filter(|value| !value.is_null());
        value.map_or_else(|| "none".to_owned(), masked::value)
    }

    fn accepted(&self) -> Vec<String> {
        self.audiences.iter().map(|audience| masked::text(audience)).collect()
    }

    /// What is known of a lifetime while a time cannot be used.
    fn lifetime(&self) -> String {
        let limit = self.demands.longest_lifetime();
        let is_milliseconds = |time: i64| time > LAST_SECOND;
        match (self.seconds("iat"), self.seconds("exp")) {
            (_, None) => "there is no `exp`".to_owned(),
            (Some(iat), Some(exp)) if is_milliseconds(iat) && is_milliseconds(exp) => {
                let lifetime = exp.saturating_sub(iat) / 1000;
                format!("in milliseconds, `exp` is {lifetime} s after `iat`; at most {limit} s are accepted")
            }
            (Some(iat), Some(exp)) if !is_milliseconds(iat) && !is_milliseconds(exp) => {
                let lifetime = exp.saturating_sub(iat);
                format!("`exp` is {lifetime} s after `iat`; at most {limit} s are accepted")
            }
            (Some(_), Some(_)) => "`iat` and `exp` are not in the same unit".to_owned(),
            (None, Some(_)) => format!("there is no `iat`; at most {limit} s from now are accepted"),
        }
    }

    /// A check that the verifier could not make.
    fn unexamined(&self, point: Point) -> Check {
        let name = name(point);
        match (point, self.keys) {
            (Point::Key | Point::Signature, Keys::Verified) => {
                Check::new(name, Verdict::Passed, self.found(point))
            }
            (Point::Key | Point::Signature, Keys::Unknown(reason)) => {
                Check::new(name, Verdict::Skipped, reason.as_str())
            }
            (Point::Signature, Keys::Known(_)) => self.signature_without_key(),
            (Point::Lifetime, _) if self.jwt.is_some() => Check::new(name, Verdict::Skipped, self.lifetime()),
            _ => Check::new(name, Verdict::Skipped, "the JWT cannot be read"),
        }
    }

    /// What was found at a point that passed.
    fn found(&self, point: Point) -> String {
        let Some(jwt) = self.jwt else { return String::new() };
        let text = |object: &Map<String, Value>, member: &str| {
            object
                .get(member)
                .filter(|value| !value.is_null())
                .map_or_else(|| "none".to_owned(), masked::value)
        };
        let seconds = |claim: &str| jwt.claims().get(claim).and_then(Value::as_f64);
        #[allow(clippy::cast_possible_truncation, reason = "the verifier checked the range")]
        let moment = |claim: &str| {
            let time = seconds(claim).and_then(|time| OffsetDateTime::from_unix_timestamp(time as i64).ok());
            time.map_or_else(|| "none".to_owned(), |time| words::moment(time, self.now))
        };
        match point {
            Point::Form => format!("a JWT of {} characters in three parts", self.token.len()),
            Point::MediaType => text(jwt.header(), "typ"),
            Point::Algorithm => text(jwt.header(), "alg"),
            Point::Key => format!("kid: {}", text(jwt.header(), "kid")),
            Point::Signature => "made with the client's key".to_owned(),
            Point::Subject => text(jwt.claims(), "iss"),
            Point::Kind => "no claim of another kind of JWT".to_owned(),
            Point::Audience => text(jwt.claims(), "aud"),
            Point::Expiry => moment("exp"),
            Point::NotBefore => moment("nbf"),
            Point::IssuedAt => moment("iat"),
            Point::Lifetime => {
                let begin = seconds("iat").unwrap_or(self.now.unix_timestamp() as f64);
                seconds("exp").map_or_else(String::new, |exp| format!("{} s", (exp - begin).round()))
            }
            Point::TokenId => text(jwt.claims(), "jti"),
        }
    }
}

/// How many keys were tried, in words.
fn keys_tried(tried: usize, is_complete: bool) -> String {
    let first = if is_complete { "" } else { "first " };
    format!("{first}{tried} registered keys of its algorithm")
}

const fn name(point: Point) -> &'static str {
    match point {
        Point::Form => "Format",
        Point::MediaType => "Type (typ)",
        Point::Algorithm => "Algorithm (alg)",
        Point::Key => "Key (kid)",
        Point::Signature => "Signature",
        Point::Subject => "Client (iss, sub)",
        Point::Kind => "Kind of JWT",
        Point::Audience => "Audience (aud)",
        Point::Expiry => "Expiry (exp)",
        Point::NotBefore => "Not before (nbf)",
        Point::IssuedAt => "Issued at (iat)",
        Point::Lifetime => "Lifetime",
        Point::TokenId => "JWT ID (jti)",
    }
}
