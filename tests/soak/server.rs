//! A token endpoint on its own socket, whose behaviour is a function of time. It verifies every
//! assertion with its own clock, and accepts none twice.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use private_key_jwt::{AuthorizationServer, ClientAssertionVerifier, JwkSet, PublicKeySet};
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::support::key;

pub(crate) const ISSUER: &str = "https://as.example";

/// The behaviour of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// A token with this lifetime in seconds.
    Token(u32),
    /// This status with an empty body.
    Status(u16),
    /// Closes the connection after it has read the request.
    HangUp,
    /// The port is closed.
    Gone,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

/// How the server judges assertions.
pub(crate) struct Rules {
    /// How far its clock is ahead, as its answers show.
    pub(crate) ahead: Duration,
    /// For how long it knows the client's key.
    pub(crate) known_for: Duration,
    /// Status and body of the answer to a bad assertion.
    pub(crate) refusal: (u16, &'static str),
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            ahead: Duration::ZERO,
            known_for: Duration::MAX,
            refusal: (401, r#"{"error":"invalid_client"}"#),
        }
    }
}

struct Shared {
    began: Instant,
    rules: Rules,
    behaviour: Box<dyn Fn(Duration) -> Behaviour + Send + Sync>,
    /// The jti of each assertion, and the behaviour for its request. The test checks them: a panic
    /// here would only break a connection.
    requests: Mutex<Vec<(String, Behaviour)>>,
}

impl Server {
    /// `behaviour` is given the time since the start, and applies to good assertions.
    pub(crate) async fn start(
        rules: Rules,
        behaviour: impl Fn(Duration) -> Behaviour + Send + Sync + 'static,
    ) -> Self {
        // Bound and never listening: it reserves the port while the server is gone.
        let port = TcpSocket::new_v4().unwrap();
        port.set_reuseaddr(true).unwrap();
        port.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = port.local_addr().unwrap();
        let listener = TcpListener::bind(address).await.unwrap();
        let shared = Arc::new(Shared {
            began: Instant::now(),
            rules,
            behaviour: Box::new(behaviour),
            requests: Mutex::default(),
        });
        tokio::spawn(listen(listener, port, Arc::clone(&shared)));
        Self { address, shared }
    }

    pub(crate) fn metadata(&self) -> AuthorizationServer {
        AuthorizationServer::new(ISSUER, format!("http://{}/token", self.address)).unwrap()
    }

    /// The behaviour for each request. Checks that no assertion was sent twice.
    pub(crate) fn requests(&self) -> Vec<Behaviour> {
        let requests = self.shared.requests.lock().unwrap();
        let jtis: HashSet<&str> = requests.iter().map(|(jti, _)| jti.as_str()).collect();
        assert_eq!(jtis.len(), requests.len(), "an assertion was sent twice");
        requests.iter().map(|(_, behaviour)| *behaviour).collect()
    }
}

impl Shared {
    fn now(&self) -> Behaviour {
        (self.behaviour)(self.began.elapsed())
    }

    /// Judges a request, and chooses the behaviour for it.
    fn receive(&self, body: &[u8]) -> Behaviour {
        let Rules { ahead, known_for, refusal: (refused, _) } = self.rules;
        let is_known = self.began.elapsed() < known_for;
        let known = key(if is_known { "p256.pkcs8.pem" } else { "p384.pkcs8.pem" });
        let keys = PublicKeySet::from(JwkSet::from(known.public_jwk().clone()));
        let verifier = ClientAssertionVerifier::new(ISSUER);
        let verified = verifier.parse(body).unwrap().verify(&keys, None, OffsetDateTime::now_utc() + ahead);
        let behaviour = if verified.is_ok() { self.now() } else { Behaviour::Status(refused) };
        self.requests.lock().unwrap().push((jti(body), behaviour));
        behaviour
    }

    fn answer(&self, behaviour: Behaviour) -> Option<String> {
        let (status, body) = match behaviour {
            Behaviour::Token(seconds) => {
                (200, format!(r#"{{"access_token":"t","token_type":"Bearer","expires_in":{seconds}}}"#))
            }
            Behaviour::Status(status) if status == self.rules.refusal.0 => {
                (status, self.rules.refusal.1.into())
            }
            Behaviour::Status(status) => (status, String::new()),
            Behaviour::HangUp | Behaviour::Gone => return None,
        };
        let (len, date) = (body.len(), httpdate::fmt_http_date(SystemTime::now() + self.rules.ahead));
        Some(format!("HTTP/1.1 {status} It\r\ndate: {date}\r\ncontent-length: {len}\r\n\r\n{body}"))
    }
}

/// The jti of the assertion, whether it is good or not.
fn jti(body: &[u8]) -> String {
    let mut form = form_urlencoded::parse(body);
    let (_, assertion) = form.find(|(name, _)| name == "client_assertion").unwrap();
    let jwt = private_key_jwt::jose::UnverifiedJwt::parse(&assertion).unwrap();
    jwt.claims()["jti"].as_str().unwrap().to_owned()
}

async fn listen(listener: TcpListener, port: TcpSocket, shared: Arc<Shared>) {
    let address = port.local_addr().unwrap();
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
        // A short wait, because the listener may have to close.
        if let Ok(accepted) = tokio::time::timeout(Duration::from_millis(1), listener.accept()).await {
            tokio::spawn(serve(accepted.unwrap().0, Arc::clone(&shared)));
        }
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) -> Option<()> {
    loop {
        let body = read(&mut stream).await?;
        let answer = shared.answer(shared.receive(&body))?;
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
