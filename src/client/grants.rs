//! One method for each grant, over [`TokenClient::request`].

use super::call::Call;
use super::{Error, ErrorKind, TokenClient};
use crate::oauth::{
    CodeVerifier, DeviceAuthorization, DeviceAuthorizationRequest, DevicePolling, Endpoint, JwtGrant, Retry,
    Scope, TokenExchange, TokenRequest, TokenResponse,
};

impl TokenClient {
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
        let send = |assertion: &_| request.to_http(self.server(), assertion);
        let plain_http = self.server().plain_http();
        let read = |response, now| DeviceAuthorization::of_server(plain_http, response, now);
        self.send(Call::of(self.refused_keys(), Endpoint::DeviceAuthorization, request), send, read).await
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
            self.clock().sleep(polling.pause(self.clock().now())?).await;
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
}
