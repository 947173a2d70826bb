//! What a client does when a request fails, and how to switch each behaviour off.

use std::time::Duration;

use super::backoff::{Backoff, Retries};
use super::{Error, ErrorKind, TokenClientBuilder};

/// See the methods of the same names on [`TokenClientBuilder`].
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
    /// Rejects settings that would send requests to a failing server without a pause.
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
/// The client retries transient failures, each time with a new assertion: no connection, a
/// connection that broke before a response arrived, and one of the statuses 408, 425, 429, 502, 503
/// and 504. The client does not retry after an untrusted certificate, a response that broke off, or
/// a timeout.
///
/// | request | retried |
/// | --- | --- |
/// | `client_credentials`, JWT bearer, token exchange | Yes. A second token does no harm. If the server accepts the JWT of a grant only once (RFC 7523 §3), the response to the retry is `invalid_grant`. |
/// | authorization code, refresh token | Only if there was no connection, because each is single-use (RFC 6749 §4.1.2, RFC 9700 §4.14.2). |
/// | device code | No. [`device_token`](super::TokenClient::device_token) polls at the pace that the server sets. |
/// | pushed authorization, device authorization | Yes. If the response is lost, the orphaned request URI or device code simply expires. |
/// | introspection, revocation | Yes. The second request has the same result (RFC 7009 §2.2). |
///
/// The client corrects a rejection at most once, guided by the response and the key ring: it
/// corrects the time, or else the key. It does not correct error codes that concern the request and
/// not the client, such as `invalid_scope`. It does correct `invalid_grant` and
/// `unauthorized_client`, because some servers return them for an assertion, too. With the previous
/// key, the client resends an authorization code, a refresh token or a device code only after
/// `invalid_client`, because a server returns that code before it looks at the grant.
///
/// # The clock
///
/// Servers reject an assertion whose `iat` is in their future or whose `exp` is in their past. The
/// client learns how far the server's clock differs from its own and moves the times of its
/// assertions by that difference, never by more than 5 min:
///
/// | known from | what the client does |
/// | --- | --- |
/// | the `Date` of the metadata (plus its `Age`), if more than 3 s off | assumes the difference from the first assertion on |
/// | the `Date` of any other unsuccessful response, if more than 3 s off | signs again once if the server rejected the request or failed (500), and assumes the difference for the next assertion |
/// | a text that says "in the future", if the `Date` differs by less | signs again once, 3 s earlier |
/// | without a `Date`: a text that says "in the future" or "expired" | signs again at most four times, moved by a minute in the direction that the text names, then by 2 and 4 min, and half-way back when the text says the opposite |
/// | without a `Date`: the `iat` of a JWT that was just issued | follows it once a difference has been accepted, and tries it first after the next such text |
///
/// Once an assertion is accepted with a difference, the client keeps the difference for all its
/// assertions, uses it for nothing else, and checks it against each response. If an assumed
/// difference is rejected, the client returns to this machine's own time. A difference at which the
/// server has accepted this machine's time does not count as a reason for rejections. After a text
/// has led nowhere, the client ignores such texts for a minute.
///
/// The client resends an authorization code, a refresh token or a device code with other times
/// after a rejection with any `error` code (RFC 6749 §5.2), including `invalid_grant`: a server
/// that rejects the request has issued nothing, so if it has used up the grant, the grant is lost
/// either way. The client does not resend them after a failure (500, `server_error`,
/// `temporarily_unavailable`), which may happen after the grant was used. Nor does it resend them
/// after a rejection without a code or with the status's own name as a code (`Forbidden`), which
/// may come from something in front of the server. "Expired" in an `invalid_grant` is understood to
/// be about the grant.
///
/// If time may be the reason for a rejection and the client cannot correct it, for example because
/// a clock is an hour off, the error says so: [`Refusal::clock`](crate::oauth::Refusal::clock).
/// Such a rejection does not end a refresh token.
impl TokenClientBuilder {
    /// The default limit on the total time of a call.
    pub const DEADLINE: Duration = Duration::from_secs(30);
    /// The default for the longest pause after the first failure.
    pub const FIRST_PAUSE: Duration = Duration::from_millis(500);
    /// The default for the longest pause after any failure.
    pub const LONGEST_PAUSE: Duration = Duration::from_secs(10);
    /// The default for the longest `Retry-After` that the client waits for.
    pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(10);

    /// Limits the total time of a call, including its signatures, attempts and pauses. Default:
    /// [30 s](Self::DEADLINE).
    ///
    /// The deadline also ends an attempt in flight, even if the HTTP client allows a request more
    /// time. [`Duration::MAX`] means no limit, and needs no timer. With zero, a call fails unless
    /// everything is ready at once, and nothing is retried.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// Sets the pauses between attempts. The first pause is random, from zero to `first`. After
    /// each further failure, the upper bound doubles, but it never exceeds `longest`. Default:
    /// [500 ms](Self::FIRST_PAUSE) and [10 s](Self::LONGEST_PAUSE). Zero is rejected, because the
    /// client would send requests to a failing server without a pause: see
    /// [`without_retries`](Self::without_retries).
    pub const fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.settings.retries.backoff = Backoff { first, longest };
        self
    }

    /// Sets the longest `Retry-After` (RFC 9110 §10.2.3) that the client waits for. Default:
    /// [10 s](Self::LONGEST_RETRY_AFTER). If the server asks for a longer wait, or for one that
    /// exceeds the deadline, the call fails at once. With zero, the client waits for none.
    pub const fn longest_retry_after(mut self, longest: Duration) -> Self {
        self.settings.retries.longest_wait = longest;
        self
    }

    /// Disables retries. The deadline and corrections still apply.
    pub const fn without_retries(mut self) -> Self {
        self.settings.tries_again = false;
        self
    }

    /// Signs with this machine's time only, and does not consider time as the reason for
    /// rejections: see [the clock](Self#the-clock). By default, the client follows the server's
    /// clock, and its errors name the clock when it cannot.
    pub const fn without_time_correction(mut self) -> Self {
        self.settings.corrects_time = false;
        self
    }

    /// Does not sign again with the previous key. By default, the client signs one more assertion
    /// with the key that signed before if all of this is true: the server rejects the request, time
    /// is not the reason, the active key has been active for no longer than the ring's propagation
    /// time (at least 5 min), and the previous key is still in the ring.
    pub const fn without_key_fallback(mut self) -> Self {
        self.settings.falls_back = false;
        self
    }

    /// Sends every request, even if the server has just rejected the key. By default, a rejected
    /// key is not used again at that endpoint for 1 to 2 s, and for twice as long after each
    /// further rejection, up to 30 to 60 s. Meanwhile, calls fail with
    /// [`ErrorKind::Remembered`](super::ErrorKind::Remembered) without a request, or are signed
    /// with the previous key if [that](Self::without_key_fallback) is possible. When the time is
    /// over, one call tries the key, or one every 2 s as long as the responses say nothing about
    /// the key. Another active key is tried at once.
    ///
    /// Only a rejection of the client counts against the key for every call. One such rejection is
    /// `invalid_client`, or a 401 without a code (RFC 6749 §5.2), in response to a client
    /// credentials request that carries nothing but scopes, unless another request was accepted in
    /// the last 10 min. The other is `invalid_client` if the same request is then accepted with the
    /// previous key. Anything else that a request carries may be the reason, such as a code, a
    /// token, a JWT or a parameter: after `invalid_client`, only the same request waits then.
    pub const fn without_refusal_memory(mut self) -> Self {
        self.settings.remembers_refusals = false;
        self
    }
}
