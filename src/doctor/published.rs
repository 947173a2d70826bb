//! Reads the client's published keys from the URL or the file that the user named, and from nowhere
//! else.

use std::time::Duration;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::document::Document;
use super::finding::{Finding, Step};
use super::recorder::Recorder;
use super::setup::JwksSource;
use super::words::chain;
use crate::jose::error::shown;
use crate::jose::{JoseError, JwkSet};
use crate::keys::PrivateKey;
use crate::oauth::{AuthorizationServer, check_endpoint, is_loopback, safe_url};
use crate::transport::freshness::{age, stated};
use crate::transport::{Clock, HttpClient, TransportError, get_json};

/// What was read.
pub(super) struct Published {
    /// The URL or the file, safe to show.
    pub(super) place: String,
    pub(super) set: Result<JwkSet, JoseError>,
    /// What the document is, if it is no JWK Set.
    pub(super) document: Option<Document>,
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
        JwksSource::Document(json) => Published::of("the given JWK Set".to_owned(), json),
        JwksSource::File(path) => {
            let place = shown(&path.to_string_lossy(), 256);
            match file(path) {
                Ok(json) => Published::of(place, &json),
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

impl Published {
    /// Reads a document from this machine.
    fn of(place: String, json: &[u8]) -> Result<Self, Finding> {
        if json.len() > LIMIT {
            let text = format!("{place} has more than {LIMIT} bytes, at most {LIMIT} are read");
            let advice = "publish only the keys that are in use: servers limit the size as well";
            return Err(Finding::wrong(Step::Jwks, "document", text).advise(advice));
        }
        Ok(Self::read(place, json, None))
    }

    fn read(place: String, json: &[u8], content_type: Option<&str>) -> Self {
        let set = JwkSet::from_json(json);
        let document = set.as_ref().err().and_then(|_| Document::of(content_type, json));
        Self { place, set, document, caching: None }
    }
}

/// The longest document that is read, in bytes.
const LIMIT: usize = PrivateKey::MAX_FILE_LEN;

/// The file, which may contain private keys by mistake: one byte more than the limit at most.
fn file(path: &std::path::Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    use std::io::Read;
    // Allocate in full at once: a buffer that grows leaves copies behind.
    let mut json = Zeroizing::new(Vec::with_capacity(LIMIT + 2));
    std::fs::File::open(path)?.take(LIMIT as u64 + 1).read_to_end(&mut json)?;
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
            let headers = recorder.headers();
            let content_type = headers.get(CONTENT_TYPE).and_then(|found| found.to_str().ok());
            // It may contain private keys by mistake.
            let json = Zeroizing::new(answer.into_body());
            let caching = Some(Caching::of(&headers, clock.now()));
            Ok(Published { caching, ..Published::read(place, &json, content_type) })
        }
        Err(error) => Err(unreachable(&place, &error)),
    }
}

fn unreachable(place: &str, error: &TransportError) -> Finding {
    let finding = Finding::wrong(Step::Jwks, "fetch", format!("cannot fetch {place}: {}", chain(error)));
    finding.advise(match error {
        TransportError::Status { status: 300..=399, .. } => {
            "register the URL that the redirect leads to, as many servers follow none; if it leads to a login, publish \
             the keys without one"
        }
        TransportError::Status { .. } => "publish the keys there with status 200 and without a login",
        TransportError::Tls { .. } => {
            "use a certificate that the server trusts: its JWKS fetch fails as well"
        }
        _ => "check that the server can reach this URL; if only this machine cannot, pass the file (--jwks)",
    })
}

/// Whether the URL is that of the server's own keys, which are not the client's.
pub(super) fn judge_owner(source: &JwksSource, server: Option<&AuthorizationServer>) -> Option<Finding> {
    let JwksSource::Url(url) = source else { return None };
    let own = server?.jwks_uri().ok().filter(|own| own == url)?;
    let text = format!("{} is the URL of the server's own keys, not of the client's", safe_url(own));
    Some(Finding::wrong(Step::Jwks, "url", text).advise(
        "name the URL where this client publishes its keys, as registered with the server (--jwks-url), or their file \
         (--jwks)",
    ))
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
