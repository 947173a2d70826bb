//! Carries out a call, and does what `step` decides.

use std::hash::{BuildHasher, Hash, RandomState};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tracing::{Instrument as _, Span};

use super::accepted_keys::{AcceptedKeys, fallback};
use super::call::{Call, Exchange};
use super::clock::{Offset, ServerClock, Shown, Source};
use super::error::{Error, ErrorKind};
use super::fresh::{fresh_jti, random};
use super::log::{self, Log, detail};
use super::refused_keys::RefusedKeys;
use super::settings::Settings;
use super::signing;
use super::step::{Facts, Progress, Step, next};
use crate::keys::{KeyError, KeyRing, Signer, SigningKeys, key_name};
use crate::oauth::{
    Answer, AuthorizationServer, ClientAssertion, ClientAssertionBuilder, Endpoint, OAuthError, Secrets,
    ServerTime, TokenRequest, TokenResponse, safe_url,
};
use crate::observer::Event;
use crate::transport::{Clock, Deadline, HttpClient, Metadata, SystemClock, TransportError};

/// Sends the requests of one client to one server.
pub(super) struct Sender {
    pub(super) metadata: Metadata,
    pub(super) assertion: ClientAssertionBuilder,
    pub(super) keys: KeyRing,
    http: Arc<dyn HttpClient>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) settings: Settings,
    pub(super) log: Log,
    known: Mutex<Known>,
    /// Whether the clock knows what the metadata showed.
    has_metadata: AtomicBool,
    /// Outsiders choose what requests carry, so their hashes are keyed.
    hasher: RandomState,
}

/// What responses have shown. All calls of a client share it.
pub(super) struct Known {
    pub(super) clock: ServerClock,
    pub(super) keys: RefusedKeys,
    pub(super) accepted: AcceptedKeys,
}

/// What an answer and its assertion show.
pub(super) struct Seen {
    pub(super) key: Arc<dyn Signer>,
    pub(super) shown: Shown,
    pub(super) issued_at: OffsetDateTime,
    pub(super) expires_at: OffsetDateTime,
    pub(super) received: OffsetDateTime,
}

impl Sender {
    pub(super) fn new(
        metadata: Metadata,
        assertion: ClientAssertionBuilder,
        keys: KeyRing,
        http: Arc<dyn HttpClient>,
        clock: Arc<dyn Clock>,
        settings: Settings,
        log: Log,
    ) -> Self {
        let known = Known {
            clock: ServerClock::new(Shown::NOTHING),
            keys: RefusedKeys::default(),
            accepted: AcceptedKeys::default(),
        };
        let (known, has_metadata, hasher) = (Mutex::new(known), AtomicBool::new(false), RandomState::new());
        let sender =
            Self { metadata, assertion, keys, http, clock, settings, log, known, has_metadata, hasher };
        if let Some(server) = sender.metadata.held() {
            sender.discovered(&server);
        }
        sender
    }

    /// The server, which is discovered now if it is not known yet.
    pub(super) async fn server(&self) -> Result<Arc<AuthorizationServer>, Error> {
        let mut progress = Progress::new(Call::to(Endpoint::Token), Offset::NONE);
        let mut deadline = Deadline::after(self.settings.deadline);
        loop {
            let error = match self.server_within(&deadline, &mut progress).await {
                Ok(server) => return Ok(server),
                Err(error) => error,
            };
            let Step::Retry(pause) = next(&progress, &error, &self.facts(deadline.left())) else {
                return Err(error.after(progress.attempt));
            };
            self.pause(&mut deadline, pause, progress.attempt, &error).await;
            progress.attempt += 1;
        }
    }

    async fn pause(&self, deadline: &mut Deadline, pause: Duration, attempt: u32, error: &Error) {
        let (client, failure) = (self.log.client(), error.failure());
        self.log.emit(&Event::AttemptFailed { client, attempt, pause, failure });
        deadline.pause(pause, self.clock.sleep(pause)).await;
    }

    fn undiscovered(&self, source: TransportError) -> Error {
        let issuer = safe_url(self.metadata.issuer().unwrap_or_default());
        ErrorKind::Discovery { issuer, source }.into()
    }

    /// Notes what the first metadata shows of the server's clock and its algorithms. Returns the
    /// offset to use.
    fn discovered(&self, server: &AuthorizationServer) -> Offset {
        let time = server.server_time().filter(|_| self.settings.corrects_time);
        let shown = Shown::discovered(time, SystemClock.now(), self.clock.now());
        let mut known = self.known();
        let is_first = !self.has_metadata.swap(true, Ordering::Relaxed);
        if is_first {
            known.clock = ServerClock::new(shown);
        }
        let offset = known.clock.kept;
        drop(known);
        if is_first {
            self.log.offset(Offset::NONE, Some(offset).filter(|offset| *offset != Offset::NONE));
            if let Ok(signer) = self.keys.active() {
                let (client, key_id) = (self.log.client(), &key_name(signer.as_ref()));
                for unlisted in &server.unlisted_algorithms(signer.as_ref()) {
                    self.log.emit(&Event::AlgorithmNotListed { client, key_id, unlisted });
                }
            }
        }
        offset
    }

    /// Sends a request to the token endpoint; with a limit, once and without retries. `is_final`
    /// says whether an error ends what the caller wants.
    pub(super) async fn token(
        &self,
        request: &TokenRequest,
        once_within: Option<Duration>,
        is_final: fn(&Error) -> bool,
    ) -> Result<TokenResponse, Error> {
        let exchange = Exchange {
            call: Call::token(request, once_within, is_final),
            to_http: TokenRequest::to_http,
            read: |_, answer, now| TokenResponse::from_answer(answer, now),
            server_time: ServerTime::of_tokens,
            expires_in: TokenResponse::expires_in,
        };
        self.send(request, &exchange).await
    }

    pub(super) async fn send<R: Hash, T>(&self, request: &R, exchange: &Exchange<R, T>) -> Result<T, Error> {
        let (span, began) = (self.log.call_span(exchange.call), self.clock.now());
        // A future that is passed by value would be copied: see `Deadline::bound`.
        let done = pin!(self.attempts(request, exchange)).instrument(span.clone()).await;
        let result = done.as_ref().map(|(value, attempts)| (*attempts, (exchange.expires_in)(value)));
        self.log.ended(&span, exchange.call, log::elapsed(began, self.clock.now()), result);
        done.map(|(value, _)| value)
    }

    /// The result, and the number of attempts.
    async fn attempts<R: Hash, T>(&self, request: &R, exchange: &Exchange<R, T>) -> Result<(T, u32), Error> {
        let mut progress = self.begin(exchange.call, request)?;
        let limit = exchange.call.once_within.unwrap_or(Duration::MAX);
        let mut deadline = Deadline::after(self.settings.deadline.min(limit));
        loop {
            let span = log::attempt_span(progress.attempt);
            let attempt = pin!(self.attempt(&mut progress, &deadline, &span, request, exchange))
                .instrument(span.clone())
                .await;
            let (step, error) = match attempt {
                Ok((Ok(value), seen)) => {
                    let attempts = progress.attempt;
                    self.accepted(progress, &seen);
                    return Ok((value, attempts));
                }
                Ok((Err(error), seen)) => {
                    progress.contents = self.hasher.hash_one(request);
                    self.rejected(&mut progress, error, seen, deadline.left())
                }
                Err(error) => (next(&progress, &error, &self.facts(deadline.left())), error),
            };
            match step {
                Step::CorrectTimes(_) | Step::ChangeKey => {}
                Step::Retry(pause) => self.pause(&mut deadline, pause, progress.attempt, &error).await,
                Step::Fail => return Err(error.after(progress.attempt)),
                Step::FailWithCause(attempts) => {
                    return Err(progress.cause.unwrap_or(error).after(attempts));
                }
            }
            progress.cause = Some(error);
            progress.attempt += 1;
        }
    }

    /// The first attempt: signed with the active key, or with another one while the active key is
    /// avoided.
    fn begin<R: Hash>(&self, call: Call, request: &R) -> Result<Progress, Error> {
        let known = self.known();
        let (mut progress, is_empty) = (Progress::new(call, known.clock.kept), known.keys.is_empty());
        drop(known);
        if is_empty {
            return Ok(progress);
        }
        progress.contents = self.hasher.hash_one(request);
        let (now, active) = (self.clock.now(), self.keys.active()?);
        let turn = self.known().keys.turn(progress.with(&active, &active), now);
        let (refusal, pause) = match turn {
            Ok(turn) => return Ok(Progress { turn, ..progress }),
            Err(paused) => paused,
        };
        let key_id = key_name(active.as_ref());
        let error = Error::from(ErrorKind::Remembered { key_id, refusal, pause });
        let Some(keys) = self.fallbacks(now) else { return Err(error) };
        let mut known = self.known();
        let Known { keys: refused, accepted, .. } = &mut *known;
        let mut turn = None;
        let key = fallback(&keys, accepted, |key| {
            turn = refused.turn(progress.with(key, &active), now).ok();
            turn.is_some()
        });
        drop(known);
        let (Some(key), Some(turn)) = (key, turn) else { return Err(error) };
        let key_id = key_name(key.as_ref());
        detail!(%key_id, "signed with another key, the active key is paused");
        Ok(Progress { fallback: Some(Arc::clone(key)), turn, cause: Some(error), ..progress })
    }

    /// The keys to choose another one from.
    pub(super) fn fallbacks(&self, now: OffsetDateTime) -> Option<SigningKeys> {
        self.settings.falls_back.then(|| self.keys.signing_keys(now)).flatten()
    }

    /// One attempt. Returns an error if there was no answer.
    async fn attempt<R, T>(
        &self,
        progress: &mut Progress,
        deadline: &Deadline,
        span: &Span,
        request: &R,
        exchange: &Exchange<R, T>,
    ) -> Result<(Result<T, OAuthError>, Seen), Error> {
        let server = self.server_within(deadline, progress).await?;
        let Progress { call: Call { endpoint, .. }, offset, .. } = *progress;
        let signed = self.sign(&server, endpoint, progress.fallback.as_ref(), offset);
        let signed = deadline.bound(pin!(signed)).await;
        let (assertion, key, sent) =
            signed.ok_or_else(|| KeyError::Signer("no signature in time".into()))??;
        log::signed(span, key.as_ref());
        let request = (exchange.to_http)(request, &server, &assertion)?;
        let (issued_at, expires_at) = (assertion.issued_at(), assertion.expires_at());
        // The form contains it, and the response may take a while.
        drop(assertion);
        let secrets = Secrets::of(&request);
        let answer = deadline.bound_limited(self.settings.http_limit, pin!(self.http.send(request))).await;
        let url = || server.endpoint(endpoint).unwrap_or_default();
        let mut response = answer.ok_or_else(|| TransportError::timeout(url()))??;
        let received = self.clock.now();
        log::answered(span, &response, &secrets, sent, received);
        server.normalize(&mut response);
        let date = ServerTime::of_answer(response.headers(), sent, received);
        // The life of a token counts from its request at the latest, and a pause from its answer.
        let now = if response.status().is_success() { sent } else { received };
        let result = (exchange.read)(&server, Answer { response, secrets: Some(&secrets) }, now);
        let shown = match (date, &result) {
            (None, Ok(value)) if self.settings.corrects_time => {
                Shown::by((exchange.server_time)(value, sent, received), Source::Token)
            }
            _ => Shown::by(date, Source::Date),
        };
        Ok((result, Seen { key, shown, issued_at, expires_at, received }))
    }

    /// The server. If it was not known when the call began, the clock may be known now.
    async fn server_within(
        &self,
        deadline: &Deadline,
        progress: &mut Progress,
    ) -> Result<Arc<AuthorizationServer>, Error> {
        let is_known = self.has_metadata.load(Ordering::Relaxed);
        let server = deadline.bound(pin!(self.metadata.server())).await;
        let in_time = server.unwrap_or_else(|| Err(self.metadata.timeout()));
        let server = in_time.map_err(|source| self.undiscovered(source))?;
        if !is_known {
            progress.offset = self.discovered(&server);
        }
        Ok(server)
    }

    /// What is known after an attempt without an answer.
    pub(super) fn facts(&self, left: Duration) -> Facts<'_> {
        // Without a random number, take the longest pause.
        let random = random().unwrap_or(u64::MAX);
        let settings = &self.settings;
        Facts { settings, left, random, is_answer: false, other_times: None, other_key: false }
    }

    pub(super) async fn assertion(&self, endpoint: Endpoint) -> Result<ClientAssertion, Error> {
        let server = self.server().await?;
        let offset = self.discovered(&server);
        Ok(self.sign(&server, endpoint, None, offset).await?.0)
    }

    /// Signs a fresh assertion, dated at our time plus `offset`, and returns it with its key (the
    /// other key if it may still sign, or else the active one) and the time.
    async fn sign(
        &self,
        server: &AuthorizationServer,
        endpoint: Endpoint,
        other: Option<&Arc<dyn Signer>>,
        offset: Offset,
    ) -> Result<(ClientAssertion, Arc<dyn Signer>, OffsetDateTime), Error> {
        let Self { assertion, keys, clock, .. } = self;
        let jti = fresh_jti()?;
        let choose = || match other.filter(|other| keys.has_signing(other)) {
            Some(other) => Ok(Arc::clone(other)),
            None => keys.active(),
        };
        let now = || clock.now().saturating_add(offset.by);
        let began = clock.now();
        let prepare = |signer: &dyn Signer| assertion.prepare_for(server, endpoint, signer, now(), &jti);
        let (assertion, signer) = signing::assertion(choose, prepare).await?;
        let signed = clock.now();
        self.log.signed(keys, signer.as_ref(), began, signed);
        Ok((assertion, signer, signed))
    }

    /// A panic elsewhere does not spoil it: no step leaves it half-changed. Code of the user may
    /// call the client, so none runs while this is held: no clock, no key (not even to be dropped),
    /// and no subscriber of events.
    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
