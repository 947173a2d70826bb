use std::time::Duration;

use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap,
    HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use sha2::{Digest, Sha256};

use crate::jose::{JwkSet, base64url};
use crate::keys::KeyRing;

impl KeyRing {
    /// The JWK Set of the ring as the answer to requests of the JWKS URL, as it is now. With axum
    /// and the feature `tower`, `jwks_service` is shorter.
    ///
    /// The keys are in the order of their `kid`, which is the same on every replica. The ring's own
    /// order would not be: a replica that was restarted does not know when a key appeared.
    ///
    /// Caches may keep a copy for a third of the ring's propagation time: a cache in front of the
    /// server and the server's own copy together stay below it. Maximum:
    /// [`JwksResponse::MAX_AGE`].
    ///
    /// ```
    /// use axum::body::Body;
    /// use axum::http::{HeaderMap, Method, header::IF_NONE_MATCH};
    /// use axum::{Router, routing::any};
    /// use private_key_jwt::KeyRing;
    ///
    /// fn router(keys: KeyRing) -> Router {
    ///     let jwks = move |method: Method, headers: HeaderMap| async move {
    ///         keys.jwks_response().respond::<Body>(method, headers.get_all(IF_NONE_MATCH))
    ///     };
    ///     Router::new().route("/jwks.json", any(jwks))
    /// }
    /// ```
    #[must_use]
    pub fn jwks_response(&self) -> JwksResponse {
        let mut jwks = self.jwks();
        jwks.keys.sort_by(|a, b| a.key_id().cmp(&b.key_id()));
        JwksResponse::new(&jwks, (self.propagation() / 3).min(JwksResponse::MAX_AGE))
    }
}

/// A JWK Set with all that HTTP caches need to know about it: [`KeyRing::jwks_response`] and
/// [`KeyDirectory::jwks_response`](super::KeyDirectory::jwks_response) return it.
///
/// It answers requests for servers of any kind. The method and the header values may be strings, or
/// come from any version of the crate `http`. With actix-web, pass `request.method()` and
/// `request.headers().get_all("if-none-match")` to [`respond`](Self::respond).
///
/// ```
/// use private_key_jwt::{Algorithm, KeyRing, PrivateKey};
///
/// let keys = KeyRing::from(PrivateKey::generate(Algorithm::ES256)?.private_key()?);
/// let jwks = keys.jwks_response();
/// let first = jwks.respond::<Vec<u8>>("GET", [""; 0]);
/// assert_eq!((first.status().as_u16(), first.body().as_slice()), (200, jwks.body().as_bytes()));
/// assert_eq!(first.headers()["cache-control"], "public, max-age=100"); // a third of 300 s
/// let again = jwks.respond::<Vec<u8>>("GET", [jwks.etag()]);
/// assert_eq!((again.status().as_u16(), again.body().len()), (304, 0));
/// # Ok::<(), private_key_jwt::KeyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwksResponse {
    body: String,
    etag: String,
    max_age: Duration,
}

impl JwksResponse {
    /// The media type of a JWK Set (RFC 7517 §8.5.2).
    pub const MEDIA_TYPE: &str = "application/jwk-set+json";
    /// The longest time for which caches keep a copy of a ring's set: one hour, so that a revoked
    /// key leaves them soon.
    pub const MAX_AGE: Duration = Duration::from_secs(3600);

    /// A set that is no ring's, in its own order. Caches may keep a copy for `max_age`, in whole
    /// seconds.
    #[must_use]
    pub fn new(jwks: &JwkSet, max_age: Duration) -> Self {
        let body = jwks.to_json();
        let etag = format!("\"{}\"", base64url::encode(Sha256::digest(&body)));
        Self { body, etag, max_age }
    }

    /// The set as JSON.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The strong entity tag of the body, in its quotes (RFC 9110 §8.8.3). Equal sets have equal
    /// tags.
    #[must_use]
    pub fn etag(&self) -> &str {
        &self.etag
    }

    /// Answers a request with this method, and with these values of `If-None-Match` (RFC 9110
    /// §13.1.2).
    ///
    /// | request | status | header fields |
    /// | --- | --- | --- |
    /// | GET | 200 | `Content-Type`, `ETag`, `Cache-Control: public, max-age=…`, `Access-Control-Allow-Origin`, `X-Content-Type-Options` |
    /// | HEAD | 200, without a body | the same and `Content-Length` |
    /// | GET or HEAD, and a value has the tag or is `*` | 304, without a body | `ETag`, `Cache-Control`, `Access-Control-Allow-Origin` |
    /// | another method | 405, without a body | `Allow: GET, HEAD` |
    ///
    /// Weak tags match too, since a proxy that compresses makes a tag weak. Malformed values match
    /// nothing. `Access-Control-Allow-Origin` is `*`: the keys are public, and a page in a browser
    /// may check a signature with them.
    #[must_use]
    pub fn respond<B: From<Vec<u8>>>(
        &self,
        method: impl AsRef<str>,
        if_none_match: impl IntoIterator<Item: AsRef<[u8]>>,
    ) -> Response<B> {
        let method = method.as_ref();
        let mut headers = HeaderMap::new();
        let (status, body) = if method != "GET" && method != "HEAD" {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            (StatusCode::METHOD_NOT_ALLOWED, "")
        } else {
            let cache_control = format!("public, max-age={}", self.max_age.as_secs());
            headers.extend(HeaderValue::try_from(&self.etag).ok().map(|etag| (ETAG, etag)));
            headers.extend(HeaderValue::try_from(cache_control).ok().map(|value| (CACHE_CONTROL, value)));
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            if names(if_none_match, &self.etag) {
                (StatusCode::NOT_MODIFIED, "")
            } else {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(Self::MEDIA_TYPE));
                headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
                if method == "HEAD" {
                    headers.insert(CONTENT_LENGTH, self.body.len().into());
                    (StatusCode::OK, "")
                } else {
                    (StatusCode::OK, self.body.as_str())
                }
            }
        };
        let mut response = Response::new(B::from(body.as_bytes().to_vec()));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

/// Whether the values of `If-None-Match` name this tag, by the weak comparison (RFC 9110 §8.8.3.2).
fn names(values: impl IntoIterator<Item: AsRef<[u8]>>, etag: &str) -> bool {
    // RFC 9110 §5.3: several lines are one list.
    let lines: Vec<_> = values.into_iter().collect();
    let list = lines.iter().map(AsRef::as_ref).collect::<Vec<&[u8]>>().join(&b',');
    let list = list.trim_ascii();
    list == b"*" || tags(list).is_some_and(|tags| tags.contains(&etag.as_bytes()))
}

/// The tags of a list, without the marks of weak ones; `None` if the list is malformed. A tag may
/// contain commas, and a list may have empty elements (RFC 9110 §5.6.1.2).
fn tags(mut list: &[u8]) -> Option<Vec<&[u8]>> {
    let mut tags = Vec::new();
    loop {
        list = list.trim_ascii_start();
        match list {
            [] => return Some(tags),
            [b',', rest @ ..] => {
                list = rest;
                continue;
            }
            _ => {}
        }
        list = list.strip_prefix(b"W/").unwrap_or(list);
        let inside = list.strip_prefix(b"\"")?;
        let len = inside.iter().position(|byte| !matches!(byte, 0x21 | 0x23..=0x7e | 0x80..))?;
        let (tag, rest) = list.split_at_checked(len.checked_add(2)?)?;
        if !tag.ends_with(b"\"") || !matches!(rest.trim_ascii_start(), [] | [b',', ..]) {
            return None;
        }
        tags.push(tag);
        list = rest;
    }
}

#[cfg(test)]
mod tests;
