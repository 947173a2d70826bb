//! Shows what the client sends.

use std::sync::{Arc, Mutex, PoisonError};

use http::{Request, Response};
use private_key_jwt::keys::BoxFuture;
use private_key_jwt::transport::{HttpClient, ReqwestClient, TransportError};

use crate::error::{Context, Failure};

/// Sends requests and keeps the last one.
#[derive(Clone)]
pub(super) struct Recorder {
    /// Sends without keeping.
    pub(super) inner: ReqwestClient,
    last: Arc<Mutex<Option<Request<Vec<u8>>>>>,
}

impl Recorder {
    pub(super) fn new() -> Result<Self, Failure> {
        Ok(Self { inner: ReqwestClient::new().context("the HTTP client")?, last: Arc::default() })
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
