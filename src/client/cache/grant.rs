//! How an entry obtains its next token: a repeatable request, a refresh token, or both.
//!
//! A refresh token is used before the request, with the request's parameters, and is replaced when
//! the server sends another (RFC 6749 §6). After `invalid_grant`, the entry uses the request, and
//! without a request the grant has ended. If no response could be read, the refresh token may have
//! been used up: the entry uses the request, and without a request sends the refresh token again.
//! The client itself should get no refresh token (§4.4.3), so one that it gets is not kept.

use std::time::Duration;

use zeroize::Zeroizing;

use crate::client::error::{Error, ErrorKind};
use crate::client::sender::Sender;
use crate::oauth::{AccessToken, OAuthError, Refusal, TokenRequest, TokenResponse};
use crate::observer::Event;
use crate::transport::TransportError;

#[derive(Clone)]
pub(super) struct Grant {
    pub(super) request: Option<TokenRequest>,
    pub(super) refresh_token: Option<Zeroizing<String>>,
    /// How the server rejected the last refresh token.
    pub(super) refusal: Option<Box<Refusal>>,
}

pub(in crate::client) struct Answer {
    result: Result<TokenResponse, Error>,
    /// The refresh token that is not sent again.
    given_up: Option<Zeroizing<String>>,
    /// How the server rejected it.
    refusal: Option<Box<Refusal>>,
}

impl Grant {
    /// A request that hangs is given up when the cached token expires, but not sooner than this.
    const SHORTEST: Duration = Duration::from_secs(5);

    pub(super) fn to_send(&self) -> Result<Self, Error> {
        match &self.request {
            Some(request) if !request.is_repeatable() => {
                Err(ErrorKind::SingleUse { grant_type: request.grant_type() }.into())
            }
            _ if self.has_ended() => Err(self.ended()),
            _ => Ok(self.clone()),
        }
    }

    fn ended(&self) -> Error {
        ErrorKind::GrantEnded { refusal: self.refusal.clone() }.into()
    }

    /// Requests the next token. If the cached one is valid for the time `left`, transient failures
    /// are not retried: a pause would delay callers whose token expires meanwhile.
    pub(super) async fn next(self, sender: &Sender, left: Option<Duration>) -> Answer {
        let mut answer = Answer { result: Err(self.ended()), given_up: None, refusal: None };
        if let Some(refresh_token) = self.refresh_token {
            let refresh = match &self.request {
                Some(request) => request.renewed_with(refresh_token.as_str()),
                None => TokenRequest::refresh_token(refresh_token.as_str()),
            };
            // A lost response may contain a new refresh token, so it is waited for.
            let is_final = match (left, &self.request) {
                (Some(_), _) => |_: &Error| false,
                (None, Some(_)) => |error: &Error| !gives_way(error),
                (None, None) => |_: &Error| true,
            };
            answer.result = sender.token(&refresh, left.map(|_| Duration::MAX), is_final).await;
            let Err(error) = &answer.result else { return answer };
            answer.refusal = refusal_of_grant(error).map(Box::new);
            if answer.refusal.is_some() {
                let (client, failure) = (sender.log.client(), error.failure());
                sender.log.emit(&Event::RefreshTokenRejected { client, failure });
            } else if self.request.is_none() || !gives_way(error) {
                return answer;
            }
            answer.given_up = Some(refresh_token);
        }
        if let Some(request) = self.request {
            let is_final = if left.is_some() { |_: &Error| false } else { |_: &Error| true };
            answer.result = sender.token(&request, left.map(|left| left.max(Self::SHORTEST)), is_final).await;
        }
        answer
    }

    /// Returns the token of an answer. One that comes `late` changes nothing.
    pub(super) fn answered(&mut self, answer: Answer, late: bool) -> Result<AccessToken, Error> {
        if late && answer.result.is_ok() {
            return answer.result.map(TokenResponse::into_access_token);
        }
        // Another refresh token may have arrived meanwhile.
        if let Some(given_up) = answer.given_up
            && self.refresh_token.as_ref().is_some_and(|current| **current == *given_up)
        {
            self.refresh_token = None;
            self.refusal = answer.refusal;
        }
        let response = answer.result.map_err(|error| if self.has_ended() { self.ended() } else { error })?;
        let (token, refresh_token) = response.into_tokens();
        if refresh_token.is_some() && self.request.as_ref().is_none_or(|request| !request.is_of_client()) {
            self.refresh_token = refresh_token;
        }
        Ok(token)
    }

    pub(super) const fn has_ended(&self) -> bool {
        self.request.is_none() && self.refresh_token.is_none()
    }

    pub(super) fn is_of_client_alone(&self) -> bool {
        self.refresh_token.is_none() && self.request.as_ref().is_some_and(TokenRequest::is_of_client_alone)
    }
}

/// How the server rejected a refresh token (RFC 6749 §5.2). Some servers return this code for an
/// assertion with wrong times, too; the refresh token is still valid then.
fn refusal_of_grant(error: &Error) -> Option<Refusal> {
    let is_of_grant =
        |refusal: &&Refusal| refusal.error() == Some("invalid_grant") && refusal.clock().is_none();
    error.refusal().filter(is_of_grant).cloned()
}

/// Whether the request is sent after a refresh token failed like this.
fn gives_way(error: &Error) -> bool {
    refusal_of_grant(error).is_some() || may_have_been_received(error)
}

/// Whether the server may have carried out the request although its response is lost.
fn may_have_been_received(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Transport(error) => !matches!(
            error,
            TransportError::Connect { .. } | TransportError::Tls { .. } | TransportError::Build(_)
        ),
        ErrorKind::OAuth(error) => matches!(error, OAuthError::Unavailable(_) | OAuthError::Response { .. }),
        _ => false,
    }
}
