use std::sync::Arc;

use crate::jose::{Algorithm, JwkSet};
use crate::keys::{BoxFuture, Cause, PublicKeySet};

/// Where the registrations of clients are, such as a database. Implement it for that, or use a
/// function: `Fn(&str) -> Option<ClientMetadata>` is a registry in memory.
///
/// [`ClientKeys`](super::ClientKeys) asks it for every assertion, so a change takes effect with the
/// next request. If that is too slow, cache registrations in the implementation.
///
/// ```
/// use private_key_jwt::keys::{BoxFuture, Cause};
/// use private_key_jwt::{ClientMetadata, ClientRegistry};
///
/// struct Database; // stands for a pool of connections
///
/// impl Database {
///     async fn jwks_uri(&self, client_id: &str) -> Result<Option<String>, std::io::Error> {
///         Ok((client_id == "client").then(|| "https://client.example/jwks".to_owned()))
///     }
/// }
///
/// impl ClientRegistry for Database {
///     fn client<'a>(&'a self, client_id: &'a str) -> BoxFuture<'a, Result<Option<ClientMetadata>, Cause>> {
///         Box::pin(async move { Ok(self.jwks_uri(client_id).await?.map(ClientMetadata::jwks_uri)) })
///     }
/// }
/// ```
pub trait ClientRegistry: Send + Sync {
    /// Returns the registration of a client, or `None` if there is no such client. The client id
    /// is only claimed: anyone can send any.
    ///
    /// # Errors
    ///
    /// Any error if the registry cannot tell. The request is then answered with 503.
    fn client<'a>(&'a self, client_id: &'a str) -> BoxFuture<'a, Result<Option<ClientMetadata>, Cause>>;
}

impl<F: Fn(&str) -> Option<ClientMetadata> + Send + Sync> ClientRegistry for F {
    fn client<'a>(&'a self, client_id: &'a str) -> BoxFuture<'a, Result<Option<ClientMetadata>, Cause>> {
        Box::pin(std::future::ready(Ok(self(client_id))))
    }
}

/// What a client registered about its keys (RFC 7591 §2).
#[derive(Clone, Debug)]
pub struct ClientMetadata {
    pub(super) keys: RegisteredKeys,
    pub(super) signing_algorithm: Option<Algorithm>,
}

#[derive(Clone, Debug)]
pub(super) enum RegisteredKeys {
    JwksUri(String),
    Jwks(JwkSet),
    Public(Arc<PublicKeySet>),
}

impl ClientMetadata {
    /// The client publishes its keys at this URL (`jwks_uri`).
    #[must_use]
    pub fn jwks_uri(url: impl Into<String>) -> Self {
        Self::of(RegisteredKeys::JwksUri(url.into()))
    }

    /// The client registered its keys themselves (`jwks`). [`ClientKeys`](super::ClientKeys) parses
    /// them once, and again if they change.
    #[must_use]
    pub const fn jwks(set: JwkSet) -> Self {
        Self::of(RegisteredKeys::Jwks(set))
    }

    /// As [`ClientMetadata::jwks`], for a registry that keeps the parsed keys itself.
    #[must_use]
    pub const fn public_keys(keys: Arc<PublicKeySet>) -> Self {
        Self::of(RegisteredKeys::Public(keys))
    }

    /// Sets the only algorithm with which the client signs (`token_endpoint_auth_signing_alg`). By
    /// default, the key and the verifier's allow-list decide.
    #[must_use]
    pub const fn signing_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.signing_algorithm = Some(algorithm);
        self
    }

    const fn of(keys: RegisteredKeys) -> Self {
        Self { keys, signing_algorithm: None }
    }
}
