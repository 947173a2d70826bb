//! What the checks of all JWTs have in common: the claims as RFC 7519 has them, and the signature.

use std::time::Duration;

use serde_json::Value;

use super::VerifierError;
use crate::jose::json::{Member, WipedValue};
use crate::jose::{Header, Signature};
use crate::keys::{KeyError, PublicKeySet};

/// A claim that has to be there, and to be text.
pub(crate) fn text<'a>(claim: &'static str, value: Option<&'a Member<'_>>) -> Result<&'a str, VerifierError> {
    let value = value.ok_or_else(|| VerifierError::MissingClaim { claim })?;
    value.text().ok_or_else(|| VerifierError::InvalidClaim { claim, expected: "a string" })
}

/// RFC 7519 §2: seconds since 1970, fractions allowed (cut off here).
pub(crate) fn numeric_date(
    claim: &'static str,
    value: Option<&Member<'_>>,
) -> Result<Option<i64>, VerifierError> {
    let Some(value) = value else {
        return Ok(None);
    };
    let value = match value {
        Member::Text(_) => &Value::Null,
        Member::Other(value) => &value.0,
    };
    let in_range = |seconds: &f64| (0.0..1e15).contains(seconds);
    #[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
    let seconds = value
        .as_i64()
        .filter(|seconds| *seconds >= 0)
        .or_else(|| value.as_f64().filter(in_range).map(|seconds| seconds as i64));
    seconds
        .map(Some)
        .ok_or_else(|| VerifierError::InvalidClaim { claim, expected: "a number of seconds since 1970" })
}

pub(crate) fn whole_seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// RFC 7519 §4.1.3: one string, or several.
pub(crate) fn audience(aud: Option<&Member<'_>>) -> Result<Vec<String>, VerifierError> {
    let wrong = || VerifierError::InvalidClaim { claim: "aud", expected: "a string or an array of strings" };
    match aud {
        None => Err(VerifierError::MissingClaim { claim: "aud" }),
        Some(Member::Text(audience)) => Ok(vec![(**audience).to_owned()]),
        Some(Member::Other(WipedValue(Value::Array(audiences)))) => {
            audiences.iter().map(|audience| audience.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Some(Member::Other(_)) => Err(wrong()),
    }
}

/// By the one key that the header can mean.
pub(crate) fn check_signature(
    keys: &PublicKeySet,
    header: &Header,
    signing_input: &str,
    signature: &Signature,
) -> Result<(), VerifierError> {
    let key = keys.select(header.key_id.as_ref(), header.algorithm).map_err(|error| match error {
        KeyError::Jose(error) => VerifierError::Jose(error),
        error => VerifierError::Key(error),
    })?;
    Ok(key.verify(signing_input.as_bytes(), signature)?)
}

/// Neither over nor yet to come, but for so many seconds.
pub(crate) fn check_times(
    exp: i64,
    nbf: Option<i64>,
    iat: Option<i64>,
    leeway: i64,
    now: i64,
) -> Result<(), VerifierError> {
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

/// From `iat` where there is one: a backdated assertion has lived already.
pub(crate) fn check_lifetime(
    exp: i64,
    iat: Option<i64>,
    limit: i64,
    leeway: i64,
    now: i64,
) -> Result<(), VerifierError> {
    let found = exp.saturating_sub(iat.unwrap_or(now).min(now));
    if found > limit.saturating_add(leeway) { Err(VerifierError::Lifetime { found, limit }) } else { Ok(()) }
}
