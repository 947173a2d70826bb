//! Rotate keys without a failed request.
//!
//! A [`Plan`] says when each key is published, signs and leaves; which key signs follows from the
//! plan and the time alone. The [`Manifest`] of a folder has the plan of its keys.
//! [`jwks_response`] answers requests of the client's JWKS URL.

mod jwks_response;
#[cfg(feature = "tower")]
mod jwks_service;
mod manifest;
mod names;
mod plan;

pub use jwks_response::{JwksResponse, jwks_response};
#[cfg(feature = "tower")]
pub use jwks_service::JwksService;
pub use manifest::{Manifest, ManifestError, ManifestKey, PassphraseSource};
pub use names::NamesError;
pub use plan::{Move, Phase, Plan, PlannedKey};
