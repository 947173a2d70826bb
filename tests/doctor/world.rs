//! A network without sockets: the dev server, documents at URLs, and what a test puts in between.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response};
use private_key_jwt::dev_server::DevServer;
use private_key_jwt::doctor::{KeySource, Report, Setup, examine};
use private_key_jwt::keys::BoxFuture;
use private_key_jwt::transport::{HttpClient, TransportError};
use private_key_jwt::{JwkSet, PrivateKey};
use serde_json::Value;

use crate::support::clock::TestClock;
use crate::support::http::{Answer, answer};

pub(crate) const ORIGIN: &str = "http://127.0.0.1:8080";
pub(crate) const JWKS_URL: &str = "https://app.example/jwks";

type Between = Arc<dyn Fn(&Request<Vec<u8>>) -> Option<Answer> + Send + Sync>;

/// Clones are the same network.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) dev: DevServer,
    /// The clock of the server.
    pub(crate) server_clock: TestClock,
    /// The clock of the machine that the doctor runs on.
    pub(crate) clock: TestClock,
    documents: BTreeMap<String, Answer>,
    between: Option<Between>,
    /// The requests so far, as method and URL.
    log: Arc<Mutex<Vec<String>>>,
}

impl World {
    /// A dev server that knows the client `client` by the public key of this key.
    pub(crate) fn new(key: &PrivateKey) -> Self {
        let server_clock = TestClock::new();
        let dev = DevServer::builder().clock(server_clock.clone()).build(ORIGIN).unwrap();
        dev.register("client", JwkSet::from(key.public_jwk().clone())).unwrap();
        Self {
            dev,
            server_clock,
            clock: TestClock::new(),
            documents: BTreeMap::new(),
            between: None,
            log: Arc::default(),
        }
    }

    /// Answers this URL like this.
    pub(crate) fn with(mut self, url: &str, answer: Answer) -> Self {
        self.documents.insert(url.to_owned(), answer);
        self
    }

    /// Publishes this document at [`JWKS_URL`].
    pub(crate) fn publishing(self, headers: &[(&str, &str)], json: &str) -> Self {
        self.with(JWKS_URL, answer(200, headers, json))
    }

    /// Asks this function before the dev server.
    pub(crate) fn between(
        mut self,
        between: impl Fn(&Request<Vec<u8>>) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        self.between = Some(Arc::new(between));
        self
    }

    /// Changes the metadata of the dev server.
    pub(crate) fn with_metadata(self, change: impl Fn(&mut serde_json::Map<String, Value>)) -> Self {
        let url = format!("{}/.well-known/openid-configuration", self.dev.issuer());
        let request = Request::get(&url).header("host", "127.0.0.1:8080").body(Vec::new()).unwrap();
        let response = self.dev.respond(&request, crate::support::now());
        let mut metadata: Value = serde_json::from_slice(response.body()).unwrap();
        change(metadata.as_object_mut().unwrap());
        self.with(&url, answer(200, &[], metadata.to_string()))
    }

    pub(crate) fn setup(&self, key: impl Into<KeySource>) -> Setup {
        self.setup_at(self.dev.issuer(), key)
    }

    pub(crate) fn setup_at(&self, issuer: &str, key: impl Into<KeySource>) -> Setup {
        Setup::new(issuer, "client", key).http(self.clone()).clock(self.clock.clone())
    }

    pub(crate) async fn examine(&self, key: impl Into<KeySource>) -> Report {
        examine(&self.setup(key)).await
    }

    /// The token requests so far.
    pub(crate) fn token_requests(&self) -> usize {
        self.log.lock().unwrap().iter().filter(|line| line.starts_with("POST ")).count()
    }

    /// The requests so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

impl HttpClient for World {
    fn send(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, TransportError>> {
        let url = request.uri().to_string();
        self.log.lock().unwrap().push(format!("{} {url}", request.method()));
        if let Some(answer) = self.between.as_ref().and_then(|between| between(&request)) {
            return Box::pin(std::future::ready(answer));
        }
        if let Some(answer) = self.documents.get(&url).filter(|_| request.method() == Method::GET) {
            return Box::pin(std::future::ready(answer.clone()));
        }
        if !url.starts_with(ORIGIN) {
            let host = request.uri().host().unwrap_or_default().to_owned();
            let error = TransportError::Connect { host, source: "no such host".into() };
            return Box::pin(std::future::ready(Err(error)));
        }
        let mut request = request;
        request.headers_mut().insert("host", "127.0.0.1:8080".parse().unwrap());
        Box::pin(async move { self.dev.send(request).await })
    }
}

/// The JWK Set of a key, after a change of its only JWK.
pub(crate) fn jwks(key: &PrivateKey, change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> String {
    let mut jwk: Value = serde_json::from_str(&key.public_jwk().to_json()).unwrap();
    change(jwk.as_object_mut().unwrap());
    serde_json::json!({ "keys": [jwk] }).to_string()
}

/// A JWK Set of these keys.
pub(crate) fn set(keys: &[&PrivateKey]) -> String {
    keys.iter().map(|key| key.public_jwk().clone()).collect::<JwkSet>().to_json()
}
