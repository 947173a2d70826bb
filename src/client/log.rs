//! The events and spans of one client. They hold no secret: errors carry none, and text from a
//! server is masked where it is read.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tracing::Span;

use super::call::Call;
use super::clock::Offset;
use super::error::{Error, ErrorKind};
use crate::jose::KeyId;
use crate::jose::secret_form::setting;
use crate::keys::{KeyRing, Signer, key_in_process, key_name};
use crate::oauth::{Endpoint, GrantType, OAuthError, Refusal, Secrets};
use crate::observer::{
    Client, ClockOffset, Counters, Event, Failure, Observer, Outcome, Statistics, emit, error_code,
    without_query,
};
use crate::transport::{Metadata, TransportError};

/// A detail that is no event of the table in `observer`.
macro_rules! detail {
    ($($fields:tt)*) => {
        tracing::event!(target: "private_key_jwt", tracing::Level::DEBUG, $($fields)*)
    };
}
pub(super) use detail;

/// Where the events of a client go.
pub(super) struct Log {
    client_id: String,
    issuer: String,
    observer: Option<Arc<dyn Observer>>,
    counters: Counters,
    /// The active key that signed last.
    signing_key: Mutex<Option<KeyId>>,
}

impl Log {
    pub(super) fn new(client_id: &str, metadata: &Metadata, observer: Option<Arc<dyn Observer>>) -> Self {
        let endpoint = || metadata.held().map(|server| server.token_endpoint().to_owned());
        let issuer = metadata.issuer().map(str::to_owned).or_else(endpoint);
        let issuer = without_query(&issuer.unwrap_or_default());
        let (counters, signing_key) = (Counters::default(), Mutex::default());
        Self { client_id: setting(client_id), issuer, observer, counters, signing_key }
    }

    pub(super) fn client(&self) -> Client<'_> {
        Client { client_id: &self.client_id, issuer: &self.issuer }
    }

    pub(super) const fn is_observed(&self) -> bool {
        self.observer.is_some()
    }

    pub(super) fn statistics(&self) -> Statistics {
        self.counters.statistics()
    }

    /// The caller holds no lock.
    pub(super) fn emit(&self, event: &Event<'_>) {
        emit(event, self.observer.as_ref(), Some(&self.counters));
    }

    /// The offset of the clock, if it changed.
    pub(super) fn offset(&self, before: Offset, changed: Option<Offset>) {
        let state = match changed {
            Some(offset) if offset.is_assumed() => ClockOffset::Assumed,
            Some(offset) if offset != Offset::NONE => ClockOffset::Confirmed,
            Some(_) if !before.is_assumed() => ClockOffset::Dropped,
            _ => return,
        };
        let Offset { by: offset, source, .. } = changed.unwrap_or(before);
        let (client, learned_from) = (self.client(), source.name());
        self.emit(&Event::ClockOffsetChanged { client, offset, learned_from, state });
    }

    /// A signature that began at this time, and whether another key is active now.
    pub(super) fn signed(
        &self,
        keys: &KeyRing,
        signer: &(dyn Signer + 'static),
        began: OffsetDateTime,
        now: OffsetDateTime,
    ) {
        let named = signer.public_jwk().key_id();
        let key_id = &*named.map_or_else(|| Cow::Owned(key_name(signer)), Cow::Borrowed);
        let (client, duration) = (self.client(), elapsed(began, now));
        let active = keys.active_since(key_id);
        let (is_active, is_remote) = (active.is_some(), key_in_process(signer).is_none());
        let key_age = active.flatten().map(|since| elapsed(since, now));
        self.emit(&Event::AssertionSigned { client, key_id, is_active, key_age, is_remote, duration });
        if !is_active {
            return;
        }
        let previous = {
            let mut last = self.signing_key.lock().unwrap_or_else(PoisonError::into_inner);
            if last.as_ref() == Some(key_id) { None } else { last.replace(key_id.clone()) }
        };
        if let Some(previous) = &previous {
            self.emit(&Event::SigningKeyChanged { client, key_id, previous });
        }
    }

    pub(super) fn paused(&self, is_of_key: bool, key: &dyn Signer, pause: Duration, error: &Error) {
        let (client, key_id, failure) = (self.client(), &key_name(key), error.failure());
        self.emit(&Event::RejectionRemembered { client, key_id, is_of_key, pause, failure });
    }

    pub(super) fn call_span(&self, call: Call) -> Span {
        // The name of a span is a constant.
        macro_rules! span {
            ($name:literal) => {
                tracing::info_span!(
                    target: "private_key_jwt",
                    $name,
                    client_id = self.client_id,
                    issuer = self.issuer,
                    grant_type = call.grant_type.map(GrantType::as_str),
                    result = tracing::field::Empty,
                )
            };
        }
        match call.endpoint {
            Endpoint::Token => span!("token request"),
            Endpoint::PushedAuthorization => span!("pushed authorization request"),
            Endpoint::Introspection => span!("introspection"),
            Endpoint::Revocation => span!("revocation"),
            Endpoint::DeviceAuthorization => span!("device authorization"),
        }
    }

    /// The end of a call: the number of attempts and the lifetime of the token, or the error.
    pub(super) fn ended(
        &self,
        span: &Span,
        call: Call,
        duration: Duration,
        result: Result<(u32, Option<Duration>), &Error>,
    ) {
        let (client, Call { endpoint, grant_type, .. }) = (self.client(), call);
        let event = match (result, grant_type) {
            (Ok((attempts, expires_in)), Some(grant_type)) => {
                Event::TokenObtained { client, grant_type, expires_in, attempts, duration }
            }
            (Ok((attempts, _)), None) => Event::CallSucceeded { client, endpoint, attempts, duration },
            (Err(error), _) if matches!(error.kind(), ErrorKind::Remembered { .. }) => {
                Event::CallNotSent { client, endpoint, grant_type, failure: error.failure() }
            }
            (Err(error), _) => Event::CallFailed {
                client,
                endpoint,
                grant_type,
                attempts: error.attempts(),
                duration,
                is_final: (call.is_final)(error),
                failure: error.failure(),
            },
        };
        span.record("result", result.map_or_else(Error::outcome, |_| Outcome::Ok).as_str());
        span.in_scope(|| self.emit(&event));
    }
}

impl Error {
    /// The error for an event.
    pub(super) fn failure(&self) -> Failure<'_> {
        let code = match self.kind() {
            ErrorKind::OAuth(OAuthError::Unavailable(answer)) => answer.error(),
            _ => self.refusal().and_then(Refusal::error),
        };
        Failure { outcome: self.outcome(), error_code: code.map(error_code), error: self }
    }

    fn outcome(&self) -> Outcome {
        match self.kind() {
            ErrorKind::OAuth(OAuthError::Refused(_)) | ErrorKind::GrantEnded { refusal: Some(_) } => {
                Outcome::Refused
            }
            ErrorKind::OAuth(OAuthError::Unavailable(_)) => Outcome::Unavailable,
            ErrorKind::Transport(error) | ErrorKind::Discovery { source: error, .. } => match error {
                TransportError::Timeout { .. } => Outcome::Deadline,
                TransportError::OAuth(_) => Outcome::Invalid,
                _ => Outcome::Transport,
            },
            ErrorKind::Key(_) => Outcome::Key,
            ErrorKind::Interrupted => Outcome::Interrupted,
            ErrorKind::Remembered { .. } | ErrorKind::GrantEnded { .. } => Outcome::NotSent,
            ErrorKind::OAuth(_)
            | ErrorKind::SingleUse { .. }
            | ErrorKind::NotBearer { .. }
            | ErrorKind::Setting { .. } => Outcome::Invalid,
        }
    }
}

/// One request of the call, counted from 1.
pub(super) fn attempt_span(number: u32) -> Span {
    tracing::info_span!(
        target: "private_key_jwt",
        "request",
        attempt = number,
        key_id = tracing::field::Empty,
        status = tracing::field::Empty,
        correlation_ids = tracing::field::Empty,
        duration_ms = tracing::field::Empty,
    )
}

pub(super) fn signed(span: &Span, signer: &dyn Signer) {
    if !span.is_disabled() {
        span.record("key_id", tracing::field::display(key_name(signer)));
    }
}

pub(super) fn answered(
    span: &Span,
    response: &http::Response<Vec<u8>>,
    secrets: &Secrets,
    sent: OffsetDateTime,
    received: OffsetDateTime,
) {
    if !span.is_disabled() {
        let duration = elapsed(sent, received);
        span.record("status", response.status().as_u16());
        span.record("duration_ms", u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
        let ids = Refusal::correlation_of(response.headers(), secrets);
        if !ids.is_empty() {
            let ids: Vec<String> = ids.iter().map(|(name, value)| format!("{name} {value}")).collect();
            span.record("correlation_ids", ids.join(", "));
        }
    }
}

/// The time that passed, or zero if the clock was set back.
pub(super) fn elapsed(since: OffsetDateTime, now: OffsetDateTime) -> Duration {
    (now - since).try_into().unwrap_or_default()
}
