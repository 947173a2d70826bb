use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::challenge::{Refusal, Scheme};
use crate::keys::BoxFuture;
use crate::oauth::Scope;
use crate::verifier::AccessTokenClaims;

/// Passes a request on to a route if its access token has all of these scopes. Put it inside of
/// [`BearerLayer`](super::BearerLayer), which checks the token. The scopes are those of
/// [`AccessTokenClaims::scope`]: the verifier's profile, or
/// [`permission_claims`](crate::verifier::AccessTokenVerifier::permission_claims), says which
/// claims carry them.
///
/// Otherwise the response is 403 with `WWW-Authenticate: Bearer error="insufficient_scope",
/// scope="…"`, which lists all scopes of the layer (RFC 6750 §3.1). If no
/// [`BearerLayer`](super::BearerLayer) has checked the request, the layers are in the wrong order:
/// the response is 500, and the route is not reached. The same happens with an empty scope, for
/// example from a variable that is not set: an empty scope does not count as one that every token
/// has.
#[derive(Clone, Debug)]
pub struct RequireScope {
    scope: Arc<Scope>,
}

impl RequireScope {
    /// A layer that requires these scopes: `"a b"`, `["a", "b"]`.
    #[must_use]
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self { scope: Arc::new(scope.into()) }
    }
}

impl<S> Layer<S> for RequireScope {
    type Service = RequireScopeService<S>;

    fn layer(&self, inner: S) -> RequireScopeService<S> {
        RequireScopeService { inner, scope: Arc::clone(&self.scope) }
    }
}

/// The service that [`RequireScope`] returns.
#[derive(Clone, Debug)]
pub struct RequireScopeService<S> {
    inner: S,
    scope: Arc<Scope>,
}

impl<S> RequireScopeService<S> {
    fn admit<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        let claims = request.extensions().get::<Arc<AccessTokenClaims>>().ok_or(Refusal::Misconfigured)?;
        if self.scope.says_nothing() {
            return Err(Refusal::Misconfigured);
        }
        if self.scope.iter().all(|scope| claims.has_scope(scope)) {
            Ok(())
        } else {
            Err(Refusal::InsufficientScope(self.scope.as_ref().clone()))
        }
    }
}

impl<S, B, R> Service<Request<B>> for RequireScopeService<S>
where
    S: Service<Request<B>, Response = Response<R>, Error: Send, Future: Send + 'static>,
    R: Default + Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<R>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.admit(&request) {
            Ok(()) => Box::pin(self.inner.call(request)),
            Err(refusal) => Box::pin(async move { Ok(refusal.response(Scheme::Bearer, None)) }),
        }
    }
}
