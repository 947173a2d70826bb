//! An authorization server that reads the client's JWKS from its URL, and keeps its copy for the
//! whole propagation time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::post;
use private_key_jwt::jose::{CompactJws, JoseError};
use private_key_jwt::keys::BoxFuture;
use private_key_jwt::observer::{Event, Observer};
use private_key_jwt::server::RemoteJwksError;
use private_key_jwt::transport::{HttpClient, ReqwestClient, TransportError};
use private_key_jwt::verifier::VerifierError;
use private_key_jwt::{
    Algorithm, ClientAssertionVerifier, InMemoryReplayStore, KeyId, RemoteJwks, ReplayStore,
};
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::PROPAGATION;

/// Sends requests of the JWKS URL to the processes in turn, and passes over those that are down.
#[derive(Clone)]
pub(crate) struct Balancer {
    http: ReqwestClient,
    ports: Arc<Mutex<Vec<u16>>>,
    turn: Arc<AtomicUsize>,
}

impl Balancer {
    pub(crate) fn new(ports: Vec<u16>) -> Self {
        Self { http: ReqwestClient::new().unwrap(), ports: Arc::new(Mutex::new(ports)), turn: Arc::default() }
    }

    /// A process was started again.
    pub(crate) fn set(&self, process: usize, port: u16) {
        self.ports.lock().unwrap()[process] = port;
    }

    /// The JWKS of one process, if it runs.
    pub(crate) async fn jwks(&self, process: usize) -> Option<String> {
        let port = self.ports.lock().unwrap()[process];
        let request = http::Request::get(url(port)).body(Vec::new()).unwrap();
        Some(String::from_utf8(self.http.send(request).await.ok()?.into_body()).unwrap())
    }
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}/jwks.json")
}

impl HttpClient for Balancer {
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>> {
        let ports = self.ports.lock().unwrap().clone();
        Box::pin(async move {
            let mut tries = 0;
            loop {
                let port = ports[self.turn.fetch_add(1, Ordering::Relaxed) % ports.len()];
                let mut request = request.clone();
                *request.uri_mut() = url(port).parse().unwrap();
                tries += 1;
                match self.http.send(request).await {
                    Err(_) if tries < ports.len() => {}
                    result => return result,
                }
            }
        })
    }
}

/// Counts how often the server has read the JWKS.
struct Reads(watch::Sender<usize>);

impl Observer for Reads {
    fn event(&self, event: &Event<'_>) {
        if let Event::JwksFetched { .. } = event {
            self.0.send_modify(|reads| *reads += 1);
        }
    }
}

/// The requests so far.
#[derive(Clone, Default)]
pub(crate) struct Requests {
    /// How often each key was accepted.
    pub(crate) accepted: BTreeMap<KeyId, usize>,
    /// How often each key was not in the server's copy.
    pub(crate) refused: BTreeMap<KeyId, usize>,
    /// Why other requests were refused.
    pub(crate) others: Vec<String>,
}

pub(crate) struct Server {
    endpoint: Arc<Endpoint>,
    reads: watch::Receiver<usize>,
}

struct Endpoint {
    verifier: ClientAssertionVerifier,
    replay: InMemoryReplayStore,
    jwks: RemoteJwks,
    requests: Mutex<Requests>,
}

impl Server {
    /// A server whose URL of the JWKS leads to this balancer.
    pub(crate) async fn start(listener: TcpListener, balancer: Balancer) -> Self {
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let (count, reads) = watch::channel(0);
        // A set is read again when four fifths of this are over.
        let fresh = PROPAGATION * 5 / 4;
        let jwks = RemoteJwks::builder("http://127.0.0.1/jwks.json").http(balancer).observer(Reads(count));
        let jwks = jwks.freshness_bounds(fresh, fresh).cool_down(PROPAGATION).build().unwrap();
        let endpoint = Arc::new(Endpoint {
            verifier: ClientAssertionVerifier::new(&*issuer),
            replay: InMemoryReplayStore::default(),
            jwks,
            requests: Mutex::default(),
        });
        let router = Router::new().route("/token", post(token)).with_state(Arc::clone(&endpoint));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint, reads }
    }

    pub(crate) fn requests(&self) -> Requests {
        self.endpoint.requests.lock().unwrap().clone()
    }

    /// How often the server has read the JWKS.
    pub(crate) fn reads(&self) -> usize {
        *self.reads.borrow()
    }

    /// Waits until the server has read the JWKS this often again.
    pub(crate) async fn reads_again(&self, times: usize) {
        let mut reads = self.reads.clone();
        let goal = self.reads() + times;
        let read = reads.wait_for(|reads| *reads >= goal);
        tokio::time::timeout(PROPAGATION * 10, read).await.expect("the server reads no JWKS").unwrap();
    }

    /// Waits until the server has accepted this key.
    pub(crate) async fn accepts(&self, key_id: &KeyId) {
        let accepted = async {
            while !self.endpoint.requests.lock().unwrap().accepted.contains_key(key_id) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PROPAGATION * 10, accepted).await.expect("the server accepts no such key");
    }
}

impl Endpoint {
    async fn authenticate(&self, form: &[u8]) -> Result<(), RemoteJwksError> {
        let unverified = self.verifier.parse(form)?;
        let verified = self.jwks.verify_assertion(unverified, Algorithm::ES256).await?;
        self.replay.spend(verified, OffsetDateTime::now_utc()).await?;
        Ok(())
    }
}

async fn token(State(endpoint): State<Arc<Endpoint>>, form: Bytes) -> impl IntoResponse {
    let result = endpoint.authenticate(&form).await;
    let mut requests = endpoint.requests.lock().unwrap();
    let (status, body) = match &result {
        Ok(()) => {
            *requests.accepted.entry(key_id(&form)).or_default() += 1;
            (StatusCode::OK, r#"{"access_token":"t","token_type":"Bearer","expires_in":60}"#)
        }
        Err(error) => {
            match error {
                RemoteJwksError::Token(VerifierError::Jose(JoseError::NoMatchingKey { .. })) => {
                    *requests.refused.entry(key_id(&form)).or_default() += 1;
                }
                other => requests.others.push(other.to_string()),
            }
            (StatusCode::UNAUTHORIZED, r#"{"error":"invalid_client"}"#)
        }
    };
    (status, [(header::CONTENT_TYPE, "application/json")], body)
}

/// The key that signed the assertion of a form.
fn key_id(form: &[u8]) -> KeyId {
    let mut parameters = form_urlencoded::parse(form);
    let (_, assertion) = parameters.find(|(name, _)| name == "client_assertion").unwrap();
    CompactJws::parse(&assertion).unwrap().header().key_id.clone().unwrap()
}
