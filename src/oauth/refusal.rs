use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::Value;
use time::OffsetDateTime;
use zeroize::Zeroizing;

#[cfg(feature = "client")]
use super::echo::Secrets;
use super::error_body::ErrorBody;
use super::hint::Context;
use super::retry_after::retry_after;
use super::text::{Masking, decoded};
use super::{ClockMismatch, SentAssertion};
use crate::jose::json;

#[cfg(test)]
mod tests;

/// A server's response in place of a token: the status, the RFC 6749 §5.2 members if the body has
/// them, the server's own words if it uses another format, and data for a support ticket.
///
/// The words are found in RFC 9457 problem details, in the documents of the usual platforms and
/// gateways, in a form, in a page or XML, and in plain text, even if control characters or Latin-1
/// make the body invalid. [`Display`](fmt::Display) shows the status, the code and the message,
/// then the names of the request. If the body has no known words, it shows the `WWW-Authenticate`
/// field, or else a JSON document as it is.
///
/// Every text is safe to log. Invisible characters are escaped, and each text has at most 512
/// characters. Members that are known to hold a token are `null`. Anything that looks like a token
/// or a key is masked, however it is escaped. With a `TokenClient`, every eight consecutive
/// characters of the secrets of its request are masked as well, also in base64 or hexadecimal
/// digits. (Lowercase letters alone are masked only from sixteen on: they may be words.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: u16,
    error: Option<String>,
    description: Option<String>,
    uri: Option<String>,
    /// Replaces a missing `error` and `error_description`.
    code: Option<String>,
    message: Option<String>,
    members: BTreeMap<String, String>,
    www_authenticate: Option<String>,
    correlation: Vec<(String, String)>,
    retry_after: Option<Duration>,
    clock: Option<Box<ClockMismatch>>,
    context: Option<Arc<Context>>,
}

impl Refusal {
    /// Header fields in which servers name a request.
    const CORRELATION: [&str; 9] = [
        "correlation-id",
        "x-correlation-id",
        "request-id",
        "x-request-id",
        "x-ms-request-id",
        "x-okta-request-id",
        "x-auth0-requestid",
        "x-amzn-requestid",
        "traceparent",
    ];
    /// The maximum number of unknown members that are kept.
    const MAX_MEMBERS: usize = 16;

    pub(super) fn from_http(
        response: &http::Response<impl AsRef<[u8]>>,
        now: OffsetDateTime,
        masking: &Masking<'_>,
    ) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers());
        let body = ErrorBody::read(status, headers, response.body().as_ref());
        Self::from_body(status, headers, body, now, masking)
    }

    pub(super) fn from_body(
        status: u16,
        headers: &http::HeaderMap,
        body: ErrorBody,
        now: OffsetDateTime,
        masking: &Masking<'_>,
    ) -> Self {
        let ErrorBody { error, description, uri, members, words, .. } = body;
        let safe = |text: &str| masking.safe(text);
        let shown = |text: Option<Zeroizing<String>>| text.map(|text| safe(&text));
        let other = |value: &Value| str::from_utf8(&json::to_bytes(value)).map(safe).unwrap_or_default();
        let text = |value: &Value| value.as_str().map_or_else(|| other(value), safe);
        let challenges = headers.get_all(http::header::WWW_AUTHENTICATE).into_iter();
        let challenges: Vec<_> = challenges.map(|value| decoded(value.as_bytes())).collect();
        let challenges: Vec<&str> = challenges.iter().map(|value| value.as_str()).collect();
        let challenges = Zeroizing::new(challenges.join(", "));
        let is_silent = words.code.is_none() && words.message.is_none() && challenges.is_empty();
        let message = match &members.0 {
            document if is_silent && error.is_none() && description.is_none() && has_text(document) => {
                Some(other(document))
            }
            _ => shown(words.message),
        };
        Self {
            status,
            error: shown(error),
            description: shown(description),
            uri: shown(uri),
            code: shown(words.code),
            message,
            members: members
                .0
                .as_object()
                .into_iter()
                .flatten()
                .take(Self::MAX_MEMBERS)
                .map(|(name, value)| (safe(name), text(value)))
                .collect(),
            www_authenticate: shown(Some(challenges).filter(|challenges| !challenges.is_empty())),
            correlation: Self::correlation_in(headers, masking),
            retry_after: retry_after(headers, now),
            clock: None,
            context: None,
        }
    }

    /// The header fields in which a server names a request, safe to log.
    #[cfg(feature = "client")]
    pub(crate) fn correlation_of(headers: &http::HeaderMap, secrets: &Secrets) -> Vec<(String, String)> {
        Self::correlation_in(headers, &Masking::of(Some(secrets)))
    }

    fn correlation_in(headers: &http::HeaderMap, masking: &Masking<'_>) -> Vec<(String, String)> {
        let shown = |name| Some((String::from(name), masking.safe_value(headers.get(name)?)));
        Self::CORRELATION.into_iter().filter_map(shown).collect()
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Whether the body follows RFC 6749 §5.2: the authorization server itself decided, not
    /// something in front of it. Some frameworks write the status's own name in place of the code,
    /// such as `Forbidden`; that is not a verdict.
    #[must_use]
    pub fn is_verdict(&self) -> bool {
        let name = StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
        self.error().is_some_and(|error| Some(error) != name)
    }

    /// The `error` code, such as `invalid_client`.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// The `error_description`.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// The `error_uri`.
    #[must_use]
    pub fn uri(&self) -> Option<&str> {
        self.uri.as_deref()
    }

    /// The short name of the error: the `error` code, or what the body has in its place, such as a
    /// `code`, an `errorCode` or a problem's `title`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.error().or(self.code.as_deref())
    }

    /// The server's description of the error: the `error_description`, or what the body has in its
    /// place, such as a `message`, a problem's `detail` or the text of a page.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        let description = self.description().filter(|text| !text.is_empty());
        // A text in place of the code is not repeated.
        let message = self.message.as_deref().filter(|message| Some(*message) != self.error());
        description.or(message)
    }

    /// The server's words, wherever they are in the body.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        // Some servers write a sentence where the code belongs.
        let sentence = self.error().filter(|error| error.contains(' '));
        self.message().into_iter().chain(sentence).chain(self.members.values().map(String::as_str))
    }

    /// The `WWW-Authenticate` field (RFC 9110 §11.6.1): what the server would accept, and sometimes
    /// why it rejected this request.
    #[must_use]
    pub fn www_authenticate(&self) -> Option<&str> {
        self.www_authenticate.as_deref()
    }

    /// The other members of the body, at most 16: strings as they are, anything else as JSON.
    #[must_use]
    pub const fn members(&self) -> &BTreeMap<String, String> {
        &self.members
    }

    /// The header fields in which the server names this request, for a support ticket.
    #[must_use]
    pub fn correlation_ids(&self) -> &[(String, String)] {
        &self.correlation
    }

    /// How long the server asks clients to wait (`Retry-After`), at most a year.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The times of the assertion, if they may be the reason: the text mentions time, or the `Date`
    /// differs from this machine's time, and the client could not correct it.
    #[must_use]
    pub fn clock(&self) -> Option<&ClockMismatch> {
        self.clock.as_deref()
    }

    /// What the rejected assertion contained, without its secrets, if a `TokenClient` sent it.
    #[must_use]
    pub fn sent(&self) -> Option<&SentAssertion> {
        self.context.as_ref()?.sent()
    }

    /// What the client knows about the request.
    pub(super) fn context(&self) -> Option<&Context> {
        self.context.as_deref()
    }

    #[cfg(feature = "client")]
    pub(crate) fn set_context(&mut self, context: Context) {
        self.context = Some(Arc::new(context));
    }

    #[cfg(feature = "client")]
    pub(crate) fn set_clock(&mut self, clock: ClockMismatch) {
        self.clock = Some(Box::new(clock));
    }
}

/// Whether a document contains a text.
fn has_text(document: &Value) -> bool {
    match document {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(elements) => elements.iter().any(has_text),
        Value::Object(members) => members.values().any(has_text),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if let Some(code) = self.code().filter(|code| !code.is_empty()) {
            write!(f, " {code}")?;
        }
        if let Some(message) = self.message() {
            write!(f, ": {message}")?;
        } else if self.code().is_none()
            && let Some(challenge) = self.www_authenticate()
        {
            write!(f, " [www-authenticate {challenge}]")?;
        }
        for (name, value) in &self.correlation {
            write!(f, " [{name} {value}]")?;
        }
        if let Some(clock) = &self.clock {
            write!(f, "; {clock}")?;
        }
        Ok(())
    }
}
