//! The header and the claims of an assertion, for display.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::{masked, words};
use crate::jose::UnverifiedJwt;

/// The claims that are times (RFC 7519 §4.1).
const TIMES: [&str; 3] = ["exp", "nbf", "iat"];

/// Header and claims, each as a list of name, value and, for a time, the value in words.
pub(super) fn decoded(jwt: &UnverifiedJwt, now: OffsetDateTime) -> Value {
    json!({"header": members(jwt.header(), now, &[]), "claims": members(jwt.claims(), now, &TIMES)})
}

fn members(members: &Map<String, Value>, now: OffsetDateTime, times: &[&str]) -> Value {
    let rows = members.iter().take(masked::MOST).map(|(name, value)| {
        let time = times.contains(&name.as_str()).then(|| told(value, now)).flatten();
        json!([masked::name(name), masked::value(value), time])
    });
    let more = members.len().saturating_sub(masked::MOST);
    let more = (more > 0).then(|| json!(["…", format!("{more} more"), null]));
    rows.chain(more).collect()
}

/// The end of the year 9999. Larger numbers are not in seconds.
pub(super) const LAST_SECOND: i64 = 253_402_300_799;

/// The time in words (RFC 7519 §2), cut to whole seconds.
fn told(value: &Value, now: OffsetDateTime) -> Option<String> {
    #[allow(clippy::cast_possible_truncation, reason = "a number out of range is no time either way")]
    let number = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))?;
    let told = |seconds| Some(words::moment(OffsetDateTime::from_unix_timestamp(seconds).ok()?, now));
    if number <= LAST_SECOND {
        return told(number);
    }
    let milliseconds = Some(number / 1000).filter(|seconds| *seconds <= LAST_SECOND).and_then(told)?;
    Some(format!("not in seconds; in milliseconds: {milliseconds}"))
}
