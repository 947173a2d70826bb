//! placeholder
pub mod jose;
pub mod keys;
pub use jose::{Algorithm, Jwk, JwkSet, KeyId, Signature, Thumbprint};
pub use keys::{KeyRing, PrivateKey, PublicKey, Signer};
