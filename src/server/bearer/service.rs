use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::gate::Gate;
use super::respond::{EmptyResponse, RefusalResponse};
use crate::keys::BoxFuture;

/// The service that [`BearerLayer`](super::BearerLayer) returns.
#[derive(Clone)]
pub struct BearerService<S, H = EmptyResponse> {
    pub(super) inner: S,
    pub(super) gate: Arc<Gate>,
    pub(super) respond: H,
}

impl<S: fmt::Debug, H> fmt::Debug for BearerService<S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, H, B, R> Service<Request<B>> for BearerService<S, H>
where
    S: Service<Request<B>, Response = Response<R>, Future: Send> + Clone + Send + 'static,
    H: RefusalResponse<R>,
    B: Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<R>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that is ready takes the request; its clone is polled next.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let (gate, respond) = (Arc::clone(&self.gate), self.respond.clone());
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            match gate.admit(&mut parts).await {
                Ok(_) => {
                    let response = inner.call(Request::from_parts(parts, body)).await?;
                    Ok(gate.answer(response, &respond))
                }
                Err(refusal) => Ok(gate.refuse(&parts, &refusal, &respond)),
            }
        })
    }
}
