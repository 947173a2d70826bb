//! An HTTP client that also records when answers arrived, and their header fields.

use std::sync::{Mutex, PoisonError};

use http::{HeaderMap, Request};

use crate::keys::BoxFuture;
use crate::oauth::ServerTime;
use crate::transport::{Clock, HttpClient, TransportError};

/// Sends with another client. It remembers the last answer's header fields, and the last time that
/// an answer showed.
pub(super) struct Recorder<'a> {
    http: &'a dyn HttpClient,
    clock: &'a dyn Clock,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    has_answer: bool,
    headers: HeaderMap,
    time: Option<ServerTime>,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(http: &'a dyn HttpClient, clock: &'a dyn Clock) -> Self {
        Self { http, clock, seen: Mutex::default() }
    }

    /// The time of the server, as the last answer with a `Date` showed it.
    pub(super) fn time(&self) -> Option<ServerTime> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).time
    }

    /// Whether there was an answer.
    pub(super) fn has_answer(&self) -> bool {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).has_answer
    }

    /// The header fields of the last answer.
    pub(super) fn headers(&self) -> HeaderMap {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).headers.clone()
    }
}

impl HttpClient for Recorder<'_> {
    fn send(
        &self,
        request: Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>> {
        Box::pin(async move {
            let sent = self.clock.now();
            let answer = self.http.send(request).await?;
            let time = ServerTime::of_answer(answer.headers(), sent, self.clock.now());
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.has_answer = true;
            seen.headers = answer.headers().clone();
            seen.time = time.or(seen.time);
            drop(seen);
            Ok(answer)
        })
    }
}
