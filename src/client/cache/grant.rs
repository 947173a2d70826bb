//! By what the tokens of an entry are had: a request that can be made again, a refresh token, or both.
//!
//! A refresh token is used before the request, carries on its parameters, and is replaced when the server sends another
//! (RFC 6749 §6). When the server refuses it with `invalid_grant` it is good no longer; what is left then is the request,
//! and without one the grant has ended. One that comes with a token for the client itself is not kept: the client has a key
//! to ask with, and such an answer should have none (§4.4.3).

use zeroize::Zeroizing;

use crate::client::{Error, TokenClient, log};
use crate::jose::wiped::Wiped;
use crate::oauth::{AccessToken, Refusal, TokenRequest, TokenResponse};

pub(super) struct Grant {
    request: Option<TokenRequest>,
    refresh_token: Option<Wiped<String>>,
    /// What was said to the last refresh token.
    refusal: Option<Box<Refusal>>,
}

/// What to send for the next token.
pub(super) struct Steps {
    refresh_token: Option<Wiped<String>>,
    refresh: Option<TokenRequest>,
    request: Option<TokenRequest>,
}

/// What came of it.
pub(super) struct Answer {
    result: Result<TokenResponse, Error>,
    /// The refresh token that the server refused, and how.
    refused: Option<(Wiped<String>, Box<Refusal>)>,
}

impl Grant {
    pub(super) const fn of(request: TokenRequest) -> Self {
        Self { request: Some(request), refresh_token: None, refusal: None }
    }

    /// The grant that a response goes back to, and its token.
    pub(super) fn from_response(response: TokenResponse) -> (Self, AccessToken) {
        let (token, refresh_token) = response.into_tokens();
        (Self { request: None, refresh_token, refusal: None }, token)
    }

    /// What to send for the next token.
    pub(super) fn steps(&self) -> Result<Steps, Error> {
        if let Some(request) = self.request.as_ref().filter(|request| !request.is_repeatable()) {
            return Err(Error::SingleUse { grant_type: request.grant_type() });
        }
        if self.has_ended() {
            return Err(Error::GrantEnded { refusal: self.refusal.clone() });
        }
        let refresh = self.refresh_token.as_ref().map(|refresh_token| match &self.request {
            Some(request) => request.renewed_with(refresh_token.as_str()),
            None => TokenRequest::refresh_token(refresh_token.as_str()),
        });
        Ok(Steps { refresh_token: self.refresh_token.clone(), refresh, request: self.request.clone() })
    }

    /// Takes from an answer what the next token is had by, and hands on the rest.
    pub(super) fn answered(&mut self, answer: Answer) -> Result<AccessToken, Error> {
        // Another one may have come meanwhile.
        if let Some((refused, refusal)) = answer.refused
            && self.refresh_token.as_ref().is_some_and(|current| **current == *refused)
        {
            log::refresh_token_refused(&refusal);
            self.refresh_token = None;
            self.refusal = Some(refusal);
        }
        let (token, refresh_token) = match answer.result {
            Ok(response) => response.into_tokens(),
            Err(_) if self.has_ended() => return Err(Error::GrantEnded { refusal: self.refusal.clone() }),
            Err(error) => return Err(error),
        };
        let keeps = self.request.as_ref().is_none_or(|request| !request.is_of_client());
        if let Some(refresh_token) = refresh_token.filter(|_| keeps) {
            self.refresh_token = Some(refresh_token);
        }
        Ok(token)
    }

    /// Whether no other token can be had.
    pub(super) const fn has_ended(&self) -> bool {
        self.request.is_none() && self.refresh_token.is_none()
    }

    pub(super) fn refresh_token(&self) -> Option<Zeroizing<String>> {
        self.refresh_token.as_ref().map(|refresh_token| Zeroizing::new(refresh_token.as_str().to_owned()))
    }
}

impl Steps {
    /// `is_awaited` when there is no token that serves. Otherwise what may pass is not tried again here: a pause would keep
    /// those waiting whose token ends meanwhile.
    pub(super) async fn carry_out(self, client: &TokenClient, is_awaited: bool) -> Answer {
        let Self { refresh_token, refresh, request } = self;
        let send = async |request: &TokenRequest| match is_awaited {
            true => client.request(request).await,
            false => client.request_once(request).await,
        };
        let mut refused = None;
        if let Some(refresh) = refresh {
            let result = send(&refresh).await;
            refused = result.as_ref().err().and_then(refusal_of_grant).map(Box::new);
            if refused.is_none() || request.is_none() {
                return Answer { result, refused: refresh_token.zip(refused) };
            }
        }
        let result = match request {
            Some(request) => send(&request).await,
            None => Err(Error::GrantEnded { refusal: None }),
        };
        Answer { result, refused: refresh_token.zip(refused) }
    }
}

/// RFC 6749 §5.2: a refresh token that is invalid, expired, revoked, or of another client.
fn refusal_of_grant(error: &Error) -> Option<Refusal> {
    error.refusal().filter(|refusal| refusal.error() == Some("invalid_grant")).cloned()
}
