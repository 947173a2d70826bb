//! https, with a certificate of the server's own or of the test's.

use std::sync::{Arc, Mutex};

use private_key_jwt::dev_server::{DevServerBuilder, DevServerError};
use private_key_jwt::transport::{HttpClient, ReqwestClient, TransportError};

use super::*;
use crate::support::{MARK, clean, testdata};

const LOOPBACK: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

fn trusting(pem: &str) -> ReqwestClient {
    let certificates = reqwest::Certificate::from_pem_bundle(pem.as_bytes()).unwrap();
    ReqwestClient::build(|builder| {
        certificates.iter().cloned().fold(builder, reqwest::ClientBuilder::add_root_certificate)
    })
    .unwrap()
}

#[tokio::test]
async fn a_client_that_trusts_the_certificate_gets_a_token_over_https() {
    let dev = DevServer::builder().tls().bind(LOOPBACK.into()).await.unwrap();
    assert!(dev.issuer().starts_with(&format!("https://{}/", dev.local_addr())));
    let http = trusting(dev.certificate_pem().unwrap());
    let key = es256();
    dev.register("client", jwks(&key)).unwrap();
    let server = AuthorizationServer::discover_with(dev.issuer(), &http).await.unwrap();
    let client = private_key_jwt::TokenClient::builder(server, "client", key).http(http).build().unwrap();
    let token = client.token("a").await.unwrap();
    assert_eq!(claims(&dev, token.secret())["iss"], dev.issuer());
}

#[tokio::test]
async fn a_certificate_of_the_tests_own_is_shown_to_clients() {
    let certificate = testdata("keys/p256.localhost.cert.pem");
    let key = testdata("keys/p256.pkcs8.pem");
    let dev = DevServer::builder().tls_with(certificate.clone(), key).bind(LOOPBACK.into()).await.unwrap();
    assert_eq!(dev.certificate_pem().unwrap().as_bytes(), certificate);
    let http = trusting(dev.certificate_pem().unwrap());
    // The certificate is for this name only.
    let url = dev.jwks_uri().replace("127.0.0.1", "localhost");
    assert_eq!(http.send(http::Request::get(url).body(Vec::new()).unwrap()).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_client_that_does_not_trust_it_and_one_that_speaks_http_leave_a_line_in_the_log() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&lines);
    let log = move |line: &str| log.lock().unwrap().push(line.to_owned());
    let dev = DevServer::builder().tls().bind_with(LOOPBACK.into(), log).await.unwrap();
    let get = |url: &str| http::Request::get(url).body(Vec::new()).unwrap();
    let http = ReqwestClient::new().unwrap();
    let error = http.send(get(dev.jwks_uri())).await.unwrap_err();
    assert!(matches!(error, TransportError::Tls { .. }), "{error:?}");
    while lines.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    http.send(get(&dev.jwks_uri().replace("https://", "http://"))).await.unwrap_err();
    while lines.lock().unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    let hint = "this server speaks https, and clients have to trust its certificate";
    assert_eq!(
        *lines.lock().unwrap(),
        [
            format!("400 no TLS: received fatal alert: UnknownCA; {hint}"),
            format!("400 no TLS: received corrupt message of type InvalidContentType; {hint}"),
        ]
    );
}

#[tokio::test]
async fn a_certificate_or_key_that_cannot_be_used_is_refused_and_not_shown() {
    let certificate = testdata("keys/p256.localhost.cert.pem");
    let key = testdata("keys/p256.pkcs8.pem");
    let marked = format!("-----BEGIN PRIVATE KEY-----\n{MARK}\n-----END PRIVATE KEY-----\n");
    for (certificate, key) in [
        (b"".to_vec(), key.clone()),
        (certificate.clone(), b"".to_vec()),
        (certificate.clone(), marked.clone().into_bytes()),
        (marked.into_bytes(), key),
        (certificate, testdata("keys/rsa2048.pkcs8.pem")),
    ] {
        let builder: DevServerBuilder = DevServer::builder().tls_with(certificate, key);
        assert!(!support::has_mark(&format!("{builder:?}")));
        let error = clean(builder.bind(LOOPBACK.into()).await.unwrap_err());
        assert!(matches!(error, DevServerError::Certificate(_)), "{error:?}");
    }
}
