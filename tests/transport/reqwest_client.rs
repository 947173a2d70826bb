//! The crate's own HTTP client: what a caller may configure, and which protections no setting
//! removes.

use std::time::Duration;

use private_key_jwt::oauth::OAuthError;
use private_key_jwt::transport::{HttpClient, PublicNetworkClient, ReqwestClient, TransportError};
use private_key_jwt::{AuthorizationServer, TokenClient};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{MARK, clean, has_mark, key};

const ISSUER: &str = "https://as.example/env/as";

async fn answering(response: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).and(path("/token")).respond_with(response).mount(&server).await;
    server
}

#[tokio::test]
async fn settings_of_the_users_own_cannot_undo_what_an_assertion_needs() {
    use tokio::io::AsyncReadExt;
    let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let http = ReqwestClient::build(|builder| {
        builder
            .proxy(reqwest::Proxy::all(&address).unwrap())
            .redirect(reqwest::redirect::Policy::limited(5))
            .resolve("localhost", "192.0.2.1:0".parse().unwrap())
    })
    .unwrap()
    .with_timeout(Duration::from_secs(5));

    // No proxy for loopback, `localhost` is loopback, and a redirect is an answer.
    let elsewhere = MockServer::start().await;
    let server =
        answering(ResponseTemplate::new(307).insert_header("location", elsewhere.uri().as_str())).await;
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("http://{host}:{}/token", server.address().port());
        let response = http.send(http::Request::post(url).body(Vec::new()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 307, "{host}");
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
    assert!(elsewhere.received_requests().await.unwrap().is_empty());

    // Another host is reached through the proxy, which shows that the setting has an effect.
    let request = http::Request::post("https://as.example/token").body(Vec::new()).unwrap();
    let asked = tokio::spawn(async move {
        let (mut stream, _) = proxy.accept().await.unwrap();
        let mut head = [0; 31];
        stream.read_exact(&mut head).await.unwrap();
        String::from_utf8(head.to_vec()).unwrap()
    });
    assert!(http.send(request).await.is_err());
    assert_eq!(asked.await.unwrap(), "CONNECT as.example:443 HTTP/1.1");
}

/// Default headers and proxies come from the user, and are often secret.
#[tokio::test]
async fn what_a_user_gives_reqwest_is_shown_by_no_debug_and_no_error() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let configure = move |builder: reqwest::ClientBuilder| {
        let secret = http::HeaderValue::from_str(MARK).unwrap();
        let headers = [(http::header::AUTHORIZATION, secret.clone()), ("x-api-key".parse().unwrap(), secret)];
        let proxy = reqwest::Proxy::all(format!("http://user:{MARK}@{closed}")).unwrap();
        builder.default_headers(headers.into_iter().collect()).proxy(proxy)
    };
    let http = ReqwestClient::build(configure).unwrap().with_timeout(Duration::from_secs(7));
    let public = PublicNetworkClient::builder().reqwest(configure).build().unwrap();
    let server = AuthorizationServer::new(ISSUER, format!("{ISSUER}/token")).unwrap();
    let client =
        TokenClient::builder(server, "client", key("p256.pkcs8.pem")).http(http.clone()).build().unwrap();
    let texts = [
        format!("{http:?} {http:#?}"),
        format!("{:?}", http.clone()),
        format!("{public:?} {public:#?}"),
        format!("{client:?} {:?}", client.source("a")),
    ];
    for text in &texts {
        assert!(!has_mark(text) && !text.contains("x-api-key"), "{text}");
    }
    assert_eq!(texts[1], "ReqwestClient { timeout: 7s, plain_http: Loopback, .. }");
    let request = http::Request::post("https://as.example/token").body(Vec::new()).unwrap();
    let error = clean(http.send(request).await.unwrap_err());
    assert!(matches!(error, TransportError::Connect { .. }), "{error:?}");
}

#[tokio::test]
async fn every_target_is_judged_whatever_the_one_before_was() {
    let (one, other) = (MockServer::start().await, MockServer::start().await);
    let http = ReqwestClient::new().unwrap();
    let post = |url: String| http.send(http::Request::post(url).body(Vec::new()).unwrap());
    let targets = [(&one, "/a"), (&one, "/a"), (&other, "/a"), (&one, "/b"), (&one, "/b?c"), (&one, "/b")];
    for (server, path) in targets {
        // Nothing is mounted there; a refusal is an answer.
        assert_eq!(post(format!("{}{path}", server.uri())).await.unwrap().status(), 404);
        for refused in ["http://as.example/a", "http://127.0.0.1.evil/a"] {
            let error = clean(post(refused.to_owned()).await.unwrap_err());
            assert!(matches!(error, TransportError::OAuth(OAuthError::Endpoint { .. })), "{error:?}");
        }
    }
    assert!(!format!("{http:?}").contains("/b"));
    // The same URL in another spelling, and again with a clone.
    let port = one.address().port();
    for url in [format!("http://localhost:{port}/c"), format!("HTTP://LOCALHOST:{port}/c")] {
        assert_eq!(post(url).await.unwrap().status(), 404);
    }
    let request = http::Request::post(format!("{}/d", one.uri())).body(Vec::new()).unwrap();
    assert_eq!(http.clone().send(request).await.unwrap().status(), 404);
    let seen = |requests: Vec<wiremock::Request>| {
        requests.iter().map(|request| request.url[url::Position::BeforePath..].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        seen(one.received_requests().await.unwrap()),
        ["/a", "/a", "/b", "/b?c", "/b", "/c", "/c", "/d"]
    );
    assert_eq!(seen(other.received_requests().await.unwrap()), ["/a"]);
}

#[tokio::test]
async fn the_user_agent_and_the_coding_are_the_users_to_set() {
    let server = answering(ResponseTemplate::new(200)).await;
    let url = format!("{}/token", server.uri());
    let http = ReqwestClient::build(|builder| builder.user_agent("my-service/1.0")).unwrap();
    let post = || http::Request::post(url.as_str());
    http.send(post().body(Vec::new()).unwrap()).await.unwrap();
    http.send(post().header("accept-encoding", "br").body(Vec::new()).unwrap()).await.unwrap();
    ReqwestClient::new().unwrap().send(post().body(Vec::new()).unwrap()).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let headers: Vec<_> = requests
        .iter()
        .map(|request| ["user-agent", "accept-encoding"].map(|name| request.headers[name].to_str().unwrap()))
        .collect();
    let own = concat!("private-key-jwt/", env!("CARGO_PKG_VERSION"));
    assert_eq!(headers, [["my-service/1.0", "identity"], ["my-service/1.0", "br"], [own, "identity"]]);
}

#[tokio::test]
async fn a_server_that_is_not_loopback_needs_tls() {
    for endpoint in ["http://as.example/token", "http://127.0.0.1.evil/", "http://127.0.0.1@evil/"] {
        let error = clean(AuthorizationServer::from_token_endpoint(endpoint).unwrap_err());
        assert!(matches!(error, OAuthError::Endpoint { endpoint: "token_endpoint", .. }), "{error:?}");
        let request = http::Request::post(endpoint).body(Vec::new());
        // `http` itself refuses credentials in a target; the other two URLs reach the client.
        let Ok(request) = request else { continue };
        let error = clean(ReqwestClient::new().unwrap().send(request).await.unwrap_err());
        assert!(matches!(error, TransportError::OAuth(OAuthError::Endpoint { .. })), "{error:?}");
    }
}

/// A server that counts its connections.
async fn counting() -> (String, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let connections = std::sync::Arc::new(AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&connections);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                }
            });
        }
    });
    (url, connections)
}

#[tokio::test]
async fn clients_without_settings_share_their_connections_and_others_have_their_own() {
    use std::sync::atomic::Ordering;
    let (url, connections) = counting().await;
    let get = || http::Request::get(&url).body(Vec::new()).unwrap();
    for _ in 0..10 {
        ReqwestClient::new().unwrap().send(get()).await.unwrap();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    for _ in 0..2 {
        ReqwestClient::build(|builder| builder).unwrap().send(get()).await.unwrap();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 3);
}

/// Its connections stall while it rests, so they are not for others.
#[test]
fn each_runtime_has_connections_of_its_own() {
    use std::sync::atomic::Ordering;
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let serving = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (url, connections) = serving.block_on(counting());
    let client = ReqwestClient::new().unwrap();
    let get = || client.send(http::Request::get(&url).body(Vec::new()).unwrap());
    let (first, second) = (runtime(), runtime());
    for runtime in [&first, &second, &first] {
        assert_eq!(runtime.block_on(get()).unwrap().status(), 200);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 2);
    // The connections of a runtime end with it, and the client goes on in another one.
    drop(first);
    assert_eq!(runtime().block_on(get()).unwrap().status(), 200);
    assert_eq!(connections.load(Ordering::SeqCst), 3);
}
