//! Rotate keys without a failed request: plan the life of each key, change the keys of a folder,
//! and publish the JWKS.
//!
//! A [`Plan`] says when each key is published, signs and leaves; which key signs follows from the
//! plan and the time alone. The [`Manifest`] of a folder has the plan of its keys, and a
//! [`KeyFolder`] is what an operator changes. [`jwks_response`] answers requests of the client's
//! JWKS URL.

mod edit;
mod folder;
mod jwks_response;
#[cfg(feature = "tower")]
mod jwks_service;
mod manifest;
mod names;
mod plan;

pub use folder::{
    FolderStatus, KeyFolder, KeyFolderError, KeyName, KeyStatus, Pruned, RevocationCost, Revoked,
    RotateOptions, Rotated,
};
pub use jwks_response::{JwksResponse, jwks_response};
#[cfg(feature = "tower")]
pub use jwks_service::JwksService;
pub use manifest::{Manifest, ManifestError, ManifestKey, PassphraseSource};
pub use names::NamesError;
pub use plan::{Move, Phase, Plan, PlannedKey};
