//! The table: what a server does, the resulting error, whether the client retries, and the time
//! limit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use private_key_jwt::client::TokenClientBuilder;
use private_key_jwt::transport::ReqwestClient;
use private_key_jwt::{AuthorizationServer, TokenClient, TokenRequest};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::outcome::outcome;
use crate::support::clock::TestClock;
use crate::support::loopback::{Act, Server, answer, token};
use crate::support::{MARK, key};

/// One behaviour of a server.
struct Row {
    name: &'static str,
    act: Act,
    outcome: &'static str,
    is_passing: bool,
    deadline: Duration,
}

/// For a behaviour that takes no time. Reached only if the machine stalls.
const AMPLE: Duration = Duration::from_secs(20);
/// For a behaviour that would take longer than this.
const SHORT: Duration = Duration::from_millis(300);
/// What a loaded machine may need in addition, or for a behaviour that takes no time.
const SLACK: Duration = Duration::from_secs(4);
/// How many rows run at a time: some of them write as fast as they can.
const AT_A_TIME: usize = 8;

/// A permanent failure: sent once.
fn row(name: &'static str, act: Act, outcome: &'static str) -> Row {
    Row { name, act, outcome, is_passing: false, deadline: AMPLE }
}

/// A transient failure: sent again, and after two failures the third request brings the token.
fn passing(name: &'static str, act: Act, outcome: &'static str) -> Row {
    Row { is_passing: true, ..row(name, act, outcome) }
}

/// A behaviour that never ends: sent once, and given up at the deadline.
fn hanging(name: &'static str, act: Act) -> Row {
    Row { deadline: SHORT, ..row(name, act, "Timeout") }
}

fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// The connection is not reused, so no attempt meets a connection that is just being closed.
fn close(head: &str, body: impl AsRef<[u8]>) -> Act {
    Act::Close(answer(&format!("{head}\r\nconnection: close"), body))
}

fn json(body: impl AsRef<[u8]>) -> Act {
    close("200 OK\r\ncontent-type: application/json", body)
}

/// A token response with these members.
fn with(members: &str) -> Act {
    json(format!(r#"{{"access_token":"AT","token_type":"Bearer",{members}}}"#))
}

fn broken_connections() -> Vec<Row> {
    let half = || bytes("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"access_token\":\"AT\",");
    vec![
        passing("accepted and closed", Act::CloseUnread, "Broken"),
        passing("accepted and reset", Act::ResetUnread, "Broken"),
        passing("closed without an answer", Act::Close(Vec::new()), "Broken"),
        passing("reset without an answer", Act::Reset(Vec::new()), "Broken"),
        passing("closed in the status line", Act::Close(bytes("HTTP/1.1 20")), "Broken"),
        passing("closed in the headers", Act::Close(bytes("HTTP/1.1 200 OK\r\ncontent-le")), "Broken"),
        passing("reset in the headers", Act::Reset(bytes("HTTP/1.1 200 OK\r\ncontent-le")), "Broken"),
        row("half a body", Act::Close(half()), "Incomplete"),
        row("half a body and a reset", Act::Reset(half()), "Incomplete"),
        row(
            "chunks without an end",
            Act::Close(bytes("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n")),
            "Incomplete",
        ),
        row(
            "chunks that are none",
            Act::Close(bytes("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")),
            "Incomplete",
        ),
        hanging("silence", Act::Stall(Vec::new())),
        hanging("silence in the headers", Act::Stall(bytes("HTTP/1.1 200 OK\r\ncontent-"))),
        hanging("silence in the body", Act::Stall(half())),
        hanging("a byte at a time", Act::Drip(token(), Duration::from_millis(20))),
        Row {
            deadline: Duration::from_millis(2500),
            ..hanging("one byte a second", Act::Drip(token(), Duration::from_secs(1)))
        },
        hanging("informational answers for ever", {
            Act::Endless(Vec::new(), bytes("HTTP/1.1 103 Early Hints\r\n\r\n"))
        }),
    ]
}

fn http() -> Vec<Row> {
    let malformed = |name, text: &str| row(name, Act::Close(bytes(text)), "Malformed");
    vec![
        malformed("another protocol", "SSH-2.0-OpenSSH_9.6\r\n\r\n"),
        malformed("another version", "HTTP/9.9 200 OK\r\n\r\n"),
        malformed("a status that is none", "HTTP/1.1 abc OK\r\n\r\n"),
        malformed("a header without a colon", "HTTP/1.1 200 OK\r\nheader\r\n\r\n"),
        malformed("two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}"),
        malformed("a length that is none", "HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\n{}"),
        row(
            "endless headers",
            Act::Endless(bytes("HTTP/1.1 200 OK\r\n"), bytes("x-filler: 0123456789abcdef\r\n").repeat(100)),
            "Malformed",
        ),
        row(
            "one header without an end",
            Act::Endless(bytes("HTTP/1.1 200 OK\r\nx-filler: "), vec![b'x'; 8192]),
            "Malformed",
        ),
        row(
            "100 MB announced",
            Act::Stall(bytes("HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")),
            "BodyTooLarge",
        ),
        row("100 MB sent", Act::Endless(bytes("HTTP/1.1 200 OK\r\n\r\n"), vec![b' '; 65536]), "BodyTooLarge"),
        row(
            "100 MB in chunks",
            Act::Endless(
                bytes("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
                [bytes("10000\r\n"), vec![b' '; 65536], bytes("\r\n")].concat(),
            ),
            "BodyTooLarge",
        ),
        row("more than was announced", Act::Close([token(), bytes("garbage")].concat()), "a token"),
        row(
            "less announced than there is",
            Act::Close(bytes("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"access_token\":\"AT\"}")),
            "Response, Json 1:10",
        ),
        row(
            "HTTP/1.0",
            Act::Close(bytes("HTTP/1.0 200 OK\r\n\r\n{\"access_token\":\"AT\",\"token_type\":\"Bearer\"}")),
            "a token",
        ),
        row(
            "100 Continue and 103 Early Hints first",
            Act::Close(
                [
                    bytes("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </>\r\n\r\n"),
                    token(),
                ]
                .concat(),
            ),
            "a token",
        ),
        row("unrequested gzip", close("200 OK\r\ncontent-encoding: gzip", b"\x1f\x8b\x08\0\0"), {
            "ContentEncoding gzip"
        }),
    ]
}

fn statuses() -> Vec<Row> {
    let busy = |name, head: &str, outcome| passing(name, close(head, ""), outcome);
    vec![
        busy("408", "408 Request Timeout", "Unavailable 408"),
        busy("408 with seconds", "408 Request Timeout\r\nretry-after: 1", "Unavailable 408"),
        busy("425", "425 Too Early", "Unavailable 425"),
        busy("429", "429 Too Many Requests", "Unavailable 429"),
        busy("429 with seconds", "429 Too Many Requests\r\nretry-after: 2", "Unavailable 429"),
        busy(
            "429 with a date",
            "429 Too Many Requests\r\ndate: Fri, 15 Jan 2027 08:00:00 GMT\r\nretry-after: Fri, 15 Jan 2027 08:00:02 GMT",
            "Unavailable 429",
        ),
        busy("502", "502 Bad Gateway", "Unavailable 502"),
        busy("503", "503 Service Unavailable", "Unavailable 503"),
        busy("503 with seconds", "503 Service Unavailable\r\nretry-after: 3", "Unavailable 503"),
        busy("503 with a time that is none", "503 Service Unavailable\r\nretry-after: soon", {
            "Unavailable 503"
        }),
        busy("504", "504 Gateway Timeout", "Unavailable 504"),
        row("429 for an hour", close("429 Too Many Requests\r\nretry-after: 3600", ""), "Unavailable 429"),
        row(
            "503 until the next year",
            close("503 Service Unavailable\r\nretry-after: Fri, 31 Dec 2027 23:59:59 GMT", ""),
            "Unavailable 503",
        ),
        row("500", close("500 Internal Server Error", ""), "Unavailable 500"),
        row("404", close("404 Not Found", "<html>"), "Unavailable 404"),
        row("201 with a token", close("201 Created", format!(r#"{{"access_token":"{MARK}"}}"#)), {
            "Unavailable 201"
        }),
        row("204", Act::Close(bytes("HTTP/1.1 204 No Content\r\n\r\n")), "Unavailable 204"),
        row("101", Act::Close(bytes("HTTP/1.1 101 Switching Protocols\r\n\r\n")), "Unavailable 101"),
        row("400 in HTML", close("400 Bad Request", "<html>"), "Refused 400"),
        row("401 without a body", close("401 Unauthorized", ""), "Refused 401"),
        row("401 without a length", Act::Close(bytes("HTTP/1.1 401 Unauthorized\r\n\r\n")), "Refused 401"),
        row("403 of a firewall", close("403 Forbidden", "blocked"), "Refused 403"),
        row(
            "an echo of secrets",
            close(
                "400 Bad Request",
                format!(
                    r#"{{"error":"invalid_request","client_assertion":"{MARK}","x":{{"token":"{MARK}"}}}}"#
                ),
            ),
            "Refused 400",
        ),
    ]
}

fn bodies() -> Vec<Row> {
    let token = r#"{"access_token":"AT","token_type":"Bearer"}"#;
    vec![
        row("HTML", close("200 OK\r\ncontent-type: text/html", "<html>"), "Response, Json 1:1"),
        row("an error in a 200", json(r#"{"error":"invalid_client"}"#), "Refused 200"),
        row(
            "an error in a 200 with an echo of secrets",
            json(format!(
                r#"{{"error":"invalid_request","token":"{MARK}","x":[{{"client_assertion":"{MARK}"}}]}}"#
            )),
            "Refused 200",
        ),
        row("an empty 200", close("200 OK", ""), "Response, Json 1:0"),
        row("a byte order mark", json(format!("\u{feff}{token}")), "Response, Json 1:1"),
        row("invalid UTF-8", json(b"{\"access_token\":\"\xff\"}"), "Response, Json 1:18"),
        row("UTF-16", json(b"{\0}\0"), "Response, Json 1:2"),
        row("a list", json("[]"), "Response, NotAnObject"),
        row("more behind it", json(format!("{token}{token}")), "Response, Json 1:44"),
        row("nested without an end", json("[".repeat(100_000)), "Response, Json 1:128"),
        row("a token twice", with(r#""access_token":"b""#), "Response, DuplicateMember access_token"),
        row("an unknown member twice", with(r#""x":1,"x":2"#), "Response, DuplicateMember x"),
        row("a negative life", with(r#""expires_in":-1"#), "a token"),
        row("a life in words", with(r#""expires_in":"an hour""#), "a token"),
        row("a huge life", with(r#""expires_in":1e300"#), "a token"),
        row("another content type", close("200 OK\r\ncontent-type: text/plain", token), "a token"),
        row(
            "a token that would drive a terminal",
            json(r#"{"access_token":"\u001b[2J","token_type":"Bearer"}"#),
            "Response, InvalidMember access_token",
        ),
    ]
}

/// A client of the server, whose request carries the mark, and its clock.
fn client(server: &Server, http: &ReqwestClient, deadline: Duration) -> (TokenClientBuilder, TestClock) {
    let clock = TestClock::skipping();
    let server = AuthorizationServer::new("https://as.example", server.url()).unwrap();
    let builder = TokenClient::builder(server, "client", key("p256.pkcs8.pem"))
        .assertion(|assertion| assertion.claim("canary", MARK).unwrap())
        .http(http.clone())
        .clock(clock.clone())
        .deadline(deadline);
    (builder, clock)
}

/// Sends the request three times: without and with retries, and as a single-use grant.
async fn check(row: Row, http: ReqwestClient) {
    let Row { name, act, outcome: expected, is_passing, deadline } = row;
    let requests = if is_passing { 3 } else { 1 };
    let freely = TokenRequest::client_credentials("a").parameter("canary", MARK).unwrap();
    let once = TokenRequest::refresh_token(MARK);
    let always: Arc<dyn Fn(usize) -> Act + Send + Sync> = Arc::new({
        let act = act.clone();
        move |_| act.clone()
    });
    let twice: Arc<dyn Fn(usize) -> Act + Send + Sync> =
        Arc::new(move |number| if number < 2 { act.clone() } else { Act::Close(token()) });
    for (script, request, retries, expected, requests) in [
        (&always, &freely, false, expected, 1),
        (&twice, &freely, true, if is_passing { "a token" } else { expected }, requests),
        (&always, &once, true, expected, 1),
    ] {
        let script = Arc::clone(script);
        let server = Server::start(move |number| script(number)).await;
        let (builder, clock) = client(&server, &http, deadline);
        let builder = if retries { builder } else { builder.without_retries() };
        let client = builder.build().unwrap();
        let start = Instant::now();
        let (found, attempts) = outcome(client.request(request).await);
        let took = start.elapsed();
        assert_eq!(found, expected, "{name}");
        assert_eq!(server.requests(), requests, "{name}, {found}");
        assert!(attempts.is_none_or(|attempts| attempts == 1), "{name}: {attempts:?}");
        assert_eq!(clock.pauses().len(), requests - 1, "{name}");
        let least = if expected == "Timeout" { deadline } else { Duration::ZERO };
        assert!((least..least + SLACK).contains(&took), "{name} took {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_of_the_table() {
    let rows = [broken_connections(), http(), statuses(), bodies()].into_iter().flatten();
    let http = ReqwestClient::new().unwrap();
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    let mut tasks = JoinSet::new();
    let mut count = 0;
    for row in rows {
        count += 1;
        let (places, http) = (Arc::clone(&places), http.clone());
        tasks.spawn(async move {
            let _place = places.acquire().await.unwrap();
            check(row, http).await;
        });
    }
    assert!(count >= 60, "{count} rows");
    let mut failed = 0;
    while let Some(result) = tasks.join_next().await {
        // Each task has reported its failure.
        failed += usize::from(result.is_err());
    }
    assert_eq!(failed, 0, "of {count} rows");
}
