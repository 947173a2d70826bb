use std::sync::Arc;
use std::time::Duration;

use super::backoff::Backoff;
use super::error::{Error, ErrorKind};
use super::log::Log;
use super::sender::Sender;
use super::settings::Settings;
use super::token_client::TokenClient;
use crate::keys::KeyRing;
use crate::oauth::{Audience, ClientAssertion, ClientAssertionBuilder, Discovery, Profile};
use crate::observer::Observer;
use crate::transport::{Clock, HttpClient, MetadataSource, ReqwestClient, SystemClock};

impl TokenClient {
    /// Returns a client with the defaults of the [builder](TokenClientBuilder).
    ///
    /// # Errors
    ///
    /// As [`TokenClientBuilder::build`].
    pub fn new(
        server: impl Into<MetadataSource>,
        client_id: impl Into<String>,
        keys: impl Into<KeyRing>,
    ) -> Result<Self, Error> {
        Self::builder(server, client_id, keys).build()
    }

    /// Returns a client for the server of this issuer, or of the metadata document at this URL.
    ///
    /// Nothing is sent yet: the first call discovers the server, under the same deadline and with
    /// the same retries as any request, and the metadata is [kept
    /// fresh](MetadataSource::Discovered). So a service can start before its identity provider. To
    /// fail at startup instead, call [`TokenClient::server`] there.
    ///
    /// # Errors
    ///
    /// As [`TokenClientBuilder::build`].
    pub fn discover(
        issuer: impl Into<Discovery>,
        client_id: impl Into<String>,
        keys: impl Into<KeyRing>,
    ) -> Result<Self, Error> {
        Self::new(issuer.into(), client_id, keys)
    }

    /// Returns a builder for a client with optional settings. The server is an
    /// [`AuthorizationServer`](crate::AuthorizationServer), or a [`Discovery`] for
    /// [`discover`](Self::discover) with settings.
    pub fn builder(
        server: impl Into<MetadataSource>,
        client_id: impl Into<String>,
        keys: impl Into<KeyRing>,
    ) -> TokenClientBuilder {
        let server = server.into();
        TokenClientBuilder {
            assertion: ClientAssertion::builder(client_id, &server.stand_in()),
            server,
            keys: keys.into(),
            http: None,
            clock: Arc::new(SystemClock),
            settings: Settings::DEFAULT,
            observer: None,
        }
    }
}

/// Optional settings of a [`TokenClient`].
#[must_use]
pub struct TokenClientBuilder {
    server: MetadataSource,
    assertion: ClientAssertionBuilder,
    keys: KeyRing,
    http: Option<Arc<dyn HttpClient>>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    observer: Option<Arc<dyn Observer>>,
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

    /// Changes any other setting of the assertions, as in
    /// `.assertion(|assertion| assertion.media_type(Some("JWT")).without_key_id())`.
    pub fn assertion(
        mut self,
        change: impl FnOnce(ClientAssertionBuilder) -> ClientAssertionBuilder,
    ) -> Self {
        self.assertion = change(self.assertion);
        self
    }

    /// As [`assertion`](Self::assertion), for a change that can fail, as in
    /// `.try_assertion(|assertion| assertion.claim("tenant", "t1"))`.
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

    /// Sends requests with this HTTP client. Default: a [`ReqwestClient`], which shares its
    /// connections with other clients.
    pub fn http(mut self, http: impl HttpClient + 'static) -> Self {
        self.http = Some(Arc::new(http));
        self.settings.http_limit = None;
        self
    }

    /// Takes the time from this clock. Default: the operating system's clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Reports each [event](crate::observer#events) of the client and of its sources to this
    /// observer. Default: none; log lines and [statistics](TokenClient::statistics) need none.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Builds the client, and checks that an assertion can be made with the settings, and that the
    /// server of the profile [would accept it](Profile#settings-that-a-profile-refuses).
    ///
    /// Logs a warning if the server's metadata does not list the key's algorithm:
    /// [`unlisted_algorithms`](crate::AuthorizationServer::unlisted_algorithms).
    ///
    /// # Errors
    ///
    /// An error of [kind](super::ErrorKind) `OAuth` or `Key` if the parts do not fit together, as
    /// far as they are known before discovery; `Setting` for a back-off of zero; `Transport` if the
    /// HTTP client cannot be built.
    pub fn build(self) -> Result<TokenClient, Error> {
        let Backoff { first, longest } = self.settings.backoff;
        if self.settings.tries_again && (first.is_zero() || longest.is_zero()) {
            let reason = "zero, which would retry without a pause; use without_retries to retry nothing";
            return Err(ErrorKind::Setting { setting: "backoff", reason }.into());
        }
        let signer = self.keys.active()?;
        self.server.check()?;
        self.assertion.prepare(signer.as_ref(), self.clock.now(), "a trial that is never signed")?;
        let Self { server, assertion, keys, http, clock, settings, observer } = self;
        let http = ReqwestClient::or_default(http, server.plain_http())?;
        let metadata = server.open(&http, &clock, observer.as_ref());
        let log = Log::new(assertion.client_id(), &metadata, observer);
        let sender = Arc::new(Sender::new(metadata, assertion, keys, http, clock, settings, log));
        Ok(TokenClient { sender, cache: Arc::default() })
    }
}

/// # When a request fails
///
/// The client retries transient failures, each time with a new assertion: no connection, a
/// connection that broke before a response arrived, and the statuses 408, 425, 429, 502, 503 and
/// 504. It does not retry after an untrusted certificate, an incomplete response, or a timeout.
///
/// | request | retried |
/// | --- | --- |
/// | `client_credentials`, JWT bearer, token exchange | Yes: a second token does no harm. If the server accepts the JWT of a grant only once (RFC 7523 §3), the retry fails with `invalid_grant`. |
/// | authorization code, refresh token | Only if there was no connection, because each is single-use (RFC 6749 §4.1.2, RFC 9700 §4.14.2). |
/// | device code | No. [`device_token`](TokenClient::device_token) polls at the server's pace. |
/// | pushed authorization, device authorization | Yes. If the response is lost, the orphaned request URI or device code expires. |
/// | introspection, revocation | Yes. The second request has the same result (RFC 7009 §2.2). |
///
/// The client corrects a rejection, guided by the response and the key ring: the time (once, or up
/// to four times without a `Date`), or else the key (once, or twice after `invalid_client`). It
/// does not correct errors about the request, such as `invalid_scope`, except for `invalid_grant`
/// and `unauthorized_client`, which some servers return for an assertion. With another key, it
/// resends a code or a refresh token only after `invalid_client`, which a server returns before it
/// looks at the grant.
///
/// # The clock
///
/// Servers reject an assertion whose `iat` is in their future or whose `exp` is in their past. The
/// client moves the times of its assertions to the server's clock, by at most 5 min:
///
/// | the difference is known from | what the client does |
/// | --- | --- |
/// | the `Date` of the metadata (plus its `Age`), if more than 3 s off | assumes it from the first assertion on |
/// | the `Date` of any other unsuccessful response, if more than 3 s off | signs again once if the server rejected the request or failed (500), and assumes it for the next assertion |
/// | a text that says "in the future", if the `Date` differs by less | signs again once, 3 s earlier |
/// | without a `Date`: a text that says "in the future" or "expired" | signs again at most four times, moved by a minute in the direction that the text names, then by 2 and 4 min, and half-way back when the text says the opposite; if that fails, ignores such texts for a minute |
/// | without a `Date`: the `iat` of a JWT that was just issued | follows it once a difference has been accepted, and tries it first after the next such text |
///
/// An accepted difference is kept for all assertions, and checked against each response. If an
/// assumed difference is rejected, the client returns to this machine's time. A difference at which
/// the server has accepted this machine's time is no reason for rejections.
///
/// A code or a refresh token is resent with other times after a rejection with any `error` code
/// (RFC 6749 §5.2): such a server has issued nothing. It is not resent after a failure (500,
/// `server_error`, `temporarily_unavailable`), nor after a rejection without a code or with the
/// status's own name as a code (`Forbidden`), which may come from something in front of the server.
/// "Expired" in an `invalid_grant` is about the grant.
///
/// If the client cannot correct the time, such as a clock that is an hour off, the error names it:
/// [`Refusal::clock`](crate::oauth::Refusal::clock). Such a rejection does not end a refresh token.
impl TokenClientBuilder {
    /// Limits the total time of a call, including its signatures, attempts and pauses, whatever the
    /// HTTP client allows a request. Default: 30 s. [`Duration::MAX`] means no limit, and needs no
    /// timer. With zero, a call fails unless everything is ready at once, and nothing is retried.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// Sets the pauses between attempts. Each is random, from zero to an upper bound. The bound
    /// starts at `first`, doubles after each further failure, and never exceeds `longest`. Default:
    /// 500 ms and 10 s. Zero, which would retry without a pause, is rejected: see
    /// [`without_retries`](Self::without_retries).
    pub const fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.settings.backoff = Backoff { first, longest };
        self
    }

    /// Sets the longest `Retry-After` (RFC 9110 §10.2.3) that the client waits for. Default: 10 s.
    /// If the server asks for a longer wait, or for one that exceeds the deadline, the call fails
    /// at once. With zero, the client waits for none.
    pub const fn longest_retry_after(mut self, longest: Duration) -> Self {
        self.settings.longest_retry_after = longest;
        self
    }

    /// Disables retries. The deadline and corrections still apply.
    pub const fn without_retries(mut self) -> Self {
        self.settings.tries_again = false;
        self
    }

    /// Signs with this machine's time only, and never names it as the reason for a rejection. By
    /// default, the client follows [the server's clock](Self#the-clock).
    pub const fn without_time_correction(mut self) -> Self {
        self.settings.corrects_time = false;
        self
    }

    /// Never signs with a key other than the active one. By default, the client falls back to
    /// another key if the server rejects the request, time is not the reason, and the server may
    /// not know the active key yet:
    ///
    /// - The active key was activated within the ring's propagation time (at least 5 min); or the
    ///   server has accepted another key of the ring, but never the active one, because it reads
    ///   the JWKS less often than assumed.
    /// - The other key is the one that this server accepted last, at any endpoint: keys are
    ///   registered for a client. If it accepted none since the client was created, or rejects that
    ///   one too (`invalid_client`), it is the key that has been in the JWKS the longest of those
    ///   that have signed, or else the one that signed last. A key that was revoked or retired
    ///   never signs.
    /// - While the active key is [paused](Self::without_refusal_memory), the other key signs at
    ///   once. If the server rejects it with `invalid_client`, the client tries the active key.
    ///
    /// At most three keys sign the requests of one call, each once. The log has a warning for each
    /// change of the key, and [`status`](TokenClient::status) shows the rejection.
    pub const fn without_key_fallback(mut self) -> Self {
        self.settings.falls_back = false;
        self
    }

    /// Sends every request, even if the server has just rejected the key. By default, a rejected
    /// key is not used again at that endpoint for 1 to 2 s, twice as long after each further
    /// rejection, up to 30 to 60 s. Meanwhile, calls fail with [`ErrorKind::Remembered`], or are
    /// signed with [another key](Self::without_key_fallback). Then one call tries the key, or
    /// one every 2 s as long as the responses say nothing about it. Another active key is tried at
    /// once.
    ///
    /// A rejection counts against the key for every call if the request cannot be the reason: after
    /// `invalid_client`, or a 401 without a code (RFC 6749 §5.2), for a client credentials request
    /// that carries nothing but scopes, unless another request was accepted in the last 10 min; or
    /// after `invalid_client` for a request that is then accepted with another key. After any
    /// other `invalid_client`, only the same request waits.
    pub const fn without_refusal_memory(mut self) -> Self {
        self.settings.remembers_refusals = false;
        self
    }
}

/// # The cache
///
/// [`TokenClient::token`] and [`TokenClient::source`] cache one token of any type for each set of
/// request parameters: the grant, the scopes in any order, the resource, the audience, and every
/// other parameter. [`TokenClient::request`] caches nothing.
///
/// - A fresh token is returned without a request.
/// - In the [last part](Self::refresh_ahead) of a token's lifetime, the next caller starts a
///   request in the background, on its own tokio runtime. This part is randomly shortened by up to
///   half, so that many processes do not send requests at once. Requests that fail are repeated
///   after growing pauses, several times before the token expires.
/// - Without a valid token, all callers wait for one request, even if the caller that started it is
///   gone, and all get its token or its error. After an error that an immediate retry would not
///   fix, callers get the same error without a request: for a second; for as long as the server
///   says (`Retry-After`, a minute at most); or, after a rejection that is not about the key, for
///   up to twice as long each time, up to a minute.
impl TokenClientBuilder {
    /// Sets how long before it expires a token is renewed, but never before half of its lifetime is
    /// over. Default: a tenth of its lifetime, at most a minute. With zero, the first caller after
    /// the token has expired waits.
    pub const fn refresh_ahead(mut self, ahead: Duration) -> Self {
        self.settings.refresh_ahead = Some(ahead);
        self
    }

    /// Sets how long a token is cached if the server does not state its lifetime (RFC 6749 §5.1):
    /// see the server's documentation. Default: 60 s. With zero, such a token is not cached.
    pub const fn unstated_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.unstated_lifetime = lifetime;
        self
    }

    /// Sets how many tokens are cached, one for each set of parameters. Default: 1000. Beyond that,
    /// the least recently used token is dropped, with a precision of one second. With zero, each
    /// call of `token` is a request; a [`TokenSource`](crate::TokenSource) keeps its token anyway.
    pub const fn cache_capacity(mut self, entries: usize) -> Self {
        self.settings.cache_capacity = entries;
        self
    }
}
