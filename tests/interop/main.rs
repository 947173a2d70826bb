//! Third-party servers, clients and verifiers; README.md in this folder lists them.
//!
//! `cargo test --test interop --features cli` installs them with npm, pip, go and Maven where they
//! are missing, starts the servers on loopback, and ends them. It needs Node.js, npm, Python 3, Go,
//! Java and Maven, and fails with the name of what is missing. A plain `cargo test` does not run
//! this suite. With `--nocapture` it prints the number of answers by server, endpoint and
//! algorithm.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod authlib;
mod browser;
mod canaille;
mod clocks;
mod doctor;
mod endpoints;
#[path = "../support/examples.rs"]
mod examples;
mod fapi;
mod foreign_clients;
mod hydra;
mod keycloak;
mod libraries;
mod logins;
mod mcp;
mod other_logins;
mod other_servers;
mod peers;
mod published;
mod record;
mod refusals;
mod rotations;
#[path = "../support/mod.rs"]
mod support;
mod token_endpoint;

use private_key_jwt::client::ErrorKind;
use private_key_jwt::oauth::{Cause, CauseKind, Endpoint, OAuthError, Refusal};
use private_key_jwt::{Algorithm, AuthorizationServer, Error, JwkSet, PrivateKey, TokenClient};
use serde_json::{Value, json};

use record::Record;

/// Each algorithm with its key file.
const ALGORITHMS: [(Algorithm, &str); 11] = [
    (Algorithm::RS256, "rsa2048.pkcs8.pem"),
    (Algorithm::RS384, "rsa2048.pkcs8.pem"),
    (Algorithm::RS512, "rsa2048.pkcs8.pem"),
    (Algorithm::PS256, "rsa2048.pkcs8.pem"),
    (Algorithm::PS384, "rsa2048.pkcs8.pem"),
    (Algorithm::PS512, "rsa2048.pkcs8.pem"),
    (Algorithm::ES256, "p256.pkcs8.pem"),
    (Algorithm::ES384, "p384.pkcs8.pem"),
    (Algorithm::ES512, "p521.pkcs8.pem"),
    (Algorithm::EdDSA, "ed25519.pkcs8.pem"),
    (Algorithm::Ed25519, "ed25519.pkcs8.pem"),
];

/// Those of the FAPI 2.0 Security Profile (§5.4).
const FAPI_ALGORITHMS: [(Algorithm, &str); 4] = [ALGORITHMS[3], ALGORITHMS[6], ALGORITHMS[9], ALGORITHMS[10]];

fn signing_key(algorithm: Algorithm, file: &str) -> PrivateKey {
    support::key(file).with_algorithm(algorithm).unwrap()
}

/// The public keys of a party, as a server's configuration contains them.
fn jwks(algorithm: Algorithm, file: &str) -> Value {
    json!(JwkSet::from(signing_key(algorithm, file).public_jwk().clone()))
}

/// A client that is named after its algorithm. Its requests are recorded.
fn client(
    server: &AuthorizationServer,
    (algorithm, file): (Algorithm, &str),
    record: &Record,
) -> TokenClient {
    let builder = TokenClient::builder(server.clone(), algorithm.as_str(), signing_key(algorithm, file));
    builder.http(record.clone()).build().unwrap()
}

/// The server's refusal. Checks that it shows no secret.
#[track_caller]
fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> Refusal {
    match support::clean(result.unwrap_err()).into_kind() {
        ErrorKind::OAuth(OAuthError::Refused(refusal)) => *refusal,
        other => panic!("{other:?}"),
    }
}

/// The likeliest cause of a refusal.
fn hint(refusal: &Refusal) -> Option<CauseKind> {
    refusal.hint().first().map(Cause::kind)
}

/// The path of an endpoint at its server.
fn path(server: &AuthorizationServer, endpoint: Endpoint) -> String {
    url::Url::parse(server.endpoint(endpoint).unwrap()).unwrap().path().to_owned()
}
