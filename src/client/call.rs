//! What a call sends, and what a rejection of it may be about.

use std::time::Duration;

use time::OffsetDateTime;

use super::error::Error;
use crate::oauth::{
    Answer, AuthorizationServer, ClientAssertion, Endpoint, GrantType, OAuthError, Refusal, Repetition,
    ServerTime, TokenRequest,
};

type ToHttp<R> = fn(&R, &AuthorizationServer, &ClientAssertion) -> Result<http::Request<Vec<u8>>, OAuthError>;
type Read<T> = fn(&AuthorizationServer, Answer<'_>, OffsetDateTime) -> Result<T, OAuthError>;

/// A call, how its requests are made, and how the responses to them are read.
pub(super) struct Exchange<R, T> {
    pub(super) call: Call,
    pub(super) to_http: ToHttp<R>,
    pub(super) read: Read<T>,
    /// The server's time, if the response has a JWT that was just issued.
    pub(super) server_time: fn(&T, OffsetDateTime, OffsetDateTime) -> Option<ServerTime>,
    /// The lifetime of the token in the response.
    pub(super) expires_in: fn(&T) -> Option<Duration>,
}

impl<R, T> Exchange<R, T> {
    /// A call to an endpoint other than the token endpoint. None of them consumes anything.
    pub(super) const fn with(endpoint: Endpoint, to_http: ToHttp<R>, read: Read<T>) -> Self {
        Self { call: Call::to(endpoint), to_http, read, server_time: |_, _, _| None, expires_in: |_| None }
    }
}

/// What the decisions of a call depend on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) endpoint: Endpoint,
    pub(super) grant_type: Option<GrantType>,
    /// Whether the request carries nothing but scopes, which the program itself chooses.
    pub(super) is_of_client_alone: bool,
    /// The time limit of a caller that repeats the call itself: the client does not retry it.
    pub(super) once_within: Option<Duration>,
    /// Whether a failure is the end of what a caller wants, for the log.
    pub(super) is_final: fn(&Error) -> bool,
}

impl Call {
    pub(super) const fn to(endpoint: Endpoint) -> Self {
        let is_final = |_: &Error| true;
        Self { endpoint, grant_type: None, is_of_client_alone: false, once_within: None, is_final }
    }

    pub(super) fn token(
        request: &TokenRequest,
        once_within: Option<Duration>,
        is_final: fn(&Error) -> bool,
    ) -> Self {
        let (grant_type, is_of_client_alone) = (Some(request.grant_type()), request.is_of_client_alone());
        Self { endpoint: Endpoint::Token, grant_type, is_of_client_alone, once_within, is_final }
    }

    pub(super) fn repetition(self) -> Repetition {
        self.grant_type.map_or(Repetition::Freely, GrantType::repetition)
    }

    /// A single-use grant is sent again only if the server itself rejected it, and issued nothing.
    pub(super) fn allows_other_times(self, refusal: Option<&Refusal>) -> bool {
        let is_failure = |error| matches!(error, Some("server_error" | "temporarily_unavailable"));
        self.repetition() == Repetition::Freely
            || refusal.is_some_and(|refusal| refusal.is_verdict() && !is_failure(refusal.error()))
    }
}

/// What a rejection is about: whether it may be corrected, and is remembered for the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// The client is not who it says it is: a failed authentication, `invalid_client` (RFC 6749
    /// §5.2), or a 401 without a code, because 401 is the status of that error and of no other.
    Client,
    /// The server accepted the client, but not its request.
    Request,
    /// The DPoP proof (RFC 9449 §5, §8). Some servers check it before they authenticate the client,
    /// so this says nothing about the key or the times of the assertion.
    Proof,
    /// Either. `unauthorized_client` and `invalid_grant` are about one grant, but some servers
    /// return them for an assertion, and some return a 400 or a 403 without a code.
    Unknown,
}

impl Subject {
    /// Whether a rejection is about the client. A 401 without a code is so only if nothing in the
    /// request came from outside.
    pub(super) fn is_client(refusal: &Refusal, is_of_client_alone: bool) -> bool {
        Self::of(refusal) == Self::Client && (is_of_client_alone || refusal.error().is_some())
    }

    pub(super) fn of(refusal: &Refusal) -> Self {
        match refusal.error() {
            Some("invalid_client") => Self::Client,
            None if refusal.status() == 401 => Self::Client,
            // RFC 6749 §5.2, RFC 7009 §2.2.1, RFC 8628 §3.5, RFC 8707 §2
            Some(
                "invalid_scope"
                | "unsupported_grant_type"
                | "unsupported_token_type"
                | "invalid_target"
                | "authorization_pending"
                | "slow_down"
                | "expired_token",
            ) => Self::Request,
            Some("invalid_dpop_proof" | "use_dpop_nonce") => Self::Proof,
            _ => Self::Unknown,
        }
    }
}
