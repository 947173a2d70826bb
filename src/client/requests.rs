//! One method for each grant, and one for each endpoint other than the token endpoint.

use super::call::{Call, Exchange};
use super::error::{Error, ErrorKind};
use super::token_client::TokenClient;
use crate::oauth::{
    AuthorizationRequest, CodeVerifier, DeviceAuthorization, DeviceAuthorizationRequest, DevicePolling,
    Endpoint, HintedToken, Introspection, JwtGrant, PushedAuthorization, Retry, Scope, TokenExchange,
    TokenRequest, TokenResponse,
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
}
