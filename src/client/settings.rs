//! What a client does when a request fails, and how each of it is turned off.

use std::time::Duration;

use super::backoff::{Backoff, Retries};
use super::{Error, ErrorKind, TokenClientBuilder};

/// See the methods of [`TokenClientBuilder`] of these names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) deadline: Duration,
    pub(super) retries: Retries,
    pub(super) tries_again: bool,
    pub(super) corrects_time: bool,
    pub(super) falls_back: bool,
    pub(super) remembers_refusals: bool,
}

impl Settings {
    /// Refuses what would let a failing server be asked without a pause.
    pub(super) fn check(&self) -> Result<(), Error> {
        let Backoff { first, longest } = self.retries.backoff;
        if self.tries_again && (first.is_zero() || longest.is_zero()) {
            let reason = "zero, which would retry without a pause; use without_retries to retry nothing";
            return Err(ErrorKind::Setting { setting: "backoff", reason }.into());
        }
        Ok(())
    }
}

impl Default for Settings {
    fn default() -> Self {
        let backoff =
            Backoff { first: TokenClientBuilder::FIRST_PAUSE, longest: TokenClientBuilder::LONGEST_PAUSE };
        Self {
            deadline: TokenClientBuilder::DEADLINE,
            retries: Retries { backoff, longest_wait: TokenClientBuilder::LONGEST_RETRY_AFTER },
            tries_again: true,
            corrects_time: true,
            falls_back: true,
            remembers_refusals: true,
        }
    }
}

/// # When a request fails
///
/// What may pass is tried again, every time with an assertion of its own: no connection, a
/// connection that broke before an answer came, and the statuses 408, 425, 429, 502, 503 and 504.
/// Not: a certificate that is not trusted, an answer that broke off, one that does not come in
/// time.
///
/// | request | tried again |
/// | --- | --- |
/// | `client_credentials`, JWT bearer, token exchange | yes: a second token does no harm; but where a server takes the JWT of a grant once (RFC 7523 §3), the second answer is `invalid_grant` |
/// | authorization code, refresh token | only when there was no connection: each is good once (RFC 6749 §4.1.2, RFC 9700 §4.14.2) |
/// | device code | no: [`device_token`](super::TokenClient::device_token) asks at the pace that the server sets |
/// | pushed authorization, device authorization | yes: of what a lost answer brought nobody makes use |
/// | introspection, revocation | yes: the second says and does the same (RFC 7009 §2.2) |
///
/// A refusal is corrected once at most, with what the answer and the ring have to say: the time, or
/// else the key. Codes that are about the request and not about the client, such as
/// `invalid_scope`, are not corrected. `invalid_grant` and `unauthorized_client` are, because some
/// servers say so of an assertion, too. With the key before, an authorization code, a refresh token
/// and a device code are sent again after `invalid_client` only, which a server says before it
/// looks at them.
///
/// # The clock
///
/// Servers reject an assertion whose `iat` is in their future or whose `exp` is in their past. The
/// client learns how far the server's clock is from its own and moves the times of its assertions
/// by that, never by more than 5 min:
///
/// | known from | what the client does |
/// | --- | --- |
/// | the `Date` of the metadata (plus its `Age`), if more than 3 s off | assumes the difference from the first assertion on |
/// | the `Date` of any other answer that is no success, if more than 3 s off | signs again once if the server refused or failed (500), and assumes the difference for the next assertion |
/// | a text that says "in the future", where the `Date` differs by less | signs again once, 3 s earlier |
/// | without a `Date`: a text that says "in the future" or "expired" | signs again at most four times, moved by a minute the way the text says, then by 2 and 4 min, and half-way back when the text says the opposite |
/// | without a `Date`: the `iat` of a JWT that was just issued | follows it once a difference has been accepted, and tries it first after the next such text |
///
/// A difference that an assertion was accepted with is kept for all assertions of the client, and
/// for nothing else, and is checked against each answer. One that is only assumed gives way to this
/// machine's own time when it is rejected. A difference at which the server has accepted this
/// machine's time is not a reason for its refusals. After a text has led nowhere, texts are not
/// followed for a minute.
///
/// An authorization code, a refresh token and a device code are sent again with other times after a
/// refusal with any `error` code (RFC 6749 §5.2), `invalid_grant` included: a server that refuses
/// has issued nothing, so if it has used up the grant, the grant is lost either way. They are not
/// sent again after a failure (500, `server_error`, `temporarily_unavailable`), which may come
/// after the grant was used, nor after a refusal without a code or with the status's own name as a
/// code (`Forbidden`), which may come from something in front of the server. "Expired" in an
/// `invalid_grant` is taken to be about the grant.
///
/// If time may be the reason for a refusal and the client cannot correct it, such as a clock that
/// is an hour off, the error says so: [`Refusal::clock`](crate::oauth::Refusal::clock). Such a
/// refusal does not end a refresh token.
impl TokenClientBuilder {
    /// How long a call may take in all, unless said otherwise.
    pub const DEADLINE: Duration = Duration::from_secs(30);
    /// The longest pause after the first failure, unless said otherwise.
    pub const FIRST_PAUSE: Duration = Duration::from_millis(500);
    /// The longest pause after any failure, unless said otherwise.
    pub const LONGEST_PAUSE: Duration = Duration::from_secs(10);
    /// The longest `Retry-After` that is waited for, unless said otherwise.
    pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(10);

    /// How long a call may take in all, its signatures, attempts and pauses together; [30
    /// s](Self::DEADLINE) unless said otherwise. An attempt ends with it, too, whatever longer time
    /// the HTTP client gives a request. Measured by the timer of tokio, and not outside of its
    /// runtimes; [`Duration::MAX`] is no bound, and needs no timer. With zero, a call fails unless
    /// everything is ready at once, and nothing is tried again.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// The pauses between attempts: anything from nothing to `first`, and up to twice as long after
    /// each further failure, but not longer than `longest`. [500 ms](Self::FIRST_PAUSE) and [10
    /// s](Self::LONGEST_PAUSE) unless said otherwise. Zero is refused, because a failing server
    /// would be asked without a pause: see [`without_retries`](Self::without_retries).
    pub const fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.settings.retries.backoff = Backoff { first, longest };
        self
    }

    /// The longest `Retry-After` (RFC 9110 §10.2.3) that is waited for; [10
    /// s](Self::LONGEST_RETRY_AFTER) unless said otherwise. With a longer one, or one that goes
    /// past the deadline, the error comes at once. With zero, none is waited for.
    pub const fn longest_retry_after(mut self, longest: Duration) -> Self {
        self.settings.retries.longest_wait = longest;
        self
    }

    /// Tries nothing again. The deadline stays, and so do corrections.
    pub const fn without_retries(mut self) -> Self {
        self.settings.tries_again = false;
        self
    }

    /// Signs with this machine's time only, and does not judge refusals by it: [the
    /// clock](Self#the-clock). By default, the client follows the server's clock, and names the
    /// clock in errors where it cannot.
    pub const fn without_time_correction(mut self) -> Self {
        self.settings.corrects_time = false;
        self
    }

    /// Does not sign again with the key before. Otherwise, when the server refuses, time is not the
    /// reason, and the active key has been so for no longer than the ring's propagation time (5 min
    /// at least), one more assertion is made with the key that signed before, if it is still in the
    /// ring.
    pub const fn without_key_fallback(mut self) -> Self {
        self.settings.falls_back = false;
        self
    }

    /// Asks the server every time, whatever it said before. By default, a key that it rejects is
    /// not used again at that endpoint for 1 to 2 s, and for twice as long after each further
    /// rejection, up to 30 to 60 s: calls get
    /// [`ErrorKind::Remembered`](super::ErrorKind::Remembered) without a request, or are signed
    /// with the previous key if [that](Self::without_key_fallback) is possible. When the time is
    /// over, one call tries, or one in 2 s if its answer says nothing of the key. Another active
    /// key is tried at once.
    ///
    /// Only a rejection of the client counts against the key for every call: `invalid_client`, or a
    /// 401 without a code (RFC 6749 §5.2), in answer to a client credentials request that carries
    /// nothing but scopes, unless another request was accepted in the last 10 min; and
    /// `invalid_client` if the same request is then accepted with the previous key. Anything else
    /// that a request carries may be the reason, such as a code, a token, a JWT or a parameter.
    /// After `invalid_client` the same request waits then, and no other.
    pub const fn without_refusal_memory(mut self) -> Self {
        self.settings.remembers_refusals = false;
        self
    }
}
