//! Client authentication at every endpoint of oidc-provider: each algorithm, each audience, and no
//! assertion twice.

use private_key_jwt::oauth::{
    AuthorizationRequest, DeviceAuthorizationRequest, Endpoint, HintedToken, OAuthError,
};
use private_key_jwt::transport::{HttpClient, ReqwestClient};
use private_key_jwt::{Audience, AuthorizationServer, ClientAssertion, Error, TokenClient, TokenRequest};

use crate::browser::REDIRECT_URI;
use crate::peers::oidc_provider;
use crate::record::Record;
use crate::refusals::{Draft, expected, of};
use crate::{ALGORITHMS, path, refusal, signing_key};

/// A minimal request to an endpoint.
fn request(
    server: &AuthorizationServer,
    endpoint: Endpoint,
    assertion: &ClientAssertion,
) -> Result<http::Request<Vec<u8>>, OAuthError> {
    match endpoint {
        Endpoint::Token => TokenRequest::client_credentials("api:read").to_http(server, assertion),
        Endpoint::PushedAuthorization => authorization().to_http(server, assertion),
        Endpoint::Introspection => HintedToken::new("unknown").to_introspection(server, assertion),
        Endpoint::Revocation => HintedToken::new("unknown").to_revocation(server, assertion),
        Endpoint::DeviceAuthorization => DeviceAuthorizationRequest::new("openid").to_http(server, assertion),
        other => panic!("{other:?}"),
    }
}

fn authorization() -> AuthorizationRequest {
    let verifier = private_key_jwt::client::fresh_code_verifier().unwrap();
    AuthorizationRequest::new(REDIRECT_URI, &verifier).scope("openid")
}

/// The same with the client's own methods.
pub(crate) async fn call(client: &TokenClient, endpoint: Endpoint) -> Result<(), Error> {
    match endpoint {
        Endpoint::Token => client.token("api:read").await.map(drop),
        Endpoint::PushedAuthorization => client.push_authorization(&authorization()).await.map(drop),
        Endpoint::Introspection => {
            let token = client.introspect("unknown").await?;
            assert!(!token.is_active());
            Ok(())
        }
        Endpoint::Revocation => client.revoke("unknown").await,
        Endpoint::DeviceAuthorization => client.authorize_device("openid").await.map(drop),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_endpoint_takes_every_algorithm_for_every_audience() {
    let found = AuthorizationServer::discover(&oidc_provider().issuer).await.unwrap();
    let record = Record::of("oidc-provider");
    for (algorithm, file) in ALGORITHMS {
        for audience in [Audience::Issuer, Audience::TokenEndpoint, Audience::CalledEndpoint] {
            let builder =
                TokenClient::builder(found.clone(), algorithm.as_str(), signing_key(algorithm, file));
            let client = builder.audience(audience.clone()).http(record.clone()).build().unwrap();
            for endpoint in Endpoint::ALL {
                let answer = call(&client, endpoint).await;
                assert!(answer.is_ok(), "{endpoint:?} {algorithm} {audience:?}: {answer:?}");
            }
        }
    }
    let counts = record.print();
    for endpoint in Endpoint::ALL {
        let status = if endpoint == Endpoint::PushedAuthorization { 201 } else { 200 };
        assert_eq!(counts[&(path(&found, endpoint), status)], 33, "{endpoint:?}");
    }
    assert_eq!(counts.values().sum::<usize>(), 165);
}

#[tokio::test]
async fn every_endpoint_refuses_a_wrong_audience() {
    let found = AuthorizationServer::discover(&oidc_provider().issuer).await.unwrap();
    for (algorithm, file) in [ALGORITHMS[0], ALGORITHMS[6], ALGORITHMS[10]] {
        let builder = TokenClient::builder(found.clone(), algorithm.as_str(), signing_key(algorithm, file));
        let client =
            builder.audience(Audience::Exactly("https://elsewhere.example".to_owned())).build().unwrap();
        for endpoint in Endpoint::ALL {
            let refusal = refusal(call(&client, endpoint).await);
            assert_eq!((refusal.status(), refusal.error()), (401, Some("invalid_client")), "{endpoint:?}");
        }
    }
}

#[tokio::test]
async fn an_assertion_is_good_once_at_every_endpoint() {
    let found = AuthorizationServer::discover(&oidc_provider().issuer).await.unwrap();
    let http = ReqwestClient::new().unwrap();
    for (algorithm, file) in [ALGORITHMS[0], ALGORITHMS[6], ALGORITHMS[10]] {
        let client =
            TokenClient::new(found.clone(), algorithm.as_str(), signing_key(algorithm, file)).unwrap();
        for endpoint in Endpoint::ALL {
            let assertion = client.assertion_for(endpoint).await.unwrap();
            let mut statuses = Vec::new();
            for _ in 0..2 {
                let request = request(&found, endpoint, &assertion).unwrap();
                statuses.push(http.send(request).await.unwrap().status().as_u16());
            }
            let good = if endpoint == Endpoint::PushedAuthorization { 201 } else { 200 };
            assert_eq!(statuses, [good, 401], "{endpoint:?} {algorithm}");
            println!("oidc-provider, {}, {algorithm}, a copy is refused: 1", path(&found, endpoint));
        }
    }
}

#[tokio::test]
async fn it_refuses_each_kind_of_request_without_a_reason() {
    let server = AuthorizationServer::discover(&oidc_provider().issuer).await.unwrap();
    let draft = async || Draft::new(server.token_endpoint(), "ES256", server.issuer().unwrap());
    assert_eq!(of("oidc-provider", draft).await, expected::OIDC_PROVIDER);
}
