//! Access tokens in front of a tower service.
//!
//! `credentials` finds the token of a request, `issuers` chooses its verifier, and `gate` checks
//! it. `refusal` is why a request is refused, `respond` makes the response, and `refusal_log`
//! counts. `layer` and `require_scope` are the layers, `extractor` is for the handlers of axum.

mod credentials;
#[cfg(feature = "axum")]
mod extractor;
mod gate;
mod issuers;
mod layer;
mod layer_error;
mod refusal;
mod refusal_log;
mod require_scope;
mod respond;
mod scheme;
mod service;

#[cfg(feature = "axum")]
pub use extractor::{Bearer, BearerRejection, BearerState};
pub use layer::BearerLayer;
pub use layer_error::BearerLayerError;
pub use refusal::BearerRefusal;
pub use require_scope::{RequireScope, RequireScopeService};
pub use respond::{CustomResponse, EmptyResponse, ProblemDetails, RefusalResponse};
pub use service::BearerService;
