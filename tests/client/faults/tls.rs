//! A server whose TLS cannot be trusted, or that has no TLS.

use std::time::{Duration, Instant};

use private_key_jwt::client::ErrorKind;
use private_key_jwt::oauth::Retry;
use private_key_jwt::transport::{ReqwestClient, TransportError};
use private_key_jwt::{AuthorizationServer, Error, TokenClient, TokenRequest};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::support::clock::TestClock;
use crate::support::loopback::{Act, Server, acceptor, token};
use crate::support::{all_texts, clean, key, testdata};

/// A TLS server with this certificate.
async fn serve(certificate: &str) -> Server {
    Server::tls(acceptor(certificate, None), |_| Act::Close(token())).await
}

async fn request(host: &str, port: u16, trusted: Option<&str>, clock: &TestClock) -> Result<(), Error> {
    let trusted =
        trusted.map(|file| reqwest::Certificate::from_pem(&testdata(&format!("keys/{file}"))).unwrap());
    let http = ReqwestClient::build(|builder| {
        trusted.iter().cloned().fold(builder, reqwest::ClientBuilder::add_root_certificate)
    });
    let server = AuthorizationServer::from_token_endpoint(format!("https://{host}:{port}/token")).unwrap();
    let client = TokenClient::builder(server, "client", key("p256.pkcs8.pem"))
        .http(http.unwrap())
        .clock(clock.clone())
        .build()
        .unwrap();
    client.request(&TokenRequest::client_credentials(())).await.map(drop).map_err(clean)
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_ends_it_at_once() {
    const GOOD: &str = "p256.localhost.cert.pem";
    const EXPIRED: &str = "p256.localhost-expired.cert.pem";
    let (good, expired) = (serve(GOOD).await, serve(EXPIRED).await);
    let clock = TestClock::skipping();
    assert!(request("localhost", good.port(), Some(GOOD), &clock).await.is_ok());
    // The words are those of rustls; the platform's TLS has others. Why an issuer is unknown
    // depends on the other known issuers.
    for (name, reason, host, server, trusted) in [
        ("an unknown CA", "invalid peer certificate", "localhost", &good, None),
        ("another CA", "invalid peer certificate", "localhost", &good, Some("ca.cert.pem")),
        ("a wrong name", "not valid for name", "127.0.0.1", &good, Some(GOOD)),
        ("an expired certificate", "expired", "localhost", &expired, Some(EXPIRED)),
    ] {
        let start = Instant::now();
        let error = request(host, server.port(), trusted, &clock).await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Transport(TransportError::Tls { host: found, .. }) if found == host),
            "{name}: {error:?}"
        );
        assert_eq!((error.attempts(), error.retry()), (1, Retry::Never), "{name}");
        let texts = all_texts(&error);
        assert!(!cfg!(feature = "rustls") || texts.contains(reason), "{name}: {texts}");
        // The texts differ, so the three causes can be told apart.
        let others = ["not valid for name", "expired"].into_iter().filter(|other| *other != reason);
        assert!(others.into_iter().all(|other| !texts.contains(other)), "{name}: {texts}");
        assert!(start.elapsed() < Duration::from_secs(4), "{name}");
    }
    assert!(clock.pauses().is_empty());
    // Only the first request was sent.
    assert_eq!([good, expired].map(|server| server.requests()), [1, 0]);
}

/// The texts of all sources of an error, the nearest first.
fn sources(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(error.source(), |error| error.source()).map(ToString::to_string).collect()
}

/// Under TLS 1.3, the client learns of it only after its own handshake is over, while it waits for
/// the answer.
#[tokio::test]
async fn a_client_certificate_that_is_demanded_ends_it_at_once() {
    const GOOD: &str = "p256.localhost.cert.pem";
    let server = Server::tls(acceptor(GOOD, Some("ca.cert.pem")), |_| Act::Close(token())).await;
    let clock = TestClock::skipping();
    let error = request("localhost", server.port(), Some(GOOD), &clock).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Transport(TransportError::Tls { host, .. }) if host == "localhost"),
        "{error:?}"
    );
    assert_eq!((error.attempts(), error.retry(), clock.pauses().len()), (1, Retry::Never, 0));
    assert_eq!(server.requests(), 0);
    if cfg!(feature = "rustls") {
        assert_eq!(
            sources(&error)[0],
            "the server demands a client certificate (mutual TLS); configure one (`ClientBuilder::identity` of reqwest)"
        );
    }
}

/// rustls accepts no CA certificate for a server, not even a trusted one: the text says how to make
/// another certificate.
#[cfg(feature = "rustls")]
#[tokio::test]
async fn what_openssl_makes_of_itself_is_told_what_it_lacks() {
    const CA: &str = "p256.localhost-ca.cert.pem";
    let server = serve(CA).await;
    let error = request("localhost", server.port(), Some(CA), &TestClock::skipping()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Transport(TransportError::Tls { .. })), "{error:?}");
    assert_eq!(
        sources(&error)[0],
        "the server's certificate is a CA certificate (CA:TRUE), which rustls rejects for a server; create it with \
         `openssl req -x509 -addext basicConstraints=critical,CA:FALSE`, or use it to sign another one"
    );
    let server = serve("p256.localhost.cert.pem").await;
    let error =
        request("localhost", server.port(), Some("ca.cert.pem"), &TestClock::skipping()).await.unwrap_err();
    assert_eq!(
        sources(&error)[0],
        "the server's certificate is signed by a CA that is not trusted here; trust that CA \
         (`ClientBuilder::tls_certs_merge` of reqwest, `--ca-file` of pkjwt)"
    );
}

#[tokio::test]
async fn a_port_without_tls_ends_it_at_once_and_a_handshake_that_breaks_off_does_not() {
    use tokio::io::AsyncReadExt;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let clock = TestClock::skipping();
    let error = request("localhost", port, None, &clock).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Transport(TransportError::Tls { .. })), "{error:?}");
    assert_eq!((error.attempts(), clock.pauses().len()), (1, 0));

    let server = Server::start(|_| Act::ResetUnread).await;
    let error = request("localhost", server.port(), None, &clock).await.unwrap_err();
    // By chance, the last attempt may have too little time left.
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Transport(TransportError::Connect { .. } | TransportError::Timeout { .. })
        ),
        "{error:?}"
    );
    assert!(error.attempts() > 1 && error.retry() == Retry::BackOff);
    assert!(server.requests() > 1);
}
