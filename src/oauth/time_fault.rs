//! What the text of a refusal says about an assertion's times. No error code exists for it, so the
//! words decide. They are hostile: the only effect is another assertion with times shifted within
//! bounds.

use super::Refusal;
use super::pattern::says;

/// How a server sees the times of an assertion that it rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeFault {
    /// `iat` or `nbf` is in the server's future: its clock is behind ours.
    NotYetValid,
    /// `exp` is in the server's past: its clock is ahead of ours.
    Expired,
    /// Either of the two: some servers have one text for `exp` and `nbf`.
    NotActive,
}

/// Texts that mention a time, but that another `iat` would not fix: something else expired, or the
/// assertion's lifetime is too long.
const NOT_THE_ASSERTION: [&str; 24] = [
    "authorization code",
    "auth code",
    "device code",
    "code has expired",
    "code is expired",
    "code expired",
    "expired code",
    "refresh token",
    "refresh_token",
    "subject_token",
    "request_uri",
    "request parameter",
    "certificate",
    "secret",
    "password",
    "session",
    "account",
    "subscription",
    "key used",
    "key has expired",
    "key is expired",
    "exp*too far in",
    "exp*more than",
    "unreasonably far",
];

/// The first matching row decides. A text that says what a time "must be" means the opposite.
const TEXTS: [(&str, TimeFault); 38] = [
    ("must be*in the past", TimeFault::NotYetValid),
    ("should be in the past", TimeFault::NotYetValid),
    ("must be in the future", TimeFault::Expired),
    ("should be in the future", TimeFault::Expired),
    ("not in the future", TimeFault::Expired),
    ("future", TimeFault::NotYetValid),
    ("not yet", TimeFault::NotYetValid),
    ("valid yet", TimeFault::NotYetValid),
    ("used yet", TimeFault::NotYetValid),
    ("not valid until", TimeFault::NotYetValid),
    ("used before issued", TimeFault::NotYetValid),
    ("used before the nbf", TimeFault::NotYetValid),
    ("before use time", TimeFault::NotYetValid),
    ("nbf*before", TimeFault::NotYetValid),
    ("nbf*not been reached", TimeFault::NotYetValid),
    ("nbf*check failed", TimeFault::NotYetValid),
    ("nbf*not satisfied", TimeFault::NotYetValid),
    ("iat*not satisfied", TimeFault::NotYetValid),
    ("time is after", TimeFault::NotYetValid),
    ("issued after", TimeFault::NotYetValid),
    ("token*prior to", TimeFault::NotYetValid),
    ("ahead of", TimeFault::NotYetValid),
    ("too early", TimeFault::NotYetValid),
    ("jwt early by", TimeFault::NotYetValid),
    ("jwt not active", TimeFault::NotYetValid),
    ("expired", TimeFault::Expired),
    ("expiry time", TimeFault::Expired),
    ("no longer valid", TimeFault::Expired),
    ("not active", TimeFault::NotActive),
    ("too old", TimeFault::Expired),
    ("in the past", TimeFault::Expired),
    ("has passed", TimeFault::Expired),
    ("has elapsed", TimeFault::Expired),
    ("stale", TimeFault::Expired),
    ("outdated", TimeFault::Expired),
    ("short-lived token", TimeFault::Expired),
    ("exp*check failed", TimeFault::Expired),
    ("exp*not satisfied", TimeFault::Expired),
];

impl Refusal {
    /// What the server's words say about the assertion's times, wherever they are in the body.
    /// `None` if they mention none.
    pub(crate) fn time_fault(&self) -> Option<TimeFault> {
        self.texts().find_map(named)
    }
}

fn named(text: &str) -> Option<TimeFault> {
    if NOT_THE_ASSERTION.iter().any(|pattern| says(text, pattern)) {
        return None;
    }
    TEXTS.iter().find_map(|(pattern, fault)| says(text, pattern).then_some(*fault))
}

#[cfg(test)]
mod tests {
    use super::TimeFault::{Expired, NotActive, NotYetValid};
    use super::*;
    use crate::oauth::text::Masking;

    #[test]
    fn servers_and_libraries_have_their_own_words_for_either() {
        for text in [
            "Token was issued in the future",
            "The assertion is from the future now",
            "issuedAt of token is in the future",
            "JWT issue time is in future",
            "The token is not yet valid",
            "Token Not Valid Yet (nbf)",
            "The token cannot be used yet",
            "The token is used before the nbf claim value",
            "Token used before issued",
            "JWT before use time",
            "contains an 'nbf' (not before) claim, that identifies the time before which it is refused",
            "Client assertion Signature nbf has not been reached",
            "Issue time is after now",
            "Assertion Token not valid untill: 12",
            "\"nbf\" claim timestamp check failed",
            "\"iat\" claim timestamp check failed (it should be in the past)",
            "iat must be an integer or floating point Unix timestamp representing a time in the past",
            "iat must not be in the future",
            "\"iat\" not satisfied",
            "Cannot handle token with iat prior to 2026-11-28T19:00:00+0000",
            "jwt not active",
        ] {
            assert_eq!(named(text), Some(NotYetValid), "{text}");
        }
        for text in [
            "Token was issued too far in the past to be used now",
            "JWT has expired or is not valid",
            "Invalid token. jwt expired",
            "Expired JWT",
            "Jwt expired at 2026-11-28T19:00:00Z",
            "token has expired",
            "private_key_jwt has expired",
            "The specified token is no longer valid.",
            "The jwt is too old to use",
            "its claims could not be validated, check if the expiry time is set correctly",
            "Token must be a short-lived token (60 minutes)",
            "\"exp\" claim timestamp check failed",
            "\"exp\" not satisfied",
            "exp must be in the future",
            "exp must not be in the past",
            "the exp is not in the future",
        ] {
            assert_eq!(named(text), Some(Expired), "{text}");
        }
        assert_eq!(named("Token is not active"), Some(NotActive));
    }

    #[test]
    fn a_time_of_something_else_and_a_life_that_is_too_long_are_neither() {
        for text in [
            "JWT ID is used before",
            "MP-012|Grant is used before",
            "the `jti` of the client_assertion was used before",
            "",
            "Client authentication failed",
            "Unable to load public key",
            "The authorization code has expired",
            "Code expired",
            "Refresh token expired",
            "the key used is expired",
            "certificate used to sign the client assertion is expired",
            "The client secret has expired",
            "The JWT in 'assertion' request parameter expired",
            "The client_assertion token has an expiration too far into the future",
            "Token expiration is too far in the future and iat claim not present in token",
            "an 'exp' (expiration time) claim that is unreasonably far in the future",
            "Invalid 'exp' claim in client_assertion JWT - more than 5 minutes in future",
            "Missing claim: 'exp'",
        ] {
            assert_eq!(named(text), None, "{text}");
        }
    }

    #[test]
    fn the_words_are_found_wherever_they_stand() {
        let fault = |body: &str| {
            let response = http::Response::builder().status(400).body(body.as_bytes().to_vec()).unwrap();
            Refusal::from_http(&response, time::OffsetDateTime::UNIX_EPOCH, &Masking::default()).time_fault()
        };
        for (body, expected) in [
            (r#"{"error":"invalid_client","error_description":"Token is not active"}"#, Some(NotActive)),
            (
                r#"{"error":"Client assertion Signature has expired. Please see our documentation"}"#,
                Some(Expired),
            ),
            (
                r#"{"title":"Bad Request","status":400,"detail":"JWT issued in the future"}"#,
                Some(NotYetValid),
            ),
            (r#"{"error":"invalid_client","error_hint":"token is expired"}"#, Some(Expired)),
            // A code is not a sentence.
            (r#"{"error":"expired_token"}"#, None),
            (r#"{"error":"invalid_client"}"#, None),
            ("", None),
        ] {
            assert_eq!(fault(body), expected, "{body}");
        }
    }
}
