//! Where a set comes from: one fetch, and what its outcome means for the next.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::document::{Asked, Document, request};
use super::freshness::Bounds;
use super::rules::Rules;
use super::{JwksFetchError, RemoteJwksError};
use crate::keys::BoxFuture;
use crate::oauth::safe_url;
use crate::transport::refreshing::{self, Failure, Need, Pause, Phase, Refreshing, Source as _};
use crate::transport::{Clock, HttpClient, TransportError, task};

pub(super) type Held = refreshing::Held<Document>;

/// The URL of a set, the rules for it, and the set.
pub(super) struct Source {
    pub(super) url: String,
    pub(super) target: http::Uri,
    pub(super) http: Arc<dyn HttpClient>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) rules: Rules,
    pub(super) bounds: Bounds,
    pub(super) set: Refreshing<Arc<Self>>,
}

impl Source {
    pub(super) fn is_fresh(&self, held: &Held, now: OffsetDateTime) -> bool {
        held.value.age.phase(&self.rules, now) == Phase::Fresh
    }

    /// The set to try a token with.
    pub(super) async fn any(self: &Arc<Self>) -> Result<Arc<Held>, RemoteJwksError> {
        let now = self.clock.now();
        if let Some(held) = self.set.held().as_ref().filter(|held| self.is_fresh(held, now)) {
            return Ok(Arc::clone(held));
        }
        let held = Refreshing::get(self, Need::Any).await;
        held.map_err(|error| self.unavailable(error.unwrap_or_else(<Arc<Self>>::lost)))
    }

    /// A set that is newer than the one that a token was tried with. The error is `None` if it is
    /// too early to ask.
    pub(super) async fn newer(self: &Arc<Self>, tried: &Held) -> Result<Arc<Held>, Option<RemoteJwksError>> {
        let need = Need::NewerThan { generation: tried.generation, apart: self.rules.cool_down };
        let held = Refreshing::get(self, need).await;
        held.map_err(|error| error.map(|source| self.unavailable(source)))
    }

    /// The error of a token for which there are no keys.
    fn unavailable(&self, source: Arc<JwksFetchError>) -> RemoteJwksError {
        let (url, limit, now) = (safe_url(&self.url), self.rules.hard_limit, self.clock.now());
        match self.set.held().as_ref().map(|held| held.value.age) {
            Some(age) if age.phase(&self.rules, now) == Phase::Over => {
                let age = (now - age.fetched).unsigned_abs();
                RemoteJwksError::TooOld { url, age, limit, source }
            }
            _ => RemoteJwksError::Unavailable { url, source },
        }
    }
}

impl refreshing::Source for Arc<Source> {
    type Value = Document;
    type Answer = Result<Document, JwksFetchError>;
    type Error = Arc<JwksFetchError>;
    const RUNS_WITHOUT_RUNTIME: bool = false;
    /// The HTTP client would panic again.
    const PANIC_IS_FAILURE: bool = true;

    fn refreshing(&self) -> &Refreshing<Self> {
        &self.set
    }

    fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// More than any fetch may take.
    fn limit(&self) -> Duration {
        self.rules.cool_down
    }

    fn phase(&self, set: &Document, now: OffsetDateTime) -> Phase {
        set.age.phase(&self.rules, now)
    }

    fn window(&self, _: &Document) -> Duration {
        self.rules.hard_limit
    }

    fn fetch(
        &self,
        held: Option<Arc<Held>>,
        _: bool,
        began: OffsetDateTime,
    ) -> Result<BoxFuture<'static, Self::Answer>, Self::Error> {
        let source = Self::clone(self);
        Ok(Box::pin(async move {
            let Source { url, target, http, clock, rules, bounds, .. } = &*source;
            let held = held.as_deref().map(|held| &held.value);
            let answer = http.send(request(target, held));
            match task::within(&**clock, rules.longest_fetch(), answer).await {
                None => Err(TransportError::Timeout { host: super::host(url) }.into()),
                Some(answer) => Asked { url, held, began, bounds }.read(answer?, clock.now()),
            }
        }))
    }

    fn read(&self, answer: Self::Answer, _: bool, _: OffsetDateTime) -> Result<Document, Self::Error> {
        answer.map_err(Arc::new)
    }

    fn pause(&self, failure: &Failure<'_, Self::Error>) -> Pause {
        self.rules.pause(failure)
    }

    fn lost() -> Self::Error {
        Arc::new(JwksFetchError::Lost)
    }

    fn log(&self, error: &Self::Error, pause: Duration) {
        tracing::event!(
            target: "private_key_jwt",
            tracing::Level::WARN,
            url = %safe_url(&self.url), error = %error, pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            "key refresh failed, the cached keys are used meanwhile"
        );
    }
}
