//! Access tokens in front of a tower service.

mod challenge;
mod credentials;
mod require_scope;

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use challenge::{Refusal, Scheme};
use credentials::Credentials;
pub use require_scope::{RequireScope, RequireScopeService};

use super::{RemoteJwks, RemoteJwksError};
use crate::jose::secret_form::Shown;
use crate::keys::BoxFuture;
use crate::verifier::{AccessTokenVerifier, ProofOfPossession, VerifierError};

/// Passes a request on to the inner service if its access token is valid (RFC 6750, RFC 9068), and
/// rejects it otherwise. For axum, and for every other [`tower_service::Service`] of HTTP requests.
///
/// ```no_run
/// use std::sync::Arc;
/// use axum::{Extension, Router, routing::get};
/// use private_key_jwt::server::{BearerLayer, RemoteJwks, RequireScope};
/// use private_key_jwt::verifier::{AccessTokenClaims, AccessTokenVerifier};
///
/// async fn orders(Extension(claims): Extension<Arc<AccessTokenClaims>>) -> String {
///     format!("the orders of {:?}", claims.subject())
/// }
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let jwks = RemoteJwks::discover("https://as.example").await?;
/// let verifier = AccessTokenVerifier::new("https://as.example", "https://api.example");
/// let bearer = BearerLayer::new(jwks, verifier).on_refusal(|error| eprintln!("refused: {error}"));
/// let api: Router = Router::new()
///     .route("/orders", get(orders).layer(RequireScope::new("orders:read")))
///     .layer(bearer); // around every route above, outside of every RequireScope
/// # Ok(()) }
/// ```
///
/// # Accepted requests
///
/// The request has one `Authorization` header, of the scheme `Bearer` in any case, whose token
/// [`RemoteJwks::verify`] accepts. The inner service finds an
/// [`Arc<AccessTokenClaims>`](crate::verifier::AccessTokenClaims) in the extensions of the request.
/// The header stays, marked as [sensitive](http::HeaderValue::set_sensitive).
///
/// The verifier decides which tokens are accepted: issuers, audiences, the
/// [`AccessTokenProfile`](crate::verifier::AccessTokenProfile) of the issuer, and which claims
/// carry scopes. Scopes that [`RequireScope`] asks for are looked up in the same claims.
///
/// A token in the query (`access_token`, RFC 6750 §2.3) or in a form (§2.2) is ignored, since URLs
/// and bodies end up in logs: such a request counts as one without a token.
///
/// # Bound tokens
///
/// A token that is bound to a key (`cnf`) is rejected as a bearer token (RFC 9449 §7.2, RFC 8705
/// §3). If your server checks the proof of that key, put a [`ProofOfPossession`] into the
/// extensions of the request, in a layer outside of this one or where the connection is accepted; a
/// client cannot put it there. It is compared with what the token is bound to.
///
/// - With a certificate (mutual TLS), the scheme is `Bearer`, and tokens that are not bound are
///   accepted too.
/// - With a DPoP key, the scheme `DPoP` is accepted as well, for tokens that are bound to this key
///   and no others. The challenge then names that scheme. A bound token of the scheme `Bearer` is
///   rejected although there is a proof.
///
/// # Responses to rejected requests
///
/// | request | status | `WWW-Authenticate` (RFC 6750 §3) |
/// | --- | --- | --- |
/// | no `Authorization`, or another scheme | 401 | `Bearer realm="…"` |
/// | more than one `Authorization`, or no single token behind `Bearer` | 400 | `… error="invalid_request"` |
/// | a rejected token | 401 | `… error="invalid_token"` |
/// | a scope of [`AccessTokenVerifier::require_scope`] is missing | 403 | `… error="insufficient_scope", scope="…"` |
/// | the keys are not available, or too old | 503 | none, but `Retry-After`: the token may be valid |
/// | an [empty setting](VerifierError::EmptySetting) of the verifier | 500 | none |
///
/// The bodies are empty, and there is no `error_description`: [`on_refusal`](Self::on_refusal)
/// tells the server's log which check failed. Put a layer for CORS outside of this one, since
/// preflight requests have no token.
#[derive(Clone)]
pub struct BearerLayer {
    gate: Arc<Gate>,
}

impl BearerLayer {
    /// A layer that checks tokens with these keys.
    #[must_use]
    pub fn new(jwks: RemoteJwks, verifier: AccessTokenVerifier) -> Self {
        // A challenge needs a parameter (RFC 6750 §3), and a verifier has one of the two.
        let realm = verifier.audiences().first().or_else(|| verifier.issuers().first());
        let realm = realm.cloned().unwrap_or_default();
        Self { gate: Arc::new(Gate { trusted: Trusted { jwks, verifier }, realm, on_refusal: None }) }
    }

    /// Sets the `realm` of the challenges (RFC 9110 §11.5). Characters that are not printable ASCII
    /// become `?`. Default: the first audience of the verifier, or its first issuer if it accepts
    /// no audience.
    #[must_use]
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.gate).realm = realm.into();
        self
    }

    /// Calls this hook for every rejected token and for every failure to get the keys, before the
    /// response is sent. Use it for the server's log. Requests without a well-formed token do not
    /// reach it. It runs in the task of the request, so it must not block.
    #[must_use]
    pub fn on_refusal(mut self, hook: impl Fn(&RemoteJwksError) + Send + Sync + 'static) -> Self {
        Arc::make_mut(&mut self.gate).on_refusal = Some(Arc::new(hook));
        self
    }
}

impl fmt::Debug for BearerLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerLayer")
            .field("jwks", &self.gate.trusted.jwks)
            .field("verifier", &self.gate.trusted.verifier)
            .field("realm", &Shown(&self.gate.realm))
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for BearerLayer {
    type Service = BearerService<S>;

    fn layer(&self, inner: S) -> BearerService<S> {
        BearerService { inner, gate: Arc::clone(&self.gate) }
    }
}

/// The service that [`BearerLayer`] returns.
#[derive(Clone)]
pub struct BearerService<S> {
    inner: S,
    gate: Arc<Gate>,
}

impl<S: fmt::Debug> fmt::Debug for BearerService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, B, R> Service<Request<B>> for BearerService<S>
where
    S: Service<Request<B>, Response = Response<R>, Future: Send> + Clone + Send + 'static,
    B: Send + 'static,
    R: Default,
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
        let gate = Arc::clone(&self.gate);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            match gate.admit(&mut parts).await {
                Ok(()) => inner.call(Request::from_parts(parts, body)).await,
                Err((scheme, refusal)) => Ok(refusal.response(scheme, Some(&gate.realm))),
            }
        })
    }
}

type Hook = Arc<dyn Fn(&RemoteJwksError) + Send + Sync>;

/// The keys of an issuer, and what is required of its tokens.
#[derive(Clone)]
struct Trusted {
    jwks: RemoteJwks,
    verifier: AccessTokenVerifier,
}

#[derive(Clone)]
struct Gate {
    trusted: Trusted,
    realm: String,
    on_refusal: Option<Hook>,
}

impl Gate {
    /// Checks the token and puts its claims into the extensions.
    async fn admit(&self, parts: &mut Parts) -> Result<(), (Scheme, Refusal)> {
        let proof = parts.extensions.get::<ProofOfPossession>().copied().unwrap_or_default();
        let (scheme, token) = match credentials::of(&parts.headers, proof.has_dpop_key()) {
            Credentials::Token(scheme, token) => (scheme, token),
            Credentials::None => return Err((Scheme::Bearer, Refusal::NoCredentials)),
            Credentials::Malformed(scheme) => return Err((scheme, Refusal::InvalidRequest)),
        };
        let proof = match scheme {
            Scheme::Bearer => proof.without_dpop_key(),
            Scheme::Dpop => proof,
        };
        let Trusted { jwks, verifier } = &self.trusted;
        let claims = jwks.verify_with(|keys, now| verifier.verify_with_proof(keys, token, &proof, now));
        let claims = claims.await.map_err(|error| {
            if let Some(hook) = &self.on_refusal {
                hook(&error);
            }
            (scheme, self.trusted.refusal(&error))
        })?;
        parts.extensions.insert(Arc::new(claims));
        if let Some(header) = parts.headers.get_mut(AUTHORIZATION) {
            header.set_sensitive(true);
        }
        Ok(())
    }
}

impl Trusted {
    fn refusal(&self, error: &RemoteJwksError) -> Refusal {
        match error {
            RemoteJwksError::Token(VerifierError::MissingScope { .. }) => {
                Refusal::InsufficientScope(self.verifier.required_scope())
            }
            RemoteJwksError::Token(VerifierError::EmptySetting { .. }) => Refusal::Misconfigured,
            RemoteJwksError::Token(_) => Refusal::InvalidToken,
            RemoteJwksError::Unavailable { .. } | RemoteJwksError::TooOld { .. } => Refusal::Unavailable,
        }
    }
}
