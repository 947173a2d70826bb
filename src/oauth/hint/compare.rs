//! Compares an assertion with what a server takes, by its profile and its metadata.

use super::cause::{Cause, Contradiction};
use super::kind::Hint;
use super::sent::SentAssertion;
use crate::oauth::{AuthorizationServer, Profile};

/// Where an assertion differs from what the server takes, by its metadata and the profile. Without
/// both, only what no server takes.
#[must_use]
pub fn contradictions(
    sent: &SentAssertion,
    server: Option<&AuthorizationServer>,
    profile: Option<&Profile>,
) -> Vec<Cause> {
    let _ = profile;
    let listed = server.and_then(AuthorizationServer::signing_algorithms).filter(|listed| !listed.is_empty());
    let algorithm = listed.filter(|listed| !listed.contains(&sent.algorithm)).map(|listed| Contradiction {
        what: "alg",
        found: sent.algorithm.clone(),
        expected: listed.join(", "),
        source: "token_endpoint_auth_signing_alg_values_supported".into(),
    });
    algorithm.map(|found| Cause::of_contradiction(Hint::Algorithm, found)).into_iter().collect()
}
