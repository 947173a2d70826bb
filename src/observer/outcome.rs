use std::fmt;

/// How a call to the authorization server ended, as one of a few words: for a metric or a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The request succeeded.
    Ok,
    /// The server rejected the request (400, 401 or 403).
    Refused,
    /// The server failed or was overloaded (any other status that is not a success).
    Unavailable,
    /// No answer: no connection, or one that broke.
    Transport,
    /// No answer before the deadline.
    Deadline,
    /// The key, the ring or the signer failed.
    Key,
    /// The request could not be made, or its answer could not be read or used.
    Invalid,
    /// There is no tokio runtime, it was shut down, or the task of the request panicked.
    Interrupted,
    /// Nothing was sent: the server rejected the key moments ago, or the grant has ended.
    NotSent,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: &'static [Self] = &[
        Self::Ok,
        Self::Refused,
        Self::Unavailable,
        Self::Transport,
        Self::Deadline,
        Self::Key,
        Self::Invalid,
        Self::Interrupted,
        Self::NotSent,
    ];

    /// The outcome as a word, such as `refused`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::Transport => "transport",
            Self::Deadline => "deadline",
            Self::Key => "key",
            Self::Invalid => "invalid",
            Self::Interrupted => "interrupted",
            Self::NotSent => "not_sent",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where the token that a caller asked for came from, as one of a few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lookup {
    /// The cached token is fresh.
    Hit,
    /// The cached token is valid, and being refreshed or about to be.
    Stale,
    /// The caller waits for a request that another caller started.
    Waited,
    /// The caller starts a request.
    Miss,
    /// The last request failed moments ago, or there is nothing to send: the caller gets an error.
    Refused,
}

impl Lookup {
    /// The source of the token as a word, such as `hit`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Stale => "stale",
            Self::Waited => "waited",
            Self::Miss => "miss",
            Self::Refused => "refused",
        }
    }
}

/// Error codes that an RFC or OpenID Connect registers. A metric's label may be one of them, since
/// a server cannot add to the list.
const REGISTERED: [&str; 40] = [
    // RFC 6749 §4.1.2.1 and §5.2
    "access_denied",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
    // RFC 6750 §3.1, RFC 7009 §2.2.1
    "insufficient_scope",
    "invalid_token",
    "unsupported_token_type",
    // RFC 7591 §3.2.2
    "invalid_client_metadata",
    "invalid_redirect_uri",
    "invalid_software_statement",
    "unapproved_software_statement",
    // RFC 8628 §3.5, RFC 8707 §2
    "authorization_pending",
    "expired_token",
    "slow_down",
    "invalid_target",
    // RFC 9200 §5.8.3, RFC 9396 §5, RFC 9449 §5 and §8, RFC 9470 §3
    "incompatible_ace_profiles",
    "unsupported_pop_key",
    "invalid_authorization_details",
    "invalid_dpop_proof",
    "use_dpop_nonce",
    "insufficient_user_authentication",
    // OpenID Connect Core §3.1.2.6, and its later error code
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_request_object",
    "invalid_request_uri",
    "login_required",
    "registration_not_supported",
    "request_not_supported",
    "request_uri_not_supported",
    "unmet_authentication_requirements",
    // User-Managed Access 2.0 §3.3.6
    "need_info",
    "request_denied",
    "request_submitted",
];

/// The code itself if it is registered, otherwise `other`.
pub(crate) fn error_code(code: &str) -> &'static str {
    REGISTERED.into_iter().find(|registered| *registered == code).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_a_server_invents_is_no_label() {
        for code in REGISTERED {
            assert_eq!(error_code(code), code);
        }
        for code in ["", "E0000047", "Invalid_Client", "invalid_client ", "eyJhbGciOiJub25lIn0.e30."] {
            assert_eq!(error_code(code), "other", "{code:?}");
        }
    }
}
