//! User logins at oidc-provider, from the pushed authorization request to the revoked token, in a
//! browser on this machine and from another device; and the resulting tokens, at the resource
//! server.

use std::time::Duration;

use private_key_jwt::client::fresh_code_verifier;
use private_key_jwt::oauth::{AuthorizationRequest, CodeVerifier, HintedToken};
use private_key_jwt::transport::{HttpClient, ReqwestClient};
use private_key_jwt::verifier::VerifierError;
use private_key_jwt::{
    AccessTokenVerifier, Algorithm, AuthorizationServer, JwkSet, PublicKeySet, TokenClient, TokenRequest,
    TokenResponse,
};
use time::OffsetDateTime;

use crate::browser::{Browser, REDIRECT_URI};
use crate::peers::oidc_provider;
use crate::record::Record;
use crate::{ALGORITHMS, client, refusal};

const API: &str = "urn:example:api";

async fn discovered() -> AuthorizationServer {
    AuthorizationServer::discover(&oidc_provider().issuer).await.unwrap()
}

/// The keys with which the server signs access tokens.
async fn keys(server: &AuthorizationServer) -> PublicKeySet {
    let request = http::Request::get(server.jwks_uri().unwrap()).body(Vec::new()).unwrap();
    let document = ReqwestClient::new().unwrap().send(request).await.unwrap();
    JwkSet::from_json(document.body()).unwrap().into()
}

/// Pushes an authorization request and lets the user log in. Returns the code.
async fn code(client: &TokenClient, client_id: Algorithm, verifier: &CodeVerifier) -> String {
    let request = AuthorizationRequest::new(REDIRECT_URI, verifier)
        .scope("openid api:read")
        .state("state/1")
        .parameter("resource", API)
        .unwrap();
    let pushed = client.push_authorization(&request).await.unwrap();
    let url = pushed.to_url(&client.server().await.unwrap(), client_id.as_str()).unwrap();
    let back = Browser::new().open(&url).await.url;
    let answer = |wanted: &str| {
        let mut pairs = back.query_pairs().filter(|(name, _)| name == wanted);
        pairs.next().unwrap_or_else(|| panic!("no {wanted}: {back}")).1.into_owned()
    };
    assert_eq!((answer("state"), answer("iss")), ("state/1".to_owned(), oidc_provider().issuer.clone()));
    answer("code")
}

/// The access token is for this user, this client and the API only.
fn check(response: &TokenResponse, client_id: Algorithm, keys: &PublicKeySet) {
    let (token, now) = (response.access_token().bearer().unwrap(), OffsetDateTime::now_utc());
    let verifier = |issuer: &str, audience: &str| AccessTokenVerifier::new(issuer, audience);
    let issuer = &*oidc_provider().issuer;
    let claims = verifier(issuer, API).require_scope("api:read").verify(keys, token, now).unwrap();
    assert_eq!((claims.subject(), claims.client_id()), (Some("user-1"), Some(client_id.as_str())));
    assert_eq!(claims.expires_at(), claims.issued_at().map(|time| time + Duration::from_secs(600)));
    let refused = |verifier: AccessTokenVerifier, token: &str| verifier.verify(keys, token, now).unwrap_err();
    let other = refused(verifier(issuer, "urn:example:other"), token);
    assert!(matches!(other, VerifierError::Audience { .. }), "{other:?}");
    let other = refused(verifier("https://other.example", API), token);
    assert!(matches!(other, VerifierError::Issuer { .. }), "{other:?}");
    let other = refused(verifier(issuer, API).require_scope("api:write"), token);
    assert!(matches!(other, VerifierError::MissingScope { .. }), "{other:?}");
    let other = refused(verifier(issuer, client_id.as_str()), response.id_token().unwrap());
    assert!(matches!(other, VerifierError::AccessTokenType { .. }), "{other:?}");
}

#[tokio::test]
async fn a_login_from_the_pushed_request_to_the_revoked_token_with_every_algorithm() {
    let (found, record) = (discovered().await, Record::of("oidc-provider"));
    let keys = keys(&found).await;
    for named in ALGORITHMS {
        let client = client(&found, named, &record);
        let verifier = fresh_code_verifier().unwrap();
        let code = code(&client, named.0, &verifier).await;
        let first = client.authorization_code(&*code, REDIRECT_URI, &verifier).await.unwrap();
        check(&first, named.0, &keys);

        let old = first.refresh_token().unwrap();
        let second = client.refresh_token(old).await.unwrap();
        check(&second, named.0, &keys);
        let new = second.refresh_token().unwrap();
        assert_ne!(old, new);

        let token = client.introspect(HintedToken::refresh_token(new)).await.unwrap();
        assert!(token.is_active());
        assert_eq!((token.client_id(), token.subject()), (Some(named.0.as_str()), Some("user-1")));
        assert!(token.scope().unwrap().iter().any(|scope| scope == "api:read"));
        client.revoke(HintedToken::refresh_token(new)).await.unwrap();
        assert!(!client.introspect(new).await.unwrap().is_active());
        let refusal = refusal(client.refresh_token(new).await);
        assert_eq!((refusal.status(), refusal.error()), (400, Some("invalid_grant")));
    }
    let counts = record.print();
    let count = |path: &str, status| counts[&(path.to_owned(), status)];
    assert_eq!((count("/request", 201), count("/token", 200), count("/token", 400)), (11, 22, 11));
    assert_eq!((count("/token/introspection", 200), count("/token/revocation", 200)), (22, 11));
    assert_eq!(counts.values().sum::<usize>(), 77);
}

#[tokio::test]
async fn a_code_is_good_once_and_with_its_own_verifier() {
    let (found, record) = (discovered().await, Record::of("oidc-provider"));
    let named = ALGORITHMS[6];
    let client = client(&found, named, &record);
    let verifier = fresh_code_verifier().unwrap();
    let of_other = code(&client, named.0, &fresh_code_verifier().unwrap()).await;
    let code = code(&client, named.0, &verifier).await;
    assert!(client.authorization_code(&*code, REDIRECT_URI, &verifier).await.is_ok());
    for code in [code, of_other] {
        let refusal = refusal(client.authorization_code(code, REDIRECT_URI, &verifier).await);
        assert_eq!((refusal.status(), refusal.error()), (400, Some("invalid_grant")));
    }
}

/// Logs in on the page for the user code, and accepts or denies the device.
async fn at_another_device(url: &str, answer: &str) {
    let mut browser = Browser::new();
    let code_is_there = browser.open(url).await;
    let asked_whether = browser.submit(&code_is_there, &[]).await;
    // "Continue" adds nothing to the form.
    let fields: &[_] = if answer == "abort" { &[("abort", "yes")] } else { &[] };
    let done = browser.submit(&asked_whether, fields).await;
    assert_eq!(done.status, 200, "{done:?}");
}

#[tokio::test]
async fn a_device_login_to_its_end_with_every_algorithm() {
    let (found, record) = (discovered().await, Record::of("oidc-provider"));
    let keys = std::sync::Arc::new(keys(&found).await);
    let mut logins = tokio::task::JoinSet::new();
    for named in ALGORITHMS {
        let (client, record, keys) = (client(&found, named, &record), record.clone(), keys.clone());
        logins.spawn(async move {
            let request = private_key_jwt::oauth::DeviceAuthorizationRequest::new("openid api:read")
                .parameter("resource", API)
                .unwrap();
            let codes = client.authorize_device(request).await.unwrap();
            assert_eq!(codes.interval(), Duration::from_secs(1));
            let user = async {
                // The user takes longer than the first interval.
                while record.count("/token", named.0, 400) == 0 {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                at_another_device(codes.verification_uri_complete().unwrap(), "continue").await;
            };
            let (response, ()) = tokio::join!(client.device_token(&codes), user);
            let response = response.unwrap();
            check(&response, named.0, &keys);
            assert!(client.refresh_token(response.refresh_token().unwrap()).await.is_ok());
        });
    }
    while let Some(login) = logins.join_next().await {
        login.unwrap();
    }
    let counts = record.print();
    let count = |path: &str, status| counts[&(path.to_owned(), status)];
    assert_eq!((count("/device/auth", 200), count("/token", 200)), (11, 22));
    // Each has polled too early at least once.
    assert!(count("/token", 400) >= 11, "{counts:?}");
}

#[tokio::test]
async fn rfc8628_3_5_a_device_login_that_the_user_does_not_want() {
    let (found, record) = (discovered().await, Record::of("oidc-provider"));
    let client = client(&found, ALGORITHMS[6], &record);
    let codes = client.authorize_device("openid").await.unwrap();
    at_another_device(codes.verification_uri_complete().unwrap(), "abort").await;
    let refusal = refusal(client.device_token(&codes).await);
    assert_eq!((refusal.status(), refusal.error()), (400, Some("access_denied")));
}

#[tokio::test]
async fn access_tokens_of_every_kind_at_the_resource_server() {
    let (found, record) = (discovered().await, Record::of("oidc-provider"));
    let keys = keys(&found).await;
    let client = client(&found, ALGORITHMS[6], &record);
    let token = async |resource: &str| {
        let request = TokenRequest::client_credentials("api:read").resource(resource).unwrap();
        client.request(&request).await.unwrap().into_access_token()
    };
    for (resource, algorithm) in [
        (API, Algorithm::RS256),
        ("urn:example:es256", Algorithm::ES256),
        ("urn:example:ed25519", Algorithm::Ed25519),
    ] {
        let token = token(resource).await;
        let verifier = AccessTokenVerifier::new(&*oidc_provider().issuer, resource).algorithms([algorithm]);
        let claims = verifier.verify(&keys, token.secret(), OffsetDateTime::now_utc()).unwrap();
        assert_eq!((claims.subject(), claims.has_scope("api:read")), (Some("ES256"), true));
        // The server introspects opaque tokens only.
        let refusal = refusal(client.introspect(token.secret()).await);
        assert_eq!((refusal.status(), refusal.error()), (400, Some("unsupported_token_type")));
        println!("oidc-provider, an access token, {algorithm}: 1");
    }
    let opaque = token("urn:example:opaque").await;
    let said = client.introspect(HintedToken::access_token(opaque.secret())).await.unwrap();
    assert!(said.is_active());
    assert_eq!((said.client_id(), said.audience()), (Some("ES256"), &["urn:example:opaque".to_owned()][..]));
    assert_eq!((said.issuer(), said.token_type()), (Some(&*oidc_provider().issuer), Some("Bearer")));
    let lifetime = said.expires_at().unwrap() - said.issued_at().unwrap();
    assert_eq!(lifetime, Duration::from_secs(600));
    client.revoke(opaque.secret()).await.unwrap();
    assert!(!client.introspect(opaque.secret()).await.unwrap().is_active());
    println!("oidc-provider, an opaque access token: 1");
}
