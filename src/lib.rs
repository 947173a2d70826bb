#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
// The README's code needs the client. It is the front page of the documentation, which is built
// with every feature. Its links lead to the guides if those are compiled, otherwise into the
// repository.
#![cfg_attr(
    all(feature = "axum", feature = "reqwest-middleware", feature = "dev-server", feature = "rotation"),
    doc = include_str!("guide/links.md")
)]
#![cfg_attr(feature = "client", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "client"), doc = "OAuth 2.0 `private_key_jwt` client authentication (RFC 7523).")]
// The guides' links lead nowhere without the README.
#![cfg_attr(
    all(feature = "axum", feature = "reqwest-middleware", feature = "dev-server", feature = "rotation"),
    doc = include_str!("guide/how_do_i.md")
)]
//! # How the crate is built
//!
//! A value travels one way: a key file becomes a [`PrivateKey`]; a key and a few values become a
//! signed [`ClientAssertion`]; an assertion and a grant become an HTTP request; an HTTP response
//! becomes a [`TokenResponse`] or a typed error. The [`verifier`] does the reverse: it takes the
//! request apart and checks the assertion.
//!
//! [`jose`], [`keys`], [`oauth`] and [`verifier`] work without an async runtime and send nothing.
//! Their callers pass the time.
//!
//! Errors print their message with `{}`, and with `{:#}` their causes, too. No error, log line or
//! `Debug` output contains a key, a token or an assertion.

// The features that the guides' code needs.
#[cfg(all(
    any(doc, doctest),
    feature = "axum",
    feature = "reqwest-middleware",
    feature = "dev-server",
    feature = "rotation"
))]
pub mod guide;
pub mod jose;
pub mod keys;
pub mod oauth;
pub mod verifier;

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "dev-server")]
pub mod dev_server;
#[cfg(feature = "client")]
pub mod doctor;
#[cfg(feature = "client")]
pub mod observer;
#[cfg(feature = "rotation")]
pub mod rotation;
#[cfg(any(feature = "client", feature = "redis"))]
pub mod server;
#[cfg(feature = "client")]
pub mod transport;

pub use jose::{Algorithm, JoseError, Jwk, JwkSet, KeyId, Signature, Thumbprint};
pub use keys::{KeyError, KeyLoader, KeyRing, PrivateKey, PublicKey, PublicKeySet, RemoteSigner, Signer};
pub use oauth::{
    AccessToken, AccessTokenBuilder, Audience, AuthorizationRequest, AuthorizationResponse,
    AuthorizationServer, ClientAssertion, CodeVerifier, DeviceAuthorization, Discovery, Introspection,
    JwksUri, JwtGrant, OAuthError, PingAccess, Profile, Refusal, Region, Retry, Scope, TokenExchange,
    TokenKind, TokenRequest, TokenResponse,
};
pub use verifier::{
    AccessTokenClaims, AccessTokenProfile, AccessTokenVerifier, AudiencePolicy, ClientAssertionVerifier,
    ErrorResponse, InMemoryReplayStore, ReplayStore, VerifierError,
};

#[cfg(feature = "client")]
pub use client::{Error, TokenClient, TokenClientBuilder, TokenSource};
#[cfg(feature = "axum")]
pub use server::Bearer;
#[cfg(feature = "redis")]
pub use server::RedisReplayStore;
#[cfg(feature = "tower")]
pub use server::{BearerLayer, RequireScope};
#[cfg(feature = "client")]
pub use server::{ClientKeys, ClientKeysError, ClientMetadata, ClientRegistry, RemoteJwks, RemoteJwksError};
