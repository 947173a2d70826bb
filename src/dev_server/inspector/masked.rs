//! What the inspector shows of values that come from elsewhere. Secrets are left out, the rest is
//! printable and bounded.

use http::Uri;
use serde_json::{Map, Value};

use crate::jose::SecretForm;
use crate::jose::error::shown;
use crate::jose::printable::printable;

/// Maximum number of characters of a value.
const LONGEST: usize = 512;
/// Maximum number of characters of a name.
const LONGEST_NAME: usize = 64;
/// Maximum number of members of an object, or of parameters of a form. Further ones are counted.
pub(super) const MOST: usize = 40;

/// Members of answers and parameters of requests whose values are no secrets. The values of all
/// others are not shown.
const HARMLESS: [&str; 42] = [
    "active",
    "actor_token_type",
    "aud",
    "audience",
    "client_assertion_type",
    "client_id",
    "code_challenge_method",
    "decision",
    "error",
    "error_codes",
    "error_description",
    "error_uri",
    "exp",
    "expires_in",
    "grant_type",
    "iat",
    "interval",
    "iss",
    "issued_token_type",
    "max_age",
    "nbf",
    "prompt",
    "redirect_uri",
    "requested_token_type",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "sub",
    "subject",
    "subject_token_type",
    "token_endpoint",
    "token_type",
    "token_type_hint",
    "typ",
    "user_code",
    "username",
    "verification_uri",
    "verification_uri_complete",
    "issuer",
    "jwks_uri",
    "acr_values",
];

/// A text. A key, a token or the like is named by its form.
pub(super) fn text(text: &str) -> String {
    shown(text, LONGEST)
}

/// The name of a member or parameter.
pub(super) fn name(name: &str) -> String {
    shown(name, LONGEST_NAME)
}

/// A value of a header or of a claims set.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::String(value) => text(value),
        other => printable(&without_secrets(other).to_string(), LONGEST),
    }
}

/// The value of a parameter.
pub(super) fn parameter(name: &str, value: &str) -> String {
    if HARMLESS.contains(&name) { text(value) } else { length(value) }
}

/// The body of a JSON answer, as lines.
pub(super) fn body(body: &Map<String, Value>) -> String {
    let masked: Map<String, Value> = body
        .iter()
        .take(MOST)
        .map(|(member, value)| {
            let value = match value {
                Value::String(value) => parameter(member, value).into(),
                other => without_secrets(other),
            };
            (name(member), value)
        })
        .collect();
    serde_json::to_string_pretty(&masked).unwrap_or_default()
}

/// The address of a redirect. The values of its query are those of parameters.
pub(super) fn address(url: &str) -> String {
    let Ok(parsed) = url.parse::<Uri>() else { return text(url) };
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let pairs: Vec<String> = form_urlencoded::parse(parsed.query().unwrap_or_default().as_bytes())
        .take(MOST)
        .map(|(member, value)| format!("{}={}", name(&member), parameter(&member, &value)))
        .collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{}{mark}{}", text(place), pairs.join("&"))
}

/// How long a secret is.
pub(super) fn length(secret: &str) -> String {
    format!("[{} characters, not shown]", secret.chars().count())
}

/// The same value, in which every text that is a secret by its form is only named.
fn without_secrets(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            SecretForm::of(text).map_or_else(|| value.clone(), |form| format!("[{form}]").into())
        }
        Value::Array(elements) => elements.iter().map(without_secrets).collect(),
        Value::Object(members) => Value::Object(
            members.iter().map(|(member, value)| (name(member), without_secrets(value))).collect(),
        ),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JWT: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UifQ.c2lnbmF0dXJl";

    #[test]
    fn no_secret_is_shown_wherever_it_is() {
        assert_eq!(text(JWT), "[a JWT]");
        assert_eq!(name(JWT), "[a JWT]");
        assert_eq!(value(&serde_json::json!({"a": [JWT, 1]})), r#"{"a":["[a JWT]",1]}"#);
        assert_eq!(parameter("scope", JWT), "[a JWT]");
        assert_eq!(parameter("code", "abc"), "[3 characters, not shown]");
        let answer = serde_json::json!({"access_token": JWT, "token_type": "Bearer", "expires_in": 1, "x": {"y": JWT}});
        let shown = body(answer.as_object().unwrap());
        assert!(!shown.contains("eyJ") && shown.contains("\"token_type\": \"Bearer\""), "{shown}");
        assert_eq!(
            address("http://127.0.0.1/cb?code=secret&iss=http://as"),
            "http://127.0.0.1/cb?code=[6 characters, not shown]&iss=http://as"
        );
    }

    #[test]
    fn what_is_long_is_cut_and_what_is_not_visible_is_escaped() {
        assert_eq!(text("a\u{202e}\n"), "a\\u{202e}\\u{a}");
        assert_eq!(text(&"x".repeat(600)).chars().count(), LONGEST + 1);
        assert_eq!(value(&vec![1; 600].into()).chars().count(), LONGEST + 1);
    }
}
