//! Client authentication at the token endpoint of oidc-provider.

use std::path::Path;
use std::process::Command;

use private_key_jwt::{Audience, AuthorizationServer, KeyRing, TokenClient, TokenRequest};
use serde_json::json;
use time::OffsetDateTime;

use crate::peers::{node, oidc_provider, run, start};
use crate::record::Record;
use crate::support::key;
use crate::{ALGORITHMS, client, refusal};

#[tokio::test]
async fn the_token_client_gets_a_token_with_every_algorithm_by_discovery() {
    let found = AuthorizationServer::discover(&oidc_provider().issuer).await.unwrap();
    let record = Record::of("oidc-provider");
    for named in ALGORITHMS {
        let client = client(&found, named, &record);
        let response = client.request(&TokenRequest::client_credentials("api:read")).await.unwrap();
        assert!(response.access_token().is_bearer(), "{named:?}");
        assert!(response.access_token().expires_at().unwrap() > OffsetDateTime::now_utc());
        assert_eq!(response.scope().unwrap().to_string(), "api:read");
    }
    assert_eq!(record.print().into_iter().collect::<Vec<_>>(), [(("/token".to_owned(), 200), 11)]);
}

#[tokio::test]
async fn a_wrong_key_and_a_wrong_audience_are_refused_with_invalid_client() {
    let found = AuthorizationServer::discover(&oidc_provider().issuer).await.unwrap();
    let wrong_key = TokenClient::builder(found.clone(), "ES256", key("p256.pkcs8.pem").with_key_id("other"));
    let wrong_audience = TokenClient::builder(found, "ES256", key("p256.pkcs8.pem"))
        .audience(Audience::Exactly("https://elsewhere.example".to_owned()));
    for builder in [wrong_key, wrong_audience] {
        let refusal = refusal(builder.build().unwrap().token(()).await);
        assert_eq!((refusal.status(), refusal.error()), (401, Some("invalid_client")));
    }
}

#[tokio::test]
async fn the_server_reads_our_jwks_from_its_url() {
    let keys = KeyRing::from(key("p256.pkcs8.pem"));
    let published = wiremock::MockServer::start().await;
    wiremock::Mock::given(wiremock::matchers::path("/jwks.json"))
        .respond_with(wiremock::ResponseTemplate::new(200).set_body_json(keys.jwks()))
        .mount(&published)
        .await;
    let config = json!({"clients": [
        {"client_id": "by-url", "jwks_uri": format!("{}/jwks.json", published.uri())}
    ]});
    let server = start("oidc-provider", node("server.mjs"), &config);
    let found = AuthorizationServer::discover(&server.issuer).await.unwrap();
    assert!(TokenClient::new(found, "by-url", keys).unwrap().token("api:write").await.is_ok());
}

#[test]
fn the_command_line_gets_tokens_for_rsa_and_each_curve() {
    let issuer = &oidc_provider().issuer;
    for (algorithm, file) in ALGORITHMS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/keys").join(file);
        let mut command = Command::new(env!("CARGO_BIN_EXE_pkjwt"));
        command.args(["token", "--issuer", issuer, "--client-id", algorithm.as_str(), "--scope", "api:read"]);
        command.args(["--alg", algorithm.as_str(), "--key"]).arg(path);
        let token = run(&mut command, "").unwrap();
        assert_eq!(token.split('.').count(), 3, "{algorithm}");
        println!("oidc-provider, pkjwt token, {algorithm}: 1");
    }
}
