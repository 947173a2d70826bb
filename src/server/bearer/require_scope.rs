use std::sync::{Arc, Once};
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::layer_error::BearerLayerError;
use super::refusal::{BearerRefusal, Fault};
use super::respond::Refused;
use super::scheme::Scheme;
use crate::jose::secret_form::setting;
use crate::keys::BoxFuture;
use crate::oauth::Scope;
use crate::verifier::AccessTokenClaims;

/// Passes a request on to a route if its access token has the scopes that the route requires:
/// [`all`](Self::all) of them, or [`any`](Self::any) one. Put it inside of
/// [`BearerLayer`](super::BearerLayer), which checks the token. The scopes are those of
/// [`AccessTokenClaims::scope`]: the profile of the token's issuer, or
/// [`permission_claims`](crate::verifier::AccessTokenVerifier::permission_claims), says which
/// claims carry them, so one layer suits several issuers.
///
/// Otherwise the response is 403 with `WWW-Authenticate: Bearer error="insufficient_scope",
/// scope="…"`, which lists all scopes of the layer (RFC 6750 §3.1). The hooks of the
/// [`BearerLayer`](super::BearerLayer) outside see the refusal, and make its response.
///
/// If no [`BearerLayer`](super::BearerLayer) has checked the request, the layers are in the wrong
/// order: the response is 500, and the route is not reached.
#[derive(Clone, Debug)]
pub struct RequireScope {
    required: Arc<Required>,
}

#[derive(Debug)]
struct Required {
    scope: Scope,
    one_is_enough: bool,
    reported: Once,
}

impl RequireScope {
    /// A layer that requires all of these scopes: `"a b"`, `["a", "b"]`.
    ///
    /// # Errors
    ///
    /// [`BearerLayerError::EmptyScope`] if there is no scope, or if one of them is empty or only
    /// white space, for example from a variable that is not set.
    pub fn all(scope: impl Into<Scope>) -> Result<Self, BearerLayerError> {
        Self::checked(scope.into(), false)
    }

    /// A layer that requires at least one of these scopes: `["orders:read", "orders:admin"]`.
    ///
    /// # Errors
    ///
    /// As [`RequireScope::all`].
    pub fn any(scope: impl Into<Scope>) -> Result<Self, BearerLayerError> {
        Self::checked(scope.into(), true)
    }

    /// As [`RequireScope::all`], for scopes that are known not to be empty. If they are, the layer
    /// refuses every request with 500: an empty scope does not count as one that every token has.
    #[must_use]
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self::of(scope.into(), false)
    }

    fn checked(scope: Scope, one_is_enough: bool) -> Result<Self, BearerLayerError> {
        if scope.says_nothing() {
            return Err(BearerLayerError::EmptyScope);
        }
        Ok(Self::of(scope, one_is_enough))
    }

    fn of(scope: Scope, one_is_enough: bool) -> Self {
        Self { required: Arc::new(Required { scope, one_is_enough, reported: Once::new() }) }
    }
}

impl<S> Layer<S> for RequireScope {
    type Service = RequireScopeService<S>;

    fn layer(&self, inner: S) -> RequireScopeService<S> {
        RequireScopeService { inner, required: Arc::clone(&self.required) }
    }
}

/// The service that [`RequireScope`] returns.
#[derive(Clone, Debug)]
pub struct RequireScopeService<S> {
    inner: S,
    required: Arc<Required>,
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
        let Err(fault) = self.required.check(request.extensions().get()) else {
            return Box::pin(self.inner.call(request));
        };
        let refusal = BearerRefusal::new(fault, Scheme::Bearer, None);
        let (parts, _) = request.into_parts();
        Box::pin(async move {
            let mut response = refusal.complete(Response::new(R::default()));
            response.extensions_mut().insert(Refused(Arc::new((parts, refusal))));
            Ok(response)
        })
    }
}

impl Required {
    fn check(&self, claims: Option<&Arc<AccessTokenClaims>>) -> Result<(), Fault> {
        let Some(claims) = claims else {
            // No hook sees it, since there is no layer outside.
            self.reported.call_once(|| {
                tracing::event!(
                    target: "private_key_jwt",
                    tracing::Level::ERROR,
                    scope = setting(self.scope.to_string()),
                    "`RequireScope` is not inside of a `BearerLayer`"
                );
            });
            return Err(Fault::NotChecked);
        };
        let scope = &self.scope;
        if scope.says_nothing() {
            Err(Fault::EmptyScope)
        } else if self.one_is_enough {
            let has_one = scope.iter().any(|scope| claims.has_scope(scope));
            if has_one { Ok(()) } else { Err(Fault::AnyScope(scope.clone())) }
        } else {
            let has_all = scope.iter().all(|scope| claims.has_scope(scope));
            if has_all { Ok(()) } else { Err(Fault::AllScopes(scope.clone())) }
        }
    }
}
