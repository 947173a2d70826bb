//! One call: its attempts, and what follows from each. What to do is decided by functions of what happened (`backoff`,
//! `clock`, `refused_keys`); here it is done.

use std::hash::Hash;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::backoff::Repetition;
use super::clock::{Facts, Offset, Search, Shown, Source, Suspicion, Verdict};
use super::contents::Contents;
use super::fresh::random;
use super::log::{self, Span};
use super::refused_keys::{KeyUse, Noted, Turn};
use super::settings::Settings;
use super::signing::WhichKey;
use super::subject::Subject;
use super::{Error, TokenClient};
use crate::keys::{KeyError, Signer, key_name};
use crate::oauth::{
    ClientAssertion, ClockMismatch, DeviceAuthorization, Endpoint, Introspection, OAuthError,
    PushedAuthorization, Refusal, Secrets, ServerTime, TimeFault, TokenRequest, TokenResponse,
};
use crate::transport::{Deadline, TransportError};

/// What is asked of the server.
#[derive(Clone, Copy)]
pub(super) struct Call {
    pub(super) endpoint: Endpoint,
    pub(super) grant_type: Option<&'static str>,
    repetition: Repetition,
    /// For a caller who asks again at a pace of its own: how long it waits. What may pass is not tried again here then.
    once_within: Option<Duration>,
    /// Whether there is a grant beside the assertion, which may have expired as well.
    carries_grant: bool,
    contents: Contents,
}

impl Call {
    /// A request to the token endpoint.
    pub(super) fn token(client: &TokenClient, request: &TokenRequest) -> Self {
        let (grant_type, carries_grant) = (request.grant_type(), !request.is_of_client());
        Self {
            contents: client.refused_keys().contents(request, request.is_of_client_alone()),
            endpoint: Endpoint::Token,
            grant_type: Some(grant_type),
            repetition: Repetition::of_grant(grant_type),
            once_within: None,
            carries_grant,
        }
    }

    /// The same, of a caller who asks again at a pace of its own, and waits for so long.
    pub(super) const fn once_within(self, limit: Duration) -> Self {
        Self { once_within: Some(limit), ..self }
    }

    /// A request to another endpoint. None of them uses anything up.
    pub(super) fn of(client: &TokenClient, endpoint: Endpoint, request: &impl Hash) -> Self {
        Self {
            contents: client.refused_keys().contents(request, false),
            endpoint,
            grant_type: None,
            repetition: Repetition::Freely,
            once_within: None,
            carries_grant: false,
        }
    }

    /// This request with a key.
    const fn with<'a>(self, active: &'a Arc<dyn Signer>, key: &'a Arc<dyn Signer>) -> KeyUse<'a> {
        KeyUse { active, key, endpoint: self.endpoint, contents: self.contents }
    }

    /// Whether a refusal is remembered. A 401 without a code is about the client only if nothing in the request
    /// came from outside.
    fn remembers(self, refusal: &Refusal) -> bool {
        self.contents.is_of_client_alone || refusal.error() == Some("invalid_client")
    }

    /// Whether the request may be sent again with another key after this refusal.
    fn allows_another_key(&self, refusal: &Refusal) -> bool {
        match self.repetition {
            Repetition::Freely => Subject::of(refusal) != Subject::Request,
            // Client authentication comes before the grant is looked at.
            Repetition::Unreceived | Repetition::Never => refusal.error() == Some("invalid_client"),
        }
    }

    /// Whether the request may be sent again with other times after this answer, where times may be
    /// the reason.
    ///
    /// A grant that is good once may be sent again after any error of RFC 6749 §5.2: the server has
    /// refused the request, so it issued nothing, and a grant that it used up all the same is lost
    /// either way. A failure, whatever its status, may have come after the grant was used, and an
    /// answer without an error code from something in front of the server.
    fn allows_other_times(&self, error: &OAuthError) -> bool {
        match (self.repetition, error) {
            (Repetition::Freely, _) => true,
            (_, OAuthError::Refused(refusal)) => {
                let is_failure = matches!(refusal.error(), Some("server_error" | "temporarily_unavailable"));
                refusal.is_verdict() && !is_failure
            }
            _ => false,
        }
    }

    /// What the words of an answer say of the assertion's times.
    fn time_fault(&self, answer: &Refusal, has_not_before: bool) -> Option<TimeFault> {
        let fault = match answer.time_fault()? {
            TimeFault::NotActive if !has_not_before => TimeFault::Expired,
            fault => fault,
        };
        // `invalid_grant` is about the grant in the first place, but no grant is from the future.
        let is_of_grant = self.carries_grant && answer.error() == Some("invalid_grant");
        (!is_of_grant || fault == TimeFault::NotYetValid).then_some(fault)
    }
}

/// What an answer that was read may show of the server's clock.
pub(super) trait Shows {
    /// The time of a JWT in it, where that was just issued.
    fn server_time(&self, _sent: OffsetDateTime, _received: OffsetDateTime) -> Option<ServerTime> {
        None
    }
}

impl Shows for TokenResponse {
    fn server_time(&self, sent: OffsetDateTime, received: OffsetDateTime) -> Option<ServerTime> {
        ServerTime::of_tokens(self, sent, received)
    }
}

impl Shows for PushedAuthorization {}
impl Shows for DeviceAuthorization {}
impl Shows for Introspection {}
impl Shows for () {}

/// How an attempt is signed.
#[derive(Clone, Copy)]
struct Signing {
    key: WhichKey,
    turn: Turn,
    offset: Offset,
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
    times: Times,
}

/// The times of an assertion, and when its answer came.
#[derive(Clone, Copy)]
struct Times {
    issued_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    received: OffsetDateTime,
}

/// What came with an answer that is no success.
#[derive(Clone, Copy)]
struct Seen<'a> {
    key: &'a Arc<dyn Signer>,
    shown: Shown,
    times: Times,
}

/// A key that the server rejected for a request that is sent again with the key before.
struct Suspect {
    key: Arc<dyn Signer>,
    turn: Turn,
    refusal: Box<Refusal>,
}

/// What follows from an answer that is no success.
#[derive(Default)]
struct Next {
    /// Another assertion at once.
    signing: Option<Signing>,
    /// What the times of the next assertion are moved by, where that has changed.
    offset: Option<Offset>,
}

impl TokenClient {
    /// Sends a request to an endpoint and reads the answer, with a fresh assertion for every attempt.
    pub(super) async fn send<T: Shows>(
        &self,
        call: Call,
        request: impl Fn(&ClientAssertion) -> Result<http::Request<Vec<u8>>, OAuthError>,
        read: impl Fn(http::Response<Vec<u8>>, OffsetDateTime) -> Result<T, OAuthError>,
    ) -> Result<T, Error> {
        Span::call(call).around(self.attempts(call, request, read)).await
    }

    async fn attempts<T: Shows>(
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
        let mut suspect: Option<Suspect> = None;
        let mut search = Search::default();
        let mut count = 1;
        loop {
            let span = Span::attempt(count);
            let attempt = self.attempt(call, signing, &mut deadline, &span, &request, &read);
            let error = match span.clone().around(attempt).await {
                Ok(Answer { result: Ok(value), key, shown, .. }) => {
                    self.accepted(call, signing, &key, shown);
                    self.blame(call, suspect);
                    return Ok(value);
                }
                Ok(Answer { result: Err(mut error), key, shown, times }) => {
                    let may = !deadline.left().is_zero();
                    let seen = Seen { key: &key, shown, times };
                    let next = self.next(call, signing, &mut error, seen, &mut search, may);
                    if let Some(other) = next.signing {
                        if other.key != signing.key {
                            suspect = Suspect::of(&error, key, signing.turn);
                        }
                        (signing, before) = (other, Some(error.into()));
                        count += 1;
                        continue;
                    }
                    signing.offset = next.offset.unwrap_or(signing.offset);
                    error.into()
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
        let key = call.with(&active, &active);
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
    async fn attempt<T: Shows>(
        &self,
        call: Call,
        signing: Signing,
        deadline: &mut Deadline,
        span: &Span,
        request: impl Fn(&ClientAssertion) -> Result<http::Request<Vec<u8>>, OAuthError>,
        read: impl Fn(http::Response<Vec<u8>>, OffsetDateTime) -> Result<T, OAuthError>,
    ) -> Result<Answer<T>, Error> {
        let signed = deadline.bound(pin!(self.sign(call.endpoint, signing.key, signing.offset.by))).await;
        let (assertion, key) = signed.ok_or_else(|| KeyError::Signer("no signature in time".into()))??;
        span.signed(key.as_ref());
        let request = request(&assertion)?;
        let (issued_at, expires_at) = (assertion.issued_at(), assertion.expires_at());
        // It is in the form; the answer may take its time.
        drop(assertion);
        let secrets = Secrets::of(&request);
        let sent = self.clock().now();
        let answer = self.http().send(request);
        let answer = deadline.bound_for(self.http().timeout(), pin!(answer)).await;
        let mut response =
            answer.ok_or_else(|| TransportError::Timeout { host: self.host(call.endpoint) })??;
        let received = self.clock().now();
        secrets.accompany(&mut response);
        span.answered(&response, received - sent);
        self.server().normalize(&mut response);
        let date = ServerTime::of_answer(response.headers(), sent, received);
        // The life of a token counts from its request at the latest, and a pause from its answer.
        let now = if response.status().is_success() { sent } else { received };
        let result = read(response, now);
        let shown = match (date, &result) {
            (Some(date), _) => Shown::by(date, Source::Date),
            (None, Ok(value)) if self.settings().corrects_time => value
                .server_time(sent, received)
                .map_or(Shown::NOTHING, |time| Shown::by(time, Source::Token)),
            _ => Shown::NOTHING,
        };
        Ok(Answer { result, key, shown, times: Times { issued_at, expires_at, received } })
    }

    /// What follows from an answer that is no success: another way to sign, where it may be
    /// corrected. What it says is noted in any case.
    fn next(
        &self,
        call: Call,
        used: Signing,
        error: &mut OAuthError,
        seen: Seen<'_>,
        search: &mut Search,
        may: bool,
    ) -> Next {
        let now = self.clock().now();
        let previous = self.previous(now).filter(|_| {
            may && !search.is_corrected() && used.key == WhichKey::Active && allows_another_key(call, error)
        });
        let facts = self.facts(call, used, error, seen.shown, previous.is_some());
        let mut next = Next::default();
        if self.settings().corrects_time {
            let (kept, suspicion) = (self.time_offset(), self.server_clock().suspicion(&facts));
            let changed = self.server_clock().answered(&facts, now);
            if may
                && call.allows_other_times(error)
                && let Some(offset) = self.server_clock().correction(&facts, search, now)
            {
                log::time_corrected(error, offset);
                next.signing = Some(Signing { offset, ..used });
                return next;
            }
            if let Some(offset) = changed {
                log::offset(kept, offset);
                next.offset = Some(offset);
            }
            if let Some(Suspicion { ahead }) = suspicion {
                let Times { issued_at, expires_at, received } = seen.times;
                let moved = used.offset.by;
                note(error, ClockMismatch::new(issued_at, expires_at, received, ahead, moved));
            }
        }
        next.signing = self.other_key(call, used, error, seen.key, previous, now);
        if next.signing.is_some() {
            search.corrected_to(());
        }
        next
    }

    /// What an answer that is no success says of the clock.
    fn facts(&self, call: Call, used: Signing, error: &OAuthError, shown: Shown, other_key: bool) -> Facts {
        let verdict = match error {
            // A client that the server has heard is authenticated, unless it looked at what came from outside first.
            OAuthError::Refused(refusal) if Subject::of(refusal) == Subject::Request => {
                if call.contents.is_of_client_alone { Verdict::Accepted } else { Verdict::Silent }
            }
            OAuthError::Refused(_) => Verdict::Refused,
            OAuthError::Unavailable(answer) if is_failure(answer) => Verdict::Refused,
            _ => Verdict::Silent,
        };
        let (named, failed) = match error {
            OAuthError::Refused(answer) | OAuthError::Unavailable(answer) if verdict == Verdict::Refused => {
                (call.time_fault(answer, self.sends_not_before()), is_failure(answer))
            }
            _ => (None, false),
        };
        Facts {
            contents: call.contents,
            succeeded: false,
            used: used.offset,
            verdict,
            shown,
            named,
            failed,
            other_key,
        }
    }

    /// The key before, to sign with after a refusal. That is noted, also where the key before gets
    /// further.
    fn other_key(
        &self,
        call: Call,
        used: Signing,
        error: &OAuthError,
        key: &Arc<dyn Signer>,
        previous: Option<Arc<dyn Signer>>,
        now: OffsetDateTime,
    ) -> Option<Signing> {
        let OAuthError::Refused(refusal) = error else { return None };
        let active = self.keys().active().ok()?;
        let key = call.with(&active, key);
        match Subject::of(refusal) {
            Subject::Client if call.remembers(refusal) => self.refused(key, used.turn, error, refusal, now),
            Subject::Client => {}
            Subject::Request => self.refused_keys().accepted(key, now),
            Subject::Unknown => {}
        }
        let previous = previous?;
        let turn = self.refused_keys().turn(KeyUse { key: &previous, ..key }, now).ok()?;
        log::key_corrected(error, previous.as_ref());
        Some(Signing { key: WhichKey::Previous, turn, ..used })
    }

    fn refused(
        &self,
        key: KeyUse<'_>,
        turn: Turn,
        error: &OAuthError,
        refusal: &Refusal,
        now: OffsetDateTime,
    ) {
        if !self.settings().remembers_refusals {
            return;
        }
        let random = random().unwrap_or(u64::MAX);
        match self.refused_keys().refused(key, turn, refusal, now, random) {
            Some(Noted { pause, is_of_key: true }) => log::key_refused(error, key.key.as_ref(), pause),
            Some(Noted { pause, is_of_key: false }) => log::request_refused(error, key.key.as_ref(), pause),
            None => {}
        }
    }

    /// Notes against a key that the server accepted with another one what it had rejected with this.
    fn blame(&self, call: Call, suspect: Option<Suspect>) {
        let Some(Suspect { key, turn, refusal }) = suspect else { return };
        let random = random().unwrap_or(u64::MAX);
        if self.settings().remembers_refusals
            && let Ok(active) = self.keys().active()
        {
            let (key, now) = (call.with(&active, &key), self.clock().now());
            if let Some(pause) = self.refused_keys().is_to_blame(key, turn, &refusal, now, random) {
                log::key_refused(&OAuthError::Refused(refusal), key.key.as_ref(), pause);
            }
        }
    }

    fn accepted(&self, call: Call, used: Signing, key: &Arc<dyn Signer>, shown: Shown) {
        let facts = Facts {
            contents: call.contents,
            succeeded: true,
            used: used.offset,
            verdict: Verdict::Accepted,
            shown,
            named: None,
            failed: false,
            other_key: false,
        };
        let now = self.clock().now();
        if self.settings().corrects_time {
            let kept = self.time_offset();
            if let Some(offset) = self.server_clock().answered(&facts, now) {
                log::offset(kept, offset);
            }
        }
        if self.settings().remembers_refusals
            && let Ok(active) = self.keys().active()
        {
            self.refused_keys().accepted(call.with(&active, key), now);
        }
    }

    fn host(&self, endpoint: Endpoint) -> String {
        let url = self.server().endpoint(endpoint).ok();
        let target = url.and_then(|url| url.parse::<http::Uri>().ok());
        target.as_ref().and_then(http::Uri::host).unwrap_or_default().to_owned()
    }
}

impl Suspect {
    fn of(error: &OAuthError, key: Arc<dyn Signer>, turn: Turn) -> Option<Self> {
        match error {
            OAuthError::Refused(refusal) if refusal.error() == Some("invalid_client") => {
                Some(Self { key, turn, refusal: refusal.clone() })
            }
            _ => None,
        }
    }
}

/// Has an error say that the clock may be the reason.
fn note(error: &mut OAuthError, clock: ClockMismatch) {
    if let OAuthError::Refused(answer) | OAuthError::Unavailable(answer) = error {
        answer.set_clock(clock);
    }
}

fn allows_another_key(call: Call, error: &OAuthError) -> bool {
    matches!(error, OAuthError::Refused(refusal) if call.allows_another_key(refusal))
}

/// Whether the server failed over the request itself: some do, where an assertion is from the
/// future. The other statuses of this kind are said by what stands in front of a server, or of its
/// load.
fn is_failure(answer: &Refusal) -> bool {
    matches!(answer.status(), 500..=599) && !matches!(answer.status(), 502..=504)
}
