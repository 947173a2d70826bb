//! What all answers have in common: the status decides what a body is.

use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use serde_json::Value;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::text::safe;
use super::{OAuthError, Refusal};
use crate::jose::JoseError;
use crate::jose::json::{Member, WipedValue};
use crate::jose::text::Text;

/// A success, and how the document in its body is read. It may hold a token; every copy of it is wiped.
pub(super) struct Success {
    what: &'static str,
    body: Zeroizing<Vec<u8>>,
    /// As it came: it is made fit to be shown only where the body is not what it should be.
    content_type: Option<HeaderValue>,
}

impl Success {
    /// Judges a response by its status; `now` is when it came.
    pub(super) fn of(
        what: &'static str,
        successes: &[StatusCode],
        mut response: http::Response<Vec<u8>>,
        now: OffsetDateTime,
    ) -> Result<Self, OAuthError> {
        if !successes.contains(&response.status()) {
            return Err(failure(&response, now));
        }
        let content_type = response.headers_mut().remove(CONTENT_TYPE);
        Ok(Self { what, body: Zeroizing::new(response.into_body()), content_type })
    }

    /// Reads the body.
    pub(super) fn read<T>(
        self,
        read: impl FnOnce(Document<'_>) -> Result<T, JoseError>,
    ) -> Result<T, OAuthError> {
        let Self { what, body, content_type } = self;
        let document = Document { what, json: &body };
        read(document).map_err(|reason| OAuthError::Response {
            what,
            reason,
            content_type: content_type.as_ref().map(shown),
        })
    }
}

/// The body of a success.
#[derive(Clone, Copy)]
pub(super) struct Document<'a> {
    pub(super) what: &'static str,
    pub(super) json: &'a [u8],
}

impl Document<'_> {
    /// A member that has to be there.
    pub(super) fn required<T>(self, member: &'static str, value: Option<T>) -> Result<T, JoseError> {
        value.ok_or(JoseError::MissingMember { what: self.what, member })
    }

    /// A string; some servers send `null` for a member that they leave out.
    pub(super) fn text<'a>(
        self,
        member: &'static str,
        value: Option<Member<'a>>,
    ) -> Result<Option<Text<'a>>, JoseError> {
        match value {
            None | Some(Member::Other(WipedValue(Value::Null))) => Ok(None),
            Some(Member::Text(text)) => Ok(Some(text)),
            Some(Member::Other(_)) => Err(self.invalid(member, "a string")),
        }
    }

    /// A string that says something: some servers write a member that they have no value for as an empty one.
    pub(super) fn filled<'a>(
        self,
        member: &'static str,
        value: Option<Member<'a>>,
    ) -> Result<Option<Text<'a>>, JoseError> {
        Ok(self.text(member, value)?.filter(|text| !text.is_empty()))
    }

    /// RFC 6749 §5.1: a number of seconds. Fractions are cut off; more than a century is a century.
    pub(super) fn seconds(
        self,
        member: &'static str,
        value: Option<Member<'_>>,
    ) -> Result<Option<time::Duration>, JoseError> {
        const CENTURY: f64 = 100.0 * 365.0 * 24.0 * 3600.0;
        let seconds = self.number(member, value, "a number of seconds")?;
        Ok(seconds.map(|seconds| time::Duration::seconds_f64(seconds.min(CENTURY).floor())))
    }

    /// RFC 7519 §2: seconds since 1970. Fractions are cut off; what is after the year 9999 is its last second.
    pub(super) fn time(
        self,
        member: &'static str,
        value: Option<Member<'_>>,
    ) -> Result<Option<OffsetDateTime>, JoseError> {
        const LAST: f64 = 253_402_300_799.0;
        let seconds = self.number(member, value, "a number of seconds since 1970")?;
        let since = seconds.map(|seconds| time::Duration::seconds_f64(seconds.min(LAST).floor()));
        Ok(since.map(|since| OffsetDateTime::UNIX_EPOCH.saturating_add(since)))
    }

    /// A number that is not negative.
    fn number(
        self,
        member: &'static str,
        value: Option<Member<'_>>,
        expected: &'static str,
    ) -> Result<Option<f64>, JoseError> {
        let number = match value {
            None | Some(Member::Other(WipedValue(Value::Null))) => return Ok(None),
            Some(Member::Other(value)) => value.0.as_f64().filter(|number| *number >= 0.0),
            Some(Member::Text(_)) => None,
        };
        number.map(Some).ok_or_else(|| self.invalid(member, expected))
    }

    pub(super) const fn invalid(self, member: &'static str, expected: &'static str) -> JoseError {
        JoseError::InvalidMember { what: self.what, member, expected }
    }
}

/// Everything but a success.
pub(super) fn failure(response: &http::Response<Vec<u8>>, now: OffsetDateTime) -> OAuthError {
    let status = response.status();
    match status {
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            OAuthError::Refused(Box::new(Refusal::from_http(response, now)))
        }
        _ if status.is_redirection() => OAuthError::Redirect {
            status: status.as_u16(),
            location: response.headers().get(LOCATION).map(shown),
        },
        _ => OAuthError::Unavailable(Box::new(Refusal::from_http(response, now))),
    }
}

fn shown(value: &HeaderValue) -> String {
    safe(&String::from_utf8_lossy(value.as_bytes()))
}
