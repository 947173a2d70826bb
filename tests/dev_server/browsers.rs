//! Web pages in the developer's browser cannot drive the server, whatever name or form they use.
//! The requests of the browser go over a socket, byte for byte.

use std::net::SocketAddr;

use private_key_jwt::dev_server::{DevServerBuilder, DevServerError, RunningDevServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::authorization::{CALLBACK, CHALLENGE};
use super::*;

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(found, _)| *found == name)
            .map(|it| it.1)
    }

    #[track_caller]
    fn refused(&self, status: u16, description: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        let body: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(
            (&body["error"], body["error_description"].as_str().unwrap()),
            (&"invalid_request".into(), description)
        );
    }
}

/// One request on a connection of its own. The only headers added are `Connection` and those of the
/// body.
async fn send(address: SocketAddr, line: &str, headers: &str, body: &str) -> Answer {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let mut text = format!("{line} HTTP/1.1\r\nConnection: close\r\n{headers}");
    if !body.is_empty() {
        let len = body.len();
        text += &format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len}\r\n");
    }
    stream.write_all(format!("{text}\r\n{body}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

/// A server with one client, and a user code that waits for a decision.
struct Running {
    dev: RunningDevServer,
    client: Client,
    user_code: String,
}

impl Running {
    async fn with(builder: DevServerBuilder, listen: &str) -> Self {
        let dev = builder.bind(listen.parse().unwrap()).await.unwrap();
        let client = Client::of(&dev, "client");
        let user_code = text(&client.device(&[], OffsetDateTime::now_utc())["user_code"]);
        Self { dev, client, user_code }
    }

    async fn start() -> Self {
        Self::with(DevServer::builder(), "127.0.0.1:0").await
    }

    fn port(&self) -> u16 {
        self.dev.local_addr().port()
    }

    fn path(&self, below: &str) -> String {
        format!("/{}/as{below}", DevServer::ENVIRONMENT_ID)
    }

    async fn get(&self, below: &str, headers: &str) -> Answer {
        send(self.dev.local_addr(), &format!("GET {}", self.path(below)), headers, "").await
    }

    async fn post(&self, below: &str, headers: &str, body: &str) -> Answer {
        send(self.dev.local_addr(), &format!("POST {}", self.path(below)), headers, body).await
    }

    /// The server's own name, as every browser sends it.
    fn host(&self) -> String {
        format!("Host: {}\r\n", self.dev.local_addr())
    }

    fn approval(&self) -> String {
        format!("user_code={}&decision=approve", self.user_code)
    }

    fn misdirected(&self, host: &str, allowed: &str) -> String {
        let (own, port) = (self.dev.local_addr(), self.port());
        format!(
            "the Host is `{host}`; this server answers to `{own}`, to other loopback names with port {port}{allowed}; \
             the builder's `allow_host` and `pkjwt serve --allow-host` allow more"
        )
    }

    fn is_waiting(&self) -> bool {
        self.dev.deny(&self.user_code).is_ok()
    }
}

fn authorization() -> String {
    let pairs = [
        ("client_id", "client"),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[tokio::test]
async fn a_name_that_is_not_the_servers_reaches_nothing() {
    let running = Running::start().await;
    running.dev.log_in_as("user-1");
    let port = running.port();
    let authorize = format!("/authorize?{}", authorization());
    for host in [
        format!("evil.example:{port}"),
        "evil.example".to_owned(),
        format!("localhost.evil.example:{port}"),
        format!("127.0.0.1.evil.example:{port}"),
        format!("evil.localhost:{port}"),
        format!("192.168.1.2:{port}"),
        format!("0.0.0.0:{port}"),
        format!("[::]:{port}"),
        format!("169.254.169.254:{port}"),
        "127.0.0.1".to_owned(),
        "localhost:1".to_owned(),
    ] {
        let expected = running.misdirected(&host, "");
        for path in [
            &authorize,
            "/device",
            "/jwks",
            "/userinfo",
            "/.well-known/openid-configuration",
            "/there-is-nothing",
        ] {
            running.get(path, &format!("Host: {host}\r\n")).await.refused(421, &expected);
        }
        for path in ["/token", "/par", "/introspect", "/revoke", "/device_authorization"] {
            running.post(path, &format!("Host: {host}\r\n"), "a=b").await.refused(421, &expected);
        }
        // For the page, it is the same origin.
        let same = format!("Host: {host}\r\nSec-Fetch-Site: same-origin\r\nOrigin: http://{host}\r\n");
        running.post("/device", &same, &running.approval()).await.refused(421, &expected);
    }
    assert!(running.is_waiting());
}

#[tokio::test]
async fn every_loopback_name_with_the_port_is_the_servers() {
    for listen in ["127.0.0.1:0", "[::1]:0"] {
        let running = Running::with(DevServer::builder(), listen).await;
        let port = running.port();
        for host in
            ["localhost", "LocalHost", "127.0.0.1", "127.1.2.3", "127.1", "[::1]", "[0:0:0:0:0:0:0:1]"]
        {
            let answer = running.get("/jwks", &format!("Host: {host}:{port}\r\n")).await;
            assert_eq!(answer.status, 200, "{host}: {}", answer.body);
        }
    }
}

/// RFC 9112 §3.2.
#[tokio::test]
async fn a_request_names_one_host() {
    let running = Running::start().await;
    let own = running.host();
    running.get("/jwks", "").await.refused(400, "the request has no Host header (RFC 9112 section 3.2)");
    let two = "the request has more than one Host header (RFC 9112 section 3.2)";
    running.get("/jwks", &format!("{own}Host: evil.example\r\n")).await.refused(400, two);
    running.get("/jwks", &format!("{own}{own}")).await.refused(400, two);
    for host in ["", "a@127.0.0.1", "127.0.0.1/", "::1", "127.0.0.1 evil", "%31%32%37.0.0.1", "*"] {
        let answer = running.get("/jwks", &format!("Host: {host}\r\n")).await;
        answer.refused(400, &format!("the Host `{host}` is not a host with or without a port"));
    }
    // It is never printed.
    running
        .get("/jwks", "Host: eyJhbGciOiJFUzI1NiJ9.e30.c2ln\r\n")
        .await
        .refused(421, &running.misdirected("[a JWT]", ""));
}

#[tokio::test]
async fn a_host_that_is_allowed_is_one_of_the_servers_names() {
    let builder = DevServer::builder().allow_host("host.docker.internal").allow_host("auth_1.test:8080");
    let running = Running::with(builder, "127.0.0.1:0").await;
    for host in ["host.docker.internal", "Host.Docker.Internal:9", "auth_1.test:8080"] {
        let headers = format!("Host: {host}\r\n");
        assert_eq!(running.get("/jwks", &headers).await.status, 200, "{host}");
        // The pages belong to the server, even if a browser sends no Sec-Fetch-Site.
        let own = format!("{headers}Origin: http://{host}\r\n");
        running.post("/device", &own, "decision=approve").await.refused(400, "the form has no `user_code`");
    }
    let more = " and to `host.docker.internal` and to `auth_1.test:8080`";
    for host in ["auth_1.test", "auth_1.test:8081", "docker.internal", "x.host.docker.internal"] {
        let answer = running.get("/jwks", &format!("Host: {host}\r\n")).await;
        answer.refused(421, &running.misdirected(host, more));
    }
    // Another name of the server is another origin.
    let other = format!("{}Origin: http://auth_1.test:8080\r\n", running.host());
    running.post("/device", &other, &running.approval()).await.refused(
        403,
        "the request comes from a page of another origin (Origin `http://auth_1.test:8080`); only the pages of this \
         server and programs outside a browser may send it",
    );
    assert!(running.is_waiting());
}

#[test]
fn an_allowed_host_is_a_host() {
    for host in ["", "*", "*.example", "http://auth.test", "auth.test/", "a b", ":8080", "a:b:c", "::1"] {
        let error = DevServer::builder().allow_host(host).build(ORIGIN).unwrap_err();
        assert!(matches!(&error, DevServerError::AllowedHost { host: found } if found == host), "{error:?}");
        assert_eq!(
            error.to_string(),
            format!(
                "the allowed host {host} is not a name or an address, with or without a port, such as auth.test:8080"
            )
        );
    }
}

/// The headers of a browser for a page of another origin: with Fetch Metadata, and without.
fn foreign(running: &Running) -> Vec<(String, &'static str)> {
    let port = running.port();
    vec![
        (
            "Sec-Fetch-Site: cross-site\r\nOrigin: https://evil.example\r\n".into(),
            "Sec-Fetch-Site `cross-site`",
        ),
        // An application on another port is the same site, and another origin.
        ("Sec-Fetch-Site: same-site\r\nOrigin: http://127.0.0.1:1\r\n".into(), "Sec-Fetch-Site `same-site`"),
        ("Sec-Fetch-Site: cross-site\r\nOrigin: null\r\n".into(), "Sec-Fetch-Site `cross-site`"),
        ("Sec-Fetch-Site: cross-site\r\n".into(), "Sec-Fetch-Site `cross-site`"),
        ("Sec-Fetch-Site: something-new\r\n".into(), "Sec-Fetch-Site `something-new`"),
        ("Origin: https://evil.example\r\n".into(), "Origin `https://evil.example`"),
        ("Origin: http://127.0.0.1:1\r\n".into(), "Origin `http://127.0.0.1:1`"),
        ("Origin: null\r\n".into(), "Origin `null`"),
        ("Origin: chrome-extension://abc\r\n".into(), "Origin `chrome-extension://abc`"),
        ("Origin: \r\n".into(), "Origin ``"),
        // The server's own origin with a prefix or a suffix.
        ("Origin: http://evil.example@OWN\r\n".into(), "Origin `http://evil.example@OWN`"),
        ("Origin: http://OWN/evil.example\r\n".into(), "Origin `http://OWN/evil.example`"),
        (
            format!("Origin: http://127.0.0.1:{port}\r\nOrigin: https://evil.example\r\n"),
            "Origin `https://evil.example`",
        ),
        (
            "Sec-Fetch-Site: same-origin\r\nOrigin: https://evil.example\r\n".into(),
            "Origin `https://evil.example`",
        ),
        ("Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site\r\n".into(), "Sec-Fetch-Site `cross-site`"),
    ]
}

fn page_of_another_origin(header: &str) -> String {
    format!(
        "the request comes from a page of another origin ({header}); only the pages of this server and programs \
         outside a browser may send it"
    )
}

#[tokio::test]
async fn a_page_of_another_origin_posts_nowhere() {
    let running = Running::start().await;
    let own = running.dev.local_addr().to_string();
    for (headers, shown) in foreign(&running) {
        let headers = running.host() + &headers.replace("OWN", &own);
        let expected = page_of_another_origin(&shown.replace("OWN", &own));
        running.post("/device", &headers, &running.approval()).await.refused(403, &expected);
        let decided = format!("{}&decision=approve", authorization());
        running.post("/authorize", &headers, &decided).await.refused(403, &expected);
        running
            .post("/authorize", &headers, &decided.replace("approve", "deny"))
            .await
            .refused(403, &expected);
        running.post("/userinfo", &headers, "access_token=x").await.refused(403, &expected);
        // Not even with a good assertion, which stays unused.
        for endpoint in Endpoint::ALL {
            let pairs = [("grant_type", "client_credentials"), ("token", "x")];
            let good = running.client.request(endpoint, &pairs, OffsetDateTime::now_utc());
            let body = std::str::from_utf8(good.body()).unwrap();
            let below = good.uri().path().rsplit_once('/').unwrap().1;
            running.post(&format!("/{below}"), &headers, body).await.refused(403, &expected);
            if endpoint == Endpoint::Token {
                let answer = running.post("/token", &running.host(), body).await;
                assert_eq!(answer.status, 200, "{}", answer.body);
            }
        }
    }
    assert!(running.is_waiting());
}

#[tokio::test]
async fn the_own_pages_and_programs_post() {
    for headers in [
        // curl.
        "",
        "Sec-Fetch-Site: same-origin\r\nOrigin: http://OWN\r\n",
        // A page that sends no referrer sends `null`.
        "Sec-Fetch-Site: same-origin\r\nOrigin: null\r\n",
        "Sec-Fetch-Site: none\r\n",
        // A browser without Fetch Metadata.
        "Origin: http://OWN\r\n",
        // Node.js sends the mode of the request, but not its origin.
        "Sec-Fetch-Mode: cors\r\n",
    ] {
        let running = Running::start().await;
        let headers = running.host() + &headers.replace("OWN", &running.dev.local_addr().to_string());
        let answer =
            running.post("/authorize", &headers, &format!("{}&decision=approve", authorization())).await;
        assert_eq!(answer.status, 303, "{headers}{}", answer.body);
        let answer = running.post("/device", &headers, &running.approval()).await;
        assert_eq!(answer.status, 200, "{headers}{}", answer.body);
        assert!(!running.is_waiting());
    }
}

/// An application sends the browser to the authorization endpoint, by GET or POST (OpenID Connect
/// Core §3.1.2.1).
#[tokio::test]
async fn an_application_sends_a_browser_to_log_in() {
    let running = Running::start().await;
    let get = format!("/authorize?{}", authorization());
    for site in ["cross-site", "same-site"] {
        let headers = format!("{}Sec-Fetch-Site: {site}\r\nSec-Fetch-Mode: navigate\r\n", running.host());
        let posted = format!("{headers}Origin: http://localhost:3000\r\n");
        running.dev.log_out();
        for answer in [
            running.get(&get, &headers).await,
            running.post("/authorize", &posted, &authorization()).await,
            running.get("/device", &headers).await,
        ] {
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert!(answer.body.contains("<form"), "{}", answer.body);
        }
        running.dev.log_in_as("user-1");
        for answer in
            [running.get(&get, &headers).await, running.post("/authorize", &posted, &authorization()).await]
        {
            assert_eq!(answer.status, 303, "{}", answer.body);
        }
        // An image or a script does not log in.
        for mode in ["no-cors", "cors", "websocket"] {
            let headers = headers.replace("navigate", mode);
            let expected = page_of_another_origin(&format!("Sec-Fetch-Site `{site}`"));
            running.get(&get, &headers).await.refused(403, &expected);
        }
    }
}

#[tokio::test]
async fn no_page_of_another_origin_reads_or_frames_an_answer() {
    let running = Running::start().await;
    let headers = format!("{}Origin: https://evil.example\r\n", running.host());
    let authorize = format!("/authorize?{}", authorization());
    let paths =
        ["/jwks", "/.well-known/openid-configuration", "/userinfo", "/device", "/token", "/none", &authorize];
    for path in paths {
        let answer = running.get(path, &headers).await;
        let preflight = format!("{headers}Access-Control-Request-Method: POST\r\n");
        let asked =
            send(running.dev.local_addr(), &format!("OPTIONS {}", running.path(path)), &preflight, "").await;
        assert!(matches!(asked.status, 403..=405), "{path}: {}", asked.status);
        for answer in [&answer, &asked] {
            assert!(!answer.head.contains("access-control-"), "{path}: {}", answer.head);
            assert_eq!(answer.header("set-cookie"), None);
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
            assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"), "{path}");
        }
        if answer.header("content-type") == Some("text/html; charset=utf-8") {
            assert_eq!(answer.header("x-frame-options"), Some("DENY"));
            assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
            let policy = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'";
            assert_eq!(answer.header("content-security-policy"), Some(policy));
        }
    }
}
