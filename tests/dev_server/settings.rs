//! The lifetime of tokens, and how long JWK Sets are kept.

use std::time::Duration;

use private_key_jwt::dev_server::ClientKeys;

use super::*;
use crate::support::clock::TestClock;
use crate::support::http::{ScriptedHttp, ok};

fn living(lifetime: Duration) -> Client {
    Client::of(&DevServer::builder().token_lifetime(lifetime).build(ORIGIN).unwrap(), "client")
}

#[test]
fn tokens_live_as_long_as_they_are_told_to() {
    let client = living(Duration::from_millis(90_999));
    let tokens = client.log_in("openid", now());
    assert_eq!(tokens["expires_in"], 90);
    for token in ["access_token", "id_token"] {
        let jws = CompactJws::parse(tokens[token].as_str().unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(jws.payload()).unwrap();
        assert_eq!(claims["exp"], at(90).unix_timestamp(), "{token}");
    }
    assert!(client.is_active(&tokens["access_token"], at(89)));
    assert!(!client.is_active(&tokens["access_token"], at(90)));
}

#[test]
fn a_lifetime_of_zero_and_one_without_end_do_no_harm() {
    let client = living(Duration::ZERO);
    let tokens = client.log_in("a", now());
    assert_eq!(tokens["expires_in"], 0);
    assert!(!client.is_active(&tokens["access_token"], now()));

    let client = living(Duration::MAX);
    let tokens = client.log_in("a", now());
    assert_eq!(tokens["expires_in"], i64::MAX);
    assert!(client.is_active(&tokens["access_token"], at(1 << 33)));
}

#[test]
fn a_revoked_token_stays_revoked_for_as_long_as_it_lives() {
    let week = 7 * 24 * 3600;
    let client = living(Duration::from_secs(week));
    let [alone, of_login] = [client.log_in("a", now()), client.log_in("a", now())];
    client.ask(Endpoint::Revocation, &[("token", alone["access_token"].as_str().unwrap())], now());
    client.ask(Endpoint::Revocation, &[("token", of_login["refresh_token"].as_str().unwrap())], now());
    let other = client.log_in("a", now());
    let end = at(i64::try_from(week).unwrap() - 1);
    for revoked in [&alone, &of_login] {
        assert!(!client.is_active(&revoked["access_token"], end));
    }
    assert!(client.is_active(&other["access_token"], end));
}

#[test]
fn rfc9111_5_2_2_1_only_the_servers_jwks_may_be_cached_and_only_if_told_to() {
    let dev = DevServer::builder().jwks_cache_time(Duration::from_secs(900)).build(ORIGIN).unwrap();
    let jwks = page(&dev, dev.jwks_uri(), now());
    assert_eq!(jwks.headers()["cache-control"], "max-age=900");
    assert!(!jwks.headers().contains_key("pragma"));
    let metadata = page(&dev, &format!("{}/.well-known/openid-configuration", dev.issuer()), now());
    assert_eq!(metadata.headers()["cache-control"], "no-store");
    let dev = DevServer::new(ORIGIN).unwrap();
    assert_eq!(page(&dev, dev.jwks_uri(), now()).headers()["cache-control"], "no-store");
}

#[tokio::test]
async fn a_clients_jwks_is_fetched_again_when_the_cache_time_is_over() {
    let clock = TestClock::new();
    let builder = DevServer::builder().clock(clock.clone()).jwks_cache_time(Duration::from_secs(60));
    let dev = builder.build(ORIGIN).unwrap();
    let key = es256();
    dev.register("client", ClientKeys::JwksUrl("https://client.example/jwks".to_owned())).unwrap();
    let document = jwks(&key).to_json();
    let http = ScriptedHttp::answering(move |_| ok(&[], &document));
    for (seconds, requests) in [(0, 1), (60, 1), (61, 2), (121, 2), (122, 3)] {
        let token = token_at(&dev, &key, at(seconds));
        let exchange = dev.handle_with(&token, at(seconds), &http).await;
        assert_eq!((exchange.response.status().as_u16(), http.requests()), (200, requests), "{seconds}");
    }
    // Without I/O, the server says what is missing.
    assert_eq!(
        refusal(&dev.respond(&token_at(&dev, &key, at(200)), at(200))),
        invalid_client(
            "the keys from the JWKS URL of client `client` are 78 s old, older than the cache time"
        )
    );
    // Keys that the test fetches are as old as the clock says.
    clock.move_by(at(200) - support::now());
    dev.refresh("client", &http).await.unwrap();
    assert_eq!(dev.respond(&token_at(&dev, &key, at(260)), at(260)).status(), 200);
}

fn token_at(dev: &DevServer, key: &PrivateKey, time: OffsetDateTime) -> http::Request<Vec<u8>> {
    let server = dev.authorization_server();
    let assertion = ClientAssertion::builder("client", server).sign(key, time, fresh()).unwrap();
    TokenRequest::client_credentials(()).to_http(server, &assertion).unwrap()
}
