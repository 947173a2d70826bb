use std::sync::Arc;

use super::cache::Cache;
use super::call::{Call, Exchange};
use super::error::{Error, ErrorKind};
use super::sender::Sender;
use crate::keys::KeyRing;
use crate::oauth::{
    AccessToken, AuthorizationRequest, AuthorizationServer, ClientAssertion, CodeVerifier,
    DeviceAuthorization, DeviceAuthorizationRequest, DevicePolling, Endpoint, HintedToken, Introspection,
    JwtGrant, PushedAuthorization, Retry, Scope, TokenExchange, TokenRequest, TokenResponse,
};

const PUSHED_AUTHORIZATION: Exchange<AuthorizationRequest, PushedAuthorization> = Exchange {
    to_http: AuthorizationRequest::to_http,
    read: |_, response, now| PushedAuthorization::from_http(response, now),
    server_time: |_, _, _| None,
};
const INTROSPECTION: Exchange<HintedToken, Introspection> = Exchange {
    to_http: HintedToken::to_introspection,
    read: |_, response, now| Introspection::from_http(response, now),
    server_time: |_, _, _| None,
};
const REVOCATION: Exchange<HintedToken, ()> = Exchange {
    to_http: HintedToken::to_revocation,
    read: |_, response, now| HintedToken::revoked(response, now),
    server_time: |_, _, _| None,
};
const DEVICE_AUTHORIZATION: Exchange<DeviceAuthorizationRequest, DeviceAuthorization> = Exchange {
    to_http: DeviceAuthorizationRequest::to_http,
    read: |server, response, now| DeviceAuthorization::of_server(server.plain_http(), response, now),
    server_time: |_, _, _| None,
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
    /// The client retries transient failures and corrects rejected requests, each time with a new
    /// assertion. By default, the whole call takes at most
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

    /// Returns the codes with which a user logs in on another device (RFC 8628 §3.1). Show them,
    /// then wait with [`TokenClient::device_token`].
    ///
    /// # Errors
    ///
    /// As [`TokenClient::request`].
    pub async fn authorize_device(&self, scope: impl Into<Scope>) -> Result<DeviceAuthorization, Error> {
        self.authorize_device_with(&DeviceAuthorizationRequest::new(scope)).await
    }

    /// As [`TokenClient::authorize_device`], with more parameters.
    ///
    /// # Errors
    ///
    /// As [`TokenClient::request`].
    pub async fn authorize_device_with(
        &self,
        request: &DeviceAuthorizationRequest,
    ) -> Result<DeviceAuthorization, Error> {
        self.sender.send(Call::to(Endpoint::DeviceAuthorization), request, &DEVICE_AUTHORIZATION).await
    }

    /// Waits until the user has logged in (RFC 8628 §3.4). Polls as often as the server allows,
    /// with a fresh assertion each time, and slows down if the server asks for that, or if the
    /// server or the key service is unavailable.
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
            polling = match self.request(&request).await {
                Ok(response) => return Ok(response),
                Err(error) => match (error.retry(), error.kind()) {
                    (_, ErrorKind::OAuth(answer)) => polling.after(answer.clone())?,
                    (Retry::Never, _) => return Err(error),
                    _ => polling.after_no_answer(),
                },
            };
        }
    }

    /// Pushes an authorization request to the server (RFC 9126). Then send the user's browser to
    /// [`PushedAuthorization::to_url`].
    ///
    /// # Errors
    ///
    /// As [`TokenClient::request`].
    pub async fn push_authorization(
        &self,
        request: &AuthorizationRequest,
    ) -> Result<PushedAuthorization, Error> {
        self.sender.send(Call::to(Endpoint::PushedAuthorization), request, &PUSHED_AUTHORIZATION).await
    }

    /// Returns what the server says about a token (RFC 7662). The signed form of the response is
    /// not supported.
    ///
    /// # Errors
    ///
    /// As [`TokenClient::request`].
    pub async fn introspect(&self, token: impl Into<HintedToken>) -> Result<Introspection, Error> {
        self.sender.send(Call::to(Endpoint::Introspection), &token.into(), &INTROSPECTION).await
    }

    /// Revokes a token (RFC 7009). A token that the server does not know counts as revoked.
    ///
    /// # Errors
    ///
    /// As [`TokenClient::request`].
    pub async fn revoke(&self, token: impl Into<HintedToken>) -> Result<(), Error> {
        self.sender.send(Call::to(Endpoint::Revocation), &token.into(), &REVOCATION).await
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
