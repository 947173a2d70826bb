//! Keys whose URL is discovered with them.

use private_key_jwt::oauth::Discovery;
use private_key_jwt::server::{JwksFetchError, RemoteJwksError};
use private_key_jwt::transport::TransportError;
use private_key_jwt::{AuthorizationServer, RemoteJwks};

use super::set;
use crate::support::clock::TestClock;
use crate::support::http::{ScriptedHttp, ok};
use crate::support::{clean, key};

const ISSUER: &str = "https://as.example";

fn metadata(jwks_uri: &str) -> String {
    format!(r#"{{"issuer":"{ISSUER}","token_endpoint":"{ISSUER}/token","jwks_uri":"{jwks_uri}"}}"#)
}

fn jwks(http: &ScriptedHttp, clock: &TestClock) -> RemoteJwks {
    RemoteJwks::builder_of(Discovery::new(ISSUER)).http(http.clone()).clock(clock.clone()).build().unwrap()
}

/// Answers with metadata that name this URL, and with this key everywhere else.
fn publishing(http: &ScriptedHttp, jwks_uri: &'static str, name: &str) {
    let keys = set(&[key(name).public_jwk()]);
    http.answers(move |request| match request.uri().path() {
        path if path.contains("/.well-known/") => {
            ok(&[("cache-control", "max-age=600")], &metadata(jwks_uri))
        }
        _ => ok(&[("etag", "\"1\"")], &keys),
    });
}

#[tokio::test]
async fn a_server_that_checks_tokens_starts_before_their_issuer() {
    let (http, clock) = (ScriptedHttp::silent(), TestClock::new());
    http.breaks();
    let jwks = jwks(&http, &clock);
    assert_eq!((http.requests(), jwks.url()), (0, None));
    let error = clean(jwks.keys().await.unwrap_err());
    assert_eq!(error.to_string(), "the keys at https://as.example are not available");
    let RemoteJwksError::Unavailable { source, .. } = &error else { panic!("{error:?}") };
    assert_eq!(source.to_string(), "cannot discover https://as.example");
    assert!(matches!(&**source, JwksFetchError::Discovery { source: TransportError::Broken { .. }, .. }));
    let requests = http.requests();
    // The issuer is left alone for a moment.
    jwks.keys().await.unwrap_err();
    assert_eq!(http.requests(), requests);
    publishing(&http, "https://as.example/jwks", "p256.pkcs8.pem");
    clock.move_by(time::Duration::seconds(2));
    jwks.keys().await.unwrap();
    assert_eq!(jwks.url().as_deref(), Some("https://as.example/jwks"));
}

#[tokio::test]
async fn keys_that_move_are_found_at_their_new_url_and_compared_with_nothing_old() {
    let (http, clock) = (ScriptedHttp::silent(), TestClock::new());
    publishing(&http, "https://as.example/jwks", "p256.pkcs8.pem");
    let jwks = jwks(&http, &clock);
    let first = jwks.keys().await.unwrap();
    // At the same URL, the validator is sent.
    clock.move_by(time::Duration::seconds(301));
    jwks.keys().await.unwrap();
    settle().await;
    assert_eq!(http.last_header("if-none-match").as_deref(), Some("\"1\""));
    publishing(&http, "https://keys.example/jwks", "ed25519.pkcs8.pem");
    clock.move_by(time::Duration::seconds(601));
    // The first fetch finds the metadata old and renews it, the second one follows it.
    for _ in 0..2 {
        jwks.keys().await.unwrap();
        settle().await;
        clock.move_by(time::Duration::seconds(301));
    }
    assert_eq!(http.last_header("if-none-match"), None);
    assert_eq!(jwks.url().as_deref(), Some("https://keys.example/jwks"));
    assert_ne!(format!("{:?}", jwks.keys().await.unwrap()), format!("{first:?}"));
}

#[tokio::test]
async fn a_server_without_a_jwks_uri_says_so() {
    let (http, clock) = (ScriptedHttp::silent(), TestClock::new());
    http.answers(|_| ok(&[], &format!(r#"{{"issuer":"{ISSUER}","token_endpoint":"{ISSUER}/token"}}"#)));
    let error = clean(jwks(&http, &clock).keys().await.unwrap_err());
    let RemoteJwksError::Unavailable { source, .. } = &error else { panic!("{error:?}") };
    assert_eq!(source.to_string(), "the authorization server has no jwks_uri");
}

#[tokio::test]
async fn a_server_that_is_known_names_its_keys() {
    let (http, clock) = (ScriptedHttp::silent(), TestClock::new());
    publishing(&http, "", "p256.pkcs8.pem");
    let server = AuthorizationServer::new(ISSUER, "https://as.example/token").unwrap();
    let server = server.with_jwks_uri("https://as.example/keys").unwrap();
    let jwks = RemoteJwks::builder_of(server).http(http.clone()).clock(clock).build().unwrap();
    jwks.keys().await.unwrap();
    assert_eq!((http.requests(), jwks.url().as_deref()), (1, Some("https://as.example/keys")));
}

#[test]
fn what_is_no_issuer_is_an_error_of_the_builder() {
    let error = clean(RemoteJwks::discover("http://as.example").unwrap_err());
    assert_eq!(error.to_string(), "the issuer http://as.example is plain http, which is for loopback only");
    assert!(matches!(RemoteJwks::discover("").unwrap_err(), TransportError::OAuth(_)));
}

/// Lets a fetch in the background end.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}
