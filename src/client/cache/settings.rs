//! What is optional about the cache.

use std::time::Duration;

use crate::client::TokenClientBuilder;

/// See the methods of [`TokenClientBuilder`] of these names.
#[derive(Clone, Copy, Debug)]
pub(in crate::client) struct CacheSettings {
    pub(super) capacity: usize,
    pub(super) refresh_ahead: Option<Duration>,
    pub(super) unstated_lifetime: Duration,
}

impl CacheSettings {
    /// How long before the end of such a life another token is had.
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
/// [`TokenClient::source`](crate::TokenClient::source) keep one token for each set of request
/// parameters: the grant, the scopes in any order, the resource, the audience, and every other
/// parameter. [`TokenClient::request`](crate::TokenClient::request) keeps nothing.
///
/// - While a token is fresh it is handed out without a request.
/// - In the last part of its life ([a tenth, a minute at most](Self::refresh_ahead), and up to half
///   of that less, by chance, so that many processes do not ask at once) the next caller starts a
///   request in the background, and everyone keeps getting the token that is there. A request that
///   fails is made again after a pause that grows, several times before the token ends.
/// - When there is no token that serves, callers wait for one request, whoever of them started it
///   and whether or not that one is still there, and all get its token or its error. After an error
///   that asking again at once would not mend they get the same one without a request: for a
///   second, for as long as the server says (`Retry-After`, a minute at most), or after a refusal
///   that is not about the key for up to twice as long each time, up to a minute.
/// - A token that is not a bearer token is kept like any other.
///
/// Requests run in tasks of their own on the tokio runtime of the caller who starts them. Outside
/// of one, the caller who starts a request carries it out, also where there is a token that serves.
impl TokenClientBuilder {
    /// The longest time before the end of a token at which another is had, unless said otherwise.
    pub const REFRESH_AHEAD: Duration = Duration::from_secs(60);
    /// How long a token of unknown life is kept, unless said otherwise.
    pub const UNSTATED_LIFETIME: Duration = Duration::from_secs(60);
    /// How many tokens are kept at most, unless said otherwise.
    pub const CACHE_CAPACITY: usize = 1000;

    /// How long before its end a token is renewed, but not before half of its life is over. Unless
    /// said otherwise, a tenth of its life and no longer than [a minute](Self::REFRESH_AHEAD). With
    /// nothing, the first caller after its end waits.
    pub const fn refresh_ahead(mut self, ahead: Duration) -> Self {
        self.cache.refresh_ahead = Some(ahead);
        self
    }

    /// How long a token is kept when the server does not say how long it lives; [a
    /// minute](Self::UNSTATED_LIFETIME) unless said otherwise, and with nothing such a token is not
    /// kept.
    ///
    /// RFC 6749 §5.1 leaves it to the server's documentation then. A minute is shorter than the
    /// lives that servers give tokens, and one request a minute is a burden to none of them. Set it
    /// if you know better.
    pub const fn unstated_lifetime(mut self, lifetime: Duration) -> Self {
        self.cache.unstated_lifetime = lifetime;
        self
    }

    /// How many tokens are kept, one for each set of parameters; [1000](Self::CACHE_CAPACITY)
    /// unless said otherwise. When there is one more, the one is dropped that nobody has asked for
    /// the longest, to the second. With nothing, each call of `token` is a request; a
    /// [`TokenSource`](crate::TokenSource) keeps its own token in any case.
    pub const fn cache_capacity(mut self, entries: usize) -> Self {
        self.cache.capacity = entries;
        self
    }
}
