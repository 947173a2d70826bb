//! Shows what the client sends.

use std::sync::{Arc, Mutex, PoisonError};

use http::{Request, Response};
use private_key_jwt::keys::BoxFuture;
use private_key_jwt::transport::{HttpClient, TransportError};

use crate::http::Http;

/// Sends requests and keeps the last one.
#[derive(Clone)]
pub(super) struct Recorder {
    /// Sends without keeping.
    pub(super) inner: Http,
    last: Arc<Mutex<Option<Request<Vec<u8>>>>>,
}

impl Recorder {
    pub(super) fn over(http: Http) -> Self {
        Self { inner: http, last: Arc::default() }
    }

    /// The last request, unless it was taken already.
    pub(super) fn last(&self) -> Option<Request<Vec<u8>>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl HttpClient for Recorder {
    fn send(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, TransportError>> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(request.clone());
        self.inner.send(request)
    }
}
