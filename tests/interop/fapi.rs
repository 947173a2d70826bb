//! oidc-provider under the FAPI 2.0 Security Profile: the issuer is the only audience, RS256 and
//! its like are rejected, and authorization requests are pushed.

use private_key_jwt::client::fresh_code_verifier;
use private_key_jwt::oauth::{AuthorizationRequest, AuthorizationResponse, CauseKind, Endpoint, HintedToken};
use private_key_jwt::{Algorithm, Audience, AuthorizationServer, Profile, TokenClient, TokenRequest};

use crate::browser::{Browser, REDIRECT_URI};
use crate::endpoints::call;
use crate::peers::fapi_provider;
use crate::record::Record;
use crate::refusals::{Draft, expected, of};
use crate::{FAPI_ALGORITHMS, path, refusal, signing_key};

async fn discovered() -> AuthorizationServer {
    AuthorizationServer::discover(&fapi_provider().issuer).await.unwrap()
}

fn client(
    server: &AuthorizationServer,
    (algorithm, file): (Algorithm, &str),
    record: &Record,
) -> TokenClient {
    let builder = TokenClient::builder(server.clone(), algorithm.as_str(), signing_key(algorithm, file));
    builder.profile(Profile::fapi2()).http(record.clone()).build().unwrap()
}

#[tokio::test]
async fn every_endpoint_takes_every_algorithm_of_the_profile() {
    let (server, record) = (discovered().await, Record::of("oidc-provider under FAPI 2.0"));
    for named in FAPI_ALGORITHMS {
        let client = client(&server, named, &record);
        for endpoint in Endpoint::ALL {
            call(&client, endpoint).await.unwrap_or_else(|error| panic!("{endpoint:?} {named:?}: {error}"));
        }
    }
    let counts = record.print();
    for endpoint in Endpoint::ALL {
        let status = if endpoint == Endpoint::PushedAuthorization { 201 } else { 200 };
        assert_eq!(counts[&(path(&server, endpoint), status)], 4, "{endpoint:?}");
    }
    assert_eq!(counts.values().sum::<usize>(), 20);
}

#[tokio::test]
async fn a_login_with_every_algorithm_and_without_rotated_refresh_tokens() {
    let (server, record) = (discovered().await, Record::of("oidc-provider under FAPI 2.0"));
    for named in FAPI_ALGORITHMS {
        let client = client(&server, named, &record);
        let verifier = fresh_code_verifier().unwrap();
        let request = AuthorizationRequest::new(REDIRECT_URI, &verifier).scope("openid").state("state-1");
        let pushed = client.push_authorization(&request).await.unwrap();
        let back = Browser::new().open(&pushed.to_url(&server, named.0.as_str()).unwrap()).await.url;
        let answer = AuthorizationResponse::from_query(back.query().unwrap(), &server, "state-1").unwrap();
        let first = client.authorization_code(answer.code(), REDIRECT_URI, &verifier).await.unwrap();
        let refresh_token = first.refresh_token().unwrap();
        for _ in 0..2 {
            client.refresh_token(refresh_token).await.unwrap();
        }
        client.revoke(HintedToken::refresh_token(refresh_token)).await.unwrap();
        assert_eq!(refusal(client.refresh_token(refresh_token).await).error(), Some("invalid_grant"));
        println!("oidc-provider under FAPI 2.0, a login, {}: 1", named.0);
    }
}

/// Only a pushed request leads to a login.
#[tokio::test]
async fn fapi2_5_3_2_2_an_authorization_request_that_is_not_pushed() {
    let server = discovered().await;
    let verifier = fresh_code_verifier().unwrap();
    let request = AuthorizationRequest::new(REDIRECT_URI, &verifier).scope("openid").state("state-1");
    let back = Browser::new().open(&request.to_url(&server, "ES256").unwrap()).await;
    assert!(!back.url.as_str().contains("code="), "{back:?}");
}

#[tokio::test]
async fn fapi2_5_3_2_1_every_audience_but_the_issuer() {
    let (server, record) = (discovered().await, Record::of("oidc-provider under FAPI 2.0"));
    let (algorithm, file) = FAPI_ALGORITHMS[1];
    for audience in [Audience::TokenEndpoint, Audience::CalledEndpoint] {
        let builder = TokenClient::builder(server.clone(), algorithm.as_str(), signing_key(algorithm, file));
        let client = builder.audience(audience.clone()).http(record.clone()).build().unwrap();
        for endpoint in Endpoint::ALL {
            let refused = refusal(call(&client, endpoint).await);
            assert_eq!((refused.status(), refused.error()), (401, Some("invalid_client")), "{endpoint:?}");
            assert_eq!(crate::hint(&refused), Some(CauseKind::Unspecific));
        }
    }
    let issuer = client(&server, FAPI_ALGORITHMS[1], &record);
    issuer.request(&TokenRequest::client_credentials("api:read")).await.unwrap();
}

#[tokio::test]
async fn it_refuses_each_kind_of_request_without_a_reason() {
    let server = discovered().await;
    let draft = async || Draft::new(server.token_endpoint(), "ES256", server.issuer().unwrap());
    let mut expected = expected::OIDC_PROVIDER;
    expected[2] = "two audiences: 401 invalid_client, client authentication failed, Unspecific";
    assert_eq!(of("oidc-provider under FAPI 2.0", draft).await, expected);
}
