//! The client on real connections. Buffers of `hyper` are excluded; everything else is wiped.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use private_key_jwt::transport::{HttpClient as _, ReqwestClient};
use private_key_jwt::{AuthorizationServer, PrivateKey, TokenClient};
use zeroize::Zeroizing;

use crate::client::{CODE, all, every_request, marks};
use crate::marks::Marks;
use crate::responses::{ACCESS_TOKEN, ID_TOKEN, REFRESH_TOKEN};
use crate::spelling;
use crate::watch::{is_clean, record, turn};

type Say = fn(&str) -> Zeroizing<String>;

/// Answers every request of one connection, and returns the requests.
fn serve(listener: TcpListener, status: u16, say: Say) -> JoinHandle<Vec<Vec<u8>>> {
    std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut seen = Vec::new();
        while let Some(form) = form(&mut connection) {
            let body = say(std::str::from_utf8(&form).unwrap());
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", body.len());
            connection.write_all(head.as_bytes()).unwrap();
            connection.write_all(body.as_bytes()).unwrap();
            seen.push(form.to_vec());
        }
        seen
    })
}

/// The body of the next request.
fn form(connection: &mut TcpStream) -> Option<Zeroizing<Vec<u8>>> {
    let mut request = Zeroizing::new(Vec::with_capacity(1 << 16));
    let mut buffer = Zeroizing::new([0; 1 << 12]);
    loop {
        let len = connection.read(buffer.as_mut()).ok().filter(|len| *len > 0)?;
        request.extend_from_slice(&buffer[..len]);
        if let Some(head) = request.windows(4).position(|end| end == b"\r\n\r\n") {
            let fields = std::str::from_utf8(&request[..head]).unwrap().lines();
            let mut lengths = fields.filter_map(|field| field.strip_prefix("content-length: "));
            let len: usize = lengths.next().unwrap().parse().unwrap();
            if request.len() == head + 4 + len {
                return Some(Zeroizing::new(request[head + 4..].to_vec()));
            }
        }
    }
}

#[test]
fn a_connection_leaves_what_is_hypers_alone() {
    const SAYINGS: [(u16, Say); 4] = [
        (200, |_| tokens(0)),
        (200, |_| tokens(2)),
        (400, |form| all(&["{\"error\":\"x\",\"error_description\":", &string(form, 1), "}"])),
        (503, |form| all(&["no ", form])),
    ];
    fn string(text: &str, way: usize) -> Zeroizing<String> {
        spelling::json(text).map(Zeroizing::new)[way].clone()
    }
    /// Longer than the client expects, so that its buffer grows.
    fn tokens(way: usize) -> Zeroizing<String> {
        let more = "x".repeat(1 << 16);
        all(&[
            "{\"token_type\":\"Bearer\",\"access_token\":",
            &string(ACCESS_TOKEN, way),
            ",\"refresh_token\":",
            &string(REFRESH_TOKEN, way),
            ",\"id_token\":",
            &string(ID_TOKEN, way),
            ",\"more\":\"",
            &more,
            "\"}",
        ])
    }
    for (status, say) in SAYINGS {
        let turn = turn();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}/token", listener.local_addr().unwrap());
        let served = serve(listener, status, say);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/keys/ed25519.pkcs8.pem");
        let recording = record(&turn, || {
            let server = AuthorizationServer::new("https://as.example", endpoint).unwrap();
            let key = PrivateKey::from_file(path).unwrap();
            let client = TokenClient::builder(server, "client", key).without_retries().build().unwrap();
            runtime.block_on(every_request(&client));
            drop(client);
            drop(runtime);
        });
        let seen = served.join().unwrap();
        assert!(seen.len() > 4);
        recording.is_clean(&format!("{status}"), &marks(&seen));
    }
}

#[test]
fn a_request_that_is_not_sent_leaves_nothing() {
    let turn = turn();
    let marks = Arc::new(Marks::default().text("the code", CODE).ready());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let http = ReqwestClient::new().unwrap();
    let request = |url: &str| http::Request::post(url).body(CODE.as_bytes().to_vec()).unwrap();
    is_clean(&turn, "a refused target", &marks, || {
        assert!(runtime.block_on(http.send(request("http://as.example/token"))).is_err());
    });
    is_clean(&turn, "a future that was not polled", &marks, || {
        drop(http.send(request("https://as.example/token")));
    });
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    is_clean(&turn, "a closed port", &marks, || {
        assert!(runtime.block_on(http.send(request(&format!("http://{closed}/token")))).is_err());
    });
}

#[cfg(feature = "reqwest-middleware")]
#[test]
fn a_bearer_token_leaves_what_is_hypers_alone() {
    use private_key_jwt::TokenResponse;
    use private_key_jwt::client::BearerMiddleware;
    use time::OffsetDateTime;

    let turn = turn();
    let marks = Arc::new(Marks::default().text("the access token", ACCESS_TOKEN).ready());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    let served = serve(listener, 200, |_| all(&["{}"]));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/keys/ed25519.pkcs8.pem");
    is_clean(&turn, "a bearer token", &marks, || {
        let server = AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap();
        let client = TokenClient::new(server, "client", PrivateKey::from_file(path).unwrap()).unwrap();
        let body = all(&["{\"token_type\":\"Bearer\",\"access_token\":\"", ACCESS_TOKEN, "\"}"]);
        let response = http::Response::new(body.as_bytes().to_vec());
        let response = TokenResponse::from_http(response, OffsetDateTime::now_utc()).unwrap();
        let bearer = BearerMiddleware::new(client.source_from(response)).origin(&api).unwrap();
        let http = bearer.client(reqwest::Client::builder()).unwrap();
        let sent = runtime.block_on(http.post(&api).body("text").send()).unwrap();
        assert_eq!(sent.status(), 200);
        drop((sent, http, client));
        drop(runtime);
    });
    assert_eq!(served.join().unwrap(), [b"text"]);
}
