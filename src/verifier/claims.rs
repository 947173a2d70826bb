//! The common checks of all JWTs: the claims of RFC 7519, and the signature.

use std::time::Duration;

use super::VerifierError;
use crate::jose::error::excerpt;
use crate::jose::json::{Json, Members};
use crate::jose::{Header, Signature};
use crate::keys::PublicKeySet;

/// The name of the parsed document, for errors.
pub(super) const CLAIMS_SET: &str = "the claims set";

/// A claim that is present. Serializers write `null` for an absent claim.
pub(super) fn present<'c, 'a>(claims: &'c Members<'a>, claim: &str) -> Option<&'c Json<'a>> {
    claims.get(claim).filter(|value| !value.is_null())
}

/// A required claim that is text.
pub(crate) fn text<'c>(claims: &'c Members<'_>, claim: &'static str) -> Result<&'c str, VerifierError> {
    optional_text(claims, claim)?.ok_or(VerifierError::MissingClaim { claim })
}

/// An optional claim that is text.
pub(crate) fn optional_text<'c>(
    claims: &'c Members<'_>,
    claim: &'static str,
) -> Result<Option<&'c str>, VerifierError> {
    let value = present(claims, claim);
    value.map(|value| value.text().ok_or_else(|| wrong_type(claim, value, "a string"))).transpose()
}

/// The error for a claim of the wrong JSON type. It names the type.
pub(super) fn wrong_type(claim: &'static str, value: &Json<'_>, expected: &'static str) -> VerifierError {
    VerifierError::InvalidClaim { claim, found: kind(value), expected }
}

/// The type of a JSON value, without its text.
pub(super) fn kind(value: &Json<'_>) -> String {
    match value {
        Json::Null | Json::Unparsed(_) => "null".to_owned(),
        Json::Bool(_) => "a boolean".to_owned(),
        Json::Number(number) => format!("the number {}", excerpt(&number.to_string())),
        Json::Text(_) => "a string".to_owned(),
        Json::Array(elements) if elements.is_empty() => "an empty array".to_owned(),
        Json::Array(_) => "an array".to_owned(),
        Json::Object(_) => "an object".to_owned(),
    }
}

/// RFC 7519 §2: seconds since 1970, fractions allowed (cut off here).
pub(super) fn numeric_date(claims: &Members<'_>, claim: &'static str) -> Result<Option<i64>, VerifierError> {
    let Some(value) = present(claims, claim) else {
        return Ok(None);
    };
    let in_range = |seconds: &f64| (0.0..1e15).contains(seconds);
    #[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
    let seconds = value.number().and_then(|number| {
        let whole = number.as_i64().filter(|seconds| *seconds >= 0);
        whole.or_else(|| number.as_f64().filter(in_range).map(|seconds| seconds as i64))
    });
    seconds.map(Some).ok_or_else(|| wrong_type(claim, value, "a number of seconds since 1970"))
}

pub(super) fn whole_seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// RFC 7519 §4.1.3: a string, or an array of strings.
pub(crate) fn audience(claims: &Members<'_>) -> Result<Vec<String>, VerifierError> {
    let aud = present(claims, "aud").ok_or(VerifierError::MissingClaim { claim: "aud" })?;
    match aud {
        Json::Text(audience) => Ok(vec![audience.to_string()]),
        _ => aud.texts().ok_or_else(|| wrong_type("aud", aud, "a string or an array of strings")),
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
pub(super) const LAST_SECOND: i64 = 253_402_300_799;

/// When a JWT is valid, in seconds since 1970.
pub(crate) struct Times {
    pub(crate) exp: i64,
    pub(crate) nbf: Option<i64>,
    pub(crate) iat: Option<i64>,
}

impl Times {
    pub(crate) fn read(claims: &Members<'_>) -> Result<Self, VerifierError> {
        Ok(Self {
            exp: numeric_date(claims, "exp")?.ok_or(VerifierError::MissingClaim { claim: "exp" })?,
            nbf: numeric_date(claims, "nbf")?,
            iat: numeric_date(claims, "iat")?,
        })
    }

    /// Checks that the times are in seconds, not expired and not in the future, within the leeway.
    pub(super) fn check(&self, leeway: i64, now: i64) -> Result<(), VerifierError> {
        for (claim, time) in [("exp", Some(self.exp)), ("nbf", self.nbf), ("iat", self.iat)] {
            if let Some(found) = time.filter(|time| *time > LAST_SECOND) {
                return Err(VerifierError::NotInSeconds { claim, found });
            }
        }
        if self.exp.saturating_add(leeway) <= now {
            return Err(VerifierError::Expired { expired: self.exp, now });
        }
        for (claim, time) in [("nbf", self.nbf), ("iat", self.iat)] {
            if let Some(found) = time.filter(|time| *time > now.saturating_add(leeway)) {
                return Err(VerifierError::NotYetValid { claim, found, now });
            }
        }
        Ok(())
    }
}
