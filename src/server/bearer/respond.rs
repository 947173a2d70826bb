//! The responses to refused requests.

use std::fmt;
use std::sync::Arc;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderValue, Response};
use serde::Serialize;

use super::refusal::BearerRefusal;

/// Makes the responses of a [`BearerLayer`](super::BearerLayer) to refused requests, with bodies of
/// the type `B`. The layer adds the status and the headers of RFC 6750 if they are missing.
pub trait RefusalResponse<B>: Clone + Send + Sync + 'static {
    /// Returns the response to a refused request.
    fn response(&self, parts: &Parts, refusal: &BearerRefusal) -> Response<B>;
}

/// Responses with empty bodies: the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmptyResponse;

impl<B: Default> RefusalResponse<B> for EmptyResponse {
    fn response(&self, _: &Parts, refusal: &BearerRefusal) -> Response<B> {
        with_status(refusal, B::default())
    }
}

/// Responses with problem details in JSON (RFC 9457):
///
/// ```json
/// {"title":"Forbidden","status":403,"detail":"the access token does not have the required scope",
///  "error":"insufficient_scope","scope":"orders:read"}
/// ```
///
/// `error` and `scope` are those of the challenge, for programs in a browser, which cannot read
/// `WWW-Authenticate` of another origin by default. The details do not depend on the token.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProblemDetails;

impl<B: From<String>> RefusalResponse<B> for ProblemDetails {
    fn response(&self, _: &Parts, refusal: &BearerRefusal) -> Response<B> {
        let status = refusal.status();
        let problem = Problem {
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: refusal.detail(),
            error: refusal.error_code(),
            scope: refusal.scope().map(ToString::to_string),
        };
        // Texts and numbers are always JSON.
        let json = serde_json::to_string(&problem).unwrap_or_default();
        let mut response = with_status(refusal, B::from(json));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}

type Hook<B> = dyn Fn(&Parts, &BearerRefusal) -> Response<B> + Send + Sync;

/// Responses of a function: see [`BearerLayer::respond_with`](super::BearerLayer::respond_with).
pub struct CustomResponse<B> {
    hook: Arc<Hook<B>>,
}

impl<B> CustomResponse<B> {
    pub(super) fn new(hook: impl Fn(&Parts, &BearerRefusal) -> Response<B> + Send + Sync + 'static) -> Self {
        Self { hook: Arc::new(hook) }
    }
}

impl<B: 'static> RefusalResponse<B> for CustomResponse<B> {
    fn response(&self, parts: &Parts, refusal: &BearerRefusal) -> Response<B> {
        (self.hook)(parts, refusal)
    }
}

impl<B> Clone for CustomResponse<B> {
    fn clone(&self) -> Self {
        Self { hook: Arc::clone(&self.hook) }
    }
}

impl<B> fmt::Debug for CustomResponse<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomResponse").finish_non_exhaustive()
    }
}

/// What a route refused, in the extensions of its response. A `BearerLayer` outside of the route
/// takes it, and answers instead.
#[derive(Clone)]
pub(super) struct Refused(pub(super) Arc<(Parts, BearerRefusal)>);

/// A response in place of another one, with the headers that other layers gave that one.
pub(super) fn replace<B>(old: Response<B>, mut new: Response<B>) -> Response<B> {
    let (old, _) = old.into_parts();
    let of_layers = |name| ![CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING].contains(name);
    let names: Vec<_> = old.headers.keys().filter(|name| of_layers(*name)).collect();
    for name in names.into_iter().filter(|name| !new.headers().contains_key(*name)).collect::<Vec<_>>() {
        for value in old.headers.get_all(name) {
            new.headers_mut().append(name, value.clone());
        }
    }
    new.extensions_mut().extend(old.extensions);
    new
}

fn with_status<B>(refusal: &BearerRefusal, body: B) -> Response<B> {
    let mut response = Response::new(body);
    *response.status_mut() = refusal.status();
    response
}

#[derive(Serialize)]
struct Problem {
    title: &'static str,
    status: u16,
    detail: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}
