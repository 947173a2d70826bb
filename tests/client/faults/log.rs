//! What a `tracing` subscriber sees, and that it contains no secret.

use std::sync::{Arc, OnceLock};

use private_key_jwt::observer::Outcome;
use private_key_jwt::server::RemoteJwks;
use private_key_jwt::transport::Clock;
use private_key_jwt::{AuthorizationServer, KeyRing, TokenClient, TokenRequest, TokenResponse};

use super::outcome::es256;
use super::simulation::Simulated;
use crate::support::clock::TestClock;
use crate::support::http::{ScriptedHttp, answer as response, ok};
use crate::support::log::{lines, listen};
use crate::support::loopback::{Act, Server, answer, token};
use crate::support::{MARK, key};

#[tokio::test]
async fn a_call_that_is_tried_again() {
    listen();
    let server = Server::start(|number| match number {
        0 => Act::Close(answer("503 Service Unavailable\r\nx-request-id: r-1\r\ncorrelation-id: c-1", "")),
        _ => Act::Close(token()),
    })
    .await;
    let known = AuthorizationServer::new("https://as.example", server.url()).unwrap();
    let client = TokenClient::builder(known, "client", key("p256.pkcs8.pem").with_key_id("k1"))
        .clock(TestClock::skipping())
        .build()
        .unwrap();
    client.request(&"a".into()).await.unwrap();
    assert_eq!(
        lines(),
        [
            r#"INFO span token request client_id="client" issuer="https://as.example" grant_type="client_credentials""#,
            "INFO span request attempt=1",
            "recorded key_id=k1",
            "recorded status=503",
            "recorded duration_ms=…",
            r#"recorded correlation_ids="correlation-id c-1, x-request-id r-1""#,
            "WARN attempt failed, retry scheduled: client_id=\"client\" issuer=\"https://as.example\" \
             attempt=1 pause_ms=… error=the server answered 503 [correlation-id c-1] [x-request-id r-1]",
            "INFO span request attempt=2",
            "recorded key_id=k1",
            "recorded status=200",
            "recorded duration_ms=…",
            r#"recorded result="ok""#,
            "INFO token obtained: client_id=\"client\" issuer=\"https://as.example\" \
             grant_type=\"client_credentials\" expires_in=300 attempts=2 duration_ms=…",
        ]
    );
}

/// The events alone, without the client and its issuer, which every event of a client has.
fn events() -> Vec<String> {
    let client = r#" client_id="client" issuer="https://as.example""#;
    lines()
        .into_iter()
        .filter(|line| !line.starts_with("recorded") && !line.starts_with("INFO span"))
        .map(|line| {
            let is_of_client = line.contains(client);
            assert!(
                is_of_client || line.starts_with("DEBUG signed with") || line.contains(": url="),
                "{line}"
            );
            line.replace(client, "")
        })
        .collect()
}

/// The line about a token after this many attempts.
fn obtained(attempts: u32) -> String {
    format!(
        "INFO token obtained: grant_type=\"client_credentials\" expires_in=300 attempts={attempts} duration_ms=…"
    )
}

/// The line about a call that failed at once.
fn failed(grant_type: &str, outcome: &str, error: &str) -> String {
    format!(
        "ERROR call failed: endpoint=\"token_endpoint\" grant_type=\"{grant_type}\" outcome=\"{outcome}\" \
         error_code=\"invalid_client\" attempts=1 duration_ms=… error={error}"
    )
}

#[tokio::test]
async fn what_the_client_corrects_and_remembers_it_says() {
    listen();
    let clock = TestClock::skipping();
    let (old, new) = (key("p256.pkcs8.pem").with_key_id("old"), key("p384.pkcs8.pem").with_key_id("new"));

    let server = Simulated::ahead(&clock, &old, -180);
    let client = server.client(old.clone()).build().unwrap();
    client.request(&"a".into()).await.unwrap();
    client.request(&"a".into()).await.unwrap();
    assert_eq!(
        events(),
        [
            "WARN assertion rejected, retried with corrected times: offset_ms=-180000 learned_from=\"date\" \
             error=refused: 401 invalid_client",
            "INFO clock offset confirmed: offset_ms=-180000 learned_from=\"date\"",
            &obtained(2),
            &obtained(1),
        ]
    );

    // Without a `Date`, and with the difference from discovery.
    let server = Simulated::ahead(&clock, &old, -180);
    server.set(|state| {
        state.date_ahead = None;
        state.issues_jwts = true;
        state.refusal = (400, r#"{"error":"invalid_client","error_description":"issued in the future"}"#);
    });
    let client = server.client(old.clone()).build().unwrap();
    client.request(&"a".into()).await.unwrap();
    let said = "error=refused: 400 invalid_client: issued in the future";
    assert_eq!(
        events(),
        [
            format!(
                "WARN assertion rejected, retried with corrected times: offset_ms=-60000 learned_from=\"text\" {said}"
            ),
            format!(
                "WARN assertion rejected, retried with corrected times: offset_ms=-120000 learned_from=\"text\" {said}"
            ),
            format!(
                "WARN assertion rejected, retried with corrected times: offset_ms=-240000 learned_from=\"text\" {said}"
            ),
            "INFO clock offset confirmed: offset_ms=-180000 learned_from=\"token\"".to_owned(),
            obtained(4),
        ]
    );
    server.set(|state| state.date_ahead = Some(state.ahead));
    let client = server.discovered(old.clone()).await.build().unwrap();
    client.request(&"a".into()).await.unwrap();
    server.set(|state| state.date_ahead = Some(time::Duration::ZERO));
    client.request(&"a".into()).await.unwrap();
    let lines = events();
    assert!(lines[0].starts_with("INFO clock offset assumed: offset_ms=-1"), "{lines:#?}");
    assert!(lines[1].starts_with("INFO clock offset confirmed: offset_ms=-1"), "{lines:#?}");
    let dropped = r#"INFO clock offset dropped: offset_ms=0 learned_from="own clock""#;
    assert_eq!(lines[2..], [&obtained(1), dropped, &obtained(1)]);

    let server = Simulated::ahead(&clock, &old, 0);
    let ring = KeyRing::from(old.clone());
    let now = private_key_jwt::transport::Clock::now(&clock);
    ring.publish(new.clone(), now - KeyRing::PROPAGATION).unwrap();
    ring.activate(new.key_id(), now).unwrap();
    let client = server.client(ring).build().unwrap();
    client.request(&"a".into()).await.unwrap();
    client.request(&"a".into()).await.unwrap();
    assert_eq!(
        events(),
        [
            "WARN key rejected, paused: key_id=new pause_ms=… \
             error=refused: 401 invalid_client",
            "WARN assertion rejected, retried with another key: rejected=new key_id=old \
             error=refused: 401 invalid_client",
            &obtained(2),
            "DEBUG signed with another key, the active key is paused: key_id=old",
            &obtained(1),
        ]
    );

    let client = server.client(new).build().unwrap();
    client.request(&"a".into()).await.unwrap_err();
    client.request(&"a".into()).await.unwrap_err();
    assert_eq!(
        events(),
        [
            "WARN key rejected, paused: key_id=new pause_ms=… \
             error=refused: 401 invalid_client",
            &failed("client_credentials", "refused", "refused: 401 invalid_client"),
            "DEBUG request not sent: endpoint=\"token_endpoint\" grant_type=\"client_credentials\" \
             error=not sent: the server rejected key \"new\" moments ago (401 invalid_client)",
        ]
    );
}

#[tokio::test]
async fn no_secret_is_in_any_line_whatever_the_server_sends_back() {
    listen();
    let secret = |head: &str| {
        let body = format!(
            r#"{{"error":"invalid_client","access_token":"{MARK}","token":"{MARK}","assertion":"{MARK}"}}"#
        );
        answer(&format!("{head}\r\nx-request-id: eyJhbGciOiJFUzI1NiJ9.{}", MARK.repeat(4)), body)
    };
    let server = Server::start(move |number| match number {
        0 => Act::Close(secret("503 Service Unavailable")),
        1 => Act::CloseUnread,
        2 => Act::Close(secret("401 Unauthorized\r\ndate: Fri, 15 Jan 2027 08:03:00 GMT")),
        3 => Act::Close(answer(
            "200 OK",
            format!(r#"{{"access_token":"{MARK}","refresh_token":"{MARK}","token_type":"Bearer"}}"#),
        )),
        _ => Act::Close(secret("401 Unauthorized")),
    })
    .await;
    let known = AuthorizationServer::new("https://as.example", server.url()).unwrap();
    let client = TokenClient::builder(known, "client", key("p256.pkcs8.pem"))
        .assertion(|assertion| assertion.claim("canary", MARK).unwrap())
        .clock(TestClock::skipping())
        .build()
        .unwrap();
    let request = TokenRequest::client_credentials("a").parameter("canary", MARK).unwrap();
    client.request(&request).await.unwrap();
    for _ in 0..2 {
        client.request(&TokenRequest::refresh_token(MARK)).await.unwrap_err();
    }
    assert_eq!(server.requests(), 5);
    // Everything was logged.
    let events = events();
    assert_eq!(events.len(), 8, "{events:#?}");
}

/// The cache's own lines about its background requests.
#[tokio::test]
async fn a_token_that_is_not_renewed_is_dropped_and_a_refresh_token_is_refused() {
    listen();
    let clock = TestClock::skipping();
    let server = Simulated::ahead(&clock, &es256(), 0);
    let client = server.client(es256()).build().unwrap();
    let body = format!(
        r#"{{"access_token":"{MARK}","token_type":"Bearer","expires_in":300,"refresh_token":"{MARK}-r"}}"#
    );
    let login = TokenResponse::from_http(http::Response::new(body.into_bytes()), clock.now()).unwrap();
    let tokens = client.source_from(login);
    let renewal = async |instead| {
        server.set(|state| state.instead = Some(instead));
        let token = tokens.token().await.unwrap();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        token
    };
    clock.move_by(time::Duration::seconds(286));
    renewal((503, "")).await;
    clock.move_by(time::Duration::seconds(10));
    let refused = format!(r#"{{"error":"invalid_grant","error_description":"{MARK}-r is bad"}}"#);
    let token = renewal((400, refused.leak())).await;
    assert!(tokens.invalidate(&token));
    let mut events = events();
    events.retain(|line| !line.starts_with("DEBUG"));
    assert_eq!(
        events,
        [
            "WARN token refresh failed: error=the server answered 503 pause_ms=…",
            "WARN refresh token rejected: error=refused: 400 invalid_grant: [masked] is bad",
            "WARN token refresh failed: error=grant has ended: refresh token rejected \
             (400 invalid_grant: [masked] is bad) pause_ms=…",
            "INFO rejected token dropped:",
        ]
    );
}

/// The line about keys that were fetched in the background.
#[tokio::test]
async fn keys_that_cannot_be_refreshed_are_used_meanwhile() {
    listen();
    let issuer = ScriptedHttp::answering(|_| ok(&[], r#"{"keys":[]}"#));
    let clock = TestClock::new();
    let builder = RemoteJwks::builder("https://as.example/jwks").http(issuer.clone());
    let jwks = builder.clock(clock.clone()).build().unwrap();
    let keys = jwks.keys().await.unwrap();
    issuer.answers(|_| response(503, &[], ""));
    clock.pass(300);
    assert!(Arc::ptr_eq(&jwks.keys().await.unwrap(), &keys));
    while jwks.last_failure().is_none() {
        tokio::task::yield_now().await;
    }
    clock.pass(10);
    jwks.keys().await.unwrap();
    while issuer.requests() < 3 {
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    // The second failure does not say again that the keys are no longer fresh.
    let failed = r#"WARN key refresh failed: url="https://as.example/jwks" error=https://as.example/jwks answered 503 pause_ms=…"#;
    assert_eq!(
        events(),
        [
            r#"INFO keys fetched: url="https://as.example/jwks" keys=0 is_unchanged=false duration_ms=…"#,
            failed,
            r#"WARN keys no longer fresh, still used: url="https://as.example/jwks" age_s=300 hard_limit_s=3600"#,
            failed,
        ]
    );
}

/// The server most likely rejects the key, but its metadata may be wrong.
#[test]
fn rfc8414_2_an_algorithm_that_the_metadata_does_not_list_is_a_warning_when_the_client_is_built() {
    let metadata = |algorithms: &str| {
        let json = format!(
            r#"{{"issuer":"https://as.example","token_endpoint":"https://as.example/token",
            "token_endpoint_auth_signing_alg_values_supported":{algorithms}}}"#
        );
        AuthorizationServer::from_metadata("https://as.example", json.as_bytes()).unwrap()
    };
    listen();
    let build = |algorithms| {
        let key = key("ed25519.pkcs8.pem").with_key_id("k1");
        TokenClient::new(metadata(algorithms), "client", key).unwrap();
        lines()
    };
    assert_eq!(
        build(r#"["ES256","PS256"]"#),
        [
            "WARN algorithm not listed by the server: client_id=\"client\" issuer=\"https://as.example\" key_id=k1 endpoint=\"token_endpoint\" \
             unlisted=token_endpoint_auth_signing_alg_values_supported lists ES256, PS256, not EdDSA; the key can sign \
             with none of them"
        ]
    );
    for fitting in [r#"["ES256","EdDSA"]"#, r#"["Ed25519"]"#, "[]", "null"] {
        assert!(build(fitting).is_empty(), "{fitting}");
    }
}

/// A day in the life of a client and of an API, as its operator reads it.
#[tokio::test]
async fn a_run_with_an_outage_a_wrong_clock_and_a_rotation_reads_like_a_story() {
    listen();
    let (old, new) = (key("p256.pkcs8.pem").with_key_id("old"), key("p384.pkcs8.pem").with_key_id("new"));
    let recovers = Arc::new(OnceLock::<Simulated>::new());
    let clock = TestClock::standing({
        let recovers = Arc::clone(&recovers);
        move |pauses| {
            if pauses == 1 {
                recovers.get().unwrap().set(|state| state.instead = None);
            }
        }
    });
    let server = Simulated::ahead(&clock, &old, 0);
    assert!(recovers.set(server.clone()).is_ok());
    let ring = KeyRing::from(old.clone());
    let builder = server.client(ring.clone());
    let client = builder.assertion(|assertion| assertion.claim("canary", MARK).unwrap()).build().unwrap();
    let request = TokenRequest::client_credentials("api:read").parameter("canary", MARK).unwrap();
    let tokens = client.source(request);
    let issuer = ScriptedHttp::answering({
        let ring = ring.clone();
        move |_| ok(&[], &ring.jwks().to_json())
    });
    let jwks = RemoteJwks::builder("https://as.example/jwks?tenant=1").http(issuer.clone());
    let api = TestClock::new();
    let jwks = jwks.clock(api.clone()).build().unwrap();
    let settle = async || {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    };

    // A quiet start.
    tokens.token().await.unwrap();
    tokens.token().await.unwrap();
    jwks.keys().await.unwrap();
    // The server fails: first in the background, then for a caller, then it is overloaded for a
    // while. It sends back what it should not.
    let fails = |status| {
        let body =
            format!(r#"{{"error":"server_error","error_description":"{MARK}","access_token":"{MARK}"}}"#);
        server.set(|state| state.instead = Some((status, body.leak())));
    };
    fails(500);
    clock.pass(286);
    tokens.token().await.unwrap();
    settle().await;
    clock.pass(20);
    let callers = tokio::join!(tokens.token(), tokens.token(), tokens.token());
    callers.0.unwrap_err();
    tokens.token().await.unwrap_err();
    server.set(|state| state.instead = Some((503, "")));
    clock.pass(10);
    tokens.token().await.unwrap();
    // The server's clock falls behind.
    server.set(|state| {
        state.ahead = time::Duration::seconds(-180);
        state.date_ahead = Some(state.ahead);
    });
    clock.pass(300);
    tokens.token().await.unwrap();
    // The client rotates its key before the server has read its keys again.
    ring.publish(new.clone(), clock.now() - KeyRing::PROPAGATION).unwrap();
    ring.activate(new.key_id(), clock.now()).unwrap();
    clock.pass(200);
    tokens.invalidate(&tokens.token().await.unwrap());
    tokens.token().await.unwrap();
    api.pass(300);
    jwks.keys().await.unwrap();
    settle().await;
    // Now it has.
    server.set(|state| state.keys = ring.jwks());
    clock.pass(300);
    tokens.token().await.unwrap();

    let failed = |level| {
        format!(
            "{level} call failed: endpoint=\"token_endpoint\" grant_type=\"client_credentials\" \
             outcome=\"unavailable\" error_code=\"server_error\" attempts=1 duration_ms=… \
             error=the server answered 500 server_error: [masked]"
        )
    };
    assert_eq!(
        events(),
        [
            &*obtained(1),
            r#"INFO keys fetched: url="https://as.example/jwks" keys=1 is_unchanged=false duration_ms=…"#,
            // The outage.
            &failed("DEBUG"),
            "WARN token refresh failed: error=the server answered 500 server_error: [masked] pause_ms=…",
            &failed("ERROR"),
            "WARN attempt failed, retry scheduled: attempt=1 pause_ms=… error=the server answered 503",
            "WARN attempt failed, retry scheduled: attempt=2 pause_ms=… error=the server answered 503",
            &obtained(3),
            // The clock.
            "WARN assertion rejected, retried with corrected times: offset_ms=-180000 learned_from=\"date\" \
             error=refused: 401 invalid_client",
            "INFO clock offset confirmed: offset_ms=-180000 learned_from=\"date\"",
            &obtained(2),
            // The rotation.
            "INFO rejected token dropped:",
            "INFO signing key changed: key_id=new previous=old",
            "WARN request rejected, paused: key_id=new pause_ms=… error=refused: 401 invalid_client",
            "WARN assertion rejected, retried with another key: rejected=new key_id=old \
             error=refused: 401 invalid_client",
            "WARN key rejected, paused: key_id=new pause_ms=… error=refused: 401 invalid_client",
            &obtained(2),
            r#"DEBUG keys fetched: url="https://as.example/jwks" keys=2 is_unchanged=false duration_ms=…"#,
            r#"INFO keys changed: url="https://as.example/jwks" added=new removed="#,
            &obtained(1),
        ]
    );
    let found = client.statistics();
    assert_eq!((found.hits, found.stale, found.misses, found.waits, found.refused), (2, 1, 6, 2, 1));
    let corrections = (found.retries, found.time_corrections, found.key_corrections);
    assert_eq!((corrections, found.refresh_failures, found.signatures), ((2, 1, 1), 1, 11));
    assert_eq!((found.calls(Outcome::Ok), found.calls(Outcome::Unavailable)), (5, 2));
}
