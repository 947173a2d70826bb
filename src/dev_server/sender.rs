//! Detects requests that a page of another origin makes a browser send. Browsers mark them with
//! `Sec-Fetch-Site` (Fetch Metadata). To addresses that they do not trust, they send only `Origin`.
//! Programs outside a browser send neither header.

use http::header::{HeaderName, ORIGIN};
use http::{HeaderValue, Method, StatusCode};

use super::authority::Own;
use super::refused::Refused;
use super::shown::shown;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Returns the header that shows that a page of another origin sends the request, if any. `own` are
/// the origins of this server.
fn other_origin(request: &http::Request<Vec<u8>>, own: &Own<'_>) -> Option<String> {
    let values = |name: HeaderName| request.headers().get_all(name).iter().map(text);
    // `none`: the user typed the address.
    if let Some(site) = values(SEC_FETCH_SITE).find(|site| !matches!(*site, "same-origin" | "none")) {
        return Some(format!("Sec-Fetch-Site `{}`", shown(site)));
    }
    let is_told = request.headers().contains_key(SEC_FETCH_SITE);
    // A page that sends no referrer sends `Origin: null` in its own requests too.
    let is_own = |origin: &str| if origin == "null" { is_told } else { own.has_origin(origin) };
    let other = values(ORIGIN).find(|origin| !is_own(origin))?;
    Some(format!("Origin `{}`", shown(other)))
}

/// Refuses a request from a page of another origin, unless its method only reads (GET, HEAD).
pub(super) fn check(request: &http::Request<Vec<u8>>, own: &Own<'_>) -> Result<(), Refused> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(());
    }
    other_origin(request, own).map_or(Ok(()), |header| Err(refused(&header)))
}

/// Refuses any request from a page of another origin, even one that only reads.
pub(super) fn check_reader(request: &http::Request<Vec<u8>>, own: &Own<'_>) -> Result<(), Refused> {
    other_origin(request, own).map_or(Ok(()), |header| Err(refused(&header)))
}

/// Refuses a request from a page of another origin that is not a navigation, such as an image.
pub(super) fn check_navigation(request: &http::Request<Vec<u8>>, own: &Own<'_>) -> Result<(), Refused> {
    let mode = request.headers().get(SEC_FETCH_MODE).map(text);
    match other_origin(request, own) {
        Some(header) if mode.is_some_and(|mode| mode != "navigate") => Err(refused(&header)),
        _ => Ok(()),
    }
}

fn refused(header: &str) -> Refused {
    let description = format!(
        "the request comes from a page of another origin ({header}); only the pages of this server and programs \
         outside a browser may send it"
    );
    Refused::new(StatusCode::FORBIDDEN, "invalid_request", &description)
}

fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}
