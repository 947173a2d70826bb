//! A clock that is off, in both directions, at servers that send a `Date`.

use private_key_jwt::oauth::{CauseKind, Endpoint};
use private_key_jwt::{Algorithm, AuthorizationServer, TokenClient, TokenRequest};
use time::{Duration, OffsetDateTime};

use crate::peers::{authlib, oidc_provider, spring, zitadel};
use crate::record::Record;
use crate::{path, published, refusal, signing_key};

/// The client with a clock that is ahead of the server's by this.
fn client(server: &AuthorizationServer, seconds: i64, record: &Record) -> TokenClient {
    let clock = move || OffsetDateTime::now_utc() + Duration::seconds(seconds);
    let key = signing_key(Algorithm::ES256, "p256.pkcs8.pem");
    TokenClient::builder(server.clone(), "ES256", key).clock(clock).http(record.clone()).build().unwrap()
}

/// Requests tokens. Returns how many assertions the server rejected.
async fn rejected(name: &'static str, server: &AuthorizationServer, seconds: i64) -> usize {
    let record = Record::of(name);
    let client = client(server, seconds, &record);
    for _ in 0..3 {
        let response = client.request(&TokenRequest::client_credentials(())).await;
        response.unwrap_or_else(|error| panic!("{name} {seconds}: {error}"));
    }
    let endpoint = path(server, Endpoint::Token);
    assert_eq!(record.count(&endpoint, Algorithm::ES256, 200), 3, "{name} {seconds}");
    let rejected = record.print().values().sum::<usize>() - 3;
    println!("{name}, the clock {seconds} s off: {rejected} corrections");
    rejected
}

/// The `Date` of the metadata shows the difference before the first request.
#[tokio::test]
async fn a_server_that_was_discovered_rejects_nothing() {
    for (name, issuer) in [
        ("oidc-provider", &oidc_provider().issuer),
        ("Spring Authorization Server", &spring(published::url()).issuer),
        ("zitadel/oidc", &zitadel().issuer),
    ] {
        let server = AuthorizationServer::discover(issuer).await.unwrap();
        for seconds in [-250, -120, 120, 250] {
            assert_eq!(rejected(name, &server, seconds).await, 0, "{name} {seconds}");
        }
    }
}

/// Without metadata, the first rejection shows it.
#[tokio::test]
async fn a_server_without_metadata_rejects_one_assertion() {
    let issuer = &authlib().issuer;
    let server = AuthorizationServer::new(issuer, format!("{issuer}/token")).unwrap();
    for seconds in [-250, -120, 120, 250] {
        assert_eq!(rejected("Authlib", &server, seconds).await, 1, "{seconds}");
    }
}

/// It is not corrected, because the difference is too large; the hint names it.
#[tokio::test]
async fn a_clock_that_is_an_hour_slow_is_named() {
    for (name, issuer) in [
        ("Authlib", &authlib().issuer),
        ("oidc-provider", &oidc_provider().issuer),
        ("Spring Authorization Server", &spring(published::url()).issuer),
    ] {
        let server = match name {
            "Authlib" => AuthorizationServer::new(issuer, format!("{issuer}/token")).unwrap(),
            _ => AuthorizationServer::discover(issuer).await.unwrap(),
        };
        let record = Record::of(name);
        let client = client(&server, -3600, &record);
        let refusal = refusal(client.request(&TokenRequest::client_credentials(())).await);
        let clock = refusal.clock().unwrap_or_else(|| panic!("{name}: {refusal:?}"));
        let off = clock.now() - OffsetDateTime::now_utc() + Duration::HOUR;
        assert!(off.abs() < Duration::seconds(30), "{name}: {off}");
        assert_eq!(crate::hint(&refusal), Some(CauseKind::Expired), "{name}");
        println!("{name}, the clock an hour slow: refused, {:?}", CauseKind::Expired);
    }
}
