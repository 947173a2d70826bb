//! The client's own methods with a server that listens, and no other setup.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use private_key_jwt::client::ErrorKind;
use private_key_jwt::client::{fresh_code_verifier, fresh_jti};
use private_key_jwt::dev_server::RunningDevServer;
use private_key_jwt::oauth::{
    AuthorizationRequest, CodeVerifier, HintedToken, JwtGrant, OAuthError, TokenExchange, TokenKind,
};
use private_key_jwt::transport::{HttpClient, ReqwestClient};
use private_key_jwt::{Audience, Error, TokenClient, TokenResponse};

use super::*;
use crate::support::clock::TestClock;

const CALLBACK: &str = "http://127.0.0.1:9/callback";

async fn dev_and_client(audience: Audience) -> (RunningDevServer, TokenClient) {
    let dev = DevServer::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let key = es256();
    dev.register("client", jwks(&key)).unwrap();
    let server = AuthorizationServer::discover(dev.issuer()).await.unwrap();
    assert_eq!(server, *dev.authorization_server());
    let client = TokenClient::builder(server, "client", key).audience(audience).build().unwrap();
    (dev, client)
}

fn audiences() -> [Audience; 3] {
    [Audience::Issuer, Audience::TokenEndpoint, Audience::CalledEndpoint]
}

/// Follows a redirect like a browser, and returns the code for the application.
async fn browse(url: &str) -> String {
    let request = http::Request::get(url).body(Vec::new()).unwrap();
    let response = ReqwestClient::new().unwrap().send(request).await.unwrap();
    assert_eq!(response.status(), 303);
    let location = response.headers()["location"].to_str().unwrap();
    let query = location.strip_prefix(CALLBACK).unwrap().strip_prefix('?').unwrap();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == "code").unwrap().1.into_owned()
}

async fn log_in(dev: &RunningDevServer, client: &TokenClient, scope: &str) -> TokenResponse {
    dev.log_in_as("user-7");
    let verifier = fresh_code_verifier().unwrap();
    let request = AuthorizationRequest::new(CALLBACK, &verifier).scope(scope).state("s");
    let url = request.to_url(&client.server().await.unwrap(), "client").unwrap();
    client.authorization_code(browse(&url).await, CALLBACK, &verifier).await.unwrap()
}

fn refusal_of<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result.unwrap_err().into_kind() {
        ErrorKind::OAuth(OAuthError::Refused(refusal)) => refusal.error().unwrap().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_login_a_refresh_an_introspection_and_a_revocation_under_each_audience() {
    for audience in audiences() {
        let (dev, client) = dev_and_client(audience).await;
        let first = log_in(&dev, &client, "a b").await;
        assert_eq!(first.scope().unwrap().to_string(), "a b");
        let second = client.refresh_token(first.refresh_token().unwrap()).await.unwrap();
        let token = client.introspect(second.access_token().secret()).await.unwrap();
        assert!(token.is_active());
        assert_eq!((token.subject(), token.client_id()), (Some("user-7"), Some("client")));
        assert_eq!((token.issuer(), token.token_type()), (Some(dev.issuer()), Some("Bearer")));
        assert_eq!(token.audience(), [DevServer::DEFAULT_AUDIENCE]);
        assert!(token.expires_at().unwrap() > OffsetDateTime::now_utc());
        assert!(token.token_id().is_some() && token.issued_at().is_some());

        let refresh_token = second.refresh_token().unwrap();
        let kept = client.introspect(HintedToken::refresh_token(refresh_token)).await.unwrap();
        assert!(kept.is_active());
        client.revoke(HintedToken::refresh_token(refresh_token)).await.unwrap();
        client.revoke("an unknown token").await.unwrap();
        assert!(!client.introspect(second.access_token().secret()).await.unwrap().is_active());
        assert_eq!(refusal_of(client.refresh_token(refresh_token).await), "invalid_grant");
    }
}

/// The server accepts each refresh token once. A client that sends one twice loses the login.
#[tokio::test]
async fn a_source_goes_on_from_a_login_and_keeps_up_with_the_refresh_tokens() {
    let (dev, client) = dev_and_client(Audience::Issuer).await;
    let login = log_in(&dev, &client, "a b").await;
    let first = login.refresh_token().unwrap().to_owned();
    let tokens = client.source_from(login);
    let token = tokens.token().await.unwrap();
    assert!(tokens.invalidate(&token));
    // A resource server rejected it: all callers get the next token, from one request.
    let callers: Vec<_> = (0..50)
        .map(|_| {
            tokio::spawn({
                let tokens = tokens.clone();
                async move { tokens.token().await }
            })
        })
        .collect();
    let mut secrets = std::collections::HashSet::new();
    for caller in callers {
        secrets.insert(caller.await.unwrap().unwrap().secret().to_owned());
    }
    assert!(secrets.len() == 1 && !secrets.contains(token.secret()));
    let second = tokens.refresh_token().unwrap();
    assert_ne!(*second, first);
    let next = client.refresh_token(second.as_str()).await.unwrap();
    assert!(client.introspect(next.access_token().secret()).await.unwrap().is_active());
}

#[tokio::test]
async fn a_pushed_login_is_used_once_under_each_audience() {
    for audience in audiences() {
        let (dev, client) = dev_and_client(audience).await;
        dev.log_in_as("user-7");
        let verifier = fresh_code_verifier().unwrap();
        let request =
            AuthorizationRequest::new(CALLBACK, &verifier).scope("a").parameter("nonce", "n").unwrap();
        let pushed = client.push_authorization(&request).await.unwrap();
        let url = pushed.to_url(&client.server().await.unwrap(), "client").unwrap();
        let code = browse(&url).await;
        let wrong = CodeVerifier::from_random(&[7; 32]);
        let tokens = client.authorization_code(&code, CALLBACK, &verifier).await.unwrap();
        assert_eq!(claims(&dev, tokens.access_token().secret())["sub"], "user-7");
        assert_eq!(refusal_of(client.authorization_code(&code, CALLBACK, &wrong).await), "invalid_grant");
        let again = http::Request::get(&url).body(Vec::new()).unwrap();
        let again = ReqwestClient::new().unwrap().send(again).await.unwrap();
        assert_eq!(refusal(&again).1, "invalid_request_uri");
    }
}

/// A client whose pauses decide: at this pause the user does this.
fn pausing(
    client: &TokenClient,
    dev: &RunningDevServer,
    at: usize,
    decide: fn(&DevServer, &str),
) -> (TokenClient, TestClock, Arc<Mutex<String>>) {
    let code = Arc::new(Mutex::new(String::new()));
    let (server, user_code) = (dev.authorization_server().clone(), Arc::clone(&code));
    let dev = dev.server().clone();
    let clock = TestClock::standing(move |before| {
        if before + 1 == at {
            decide(&dev, &user_code.lock().unwrap());
        }
    });
    let clock = clock.at(OffsetDateTime::now_utc());
    let builder = TokenClient::builder(server, "client", client.keys().clone());
    (builder.clock(clock.clone()).build().unwrap(), clock, code)
}

#[tokio::test]
async fn a_device_login_waits_for_the_user_and_slows_down_when_it_is_told_to() {
    let (dev, plain) = dev_and_client(Audience::Issuer).await;
    let (client, clock, code) = pausing(&plain, &dev, 3, |dev, code| dev.approve(code, "user-7").unwrap());
    let codes = client.authorize_device("a b").await.unwrap();
    assert_eq!(codes.interval(), Duration::from_secs(5));
    *code.lock().unwrap() = codes.user_code().to_owned();
    let tokens = client.device_token(&codes).await.unwrap();
    assert_eq!(claims(&dev, tokens.access_token().secret())["sub"], "user-7");
    assert!(tokens.refresh_token().is_some());
    // No time has really passed, so the second poll came too soon.
    assert_eq!(clock.pauses(), [5, 5, 10].map(Duration::from_secs));
    assert_eq!(refusal_of(client.device_token(&codes).await), "invalid_grant");
}

#[tokio::test]
async fn a_device_login_that_is_denied_says_so() {
    let (dev, plain) = dev_and_client(Audience::CalledEndpoint).await;
    let (client, clock, code) = pausing(&plain, &dev, 1, |dev, code| dev.deny(code).unwrap());
    let codes = client.authorize_device(()).await.unwrap();
    *code.lock().unwrap() = codes.user_code().to_owned();
    assert_eq!(refusal_of(client.device_token(&codes).await), "access_denied");
    assert_eq!(clock.pauses(), [5].map(Duration::from_secs));
}

#[tokio::test]
async fn a_device_login_by_the_page_as_curl_would() {
    let (dev, plain) = dev_and_client(Audience::Issuer).await;
    let (client, _, code) = pausing(&plain, &dev, 1, |_, _| {});
    let codes = client.authorize_device("a").await.unwrap();
    *code.lock().unwrap() = codes.user_code().to_owned();
    let http = ReqwestClient::new().unwrap();
    let page = http::Request::get(codes.verification_uri_complete().unwrap()).body(Vec::new()).unwrap();
    let page = http.send(page).await.unwrap();
    assert!(html(&page).contains(&format!("value=\"{}\"", codes.user_code())));
    let pressed = http::Request::post(codes.verification_uri())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("user_code={}&decision=approve", codes.user_code()).into_bytes())
        .unwrap();
    assert_eq!(http.send(pressed).await.unwrap().status(), 200);
    let tokens = client.device_token(&codes).await.unwrap();
    assert_eq!(claims(&dev, tokens.access_token().secret())["sub"], DevServer::DEFAULT_SUBJECT);
}

#[tokio::test]
async fn a_jwt_of_an_issuer_that_is_trusted() {
    let (dev, client) = dev_and_client(Audience::Issuer).await;
    let key = PrivateKey::from_file("testdata/keys/rsa2048.pkcs8.pem").unwrap();
    let server = dev.authorization_server();
    let grant = || {
        JwtGrant::builder("https://sts.example", "user-7", server)
            .unwrap()
            .sign(&key, OffsetDateTime::now_utc(), fresh_jti().unwrap())
            .unwrap()
    };
    assert_eq!(refusal_of(client.jwt_bearer(&grant(), "a").await), "invalid_grant");
    dev.trust_issuer("https://sts.example", jwks(&key));
    let tokens = client.jwt_bearer(&grant(), "a").await.unwrap();
    assert_eq!(claims(&dev, tokens.access_token().secret())["sub"], "user-7");
    assert_eq!(tokens.refresh_token(), None);
}

#[tokio::test]
async fn a_token_for_another_one() {
    let (dev, client) = dev_and_client(Audience::Issuer).await;
    let login = log_in(&dev, &client, "a").await;
    let own = client.token(()).await.unwrap();
    let exchange = TokenExchange::new(login.access_token().secret(), TokenKind::AccessToken)
        .actor(own.secret(), TokenKind::AccessToken)
        .requesting(TokenKind::AccessToken);
    let request = TokenRequest::token_exchange(&exchange).scope("orders:read").audience("orders").unwrap();
    let tokens = client.request(&request).await.unwrap();
    assert_eq!(tokens.issued_token_type(), Some(&TokenKind::AccessToken));
    let claims = claims(&dev, tokens.access_token().secret());
    assert_eq!(
        (&claims["sub"], &claims["act"]["sub"], &claims["aud"], &claims["scope"]),
        (&"user-7".into(), &"client".into(), &"orders".into(), &"orders:read".into())
    );
    let refused = client.token_exchange(&TokenExchange::new("x", TokenKind::AccessToken), ()).await;
    assert_eq!(refusal_of(refused), "invalid_request");
}
