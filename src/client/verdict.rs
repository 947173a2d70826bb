//! Decides what follows from an answer, and notes what it shows of the clock and the keys.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::accepted_keys::fallback;
use super::call::Subject;
use super::clock::{self, Offset};
use super::error::Error;
use super::fresh::random;
use super::sender::{Known, Seen, Sender};
use super::status::{AcceptedKey, ClientStatus, KeyRejection};
use super::step::{Progress, RejectedKey, Step, next};
use crate::keys::{Signer, key_name};
use crate::oauth::{ClockMismatch, Context, Endpoint, OAuthError, SentAssertion};
use crate::observer::Event;

impl Sender {
    /// Decides what follows from an unsuccessful response, and notes what it says.
    pub(super) fn rejected(
        &self,
        progress: &mut Progress,
        error: OAuthError,
        seen: Seen,
        left: Duration,
    ) -> (Step, Error) {
        let Seen { key, shown, issued_at, expires_at, received } = seen;
        let Progress { call, mut search, .. } = *progress;
        let (now, mut facts) = (self.clock.now(), self.facts(left));
        let mut answer = clock::Facts::accepted(progress.outside(), progress.offset, shown);
        answer = answer.rejected(call, &error, self.assertion.has_not_before());
        let mut error = Error::from(error);
        // Without a `Date`, times that were moved are a guess, which our clock cannot judge.
        let ahead = shown.ahead();
        let times = (ahead.is_some() || progress.offset.by.is_zero()).then_some((received, ahead));
        error.note_context(|| self.context(call.endpoint, key.as_ref(), issued_at, times));
        let may_change_key = error.refusal().is_some_and(|refusal| progress.may_change_key(refusal, left));
        let keys = self.fallbacks(now).filter(|_| may_change_key);
        // Without an active key, this one was the last to sign.
        let active = self.keys.active().unwrap_or_else(|_| Arc::clone(&key));
        let mut known = self.known();
        let Known { keys: refused, accepted, .. } = &mut *known;
        let other = keys.as_ref().and_then(|keys| {
            fallback(keys, accepted, |other| {
                let is_tried = Arc::ptr_eq(other, &key) || progress.has_rejected(other);
                // The server may have read the JWKS after it rejected the active key.
                let may_be_used = Arc::ptr_eq(other, &active)
                    || refused.paused(progress.with(other, &active), now).is_none();
                !is_tried && may_be_used
            })
        });
        answer.other_key = other.is_some();
        let (kept, mut changed, mut suspicion) = (known.clock.kept, None, None);
        if self.settings.corrects_time {
            suspicion = known.clock.suspicion(&answer);
            changed = known.clock.answered(&answer, now);
            facts.other_times = known.clock.correction(&answer, &mut search, now);
        }
        (facts.is_answer, facts.other_key) = (true, other.is_some());
        let step = next(progress, &error, &facts);
        if let Step::CorrectTimes(offset) = step {
            drop(known);
            let (client, failure, learned_from) = (self.log.client(), error.failure(), offset.source.name());
            self.log.emit(&Event::TimesCorrected { client, offset: offset.by, learned_from, failure });
            (progress.offset, progress.search) = (offset, search);
            return (step, error);
        }
        if let Some(ahead) = suspicion {
            let moved = progress.offset.by;
            error.note_clock(ClockMismatch::new(issued_at, expires_at, received, ahead, moved));
        }
        let other = other.filter(|_| step == Step::ChangeKey);
        let turn = other.map(|other| known.keys.turn(progress.with(other, &active), now));
        let (rejected, mut noted) = (progress.with(&key, &active), None);
        if let Some(refusal) = error.refusal() {
            if Subject::of(refusal) == Subject::Request {
                known.keys.accepted(rejected, now);
            } else if Subject::is_client(refusal, call.is_of_client_alone) && self.settings.remembers_refusals
            {
                let is_of_key = known.keys.is_reason(rejected, now);
                let pause = known.keys.note(rejected, is_of_key, progress.turn, refusal, now, facts.random);
                noted = pause.map(|pause| (is_of_key, pause));
            }
        }
        drop(known);
        self.log.offset(kept, changed);
        if let Some((is_of_key, pause)) = noted {
            self.log.paused(is_of_key, key.as_ref(), pause, &error);
        }
        match other.zip(turn) {
            Some((other, turn)) => {
                let client = self.log.client();
                let (rejected, key_id) = (&key_name(key.as_ref()), &key_name(other.as_ref()));
                self.log.emit(&Event::KeyCorrected { client, rejected, key_id, failure: error.failure() });
                progress.rejected.push(RejectedKey { key, turn: progress.turn, error: error.clone() });
                progress.fallback = (!Arc::ptr_eq(other, &active)).then(|| Arc::clone(other));
                progress.turn = turn.unwrap_or_default();
                progress.search.corrected_to(());
            }
            None => progress.offset = changed.unwrap_or(progress.offset),
        }
        (step, error)
    }

    /// Notes what a success says about the clock and the keys.
    pub(super) fn accepted(&self, progress: Progress, seen: &Seen) {
        let now = seen.received;
        let facts = clock::Facts::accepted(progress.outside(), progress.offset, seen.shown);
        let active = self.keys.active().unwrap_or_else(|_| Arc::clone(&seen.key));
        let mut known = self.known();
        let (kept, changed) = (known.clock.kept, known.clock.answered(&facts, now));
        known.keys.accepted(progress.with(&seen.key, &active), now);
        let is_known = known.accepted.again(&seen.key, now);
        let mut blamed = Vec::new();
        // The server accepted with another key what it had rejected with these.
        for RejectedKey { key, turn, error } in &progress.rejected {
            let refusal = error.refusal().filter(|_| self.settings.remembers_refusals);
            let verdict = refusal.filter(|refusal| refusal.error() == Some("invalid_client"));
            let key_use = progress.with(key, &active);
            let note = |refusal| {
                let random = random().unwrap_or(u64::MAX);
                known.keys.note(key_use, true, *turn, refusal, now, random)
            };
            blamed.extend(verdict.and_then(note).map(|pause| (key, pause, error)));
        }
        drop(known);
        if !is_known {
            let key_id = key_name(seen.key.as_ref());
            self.known().accepted.add(&seen.key, key_id, now);
        }
        self.log.offset(kept, changed);
        for (key, pause, error) in blamed {
            self.log.paused(true, key.as_ref(), pause, error);
        }
    }

    /// What is known about the keys and the clock at this server.
    pub(super) fn status(&self) -> ClientStatus {
        let now = self.clock.now();
        let (keys, active) = (self.fallbacks(now), self.keys.active().ok());
        let known = self.known();
        let refused = &known.keys;
        let rejection = active.as_ref().and_then(|active| {
            let mut endpoints = Endpoint::ALL.into_iter();
            let endpoint = endpoints.find(|endpoint| refused.of_key(active, *endpoint).is_some())?;
            let (refusal, retry_at) = refused.of_key(active, endpoint)?;
            let may_be_used = |key: &Arc<_>| {
                let is_paused = refused.of_key(key, endpoint).is_some_and(|(_, until)| now < until);
                !Arc::ptr_eq(key, active) && !is_paused
            };
            let other = keys.as_ref().and_then(|keys| fallback(keys, &known.accepted, may_be_used));
            Some((endpoint, Box::new(refusal.clone()), retry_at, other))
        });
        let accepted_key = known.accepted.last();
        let accepted_key = accepted_key.map(|(key_id, at)| AcceptedKey { key_id: key_id.clone(), at });
        let kept = known.clock.kept;
        drop(known);
        let key_id = |key: &Arc<dyn Signer>| key_name(key.as_ref());
        ClientStatus {
            active_key: active.as_ref().map(key_id),
            accepted_key,
            rejection: rejection.map(|(endpoint, refusal, retry_at, other)| KeyRejection {
                endpoint,
                refusal,
                retry_at,
                fallback_key: other.map(key_id),
            }),
            clock_offset: (kept != Offset::NONE).then_some(kept.by),
        }
    }

    /// What is known about a rejected assertion. It is made again, without its signature, so that
    /// accepted ones cost nothing.
    fn context(
        &self,
        endpoint: Endpoint,
        key: &dyn Signer,
        issued_at: OffsetDateTime,
        times: Option<(OffsetDateTime, Option<time::Duration>)>,
    ) -> Context {
        let server = self.metadata.held();
        let server = server.as_deref();
        let prepare = |server| self.assertion.prepare_for(server, endpoint, key, issued_at, "jti").ok();
        let unsigned = server.and_then(prepare);
        let sent = unsigned.and_then(|unsigned| SentAssertion::from_signing_input(unsigned.signing_input()));
        let url = server.and_then(|server| server.endpoint(endpoint).ok()).unwrap_or_default();
        let sent = sent.map(|sent| sent.to_endpoint(url));
        let sent = sent.map(|sent| match times {
            Some((received, ahead)) => sent.received_at(received, ahead),
            None => sent,
        });
        Context::of(sent, server, Some(self.assertion.chosen_profile()))
    }
}
