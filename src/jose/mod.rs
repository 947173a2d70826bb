//! Signatures, keys and tokens in JSON: [`Algorithm`], [`Jwk`], [`JwkSet`], [`CompactJws`], and
//! [`UnverifiedJwt`] to look into a token.
//!
//! RFC 7515 (JWS), RFC 7517 (JWK), RFC 7518 (JWA), RFC 7519 (JWT), RFC 7638 (thumbprints), RFC 8037
//! and RFC 9864 (Ed25519). Only functions of their arguments: no clock, randomness, I/O or OAuth.

mod algorithm;
pub(crate) mod base64url;
pub(crate) mod error;
pub(crate) mod header;
pub(crate) mod json;
pub(crate) mod jwk;
mod jwk_set;
pub(crate) mod jws;
mod jwt;
mod key_parameters;
pub(crate) mod moment;
pub(crate) mod printable;
pub(crate) mod secret_form;
mod signature;
pub(crate) mod text;
mod thumbprint;
pub(crate) mod urlencoded;
mod wiped;

pub use algorithm::{Algorithm, Curve, KeyType};
pub use error::{JoseError, KeyMismatch};
pub use header::Header;
pub use jwk::{Jwk, KeyId};
pub use jwk_set::{JwkSet, SkippedJwk};
pub use jws::CompactJws;
pub use jwt::UnverifiedJwt;
pub use key_parameters::KeyParameters;
pub use printable::Printable;
pub use secret_form::SecretForm;
pub use signature::Signature;
pub use thumbprint::Thumbprint;
pub(crate) use wiped::Wiped;
