use std::fmt;
use std::sync::Arc;

use http::Response;
use http::request::Parts;
use tower_layer::Layer;

use super::super::RemoteJwks;
use super::gate::Gate;
use super::issuers::{Issuers, Trusted};
use super::layer_error::BearerLayerError;
use super::refusal::BearerRefusal;
use super::respond::{CustomResponse, EmptyResponse, ProblemDetails};
use super::service::BearerService;
use crate::jose::secret_form::Shown;
use crate::observer::{Observer, RefusalReason};
use crate::transport::Clock;
use crate::verifier::AccessTokenVerifier;

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
/// # fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let jwks = RemoteJwks::discover("https://as.example")?;
/// let verifier = AccessTokenVerifier::new("https://as.example", "https://api.example");
/// let bearer = BearerLayer::new(jwks, verifier)
///     .on_refusal(|parts, refusal| eprintln!("{} refused: {refusal:#}", parts.uri.path()));
/// let api: Router = Router::new()
///     .route("/orders", get(orders).layer(RequireScope::all("orders:read")?))
///     .layer(bearer); // around every route above, outside of every RequireScope
/// # Ok(()) }
/// ```
///
/// # Accepted requests
///
/// The request has one `Authorization` header, of the scheme `Bearer` in any case, whose token
/// [`RemoteJwks::verify`] accepts. The inner service finds an
/// [`Arc<AccessTokenClaims>`](crate::verifier::AccessTokenClaims) in the extensions of the request.
/// With axum and the feature `axum`, extract `Bearer<T>` instead: it does not compile if the router
/// has no state from `BearerLayer::state`. The header stays, marked as
/// [sensitive](http::HeaderValue::set_sensitive).
///
/// The verifier decides which tokens are accepted: issuers, audiences, the
/// [`AccessTokenProfile`](crate::verifier::AccessTokenProfile) of the issuer, and which claims
/// carry scopes. Scopes that [`RequireScope`](super::RequireScope) asks for are looked up in the
/// same claims. For issuers with keys of their own, see [`for_issuers`](Self::for_issuers).
///
/// A token of an unknown issuer is refused before any work with keys.
///
/// A token in the query (`access_token`, RFC 6750 §2.3) or in a form (§2.2) is ignored, since URLs
/// and bodies end up in logs: such a request counts as one without a token.
///
/// # Bound tokens
///
/// A token that is bound to a key (`cnf`) is rejected as a bearer token (RFC 9449 §7.2, RFC 8705
/// §3). If your server checks the proof of that key, put a
/// [`ProofOfPossession`](crate::verifier::ProofOfPossession) into the extensions of the request, in
/// a layer outside of this one or where the connection is accepted; a client cannot put it there.
/// It is compared with what the token is bound to.
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
/// | an [empty setting](crate::verifier::VerifierError::EmptySetting) of the verifier | 500 | none |
///
/// By default, the bodies are empty; [`problem_details`](Self::problem_details) and
/// [`respond_with`](Self::respond_with) make others, with the same headers. There is no
/// `error_description`. Put a layer for CORS outside of this one, since preflight requests have no
/// token.
///
/// # Logs and metrics
///
/// [`on_refusal`](Self::on_refusal) tells the server's own log which check failed. Independently
/// of it, the layer logs refusals through `tracing`, with the target `private_key_jwt`: the event
/// `requests refused`, with the [`reason`](RefusalReason), the `count` of requests since the last
/// event of that reason, and the exact `error` of the last one. There is at most one event a minute
/// for each reason. Its level is `DEBUG` for requests without a token, `INFO` for rejected tokens,
/// `WARN` if keys are not available, and `ERROR` for a mistake in the settings.
/// [`refused`](Self::refused) returns the counts.
#[derive(Clone)]
pub struct BearerLayer<H = EmptyResponse> {
    pub(super) gate: Arc<Gate>,
    pub(super) respond: H,
}

impl BearerLayer {
    /// A layer that accepts the tokens of one verifier, checked with these keys.
    ///
    /// If a setting of the verifier is empty, every token is refused with 500.
    /// [`for_issuers`](Self::for_issuers) returns an error instead.
    #[must_use]
    pub fn new(jwks: RemoteJwks, verifier: AccessTokenVerifier) -> Self {
        Self::of(Issuers::one(jwks, verifier))
    }

    /// A layer that accepts the tokens of several issuers, each with its own keys and its own
    /// verifier.
    ///
    /// The unverified `iss` of a token chooses the pair, before any work with keys; the verifier of
    /// that pair then checks the `iss` again. A token of an unknown issuer, or one without a usable
    /// `iss`, costs neither a fetch nor a signature check, and leaves nothing behind.
    ///
    /// # Errors
    ///
    /// [`BearerLayerError::NoIssuer`] for no pair, [`BearerLayerError::DuplicateIssuer`] if two
    /// verifiers accept the same issuer, and [`BearerLayerError::Verifier`] if a setting of a
    /// verifier is empty, such as an audience from a variable that is not set.
    pub fn for_issuers(
        pairs: impl IntoIterator<Item = (RemoteJwks, AccessTokenVerifier)>,
    ) -> Result<Self, BearerLayerError> {
        Issuers::several(pairs).map(Self::of)
    }

    /// As [`for_issuers`](Self::for_issuers), with the keys that each issuer names in its metadata
    /// ([`RemoteJwks::discover`]). Nothing is fetched yet, so the server can start before its
    /// issuers. If a verifier accepts several issuers, their common keys are those of the first.
    ///
    /// # Errors
    ///
    /// As [`for_issuers`](Self::for_issuers); [`BearerLayerError::Discovery`] if an issuer is
    /// not a URL that can be discovered.
    pub fn discover(
        verifiers: impl IntoIterator<Item = AccessTokenVerifier>,
    ) -> Result<Self, BearerLayerError> {
        let keys_of = |verifier: AccessTokenVerifier| {
            let issuer = verifier.issuers().first().map_or("", String::as_str);
            // An empty setting is the reason, not what follows from it.
            verifier.check_settings().map_err(|source| BearerLayerError::verifier(issuer, source))?;
            let jwks = RemoteJwks::discover(issuer);
            Ok((jwks.map_err(|source| BearerLayerError::discovery(issuer, source))?, verifier))
        };
        Self::for_issuers(verifiers.into_iter().map(keys_of).collect::<Result<Vec<_>, _>>()?)
    }

    fn of(issuers: Issuers) -> Self {
        Self { gate: Arc::new(Gate::new(issuers)), respond: EmptyResponse }
    }
}

impl<H> BearerLayer<H> {
    /// Sets the `realm` of the challenges (RFC 9110 §11.5). Characters that are not printable ASCII
    /// become `?`. Default: the first audience of the first verifier, or its first issuer if it
    /// accepts no audience.
    #[must_use]
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.gate).realm = realm.into().into();
        self
    }

    /// Calls this hook for every refused request before the response is sent: requests without a
    /// token, rejected tokens, scopes that are missing here or at a
    /// [`RequireScope`](super::RequireScope) inside, and keys that are not available. Use it for
    /// the server's log: `{:#}` of the [`BearerRefusal`] is the exact reason. The hook runs in the
    /// task of the request, so it must not block.
    ///
    /// Log no more of the request than you need: its URI may contain secrets. Its `Authorization`
    /// headers are marked as [sensitive](http::HeaderValue::set_sensitive).
    #[must_use]
    pub fn on_refusal(mut self, hook: impl Fn(&Parts, &BearerRefusal) + Send + Sync + 'static) -> Self {
        Arc::make_mut(&mut self.gate).on_refusal = Some(Arc::new(hook));
        self
    }

    /// Answers refused requests with the responses of this function, also those that a
    /// [`RequireScope`](super::RequireScope) inside refuses. Default: empty bodies.
    ///
    /// A response without the status of an error gets that of the [refusal](BearerRefusal::status).
    /// A response with that status also gets `WWW-Authenticate` and `Retry-After`, unless it has
    /// them. With another status, such as 404 to hide a route, it stays as it is.
    #[must_use]
    pub fn respond_with<B>(
        self,
        response: impl Fn(&Parts, &BearerRefusal) -> Response<B> + Send + Sync + 'static,
    ) -> BearerLayer<CustomResponse<B>> {
        BearerLayer { gate: self.gate, respond: CustomResponse::new(response) }
    }

    /// Answers refused requests with [`ProblemDetails`] (RFC 9457), also those that a
    /// [`RequireScope`](super::RequireScope) inside refuses.
    #[must_use]
    pub fn problem_details(self) -> BearerLayer<ProblemDetails> {
        BearerLayer { gate: self.gate, respond: ProblemDetails }
    }

    /// Reports each refused request as an [event](crate::observer#events) to this observer.
    /// Default: none. The observer of a [`RemoteJwks`] is a setting of its own.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        Arc::make_mut(&mut self.gate).observer = Some(Arc::new(observer));
        self
    }

    /// Uses this clock for the pauses between log lines. The clock of each
    /// [`RemoteJwks`] decides which tokens are expired. Default: the operating system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        Arc::make_mut(&mut self.gate).clock = Arc::new(clock);
        self
    }

    /// How many requests this layer and its clones have refused for this reason, for a metric.
    #[must_use]
    pub fn refused(&self, reason: RefusalReason) -> u64 {
        self.gate.count(reason)
    }
}

impl<H> fmt::Debug for BearerLayer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trusted = self.gate.issuers.trusted();
        let pairs: Vec<_> = trusted.iter().map(|Trusted { jwks, verifier }| (jwks, verifier)).collect();
        f.debug_struct("BearerLayer")
            .field("issuers", &pairs)
            .field("realm", &Shown(&self.gate.realm))
            .finish_non_exhaustive()
    }
}

impl<S, H: Clone> Layer<S> for BearerLayer<H> {
    type Service = BearerService<S, H>;

    fn layer(&self, inner: S) -> BearerService<S, H> {
        BearerService { inner, gate: Arc::clone(&self.gate), respond: self.respond.clone() }
    }
}
