use std::error::Error;

use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION,
    PRAGMA, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::store::Full;
use crate::jose::SecretForm;
use crate::jose::base64url;
use crate::jose::error::shown as shown_within;
use crate::jose::printable::printable;
use crate::keys::KeyError;

/// The one script of all pages.
pub(super) const SCRIPT: &str = "document.forms[0].submit()";

/// The response to a request, with one line for the log.
#[non_exhaustive]
pub struct Exchange {
    /// The response.
    pub response: http::Response<Vec<u8>>,
    /// One line such as `POST /…/token 200 client=app alg=ES256 grant=client_credentials scope="a
    /// b"` or `POST /…/token 400 client=app alg=ES256 invalid_grant: the code is unknown`. The
    /// client is named once its signature is verified. The line contains no secret and no time, and
    /// control characters of the request are escaped. For a device login, it contains the URL at
    /// which the user decides, with the user code.
    pub outcome: String,
    /// A client whose JWKS URL must be fetched before the answer can improve.
    pub(super) wants_keys_of: Option<String>,
}

impl Exchange {
    pub(super) fn new(method: &Method, path: &str, answer: Result<Answer, Refused>) -> Self {
        let (answer, header, wants_keys_of) = match answer {
            Ok(answer) => (answer, None, None),
            Err(Refused { status, error, description, header, client, wants_keys_of }) => {
                let note = format!("{client}{error}: {description}");
                let body = json!({"error": error, "error_description": description});
                (Answer::json(body, note).with_status(status), header, wants_keys_of)
            }
        };
        let Answer { status, body, note } = answer;
        let mut headers = http::HeaderMap::new();
        for (name, value) in ALWAYS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Some((name, value)) = header.map(|header| *header)
            && let Ok(value) = HeaderValue::try_from(value)
        {
            headers.insert(name, value);
        }
        let mut body = body.write(&mut headers);
        // RFC 9110 §9.3.2: the header fields of GET, without the content.
        if *method == Method::HEAD {
            headers.insert(CONTENT_LENGTH, body.len().into());
            body.clear();
        }
        let mut response = http::Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        let line = format!("{method} {path} {} {note}", status.as_u16());
        Self { response, outcome: printable(line.trim_end(), 4096), wants_keys_of }
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

/// An answer, with its note for the log.
pub(super) struct Answer {
    status: StatusCode,
    body: Body,
    note: String,
}

enum Body {
    Json(Value),
    Page(String),
    /// A page whose form a script submits.
    PostingPage(String),
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

    /// A page that posts a form to another address, with the one script that pages have.
    pub(super) const fn posting_page(html: String, note: String) -> Self {
        Self { status: StatusCode::OK, body: Body::PostingPage(html), note }
    }

    /// Redirects the browser, which then sends a GET (RFC 9700 §4.12).
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

    /// Adds the client to the note for the log.
    pub(super) fn of_client(mut self, client: &str) -> Self {
        self.note = format!("{client} {}", self.note.trim_start());
        self
    }
}

impl Body {
    /// Returns the bytes, and adds the header fields that describe them.
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
            Self::PostingPage(html) => {
                let bytes = Self::Page(html).write(headers);
                let hash = base64url::encode_standard(Sha256::digest(SCRIPT));
                let policy = format!("{NOTHING_LOADED}; script-src 'sha256-{hash}'");
                if let Ok(policy) = HeaderValue::try_from(policy) {
                    headers.insert(CONTENT_SECURITY_POLICY, policy);
                }
                bytes
            }
            Self::Redirect(url) => {
                // The URL was parsed before, so it is printable ASCII.
                headers.extend(HeaderValue::try_from(url).ok().map(|url| (LOCATION, url)));
                headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
                Vec::new()
            }
            Self::Empty => Vec::new(),
        }
    }
}

/// An answer is for its caller only. No cache keeps it (RFC 6749 §5.1 requires both fields), and no
/// page of another origin loads it as another type of content.
const ALWAYS: [(HeaderName, &str); 4] = [
    (CACHE_CONTROL, "no-store"),
    (PRAGMA, "no-cache"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

const NOTHING_LOADED: &str = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/// A page loads nothing, runs nothing and cannot be framed. It sends no referrer to another origin,
/// because its URL may contain a code. With `no-referrer`, its own form would send `Origin: null`.
const PAGE: [(HeaderName, &str); 4] = [
    (CONTENT_TYPE, "text/html; charset=utf-8"),
    (CONTENT_SECURITY_POLICY, NOTHING_LOADED),
    (REFERRER_POLICY, "same-origin"),
    (X_FRAME_OPTIONS, "DENY"),
];

/// An error response, in the format of RFC 6749 §5.2.
pub(super) struct Refused {
    status: StatusCode,
    error: &'static str,
    description: String,
    /// Boxed, because most have none and many functions return this error.
    header: Option<Box<(HeaderName, String)>>,
    /// The client for the log, once it is authenticated.
    client: String,
    wants_keys_of: Option<String>,
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

/// Text of a request, shortened for an error message. A key or a token in the wrong parameter is
/// named, not quoted.
pub(super) fn shown(text: &str) -> String {
    shown_within(text, MOST_SHOWN)
}

/// Maximum number of characters of a text that an error message quotes.
const MOST_SHOWN: usize = 200;

/// Shows two texts so that their difference is visible. If they are long, their common beginning is
/// left out.
pub(super) fn both_shown(found: &str, expected: &str) -> [String; 2] {
    let shared = found.chars().zip(expected.chars()).take_while(|(one, other)| one == other).count();
    let longest = found.chars().count().max(expected.chars().count());
    [found, expected].map(|text| {
        if longest <= MOST_SHOWN || shared < MOST_SHOWN / 2 || SecretForm::of(text).is_some() {
            return shown(text);
        }
        let rest: String = text.chars().skip(shared - MOST_SHOWN / 4).collect();
        format!("…{}", printable(&rest, MOST_SHOWN))
    })
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

    #[test]
    fn two_texts_are_shown_where_they_differ() {
        assert_eq!(both_shown("https://a/", "https://a"), ["https://a/", "https://a"]);
        let long = "x".repeat(300);
        let tail = format!("…{}", "x".repeat(50));
        assert_eq!(both_shown(&format!("{long}/"), &long), [format!("{tail}/"), tail.clone()]);
        assert_eq!(both_shown("a eyJhbGciOiJub25lIn0.e30.", "a"), ["[a JWT]", "a"]);
        assert_eq!(both_shown("y", &long), ["y".to_owned(), format!("{}…", "x".repeat(200))]);
    }

    #[test]
    fn an_outcome_is_one_line_whatever_the_path() {
        let path = "/\u{1b}[2J\u{2028}x";
        let exchange =
            Exchange::new(&Method::GET, path, Err(Refused::new(StatusCode::NOT_FOUND, "not_found", "no")));
        assert_eq!(exchange.outcome, "GET /\\u{1b}[2J\\u{2028}x 404 not_found: no");
    }
}
