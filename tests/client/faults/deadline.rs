//! The total time of a call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use private_key_jwt::client::ErrorKind;
use private_key_jwt::keys::{BoxFuture, KeyError};
use private_key_jwt::oauth::Retry;
use private_key_jwt::transport::{ReqwestClient, SystemClock};
use private_key_jwt::{
    Algorithm, AuthorizationServer, Jwk, KeyRing, Signature, Signer, TokenClient, TokenRequest,
};

use super::outcome::outcome;
use crate::support::loopback::{Act, Server, answer};
use crate::support::{clean, key};

const DEADLINE: Duration = Duration::from_millis(400);
/// By this time a call has returned, even on a loaded machine, unless it hangs.
const AT_LAST: Duration = Duration::from_secs(5);

fn builder(server: &Server, keys: impl Into<KeyRing>) -> private_key_jwt::client::TokenClientBuilder {
    let server = AuthorizationServer::new("https://as.example", server.url()).unwrap();
    TokenClient::builder(server, "client", keys).clock(SystemClock).deadline(DEADLINE)
}

fn request() -> TokenRequest {
    TokenRequest::client_credentials(())
}

/// The outcome, the number of attempts, and the time.
async fn timed(client: private_key_jwt::client::TokenClientBuilder) -> (String, u32, Duration) {
    let client = client.build().unwrap();
    let start = Instant::now();
    let (words, attempts) = outcome(client.request(&request()).await);
    (words, attempts.unwrap(), start.elapsed())
}

#[tokio::test]
async fn attempts_and_pauses_together_take_no_longer() {
    let pause = Duration::from_millis(20);
    let server = Server::start(|_| Act::Close(answer("503 Service Unavailable", ""))).await;
    let (words, attempts, took) = timed(builder(&server, key("p256.pkcs8.pem")).backoff(pause, pause)).await;
    assert_eq!(words, "Unavailable 503");
    // By chance, the last attempt may have too little time left to arrive.
    let lost = usize::try_from(attempts).unwrap() - server.requests();
    assert!(attempts > 3 && lost <= 1, "{attempts}, {lost}");
    assert!((DEADLINE - pause - pause..AT_LAST).contains(&took), "{took:?}");

    // The client does not begin a pause that would end after the deadline.
    let head = "503 Service Unavailable\r\nretry-after: 1";
    let server = Server::start(move |_| Act::Close(answer(head, ""))).await;
    let (words, attempts, took) = timed(builder(&server, key("p256.pkcs8.pem"))).await;
    assert_eq!((words.as_str(), attempts, server.requests()), ("Unavailable 503", 1, 1));
    assert!(took < AT_LAST, "{took:?}");
}

#[tokio::test]
async fn the_last_attempt_has_what_the_others_left() {
    let server = Server::start(|number| match number {
        0 => Act::Close(Vec::new()),
        _ => Act::Stall(Vec::new()),
    })
    .await;
    let pause = Duration::from_millis(50);
    let (words, attempts, took) = timed(builder(&server, key("p256.pkcs8.pem")).backoff(pause, pause)).await;
    // The earlier failure says more than a timeout.
    assert_eq!((words.as_str(), attempts, server.requests()), ("Broken", 2, 2));
    assert!((DEADLINE..AT_LAST).contains(&took), "{took:?}");
}

#[tokio::test]
async fn the_http_clients_own_bound_counts_where_it_is_shorter_and_without_a_deadline() {
    let own = Duration::from_millis(100);
    for deadline in [DEADLINE, Duration::MAX] {
        let server = Server::start(|_| Act::Stall(Vec::new())).await;
        let http = ReqwestClient::new().unwrap().with_timeout(own);
        let client = builder(&server, key("p256.pkcs8.pem")).http(http).deadline(deadline);
        let (words, attempts, took) = timed(client).await;
        assert_eq!((words.as_str(), attempts, server.requests()), ("Timeout", 1, 1));
        assert!((own..AT_LAST).contains(&took), "{took:?}");
    }
}

#[tokio::test]
async fn a_signer_that_never_answers_is_no_hanging_call() {
    struct Hangs(Jwk);
    impl Signer for Hangs {
        fn algorithm(&self) -> Algorithm {
            Algorithm::ES256
        }
        fn public_jwk(&self) -> &Jwk {
            &self.0
        }
        fn sign<'a>(&'a self, _: &'a [u8]) -> BoxFuture<'a, Result<Signature, KeyError>> {
            Box::pin(std::future::pending())
        }
    }
    let server = Server::start(|_| Act::CloseUnread).await;
    let jwk = key("p256.pkcs8.pem").public_jwk().clone();
    let client = builder(&server, KeyRing::new(Arc::new(Hangs(jwk))).unwrap()).build().unwrap();
    let start = Instant::now();
    let error = clean(client.request(&request()).await.unwrap_err());
    assert!(matches!(error.kind(), ErrorKind::Key(KeyError::Signer(_))), "{error:?}");
    assert_eq!((error.retry(), server.requests()), (Retry::BackOff, 0));
    assert!((DEADLINE..AT_LAST).contains(&start.elapsed()));
}
