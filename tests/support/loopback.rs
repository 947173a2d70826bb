//! A scripted server on loopback, below HTTP.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use private_key_jwt::jose::CompactJws;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::testdata;

/// What the server does with a connection.
#[derive(Clone)]
pub enum Act {
    /// Writes this and closes the connection.
    Close(Vec<u8>),
    /// Writes this and waits for the next request.
    Keep(Vec<u8>),
    /// Writes this, and then nothing more.
    Stall(Vec<u8>),
    /// Writes this and resets the connection.
    Reset(Vec<u8>),
    /// Writes this byte by byte, with this pause between them.
    Drip(Vec<u8>, Duration),
    /// Writes the first, and then the second until the client stops reading.
    Endless(Vec<u8>, Vec<u8>),
    /// Closes the connection at once, without reading a request.
    CloseUnread,
    /// Resets the connection at once, without reading a request.
    ResetUnread,
}

/// An answer with the length of its body.
pub fn answer(head: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len());
    [length.as_bytes(), body].concat()
}

/// A token response.
pub fn token() -> Vec<u8> {
    answer("200 OK", r#"{"access_token":"AT","token_type":"Bearer","expires_in":300}"#)
}

pub struct Request {
    /// Method and target.
    pub line: String,
    /// Header fields, their names in lower case.
    pub header: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub form: Vec<(String, String)>,
}

impl Request {
    /// Reads a request to its end. `None` if the client closes the connection before.
    pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Self> {
        const END: &[u8] = b"\r\n\r\n";
        let mut bytes = Vec::new();
        loop {
            if let Some(end) = bytes.windows(END.len()).position(|part| part == END) {
                let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
                let mut lines = head.lines();
                let line = lines.next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
                let header = lines.filter_map(|line| line.split_once(": "));
                let header = header.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
                let header: Vec<(String, String)> = header.collect();
                let length = header.iter().find(|(name, _)| name == "content-length");
                let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
                if let Some(body) = bytes.get(end + END.len()..end + END.len() + length) {
                    let form = form_urlencoded::parse(body).into_owned().collect();
                    return Some(Self { line, header, body: body.to_vec(), form });
                }
            }
            let mut piece = [0; 4096];
            match stream.read(&mut piece).await {
                Ok(0) | Err(_) => return None,
                Ok(read) => bytes.extend_from_slice(&piece[..read]),
            }
        }
    }

    /// The parameters without the assertion. There must be exactly one.
    #[track_caller]
    pub fn parameters(&self) -> Vec<(&str, &str)> {
        let assertions = self.form.iter().filter(|(name, _)| name == "client_assertion");
        assert_eq!(assertions.count(), 1);
        let others = self.form.iter().filter(|(name, _)| !name.starts_with("client_"));
        others.map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// A parameter of the form.
    pub fn value(&self, name: &str) -> &str {
        let found = self.form.iter().find(|(found, _)| found == name);
        found.map_or_else(|| panic!("no {name} in {}", self.line), |(_, value)| value)
    }
}

/// The `jti` of the assertion in a form.
pub fn jti(form: &[u8]) -> String {
    let (_, assertion) = form_urlencoded::parse(form).find(|(name, _)| name == "client_assertion").unwrap();
    let claims: serde_json::Value =
        serde_json::from_slice(CompactJws::parse(&assertion).unwrap().payload()).unwrap();
    claims["jti"].as_str().unwrap().to_owned()
}

type Script = Arc<dyn Fn(usize, Option<&Request>) -> Act + Send + Sync>;

/// A server that ends when it is dropped.
pub struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    acts: usize,
    requests: Vec<Request>,
}

impl Server {
    /// Calls the script for every request, or for every connection whose request is not read, with
    /// the number of those before.
    pub async fn start(script: impl Fn(usize) -> Act + Send + Sync + 'static) -> Self {
        Self::on(listener().await, script)
    }

    pub fn on(listener: TcpListener, script: impl Fn(usize) -> Act + Send + Sync + 'static) -> Self {
        Self::run(listener, None, Arc::new(move |number, _| script(number)))
    }

    /// Like [`Server::start`], over TLS.
    pub async fn tls(acceptor: TlsAcceptor, script: impl Fn(usize) -> Act + Send + Sync + 'static) -> Self {
        Self::run(listener().await, Some(acceptor), Arc::new(move |number, _| script(number)))
    }

    /// Reads every request, and calls the script with it.
    pub fn judging(listener: TcpListener, script: impl Fn(&Request) -> Act + Send + Sync + 'static) -> Self {
        let script = move |_, request: Option<&Request>| request.map_or(Act::Keep(Vec::new()), &script);
        Self::run(listener, None, Arc::new(script))
    }

    fn run(listener: TcpListener, acceptor: Option<TlsAcceptor>, script: Script) -> Self {
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Seen>>::default();
        let noted = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (script, noted, acceptor) = (Arc::clone(&script), Arc::clone(&noted), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(stream, script, noted).await,
                        // A client that does not trust the server disconnects.
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, script, noted).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, seen, task }
    }

    /// Serves one request per connection on a thread of its own, one for each item, and then ends.
    pub fn on_a_thread<T>(
        turns: impl IntoIterator<Item = T> + Send + 'static,
        acceptor: Option<TlsAcceptor>,
        answer: impl Fn(T, Request) -> Vec<u8> + Send + 'static,
    ) -> SocketAddr {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                for turn in turns {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    let answer = |request| answer(turn, request);
                    match &acceptor {
                        None => once(&mut stream, answer).await,
                        Some(acceptor) => {
                            if let Ok(mut stream) = acceptor.accept(stream).await {
                                once(&mut stream, answer).await;
                            }
                        }
                    }
                }
            });
        });
        address
    }

    pub fn url(&self) -> String {
        format!("http://{}/token", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The number of requests, or of connections whose request was not read. No assertion may have
    /// come twice.
    pub fn requests(&self) -> usize {
        let seen = self.seen.lock().unwrap();
        let mut jtis: Vec<String> = seen.requests.iter().map(|request| jti(&request.body)).collect();
        jtis.sort();
        jtis.dedup();
        assert_eq!(jtis.len(), seen.requests.len(), "an assertion was sent twice");
        seen.acts
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A connection, with its socket.
trait Connection: AsyncRead + AsyncWrite + Unpin {
    fn socket(&self) -> &TcpStream;
}

impl Connection for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Connection for TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn once(stream: &mut impl Connection, answer: impl FnOnce(Request) -> Vec<u8>) {
    if let Some(request) = Request::read(stream).await {
        let _ = stream.write_all(&answer(request)).await;
        let _ = stream.shutdown().await;
    }
}

async fn serve(mut stream: impl Connection, script: Script, seen: Arc<Mutex<Seen>>) {
    loop {
        let acts = seen.lock().unwrap().acts;
        let request = match script(acts, None) {
            Act::CloseUnread | Act::ResetUnread => None,
            _ => {
                // The client closed the connection.
                let Some(request) = Request::read(&mut stream).await else { return };
                Some(request)
            }
        };
        let act = {
            let mut seen = seen.lock().unwrap();
            seen.acts += 1;
            let act = script(seen.acts - 1, request.as_ref());
            seen.requests.extend(request);
            act
        };
        if !play(&mut stream, act).await {
            return;
        }
    }
}

/// Whether the connection goes on.
async fn play(stream: &mut impl Connection, act: Act) -> bool {
    // The client may close the connection before the end.
    match act {
        Act::CloseUnread => {}
        Act::Close(bytes) => {
            drop(stream.write_all(&bytes).await);
            drop(stream.shutdown().await);
        }
        Act::Keep(bytes) => return stream.write_all(&bytes).await.is_ok(),
        Act::Stall(bytes) => {
            drop(stream.write_all(&bytes).await);
            std::future::pending::<()>().await;
        }
        Act::Drip(bytes, between) => {
            for byte in bytes {
                drop(stream.write_all(&[byte]).await);
                tokio::time::sleep(between).await;
            }
        }
        Act::Endless(first, next) => {
            drop(stream.write_all(&first).await);
            while stream.write_all(&next).await.is_ok() {}
        }
        Act::Reset(bytes) => {
            drop(stream.write_all(&bytes).await);
            // Lets the client read this before it sees the reset.
            tokio::time::sleep(Duration::from_millis(50)).await;
            stream.socket().set_zero_linger().unwrap();
        }
        Act::ResetUnread => {
            // Not while the client is still connecting: once it has connected, it writes.
            let _ = stream.socket().peek(&mut [0]).await;
            stream.socket().set_zero_linger().unwrap();
        }
    }
    false
}

/// TLS with this certificate for the P-256 key. If there is a CA, clients need a certificate of it.
pub fn acceptor(certificate: &str, client_ca: Option<&str>) -> TlsAcceptor {
    let read = |file: &str| CertificateDer::from_pem_slice(&testdata(&format!("keys/{file}"))).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::from_pem_slice(&testdata("keys/p256.pkcs8.pem")).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = match client_ca {
        None => config.with_no_client_auth(),
        Some(file) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(read(file)).unwrap();
            let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build();
            config.with_client_cert_verifier(clients.unwrap())
        }
    };
    let config = config.with_single_cert(vec![read(certificate)], key);
    TlsAcceptor::from(Arc::new(config.unwrap()))
}
