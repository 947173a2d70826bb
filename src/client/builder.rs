use std::sync::Arc;
use std::time::Duration;

use super::backoff::Backoff;
use super::clock::{Shown, Source};
use super::error::Error;
use super::sender::Sender;
use super::settings::Settings;
use super::token_client::TokenClient;
use crate::keys::KeyRing;
use crate::oauth::{Audience, AuthorizationServer, ClientAssertion, ClientAssertionBuilder, Profile};
use crate::transport::{Clock, HttpClient, ReqwestClient, SystemClock};

impl TokenClient {
    /// Returns a client with the defaults: the issuer as audience, assertions of 60 s, reqwest, the
    /// system's clock.
    ///
    /// # Errors
    ///
    /// As [`TokenClientBuilder::build`].
    pub fn new(
        server: AuthorizationServer,
        client_id: impl Into<String>,
        keys: impl Into<KeyRing>,
    ) -> Result<Self, Error> {
        Self::builder(server, client_id, keys).build()
    }

    /// Returns a builder for a client with optional settings.
    pub fn builder(
        server: AuthorizationServer,
        client_id: impl Into<String>,
        keys: impl Into<KeyRing>,
    ) -> TokenClientBuilder {
        TokenClientBuilder {
            assertion: ClientAssertion::builder(client_id, &server),
            keys: keys.into(),
            http: None,
            clock: Arc::new(SystemClock),
            settings: Settings::DEFAULT,
        }
    }
}

/// Optional settings of a [`TokenClient`].
#[must_use]
pub struct TokenClientBuilder {
    assertion: ClientAssertionBuilder,
    keys: KeyRing,
    http: Option<Arc<dyn HttpClient>>,
    clock: Arc<dyn Clock>,
    settings: Settings,
}

impl TokenClientBuilder {
    /// Follows the rules of this kind of server. The other settings take precedence over it,
    /// regardless of the order of the calls.
    pub fn profile(self, profile: Profile) -> Self {
        self.assertion(|assertion| assertion.profile(profile))
    }

    /// Sets the audience of the assertions. Default: the issuer.
    pub fn audience(self, audience: Audience) -> Self {
        self.assertion(|assertion| assertion.audience(audience))
    }

    /// Sets the lifetime of an assertion, in whole seconds. Default: 60 s.
    pub fn assertion_lifetime(self, lifetime: Duration) -> Self {
        self.assertion(|assertion| assertion.lifetime(lifetime))
    }

    /// Changes any other setting of the assertions.
    ///
    /// ```
    /// # use private_key_jwt::{Algorithm, AuthorizationServer, PrivateKey, TokenClient};
    /// # let server = AuthorizationServer::from_token_endpoint("https://as.example/token")?;
    /// # let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    /// let client = TokenClient::builder(server, "client", key)
    ///     .assertion(|assertion| assertion.media_type(Some("JWT")).without_key_id())
    ///     .build()?;
    /// # Ok::<(), private_key_jwt::Error>(())
    /// ```
    pub fn assertion(
        mut self,
        change: impl FnOnce(ClientAssertionBuilder) -> ClientAssertionBuilder,
    ) -> Self {
        self.assertion = change(self.assertion);
        self
    }

    /// As [`TokenClientBuilder::assertion`], for a change that can fail, such as
    /// [`claim`](ClientAssertionBuilder::claim).
    ///
    /// ```
    /// # use private_key_jwt::{Algorithm, AuthorizationServer, PrivateKey, TokenClient};
    /// # let server = AuthorizationServer::from_token_endpoint("https://as.example/token")?;
    /// # let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    /// let client = TokenClient::builder(server, "client", key)
    ///     .try_assertion(|assertion| assertion.claim("tenant", "t1"))?
    ///     .build()?;
    /// # Ok::<(), private_key_jwt::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The error that `change` returns.
    pub fn try_assertion<E>(
        mut self,
        change: impl FnOnce(ClientAssertionBuilder) -> Result<ClientAssertionBuilder, E>,
    ) -> Result<Self, E> {
        self.assertion = change(self.assertion)?;
        Ok(self)
    }

    /// Sends requests with this HTTP client. Default: a [`ReqwestClient`].
    pub fn http(mut self, http: impl HttpClient + 'static) -> Self {
        self.http = Some(Arc::new(http));
        self
    }

    /// Takes the time from this clock. Default: the operating system's clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Builds the client. Checks everything that needs no server: the client id, and that an
    /// assertion can be made with the key and the settings.
    ///
    /// # Errors
    ///
    /// An error of [kind](super::ErrorKind) `OAuth` or `Key` if the parts do not fit together;
    /// `Setting` for a back-off of zero; `Transport` if the HTTP client cannot be built.
    pub fn build(self) -> Result<TokenClient, Error> {
        self.settings.check()?;
        let signer = self.keys.active()?;
        self.assertion.prepare(signer.as_ref(), self.clock.now(), "a trial that is never signed")?;
        let http = match self.http {
            Some(http) => http,
            None => Arc::new(ReqwestClient::with_plain_http(self.assertion.server().plain_http())?),
        };
        let Self { assertion, keys, clock, settings, .. } = self;
        let discovered = discovered(assertion.server(), &*clock);
        let sender = Arc::new(Sender::new(assertion, keys, http, clock, settings, discovered));
        Ok(TokenClient { sender, cache: Arc::default() })
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
/// The client corrects a rejection, guided by the response and the key ring: the time (once, or up
/// to four times without a `Date`), or else the key (once). It does not correct error codes that
/// concern the request and not the client, such as `invalid_scope`. It does correct `invalid_grant`
/// and `unauthorized_client`, because some servers return them for an assertion, too. With the
/// previous key, the client resends an authorization code, a refresh token or a device code only
/// after `invalid_client`, because a server returns that code before it looks at the grant.
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
/// that rejects the request has issued nothing. It does not resend them after a failure (500,
/// `server_error`, `temporarily_unavailable`), which may happen after the grant was used, nor after
/// a rejection without a code or with the status's own name as a code (`Forbidden`), which may come
/// from something in front of the server. "Expired" in an `invalid_grant` is understood to be about
/// the grant.
///
/// If time may be the reason for a rejection and the client cannot correct it, for example because
/// a clock is an hour off, the error says so: [`Refusal::clock`](crate::oauth::Refusal::clock).
/// Such a rejection does not end a refresh token.
impl TokenClientBuilder {
    /// The default limit on the total time of a call: 30 s.
    pub const DEADLINE: Duration = Settings::DEFAULT.deadline;
    /// The default for the longest pause after the first failure: 500 ms.
    pub const FIRST_PAUSE: Duration = Settings::DEFAULT.backoff.first;
    /// The default for the longest pause after any failure: 10 s.
    pub const LONGEST_PAUSE: Duration = Settings::DEFAULT.backoff.longest;
    /// The default for the longest `Retry-After` that the client waits for: 10 s.
    pub const LONGEST_RETRY_AFTER: Duration = Settings::DEFAULT.longest_retry_after;

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
        self.settings.backoff = Backoff { first, longest };
        self
    }

    /// Sets the longest `Retry-After` (RFC 9110 §10.2.3) that the client waits for. Default:
    /// [10 s](Self::LONGEST_RETRY_AFTER). If the server asks for a longer wait, or for one that
    /// exceeds the deadline, the call fails at once. With zero, the client waits for none.
    pub const fn longest_retry_after(mut self, longest: Duration) -> Self {
        self.settings.longest_retry_after = longest;
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

/// # The cache
///
/// [`TokenClient::token`](crate::TokenClient::token) and
/// [`TokenClient::source`](crate::TokenClient::source) cache one token for each set of request
/// parameters: the grant, the scopes in any order, the resource, the audience, and every other
/// parameter. [`TokenClient::request`](crate::TokenClient::request) caches nothing.
///
/// - A fresh token is returned without a request.
/// - In the last part of a token's lifetime, the next caller starts a request in the background,
///   and all callers keep getting the cached token. This part is [a tenth of the lifetime, a minute
///   at most](Self::refresh_ahead), and randomly shortened by up to half so that many processes do
///   not send requests at once. A request that fails is repeated after pauses that grow, several
///   times before the token expires.
/// - Without a valid token, all callers wait for one request, even if the caller that started it is
///   gone, and all get its token or its error. After an error that an immediate retry would not
///   fix, callers get the same error without a request: for a second; for as long as the server
///   says (`Retry-After`, a minute at most); or, after a rejection that is not about the key, for
///   up to twice as long each time, up to a minute.
/// - A token that is not a bearer token is cached like any other.
///
/// Each request runs in its own task on the tokio runtime of the caller that starts it.
impl TokenClientBuilder {
    /// The default for the longest time before its expiry at which a token is renewed: 60 s.
    pub const REFRESH_AHEAD: Duration = Settings::REFRESH_AHEAD;
    /// The default for how long a token of unknown lifetime is cached: 60 s.
    pub const UNSTATED_LIFETIME: Duration = Settings::DEFAULT.unstated_lifetime;
    /// The default for the largest number of cached tokens: 1000.
    pub const CACHE_CAPACITY: usize = Settings::DEFAULT.cache_capacity;

    /// Sets how long before it expires a token is renewed, but never before half of its lifetime is
    /// over. Default: a tenth of its lifetime, at most [a minute](Self::REFRESH_AHEAD). With zero,
    /// the first caller after the token has expired waits.
    pub const fn refresh_ahead(mut self, ahead: Duration) -> Self {
        self.settings.refresh_ahead = Some(ahead);
        self
    }

    /// Sets how long a token is cached if the server does not state its lifetime. Default: [a
    /// minute](Self::UNSTATED_LIFETIME). With zero, such a token is not cached.
    ///
    /// RFC 6749 §5.1 leaves this lifetime to the server's documentation. Set it if you know it.
    pub const fn unstated_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.unstated_lifetime = lifetime;
        self
    }

    /// Sets how many tokens are cached, one for each set of parameters. Default:
    /// [1000](Self::CACHE_CAPACITY). When there is one more, the least recently used token is
    /// dropped, with a precision of one second. With zero, each call of `token` is a request; a
    /// [`TokenSource`](crate::TokenSource) keeps its own token in any case.
    pub const fn cache_capacity(mut self, entries: usize) -> Self {
        self.settings.cache_capacity = entries;
        self
    }
}

/// What discovery showed of the server's clock. Discovery reads the system's clock; the client may
/// use another one.
fn discovered(server: &AuthorizationServer, clock: &dyn Clock) -> Shown {
    /// Clocks get adjusted, so an old observation shows nothing.
    const LONGEST: time::Duration = time::Duration::minutes(10);
    let system = SystemClock.now();
    let since = |received| system - received;
    let is_recent = |since: time::Duration| !since.is_negative() && since <= LONGEST;
    let time = server.server_time().filter(|time| is_recent(since(time.received())));
    time.map_or(Shown::NOTHING, |time| {
        Shown::by(time.by_clock_behind(system - clock.now()), Source::Discovery)
    })
}
