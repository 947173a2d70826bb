//! A request to the dev server: the method, the path, a few header fields and the body. A request
//! under another host name, or from a page of another origin, changes nothing.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use private_key_jwt::dev_server::DevServer;
use private_key_jwt::{Algorithm, JwkSet};
use private_key_jwt_fuzz::{ED25519, check_line, choice, now};
use url::{Host, Url};

const ORIGIN: &str = "http://127.0.0.1:8080";
const PATHS: [&str; 12] = [
    "/token",
    "/par",
    "/introspect",
    "/revoke",
    "/device_authorization",
    "/authorize",
    "/device",
    "/userinfo",
    "/.well-known/openid-configuration",
    "/none",
    "/token/",
    "",
];
const FIELDS: [&str; 6] =
    ["host", "origin", "sec-fetch-site", "sec-fetch-mode", "content-type", "authorization"];

static SERVER: LazyLock<DevServer> = LazyLock::new(|| {
    let server = DevServer::builder().token_algorithm(Algorithm::ES256).build(ORIGIN).unwrap();
    server.register("client", JwkSet::from(ED25519.public_jwk().clone())).unwrap();
    server
});

// A line for method and path, each given by a letter, one for the query and one for each field,
// then the body.
fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(FIELDS.len() + 3, |byte| *byte == b'\n');
    let first = parts.next();
    let (method, path) = (choice(&["GET", "POST", "HEAD", "OPTIONS"], first, 0), choice(&PATHS, first, 1));
    let query = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let mut head = http::Request::builder()
        .method(method)
        .uri(format!("/{}/as{path}?{query}", DevServer::ENVIRONMENT_ID));
    for name in FIELDS {
        match parts.next().map(http::HeaderValue::from_bytes) {
            Some(Ok(value)) if !value.is_empty() => head = head.header(name, value),
            _ => {}
        }
    }
    let Ok(request) = head.body(parts.next().unwrap_or_default().to_vec()) else { return };
    let exchange = SERVER.handle(&request, now());
    check_line(&exchange.outcome);
    let (status, headers) = (exchange.response.status().as_u16(), exchange.response.headers());
    assert!([200, 201, 303, 400, 401, 403, 404, 405, 421, 503].contains(&status), "{}", exchange.outcome);
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers.contains_key("location"), status == 303);
    let field = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let is_good = status < 400;
    if is_good {
        let host = Url::parse(&format!("http://{}/", field("host").unwrap())).unwrap();
        let is_loopback = match host.host().unwrap() {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        assert!(is_loopback && host.port() == Some(8080) && host.path() == "/", "{host}");
        assert!(host.username().is_empty() && host.password().is_none(), "{host}");
    }
    let is_foreign = field("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site")
        || field("origin").is_some_and(|origin| origin.contains(".example"));
    if is_good && is_foreign && method == "POST" {
        // The page is shown. It decides nothing.
        assert_eq!(path, "/authorize");
        // An empty parameter counts as absent (RFC 6749 §3.1).
        let decides = url::form_urlencoded::parse(request.body())
            .any(|(name, value)| name == "decision" && !value.is_empty());
        assert!(!decides, "{}", exchange.outcome);
    }
});
