//! One call: its attempts, and what follows from each. What to do is decided by functions of what happened (`backoff`,
//! `correction`, `refused_keys`); here it is done.

use std::sync::Arc;

use time::OffsetDateTime;

use super::backoff::Repetition;
use super::correction::Shown;
use super::fresh::random;
use super::log::{self, Span};
use super::refused_keys::{KeyUse, Turn};
use super::settings::Settings;
use super::signing::WhichKey;
use super::{Error, TokenClient};
use crate::keys::{KeyError, Signer, key_name};
use crate::oauth::{ClientAssertion, Endpoint, OAuthError, Refusal, TokenRequest};
use crate::transport::{Deadline, TransportError};

/// What is asked of the server.
#[derive(Clone, Copy)]
pub(super) struct Call {
    pub(super) endpoint: Endpoint,
    #[cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "it is for the log"))]
    pub(super) grant_type: Option<&'static str>,
    repetition: Repetition,
    /// Whether what may pass is tried again here, and not by who calls.
    is_retried: bool,
}

impl Call {
    /// A request to the token endpoint.
    pub(super) fn token(request: &TokenRequest) -> Self {
        let grant_type = request.grant_type();
        Self {
            endpoint: Endpoint::Token,
            grant_type: Some(grant_type),
            repetition: Repetition::of_grant(grant_type),
            is_retried: true,
        }
    }

    /// The same, of a caller who asks again at a pace of its own.
    pub(super) const fn once(self) -> Self {
        Self { is_retried: false, ..self }
    }

    /// A request to another endpoint. None of them uses anything up.
    pub(super) const fn of(endpoint: Endpoint) -> Self {
        Self { endpoint, grant_type: None, repetition: Repetition::Freely, is_retried: true }
    }

    /// Whether this refusal leaves it to be asked again with another assertion.
    fn is_correctable(&self, refusal: &Refusal) -> bool {
        match self.repetition {
            Repetition::Freely => About::of(refusal) != About::Request,
            // Client authentication comes before the grant is looked at.
            Repetition::Unreceived | Repetition::Never => refusal.error() == Some("invalid_client"),
        }
    }
}

/// What a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// The client is not who it says it is.
    Client,
    /// The client was heard, and must not ask this.
    Request,
    /// Either: servers say much.
    Unknown,
}

impl About {
    fn of(refusal: &Refusal) -> Self {
        match refusal.error() {
            Some("invalid_client") => Self::Client,
            // RFC 6749 §5.2: the status of that error.
            None if refusal.status() == 401 => Self::Client,
            // RFC 6749 §5.2, RFC 7009 §2.2.1, RFC 8628 §3.5, RFC 8707 §2
            Some(
                "invalid_scope"
                | "unsupported_grant_type"
                | "unsupported_token_type"
                | "invalid_target"
                | "authorization_pending"
                | "slow_down"
                | "expired_token",
            ) => Self::Request,
            _ => Self::Unknown,
        }
    }
}

/// How an attempt is signed.
#[derive(Clone, Copy)]
struct Signing {
    key: WhichKey,
    turn: Turn,
    offset: time::Duration,
}

/// What the server answered, and to what.
struct Answer<T> {
    result: Result<T, OAuthError>,
    key: Arc<dyn Signer>,
    shown: Shown,
}

impl TokenClient {
    /// Sends a request to an endpoint and reads the answer, with a fresh assertion for every attempt.
    pub(super) async fn send<T>(
        &self,
        call: Call,
        request: impl Fn(&ClientAssertion) -> Result<http::Request<Vec<u8>>, OAuthError>,
        read: impl Fn(http::Response<Vec<u8>>, OffsetDateTime) -> Result<T, OAuthError>,
    ) -> Result<T, Error> {
        Span::call(call).around(self.attempts(call, request, read)).await
    }

    async fn attempts<T>(
        &self,
        call: Call,
        request: impl Fn(&ClientAssertion) -> Result<http::Request<Vec<u8>>, OAuthError>,
        read: impl Fn(http::Response<Vec<u8>>, OffsetDateTime) -> Result<T, OAuthError>,
    ) -> Result<T, Error> {
        let mut signing = self.first(call)?;
        let mut deadline = Deadline::after(self.settings().deadline);
        // What was refused before the correction.
        let mut refused = None;
        let mut count = 1;
        loop {
            let span = Span::attempt(count);
            let attempt = self.attempt(call, signing, &mut deadline, &span, &request, &read);
            let error = match span.clone().around(attempt).await {
                Ok(Answer { result: Ok(value), key, shown }) => {
                    self.accepted(call, signing, &key, shown);
                    return Ok(value);
                }
                Ok(Answer { result: Err(error), key, shown }) => {
                    let error = Error::from(error);
                    let may = refused.is_none() && !deadline.left().is_zero();
                    if let Some(other) = self.corrected(call, signing, &error, &key, shown, may) {
                        (signing, refused) = (other, Some(error));
                        count += 1;
                        continue;
                    }
                    error
                }
                Err(error @ Error::Transport(_)) => error,
                // It was not sent. A correction that cannot be made leaves what it was to correct.
                Err(error) => {
                    let refused = refused.map(|refused: Error| refused.after(count - 1));
                    return Err(refused.unwrap_or_else(|| error.after(count)));
                }
            };
            let Settings { retries, tries_again, .. } = self.settings();
            // No number is as good as the largest: a pause too long, but no error in place of another.
            let random = random().unwrap_or(u64::MAX);
            let pause = retries.pause(&error, call.repetition, count, deadline.left(), random);
            let pause = pause.filter(|_| *tries_again && call.is_retried);
            let Some(pause) = pause else {
                return Err(error.after(count));
            };
            log::retried(&error, count, pause);
            deadline.pause(pause, self.clock().sleep(pause)).await;
            count += 1;
        }
    }

    /// How the first attempt is signed: with the active key, or while that is refused, with the one before.
    fn first(&self, call: Call) -> Result<Signing, Error> {
        let signing = |key, turn| Signing { key, turn, offset: self.time_offset() };
        if !self.settings().remembers_refusals || self.refused_keys().is_empty() {
            return Ok(signing(WhichKey::Active, Turn::default()));
        }
        let now = self.clock().now();
        let active = self.keys().active()?;
        let key = KeyUse { active: &active, key: &active, endpoint: call.endpoint };
        let remembered = match self.refused_keys().turn(key, now) {
            Ok(turn) => return Ok(signing(WhichKey::Active, turn)),
            Err(remembered) => remembered,
        };
        if let Some(previous) = self.previous(now)
            && let Ok(turn) = self.refused_keys().turn(KeyUse { key: &previous, ..key }, now)
        {
            log::signs_with_previous(previous.as_ref());
            return Ok(signing(WhichKey::Previous, turn));
        }
        let error = Error::Remembered {
            key_id: key_name(active.as_ref()),
            refusal: remembered.refusal,
            pause: remembered.pause,
        };
        log::remembered(&error);
        Err(error)
    }

    /// The key to fall back to.
    fn previous(&self, now: OffsetDateTime) -> Option<Arc<dyn Signer>> {
        self.settings().falls_back.then(|| self.keys().previous(now)).flatten()
    }

    /// One attempt: an error when there was no answer.
    async fn attempt<T>(
        &self,
        call: Call,
        signing: Signing,
        deadline: &mut Deadline,
        span: &Span,
        request: impl Fn(&ClientAssertion) -> Result<http::Request<Vec<u8>>, OAuthError>,
        read: impl Fn(http::Response<Vec<u8>>, OffsetDateTime) -> Result<T, OAuthError>,
    ) -> Result<Answer<T>, Error> {
        let signed = deadline.bound(self.sign(call.endpoint, signing.key, signing.offset)).await;
        let (assertion, key) = signed.ok_or_else(|| KeyError::Signer("no signature in time".into()))??;
        span.signed(key.as_ref());
        let request = request(&assertion)?;
        // It is in the form; the answer may take its time.
        drop(assertion);
        let (sent, left) = (self.clock().now(), deadline.left());
        let answer = deadline.bound_for(self.http().timeout(), self.http().send(request)).await;
        let response = answer.ok_or_else(|| TransportError::Timeout { host: self.host(call.endpoint) })??;
        span.answered(&response, left.saturating_sub(deadline.left()));
        let received = self.clock().now();
        let shown = Shown::by(response.headers(), sent, received);
        Ok(Answer { result: read(response, received), key, shown })
    }

    /// Another way to sign after this answer, where it may be corrected; what it says is noted in any case.
    fn corrected(
        &self,
        call: Call,
        used: Signing,
        error: &Error,
        key: &Arc<dyn Signer>,
        shown: Shown,
        may: bool,
    ) -> Option<Signing> {
        let refusal = error.refusal()?;
        self.time_answered(used.offset, false, shown);
        let may = may && call.is_correctable(refusal);
        let settings = self.settings();
        if let Some(offset) = shown.correction(used.offset).filter(|_| may && settings.corrects_time) {
            log::time_corrected(error, offset);
            return Some(Signing { offset, ..used });
        }
        let now = self.clock().now();
        // The refusal stands, also where the key before gets further.
        let active = self.keys().active().ok()?;
        let key = KeyUse { active: &active, key, endpoint: call.endpoint };
        match About::of(refusal) {
            About::Client => self.refused(key, used.turn, error, refusal, now),
            About::Request => self.refused_keys().accepted(key),
            About::Unknown => {}
        }
        let previous = self.previous(now).filter(|_| may && matches!(used.key, WhichKey::Active))?;
        let turn = self.refused_keys().turn(KeyUse { key: &previous, ..key }, now).ok()?;
        log::key_corrected(error, previous.as_ref());
        Some(Signing { key: WhichKey::Previous, turn, ..used })
    }

    fn refused(&self, key: KeyUse<'_>, turn: Turn, error: &Error, refusal: &Refusal, now: OffsetDateTime) {
        if !self.settings().remembers_refusals {
            return;
        }
        let random = random().unwrap_or(u64::MAX);
        if let Some(pause) = self.refused_keys().refused(key, turn, refusal, now, random) {
            log::key_refused(error, key.key.as_ref(), pause);
        }
    }

    fn accepted(&self, call: Call, used: Signing, key: &Arc<dyn Signer>, shown: Shown) {
        self.time_answered(used.offset, true, shown);
        if !self.refused_keys().is_empty()
            && let Ok(active) = self.keys().active()
        {
            self.refused_keys().accepted(KeyUse { active: &active, key, endpoint: call.endpoint });
        }
    }

    fn time_answered(&self, used: time::Duration, accepted: bool, shown: Shown) {
        if let Some(offset) = self.server_clock().answered(used, accepted, shown)
            && self.settings().corrects_time
        {
            log::offset_changed(offset);
        }
    }

    fn host(&self, endpoint: Endpoint) -> String {
        let url = self.server().endpoint(endpoint).ok();
        let target = url.and_then(|url| url.parse::<http::Uri>().ok());
        target.as_ref().and_then(http::Uri::host).unwrap_or_default().to_owned()
    }
}
