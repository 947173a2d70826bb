//! `pkjwt serve-jwks`: the JWK Set of a folder or of files at a URL, and nothing else.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{IF_NONE_MATCH, USER_AGENT};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use private_key_jwt::rotation::{JwksResponse, KeyDirectory};
use private_key_jwt::{JwkSet, PrivateKey};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::assertion::positive_duration;
use crate::error::{Context, Failure};
use crate::jwks::Keys;
use crate::serve::{address, timestamp};
use crate::{key_folder, output, source};

const EXAMPLE: &str = "Examples:
  pkjwt serve-jwks keys/                           # a folder of private keys
  pkjwt serve-jwks --listen 0.0.0.0:8080 jwks.json next.pem
  curl -i http://127.0.0.1:8080/jwks.json

The server reads its files again when they change. While one of them cannot be read, stderr says why, and the keys
that were read before stay.

It speaks plain http, and authorization servers accept https only: put a proxy with a certificate in front.";

/// How long a connection may take. It has one request.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long connections may take when the server stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);
/// Further connections wait.
const MAX_CONNECTIONS: usize = 256;
/// How often the files are read.
const POLL: Duration = Duration::from_secs(1);

/// Serve the JWK Set of a folder of keys, or of files
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    #[command(flatten)]
    keys: Keys,
    /// Address to listen on; port 0 picks any free port
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8080", value_parser = address)]
    listen: SocketAddr,
    /// Path of the JWK Set
    #[arg(long, value_name = "PATH", default_value = "/jwks.json", value_parser = path)]
    path: String,
    /// Longest time that an authorization server may keep a copy: 10m, 24h, or plain seconds.
    /// Caches keep one for a third of it, and for an hour at most
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = positive_duration)]
    propagation: Duration,
    /// Print JSON, one object per line: the URL, the keys after each change, and each request
    #[arg(long)]
    json: bool,
}

/// A path of a URL, without a query.
fn path(text: &str) -> Result<String, &'static str> {
    let path = text.parse::<http::uri::PathAndQuery>().ok();
    let path = path.filter(|path| path.as_str() == text && path.query().is_none() && text.starts_with('/'));
    path.map(|_| text.to_owned()).ok_or("expected a path that begins with /, such as /jwks.json")
}

/// Runs the command until it is interrupted.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let log = Log { is_json: arguments.json };
    crate::block_on(async {
        let mut source = Source::open(arguments).await?;
        let first = source.read_changes()?.unwrap_or_else(|| JwksResponse::new(&JwkSet::default(), POLL));
        let interrupted = interrupted().context("serve-jwks")?;
        let listener = TcpListener::bind(arguments.listen).await.context("--listen")?;
        let local = listener.local_addr().context("--listen")?;
        log.url(&format!("http://{local}{}", arguments.path))?;
        log.keys(&first);
        let (published, jwks) = watch::channel(first);
        let server = Arc::new(Server { path: arguments.path.clone(), jwks, log });
        let (running, stopping) = watch::channel(());
        let mut connections = JoinSet::new();
        let ended = tokio::select! {
            () = accept(&listener, &mut connections, &server, &stopping) => Ok(()),
            ended = follow(source, &published, log) => ended,
            () = interrupted => Ok(()),
        };
        drop((listener, running));
        let rest = async { while connections.join_next().await.is_some() {} };
        // Those that are not done by then end with the runtime.
        let _ = tokio::time::timeout(STOP_TIMEOUT, rest).await;
        ended
    })?
}

/// Returns once Ctrl-C or a service manager ends the process.
#[cfg(unix)]
fn interrupted() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn interrupted() -> io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}

/// Where the keys come from.
enum Source {
    /// A folder, which is watched.
    Folder(KeyDirectory),
    Files(Files),
}

impl Source {
    async fn open(arguments: &Arguments) -> Result<Self, Failure> {
        let (keys, propagation) = (arguments.keys.clone(), arguments.propagation);
        if keys.paths().iter().any(|path| source::is_stdin(path)) {
            return Err(Failure::usage("-", "standard input cannot be read again; use a file"));
        }
        Ok(match keys.folder()? {
            Some(folder) => Self::Folder(key_folder::open(folder, keys.options(), propagation).await?),
            None => Self::Files(Files { keys, propagation, digest: None }),
        })
    }

    /// Reads the keys if they may have changed.
    fn read_changes(&mut self) -> Result<Option<JwksResponse>, Failure> {
        match self {
            Self::Folder(folder) => Ok(Some(folder.jwks_response())),
            Self::Files(files) => files.read_changes(),
        }
    }
}

struct Files {
    keys: Keys,
    propagation: Duration,
    /// A digest of the files at the time of the last read.
    digest: Option<Vec<u8>>,
}

impl Files {
    fn read_changes(&mut self) -> Result<Option<JwksResponse>, Failure> {
        match self.digest() {
            Ok(digest) if self.digest.as_ref() == Some(&digest) => Ok(None),
            // The digest was taken before the keys are read, so that a change meanwhile is noticed.
            Ok(digest) => {
                self.digest = Some(digest);
                self.read().map(Some)
            }
            Err(failure) => {
                self.digest = None;
                Err(failure)
            }
        }
    }

    fn read(&self) -> Result<JwksResponse, Failure> {
        let max_age = (self.propagation / 3).min(JwksResponse::MAX_AGE);
        Ok(JwksResponse::new(&JwkSet::from_iter(self.keys.files()?), max_age))
    }

    fn digest(&self) -> Result<Vec<u8>, Failure> {
        let mut all = Sha256::new();
        for path in self.keys.paths() {
            all.update(Sha256::digest(&*source::read(path, PrivateKey::MAX_FILE_LEN)?));
        }
        Ok(all.finalize().to_vec())
    }
}

/// Publishes every change of the files. While they cannot be read, what was read before stays.
async fn follow(mut source: Source, jwks: &watch::Sender<JwksResponse>, log: Log) -> Result<(), Failure> {
    let mut problem = None;
    loop {
        tokio::time::sleep(POLL).await;
        // Reading an encrypted key takes time, and may ask for its passphrase.
        let read = move || (source.read_changes(), source);
        let (read, its_source) = tokio::task::spawn_blocking(read).await.context("serve-jwks")?;
        source = its_source;
        match read {
            Ok(None) => {}
            Ok(Some(new)) => {
                if problem.take().is_some() {
                    output::note("pkjwt: the keys can be read again");
                }
                if *jwks.borrow() != new {
                    log.keys(&new);
                    jwks.send_replace(new);
                }
            }
            Err(failure) => {
                let line = failure.line();
                if problem.as_ref() != Some(&line) {
                    output::note(&format!("{line}; the keys that were read before stay"));
                }
                problem = Some(line);
            }
        }
    }
}

/// Accepts connections.
async fn accept(
    listener: &TcpListener,
    connections: &mut JoinSet<()>,
    server: &Arc<Server>,
    stopping: &watch::Receiver<()>,
) {
    loop {
        let accepted = listener.accept().await;
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, or the client closed the connection at once. Neither lasts.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        if connections.len() >= MAX_CONNECTIONS {
            connections.join_next().await;
        }
        connections.spawn(serve(stream, Arc::clone(server), stopping.clone()));
    }
}

async fn serve(stream: TcpStream, server: Arc<Server>, mut stopping: watch::Receiver<()>) {
    let service = service_fn(|request: Request<Incoming>| {
        let response = server.respond(&request);
        async { Ok::<_, Infallible>(response) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(CONNECTION_TIMEOUT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let served = async {
        tokio::select! {
            served = connection.as_mut() => served,
            _ = stopping.changed() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    };
    // A broken connection affects only its client.
    let _ = tokio::time::timeout(CONNECTION_TIMEOUT, served).await;
}

/// The answers.
struct Server {
    path: String,
    jwks: watch::Receiver<JwksResponse>,
    log: Log,
}

impl Server {
    fn respond(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        let response = if path == self.path {
            let known = request.headers().get_all(IF_NONE_MATCH);
            self.jwks.borrow().respond(request.method(), known)
        } else {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        };
        let agent = request.headers().get(USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()));
        let agent = agent.map(|agent| format!(" user-agent={agent:?}")).unwrap_or_default();
        self.log.request(&format!("{} {path} {}{agent}", request.method(), response.status().as_u16()));
        response
    }
}

/// What the command prints.
#[derive(Clone, Copy)]
struct Log {
    is_json: bool,
}

impl Log {
    fn url(self, url: &str) -> Result<(), Failure> {
        if self.is_json { json_line([("url", url.into())]) } else { output::line(&format!("url: {url}")) }
    }

    /// The keys that are served from now on.
    fn keys(self, jwks: &JwksResponse) {
        let set = JwkSet::from_json(jwks.body().as_bytes()).unwrap_or_default();
        let names = set.keys().iter().filter_map(|key| key.key_id()).map(|name| name.as_str());
        let names: Vec<&str> = names.collect();
        self.event("keys", names.clone().into(), &format!("keys: {}", names.join(", ")));
    }

    fn request(self, line: &str) {
        self.event("request", line.into(), line);
    }

    /// Requests are served even if no one reads the log.
    fn event(self, name: &'static str, value: Value, line: &str) {
        drop(if self.is_json {
            json_line([("time", timestamp().into()), (name, value)])
        } else {
            output::line(&output::printable(&format!("{} {line}", timestamp())))
        });
    }
}

/// Prints an object in one line.
fn json_line(members: impl IntoIterator<Item = (&'static str, Value)>) -> Result<(), Failure> {
    let members = members.into_iter().map(|(name, value)| (name.to_owned(), value));
    output::line(&output::ascii(&Value::Object(members.collect()).to_string()))
}
