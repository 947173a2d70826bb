//! A request and its answer, as the inspector shows them.

use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::checks::{Check, Examination, Keys, Verdict};
use super::decoded::decoded;
use super::{masked, words};
use crate::dev_server::answer::{Exchange, Refusal};
use crate::dev_server::clients::Lookup;
use crate::dev_server::fault::FaultKind;
use crate::dev_server::inner::Inner;
use crate::dev_server::paths;
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
) -> String {
    let path = request.uri().path();
    let below = path.strip_prefix(&paths::path_of_issuer());
    let endpoint = Endpoint::ALL.into_iter().find(|it| below == Some(paths::of(*it)));
    let assertion = endpoint.and_then(|_| client_assertion(request));
    let jwt = assertion.as_deref().and_then(readable);
    let refusal = exchange.refusal.as_ref();
    let client = jwt.as_ref().and_then(|jwt| jwt.claims().get("iss")).and_then(Value::as_str);
    let checks = endpoint.map(|endpoint| {
        checks(
            server,
            endpoint,
            assertion.as_deref().unwrap_or_default(),
            jwt.as_ref(),
            request,
            exchange,
            now,
        )
    });
    json!({
        "time": words::clock(now),
        "method": printable(request.method().as_str(), 16),
        "path": masked::text(path),
        "endpoint": endpoint.map_or_else(|| page(below), |endpoint| name(endpoint)),
        "client": client.map(masked::text),
        "status": exchange.response.status().as_u16(),
        "refused": refusal.is_some() || exchange.response.status().as_u16() >= 400,
        "reason": refusal.map(|refusal| refusal.description.as_str()),
        "error": refusal.map(|refusal| refusal.error),
        "parameters": parameters(request),
        "decoded": jwt.as_ref().map(|jwt| decoded(jwt, now)),
        "length": assertion.as_ref().map(|token| token.len()),
        "checks": checks.map(|checks| checks.iter().map(Check::json).collect::<Vec<_>>()),
        "answer": answer(&exchange.response),
    })
    .to_string()
}

fn checks(
    server: &Inner,
    endpoint: Endpoint,
    token: &str,
    jwt: Option<&UnverifiedJwt>,
    request: &http::Request<Vec<u8>>,
    exchange: &Exchange,
    now: OffsetDateTime,
) -> Vec<Check> {
    let refusal = exchange.refusal.as_ref();
    let fault = refusal.and_then(|refusal| refusal.fault.as_ref());
    // Without a fault, the client is authenticated, unless the request was refused before.
    let is_authenticated = fault.is_none() && refusal.is_none_or(|refusal| refusal.is_of_client);
    let mut checks = vec![method(fault.map(|fault| fault.kind), refusal, is_authenticated, token)];
    let client_id = jwt.and_then(|jwt| jwt.claims().get("iss")).and_then(Value::as_str);
    let known;
    let keys = match client_id.map(|id| server.clients.lookup(id, now)) {
        _ if is_authenticated => Keys::Verified,
        Some(Lookup::Known { keys, .. }) => {
            known = keys;
            Keys::Known(&known)
        }
        Some(Lookup::Unknown) => {
            Keys::Unknown("the client is not registered, so its key is unknown".to_owned())
        }
        Some(Lookup::NotFetched | Lookup::Outdated { .. }) => {
            Keys::Unknown("the keys of the client could not be fetched".to_owned())
        }
        None => Keys::Unknown("the client is unknown, and so is its key".to_owned()),
    };
    let is_registered = matches!(keys, Keys::Known(_) | Keys::Verified);
    let has_client_id =
        urlencoded::pairs(request.body()).any(|(name, value)| *name == *"client_id" && !value.is_empty());
    if let Ok(verifier) = server.verifier(endpoint)
        && !token.is_empty()
    {
        let demands = &server.demands;
        let examination = Examination { demands, verifier, token, jwt, keys: &keys, has_client_id, now };
        checks.extend(examination.checks());
    }
    checks.extend(others(
        fault.map(|fault| fault.kind),
        refusal,
        is_authenticated,
        is_registered,
        server.demands.once,
    ));
    // Whatever the request was refused for is crossed, even if it is none of the checks above.
    if let Some(refusal) = refusal
        && !checks.iter().any(Check::is_failed)
    {
        checks.push(Check::new("Rest of the request", Verdict::Failed, refusal.description.as_str()));
    }
    checks
}

/// How the client authenticates.
fn method(fault: Option<FaultKind>, refusal: Option<&Refusal>, is_authenticated: bool, token: &str) -> Check {
    const NAME: &str = "Authentication method";
    let is_about_it = matches!(
        fault,
        Some(
            FaultKind::NoAssertion
                | FaultKind::OtherMethod
                | FaultKind::NoAssertionType
                | FaultKind::AssertionType
        )
    );
    match refusal.filter(|_| is_about_it) {
        Some(refusal) => Check::new(NAME, Verdict::Failed, refusal.description.as_str()),
        None if is_authenticated || !token.is_empty() => Check::new(NAME, Verdict::Passed, "private_key_jwt"),
        None => Check::new(NAME, Verdict::Skipped, "the request has no client assertion"),
    }
}

/// The checks that need what the server knows.
fn others(
    fault: Option<FaultKind>,
    refusal: Option<&Refusal>,
    is_authenticated: bool,
    is_registered: bool,
    once: bool,
) -> Vec<Check> {
    let reason = refusal.map(|refusal| refusal.description.as_str()).unwrap_or_default();
    let registered = match fault {
        Some(FaultKind::UnknownClient | FaultKind::KeySet) => {
            Check::new("Registration", Verdict::Failed, reason)
        }
        _ if is_registered => Check::new("Registration", Verdict::Passed, "the client is registered"),
        _ => Check::new("Registration", Verdict::Skipped, "the request was refused before"),
    };
    let single = match fault {
        Some(FaultKind::Replayed) => Check::new("Single use", Verdict::Failed, reason),
        _ if is_authenticated && once => Check::new("Single use", Verdict::Passed, "not used before"),
        _ if !once => Check::new("Single use", Verdict::Skipped, "assertions may be reused"),
        _ => Check::new("Single use", Verdict::Skipped, "the request was refused before"),
    };
    vec![registered, single]
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
fn page(below: Option<&str>) -> &'static str {
    match below {
        Some(paths::AUTHORIZE) => "authorization",
        Some(paths::DEVICE) => "device page",
        Some(paths::USERINFO) => "userinfo",
        Some(paths::JWKS) => "keys",
        Some(paths::OPENID_CONFIGURATION) => "metadata",
        _ => "other",
    }
}
