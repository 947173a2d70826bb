//! Error responses.

use http::header::HeaderName;
use http::{Method, StatusCode};

use super::shown::{chain, shown};
use super::store::Full;
use crate::keys::KeyError;

/// An error response, in the format of RFC 6749 §5.2.
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) error: &'static str,
    pub(super) description: String,
    /// Boxed, because most have none and many functions return this error.
    pub(super) header: Option<Box<(HeaderName, String)>>,
    /// The client for the log, once it is authenticated.
    pub(super) client: String,
    pub(super) wants_keys_of: Option<String>,
}

impl Refused {
    pub(super) fn new(status: StatusCode, error: &'static str, description: &str) -> Self {
        let (description, client) = (describable(description), String::new());
        Self { status, error, description, header: None, client, wants_keys_of: None }
    }

    pub(super) fn bad_request(error: &'static str, description: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, description)
    }

    pub(super) fn invalid_request(description: &str) -> Self {
        Self::bad_request("invalid_request", description)
    }

    pub(super) fn invalid_grant(description: &str) -> Self {
        Self::bad_request("invalid_grant", description)
    }

    pub(super) fn invalid_target(description: &str) -> Self {
        Self::bad_request("invalid_target", description)
    }

    pub(super) fn invalid_scope(description: &str) -> Self {
        Self::bad_request("invalid_scope", description)
    }

    /// 400, because clients authenticate in the form: 401 needs a challenge, and none exists for
    /// that (RFC 6749 §5.2).
    pub(super) fn invalid_client(description: &str) -> Self {
        Self::bad_request("invalid_client", description)
    }

    pub(super) fn method_not_allowed(found: &Method, allowed: &'static str) -> Self {
        let description = format!("the method is {}, expected {allowed}", shown(found.as_str()));
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", &description)
            .with_header(http::header::ALLOW, allowed)
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.header = Some(Box::new((name, value.into())));
        self
    }

    /// Names the client in the log.
    pub(super) fn of_client(mut self, mut client: String) -> Self {
        client.push(' ');
        self.client = client;
        self
    }

    pub(super) fn description(&self) -> &str {
        &self.description
    }

    /// Says which of the request's two JWTs the error is about.
    pub(super) fn about(mut self, jwt: &str) -> Self {
        self.description = format!("{jwt}: {}", self.description);
        self
    }

    /// The error code and the description, for a redirect that carries them.
    pub(super) fn into_parts(self) -> (&'static str, String) {
        (self.error, self.description)
    }

    pub(super) fn wanting_keys_of(mut self, client_id: &str) -> Self {
        self.wants_keys_of = Some(client_id.to_owned());
        self
    }
}

impl From<KeyError> for Refused {
    fn from(error: KeyError) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", &chain(&error))
    }
}

impl From<Full> for Refused {
    fn from(_: Full) -> Self {
        let description = "the server is full; wait until older entries expire";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", description)
    }
}

/// Restricts text to the characters of `error_description`: %x20-21 / %x23-5B / %x5D-7E (RFC 6749
/// §5.2).
fn describable(text: &str) -> String {
    let mut described = String::with_capacity(text.len());
    for character in text.chars().take(2048) {
        match character {
            '"' => described.push('\''),
            '\\' => described.push('/'),
            '…' => described.push_str("..."),
            '§' => described.push_str("section "),
            ' '..='~' => described.push(character),
            _ => described.push('?'),
        }
    }
    described
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6749_5_2_a_description_has_no_quote_no_backslash_and_nothing_but_ascii() {
        assert_eq!(describable("`kid` \"a\\b\" §3 …\u{1b}\n"), "`kid` 'a/b' section 3 ...??");
        let every: String = (0..=0x2fff).filter_map(char::from_u32).collect();
        for start in (0..0x2f00).step_by(256) {
            let piece: String = every.chars().skip(start).take(256).collect();
            assert!(
                describable(&piece)
                    .bytes()
                    .all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e))
            );
        }
    }
}
