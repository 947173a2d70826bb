//! Reads the client's published keys from the URL or the file that the user named, and from nowhere
//! else.

use std::time::Duration;

use http::HeaderMap;
use time::OffsetDateTime;

use super::finding::{Finding, Step};
use super::recorder::Recorder;
use super::setup::JwksSource;
use super::words::chain;
use crate::jose::error::shown;
use crate::jose::{JoseError, JwkSet};
use crate::keys::PrivateKey;
use crate::oauth::{check_endpoint, is_loopback, safe_url};
use crate::transport::freshness::{age, stated};
use crate::transport::{Clock, HttpClient, TransportError, get_json};

/// What was read.
pub(super) struct Published {
    /// The URL or the file, safe to show.
    pub(super) place: String,
    pub(super) set: Result<JwkSet, JoseError>,
    /// How long it may be cached, if it came with header fields.
    pub(super) caching: Option<Caching>,
}

/// What the header fields of a document say about caches (RFC 9111).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Caching {
    pub(super) lifetime: Option<Duration>,
    /// How long the document has been in caches.
    pub(super) age: Duration,
}

impl Caching {
    fn of(headers: &HeaderMap, now: OffsetDateTime) -> Self {
        Self { lifetime: stated(headers, now), age: age(headers) }
    }
}

/// Reads the keys. Without them, the finding says why.
pub(super) async fn read(
    source: &JwksSource,
    http: Option<&dyn HttpClient>,
    clock: &dyn Clock,
) -> Result<Published, Finding> {
    match source {
        JwksSource::Document(json) => {
            let place = "the given JWK Set".to_owned();
            Ok(Published { place, set: JwkSet::from_json(json), caching: None })
        }
        JwksSource::File(path) => {
            let place = shown(&path.to_string_lossy(), 256);
            match file(path) {
                Ok(json) => Ok(Published { place, set: JwkSet::from_json(&json), caching: None }),
                Err(error) => {
                    let text = format!("cannot read {place}: {error}");
                    Err(Finding::not_checked(Step::Jwks, "fetch", text).advise("check the path"))
                }
            }
        }
        JwksSource::Url(url) => match http {
            Some(http) => fetch(url, http, clock).await,
            None => {
                let text = format!("{} was not fetched (offline)", safe_url(url));
                Err(Finding::not_checked(Step::Jwks, "fetch", text))
            }
        },
    }
}

fn file(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut json = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(PrivateKey::MAX_FILE_LEN as u64).read_to_end(&mut json)?;
    Ok(json)
}

async fn fetch(url: &str, http: &dyn HttpClient, clock: &dyn Clock) -> Result<Published, Finding> {
    let place = safe_url(url);
    if let Err(error) = check_endpoint("jwks_uri", url) {
        return Err(Finding::wrong(Step::Jwks, "url", error.to_string())
            .advise("publish the keys at an https URL: servers fetch nothing else"));
    }
    let recorder = Recorder::new(http, clock);
    match get_json(&recorder, url).await {
        Ok(answer) => {
            let caching = Some(Caching::of(&recorder.headers(), clock.now()));
            Ok(Published { place, set: JwkSet::from_json(answer.body()), caching })
        }
        Err(error) => Err(unreachable(&place, &error)),
    }
}

fn unreachable(place: &str, error: &TransportError) -> Finding {
    let finding = Finding::wrong(Step::Jwks, "fetch", format!("cannot fetch {place}: {}", chain(error)));
    finding.advise(match error {
        TransportError::Status { status: 300..=399, .. } => {
            "register the URL that the redirect leads to: many servers follow none"
        }
        TransportError::Status { .. } => "publish the keys there with status 200 and without a login",
        TransportError::Tls { .. } => {
            "use a certificate that the server trusts: its JWKS fetch fails as well"
        }
        _ => "check that the server can reach this URL; if only this machine cannot, pass the file (--jwks)",
    })
}

/// Whether the server can reach the URL of the keys: loopback is another machine there, unless the
/// server is on this machine too.
pub(super) fn judge_url(source: &JwksSource, issuer: Option<&str>) -> Option<Finding> {
    let JwksSource::Url(url) = source else { return None };
    let is_local = |url: &str| url::Url::parse(url).is_ok_and(|url| is_loopback(&url));
    if check_endpoint("jwks_uri", url).is_err() {
        return None;
    }
    let place = safe_url(url);
    Some(match (is_local(url), issuer.is_some_and(is_local)) {
        (true, false) => {
            let text = format!("{place} is an address of this machine, which the server cannot reach");
            Finding::wrong(Step::Jwks, "url", text).advise("publish the keys where the server can reach them")
        }
        (true, true) => {
            let text = format!("{place} is on this machine, like the server");
            Finding::good(Step::Jwks, "url", text)
        }
        (false, _) => Finding::good(Step::Jwks, "url", format!("{place} is https")),
    })
}
