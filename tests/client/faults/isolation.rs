//! Other requests are served, whatever one request carries and whatever the server answers to it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use private_key_jwt::client::ErrorKind;
use private_key_jwt::keys::BoxFuture;
use private_key_jwt::oauth::{
    AuthorizationRequest, CodeVerifier, DeviceAuthorization, DeviceAuthorizationRequest, Endpoint, JwtGrant,
    TokenExchange, TokenKind,
};
use private_key_jwt::transport::{Clock, HttpClient, TransportError};
use private_key_jwt::{AuthorizationServer, Error, KeyRing, TokenClient, TokenRequest};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::outcome::{a_token, error, es256, es384, get};
use super::simulation::{ISSUER, Simulated};
use crate::support::clock::TestClock;

/// Marks a request that the server answers as the test says. No assertion contains it.
const BAD: &str = "BAD!";
const BAD_IN_A_FORM: &[u8] = b"BAD%21";
/// The answer to a good request, at any endpoint.
const SERVED: &str = r#"{"access_token":"AT","token_type":"Bearer","expires_in":300,"active":true,
    "request_uri":"urn:ietf:params:oauth:request_uri:1","device_code":"d","user_code":"u",
    "verification_uri":"https://as.example/device"}"#;

/// A server that checks the assertions of good requests, and gives bad requests the answer of the
/// test.
#[derive(Clone)]
struct Server {
    clock: TestClock,
    checks: Simulated,
    answer: Arc<Mutex<Answer>>,
    bad: Arc<AtomicUsize>,
}

#[derive(Clone, Debug)]
enum Answer {
    Response { status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8>, date_ahead: Option<i64> },
    Failure(TransportError),
}

impl Server {
    fn new(clock: &TestClock, ahead: i64) -> Self {
        let checks = Simulated::ahead(clock, &es256(), ahead);
        checks.set(|state| state.instead = Some((200, SERVED)));
        let answer = Answer::Response { status: 500, headers: vec![], body: vec![], date_ahead: None };
        Self { clock: clock.clone(), checks, answer: Arc::new(Mutex::new(answer)), bad: Arc::default() }
    }

    fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn refuses(&self, status: u16, body: &str) {
        let body = body.as_bytes().to_vec();
        self.answers(Answer::Response { status, headers: vec![], body, date_ahead: None });
    }

    /// How many bad requests came since the last call.
    fn bad(&self) -> usize {
        self.bad.swap(0, Ordering::Relaxed)
    }

    fn client(&self, keys: impl Into<KeyRing>) -> TokenClient {
        let server = Endpoint::ALL.into_iter().fold(
            AuthorizationServer::new(ISSUER, format!("{ISSUER}/token")).unwrap(),
            |server, endpoint| {
                server.with_endpoint(endpoint, format!("{ISSUER}/{}", endpoint.metadata_name())).unwrap()
            },
        );
        let builder = TokenClient::builder(server, "client", keys);
        builder.http(self.clone()).clock(self.clock.clone()).build().unwrap()
    }
}

impl HttpClient for Server {
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>> {
        if !request.body().windows(BAD_IN_A_FORM.len()).any(|part| part == BAD_IN_A_FORM) {
            return self.checks.send(request);
        }
        self.bad.fetch_add(1, Ordering::Relaxed);
        let answer = self.answer.lock().unwrap().clone();
        let now = self.clock.now();
        let checks = self.checks.clone();
        Box::pin(async move {
            let (status, headers, body, date_ahead) = match answer {
                Answer::Response { status, headers, body, date_ahead } => (status, headers, body, date_ahead),
                Answer::Failure(error) => return Err(error),
            };
            // Before the server accepts a bad request, it checks the assertion.
            if (200..300).contains(&status) {
                let judged = checks.send(request).await?;
                if !judged.status().is_success() {
                    return Ok(judged);
                }
            }
            let mut response = http::Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            if let Some(ahead) = date_ahead {
                let date = httpdate::fmt_http_date(SystemTime::from(now + time::Duration::seconds(ahead)));
                response = response.header("date", date);
            }
            Ok(response.body(body).unwrap())
        })
    }
}

/// The kinds of requests that carry something from outside.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Code,
    Refresh,
    Jwt,
    Exchange,
    Device,
    Parameter,
    Source,
    Introspection,
    Revocation,
    PushedAuthorization,
    DeviceAuthorization,
}

const KINDS: [Kind; 11] = [
    Kind::Code,
    Kind::Refresh,
    Kind::Jwt,
    Kind::Exchange,
    Kind::Device,
    Kind::Parameter,
    Kind::Source,
    Kind::Introspection,
    Kind::Revocation,
    Kind::PushedAuthorization,
    Kind::DeviceAuthorization,
];

impl Kind {
    /// Sends a request with this content.
    async fn send(self, client: &TokenClient, content: &str) -> Result<(), Error> {
        let verifier = CodeVerifier::from_random(&[7; 32]);
        let request = match self {
            Self::Code => TokenRequest::authorization_code(content, "https://app.example/cb", &verifier),
            Self::Refresh => TokenRequest::refresh_token(content),
            Self::Jwt => TokenRequest::jwt_bearer(&JwtGrant::from_jwt(content)),
            Self::Exchange => {
                TokenRequest::token_exchange(&TokenExchange::new(content, TokenKind::AccessToken))
            }
            Self::Device => {
                let body = SERVED.replace(r#""d""#, &format!("{content:?}")).into_bytes();
                let authorization =
                    DeviceAuthorization::from_http(http::Response::new(body), client_time()).unwrap();
                TokenRequest::device_code(&authorization)
            }
            Self::Parameter => TokenRequest::client_credentials("a").parameter("tenant", content).unwrap(),
            Self::Source => {
                let request = TokenRequest::jwt_bearer(&JwtGrant::from_jwt(content));
                return client.source(request).token().await.map(drop);
            }
            Self::Introspection => return client.introspect(content).await.map(drop),
            Self::Revocation => return client.revoke(content).await,
            Self::PushedAuthorization => {
                let request = AuthorizationRequest::new("https://app.example/cb", &verifier);
                let request = request.parameter("login_hint", content).unwrap();
                return client.push_authorization(&request).await.map(drop);
            }
            Self::DeviceAuthorization => {
                let request = DeviceAuthorizationRequest::new("a").parameter("hint", content).unwrap();
                return client.authorize_device(request).await.map(drop);
            }
        };
        client.request(&request).await.map(drop)
    }
}

fn client_time() -> time::OffsetDateTime {
    crate::support::now()
}

#[derive(Clone, Debug)]
enum Step {
    /// A request with this content, and its answer.
    Bad(Kind, u8, Answer),
    Good(Kind),
    Pass(Duration),
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let error =
        |code: &str, text: &str| format!(r#"{{"error":"{code}","error_description":"{text}"}}"#).into_bytes();
    let codes = prop::sample::select(vec![
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "unauthorized_client",
        "server_error",
        "temporarily_unavailable",
        "slow_down",
        "authorization_pending",
        "expired_token",
        "Unauthorized",
        "",
    ]);
    let texts = prop::sample::select(vec![
        "no",
        "the token has expired",
        "iat is in the future",
        "Token is not active",
        "not yet valid",
    ]);
    prop_oneof![
        3 => (codes, texts).prop_map(move |(code, text)| error(code, text)),
        1 => Just(Vec::new()),
        1 => Just(b"<html><body>Unauthorized</body></html>".to_vec()),
        1 => Just(br#"{"error":"invalid_client""#.to_vec()),
        1 => Just(SERVED.as_bytes().to_vec()),
        1 => Just(br#"{"error":null,"error_description":["x"]}"#.to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}

fn answers() -> impl Strategy<Value = Answer> {
    let statuses = prop::sample::select(vec![
        200_u16, 201, 204, 302, 400, 400, 401, 401, 401, 403, 404, 408, 425, 429, 500, 500, 502, 503, 504,
    ]);
    let retry_after = prop::sample::select(vec![None, Some("0"), Some("7"), Some("3600"), Some("soon")]);
    let challenge = prop::option::of(Just("Bearer error=\"invalid_token\""));
    let date =
        prop::sample::select(vec![None, Some(0), Some(10), Some(-90), Some(180), Some(-299), Some(3600)]);
    let response = (statuses, retry_after, challenge, date, bodies()).prop_map(
        |(status, retry_after, challenge, date_ahead, body)| {
            let retry_after = retry_after.map(|value| ("retry-after", value.to_owned()));
            let challenge = challenge.map(|value| ("www-authenticate", value.to_owned()));
            let headers = retry_after.into_iter().chain(challenge).collect();
            Answer::Response { status, headers, body, date_ahead }
        },
    );
    let host = || "as.example".to_owned();
    let failures = prop::sample::select(vec![
        TransportError::Connect { host: host(), source: "x".into() },
        TransportError::Tls { host: host(), source: "x".into() },
        TransportError::Timeout { host: host() },
        TransportError::Broken { host: host(), source: "x".into() },
        TransportError::Incomplete { host: host(), source: "x".into() },
        TransportError::Malformed { host: host(), source: "x".into() },
        TransportError::BodyTooLarge { host: host(), limit: 1 },
    ]);
    prop_oneof![8 => response, 1 => failures.prop_map(Answer::Failure)]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kind = || prop::sample::select(KINDS.to_vec());
    let pass = prop::sample::select(vec![100_u64, 1000, 2500, 61_000]);
    let step = prop_oneof![
        3 => (kind(), 0..3_u8, answers()).prop_map(|(kind, content, answer)| Step::Bad(kind, content, answer)),
        2 => kind().prop_map(Step::Good),
        1 => pass.prop_map(|pass| Step::Pass(Duration::from_millis(pass))),
    ];
    prop::collection::vec(step, 1..24)
}

/// The server's clock, and how its answers show it.
#[derive(Clone, Copy, Debug)]
struct Time {
    ahead: i64,
    has_date: bool,
    /// What the server says about the times of an assertion, in place of the verifier's judgement.
    words: bool,
}

const TIMES: [Time; 5] = [
    Time { ahead: 0, has_date: true, words: false },
    Time { ahead: 0, has_date: false, words: false },
    Time { ahead: 180, has_date: true, words: false },
    Time { ahead: -90, has_date: true, words: false },
    Time { ahead: -90, has_date: false, words: true },
];

/// Like Keycloak, which sends no `Date`.
fn words(age: i64, left: i64) -> Option<(u16, &'static str)> {
    if age < -15 {
        Some((401, r#"{"error":"invalid_client","error_description":"Token was issued in the future"}"#))
    } else if left < -15 {
        Some((401, r#"{"error":"invalid_client","error_description":"Token is not active"}"#))
    } else {
        None
    }
}

async fn play(time: Time, steps: &[Step]) -> Result<(), TestCaseError> {
    let clock = TestClock::skipping();
    let server = Server::new(&clock, time.ahead);
    server.checks.set(|state| {
        state.date_ahead = state.date_ahead.filter(|_| time.has_date);
        state.judge = time.words.then_some(words);
    });
    let client = server.client(es256());
    for (number, step) in steps.iter().chain(&KINDS.map(Step::Good)).enumerate() {
        match step {
            Step::Bad(kind, content, answer) => {
                server.answers(answer.clone());
                let _ = kind.send(&client, &format!("{BAD}{content}")).await;
            }
            Step::Good(kind) => {
                let served = kind.send(&client, &format!("good{number}")).await;
                prop_assert!(served.is_ok(), "{time:?}, step {number}, {kind:?}: {served:?}");
            }
            Step::Pass(time) => clock.move_by((*time).try_into().unwrap()),
        }
    }
    Ok(())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

proptest! {
    // The same cases in every run. Change the seed to try others.
    #![proptest_config(ProptestConfig {
        cases: 120,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(9449),
        ..ProptestConfig::default()
    })]
    #[test]
    fn whatever_one_request_carries_and_is_answered_other_requests_are_served(
        time in prop::sample::select(TIMES.to_vec()),
        steps in steps(),
    ) {
        runtime().block_on(play(time, &steps))?;
    }
}

/// Two minutes with one bad and one good request every 100 ms. A pause lasts a minute at most.
#[tokio::test]
async fn a_bad_request_for_each_good_one_delays_none() {
    for (status, body) in
        [(401, ""), (401, r#"{"error":"invalid_client"}"#), (400, r#"{"error":"invalid_client"}"#)]
    {
        let clock = TestClock::skipping();
        let server = Server::new(&clock, 0);
        server.refuses(status, body);
        let client = server.client(es256());
        for step in 0..1200 {
            let kind = KINDS[step % KINDS.len()];
            kind.send(&client, &format!("{BAD}{step}")).await.unwrap_err();
            let good = KINDS[(step / KINDS.len()) % KINDS.len()];
            good.send(&client, &format!("good{step}")).await.unwrap();
            clock.move_by(time::Duration::milliseconds(100));
        }
    }
}

/// The request may be the reason, so only this request waits.
#[tokio::test]
async fn a_verdict_on_a_request_that_carries_something_holds_up_that_request_only() {
    for kind in KINDS {
        let clock = TestClock::skipping();
        let server = Server::new(&clock, 0);
        server.refuses(401, r#"{"error":"invalid_client"}"#);
        let client = server.client(es256());
        for (content, sent) in [(BAD, 1), (BAD, 0), (BAD, 0), ("BAD! too", 1), (BAD, 0)] {
            let error = kind.send(&client, content).await.unwrap_err();
            assert_eq!(error.refusal().unwrap().error(), Some("invalid_client"), "{kind:?} {content}");
            assert_eq!(matches!(error.kind(), ErrorKind::Remembered { .. }), sent == 0, "{kind:?} {content}");
            assert_eq!(server.bad(), sent, "{kind:?} {content}");
        }
        clock.move_by(time::Duration::seconds(2));
        kind.send(&client, BAD).await.unwrap_err();
        assert_eq!(server.bad(), 1, "{kind:?}");
        // Such a 401 without a code says nothing about the client, and is not remembered for a key.
        server.refuses(401, "");
        clock.move_by(time::Duration::seconds(60));
        for pause in [0, 4] {
            clock.move_by(time::Duration::seconds(pause));
            let error = kind.send(&client, BAD).await.unwrap_err();
            assert!(!matches!(error.kind(), ErrorKind::Remembered { .. }), "{kind:?}");
        }
    }
}

/// Scopes belong to the program, but a program may take them from a caller.
#[tokio::test]
async fn a_scope_that_is_answered_like_a_bad_client_holds_up_no_other_while_those_are_accepted() {
    for (status, body) in [(401, ""), (401, r#"{"error":"invalid_client"}"#)] {
        let clock = TestClock::skipping();
        let server = Server::new(&clock, 0);
        server.refuses(status, body);
        let client = server.client(es256());
        for step in 0..300 {
            let good = TokenRequest::client_credentials(format!("good{step}"));
            assert_eq!(get(&client, &good).await, a_token(), "{step}");
            client.request(&TokenRequest::client_credentials(BAD)).await.unwrap_err();
            client.token(BAD).await.unwrap_err();
            clock.move_by(time::Duration::milliseconds(100));
        }
        // Every other request was accepted, so each time one was sent.
        assert_eq!(server.bad(), 300);
    }
}

/// The key is at fault: the content from outside is the same, and the previous key is accepted.
#[tokio::test]
async fn a_key_is_to_blame_where_the_same_request_is_accepted_with_the_key_before() {
    let clock = TestClock::skipping();
    let server = Server::new(&clock, 0);
    let ring = KeyRing::from(es256());
    ring.publish(es384(), clock.now() - KeyRing::PROPAGATION).unwrap();
    ring.activate(es384().key_id(), clock.now()).unwrap();
    let client = server.client(ring);
    for (number, sent) in [(0, (2, 1)), (1, (1, 1)), (2, (1, 1))] {
        let request = TokenRequest::refresh_token(format!("good{number}"));
        assert_eq!(get(&client, &request).await, a_token());
        assert_eq!(server.checks.requests(), sent);
    }
    // Both keys are refused, so the request may be the reason.
    server.refuses(401, r#"{"error":"invalid_client"}"#);
    let (client, of) = (server.client(es256()), |content: &str| TokenRequest::refresh_token(content));
    assert_eq!(get(&client, &of(BAD)).await, error("Refused 401", 1));
    assert_eq!(get(&client, &of(BAD)).await, error("Remembered 401", 0));
    assert_eq!(get(&client, &of("good")).await, a_token());
}

/// The memory for content that outsiders choose is bounded.
#[tokio::test]
async fn many_bad_requests_hold_up_no_good_one() {
    let clock = TestClock::skipping();
    let server = Server::new(&clock, 0);
    server.refuses(401, r#"{"error":"invalid_client"}"#);
    let client = server.client(es256());
    for step in 0..600 {
        Kind::Exchange.send(&client, &format!("{BAD}{step}")).await.unwrap_err();
    }
    // The last one is remembered, and at most 256 in total.
    server.bad();
    Kind::Exchange.send(&client, "BAD!599").await.unwrap_err();
    assert_eq!(server.bad(), 0);
    for step in 0..600 {
        Kind::Exchange.send(&client, &format!("{BAD}{step}")).await.unwrap_err();
    }
    assert!(server.bad() >= 600 - 256);
    Kind::Exchange.send(&client, "good").await.unwrap();
}
