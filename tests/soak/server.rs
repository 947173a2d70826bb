//! A token endpoint on a socket of its own, which does at each moment what it is told. Every assertion is verified, and
//! none may come twice.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use private_key_jwt::{AuthorizationServer, ClientAssertionVerifier, JwkSet, PublicKeySet};
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::key;

pub(crate) const ISSUER: &str = "https://as.example";

/// What the server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// A token that lives so many seconds.
    Token(u32),
    /// This status, and nothing with it.
    Status(u16),
    /// The connection is closed when the request is there.
    HangUp,
    /// Nobody listens.
    Gone,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    began: Instant,
    behaviour: Box<dyn Fn(Duration) -> Behaviour + Send + Sync>,
    jtis: Mutex<HashSet<String>>,
    requests: Mutex<Vec<Behaviour>>,
}

impl Server {
    /// `behaviour` is what it does so long after its start.
    pub(crate) async fn start(behaviour: impl Fn(Duration) -> Behaviour + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            began: Instant::now(),
            behaviour: Box::new(behaviour),
            jtis: Mutex::default(),
            requests: Mutex::default(),
        });
        tokio::spawn(listen(listener, address, Arc::clone(&shared)));
        Self { address, shared }
    }

    pub(crate) fn metadata(&self) -> AuthorizationServer {
        AuthorizationServer::new(ISSUER, format!("http://{}/token", self.address)).unwrap()
    }

    /// What it did with each request that arrived.
    pub(crate) fn requests(&self) -> Vec<Behaviour> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Shared {
    fn now(&self) -> Behaviour {
        (self.behaviour)(self.began.elapsed())
    }

    /// Judges a request, and says what becomes of it.
    fn receive(&self, body: &[u8]) -> Behaviour {
        let keys = PublicKeySet::from(JwkSet::from(key("p256.pkcs8.pem").public_jwk().clone()));
        let verifier = ClientAssertionVerifier::new(ISSUER);
        let unverified = verifier.parse(body).unwrap();
        let verified = unverified.verify(&keys, None, OffsetDateTime::now_utc()).unwrap();
        assert!(self.jtis.lock().unwrap().insert(verified.jti().to_owned()), "an assertion was sent twice");
        let behaviour = self.now();
        self.requests.lock().unwrap().push(behaviour);
        behaviour
    }
}

async fn listen(listener: TcpListener, address: SocketAddr, shared: Arc<Shared>) {
    let mut listening = Some(listener);
    loop {
        if shared.now() == Behaviour::Gone {
            listening = None;
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        }
        let listener = match &listening {
            Some(listener) => listener,
            None => listening.insert(TcpListener::bind(address).await.unwrap()),
        };
        // Not for long: it may have to go.
        if let Ok(accepted) = tokio::time::timeout(Duration::from_millis(1), listener.accept()).await {
            tokio::spawn(serve(accepted.unwrap().0, Arc::clone(&shared)));
        }
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) -> Option<()> {
    loop {
        let body = read(&mut stream).await?;
        let (status, body) = match shared.receive(&body) {
            Behaviour::Token(seconds) => {
                (200, format!(r#"{{"access_token":"t","token_type":"Bearer","expires_in":{seconds}}}"#))
            }
            Behaviour::Status(status) => (status, String::new()),
            Behaviour::HangUp | Behaviour::Gone => return None,
        };
        let len = body.len();
        let answer = format!("HTTP/1.1 {status} It\r\ncontent-length: {len}\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

/// The body of the next request.
async fn read(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_ascii_lowercase();
            let len = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let len: usize = len.parse().unwrap();
            if bytes.len() >= end + 4 + len {
                return Some(bytes[end + 4..end + 4 + len].to_vec());
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
