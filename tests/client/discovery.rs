//! A client that discovers its server with its first request: when that fails, and how the metadata
//! are kept fresh.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use private_key_jwt::client::{ErrorKind, TokenClientBuilder};
use private_key_jwt::oauth::{Discovery, OAuthError, Retry};
use private_key_jwt::transport::{HttpClient as _, TransportError};
use private_key_jwt::{Audience, Error, Profile, TokenClient, TokenRequest};
use tokio::sync::Notify;

use crate::support::clock::TestClock;
use crate::support::http::{ScriptedHttp, answer, ok};
use crate::support::{clean, key};

const ISSUER: &str = "https://as.example";
const TOKEN: &str = r#"{"access_token":"AT","token_type":"Bearer","expires_in":300}"#;

/// An authorization server that can be down, or publish other metadata.
#[derive(Clone)]
struct Server {
    http: ScriptedHttp,
    state: Arc<Mutex<State>>,
}

struct State {
    /// How many more requests find no server.
    down: usize,
    issuer: &'static str,
    token_endpoint: &'static str,
    headers: &'static [(&'static str, &'static str)],
    /// What was requested, in order.
    requests: Vec<String>,
}

impl Server {
    fn new() -> Self {
        let state = Arc::new(Mutex::new(State {
            down: 0,
            issuer: ISSUER,
            token_endpoint: "/token",
            headers: &[("cache-control", "max-age=600")],
            requests: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        let http = ScriptedHttp::answering(move |request| {
            let mut state = shared.lock().unwrap();
            state.requests.push(format!("{} {}", request.method(), request.uri().path()));
            if state.down > 0 {
                state.down -= 1;
                let host = "as.example".to_owned();
                return Err(TransportError::Connect { host, source: "refused on purpose".into() });
            }
            let State { issuer, token_endpoint, headers, .. } = *state;
            match *request.method() {
                Method::GET => {
                    let endpoint = format!("{ISSUER}{token_endpoint}");
                    ok(headers, &format!(r#"{{"issuer":"{issuer}","token_endpoint":"{endpoint}"}}"#))
                }
                _ => ok(&[], TOKEN),
            }
        });
        Self { http, state }
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    /// What was requested since the last call.
    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }

    fn builder(&self, clock: &TestClock) -> TokenClientBuilder {
        TokenClient::builder(Discovery::new(ISSUER), "client", key("p256.pkcs8.pem"))
            .http(self.http.clone())
            .clock(clock.clone())
    }

    fn client(&self, clock: &TestClock) -> TokenClient {
        self.builder(clock).build().unwrap()
    }
}

const OPENID: &str = "GET /.well-known/openid-configuration";
const RFC8414: &str = "GET /.well-known/oauth-authorization-server";

fn undiscovered(error: Error) -> TransportError {
    match clean(error).into_kind() {
        ErrorKind::Discovery { issuer, source } => {
            assert_eq!(issuer, ISSUER);
            source
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn nothing_is_sent_before_the_first_request_and_the_metadata_are_kept() {
    let (server, clock) = (Server::new(), TestClock::new());
    let client = server.client(&clock);
    assert!(server.requests().is_empty());
    client.token("a").await.unwrap();
    client.token("b").await.unwrap();
    assert_eq!(server.requests(), [OPENID, "POST /token", "POST /token"]);
    assert_eq!(client.server().await.unwrap().token_endpoint(), "https://as.example/token");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_client_starts_before_its_server() {
    let (server, clock) = (Server::new(), TestClock::skipping());
    server.set(|state| state.down = 4);
    let client = server.client(&clock);
    assert_eq!(client.token("a").await.unwrap().secret(), "AT");
    // If a server is out of reach, another path is no better.
    assert_eq!(server.requests(), [OPENID, OPENID, OPENID, OPENID, OPENID, "POST /token"]);
    let waited: Duration = clock.pauses().iter().sum();
    assert!(waited < Duration::from_secs(30), "{waited:?}");
}

/// Nothing was sent to the endpoint, so it does not matter that a code is for one request.
#[tokio::test]
async fn a_single_use_grant_waits_for_the_server_as_well() {
    let (server, clock) = (Server::new(), TestClock::skipping());
    server.set(|state| state.down = 2);
    let client = server.client(&clock);
    client.refresh_token("single-use").await.unwrap();
    assert_eq!(server.requests(), [OPENID, OPENID, OPENID, "POST /token"]);
}

#[tokio::test]
async fn a_server_that_stays_away_is_an_error_at_the_deadline() {
    let (server, clock) = (Server::new(), TestClock::skipping());
    server.set(|state| state.down = usize::MAX);
    let client = server.client(&clock);
    let error = client.token("a").await.unwrap_err();
    assert!(error.attempts() > 4, "{error}");
    assert_eq!(
        error.to_string(),
        format!("cannot discover https://as.example (after {} attempts)", error.attempts())
    );
    assert_eq!(error.retry(), Retry::BackOff);
    assert!(matches!(undiscovered(error), TransportError::Connect { .. }));
    let waited: Duration = clock.pauses().iter().sum();
    assert!(waited <= Duration::from_secs(30), "{waited:?}");
    // The same for the server alone, and without retries.
    assert!(client.server().await.unwrap_err().attempts() > 4);
    let once = server.builder(&clock).without_retries().build().unwrap();
    server.requests();
    for error in [once.token("a").await.map(drop), once.server().await.map(drop)] {
        assert_eq!(error.unwrap_err().to_string(), "cannot discover https://as.example");
    }
}

#[tokio::test]
async fn metadata_that_cannot_be_trusted_are_an_error_at_once() {
    let (server, clock) = (Server::new(), TestClock::skipping());
    server.set(|state| state.issuer = "https://evil.example");
    let error = server.client(&clock).token("a").await.unwrap_err();
    assert_eq!((error.attempts(), error.retry()), (1, Retry::Never));
    let TransportError::OAuth(OAuthError::IssuerMismatch { expected, found }) = undiscovered(error) else {
        panic!()
    };
    assert_eq!((expected.as_str(), found.as_str()), (ISSUER, "https://evil.example"));
    assert_eq!(server.requests(), [OPENID, RFC8414]);
}

#[tokio::test]
async fn many_callers_share_one_discovery() {
    let (server, clock) = (Server::new(), TestClock::new());
    let gate = server.http.answers_when_told();
    let client = server.client(&clock);
    let scopes = (0..20).map(|number| format!("scope-{number}"));
    let callers: Vec<_> = scopes
        .map(|scope| {
            let client = client.clone();
            tokio::spawn(async move { client.token(scope).await })
        })
        .collect();
    tokio::task::yield_now().await;
    assert_eq!(server.http.requests(), 1);
    server.http.answers(|_| ok(&[], TOKEN));
    let document = format!(r#"{{"issuer":"{ISSUER}","token_endpoint":"{ISSUER}/token"}}"#);
    gate.send(ok(&[], &document)).unwrap();
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(server.http.requests(), 21);
}

/// Lets a fetch in the background end.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_metadata_are_kept_fresh_by_their_cache_headers() {
    let (server, clock) = (Server::new(), TestClock::new());
    let client = server.client(&clock);
    let request = TokenRequest::client_credentials("a");
    client.request(&request).await.unwrap();
    clock.move_by(time::Duration::seconds(599));
    client.request(&request).await.unwrap();
    assert_eq!(server.requests(), [OPENID, "POST /token", "POST /token"]);
    // The endpoint moves. The request that notices still goes to the old one.
    server.set(|state| state.token_endpoint = "/v2/token");
    clock.move_by(time::Duration::seconds(1));
    client.request(&request).await.unwrap();
    settle().await;
    client.request(&request).await.unwrap();
    let mut requests = server.requests();
    assert_eq!(requests.pop().as_deref(), Some("POST /v2/token"));
    requests.sort_unstable();
    assert_eq!(requests, [OPENID, "POST /token"]);
}

#[tokio::test]
async fn the_old_metadata_serve_while_there_are_no_new_ones_or_only_some_of_another_issuer() {
    let (server, clock) = (Server::new(), TestClock::new());
    let client = server.client(&clock);
    let request = TokenRequest::client_credentials("a");
    client.request(&request).await.unwrap();
    server.requests();
    server.http.answers(|request| match *request.method() {
        Method::GET => answer(503, &[], ""),
        _ => ok(&[], TOKEN),
    });
    clock.move_by(time::Duration::days(3));
    for _ in 0..3 {
        client.request(&request).await.unwrap();
        settle().await;
    }
    // The next discovery waits for a pause, and so far there was one with its two paths.
    assert_eq!(server.http.requests(), 2 + 2 + 3);
    server.http.answers(|request| match *request.method() {
        Method::GET => {
            let (issuer, endpoint) = ("https://evil.example", "https://evil.example/token");
            ok(&[], &format!(r#"{{"issuer":"{issuer}","token_endpoint":"{endpoint}"}}"#))
        }
        _ => ok(&[], TOKEN),
    });
    clock.move_by(time::Duration::hours(1));
    client.request(&request).await.unwrap();
    settle().await;
    client.request(&request).await.unwrap();
    assert_eq!(client.server().await.unwrap().token_endpoint(), "https://as.example/token");
}

#[tokio::test]
async fn the_first_assertion_follows_the_clock_that_the_metadata_show() {
    use crate::faults::simulation::{ISSUER, Simulated};
    let (clock, key) = (TestClock::skipping(), key("p256.pkcs8.pem"));
    let server = Simulated::ahead(&clock, &key, 120);
    let client = TokenClient::builder(Discovery::new(ISSUER), "client", key)
        .http(server.clone())
        .clock(clock.clone())
        .build()
        .unwrap();
    client.token("a").await.unwrap();
    assert_eq!(server.requests(), (1, 1));
}

/// The fetch outlives its caller, so the next one must not miss what it showed.
#[tokio::test]
async fn a_caller_that_gives_up_takes_nothing_away() {
    use crate::faults::simulation::{ISSUER, Simulated};
    let (clock, key) = (TestClock::skipping(), key("p256.pkcs8.pem"));
    let (server, open) = (Simulated::ahead(&clock, &key, 120), Arc::new(Notify::new()));
    let http = ScriptedHttp::silent();
    let (behind, gate) = (server.clone(), Arc::clone(&open));
    http.script(move |request| {
        let (behind, gate, request) = (behind.clone(), Arc::clone(&gate), request.clone());
        Box::pin(async move {
            if *request.method() == Method::GET {
                gate.notified().await;
            }
            behind.send(request).await
        })
    });
    let builder = TokenClient::builder(Discovery::new(ISSUER), "client", key);
    let client = builder.http(http).clock(clock.clone()).build().unwrap();
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.request(&TokenRequest::client_credentials("a")).await }
    });
    settle().await;
    first.abort();
    open.notify_one();
    settle().await;
    client.request(&TokenRequest::client_credentials("a")).await.unwrap();
    assert_eq!(server.requests(), (1, 1));
}

#[tokio::test]
async fn an_http_client_that_panics_is_an_error() {
    let (server, clock) = (Server::new(), TestClock::new());
    server.http.answers(|_| panic!("on purpose"));
    let client = server.client(&clock);
    assert!(matches!(undiscovered(client.token("a").await.unwrap_err()), TransportError::Request(_)));
}

#[test]
fn what_is_no_issuer_is_an_error_of_the_builder() {
    for (issuer, reason) in [
        ("http://as.example", "is plain http, which is for loopback only"),
        ("https://as.example/?a=b", "has a query"),
        ("", "is not a URL"),
    ] {
        let error = clean(TokenClient::discover(issuer, "client", key("p256.pkcs8.pem")).unwrap_err());
        let ErrorKind::OAuth(OAuthError::Issuer { reason: found, .. }) = error.kind() else {
            panic!("{error:?}")
        };
        assert_eq!(*found, reason);
    }
}

/// The endpoints are not known yet, but the kind of audience is.
#[tokio::test]
async fn a_profile_refuses_an_audience_before_the_server_is_discovered() {
    let server = Server::new();
    let client = |issuer: &str, profile: Profile, audience: Option<Audience>| {
        let client = TokenClient::builder(Discovery::new(issuer), "client", key("rsa2048.pkcs8.pem"));
        let client = client.profile(profile).http(server.http.clone());
        match audience {
            Some(audience) => client.audience(audience).build(),
            None => client.build(),
        }
    };
    for (profile, audience, expected) in [
        (
            Profile::okta(),
            Audience::Issuer,
            "Okta does not accept the audience https://as.example, only the called endpoint",
        ),
        (
            Profile::auth0(),
            Audience::TokenEndpoint,
            "Auth0 does not accept the audience token endpoint, only the issuer",
        ),
        (
            Profile::fapi2().algorithms([private_key_jwt::Algorithm::RS256]),
            Audience::CalledEndpoint,
            "FAPI 2.0 does not accept the audience called endpoint, only the issuer",
        ),
    ] {
        let error = clean(client(ISSUER, profile, Some(audience)).unwrap_err());
        assert_eq!(error.to_string(), expected);
    }
    // The URL of a document does not say whether the issuer ends with a slash.
    let document = format!("{ISSUER}/.well-known/openid-configuration");
    assert!(client(&document, Profile::auth0(), None).is_ok());
    for profile in [Profile::okta(), Profile::hydra(), Profile::keycloak(), Profile::ping_one()] {
        assert!(client(ISSUER, profile, None).is_ok());
    }
    let proxied = Audience::Exactly("https://internal.example/token".to_owned());
    assert!(client(ISSUER, Profile::okta(), Some(proxied)).is_ok());
    // What only the metadata shows is refused with the first call, before a token request.
    let okta = client(ISSUER, Profile::okta(), Some(Audience::TokenEndpoint)).unwrap();
    okta.token("a").await.unwrap();
    server.requests();
    let auth0 = client(ISSUER, Profile::auth0(), None).unwrap();
    let error = clean(auth0.token("a").await.unwrap_err());
    assert_eq!(
        error.to_string(),
        "Auth0 does not accept the audience https://as.example, only the issuer https://as.example/"
    );
    assert_eq!(server.requests(), [OPENID]);
}
