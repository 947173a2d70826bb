//! The algorithms that a server's metadata lists for client assertions (RFC 8414 §2).

use super::text::safe;
use super::{AuthorizationServer, Endpoint};
use crate::jose::Algorithm;
use crate::keys::Signer;

/// The members with the algorithms of an endpoint. Pushed authorization (RFC 9126 §2) and device
/// authorization requests are authenticated as at the token endpoint.
pub(super) const MEMBERS: [(Endpoint, &str); 3] = [
    (Endpoint::Token, "token_endpoint_auth_signing_alg_values_supported"),
    (Endpoint::Introspection, "introspection_endpoint_auth_signing_alg_values_supported"),
    (Endpoint::Revocation, "revocation_endpoint_auth_signing_alg_values_supported"),
];

/// How many listed names are shown.
pub(super) const MOST_SHOWN: usize = 16;

/// The metadata of a server does not list the algorithm of a key. The server most likely rejects
/// the key's signatures. Because some metadata is wrong, building a client logs a warning and does
/// not fail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{member} lists {}, not {algorithm}; {}", all(listed), can_sign(usable))]
#[non_exhaustive]
pub struct UnlistedAlgorithm {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The member of the metadata.
    pub member: &'static str,
    /// The algorithm of the key.
    pub algorithm: Algorithm,
    /// The algorithms in the metadata, at most 16.
    pub listed: Vec<String>,
    /// The ones among them that the key could sign with: see
    /// [`PrivateKey::with_algorithm`](crate::keys::PrivateKey::with_algorithm).
    pub usable: Vec<Algorithm>,
}

impl AuthorizationServer {
    /// The algorithms that the metadata lists for client assertions at this endpoint, if it has a
    /// list.
    #[must_use]
    pub fn signing_algorithms_at(&self, endpoint: Endpoint) -> Option<&[String]> {
        self.signing_algorithms.get(&member(endpoint).0).map(Vec::as_slice)
    }

    /// Checks that the metadata lists the algorithm of this key for an endpoint. `EdDSA` and
    /// `Ed25519` are one algorithm. Passes if the metadata has no list, or an empty one.
    ///
    /// ```
    /// use private_key_jwt::oauth::Endpoint;
    /// use private_key_jwt::{Algorithm, AuthorizationServer, PrivateKey};
    ///
    /// let metadata = br#"{"issuer":"https://as.example","token_endpoint":"https://as.example/token",
    ///     "token_endpoint_auth_signing_alg_values_supported":["PS256","ES256"]}"#;
    /// let server = AuthorizationServer::from_metadata("https://as.example", metadata)?;
    /// let key = PrivateKey::generate(Algorithm::ES384)?.private_key()?;
    /// assert_eq!(
    ///     server.check_algorithm(Endpoint::Token, &key).unwrap_err().to_string(),
    ///     "token_endpoint_auth_signing_alg_values_supported lists PS256, ES256, not ES384; the key can sign with none of \
    ///      them",
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`UnlistedAlgorithm`].
    pub fn check_algorithm<S: Signer + ?Sized>(
        &self,
        endpoint: Endpoint,
        signer: &S,
    ) -> Result<(), UnlistedAlgorithm> {
        let algorithm = signer.algorithm();
        let listed = self.signing_algorithms_at(endpoint).unwrap_or_default();
        if listed.is_empty() || listed.iter().any(|name| algorithm.is_named(name)) {
            return Ok(());
        }
        let fits = |other: &Algorithm| other.key_type() == algorithm.key_type();
        let is_listed = |other: &Algorithm| listed.iter().any(|name| name == other.as_str());
        Err(UnlistedAlgorithm {
            endpoint,
            member: member(endpoint).1,
            algorithm,
            listed: listed.iter().take(MOST_SHOWN).map(|name| safe(name)).collect(),
            usable: Algorithm::ALL.into_iter().filter(fits).filter(is_listed).collect(),
        })
    }

    /// The endpoints of this server whose lists do not contain the algorithm of this key.
    #[must_use]
    pub fn unlisted_algorithms<S: Signer + ?Sized>(&self, signer: &S) -> Vec<UnlistedAlgorithm> {
        let endpoints = MEMBERS.into_iter().map(|(endpoint, _)| endpoint);
        let known = endpoints.filter(|endpoint| self.endpoint(*endpoint).is_ok());
        known.filter_map(|endpoint| self.check_algorithm(endpoint, signer).err()).collect()
    }
}

/// The endpoint whose list applies, and the name of the list.
fn member(endpoint: Endpoint) -> (Endpoint, &'static str) {
    let [token, ..] = MEMBERS;
    MEMBERS.into_iter().find(|(other, _)| *other == endpoint).unwrap_or(token)
}

fn all(listed: &[String]) -> String {
    listed.join(", ")
}

fn can_sign(usable: &[Algorithm]) -> String {
    let names: Vec<&str> = usable.iter().map(|algorithm| algorithm.as_str()).collect();
    match names.as_slice() {
        [] => "the key can sign with none of them".to_owned(),
        names => format!("the key can sign with {}", names.join(", ")),
    }
}
