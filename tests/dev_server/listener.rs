//! The dev server on its own listener, and mounted in wiremock.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use private_key_jwt::TokenClient;
use private_key_jwt::client::ErrorKind;
use private_key_jwt::dev_server::{ClientKeys, DevServerError, RunningDevServer};
use private_key_jwt::oauth::{OAuthError, Refusal};
use private_key_jwt::transport::{HttpClient, ReqwestClient};
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, Respond, ResponseTemplate};

use super::*;

const LOOPBACK: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

/// Retries refused requests: the tests register keys in between.
async fn token_client(dev: &DevServer, key: PrivateKey) -> TokenClient {
    let server = AuthorizationServer::discover(dev.issuer()).await.unwrap();
    TokenClient::builder(server, "client", key).without_refusal_memory().build().unwrap()
}

fn verdict(error: private_key_jwt::Error) -> Box<Refusal> {
    match error.into_kind() {
        ErrorKind::OAuth(OAuthError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_algorithm_gets_a_token_by_discovery() {
    let dev = DevServer::bind(LOOPBACK.into()).await.unwrap();
    for (file, algorithm) in [
        ("rsa2048.pkcs8.pem", Algorithm::RS256),
        ("rsa2048.pkcs8.pem", Algorithm::PS256),
        ("p256.pkcs8.pem", Algorithm::ES256),
        ("p384.pkcs8.pem", Algorithm::ES384),
        ("p521.pkcs8.pem", Algorithm::ES512),
        ("ed25519.pkcs8.pem", Algorithm::EdDSA),
    ] {
        let key = PrivateKey::from_file(format!("testdata/keys/{file}")).unwrap();
        let key = key.with_algorithm(algorithm).unwrap();
        dev.register("client", jwks(&key)).unwrap();
        let token = token_client(&dev, key).await.token("api:read").await.unwrap();
        assert!(token.expires_at().is_some());
        assert_eq!(claims(&dev, token.bearer().unwrap())["scope"], "api:read", "{algorithm}");
    }
}

#[tokio::test]
async fn a_refusal_arrives_typed() {
    let dev = DevServer::bind(LOOPBACK.into()).await.unwrap();
    let key = es256();
    dev.register("client", jwks(&key)).unwrap();
    let client = token_client(&dev, es256().with_key_id(key.key_id().as_str())).await;
    let refusal = verdict(client.token(()).await.unwrap_err());
    assert_eq!(refusal.status(), 400);
    assert_eq!(refusal.error(), Some("invalid_client"));
    let said = "the signature does not verify with the key that client `client` registered";
    assert_eq!(refusal.description(), Some(said));
}

#[tokio::test]
async fn a_rotated_key_is_found_behind_the_jwks_url() {
    let (old, new) = (es256(), es256());
    let published = MockServer::start().await;
    let serve = |set: &JwkSet| ResponseTemplate::new(200).set_body_raw(set.to_json(), "application/json");
    let both = JwkSet::from_iter([old.public_jwk().clone(), new.public_jwk().clone()]);
    let at_url = || Mock::given(method("GET")).and(path("/jwks"));
    at_url().respond_with(serve(&jwks(&old))).up_to_n_times(1).expect(1).mount(&published).await;
    at_url().respond_with(serve(&both)).expect(1).mount(&published).await;

    let dev = DevServer::bind(LOOPBACK.into()).await.unwrap();
    dev.register("client", ClientKeys::JwksUrl(format!("{}/jwks", published.uri()))).unwrap();
    let old = token_client(&dev, old).await;
    let request = TokenRequest::client_credentials(());
    old.request(&request).await.unwrap();
    old.request(&request).await.unwrap();
    token_client(&dev, new).await.request(&request).await.unwrap();
    old.request(&request).await.unwrap();
}

#[tokio::test]
async fn each_request_is_one_line_in_the_log() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&lines);
    let dev = DevServer::bind_with(LOOPBACK.into(), move |line| log.lock().unwrap().push(line.to_owned()))
        .await
        .unwrap();
    let key = es256();
    let client = token_client(&dev, key.clone()).await;
    client.token(()).await.unwrap_err();
    dev.register("client", jwks(&key)).unwrap();
    client.token("a").await.unwrap();
    let base = format!("/{}/as", DevServer::ENVIRONMENT_ID);
    assert_eq!(
        *lines.lock().unwrap(),
        [
            format!("GET {base}/.well-known/openid-configuration 200"),
            format!("POST {base}/token 400 invalid_client: client `client` is not registered; no client is"),
            format!("POST {base}/token 200 client=client alg=ES256 grant=client_credentials scope=\"a\""),
        ]
    );
}

#[tokio::test]
async fn it_listens_on_loopback_only() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let address: SocketAddr = address.parse().unwrap();
        let error = DevServer::bind(address).await.unwrap_err();
        assert!(matches!(error, DevServerError::NotLoopback { address: found } if found == address));
        assert_eq!(
            error.to_string(),
            format!("{address} is not a loopback address; the dev server listens on loopback only")
        );
    }
    let first = DevServer::bind(LOOPBACK.into()).await.unwrap();
    assert!(first.local_addr().ip().is_loopback());
    assert!(first.issuer().starts_with(&format!("http://{}/", first.local_addr())));
    assert_eq!(first.server().issuer(), first.issuer());
    assert!(matches!(
        DevServer::bind(first.local_addr()).await,
        Err(DevServerError::Listen { address, .. }) if address == first.local_addr()
    ));
}

#[tokio::test]
async fn a_body_of_more_than_64_kib_is_refused() {
    let dev = DevServer::bind(LOOPBACK.into()).await.unwrap();
    let http = ReqwestClient::new().unwrap();
    let post = |len: usize| {
        let request = http::Request::post(dev.token_endpoint())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(vec![b'a'; len])
            .unwrap();
        http.send(request)
    };
    assert_eq!(
        refusal(&post(64 * 1024 + 1).await.unwrap()),
        refused(413, "invalid_request", "the body has more than 65536 bytes")
    );
    assert_eq!(refusal(&post(64 * 1024).await.unwrap()), invalid_request("the form has no `grant_type`"));
}

#[tokio::test]
async fn it_stops_when_dropped() {
    async fn gone(address: SocketAddr) -> bool {
        for _ in 0..10_000 {
            if tokio::net::TcpStream::connect(address).await.is_err() {
                return true;
            }
            tokio::task::yield_now().await;
        }
        false
    }
    let dev = DevServer::bind(LOOPBACK.into()).await.unwrap();
    let address = dev.local_addr();
    drop(dev);
    assert!(gone(address).await);

    let dev: RunningDevServer = DevServer::bind(LOOPBACK.into()).await.unwrap();
    let (address, issuer) = (dev.local_addr(), dev.issuer().to_owned());
    let waiting = tokio::spawn(dev.wait());
    AuthorizationServer::discover(&issuer).await.unwrap();
    waiting.abort();
    assert!(gone(address).await);
}

#[tokio::test]
async fn a_client_that_speaks_tls_leaves_a_line_in_the_log() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&lines);
    let log = move |line: &str| log.lock().unwrap().push(line.to_owned());
    let dev = DevServer::bind_with(LOOPBACK.into(), log).await.unwrap();
    let mut stream = tokio::net::TcpStream::connect(dev.local_addr()).await.unwrap();
    // The beginning of a ClientHello.
    stream.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await.unwrap();
    let _ = stream.read_to_end(&mut Vec::new()).await;
    while lines.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(*lines.lock().unwrap(), ["400 not HTTP/1.1: this server speaks plain http, not https"]);
}

struct Mounted(DevServer);

impl Respond for Mounted {
    fn respond(&self, request: &wiremock::Request) -> ResponseTemplate {
        let mut asked = http::Request::new(request.body.clone());
        *asked.method_mut() = request.method.clone();
        *asked.uri_mut() = request.url.as_str().parse().unwrap();
        *asked.headers_mut() = request.headers.clone();
        let response = self.0.respond(&asked, OffsetDateTime::now_utc());
        let mut template = ResponseTemplate::new(response.status())
            .set_body_raw(response.body().clone(), "application/json");
        for (name, value) in response.headers() {
            template = template.insert_header(name, value);
        }
        template
    }
}

#[tokio::test]
async fn mounted_in_wiremock_it_serves_a_token_client() {
    let mock = MockServer::start().await;
    let dev = DevServer::new(&mock.uri()).unwrap();
    Mock::given(any()).respond_with(Mounted(dev.clone())).mount(&mock).await;
    let key = es256();
    let client = token_client(&dev, key.clone()).await;
    assert_eq!(
        verdict(client.token("a").await.unwrap_err()).description(),
        Some("client `client` is not registered; no client is")
    );
    dev.register("client", jwks(&key)).unwrap();
    let token = client.token("a").await.unwrap();
    assert_eq!(claims(&dev, token.secret())["client_id"], "client");
}
