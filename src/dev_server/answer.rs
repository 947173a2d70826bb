use std::error::Error;

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::store::Full;
use crate::jose::json::printable;
use crate::keys::KeyError;

/// A request's answer, and one line about it for a log.
#[non_exhaustive]
pub struct Exchange {
    /// The answer.
    pub response: http::Response<Vec<u8>>,
    /// One line such as `POST /…/token 200 client=app alg=ES256 grant=client_credentials scope="a b"` or
    /// `POST /…/token 401 invalid_client: the signature does not verify`. No secret is in it, and text from the request
    /// has its control characters escaped. The URL at which a user decides about a device is there, with the user code.
    pub outcome: String,
    /// A client whose JWKS URL has to be asked before the answer can be a better one.
    pub(super) wants_keys_of: Option<String>,
}

impl Exchange {
    pub(super) fn new(method: &Method, path: &str, answer: Result<Answer, Refused>) -> Self {
        let (answer, header, wants_keys_of) = match answer {
            Ok(answer) => (answer, None, None),
            Err(Refused { status, error, description, header, wants_keys_of }) => {
                let note = format!("{error}: {description}");
                let body = json!({"error": error, "error_description": description});
                (Answer::json(body, note).with_status(status), header, wants_keys_of)
            }
        };
        let Answer { status, body, note } = answer;
        let mut headers = http::HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some((name, value)) = header {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let mut response = http::Response::new(body.write(&mut headers));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
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

/// An answer, and what the log says about it.
pub(super) struct Answer {
    status: StatusCode,
    body: Body,
    note: String,
}

enum Body {
    Json(Value),
    Page(String),
    Redirect(String),
    Empty,
}

impl Answer {
    pub(super) const fn json(body: Value, note: String) -> Self {
        Self { status: StatusCode::OK, body: Body::Json(body), note }
    }

    /// A page for a browser, in HTML.
    pub(super) const fn page(html: String, note: String) -> Self {
        Self { status: StatusCode::OK, body: Body::Page(html), note }
    }

    /// Sends a browser on, which then asks with GET (RFC 9700 §4.12).
    pub(super) const fn redirect(url: String, note: String) -> Self {
        Self { status: StatusCode::SEE_OTHER, body: Body::Redirect(url), note }
    }

    pub(super) const fn empty(note: String) -> Self {
        Self { status: StatusCode::OK, body: Body::Empty, note }
    }

    pub(super) const fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
}

impl Body {
    /// The bytes; the header fields say what they are.
    fn write(self, headers: &mut http::HeaderMap) -> Vec<u8> {
        match self {
            Self::Json(body) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                body.to_string().into_bytes()
            }
            Self::Page(html) => {
                for (name, value) in PAGE {
                    headers.insert(name, HeaderValue::from_static(value));
                }
                html.into_bytes()
            }
            Self::Redirect(url) => {
                // It was judged as a URL: printable ASCII.
                headers.extend(HeaderValue::try_from(url).ok().map(|url| (LOCATION, url)));
                headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
                Vec::new()
            }
            Self::Empty => Vec::new(),
        }
    }
}

/// A page loads nothing, runs nothing, stands in no frame, and tells nobody its address, which may have a code in it.
const PAGE: [(HeaderName, &str); 4] = [
    (CONTENT_TYPE, "text/html; charset=utf-8"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

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

    pub(super) fn invalid_client(description: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_client", description)
    }

    pub(super) fn method_not_allowed(allowed: &'static str) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", &format!("the method here is {allowed}"))
            .with_header(http::header::ALLOW, allowed)
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.header = Some((name, value));
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
        let description = "the server keeps no more of these; wait until some have ended";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", description)
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
