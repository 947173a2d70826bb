//! Logins to the end: with a code, through pushed authorization requests, and from a device.

use std::time::Duration;

use private_key_jwt::client::fresh_code_verifier;
use private_key_jwt::oauth::{AuthorizationRequest, AuthorizationResponse, CauseKind, Endpoint, HintedToken};
use private_key_jwt::transport::{HttpClient, ReqwestClient};
use private_key_jwt::{
    AccessTokenProfile, AccessTokenVerifier, AuthorizationServer, JwkSet, PublicKeySet, TokenClient,
    TokenResponse,
};
use time::OffsetDateTime;

use super::realm::{PASSWORD, USER};
use super::{KNOWN, builder, keycloak, named};
use crate::browser::{Browser, Page, REDIRECT_URI};
use crate::record::Record;
use crate::{ALGORITHMS, path, refusal, signing_key};

/// The user's browser, from a login URL to the page after the login.
async fn log_in(browser: &mut Browser, url: &str) -> Page {
    let form = browser.open(url).await;
    browser.submit(&form, &[("username", USER), ("password", PASSWORD)]).await
}

/// Pushes an authorization request and lets the user log in.
async fn with_a_code(client: &TokenClient, client_id: &str) -> TokenResponse {
    let verifier = fresh_code_verifier().unwrap();
    let request = AuthorizationRequest::new(REDIRECT_URI, &verifier).scope("openid").state("state-1");
    let pushed = client.push_authorization(&request).await.unwrap();
    let url = pushed.to_url(&client.server().await.unwrap(), client_id).unwrap();
    let back = log_in(&mut Browser::new(), &url).await.url;
    let answer =
        AuthorizationResponse::from_query(back.query().unwrap(), &client.server().await.unwrap(), "state-1")
            .unwrap();
    client.authorization_code(answer.code(), REDIRECT_URI, &verifier).await.unwrap()
}

/// The access token is the user's, for this client.
async fn check(response: &TokenResponse, server: &AuthorizationServer, client_id: &str) -> String {
    let request = http::Request::get(server.jwks_uri().unwrap()).body(Vec::new()).unwrap();
    let document = ReqwestClient::new().unwrap().send(request).await.unwrap();
    let keys = PublicKeySet::from(JwkSet::from_json(document.body()).unwrap());
    let verifier = AccessTokenVerifier::new(keycloak(), client_id).profile(AccessTokenProfile::keycloak());
    let token = response.access_token().bearer().unwrap();
    let claims = verifier.verify(&keys, token, OffsetDateTime::now_utc()).unwrap();
    assert_eq!(claims.client_id(), Some(client_id));
    claims.subject().unwrap().to_owned()
}

#[tokio::test]
async fn a_login_with_a_code_from_the_pushed_request_to_the_revoked_token_with_every_algorithm() {
    let record = Record::of("Keycloak");
    let mut users = std::collections::BTreeSet::new();
    for &(algorithm, file) in &ALGORITHMS[..KNOWN] {
        let client =
            builder("value", algorithm, signing_key(algorithm, file), &record).await.build().unwrap();
        let client_id = format!("value-{algorithm}");
        let first = with_a_code(&client, &client_id).await;
        users.insert(check(&first, &client.server().await.unwrap(), &client_id).await);
        let second = client.refresh_token(first.refresh_token().unwrap()).await.unwrap();
        users.insert(check(&second, &client.server().await.unwrap(), &client_id).await);
        let refresh_token = second.refresh_token().unwrap();
        let said = client.introspect(HintedToken::refresh_token(refresh_token)).await.unwrap();
        assert!(said.is_active(), "{algorithm}");
        client.revoke(HintedToken::refresh_token(refresh_token)).await.unwrap();
        let refused = refusal(client.refresh_token(refresh_token).await);
        assert_eq!(
            (refused.status(), refused.error(), crate::hint(&refused)),
            (400, Some("invalid_grant"), None)
        );
    }
    assert_eq!(users.len(), 1);
    let (counts, server) = (record.print(), AuthorizationServer::discover(keycloak()).await.unwrap());
    let count = |endpoint, status| counts[&(path(&server, endpoint), status)];
    assert_eq!((count(Endpoint::PushedAuthorization, 201), count(Endpoint::Token, 200)), (10, 20));
    assert_eq!((count(Endpoint::Token, 400), count(Endpoint::Revocation, 200)), (10, 10));
}

#[tokio::test]
async fn rfc9126_5_a_client_that_must_push_its_authorization_requests() {
    let record = Record::of("Keycloak");
    let (algorithm, file) = ALGORITHMS[6];
    let client = named("pushes", signing_key(algorithm, file), &record).await.build().unwrap();
    check(&with_a_code(&client, "pushes").await, &client.server().await.unwrap(), "pushes").await;
    // Without the push, there is no code.
    let verifier = fresh_code_verifier().unwrap();
    let request = AuthorizationRequest::new(REDIRECT_URI, &verifier).scope("openid").state("state-1");
    let page = Browser::new().open(&request.to_url(&client.server().await.unwrap(), "pushes").unwrap()).await;
    assert!(!page.url.as_str().contains("code="), "{page:?}");
}

#[tokio::test]
async fn a_device_login_to_its_end_with_every_algorithm() {
    let record = Record::of("Keycloak");
    let mut logins = tokio::task::JoinSet::new();
    for &(algorithm, file) in &ALGORITHMS[..KNOWN] {
        let client =
            builder("value", algorithm, signing_key(algorithm, file), &record).await.build().unwrap();
        logins.spawn(async move {
            let codes = client.authorize_device("openid").await.unwrap();
            assert_eq!(codes.interval(), Duration::from_secs(5));
            let mut browser = Browser::new();
            let consent = log_in(&mut browser, codes.verification_uri_complete().unwrap()).await;
            let done = browser.submit(&consent, &[("accept", "Yes")]).await;
            assert_eq!(done.status, 200, "{done:?}");
            let response = client.device_token(&codes).await.unwrap();
            check(&response, &client.server().await.unwrap(), &format!("value-{algorithm}")).await;
        });
    }
    while let Some(login) = logins.join_next().await {
        login.unwrap();
    }
    let (counts, server) = (record.print(), AuthorizationServer::discover(keycloak()).await.unwrap());
    let count = |endpoint| counts[&(path(&server, endpoint), 200)];
    assert_eq!((count(Endpoint::DeviceAuthorization), count(Endpoint::Token)), (10, 10));
}

#[tokio::test]
async fn rfc8628_3_5_a_device_login_that_the_user_does_not_want() {
    let record = Record::of("Keycloak");
    let client = super::es256(&record).await.build().unwrap();
    let codes = client.authorize_device("openid").await.unwrap();
    let mut browser = Browser::new();
    let consent = log_in(&mut browser, codes.verification_uri_complete().unwrap()).await;
    browser.submit(&consent, &[("cancel", "No")]).await;
    let refused = refusal(client.device_token(&codes).await);
    assert_eq!((refused.status(), refused.error()), (400, Some("access_denied")));
    assert_eq!(crate::hint(&refused), None::<CauseKind>);
}
