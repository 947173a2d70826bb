//! Two more servers: the example server of zitadel/oidc, and Spring Authorization Server. Every
//! endpoint that they have, with every algorithm that they accept.

use private_key_jwt::oauth::{CauseKind, Endpoint};
use private_key_jwt::{Algorithm, AuthorizationServer, Profile, TokenClient};

use crate::endpoints::call;
use crate::peers::{spring, zitadel};
use crate::record::Record;
use crate::refusals::{Draft, expected, of};
use crate::{ALGORITHMS, path, published, refusal, signing_key};

fn client(
    server: &AuthorizationServer,
    (algorithm, file): (Algorithm, &str),
    profile: Profile,
    record: &Record,
) -> TokenClient {
    let builder = TokenClient::builder(server.clone(), algorithm.as_str(), signing_key(algorithm, file));
    builder.profile(profile).http(record.clone()).build().unwrap()
}

/// Calls these endpoints with these algorithms.
async fn authenticates(
    name: &'static str,
    server: &AuthorizationServer,
    profile: Profile,
    algorithms: &[(Algorithm, &str)],
    endpoints: &[Endpoint],
) {
    let record = Record::of(name);
    for named in algorithms {
        let client = client(server, *named, profile.clone(), &record);
        for endpoint in endpoints {
            let answer = match endpoint {
                Endpoint::DeviceAuthorization => client.authorize_device("api:read").await.map(drop),
                other => call(&client, *other).await,
            };
            answer.unwrap_or_else(|error| panic!("{name} {endpoint:?} {named:?}: {error}"));
        }
    }
    let counts = record.print();
    for endpoint in endpoints {
        let status = if *endpoint == Endpoint::PushedAuthorization { 201 } else { 200 };
        assert_eq!(counts[&(path(server, *endpoint), status)], algorithms.len(), "{name} {endpoint:?}");
    }
}

async fn zitadel_server() -> AuthorizationServer {
    AuthorizationServer::discover(&zitadel().issuer).await.unwrap()
}

async fn spring_server() -> AuthorizationServer {
    AuthorizationServer::discover(&spring(published::url()).issuer).await.unwrap()
}

#[tokio::test]
async fn zitadel_takes_three_algorithms_at_each_of_its_endpoints() {
    let server = zitadel_server().await;
    let endpoints =
        [Endpoint::Token, Endpoint::Introspection, Endpoint::Revocation, Endpoint::DeviceAuthorization];
    let algorithms = [ALGORITHMS[0], ALGORITHMS[3], ALGORITHMS[6]];
    authenticates("zitadel/oidc", &server, Profile::zitadel(), &algorithms, &endpoints).await;
    assert!(server.endpoint(Endpoint::PushedAuthorization).is_err());
    // The profile refuses the others before they are sent; so does the server.
    for (algorithm, file) in ALGORITHMS.into_iter().filter(|named| !algorithms.contains(named)) {
        let key = signing_key(algorithm, file);
        let client = TokenClient::new(server.clone(), algorithm.as_str(), key).unwrap();
        let refused = refusal(client.token(()).await);
        assert_eq!(crate::hint(&refused), Some(CauseKind::Algorithm), "{algorithm}: {refused:?}");
    }
}

#[tokio::test]
async fn zitadel_says_why_it_refuses() {
    let server = zitadel_server().await;
    let draft = async || Draft::new(server.token_endpoint(), "ES256", server.issuer().unwrap());
    assert_eq!(of("zitadel/oidc", draft).await, expected::ZITADEL);
}

#[tokio::test]
async fn spring_takes_nine_algorithms_at_each_of_its_endpoints() {
    let server = spring_server().await;
    let name = "Spring Authorization Server";
    authenticates(name, &server, Profile::spring(), &ALGORITHMS[..9], &Endpoint::ALL).await;
}

#[tokio::test]
async fn spring_refuses_without_a_reason() {
    let server = spring_server().await;
    let draft = async || Draft::new(server.token_endpoint(), "ES256", server.issuer().unwrap());
    assert_eq!(of("Spring Authorization Server", draft).await, expected::SPRING);
}
