use std::time::Duration;

use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION,
    PRAGMA, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::fault::Fault;
use super::refused::Refused;
use crate::jose::base64url;
use crate::jose::printable::printable;

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
    /// Why the request was refused, if it was.
    pub(super) refusal: Option<Refusal>,
    /// Whether it is a request of the inspector's own page, which is neither logged nor shown.
    pub(super) is_quiet: bool,
}

/// Why a request was refused, whatever the answer says.
pub(super) struct Refusal {
    pub(super) description: String,
    pub(super) fault: Option<Box<Fault>>,
    /// Whether the client was named, because its signature was verified.
    pub(super) is_of_client: bool,
}

impl Exchange {
    pub(super) fn new(method: &Method, path: &str, answer: Result<Answer, Refused>) -> Self {
        let (answer, header, wants_keys_of, refusal) = match answer {
            Ok(answer) => (answer, None, None, None),
            Err(Refused { status, error, description, header, client, wants_keys_of, body, fault }) => {
                let note = format!("{client}{error}: {description}");
                let own = || json!({"error": error, "error_description": description});
                let body = body.map_or_else(own, |body| *body);
                let is_of_client = !client.is_empty();
                let refusal = Refusal { description, fault, is_of_client };
                (Answer::json(body, note).with_status(status), header, wants_keys_of, Some(refusal))
            }
        };
        let Answer { status, body, note, max_age, is_quiet } = answer;
        let mut headers = http::HeaderMap::new();
        for (name, value) in ALWAYS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Some(max_age) = max_age {
            headers.remove(PRAGMA);
            if let Ok(value) = HeaderValue::try_from(format!("max-age={max_age}")) {
                headers.insert(CACHE_CONTROL, value);
            }
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
        Self { response, outcome: printable(line.trim_end(), 4096), wants_keys_of, refusal, is_quiet }
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
    /// How long caches may keep it, in seconds. `None` for not at all.
    max_age: Option<u64>,
    /// Whether it is neither logged nor shown by the inspector.
    is_quiet: bool,
}

enum Body {
    Json(Value),
    Page(String),
    /// A page whose form a script submits.
    PostingPage(String),
    /// A page with this `Content-Security-Policy`.
    PageWith(String, &'static str),
    Redirect(String),
    Empty,
}

impl Answer {
    pub(super) const fn json(body: Value, note: String) -> Self {
        Self::ok(Body::Json(body), note)
    }

    /// A page for a browser, in HTML.
    pub(super) const fn page(html: String, note: String) -> Self {
        Self::ok(Body::Page(html), note)
    }

    /// A page that posts a form to another address, with the one script that pages have.
    pub(super) const fn posting_page(html: String, note: String) -> Self {
        Self::ok(Body::PostingPage(html), note)
    }

    /// A page with a `Content-Security-Policy` of its own.
    pub(super) const fn page_with(html: String, policy: &'static str, note: String) -> Self {
        Self::ok(Body::PageWith(html, policy), note)
    }

    /// Redirects the browser, which then sends a GET (RFC 9700 §4.12).
    pub(super) const fn redirect(url: String, note: String) -> Self {
        let mut answer = Self::ok(Body::Redirect(url), note);
        answer.status = StatusCode::SEE_OTHER;
        answer
    }

    pub(super) const fn empty(note: String) -> Self {
        Self::ok(Body::Empty, note)
    }

    const fn ok(body: Body, note: String) -> Self {
        Self { status: StatusCode::OK, body, note, max_age: None, is_quiet: false }
    }

    /// Keeps the request out of the log and of the inspector.
    pub(super) const fn quiet(mut self) -> Self {
        self.is_quiet = true;
        self
    }

    pub(super) const fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Lets caches keep the answer for this long, in whole seconds (RFC 9111 §5.2.2.1).
    pub(super) fn cached_for(mut self, time: Option<Duration>) -> Self {
        self.max_age = time.map(|time| time.as_secs());
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
            Self::PageWith(html, policy) => {
                let bytes = Self::Page(html).write(headers);
                headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
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

/// An answer is for its caller only, unless it says otherwise. No cache keeps it (RFC 6749 §5.1
/// requires both fields), and no page of another origin loads it as another type of content.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_one_line_whatever_the_path() {
        let path = "/\u{1b}[2J\u{2028}x";
        let exchange =
            Exchange::new(&Method::GET, path, Err(Refused::new(StatusCode::NOT_FOUND, "not_found", "no")));
        assert_eq!(exchange.outcome, "GET /\\u{1b}[2J\\u{2028}x 404 not_found: no");
    }
}
