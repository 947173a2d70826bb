//! URLs that an outsider chose: the client reaches only the public internet, whatever a name
//! resolves to.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http::Request;
use private_key_jwt::RemoteJwks;
use private_key_jwt::oauth::{OAuthError, Retry};
use private_key_jwt::server::{JwksFetchError, RemoteJwksError};
use private_key_jwt::transport::{
    HttpClient, PublicNetworkClient, PublicNetworkClientBuilder, TransportError,
};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::support::clean;
use crate::support::clock::TestClock;

/// Answers with the next of these each time; the last one stays.
#[derive(Clone)]
struct Names(Arc<Mutex<VecDeque<Vec<IpAddr>>>>);

impl Names {
    fn new(answers: &[&[&str]]) -> Self {
        let answers =
            answers.iter().map(|answer| answer.iter().map(|address| address.parse().unwrap()).collect());
        Self(Arc::new(Mutex::new(answers.collect())))
    }
}

impl Resolve for Names {
    fn resolve(&self, _: Name) -> Resolving {
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() };
        let answer: Addrs = Box::new(answer.into_iter().map(|address| SocketAddr::new(address, 0)));
        Box::pin(std::future::ready(Ok(answer)))
    }
}

/// Counts connections, and stays silent.
async fn listener() -> (u16, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, connections) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, connections)
}

async fn get(http: &PublicNetworkClient, url: &str) -> TransportError {
    clean(http.send(Request::get(url).body(Vec::new()).unwrap()).await.unwrap_err())
}

fn builder(answers: &[&[&str]]) -> PublicNetworkClientBuilder {
    PublicNetworkClient::builder().resolver(Names::new(answers))
}

#[tokio::test]
async fn an_address_that_is_not_public_is_refused_without_a_connection() {
    let (port, connections) = listener().await;
    let http = PublicNetworkClient::new().unwrap();
    for host in [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "192.0.2.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fd00::1]",
        "[ff02::1]",
        "[2001:db8::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::1]",
        "[::127.0.0.1]",
    ] {
        let url = format!("https://{host}:{port}/jwks");
        let error = get(&http, &url).await;
        assert!(matches!(error, TransportError::NotPublic { .. }), "{url}: {error:?}");
        assert_eq!(error.retry(), Retry::Never);
        assert!(matches!(http.check(&url), Err(TransportError::NotPublic { .. })), "{url}");
        assert!(
            matches!(RemoteJwks::client_registered(&url), Err(TransportError::NotPublic { .. })),
            "{url}"
        );
    }
    // Disguised addresses are refused as URLs.
    for host in ["127.1", "0x7f.0.0.1", "2130706433", "0177.0.0.1"] {
        let error = get(&http, &format!("https://{host}:{port}/jwks")).await;
        assert!(matches!(error, TransportError::OAuth(OAuthError::Endpoint { .. })), "{host}: {error:?}");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn it_is_https_only_also_on_loopback() {
    let http = PublicNetworkClient::builder().also_reach(|_| true).build().unwrap();
    for url in ["http://127.0.0.1/jwks", "http://localhost/jwks"] {
        let refused = http.check(url).unwrap_err();
        assert!(
            matches!(&refused, TransportError::OAuth(OAuthError::Endpoint { reason: "is not https", .. })),
            "{refused:?}"
        );
        assert!(matches!(get(&http, url).await, TransportError::OAuth(_)));
        assert!(RemoteJwks::client_registered(url).is_err());
    }
    assert!(RemoteJwks::client_registered("http://as.example/jwks").is_err());
    assert!(RemoteJwks::client_registered("https://client.example/jwks").is_ok());
    assert!(RemoteJwks::client_registered("https://9.9.9.9/jwks").is_ok());
}

#[tokio::test]
async fn a_name_is_judged_by_what_it_resolves_to() {
    let (port, connections) = listener().await;
    for answer in [
        &["127.0.0.1"][..],
        &["::1"],
        &["10.0.0.1", "192.168.0.1"],
        &["::ffff:127.0.0.1"],
        &["64:ff9b::7f00:1"],
        &["2002:7f00:1::1"],
        &["169.254.169.254"],
        &["0.0.0.0"],
        &[],
    ] {
        let http = builder(&[answer]).build().unwrap();
        for name in ["client.example", "localhost"] {
            let url = format!("https://{name}:{port}/jwks");
            let error = get(&http, &url).await;
            assert!(
                matches!(&error, TransportError::NotPublic { host } if host == name),
                "{answer:?}: {error:?}"
            );
        }
    }
    // Without the test's resolver.
    let error = get(&PublicNetworkClient::new().unwrap(), &format!("https://localhost:{port}/jwks")).await;
    assert!(matches!(&error, TransportError::NotPublic { host } if host == "localhost"), "{error:?}");
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_that_resolves_to_something_else_the_next_time_gets_nowhere() {
    let (port, connections) = listener().await;
    let url = format!("https://client.example:{port}/jwks");
    // The first address stands in for a public one, where the test listens.
    let stand_in = "127.0.0.1".parse::<IpAddr>().unwrap();
    let http = builder(&[&["127.0.0.1"], &["127.0.0.2"], &["10.0.0.1"]])
        .also_reach(move |address| address == stand_in)
        .timeout(std::time::Duration::from_millis(200))
        .build()
        .unwrap();
    let error = get(&http, &url).await;
    assert!(!matches!(error, TransportError::NotPublic { .. }), "{error:?}");
    super::until(|| connections.load(Ordering::SeqCst) == 1).await;
    for _ in 0..3 {
        let error = get(&http, &url).await;
        assert!(
            matches!(&error, TransportError::NotPublic { host } if host == "client.example"),
            "{error:?}"
        );
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn of_several_addresses_only_those_that_may_be_reached_are() {
    let (port, connections) = listener().await;
    let stand_in = "127.0.0.1".parse::<IpAddr>().unwrap();
    let http = builder(&[&["127.0.0.2", "::1", "127.0.0.1"]])
        .also_reach(move |address| address == stand_in)
        .timeout(std::time::Duration::from_millis(200))
        .build()
        .unwrap();
    let error = get(&http, &format!("https://client.example:{port}/jwks")).await;
    assert!(!matches!(error, TransportError::NotPublic { .. }), "{error:?}");
    super::until(|| connections.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn neither_a_proxy_nor_a_resolver_of_reqwest_gets_around_it() {
    let (port, connections) = listener().await;
    let http = builder(&[&["10.0.0.1"]])
        .reqwest(move |builder| {
            builder
                .proxy(reqwest::Proxy::all(format!("http://127.0.0.1:{port}")).unwrap())
                .dns_resolver(Arc::new(Names::new(&[&["127.0.0.1"]])))
                .https_only(false)
        })
        .build()
        .unwrap();
    let error = get(&http, &format!("https://client.example:{port}/jwks")).await;
    assert!(matches!(error, TransportError::NotPublic { .. }), "{error:?}");
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_registered_url_that_is_not_public_leaves_no_keys() {
    let http = builder(&[&["127.0.0.1"]]).build().unwrap();
    let jwks = RemoteJwks::builder("https://client.example/jwks")
        .http(http.clone())
        .clock(TestClock::new())
        .build()
        .unwrap();
    let error = clean(jwks.keys().await.unwrap_err());
    let RemoteJwksError::Unavailable { source, .. } = &error else { panic!("{error:?}") };
    assert!(
        matches!(&**source, JwksFetchError::Transport(TransportError::NotPublic { host }) if host == "client.example"),
        "{source:?}"
    );
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
#[tokio::test]
async fn keys_of_a_registered_url_over_tls() {
    use std::io::{Read, Write};

    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};

    let data = |file: &str| crate::support::testdata(&format!("keys/{file}"));
    let certificate = data("p256.localhost.cert.pem");
    let config =
        rustls::ServerConfig::builder_with_provider(rustls::crypto::aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(&certificate).unwrap()],
                PrivateKeyDer::from_pem_slice(&data("p256.pkcs8.pem")).unwrap(),
            )
            .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (key, jwk) = super::new_key("a");
    let body = super::set(&[&jwk]);
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let connection = rustls::ServerConnection::new(config.into()).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, stream);
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
        stream.flush().unwrap();
        stream
    });
    let http = builder(&[&["127.0.0.1"]])
        .reqwest(move |builder| {
            builder.tls_certs_merge([reqwest::Certificate::from_pem(&certificate).unwrap()])
        })
        .also_reach(|address| address.is_loopback())
        .build()
        .unwrap();
    let jwks = RemoteJwks::builder(format!("https://localhost:{port}/jwks"))
        .http(http)
        .clock(TestClock::new())
        .build()
        .unwrap();
    assert!(jwks.verify(&super::verifier(), &super::token(&key, Some("a"))).await.is_ok());
}
