//! `--verbose`: requests and answers on stderr. Assertions are decoded; signatures, tokens and
//! other secrets are counted and not shown.

use std::time::{Duration, SystemTime};

use http::header::{CONTENT_TYPE, DATE};
use http::{HeaderMap, Request, Response};
use private_key_jwt::jose::{SecretForm, UnverifiedJwt};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::{misplaced, output};

/// Parameters of requests whose values are no secrets.
const PARAMETERS: [&str; 14] = [
    "actor_token_type",
    "audience",
    "client_assertion_type",
    "client_id",
    "code_challenge_method",
    "grant_type",
    "redirect_uri",
    "requested_token_type",
    "resource",
    "response_type",
    "scope",
    "subject_token_type",
    "token_type_hint",
    "user_code",
];
/// Members of answers whose values are no secrets.
const MEMBERS: [&str; 8] = [
    "active",
    "error",
    "expires_in",
    "interval",
    "issued_token_type",
    "scope",
    "token_type",
    "verification_uri",
];

/// Shows a request.
pub(crate) fn request(request: &Request<Vec<u8>>) {
    request_lines(request).iter().for_each(|line| output::note(line));
}

/// Shows an answer, and how the server's clock differs.
pub(crate) fn response(response: &Response<Vec<u8>>, elapsed: Duration, now: OffsetDateTime) {
    response_lines(response, elapsed, now).iter().for_each(|line| output::note(line));
}

/// Says that there is no answer. The error follows.
pub(crate) fn failure(elapsed: Duration) {
    output::note(&format!("< no answer after {} ms", elapsed.as_millis()));
}

fn request_lines(request: &Request<Vec<u8>>) -> Vec<String> {
    let mut lines = vec![format!("> {} {}", request.method(), misplaced::shown(&request.uri().to_string()))];
    for (name, value) in form_urlencoded::parse(request.body()) {
        if name == "client_assertion" {
            lines.extend(assertion(&value));
            continue;
        }
        let value = if PARAMETERS.contains(&name.as_ref()) { text(&value) } else { hidden(&value) };
        lines.push(format!(">   {}: {value}", misplaced::shown(&name)));
    }
    lines
}

/// The header and the claims. The signature makes a JWT a secret.
fn assertion(jwt: &str) -> Vec<String> {
    let Ok(decoded) = UnverifiedJwt::parse(jwt) else {
        return vec![format!(">   client_assertion: {}", hidden(jwt))];
    };
    let json = |object: &Map<String, Value>| output::ascii(&Value::from(object.clone()).to_string());
    let signature = jwt.rsplit('.').next().unwrap_or_default();
    vec![
        ">   client_assertion:".to_owned(),
        format!(">     header: {}", json(decoded.header())),
        format!(">     claims: {}", json(decoded.claims())),
        format!(">     signature: {}", hidden(signature)),
    ]
}

fn response_lines(response: &Response<Vec<u8>>, elapsed: Duration, now: OffsetDateTime) -> Vec<String> {
    let body = response.body();
    let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut lines = vec![format!(
        "< {} {}, {} bytes, {} ms",
        response.status(),
        media_type.unwrap_or("without a media type"),
        body.len(),
        elapsed.as_millis()
    )];
    if let Ok(Value::Object(members)) = serde_json::from_slice(body) {
        for (name, value) in &members {
            // The endpoints of metadata, and claims of a token, would only hide what matters.
            let is_shown = MEMBERS.contains(&name.as_str());
            let value = match value {
                Value::String(value) if is_shown => text(value),
                Value::String(value) if name.ends_with("token") => hidden(value),
                Value::Number(_) | Value::Bool(_) if is_shown => value.to_string(),
                _ => continue,
            };
            lines.push(format!("<   {name}: {value}"));
        }
    }
    lines.extend(clock(response.headers(), elapsed, now));
    lines
}

/// How the server's clock differs from this machine's. `Date` has whole seconds, and is from some
/// time between request and answer.
fn clock(headers: &HeaderMap, elapsed: Duration, now: OffsetDateTime) -> Option<String> {
    let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    let date = OffsetDateTime::from(date.max(SystemTime::UNIX_EPOCH));
    let early = (now - elapsed - date).whole_seconds();
    let late = (date - now).whole_seconds();
    Some(match (early, late) {
        (1.., _) => format!("< the server's clock is {early} s behind this machine's"),
        (_, 1..) => format!("< the server's clock is {late} s ahead of this machine's"),
        _ => "< the server's clock agrees with this machine's".to_owned(),
    })
}

/// Text that is no secret, unless it looks like one.
fn text(text: &str) -> String {
    SecretForm::of(text).map_or_else(|| text.to_owned(), |_| hidden(text))
}

fn hidden(text: &str) -> String {
    format!("({} characters, not shown)", text.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_shows_no_value_that_may_be_a_secret() {
        let body = "grant_type=refresh_token&refresh_token=canary&scope=a+b&password=canary&client_assertion=canary\
                    &resource=eyJhbGciOiJub25lIn0.eyJjYW5hcnkiOjF9.";
        let request = Request::post("https://as.example/token").body(body.into()).ok();
        assert_eq!(
            request.map(|request| request_lines(&request)).unwrap_or_default(),
            [
                "> POST https://as.example/token",
                ">   grant_type: refresh_token",
                ">   refresh_token: (6 characters, not shown)",
                ">   scope: a b",
                ">   password: (6 characters, not shown)",
                ">   client_assertion: (6 characters, not shown)",
                ">   resource: (37 characters, not shown)",
            ]
        );
    }

    #[test]
    fn an_answer_shows_its_facts_and_the_clock() {
        let at = |seconds: i64| OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(784_111_777 + seconds);
        let body = r#"{"access_token":"canary","error_description":"canary","expires_in":60,"token_type":"Bearer","x":"canary"}"#;
        let lines = |now: OffsetDateTime| {
            let response = Response::builder().header(DATE, "Sun, 06 Nov 1994 08:49:37 GMT");
            let response = response.header(CONTENT_TYPE, "application/json").body(body.into()).ok();
            response.map(|it| response_lines(&it, Duration::from_millis(500), now)).unwrap_or_default()
        };
        assert_eq!(
            lines(at(0)),
            [
                "< 200 OK application/json, 105 bytes, 500 ms",
                "<   access_token: (6 characters, not shown)",
                "<   expires_in: 60",
                "<   token_type: Bearer",
                "< the server's clock agrees with this machine's",
            ]
        );
        let clock = |seconds| lines(at(seconds)).pop().unwrap_or_default();
        assert_eq!(clock(1), "< the server's clock agrees with this machine's");
        assert_eq!(clock(120), "< the server's clock is 119 s behind this machine's");
        assert_eq!(clock(-120), "< the server's clock is 120 s ahead of this machine's");
    }
}
