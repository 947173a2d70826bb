//! What a rejection is about. This decides whether it may be corrected, is remembered for the key,
//! or stands for the request. It is determined only here.

use crate::oauth::Refusal;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// The client is not who it says it is: a failed authentication, `invalid_client` (RFC 6749
    /// §5.2), or a 401 without a code, because 401 is the status of that error and of no other.
    Client,
    /// The server accepted the client, but not its request.
    Request,
    /// Either. `unauthorized_client` is about an *authenticated* client and one grant, and
    /// `invalid_grant` about one grant, but some servers return them for an assertion, and some
    /// return a 400 or a 403 without a code.
    Unknown,
}

impl Subject {
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
            _ => Self::Unknown,
        }
    }
}
