//! Third-party clients, each with its defaults, with the dev server. A client is a program below
//! `clients/` that prints a line for each step.

mod go;
mod java;
mod node;
mod python;
mod quarkus;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use private_key_jwt::dev_server::{ClientKeys, DevServer, DevServerBuilder};
use private_key_jwt::transport::ReqwestClient;
use private_key_jwt::{JwkSet, PrivateKey};
use serde_json::json;
use time::OffsetDateTime;
use tokio::net::TcpListener;

use crate::peers::run;
use crate::support::{loopback, testdata};

/// The certificate of a server at `localhost`, and of its own CA.
const LOCALHOST: &str = "p256.localhost.cert.pem";

/// A dev server that knows the clients of this suite and keeps its log.
struct Host {
    issuer: String,
    log: Arc<Mutex<Vec<String>>>,
    _server: Box<dyn Send>,
}

/// Accepts the longest lifetime that one of the clients gives its assertions by default.
fn builder() -> DevServerBuilder {
    DevServer::builder().longest_lifetime(Duration::from_secs(3600))
}

fn register(server: &DevServer) {
    for (client_id, file) in [("rsa", "rsa2048"), ("ec", "p256"), ("ed", "ed25519")] {
        let key = PrivateKey::from_bytes(&testdata(&format!("keys/{file}.pkcs8.pem"))).unwrap();
        let mut jwk = json!(key.public_jwk());
        // One key for every algorithm that it fits.
        jwk.as_object_mut().unwrap().remove("alg");
        let jwks = json!({"keys": [jwk]}).to_string();
        server.register(client_id, JwkSet::from_json(jwks.as_bytes()).unwrap()).unwrap();
    }
    let certificate = ClientKeys::from_bytes(&testdata("keys/rsa2048.cert.pem")).unwrap();
    server.register("certificate", certificate).unwrap();
    server.log_in_as("user-1");
}

async fn serve(builder: DevServerBuilder) -> Host {
    let log = Arc::<Mutex<Vec<String>>>::default();
    let lines = Arc::clone(&log);
    let listen = "127.0.0.1:0".parse().unwrap();
    let server =
        builder.bind_with(listen, move |line| lines.lock().unwrap().push(line.to_owned())).await.unwrap();
    register(&server);
    Host { issuer: server.issuer().to_owned(), log, _server: Box::new(server) }
}

/// Like [`serve`], over TLS at `localhost`, for the clients that require it: MSAL, which also sends
/// an assertion more than once.
async fn serve_tls(builder: DevServerBuilder) -> Host {
    let acceptor = loopback::acceptor(LOCALHOST, None);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server =
        builder.build(&format!("https://localhost:{}", listener.local_addr().unwrap().port())).unwrap();
    register(&server);
    let log = Arc::<Mutex<Vec<String>>>::default();
    let (issuer, lines) = (server.issuer().to_owned(), Arc::clone(&log));
    let mut connections = tokio::task::JoinSet::new();
    let task = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, server, lines) = (acceptor.clone(), server.clone(), Arc::clone(&lines));
            connections.spawn(async move {
                // A client may disconnect before the handshake ends, or keep its connection open.
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = hyper::service::service_fn(|request| answer(&server, &lines, request));
                let http = hyper::server::conn::http1::Builder::new();
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Host { issuer, log, _server: Box::new(Ends(task)) }
}

async fn answer(
    server: &DevServer,
    log: &Mutex<Vec<String>>,
    request: http::Request<Incoming>,
) -> Result<http::Response<Full<Bytes>>, hyper::Error> {
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes().to_vec();
    parts.uri = of_entra(parts.uri.to_string()).parse().unwrap();
    let request = http::Request::from_parts(parts, body);
    let exchange =
        server.handle_with(&request, OffsetDateTime::now_utc(), &ReqwestClient::new().unwrap()).await;
    log.lock().unwrap().push(exchange.outcome);
    Ok(exchange.response.map(|body| Full::new(body.into())))
}

/// MSAL for Java and Go have the endpoints of Entra ID built in, and do not use discovery.
fn of_entra(uri: String) -> String {
    uri.replacen("/oauth2/v2.0/", "/as/", 1).replacen("/as/v2.0/.well-known/", "/as/.well-known/", 1)
}

/// Ends a task when it is dropped.
struct Ends(tokio::task::JoinHandle<()>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Host {
    /// Runs a client to its end and checks each line. Prints what it requested, how often, and with
    /// which algorithm.
    async fn expect(&self, name: &str, mut client: Command, expected: &[&str]) {
        client
            .env("ISSUER", &self.issuer)
            .env("KEYS", data("keys"))
            .envs(
                ["CA", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"]
                    .map(|name| (name, data(&format!("keys/{LOCALHOST}")))),
            )
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("NO_PROXY", "127.0.0.1,localhost");
        let output = tokio::task::spawn_blocking(move || run(&mut client, "")).await.unwrap();
        let log = self.log.lock().unwrap().join("\n");
        let lines = output.unwrap_or_else(|error| panic!("{name}: {error}\n{log}"));
        assert_eq!(lines.lines().collect::<Vec<_>>(), expected, "{name}; the log of the server:\n{log}");
        for (what, count) in self.counts() {
            println!("{name} at the dev server, {what}: {count}");
        }
    }

    /// How often each endpoint was called, with which algorithm and outcome.
    fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for line in self.log.lock().unwrap().iter() {
            let path = line.split(' ').find(|word| word.starts_with('/')).unwrap();
            let status = line.split(' ').skip_while(|word| *word != path).nth(1).unwrap();
            let path = path.rsplit_once("/as").map_or(path, |(_, path)| path);
            let algorithm = line.split(' ').find_map(|word| word.strip_prefix("alg=")).unwrap_or("-");
            *counts.entry(format!("{path}, {algorithm}, {status}")).or_insert(0) += 1;
        }
        counts
    }
}

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(path)
}
