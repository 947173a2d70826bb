use std::error::Error;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::jose::json::printable;

/// A request's answer, and one line about it for a log.
#[non_exhaustive]
pub struct Exchange {
    /// The answer.
    pub response: http::Response<Vec<u8>>,
    /// One line such as `POST /…/token 200 client=app alg=ES256 scope="a b"` or `POST /…/token 401 invalid_client:
    /// the signature does not verify`. No secret is in it, and text from the request has its control characters
    /// escaped.
    pub outcome: String,
    /// A client whose JWKS URL has to be asked before the answer can be a better one.
    pub(super) wants_keys_of: Option<String>,
}

impl Exchange {
    pub(super) fn new(method: &Method, path: &str, answer: Result<Success, Refused>) -> Self {
        let (status, body, note, header, wants_keys_of) = match answer {
            Ok(Success { body, note }) => (StatusCode::OK, body, note, None, None),
            Err(Refused { status, error, description, header, wants_keys_of }) => (
                status,
                json!({"error": error, "error_description": description}),
                format!("{error}: {description}"),
                header,
                wants_keys_of,
            ),
        };
        let mut response = http::Response::new(body.to_string().into_bytes());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some((name, value)) = header {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let line = format!("{method} {path} {} {note}", status.as_u16());
        Self { response, outcome: printable(line.trim_end(), 1024), wants_keys_of }
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange")
            .field("status", &self.response.status())
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

/// A 200: the document, and what the log says about it.
pub(super) struct Success {
    pub(super) body: Value,
    pub(super) note: String,
}

/// Everything else, in the form of RFC 6749 §5.2.
pub(super) struct Refused {
    status: StatusCode,
    error: &'static str,
    description: String,
    header: Option<(HeaderName, &'static str)>,
    wants_keys_of: Option<String>,
}

impl Refused {
    pub(super) fn new(status: StatusCode, error: &'static str, description: &str) -> Self {
        Self { status, error, description: describable(description), header: None, wants_keys_of: None }
    }

    pub(super) fn invalid_request(description: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    pub(super) fn invalid_client(description: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_client", description)
    }

    pub(super) fn server_error(error: &dyn Error) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", &chain(error))
    }

    pub(super) fn method_not_allowed(allowed: &'static str) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", &format!("the method here is {allowed}"))
            .with_header(http::header::ALLOW, allowed)
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    pub(super) fn wanting_keys_of(mut self, client_id: &str) -> Self {
        self.wants_keys_of = Some(client_id.to_owned());
        self
    }
}

/// An error and its sources in one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        line = format!("{line}: {error}");
        source = error.source();
    }
    line
}

/// What `error_description` may hold: %x20-21 / %x23-5B / %x5D-7E (RFC 6749 §5.2).
fn describable(text: &str) -> String {
    let mut described = String::with_capacity(text.len());
    for character in text.chars().take(512) {
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

    #[test]
    fn an_outcome_is_one_line_whatever_the_path() {
        let path = "/\u{1b}[2J\u{2028}x";
        let exchange =
            Exchange::new(&Method::GET, path, Err(Refused::new(StatusCode::NOT_FOUND, "not_found", "no")));
        assert_eq!(exchange.outcome, "GET /\\u{1b}[2J\\u{2028}x 404 not_found: no");
    }
}
