//! A request and its answer, as the inspector shows them.

use std::sync::Arc;

use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::checks::{Check, summary};
use super::decoded::decoded;
use super::log::Entry;
use super::masked;
use super::request_checks::{Record, spent};
use crate::dev_server::answer::{Exchange, Refusal};
use crate::dev_server::inner::Inner;
use crate::dev_server::paths;
use crate::jose::moment::Utc;
use crate::jose::printable::printable;
use crate::jose::text::Text;
use crate::jose::{UnverifiedJwt, urlencoded};
use crate::oauth::Endpoint;
use crate::verifier::ClientAssertionVerifier;

/// Longest answer that is shown, in bytes.
const LONGEST_ANSWER: usize = 4096;

/// A request, its checks and its answer, as a JSON object.
pub(super) fn entry(
    server: &Inner,
    request: &http::Request<Vec<u8>>,
    exchange: &Exchange,
    now: OffsetDateTime,
) -> Entry {
    let path = request.uri().path();
    let below = path.strip_prefix(&paths::path_of_issuer());
    let endpoint = Endpoint::ALL.into_iter().find(|it| below == Some(paths::of(*it)));
    let token = endpoint.and_then(|_| client_assertion(request));
    let jwt = token.as_deref().and_then(readable);
    let refusal = exchange.refusal.as_ref();
    let client = jwt.as_ref().and_then(|jwt| jwt.claims().get("iss")).and_then(Value::as_str);
    let fault = refusal.and_then(|refusal| refusal.fault.as_deref());
    // Without a fault, the client is authenticated, unless the request was refused before.
    let is_authenticated = fault.is_none() && refusal.is_none_or(|refusal| refusal.is_of_client);
    let spent = jwt.as_ref().zip(token.as_deref()).map(|(jwt, token)| spent(jwt, token, now));
    let checks = endpoint.map(|endpoint| {
        let token = token.as_deref().unwrap_or_default();
        Record { server, endpoint, token, jwt: jwt.as_ref(), spent, request, refusal, is_authenticated, now }
            .checks()
    });
    let decisive = fault.map(|fault| fault.kind);
    let [reasons, advice, options] = match (&checks, refusal) {
        (Some(checks), Some(_)) => summary(checks, decisive),
        (None, Some(refusal)) => [vec![refusal.description.clone()], Vec::new(), Vec::new()],
        (_, None) => Default::default(),
    };
    let json = json!({
        "time": Utc::from(now).to_string(),
        "method": printable(request.method().as_str(), 16),
        "path": masked::text(path),
        "endpoint": endpoint.map(name).or_else(|| page(below)).map_or_else(|| masked::text(path), str::to_owned),
        "client": client.map(masked::text),
        "status": exchange.response.status().as_u16(),
        "refused": refusal.is_some() || exchange.response.status().as_u16() >= 400,
        "reasons": reasons,
        "advice": advice,
        "options": options,
        "said": refusal.and_then(|refusal| said(&exchange.response, refusal)),
        "parameters": parameters(request),
        "decoded": jwt.as_ref().map(|jwt| decoded(jwt, now)),
        "length": token.as_ref().map(|token| token.len()),
        "checks": checks.map(|checks| checks.iter().map(Check::json).collect::<Vec<_>>()),
        "answer": answer(&exchange.response),
    });
    Entry { json: Arc::from(json.to_string()), spent: spent.filter(|_| is_authenticated) }
}

/// What the client received: the `error` and, if it differs from the reason, the text.
fn said(response: &http::Response<Vec<u8>>, refusal: &Refusal) -> Option<String> {
    if response.body().len() > LONGEST_ANSWER {
        return None;
    }
    let body: Map<String, Value> = serde_json::from_slice(response.body()).ok()?;
    let text =
        |member: &str| body.get(member).and_then(Value::as_str).map(|text| masked::parameter(member, text));
    let error = text("error");
    let described = text("error_description").filter(|text| *text != masked::text(&refusal.description));
    match (error, described) {
        (Some(error), Some(described)) => Some(format!("{error}: {described}")),
        (one, other) => one.or(other),
    }
}

/// The assertion in a form. Longer ones than are ever read are left out.
fn client_assertion(request: &http::Request<Vec<u8>>) -> Option<Text<'_>> {
    if request.body().len() > ClientAssertionVerifier::MAX_FORM_LEN {
        return None;
    }
    let mut pairs = urlencoded::pairs(request.body());
    let (_, value) = pairs.find(|(name, value)| **name == *"client_assertion" && !value.is_empty())?;
    Some(value)
}

/// The decoded assertion, unless it is too long.
pub(super) fn readable(token: &str) -> Option<UnverifiedJwt> {
    let is_short = token.len() <= ClientAssertionVerifier::MAX_ASSERTION_LEN;
    UnverifiedJwt::parse(token).ok().filter(|_| is_short)
}

/// The parameters of the query and of the form, without their secrets.
fn parameters(request: &http::Request<Vec<u8>>) -> Value {
    let scheme = request.headers().get(AUTHORIZATION).map(|value| {
        let scheme = value.to_str().ok().and_then(|value| value.split(' ').next()).unwrap_or_default();
        let scheme = if scheme.len() <= 16 { scheme } else { "" };
        json!(["Authorization", format!("{} [not shown]", masked::text(scheme))])
    });
    let query = request.uri().query().unwrap_or_default().as_bytes();
    let body =
        if request.body().len() <= ClientAssertionVerifier::MAX_FORM_LEN { request.body() } else { &[][..] };
    let pairs = urlencoded::pairs(query).chain(urlencoded::pairs(body));
    let pairs = pairs.map(|(name, value)| json!([masked::name(&name), masked::parameter(&name, &value)]));
    scheme.into_iter().chain(pairs.take(masked::MOST)).collect()
}

/// The answer, without its secrets.
fn answer(response: &http::Response<Vec<u8>>) -> String {
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(url) = header(LOCATION) {
        return format!("redirect to {}", masked::address(url));
    }
    let body = response.body();
    match header(CONTENT_TYPE) {
        None => String::new(),
        Some("application/json") if body.len() <= LONGEST_ANSWER => {
            let object: Option<Map<String, Value>> = serde_json::from_slice(body).ok();
            object.map_or_else(String::new, |object| masked::body(&object))
        }
        Some("application/json") => format!("a document of {} bytes", body.len()),
        Some(_) => "a page".to_owned(),
    }
}

const fn name(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Token => "token",
        Endpoint::PushedAuthorization => "pushed authorization request",
        Endpoint::Introspection => "introspection",
        Endpoint::Revocation => "revocation",
        Endpoint::DeviceAuthorization => "device authorization",
    }
}

/// The name of a path that is no endpoint of a client.
fn page(below: Option<&str>) -> Option<&'static str> {
    Some(match below {
        Some(paths::AUTHORIZE) => "authorization",
        Some(paths::DEVICE) => "device page",
        Some(paths::USERINFO) => "userinfo",
        Some(paths::JWKS) => "keys",
        Some(paths::OPENID_CONFIGURATION) => "metadata",
        _ => return None,
    })
}
