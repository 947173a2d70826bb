use std::sync::Arc;

use zeroize::Zeroizing;

use super::cache::Entry;
use super::{Error, TokenClient};
use crate::oauth::{AccessToken, TokenRequest, TokenResponse};

/// A token for one set of request parameters, always at hand: the prepared form of
/// [`TokenClient::token`], for code that asks before every request of its own. Cloning is cheap,
/// and the clones share one token.
///
/// ```no_run
/// # async fn example(client: private_key_jwt::TokenClient) -> Result<(), private_key_jwt::Error> {
/// let tokens = client.source("api:read");
/// loop {
///     let token = tokens.token().await?;
///     # let _ = token.secret();
///     # break;
/// }
/// # Ok(()) }
/// ```
///
/// How long tokens are kept, and when the server is asked for others, is [said at the
/// builder](super::TokenClientBuilder#the-cache).
#[derive(Clone)]
pub struct TokenSource {
    client: TokenClient,
    entry: Arc<Entry>,
}

impl TokenClient {
    /// A source of tokens for these scopes (`client_credentials`, RFC 6749 §4.4), or for this
    /// request. It shares its token with [`TokenClient::token`] and with other sources of the same
    /// parameters, as long as those are among the
    /// [entries](super::TokenClientBuilder::cache_capacity) that are kept.
    ///
    /// A request that is made again must be good more than once: a JWT bearer grant is while its
    /// JWT lives (RFC 7521 §4.1), and a token exchange while its subject token does. Where the
    /// server sends a refresh token with such a grant, that is used first. A code or a refresh
    /// token is good once: send it with [`TokenClient::request`], and make a source of the response
    /// with [`TokenClient::source_from`].
    ///
    /// ```
    /// # use private_key_jwt::{Algorithm, AuthorizationServer, PrivateKey, TokenClient, TokenRequest};
    /// # let server = AuthorizationServer::from_token_endpoint("https://as.example/token")?;
    /// # let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
    /// # let client = TokenClient::new(server, "client", key)?;
    /// let request = TokenRequest::client_credentials("api:read").resource("https://api.example")?;
    /// let tokens = client.source(request);
    /// # Ok::<(), private_key_jwt::Error>(())
    /// ```
    #[must_use]
    pub fn source(&self, request: impl Into<TokenRequest>) -> TokenSource {
        let entry = self.cache().entry(request.into(), self.clock().now());
        TokenSource { client: self.clone(), entry }
    }

    /// A source that goes on from a response: it hands out the token in it, and gets others with
    /// the refresh token (RFC 6749 §6), which it replaces whenever the server sends another. The
    /// response of a login by code or on a device is what it is for. Nothing is shared with other
    /// sources.
    ///
    /// A request that broke off may have used the refresh token up. It is tried again all the same:
    /// the source has no other, and servers that replace them mostly allow for that, if they are
    /// asked again soon.
    #[must_use]
    pub fn source_from(&self, response: TokenResponse) -> TokenSource {
        let entry = self.cache().entry_from(response, self.clock().now());
        TokenSource { client: self.clone(), entry }
    }

    /// Drops a token that a resource server answered with 401, so that the next caller gets
    /// another. Only if it is still the one that is handed out: of many callers who were refused
    /// with one token, the first drops it, and nobody drops the next. Tokens of
    /// [`TokenClient::source_from`] are dropped at [their source](TokenSource::invalidate).
    ///
    /// `true` when it was dropped. Not more than one in 10 s is: a resource server that refuses
    /// every token would make a token request of every call.
    pub fn invalidate(&self, token: &AccessToken) -> bool {
        self.cache().invalidate(token, self.clock().now())
    }
}

impl TokenSource {
    /// The token. When a fresh one is at hand this takes no lock and allocates nothing.
    ///
    /// The caller may go away at any time: a request that it waited for goes on for the others.
    ///
    /// # Errors
    ///
    /// As [`TokenClient::request`], if no cached token is left. Of the [kind](super::ErrorKind)
    /// `GrantEnded` if the user has to log in again; `SingleUse` for a single-use grant;
    /// `Interrupted` if the request was cut off.
    pub async fn token(&self) -> Result<AccessToken, Error> {
        if let Some(token) = self.entry.fresh(self.client.clock().now()) {
            return Ok(token);
        }
        // Elsewhere, so that the way above stays small.
        Box::pin(self.entry.token(&self.client)).await
    }

    /// Drops a token that a resource server answered with 401; as [`TokenClient::invalidate`], for
    /// this source.
    pub fn invalidate(&self, token: &AccessToken) -> bool {
        self.entry.invalidate(token, self.client.clock().now())
    }

    /// Whether no other token will come: the server refused the refresh token, or there is none.
    /// The token that is there is handed out until it ends; then the user has to log in again.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.entry.has_ended()
    }

    /// The refresh token, where the source lives by one: to be kept safe when the program ends, and
    /// used with [`TokenClient::refresh_token`] when it starts again. Two programs must not use
    /// one.
    #[must_use]
    pub fn refresh_token(&self) -> Option<Zeroizing<String>> {
        self.entry.refresh_token()
    }
}

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenSource").field("client", &self.client).finish_non_exhaustive()
    }
}
