use std::sync::Arc;

use super::cache::Cache;
use super::error::Error;
use super::sender::Sender;
use crate::keys::KeyRing;
use crate::oauth::{
    AccessToken, AuthorizationServer, ClientAssertion, Endpoint, Scope, TokenRequest, TokenResponse,
};

/// Gets tokens for one client from one authorization server. Cloning is cheap; the clones share
/// everything.
///
/// ```no_run
/// use private_key_jwt::{AuthorizationServer, PrivateKey, TokenClient};
///
/// # async fn example() -> Result<(), private_key_jwt::Error> {
/// let key = PrivateKey::from_file("client.pem")?;
/// let server = AuthorizationServer::discover("https://auth.pingone.com/ENV_ID/as").await?;
/// let client = TokenClient::new(server, "CLIENT_ID", key)?;
/// let token = client.token("api:read").await?;
/// # let _ = token.secret();
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TokenClient {
    pub(super) sender: Arc<Sender>,
    pub(super) cache: Arc<Cache>,
}

impl TokenClient {
    /// Returns a token for the client itself (`client_credentials`, RFC 6749 §4.4) with these
    /// scopes.
    ///
    /// The token is cached and renewed before it expires: see [the
    /// cache](super::TokenClientBuilder#the-cache). A [source](TokenClient::source) does the same
    /// for other requests, and costs less per call.
    ///
    /// # Errors
    ///
    /// As [`TokenSource::token`](super::TokenSource::token).
    pub async fn token(&self, scope: impl Into<Scope>) -> Result<AccessToken, Error> {
        let scope = scope.into();
        match self.cache.fresh(&scope) {
            Some(token) => Ok(token),
            None => self.source(scope).token().await,
        }
    }

    /// Sends a request with a fresh assertion to the token endpoint, and returns the whole
    /// response.
    ///
    /// The client retries transient failures and corrects a rejected request at most once, each
    /// time with a new assertion. By default, the whole call takes at most
    /// [30 s](super::TokenClientBuilder::DEADLINE). For the rules, see
    /// [`TokenClientBuilder`](super::TokenClientBuilder#when-a-request-fails).
    ///
    /// # Errors
    ///
    /// An error of [kind](super::ErrorKind) `Key` if the key cannot sign; `Transport` if no
    /// response arrived; `OAuth` if the server rejected the request, if its response is not a token
    /// response, or if the request could not be made; `Remembered` if nothing was sent because the
    /// server rejected the key moments ago.
    pub async fn request(&self, request: &TokenRequest) -> Result<TokenResponse, Error> {
        self.sender.token(request, None).await
    }

    /// Signs a fresh assertion with the active key, for a request that other code sends. Never use
    /// an assertion twice. Its times follow the server's clock if that is known to
    /// [differ](super::TokenClientBuilder::without_time_correction).
    ///
    /// RSA signatures by a key of this process are computed on the blocking pool of the tokio
    /// runtime, so that the executor's threads stay free. The whole process computes at most three
    /// times as many of them at a time as it has cores. A blocking task must therefore not block on
    /// this call: if such tasks fill the pool, none of them ends. Elliptic-curve signatures take
    /// microseconds and are computed in place.
    ///
    /// # Errors
    ///
    /// An error of [kind](super::ErrorKind) `Key` if no key is active, the key cannot sign, or
    /// there is no running tokio runtime for an RSA signature; `OAuth` if the parts do not fit
    /// together.
    pub async fn assertion(&self) -> Result<ClientAssertion, Error> {
        self.assertion_for(Endpoint::Token).await
    }

    /// As [`TokenClient::assertion`], for a request to this endpoint. The endpoint matters with
    /// [`Audience::CalledEndpoint`](crate::Audience::CalledEndpoint).
    ///
    /// # Errors
    ///
    /// As [`TokenClient::assertion`].
    pub async fn assertion_for(&self, endpoint: Endpoint) -> Result<ClientAssertion, Error> {
        self.sender.assertion(endpoint).await
    }

    /// The key ring that signs. Publish, activate and retire keys on it while the client is in use.
    #[must_use]
    pub fn keys(&self) -> &KeyRing {
        &self.sender.keys
    }

    /// The authorization server.
    #[must_use]
    pub fn server(&self) -> &AuthorizationServer {
        self.sender.server()
    }
}

impl std::fmt::Debug for TokenClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (server, keys) = (self.server(), self.keys());
        f.debug_struct("TokenClient").field("server", server).field("keys", keys).finish_non_exhaustive()
    }
}
