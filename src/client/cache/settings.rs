//! Optional settings of the cache.

use std::time::Duration;

use crate::client::TokenClientBuilder;

/// See the methods of the same names on [`TokenClientBuilder`].
#[derive(Clone, Copy, Debug)]
pub(in crate::client) struct CacheSettings {
    pub(super) capacity: usize,
    pub(super) refresh_ahead: Option<Duration>,
    pub(super) unstated_lifetime: Duration,
}

impl CacheSettings {
    /// How long before it expires a token with this lifetime is renewed.
    pub(super) fn ahead(&self, life: Duration) -> Duration {
        self.refresh_ahead.map_or((life / 10).min(TokenClientBuilder::REFRESH_AHEAD), |set| set.min(life / 2))
    }
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            capacity: TokenClientBuilder::CACHE_CAPACITY,
            refresh_ahead: None,
            unstated_lifetime: TokenClientBuilder::UNSTATED_LIFETIME,
        }
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
    /// The default for the longest time before its expiry at which a token is renewed.
    pub const REFRESH_AHEAD: Duration = Duration::from_secs(60);
    /// The default for how long a token of unknown lifetime is cached.
    pub const UNSTATED_LIFETIME: Duration = Duration::from_secs(60);
    /// The default for the largest number of cached tokens.
    pub const CACHE_CAPACITY: usize = 1000;

    /// Sets how long before it expires a token is renewed, but never before half of its lifetime is
    /// over. Default: a tenth of its lifetime, at most [a minute](Self::REFRESH_AHEAD). With zero,
    /// the first caller after the token has expired waits.
    pub const fn refresh_ahead(mut self, ahead: Duration) -> Self {
        self.cache.refresh_ahead = Some(ahead);
        self
    }

    /// Sets how long a token is cached if the server does not state its lifetime. Default: [a
    /// minute](Self::UNSTATED_LIFETIME). With zero, such a token is not cached.
    ///
    /// In this case, RFC 6749 §5.1 leaves the lifetime to the server's documentation. A minute is
    /// shorter than the lifetimes that servers give tokens, and one request a minute is a burden to
    /// no server. Set it if you know the lifetime.
    pub const fn unstated_lifetime(mut self, lifetime: Duration) -> Self {
        self.cache.unstated_lifetime = lifetime;
        self
    }

    /// Sets how many tokens are cached, one for each set of parameters. Default:
    /// [1000](Self::CACHE_CAPACITY). When there is one more, the least recently used token is
    /// dropped, with a precision of one second. With zero, each call of `token` is a request; a
    /// [`TokenSource`](crate::TokenSource) keeps its own token in any case.
    pub const fn cache_capacity(mut self, entries: usize) -> Self {
        self.cache.capacity = entries;
        self
    }
}
