//! The middleware, with resource servers on loopback.

use std::sync::atomic::{AtomicUsize, Ordering};

use private_key_jwt::client::BearerMiddleware;
use private_key_jwt::client::ErrorKind;
use private_key_jwt::oauth::OAuthError;
use private_key_jwt::{AuthorizationServer, Error, TokenClient};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use serde_json::{Value, json};
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::support::{MARK, clean, has_mark, key};

/// Issues tokens that contain the number of the request.
struct Tokens(AtomicUsize, Value);

impl Respond for Tokens {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let mut members = self.1.clone();
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        let members_of = members.as_object_mut().unwrap();
        members_of.entry("access_token").or_insert(format!("t{number}").into());
        members_of.entry("token_type").or_insert("Bearer".into());
        ResponseTemplate::new(200).set_body_json(members)
    }
}

/// Answers 401 to these tokens.
struct Refusing(&'static [&'static str]);

impl Respond for Refusing {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let refuses = request.headers.get("authorization").is_some_and(|header| {
            self.0.iter().any(|token| header.to_str().unwrap() == format!("Bearer {token}"))
        });
        ResponseTemplate::new(if refuses { 401 } else { 200 })
    }
}

/// An authorization server, a resource server, and a client that has a token for the latter.
struct House {
    issuer: MockServer,
    api: MockServer,
    http: ClientWithMiddleware,
}

async fn house(tokens: Value, api: impl Respond + 'static) -> House {
    let issuer = MockServer::start().await;
    let tokens = Tokens(AtomicUsize::new(0), tokens);
    Mock::given(method("POST")).and(path("/token")).respond_with(tokens).mount(&issuer).await;
    let server = AuthorizationServer::from_token_endpoint(format!("{}/token", issuer.uri())).unwrap();
    let client = TokenClient::new(server, "client", key("p256.pkcs8.pem")).unwrap();
    let resources = MockServer::start().await;
    Mock::given(any()).respond_with(api).mount(&resources).await;
    let bearer = BearerMiddleware::new(client.source("a")).origin(&resources.uri()).unwrap();
    let http = bearer.client(reqwest::Client::builder()).unwrap();
    House { issuer, api: resources, http }
}

/// The received `Authorization` headers, in order.
async fn headers(server: &MockServer) -> Vec<Option<String>> {
    let requests = server.received_requests().await.unwrap();
    let header = |request: &Request| {
        request.headers.get("authorization").map(|header| header.to_str().unwrap().to_owned())
    };
    requests.iter().map(header).collect()
}

fn bearer(token: &str) -> Option<String> {
    Some(format!("Bearer {token}"))
}

#[tokio::test]
async fn rfc6750_2_1_the_token_is_on_requests_to_the_named_origin() {
    let House { issuer, api, http } = house(json!({"expires_in": 300}), Refusing(&[])).await;
    for request in [http.get(format!("{}/a?b", api.uri())), http.post(api.uri()).body("text")] {
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    assert_eq!(headers(&api).await, [bearer("t1"), bearer("t1")]);
    assert_eq!(issuer.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn another_origin_never_sees_it() {
    let House { issuer, api, http } = house(json!({"expires_in": 300}), Refusing(&[])).await;
    let other = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(401)).mount(&other).await;
    let port = api.address().port();
    // Another port; another name of the same address; URLs with the allowed origin as a prefix.
    for url in [
        other.uri(),
        format!("http://localhost:{port}"),
        format!("http://127.0.0.1:{port}@localhost:{port}/"),
    ] {
        http.get(url).send().await.unwrap();
    }
    assert_eq!(headers(&other).await, [None]);
    let at_api = headers(&api).await;
    // For the last one, reqwest made a header from the credentials in the URL, as it is documented.
    assert!(at_api.iter().flatten().all(|header| header.starts_with("Basic ")), "{at_api:?}");
    assert_eq!(at_api.len(), 2);
    assert_eq!(issuer.received_requests().await.unwrap().len(), 0);
}

/// Redirects from paths of a server to these URLs.
async fn redirects(server: &MockServer, status: u16, to: &[(&str, String)]) {
    for (at, url) in to {
        let answer = ResponseTemplate::new(status).insert_header("location", url.as_str());
        Mock::given(path(*at)).respond_with(answer).with_priority(1).mount(server).await;
    }
}

#[tokio::test]
async fn a_redirect_is_followed_within_the_origin_only() {
    for status in [302, 307] {
        let House { issuer, api, http } = house(json!({"expires_in": 300}), Refusing(&[])).await;
        let elsewhere = MockServer::start().await;
        Mock::given(any()).respond_with(ResponseTemplate::new(401)).mount(&elsewhere).await;
        let to = [("/same", format!("{}/end", api.uri())), ("/other", format!("{}/end", elsewhere.uri()))];
        redirects(&api, status, &to).await;
        assert_eq!(http.get(format!("{}/same", api.uri())).send().await.unwrap().status(), 200);
        let other = http.get(format!("{}/other", api.uri())).send().await.unwrap();
        assert_eq!(
            (other.status(), other.headers()["location"].to_str().unwrap()),
            (status.try_into().unwrap(), &*to[1].1)
        );
        assert_eq!(headers(&api).await, [bearer("t1"), bearer("t1"), bearer("t1")]);
        assert_eq!(headers(&elsewhere).await, []);
        assert_eq!(issuer.received_requests().await.unwrap().len(), 1);
    }
}

/// reqwest alone removes the header for the first hop, and adds it again for the second.
#[tokio::test]
async fn a_redirect_that_goes_on_elsewhere_does_not_bring_the_token_there() {
    let House { issuer: _issuer, api, http } = house(json!({"expires_in": 300}), Refusing(&[])).await;
    let elsewhere = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&elsewhere).await;
    redirects(&api, 302, &[("/out", format!("{}/one", elsewhere.uri()))]).await;
    redirects(&elsewhere, 302, &[("/one", format!("{}/two", elsewhere.uri()))]).await;
    http.get(format!("{}/out", api.uri())).send().await.unwrap();
    assert_eq!(headers(&elsewhere).await, []);
    // A request without a token is sent unchanged, and its redirects get no token.
    redirects(&elsewhere, 302, &[("/in", format!("{}/end", api.uri()))]).await;
    assert_eq!(http.get(format!("{}/in", elsewhere.uri())).send().await.unwrap().status(), 200);
    assert_eq!(headers(&api).await, [bearer("t1"), None]);
}

#[tokio::test]
async fn a_redirect_to_another_named_origin_is_handed_on() {
    let House { issuer, api, .. } = house(json!({"expires_in": 300}), Refusing(&[])).await;
    let second = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&second).await;
    redirects(&api, 302, &[("/second", second.uri())]).await;
    let server = AuthorizationServer::from_token_endpoint(format!("{}/token", issuer.uri())).unwrap();
    let client = TokenClient::new(server, "client", key("p256.pkcs8.pem")).unwrap();
    let named =
        BearerMiddleware::new(client.source("a")).origin(&api.uri()).unwrap().origin(&second.uri()).unwrap();
    let http = named.client(reqwest::Client::builder()).unwrap();
    assert_eq!(http.get(format!("{}/second", api.uri())).send().await.unwrap().status(), 302);
    assert_eq!(http.get(second.uri()).send().await.unwrap().status(), 200);
    assert_eq!(headers(&second).await, [bearer("t1")]);
}

/// The middleware for this resource server, with tokens of this issuer.
fn named(issuer: &MockServer, api: &MockServer) -> BearerMiddleware {
    let server = AuthorizationServer::from_token_endpoint(format!("{}/token", issuer.uri())).unwrap();
    let client = TokenClient::new(server, "client", key("p256.pkcs8.pem")).unwrap();
    BearerMiddleware::new(client.source("a")).origin(&api.uri()).unwrap()
}

#[tokio::test]
async fn a_client_of_ones_own_is_safe_with_the_policy_and_gives_the_token_away_without() {
    for (with_policy, expected) in [(true, vec![]), (false, vec![None, bearer("t1")])] {
        let House { issuer, api, .. } = house(json!({"expires_in": 300}), Refusing(&[])).await;
        let elsewhere = MockServer::start().await;
        Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&elsewhere).await;
        redirects(&api, 302, &[("/out", format!("{}/one", elsewhere.uri()))]).await;
        redirects(&elsewhere, 302, &[("/one", format!("{}/two", elsewhere.uri()))]).await;
        let (policy, middleware) = named(&issuer, &api).into_parts();
        let http = reqwest::Client::builder();
        let http = if with_policy { http.redirect(policy) } else { http };
        let http = ClientBuilder::new(http.build().unwrap()).with(middleware).build();
        http.get(format!("{}/out", api.uri())).send().await.unwrap();
        // If the second list changes, reqwest has changed. Then the redirect policy is no longer
        // needed.
        assert_eq!(headers(&elsewhere).await, expected);
    }
}

#[tokio::test]
async fn a_redirect_out_and_back_drops_no_token() {
    let House { issuer, api, http } = house(json!({"expires_in": 300}), Refusing(&[])).await;
    let elsewhere = MockServer::start().await;
    redirects(&api, 302, &[("/out", format!("{}/back", elsewhere.uri()))]).await;
    redirects(&elsewhere, 302, &[("/back", format!("{}/end", api.uri()))]).await;
    for _ in 0..2 {
        assert_eq!(http.get(format!("{}/out", api.uri())).send().await.unwrap().status(), 302);
    }
    assert_eq!(headers(&api).await, [bearer("t1"), bearer("t1")]);
    assert_eq!(issuer.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_proxy_does_not_read_what_goes_to_loopback() {
    let House { issuer, api, .. } = house(json!({"expires_in": 300}), Refusing(&[])).await;
    let proxy = MockServer::start().await;
    let through = reqwest::Client::builder().proxy(reqwest::Proxy::all(proxy.uri()).unwrap());
    let http = named(&issuer, &api).client(through).unwrap();
    assert_eq!(http.get(api.uri()).send().await.unwrap().status(), 200);
    assert_eq!(headers(&api).await, [bearer("t1")]);
    assert_eq!(headers(&proxy).await, []);
}

/// A name that resolves elsewhere would carry the token there, in plain text.
#[tokio::test]
async fn localhost_is_this_machine_whatever_it_resolves_to() {
    let House { issuer, api, .. } = house(json!({"expires_in": 300}), Refusing(&[])).await;
    let port = api.address().port();
    // Another machine, as far as loopback has others, at the same port.
    let elsewhere: std::net::SocketAddr = ([127, 0, 0, 2], port).into();
    let listener = std::net::TcpListener::bind(elsewhere).unwrap();
    let other = MockServer::builder().listener(listener).start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&other).await;
    let server = AuthorizationServer::from_token_endpoint(format!("{}/token", issuer.uri())).unwrap();
    let client = TokenClient::new(server, "client", key("p256.pkcs8.pem")).unwrap();
    let url = format!("http://localhost:{port}");
    let named = BearerMiddleware::new(client.source("a")).origin(&url).unwrap();
    let http = named.client(reqwest::Client::builder().resolve("localhost", elsewhere)).unwrap();
    assert_eq!(http.get(&url).send().await.unwrap().status(), 200);
    assert_eq!(headers(&other).await, []);
    assert_eq!(headers(&api).await, [bearer("t1")]);
}

#[tokio::test]
async fn a_default_header_of_reqwests_gives_way_at_the_named_origin_only() {
    let House { issuer, api, .. } = house(json!({"expires_in": 300}), Refusing(&[])).await;
    let other = MockServer::start().await;
    let mine = http::HeaderValue::from_static("Bearer mine");
    let defaults = [(http::header::AUTHORIZATION, mine)].into_iter().collect();
    let http = named(&issuer, &api).client(reqwest::Client::builder().default_headers(defaults)).unwrap();
    for url in [api.uri(), other.uri()] {
        http.get(url).send().await.unwrap();
    }
    assert_eq!((headers(&api).await, headers(&other).await), (vec![bearer("t1")], vec![bearer("mine")]));
}

#[tokio::test]
async fn the_header_is_not_shown_by_debug() {
    struct Sees(std::sync::Arc<std::sync::Mutex<String>>);
    #[async_trait::async_trait]
    impl reqwest_middleware::Middleware for Sees {
        async fn handle(
            &self,
            request: reqwest::Request,
            extensions: &mut http::Extensions,
            next: reqwest_middleware::Next<'_>,
        ) -> reqwest_middleware::Result<reqwest::Response> {
            *self.0.lock().unwrap() = format!("{request:?}");
            next.run(request, extensions).await
        }
    }
    let House { issuer, api, .. } = house(json!({"access_token": MARK}), Refusing(&[])).await;
    let server = AuthorizationServer::from_token_endpoint(format!("{}/token", issuer.uri())).unwrap();
    let client = TokenClient::new(server, "client", key("p256.pkcs8.pem")).unwrap();
    let named = BearerMiddleware::new(client.source("a")).origin(&api.uri()).unwrap();
    let seen = std::sync::Arc::default();
    let http = named.client(reqwest::Client::builder()).unwrap();
    let http = ClientBuilder::from_client(http).with(Sees(std::sync::Arc::clone(&seen))).build();
    http.get(api.uri()).send().await.unwrap();
    assert_eq!(headers(&api).await, [bearer(MARK)]);
    let seen = seen.lock().unwrap();
    assert!(seen.contains(r#""authorization": Sensitive"#) && !has_mark(&seen), "{seen}");
}

#[tokio::test]
async fn when_the_next_token_cannot_be_had_the_error_is_the_clients() {
    let House { issuer, api, http } = house(json!({"expires_in": 300}), Refusing(&["t1"])).await;
    issuer.reset().await;
    let one = Tokens(AtomicUsize::new(0), json!({"expires_in": 300}));
    Mock::given(any()).respond_with(one).up_to_n_times(1).with_priority(1).mount(&issuer).await;
    let refusal = ResponseTemplate::new(400).set_body_json(json!({"error": "invalid_scope"}));
    Mock::given(any()).respond_with(refusal).mount(&issuer).await;
    let error = error(&http, api.uri()).await;
    let ErrorKind::OAuth(OAuthError::Refused(refusal)) = error.kind() else { panic!("{error:?}") };
    assert_eq!(refusal.error(), Some("invalid_scope"));
    assert_eq!(headers(&api).await, [bearer("t1")]);
}

#[tokio::test]
async fn a_header_that_is_there_stays_and_its_401_is_its_own() {
    let House { issuer, api, http } = house(json!({"expires_in": 300}), Refusing(&["mine"])).await;
    let response = http.get(api.uri()).header("authorization", "Bearer mine").send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(headers(&api).await, [bearer("mine")]);
    assert_eq!(issuer.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn after_a_401_it_is_sent_once_more_with_another_token() {
    let House { issuer, api, http } = house(json!({"expires_in": 300}), Refusing(&["t1"])).await;
    let response = http.post(api.uri()).body("the body").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(headers(&api).await, [bearer("t1"), bearer("t2")]);
    for request in api.received_requests().await.unwrap() {
        assert_eq!(request.body, b"the body");
    }
    // The second token stays.
    http.get(api.uri()).send().await.unwrap();
    assert_eq!(headers(&api).await.last().unwrap(), &bearer("t2"));
    assert_eq!(issuer.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_resource_server_that_refuses_everything_is_asked_twice_and_then_once() {
    let House { issuer, api, http } = house(json!({"expires_in": 300}), Refusing(&["t1", "t2", "t3"])).await;
    for _ in 0..3 {
        assert_eq!(http.get(api.uri()).send().await.unwrap().status(), 401);
    }
    // The second token is not dropped so soon after the first.
    assert_eq!(headers(&api).await, ["t1", "t2", "t2", "t2"].map(bearer));
    assert_eq!(issuer.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_body_that_cannot_be_sent_again_leaves_the_401_and_drops_the_token() {
    let House { issuer, api, http } = house(json!({"expires_in": 300}), Refusing(&["t1"])).await;
    let stream = reqwest::Body::wrap(reqwest::Body::from("once"));
    let response = http.post(api.uri()).body(stream).send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(api.received_requests().await.unwrap()[0].body, b"once");
    assert_eq!(http.get(api.uri()).send().await.unwrap().status(), 200);
    assert_eq!(headers(&api).await, [bearer("t1"), bearer("t2")]);
    assert_eq!(issuer.received_requests().await.unwrap().len(), 2);
}

/// The error of this crate inside the error of the middleware.
async fn error(http: &ClientWithMiddleware, url: String) -> Error {
    let reqwest_middleware::Error::Middleware(error) = http.get(url).send().await.unwrap_err() else {
        panic!("an error of reqwest");
    };
    clean(error.downcast::<Error>().unwrap())
}

#[tokio::test]
async fn rfc6749_7_1_a_token_of_another_type_is_put_nowhere() {
    let tokens = json!({"expires_in": 300, "token_type": "DPoP\u{1b}[2J"});
    let House { issuer: _issuer, api, http } = house(tokens, Refusing(&[])).await;
    let error = error(&http, api.uri()).await;
    let ErrorKind::NotBearer { token_type } = error.kind() else { panic!("{error:?}") };
    assert_eq!(token_type, "DPoP\\u{1b}[2J");
    assert!(api.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn without_a_token_nothing_is_sent_and_the_error_is_the_clients() {
    let House { issuer, api, http } = house(json!({}), Refusing(&[])).await;
    issuer.reset().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(401)).mount(&issuer).await;
    let error = error(&http, api.uri()).await;
    assert!(matches!(error.kind(), ErrorKind::OAuth(OAuthError::Refused(_))), "{error:?}");
    assert!(api.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_origin_is_scheme_host_and_port_and_needs_tls() {
    let House { issuer, .. } = house(json!({}), Refusing(&[])).await;
    let server = AuthorizationServer::from_token_endpoint(format!("{}/token", issuer.uri())).unwrap();
    let client = TokenClient::new(server, "client", key("p256.pkcs8.pem")).unwrap();
    let named = |origin: &str| BearerMiddleware::new(client.source("a")).origin(origin);
    for origin in [
        "https://api.example",
        "https://api.example/",
        "https://api.example:8443",
        "http://127.0.0.1:80",
        "http://localhost",
    ] {
        assert!(named(origin).is_ok(), "{origin}");
    }
    for (origin, expected) in [
        ("https://api.example/v1", "is more than scheme, host and port"),
        ("https://api.example/?a", "is more than scheme, host and port"),
        ("https://api.example/#a", "has a fragment"),
        ("https://user@api.example", "has credentials"),
        ("api.example", "is not a URL"),
        ("*", "is not a URL"),
    ] {
        let error = clean(named(origin).unwrap_err());
        let OAuthError::Endpoint { endpoint: "origin", reason, .. } = error else { panic!("{error:?}") };
        assert_eq!(reason, expected, "{origin}");
    }
    for insecure in ["http://api.example", "http://127.0.0.1.evil", "ftp://api.example", "null"] {
        assert!(matches!(named(insecure), Err(OAuthError::Endpoint { .. })), "{insecure}");
    }
}
