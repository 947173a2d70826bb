//! The common checks of all JWTs: the claims of RFC 7519, and the signature.

use std::time::Duration;

use serde_json::Value;

use super::VerifierError;
use crate::jose::error::excerpt;
use crate::jose::json::{Member, WipedValue};
use crate::jose::{Algorithm, Header, Signature};
use crate::keys::PublicKeySet;

/// A claim that is present. Serializers write `null` for an absent claim.
pub(crate) fn present<'a, 'de>(value: Option<&'a Member<'de>>) -> Option<&'a Member<'de>> {
    value.filter(|value| !value.is_null())
}

/// A required claim that is text.
pub(crate) fn text<'a>(claim: &'static str, value: Option<&'a Member<'_>>) -> Result<&'a str, VerifierError> {
    optional_text(claim, value)?.ok_or(VerifierError::MissingClaim { claim })
}

/// An optional claim that is text.
pub(crate) fn optional_text<'a>(
    claim: &'static str,
    value: Option<&'a Member<'_>>,
) -> Result<Option<&'a str>, VerifierError> {
    let Some(value) = present(value) else {
        return Ok(None);
    };
    value.text().map(Some).ok_or_else(|| wrong_type(claim, value, "a string"))
}

/// The error for a claim of the wrong JSON type. It names the type.
pub(crate) fn wrong_type(claim: &'static str, value: &Member<'_>, expected: &'static str) -> VerifierError {
    let found = match value {
        Member::Text(_) => "a string".to_owned(),
        Member::Other(WipedValue(value)) => kind(value),
    };
    VerifierError::InvalidClaim { claim, found, expected }
}

/// The type of a JSON value, without its text.
pub(super) fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        Value::Number(number) => format!("the number {}", excerpt(&number.to_string())),
        Value::String(_) => "a string".to_owned(),
        Value::Array(elements) if elements.is_empty() => "an empty array".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// RFC 7519 §2: seconds since 1970, fractions allowed (cut off here).
pub(crate) fn numeric_date(
    claim: &'static str,
    value: Option<&Member<'_>>,
) -> Result<Option<i64>, VerifierError> {
    let Some(member) = present(value) else {
        return Ok(None);
    };
    let value = match member {
        Member::Text(_) => &Value::Null,
        Member::Other(value) => &value.0,
    };
    let in_range = |seconds: &f64| (0.0..1e15).contains(seconds);
    #[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
    let seconds = value
        .as_i64()
        .filter(|seconds| *seconds >= 0)
        .or_else(|| value.as_f64().filter(in_range).map(|seconds| seconds as i64));
    seconds.map(Some).ok_or_else(|| wrong_type(claim, member, "a number of seconds since 1970"))
}

pub(crate) fn whole_seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// RFC 7519 §4.1.3: a string, or an array of strings.
pub(crate) fn audience(aud: Option<&Member<'_>>) -> Result<Vec<String>, VerifierError> {
    let aud = present(aud).ok_or(VerifierError::MissingClaim { claim: "aud" })?;
    let wrong = || wrong_type("aud", aud, "a string or an array of strings");
    match aud {
        Member::Text(audience) => Ok(vec![(**audience).to_owned()]),
        Member::Other(WipedValue(Value::Array(audiences))) => {
            audiences.iter().map(|audience| audience.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Member::Other(_) => Err(wrong()),
    }
}

/// Whether an algorithm is among the allowed ones, by either of its names (RFC 8725 §3.2, RFC 9864
/// §2.2).
pub(crate) fn check_algorithm(
    found: Algorithm,
    allowed: impl Iterator<Item = Algorithm> + Clone,
) -> Result<(), VerifierError> {
    if allowed.clone().any(|allowed| allowed.is_same_as(found)) {
        Ok(())
    } else {
        Err(VerifierError::Algorithm { found, allowed: allowed.collect() })
    }
}

/// Checks the signature with the only key that the header can mean.
pub(crate) fn check_signature(
    keys: &PublicKeySet,
    header: &Header,
    signing_input: &str,
    signature: &Signature,
) -> Result<(), VerifierError> {
    let key = keys.key_for(header)?;
    Ok(key.verify(signing_input.as_bytes(), signature)?)
}

/// The end of the year 9999, the latest time that many issuers write for "never". Times in
/// milliseconds since 1970 exceed it.
const LAST_SECOND: i64 = 253_402_300_799;

/// Checks that the times are in seconds, not expired and not in the future, within the leeway.
pub(crate) fn check_times(
    exp: i64,
    nbf: Option<i64>,
    iat: Option<i64>,
    leeway: i64,
    now: i64,
) -> Result<(), VerifierError> {
    for (claim, time) in [("exp", Some(exp)), ("nbf", nbf), ("iat", iat)] {
        if let Some(found) = time.filter(|time| *time > LAST_SECOND) {
            return Err(VerifierError::NotInSeconds { claim, found });
        }
    }
    if exp.saturating_add(leeway) <= now {
        return Err(VerifierError::Expired { expired: exp, now });
    }
    for (claim, time) in [("nbf", nbf), ("iat", iat)] {
        if let Some(found) = time.filter(|time| *time > now.saturating_add(leeway)) {
            return Err(VerifierError::NotYetValid { claim, found, now });
        }
    }
    Ok(())
}

/// Counts from `iat` if it is present: a backdated assertion has used up part of its lifetime.
pub(crate) fn check_lifetime(
    exp: i64,
    iat: Option<i64>,
    limit: i64,
    leeway: i64,
    now: i64,
) -> Result<(), VerifierError> {
    match lifetime_beyond(exp, iat, limit, leeway, now) {
        None => Ok(()),
        Some(found) => Err(VerifierError::Lifetime { found, limit, issued: iat }),
    }
}

/// The lifetime of a JWT, if it exceeds the limit.
pub(super) fn lifetime_beyond(exp: i64, iat: Option<i64>, limit: i64, leeway: i64, now: i64) -> Option<i64> {
    let found = exp.saturating_sub(iat.unwrap_or(now).min(now));
    (found > limit.saturating_add(leeway)).then_some(found)
}
