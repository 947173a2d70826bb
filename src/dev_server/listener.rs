//! HTTP/1.1 on a loopback port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use time::OffsetDateTime;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::answer::Exchange;
use super::builder::DevServerBuilder;
use super::error::DevServerError;
use super::refused::Refused;
use super::server::DevServer;
use crate::transport::ReqwestClient;

/// The longest body of a request, in bytes.
const MAX_BODY_LEN: usize = 64 * 1024;
/// How much of an oversized body the server reads and discards, so that the client still reads the
/// answer.
const MAX_DISCARDED_LEN: usize = 1 << 20;
/// How long a client may take to send its header, and again to send its body.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum number of connections at a time. Further ones are closed.
const MAX_CONNECTIONS: usize = 256;

/// A [`DevServer`] that listens on a loopback port. Dropping it stops the server.
#[derive(Debug)]
pub struct RunningDevServer {
    server: DevServer,
    local_addr: SocketAddr,
    task: JoinHandle<()>,
}

impl DevServer {
    /// Listens on a loopback address and serves from a tokio task until the returned value is
    /// dropped. Port 0 picks any free port. The origin is the address itself, so the issuer is
    /// `http://127.0.0.1:PORT/…`. Use [`DevServer::builder`] to change settings.
    ///
    /// # Errors
    ///
    /// [`DevServerError::NotLoopback`] if other machines can reach the address,
    /// [`DevServerError::Listen`] if the server cannot listen on it, [`DevServerError::Key`] and
    /// [`DevServerError::Transport`] if the server's key or its HTTP client cannot be made.
    pub async fn bind(listen: SocketAddr) -> Result<RunningDevServer, DevServerError> {
        Self::builder().bind(listen).await
    }

    /// As [`DevServer::bind`], but also calls `log` with one line per request,
    /// [`Exchange::outcome`].
    ///
    /// # Errors
    ///
    /// As [`DevServer::bind`].
    pub async fn bind_with(
        listen: SocketAddr,
        log: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<RunningDevServer, DevServerError> {
        Self::builder().bind_with(listen, log).await
    }
}

impl DevServerBuilder {
    /// Listens on a loopback address, as [`DevServer::bind`] does.
    ///
    /// # Errors
    ///
    /// Those of [`DevServer::bind`].
    pub async fn bind(&self, listen: SocketAddr) -> Result<RunningDevServer, DevServerError> {
        self.bind_with(listen, |_| {}).await
    }

    /// Listens on a loopback address and calls `log` with one line per request, as
    /// [`DevServer::bind_with`] does.
    ///
    /// # Errors
    ///
    /// Those of [`DevServer::bind`].
    pub async fn bind_with(
        &self,
        listen: SocketAddr,
        log: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<RunningDevServer, DevServerError> {
        if !listen.ip().is_loopback() {
            return Err(DevServerError::NotLoopback { address: listen });
        }
        let failed = |source| DevServerError::Listen { address: listen, source: Arc::new(source) };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let local_addr = listener.local_addr().map_err(failed)?;
        let server = self.build(&format!("http://{local_addr}"))?;
        server.make_keys_ahead();
        let shared = Arc::new(Shared { server: server.clone(), http: ReqwestClient::new()?, log });
        let task = tokio::spawn(accept(listener, shared));
        Ok(RunningDevServer { server, local_addr, task })
    }
}

impl RunningDevServer {
    /// The server.
    #[must_use]
    pub const fn server(&self) -> &DevServer {
        &self.server
    }

    /// The address that the server listens on.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Keeps serving while this future is awaited. It does not end by itself; dropping the future
    /// stops the server.
    pub async fn wait(mut self) {
        // An error means that the task was stopped, which is what this waits for.
        let _ = (&mut self.task).await;
    }
}

impl std::ops::Deref for RunningDevServer {
    type Target = DevServer;

    fn deref(&self) -> &DevServer {
        &self.server
    }
}

impl Drop for RunningDevServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Shared<L> {
    server: DevServer,
    http: ReqwestClient,
    log: L,
}

/// The connections are tasks of this task, so they end with it.
async fn accept<L: Fn(&str) + Send + Sync + 'static>(listener: TcpListener, shared: Arc<Shared<L>>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = listener.accept().await;
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) if connections.len() < MAX_CONNECTIONS => {
                connections.spawn(serve(stream, Arc::clone(&shared)));
            }
            Ok(_) => {}
            // Out of file descriptors, or the client closed the connection at once. Neither lasts.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn serve<L: Fn(&str) + Send + Sync + 'static>(stream: TcpStream, shared: Arc<Shared<L>>) {
    let service = service_fn(|request: http::Request<Incoming>| async {
        let exchange = shared.exchange(request).await?;
        (shared.log)(&exchange.outcome);
        Ok::<_, hyper::Error>(exchange.response.map(Full::<Bytes>::from))
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(READ_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // A broken connection affects only its client, unless it never spoke HTTP: that is logged.
    if served.is_err_and(|error| error.is_parse()) {
        (shared.log)("400 not HTTP/1.1: this server speaks plain http, not https");
    }
}

impl<L> Shared<L> {
    async fn exchange(&self, request: http::Request<Incoming>) -> Result<Exchange, hyper::Error> {
        let (parts, body) = request.into_parts();
        let refused = |status, description| {
            let refused = Refused::new(status, "invalid_request", description);
            Exchange::new(&parts.method, parts.uri.path(), Err(refused))
        };
        match tokio::time::timeout(READ_TIMEOUT, read(body)).await {
            Err(_) => Ok(refused(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")),
            Ok(Err(error)) => Err(error),
            Ok(Ok(None)) => Ok(refused(StatusCode::PAYLOAD_TOO_LARGE, "the body has more than 65536 bytes")),
            Ok(Ok(Some(body))) => {
                let request = http::Request::from_parts(parts, body);
                Ok(self.server.handle_with(&request, OffsetDateTime::now_utc(), &self.http).await)
            }
        }
    }
}

/// Reads the body. Returns `None` if it is too long.
async fn read(mut body: Incoming) -> Result<Option<Vec<u8>>, hyper::Error> {
    let mut bytes = Vec::new();
    let mut len = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        len = len.saturating_add(data.len());
        if len <= MAX_BODY_LEN {
            bytes.extend_from_slice(&data);
        } else if len > MAX_DISCARDED_LEN {
            break;
        }
    }
    Ok((len <= MAX_BODY_LEN).then_some(bytes))
}
