//! Access tokens in axum handlers.

use std::fmt;
use std::sync::Arc;

use axum_core::body::Body;
use axum_core::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::gate::{Admitted, Gate};
use super::layer::BearerLayer;
use super::refusal::BearerRefusal;
use super::respond::{CustomResponse, RefusalResponse};
use crate::observer::RefusalReason;
use crate::verifier::AccessTokenClaims;

/// An axum extractor for the access token of a request: its claims as your own type, and the
/// verified token.
///
/// ```no_run
/// use axum::{Router, routing::get};
/// use private_key_jwt::server::{Bearer, BearerLayer};
///
/// #[derive(serde::Deserialize)]
/// struct Caller {
///     sub: String,
///     tenant: Option<String>,
/// }
///
/// async fn orders(Bearer { claims, token }: Bearer<Caller>) -> String {
///     format!("the orders of {} of {:?}, until {:?}", claims.sub, claims.tenant, token.expires_at())
/// }
///
/// # fn api(bearer: BearerLayer) -> Router {
/// Router::new().route("/orders", get(orders)).with_state(bearer.state()).layer(bearer)
/// # }
/// ```
///
/// # A missing layer is an error of the compiler
///
/// The extractor needs a [`BearerState`] in the state of the router, and only
/// [`BearerLayer::state`] makes one. A router without it does not compile:
///
/// ```compile_fail,E0308
/// # use axum::{Router, routing::get};
/// # use private_key_jwt::server::Bearer;
/// # #[derive(serde::Deserialize)]
/// # struct Caller {}
/// # async fn orders(_: Bearer<Caller>) {}
/// let api: Router = Router::new().route("/orders", get(orders));
/// ```
///
/// Neither does a router that is never given its state:
///
/// ```compile_fail,E0277
/// # use axum::{Router, routing::get};
/// # use private_key_jwt::server::{Bearer, BearerState};
/// # #[derive(serde::Deserialize)]
/// # struct Caller {}
/// # async fn orders(_: Bearer<Caller>) {}
/// # async fn serve(listener: tokio::net::TcpListener) -> std::io::Result<()> {
/// let api: Router<BearerState> = Router::new().route("/orders", get(orders));
/// axum::serve(listener, api).await
/// # }
/// ```
///
/// The state has the settings of the layer. If the layer is not around a route, or if the layer
/// there is another one, the extractor checks the token itself, so no handler runs without a
/// checked token. Put the layer around the router as well: it protects the handlers that do not
/// extract [`Bearer`], and [`RequireScope`](super::RequireScope) needs it. A token is checked once.
///
/// If your router has a state already, put the [`BearerState`] into it, and implement
/// [`FromRef`]:
///
/// ```
/// use axum::extract::FromRef;
/// use private_key_jwt::server::BearerState;
///
/// #[derive(Clone)]
/// struct App {
///     bearer: BearerState,
///     // your own members
/// }
///
/// impl FromRef<App> for BearerState {
///     fn from_ref(app: &App) -> Self {
///         app.bearer.clone()
///     }
/// }
/// ```
///
/// # Refused requests
///
/// They are answered and reported as by the layer. Claims that do not fit `T` are an
/// `invalid_token` (401), so let optional claims be an [`Option`]. For a handler that also serves
/// callers without a token, extract `Option<Bearer<T>>`, with the state and without the layer: it
/// is `None` for a request without credentials, and refuses bad tokens.
#[derive(Clone, Debug)]
pub struct Bearer<T> {
    /// The claims, deserialized from the whole claims set.
    pub claims: T,
    /// The verified token: its issuer, subject, client, scopes and times.
    pub token: Arc<AccessTokenClaims>,
}

/// The state of an axum router whose handlers extract [`Bearer`]. Made by [`BearerLayer::state`].
/// Cloning is cheap.
#[derive(Clone)]
pub struct BearerState {
    gate: Arc<Gate>,
    respond: CustomResponse<Body>,
}

/// The response of [`Bearer`] to a request that it refuses.
#[derive(Debug)]
pub struct BearerRejection {
    refusal: Box<BearerRefusal>,
    response: Response,
}

impl<H: RefusalResponse<Body>> BearerLayer<H> {
    /// The state for handlers that extract [`Bearer`], with the settings of this layer. Call it
    /// when the layer has all its settings: a token that a layer with other settings let through is
    /// checked again.
    #[must_use]
    pub fn state(&self) -> BearerState {
        let respond = self.respond.clone();
        let respond = CustomResponse::new(move |parts, refusal| respond.response(parts, refusal));
        BearerState { gate: Arc::clone(&self.gate), respond }
    }
}

impl BearerRejection {
    /// Why the request is refused.
    #[must_use]
    pub const fn refusal(&self) -> &BearerRefusal {
        &self.refusal
    }
}

impl fmt::Display for BearerRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusal.fmt(f)
    }
}

impl std::error::Error for BearerRejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.refusal.source()
    }
}

impl IntoResponse for BearerRejection {
    fn into_response(self) -> Response {
        self.response
    }
}

impl fmt::Debug for BearerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerState").finish_non_exhaustive()
    }
}

impl<S, T> FromRequestParts<S> for Bearer<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
    BearerState: FromRef<S>,
{
    type Rejection = BearerRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, BearerRejection> {
        let state = BearerState::from_ref(state);
        state.extract(parts).await.map_err(|refusal| state.reject(parts, refusal))
    }
}

impl<S, T> OptionalFromRequestParts<S> for Bearer<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
    BearerState: FromRef<S>,
{
    type Rejection = BearerRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, BearerRejection> {
        let state = BearerState::from_ref(state);
        match state.extract(parts).await {
            Ok(bearer) => Ok(Some(bearer)),
            Err(refusal) if refusal.reason() == RefusalReason::NoCredentials => Ok(None),
            Err(refusal) => Err(state.reject(parts, refusal)),
        }
    }
}

impl BearerState {
    async fn extract<T: DeserializeOwned>(&self, parts: &mut Parts) -> Result<Bearer<T>, Box<BearerRefusal>> {
        let by_this_gate = |admitted: &&Admitted| admitted.is_by(&self.gate);
        let admitted = match parts.extensions.get::<Admitted>().filter(by_this_gate) {
            Some(admitted) => admitted.clone(),
            None => self.gate.admit(parts).await?,
        };
        let claims = admitted.custom()?;
        Ok(Bearer { claims, token: admitted.claims })
    }

    fn reject(&self, parts: &Parts, refusal: Box<BearerRefusal>) -> BearerRejection {
        let response = self.gate.refuse(parts, &refusal, &self.respond);
        BearerRejection { refusal, response }
    }
}
