//! One method for each endpoint other than the token endpoint, with the same authentication.

use super::call::Call;
use super::{Error, TokenClient};
use crate::oauth::{AuthorizationRequest, Endpoint, HintedToken, Introspection, PushedAuthorization};

impl TokenClient {
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
        let send = |assertion: &_| request.to_http(self.server(), assertion);
        self.send(
            Call::of(self.refused_keys(), Endpoint::PushedAuthorization, request),
            send,
            PushedAuthorization::from_http,
        )
        .await
    }

    /// Returns what the server says about a token (RFC 7662). The signed form of the response is
    /// not supported.
    ///
    /// # Errors
    ///
    /// As [`TokenClient::request`].
    pub async fn introspect(&self, token: impl Into<HintedToken>) -> Result<Introspection, Error> {
        let token = token.into();
        let send = |assertion: &_| token.to_introspection(self.server(), assertion);
        self.send(
            Call::of(self.refused_keys(), Endpoint::Introspection, &token),
            send,
            Introspection::from_http,
        )
        .await
    }

    /// Revokes a token (RFC 7009). A token that the server does not know counts as revoked.
    ///
    /// # Errors
    ///
    /// As [`TokenClient::request`].
    pub async fn revoke(&self, token: impl Into<HintedToken>) -> Result<(), Error> {
        let token = token.into();
        let send = |assertion: &_| token.to_revocation(self.server(), assertion);
        self.send(Call::of(self.refused_keys(), Endpoint::Revocation, &token), send, HintedToken::revoked)
            .await
    }
}
