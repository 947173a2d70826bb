//! Keys that change while they are used, with forged tokens in between, and outages; over real
//! sockets.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use private_key_jwt::jose::JoseError;
use private_key_jwt::oauth::OAuthError;
use private_key_jwt::server::{JwksFetchError, RemoteJwksError};
use private_key_jwt::transport::{ReqwestClient, TransportError};
use private_key_jwt::{Jwk, RemoteJwks};
use wiremock::matchers::{any, header, method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::{COOL_DOWN, at_once, forged, is_no_matching_key, new_key, set, token, until, verifier};
use crate::support::clean;
use crate::support::clock::TestClock;

/// The published document, and the times of the requests for it.
#[derive(Clone)]
struct Published {
    time: TestClock,
    answer: Arc<Mutex<ResponseTemplate>>,
    asked: Arc<Mutex<Vec<i64>>>,
}

impl Published {
    fn new(time: &TestClock) -> Self {
        Self {
            time: time.clone(),
            answer: Arc::new(Mutex::new(ResponseTemplate::new(500))),
            asked: Arc::default(),
        }
    }

    fn keys(&self, keys: &[&Jwk]) {
        self.answer(ResponseTemplate::new(200).set_body_raw(set(keys), "application/json"));
    }

    fn answer(&self, answer: ResponseTemplate) {
        *self.answer.lock().unwrap() = answer;
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    async fn mount(&self, server: &MockServer) -> RemoteJwks {
        Mock::given(method("GET")).and(path("/jwks")).respond_with(self.clone()).mount(server).await;
        RemoteJwks::builder(format!("{}/jwks", server.uri())).clock(self.time.clone()).build().unwrap()
    }
}

impl Respond for Published {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        self.asked.lock().unwrap().push(self.time.seconds());
        self.answer.lock().unwrap().clone()
    }
}

const TASKS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_roll_ten_times_while_eight_tasks_verify_without_pause() {
    let time = TestClock::new();
    let published = Published::new(&time);
    let server = MockServer::start().await;
    let jwks = published.mount(&server).await;

    let keys: Vec<_> = (0..=10).map(|number| new_key(&format!("key {number}"))).collect();
    let tokens: Vec<_> =
        keys.iter().map(|(key, jwk)| token(key, Some(jwk.key_id().unwrap().as_str()))).collect();
    published.keys(&[&keys[0].1]);
    let signing = Arc::new(AtomicUsize::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let verified: Arc<[AtomicUsize]> = (0..TASKS).map(|_| AtomicUsize::new(0)).collect();
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (jwks, tokens, verified) = (jwks.clone(), tokens.clone(), Arc::clone(&verified));
            let (signing, stop) = (Arc::clone(&signing), Arc::clone(&stop));
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let number = signing.load(Ordering::SeqCst);
                    let claims = jwks.verify(&verifier(), &tokens[number]).await;
                    assert!(claims.is_ok(), "key {number}: {claims:?}");
                    verified[task].fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    // The clock advances once every task has verified since the last change.
    const STEP: i64 = 5;
    let pass = async |seconds: i64| {
        for _ in 0..seconds / STEP {
            time.pass(STEP);
            let before: Vec<_> = verified.iter().map(|count| count.load(Ordering::SeqCst)).collect();
            until(|| {
                assert!(!tasks.iter().any(tokio::task::JoinHandle::is_finished), "a token was refused");
                verified.iter().zip(&before).all(|(count, before)| count.load(Ordering::SeqCst) > *before + 1)
            })
            .await;
        }
    };
    let began = time.seconds();
    pass(STEP).await;
    for next in 1..=10 {
        // The previous key stays for a while: tokens signed by it are in flight.
        let around: Vec<_> = keys[next.max(2) - 2..=next].iter().map(|(_, jwk)| jwk).collect();
        published.keys(&around);
        pass(COOL_DOWN).await;
        signing.store(next, Ordering::SeqCst);
        // The next roll meets the set in every state: just fetched, about to be fetched, fetched
        // ahead.
        pass([0, 5, 30, 100, 235, 240, 245, 300, 600, 5][next - 1]).await;
    }
    stop.store(true, Ordering::SeqCst);
    for task in tasks {
        task.await.unwrap();
    }

    let asked = published.asked.lock().unwrap().clone();
    let elapsed = time.seconds() - began;
    // The first fetch, one for each new key, and those ahead of the end of freshness.
    let scheduled = usize::try_from(elapsed / 270).unwrap();
    assert!(asked.len() <= 1 + 10 + scheduled, "{asked:?}");
    // The clock may advance between the decision and the request.
    assert!(asked.windows(2).all(|pair| pair[1] - pair[0] >= COOL_DOWN - 2 * STEP), "{asked:?}");
    let verified: usize = verified.iter().map(|count| count.load(Ordering::SeqCst)).sum();
    assert!(verified > 5_000, "{verified}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_random_kids_cause_one_fetch_in_a_cool_down_and_delay_no_caller() {
    let time = TestClock::new();
    let published = Published::new(&time);
    let server = MockServer::start().await;
    let jwks = published.mount(&server).await;
    let (key, jwk) = new_key("a");
    published.keys(&[&jwk]);
    let good = token(&key, Some("a"));
    jwks.keys().await.unwrap();

    for (fetches, delay) in [(1, 0), (2, 300), (3, 0), (4, 300)] {
        let answer = ResponseTemplate::new(200).set_body_raw(set(&[&jwk]), "application/json");
        published.answer(answer.set_delay(Duration::from_millis(delay)));
        let flood: Vec<_> = (0..TASKS)
            .map(|task| {
                let jwks = jwks.clone();
                tokio::spawn(async move {
                    for number in 0..10_000 / TASKS {
                        let name = format!("{:x}", task * 0x9e37_79b9 + number * 0x7f4a_7c15);
                        let error = jwks.verify(&verifier(), &forged(&name)).await.unwrap_err();
                        assert!(
                            matches!(&error, RemoteJwksError::Token(error) if is_no_matching_key(error)),
                            "{error:?}"
                        );
                    }
                })
            })
            .collect();
        let mut in_between = 0;
        while !flood.iter().all(tokio::task::JoinHandle::is_finished) {
            assert!(at_once(jwks.verify(&verifier(), &good)).expect("at once").is_ok());
            in_between += 1;
            tokio::task::yield_now().await;
        }
        for task in flood {
            task.await.unwrap();
        }
        assert!(in_between > 10, "{in_between}");
        assert_eq!(published.asked(), fetches);
        time.pass(COOL_DOWN);
    }
}

/// A server at this address that ends when it is dropped.
async fn serve(listener: TcpListener, published: &Published) -> MockServer {
    let server = MockServer::builder().listener(listener).start().await;
    published.mount(&server).await;
    server
}

#[tokio::test]
async fn plain_http_inside_a_mesh_needs_the_users_word() {
    let time = TestClock::new();
    let published = Published::new(&time);
    let (key, jwk) = new_key("a");
    published.keys(&[&jwk]);
    let server = MockServer::start().await;
    published.mount(&server).await;
    // The name leads to the mock server, as it leads to the sidecar in a mesh.
    let address = *server.address();
    let mesh = ReqwestClient::build(|builder| builder.resolve("as.mesh.svc", address)).unwrap();
    let builder = || RemoteJwks::builder("http://as.mesh.svc/jwks").clock(time.clone());
    assert!(matches!(
        clean(builder().build().unwrap_err()),
        TransportError::OAuth(OAuthError::Endpoint {
            reason: "is plain http, which is for loopback only",
            ..
        })
    ));
    let jwks = builder().danger_allow_unencrypted().http(mesh.clone()).build().unwrap();
    assert!(jwks.keys().await.is_err());
    assert!(server.received_requests().await.unwrap().is_empty());
    let jwks = builder().danger_allow_unencrypted().http(mesh.danger_allow_unencrypted()).build().unwrap();
    jwks.verify(&verifier(), &token(&key, Some("a"))).await.unwrap();
    // All other rules for URLs still hold, and the set passes the setting to the client that it
    // makes.
    assert!(builder().danger_allow_unencrypted().build().is_ok());
    for url in ["http://a:b@as.example/jwks", "ftp://as.example/jwks"] {
        assert!(RemoteJwks::builder(url).danger_allow_unencrypted().build().is_err(), "{url}");
    }
}

#[tokio::test]
async fn a_server_that_is_gone_is_missed_from_the_hard_limit_on_until_it_is_back() {
    let time = TestClock::new();
    let published = Published::new(&time);
    let (key, jwk) = new_key("a");
    published.keys(&[&jwk]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = serve(listener, &published).await;
    let jwks = RemoteJwks::builder(format!("http://{address}/jwks")).clock(time.clone()).build().unwrap();
    let good = token(&key, Some("a"));
    jwks.keys().await.unwrap();
    drop(server);

    for _ in 0..11 {
        time.pass(300);
        let before = jwks.last_failure();
        assert!(at_once(jwks.verify(&verifier(), &good)).expect("at once").is_ok());
        // The fetch in the background.
        until(|| {
            jwks.last_failure()
                .is_some_and(|failure| before.as_ref().is_none_or(|before| !Arc::ptr_eq(before, &failure)))
        })
        .await;
    }
    time.pass(299);
    assert!(at_once(jwks.verify(&verifier(), &good)).expect("at once").is_ok());
    time.pass(1);
    let error = clean(jwks.verify(&verifier(), &good).await.unwrap_err());
    let RemoteJwksError::TooOld { source, .. } = &error else { panic!("{error:?}") };
    assert!(
        matches!(
            &**source,
            JwksFetchError::Transport(TransportError::Connect { .. } | TransportError::Broken { .. })
        ),
        "{source:?}"
    );
    assert_eq!(published.asked(), 1);

    let mut listener = TcpListener::bind(address);
    until(|| {
        if listener.is_err() {
            listener = TcpListener::bind(address);
        }
        listener.is_ok()
    })
    .await;
    let _server = serve(listener.unwrap(), &published).await;
    time.pass(30);
    assert!(jwks.verify(&verifier(), &good).await.is_ok());
    assert_eq!(published.asked(), 2);
}

#[tokio::test]
async fn an_etag_is_sent_back_over_http() {
    let (server, time) = (MockServer::start().await, TestClock::new());
    let (key, jwk) = new_key("a");
    let whole = ResponseTemplate::new(200).insert_header("etag", "\"v1\"").set_body_string(set(&[&jwk]));
    Mock::given(header("if-none-match", "\"v1\""))
        .respond_with(ResponseTemplate::new(304))
        .expect(2)
        .mount(&server)
        .await;
    Mock::given(any()).respond_with(whole).with_priority(9).expect(1).mount(&server).await;
    let jwks = RemoteJwks::builder(server.uri()).clock(time.clone()).build().unwrap();
    let keys = jwks.keys().await.unwrap();
    for _ in 0..2 {
        time.pass(COOL_DOWN);
        let error = jwks.verify(&verifier(), &forged("x")).await.unwrap_err();
        assert!(matches!(&error, RemoteJwksError::Token(_)), "{error:?}");
        assert!(jwks.verify(&verifier(), &token(&key, Some("a"))).await.is_ok());
    }
    assert!(Arc::ptr_eq(&keys, &jwks.keys().await.unwrap()));
}

#[tokio::test]
async fn a_redirect_a_huge_body_and_too_many_keys_over_http() {
    let time = TestClock::new();
    let published = Published::new(&time);
    let server = MockServer::start().await;
    Mock::given(path("/other")).respond_with(ResponseTemplate::new(200)).expect(0).mount(&server).await;
    let jwks = published.mount(&server).await;
    let failure = async |answer: ResponseTemplate| {
        published.answer(answer);
        time.pass(COOL_DOWN);
        match clean(jwks.keys().await.unwrap_err()) {
            RemoteJwksError::Unavailable { source, .. } => source,
            other => panic!("{other:?}"),
        }
    };
    for status in [301, 302, 303, 307, 308] {
        let to = format!("{}/other", server.uri());
        let failure = failure(ResponseTemplate::new(status).insert_header("location", to.as_str())).await;
        assert!(
            matches!(&*failure, JwksFetchError::Transport(TransportError::Status { status: found, .. }) if *found == status)
        );
        let url = format!("{}/jwks", server.uri());
        let expected = format!("{url} answered {status}, a redirect to {to}, which is not followed");
        assert_eq!(failure.to_string(), expected);
    }
    let down = failure(ResponseTemplate::new(503).set_body_string(r#"{"message":"no upstream"}"#)).await;
    assert_eq!(down.to_string(), format!("{}/jwks answered 503: no upstream", server.uri()));
    let packed =
        ResponseTemplate::new(200).insert_header("content-encoding", "gzip").set_body_bytes(b"\x1f\x8b");
    assert_eq!(failure(packed).await.to_string(), {
        "the JWK Set is encoded as gzip, which the client does not read"
    });
    let huge = " ".repeat(ReqwestClient::MAX_BODY_LEN) + r#"{"keys":[]}"#;
    let too_large = failure(ResponseTemplate::new(200).set_body_string(huge)).await;
    assert!(
        matches!(&*too_large, JwksFetchError::Transport(TransportError::BodyTooLarge { .. })),
        "{too_large:?}"
    );
    let many = format!(r#"{{"keys":[{}]}}"#, vec![r#"{"kty":"oct"}"#; 10_001].join(","));
    let too_many = failure(ResponseTemplate::new(200).set_body_string(many)).await;
    assert!(
        matches!(
            &*too_many,
            JwksFetchError::Document { source: JoseError::TooManyKeys { found: 10_001, limit: 256 }, .. }
        ),
        "{too_many:?}"
    );
}
