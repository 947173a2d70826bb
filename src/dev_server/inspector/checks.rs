//! The checks of an assertion, each with its result and the reason.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::{masked, words};
use crate::dev_server::demands::{Demands, Unmet};
use crate::dev_server::fault::Fault;
use crate::dev_server::shown::chain;
use crate::jose::UnverifiedJwt;
use crate::keys::PublicKeySet;
use crate::verifier::{ClientAssertionVerifier, Point};

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
}

/// What the server knows of a client's keys.
pub(super) enum Keys<'a> {
    Known(&'a PublicKeySet),
    /// The signature was verified before.
    Verified,
    /// Why the signature cannot be checked.
    Unknown(String),
}

/// An assertion, and what it is checked against.
pub(super) struct Examination<'a> {
    pub(super) demands: &'a Demands,
    pub(super) verifier: &'a ClientAssertionVerifier,
    pub(super) token: &'a str,
    pub(super) jwt: Option<&'a UnverifiedJwt>,
    pub(super) keys: &'a Keys<'a>,
    pub(super) has_client_id: bool,
    pub(super) now: OffsetDateTime,
}

impl Check {
    pub(super) fn new(name: &'static str, verdict: Verdict, reason: impl Into<String>) -> Self {
        Self { name, verdict, reason: reason.into(), fault: None }
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
        json!([self.name, verdict, self.reason])
    }
}

impl Examination<'_> {
    /// All checks, in the order in which a person reads them.
    pub(super) fn checks(&self) -> Vec<Check> {
        let now = self.now.unix_timestamp();
        let (set, count) = match self.keys {
            Keys::Known(keys) => (Some(*keys), Some(keys.parsed().count())),
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
                let name = name(point);
                match (result, of_profile.map(|place| unmet.swap_remove(place))) {
                    (Some(Err(error)), _) => Check {
                        fault: Some(Fault::from(&error)),
                        ..Check::new(name, Verdict::Failed, chain(&error))
                    },
                    (_, Some((_, Unmet { fault, description }))) => {
                        Check { fault: Some(fault), ..Check::new(name, Verdict::Failed, description) }
                    }
                    (Some(Ok(())), None) => Check::new(name, Verdict::Passed, self.found(point)),
                    (None, None) => self.unexamined(point),
                }
            })
            .collect()
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
            (Point::Signature, Keys::Known(_)) => {
                Check::new(name, Verdict::Skipped, "no key to check it with")
            }
            (Point::Lifetime, _) => Check::new(name, Verdict::Skipped, "the times cannot be used"),
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
