//! Where a set comes from: the request for it, how a response is read, and what keeps it fresh.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Either, select};
use http::header::{ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use http::{Request, Response, StatusCode};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::error::{JwksFetchError, RemoteJwksError};
use super::policy::Policy;
use crate::jose::{JoseError, JwkSet, KeyId};
use crate::keys::{BoxFuture, PublicKeySet};
use crate::oauth::{OAuthError, content_coding, safe_url};
use crate::observer::{Event, Observer, emit, without_query};
use crate::transport::freshness::{age, stated};
use crate::transport::refreshing::{self, Failure, Pause, Phase, Refreshing, distance};
use crate::transport::{Clock, HttpClient, Metadata, ReqwestClient, TransportError, get_request};

/// The place of a set, the policy for it, and the set.
pub(super) struct Source {
    pub(super) place: Place,
    pub(super) http: Arc<dyn HttpClient>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) policy: Policy,
    pub(super) observer: Option<Arc<dyn Observer>>,
    /// Whether a client registered the URL, so that it is one of many.
    pub(super) is_of_client: bool,
    /// Whether the cached keys have been reported as no longer fresh.
    pub(super) is_stale: AtomicBool,
    pub(super) set: Refreshing<Arc<Self>>,
}

/// Where a set is.
pub(super) enum Place {
    /// At this URL. The request for the set was made before.
    Url(String, Box<Request<Vec<u8>>>),
    /// At the `jwks_uri` of a server.
    Server(Metadata),
}

impl Place {
    /// # Errors
    ///
    /// [`OAuthError::Endpoint`] for a URL that the HTTP client cannot request.
    pub(super) fn url(url: String) -> Result<Self, OAuthError> {
        let request = request(&url)?.into();
        Ok(Self::Url(url, request))
    }

    /// The request for the set, and its URL.
    async fn request(&self) -> Result<(String, Request<Vec<u8>>), JwksFetchError> {
        match self {
            Self::Url(url, request) => Ok((url.clone(), Request::clone(request))),
            Self::Server(metadata) => {
                let discovery = |source| {
                    let issuer = safe_url(metadata.issuer().unwrap_or_default());
                    JwksFetchError::Discovery { issuer, source }
                };
                let server = metadata.server().await.map_err(discovery)?;
                let url = server.jwks_uri().map_err(TransportError::from)?;
                Ok((url.to_owned(), request(url).map_err(TransportError::from)?))
            }
        }
    }
}

fn request(url: &str) -> Result<Request<Vec<u8>>, OAuthError> {
    get_request("jwks_uri", url, "application/jwk-set+json, application/json")
}

/// A set of keys, and what is known about the document that it came from.
#[derive(Clone)]
pub(super) struct Document {
    /// Its URL.
    pub(super) url: Arc<str>,
    pub(super) keys: Arc<PublicKeySet>,
    /// When it was requested.
    pub(super) fetched: OffsetDateTime,
    /// How long it is fresh.
    lifetime: Duration,
    /// The hash of the body: an unchanged body is not parsed again.
    hash: [u8; 32],
    /// The lifetime that the issuer stated last.
    stated: Option<Duration>,
    /// The validators of the response, as headers of the next request.
    conditions: HeaderMap,
}

/// The request header in which a validator of a response is sent back (RFC 9111 §4.3.1).
const CONDITIONS: [(HeaderName, HeaderName); 2] = [(ETAG, IF_NONE_MATCH), (LAST_MODIFIED, IF_MODIFIED_SINCE)];

impl Source {
    /// The URL of the set, if it is known.
    pub(super) fn url(&self) -> Option<String> {
        match &self.place {
            Place::Url(url, _) => Some(url.clone()),
            Place::Server(metadata) => metadata.held()?.jwks_uri().ok().map(str::to_owned),
        }
    }

    /// The URL of the set, or else its issuer, safe to log.
    pub(super) fn name(&self) -> String {
        match (self.url(), &self.place) {
            (Some(url), _) => safe_url(&url),
            (None, Place::Server(metadata)) => safe_url(metadata.issuer().unwrap_or_default()),
            (None, Place::Url(url, _)) => safe_url(url),
        }
    }

    /// The error of a token for which there are no keys.
    pub(super) fn unavailable(&self, source: Arc<JwksFetchError>) -> RemoteJwksError {
        let (url, limit, now) = (self.name(), self.policy.hard_limit, self.clock.now());
        match self.set.held().as_ref().map(|held| distance(now, held.fetched)) {
            Some(age) if age >= limit => RemoteJwksError::TooOld { url, age, limit, source },
            _ => RemoteJwksError::Unavailable { url, source },
        }
    }

    /// Fetches the set. It was cached as `held`.
    async fn request(
        &self,
        held: Option<&Document>,
        began: OffsetDateTime,
    ) -> Result<Document, JwksFetchError> {
        let (url, mut request) = self.place.request().await?;
        // The validators of another document say nothing about this one.
        let held = held.filter(|held| *held.url == url);
        request.headers_mut().extend(held.iter().flat_map(|held| held.conditions.clone()));
        self.answered(&url, self.http.send(request).await?, held, began)
    }

    /// Reads the response to a request that began at `fetched`. A 304 is about `held`.
    fn answered(
        &self,
        url: &str,
        answer: Response<Vec<u8>>,
        held: Option<&Document>,
        fetched: OffsetDateTime,
    ) -> Result<Document, JwksFetchError> {
        let (mut parts, body) = answer.into_parts();
        let stated = stated(&parts.headers, self.clock.now());
        let mut document = match (parts.status, held) {
            (StatusCode::OK, _) => {
                let hash = Sha256::digest(&body).into();
                let keys = match held.filter(|held| held.hash == hash) {
                    Some(held) => Arc::clone(&held.keys),
                    None => self.keys(url, &parts.headers, &body)?,
                };
                let (lifetime, conditions) = (Duration::ZERO, HeaderMap::new());
                Document { url: url.into(), keys, fetched, lifetime, hash, stated, conditions }
            }
            // The headers of a 304 replace the stored ones; others stay (RFC 9111 §4.3.4).
            (StatusCode::NOT_MODIFIED, Some(held)) if !held.conditions.is_empty() => {
                Document { fetched, stated: stated.or(held.stated), ..held.clone() }
            }
            _ => return Err(TransportError::status(url, &Response::from_parts(parts, body)).into()),
        };
        document.lifetime = self.policy.lifetimes.bound(document.stated, age(&parts.headers));
        for (validator, condition) in CONDITIONS {
            if let Some(value) = parts.headers.remove(validator) {
                document.conditions.insert(condition, value);
            }
        }
        Ok(document)
    }

    /// The keys in a body.
    fn keys(&self, url: &str, headers: &HeaderMap, body: &[u8]) -> Result<Arc<PublicKeySet>, JwksFetchError> {
        // The user's HTTP client may have no limit.
        let limit = ReqwestClient::MAX_BODY_LEN;
        if body.len() > limit {
            return Err(TransportError::body_too_large(url, limit).into());
        }
        match (JwkSet::from_json(body), content_coding(headers)) {
            (Ok(set), _) => Ok(Arc::new(set.into())),
            (Err(JoseError::Json { .. }), Some(found)) => {
                Err(TransportError::from(OAuthError::ContentEncoding { what: "the JWK Set", found }).into())
            }
            (Err(source), _) => Err(JwksFetchError::Document { url: safe_url(url), source }),
        }
    }

    /// Reports a fetch that began at this time.
    fn fetched(&self, document: &Document, held: Option<&Document>, began: OffsetDateTime) {
        self.is_stale.store(false, Ordering::Relaxed);
        let (url, names) = (&*without_query(&document.url), document.keys.names());
        let (keys, is_refresh) = (names.len(), held.is_some());
        let is_unchanged = held.is_some_and(|held| Arc::ptr_eq(&held.keys, &document.keys));
        let duration = (self.clock.now() - began).try_into().unwrap_or_default();
        let is_of_client = self.is_of_client;
        self.emit(&Event::JwksFetched { url, keys, is_unchanged, is_refresh, is_of_client, duration });
        let Some(held) = held.filter(|_| !is_unchanged) else { return };
        let before = held.keys.names();
        let without = |these: &[KeyId], others: &[KeyId]| -> Vec<KeyId> {
            these.iter().filter(|name| !others.contains(name)).cloned().collect()
        };
        let (added, removed) = (&*without(&names, &before), &*without(&before, &names));
        if !added.is_empty() || !removed.is_empty() {
            self.emit(&Event::JwksChanged { url, added, removed });
        }
    }

    fn emit(&self, event: &Event<'_>) {
        emit(event, self.observer.as_ref(), None);
    }
}

impl refreshing::Source for Arc<Source> {
    type Value = Document;
    type Answer = Result<Document, JwksFetchError>;
    type Error = Arc<JwksFetchError>;

    fn refreshing(&self) -> &Refreshing<Self> {
        &self.set
    }

    /// More than any fetch may take.
    fn limit(&self) -> Duration {
        self.policy.cool_down
    }

    fn phase(&self, set: &Document, now: OffsetDateTime) -> Phase {
        self.policy.phase(set.fetched, set.lifetime, now)
    }

    fn fetch(
        &self,
        held: Option<Arc<Document>>,
        began: OffsetDateTime,
    ) -> Result<BoxFuture<'static, Self::Answer>, Self::Error> {
        let source = Self::clone(self);
        let fetch = async move {
            let limit = source.clock.sleep(source.policy.longest_fetch());
            let fetch = pin!(source.request(held.as_deref(), began));
            match select(fetch, limit).await {
                Either::Left((document, _)) => {
                    let document = document?;
                    source.fetched(&document, held.as_deref(), began);
                    Ok(document)
                }
                Either::Right(_) => Err(TransportError::timeout(&source.name()).into()),
            }
        };
        // An HTTP client that panics would panic again, so a panic is a failure like any other.
        let fetch = AssertUnwindSafe(fetch).catch_unwind();
        Ok(Box::pin(fetch.map(|done| done.unwrap_or(Err(JwksFetchError::Lost)))))
    }

    fn read(&self, answer: Self::Answer, _: bool, _: OffsetDateTime) -> Result<Document, Self::Error> {
        answer.map_err(Arc::new)
    }

    fn pause(&self, failure: &Failure<'_, Self::Error>) -> Pause {
        self.policy.pause(failure)
    }

    fn lost() -> Self::Error {
        Arc::new(JwksFetchError::Lost)
    }

    fn failed(&self, error: &Self::Error, pause: Duration, serves: bool) {
        let url = &*without_query(&self.name());
        let (has_keys, is_of_client) = (serves, self.is_of_client);
        self.emit(&Event::JwksFetchFailed { url, pause, has_keys, is_of_client, error: &**error });
        let (hard_limit, now) = (self.policy.hard_limit, self.clock.now());
        let age = self.set.held().as_ref().map(|held| (distance(now, held.fetched), held.lifetime));
        if let Some((age, lifetime)) = age
            && serves
            && age >= lifetime
            && !self.is_stale.swap(true, Ordering::Relaxed)
        {
            self.emit(&Event::JwksStale { url, age, hard_limit });
        }
    }
}
