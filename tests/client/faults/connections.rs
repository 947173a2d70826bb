//! No connection, a lost connection, and connections to other hosts.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use private_key_jwt::client::ErrorKind;
use private_key_jwt::oauth::{OAuthError, Retry};
use private_key_jwt::transport::{ReqwestClient, TransportError};
use private_key_jwt::{AuthorizationServer, Error, TokenClient, TokenRequest};
use tokio::net::{TcpSocket, TcpStream};

use super::outcome::outcome;
use crate::support::clock::TestClock;
use crate::support::loopback::{Act, Server, answer, token};
use crate::support::{clean, key};

fn client(url: &str, clock: &TestClock) -> TokenClient {
    let server = AuthorizationServer::new("https://as.example", url).unwrap();
    TokenClient::builder(server, "client", key("p256.pkcs8.pem")).clock(clock.clone()).build().unwrap()
}

fn freely() -> TokenRequest {
    TokenRequest::client_credentials(())
}

/// An address of this machine that only this test uses, and where no server listens.
async fn free_port(host: u8) -> SocketAddr {
    let socket = std::net::TcpListener::bind(SocketAddr::from(([127, 77, 0, host], 0))).unwrap();
    socket.local_addr().unwrap()
}

#[tokio::test]
async fn no_server_listens_until_the_third_attempt() {
    // A single-use grant did not arrive either.
    for (host, request) in [(1, freely()), (2, TokenRequest::refresh_token("r"))] {
        let address = free_port(host).await;
        let listening = Arc::new(Mutex::new(None));
        let clock = TestClock::calling({
            let listening = Arc::clone(&listening);
            move |pauses| {
                if pauses == 1 {
                    let socket = TcpSocket::new_v4().unwrap();
                    socket.bind(address).unwrap();
                    let server = Server::on(socket.listen(8).unwrap(), |_| Act::Close(token()));
                    *listening.lock().unwrap() = Some(server);
                }
            }
        });
        let result = client(&format!("http://{address}/token"), &clock).request(&request).await;
        assert_eq!(outcome(result), ("a token".to_owned(), None));
        assert_eq!(clock.pauses().len(), 2);
        assert_eq!(listening.lock().unwrap().as_ref().unwrap().requests(), 1);
    }
}

#[tokio::test]
async fn no_server_listens_at_all() {
    let address = free_port(3).await;
    let server = || AuthorizationServer::from_token_endpoint(format!("http://{address}/token")).unwrap();
    let builder = || TokenClient::builder(server(), "client", key("p256.pkcs8.pem"));
    let once = builder().without_retries().build().unwrap();
    let error = clean(once.request(&freely()).await.unwrap_err());
    assert!(matches!(
        error.kind(),
        ErrorKind::Transport(TransportError::Connect { host, .. }) if *host == address.ip().to_string()
    ));

    let clock = TestClock::skipping();
    let start = Instant::now();
    let client = builder().clock(clock.clone()).build().unwrap();
    let error = clean(client.request(&freely()).await.unwrap_err());
    assert!(no_connection(&error), "{error:?}");
    // Pauses of at most 500 ms, 1, 2, 4, 8 s and then 10 s, in 30 s: six attempts at least.
    let attempts = error.attempts();
    assert!((6..60).contains(&attempts), "{attempts}");
    assert_eq!(clock.pauses().len() + 1, usize::try_from(attempts).unwrap());
    assert!(clock.pauses().iter().sum::<Duration>() < Duration::from_secs(30));
    assert!(error.to_string().ends_with(&format!(" (after {attempts} attempts)")), "{error}");
    assert_eq!(error.retry(), Retry::BackOff);
    assert!(start.elapsed() < Duration::from_secs(5));
}

/// By chance, the last of many attempts may have too little time left even for this.
fn no_connection(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Transport(TransportError::Connect { .. } | TransportError::Timeout { .. })
    )
}

/// Resolves no name.
struct NoNames(Mutex<usize>);

impl reqwest::dns::Resolve for NoNames {
    fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
        *self.0.lock().unwrap() += 1;
        Box::pin(std::future::ready(Err("no such name".into())))
    }
}

#[tokio::test]
async fn a_name_without_an_address() {
    let names = Arc::new(NoNames(Mutex::new(0)));
    let http = ReqwestClient::build(|builder| builder.no_proxy().dns_resolver(Arc::clone(&names))).unwrap();
    let server = AuthorizationServer::from_token_endpoint("https://as.invalid/token").unwrap();
    let once = TokenClient::builder(server.clone(), "client", key("p256.pkcs8.pem")).http(http.clone());
    let once = once.without_retries().build().unwrap();
    let error = clean(once.request(&freely()).await.unwrap_err());
    assert!(matches!(
        error.kind(),
        ErrorKind::Transport(TransportError::Connect { host, .. }) if host == "as.invalid"
    ));
    assert_eq!(std::mem::take(&mut *names.0.lock().unwrap()), 1);

    let builder = TokenClient::builder(server, "client", key("p256.pkcs8.pem")).http(http);
    let builder = builder.clock(TestClock::skipping());
    let client = builder.build().unwrap();
    for request in [freely(), TokenRequest::refresh_token("r")] {
        let start = Instant::now();
        let error = clean(client.request(&request).await.unwrap_err());
        assert!(no_connection(&error), "{error:?}");
        let attempts = usize::try_from(error.attempts()).unwrap();
        assert!((6..60).contains(&attempts), "{attempts}");
        let lost = attempts - std::mem::take(&mut *names.0.lock().unwrap());
        assert!(lost <= 1, "{lost}");
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn a_connection_that_is_never_made() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    // Nothing accepts, so the queue soon fills up, and further connections wait.
    let mut queue = Vec::new();
    while let Ok(connected) =
        tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await
    {
        queue.push(connected.unwrap());
        assert!(queue.len() < 1000, "the queue has no end");
    }
    let is_full = || {
        let connected = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(100));
        connected.is_err_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
    };
    assert!(is_full());
    let request = async |deadline| {
        let server = AuthorizationServer::from_token_endpoint(format!("http://{address}/token")).unwrap();
        let builder =
            TokenClient::builder(server, "client", key("p256.pkcs8.pem")).clock(TestClock::skipping());
        let client = builder.deadline(deadline).build().unwrap();
        let start = Instant::now();
        (outcome(client.request(&freely()).await), start.elapsed())
    };
    let least = Duration::from_millis(300);
    let (found, took) = request(least).await;
    assert_eq!(found, ("Timeout".to_owned(), Some(1)));
    assert!((least..least + Duration::from_secs(4)).contains(&took), "{took:?}");
    // With more time than connecting may take, there is another attempt.
    let least = ReqwestClient::CONNECT_TIMEOUT + Duration::from_secs(3);
    let (found, took) = request(least).await;
    assert_eq!(found, ("Connect".to_owned(), Some(2)));
    assert!((least - Duration::from_millis(500)..least + Duration::from_secs(4)).contains(&took), "{took:?}");
    assert!(is_full());
}

#[tokio::test]
async fn a_kept_alive_connection_that_was_closed_in_silence() {
    let server = Server::start(|number| match number {
        // Answers the first request, and closes the connection after the second without an answer.
        0 => Act::Keep(token()),
        1 => Act::Close(Vec::new()),
        _ => Act::Keep(token()),
    })
    .await;
    let clock = TestClock::skipping();
    let client = client(&server.url(), &clock);
    for (requests, pauses) in [(1, 0), (3, 1), (4, 1)] {
        assert_eq!(outcome(client.request(&freely()).await), ("a token".to_owned(), None));
        assert_eq!((server.requests(), clock.pauses().len()), (requests, pauses));
    }
    // Closed between requests: the next request notices it at the latest.
    let server = Server::start(|_| Act::Close(answer("200 OK\r\nconnection: keep-alive", BODY))).await;
    let client = self::client(&server.url(), &clock);
    for _ in 0..5 {
        assert_eq!(outcome(client.request(&freely()).await), ("a token".to_owned(), None));
    }
    assert_eq!(server.requests(), 5);
}

const BODY: &str = r#"{"access_token":"AT","token_type":"Bearer"}"#;

#[tokio::test]
async fn a_redirect_to_another_host_is_an_answer_and_nothing_more() {
    let elsewhere = Server::start(|_| Act::Close(token())).await;
    for status in [301, 302, 303, 307, 308] {
        let target = elsewhere.url();
        let head = format!("{status} Moved\r\nlocation: {target}");
        let server = Server::start(move |_| Act::Close(answer(&head, ""))).await;
        let clock = TestClock::skipping();
        for (requests, request) in [(1, freely()), (2, TokenRequest::refresh_token("r"))] {
            let start = Instant::now();
            let error = clean(client(&server.url(), &clock).request(&request).await.unwrap_err());
            assert!(
                matches!(
                    error.kind(),
                    ErrorKind::OAuth(OAuthError::Redirect { status: found, location: Some(to) })
                        if *found == status && *to == target
                ),
                "{error:?}"
            );
            assert_eq!((server.requests(), clock.pauses().len(), elsewhere.requests()), (requests, 0, 0));
            assert!(start.elapsed() < Duration::from_secs(4));
        }
    }
}
