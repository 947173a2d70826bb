//! Keycloak, which sends no `Date`: every endpoint with every algorithm and every way to register a
//! key, logins, rotation, its refusals, and a wrong clock.
//!
//! Maven fetches it once below the target directory. It needs Java 17, Maven, Python 3 and 1 GB of
//! memory, and takes a minute to start. It ends with the test.

mod clock;
mod logins;
mod realm;
mod refusals;
mod rotation;
mod server;

use private_key_jwt::client::TokenClientBuilder;
use private_key_jwt::oauth::{AuthorizationRequest, Endpoint};
use private_key_jwt::{Algorithm, AuthorizationServer, PrivateKey, TokenClient, TokenRequest};

use crate::browser::REDIRECT_URI;
use crate::record::Record;
use crate::{ALGORITHMS, path, signing_key};
pub(crate) use server::keycloak;

/// Keycloak knows Ed25519 under its older name only.
const KNOWN: usize = 10;
/// How the server gets a client's keys, and the prefixes of those clients' names.
const REGISTRATIONS: [&str; 3] = ["value", "url", "certificate"];

/// The client of an algorithm. Its requests are recorded.
async fn builder(
    registration: &str,
    algorithm: Algorithm,
    key: PrivateKey,
    record: &Record,
) -> TokenClientBuilder {
    let builder = named(&format!("{registration}-{algorithm}"), key, record).await;
    // Of a certificate, the server knows the key by a `kid` of its own.
    builder.assertion(
        |assertion| if registration == "certificate" { assertion.without_key_id() } else { assertion },
    )
}

async fn named(client_id: &str, key: PrivateKey, record: &Record) -> TokenClientBuilder {
    let server = AuthorizationServer::discover(keycloak()).await.unwrap();
    TokenClient::builder(server, client_id, key).http(record.clone())
}

/// The ES256 client whose keys are registered by value.
async fn es256(record: &Record) -> TokenClientBuilder {
    let (algorithm, file) = ALGORITHMS[6];
    builder("value", algorithm, signing_key(algorithm, file), record).await
}

fn request() -> TokenRequest {
    TokenRequest::client_credentials(())
}

#[tokio::test]
async fn every_endpoint_takes_every_algorithm_however_its_key_is_registered() {
    let record = Record::of("Keycloak");
    for &(algorithm, file) in &ALGORITHMS[..KNOWN] {
        for registration in REGISTRATIONS {
            let key = signing_key(algorithm, file);
            let client = builder(registration, algorithm, key, &record).await.build().unwrap();
            let token = client.request(&request()).await;
            let token = token.unwrap_or_else(|error| panic!("{registration} {algorithm}: {error}"));
            let token = token.access_token().secret();
            let said = client.introspect(token).await.unwrap();
            let client_id = format!("{registration}-{algorithm}");
            assert!(said.is_active(), "{client_id}");
            assert_eq!(said.client_id(), Some(&*client_id));
            client.revoke(token).await.unwrap();
            let verifier = private_key_jwt::client::fresh_code_verifier().unwrap();
            let login = AuthorizationRequest::new(REDIRECT_URI, &verifier).scope("openid");
            client.push_authorization(&login).await.unwrap();
            client.authorize_device("openid").await.unwrap();
        }
    }
    let counts = record.print();
    let server = AuthorizationServer::discover(keycloak()).await.unwrap();
    for endpoint in Endpoint::ALL {
        let status = if endpoint == Endpoint::PushedAuthorization { 201 } else { 200 };
        assert_eq!(counts[&(path(&server, endpoint), status)], 30, "{endpoint:?}");
    }
    assert_eq!(counts.values().sum::<usize>(), 150);
}

/// A token for others says nothing about itself.
#[tokio::test]
async fn a_token_of_another_client_is_not_introspected() {
    let record = Record::of("Keycloak");
    let other =
        named("pushes", signing_key(ALGORITHMS[6].0, ALGORITHMS[6].1), &record).await.build().unwrap();
    let token = other.request(&request()).await.unwrap();
    let client = es256(&record).await.build().unwrap();
    assert!(!client.introspect(token.access_token().secret()).await.unwrap().is_active());
}
