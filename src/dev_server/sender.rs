//! Requests that a page of another origin has a browser send. Browsers say so in `Sec-Fetch-Site`
//! (Fetch Metadata) or, to addresses that they do not trust, in `Origin` alone. Programs outside a
//! browser send neither.

use http::header::{HeaderName, ORIGIN};
use http::{HeaderValue, Method, StatusCode};
use url::Url;

use super::answer::{Refused, shown};
use super::authority;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// The header that says that a page of another origin sends the request, if one does. `own` is the
/// authority that the request names, which has been accepted.
pub(super) fn other_origin(request: &http::Request<Vec<u8>>, own: &str) -> Option<String> {
    let values = |name: HeaderName| request.headers().get_all(name).iter().map(text);
    // `none` is the user: an address that was typed.
    if let Some(site) = values(SEC_FETCH_SITE).find(|site| !matches!(*site, "same-origin" | "none")) {
        return Some(format!("Sec-Fetch-Site `{}`", shown(site)));
    }
    let is_told = request.headers().contains_key(SEC_FETCH_SITE);
    // A page that sends no referrer has `null` in its own requests too.
    let is_own = |origin: &str| if origin == "null" { is_told } else { is_origin_of(own, origin) };
    let other = values(ORIGIN).find(|origin| !is_own(origin))?;
    Some(format!("Origin `{}`", shown(other)))
}

/// Refuses what only pages of this server and programs outside a browser may send: every request
/// but the reading ones.
pub(super) fn check(request: &http::Request<Vec<u8>>, own: &str) -> Result<(), Refused> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(());
    }
    other_origin(request, own).map_or(Ok(()), |header| Err(refused(&header)))
}

/// Refuses what is no navigation, such as an image, of a page of another origin.
pub(super) fn check_navigation(request: &http::Request<Vec<u8>>, own: &str) -> Result<(), Refused> {
    let mode = request.headers().get(SEC_FETCH_MODE).map(text);
    match other_origin(request, own) {
        Some(header) if mode.is_some_and(|mode| mode != "navigate") => Err(refused(&header)),
        _ => Ok(()),
    }
}

fn refused(header: &str) -> Refused {
    let description = format!(
        "a page of another origin sends this ({header}); only the pages of this server and programs outside a \
         browser may"
    );
    Refused::new(StatusCode::FORBIDDEN, "invalid_request", &description)
}

fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

/// As a browser writes it (RFC 6454 §6.2): a URL with more than an origin is none.
fn is_origin_of(own: &str, origin: &str) -> bool {
    let Some(scheme) = Url::parse(origin).ok().map(|url| url.scheme().to_owned()) else { return false };
    authority::parse(&scheme, own)
        .is_some_and(|own| own.origin().ascii_serialization().eq_ignore_ascii_case(origin))
}
