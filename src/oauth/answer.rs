//! Common parts of all responses: the status decides what a body is.

use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, StatusCode};
use time::OffsetDateTime;
use zeroize::Zeroize;

use super::echo::Secrets;
use super::error_body::{ErrorBody, coding, is_problem};
use super::text::Masking;
use super::{OAuthError, Refusal, Scope};
use crate::jose::json::{self, Json, Members, WipedValue};
use crate::jose::text::Text;
use crate::jose::{JoseError, Wiped};

/// A response, and the secrets of its request if they are known: no error shows them.
pub(crate) struct Answer<'a> {
    pub(crate) response: http::Response<Vec<u8>>,
    pub(crate) secrets: Option<&'a Secrets>,
}

impl From<http::Response<Vec<u8>>> for Answer<'_> {
    fn from(response: http::Response<Vec<u8>>) -> Self {
        Self { response, secrets: None }
    }
}

/// A successful response and how its body is read. It may hold a token, so every copy of it is
/// wiped.
pub(super) struct Success<'a> {
    what: &'static str,
    status: StatusCode,
    /// The response headers. They are read only if the body is not the expected document.
    headers: HeaderMap,
    masking: Masking<'a>,
    body: Wiped<Vec<u8>>,
    now: OffsetDateTime,
}

impl<'a> Success<'a> {
    /// Judges a response by its status; `now` is when it arrived.
    pub(super) fn of(
        what: &'static str,
        successes: &[StatusCode],
        Answer { response, secrets }: Answer<'a>,
        now: OffsetDateTime,
    ) -> Result<Self, OAuthError> {
        let masking = Masking::of(secrets);
        let (parts, body) = response.into_parts();
        // Regardless of the status: a failure may echo the secrets of its request.
        let body = Wiped::new(body);
        let status = parts.status;
        if !successes.contains(&status) {
            return Err(failure(&http::Response::from_parts(parts, body), now, &masking));
        }
        Ok(Self { what, status, headers: parts.headers, masking, body, now })
    }

    /// Reads the body. A body that is not the expected document but says that it is an error is a
    /// refusal.
    pub(super) fn read<T>(
        self,
        read: impl FnOnce(Document<'_>) -> Result<T, JoseError>,
    ) -> Result<T, OAuthError> {
        let Self { what, status, headers, masking, body, now } = self;
        let members = json::read(what, &body);
        members.and_then(|members| read(Document { what, members })).map_err(|mut reason| {
            if let Some(error) = refusal(status, &headers, &body) {
                let refusal = Refusal::from_body(status.as_u16(), &headers, error, now, &masking);
                return OAuthError::Refused(Box::new(refusal));
            }
            if let JoseError::DuplicateMember { member, .. } = &mut reason {
                let mut name = std::mem::take(member);
                *member = masking.safe(&name);
                name.zeroize();
            }
            match coding(&headers).filter(|_| matches!(reason, JoseError::Json { .. })) {
                Some(coding) => OAuthError::ContentEncoding { what, found: masking.safe(&coding) },
                None => {
                    let content_type = headers.get(CONTENT_TYPE).map(|value| masking.safe_value(value));
                    OAuthError::Response { what, reason, content_type }
                }
            }
        })
    }
}

/// Returns the error in the body of a success: some servers answer every request with 200.
fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<ErrorBody> {
    // Every kind of error document contains one of these; most token responses contain none.
    let has = |word: &[u8]| memchr::memmem::find(body, word).is_some();
    let says = || [&b"rror"[..], b"fault", b"errcode", b"\"success\""].into_iter().any(has);
    if !status.is_success() || !says() && !is_problem(headers) {
        return None;
    }
    let error = ErrorBody::read(status.as_u16(), headers, body);
    Some(error).filter(|error| error.is_error && !has_token(body))
}

/// Whether a body contains a token. A duplicate member counts as one, because it leaves that
/// undecided.
fn has_token(body: &[u8]) -> bool {
    match json::read("the body", body) {
        Ok(members) => {
            members.get("access_token").and_then(Json::text).is_some_and(|token| !token.is_empty())
        }
        Err(reason) => matches!(reason, JoseError::DuplicateMember { .. }),
    }
}

/// The members of the body of a success, each read once by its name. Some servers send `null` for a
/// member that they omit.
pub(super) struct Document<'a> {
    what: &'static str,
    members: Members<'a>,
}

impl<'a> Document<'a> {
    /// A member, if it is present and not `null`.
    fn take(&mut self, member: &'static str) -> Option<Json<'a>> {
        self.members.take(member).filter(|value| !value.is_null())
    }

    /// A required member, read by one of the other methods.
    pub(super) fn required<T>(
        &mut self,
        member: &'static str,
        read: impl FnOnce(&mut Self, &'static str) -> Result<Option<T>, JoseError>,
    ) -> Result<T, JoseError> {
        read(self, member)?.ok_or(JoseError::MissingMember { what: self.what, member })
    }

    /// `true` or `false`. A `null` is neither.
    pub(super) fn boolean(&mut self, member: &'static str) -> Result<Option<bool>, JoseError> {
        match self.members.take(member) {
            None => Ok(None),
            Some(Json::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(self.invalid(member, "true or false")),
        }
    }

    /// A string.
    pub(super) fn text(&mut self, member: &'static str) -> Result<Option<Text<'a>>, JoseError> {
        match self.take(member) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.invalid(member, "a string")),
        }
    }

    /// A non-empty string. Some servers send an empty string for a member without a value.
    pub(super) fn filled(&mut self, member: &'static str) -> Result<Option<Text<'a>>, JoseError> {
        Ok(self.text(member)?.filter(|text| !text.is_empty()))
    }

    /// A string, or an array of strings (RFC 7519 §4.1.3).
    pub(super) fn texts(&mut self, member: &'static str) -> Result<Vec<String>, JoseError> {
        match self.take(member) {
            None => Ok(Vec::new()),
            Some(Json::Text(text)) => Ok(vec![text.to_string()]),
            Some(value) => {
                value.texts().ok_or_else(|| self.invalid(member, "a string or an array of strings"))
            }
        }
    }

    /// Scopes: a string separated by spaces (RFC 6749 §3.3), or an array as several servers send
    /// it.
    pub(super) fn scope(&mut self, member: &'static str) -> Result<Option<Scope>, JoseError> {
        match self.take(member) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(Scope::from(&*text))),
            Some(value) => match value.texts() {
                Some(scopes) => Ok(Some(scopes.into_iter().collect())),
                None => Err(self.invalid(member, "a string or an array of strings")),
            },
        }
    }

    /// A lifetime (RFC 6749 §5.1): a number of seconds, or its digits as a string. If present, it
    /// must be readable. Fractions are cut off, and the maximum is a century.
    pub(super) fn seconds(&mut self, member: &'static str) -> Result<Option<time::Duration>, JoseError> {
        const CENTURY: f64 = 100.0 * 365.0 * 24.0 * 3600.0;
        let seconds = self.number(member, "a number of seconds")?;
        Ok(seconds.map(|seconds| time::Duration::seconds_f64(seconds.min(CENTURY).floor())))
    }

    /// RFC 7519 §2: seconds since 1970. Fractions are cut off, and the maximum is the last second
    /// of the year 9999.
    pub(super) fn time(&mut self, member: &'static str) -> Result<Option<OffsetDateTime>, JoseError> {
        const LAST: f64 = 253_402_300_799.0;
        let seconds = self.number(member, "a number of seconds since 1970")?;
        let since = seconds.map(|seconds| time::Duration::seconds_f64(seconds.min(LAST).floor()));
        Ok(since.map(|since| OffsetDateTime::UNIX_EPOCH.saturating_add(since)))
    }

    /// A non-negative number, or a string of digits.
    fn number(&mut self, member: &'static str, expected: &'static str) -> Result<Option<f64>, JoseError> {
        let number = match self.take(member) {
            None => return Ok(None),
            Some(Json::Number(number)) => number.as_f64().filter(|number| *number >= 0.0),
            Some(Json::Text(text)) => digits(&text),
            Some(_) => None,
        };
        number.map(Some).ok_or_else(|| self.invalid(member, expected))
    }

    /// The members that were not read. Each may be a secret.
    pub(super) fn into_others(self) -> WipedValue {
        WipedValue(self.members.into_map().into())
    }

    pub(super) const fn invalid(&self, member: &'static str, expected: &'static str) -> JoseError {
        JoseError::InvalidMember { what: self.what, member, expected }
    }
}

/// Parses a string of digits. A string with too many digits is a very large number.
fn digits(text: &str) -> Option<f64> {
    let text = text.trim();
    let are_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| are_digits)
}

/// The status of a response that is not the requested document, and the server's own words.
#[cfg(feature = "client")]
pub(crate) fn said(response: &http::Response<impl AsRef<[u8]>>) -> String {
    match failure(response, OffsetDateTime::UNIX_EPOCH, &Masking::default()) {
        OAuthError::Refused(answer) | OAuthError::Unavailable(answer) => answer.to_string(),
        OAuthError::Redirect { status, location } => super::error_text::redirect(status, location.as_deref()),
        _ => response.status().as_u16().to_string(),
    }
}

/// The error for every response that is not a success.
pub(super) fn failure(
    response: &http::Response<impl AsRef<[u8]>>,
    now: OffsetDateTime,
    masking: &Masking<'_>,
) -> OAuthError {
    let status = response.status();
    match status {
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            OAuthError::Refused(Box::new(Refusal::from_http(response, now, masking)))
        }
        _ if status.is_redirection() => OAuthError::Redirect {
            status: status.as_u16(),
            location: response.headers().get(LOCATION).map(|value| masking.safe_value(value)),
        },
        _ => OAuthError::Unavailable(Box::new(Refusal::from_http(response, now, masking))),
    }
}
