//! A token endpoint on its own socket, whose behaviour is a function of time. It verifies every
//! assertion with its own clock, and accepts none twice.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use private_key_jwt::{AuthorizationServer, ClientAssertionVerifier, JwkSet, PublicKeySet};
use time::OffsetDateTime;
use tokio::net::{TcpListener, TcpSocket};

use crate::support::key;
use crate::support::loopback::{self, Act, jti};

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
        let (listening, kept) = (serve(listener, &shared), Arc::clone(&shared));
        tokio::spawn(async move {
            let _reserved = port;
            listen(address, Some(listening), shared).await;
        });
        Self { address, shared: kept }
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

    fn answer(&self, behaviour: Behaviour) -> Act {
        let (status, body) = match behaviour {
            Behaviour::Token(seconds) => {
                (200, format!(r#"{{"access_token":"t","token_type":"Bearer","expires_in":{seconds}}}"#))
            }
            Behaviour::Status(status) if status == self.rules.refusal.0 => {
                (status, self.rules.refusal.1.into())
            }
            Behaviour::Status(status) => (status, String::new()),
            Behaviour::HangUp | Behaviour::Gone => return Act::Close(Vec::new()),
        };
        let date = httpdate::fmt_http_date(SystemTime::now() + self.rules.ahead);
        Act::Keep(loopback::answer(&format!("{status} It\r\ndate: {date}"), body))
    }
}

/// Listens at this address, except while the server is gone.
async fn listen(address: SocketAddr, mut listening: Option<loopback::Server>, shared: Arc<Shared>) {
    loop {
        if shared.now() == Behaviour::Gone {
            listening = None;
        } else if listening.is_none() {
            listening = Some(serve(TcpListener::bind(address).await.unwrap(), &shared));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn serve(listener: TcpListener, shared: &Arc<Shared>) -> loopback::Server {
    let shared = Arc::clone(shared);
    loopback::Server::judging(listener, move |request| shared.answer(shared.receive(&request.body)))
}
