//! One fetched JWK Set: the request for it, and how a response is read.

use std::sync::Arc;
use std::time::Duration;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED,
};
use http::{Request, Response, StatusCode, Uri};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::JwksFetchError;
use super::freshness::{Bounds, stated};
use super::rules::Age;
use crate::jose::{JoseError, JwkSet};
use crate::keys::PublicKeySet;
use crate::oauth::{OAuthError, content_coding, safe_url};
use crate::transport::{ReqwestClient, TransportError};

/// A set of keys, and what is known about the document that it came from.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) keys: Arc<PublicKeySet>,
    pub(super) age: Age,
    /// The hash of the body: an unchanged body is not parsed again.
    hash: [u8; 32],
    /// The lifetime that the issuer stated last.
    stated: Option<Duration>,
    validators: HeaderMap,
}

/// The request header in which a validator of a response is sent back (RFC 9111 §4.3.1).
const CONDITIONS: [(HeaderName, HeaderName); 2] = [(ETAG, IF_NONE_MATCH), (LAST_MODIFIED, IF_MODIFIED_SINCE)];

/// Requests the set, or whether the cached one is still current.
pub(super) fn request(target: &Uri, held: Option<&Document>) -> Request<Vec<u8>> {
    let mut request = Request::new(Vec::new());
    *request.uri_mut() = target.clone();
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/jwk-set+json, application/json"));
    // Without it, the server may use any coding (RFC 9110 §12.5.3), and the user's HTTP client may
    // not decode it.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for (validator, condition) in CONDITIONS {
        if let Some(value) = held.and_then(|held| held.validators.get(validator)) {
            headers.insert(condition, value.clone());
        }
    }
    request
}

/// A fetch: what it asked, and when.
pub(super) struct Asked<'a> {
    pub(super) url: &'a str,
    /// The cached document when the fetch began; a 304 is about this.
    pub(super) held: Option<&'a Document>,
    pub(super) began: OffsetDateTime,
    pub(super) bounds: &'a Bounds,
}

impl Asked<'_> {
    /// Reads a response that arrived at `now`.
    pub(super) fn read(
        &self,
        answer: Response<Vec<u8>>,
        now: OffsetDateTime,
    ) -> Result<Document, JwksFetchError> {
        match (answer.status(), self.held) {
            (StatusCode::OK, held) => {
                let (parts, body) = answer.into_parts();
                self.set(held, parts.headers, &body, now)
            }
            (StatusCode::NOT_MODIFIED, Some(held)) if !held.validators.is_empty() => {
                Ok(self.unchanged(held, answer.into_parts().0.headers, now))
            }
            _ => Err(TransportError::status(self.url, &answer).into()),
        }
    }

    fn set(
        &self,
        held: Option<&Document>,
        headers: HeaderMap,
        body: &[u8],
        now: OffsetDateTime,
    ) -> Result<Document, JwksFetchError> {
        // The user's HTTP client may have no limit.
        if body.len() > ReqwestClient::MAX_BODY_LEN {
            let (host, limit) = (super::host(self.url), ReqwestClient::MAX_BODY_LEN);
            return Err(TransportError::BodyTooLarge { host, limit }.into());
        }
        let hash = Sha256::digest(body).into();
        let keys = match held.filter(|held| held.hash == hash) {
            Some(held) => Arc::clone(&held.keys),
            None => {
                let refused = |source| match content_coding(&headers) {
                    Some(found) if matches!(source, JoseError::Json { .. }) => {
                        let error = OAuthError::ContentEncoding { what: "the JWK Set", found };
                        TransportError::from(error).into()
                    }
                    _ => JwksFetchError::Document { url: safe_url(self.url), source },
                };
                Arc::new(JwkSet::from_json(body).map_err(refused)?.into())
            }
        };
        let stated = stated(&headers, now);
        Ok(Document {
            keys,
            age: Age { fetched: self.began, lifetime: self.bounds.lifetime(stated, &headers) },
            hash,
            stated,
            validators: validators(headers),
        })
    }

    /// RFC 9111 §4.3.4: the headers of a 304 replace the stored ones; stored headers that it lacks
    /// stay.
    fn unchanged(&self, held: &Document, headers: HeaderMap, now: OffsetDateTime) -> Document {
        let stated = stated(&headers, now).or(held.stated);
        let lifetime = self.bounds.lifetime(stated, &headers);
        let mut kept = held.validators.clone();
        kept.extend(validators(headers));
        Document {
            keys: Arc::clone(&held.keys),
            age: Age { fetched: self.began, lifetime },
            hash: held.hash,
            stated,
            validators: kept,
        }
    }
}

/// The validators of an answer, one line each.
fn validators(mut headers: HeaderMap) -> HeaderMap {
    CONDITIONS
        .into_iter()
        .filter_map(|(validator, _)| headers.remove(&validator).map(|value| (validator, value)))
        .collect()
}
