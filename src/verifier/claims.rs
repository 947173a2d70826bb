//! Claims as RFC 7519 has them.

use std::time::Duration;

use serde_json::Value;

use super::VerifierError;
use crate::jose::json::Member;

/// A claim that has to be there, and to be text.
pub(super) fn text<'a>(claim: &'static str, value: Option<&'a Member<'_>>) -> Result<&'a str, VerifierError> {
    let value = value.ok_or_else(|| VerifierError::MissingClaim { claim })?;
    value.text().ok_or_else(|| VerifierError::InvalidClaim { claim, expected: "a string" })
}

/// RFC 7519 §2: seconds since 1970, fractions allowed (cut off here).
pub(super) fn numeric_date(
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

pub(super) fn whole_seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
