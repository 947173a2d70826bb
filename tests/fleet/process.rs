//! A process that follows the folder: it requests tokens and serves the JWKS.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::Router;
use private_key_jwt::rotation::KeyDirectory;
use private_key_jwt::{AuthorizationServer, Error, TokenClient, TokenRequest};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::support::load::{self, Outcome};
use crate::{CALLS_PER_SECOND, LIFETIME};

/// Marks a process as one of the three: the folder, and the issuer.
const FOLDER: &str = "PRIVATE_KEY_JWT_TEST_FOLDER";
const ISSUER: &str = "PRIVATE_KEY_JWT_TEST_ISSUER";
pub(crate) const PROCESSES: usize = 3;
/// Two make all calls while the third is down.
const CALLS_PER_PROCESS: u32 = CALLS_PER_SECOND / 2;

/// What each process has.
pub(crate) struct Process {
    pub(crate) keys: KeyDirectory,
    pub(crate) client: TokenClient,
    /// The port of its JWKS.
    pub(crate) port: u16,
}

impl Process {
    pub(crate) async fn start(folder: &Path, issuer: &str) -> Self {
        let keys = KeyDirectory::open(folder).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().route_service("/jwks.json", keys.jwks_service());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let server = AuthorizationServer::new(issuer, format!("{issuer}/token")).unwrap();
        let client = TokenClient::builder(server, "client", keys.ring()).assertion_lifetime(LIFETIME);
        Self { keys, client: client.build().unwrap(), port }
    }
}

/// A token that is not in the cache.
pub(crate) fn call(client: &TokenClient) -> impl Future<Output = Result<(), Error>> + Send + use<> {
    let client = client.clone();
    async move { client.request(&TokenRequest::client_credentials(())).await.map(drop) }
}

/// Whether this process is one of the three. Then it works until its input ends or it is killed.
pub(crate) async fn is_one_of_three() -> bool {
    let (Ok(folder), Ok(issuer)) = (std::env::var(FOLDER), std::env::var(ISSUER)) else { return false };
    let process = Process::start(Path::new(&folder), &issuer).await;
    println!("serves {}", process.port);
    let input = tokio::task::spawn_blocking(|| std::io::stdin().lines().count());
    let _ = load::during(input, CALLS_PER_PROCESS, || {
        let call = call(&process.client);
        async move {
            let began = Instant::now();
            let result = call.await;
            let failure = result.as_ref().err().map(Error::to_string).unwrap_or_default();
            println!("called {} {failure}", began.elapsed().as_micros());
            result
        }
    })
    .await;
    true
}

/// One of the three, as the test sees it. Its calls are noted as they end, since it may be killed.
pub(crate) struct Replica {
    process: Child,
    port: watch::Receiver<Option<u16>>,
    reader: Option<JoinHandle<()>>,
}

impl Replica {
    pub(crate) fn start(folder: &Path, issuer: &str, outcome: &Arc<Mutex<Outcome<String>>>) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", crate::NAME, "--nocapture", "--test-threads", "1"])
            .env(FOLDER, folder)
            .env(ISSUER, issuer)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, port) = watch::channel(None);
        let (output, outcome) = (BufReader::new(process.stdout.take().unwrap()), Arc::clone(outcome));
        let reader = std::thread::spawn(move || {
            for line in output.lines() {
                let line = line.unwrap();
                // The harness writes the name of the test without ending the line.
                if let Some((_, port)) = line.split_once("serves ") {
                    sender.send_replace(Some(port.parse().unwrap()));
                } else if let Some((time, failure)) =
                    line.strip_prefix("called ").and_then(|call| call.split_once(' '))
                {
                    let failure = Some(failure.to_owned()).filter(|failure| !failure.is_empty());
                    let time = Duration::from_micros(time.parse().unwrap());
                    outcome.lock().unwrap().add(time, failure);
                }
            }
        });
        Self { process, port, reader: Some(reader) }
    }

    /// The port of its JWKS, once it runs.
    pub(crate) async fn port(&mut self) -> u16 {
        let port = self.port.wait_for(Option::is_some);
        let port =
            tokio::time::timeout(Duration::from_secs(30), port).await.expect("a process does not start");
        port.expect("a process ended").unwrap()
    }

    /// Ends the input, and waits for the rest of its calls, which need the server of this runtime.
    pub(crate) fn end(mut self) {
        drop(self.process.stdin.take());
        let ended = tokio::task::block_in_place(|| self.process.wait()).unwrap();
        assert!(ended.success(), "{ended}");
        self.reader.take().unwrap().join().unwrap();
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
