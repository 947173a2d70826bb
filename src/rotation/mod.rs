//! Rotate keys without a failed request: follow a folder of keys, change it, and publish the JWKS.
//!
//! A [`Plan`] says when each key is published, signs and leaves; which key signs follows from the
//! plan and the time alone. The [`Manifest`] of a folder has the plan of its keys. A
//! [`KeyDirectory`] keeps a key ring in step with the folder, and a [`KeyFolder`] changes it for an
//! operator. A [`JwksResponse`] answers requests of the client's JWKS URL.

mod directory;
mod edit;
mod error;
mod folder;
mod jwks_response;
#[cfg(feature = "tower")]
mod jwks_service;
mod manifest;
mod names;
mod plan;
mod read;
mod status;

pub use directory::{KeyDirectory, KeyDirectoryBuilder};
pub use error::{KeyDirectoryError, KeyFileError};
pub use folder::{
    FolderStatus, KeyFolder, KeyFolderError, KeyName, Pruned, RevocationCost, Revoked, RotateOptions, Rotated,
};
pub use jwks_response::JwksResponse;
#[cfg(feature = "tower")]
pub use jwks_service::JwksService;
pub use manifest::{Manifest, ManifestError, ManifestKey, PassphraseSource};
pub use names::NamesError;
pub use plan::{Move, Phase, Plan, PlannedKey};
pub use status::{FileProblem, KeyDirectoryStatus, KeyStatus, NextMove, PlanSource};
