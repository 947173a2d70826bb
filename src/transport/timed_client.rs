use std::sync::{Mutex, PoisonError};

use super::{Clock as _, HttpClient, SystemClock, TransportError};
use crate::keys::BoxFuture;
use crate::oauth::ServerTime;

/// An HTTP client that notes what the last answer showed of the server's clock.
pub(super) struct TimedClient<'a> {
    http: &'a dyn HttpClient,
    server_time: Mutex<Option<ServerTime>>,
}

impl<'a> TimedClient<'a> {
    pub(super) const fn new(http: &'a dyn HttpClient) -> Self {
        Self { http, server_time: Mutex::new(None) }
    }

    pub(super) fn server_time(&self) -> Option<ServerTime> {
        *self.server_time.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpClient for TimedClient<'_> {
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>> {
        Box::pin(async move {
            let sent = SystemClock.now();
            let response = self.http.send(request).await?;
            let shown = ServerTime::of_answer(response.headers(), sent, SystemClock.now());
            *self.server_time.lock().unwrap_or_else(PoisonError::into_inner) = shown;
            Ok(response)
        })
    }

    fn timeout(&self) -> Option<std::time::Duration> {
        self.http.timeout()
    }
}
