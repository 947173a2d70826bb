//! Judges an assertion that a person pastes: by the server's own rules, and under each named
//! profile. Nothing is stored, and nothing is used up.

use http::Method;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::checks::{Check, Examination, Keys, Verdict, summary};
use super::decoded::decoded;
use super::entry::readable;
use super::masked;
use crate::dev_server::answer::Answer;
use crate::dev_server::authentication::damage;
use crate::dev_server::demands::{Demands, Places, Settings};
use crate::dev_server::inner::Inner;
use crate::dev_server::refused::Refused;
use crate::jose::json;
use crate::oauth::{Endpoint, Profile};

/// Longest body of a request, in bytes. An assertion is shorter.
const MAX_LEN: usize = 64 * 1024;

/// Answers a request with an assertion and, optionally, the issuer and the token endpoint of the
/// server that it is for. Their defaults are those of this server.
pub(super) fn answer(
    server: &Inner,
    request: &http::Request<Vec<u8>>,
    now: OffsetDateTime,
) -> Result<Answer, Refused> {
    if request.method() != Method::POST {
        return Err(Refused::method_not_allowed(request.method(), "POST"));
    }
    // A page of another origin cannot send this type without asking first.
    let is_json = |value: &http::HeaderValue| value == "application/json";
    if !request.headers().get(CONTENT_TYPE).is_some_and(is_json) {
        return Err(Refused::invalid_request("the Content-Type is not `application/json`"));
    }
    if request.body().len() > MAX_LEN {
        let description = format!("the body has {} bytes, at most {MAX_LEN} are read", request.body().len());
        return Err(Refused::invalid_request(&description));
    }
    let body = json::object("the body", request.body())
        .map_err(|error| Refused::invalid_request(&error.to_string()))?;
    let text = |member: &str| body.get(member).and_then(Value::as_str).map(str::trim).unwrap_or_default();
    let token = text("assertion");
    if token.is_empty() {
        return Err(Refused::invalid_request("the body has no `assertion`"));
    }
    let own = (server.issuer.as_str(), server.authorization_server.token_endpoint());
    let (issuer, endpoint) = match (text("issuer"), text("token_endpoint")) {
        ("", "") => own,
        (issuer, "") => (issuer, issuer),
        ("", endpoint) => (endpoint, endpoint),
        both => both,
    };
    let jwt = readable(token);
    let at = |_| endpoint.to_owned();
    let places = Places { issuer, endpoint: &at };
    let jwt = jwt.as_ref();
    let client_id = jwt.and_then(|jwt| jwt.claims().get("iss")).and_then(Value::as_str);
    let keys = &Keys::of(client_id, &server.clients, now);
    let trial = &keys.try_on(token, client_id, &server.clients, now);
    let judge = |name: &str, title: &str, demands: &Demands| {
        let verifier = &demands.verifier(&places, Endpoint::Token);
        let audiences = &demands.audiences(&places, Endpoint::Token);
        let clients = &server.clients;
        // The form is not known, so it counts as complete.
        let has_client_id = true;
        let examination = Examination {
            demands,
            verifier,
            token,
            jwt,
            keys,
            clients,
            trial,
            issuer,
            audiences,
            has_client_id,
            now,
        };
        judged(name, title, &examination)
    };
    let named = Profile::known().map(|(name, profile)| {
        let title = profile.name();
        judge(name, title, &Demands::new(Some(profile), Settings::default()))
    });
    let judged: Vec<Value> =
        std::iter::once(judge("", "This server", &server.demands)).chain(named).collect();
    let body = json!({
        "length": token.len(),
        "damage": damage(token),
        "decoded": jwt.map(|jwt| decoded(jwt, now)),
        "issuer": masked::text(issuer),
        "token_endpoint": masked::text(endpoint),
        "profiles": judged,
    });
    Ok(Answer::json(body, String::new()).quiet())
}

fn judged(name: &str, title: &str, examination: &Examination<'_>) -> Value {
    let checks = examination.checks();
    let failed = checks.iter().find(|check| check.is_failed());
    let [reasons, advice, _] = match failed {
        Some(check) => summary(&checks, check.fault.as_ref().map(|fault| fault.kind)),
        None => [unverified(&checks).into_iter().collect(), Vec::new(), Vec::new()],
    };
    let answer = failed.and_then(|check| examination.demands.answer(check.fault.as_ref()?));
    let answer = answer.map(|(status, body)| {
        json!([status.as_u16(), serde_json::to_string_pretty(&body).unwrap_or_default()])
    });
    json!({
        "name": name,
        "title": title,
        "accepted": failed.is_none(),
        "reasons": reasons,
        "advice": advice,
        "checks": checks.iter().map(Check::json).collect::<Vec<_>>(),
        "answer": answer,
    })
}

/// What keeps an assertion without a failed check from being accepted.
fn unverified(checks: &[Check]) -> Option<String> {
    let signature = checks.iter().find(|check| check.verdict == Verdict::Skipped)?;
    Some(format!("nothing wrong, but the signature was not checked: {}", signature.reason))
}
