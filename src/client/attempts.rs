//! One call: its attempts, and what follows from each. What to do is decided by functions of what happened (`backoff`,
//! `correction`, `refused_keys`); here it is done.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::backoff::Repetition;
use super::correction::Shown;
use super::fresh::random;
use super::log::{self, Span};
use super::refused_keys::{KeyUse, Turn};
use super::settings::Settings;
use super::signing::WhichKey;
use super::subject::Subject;
use super::{Error, TokenClient};
use crate::keys::{KeyError, Signer, key_name};
use crate::oauth::{ClientAssertion, Endpoint, OAuthError, Refusal, Secrets, TokenRequest, is_refusal};
use crate::transport::{Deadline, TransportError};

/// What is asked of the server.
#[derive(Clone, Copy)]
pub(super) struct Call {
    pub(super) endpoint: Endpoint,
    #[cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "it is for the log"))]
    pub(super) grant_type: Option<&'static str>,
    repetition: Repetition,
    /// For a caller who asks again at a pace of its own: how long it waits. What may pass is not tried again here then.
    once_within: Option<Duration>,
    /// Whether secrets may be in the form that a server could echo, beside the assertion.
    holds_secrets: bool,
}

impl Call {
    /// A request to the token endpoint.
    pub(super) fn token(request: &TokenRequest) -> Self {
        let grant_type = request.grant_type();
        Self {
            endpoint: Endpoint::Token,
            grant_type: Some(grant_type),
            repetition: Repetition::of_grant(grant_type),
            once_within: None,
            holds_secrets: !request.is_of_client(),
        }
    }

    /// The same, of a caller who asks again at a pace of its own, and waits for so long.
    pub(super) const fn once_within(self, limit: Duration) -> Self {
        Self { once_within: Some(limit), ..self }
    }

    /// A request to another endpoint. None of them uses anything up.
    pub(super) const fn of(endpoint: Endpoint) -> Self {
        let repetition = Repetition::Freely;
        Self { endpoint, grant_type: None, repetition, once_within: None, holds_secrets: true }
    }

    /// Whether this refusal leaves it to be asked again with another assertion.
    fn is_correctable(&self, refusal: &Refusal) -> bool {
        match self.repetition {
            Repetition::Freely => Subject::of(refusal) != Subject::Request,
            // Client authentication comes before the grant is looked at.
            Repetition::Unreceived | Repetition::Never => refusal.error() == Some("invalid_client"),
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

/// How the first attempt is signed, and what is remembered of the active key where that is left alone.
struct First {
    signing: Signing,
    remembered: Option<Error>,
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
        let First { mut signing, remembered } = self.first(call)?;
        let Settings { retries, tries_again, deadline, .. } = self.settings();
        let mut deadline = Deadline::after(call.once_within.unwrap_or(*deadline).min(*deadline));
        // Why the attempt before failed.
        let mut before: Option<Error> = None;
        let mut is_corrected = false;
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
                    let may = !is_corrected && !deadline.left().is_zero();
                    if let Some(other) = self.corrected(call, signing, &error, &key, shown, may) {
                        (signing, before, is_corrected) = (other, Some(error), true);
                        count += 1;
                        continue;
                    }
                    error
                }
                // Cut off by the deadline: what went before says more of why. Of what is good once it must not say less
                // than that it may have been received.
                Err(error @ Error::Transport(_)) => {
                    let is_over = call.repetition == Repetition::Freely && deadline.left().is_zero();
                    match before.take_if(|_| is_over) {
                        Some(before) => return Err(before.after(count)),
                        None => error,
                    }
                }
                // It was not sent. What led to this signature says more, too.
                Err(error) => {
                    let before = before.map(|before| before.after(count - 1)).or(remembered);
                    return Err(before.unwrap_or_else(|| error.after(count)));
                }
            };
            // No number is as good as the largest: a pause too long, but no error in place of another.
            let random = random().unwrap_or(u64::MAX);
            let pause = retries.pause(&error, call.repetition, count, deadline.left(), random);
            let Some(pause) = pause.filter(|_| *tries_again && call.once_within.is_none()) else {
                return Err(error.after(count));
            };
            log::retried(&error, count, pause);
            before = Some(error);
            deadline.pause(pause, self.clock().sleep(pause)).await;
            count += 1;
        }
    }

    /// How the first attempt is signed: with the active key, or while that is refused, with the one before.
    fn first(&self, call: Call) -> Result<First, Error> {
        let offset = self.time_offset();
        let first = |key, turn, remembered| First { signing: Signing { key, turn, offset }, remembered };
        if !self.settings().remembers_refusals || self.refused_keys().is_empty() {
            return Ok(first(WhichKey::Active, Turn::default(), None));
        }
        let now = self.clock().now();
        let active = self.keys().active()?;
        let key = KeyUse { active: &active, key: &active, endpoint: call.endpoint };
        let remembered = match self.refused_keys().turn(key, now) {
            Ok(turn) => return Ok(first(WhichKey::Active, turn, None)),
            Err(remembered) => remembered,
        };
        let error = Error::Remembered {
            key_id: key_name(active.as_ref()),
            refusal: remembered.refusal,
            pause: remembered.pause,
        };
        if let Some(previous) = self.previous(now)
            && let Ok(turn) = self.refused_keys().turn(KeyUse { key: &previous, ..key }, now)
        {
            log::signs_with_previous(previous.as_ref());
            return Ok(first(WhichKey::Previous, turn, Some(error)));
        }
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
        let signed = deadline.bound(pin!(self.sign(call.endpoint, signing.key, signing.offset))).await;
        let (assertion, key) = signed.ok_or_else(|| KeyError::Signer("no signature in time".into()))??;
        span.signed(key.as_ref());
        let request = request(&assertion)?;
        // It is in the form; the answer may take its time.
        drop(assertion);
        let secrets = if call.holds_secrets { Secrets::of(&request) } else { Secrets::default() };
        let sent = self.clock().now();
        let answer = self.http().send(request);
        let answer = deadline.bound_for(self.http().timeout(), pin!(answer)).await;
        let mut response =
            answer.ok_or_else(|| TransportError::Timeout { host: self.host(call.endpoint) })??;
        let received = self.clock().now();
        span.answered(&response, received - sent);
        self.server().normalize(&mut response);
        let shown = Shown::by(response.headers(), sent, received);
        // The life of a token counts from its request at the latest, and a pause from its answer.
        let now = if response.status().is_success() && !is_refusal(&response) {
            sent
        } else {
            secrets.mask(response.body_mut());
            received
        };
        Ok(Answer { result: read(response, now), key, shown })
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
        let subject = error.refusal().map(Subject::of);
        // Whom the server has heard, it has authenticated.
        self.time_answered(used.offset, subject == Some(Subject::Request), shown);
        let (refusal, subject) = (error.refusal()?, subject?);
        let may = may && call.is_correctable(refusal);
        if may
            && self.settings().corrects_time
            && let Some(offset) = self.server_clock().correction(used.offset, shown)
        {
            log::time_corrected(error, offset);
            return Some(Signing { offset, ..used });
        }
        let now = self.clock().now();
        // The refusal stands, also where the key before gets further.
        let active = self.keys().active().ok()?;
        let key = KeyUse { active: &active, key, endpoint: call.endpoint };
        match subject {
            Subject::Client => self.refused(key, used.turn, error, refusal, now),
            Subject::Request => self.refused_keys().accepted(key),
            Subject::Unknown => {}
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
