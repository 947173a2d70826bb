//! The times of an assertion that another library made, and its `jti`.

use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::finding::{Finding, Step};
use super::words::span;

/// `exp`, `iat` and `nbf` (RFC 7519 §4.1) at this time.
pub(super) fn times(claims: &Map<String, Value>, now: OffsetDateTime) -> Vec<Finding> {
    /// The end of the year 9999. Milliseconds since 1970 lie beyond it.
    const LAST: f64 = 253_402_300_800.0;
    /// What servers tolerate.
    const LEEWAY: i64 = 10;
    const CLOCK: &str = "compare the clock of the machine that signs with another one";
    let now = now.unix_timestamp();
    let mut findings = Vec::new();
    let mut seconds = |claim: &'static str| {
        let value = claims.get(claim)?;
        match value.as_f64() {
            Some(seconds) if (0.0..LAST).contains(&seconds) =>
            {
                #[allow(clippy::cast_possible_truncation, reason = "the range was checked")]
                Some(seconds.floor() as i64)
            }
            Some(seconds) if seconds >= LAST => {
                let text = format!("{claim} is past the year 9999");
                findings.push(wrong("times", text).advise("use seconds since 1970, not milliseconds"));
                None
            }
            _ => {
                let text = format!("{claim} is not a number of seconds since 1970");
                findings.push(wrong("times", text).advise("use a JSON number (RFC 7519 §2)"));
                None
            }
        }
    };
    let (exp, iat, nbf) = (seconds("exp"), seconds("iat"), seconds("nbf"));
    let distance = |seconds: i64| span(std::time::Duration::from_secs(seconds.unsigned_abs()));
    match exp {
        Some(exp) if exp <= now => {
            let text = format!("the assertion expired {} ago", distance(now.saturating_sub(exp)));
            findings.push(
                wrong("expiry", text)
                    .advise("sign a new one for each request; if it was new, check the clock"),
            );
        }
        Some(exp) => {
            findings.push(good(
                "expiry",
                format!("the assertion expires in {}", distance(exp.saturating_sub(now))),
            ));
        }
        None if !claims.contains_key("exp") => {
            findings.push(
                wrong("expiry", "the claim exp is missing").advise("set exp to iat plus 60 s (RFC 7523 §3)"),
            );
        }
        None => {}
    }
    for (claim, time) in [("iat", iat), ("nbf", nbf)] {
        if let Some(time) = time.filter(|time| time.saturating_sub(LEEWAY) > now) {
            let text = format!("{claim} is {} in the future", distance(time.saturating_sub(now)));
            let check = if claim == "iat" { "issued-at" } else { "not-before" };
            findings.push(wrong(check, text).advise(CLOCK));
        }
    }
    if iat.is_none() && !claims.contains_key("iat") {
        let text = "the claim iat is missing; some servers need it";
        findings
            .push(Finding::warning(Step::Assertion, "issued-at", text).advise("set it to the current time"));
    }
    findings
}

/// The `jti` (RFC 7523 §3).
pub(super) fn token_id(claims: &Map<String, Value>) -> Option<Finding> {
    const CHECK: &str = "jti";
    const FRESH: &str = "set jti to a fresh UUID for each assertion";
    match claims.get("jti") {
        None | Some(Value::Null) => {
            let text = "the claim jti is missing; most servers require it (OpenID Connect Core §9)";
            Some(Finding::warning(Step::Assertion, CHECK, text).advise(FRESH))
        }
        Some(Value::String(jti)) if (1..=256).contains(&jti.len()) => None,
        Some(_) => Some(wrong(CHECK, "jti is not a string of 1 to 256 bytes").advise(FRESH)),
    }
}

fn wrong(check: &'static str, text: impl AsRef<str>) -> Finding {
    Finding::wrong(Step::Assertion, check, text)
}

fn good(check: &'static str, text: impl AsRef<str>) -> Finding {
    Finding::good(Step::Assertion, check, text)
}
