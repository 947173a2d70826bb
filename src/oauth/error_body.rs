//! The body of an unsuccessful response: RFC 6749 §5.2, or any other format that a server, a
//! gateway or a framework sends instead.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::error_words::Words;
use super::markup;
#[cfg(feature = "client")]
use super::text::safe;
use super::text::{SECRET, decoded};
use crate::jose::json::{self, WipedValue};
use crate::jose::urlencoded;

/// Members that mark a document as an error, regardless of its status.
const ERROR: [&str; 12] = [
    "error",
    "errors",
    "errorCode",
    "errorMessage",
    "errorMessages",
    "errorSummary",
    "error_code",
    "error_message",
    "errcode",
    "ErrorCode",
    "Error",
    "fault",
];

/// The raw content of a body. It is still hostile text, which may echo the secrets of the request
/// or contain others, so all of it is wiped.
#[derive(Default)]
pub(super) struct ErrorBody {
    /// The `error` code of RFC 6749 §5.2.
    pub(super) error: Option<Zeroizing<String>>,
    pub(super) description: Option<Zeroizing<String>>,
    pub(super) uri: Option<Zeroizing<String>>,
    /// The other members.
    pub(super) members: WipedValue,
    pub(super) words: Words,
    /// Whether the body is a document that says that it is an error.
    pub(super) is_error: bool,
}

impl ErrorBody {
    pub(super) fn read(status: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let text = decoded(body);
        let text = text.trim_start_matches('\u{feff}').trim();
        let is_object = text.starts_with('{');
        if is_object || text.starts_with(['[', '"']) {
            match json(text) {
                Some((document, is_repeated)) => {
                    let body = Self::of_document(status, document, is_repeated);
                    return Self { is_error: body.is_error || is_object && is_problem(headers), ..body };
                }
                // A truncated document is salvaged for its words, but decides nothing.
                None if is_object || text.starts_with("[{") => {
                    return Self { is_error: false, ..Self::of_document(status, salvaged(text), true) };
                }
                None => {}
            }
        }
        if is_form(headers, text) {
            return Self::of_document(status, form(text), false);
        }
        Self { words: Words::of_text(plain(headers, text)), ..Self::default() }
    }

    fn of_document(status: u16, mut document: WipedValue, is_repeated: bool) -> Self {
        let mut words = Words::of(status, &document.0);
        let mut members = WipedValue(match &mut document.0 {
            // Some servers put the single error into a list.
            Value::Array(elements) => elements.first_mut().map(Value::take).unwrap_or_default(),
            document => document.take(),
        });
        let says = |value: &Value| match value {
            Value::String(text) => !text.is_empty(),
            Value::Array(elements) => !elements.is_empty(),
            Value::Object(members) => !members.is_empty(),
            Value::Null | Value::Bool(_) => false,
            Value::Number(number) => number.as_f64() != Some(0.0),
        };
        let is_error = ERROR.iter().any(|name| members.0.get(*name).is_some_and(says))
            || members.0.get("success") == Some(&Value::Bool(false));
        let mut text = |member: &str| match members.0.get(member)? {
            Value::String(_) => match members.0.as_object_mut()?.remove(member)? {
                Value::String(text) => Some(Zeroizing::new(text)),
                _ => None,
            },
            _ => None,
        };
        let (mut error, description, uri) = (text("error"), text("error_description"), text("error_uri"));
        // A duplicate code can be read in two ways, so it decides nothing and is only shown.
        if is_repeated {
            words.code = error.take().or(words.code.take());
        }
        Self { error, description, uri, members, words, is_error }
    }
}

/// The content coding of a body, if it has one. None is requested, and none is decoded here. It is
/// still hostile text.
pub(super) fn coding(headers: &HeaderMap) -> Option<String> {
    let coding =
        String::from_utf8_lossy(headers.get(CONTENT_ENCODING)?.as_bytes()).trim().to_ascii_lowercase();
    Some(coding).filter(|coding| !coding.is_empty() && coding != "identity")
}

/// As [`coding`], safe to show.
#[cfg(feature = "client")]
pub(crate) fn content_coding(headers: &HeaderMap) -> Option<String> {
    coding(headers).map(|coding| safe(&coding))
}

/// RFC 9457 §3: a document of this type is a problem, regardless of its status.
pub(super) fn is_problem(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map(|value| value.as_bytes().to_ascii_lowercase());
    content_type.is_some_and(|value| value.starts_with(b"application/problem+json"))
}

/// Parses a document, even if its strings contain control characters, and reports whether `error`
/// appears twice.
fn json(text: &str) -> Option<(WipedValue, bool)> {
    let read = |text: &str| json::any_without(text.as_bytes(), &SECRET, &["error"]);
    read(text).or_else(|| read(&controls_escaped(text)))
}

/// Escapes control characters inside strings, as JSON requires (RFC 8259 §7).
fn controls_escaped(text: &str) -> Zeroizing<String> {
    let room = text.len() + 6 * text.bytes().filter(|byte| *byte < 0x20).count();
    let mut escaped = Zeroizing::new(String::with_capacity(room));
    let (mut is_inside, mut is_escape) = (false, false);
    for character in text.chars() {
        match character {
            '"' if !is_escape => is_inside = !is_inside,
            _ if is_inside && u32::from(character) < 0x20 => {
                // A preceding backslash would escape the backslash of the escape.
                if is_escape {
                    escaped.push('\\');
                }
                escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
                is_escape = false;
                continue;
            }
            _ => {}
        }
        is_escape = character == '\\' && is_inside && !is_escape;
        escaped.push(character);
    }
    escaped
}

/// Reads the strings of well-known names from invalid JSON that was cut off or damaged. The rest is
/// not shown.
fn salvaged(text: &str) -> WipedValue {
    let text = controls_escaped(text);
    const NAMES: [&str; 13] = [
        "error",
        "error_description",
        "errorCode",
        "errorSummary",
        "error_message",
        "code",
        "message",
        "msg",
        "title",
        "detail",
        "description",
        "reason",
        "faultstring",
    ];
    let found = NAMES.into_iter().filter_map(|name| {
        let (_, rest) = text.split_once(&format!("\"{name}\""))?;
        let value = rest.trim_start().strip_prefix(':')?.trim_start();
        let value = json::first_string(value)?;
        Some((name.to_owned(), Value::String(value.into_plain())))
    });
    WipedValue(Value::Object(found.collect()))
}

fn is_form(headers: &HeaderMap, text: &str) -> bool {
    let is_pair = |pair: &str| pair.starts_with("error=") || pair.starts_with("error_description=");
    let content_type = headers.get(CONTENT_TYPE).map(|value| value.as_bytes().to_ascii_lowercase());
    let is_said = content_type.is_some_and(|value| value.starts_with(b"application/x-www-form-urlencoded"));
    !text.contains(char::is_whitespace)
        && text.split('&').any(|pair| is_pair(pair) || is_said && pair.contains('='))
}

/// Reads a form as a document, without its secrets. The first value of a name counts.
fn form(text: &str) -> WipedValue {
    let mut members = Map::new();
    for (name, value) in urlencoded::pairs(text.as_bytes()) {
        if !members.contains_key(&*name) {
            let is_secret = SECRET.contains(&&*name);
            let value = if is_secret { Value::Null } else { Value::String(value.into_plain()) };
            members.insert(name.into_plain(), value);
        }
    }
    WipedValue(members.into())
}

/// Reads text from a body that is not a document: a page, XML, or a line.
fn plain(headers: &HeaderMap, text: &str) -> Zeroizing<String> {
    if let Some(coding) = coding(headers) {
        return format!("the body is encoded as {coding}, which the client does not read").into();
    }
    let is_binary = |character: char| character.is_control() && !character.is_ascii_whitespace();
    let binary = text.chars().filter(|character| is_binary(*character)).count();
    if text.contains('\0') || binary * 10 > text.chars().count() {
        return Zeroizing::default();
    }
    if text.starts_with('<') { markup::text(text) } else { markup::words(text) }
}
