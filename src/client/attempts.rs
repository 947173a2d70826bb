//! Carries out a call: signs, sends, reads the answer, notes what it says, and does what `step`
//! decides.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::call::Call;
use super::clock::{Search, Shown, Source, Suspicion};
use super::fresh::random;
use super::log::{self, Span};
use super::refused_keys::{KeyUse, Noted, Turn};
use super::signing::WhichKey;
use super::step::{Correction, Facts, Failure, Progress, Signing, Step, Suspect, next};
use super::subject::Subject;
use super::{Error, ErrorKind, TokenClient};
use crate::keys::{KeyError, Signer, key_name};
use crate::oauth::{
    ClientAssertion, ClockMismatch, DeviceAuthorization, Endpoint, Introspection, OAuthError,
    PushedAuthorization, Secrets, ServerTime, TokenResponse,
};
use crate::transport::{Deadline, TransportError};

/// What a parsed response may show of the server's clock.
pub(super) trait Shows {
    /// The time of a JWT in it, if that was just issued.
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

/// What the server answered, and to what.
struct Answer<T> {
    result: Result<T, OAuthError>,
    seen: Seen,
}

/// What was seen besides the answer itself.
struct Seen {
    key: Arc<dyn Signer>,
    shown: Shown,
    issued_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    received: OffsetDateTime,
}

impl TokenClient {
    /// Sends a request to an endpoint and reads the answer, with a fresh assertion for every
    /// attempt.
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
        let mut progress = self.begin(call)?;
        let limit = self.settings().deadline;
        let mut deadline = Deadline::after(call.once_within.unwrap_or(limit).min(limit));
        loop {
            let span = Span::attempt(progress.attempt);
            let attempt = self.attempt(&progress, &mut deadline, &span, &request, &read);
            let (step, error) = match span.clone().around(attempt).await {
                Ok(Answer { result: Ok(value), seen }) => {
                    self.accepted(progress, &seen);
                    return Ok(value);
                }
                Ok(Answer { result: Err(error), seen }) => {
                    self.rejected(&mut progress, error, seen, deadline.left())
                }
                Err(error) => (next(&progress, (&error).into(), &self.facts(deadline.left())), error),
            };
            match step {
                Step::Correct(_) => {}
                Step::Retry(pause) => {
                    log::retried(&error, progress.attempt, pause);
                    deadline.pause(pause, self.clock().sleep(pause)).await;
                }
                Step::Fail => return Err(error.after(progress.attempt)),
                Step::FailWithCause(attempts) => {
                    return Err(progress.cause.unwrap_or(error).after(attempts));
                }
            }
            progress.cause = Some(error);
            progress.attempt += 1;
        }
    }

    /// The first attempt: signed with the active key, or with the previous one while the active key
    /// is avoided.
    fn begin(&self, call: Call) -> Result<Progress, Error> {
        let offset = self.time_offset();
        let first = |key, turn, cause| Progress {
            call,
            attempt: 1,
            signing: Signing { key, turn, offset },
            search: Search::default(),
            cause,
            suspect: None,
        };
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
        let error = Error::from(ErrorKind::Remembered {
            key_id: key_name(active.as_ref()),
            refusal: remembered.refusal,
            pause: remembered.pause,
        });
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

    /// One attempt. Returns an error if there was no answer.
    async fn attempt<T: Shows>(
        &self,
        progress: &Progress,
        deadline: &mut Deadline,
        span: &Span,
        request: impl Fn(&ClientAssertion) -> Result<http::Request<Vec<u8>>, OAuthError>,
        read: impl Fn(http::Response<Vec<u8>>, OffsetDateTime) -> Result<T, OAuthError>,
    ) -> Result<Answer<T>, Error> {
        let Progress { call: Call { endpoint, .. }, signing, .. } = *progress;
        let signed = deadline.bound(pin!(self.sign(endpoint, signing.key, signing.offset.by))).await;
        let (assertion, key) = signed.ok_or_else(|| KeyError::Signer("no signature in time".into()))??;
        span.signed(key.as_ref());
        let request = request(&assertion)?;
        let (issued_at, expires_at) = (assertion.issued_at(), assertion.expires_at());
        // The form contains it, and the response may take a while.
        drop(assertion);
        let secrets = Secrets::of(&request);
        let sent = self.clock().now();
        let answer = self.http().send(request);
        let answer = deadline.bound_for(self.http().timeout(), pin!(answer)).await;
        let mut response = answer.ok_or_else(|| TransportError::Timeout { host: self.host(endpoint) })??;
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
        Ok(Answer { result, seen: Seen { key, shown, issued_at, expires_at, received } })
    }

    /// What is known after an attempt without an answer.
    fn facts(&self, left: Duration) -> Facts {
        let settings = self.settings();
        Facts {
            left,
            retries: settings.tries_again.then_some(settings.retries),
            // Without a random number, take the longest pause.
            random: random().unwrap_or(u64::MAX),
            other_times: None,
            previous_key: false,
        }
    }

    /// Decides what follows from an unsuccessful response, and notes what it says.
    fn rejected(
        &self,
        progress: &mut Progress,
        mut error: OAuthError,
        seen: Seen,
        left: Duration,
    ) -> (Step, Error) {
        let (now, mut facts) = (self.clock().now(), self.facts(left));
        let previous = self.previous(now);
        facts.previous_key = previous.is_some();
        let kept = self.time_offset();
        let (mut changed, mut suspicion) = (None, None);
        if self.settings().corrects_time {
            let clock = self.server_clock();
            let other_key = facts.previous_key && progress.may_change_key(&error, left);
            let (used, not_before) = (progress.signing.offset, self.sends_not_before());
            let answer = progress.call.rejected(&error, used, seen.shown, not_before, other_key);
            suspicion = clock.suspicion(&answer);
            changed = clock.answered(&answer, now);
            let mut search = progress.search;
            let offset = clock.correction(&answer, &mut search, now);
            facts.other_times = offset.map(|offset| (offset, search));
        }
        let mut step = next(progress, Failure::Answer(&error), &facts);
        if let Step::Correct(Correction::Times(offset, search)) = step {
            log::time_corrected(&error, offset);
            (progress.signing.offset, progress.search) = (offset, search);
            return (step, error.into());
        }
        if let Some(offset) = changed {
            log::offset(kept, offset);
        }
        if let Some(Suspicion { ahead }) = suspicion {
            let Seen { issued_at, expires_at, received, .. } = seen;
            let moved = progress.signing.offset.by;
            note(&mut error, ClockMismatch::new(issued_at, expires_at, received, ahead, moved));
        }
        self.note_key(progress, &error, &seen.key, now);
        match (step, previous) {
            (Step::Correct(Correction::PreviousKey), Some(previous)) => {
                if !self.change_key(progress, &error, seen.key, &previous, now) {
                    step = Step::Fail;
                }
            }
            _ => progress.signing.offset = changed.unwrap_or(progress.signing.offset),
        }
        (step, error.into())
    }

    /// Signs with the previous key from now on, unless that is avoided as well.
    fn change_key(
        &self,
        progress: &mut Progress,
        error: &OAuthError,
        key: Arc<dyn Signer>,
        previous: &Arc<dyn Signer>,
        now: OffsetDateTime,
    ) -> bool {
        let Ok(active) = self.keys().active() else { return false };
        let Ok(turn) = self.refused_keys().turn(progress.call.with(&active, previous), now) else {
            return false;
        };
        log::key_corrected(error, previous.as_ref());
        progress.suspect = Suspect::of(error, key, progress.signing.turn);
        progress.signing = Signing { key: WhichKey::Previous, turn, ..progress.signing };
        progress.search.corrected_to(());
        true
    }

    /// Notes what a response says about the key.
    fn note_key(&self, progress: &Progress, error: &OAuthError, key: &Arc<dyn Signer>, now: OffsetDateTime) {
        let (OAuthError::Refused(refusal), Ok(active)) = (error, self.keys().active()) else { return };
        let key = progress.call.with(&active, key);
        match Subject::of(refusal) {
            Subject::Request => self.refused_keys().accepted(key, now),
            Subject::Client if progress.call.remembers(refusal) && self.settings().remembers_refusals => {
                let (turn, random) = (progress.signing.turn, random().unwrap_or(u64::MAX));
                match self.refused_keys().refused(key, turn, refusal, now, random) {
                    Some(Noted { pause, is_of_key: true }) => {
                        log::key_refused(error, key.key.as_ref(), pause)
                    }
                    Some(Noted { pause, .. }) => log::request_refused(error, key.key.as_ref(), pause),
                    None => {}
                }
            }
            Subject::Client | Subject::Unknown => {}
        }
    }

    /// Notes what a success says about the clock and the keys.
    fn accepted(&self, progress: Progress, seen: &Seen) {
        let Progress { call, signing, suspect, .. } = progress;
        let now = self.clock().now();
        if self.settings().corrects_time {
            let kept = self.time_offset();
            let facts = call.accepted(signing.offset, seen.shown);
            if let Some(offset) = self.server_clock().answered(&facts, now) {
                log::offset(kept, offset);
            }
        }
        if self.settings().remembers_refusals
            && let Ok(active) = self.keys().active()
        {
            self.refused_keys().accepted(call.with(&active, &seen.key), now);
            // The server accepted with another key what it had rejected with this one.
            if let Some(Suspect { key, turn, refusal }) = suspect {
                let (key, random) = (call.with(&active, &key), random().unwrap_or(u64::MAX));
                if let Some(pause) = self.refused_keys().is_to_blame(key, turn, &refusal, now, random) {
                    log::key_refused(&OAuthError::Refused(refusal), key.key.as_ref(), pause);
                }
            }
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

/// Notes in an error that the clock may be the reason.
fn note(error: &mut OAuthError, clock: ClockMismatch) {
    if let OAuthError::Refused(answer) | OAuthError::Unavailable(answer) = error {
        answer.set_clock(clock);
    }
}
