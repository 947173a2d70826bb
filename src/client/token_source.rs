use std::sync::Arc;

use zeroize::Zeroizing;

use super::cache::Entry;
use super::error::Error;
use super::token_client::TokenClient;
use crate::oauth::{AccessToken, TokenRequest, TokenResponse};

/// Keeps a token for one set of request parameters [fresh](super::TokenClientBuilder#the-cache),
/// for code that needs a token before every request that it sends. Cloning is cheap, and the clones
/// share one token.
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
#[derive(Clone)]
pub struct TokenSource {
    entry: Arc<Entry>,
}

impl TokenClient {
    /// Returns a source of tokens for these scopes (`client_credentials`, RFC 6749 §4.4), or for
    /// this request, such as `TokenRequest::client_credentials("api:read").resource(url)?`. As long
    /// as the parameters are [cached](super::TokenClientBuilder::cache_capacity), the source shares
    /// its token with [`TokenClient::token`] and other sources.
    ///
    /// The source repeats the request, so the request must be repeatable: a JWT bearer grant is as
    /// long as its JWT is valid (RFC 7521 §4.1), and a token exchange as long as its subject token
    /// is. If the server returns a refresh token for such a grant, the source uses the refresh
    /// token first. A code or a refresh token is single-use: send it with [`TokenClient::request`],
    /// and make a source of the response with [`TokenClient::source_from`].
    #[must_use]
    pub fn source(&self, request: impl Into<TokenRequest>) -> TokenSource {
        TokenSource { entry: self.cache.entry(request.into(), &self.sender) }
    }

    /// Returns a source that continues from a response. The source returns the token of the
    /// response and obtains new ones with the refresh token (RFC 6749 §6), which it replaces
    /// whenever the server sends another. It shares nothing with other sources.
    ///
    /// After a request that broke off, the source sends the same refresh token again, although it
    /// may be used up. Most servers that rotate refresh tokens allow for that soon afterwards.
    #[must_use]
    pub fn source_from(&self, response: TokenResponse) -> TokenSource {
        TokenSource { entry: Entry::from_response(response, &self.sender) }
    }

    /// Drops a token that a resource server rejected with 401, so that the next caller gets
    /// another. Drop tokens of [`TokenClient::source_from`] at [their
    /// source](TokenSource::invalidate).
    ///
    /// Returns `true` if the token was dropped. If another one has replaced it, nothing is dropped,
    /// and at most one token is in 10 s: a resource server that rejects every token must not turn
    /// every call into a token request.
    pub fn invalidate(&self, token: &AccessToken) -> bool {
        self.cache.invalidate(token)
    }
}

impl TokenSource {
    /// Returns the token. If the cached token is fresh, this takes no lock and allocates nothing.
    /// If the caller stops waiting, the request continues for the others.
    ///
    /// # Errors
    ///
    /// As [`TokenClient::request`], if no cached token is left. An error of
    /// [kind](super::ErrorKind) `GrantEnded` if the user has to log in again; `SingleUse` for a
    /// single-use grant; `Interrupted` if the request was cut off.
    pub async fn token(&self) -> Result<AccessToken, Error> {
        match self.entry.fresh() {
            Some(token) => Ok(token),
            None => self.entry.token().await,
        }
    }

    /// Drops a token that a resource server rejected with 401, as [`TokenClient::invalidate`], but
    /// for this source.
    pub fn invalidate(&self, token: &AccessToken) -> bool {
        self.entry.invalidate(token)
    }

    /// Whether the source cannot obtain another token: the server rejected the refresh token, or
    /// there is none. The cached token is returned until it expires; then the user must log in
    /// again.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.entry.has_ended()
    }

    /// Returns the refresh token, if the source uses one. Store it safely when the program ends,
    /// and use it with [`TokenClient::refresh_token`] when the program starts again. Two programs
    /// must not use the same refresh token.
    #[must_use]
    pub fn refresh_token(&self) -> Option<Zeroizing<String>> {
        self.entry.refresh_token()
    }
}

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let server = self.entry.sender.server();
        f.debug_struct("TokenSource").field("server", server).finish_non_exhaustive()
    }
}
