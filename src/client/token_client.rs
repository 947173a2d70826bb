use std::sync::Arc;

use super::cache::{Cache, Entry, Origin, TokenSource};
use super::call::Exchange;
use super::error::{Error, ErrorKind};
use super::sender::Sender;
use super::status::ClientStatus;
use crate::keys::KeyRing;
use crate::oauth::{
    AccessToken, Answer, AuthorizationRequest, AuthorizationServer, ClientAssertion, CodeVerifier,
    DeviceAuthorization, DeviceAuthorizationRequest, DevicePolling, Endpoint, HintedToken, Introspection,
    JwtGrant, PushedAuthorization, Retry, Scope, TokenExchange, TokenRequest, TokenResponse,
};
use crate::observer::Statistics;

/// Gets tokens for one client from one authorization server. Create one when the program starts, as
/// [the front page](crate) shows, and keep it. Cloning is cheap; the clones share everything.
#[derive(Clone)]
pub struct TokenClient {
    pub(super) sender: Arc<Sender>,
    pub(super) cache: Arc<Cache>,
}

impl TokenClient {
    /// Returns a token with these scopes for the client itself (RFC 6749 §4.4).
    ///
    /// The token is [cached](super::TokenClientBuilder#the-cache) and renewed before it expires. A
    /// [source](TokenClient::source) does the same for other requests, and costs less per call.
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
        TokenSource(Origin::Client(self.cache.entry(request.into(), &self.sender)))
    }

    /// Returns a source that continues from a response. The source returns the token of the
    /// response and obtains new ones with the refresh token (RFC 6749 §6), which it replaces
    /// whenever the server sends another. It shares nothing with other sources.
    ///
    /// After a request that broke off, the source sends the same refresh token again, although it
    /// may be used up. Most servers that rotate refresh tokens allow for that soon afterwards.
    #[must_use]
    pub fn source_from(&self, response: TokenResponse) -> TokenSource {
        TokenSource(Origin::Client(Entry::new(None, Some(response), &self.sender)))
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

    /// Sends a request with a fresh assertion to the token endpoint, and returns the whole
    /// response.
    ///
    /// The client retries transient failures and corrects rejected requests, each time with a new
    /// assertion. By default, the whole call takes at most 30 s:
    /// see [`TokenClientBuilder`](super::TokenClientBuilder#when-a-request-fails).
    ///
    /// # Errors
    ///
    /// An error of [kind](super::ErrorKind) `Key` if the key cannot sign; `Transport` if no
    /// response arrived; `OAuth` if the server rejected the request, the response is not a token
    /// response, or the request could not be made; `Remembered` if nothing was sent.
    pub async fn request(&self, request: &TokenRequest) -> Result<TokenResponse, Error> {
        self.sender.token(request, None, |_| true).await
    }

    /// Signs a fresh assertion with the active key, for other code to send once. Its times follow
    /// [the server's clock](super::TokenClientBuilder#the-clock).
    ///
    /// RSA signatures by a key of this process are computed on the blocking pool of the tokio
    /// runtime, for the whole process at most three times as many at a time as it has cores. A
    /// blocking task must therefore not block on this call: if such tasks fill the pool, none of
    /// them ends. Elliptic-curve signatures take microseconds and are computed in place.
    ///
    /// # Errors
    ///
    /// An error of [kind](super::ErrorKind) `Key` if no key is active, the key cannot sign, or an
    /// RSA signature has no tokio runtime; `OAuth` if the parts do not fit together.
    pub async fn assertion(&self) -> Result<ClientAssertion, Error> {
        self.assertion_for(Endpoint::Token).await
    }

    /// As [`TokenClient::assertion`], for a request to this endpoint. It matters with
    /// [`Audience::CalledEndpoint`](crate::Audience::CalledEndpoint).
    ///
    /// # Errors
    ///
    /// As [`TokenClient::assertion`].
    pub async fn assertion_for(&self, endpoint: Endpoint) -> Result<ClientAssertion, Error> {
        self.sender.assertion(endpoint).await
    }

    /// Returns a token for the user who has logged in (RFC 6749 §4.1.3, RFC 7636 §4.5).
    ///
    /// # Errors
    ///
    /// As [`TokenClient::request`].
    pub async fn authorization_code(
        &self,
        code: impl Into<String>,
        redirect_uri: impl Into<String>,
        verifier: &CodeVerifier,
    ) -> Result<TokenResponse, Error> {
        self.request(&TokenRequest::authorization_code(code, redirect_uri, verifier)).await
    }

    /// Returns a new token in place of an expired one (RFC 6749 §6). If the response has a refresh
    /// token, it replaces this one.
    ///
    /// # Errors
    ///
    /// As [`TokenClient::request`].
    pub async fn refresh_token(&self, refresh_token: impl Into<String>) -> Result<TokenResponse, Error> {
        self.request(&TokenRequest::refresh_token(refresh_token)).await
    }

    /// Returns a token for the subject of a JWT (RFC 7523 §2.1).
    ///
    /// # Errors
    ///
    /// As [`TokenClient::request`].
    pub async fn jwt_bearer(
        &self,
        grant: &JwtGrant,
        scope: impl Into<Scope>,
    ) -> Result<TokenResponse, Error> {
        self.request(&TokenRequest::jwt_bearer(grant).scope(scope)).await
    }

    /// Exchanges a token for another one (RFC 8693 §2.1).
    ///
    /// # Errors
    ///
    /// As [`TokenClient::request`].
    pub async fn token_exchange(
        &self,
        exchange: &TokenExchange,
        scope: impl Into<Scope>,
    ) -> Result<TokenResponse, Error> {
        self.request(&TokenRequest::token_exchange(exchange).scope(scope)).await
    }

    /// Returns the codes with which a user logs in on another device (RFC 8628 §3.1), for scopes or
    /// a request with more parameters. Show them, then wait with [`TokenClient::device_token`].
    ///
    /// # Errors
    ///
    /// As [`TokenClient::request`].
    pub async fn authorize_device(
        &self,
        request: impl Into<DeviceAuthorizationRequest>,
    ) -> Result<DeviceAuthorization, Error> {
        let read = |server: &AuthorizationServer, answer: Answer<'_>, now| {
            DeviceAuthorization::of_server(server.plain_http(), answer, now)
        };
        let to_http = DeviceAuthorizationRequest::to_http;
        let exchange = Exchange::with(Endpoint::DeviceAuthorization, to_http, read);
        self.sender.send(&request.into(), &exchange).await
    }

    /// Waits until the user has logged in (RFC 8628 §3.4). Polls as often as the server allows, and
    /// slows down if the server asks for that, or the server or the key service is unavailable.
    ///
    /// # Errors
    ///
    /// [`OAuthError::DeviceCodeExpired`](crate::oauth::OAuthError::DeviceCodeExpired) if the user
    /// took too long; the server's rejection, such as `access_denied`; otherwise as
    /// [`TokenClient::request`], except for transient failures.
    pub async fn device_token(&self, authorization: &DeviceAuthorization) -> Result<TokenResponse, Error> {
        let request = TokenRequest::device_code(authorization);
        let mut polling = DevicePolling::new(authorization);
        loop {
            let clock = &*self.sender.clock;
            clock.sleep(polling.pause(clock.now())?).await;
            polling = match self.sender.token(&request, None, ends_polling).await {
                Ok(response) => return Ok(response),
                Err(error) => match (error.retry(), error.kind()) {
                    (_, ErrorKind::OAuth(answer)) => polling.after(answer.clone())?,
                    (Retry::Never, _) => return Err(error),
                    _ => polling.after_no_answer(),
                },
            };
        }
    }

    /// Pushes an authorization request (RFC 9126). Then send the user's browser to
    /// [`PushedAuthorization::to_url`].
    ///
    /// # Errors
    ///
    /// As [`TokenClient::request`].
    pub async fn push_authorization(
        &self,
        request: &AuthorizationRequest,
    ) -> Result<PushedAuthorization, Error> {
        let read = |_: &_, answer: Answer<'_>, now| PushedAuthorization::from_answer(answer, now);
        let to_http = AuthorizationRequest::to_http;
        self.sender.send(request, &Exchange::with(Endpoint::PushedAuthorization, to_http, read)).await
    }

    /// Returns what the server says about a token (RFC 7662). Signed responses are not supported.
    ///
    /// # Errors
    ///
    /// As [`TokenClient::request`].
    pub async fn introspect(&self, token: impl Into<HintedToken>) -> Result<Introspection, Error> {
        let read = |_: &_, answer: Answer<'_>, now| Introspection::from_answer(answer, now);
        let exchange = Exchange::with(Endpoint::Introspection, HintedToken::to_introspection, read);
        self.sender.send(&token.into(), &exchange).await
    }

    /// Revokes a token (RFC 7009). A token that the server does not know counts as revoked.
    ///
    /// # Errors
    ///
    /// As [`TokenClient::request`].
    pub async fn revoke(&self, token: impl Into<HintedToken>) -> Result<(), Error> {
        let read = |_: &_, answer: Answer<'_>, now| HintedToken::is_revoked(answer, now);
        let exchange = Exchange::with(Endpoint::Revocation, HintedToken::to_revocation, read);
        self.sender.send(&token.into(), &exchange).await
    }

    /// Returns what the client and its sources have done so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.sender.log.statistics()
    }

    /// What the client knows about its keys and the clock at its server, for a health page. Sends
    /// nothing.
    #[must_use]
    pub fn status(&self) -> ClientStatus {
        self.sender.status()
    }

    /// The key ring that signs. Publish, activate and retire keys on it while the client is in use.
    #[must_use]
    pub fn keys(&self) -> &KeyRing {
        &self.sender.keys
    }

    /// Returns the authorization server. If the client [discovers](TokenClient::discover) it and
    /// has not done so yet, it does so now, under the deadline and with the retries of a request.
    ///
    /// ```
    /// use private_key_jwt::TokenClient;
    /// use private_key_jwt::oauth::AuthorizationRequest;
    ///
    /// async fn login_url(
    ///     client: &TokenClient,
    ///     request: &AuthorizationRequest,
    /// ) -> Result<String, Box<dyn std::error::Error>> {
    ///     Ok(request.to_url(&client.server().await?, "CLIENT_ID")?)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// An error of [kind](super::ErrorKind) `Discovery`.
    pub async fn server(&self) -> Result<AuthorizationServer, Error> {
        self.sender.server().await.map(Arc::unwrap_or_clone)
    }
}

/// Whether [`TokenClient::device_token`] ends with this error.
fn ends_polling(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::OAuth(answer) => DevicePolling::ends(answer),
        _ => error.retry() == Retry::Never,
    }
}

impl std::fmt::Debug for TokenClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (server, keys) = (self.sender.metadata.held(), self.keys());
        f.debug_struct("TokenClient").field("server", &server).field("keys", keys).finish_non_exhaustive()
    }
}
