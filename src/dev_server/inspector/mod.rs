//! The inspector: a page that shows the last requests as they arrive, with every check of their
//! assertions, and judges an assertion that a person pastes. It shows no secret: no token, no code
//! and no signature.
//!
//! Its own requests are neither logged nor shown.

mod advice;
mod checks;
mod decoded;
mod entry;
mod judge;
mod log;
mod masked;
mod page;
mod request_checks;
mod trial;
mod words;

use http::Method;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::answer::{Answer, Exchange};
use super::authority::Own;
use super::inner::Inner;
use super::refused::Refused;
use super::{paths, sender};

pub(super) use log::Log;

/// Answers a request to the inspector. `None` if the request is to something else. `own` are the
/// origins of this server.
pub(super) fn answer(
    server: &Inner,
    request: &http::Request<Vec<u8>>,
    own: &Own<'_>,
    now: OffsetDateTime,
) -> Option<Result<Answer, Refused>> {
    Some(match request.uri().path() {
        paths::INSPECTOR => page(server, request),
        paths::INSPECTOR_REQUESTS => {
            sender::check_reader(request, own).and_then(|()| requests(server, request))
        }
        paths::INSPECTOR_JUDGE => {
            sender::check_reader(request, own).and_then(|()| judge::answer(server, request, now))
        }
        _ => return None,
    })
}

/// Adds a request and its answer to those that the page shows.
pub(super) fn record(
    server: &Inner,
    request: &http::Request<Vec<u8>>,
    exchange: &Exchange,
    now: OffsetDateTime,
) {
    if !exchange.is_quiet {
        // Before the lock: an entry decodes the assertion and makes each check again.
        let entry = entry::entry(server, request, exchange, now);
        server.log().add(entry);
    }
}

fn page(server: &Inner, request: &http::Request<Vec<u8>>) -> Result<Answer, Refused> {
    check_read(request)?;
    let (issuer, endpoint) = (&server.issuer, server.authorization_server.token_endpoint());
    Ok(Answer::page_with(page::html(issuer, endpoint, server.demands.title()), page::policy(), String::new())
        .quiet())
}

/// The requests after the one that the query names, and the number of the last.
fn requests(server: &Inner, request: &http::Request<Vec<u8>>) -> Result<Answer, Refused> {
    check_read(request)?;
    let query = request.uri().query().unwrap_or_default();
    let after = query.strip_prefix("after=").and_then(|number| number.parse().ok()).unwrap_or(0);
    let (last, newer) = {
        let log = server.log();
        let last = log.last();
        // Numbers begin again when the server does.
        (last, log.after(if after > last { 0 } else { after }))
    };
    let requests: Vec<Value> = newer.iter().map(|(number, entry)| numbered(*number, entry)).collect();
    Ok(Answer::json(json!({"last": last, "requests": requests}), String::new()).quiet())
}

/// An entry with its number.
fn numbered(number: u64, entry: &str) -> Value {
    let mut entry: Map<String, Value> = serde_json::from_str(entry).unwrap_or_default();
    entry.insert("number".to_owned(), number.into());
    entry.into()
}

fn check_read(request: &http::Request<Vec<u8>>) -> Result<(), Refused> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(());
    }
    Err(Refused::method_not_allowed(request.method(), "GET"))
}
