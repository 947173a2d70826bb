//! The metadata of an authorization server: given, or discovered and kept fresh.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use time::OffsetDateTime;

use super::freshness::{Lifetimes, age, stated};
use super::refreshing::{self, Failure, Pause, Phase, Refreshing, distance};
use super::{Clock, Deadline, HttpClient, TransportError};
use crate::keys::BoxFuture;
use crate::oauth::{AuthorizationServer, Discovery, OAuthError, PlainHttp};
use crate::observer::{Event, Observer, emit, without_query};

/// Where the metadata of an authorization server (RFC 8414) come from.
///
/// Functions take an `impl Into<MetadataSource>`: an [`AuthorizationServer`], a [`Discovery`], or
/// an issuer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum MetadataSource {
    /// They are known, and never change.
    Known(Arc<AuthorizationServer>),
    /// They are discovered with the first request that needs them, and kept fresh.
    ///
    /// They are fresh for as long as the server says (`Cache-Control`, `Expires`), at least 5 min
    /// and at most a day, or for an hour if it does not say. Then the next request starts a fetch
    /// in the background. If that fails, or if the new metadata cannot be trusted, such as those of
    /// another issuer, the client keeps the old ones until a later fetch succeeds.
    Discovered(Discovery),
}

impl MetadataSource {
    /// The server as far as it is known. Before its discovery, only the issuer is.
    pub(crate) fn stand_in(&self) -> Arc<AuthorizationServer> {
        match self {
            Self::Known(server) => Arc::clone(server),
            Self::Discovered(discovery) => AuthorizationServer::undiscovered(discovery.issuer()).into(),
        }
    }

    pub(crate) fn plain_http(&self) -> PlainHttp {
        match self {
            Self::Known(server) => server.plain_http(),
            Self::Discovered(discovery) => discovery.plain_http(),
        }
    }

    /// # Errors
    ///
    /// As [`Discovery::urls`].
    pub(crate) fn check(&self) -> Result<(), OAuthError> {
        match self {
            Self::Known(_) => Ok(()),
            Self::Discovered(discovery) => discovery.urls().map(drop),
        }
    }

    /// Starts to use the source. Nothing is fetched yet.
    pub(crate) fn open(
        self,
        http: &Arc<dyn HttpClient>,
        clock: &Arc<dyn Clock>,
        observer: Option<&Arc<dyn Observer>>,
    ) -> Metadata {
        match self {
            Self::Known(server) => Metadata::Known(server),
            Self::Discovered(discovery) => {
                let (http, clock) = (Arc::clone(http), Arc::clone(clock));
                let document = Refreshing::new(None, Arc::clone(&clock));
                let (issuer, observer) = (discovery.issuer(), observer.cloned());
                let source = Discovered { discovery, issuer, http, clock, observer, document };
                Metadata::Discovered(Arc::new(source))
            }
        }
    }
}

impl From<AuthorizationServer> for MetadataSource {
    fn from(server: AuthorizationServer) -> Self {
        Self::Known(server.into())
    }
}

impl From<Arc<AuthorizationServer>> for MetadataSource {
    fn from(server: Arc<AuthorizationServer>) -> Self {
        Self::Known(server)
    }
}

impl From<&str> for MetadataSource {
    /// An issuer, or the URL of a metadata document: see [`Discovery::new`].
    fn from(issuer_or_url: &str) -> Self {
        Self::Discovered(Discovery::new(issuer_or_url))
    }
}

impl From<String> for MetadataSource {
    /// As from a `&str`.
    fn from(issuer_or_url: String) -> Self {
        Self::Discovered(Discovery::new(issuer_or_url))
    }
}

impl From<Discovery> for MetadataSource {
    fn from(discovery: Discovery) -> Self {
        Self::Discovered(discovery)
    }
}

/// The metadata of a server. A clone shares it.
#[derive(Clone)]
pub(crate) enum Metadata {
    Known(Arc<AuthorizationServer>),
    Discovered(Arc<Discovered>),
}

impl Metadata {
    /// The server, which is discovered now if it is not known yet.
    pub(crate) async fn server(&self) -> Result<Arc<AuthorizationServer>, TransportError> {
        match self {
            Self::Known(server) => Ok(Arc::clone(server)),
            Self::Discovered(source) => Ok(Arc::clone(&Refreshing::get(source).await?.server)),
        }
    }

    /// The server, if it is known.
    pub(crate) fn held(&self) -> Option<Arc<AuthorizationServer>> {
        match self {
            Self::Known(server) => Some(Arc::clone(server)),
            Self::Discovered(source) => source.document.held().as_ref().map(|held| Arc::clone(&held.server)),
        }
    }

    /// The error if there was no time to wait for the server's metadata.
    pub(crate) fn timeout(&self) -> TransportError {
        TransportError::timeout(match self {
            Self::Known(_) => "",
            Self::Discovered(source) => source.discovery.place(),
        })
    }

    /// The issuer, if it is known.
    pub(crate) fn issuer(&self) -> Option<&str> {
        match self {
            Self::Known(server) => server.issuer(),
            Self::Discovered(source) => Some(&source.issuer),
        }
    }
}

/// Discovers a server.
pub(crate) struct Discovered {
    discovery: Discovery,
    issuer: String,
    http: Arc<dyn HttpClient>,
    clock: Arc<dyn Clock>,
    observer: Option<Arc<dyn Observer>>,
    document: Refreshing<Arc<Self>>,
}

/// What was discovered, and how long it is fresh.
pub(crate) struct Document {
    server: Arc<AuthorizationServer>,
    fetched: OffsetDateTime,
    lifetime: Duration,
}

impl Discovered {
    const LIFETIMES: Lifetimes = Lifetimes {
        least: Duration::from_secs(300),
        most: Duration::from_secs(24 * 3600),
        without_headers: Duration::from_secs(3600),
    };
    const LONGEST_FETCH: Duration = Duration::from_secs(10);
    const FIRST_PAUSE: Duration = Duration::from_millis(500);
    /// If callers wait for a server that is not up yet, and if none does.
    const LONGEST_PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(300)];

    fn emit(&self, event: &Event<'_>) {
        emit(event, self.observer.as_ref(), None);
    }

    fn timeout(&self) -> TransportError {
        TransportError::timeout(self.discovery.place())
    }
}

impl refreshing::Source for Arc<Discovered> {
    type Value = Document;
    type Answer = Result<Document, TransportError>;
    type Error = TransportError;

    fn refreshing(&self) -> &Refreshing<Self> {
        &self.document
    }

    fn limit(&self) -> Duration {
        Discovered::LONGEST_FETCH
    }

    fn phase(&self, document: &Document, now: OffsetDateTime) -> Phase {
        let is_fresh = distance(now, document.fetched) < document.lifetime;
        if is_fresh { Phase::Fresh } else { Phase::Ageing }
    }

    fn fetch(
        &self,
        held: Option<Arc<Document>>,
        fetched: OffsetDateTime,
    ) -> Result<BoxFuture<'static, Self::Answer>, Self::Error> {
        let source = Self::clone(self);
        let fetch = async move {
            let fetch = pin!(source.discovery.fetch_with(&*source.http));
            let fetched_in_time = Deadline::after(Discovered::LONGEST_FETCH).bound(fetch).await;
            let (server, headers) = fetched_in_time.unwrap_or_else(|| Err(source.timeout()))?;
            let stated = stated(&headers, source.clock.now());
            let lifetime = Discovered::LIFETIMES.bound(stated, age(&headers));
            let duration = (source.clock.now() - fetched).try_into().unwrap_or_default();
            let (issuer, is_refresh) = (&*without_query(&source.issuer), held.is_some());
            source.emit(&Event::MetadataFetched { issuer, is_refresh, duration });
            Ok(Document { server: server.into(), fetched, lifetime })
        };
        // An HTTP client that panics would panic again, so a panic is a failure like any other.
        let fetch = AssertUnwindSafe(fetch).catch_unwind();
        Ok(Box::pin(fetch.map(|done| done.unwrap_or_else(|_| Err(Self::lost())))))
    }

    fn read(&self, answer: Self::Answer, _: bool, _: OffsetDateTime) -> Result<Document, Self::Error> {
        answer
    }

    fn pause(&self, failure: &Failure<'_, Self::Error>) -> Pause {
        let doubled =
            Discovered::FIRST_PAUSE * 2_u32.saturating_pow(failure.failures.saturating_sub(1).min(16));
        let pause = failure.error.map_or(Duration::ZERO, |_| doubled);
        let [waiting, serving] = Discovered::LONGEST_PAUSES.map(|longest| pause.min(longest));
        Pause { serving, waiting }
    }

    fn lost() -> Self::Error {
        TransportError::Request("no tokio runtime, or the HTTP client panicked".into())
    }

    fn failed(&self, error: &Self::Error, pause: Duration, serves: bool) {
        let issuer = &*without_query(&self.issuer);
        self.emit(&Event::MetadataFetchFailed { issuer, pause, has_metadata: serves, error });
    }
}
