//! placeholder

pub mod jose;
pub mod keys;
pub mod oauth;
pub mod verifier;

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "dev-server")]
pub mod dev_server;
#[cfg(feature = "client")]
pub mod transport;

pub use jose::{Algorithm, Jwk, JwkSet, KeyId, Signature, Thumbprint};
pub use keys::{KeyRing, PrivateKey, PublicKey, Signer};
pub use oauth::{
    AccessToken, Audience, AuthorizationServer, ClientAssertion, Profile, Region, Scope, TokenRequest,
    TokenResponse,
};
pub use verifier::{ClientAssertionVerifier, InMemoryReplayStore, ReplayStore};

#[cfg(feature = "client")]
pub use client::{Error, TokenClient};
